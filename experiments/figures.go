package experiments

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"warpdrop/dropout"
	"warpdrop/plots"
	"warpdrop/sim/sm/timing"
)

// Figure is one way to draw results.
type Figure struct {
	Name    string
	Caption string
	draw    func(*Results) (*plots.Figure, error)
	over    func(*Row) float64 // its x axis: where this does not vary, the figure is drawn only if it is asked for by name
}

// Figures is the table of all figures, in the order of the report.
var Figures = []Figure{
	{"speedup-rate", "Speedup of an iteration against the dropout rate.", speedupByRate, rate},
	{"speedup-network", "Speedup of an iteration.", speedupByNetwork, nil},
	{"accuracy", "Test accuracy.", accuracyByNetwork, nil},
	{"trade-off", "What a configuration gains and what it costs: up and to the right is better.", tradeOff, speedup},
	{"trade-off-perplexity", "What a configuration gains and what it costs: down and to the right is better.",
		tradeOffPerplexity, speedup},
	{"sub-models", "Accuracy against what a draw chooses from.", accuracyBySubModels, nil},
	{"sub-models-perplexity", "Perplexity against what a draw chooses from; less is better.", perplexityBySubModels, nil},
	{"kept-share", "Accuracy against how much the share of what is kept changes from iteration to iteration.",
		accuracyByKeptShare, nil},
	{"kept-share-perplexity",
		"Perplexity against how much the share of what is kept changes from iteration to iteration; less is better.",
		perplexityByKeptShare, nil},
	{"convergence", "The test set in the course of training.", convergence, nil},
	{"perplexity-rate", "Test perplexity against the dropout rate; less is better.", perplexityByRate, rate},
	{"speedup-batch", "Speedup of an iteration against the batch.", speedupByBatch, batch},
	{"perplexity-batch", "Test perplexity against the batch; less is better.", perplexityByBatch, batch},
	{"divergence",
		"Time with if-else skipping against the share that is skipped, relative to computing everything: divergent warps " +
			"save little of what they skip.", divergence, nil},
	{"parts", "Where the cycles with launch of an iteration go.", parts, nil},
	{"timeline", "Each launch and copy of an iteration, one after the other, with launch overhead.", timeline, nil},
	{"energy", "Estimated energy of an iteration by component: compare methods, not joules.", energyByComponent, nil},
	{"energy-parts", "Estimated energy of an iteration by part: compare methods, not joules.", energyByPart, nil},
	{"conflicts-tile", "Bank conflicts of shared memory against the tile's edge.", conflictsByTile, tile},
	{"cycles-tile", "Cycles with launch against the tile's edge.", cyclesByTile, tile},
	{"accuracy-tile", "Test accuracy against the tile's edge.", accuracyByTile, tile},
	{"sub-models-tile",
		"How many different sub-models a training run drew, against the tile's edge: fewer and larger tiles leave less " +
			"choice.", modelsByTile, tile},
	{"cycles-dp", "Cycles with launch against dp, relative to the dense product: how much of the ideal 1/dp is reached.",
		cyclesByDP, dp},
	{"gpus", "Speedup of an iteration by GPU.", speedupByGPU, nil},
	{"stalls", "What the warp schedulers did in each of their cycles: issued, or waited for what.", stalls, nil},
	{"roofline", "Each kernel under the GPU's two ceilings: what it computes for a byte of DRAM traffic, and how fast.",
		roofline, nil},
	{"distribution", "Probability of each pattern dp.", distribution, nil},
	{"correlation", "Simulated time of products against the time that was measured on the real GPU.", correlation, nil},
	{"latency", "Latency of dependent loads as their footprint outgrows L1 and L2.", latency, nil},
}

// spread says what the bars of a figure's points are, where it has any.
func (f Figure) spread() string {
	if strings.HasPrefix(f.Name, "speedup") || f.Name == "gpus" {
		return "95 % confidence interval, where combinations of patterns were sampled"
	}
	return "one standard deviation over seeds"
}

// FigureNames are the names of Figures.
func FigureNames() []string {
	names := make([]string, len(Figures))
	for i, f := range Figures {
		names[i] = f.Name
	}
	return names
}

