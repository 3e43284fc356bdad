package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Axis is a figure's frame.
type Axis struct {
	Title, X, Y  string // labels carry the unit
	LogX, LogY   bool
	AtX          bool                 // ticks stand at the x values of the data, where these are few
	FormatX      func(float64) string // labels of those ticks; nil = plain numbers
	Reference    float64              // where not 0, a horizontal line …
	ReferenceFor string               // … and what it means
	ZeroY        bool                 // y starts at 0
	Less         bool                 // less is better: see TradeOff
}

// ErrNothing says that a figure has nothing to show; its text names what is missing.
type ErrNothing struct{ Missing string }

func (e ErrNothing) Error() string { return "nothing to draw: " + e.Missing }

// niceTicks are four to eight labels at round steps, written with the decimals of the step.
type niceTicks struct{}

func (niceTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	if !(high > low) || math.IsInf(high-low, 0) {
		return []plot.Tick{{Value: low, Label: Short(low)}}
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, m := range []float64{5, 2.5, 2} {
		if (high-low)/(step*m) >= 4 {
			step *= m
			break
		}
	}
	decimals := 0
	for scaled := step; decimals < 12 && math.Abs(scaled-math.Round(scaled)) > 1e-6*scaled; scaled *= 10 {
		decimals++
	}
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9; i++ {
		x := i * step
		label := fmt.Sprintf("%.*f", decimals, x)
		if math.Abs(high) >= 1e4 || math.Abs(low) >= 1e4 {
			label = Short(x)
		}
		if strings.Trim(label, "-0.") == "" {
			label = "0"
		}
		ticks = append(ticks, plot.Tick{Value: x, Label: label})
	}
	return ticks
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
				t.Label = Short(x)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// maxTicks is how many values of the data an axis shows as ticks.
const maxTicks = 12

// dataTicks are ticks at given values; labels that would run into the one before them are left out.
func dataTicks(values []float64, log bool, format func(float64) string) plot.ConstantTicks {
	at := func(x float64) float64 {
		if log {
			return math.Log(x)
		}
		return x
	}
	if format == nil {
		format = Short
	}
	style := textStyle(9)
	scale := float64(Width-vg.Points(75)) / max(at(values[len(values)-1])-at(values[0]), 1e-9) // points a unit
	var ticks plot.ConstantTicks
	end := math.Inf(-1) // of the last label
	for _, x := range values {
		t := plot.Tick{Value: x}
		half := float64(style.Width(format(x)))/2 + 3
		if center := at(x) * scale; center-half >= end {
			t.Label, end = format(x), center+half
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// Short writes a number with SI multiples: 12.5 k, 3 M.
func Short(x float64) string {
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

// Bytes writes a size with binary multiples: 24 KiB, 3 MiB.
func Bytes(x float64) string {
	switch {
	case x >= 1<<20:
		return fmt.Sprintf("%.3g MiB", x/(1<<20))
	case x >= 1<<10:
		return fmt.Sprintf("%.3g KiB", x/(1<<10))
	}
	return fmt.Sprintf("%.0f B", x)
}

// pad leaves room between the data and the ends of an axis, and makes one of a single value.
func pad(a *plot.Axis, log bool, share float64) {
	switch {
	case log && a.Min == a.Max:
		a.Min, a.Max = a.Min/2, a.Max*2
	case log:
		f := math.Pow(a.Max/a.Min, share)
		a.Min, a.Max = a.Min/f, a.Max*f
	case a.Min == a.Max:
		room := max(math.Abs(a.Min)/10, 1e-3)
		a.Min, a.Max = a.Min-room, a.Max+room
	default:
		room := (a.Max - a.Min) * share
		a.Min, a.Max = a.Min-room, a.Max+room
	}
}

func (f *Figure) addReference(a Axis) {
	if a.Reference == 0 {
		return
	}
	at := a.Reference
	l := plotter.NewFunction(func(float64) float64 { return at })
	l.Color, l.Width, l.Dashes = grey, vg.Points(1), dashed
	f.Plot.Add(l)
	f.Plot.Y.Min, f.Plot.Y.Max = min(f.Plot.Y.Min, at), max(f.Plot.Y.Max, at)
	if a.ReferenceFor != "" {
		f.Legend = append(f.Legend, Entry{a.ReferenceFor, []plot.Thumbnailer{l}})
	}
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = lightGrey, lightGrey
	g.Horizontal.Width, g.Vertical.Width = vg.Points(0.5), vg.Points(0.5)
	return g
}

// shorten lists names, and counts those beyond the first few.
func shorten(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}

// values are all x of series, sorted, each once.
func values(series []Series) (out []float64) {
	for _, s := range series {
		if !s.Plain {
			out = append(out, s.X...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
