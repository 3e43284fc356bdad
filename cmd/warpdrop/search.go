package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"warpdrop/dropout"
	"warpdrop/plots"
)

func newSearchCommand() *cobra.Command {
	var rate float64
	var asJSON bool
	var file string
	opt := dropout.DefaultSearch()
	c := &cobra.Command{
		Use:   "search --rate P",
		Short: "Find how often to draw each pattern so that neurons are dropped at a rate (Algorithm 1)",
		Long: `search finds the distribution of dp = 1 .. N that drops each neuron (RDP) or synapse (TDP) at the rate asked for.
Method "exact" meets the rate with the largest entropy, "balanced" with the least spread of the kept share (two neighbouring dp, or one); "sgd" is Algorithm 1 of the paper, whose entropy term moves the
rate. Without --patterns N is the smallest, at least 4, that is 1.2/(1-rate) or more; for sgd 2/(1-rate).`,
		Example: `  warpdrop search --rate 0.5
  warpdrop search --rate 0.7 --patterns 16 --method sgd --lambda1 0.9
  warpdrop search --rate 0.3 --json --plot distribution.svg
  warpdrop search patterns
  warpdrop search diversity --rates 0.3,0.5,0.7`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkPlotFile(file); err != nil {
				return err
			}
			switch {
			case !cmd.Flags().Changed("rate"):
				return usagef("search takes --rate, 0 <= rate < 1; see %s --help", cmd.CommandPath())
			case cmd.Flags().Changed("patterns") && opt.Patterns == 0:
				return usagef("--patterns 0, allowed are 1 to %d", dropout.MaxPatterns)
			}
			start := time.Now()
			d, report, err := dropout.Search(rate, opt)
			if err != nil {
				return usageError{err}
			}
			elapsed := time.Since(start)
			if file != "" {
				if err := plotDistribution(file, d, report); err != nil {
					return err
				}
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, struct {
					dropout.Distribution
					dropout.SearchReport
					SubModelEntropy float64 `json:"sub_model_entropy"`
					Seconds         float64 `json:"seconds"`
				}{d, report, d.SubModelEntropy(), elapsed.Seconds()})
			}
			return printDistribution(out, d, report, elapsed)
		},
	}
	f := c.Flags()
	f.Float64Var(&rate, "rate", 0, "dropout rate asked for, 0 <= rate < 1")
	f.IntVar(&opt.Patterns, "patterns", opt.Patterns, "N, the largest dp (default 1.2/(1-rate), sgd 2/(1-rate), at least 4)")
	f.StringVar(&opt.Method, "method", opt.Method, "exact, sgd or balanced")
	f.Float64Var(&opt.Lambda1, "lambda1", opt.Lambda1, "sgd: weight of the rate's error in the loss, the entropy's being 1 - lambda1")
	f.Float64Var(&opt.Step, "step", opt.Step, "sgd: length of a step as a multiple of the gradient")
	f.Float64Var(&opt.Threshold, "threshold", opt.Threshold, "sgd: stop when a step changes the loss by no more than this share")
	f.IntVar(&opt.MaxSteps, "max-steps", opt.MaxSteps, "sgd: stop after so many steps")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	outputVar(f, &file, "plot", "draw the distribution into this file (.png, .svg or .pdf)")
	c.AddCommand(newSearchPatternsCommand(), newSearchDiversityCommand())
	return c
}

func printDistribution(out io.Writer, d dropout.Distribution, report dropout.SearchReport, elapsed time.Duration) error {
	state := ""
	if !report.Converged {
		state = ", not converged"
	}
	fmt.Fprintf(out, "rate asked %g, reached %.6g (%s, N = %d, %d steps in %v%s)\n", d.Rate, report.Reached, report.Method, report.Patterns, report.Steps, elapsed.Round(time.Microsecond), state)
	fmt.Fprintf(out, "entropy of dp %.4f nats of at most %.4f; of the sub-model (dp, bias) %.4f of at most %.4f\n",
		report.Entropy, math.Log(float64(len(d.P))), d.SubModelEntropy(), math.Log(float64(dropout.SubModels(len(d.P)))))
	t := newTable(out, "dp", "drops", "probability", "biases")
	for i, p := range d.P {
		t.add(i+1, fmt.Sprintf("%.4f", dropout.Rate(i+1)), fmt.Sprintf("%.6f", p), i+1)
	}
	return t.render()
}

