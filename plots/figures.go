package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// RooflinePoint is one kernel on the roofline.
type RooflinePoint struct {
	Series    string  // method
	Kernel    string  // "" leaves the point without a name
	FLOP      float64 // floating-point operations
	DRAMBytes float64 // bytes moved to and from DRAM
	Seconds   float64
}

// Roofline draws kernels under the two ceilings of a GPU: peak in FLOP/s, bandwidth in byte/s.
func Roofline(title string, peak, bandwidth float64, kernels []RooflinePoint) (*Figure, error) {
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
		s.X, s.Y, s.Labels = append(s.X, x), append(s.Y, k.FLOP/k.Seconds/1e9), append(s.Labels, k.Kernel)
	}
	if len(order) == 0 {
		return nil, ErrNothing{"kernels with floating-point operations and DRAM traffic"}
	}
	roof := Series{Plain: true, Key: "dense", Name: fmt.Sprintf("ceilings: %.1f TFLOP/s, %.0f GB/s",
		peak/1e12, bandwidth/1e9)}
	for _, x := range []float64{low, peak / bandwidth, high} {
		roof.X, roof.Y = append(roof.X, x), append(roof.Y, min(peak, bandwidth*x)/1e9)
	}
	series := []Series{roof}
	for _, name := range order {
		series = append(series, *bySeries[name])
	}
	return Lines(Axis{Title: title, X: "arithmetic intensity (FLOP / byte of DRAM traffic)", Y: "throughput (GFLOP/s)",
		LogX: true, LogY: true}, series)
}

// Staircase draws the latency of dependent loads against their footprint in bytes; known values carry their range.
func Staircase(title string, measured []Series, known Series) (*Figure, error) {
	known.Name, known.Key, known.Points = "known of the real GPU", "none", true
	return Lines(Axis{Title: title, X: "footprint", Y: "latency of a dependent load (cycles)", LogX: true, ZeroY: true,
		AtX: true, FormatX: Bytes}, append(measured, known))
}

// Pair is one workload's simulated and measured time in seconds.
type Pair struct {
	Series              string // pairs of one series look alike
	Name                string // shown under the pointer, in SVG
	Simulated, Measured float64
}

// Correlation draws simulated against measured time on logarithmic axes; the title has the mean absolute error.
func Correlation(title string, pairs []Pair) (*Figure, error) {
	bySeries := map[string]*Series{}
	var series []*Series
	sum, n := 0.0, 0.0
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range pairs {
		if !(p.Measured > 0 && p.Simulated > 0) {
			continue
		}
		s := bySeries[p.Series]
		if s == nil {
			s = &Series{Name: p.Series, Points: true}
			bySeries[p.Series] = s
			series = append(series, s)
		}
		s.X, s.Y, s.Hover = append(s.X, p.Measured*1e6), append(s.Y, p.Simulated*1e6),
			append(s.Hover, cmp.Or(p.Name, p.Series))
		sum += math.Abs(p.Simulated-p.Measured) / p.Measured
		n++
		low, high = min(low, p.Measured*1e6, p.Simulated*1e6), max(high, p.Measured*1e6, p.Simulated*1e6)
	}
	if n == 0 {
		return nil, ErrNothing{"pairs of simulated and measured times"}
	}
	low, high = low/1.3, high*1.3
	diagonal := func(name string, variant int, by float64) Series {
		return Series{Plain: true, Key: "dense", Variant: variant, Name: name, X: []float64{low, high},
			Y: []float64{low * by, high * by}}
	}
	all := []Series{diagonal("equal", 0, 1), diagonal("+25 %", 1, 1.25), diagonal("-20 %", 2, 0.8)}
	for _, s := range series {
		all = append(all, *s)
	}
	return Lines(Axis{Title: fmt.Sprintf("%s: mean absolute error %.1f %% over %d", title, 100*sum/n, int(n)),
		X: "measured time (µs)", Y: "simulated time (µs)", LogX: true, LogY: true}, all)
}

// TradeOff draws configurations by what they gain (x) and what they cost (y, more is better, or with a.Less less), with
// the line of those that no other beats in both.
func TradeOff(a Axis, series []Series) (*Figure, error) {
	type point struct{ x, y float64 }
	sign := 1.0
	if a.Less {
		sign = -1
	}
	var all []point
	for _, s := range series {
		for i := range s.X {
			if !math.IsNaN(s.X[i] + s.Y[i]) {
				all = append(all, point{s.X[i], s.Y[i]})
			}
		}
	}
	slices.SortFunc(all, func(p, q point) int { // the fastest first, of equals the better
		return cmp.Or(cmp.Compare(q.x, p.x), cmp.Compare(sign*q.y, sign*p.y))
	})
	front := Series{Name: "not beaten in both", Key: "none", Plain: true}
	best := math.Inf(-1)
	for _, p := range all {
		if sign*p.y > best {
			best = sign * p.y
			front.X, front.Y = append(front.X, p.x), append(front.Y, p.y)
		}
	}
	if len(front.X) > 1 {
		series = append(slices.Clone(series), front)
	}
	return Lines(a, series)
}
