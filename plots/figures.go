package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is a named line of points, with an interval where Low and High are set.
type Series struct {
	Name      string
	X, Y      []float64
	Low, High []float64 // same length as Y, or nil
	Paper     bool      // published values: drawn hollow and dotted, labelled "paper"
	Points    bool      // markers only
	Plain     bool      // line only
}

// Axis is a figure's frame.
type Axis struct {
	Title, X, Y  string // labels carry the unit
	LogX, LogY   bool
	Reference    float64 // where not 0, a horizontal line …
	ReferenceFor string  // … and what it means
	ZeroY        bool    // y starts at 0
}

// maxMarkers is how many markers a line shows; a longer one is drawn without.
const maxMarkers = 200

// finite leaves out what cannot be drawn.
func (s Series) finite(logX, logY bool) (out Series) {
	out = Series{Name: s.Name, Paper: s.Paper, Points: s.Points, Plain: s.Plain}
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
	}
	return out
}

type points struct{ s Series }

func (p points) Len() int                    { return len(p.s.X) }
func (p points) XY(i int) (float64, float64) { return p.s.X[i], p.s.Y[i] }
func (p points) YError(i int) (float64, float64) {
	return p.s.Y[i] - p.s.Low[i], p.s.High[i] - p.s.Y[i]
}

// ErrNothing says that a figure has nothing to show; its text names what is missing.
type ErrNothing struct{ Missing string }

func (e ErrNothing) Error() string { return "nothing to draw: " + e.Missing }

// Lines draws series over a common x axis.
func Lines(a Axis, series []Series) (*plot.Plot, error) {
	p := New(a.Title, a.X, a.Y)
	if a.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	if a.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	p.Add(grid())
	drawn := 0
	for i, raw := range series {
		s := raw.finite(a.LogX, a.LogY)
		if len(s.X) == 0 {
			continue
		}
		drawn++
		look := lookOf(s.Name, i)
		name := s.Name
		if s.Paper {
			name += " (paper)"
		}
		var legend []plot.Thumbnailer
		if !s.Points {
			line, err := plotter.NewLine(points{s})
			if err != nil {
				return nil, fmt.Errorf("%s: series %s: %w", a.Title, s.Name, err)
			}
			line.Color, line.Dashes, line.Width = look.Color, look.Dashes, vg.Points(1.4)
			if s.Paper {
				line.Dashes, line.Width = dotted, vg.Points(1)
			}
			p.Add(line)
			legend = append(legend, line)
		}
		if !s.Plain && (len(s.X) <= maxMarkers || s.Points) {
			marks, err := plotter.NewScatter(points{s})
			if err != nil {
				return nil, fmt.Errorf("%s: series %s: %w", a.Title, s.Name, err)
			}
			marks.Color, marks.Radius, marks.Shape = look.Color, vg.Points(3), look.Marker
			if s.Paper {
				marks.Shape, marks.Radius = hollow{look.Marker}, vg.Points(4.5)
			}
			p.Add(marks)
			legend = append(legend, marks)
		}
		if s.Low != nil {
			bars, err := plotter.NewYErrorBars(points{s})
			if err != nil {
				return nil, fmt.Errorf("%s: series %s: %w", a.Title, s.Name, err)
			}
			bars.Color = look.Color
			p.Add(bars)
		}
		p.Legend.Add(name, legend...)
	}
	if drawn == 0 {
		return nil, ErrNothing{"no finite values for " + a.Y}
	}
	if a.ZeroY && !a.LogY {
		p.Y.Min = min(p.Y.Min, 0)
	}
	if a.Reference != 0 {
		addReference(p, a)
	}
	roomForLegend(p, a.LogY, drawn)
	return p, nil
}

// roomForLegend lifts the top of the y axis so that the legend, which stands at the top, covers no data.
func roomForLegend(p *plot.Plot, logY bool, entries int) {
	share := min(0.5, 0.055*float64(entries))
	if p.Y.Min == p.Y.Max {
		p.Y.Min, p.Y.Max = p.Y.Min-math.Abs(p.Y.Min)/10-1e-9, p.Y.Max+math.Abs(p.Y.Max)/10+1e-9
	}
	if logY {
		p.Y.Max *= math.Pow(p.Y.Max/p.Y.Min, share/(1-share))
		return
	}
	p.Y.Max += (p.Y.Max - p.Y.Min) * share / (1 - share)
}

