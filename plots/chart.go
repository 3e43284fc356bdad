package plots

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// Chart is what a figure shows, as plain numbers: the report's page draws it with values under the pointer.
type Chart struct {
	Kind         string        `json:"kind"` // lines, bars, dots, stacked or timeline
	Title        string        `json:"title"`
	X            string        `json:"x"`
	Y            string        `json:"y"`
	LogX         bool          `json:"logX,omitempty"`
	LogY         bool          `json:"logY,omitempty"`
	ZeroY        bool          `json:"zeroY,omitempty"`
	Reference    float64       `json:"reference,omitempty"`
	ReferenceFor string        `json:"referenceFor,omitempty"`
	Categories   []string      `json:"categories,omitempty"`
	Notes        []string      `json:"notes,omitempty"`
	Series       []ChartSeries `json:"series"`
}

// ChartSeries is a series of points: of bars, one a category.
type ChartSeries struct {
	Name   string     `json:"name"`
	Color  string     `json:"color"`
	Dash   string     `json:"dash,omitempty"`  // dashed or dotted
	Paper  bool       `json:"paper,omitempty"` // published values
	Line   bool       `json:"line,omitempty"`
	Marks  bool       `json:"marks,omitempty"`
	Points []ChartDot `json:"points"`
}

// ChartDot is one point; of a bar X is the category, of a timeline X and Y are its ends and Row its category.
type ChartDot struct {
	X     value  `json:"x"`
	Y     value  `json:"y"`
	Low   value  `json:"low"`
	High  value  `json:"high"`
	Label string `json:"label,omitempty"`
	Row   int    `json:"row"` // of the table of results, from 0; -1 where there is none
}

// value is a number that may be missing: null.
type value float64

func (v value) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

func newChart(kind string, a Axis, categories []string) *Chart {
	return &Chart{Kind: kind, Title: a.Title, X: a.X, Y: a.Y, LogX: a.LogX, LogY: a.LogY, ZeroY: a.ZeroY,
		Reference: a.Reference, ReferenceFor: a.ReferenceFor, Categories: categories, Series: []ChartSeries{}}
}

// chartSeries is an empty series in a look.
func chartSeries(name string, look Look, paper bool) ChartSeries {
	s := ChartSeries{Name: name, Color: fmt.Sprintf("#%02x%02x%02x", look.Color.R, look.Color.G, look.Color.B),
		Points: []ChartDot{}}
	switch {
	case paper:
		s.Name, s.Dash, s.Paper = name+paperMark, "dotted", true
	case len(look.Dashes) == 2:
		s.Dash = "dashed"
	case len(look.Dashes) > 0:
		s.Dash = "dotted"
	}
	return s
}

// rowAt is the row of the i-th point, or -1.
func rowAt(rows []int, i int) int {
	if i < len(rows) {
		return rows[i]
	}
	return -1
}

// line adds a series of points.
func (c *Chart) line(s Series, look Look) {
	out := chartSeries(s.Name, look, s.Paper)
	out.Line, out.Marks = !s.Points, !s.Plain
	for i := range s.X {
		d := ChartDot{X: value(s.X[i]), Y: value(s.Y[i]), Low: value(math.NaN()), High: value(math.NaN()),
			Row: rowAt(s.Rows, i)}
		if s.Low != nil && s.Low[i] < s.High[i] {
			d.Low, d.High = value(s.Low[i]), value(s.High[i])
		}
		if s.Labels != nil {
			d.Label = s.Labels[i]
		}
		if s.Hover != nil && s.Hover[i] != "" {
			d.Label = s.Hover[i]
		}
		out.Points = append(out.Points, d)
	}
	c.Series = append(c.Series, out)
}

// bars adds a series with a value a category.
func (c *Chart) bars(g Group, look Look) {
	out := chartSeries(g.Name, look, g.Paper)
	for i := range c.Categories {
		d := ChartDot{X: value(i), Y: value(math.NaN()), Low: value(math.NaN()), High: value(math.NaN()),
			Row: rowAt(g.Rows, i)}
		if i < len(g.Y) {
			d.Y = value(g.Y[i])
		}
		if g.Low != nil && g.Low[i] < g.High[i] {
			d.Low, d.High = value(g.Low[i]), value(g.High[i])
		}
		out.Points = append(out.Points, d)
	}
	c.Series = append(c.Series, out)
}

// Span is a stretch of a timeline.
type Span struct {
	Name     string // of what ran
	Part     string // what it is for; names its look
	From, To float64
}

// Timeline draws spans one after the other in a row for each category, coloured by part.
func Timeline(a Axis, categories []string, spans [][]Span) (*Figure, error) {
	f := newFigure(a)
	f.Chart = newChart("timeline", a, categories)
	var all blocks
	most := 0.0
	var parts []string
	for j, row := range spans {
		for _, s := range row {
			at := slices.Index(parts, s.Part)
			if at < 0 {
				at = len(parts)
				parts = append(parts, s.Part)
				look := lookOf(s.Part, at, 0)
				name := strings.ReplaceAll(s.Part, "_", " ")
				f.Legend = append(f.Legend, Entry{name, []plot.Thumbnailer{swatch{look: look}}})
				f.Chart.Series = append(f.Chart.Series, chartSeries(name, look, false))
			}
			y := float64(len(categories) - 1 - j)
			all = append(all, block{x0: s.From, x1: s.To, y0: y - 0.36, y1: y + 0.36, look: lookOf(s.Part, at, 0)})
			f.Chart.Series[at].Points = append(f.Chart.Series[at].Points,
				ChartDot{X: value(s.From), Y: value(s.To), Low: value(math.NaN()), High: value(math.NaN()),
					Label: s.Name, Row: j})
			most = max(most, s.To)
		}
	}
	if most == 0 {
		return nil, ErrNothing{"launches one by one"}
	}
	f.rows(categories, all)
	f.Plot.X.Min, f.Plot.X.Max = 0, most*1.02
	f.Height = max(f.Height, vg.Points(160))
	return f, nil
}
