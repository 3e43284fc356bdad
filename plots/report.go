package plots

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"

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
	Missing       string
}

// Data is the figure as a data URI: drawn in an image, SVG runs no script and loads nothing.
func (f ReportFigure) Data() template.URL {
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(f.SVG))
}

// Table is a table of text.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Note  string
}

//go:embed report.html.tmpl
var reportText string

var reportTemplate = template.Must(template.New("report").Parse(reportText))

// HTML is the report as one self-contained file.
func (r Report) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, r); err != nil {
		return nil, err
	}
	return []byte(show.Text(b.String())), nil
}