func addReference(p *plot.Plot, a Axis) {
	at := a.Reference
	f := plotter.NewFunction(func(float64) float64 { return at })
	f.Color, f.Width, f.Dashes = grey, vg.Points(0.8), dashed
	p.Add(f)
	p.Y.Min, p.Y.Max = min(p.Y.Min, at), max(p.Y.Max, at)
	if a.ReferenceFor != "" {
		p.Legend.Add(a.ReferenceFor, f)
	}
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = lightGrey, lightGrey
	g.Horizontal.Width, g.Vertical.Width = vg.Points(0.5), vg.Points(0.5)
	return g
}

// logTicks marks powers of ten as plain numbers, and 2 and 5 between them where there is little else.
type logTicks struct{}

func (logTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	few := math.Log10(high/low) < 2.5
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		for m := 1.0; m < 10; m++ {
			x := m * math.Pow(10, e)
			if x < low*0.999 || x > high*1.001 {
				continue
			}
			t := plot.Tick{Value: x}
			if m == 1 || few && (m == 2 || m == 5) {
				t.Label = short(x)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// short writes a number with SI multiples: 12.5 k, 3 M.
func short(x float64) string {
	a := math.Abs(x)
	switch {
	case a >= 1e9:
		return fmt.Sprintf("%.4g G", x/1e9)
	case a >= 1e6:
		return fmt.Sprintf("%.4g M", x/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.4g k", x/1e3)
	}
	return fmt.Sprintf("%.4g", x)
}

// siTicks are the usual ticks with short labels.
type siTicks struct{}

func (siTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = short(ticks[i].Value)
		}
	}
	return ticks
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

// Group is a named set of bars, one a category.
type Group struct {
	Name      string
	Y         []float64 // one a category; NaN draws none
	Low, High []float64 // or nil
	Paper     bool
}

// Bars draws groups side by side over categories. Values that are missing are named under the title.
func Bars(a Axis, categories []string, groups []Group) (*plot.Plot, error) {
	p := New(a.Title, a.X, a.Y)
	g := grid()
	g.Vertical.Color = nil
	p.Add(g)
	p.Y.Tick.Marker = siTicks{}
	width := (Width - vg.Points(90)) * 0.85 / vg.Length(max(1, len(categories)*len(groups)))
	var missing []string
	drawn := 0
	for i, group := range groups {
		var e Series
		name := group.Name
		if group.Paper {
			name += " (paper)"
		}
		look := lookOf(group.Name, i)
		var first *plotter.BarChart
		offset := width * (vg.Length(i) - vg.Length(len(groups)-1)/2)
		for j := range categories {
			y := math.NaN()
			if j < len(group.Y) {
				y = group.Y[j]
			}
			if math.IsNaN(y) || math.IsInf(y, 0) {
				if !group.Paper { // the paper need not have measured all that we do
					missing = append(missing, name+" "+categories[j])
				}
				continue
			}
			bar, err := plotter.NewBarChart(plotter.Values{y}, width)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", a.Title, name, err)
			}
			bar.XMin, bar.Offset = float64(j), offset
			bar.Color, bar.LineStyle.Color, bar.LineStyle.Width = look.Color, black, vg.Points(0.5)
			if group.Paper {
				bar.Color, bar.LineStyle.Color, bar.LineStyle.Width, bar.LineStyle.Dashes = white, look.Color, vg.Points(1.2), dotted
			}
			p.Add(bar)
			if first == nil {
				first = bar
			}
			if group.Low != nil && !math.IsNaN(group.Low[j]) {
				e.X, e.Y = append(e.X, float64(j)), append(e.Y, y)
				e.Low, e.High = append(e.Low, group.Low[j]), append(e.High, group.High[j])
			}
		}
		if first == nil {
			continue
		}
		drawn++
		p.Legend.Add(name, first)
		if len(e.X) > 0 {
			bars, err := plotter.NewYErrorBars(points{e})
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", a.Title, name, err)
			}
			p.Add(&shifted{bars, offset})
		}
	}
	if drawn == 0 {
		return nil, ErrNothing{a.Y + " of " + strings.Join(categories, ", ")}
	}
	if len(missing) > 0 {
		p.Title.Text += "\nmissing: " + shorten(missing)
		p.Title.TextStyle.Font.Size = 10
	}
	p.NominalX(categories...)
	p.X.Min, p.X.Max = -0.5, float64(len(categories))-0.5
	slantLabels(p, categories)
	p.Y.Min = min(p.Y.Min, 0)
	if a.Reference != 0 {
		addReference(p, a)
	}
	roomForLegend(p, false, drawn)
	return p, nil
}

// slantLabels turns the labels of categories that would run into each other.
func slantLabels(p *plot.Plot, categories []string) {
	total := 0
	for _, c := range categories {
		total += len(c) + 2
	}
	if total > 75 {
		p.X.Tick.Label.Rotation = math.Pi / 6
		if len(categories) > 12 {
			p.X.Tick.Label.Rotation = math.Pi / 2
		}
		p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	}
}

// shorten lists the names that fit a title, and counts the others.
func shorten(names []string) string {
	out := names[0]
	for i, n := range names[1:] {
		if len(out)+len(n) > 70 {
			return out + fmt.Sprintf(" and %d more", len(names)-1-i)
		}
		out += ", " + n
	}
	return out
}

// shifted draws error bars beside their category, over their bar.
type shifted struct {
	*plotter.YErrorBars
	by vg.Length
}

func (s *shifted) Plot(c draw.Canvas, p *plot.Plot) {
	c.Min.X += s.by
	c.Max.X += s.by
	s.YErrorBars.Plot(c, p)
}

// Stacked draws parts on top of each other over categories: parts[i].Y has one value a category.
func Stacked(a Axis, categories []string, parts []Group) (*plot.Plot, error) {
	p := New(a.Title, a.X, a.Y)
	g := grid()
	g.Vertical.Color = nil
	p.Add(g)
	p.Y.Tick.Marker = siTicks{}
	width := min(vg.Points(60), (Width-vg.Points(170))*0.7/vg.Length(max(1, len(categories))))
	var below *plotter.BarChart
	total := 0.0
	for i, part := range parts {
		values := make(plotter.Values, len(categories))
		for j := range values {
			if j < len(part.Y) && !math.IsNaN(part.Y[j]) {
				values[j] = part.Y[j]
				total += part.Y[j]
			}
		}
		bar, err := plotter.NewBarChart(values, width)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", a.Title, part.Name, err)
		}
		// Neighbours differ in lightness too: the cycle's colours, every other one lightened.
		c := cycle[i%len(cycle)].Color
		if i%2 == 1 {
			c.R, c.G, c.B = lighten(c.R), lighten(c.G), lighten(c.B)
		}
		bar.Color, bar.LineStyle.Color, bar.LineStyle.Width = c, black, vg.Points(0.5)
		if below != nil {
			bar.StackOn(below)
		}
		below = bar
		p.Add(bar)
		p.Legend.Add(part.Name, bar)
	}
	if total == 0 {
		return nil, ErrNothing{a.Y + " of " + strings.Join(categories, ", ")}
	}
	p.NominalX(categories...)
	slantLabels(p, categories)
	p.Y.Min = 0
	p.X.Min, p.X.Max = -0.5, float64(len(categories))-0.5
	p.X.Max += 0.45 * float64(len(categories)) // the legend stands to the right of the bars
	return p, nil
}