// checkPlotFile refuses a plot file of a format that cannot be written, before any work is done.
func checkPlotFile(file string) error {
	if format := strings.TrimPrefix(filepath.Ext(file), "."); file != "" && !slices.Contains(plots.Formats, format) {
		return usagef("--plot %s: format %q, allowed are %s", file, format, strings.Join(plots.Formats, ", "))
	}
	return nil
}

func plotDistribution(file string, d dropout.Distribution, report dropout.SearchReport) error {
	s := plots.Series{Name: fmt.Sprintf("%s, reached %.4f", report.Method, report.Reached)}
	for i, p := range d.P {
		s.X, s.Y = append(s.X, float64(i+1)), append(s.Y, p)
	}
	p, err := plots.Lines(plots.Axis{Title: fmt.Sprintf("Patterns for dropout rate %g, N = %d", d.Rate, len(d.P)), X: "dp (one row or tile in dp is kept)", Y: "probability", ZeroY: true}, []plots.Series{s})
	if err != nil {
		return err
	}
	return plots.Save(p, file)
}

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
				all := append(slices.Clone(counts), dropout.DefaultPatterns(dropout.Exact, p), dropout.DefaultPatterns(dropout.SGD, p))
				slices.Sort(all)
				for _, n := range slices.Compact(all) {
					if n < dropout.MinPatterns(p) && slices.Contains(counts, n) {
						continue
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
			t := newTable(out, "rate", "N", "sgd rate", "sgd entropy", "sgd time", "exact rate", "exact entropy", "exact time", "keeps all", "keeps little", "kept share ±")
			for _, r := range rows {
				n := fmt.Sprint(r.Patterns)
				if r.Default {
					n += " (default)"
				}
				t.add(r.Rate, n, fmt.Sprintf("%.4f", r.SGDReached), fmt.Sprintf("%.4f", r.SGDEntropy), shortTime(r.SGDSeconds), fmt.Sprintf("%.4f", r.Exact),
					fmt.Sprintf("%.4f", r.Entropy), shortTime(r.Seconds), fmt.Sprintf("%.3f", r.All), fmt.Sprintf("%.3f", r.Little), fmt.Sprintf("%.3f", r.Spread))
			}
			return t.render()
		},
	}
	tenths(c.Flags(), &rates)
	c.Flags().IntSliceVar(&counts, "counts", []int{4, 8, 16, 64}, "numbers of patterns beside the default; those that cannot reach a rate are left out")
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
	p, err := plots.Lines(plots.Axis{Title: "Rate that the search reaches", X: "dropout rate asked for", Y: "reached - asked"}, series)
	if err != nil {
		return err
	}
	return plots.Save(p, file)
}

// diversityRow is how one way to drop works on one rate.
type diversityRow struct {
	Kind    string  `json:"kind"`
	Rate    float64 `json:"rate"`
	Entropy float64 `json:"entropy_bits"` // of one iteration's mask
	dropout.Diversity
	LostInputs  float64 `json:"lost_inputs"`  // share of tile columns with nothing kept, TDP only
	LostOutputs float64 `json:"lost_outputs"` // share of tile rows
}

// The kinds of mask that search diversity compares; the first is conventional dropout.
const (
	kindDense  = "dense"
	kindRDP    = "rdp"
	kindTDP    = "tdp"
	kindSkewed = "tdp skewed"
)

