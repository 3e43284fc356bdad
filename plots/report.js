"use strict"
// Figures that are drawn from their numbers, and tables that sort and filter. Without scripts the page shows drawings and plain tables.
const dark = matchMedia("(prefers-color-scheme: dark)")
const number = x => x === null ? "-" : Math.abs(x) >= 1000 && Number.isInteger(Math.round(x * 1e6) / 1e6) ? Math.round(x).toLocaleString("en-US") : String(+x.toPrecision(6))
const text = s => String(s).replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" })[c])

// shown is a colour that can be seen on the page's ground.
function shown(color) {
  if (!dark.matches) return color === "#ffffff" ? "#f4f4f4" : color
  return color === "#000000" ? "#e6e9ec" : color === "#0072b2" ? "#4aa3dc" : color
}

// folded breaks a text between words into lines of so many letters.
function folded(text, letters) {
  return text.split(" ").reduce((lines, word) => {
    const last = lines[lines.length - 1]
    return last !== "" && last.length + 1 + word.length > letters ? [...lines, word] : [...lines.slice(0, -1), last === "" ? word : last + " " + word]
  }, [""]).join("\n")
}

function axis(type, name, log, ink, line, more) {
  return { type: log ? "log" : type, name, nameLocation: "middle", nameGap: 30, nameTextStyle: { color: ink }, axisLabel: { color: ink, hideOverlap: true },
    axisLine: { lineStyle: { color: ink } }, splitLine: { lineStyle: { color: line } }, scale: true, ...more }
}

// whiskers draws the intervals of a series' points; of bars beside each other each has its place.
function whiskers(series, i, count, bars, color) {
  const data = series.points.filter(p => p.low !== null).map(p => [p.x, p.low, p.high])
  if (data.length === 0) return []
  return [{ type: "custom", name: series.name, silent: true, z: 5, data, encode: { x: 0, y: [1, 2] }, itemStyle: { color },
    renderItem(_, api) {
      const low = api.coord([api.value(0), api.value(1)]), high = api.coord([api.value(0), api.value(2)])
      const band = bars ? api.size([1, 0])[0] * 0.8 / count : 0, x = low[0] + band * (i - (count - 1) / 2)
      const stroke = { stroke: bars ? (dark.matches ? "#fff" : "#222") : color, lineWidth: 1.2 }
      const path = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: stroke })
      return { type: "group", children: [path(x, low[1], x, high[1]), path(x - 4, low[1], x + 4, low[1]), path(x - 4, high[1], x + 4, high[1])] }
    } }]
}

function words(chart, series, p) {
  const at = chart.kind === "lines" ? number(p.x) : chart.categories[p.x]
  let out = `<b>${text(series.name)}</b><br>`
  if (p.label) out += text(p.label) + "<br>"
  if (chart.x || at) out += `${text(chart.kind === "stacked" ? "" : chart.x)} ${text(at)}<br>`
  out += `${text(chart.kind === "stacked" ? chart.x : chart.y)}: <b>${number(p.y)}</b>`
  if (p.low !== null) out += ` (${number(p.low)} to ${number(p.high)})`
  return out
}

