package plots

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Group is a named set of bars, one a category.
type Group struct {
	Name      string
	Y         []float64 // one a category; NaN draws none
	Low, High []float64 // or nil
	Paper     bool      // published values: drawn as outlines
	Rows      []int     // of the table of results, from 0, one a category; -1 = none; or nil
}

// hatch is a pattern of lines over a bar.
type hatch int

const (
	noHatch hatch = iota
	rising
	falling
	crossed
	level
)

// block is a rectangle in data coordinates with a look.
type block struct {
	x0, x1, y0, y1 float64
	look           Look
	paper          bool
	text           string
	inside         bool // the text stands inside where there is room, else beyond the block's end
	sideways       bool // the block grows along x
	end            float64
}

// blocks draws rectangles; it is a plot.Plotter and a plot.DataRanger.
type blocks []block

// DataRange implements plot.DataRanger.
func (b blocks) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, r := range b {
		xmin, xmax = min(xmin, r.x0, r.x1), max(xmax, r.x0, r.x1)
		ymin, ymax = min(ymin, r.y0, r.y1), max(ymax, r.y0, r.y1)
	}
	return xmin, xmax, ymin, ymax
}

// Plot implements plot.Plotter.
func (b blocks) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	style := textStyle(8)
	for _, r := range b {
		x0, x1, y0, y1 := trX(min(r.x0, r.x1)), trX(max(r.x0, r.x1)), trY(min(r.y0, r.y1)), trY(max(r.y0, r.y1))
		x0, x1, y0, y1 = max(x0, c.Min.X), min(x1, c.Max.X), max(y0, c.Min.Y), min(y1, c.Max.Y)
		box := vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}
		fillBlock(c, box, r.look, r.paper)
		if r.text == "" {
			continue
		}
		w, h := style.Width(r.text), style.Height(r.text)
		switch {
		case r.inside:
			if w+4 > x1-x0 || h > y1-y0 {
				continue
			}
			at := vg.Point{X: (x0+x1)/2 - w/2, Y: (y0+y1)/2 + h/2}
			c.SetColor(r.look.Color)
			c.Fill(vg.Rectangle{Min: vg.Point{X: at.X - 1.5, Y: at.Y - h - 0.5},
				Max: vg.Point{X: at.X + w + 1.5, Y: at.Y + 0.5}}.Path())
			style.Color = black
			if luminance(r.look.Color) < 110 {
				style.Color = white
			}
			c.FillText(style, at, r.text)
			style.Color = black
		case r.sideways:
			at := vg.Point{X: trX(r.end) + 4, Y: (y0+y1)/2 + h/2}
			if r.end < 0 {
				at.X = trX(r.end) - 4 - w
			}
			c.FillText(style, at, r.text)
		default:
			c.FillText(style, vg.Point{X: (x0+x1)/2 - w/2, Y: trY(r.end) + 3 + h}, r.text)
		}
	}
}

func luminance(c color.NRGBA) float64 {
	return 0.2126*float64(c.R) + 0.7152*float64(c.G) + 0.0722*float64(c.B)
}

// fillBlock fills a rectangle in a look, or outlines it for published values.
func fillBlock(c draw.Canvas, box vg.Rectangle, look Look, paper bool) {
	outline := draw.LineStyle{Color: black, Width: vg.Points(0.5)}
	if paper {
		c.SetColor(white)
		outline = draw.LineStyle{Color: look.Color, Width: vg.Points(1.4), Dashes: dotted}
		box = vg.Rectangle{Min: vg.Point{X: box.Min.X + 0.7, Y: box.Min.Y}, Max: vg.Point{X: box.Max.X - 0.7, Y: box.Max.Y}}
	} else {
		c.SetColor(look.Color)
	}
	c.Fill(box.Path())
	if !paper {
		var lines vg.Path // all in one, as each path costs a line of SVG
		const apart = 5
		w, h := box.Max.X-box.Min.X, box.Max.Y-box.Min.Y
		add := func(ax, ay, bx, by vg.Length) {
			lines.Move(vg.Point{X: box.Min.X + ax, Y: box.Min.Y + ay})
			lines.Line(vg.Point{X: box.Min.X + bx, Y: box.Min.Y + by})
		}
		for d := vg.Length(apart) / 2; d < w+h; d += apart {
			// From the point d along the bottom and then the right side (rising: top and right) to its partner.
			ax, ay := min(d, w), max(0, d-w)
			bx, by := max(0, d-h), min(d, h)
			if look.Hatch == rising || look.Hatch == crossed {
				add(ax, h-ay, bx, h-by)
			}
			if look.Hatch == falling || look.Hatch == crossed {
				add(ax, ay, bx, by)
			}
			if look.Hatch == level && d < h {
				add(0, d, w, d)
			}
		}
		if len(lines) > 0 {
			c.SetLineStyle(draw.LineStyle{Color: white, Width: vg.Points(0.7)})
			c.Stroke(lines)
		}
	}
	c.StrokeLines(outline, []vg.Point{box.Min, {X: box.Min.X, Y: box.Max.Y}, box.Max,
		{X: box.Max.X, Y: box.Min.Y}, box.Min})
}