// Draw draws a figure; plots.ErrNothing says what is missing for it. Points that are not there are named in it.
func (f Figure) Draw(r *Results) (*plots.Figure, error) {
	p, err := f.draw(r)
	if err == nil && len(r.Missing) > 0 {
		p.Notes = append(p.Notes, r.missingText(2))
	}
	return p, err
}

// missingText names points that are not stored, up to a number of them.
func (r *Results) missingText(most int) string {
	var names []string
	for _, p := range r.Missing[:min(len(r.Missing), most)] {
		names = append(names, Label(p.Spec))
	}
	if len(r.Missing) > most {
		names = append(names, "…")
	}
	return fmt.Sprintf("%d of %d points are missing: %s", len(r.Missing), len(r.Points), strings.Join(names, "; "))
}

func nothing(what string) (*plots.Figure, error) { return nil, plots.ErrNothing{Missing: what} }

// iterations are the rows of whole training iterations.
func (r *Results) iterations() (out []*Row) {
	for _, row := range r.Rows {
		if row.Workload == "mlp" || row.Workload == "lstm" {
			out = append(out, row)
		}
	}
	return out
}

// compared are the iterations that are set against the baseline.
func (r *Results) compared() (out []*Row) {
	for _, row := range r.iterations() {
		if row.Speedup.known() && !(row.over == row || row.Method == r.Experiment.Baseline.Method && row.Speedup == 1) {
			out = append(out, row)
		}
	}
	return out
}

// speedupAxis is the frame of speedups.
func (r *Results) speedupAxis(title, x string) plots.Axis {
	base := r.Experiment.Baseline.String()
	return plots.Axis{Title: title, X: x, Y: "speedup of an iteration over " + base + " (×)", Reference: 1,
		ReferenceFor: base + " = 1", AtX: true}
}

func (r *Results) noBaseline() (*plots.Figure, error) {
	return nothing("simulated iterations of other methods beside the baseline " + r.Experiment.Baseline.String())
}

const rateLabel = "dropout rate (share of neurons or synapses)"

func speedupByRate(r *Results) (*plots.Figure, error) {
	series := curve(r.compared(), rate, speedup, speedupLow, speedupHigh)
	if len(series) == 0 {
		return r.noBaseline()
	}
	paper := PaperRows(r.Experiment.Paper)
	for _, k := range dropout.Kinds() {
		m := string(k.Name)
		s := plots.Series{Name: m, Paper: true}
		for _, p := range paper {
			if p.Method == m && p.Speedup > 0 {
				s.X, s.Y = append(s.X, rate(&Row{Rates: p.Rates})), append(s.Y, p.Speedup)
			}
		}
		if len(s.X) > 0 && len(slices.Compact(slices.Sorted(slices.Values(s.X)))) == len(s.X) { // one network: a line
			series = append(series, s)
		}
	}
	return plots.Lines(r.speedupAxis("Speedup against dropout rate", rateLabel), series)
}

// maxBars is the most categories that bars are readable for.
const maxBars = 16

