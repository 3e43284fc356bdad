// Runs beside a page in a frame, see .ci/browser: tries what a reader would do, and puts what it found into the body's data-answer.
"use strict"
const settled = () => new Promise(done => setTimeout(done, 60))
const faults = []
const fault = text => { if (faults.length < 8) faults.push(text) }

// rgb is a colour as three numbers and how much of it covers what is below.
function rgb(color) {
  const m = color.match(/[\d.]+/g)
  if (color.startsWith("#")) return [1, 3, 5].map(i => parseInt(color.slice(i, i + 2), 16)).concat(1)
  return m ? m.slice(0, 3).map(Number).concat(m.length > 3 ? Number(m[3]) : 1) : [0, 0, 0, 0]
}

function luminance(c) {
  const [r, g, b] = c.slice(0, 3).map(x => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

// ground is the colour behind an element: what lies over each other, mixed.
function ground(w, el) {
  const layers = []
  for (; el; el = el.parentElement) {
    const c = rgb(w.getComputedStyle(el).backgroundColor)
    if (c[3] > 0) layers.push(c)
    if (c[3] === 1) break
  }
  return layers.reverse().reduce((under, c) => [0, 1, 2].map(i => c[3] * c[i] + (1 - c[3]) * under[i]), [255, 255, 255])
}

function contrasts(w) {
  let n = 0
  for (const el of w.document.querySelectorAll("h1, h2, h3, p, td, th, th button, li, a, figcaption, summary, input, output, small, dd, dt, svg text")) {
    if (!el.textContent.trim() || el.closest("[hidden]") || el.getClientRects().length === 0) continue
    const style = w.getComputedStyle(el), ink = rgb(el.tagName === "text" ? style.fill : style.color), a = luminance(ink), b = luminance(ground(w, el))
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    n++
    if (ink[3] > 0.5 && ratio < 4.5) fault(`contrast ${ratio.toFixed(2)} of ${el.tagName} "${el.textContent.trim().slice(0, 40)}"`)
  }
  return n
}

// hover puts the pointer on the first point of a figure, and wants its value shown.
async function hover(w, el) {
  for (let tries = 0; tries < 3; tries++) { // a figure may be drawn anew meanwhile
    if (await point(w, el)) return true
    await new Promise(done => setTimeout(done, 300))
  }
  fault(`no value under the pointer in figure ${el.dataset.name}`)
  return false
}

// point tries once.
async function point(w, el) {
  const chart = JSON.parse(w.document.getElementById("data-" + el.dataset.name).textContent), c = w.echarts.getInstanceByDom(el)
  const s = chart.series.findIndex(s => (chart.kind !== "lines" || s.marks) && s.points.some(p => p.y !== null && (chart.kind !== "stacked" || p.y > 0)))
  const points = chart.series[s].points.filter(p => p.y !== null)
  const p = chart.kind === "lines" || chart.kind === "timeline" ? points[0] : points.reduce((a, b) => b.y > a.y ? b : a) // of bars the highest
  const places = []
  if (chart.kind === "lines" || chart.kind === "dots") places.push([p.x, p.y])
  else if (chart.kind === "stacked") places.push([p.y / 2, p.x])
  else if (chart.kind === "timeline") places.push([(p.x + p.y) / 2, p.row])
  else for (let d = -0.45; d < 0.46; d += 0.05) places.push([p.x, p.y / 2, d])
  el.scrollIntoView({ block: "center" })
  const box = el.getBoundingClientRect(), root = el.querySelector("svg").parentElement
  const band = chart.categories ? Math.abs(c.convertToPixel({ xAxisIndex: 0 }, 1) - c.convertToPixel({ xAxisIndex: 0 }, 0)) || el.clientWidth * 0.7 : 0
  for (const [x, y, d] of places) {
    const at = c.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [x, y])
    root.dispatchEvent(new w.MouseEvent("mousemove", { bubbles: true, clientX: box.left + at[0] + (d || 0) * band, clientY: box.top + at[1], view: w }))
    await settled()
    const tip = [...el.children].find(e => e.tagName === "DIV" && e !== root && e.style.visibility !== "hidden" && e.style.opacity !== "0" && /\d/.test(e.textContent))
    if (tip) {
      el.at = [at[0] + (d || 0) * band, at[1], p] // where a point is that clicks can try
      return true
    }
  }
  return false
}

// press does what a mouse does at a place of a figure.
async function press(w, el, x, y, kinds) {
  const box = el.getBoundingClientRect(), root = el.querySelector("svg").parentElement
  for (const kind of kinds) root.dispatchEvent(new w.MouseEvent(kind, { bubbles: true, cancelable: true, clientX: box.left + x, clientY: box.top + y, view: w }))
  await settled()
}

// links clicks the point that hover found, and wants its row of the table marked and in sight.
async function links(w, el) {
  if (!el.at || !(el.at[2].row >= 0) || w.echarts.getInstanceByDom(el).getOption().series[0].type === "custom") return 0 // a timeline's rows are its own
  const chart = JSON.parse(w.document.getElementById("data-" + el.dataset.name).textContent), c = w.echarts.getInstanceByDom(el)
  const near = q => q.y !== null && c.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [q.x, q.y]).every((v, i) => Math.abs(v - el.at[i]) < 10)
  const rows = [el.at[2], ...(chart.kind === "lines" || chart.kind === "dots" ? chart.series.flatMap(s => s.points).filter(near) : [])].map(q => "row" + q.row) // points can lie on each other
  await press(w, el, el.at[0], el.at[1], ["mousemove", "mousedown", "mouseup", "click"])
  await new Promise(done => setTimeout(done, 150))
  const row = w.document.querySelector("tr.marked")
  if (!row || !rows.includes(row.id)) { fault(`a click on a point of figure ${el.dataset.name} marks ${row ? row.id : "no row"}, not ${rows}`); return 0 }
  row.classList.remove("marked")
  return 1
}

