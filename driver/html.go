package driver

import (
	"html/template"
	"io"
)

// page is the report as one file that needs nothing else.
var page = template.Must(template.New("report").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Kernels on {{.GPU}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}th,td{padding:.3em .6em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;font-family:ui-monospace,monospace}
.bar{display:inline-block;height:.8em;background:#4472a8;vertical-align:middle;margin-right:.4em}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}}
</style>
<h1>Kernels on {{.GPU}}</h1><p>{{.Summary}}</p>
<table><thead><tr><th>kernel<th>grid<th>block<th>calls<th>kernel cycles a call<th>µs in all<th>share<th>IPC<th>waits most for<th>bank conflicts<th>divergent branches</tr></thead><tbody>
{{range .Rows}}<tr><td>{{.Kernel}}<td>{{.Grid}}<td>{{.Block}}<td>{{.Calls}}<td>{{.Cycles}}<td>{{.US}}<td><span class="bar" style="width:{{.Bar}}px"></span>{{.Share}}<td>{{.IPC}}<td>{{.Stall}}<td>{{.Conflicts}}<td>{{.Divergent}}</tr>
{{end}}</tbody></table>
</html>
`))

func (d *Driver) html(w io.Writer) error {
	var rows []figures
	for _, x := range d.report.sorted() {
		rows = append(rows, d.report.figures(x))
	}
	return page.Execute(w, map[string]any{"GPU": d.gpu.Product, "Summary": d.summary(), "Rows": rows})
}