func newSearchDiversityCommand() *cobra.Command {
	var asJSON bool
	var file string
	var rates []float64
	var inputs, outputs, tile, iterations, pairs int
	var seed uint64
	var show string
	metrics := map[string]struct {
		label string
		log   bool
		of    func(diversityRow) float64
	}{
		"entropy":     {"entropy of a mask (bits)", true, func(r diversityRow) float64 { return r.Entropy }},
		"distinct":    {"different masks seen", true, func(r diversityRow) float64 { return float64(r.Distinct) }},
		"correlation": {"RMS correlation of two units", false, func(r diversityRow) float64 { return r.Correlation }},
		"spread":      {"std. deviation of the kept share", false, func(r diversityRow) float64 { return r.KeptSpread }},
		"lost-inputs": {"share of input neurons lost", false, func(r diversityRow) float64 { return r.LostInputs }},
	}
	c := &cobra.Command{
		Use:   "diversity",
		Short: "Measure what patterns do not preserve of conventional dropout",
		Long: `diversity draws masks for one layer of weights and measures what the patterns do to it beyond its rate: the entropy of a
mask, how many different ones are seen, how strongly units are correlated, how much the kept share varies, and how many
input and output neurons lose all their synapses. Units are output neurons (dense, which is conventional dropout, and patterns of rows) or tiles (tdp).`,
		Example: `  warpdrop search diversity
  warpdrop search diversity --inputs 784 --outputs 2048 --tile 16 --rates 0.5
  warpdrop search diversity --show correlation --plot correlation.svg`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkPlotFile(file); err != nil {
				return err
			}
			metric, ok := metrics[show]
			switch {
			case !ok:
				return usagef("--show %q, allowed are correlation, distinct, entropy, lost-inputs and spread", show)
			case inputs < 1 || outputs < 2 || tile < 1:
				return usagef("--inputs %d --outputs %d --tile %d, allowed are at least 1, 2 and 1", inputs, outputs, tile)
			case iterations < 2 || pairs < 1:
				return usagef("--iterations %d --pairs %d, allowed are at least 2 and 1", iterations, pairs)
			}
			var rows []diversityRow
			for _, p := range rates {
				r, err := measureDiversity(p, outputs, inputs, tile, iterations, pairs, seed)
				if err != nil {
					return usageError{err}
				}
				rows = append(rows, r...)
			}
			if file != "" {
				var series []plots.Series
				kinds := []string{kindTDP, kindSkewed}
				if show != "lost-inputs" { // only tiles can lose them
					kinds = nil
					for _, r := range rows {
						if !slices.Contains(kinds, r.Kind) {
							kinds = append(kinds, r.Kind)
						}
					}
				}
				for i, kind := range kinds {
					series = append(series, plots.Series{Name: kind})
					for _, r := range rows {
						if r.Kind == kind {
							series[i].X, series[i].Y = append(series[i].X, r.Rate), append(series[i].Y, metric.of(r))
						}
					}
				}
				p, err := plots.Lines(plots.Axis{Title: fmt.Sprintf("%d x %d weights, tiles of %d x %d, %d iterations", outputs, inputs, tile, tile, iterations),
					X: "dropout rate", Y: metric.label, LogY: metric.log, ZeroY: true}, series)
				if err != nil {
					return err
				}
				if err := plots.Save(p, file); err != nil {
					return err
				}
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, rows)
			}
			t := newTable(out, "rate", "masks", "bits of entropy", "different masks", "kept share", "± over iterations", "RMS correlation", "inputs lost", "outputs lost")
			for _, r := range rows {
				lostIn, lostOut := "", ""
				if r.Kind == kindTDP || r.Kind == kindSkewed {
					lostIn, lostOut = fmt.Sprintf("%.4f", r.LostInputs), fmt.Sprintf("%.4f", r.LostOutputs)
				}
				t.add(r.Rate, r.Kind, fmt.Sprintf("%.1f", r.Entropy), r.Distinct, fmt.Sprintf("%.4f", r.Kept), fmt.Sprintf("%.4f", r.KeptSpread), fmt.Sprintf("%.4f", r.Correlation), lostIn, lostOut)
			}
			return t.render()
		},
	}
	f := c.Flags()
	tenths(f, &rates)
	f.IntVar(&inputs, "inputs", 2048, "input neurons")
	f.IntVar(&outputs, "outputs", 2048, "output neurons")
	f.IntVar(&tile, "tile", 32, "edge of a tile")
	f.IntVar(&iterations, "iterations", 10_000, "masks drawn")
	f.IntVar(&pairs, "pairs", 1000, "random pairs of units followed for the correlation")
	f.Uint64Var(&seed, "seed", 1, "seed of the masks and of the choice of pairs")
	f.StringVar(&show, "show", "correlation", "what --plot draws: correlation, distinct, entropy, lost-inputs or spread")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	outputVar(f, &file, "plot", "draw --show over the rates into this file (.png, .svg or .pdf)")
	return c
}

