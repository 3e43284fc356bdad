package experiments

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"warpdrop/dropout"
	"warpdrop/plots"
)

// Summary is the short table that a run prints.
func (r *Results) Summary() (head []string, rows [][]string) {
	searches := map[string]bool{} // of patterns; a row about a search itself has it as its method
	for _, row := range r.Rows {
		if row.Search != "" && row.Search != row.Method {
			searches[row.Search] = true
		}
	}
	values := varyingOf(valueTraits(r.Rows), r.Rows, func(*Row) string { return "" })
	all := []struct {
		name string
		text func(*Row) string
	}{
		{"method", (*Row).variant},
		{"network", func(r *Row) string { return r.Network }},
		{"values", func(r *Row) string { return traitText(r, values) }},
		{"gpu", func(r *Row) string { return r.GPU }},
		{"rate", func(r *Row) string { return join(r.Rates) }},
		{"batch", func(r *Row) string { return count(r.Batch) }},
		{"search", func(r *Row) string {
			if len(searches) < 2 {
				return ""
			}
			return r.Search
		}},
		{"patterns", func(r *Row) string { return count(r.Patterns) }},
		{"tile", func(r *Row) string {
			if r.Workload == "gemm" { // variant has it
				return ""
			}
			return count(r.Tile)
		}},
		{"reached rate", func(r *Row) string { return r.Reached.round(4) }},
		{"kernel cycles", func(r *Row) string { return r.KernelCycles.round(0) }},
		{withLaunch, func(r *Row) string { return r.Cycles.round(0) }},
		{"simulated us", func(r *Row) string {
			if !r.MeasuredUS.known() {
				return "-"
			}
			return r.TimeUS.round(1)
		}},
		{"measured us", func(r *Row) string { return r.MeasuredUS.round(1) }},
		{r.speedupHead(), (*Row).speedupText},
		{"accuracy %", (*Row).accuracyText},
		{"perplexity", func(r *Row) string { return r.Perplexity.round(1) }},
		{"bank conflicts", func(r *Row) string { return r.BankConflicts.round(0) }},
		{"divergent branches", func(r *Row) string { return r.DivergentBranches.round(0) }},
		{"energy mJ", func(r *Row) string { return r.EnergyMJ.round(3) }},
	}
	rows = make([][]string, len(r.Rows))
	for _, c := range all {
		column := make([]string, len(r.Rows))
		known := false
		for i, row := range r.Rows {
			column[i] = c.text(row)
			known = known || strings.Trim(column[i], "-") != ""
		}
		if !known { // a column that says nothing is left out
			continue
		}
		head = append(head, c.name)
		for i := range rows {
			rows[i] = append(rows[i], column[i])
		}
	}
	return head, rows
}

// over is what the rows' speedups are of.
func (r *Results) over() string {
	name := ""
	for _, row := range r.Rows {
		if row.over == nil {
			continue
		}
		if name != "" && name != row.SpeedupOver {
			return r.Experiment.Baseline.String()
		}
		name = row.SpeedupOver
	}
	return name
}

// speedupHead says what speedups are of, and whether they have intervals.
func (r *Results) speedupHead() string {
	head := "speedup over " + r.over()
	if slices.ContainsFunc(r.Rows, func(row *Row) bool { return row.SpeedupLow < row.SpeedupHigh }) {
		head += " (interval)"
	}
	return head
}

// speedupText is the speedup with its interval, where it has one.
func (r *Row) speedupText() string {
	if !(r.SpeedupLow < r.SpeedupHigh) {
		return r.Speedup.round(2)
	}
	return fmt.Sprintf("%s (%s to %s)", r.Speedup.round(2), r.SpeedupLow.round(2), r.SpeedupHigh.round(2))
}

// accuracyText is the mean accuracy with its standard deviation over seeds, where there are several.
func (r *Row) accuracyText() string {
	if r.Diverged > 0 {
		return fmt.Sprintf("diverged (%d of %d seeds)", r.Diverged, r.Seeds)
	}
	if !r.AccuracySpread.known() {
		return r.Accuracy.round(2)
	}
	return fmt.Sprintf("%s ± %s", r.Accuracy.round(2), r.AccuracySpread.round(2))
}