// zooms turns the wheel with Ctrl over a figure, then takes a series away and back by its legend.
async function zooms(w, el) {
  el.scrollIntoView({ block: "center" })
  const c = w.echarts.getInstanceByDom(el), root = el.querySelector("svg").parentElement
  const shown = () => c.getOption().dataZoom.map(z => [z.start, z.end].join()).join()
  const before = shown()
  const frame = el.getBoundingClientRect()
  root.dispatchEvent(new w.WheelEvent("wheel", { bubbles: true, cancelable: true, ctrlKey: true, deltaY: -240, wheelDeltaY: 240, clientX: frame.left + frame.width * 0.6, clientY: frame.top + frame.height * 0.5, view: w }))
  await new Promise(done => setTimeout(done, 200))
  if (shown() === before) fault(`the wheel does not zoom figure ${el.dataset.name}`)
  c.dispatchAction({ type: "restore" })
  await settled()
  const names = c.getOption().legend[0].data, text = [...el.querySelectorAll("svg text")].find(t => t.textContent === names[0])
  if (names.length < 2 || !text) return
  const b = text.getBoundingClientRect(), box = el.getBoundingClientRect(), on = () => (c.getOption().legend[0].selected || {})[names[0]] !== false
  await press(w, el, b.left - box.left + b.width / 2, b.top - box.top + b.height / 2, ["mousemove", "mousedown", "mouseup", "click"])
  if (on()) fault(`a click on ${names[0]} in the legend of figure ${el.dataset.name} does not take it away`)
  await press(w, el, b.left - box.left + b.width / 2, b.top - box.top + b.height / 2, ["mousemove", "mousedown", "mouseup", "click"])
  if (!on()) fault(`a second click on ${names[0]} in the legend of figure ${el.dataset.name} does not bring it back`)
  await press(w, el, 1, 1, ["mousemove", "mouseout"])
  c.getZr().flush() // what is drawn is what the figure says now, also where frames are slow
}