// bars draws one value by category and method, and the paper's beside it where there is one.
func bars(all []*Row, a plots.Axis, draw func(plots.Axis, []string, []plots.Group) (*plots.Figure, error), y, low, high,
	paper func(*Row) float64) (*plots.Figure, error) {
	var rows []*Row
	for _, row := range all {
		if !math.IsNaN(y(row)) {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nothing(a.Y)
	}
	some := varying(rows, func(*Row) string { return "" })
	var names []string
	of := func(row *Row) string {
		if text := traitText(row, some); text != "" {
			return text
		}
		return row.Network
	}
	for _, row := range rows {
		if !slices.Contains(names, of(row)) {
			names = append(names, of(row))
			if len(names) > maxBars {
				break
			}
		}
	}
	note := ""
	if len(names) > maxBars {
		note = fmt.Sprintf("the first %d configurations; results.csv has all", maxBars)
		names = names[:maxBars]
	}
	var groups []plots.Group
	for _, m := range methodsOf(rows) {
		g := plots.Group{Name: m, Y: nans(len(names)), Rows: slices.Repeat([]int{-1}, len(names))}
		if low != nil {
			g.Low, g.High = nans(len(names)), nans(len(names))
		}
		pub := plots.Group{Name: m, Paper: true, Y: nans(len(names))}
		has, published := false, false
		for _, row := range rows {
			if row.Method != m {
				continue
			}
			i := slices.Index(names, of(row))
			if i < 0 || !math.IsNaN(g.Y[i]) {
				continue
			}
			has = true
			g.Y[i], g.Rows[i] = y(row), row.index
			if low != nil {
				g.Low[i], g.High[i] = low(row), high(row)
			}
			if paper != nil {
				pub.Y[i] = paper(row)
				published = published || !math.IsNaN(pub.Y[i])
			}
		}
		if has {
			groups = append(groups, g)
		}
		if published {
			groups = append(groups, pub)
		}
	}
	p, err := draw(a, names, groups)
	if err == nil && note != "" {
		p.Notes = append(p.Notes, note)
	}
	return p, err
}

func nans(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

func paperSpeedup(row *Row) float64  { return float64(row.PaperSpeedup) }
func paperAccuracy(row *Row) float64 { return float64(row.PaperAccuracy) }

func speedupByNetwork(r *Results) (*plots.Figure, error) {
	rows := r.compared()
	if len(rows) == 0 {
		return r.noBaseline()
	}
	return bars(rows, r.speedupAxis("Speedup by configuration", ""), plots.Bars, speedup, speedupLow, speedupHigh,
		paperSpeedup)
}

func accuracyByNetwork(r *Results) (*plots.Figure, error) {
	var rows []*Row
	for _, row := range r.iterations() {
		if row.Method != "masked" { // trains as dense does
			rows = append(rows, row)
		}
	}
	return bars(rows, plots.Axis{Title: "Test accuracy by configuration", Y: "test accuracy (%)"}, plots.Dots, accuracy,
		accuracyLow, accuracyHigh, paperAccuracy)
}

func tradeOff(r *Results) (*plots.Figure, error) {
	return r.tradeOffOf(plots.Axis{Title: "Speedup against accuracy", Y: "test accuracy (%)"}, accuracy, accuracyLow,
		accuracyHigh)
}

func tradeOffPerplexity(r *Results) (*plots.Figure, error) {
	return r.tradeOffOf(plots.Axis{Title: "Speedup against perplexity", Y: "test perplexity", Less: true}, perplexity,
		perplexityLow, perplexityHigh)
}

// tradeOffOf draws a measure of quality against speedup.
func (r *Results) tradeOffOf(a plots.Axis, y, low, high func(*Row) float64) (*plots.Figure, error) {
	var rows []*Row
	for _, row := range r.iterations() {
		if row.Speedup.known() && !math.IsNaN(y(row)) && row.Method != "masked" {
			rows = append(rows, row)
		}
	}
	some := varying(rows, func(*Row) string { return "" })
	var series []plots.Series
	for _, m := range methodsOf(rows) {
		s := plots.Series{Name: m, Points: true}
		for _, row := range rows {
			if row.Method == m {
				s.X, s.Y, s.Labels = append(s.X, speedup(row)), append(s.Y, y(row)), append(s.Labels, traitText(row, some))
				s.Rows = append(s.Rows, row.index)
				s.Low, s.High = append(s.Low, low(row)), append(s.High, high(row))
			}
		}
		series = append(series, s)
	}
	if len(series) == 0 {
		return nothing("configurations with both a speedup and a " + a.Y)
	}
	a.X = "speedup of an iteration over " + r.Experiment.Baseline.String() + " (×)"
	return plots.TradeOff(a, series)
}

// maxSpreads is the most points of a trace that carry error bars.
const maxSpreads = 30

func convergence(r *Results) (*plots.Figure, error) {
	var rows []*Row
	text := false
	trained := map[string]bool{}
	for _, row := range r.iterations() {
		if len(row.train) == 0 || len(row.train[0].Trace) == 0 || trained[row.key(false)] || row.Method == "masked" {
			continue
		}
		trained[row.key(false)] = true
		text = text || row.train[0].Trace[0].Perplexity > 0
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nothing("training runs with a trace")
	}
	some := varying(rows, func(row *Row) string { return row.Method })
	variants := map[string]int{}
	var series []plots.Series
	for _, row := range rows {
		s := plots.Series{Name: strings.TrimSpace(row.Method + " " + traitText(row, some)), Key: row.Method,
			Variant: variants[row.Method]}
		variants[row.Method]++
		for i, t := range row.train[0].Trace {
			var sum, squares, n float64
			for _, run := range row.train {
				if i < len(run.Trace) {
					y := 100 * run.Trace[i].Accuracy
					if text {
						y = run.Trace[i].Perplexity
					}
					sum, squares, n = sum+y, squares+y*y, n+1
				}
			}
			mean := sum / n
			s.X, s.Y = append(s.X, float64(t.Iteration)), append(s.Y, mean)
			if len(row.train) > 1 && len(row.train[0].Trace) <= maxSpreads {
				spread := math.Sqrt(max(squares-n*mean*mean, 0) / max(n-1, 1))
				if math.IsNaN(spread) || math.IsInf(spread, 0) {
					spread = 0 // of values whose squares have no float64
				}
				s.Low, s.High = append(s.Low, mean-spread), append(s.High, mean+spread)
			}
		}
		series = append(series, s)
	}
	y := "test accuracy (%)"
	if text {
		y = "perplexity"
	}
	return plots.Lines(plots.Axis{Title: "Convergence", X: "iteration", Y: y}, series)
}

func perplexityByRate(r *Results) (*plots.Figure, error) {
	series := curve(r.iterations(), rate, perplexity, perplexityLow, perplexityHigh)
	if len(series) == 0 {
		return nothing("training runs on text")
	}
	return plots.Lines(plots.Axis{Title: "Perplexity against dropout rate", X: rateLabel, Y: "test perplexity", AtX: true},
		series)
}

// varied tells whether rows differ in a value.
func varied(rows []*Row, x func(*Row) float64) bool {
	first := math.NaN()
	for _, r := range rows {
		switch v := x(r); {
		case math.IsNaN(v):
		case math.IsNaN(first):
			first = v
		case v != first:
			return true
		}
	}
	return false
}

func speedupByBatch(r *Results) (*plots.Figure, error) {
	if !varied(r.iterations(), batch) {
		return nothing("iterations at several batch sizes")
	}
	series := curve(r.compared(), batch, speedup, speedupLow, speedupHigh)
	if len(series) == 0 {
		return r.noBaseline()
	}
	return plots.Lines(r.speedupAxis("Speedup against batch", "batch (samples)"), series)
}

func perplexityByBatch(r *Results) (*plots.Figure, error) {
	if !varied(r.iterations(), batch) {
		return nothing("training runs at several batch sizes")
	}
	return plots.Lines(plots.Axis{Title: "Perplexity against batch", X: "batch (samples)", Y: "test perplexity",
		AtX: true}, curve(r.iterations(), batch, perplexity, perplexityLow, perplexityHigh))
}

// relative is a row's time as a share of the dense one's on the same shape and tile.
func (r *Results) relative(row *Row) float64 {
	if b := r.baseline(row, "dense"); b != nil {
		return float64(row.Cycles / b.Cycles)
	}
	return math.NaN()
}

// divergence draws the masked product's time relative to that of the dense one.
func divergence(r *Results) (*plots.Figure, error) {
	var masked []*Row
	for _, row := range r.Rows {
		if row.Method == "masked" {
			masked = append(masked, row)
		}
	}
	series := curve(masked, rate, r.relative, nil, nil)
	if len(series) == 0 {
		return nothing("masked products or iterations beside dense ones")
	}
	ideal := plots.Series{Name: "ideal: 1 - rate", Key: "none", Plain: true, X: []float64{0, 1}, Y: []float64{1, 0}}
	return plots.Lines(plots.Axis{Title: "Skipping by if-else diverges", X: "dropout rate (share of outputs skipped)",
		Y: "time relative to dense", ZeroY: true, Reference: 1, ReferenceFor: "dense = 1"}, append(series, ideal))
}

// maxRows is the most rows that a stack is readable for; it is higher than with few.
const maxRows = 24

// simulated are the rows with a simulation, at most as many as bars can show, and their names.
func (r *Results) simulated() (rows []*Row, names []string, note string) {
	for _, row := range r.Rows {
		if row.sim != nil {
			rows = append(rows, row)
		}
	}
	if len(rows) > maxRows {
		note = fmt.Sprintf("the first %d of %d configurations; results.csv has all", maxRows, len(rows))
		rows = rows[:maxRows]
	}
	some := varying(rows, func(*Row) string { return "" })
	for _, row := range rows {
		names = append(names, strings.TrimSpace(row.Method+" "+traitText(row, some)))
	}
	return rows, names, note
}

// stacked draws parts of each simulated row.
func stacked(a plots.Axis, names []string, groups []plots.Group, total func(float64) string,
	note string) (*plots.Figure, error) {
	p, err := plots.Stacked(a, names, groups, total)
	if err == nil && note != "" {
		p.Notes = append(p.Notes, note)
	}
	return p, err
}

// hasParts tells whether any row has more than one part: a single launch or product has not.
func (r *Results) hasParts() bool {
	return slices.ContainsFunc(r.Rows, func(row *Row) bool { return len(row.Parts) > 1 })
}

func parts(r *Results) (*plots.Figure, error) {
	rows, names, note := r.simulated()
	var groups []plots.Group
	for _, part := range partNames(rows) {
		g := plots.Group{Name: part}
		for _, row := range rows {
			g.Y, g.Rows = append(g.Y, float64(row.Parts[part])), append(g.Rows, row.index)
		}
		groups = append(groups, g)
	}
	if !r.hasParts() {
		return nothing("simulated iterations of several parts")
	}
	return stacked(plots.Axis{Title: "Where the cycles go", X: "cycles with launch"}, names, groups, plots.Short, note)
}

// maxTimelines is how many rows a timeline is readable for.
const maxTimelines = 8

// timeline draws the launches of the first rows that have them.
func timeline(r *Results) (*plots.Figure, error) {
	var names []string
	var spans [][]plots.Span
	for _, row := range r.Rows {
		if row.sim == nil || len(row.sim.Timeline) < 2 || len(names) == maxTimelines {
			continue
		}
		var list []plots.Span
		at := 0.0
		for _, l := range row.sim.Timeline {
			list = append(list, plots.Span{Name: l.Name + ": " + l.Kernel, Part: l.Part, From: at, To: at + l.Cycles})
			at += l.Cycles
		}
		names, spans = append(names, r.nameOf(row)), append(spans, list)
	}
	if len(names) == 0 {
		return nothing("iterations whose launches are kept one by one")
	}
	return plots.Timeline(plots.Axis{Title: "Launch by launch", X: "cycles with launch"}, names, spans)
}

// tiled are the rows of some with a tile; of products at many dp only those with the least and the most dropped.
func tiled(all []*Row) (rows []*Row) {
	least, most, n := math.Inf(1), 0.0, map[int]bool{}
	for _, r := range all {
		if r.DP > 0 {
			least, most = min(least, dp(r)), max(most, dp(r))
			n[r.DP] = true
		}
	}
	for _, r := range all {
		if r.Tile > 0 && (r.DP == 0 || len(n) <= 2 || dp(r) == least || dp(r) == most) {
			rows = append(rows, r)
		}
	}
	return rows
}

// byTile draws a value against the tile's edge.
func byTile(r *Results, title, label string, zero bool, y, low, high func(*Row) float64) (*plots.Figure, error) {
	series := curve(tiled(r.Rows), tile, y, low, high)
	if len(series) == 0 {
		return nothing(label + " at several tile sizes")
	}
	return plots.Lines(plots.Axis{Title: title, X: "edge of the tile (elements)", Y: label, ZeroY: zero, LogX: true,
		AtX: true}, series)
}

func conflictsByTile(r *Results) (*plots.Figure, error) {
	return byTile(r, "Bank conflicts against tile size", "extra passes a shared-memory access",
		true, func(r *Row) float64 { return float64(r.ConflictsPerAccess) }, nil, nil)
}

func cyclesByTile(r *Results) (*plots.Figure, error) {
	return byTile(r, "Cycles against tile size", "cycles with launch", true,
		func(r *Row) float64 { return float64(r.Cycles) }, nil, nil)
}

func accuracyByTile(r *Results) (*plots.Figure, error) {
	return byTile(r, "Accuracy against tile size", "test accuracy (%)", false, accuracy, accuracyLow, accuracyHigh)
}

func modelsByTile(r *Results) (*plots.Figure, error) {
	return byTile(r, "Sub-models against tile size", "different sub-models drawn",
		true, func(r *Row) float64 { return float64(r.SubModels) }, nil, nil)
}

func cyclesByDP(r *Results) (*plots.Figure, error) {
	series := curve(r.Rows, dp, r.relative, nil, nil)
	if len(series) == 0 {
		return nothing("simulations with a fixed dp beside dense ones")
	}
	ideal := plots.Series{Name: "ideal: 1/dp", Key: "none", Plain: true}
	last := 1.0
	for _, s := range series {
		last = max(last, slices.Max(s.X))
	}
	for i := range 65 {
		x := 1 + (last-1)*float64(i)/64
		ideal.X, ideal.Y = append(ideal.X, x), append(ideal.Y, 1/x)
	}
	return plots.Lines(plots.Axis{Title: "Cycles against dp", X: "dp (one row or tile in dp is kept)",
		Y: "cycles with launch relative to dense", ZeroY: true, AtX: true, Reference: 1, ReferenceFor: "dense = 1"},
		append(series, ideal))
}

func speedupByGPU(r *Results) (*plots.Figure, error) {
	gpus := map[string]bool{}
	for _, row := range r.compared() {
		gpus[row.GPU] = true
	}
	if len(gpus) < 2 {
		return nothing("simulations on several GPUs")
	}
	return bars(r.compared(), r.speedupAxis("Speedup by GPU", ""), plots.Bars, speedup, speedupLow, speedupHigh, nil)
}

// stallPrefix marks the counters that are scheduler cycles by reason.
const stallPrefix = "stall_"

// fewStalls is the share of scheduler cycles below which a reason is drawn as other.
const fewStalls = 0.01

func stalls(r *Results) (*plots.Figure, error) {
	rows, names, note := r.simulated()
	total := make([]float64, len(rows))
	reasons := append([]string{"issue_cycles"}, timing.ReasonNames[:]...)
	count := func(row *Row, reason string) float64 {
		if reason == "issue_cycles" {
			return row.sim.Counters[reason]
		}
		return row.sim.Counters[stallPrefix+reason]
	}
	stalled := 0.0
	for i, row := range rows {
		for _, reason := range reasons {
			total[i] += count(row, reason)
		}
		stalled += total[i] - count(row, "issue_cycles")
	}
	if stalled == 0 {
		return nothing("stall counters")
	}
	var groups []plots.Group
	other := plots.Group{Name: "other", Y: make([]float64, len(rows))}
	for _, reason := range reasons {
		g := plots.Group{Name: reason}
		if reason == "issue_cycles" {
			g.Name = "issued"
		}
		most := 0.0
		for i, row := range rows {
			g.Y, g.Rows = append(g.Y, 100*count(row, reason)/max(total[i], 1)), append(g.Rows, row.index)
			most = max(most, g.Y[i])
		}
		if most >= 100*fewStalls {
			groups = append(groups, g)
			continue
		}
		for i, y := range g.Y {
			other.Y[i] += y
		}
	}
	return stacked(plots.Axis{Title: "What the schedulers did", X: "share of scheduler cycles (%)"}, names,
		append(groups, other), nil, note)
}

// namedKernels is the share of a row's cycles from which a kernel is named in the roofline.
const namedKernels = 0.02

// roofline draws the kernels of the first row of each method.
func roofline(r *Results) (*plots.Figure, error) {
	var kernels []plots.RooflinePoint
	var peak, bandwidth float64
	var first *Row
	seen, named := map[string]bool{}, map[string]bool{}
	for _, row := range r.Rows {
		if row.sim == nil || row.sim.Peak["core_hz"] == 0 || first != nil && row.GPU != first.GPU || seen[row.Method] {
			continue
		}
		if first == nil {
			first = row
		}
		seen[row.Method] = true
		hz := row.sim.Peak["core_hz"]
		peak, bandwidth = row.sim.Peak["flop_per_cycle"]*hz, row.sim.Peak["dram_bytes_per_cycle"]*hz
		for _, k := range row.sim.Kernels {
			name := k.Name
			if named[name] || k.Cycles < namedKernels*row.sim.Cycles {
				name = ""
			}
			named[k.Name] = true
			kernels = append(kernels, plots.RooflinePoint{Series: row.Method, Kernel: name, FLOP: k.FLOP, DRAMBytes: k.DRAMBytes,
				Seconds: k.Cycles / hz})
		}
	}
	if first == nil {
		return nothing("simulated kernels")
	}
	title := fmt.Sprintf("Roofline of %s: kernels of %s", first.GPU, first.Network)
	if text := rateText(first.Rates); text != "" {
		title += " at " + text
	}
	return plots.Roofline(title, peak, bandwidth, kernels)
}

// maxDistributions is how many distributions one figure shows.
const maxDistributions = 6

func distribution(r *Results) (*plots.Figure, error) {
	var names []string
	var groups []plots.Group
	length, all := 0, 0
	seen := map[string]bool{}
	add := func(row *Row, p []float64) {
		name := fmt.Sprintf("%s, rate %.3g, N %d", row.Search, rate(row), len(p))
		if len(p) == 0 || seen[name] {
			return
		}
		seen[name] = true
		if all++; len(groups) < maxDistributions {
			groups = append(groups, plots.Group{Name: name, Y: p})
			length = max(length, len(p))
		}
	}
	for _, row := range slices.Concat(r.Searches, r.Rows) {
		if row.found != nil {
			add(row, row.found.P)
		} else if row.sim != nil && len(row.sim.Distribution) > 0 && row.Search != "" {
			add(row, row.sim.Distribution[0].P)
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
	p, err := plots.Bars(plots.Axis{Title: "Distribution of patterns", X: "dp (one row or tile in dp is kept)",
		Y: "probability"}, names, groups)
	if err == nil && all > len(groups) {
		p.Notes = append(p.Notes, fmt.Sprintf("the first %d of %d distributions", len(groups), all))
	}
	return p, err
}

// correlation sets simulated beside measured times, where a point knows both.
func correlation(r *Results) (*plots.Figure, error) {
	var pairs []plots.Pair
	for _, row := range r.Rows {
		if row.MeasuredUS.known() {
			layout := row.Network[strings.LastIndexByte(row.Network, '-')+1:]
			pairs = append(pairs, plots.Pair{Series: "layout " + layout, Simulated: float64(row.TimeUS) / 1e6,
				Measured: float64(row.MeasuredUS) / 1e6})
		}
	}
	if len(pairs) == 0 {
		return nothing("products whose time on the real GPU is published")
	}
	return plots.Correlation("Simulated and measured products", pairs)
}

// latency draws the chases of microbenchmarks: rows of groups "latency: KERNEL" with cases "N KiB".
func latency(r *Results) (*plots.Figure, error) {
	var measured []plots.Series
	known := plots.Series{}
	gpu := ""
	for _, s := range r.Micro {
		if spec := s.Spec.(Microbench); gpu == "" {
			gpu = spec.GPU
		} else if gpu != spec.GPU {
			continue
		}
		for _, row := range s.Result.Micro.Rows {
			kernel, ok := strings.CutPrefix(row.Group, "latency: ")
			var kib float64
			if _, err := fmt.Sscanf(row.Case, "%g KiB", &kib); !ok || err != nil {
				continue
			}
			at := slices.IndexFunc(measured, func(s plots.Series) bool { return s.Name == kernel })
			if at < 0 {
				at = len(measured)
				measured = append(measured, plots.Series{Name: kernel})
			}
			measured[at].X, measured[at].Y = append(measured[at].X, kib*1024), append(measured[at].Y, row.Value)
			if row.High > 0 {
				known.X, known.Y = append(known.X, kib*1024), append(known.Y, (row.Low+row.High)/2)
				known.Low, known.High = append(known.Low, row.Low), append(known.High, row.High)
			}
		}
	}
	if len(measured) == 0 {
		return nothing("microbenchmarks of latency")
	}
	return plots.Staircase("Latency of dependent loads, "+gpu, measured, known)
}