// variant is the method with what tells it from its like.
func (r *Row) variant() string {
	name := r.Method
	if r.DP > 0 {
		name += fmt.Sprintf(" dp=%d", r.DP)
	}
	if r.Tile > 0 && r.Workload == "gemm" {
		name += fmt.Sprintf(" tile=%d", r.Tile)
	}
	if r.Pad == "false" {
		name += " not padded"
	}
	if r.Option != "" {
		name += " " + r.Option
	}
	if r.Update == "lazy" {
		name += " lazy"
	}
	return name
}

// patterns is the N of a search, also where it was left to the search.
func (r *Row) patterns() int {
	if r.found != nil {
		return len(r.found.P)
	}
	return r.Patterns
}

// round writes a number with so many decimals, a dash where there is none.
func (n number) round(decimals int) string {
	if !n.known() {
		return "-"
	}
	return decimal(fmt.Sprintf("%%.%df", decimals), float64(n))
}

// decimal is x as format has it, and with an exponent from 16 digits on: the perplexity of a training that fails may
// have 300.
func decimal(format string, x float64) string {
	if math.Abs(x) >= 1e15 {
		format = "%.4g"
	}
	return fmt.Sprintf(format, x)
}

// span is the range of a value over rows: "1.20" or "1.20 to 1.77".
func span(rows []*Row, x func(*Row) float64, format string) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		if v := x(r); !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return ""
	}
	from, to := decimal(format, low), decimal(format, high)
	if from == to {
		return from
	}
	return from + " to " + to
}

// methodText says what a method is, for readers who do not know its name.
var methodText = map[string]string{
	"none": "no dropout", "dense": "conventional dropout", "masked": "if-else round the inner product",
	"dropconnect": "dropped weights",
}

// aboutMethod says what a method is; patterns say it themselves.
func aboutMethod(name string) string {
	if k := dropout.Method(name).Kind(); k != nil {
		return k.Text
	}
	return methodText[name]
}

// byMethod are the rows of each method but the baseline's, in order of appearance.
func (r *Results) byMethod() (names []string, rows map[string][]*Row) {
	rows = map[string][]*Row{}
	for _, row := range r.Rows {
		if row.Workload == "search" || row.Workload == "launch" {
			continue
		}
		if rows[row.Method] == nil && row.Method != r.Experiment.Baseline.Method {
			names = append(names, row.Method)
		}
		rows[row.Method] = append(rows[row.Method], row)
	}
	return names, rows
}

// accuracyChange is a row's accuracy minus that of the baseline on the same network, rates and batch, in percentage
// points.
func (r *Results) accuracyChange(row *Row) float64 {
	if row.Method == "masked" || !row.Accuracy.known() { // masked trains as dense does
		return math.NaN()
	}
	if r.Experiment.Baseline.Keys != nil {
		if row.over == nil {
			return math.NaN()
		}
		return float64(row.Accuracy - row.over.Accuracy)
	}
	for _, b := range r.Rows {
		if b.Method == r.Experiment.Baseline.Method && b.Network == row.Network && slices.Equal(b.Rates, row.Rates) &&
			b.Batch == row.Batch && b.Accuracy.known() {
			return float64(row.Accuracy - b.Accuracy)
		}
	}
	return math.NaN()
}

