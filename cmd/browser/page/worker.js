// The simulator runs here, beside the page, so that the page stays usable and can end it.
"use strict";
importScripts("wasm_exec.js");
const began = performance.now();
globalThis.warpdropReady = (text) => postMessage({ready: JSON.parse(text), ms: performance.now() - began});
globalThis.warpdropProgress = (cycle, blocks, total) => postMessage({cycle, blocks, total});
onmessage = ({data}) => {
  if (data.list) postMessage({file: data.file, ...JSON.parse(warpdropKernels(data.file, data.code))});
  else postMessage({answer: JSON.parse(warpdropRun(JSON.stringify(data.request), data.code))});
};
(async () => {
  const go = new Go();
  try {
    const response = await fetch("warpdrop.wasm");
    if (!response.ok) throw new Error(`warpdrop.wasm: ${response.status} ${response.statusText}`);
    const {instance} = await WebAssembly.instantiate(await response.arrayBuffer(), go.importObject);
    await go.run(instance);
    postMessage({fatal: "the simulator ended"});
  } catch (e) {
    postMessage({fatal: String(e)});
  }
})();