async function sorts(w, table) {
  const heads = table.tHead.querySelectorAll("th button"), body = table.tBodies[0]
  for (const [i, b] of heads.entries()) {
    b.click()
    const cells = [...body.rows].map(r => parseFloat(r.cells[i].textContent)).filter(x => !isNaN(x))
    const all = [...body.rows].every(r => /^(-|[-+\d.,]+)$/.test(r.cells[i].textContent.trim()))
    if (all && cells.some((x, j) => j > 0 && x < cells[j - 1])) fault(`sorting by ${b.textContent} gives ${cells.slice(0, 6)}`)
  }
  heads[heads.length - 1].click()
  heads[heads.length - 1].click()
}

// listing sorts the instructions of a profile page by each column, and sets them back in the order of the code.
async function listing(table) {
  const body = table.tBodies[0], text = (r, i) => r.cells[i].textContent, code = [...body.rows].map(r => r.id).join()
  for (const [i, b] of [...table.querySelectorAll("th button")].entries()) {
    b.click()
    const cells = [...body.rows].map(r => parseFloat(text(r, i)))
    if (i > 0 && cells.every(x => !isNaN(x)) && cells.some((x, j) => j > 0 && x > cells[j - 1])) fault(`the listing by ${b.textContent}: ${cells.slice(0, 6)}`)
  }
  table.querySelector("th button").click()
  if ([...body.rows].map(r => r.id).join() !== code) fault("a click on address does not bring back the order of the code")
}

function filters(w) {
  const box = w.document.querySelector(".filter input")
  if (!box) return
  const rows = [...box.closest(".filter").nextElementSibling.querySelectorAll("tbody tr")], word = rows[0].cells[0].textContent.split(" ")[0]
  box.value = word
  box.dispatchEvent(new w.Event("input"))
  const wrong = rows.filter(r => r.hidden === r.textContent.toLowerCase().includes(word.toLowerCase()))
  if (wrong.length) fault(`filter ${word}: ${wrong.length} rows are wrongly shown or hidden`)
  box.value = ""
  box.dispatchEvent(new w.Event("input"))
}

async function examine(w, wide) {
  const d = w.document
  await new Promise(done => setTimeout(done, 600)) // figures are drawn anew where scroll bars have changed the width
  if (d.documentElement.scrollWidth > wide) fault(`${d.documentElement.scrollWidth} px wide in a window of ${wide}`)
  for (const s of d.querySelectorAll("main .scroll")) if (s.scrollWidth > s.clientWidth + 1) fault(`table ${s.getAttribute("aria-label")} is cut: ${s.scrollWidth} px in ${s.clientWidth}`)
  if (wide > 1000) for (const s of d.querySelectorAll(".wide")) if (s.scrollWidth > s.clientWidth + 1) fault(`a table is cut: ${s.scrollWidth} px in ${s.clientWidth}`)
  const drawn = [...d.images].filter(i => i.complete && i.naturalWidth > 0).length + d.querySelectorAll("svg").length, all = d.images.length + d.querySelectorAll("svg").length
  if (drawn < all || all === 0) fault(`${drawn} of ${all} images are drawn`)
  const tables = d.querySelectorAll("table").length
  if (tables === 0) fault("no table")
  let shown = 0
  const charts = [...d.querySelectorAll(".chart")]
  let linked = 0
  for (const el of charts) {
    if (await hover(w, el)) shown++
    linked += await links(w, el)
    await zooms(w, el)
  }
  for (const el of charts) {
    const box = el.getBoundingClientRect()
    for (const t of el.querySelectorAll("svg text")) {
      const b = t.getBoundingClientRect()
      if (b.width > 0 && !t.closest("[clip-path]") && (b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1))
        fault(`"${t.textContent.slice(0, 40)}" is cut in figure ${el.dataset.name}: ${Math.round(b.left - box.left)} to ${Math.round(b.right - box.left)} of ${Math.round(box.width)} px`)
    }
  }
  const texts = contrasts(w)
  if (charts.length) {
    for (const t of d.querySelectorAll("table.rows")) await sorts(w, t)
    filters(w)
  }
  for (const t of d.querySelectorAll("#listing")) await listing(t)
  document.body.dataset.answer = `${drawn} images, ${tables} tables, ${shown} of ${charts.length} figures with values under the pointer, ${linked} whose points lead to their rows, ${texts} texts; faults: ${faults.join("; ") || "none"}`
}
