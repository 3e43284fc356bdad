package experiments

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/plot"

	"warpdrop/plots"
)

// Figure is one way to draw results.
type Figure struct {
	Name    string
	Caption string
	draw    func(*Results) (*plot.Plot, error)
}

// Figures is the table of all figures, in the order of the report.
var Figures = []Figure{
	{"speedup-rate", "Speedup of an iteration against the dropout rate; the paper's values are the hollow markers.", speedupByRate},
	{"speedup-network", "Speedup of an iteration by network; the paper's values are the empty bars.", speedupByNetwork},
	{"accuracy", "Test accuracy by network and method; bars show one standard deviation over seeds.", accuracyByNetwork},
	{"convergence", "Test accuracy in the course of training.", convergence},
	{"perplexity-rate", "Test perplexity against the dropout rate.", perplexityByRate},
	{"speedup-batch", "Speedup of an iteration against the batch.", speedupByBatch},
	{"perplexity-batch", "Test perplexity against the batch.", perplexityByBatch},
	{"divergence", "Time of one product with if-else skipping against its rate, relative to the product that computes everything; skipping does not save what it skips.", divergence},
	{"parts", "Where the cycles of an iteration go.", parts},
	{"conflicts-tile", "Bank conflicts of shared memory against the tile's edge.", conflictsByTile},
	{"cycles-tile", "Cycles against the tile's edge.", cyclesByTile},
	{"cycles-dp", "Cycles against dp; the dashed line is 1/dp of the dense product.", cyclesByDP},
	{"gpus", "Speedup by GPU.", speedupByGPU},
	{"stalls", "What the warp schedulers waited for, as a share of scheduler cycles.", stalls},
	{"roofline", "Each kernel under the GPU's two ceilings.", roofline},
	{"distribution", "Probability of each pattern dp.", distribution},
}

// FigureNames are the names of Figures.
func FigureNames() []string {
	names := make([]string, len(Figures))
	for i, f := range Figures {
		names[i] = f.Name
	}
	return names
}

// Draw draws a figure; plots.ErrNothing says what is missing for it.
func (f Figure) Draw(r *Results) (*plot.Plot, error) { return f.draw(r) }

func nothing(what string) (*plot.Plot, error) { return nil, plots.ErrNothing{Missing: what} }

// methodsOf lists the methods of rows in order of appearance.
func methodsOf(rows []*Row) (names []string) {
	for _, r := range rows {
		if !slices.Contains(names, r.Method) {
			names = append(names, r.Method)
		}
	}
	return names
}