// Answer is what the results say, in sentences.
func (r *Results) Answer() (out []string) {
	base := r.Experiment.Baseline.String()
	names, rows := r.byMethod()
	for _, m := range names {
		var said []string
		if s := span(rows[m], speedup, "%.2f"); s != "" {
			text := fmt.Sprintf("runs %s times as fast as %s", s, base)
			if slow := !slices.ContainsFunc(rows[m], func(row *Row) bool { return row.Speedup >= 0.995 }); slow {
				text += ", so slower"
			}
			said = append(said, text)
		}
		if s := span(rows[m], paperSpeedup, "%.2f"); s != "" {
			said = append(said, "the paper has "+s)
		}
		if s := span(rows[m], r.accuracyChange, "%+.2f"); s != "" {
			said = append(said, fmt.Sprintf("its test accuracy is %s percentage points from %s's", s, base))
		}
		if s := span(rows[m], energyAgainst, "%.2f"); s != "" && m != base {
			said = append(said, fmt.Sprintf("it is estimated to take %s times the energy", s))
		}
		if s := span(rows[m], perplexity, "%.1f"); s != "" {
			said = append(said, fmt.Sprintf("it reaches a test perplexity of %s (%s: %s)",
				s, base, span(rows[base], perplexity, "%.1f")))
		}
		if len(said) > 0 {
			name := strings.ToUpper(m)
			if text := aboutMethod(m); text != "" {
				name += " (" + text + ")"
			}
			out = append(out, name+" "+strings.Join(said, "; ")+".")
		}
	}
	if best := r.unbeaten(); len(best) > 0 {
		out = append(out, "Not beaten in both speed and accuracy: "+strings.Join(best, "; ")+".")
	}
	var sum, n float64
	for _, row := range r.Rows {
		if row.MeasuredUS.known() && row.TimeUS > 0 {
			sum += math.Abs(float64(row.TimeUS/row.MeasuredUS - 1))
			n++
		}
	}
	if n > 0 {
		out = append(out,
			fmt.Sprintf("Simulated times differ from those measured on the real GPU by %.1f %% on average, over %d products.",
				100*sum/n, int(n)))
	}
	for _, s := range r.Micro {
		within, known := 0, 0
		for _, row := range s.Result.Micro.Rows {
			if row.High > 0 {
				known++
				if row.Value >= row.Low && row.Value <= row.High {
					within++
				}
			}
		}
		out = append(out, fmt.Sprintf("%d of %d measurements of %s lie where they are known to lie on the real GPU.",
			within, known, s.Spec.(Microbench).GPU))
	}
	if len(names) == 0 || len(out) == 0 {
		for i, row := range r.Searches {
			if i == 6 {
				out = append(out, "…")
				break
			}
			out = append(out, fmt.Sprintf("Rate %s with N = %d: %s reaches %s.", join(row.Rates), row.patterns(), row.Search,
				row.Reached.round(4)))
		}
	}
	if len(out) == 0 {
		out = r.fastest()
	}
	if len(out) == 0 && len(r.Missing) == len(r.Points) {
		out = []string{"No point is stored yet."}
	} else if len(out) == 0 && len(r.Missing) > 0 {
		out = []string{"The points that are stored answer nothing yet; see the tables below."}
	} else if len(out) == 0 {
		out = []string{"All points are stored; the tables below have their results."}
	}
	return out
}

// fastest says which of the simulated rows takes least time, and what the slowest takes.
func (r *Results) fastest() (out []string) {
	var best, worst *Row
	for _, row := range r.Rows {
		if row.sim == nil || !row.TimeUS.known() {
			continue
		}
		if best == nil || row.TimeUS < best.TimeUS {
			best = row
		}
		if worst == nil || row.TimeUS > worst.TimeUS {
			worst = row
		}
	}
	if best == nil {
		return nil
	}
	say := func(row *Row) string {
		text := fmt.Sprintf("%s with %s cycles with launch, %s µs", r.nameOf(row), row.Cycles.round(0), row.TimeUS.round(2))
		if row.KernelCycles.known() {
			text = fmt.Sprintf("%s with %s kernel cycles (with launch %s, %s µs)", r.nameOf(row), row.KernelCycles.round(0),
				row.Cycles.round(0), row.TimeUS.round(2))
		}
		if row.over != nil && row.over != row {
			text += fmt.Sprintf(", %s times as fast as %s", row.Speedup.round(2), row.SpeedupOver)
		}
		return text
	}
	if best == worst {
		return []string{"Simulated: " + say(best) + "."}
	}
	return []string{"Fastest: " + say(best) + ".", "Slowest: " + say(worst) + "."}
}

