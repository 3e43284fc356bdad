package plots

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"

	"warpdrop/internal/show"
)

// Report is all that report.html says. Text is plain; the template escapes it.
type Report struct {
	Title    string
	Meta     string // one line: scale, GPU, points
	Question string
	Answer   []string
	Cards    []Card
	Warnings []string
	Figures  []ReportFigure
	Tables   []Table
	Notes    []string
	Commands []string // how to run it again
	Source   string   // the experiment file
	Facts    [][2]string
}

// Card is one method's answer at a glance.
type Card struct {
	Name  string
	Big   string
	Lines []string
}

// ReportFigure is a figure in a report, or what is missing for it.
type ReportFigure struct {
	Name, Caption string
	SVG           []byte
	Chart         *Chart // nil: the page shows the SVG alone
	Missing       string
}

// Data is the figure as a data URI: drawn in an image, SVG runs no script and loads nothing.
func (f ReportFigure) Data() template.URL {
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(f.SVG))
}

// Wide tells whether the figure takes the page's width.
func (f ReportFigure) Wide() bool { return f.Chart != nil && f.Chart.Kind == "timeline" }

// Table is a table of text.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Note  string
	Key   string // before the number of a row in its id; "" = rows have none
}

//go:embed report.html.tmpl
var reportText string

// The page's own script, and Apache ECharts, which draws the figures: plots/echarts has its licence.
var (
	//go:embed report.js
	reportScript string
	//go:embed echarts/echarts.min.js
	chartLibrary string
)

// ChartLibrary is Apache ECharts as the report's page has it, for other pages that draw.
func ChartLibrary() string { return chartLibrary }

// scriptsHere is where the scripts come in, which the template engine need not look at.
const scriptsHere = "<noscript id=\"scripts\"></noscript>"

var reportTemplate = template.Must(template.New("report").Parse(reportText))

// HTML is the report as one self-contained file.
func (r Report) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, r); err != nil {
		return nil, err
	}
	text := show.Text(b.String())
	library := ""
	for _, f := range r.Figures {
		if f.Chart != nil {
			library = "<script>" + chartLibrary + "</script>\n"
			break
		}
	}
	return []byte(strings.Replace(text, scriptsHere, library+"<script>"+reportScript+"</script>", 1)), nil
}
