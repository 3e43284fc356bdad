"use strict";
const at = (id) => document.getElementById(id);
let examples = [];
let worker, code, file, began, wanted;

function start() {
  at("run").disabled = true;
  worker = new Worker("worker.js");
  worker.onmessage = ({data}) => {
    if (data.ready) ready(data);
    else if (data.fatal) fail(data.fatal);
    else if (data.answer) show(data.answer);
    else if (data.cycle !== undefined) at("state").textContent = `${data.blocks} of ${data.total} blocks, ${data.cycle.toLocaleString("en")} cycles, ${seconds()} s`;
    else list(data);
  };
  worker.onerror = (e) => fail(e.message);
}
const seconds = () => ((performance.now() - began) / 1000).toFixed(1);

function ready({ready, ms}) {
  if (!at("gpu").length) {
    at("gpu").append(...ready.gpus.map((g) => new Option(g, g, false, g === "gtx1080ti")));
    at("check").append(...ready.checks.map((c) => new Option(c)));
  }
  at("state").textContent = `Ready after ${(ms / 1000).toFixed(1)} s; model ${ready.model}.`;
  document.body.dataset.ready = Math.round(ms);
  if (code) ask(); else example();
}

function fail(text) {
  at("error").textContent = text;
  at("stop").disabled = true;
  at("run").disabled = !code;
}

async function example() {
  const e = examples[at("example").selectedIndex];
  const response = await fetch(e.file);
  if (!response.ok) return fail(`${e.file}: ${response.status} ${response.statusText}`);
  at("grid").value = e.grid;
  at("block").value = e.block;
  at("args").value = e.args.join("\n");
  take(e.file, await response.arrayBuffer(), e.kernel);
}

function take(name, bytes, kernel) {
  [file, code, wanted] = [name, new Uint8Array(bytes), kernel];
  ask();
}

function ask() {
  at("error").textContent = "";
  worker.postMessage({list: true, file, code});
}

function list(data) {
  at("kernel").replaceChildren(...(data.kernels ?? []).map((k) => new Option(k, k, false, k === wanted)));
  at("run").disabled = !data.kernels;
  if (data.error) fail(data.error);
}

function show(answer) {
  at("stop").disabled = true;
  at("run").disabled = false;
  if (answer.error) {
    at("state").textContent = "";
    return fail(answer.error);
  }
  at("state").textContent = `Done in ${seconds()} s.`;
  at("rows").replaceChildren(...answer.rows.map((r) => {
    const row = document.createElement("tr");
    for (const text of r) row.insertCell().textContent = text;
    return row;
  }));
  at("output").textContent = answer.output;
  at("profile").srcdoc = answer.page;
  at("result").hidden = false;
}

at("form").onsubmit = (e) => {
  e.preventDefault();
  at("error").textContent = "";
  at("result").hidden = true;
  at("run").disabled = true;
  at("stop").disabled = false;
  at("state").textContent = "Running …";
  began = performance.now();
  wanted = at("kernel").value;
  const args = at("args").value.split("\n").map((a) => a.trim()).filter((a) => a);
  const checks = at("check").value ? [at("check").value] : [];
  worker.postMessage({code, request: {file, kernel: wanted, gpu: at("gpu").value, grid: at("grid").value, block: at("block").value, args, checks}});
};
at("stop").onclick = () => {
  worker.terminate();
  at("stop").disabled = true;
  at("state").textContent = "Stopped; the simulator is being loaded again …";
  start();
};
at("example").onchange = example;
at("file").onchange = async () => { const f = at("file").files[0]; if (f) take(f.name, await f.arrayBuffer(), ""); };
at("drop").ondragover = (e) => { e.preventDefault(); at("drop").classList.add("over"); };
at("drop").ondragleave = () => at("drop").classList.remove("over");
at("drop").ondrop = async (e) => {
  e.preventDefault();
  at("drop").classList.remove("over");
  const f = e.dataTransfer.files[0];
  if (f) take(f.name, await f.arrayBuffer(), "");
};
(async () => {
  examples = await (await fetch("examples.json")).json();
  at("example").append(...examples.map((e) => new Option(e.name)));
  start();
})();
