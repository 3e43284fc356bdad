package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is a named line of points, with an interval where Low and High are set.
type Series struct {
	Name      string
	Key       string // names its look; "" = Name
	Variant   int    // tells series of one key apart
	X, Y      []float64
	Low, High []float64 // same length as Y, or nil
	Labels    []string  // text beside each point, or nil
	Hover     []string  // text under the pointer at each point, in SVG, or nil
	Rows      []int     // of the table of results, from 0, at each point; -1 = none; or nil
	Paper     bool      // published values: drawn hollow and dotted, labelled "paper"
	Points    bool      // markers only
	Plain     bool      // line only
}

// maxMarkers is how many markers a line shows; a longer one is drawn without.
const maxMarkers = 60

// maxSeries is how many series one figure shows.
const maxSeries = 12

// finite leaves out what cannot be drawn.
func (s Series) finite(logX, logY bool) Series {
	out := s
	out.X, out.Y, out.Low, out.High, out.Labels, out.Hover, out.Rows = nil, nil, nil, nil, nil, nil, nil
	for i := range s.X {
		x, y := s.X[i], s.Y[i]
		if math.IsNaN(x+y) || math.IsInf(x+y, 0) || logX && x <= 0 || logY && y <= 0 {
			continue
		}
		out.X, out.Y = append(out.X, x), append(out.Y, y)
		if s.Low != nil {
			low, high := s.Low[i], s.High[i]
			if math.IsNaN(low + high) {
				low, high = y, y
			}
			out.Low, out.High = append(out.Low, low), append(out.High, high)
		}
		if s.Labels != nil {
			out.Labels = append(out.Labels, s.Labels[i])
		}
		if s.Hover != nil {
			out.Hover = append(out.Hover, s.Hover[i])
		}
		if s.Rows != nil {
			out.Rows = append(out.Rows, s.Rows[i])
		}
	}
	return out
}

// spread tells whether any interval is more than its point.
func (s Series) spread() bool {
	for i := range s.Low {
		if s.Low[i] < s.High[i] {
			return true
		}
	}
	return false
}

type points struct{ s Series }

func (p points) Len() int                    { return len(p.s.X) }
func (p points) XY(i int) (float64, float64) { return p.s.X[i], p.s.Y[i] }
func (p points) YError(i int) (float64, float64) {
	return p.s.Y[i] - p.s.Low[i], p.s.High[i] - p.s.Y[i]
}

// Lines draws series over a common x axis.
func Lines(a Axis, series []Series) (*Figure, error) {
	f := newFigure(a)
	f.Chart = newChart("lines", a, nil)
	p := f.Plot
	if a.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	if a.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	p.Add(grid())
	var drawn []Series
	for i, raw := range series {
		s := raw.finite(a.LogX, a.LogY)
		if len(s.X) == 0 {
			continue
		}
		if len(drawn) == maxSeries {
			f.Notes = append(f.Notes, fmt.Sprintf("the first %d of %d series", maxSeries, len(series)))
			break
		}
		if s.Key == "" {
			s.Key = s.Name
		}
		drawn = append(drawn, s)
		f.Chart.line(s, lookOf(s.Key, i, s.Variant))
		if err := f.addSeries(s, lookOf(s.Key, i, s.Variant)); err != nil {
			return nil, fmt.Errorf("%s: series %s: %w", a.Title, s.Name, err)
		}
	}
	if len(drawn) == 0 {
		return nil, ErrNothing{"no finite values for " + a.Y}
	}
	f.addReference(a)
	p.Add(pointLabels(drawn))
	pad(&p.X, a.LogX, 0.03)
	pad(&p.Y, a.LogY, 0.06)
	if a.ZeroY && !a.LogY {
		p.Y.Min = min(p.Y.Min, 0)
		if p.Y.Min > -0.1*p.Y.Max { // the padding's, not the data's
			p.Y.Min = 0
		}
	}
	if x := values(drawn); a.AtX && len(x) <= maxTicks {
		p.X.Tick.Marker = dataTicks(x, a.LogX, a.FormatX)
	}
	return f, nil
}

