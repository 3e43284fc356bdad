package driver

import (
	"html/template"
	"io"

	"warpdrop/profile"
)

// pages is how many profile pages the report has, each about 100 KB: of the rows that take longest.
const pages = 50

// page is the report as one file that needs nothing else. A row's profile page is a document of its own in a frame.
var page = template.Must(template.New("report").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Kernels on {{.GPU}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}th,td{padding:.3em .6em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;font-family:ui-monospace,monospace}
details{margin:.6em 0}summary{cursor:pointer;overflow-wrap:anywhere}iframe{width:100%;height:85vh;border:1px solid #ccc}
.bar{display:inline-block;height:.8em;background:#4472a8;vertical-align:middle;margin-right:.4em}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}}
</style>
<h1>Kernels on {{.GPU}}</h1><p>{{.Summary}}</p>
<table><thead><tr><th>kernel<th>grid<th>block<th>calls<th>kernel cycles a call<th>µs in all<th>share<th>IPC<th>waits most for<th>bank conflicts<th>divergent branches</tr></thead><tbody>
{{range .Rows}}<tr><td>{{.Kernel}}<td>{{.Grid}}<td>{{.Block}}<td>{{.Calls}}<td>{{.Cycles}}<td>{{.US}}<td><span class="bar" style="width:{{.Bar}}px"></span>{{.Share}}<td>{{.IPC}}<td>{{.Stall}}<td>{{.Conflicts}}<td>{{.Divergent}}</tr>
{{end}}</tbody></table>
{{range .Rows}}{{if .Page}}<details><summary><code>{{.Kernel}}</code> {{.Grid}} x {{.Block}}: {{with .Advice}}{{.}}{{else}}profile{{end}}</summary>
<iframe title="profile of {{.Kernel}}" loading="lazy" srcdoc="{{.Page}}"></iframe></details>
{{end}}{{end}}</html>
`))

// profiled is a row of the table with the profile page of its longest launch and what that suggests first.
type profiled struct {
	figures
	Page, Advice string
}

func (d *Driver) html(w io.Writer) error {
	var rows []profiled
	for i, x := range d.report.sorted() {
		row := profiled{figures: d.report.figures(x)}
		if x.longest != nil && i < pages {
			p := profile.New(x.longest, d.gpu)
			text, err := p.HTML()
			if err != nil {
				return err
			}
			row.Page = string(text)
			if len(p.Advice) > 0 {
				row.Advice = p.Advice[0].Text
			}
		}
		rows = append(rows, row)
	}
	return page.Execute(w, map[string]any{"GPU": d.gpu.Product, "Summary": d.summary(), "Rows": rows})
}