func lighten(x uint8) uint8 { return uint8((int(x) + 255) / 2) }

// RooflinePoint is one kernel on the roofline.
type RooflinePoint struct {
	Series    string  // method
	Kernel    string  //
	FLOP      float64 // floating-point operations
	DRAMBytes float64 // bytes moved to and from DRAM
	Seconds   float64
}

// Roofline draws kernels under the two ceilings of a GPU: peak in FLOP/s, bandwidth in byte/s.
func Roofline(title string, peak, bandwidth float64, kernels []RooflinePoint) (*plot.Plot, error) {
	bySeries := map[string]*Series{}
	var order []string
	low, high := peak/bandwidth/8, peak/bandwidth*8
	for _, k := range kernels {
		if k.FLOP <= 0 || k.DRAMBytes <= 0 || k.Seconds <= 0 {
			continue
		}
		s := bySeries[k.Series]
		if s == nil {
			s = &Series{Name: k.Series, Points: true}
			bySeries[k.Series] = s
			order = append(order, k.Series)
		}
		x := k.FLOP / k.DRAMBytes
		low, high = min(low, x/2), max(high, x*2)
		s.X, s.Y = append(s.X, x), append(s.Y, k.FLOP/k.Seconds/1e9)
	}
	if len(order) == 0 {
		return nil, ErrNothing{"kernels with floating-point operations and DRAM traffic"}
	}
	roof := Series{Plain: true, Name: fmt.Sprintf("roof: %.1f TFLOP/s, %.0f GB/s", peak/1e12, bandwidth/1e9)}
	for i := range 65 {
		x := low * math.Pow(high/low, float64(i)/64)
		roof.X, roof.Y = append(roof.X, x), append(roof.Y, min(peak, bandwidth*x)/1e9)
	}
	series := []Series{}
	for _, name := range order {
		series = append(series, *bySeries[name])
	}
	p, err := Lines(Axis{Title: title, X: "arithmetic intensity (FLOP / byte of DRAM traffic)", Y: "throughput (GFLOP/s)", LogX: true, LogY: true}, append(series, roof))
	if err != nil {
		return nil, err
	}
	p.Legend.Top = false // the roof's corner is at the top
	p.Legend.YOffs = vg.Points(60)
	return p, nil
}

