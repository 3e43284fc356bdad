package experiments

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"warpdrop/plots"
)

// trait is something that tells rows apart beside the method.
type trait func(*Row) string

var traits = []trait{
	func(r *Row) string { return r.Network },
	func(r *Row) string { return r.GPU },
	func(r *Row) string { return rateText(r.Rates) },
	func(r *Row) string { return tagged("batch %d", r.Batch) },
	func(r *Row) string { return tagged("N %d", r.Patterns) },
	func(r *Row) string { return r.Search },
	func(r *Row) string { return tagged("tile %d", r.Tile) },
	func(r *Row) string { return tagged("dp %d", r.DP) },
	func(r *Row) string { return r.Option },
	func(r *Row) string { return map[string]string{"true": "padded", "false": "not padded"}[r.Pad] },
	func(r *Row) string { return map[string]string{"dense": "full update", "lazy": "lazy update"}[r.Update] },
}

func tagged(format string, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// rateText is "rate 0.5", or "rate 0.3/0.5" where layers differ.
func rateText(rates []float64) string {
	if len(rates) == 0 {
		return ""
	}
	text := fmt.Sprintf("rate %.3g", rates[0])
	for _, x := range rates[1:] {
		if x != rates[0] {
			return "rate " + strings.ReplaceAll(join(rates), " ", "/")
		}
	}
	return text
}

// varying are the traits in which rows of one group differ; rows without a trait do not count.
//
// Where rows have values of their own, these come first, and what follows from them is left out.
func varying(rows []*Row, group func(*Row) string) (out []trait) {
	all := traits
	if values := valueTraits(rows); len(values) > 0 {
		out = varyingOf(values, rows, group)
		given := group
		group = func(r *Row) string { return given(r) + "\x00" + traitText(r, values) }
	}
	return append(out, varyingOf(all, rows, group)...)
}

// valueTraits are those of the values that any row has.
func valueTraits(rows []*Row) (out []trait) {
	for _, v := range valueNames(rows) {
		out = append(out, func(r *Row) string {
			if r.Values[v] == "" {
				return ""
			}
			return v + " " + r.Values[v]
		})
	}
	return out
}

// varyingOf are those of some traits in which rows of one group differ.
func varyingOf(traits []trait, rows []*Row, group func(*Row) string) (out []trait) {
	for _, t := range traits {
		first := map[string]string{}
		for _, r := range rows {
			text := t(r)
			if text == "" {
				continue
			}
			if was, ok := first[group(r)]; ok && was != text {
				out = append(out, t)
				break
			}
			first[group(r)] = text
		}
	}
	return out
}

// traitText is a row's text of some traits.
func traitText(r *Row, some []trait) string {
	var words []string
	for _, t := range some {
		if text := t(r); text != "" {
			words = append(words, text)
		}
	}
	return strings.Join(words, ", ")
}

// methodsOf lists the methods of rows in order of appearance.
func methodsOf(rows []*Row) (names []string) {
	for _, r := range rows {
		if !slices.Contains(names, r.Method) {
			names = append(names, r.Method)
		}
	}
	return names
}

// curve makes series from rows that have both x and y: one for each method, and for each of its variants where rows of
// one method and x differ; sorted by x. Rows that are equal in all of these are averaged.
func curve(all []*Row, x, y, low, high func(*Row) float64) (out []plots.Series) {
	var rows []*Row
	for _, r := range all {
		if !math.IsNaN(x(r) + y(r)) {
			rows = append(rows, r)
		}
	}
	some := varying(rows, func(r *Row) string { return fmt.Sprint(r.Method, x(r)) })
	type at struct {
		y, low, high, n float64
		row             int // the first
	}
	sums := map[string]map[float64]*at{}
	variants := map[string]int{}
	for _, r := range rows {
		name := strings.TrimSpace(r.Method + " " + traitText(r, some))
		if sums[name] == nil {
			sums[name] = map[float64]*at{}
			out = append(out, plots.Series{Name: name, Key: r.Method, Variant: variants[r.Method]})
			variants[r.Method]++
		}
		a := sums[name][x(r)]
		if a == nil {
			a = &at{row: r.index}
			sums[name][x(r)] = a
		}
		a.y += y(r)
		a.n++
		if low != nil {
			a.low += low(r)
			a.high += high(r)
		}
	}
	for i := range out {
		s := &out[i]
		for k := range sums[s.Name] {
			s.X = append(s.X, k)
		}
		slices.Sort(s.X)
		for _, k := range s.X {
			a := sums[s.Name][k]
			s.Y, s.Rows = append(s.Y, a.y/a.n), append(s.Rows, a.row)
			if low != nil {
				s.Low, s.High = append(s.Low, a.low/a.n), append(s.High, a.high/a.n)
			}
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
	return math.Round(sum/float64(len(r.Rates))*1e9) / 1e9
}

func speedup(r *Row) float64     { return float64(r.Speedup) }
func speedupLow(r *Row) float64  { return float64(r.SpeedupLow) }
func speedupHigh(r *Row) float64 { return float64(r.SpeedupHigh) }
func accuracy(r *Row) float64    { return float64(r.Accuracy) }
func perplexity(r *Row) float64  { return float64(r.Perplexity) }
func batch(r *Row) float64       { return known(r.Batch) }
func tile(r *Row) float64        { return known(r.Tile) }
func dp(r *Row) float64          { return known(r.DP) }

func known(n int) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(n)
}

func accuracyLow(r *Row) float64    { return float64(r.Accuracy - r.AccuracySpread) }
func accuracyHigh(r *Row) float64   { return float64(r.Accuracy + r.AccuracySpread) }
func perplexityLow(r *Row) float64  { return float64(r.Perplexity - r.PerplexitySpread) }
func perplexityHigh(r *Row) float64 { return float64(r.Perplexity + r.PerplexitySpread) }