// curve makes a series for each method from rows that have both x and y, sorted by x; rows alike in x are averaged.
func curve(rows []*Row, x, y func(*Row) float64, low, high func(*Row) float64) (out []plots.Series) {
	for _, m := range methodsOf(rows) {
		type at struct{ y, low, high, n float64 }
		sums := map[float64]*at{}
		for _, r := range rows {
			if r.Method != m || math.IsNaN(x(r)+y(r)) {
				continue
			}
			a := sums[x(r)]
			if a == nil {
				a = &at{}
				sums[x(r)] = a
			}
			a.y += y(r)
			a.n++
			if low != nil {
				a.low += low(r)
				a.high += high(r)
			}
		}
		s := plots.Series{Name: m}
		for k := range sums {
			s.X = append(s.X, k)
		}
		sort.Float64s(s.X)
		for _, k := range s.X {
			a := sums[k]
			s.Y = append(s.Y, a.y/a.n)
			if low != nil {
				s.Low, s.High = append(s.Low, a.low/a.n), append(s.High, a.high/a.n)
			}
		}
		if len(s.X) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func rate(r *Row) float64 {
	if len(r.Rates) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, x := range r.Rates {
		sum += x
	}
	return sum / float64(len(r.Rates))
}

func speedup(r *Row) float64     { return float64(r.Speedup) }
func speedupLow(r *Row) float64  { return float64(r.SpeedupLow) }
func speedupHigh(r *Row) float64 { return float64(r.SpeedupHigh) }

// iterations are the rows of whole training iterations.
func (r *Results) iterations() (out []*Row) {
	for _, row := range r.Rows {
		if row.Workload == "mlp" || row.Workload == "lstm" {
			out = append(out, row)
		}
	}
	return out
}

func speedupByRate(r *Results) (*plot.Plot, error) {
	series := curve(r.iterations(), rate, speedup, speedupLow, speedupHigh)
	if len(series) == 0 {
		return nothing("simulated iterations beside the baseline " + r.Experiment.Baseline)
	}
	for _, m := range []string{"rdp", "tdp"} {
		s := plots.Series{Name: m, Paper: true}
		for _, p := range PaperRows(r.Experiment.Paper) {
			if p.Method == m && p.Speedup > 0 {
				s.X, s.Y = append(s.X, rate(&Row{Rates: p.Rates})), append(s.Y, p.Speedup)
			}
		}
		if len(s.X) > 0 {
			series = append(series, s)
		}
	}
	return plots.Lines(plots.Axis{Title: "Speedup against dropout rate", X: "dropout rate (share of neurons or synapses)", Y: "speedup of an iteration over " + r.Experiment.Baseline + " (×)", Reference: 1}, series)
}

// category names what bars of one group stand over: the network, and the rate where several are there.
func categories(rows []*Row, usable func(*Row) bool) (names []string, of func(*Row) string) {
	rates, batches := map[string]bool{}, map[int]bool{}
	for _, r := range rows {
		if usable(r) {
			rates[fmt.Sprint(r.Rates)] = true
			batches[r.Batch] = true
		}
	}
	of = func(r *Row) string {
		name := r.Network
		if len(rates) > 1 && len(r.Rates) > 0 {
			name += fmt.Sprintf(" at %.2g", rate(r))
		}
		if len(batches) > 1 && r.Batch > 0 {
			name += fmt.Sprintf(" batch %d", r.Batch)
		}
		return name
	}
	for _, r := range rows {
		if usable(r) && !slices.Contains(names, of(r)) {
			names = append(names, of(r))
		}
	}
	return names, of
}

// maxBars is the most categories that bars are readable for.
const maxBars = 24

// bars draws one value by category and method, and the paper's beside it where there is one.
func bars(r *Results, rows []*Row, a plots.Axis, y, low, high, paper func(*Row) float64) (*plot.Plot, error) {
	usable := func(row *Row) bool { return !math.IsNaN(y(row)) }
	names, of := categories(rows, usable)
	if len(names) == 0 {
		return nothing(a.Y)
	}
	if len(names) > maxBars {
		a.Title += fmt.Sprintf(" (the first %d of %d)", maxBars, len(names))
		names = names[:maxBars]
	}
	var groups []plots.Group
	for _, m := range methodsOf(rows) {
		g := plots.Group{Name: m, Y: nans(len(names))}
		if low != nil {
			g.Low, g.High = nans(len(names)), nans(len(names))
		}
		pub := plots.Group{Name: m, Paper: true, Y: nans(len(names))}
		has := false
		for _, row := range rows {
			i := slices.Index(names, of(row))
			if row.Method != m || i < 0 || !math.IsNaN(g.Y[i]) {
				continue
			}
			g.Y[i] = y(row)
			if low != nil {
				g.Low[i], g.High[i] = low(row), high(row)
			}
			if paper != nil {
				pub.Y[i] = paper(row)
				has = has || !math.IsNaN(pub.Y[i])
			}
		}
		groups = append(groups, g)
		if has {
			groups = append(groups, pub)
		}
	}
	return plots.Bars(a, names, groups)
}

func nans(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

func speedupByNetwork(r *Results) (*plot.Plot, error) {
	return bars(r, r.iterations(), plots.Axis{Title: "Speedup by network", Y: "speedup of an iteration over " + r.Experiment.Baseline + " (×)", Reference: 1},
		speedup, speedupLow, speedupHigh, func(row *Row) float64 { return float64(row.PaperSpeedup) })
}

func accuracyByNetwork(r *Results) (*plot.Plot, error) {
	spread := func(sign float64) func(*Row) float64 {
		return func(row *Row) float64 { return float64(row.Accuracy + number(sign)*row.AccuracySpread) }
	}
	var trained []*Row
	low := 100.0
	for _, row := range r.iterations() {
		if row.Accuracy.known() {
			trained = append(trained, row)
			low = min(low, float64(row.Accuracy))
		}
	}
	p, err := bars(r, trained, plots.Axis{Title: "Accuracy by network", Y: "test accuracy (%)"}, func(row *Row) float64 { return float64(row.Accuracy) }, spread(-1), spread(1),
		func(row *Row) float64 { return float64(row.PaperAccuracy) })
	if err == nil && low > 50 { // differences are of tenths of a per cent: the axis says where it starts
		top := 100.0
		p.Y.Min = math.Floor(low) - 2
		p.Y.Max = top + (top-p.Y.Min)*0.35
		p.Y.Label.Text = fmt.Sprintf("test accuracy (%%), axis from %.0f %%", p.Y.Min)
	}
	return p, err
}

func convergence(r *Results) (*plot.Plot, error) {
	var series []plots.Series
	perplexity := false
	trained := map[string]bool{}
	for _, row := range r.iterations() {
		if len(row.train) == 0 || len(row.train[0].Trace) == 0 || trained[row.key(false)] {
			continue
		}
		trained[row.key(false)] = true
		s := plots.Series{Name: row.Method}
		for _, t := range row.train[0].Trace {
			s.X = append(s.X, float64(t.Iteration))
			if t.Perplexity > 0 {
				perplexity = true
				s.Y = append(s.Y, t.Perplexity)
			} else {
				s.Y = append(s.Y, 100*t.Accuracy)
			}
		}
		series = append(series, s)
	}
	if len(series) == 0 {
		return nothing("training runs with a trace")
	}
	y := "test accuracy (%)"
	if perplexity {
		y = "test perplexity"
	}
	return plots.Lines(plots.Axis{Title: "Convergence", X: "iteration", Y: y}, series)
}

func perplexity(r *Row) float64 { return float64(r.Perplexity) }
func batch(r *Row) float64      { return float64(r.Batch) }

func perplexityByRate(r *Results) (*plot.Plot, error) {
	series := curve(r.iterations(), rate, perplexity, nil, nil)
	if len(series) == 0 {
		return nothing("training runs on text")
	}
	return plots.Lines(plots.Axis{Title: "Perplexity against dropout rate", X: "dropout rate (share of neurons or synapses)", Y: "test perplexity"}, series)
}

// varied tells whether rows differ in a value.
func varied(rows []*Row, x func(*Row) float64) bool {
	seen := map[float64]bool{}
	for _, r := range rows {
		if v := x(r); !math.IsNaN(v) {
			seen[v] = true
		}
	}
	return len(seen) > 1
}

func speedupByBatch(r *Results) (*plot.Plot, error) {
	if !varied(r.iterations(), batch) {
		return nothing("iterations at several batch sizes")
	}
	return plots.Lines(plots.Axis{Title: "Speedup against batch", X: "batch (samples)", Y: "speedup of an iteration over " + r.Experiment.Baseline + " (×)", Reference: 1}, curve(r.iterations(), batch, speedup, speedupLow, speedupHigh))
}

func perplexityByBatch(r *Results) (*plot.Plot, error) {
	if !varied(r.iterations(), batch) {
		return nothing("training runs at several batch sizes")
	}
	return plots.Lines(plots.Axis{Title: "Perplexity against batch", X: "batch (samples)", Y: "test perplexity"}, curve(r.iterations(), batch, perplexity, nil, nil))
}

// divergence draws the masked product's time relative to that of the dense one on the same shape and tile.
func divergence(r *Results) (*plot.Plot, error) {
	relative := func(row *Row) float64 {
		if row.Method != "masked" {
			return math.NaN()
		}
		if b := row.baseline(r.Rows, "dense"); b != nil {
			return float64(row.Cycles / b.Cycles)
		}
		return math.NaN()
	}
	series := curve(r.Rows, rate, relative, nil, nil)
	if len(series) == 0 {
		return nothing("masked products or iterations beside dense ones")
	}
	ideal := plots.Series{Name: "ideal: 1 - rate", X: []float64{0, 1}, Y: []float64{1, 0}}
	return plots.Lines(plots.Axis{Title: "Skipping by if-else diverges", X: "dropout rate (share of outputs skipped)", Y: "time relative to the dense product", ZeroY: true, Reference: 1}, append(series, ideal))
}

// simulated are the rows with a simulation, at most as many as bars can show.
func (r *Results) simulated() (rows []*Row, names []string) {
	for _, row := range r.Rows {
		if row.sim == nil {
			continue
		}
		if len(rows) == maxBars {
			break
		}
		rows = append(rows, row)
	}
	networks := map[string]bool{}
	rates := map[string]bool{}
	for _, row := range rows {
		networks[row.Network] = true
		rates[fmt.Sprint(row.Rates)] = len(row.Rates) > 0
	}
	for _, row := range rows {
		name := row.Method
		if len(networks) > 1 {
			name += " " + row.Network
		}
		if len(rates) > 1 && len(row.Rates) > 0 {
			name += fmt.Sprintf(" %.2g", rate(row))
		}
		if row.DP > 0 {
			name += fmt.Sprintf(" dp %d", row.DP)
		}
		if row.Update == "lazy" {
			name += " lazy"
		}
		names = append(names, name)
	}
	return rows, names
}

func parts(r *Results) (*plot.Plot, error) {
	rows, names := r.simulated()
	var groups []plots.Group
	for _, part := range partNames(rows) {
		g := plots.Group{Name: part}
		for _, row := range rows {
			g.Y = append(g.Y, float64(row.Parts[part]))
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		return nothing("simulated iterations")
	}
	return plots.Stacked(plots.Axis{Title: "Where the cycles go", Y: "cycles of the core clock"}, names, groups)
}

func tile(r *Row) float64 { return known(r.Tile) }
func dp(r *Row) float64   { return known(r.DP) }

func known(n int) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(n)
}

// padded splits rows by padding, into a method name of its own.
func padded(rows []*Row) (out []*Row) {
	for _, r := range rows {
		if r.Tile > 0 && r.Cycles.known() {
			c := *r
			if c.Pad == "false" {
				c.Method += ", not padded"
			}
			out = append(out, &c)
		}
	}
	return out
}

func conflictsByTile(r *Results) (*plot.Plot, error) {
	rows := padded(r.Rows)
	if !varied(rows, tile) {
		return nothing("simulations at several tile sizes")
	}
	return plots.Lines(plots.Axis{Title: "Bank conflicts against tile size", X: "edge of the tile (elements)", Y: "extra passes a shared-memory access", ZeroY: true},
		curve(rows, tile, func(r *Row) float64 { return float64(r.ConflictsPerAccess) }, nil, nil))
}

func cyclesByTile(r *Results) (*plot.Plot, error) {
	rows := padded(r.Rows)
	if !varied(rows, tile) {
		return nothing("simulations at several tile sizes")
	}
	return plots.Lines(plots.Axis{Title: "Cycles against tile size", X: "edge of the tile (elements)", Y: "cycles of the core clock", ZeroY: true},
		curve(rows, tile, func(r *Row) float64 { return float64(r.Cycles) }, nil, nil))
}

func cyclesByDP(r *Results) (*plot.Plot, error) {
	relative := func(row *Row) float64 {
		if row.DP == 0 {
			return math.NaN()
		}
		if b := row.baseline(r.Rows, "dense"); b != nil {
			return float64(row.Cycles / b.Cycles)
		}
		return math.NaN()
	}
	if !varied(r.Rows, dp) {
		return nothing("simulations at several dp")
	}
	series := curve(r.Rows, dp, relative, nil, nil)
	ideal := plots.Series{Name: "ideal: 1/dp"}
	for _, row := range r.Rows {
		if row.DP > 0 && !slices.Contains(ideal.X, float64(row.DP)) {
			ideal.X = append(ideal.X, float64(row.DP))
		}
	}
	sort.Float64s(ideal.X)
	for _, x := range ideal.X {
		ideal.Y = append(ideal.Y, 1/x)
	}
	return plots.Lines(plots.Axis{Title: "Cycles against dp", X: "dp (one row or tile in dp is kept)", Y: "cycles relative to dense", ZeroY: true}, append(series, ideal))
}

func speedupByGPU(r *Results) (*plot.Plot, error) {
	var rows []*Row
	gpus := map[string]bool{}
	for _, row := range r.Rows {
		if row.Speedup.known() {
			c := *row
			c.Network = row.GPU
			gpus[row.GPU] = true
			rows = append(rows, &c)
		}
	}
	if len(gpus) < 2 {
		return nothing("simulations on several GPUs")
	}
	return bars(r, rows, plots.Axis{Title: "Speedup by GPU", Y: "speedup over " + r.Experiment.Baseline + " (×)", Reference: 1}, speedup, nil, nil, nil)
}

// stallPrefix marks the counters that are scheduler cycles by reason.
const stallPrefix = "stall_"

func stalls(r *Results) (*plot.Plot, error) {
	rows, names := r.simulated()
	reasons := map[string]bool{}
	for _, row := range rows {
		for name := range row.sim.Counters {
			if len(name) > len(stallPrefix) && name[:len(stallPrefix)] == stallPrefix && row.sim.Counters[name] > 0 {
				reasons[name] = true
			}
		}
	}
	if len(reasons) == 0 {
		return nothing("stall counters")
	}
	var sorted []string
	for name := range reasons {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	total := make([]float64, len(rows))
	for i, row := range rows {
		for _, name := range sorted {
			total[i] += row.sim.Counters[name]
		}
	}
	var groups []plots.Group
	for _, name := range sorted {
		g := plots.Group{Name: name[len(stallPrefix):]}
		for i, row := range rows {
			g.Y = append(g.Y, 100*row.sim.Counters[name]/max(total[i], 1))
		}
		groups = append(groups, g)
	}
	return plots.Stacked(plots.Axis{Title: "What the schedulers did", Y: "share of scheduler cycles (%)"}, names, groups)
}

func roofline(r *Results) (*plot.Plot, error) {
	var kernels []plots.RooflinePoint
	var peak, bandwidth float64
	gpu := ""
	for _, row := range r.Rows {
		if row.sim == nil || row.sim.Peak["core_hz"] == 0 || gpu != "" && row.GPU != gpu {
			continue
		}
		gpu = row.GPU
		hz := row.sim.Peak["core_hz"]
		peak, bandwidth = row.sim.Peak["flop_per_cycle"]*hz, row.sim.Peak["dram_bytes_per_cycle"]*hz
		for _, k := range row.sim.Kernels {
			kernels = append(kernels, plots.RooflinePoint{Series: row.Method, Kernel: k.Name, FLOP: k.FLOP, DRAMBytes: k.DRAMBytes, Seconds: k.Cycles / hz})
		}
	}
	if gpu == "" {
		return nothing("simulated kernels")
	}
	return plots.Roofline("Roofline of "+gpu, peak, bandwidth, kernels)
}

// maxDistributions is how many distributions one figure shows.
const maxDistributions = 6

func distribution(r *Results) (*plot.Plot, error) {
	var names []string
	var groups []plots.Group
	length := 0
	seen := map[string]bool{}
	add := func(name string, p []float64) {
		if len(p) == 0 || seen[name] || len(groups) == maxDistributions {
			return
		}
		seen[name] = true
		groups = append(groups, plots.Group{Name: name, Y: p})
		length = max(length, len(p))
	}
	for _, row := range slices.Concat(r.Searches, r.Rows) {
		if row.found != nil {
			add(fmt.Sprintf("%s, rate %.2g", row.Search, rate(row)), row.found.P)
		} else if row.sim != nil && len(row.sim.Distribution) > 0 {
			add(fmt.Sprintf("%s, rate %.2g", row.Search, rate(row)), row.sim.Distribution[0].P)
		}
	}
	if len(groups) == 0 {
		return nothing("distributions of patterns")
	}
	length = min(length, maxBars)
	for i := range length {
		names = append(names, fmt.Sprint(i+1))
	}
	for i := range groups { // a pattern outside a search's N has probability 0
		for len(groups[i].Y) < length {
			groups[i].Y = append(slices.Clone(groups[i].Y), 0)
		}
	}
	return plots.Bars(plots.Axis{Title: "Distribution of patterns", X: "dp", Y: "probability"}, names, groups)
}