// unbeaten names the configurations that no other beats in both speed and accuracy, where one method has several.
func (r *Results) unbeaten() (out []string) {
	var rows []*Row
	methods := map[string]int{}
	for _, row := range r.iterations() {
		if row.Speedup.known() && row.Accuracy.known() && row.Method != "masked" && row.Patterns > 0 {
			rows = append(rows, row)
			methods[fmt.Sprint(row.Method, row.Network, row.Rates, row.Batch)]++
		}
	}
	if len(methods) != 1 || len(rows) < 3 {
		return nil
	}
	some := varying(rows, func(*Row) string { return "" })
	for _, row := range rows {
		beaten := slices.ContainsFunc(rows, func(o *Row) bool {
			return o.Speedup >= row.Speedup && o.Accuracy >= row.Accuracy &&
				(o.Speedup > row.Speedup || o.Accuracy > row.Accuracy)
		})
		if !beaten {
			out = append(out, fmt.Sprintf("%s (%s times, %s %%)", traitText(row, some), row.Speedup.round(2),
				row.Accuracy.round(2)))
		}
	}
	return out
}

// cards are each method's figures at a glance.
func (r *Results) cards() (out []plots.Card) {
	names, rows := r.byMethod()
	for _, m := range names {
		s := span(rows[m], speedup, "%.2f")
		if s == "" {
			continue
		}
		c := plots.Card{Name: m, Big: s + " ×", Lines: []string{"speedup over " + r.Experiment.Baseline.String()}}
		if s := span(rows[m], paperSpeedup, "%.2f"); s != "" {
			c.Lines = append(c.Lines, "paper: "+s+" ×")
		}
		if s := span(rows[m], r.accuracyChange, "%+.2f"); s != "" {
			c.Lines = append(c.Lines, "accuracy: "+s+" percentage points")
		}
		if s := span(rows[m], energyAgainst, "%.2f"); s != "" {
			c.Lines = append(c.Lines, "energy: "+s+" × (estimate)")
		}
		if s := span(rows[m], perplexity, "%.1f"); s != "" {
			c.Lines = append(c.Lines, "perplexity: "+s)
		}
		if s := span(rows[m], func(row *Row) float64 { return float64(row.ConflictsPerAccess) }, "%.2f"); s != "" {
			c.Lines = append(c.Lines, "bank conflicts: "+s+" an access")
		}
		if s := span(rows[m], func(row *Row) float64 { return 100 * float64(row.SIMTEfficiency) }, "%.1f"); s != "" {
			c.Lines = append(c.Lines, "lanes active: "+s+" %")
		}
		out = append(out, c)
	}
	return out
}

// Warnings are what a reader must know before trusting the figures.
func (r *Results) Warnings() (out []string) {
	for _, d := range r.Diverged {
		out = append(out, "Diverged: "+d+".")
	}
	if len(r.Missing) > 0 {
		out = append(out, strings.TrimSuffix(r.missingText(5), "; …")+".")
	}
	if r.Scale != "paper" && r.Experiment.Paper != "" {
		out = append(out, "Run at scale "+r.Scale+"; the paper's sizes are those of scale paper.")
	}
	seeds := 0
	for _, row := range r.Rows {
		if row.Seeds == 1 {
			seeds++
		}
	}
	if seeds > 0 {
		out = append(out,
			"Small sample: accuracies of one seed carry no spread; a difference of some tenths of a percentage point may be "+
				"chance.")
	}
	few := 0
	for _, row := range r.Rows {
		if row.Samples > 0 && row.Samples < fewSamples {
			few = max(few, row.Samples)
		}
	}
	if few > 0 {
		out = append(out,
			fmt.Sprintf("Small sample: expected cycles rest on up to %d drawn combinations of patterns; the intervals say "+
				"how far they may be off.", few))
	}
	return out
}

// fewSamples is the number of drawn patterns below which a warning says so.
const fewSamples = 30

// notes are the experiment's remarks, and what the cycles cover.
func (r *Results) notes() (out []string) {
	out = slices.Clone(r.Experiment.Notes)
	var coverage []string
	for _, row := range r.Rows {
		if row.Coverage != "" && !slices.Contains(coverage, row.Coverage) {
			coverage = append(coverage, row.Coverage)
		}
	}
	for _, c := range coverage[:min(len(coverage), 6)] {
		out = append(out, "What cycles cover: "+c+".")
	}
	return out
}

// maxTableRows bounds the tables of the report; results.csv has all rows.
const maxTableRows = 500