func (f *Figure) addSeries(s Series, look Look) error {
	p := f.Plot
	e := Entry{Name: s.Name}
	if s.Paper {
		e.Name += paperMark
	}
	if !s.Points {
		line, err := plotter.NewLine(points{s})
		if err != nil {
			return err
		}
		line.Color, line.Dashes, line.Width = look.Color, look.Dashes, vg.Points(1.4)
		if s.Paper {
			line.Dashes, line.Width = dotted, vg.Points(1)
		}
		p.Add(line)
		e.Thumbs = append(e.Thumbs, line)
	}
	if s.Low != nil && s.spread() {
		bars, err := plotter.NewYErrorBars(points{s})
		if err != nil {
			return err
		}
		bars.Color, bars.Width, bars.CapWidth = look.Color, vg.Points(0.8), vg.Points(5)
		p.Add(bars)
		f.Spread = true
	}
	if !s.Plain && (len(s.X) <= maxMarkers || s.Points) {
		marks, err := plotter.NewScatter(points{s})
		if err != nil {
			return err
		}
		marks.Color, marks.Radius, marks.Shape = look.Color, vg.Points(3), look.Marker
		if s.Paper {
			marks.Shape, marks.Radius = hollow{look.Marker}, vg.Points(4)
		}
		p.Add(marks)
		e.Thumbs = append(e.Thumbs, marks)
	}
	if s.Hover != nil {
		p.Add(hovers(s))
	}
	f.Legend = append(f.Legend, e)
	return nil
}

// hollow draws a marker as an outline, for published values.
type hollow struct{ of draw.GlyphDrawer }

func (h hollow) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	switch h.of.(type) {
	case draw.BoxGlyph:
		draw.SquareGlyph{}.DrawGlyph(c, s, at)
	case draw.PyramidGlyph:
		draw.TriangleGlyph{}.DrawGlyph(c, s, at)
	default:
		draw.RingGlyph{}.DrawGlyph(c, s, at)
	}
}

// pointLabels writes text beside points, where there is room: right, left, above or below, or not at all.
type pointLabels []Series

// Plot implements plot.Plotter.
func (all pointLabels) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	style := textStyle(8)
	var taken []vg.Rectangle
	for _, s := range all {
		for i := range s.X {
			x, y := trX(s.X[i]), trY(s.Y[i])
			if !s.Plain {
				taken = append(taken, vg.Rectangle{Min: vg.Point{X: x - 3, Y: y - 3}, Max: vg.Point{X: x + 3, Y: y + 3}})
			}
		}
	}
	write := func(s Series, i int) {
		words := s.Labels[i]
		x, y := trX(s.X[i]), trY(s.Y[i])
		w, h := style.Width(words), style.Height(words)
		for _, at := range []vg.Point{{X: x + 5, Y: y + h/2}, {X: x - 5 - w, Y: y + h/2}, {X: x - w/2, Y: y + 6 + h},
			{X: x - w/2, Y: y - 5}} {
			box := vg.Rectangle{Min: vg.Point{X: at.X, Y: at.Y - h}, Max: vg.Point{X: at.X + w, Y: at.Y}}
			free := box.Min.X >= c.Min.X && box.Max.X <= c.Max.X && box.Min.Y >= c.Min.Y && box.Max.Y <= c.Max.Y
			for _, t := range taken {
				free = free && (box.Max.X < t.Min.X || t.Max.X < box.Min.X || box.Max.Y < t.Min.Y || t.Max.Y < box.Min.Y)
			}
			if free {
				c.FillText(style, at, words)
				taken = append(taken, box)
				return
			}
		}
	}
	for _, s := range all {
		for i, words := range s.Labels {
			if words != "" {
				write(s, i)
			}
		}
	}
}
