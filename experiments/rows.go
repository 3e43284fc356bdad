package experiments

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"warpdrop/dropout"
	"warpdrop/internal/show"
)

// Row is one configuration of an experiment: its simulation and its training runs side by side. Each field with a json
// tag is a column of results.csv, in this order, and a key in results.json; the tag csv:"-" keeps it out of the CSV.
// What no point gave is unknown: NaN in memory and empty in both files.
type Row struct {
	Workload string `json:"workload"` // mlp, lstm, gemm, launch or search
	// what was run: sizes of an MLP or LSTM, of a product, or a kernel with grid and block
	Network string `json:"network"`
	GPU     string `json:"gpu,omitempty"` // preset that was simulated
	// dense (conventional dropout), masked, rdp, tdp, …; the kernel of a launch
	Method   string    `json:"method"`
	Rates    []float64 `json:"rates,omitempty"`          // dropout rates asked for, one a layer
	Hidden   []int     `json:"hidden,omitempty" csv:"-"` // units of the hidden layers
	Batch    int       `json:"batch,omitempty"`          // samples, or sequences, of an iteration
	Patterns int       `json:"patterns,omitempty"`       // N: patterns dp = 1 … N of rdp and tdp
	Search   string    `json:"search,omitempty"`         // how the distribution of dp was found: sgd, exact or balanced
	Tile     int       `json:"tile,omitempty"`           // edge of the weight tile of tdp, in elements
	DP       int       `json:"dp,omitempty"`             // one row or tile in dp is kept; given only where it is fixed
	Pad      string    `json:"pad,omitempty"`            // whether rows of shared memory are padded against bank conflicts
	Update   string    `json:"update,omitempty"`         // dense or lazy: which weights an update touches
	// what else the pattern or the training has: of 20, 4 groups of samples, …
	Option string `json:"option,omitempty"`

	Reached      number `json:"reached_rate"`           // expected share that is dropped under the distribution
	Distribution string `json:"distribution,omitempty"` // of the first layer: dp:probability …

	// core cycles of the kernels alone, as warpdrop sim counts them: no launch overhead, no copies
	KernelCycles number `json:"kernel_cycles"`
	// core cycles with launch overhead and copies: of an iteration (expected value over the distribution), a product or a
	// launch
	Cycles number `json:"cycles_with_launch"`
	// lower end of the 95 % confidence interval, where combinations were sampled
	CyclesLow  number `json:"cycles_with_launch_low"`
	CyclesHigh number `json:"cycles_with_launch_high"` // upper end of it
	// microseconds of the cycles with launch at the preset's core clock
	TimeUS      number `json:"time_us"`
	Speedup     number `json:"speedup"`                // the baseline row's cycles with launch / this row's
	SpeedupOver string `json:"speedup_over,omitempty"` // the baseline row
	SpeedupLow  number `json:"speedup_low"`            // lower end of the confidence interval
	SpeedupHigh number `json:"speedup_high"`           // upper end of it

	Accuracy         number `json:"accuracy"`           // per cent, mean over seeds
	AccuracySpread   number `json:"accuracy_spread"`    // per cent, standard deviation over seeds
	Seeds            int    `json:"seeds"`              // trainings that accuracy and perplexity are means of
	Perplexity       number `json:"perplexity"`         // of the test text, mean over seeds
	PerplexitySpread number `json:"perplexity_spread"`  // standard deviation over seeds
	Diverged         int    `json:"diverged,omitempty"` // trainings that diverged: then there is no mean of the others
	// different combinations of patterns that a training drew, mean over seeds
	SubModels number `json:"sub_models"`

	BankConflicts      number `json:"bank_conflicts"`       // extra passes
	ConflictsPerAccess number `json:"conflicts_per_access"` // extra passes a shared-memory access
	// branches that some active threads of a warp take and others do not
	DivergentBranches number `json:"divergent_branches"`
	SIMTEfficiency    number `json:"simt_efficiency"`   // share of lanes active
	WarpInstructions  number `json:"warp_instructions"` // warp instructions issued
	DRAMBytes         number `json:"dram_bytes"`        // bytes read from and written to DRAM
	// floating-point operations of the kernels / what the GPU could do in the cycles
	PeakShare number `json:"peak_share"`
	Samples   int    `json:"samples,omitempty"` // pattern combinations drawn; 0 = all, summed

	// stated error of cycles where a part of a launch's blocks was simulated, a share; empty = all were
	SampleError number `json:"sample_error"`

	Launches int `json:"launches,omitempty"` // launches and copies, of all combinations of patterns
	// launches that were simulated; the others are like one of these
	SimulatedLaunches int `json:"simulated_launches,omitempty"`

	EnergyMJ      number `json:"energy_mj"`         // energy of an iteration or a launch in mJ, an estimate
	PowerW        number `json:"power_w"`           // mean power in watts, an estimate
	EnergyDelay   number `json:"energy_delay_uj_s"` // energy x time, in microjoule seconds
	EnergyAgainst number `json:"energy_relative"`   // energy / the baseline's; under 1 is less

	MeasuredUS number `json:"measured_us"` // on the real GPU, where published

	PaperSpeedup       number `json:"paper_speedup"`       // the paper's, where it has the row
	SpeedupDifference  number `json:"speedup_difference"`  // ours - paper's
	PaperAccuracy      number `json:"paper_accuracy"`      // the paper's, per cent
	AccuracyDifference number `json:"accuracy_difference"` // ours - paper's, points

	Parts    map[string]number `json:"parts,omitempty" csv:"-"`    // cycles with launch by part of the iteration
	Coverage string            `json:"coverage,omitempty" csv:"-"` // what the cycles are of
	Values   NamedValues       `json:"values,omitempty" csv:"-"`   // of a launch: the values that its formulas use

	choice *choice
	sim    *SimResult
	train  []*TrainResult
	found  *SearchResult
	keys   map[string]string // of its point
	told   string            // what else tells its point apart
	over   *Row              // baseline
	index  int               // in the table of rows
}

