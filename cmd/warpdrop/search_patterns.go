package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"warpdrop/dropout"
	"warpdrop/plots"
)

// patternsRow is what one N does for one rate.
type patternsRow struct {
	Rate       float64 `json:"rate"`
	Patterns   int     `json:"patterns"`
	Default    bool    `json:"default"`     // N that search takes by itself, method exact
	SGDReached float64 `json:"sgd_reached"` // by Algorithm 1
	SGDEntropy float64 `json:"sgd_entropy"`
	SGDSeconds float64 `json:"sgd_seconds"`
	Exact      float64 `json:"exact_reached"`
	Entropy    float64 `json:"exact_entropy"`
	Seconds    float64 `json:"exact_seconds"`
	All        float64 `json:"keeps_all"`   // probability of dp = 1
	Spread     float64 `json:"kept_spread"` // standard deviation of the kept share 1/dp
	Little     float64 `json:"keeps_less_than_half"`
}

func newSearchPatternsCommand() *cobra.Command {
	var asJSON bool
	var file string
	var rates []float64
	var counts []int
	c := &cobra.Command{
		Use:   "patterns",
		Short: "Compare numbers of patterns N: rate reached by Algorithm 1, entropy and spread of the kept share",
		Long: `patterns runs both searches for several N and prints the rate, entropy (nats) and time of each, and of the exact
distribution: the probability of an iteration that keeps all, of one that keeps less than half of the mean share of
1-rate, and the standard deviation of the kept share 1/dp.`,
		Example: `  warpdrop search patterns --rates 0.5,0.7 --counts 4,8,16
  warpdrop search patterns --plot rate-error.svg`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkPlotFile(file); err != nil {
				return err
			}
			var rows []patternsRow
			for _, p := range rates {
				all := append(slices.Clone(counts), dropout.DefaultPatterns(dropout.Exact, p),
					dropout.DefaultPatterns(dropout.SGD, p))
				slices.Sort(all)
				for _, n := range slices.Compact(all) {
					if n < dropout.MinPatterns(p) && slices.Contains(counts, n) {
						continue
					}
					if cmd.Context().Err() != nil {
						return cmd.Context().Err()
					}
					row, err := comparePatterns(p, n)
					if err != nil {
						return usageError{err}
					}
					rows = append(rows, row)
				}
			}
			if file != "" {
				if err := plotPatterns(file, rows); err != nil {
					return err
				}
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, rows)
			}
			t := newTable(out, "rate", "N", "sgd rate", "sgd entropy", "sgd time", "exact rate", "exact entropy", "exact time",
				"keeps all", "keeps little", "kept share ±")
			for _, r := range rows {
				n := fmt.Sprint(r.Patterns)
				if r.Default {
					n += " (default)"
				}
				t.Add(r.Rate, n, fmt.Sprintf("%.4f", r.SGDReached), fmt.Sprintf("%.4f", r.SGDEntropy), shortTime(r.SGDSeconds),
					fmt.Sprintf("%.4f", r.Exact), fmt.Sprintf("%.4f", r.Entropy), shortTime(r.Seconds), fmt.Sprintf("%.3f", r.All),
					fmt.Sprintf("%.3f", r.Little), fmt.Sprintf("%.3f", r.Spread))
			}
			return t.Render()
		},
	}
	tenths(c.Flags(), &rates)
	c.Flags().IntSliceVar(&counts, "counts", []int{4, 8, 16, 64},
		"numbers of patterns beside the default; those that cannot reach a rate are left out")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	outputVar(c.Flags(), &file, "plot", "draw the error of Algorithm 1's rate into this file (.png, .svg or .pdf)")
	return c
}

func shortTime(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond).String()
}

func comparePatterns(rate float64, n int) (patternsRow, error) {
	row := patternsRow{Rate: rate, Patterns: n, Default: n == dropout.DefaultPatterns(dropout.Exact, rate)}
	opt := dropout.DefaultSearch()
	opt.Patterns, opt.Method = n, dropout.SGD
	start := time.Now()
	_, sgd, err := dropout.Search(rate, opt)
	if err != nil {
		return row, err
	}
	row.SGDReached, row.SGDEntropy, row.SGDSeconds = sgd.Reached, sgd.Entropy, time.Since(start).Seconds()
	opt.Method = dropout.Exact
	start = time.Now()
	d, exact, err := dropout.Search(rate, opt)
	if err != nil {
		return row, err
	}
	row.Exact, row.Entropy, row.Seconds, row.All = exact.Reached, exact.Entropy, time.Since(start).Seconds(), d.P[0]
	variance := 0.0
	for i, p := range d.P {
		kept := 1 / float64(i+1)
		variance += p * (kept - (1 - rate)) * (kept - (1 - rate))
		if kept < (1-rate)/2-1e-9 { // rounding
			row.Little += p
		}
	}
	row.Spread = math.Sqrt(variance)
	return row, nil
}

func plotPatterns(file string, rows []patternsRow) error {
	var series []plots.Series
	add := func(name string, r patternsRow, reached float64) {
		i := slices.IndexFunc(series, func(s plots.Series) bool { return s.Name == name })
		if i < 0 {
			i = len(series)
			series = append(series, plots.Series{Name: name})
		}
		series[i].X, series[i].Y = append(series[i].X, r.Rate), append(series[i].Y, reached-r.Rate)
	}
	for _, r := range rows {
		if !r.Default || r.Patterns == 4 { // the default's N changes from rate to rate: a series of its own below
			add(fmt.Sprintf("sgd, N = %d", r.Patterns), r, r.SGDReached)
		}
	}
	for _, r := range rows {
		if r.Default {
			add("sgd, default N", r, r.SGDReached)
			add("exact, default N", r, r.Exact)
		}
	}
	p, err := plots.Lines(plots.Axis{Title: "Rate that the search reaches", X: "dropout rate asked for",
		Y: "reached - asked"}, series)
	if err != nil {
		return err
	}
	return plots.Save(p, file)
}
