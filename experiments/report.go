package experiments

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"warpdrop/plots"
)

// Summary is the short table that a run prints.
func (r *Results) Summary() (head []string, rows [][]string) {
	all := []struct {
		name string
		text func(*Row) string
	}{
		{"method", (*Row).variant},
		{"network", func(r *Row) string { return r.Network }},
		{"gpu", func(r *Row) string { return r.GPU }},
		{"rate", func(r *Row) string { return join(r.Rates) }},
		{"batch", func(r *Row) string { return count(r.Batch) }},
		{"patterns", func(r *Row) string { return count(r.Patterns) }},
		{"reached rate", func(r *Row) string { return r.Reached.round(4) }},
		{"cycles", func(r *Row) string { return r.Cycles.round(0) }},
		{"speedup", func(r *Row) string { return r.Speedup.round(2) }},
		{"accuracy %", func(r *Row) string { return r.Accuracy.round(2) }},
		{"perplexity", func(r *Row) string { return r.Perplexity.round(1) }},
		{"bank conflicts", func(r *Row) string { return r.BankConflicts.round(0) }},
		{"divergent branches", func(r *Row) string { return r.DivergentBranches.round(0) }},
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
	return fmt.Sprintf("%.*f", decimals, float64(n))
}

// span is the range of a value over rows: "1.20" or "1.20 to 1.77".
func span(rows []*Row, x func(*Row) float64, decimals int) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		if v := x(r); !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	switch {
	case low > high:
		return ""
	case fmt.Sprintf("%.*f", decimals, low) == fmt.Sprintf("%.*f", decimals, high):
		return fmt.Sprintf("%.*f", decimals, low)
	}
	return fmt.Sprintf("%.*f to %.*f", decimals, low, decimals, high)
}

// Answer is what the results say, in sentences.
func (r *Results) Answer() (out []string) {
	base := r.Experiment.Baseline
	if len(r.Rows) > 0 && r.Rows[0].Workload == "launch" {
		base = r.Rows[0].Method
	}
	for _, row := range r.Searches {
		out = append(out, fmt.Sprintf("Rate %s with N = %d: %s reaches %s.", join(row.Rates), row.patterns(), row.Search, row.Reached.round(4)))
		if len(out) == 6 {
			break
		}
	}
	for _, m := range methodsOf(r.Rows) {
		if m == base || m == "-" {
			continue
		}
		var rows []*Row
		for _, row := range r.Rows {
			if row.Method == m {
				rows = append(rows, row)
			}
		}
		var parts []string
		if s := span(rows, speedup, 2); s != "" {
			parts = append(parts, fmt.Sprintf("runs %s times as fast as %s", s, base))
		}
		var delta []*Row
		for _, row := range rows {
			for _, b := range r.Rows {
				if b.Method == base && b.Network == row.Network && slices.Equal(b.Rates, row.Rates) && b.Batch == row.Batch {
					d := *row
					d.AccuracyDifference = row.Accuracy - b.Accuracy
					delta = append(delta, &d)
					break
				}
			}
		}
		if s := span(delta, func(row *Row) float64 { return float64(row.AccuracyDifference) }, 2); s != "" && m != "masked" {
			parts = append(parts, fmt.Sprintf("its test accuracy differs from %s's by %s percentage points", base, s))
		}
		if s := span(rows, func(row *Row) float64 { return float64(row.Perplexity) }, 1); s != "" {
			parts = append(parts, fmt.Sprintf("reaches a test perplexity of %s", s))
		}
		if len(parts) > 0 {
			out = append(out, strings.ToUpper(m)+": "+strings.Join(parts, "; ")+".")
		}
	}
	if len(out) == 0 {
		out = []string{"The points that are stored answer nothing yet; see the tables below."}
	}
	return out
}

// Warnings are what a reader must know before trusting the figures.
func (r *Results) Warnings() (out []string) {
	if n := len(r.Missing); n > 0 {
		var names []string
		for _, p := range r.Missing[:min(n, 5)] {
			names = append(names, Label(p.Spec))
		}
		out = append(out, fmt.Sprintf("%d of %d points are missing: %s%s.", n, len(r.Points), strings.Join(names, "; "), map[bool]string{true: "; …", false: ""}[n > 5]))
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
		out = append(out, "Small sample: accuracies of one seed carry no spread; a difference of some tenths of a percentage point may be chance.")
	}
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
	out := []plots.Table{{Title: "Results", Head: head, Rows: shown, Note: note}}

	if names := partNames(r.Rows); len(names) > 0 {
		t := plots.Table{Title: "Breakdown", Head: append([]string{"method", "network", "rate"}, names...)}
		var rows [][]string
		for _, row := range r.Rows {
			if row.sim == nil {
				continue
			}
			line := []string{row.variant(), row.Network, join(row.Rates)}
			for _, n := range names {
				part, ok := row.Parts[n]
				if !ok {
					part = none
				}
				line = append(line, fmt.Sprintf("%s (%s %%)", part.round(0), (100*part/row.Cycles).round(1)))
			}
			rows = append(rows, line)
		}
		t.Rows, t.Note = cut(rows)
		t.Note = strings.TrimSpace("Cycles of the core clock, and their share of the iteration. " + t.Note)
		out = append(out, t)
	}
	if r.Experiment.Paper != "" {
		t := plots.Table{Title: "Beside the paper (" + r.Experiment.Paper + ")", Head: []string{"method", "network", "rate", "speedup", "paper", "difference", "accuracy %", "paper", "difference"},
			Note: "The paper's values are those printed; it measured whole training runs on one GTX 1080 Ti under Caffe. A dash: not printed there, or not measured here."}
		var rows [][]string
		for _, row := range r.Rows {
			if row.PaperSpeedup.known() || row.PaperAccuracy.known() {
				rows = append(rows, []string{row.variant(), row.Network, join(row.Rates), row.Speedup.round(2), row.PaperSpeedup.round(2), row.SpeedupDifference.round(2), row.Accuracy.round(2), row.PaperAccuracy.round(2), row.AccuracyDifference.round(2)})
			}
		}
		t.Rows, _ = cut(rows)
		if len(rows) == 0 {
			t.Note = "No row at scale " + r.Scale + " has the sizes of the paper's; --scale paper has."
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
		out = append(out, plots.Table{Title: "Distributions of patterns", Head: []string{"rate", "search", "reached", "dp:probability"}, Rows: rows, Note: note})
	}
	return out
}