// options are those of ECharts. It measures texts in a canvas, which knows a font by its name only, not by "inherit".
function options(chart, wide) {
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--ink").trim(), line = style.getPropertyValue("--line").trim()
  const series = []
  const value = (s, p, v) => ({ value: v, p, s })
  const sideways = chart.kind === "stacked"
  for (const [i, s] of chart.series.entries()) {
    const color = shown(s.color)
    const common = { name: s.name, itemStyle: { color, borderColor: ink, borderWidth: sideways ? 0.4 : 0 }, emphasis: { focus: "series" } }
    if (chart.kind === "lines" || chart.kind === "dots") {
      const dots = chart.kind === "dots", bare = s.line && !s.marks // a line alone hides no point from the pointer
      series.push({ ...common, type: s.line && !dots ? "line" : "scatter", data: s.points.filter(p => p.y !== null).map(p => value(s, p, [p.x, p.y])),
        showSymbol: s.marks, symbolSize: 8, silent: bare, z: bare ? 2 : 3,
        lineStyle: { color, type: s.dash || "solid", width: 2 } }, ...whiskers(s, 0, 1, false, color))
    } else if (chart.kind === "timeline") {
      series.push({ ...common, type: "custom", data: s.points.map(p => value(s, p, [p.row, p.x, p.y])), encode: { x: [1, 2], y: 0 },
        renderItem(params, api) {
          const from = api.coord([api.value(1), api.value(0)]), to = api.coord([api.value(2), api.value(0)]), height = api.size([0, 1])[1] * 0.7
          const clip = params.coordSys, x = Math.max(from[0], clip.x), end = Math.min(to[0], clip.x + clip.width)
          return end < x ? null : { type: "rect", shape: { x, y: from[1] - height / 2, width: Math.max(end - x, 0.5), height },
            style: { fill: api.visual("color"), stroke: ink, lineWidth: end - x > 3 ? 0.4 : 0 } }
        } })
    } else {
      series.push({ ...common, type: "bar", stack: sideways ? "all" : undefined, barMaxWidth: 60,
        itemStyle: { ...common.itemStyle, ...(s.paper && !sideways ? { color: "transparent", borderColor: color, borderWidth: 2, borderType: "dotted" } : {}) },
        data: s.points.map(p => value(s, p, p.y)) }, ...(sideways ? [] : whiskers(s, i, chart.series.length, true, color)))
    }
  }
  if (chart.reference && series.length > 0)
    series[0].markLine = { silent: true, symbol: "none", lineStyle: { color: ink, type: "dashed" }, label: { color: ink, formatter: chart.referenceFor, position: "insideEndTop" },
      data: [{ yAxis: chart.reference }] }
  const rows = sideways || chart.kind === "timeline"
  const narrow = innerWidth < 600
  // A long name of the horizontal axis takes two lines.
  const name = folded(chart.x, Math.max(wide - 110, 120) / 6.5), lines = name.split("\n").length
  const title = folded(chart.title, Math.max(wide - 110, 120) / 7.6), notes = (chart.notes || []).map(n => folded(n, Math.max(wide - 20, 120) / 6.5)).join("\n")
  const lower = 18 * (title.split("\n").length - 1) + (notes ? 16 * notes.split("\n").length + 4 : 0)
  const names = rows ? chart.categories.map(c => folded(c, narrow ? 16 : 28)) : []
  const wrapped = { color: ink, interval: 0, formatter: (_, i) => names[i] }
  const pen = document.createElement("canvas").getContext("2d"), family = getComputedStyle(document.body).fontFamily
  pen.font = "12px " + family // ECharts leaves room for the longest name, which is not the widest where it takes two lines
  const widest = Math.max(0, ...names.flatMap(n => n.split("\n")).map(line => pen.measureText(line).width))
  const category = more => axis("category", rows ? "" : chart.x, false, ink, line, { data: chart.categories, ...more })
  const gap = chart.kind === "lines" ? { boundaryGap: ["4%", "4%"] } : {} // no point lies on the frame
  const x = rows ? axis("value", chart.x, false, ink, line, { min: 0, max: "dataMax", scale: false })
    : chart.kind === "lines" ? axis("value", chart.x, chart.logX, ink, line, chart.logX ? {} : gap)
    : category({ axisLabel: { color: ink, interval: 0, width: 90, overflow: "break", rotate: chart.categories.length > 6 ? 30 : 0 }, nameGap: 45 })
  const y = rows ? category({ inverse: true, axisLabel: wrapped, axisTick: { show: false } })
    : axis("value", chart.y, chart.logY, ink, line, { nameGap: 50, ...(chart.logY ? {} : gap), min: chart.kind === "bars" || chart.zeroY ? v => Math.min(v.min, 0) : undefined })
  if (x.name) x.name = name
  x.nameTextStyle.lineHeight = 14
  return { animation: false, backgroundColor: "transparent", textStyle: { color: ink, fontFamily: family },
    title: { text: title, subtext: notes, itemGap: 4, subtextStyle: { color: ink, lineHeight: 16 }, textStyle: { color: ink, fontSize: 14, lineHeight: 18 }, left: 0, top: 0 },
    legend: { type: "scroll", top: 28 + lower, left: 0, right: 0, textStyle: { color: ink }, pageTextStyle: { color: ink }, pageIconColor: ink, data: chart.series.map(s => s.name) },
    grid: { left: rows ? Math.ceil(widest) + 14 : 70, right: rows ? 36 : 20, top: 66 + lower, bottom: 54 + 14 * (lines - 1) },
    toolbox: { right: 0, top: 0, iconStyle: { borderColor: ink }, feature: { dataZoom: { yAxisIndex: rows ? "none" : undefined, title: { zoom: "zoom", back: "back" } }, restore: { title: "reset" } } },
    dataZoom: [{ type: "inside", xAxisIndex: 0, filterMode: chart.kind === "lines" ? "none" : "weakFilter", zoomOnMouseWheel: "ctrl", moveOnMouseMove: "shift", moveOnMouseWheel: false }],
    tooltip: { trigger: "item", confine: true, backgroundColor: style.getPropertyValue("--back").trim(), borderColor: line, textStyle: { color: ink },
      formatter: e => { const { s, p } = e.data; return !p ? "" : chart.kind === "timeline" ? `<b>${text(p.label)}</b><br>${text(s.name)}, ${text(chart.categories[p.row])}<br>${number(p.y - p.x)} ${text(chart.x)}, from ${number(p.x)}`
        : words(chart, s, p) + (p.row >= 0 ? "<br><i>click: its row</i>" : "") } },
    xAxis: x, yAxis: y, series }
}