// Staircase draws the latency of pointer chasing against its footprint in bytes; levels are the known latencies.
func Staircase(title string, bytes, cycles []float64, levels map[string]float64) (*plot.Plot, error) {
	series := []Series{{Name: "simulated", X: bytes, Y: cycles}}
	var names []string
	for name := range levels {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(bytes) > 0 {
		for _, name := range names {
			series = append(series, Series{Name: name + " (published)", Plain: true, X: []float64{slices.Min(bytes), slices.Max(bytes)}, Y: []float64{levels[name], levels[name]}})
		}
	}
	return Lines(Axis{Title: title, X: "footprint (byte)", Y: "latency of a dependent load (cycle)", LogX: true, ZeroY: true}, series)
}

// Pair is one workload's simulated and measured time in seconds.
type Pair struct {
	Name                string
	Simulated, Measured float64
}

// Correlation draws simulated against measured time on logarithmic axes, and gives the mean absolute error in per cent.
func Correlation(title string, pairs []Pair) (*plot.Plot, float64, error) {
	s := Series{Name: "kernel", Points: true}
	sum, n := 0.0, 0.0
	for _, p := range pairs {
		if p.Measured > 0 && p.Simulated > 0 {
			s.X, s.Y = append(s.X, p.Measured*1e6), append(s.Y, p.Simulated*1e6)
			sum += math.Abs(p.Simulated-p.Measured) / p.Measured
			n++
		}
	}
	if n == 0 {
		return nil, 0, ErrNothing{"pairs of simulated and measured times"}
	}
	low, high := min(slices.Min(s.X), slices.Min(s.Y))/1.5, max(slices.Max(s.X), slices.Max(s.Y))*1.5
	equal := Series{Plain: true, Name: "equal", X: []float64{low, high}, Y: []float64{low, high}}
	mape := 100 * sum / n
	p, err := Lines(Axis{Title: fmt.Sprintf("%s: mean absolute error %.1f %% over %d", title, mape, int(n)), X: "measured time (µs)", Y: "simulated time (µs)", LogX: true, LogY: true}, []Series{s, equal})
	return p, mape, err
}