// number is a float64 whose NaN stands for "not measured": empty in CSV, null in JSON.
type number float64

var none = number(math.NaN())

func (n number) known() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// text is the shortest text of at most 7 significant digits.
func (n number) text() string {
	if !n.known() {
		return ""
	}
	x, _ := strconv.ParseFloat(strconv.FormatFloat(float64(n), 'g', 7, 64), 64)
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(math.Round(float64(n)*1)/1, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func (n number) MarshalJSON() ([]byte, error) {
	if !n.known() {
		return []byte("null"), nil
	}
	return []byte(n.text()), nil
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// join writes a list with spaces: a CSV cell of its own, without commas.
func join[T any](list []T) string { return strings.Trim(fmt.Sprint(list), "[]") }

// column is one column of results.csv.
type column struct {
	name string
	text func(*Row) string
}

// columns are those of results.csv: the fields of Row in their order. The parts' follow in columnsOf.
var columns = func() (out []column) {
	t := reflect.TypeFor[Row]()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || f.Tag.Get("csv") == "-" {
			continue
		}
		out = append(out, column{name, func(r *Row) string { return cell(reflect.ValueOf(r).Elem().Field(i).Interface()) }})
	}
	return out
}()

// cell is a value of a row as a cell of results.csv; what is not known is empty.
func cell(x any) string {
	switch x := x.(type) {
	case number:
		return x.text()
	case int:
		return count(x)
	case []float64:
		return join(x)
	case string:
		return x
	}
	panic(fmt.Sprintf("experiments: no cell for %T", x)) // a field of Row, which tests write
}

// partNames are the parts that any row has, sorted.
func partNames(rows []*Row) (names []string) {
	for _, r := range rows {
		for p := range r.Parts {
			if !slices.Contains(names, p) {
				names = append(names, p)
			}
		}
	}
	slices.Sort(names)
	return names
}

// valueNames are the values that any row has, sorted.
func valueNames(rows []*Row) []string {
	all := map[string]bool{}
	for _, r := range rows {
		for v := range r.Values {
			all[v] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// columnsOf are the columns of a table of rows.
func columnsOf(rows []*Row) []column {
	out := slices.Clone(columns)
	for _, v := range valueNames(rows) {
		out = append(out, column{"value_" + v, func(r *Row) string { return r.Values[v] }})
	}
	for _, p := range partNames(rows) {
		out = append(out, column{"cycles_with_launch_" + p, func(r *Row) string {
			if n, ok := r.Parts[p]; ok {
				return n.text()
			}
			return ""
		}})
	}
	return out
}

// CSV is results.csv: the same bytes for the same results.
func CSV(rows []*Row) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	table := columnsOf(rows)
	line := make([]string, len(table))
	for i, c := range table {
		line[i] = c.name
	}
	w.Write(line)
	for _, r := range rows {
		for i, c := range table {
			line[i] = show.Cell(c.text(r))
		}
		w.Write(line)
	}
	w.Flush()
	return b.Bytes()
}

// JSON is results.json: the rows, and the result of every point in full.
func (r *Results) JSON() []byte {
	type point struct {
		Hash   string `json:"hash"`
		Kind   string `json:"kind"`
		Spec   Spec   `json:"spec"`
		Result Result `json:"result"`
	}
	out := struct {
		Name   string  `json:"name"`
		Scale  string  `json:"scale"`
		Rows   []*Row  `json:"rows"`
		Points []point `json:"points"`
	}{r.Experiment.Name, r.Scale, r.Rows, []point{}}
	for _, p := range r.Points {
		if s := r.Stored[p.Hash]; s != nil {
			out.Points = append(out.Points, point{s.Hash, s.Kind, p.Spec, s.Result})
		}
	}
	data, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		panic("experiments: results: " + err.Error()) // our own types, NaN handled by number
	}
	return append(data, '\n')
}

// Results are the stored points of an experiment at a scale, as rows.
type Results struct {
	Experiment *Experiment
	Scale      string
	Points     []Point
	Stored     map[string]*Stored
	Rows       []*Row
	Searches   []*Row    // distributions found by themselves; they are the Rows where there is nothing else
	Micro      []*Stored // microbenchmarks of presets
	Missing    []Point   // not stored
	Diverged   []string  // trainings that did, and where

	peers map[string][]*Row // by peerKey
	some  []trait           // in which rows differ
}

// NewResults joins the points that are stored into rows, in the order of the file.
func NewResults(e *Experiment, scale string, points []Point, stored map[string]*Stored) *Results {
	r := &Results{Experiment: e, Scale: scale, Points: points, Stored: stored}
	for _, p := range points {
		s := stored[p.Hash]
		if s == nil {
			r.Missing = append(r.Missing, p)
			continue
		}
		if s.Result.Train != nil { // joined to rows below
			continue
		}
		row := newRow(p.Spec)
		row.keys = keysOf(p.Spec)
		row.addSim(s.Result)
		if s.Result.Micro != nil {
			r.Micro = append(r.Micro, s)
			continue
		}
		if s.Result.Search != nil {
			r.Searches = append(r.Searches, row)
			continue
		}
		r.Rows = append(r.Rows, row)
	}
	r.join(points, stored)
	if len(r.Rows) == 0 {
		r.Rows = r.Searches
	}
	for _, row := range r.Rows {
		row.addTraining()
	}
	r.peers = map[string][]*Row{}
	for _, row := range r.Rows {
		r.peers[row.peerKey()] = append(r.peers[row.peerKey()], row)
	}
	r.some = varying(r.Rows, func(*Row) string { return "" })
	for i, row := range r.Rows {
		row.index = i
		r.compare(row)
	}
	return r
}

// join gives each training to every simulation of the same network and method, whatever the GPU and the update, or to a
// row of its own. Runs of one row differ in their seeds alone: where others differ in more, such as the learning rate,
// there is a row for each.
func (r *Results) join(points []Point, stored map[string]*Stored) {
	type training struct {
		point   Point
		row     *Row
		keys    map[string]string
		variant string // of the trainings with its row's key
	}
	var all []*training
	byKey := map[string][]*training{}
	for _, p := range points {
		if s := stored[p.Hash]; s != nil && s.Result.Train != nil {
			t := &training{point: p, row: newRow(p.Spec), keys: keysOf(p.Spec)}
			all = append(all, t)
			byKey[t.row.key(false)] = append(byKey[t.row.key(false)], t)
		}
	}
	for _, alike := range byKey {
		differ := map[string]bool{}
		for _, t := range alike {
			for k, v := range t.keys {
				differ[k] = differ[k] || alike[0].keys[k] != v
			}
			for k := range alike[0].keys {
				_, has := t.keys[k]
				differ[k] = differ[k] || !has
			}
		}
		delete(differ, "seed")
		delete(differ, "method") // masked is trained as dense is
		for _, k := range slices.Sorted(maps.Keys(differ)) {
			for _, t := range alike {
				if v := t.keys[k]; differ[k] {
					t.variant += ", " + strings.ReplaceAll(k, "_", " ") + " " + v
				}
			}
		}
	}
	rows := map[string][]*Row{} // by key and variant
	var out []*Row
	for _, row := range r.Rows {
		key := row.key(false)
		variants := []string{""}
		for _, t := range byKey[key] {
			if t.variant != "" && !slices.Contains(variants, t.variant) {
				variants = append(variants, t.variant)
			}
		}
		if len(variants) > 1 {
			variants = variants[1:]
		}
		for _, v := range variants {
			one := *row
			one.vary(v)
			rows[key+v] = append(rows[key+v], &one)
			out = append(out, &one)
		}
	}
	for _, t := range all {
		id := t.row.key(false) + t.variant
		if len(rows[id]) == 0 {
			t.row.vary(t.variant)
			rows[id] = []*Row{t.row}
			out = append(out, t.row)
		}
		got := stored[t.point.Hash].Result.Train
		for _, row := range rows[id] {
			if got.Diverged != "" {
				row.Diverged++
				continue
			}
			row.train = append(row.train, got)
		}
		if got.Diverged != "" {
			r.Diverged = append(r.Diverged, Label(t.point.Spec)+t.variant+": "+got.Diverged)
		}
	}
	r.Rows = out
}

// vary adds to a row's options what its trainings have otherwise than others.
func (r *Row) vary(variant string) {
	if text := strings.TrimPrefix(variant, ", "); text != "" {
		r.option(text)
	}
}

// nameOf tells a row from the others.
func (r *Results) nameOf(row *Row) string {
	return strings.TrimSpace(row.Method + " " + traitText(row, r.some))
}

// newRow has what the spec says. Every number of it is unknown until something sets it, and never 0 by neglect.
func newRow(s Spec) *Row {
	r := &Row{Method: "-"}
	for v, i := reflect.ValueOf(r).Elem(), 0; i < v.NumField(); i++ {
		if f := v.Field(i); f.Type() == reflect.TypeFor[number]() {
			f.SetFloat(float64(none))
		}
	}
	kindOf(s).row(r, s)
	return r
}

// dropping fills in what is dropped.
func (r *Row) dropping(d Dropping) {
	r.Method, r.Rates = d.Method, d.Rates
	if d.method().HasDP() {
		r.Patterns, r.DP = d.Patterns, d.DP
		if d.DP == 0 {
			r.Search = d.Search
		}
	}
	if d.method().Drops() == dropout.DropsTiles {
		r.Tile = d.Tile
	}
	if d.Of > 0 {
		r.option(fmt.Sprintf("of %d", d.Of))
	}
}

func (r *Row) option(text string) {
	if r.Option != "" {
		r.Option += ", "
	}
	r.Option += text
}

// trainedWith fills in what only training has.
func (r *Row) trainedWith(scale string, sharedMask bool, groups int, by string) {
	if scale != "" {
		r.option("scale " + scale)
	}
	if sharedMask {
		r.option("shared mask")
	}
	if groups > 1 {
		r.option(fmt.Sprintf("%d groups of %s", groups, cmp.Or(by, "samples")))
	}
}

// perceptron fills in the network.
func (r *Row) perceptron(p Perceptron) {
	r.Workload, r.Hidden, r.Batch = "mlp", p.Hidden, p.Batch
	r.Network = strings.ReplaceAll(join(mlpLayers(p)), " ", "-")
}

// recurrent fills in the network.
func (r *Row) recurrent(l Recurrent) {
	r.Workload, r.Hidden, r.Batch = "lstm", l.sizes(), l.Batch
	r.Network = fmt.Sprintf("lstm-%dx%d-v%d-t%d", l.Layers, l.Hidden, l.Vocabulary, l.Steps)
}

// key tells configurations apart; without the machine, simulation and training of one configuration have the same key.
// Skipping by if-else changes no value, so masked trains as dense does.
func (r *Row) key(machine bool) string {
	method := r.Method
	if !machine && method == "masked" {
		method = "dense"
	}
	k := fmt.Sprint(r.Workload, r.Network, method, r.Rates, r.Batch, r.Patterns, r.Search, r.Tile, r.DP, r.Option)
	if r.Workload == "launch" {
		k += fmt.Sprint(r.Values, r.told)
	}
	if machine {
		k += fmt.Sprint(r.GPU, r.Update, r.Pad)
	}
	return k
}

func (r *Row) addSim(result Result) {
	if s := result.Search; s != nil {
		r.found = s
		r.Reached = number(s.Reached)
		r.Distribution = distributionText(s.P)
	}
	s := result.Sim
	if s == nil {
		return
	}
	r.sim = s
	r.Cycles, r.CyclesLow, r.CyclesHigh, r.TimeUS = number(s.Cycles), number(s.Low), number(s.High), number(s.TimeUS)
	if s.KernelCycles > 0 {
		r.KernelCycles = number(s.KernelCycles)
	}
	r.Coverage = s.Coverage
	r.Parts = map[string]number{}
	for name, cycles := range s.Parts {
		r.Parts[name] = number(cycles)
	}
	if len(s.Distribution) > 0 {
		r.Reached = number(s.Distribution[0].Reached)
		r.Distribution = distributionText(s.Distribution[0].P)
	}
	counter := func(name string) number {
		if x, ok := s.Counters[name]; ok {
			return number(x)
		}
		return none
	}
	r.BankConflicts = counter("shared_bank_conflicts")
	r.DivergentBranches = counter("divergent_branches")
	r.WarpInstructions = counter("warp_instructions")
	r.DRAMBytes = counter("dram_bytes")
	if n := counter("shared_accesses"); n > 0 {
		r.ConflictsPerAccess = r.BankConflicts / n
	}
	if len(s.Energy) > 0 {
		r.EnergyMJ = 0
		for _, part := range slices.Sorted(maps.Keys(s.Energy)) {
			r.EnergyMJ += number(s.Energy[part])
		}
		r.PowerW = r.EnergyMJ / r.TimeUS * 1e3
		r.EnergyDelay = r.EnergyMJ * r.TimeUS * 1e-3
	}
	r.Samples, r.Launches, r.SimulatedLaunches = s.Samples, s.Launches, s.SimulatedLaunches
	if l := s.Launch; l != nil && l.Sample != nil {
		r.SampleError = number(l.Sample.Error)
	}
	if s.MeasuredUS > 0 {
		r.MeasuredUS = number(s.MeasuredUS)
	}
	flop := 0.0
	for _, k := range s.Kernels {
		flop += k.FLOP
	}
	if peak := s.Peak["flop_per_cycle"] * s.Cycles; peak > 0 {
		r.PeakShare = number(flop / peak)
	}
	if r.WarpInstructions > 0 {
		r.SIMTEfficiency = counter("thread_instructions") / (32 * r.WarpInstructions)
	}
}

// distributionText is "1:0.25 2:0.75": dp and its probability, those under one in ten thousand left out.
func distributionText(p []float64) string {
	var parts []string
	for i, x := range p {
		if x >= 1e-4 {
			parts = append(parts, fmt.Sprintf("%d:%.4f", i+1, x))
		}
	}
	return strings.Join(parts, " ")
}

func (r *Row) addTraining() {
	r.Seeds = len(r.train) + r.Diverged
	if len(r.train) == 0 || r.Diverged > 0 { // a mean of those that happened to go well would mislead
		return
	}
	n := float64(len(r.train))
	var mean, perplexity, models float64
	for _, t := range r.train {
		mean += 100 * t.Accuracy / n
		perplexity += t.Perplexity / n
		models += t.SubModels / n
	}
	r.Accuracy = number(mean)
	if perplexity > 0 {
		r.Perplexity = number(perplexity)
	}
	if models > 0 {
		r.SubModels = number(models)
	}
	if len(r.train) > 1 {
		var a, p float64 // by Hypot, since the square of a large perplexity has no float64
		for _, t := range r.train {
			a = math.Hypot(a, 100*t.Accuracy-mean)
			p = math.Hypot(p, t.Perplexity-perplexity)
		}
		r.AccuracySpread = number(a / math.Sqrt(n-1))
		if perplexity > 0 {
			r.PerplexitySpread = number(p / math.Sqrt(n-1))
		}
	}
}

// peerKey is the same text for rows whose times can be compared.
func (r *Row) peerKey() string {
	if r.Workload == "launch" {
		return r.Workload + " " + r.GPU
	}
	return fmt.Sprint(r.Workload, " ", r.Network, " ", r.GPU, " ", r.Batch)
}

// baseline finds the row that a row's speedup is relative to: of launches the first one on the same GPU; else the
// baseline method on the same network, GPU and batch, at the same rates where there is one, and otherwise at whatever
// rates (its time hardly depends on them).
func (r *Results) baseline(row *Row, method string) *Row {
	var near *Row
	for _, b := range r.peers[row.peerKey()] {
		if row.Workload == "launch" && b.Cycles.known() {
			return b
		}
		if b.Method != method || !b.Cycles.known() {
			continue
		}
		if row.Workload == "gemm" {
			if b.Tile == row.Tile && b.Pad == row.Pad {
				return b
			}
			continue
		}
		if slices.Equal(b.Rates, row.Rates) && b.Update == row.Update {
			return b
		}
		if near == nil || slices.Equal(b.Rates, row.Rates) {
			near = b
		}
	}
	return near
}

// compare sets a row beside its baseline and the paper.
func (r *Results) compare(row *Row) {
	b := r.baseline(row, r.Experiment.Baseline.Method)
	if r.Experiment.Baseline.Keys != nil {
		b = r.chosen(row)
	}
	if b != nil && row.Cycles > 0 {
		row.over, row.SpeedupOver = b, r.nameOf(b)
		row.Speedup = b.Cycles / row.Cycles
		row.SpeedupLow, row.SpeedupHigh = b.CyclesLow/row.CyclesHigh, b.CyclesHigh/row.CyclesLow
		row.EnergyAgainst = row.EnergyMJ / b.EnergyMJ
	}
	p := published(r.Experiment.Paper, row.Method, row.Hidden, row.Rates, row.Batch)
	if p == nil {
		return
	}
	if p.Speedup > 0 {
		row.PaperSpeedup = number(p.Speedup)
		row.SpeedupDifference = row.Speedup - row.PaperSpeedup
	}
	if p.Accuracy > 0 {
		row.PaperAccuracy = number(p.Accuracy)
		row.AccuracyDifference = row.Accuracy - row.PaperAccuracy
	}
}

// Label names a spec in a line.
func Label(s Spec) string {
	r := newRow(s)
	parts := []string{s.Kind()}
	add := func(format string, x any) {
		if t := fmt.Sprintf(format, x); !strings.HasSuffix(t, "=") {
			parts = append(parts, t)
		}
	}
	for _, text := range []string{r.Network, r.Method} {
		if text != "-" {
			parts = append(parts, text)
		}
	}
	add("rate=%s", strings.ReplaceAll(join(r.Rates), " ", ","))
	add("dp=%s", count(r.DP))
	add("tile=%s", count(r.Tile))
	add("update=%s", r.Update)
	add("option=%s", strings.ReplaceAll(r.Option, " ", "-"))
	parts = append(parts, kindOf(s).label(s)...)
	return strings.Join(parts, " ")
}