// toRow shows the row of a point in its table.
function toRow(n) {
  const row = document.getElementById("row" + n)
  if (!row) return
  for (const r of document.querySelectorAll("tr.marked")) r.classList.remove("marked")
  row.hidden = false
  row.classList.add("marked")
  row.scrollIntoView({ block: "center" })
}

const charts = []
function draw() {
  for (const c of charts.splice(0)) c.dispose()
  for (const el of document.querySelectorAll(".chart")) {
    const chart = JSON.parse(document.getElementById("data-" + el.dataset.name).textContent)
    if (chart.kind === "stacked" || chart.kind === "timeline") el.style.height = 150 + (innerWidth < 600 ? 56 : 34) * chart.categories.length + "px"
    const c = echarts.init(el, null, { renderer: "svg" })
    c.setOption(options(chart, el.clientWidth))
    c.on("click", e => { if (chart.kind !== "timeline" && e.data && e.data.p && e.data.p.row >= 0) toRow(e.data.p.row) })
    charts.push(c)
  }
}

// key is what a cell sorts by: its first number, or its text.
function key(row, i) {
  const t = row.cells[i].textContent.trim(), x = parseFloat(t.replace(/,/g, ""))
  return t === "-" || t === "" ? null : isNaN(x) ? t : x
}
const compare = (a, b) => a === b ? 0 : a === null ? 1 : b === null ? -1 : typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === "number" ? -1 : 1

function livelyTable(table) {
  const body = table.tBodies[0], first = [...body.rows]
  const sort = (i, down) => {
    const heads = [...table.tHead.rows[0].cells]
    for (const h of heads) h.removeAttribute("aria-sort")
    if (i >= 0) heads[i].setAttribute("aria-sort", down ? "descending" : "ascending")
    body.append(...(i < 0 ? first : [...first].sort((a, b) => { const x = key(a, i), y = key(b, i); return x === null || y === null ? compare(x, y) : compare(x, y) * (down ? -1 : 1) })))
  }
  for (const [i, head] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = head.textContent
    head.replaceChildren(button)
    button.addEventListener("click", () => { const was = head.getAttribute("aria-sort"); sort(was === "descending" ? -1 : i, was === "ascending") })
  }
  if (first.length < 3) return
  const box = document.createElement("input"), left = document.createElement("output")
  box.type = "search"
  box.placeholder = "filter rows"
  box.setAttribute("aria-label", "filter rows of " + table.closest(".scroll").getAttribute("aria-label"))
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(w => w)
    let n = 0
    for (const r of first) if (!(r.hidden = !words.every(w => r.textContent.toLowerCase().includes(w)))) n++
    left.textContent = words.length ? `${n} of ${first.length} rows` : ""
  })
  const line = document.createElement("p")
  line.className = "filter"
  line.append(box, " ", left)
  table.closest(".scroll").before(line)
}

for (const table of document.querySelectorAll("table")) if (table.tHead) livelyTable(table)
if (document.querySelector(".chart") && window.echarts) {
  document.documentElement.classList.add("live")
  draw()
  dark.addEventListener("change", draw)
  let wait, was = innerWidth
  addEventListener("resize", () => { // also where a phone's address bar comes and goes
    clearTimeout(wait)
    wait = setTimeout(() => { if (was !== innerWidth) { was = innerWidth; draw() } }, 150)
  })
}
