package experiments

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"warpdrop/plots"
)

// Change is one row of two runs side by side; a side that lacks the row has nulls.
type Change struct {
	Row            string `json:"row"`
	Cycles         number `json:"cycles"`
	CyclesThen     number `json:"cycles_before"`
	Speedup        number `json:"speedup"`
	SpeedupThen    number `json:"speedup_before"`
	Accuracy       number `json:"accuracy"`
	AccuracyThen   number `json:"accuracy_before"`
	Perplexity     number `json:"perplexity"`
	PerplexityThen number `json:"perplexity_before"`
	Reached        number `json:"reached_rate"`
	ReachedThen    number `json:"reached_rate_before"`
}

// differs tells whether two numbers print differently; two missing ones do not.
func differs(a, b number) bool { return a.text() != b.text() }

// Changed tells whether any value differs.
func (c Change) Changed() bool {
	return differs(c.Cycles, c.CyclesThen) || differs(c.Speedup, c.SpeedupThen) || differs(c.Accuracy, c.AccuracyThen) || differs(c.Perplexity, c.PerplexityThen) || differs(c.Reached, c.ReachedThen)
}

// Compare sets the rows of two results side by side: those of b in their order, then those that only a has.
func Compare(a, b *Results) (out []Change) {
	before := map[string]*Row{}
	for _, r := range a.Rows {
		before[r.key(true)] = r
	}
	blank := newRow(Search{})
	add := func(then, now *Row, name string) {
		out = append(out, Change{name, now.Cycles, then.Cycles, now.Speedup, then.Speedup, now.Accuracy, then.Accuracy, now.Perplexity, then.Perplexity, now.Reached, then.Reached})
	}
	name := func(r *Row) string {
		text := r.variant() + " " + r.Network
		if len(r.Rates) > 0 {
			text += " rate " + join(r.Rates)
		}
		if r.GPU != "" {
			text += " " + r.GPU
		}
		return text
	}
	for _, r := range b.Rows {
		then := before[r.key(true)]
		if then == nil {
			then = blank
		}
		add(then, r, name(r))
		delete(before, r.key(true))
	}
	for _, r := range a.Rows {
		if before[r.key(true)] != nil {
			add(r, blank, name(r))
		}
	}
	return out
}

// ChangeTable is the table that compare prints.
func ChangeTable(changes []Change) (head []string, rows [][]string) {
	head = []string{"row", "cycles before", "now", "change %", "speedup before", "now", "accuracy before", "now", "reached rate before", "now"}
	for _, c := range changes {
		rows = append(rows, []string{c.Row, c.CyclesThen.round(0), c.Cycles.round(0), (100 * (c.Cycles/c.CyclesThen - 1)).round(2), c.SpeedupThen.round(3), c.Speedup.round(3), c.AccuracyThen.round(2), c.Accuracy.round(2), c.ReachedThen.round(4), c.Reached.round(4)})
	}
	return head, rows
}

// DrawChanges draws the change of cycles of each row, the largest first.
func DrawChanges(changes []Change, before, now string) (*plots.Figure, error) {
	sorted := slices.Clone(changes)
	size := func(c Change) float64 { return math.Abs(float64(c.Cycles/c.CyclesThen - 1)) }
	slices.SortStableFunc(sorted, func(a, b Change) int { return cmp.Compare(size(b), size(a)) })
	var names []string
	var y []float64
	for _, c := range sorted[:min(len(sorted), maxBars)] {
		names = append(names, c.Row)
		y = append(y, float64(100*(c.Cycles/c.CyclesThen-1)))
	}
	f, err := plots.Changes(plots.Axis{Title: "Change of cycles from " + before + " to " + now, X: "change of cycles (%)"}, names, y, func(x float64) string { return fmt.Sprintf("%+.2f %%", x) })
	if err == nil && len(changes) > maxBars {
		f.Notes = append(f.Notes, fmt.Sprintf("the %d largest of %d rows", maxBars, len(changes)))
	}
	return f, err
}