func measureDiversity(rate float64, outputs, inputs, tile, iterations, pairs int, seed uint64) ([]diversityRow, error) {
	b, err := dropout.NewBernoulli(rate, seed, 0)
	if err != nil {
		return nil, err
	}
	d, _, err := dropout.Search(rate, dropout.DefaultSearch())
	if err != nil {
		return nil, err
	}
	tileRows, tileCols := dropout.TileGrid(outputs, inputs, tile, tile)
	if tileRows*tileCols < 2 {
		return nil, fmt.Errorf("tiles of %d x %d: %d x %d weights are a single one, there have to be at least 2", tile, tile, outputs, inputs)
	}
	bits := d.SubModelEntropy() / math.Ln2
	s := dropout.NewSampler(d, seed, 0)
	rows := []diversityRow{
		{Kind: kindDense, Rate: rate, Entropy: dropout.BernoulliEntropy(outputs, rate) / math.Ln2, Diversity: dropout.MeasureDiversity(b.Stream(), outputs, iterations, pairs, seed)},
		{Kind: kindRDP, Rate: rate, Entropy: bits, Diversity: dropout.MeasureDiversity(s.Rows(), outputs, iterations, pairs, seed)},
	}
	for _, k := range dropout.Kinds() {
		if k.HasDP {
			continue // RDP is above, TDP below in both orders
		}
		units := outputs
		if k.Drops == dropout.DropsTiles {
			units = tileRows * tileCols
		}
		s, err := dropout.NewStream(k.Name, dropout.Options{Rate: rate}, dropout.Shape{Units: outputs, TileRows: tileRows, TileCols: tileCols}, seed, 0)
		if err != nil {
			continue // rows-k does not have every rate
		}
		rows = append(rows, diversityRow{Kind: string(k.Name), Rate: rate, Entropy: s.Entropy() / math.Ln2, Diversity: dropout.MeasureDiversity(s.Masks(), units, iterations, pairs, seed)})
	}
	for _, k := range []struct {
		name  string
		order dropout.Order
	}{{kindTDP, dropout.PaperOrder}, {kindSkewed, dropout.SkewedOrder}} {
		r := diversityRow{Kind: k.name, Rate: rate, Entropy: bits, Diversity: dropout.MeasureDiversity(s.Tiles(tileCols, k.order), tileRows*tileCols, iterations, pairs, seed)}
		r.LostOutputs, r.LostInputs = dropout.LostLines(d, tileRows, tileCols, k.order)
		rows = append(rows, r)
	}
	return rows, nil
}

// tenths adds --rates with the rates from 0.1 to 0.9.
func tenths(f *pflag.FlagSet, rates *[]float64) {
	f.Float64SliceVar(rates, "rates", []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}, "dropout rates")
	f.Lookup("rates").DefValue = "0.1,0.2 … 0.9" // shown only
}