// swatch is a block in the legend.
type swatch struct {
	look  Look
	paper bool
}

// Thumbnail implements plot.Thumbnailer.
func (s swatch) Thumbnail(c *draw.Canvas) { fillBlock(*c, c.Rectangle, s.look, s.paper) }

// maxValues is how many bars carry their value as text.
const maxValues = 24

// Bars draws groups side by side over categories. Values that are missing are named under the title.
func Bars(a Axis, categories []string, groups []Group) (*Figure, error) {
	return grouped(a, categories, groups, false)
}

// Dots is Bars with markers on an axis that need not start at zero.
func Dots(a Axis, categories []string, groups []Group) (*Figure, error) {
	return grouped(a, categories, groups, true)
}

func grouped(a Axis, categories []string, groups []Group, dots bool) (*Figure, error) {
	f := newFigure(a)
	f.Chart = newChart(map[bool]string{true: "dots", false: "bars"}[dots], a, categories)
	p := f.Plot
	g := grid()
	g.Vertical.Color = nil
	p.Add(g)
	f.addReference(a)
	width := 0.82 / float64(max(1, len(groups)))
	var all blocks
	var missing []string
	var errors []plot.Plotter // drawn over the bars
	var labels pointLabels
	count := 0
	for _, group := range groups {
		for _, y := range group.Y {
			if !math.IsNaN(y) {
				count++
			}
		}
	}
	for i, group := range groups {
		look := lookOf(group.Name, i, 0)
		f.Chart.bars(group, look)
		s := Series{Name: group.Name, Points: true, Paper: group.Paper}
		for j := range categories {
			y := math.NaN()
			if j < len(group.Y) {
				y = group.Y[j]
			}
			if math.IsNaN(y) || math.IsInf(y, 0) {
				if !group.Paper {
					missing = append(missing, strings.TrimSpace(group.Name+" "+categories[j]))
				}
				continue
			}
			x := float64(j) + width*(float64(i)-float64(len(groups)-1)/2)
			low, high := y, y
			if group.Low != nil && !math.IsNaN(group.Low[j]+group.High[j]) {
				low, high = group.Low[j], group.High[j]
			}
			s.X, s.Y, s.Low, s.High = append(s.X, x), append(s.Y, y), append(s.Low, low), append(s.High, high)
			b := block{x0: x - width*0.46, x1: x + width*0.46, y1: y, look: look, paper: group.Paper, end: max(high, y)}
			if count <= maxValues && y != 0 {
				b.text = compact(y)
			}
			if !dots {
				all = append(all, b)
			}
		}
		if len(s.X) == 0 {
			continue
		}
		if dots {
			if count <= maxValues {
				for _, y := range s.Y {
					s.Labels = append(s.Labels, compact(y))
				}
			}
			if err := f.addSeries(s, look); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", a.Title, group.Name, err)
			}
			labels = append(labels, s)
			continue
		}
		name := group.Name
		if group.Paper {
			name += paperMark
		}
		f.Legend = append(f.Legend, Entry{name, []plot.Thumbnailer{swatch{look, group.Paper}}})
		if s.spread() {
			bars, err := plotter.NewYErrorBars(points{s})
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", a.Title, group.Name, err)
			}
			bars.Width, bars.CapWidth = vg.Points(0.9), vg.Points(5)
			errors = append(errors, bars)
			f.Spread = true
		}
	}
	if len(f.Legend) == 0 || count == 0 {
		return nil, ErrNothing{a.Y + " of " + shorten(categories)}
	}
	if len(missing) > 0 {
		f.Notes = append(f.Notes, "missing: "+shorten(missing))
	}
	if !dots {
		p.Add(all)
	}
	p.Add(errors...)
	p.Add(labels)
	p.NominalX(categories...)
	p.X.Padding = vg.Points(4)
	pad(&p.Y, false, 0.08)
	p.X.Min, p.X.Max = -0.5, float64(len(categories))-0.5
	if !dots && p.Y.Min < 0 && allPositive(all) {
		p.Y.Min = 0
	}
	slantLabels(p, categories)
	return f, nil
}

func allPositive(b blocks) bool {
	for _, r := range b {
		if r.y1 < 0 {
			return false
		}
	}
	return true
}