// tables are the report's.
func (r *Results) tables() []plots.Table {
	head, rows := r.Summary()
	cut := func(rows [][]string) ([][]string, string) {
		if len(rows) <= maxTableRows {
			return rows, ""
		}
		return rows[:maxTableRows], fmt.Sprintf("The first %d of %d rows; results.csv has all.", maxTableRows, len(rows))
	}
	shown, note := cut(rows)
	var out []plots.Table
	if len(shown) > 0 {
		out = append(out, plots.Table{Title: "Results", Key: "row", Head: head, Rows: shown, Note: note})
	}

	if names := partNames(r.Rows); r.hasParts() {
		t := plots.Table{Title: "Breakdown", Head: []string{"method", "network", "rate"}}
		for _, n := range names {
			t.Head = append(t.Head, words(n))
		}
		var rows [][]string
		for _, row := range r.Rows {
			if row.sim == nil {
				continue
			}
			line := []string{row.variant(), row.Network, join(row.Rates)}
			for _, n := range names {
				text := "-"
				if part, ok := row.Parts[n]; ok {
					text = fmt.Sprintf("%s (%s %%)", part.round(0), (100 * part / row.Cycles).round(1))
				}
				line = append(line, text)
			}
			rows = append(rows, line)
		}
		t.Rows, t.Note = cut(rows)
		t.Note = strings.TrimSpace("Cycles of the core clock with launch overhead, and their share of the iteration. " +
			t.Note)
		out = append(out, t)
	}
	if t := r.energyTable(); len(t.Rows) > 0 {
		shown, note := cut(t.Rows)
		t.Rows, t.Note = shown, strings.TrimSpace(t.Note+" "+note)
		out = append(out, t)
	}
	if r.Experiment.Paper != "" {
		t := plots.Table{Title: "Beside the paper (" + r.Experiment.Paper + ")",
			Head: []string{"method", "hidden layers", "rates", "speedup", "paper", "difference", "accuracy %", "paper",
				"difference"},
			Note: "The paper's values are those printed; it measured whole training runs on one GTX 1080 Ti under Caffe. A " +
				"dash: not printed there, or not measured here."}
		met := 0
		for _, p := range PaperRows(r.Experiment.Paper) {
			row := newRow(Search{})
			for _, have := range r.Rows {
				if have.Method == p.Method && slices.Equal(have.Hidden, p.Hidden) && slices.Equal(have.Rates, p.Rates) &&
					(p.Batch == 0 || p.Batch == have.Batch) {
					row = have
					met++
					break
				}
			}
			positive := func(x float64) number {
				if x > 0 {
					return number(x)
				}
				return none
			}
			t.Rows = append(t.Rows, []string{p.Method, join(p.Hidden), join(p.Rates), row.speedupText(),
				positive(p.Speedup).round(2), row.SpeedupDifference.round(2), row.accuracyText(), positive(p.Accuracy).round(2),
				row.AccuracyDifference.round(2)})
		}
		if len(t.Rows) == 0 {
			t.Note = "The paper prints no numbers for it, only a drawing."
		} else if met == 0 {
			t.Note = "No row at scale " + r.Scale + " has the sizes of the paper's; --scale paper has."
		}
		out = append(out, t)
	}
	for _, s := range r.Micro {
		t := plots.Table{Title: "Microbenchmarks of " + s.Spec.(Microbench).GPU,
			Head: []string{"measured", "case", "value", "unit", "known from", "to", "source"}}
		for _, row := range s.Result.Micro.Rows {
			line := []string{row.Group, row.Case, number(row.Value).round(1), row.Unit, "-", "-", row.From}
			if row.High > 0 {
				line[4], line[5] = number(row.Low).round(1), number(row.High).round(1)
			}
			t.Rows = append(t.Rows, line)
		}
		out = append(out, t)
	}
	var distributions [][]string
	seen := map[string]bool{}
	for _, row := range slices.Concat(r.Searches, r.Rows) {
		if row.Distribution != "" && !seen[row.Distribution] {
			seen[row.Distribution] = true
			distributions = append(distributions, []string{join(row.Rates), row.Search, row.Reached.round(4), row.Distribution})
		}
	}
	if len(distributions) > 0 {
		rows, note := cut(distributions)
		out = append(out, plots.Table{Title: "Distributions of patterns",
			Head: []string{"rate", "search", "reached", "dp:probability"}, Rows: rows, Note: note})
	}
	return out
}