// compact writes a value beside its bar.
func compact(y float64) string {
	switch a := math.Abs(y); {
	case a >= 1e4:
		return Short(y)
	case a >= 1000:
		return fmt.Sprintf("%.0f", y)
	case a >= 100:
		return fmt.Sprintf("%.1f", y)
	case y == 0:
		return "0"
	}
	return fmt.Sprintf("%.2f", y)
}

// slantLabels turns the labels of categories that would run into each other.
func slantLabels(p *plot.Plot, categories []string) {
	widest := vg.Length(0)
	style := textStyle(9)
	for _, c := range categories {
		widest = max(widest, style.Width(c))
	}
	if widest+6 > (Width-vg.Points(70))/vg.Length(len(categories)) {
		p.X.Tick.Label.Rotation = math.Pi / 6
		p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	}
}

// Stacked draws parts one after the other along a row for each category: parts[i].Y has one value a category. total,
// unless nil, writes the sum at a row's end.
func Stacked(a Axis, categories []string, parts []Group, total func(float64) string) (*Figure, error) {
	f := newFigure(a)
	f.Chart = newChart("stacked", a, categories)
	sums := make([]float64, len(categories))
	most := 0.0
	var all blocks
	for j := range categories {
		for _, part := range parts {
			if j < len(part.Y) && !math.IsNaN(part.Y[j]) {
				sums[j] += part.Y[j]
			}
		}
		most = max(most, sums[j])
	}
	if most == 0 {
		return nil, ErrNothing{a.X + " of " + shorten(categories)}
	}
	at := make([]float64, len(categories))
	for i, part := range parts {
		look := lookOf(part.Name, i, 0)
		seen := false
		for j := range categories {
			if j >= len(part.Y) || !(part.Y[j] > 0) {
				continue
			}
			seen = true
			row := float64(len(categories) - 1 - j)
			all = append(all, block{x0: at[j], x1: at[j] + part.Y[j], y0: row - 0.36, y1: row + 0.36, look: look, inside: true,
				text: fmt.Sprintf("%.0f %%", 100*part.Y[j]/sums[j])})
			at[j] += part.Y[j]
		}
		if seen {
			f.Legend = append(f.Legend, Entry{strings.ReplaceAll(part.Name, "_", " "), []plot.Thumbnailer{swatch{look: look}}})
			part.Name = strings.ReplaceAll(part.Name, "_", " ")
			f.Chart.bars(part, look)
		}
	}
	if total != nil {
		for j := range categories {
			if sums[j] > 0 {
				row := float64(len(categories) - 1 - j)
				all = append(all, block{x0: sums[j], x1: sums[j], y0: row, y1: row, sideways: true, text: total(sums[j]),
					end: sums[j]})
			}
		}
	}
	f.rows(categories, all)
	f.Plot.X.Min, f.Plot.X.Max = 0, most*1.02
	if total != nil {
		f.Plot.X.Max = most * 1.13
	}
	return f, nil
}

// Changes draws a bar for each category to the left or right of zero, with its value as text.
func Changes(a Axis, categories []string, y []float64, format func(float64) string) (*Figure, error) {
	f := newFigure(a)
	var all blocks
	most := 0.0
	var missing []string
	for j, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			missing = append(missing, categories[j])
			continue
		}
		look := Look{Color: blue}
		if v > 0 {
			look = Look{Color: vermilion, Hatch: rising}
		}
		row := float64(len(categories) - 1 - j)
		most = max(most, math.Abs(v))
		all = append(all, block{x1: v, y0: row - 0.36, y1: row + 0.36, look: look, sideways: true, text: format(v), end: v})
	}
	if len(all) == 0 {
		return nil, ErrNothing{a.X + " of " + shorten(categories)}
	}
	if len(missing) > 0 {
		f.Notes = append(f.Notes, "on one side only: "+shorten(missing))
	}
	f.rows(categories, all)
	most = max(most, 1e-3)
	f.Plot.X.Min, f.Plot.X.Max = -1.25*most, 1.25*most
	return f, nil
}

// rows lays blocks out in one row a category, the first on top; the figure grows with them.
func (f *Figure) rows(categories []string, all blocks) {
	p := f.Plot
	g := grid()
	g.Horizontal.Color = nil
	p.Add(g, all)
	var ticks plot.ConstantTicks
	for j, c := range categories {
		ticks = append(ticks, plot.Tick{Value: float64(len(categories) - 1 - j), Label: c})
	}
	p.Y.Tick.Marker = ticks
	p.Y.Tick.Width = 0
	p.Y.Min, p.Y.Max = -0.6, float64(len(categories))-0.4
	f.Height = vg.Points(120) + vg.Length(len(categories))*vg.Points(22)
}
