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

// searchFlags are what search is asked for.
type searchFlags struct {
	rate    float64
	opt     dropout.SearchOptions
	pattern string
	asJSON  bool
	file    string

	// Patterns without a dp are drawn for a layer.
	units, inputs, tile, of int
}

func newSearchCommand() *cobra.Command {
	s := searchFlags{opt: dropout.DefaultSearch()}
	s.opt.Method = dropout.SGD // as points of an experiment without one
	without := dropout.Names(dropout.MethodsWith(func(k *dropout.Kind) bool { return !k.HasDP() }))
	c := &cobra.Command{
		Use:   "search --rate P",
		Short: "Find how often to draw each pattern so that neurons are dropped at a rate (Algorithm 1)",
		Long: `search finds the distribution of dp = 1 .. N that drops each neuron (rdp) or synapse (tdp) at the rate
asked for.
Method "exact" meets the rate with the largest entropy, "balanced" with the least spread of the kept share (two
neighbouring dp, or one); "sgd" is Algorithm 1 of the paper, whose entropy term moves the rate. Without --patterns N is
the smallest, at least 4, that is 1.2/(1-rate) or more; for sgd 2/(1-rate).

Patterns without a dp (--pattern ` + without + `)
need no distribution: search says which rate they reach in a layer of --units with --inputs each, and the entropy of a
draw.`,
		Example: `  warpdrop search --rate 0.5
  warpdrop search --rate 0.7 --patterns 16 --method sgd --lambda1 0.9
  warpdrop search --rate 0.3 --json --plot distribution.svg
  warpdrop search --rate 0.7 --pattern rows-random --units 2048
  warpdrop search patterns
  warpdrop search diversity --rates 0.3,0.5,0.7`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	s.add(c.Flags())
	c.AddCommand(newSearchPatternsCommand(), newSearchDiversityCommand())
	return c
}

func (s *searchFlags) add(f *pflag.FlagSet) {
	opt := &s.opt
	f.Float64Var(&s.rate, "rate", 0, "dropout rate asked for, 0 <= rate < 1")
	f.StringVar(&s.pattern, "pattern", string(dropout.RDP), dropout.Names(dropout.Methods()))
	f.IntVar(&opt.Patterns, "patterns", opt.Patterns,
		"N, the largest dp (default 1.2/(1-rate), sgd 2/(1-rate), at least 4)")
	f.StringVar(&opt.Method, "method", opt.Method, "exact, sgd or balanced")
	f.Float64Var(&opt.Lambda1, "lambda1", opt.Lambda1,
		"sgd: weight of the rate's error in the loss, the entropy's being 1 - lambda1")
	f.Float64Var(&opt.Step, "step", opt.Step, "sgd: length of a step as a multiple of the gradient")
	f.Float64Var(&opt.Threshold, "threshold", opt.Threshold,
		"sgd: stop when a step changes the loss by no more than this share")
	f.IntVar(&opt.MaxSteps, "max-steps", opt.MaxSteps, "sgd: stop after so many steps")
	f.IntVar(&s.units, "units", 2048, "patterns without a dp: output neurons of the layer")
	f.IntVar(&s.inputs, "inputs", 2048, "patterns without a dp: its input neurons")
	f.IntVar(&s.tile, "tile", 32, "patterns of tiles without a dp: edge of a tile")
	f.IntVar(&s.of, "of", 0, "rows-k: k of every so many rows are kept (0: chosen)")
	f.BoolVar(&s.asJSON, "json", false, "print JSON")
	outputVar(f, &s.file, "plot", "draw the distribution into this file (.png, .svg or .pdf)")
}

// flagsOfDP are those that find a distribution, flagsOfLayer those of patterns that need none.
var (
	flagsOfDP    = []string{"patterns", "method", "lambda1", "step", "threshold", "max-steps", "plot"}
	flagsOfLayer = []string{"units", "inputs", "tile", "of"}
)

func (s *searchFlags) run(cmd *cobra.Command) error {
	if err := checkPlotFile(s.file); err != nil {
		return err
	}
	kind := dropout.Method(s.pattern).Kind()
	switch {
	case kind == nil:
		return usagef("--pattern %q, allowed are %s", s.pattern, dropout.Names(dropout.Methods()))
	case !cmd.Flags().Changed("rate"):
		return usagef("search takes --rate, 0 <= rate < 1; see %s --help", cmd.CommandPath())
	case cmd.Flags().Changed("patterns") && s.opt.Patterns == 0:
		return usagef("--patterns 0, allowed are 1 to %d", dropout.MaxPatterns)
	}
	others, of := flagsOfLayer, "patterns without a dp"
	if !kind.HasDP() {
		others, of = flagsOfDP, "patterns with a dp"
	}
	for _, name := range others {
		if cmd.Flags().Changed(name) {
			return usagef("--%s belongs to %s, not to %s", name, of, kind.Name)
		}
	}
	if !kind.HasDP() {
		return s.support(cmd.OutOrStdout(), kind)
	}
	return s.distribution(cmd.OutOrStdout())
}

// distribution finds that of dp.
func (s *searchFlags) distribution(out io.Writer) error {
	start := time.Now()
	d, report, err := dropout.Search(s.rate, s.opt)
	if err != nil {
		return usageError{err}
	}
	elapsed := time.Since(start)
	if s.file != "" {
		if err := plotDistribution(s.file, d, report); err != nil {
			return err
		}
	}
	if s.asJSON {
		return printJSON(out, struct {
			dropout.Distribution
			dropout.SearchReport
			SubModelEntropy float64 `json:"sub_model_entropy"`
			Seconds         float64 `json:"seconds"`
		}{d, report, d.SubModelEntropy(), elapsed.Seconds()})
	}
	return printDistribution(out, d, report, elapsed)
}

// support says what a pattern without a dp does to a layer.
func (s *searchFlags) support(out io.Writer, kind *dropout.Kind) error {
	if s.units < 1 || s.inputs < 1 || s.tile < 1 {
		return usagef("--units %d --inputs %d --tile %d, allowed are 1 and more", s.units, s.inputs, s.tile)
	}
	stream, err := dropout.NewStream(kind.Name, dropout.Options{Rate: s.rate, Of: s.of},
		dropout.ShapeOf(s.units, s.units, s.inputs, s.tile), 0, 0)
	if err != nil {
		return usageError{err}
	}
	r := struct {
		Pattern string  `json:"pattern"`
		Rate    float64 `json:"rate"`
		Reached float64 `json:"reached"`
		Entropy float64 `json:"entropy"` // of a draw, in nats
		Units   int     `json:"units"`
		Inputs  int     `json:"inputs"`
		Tile    int     `json:"tile,omitempty"`
	}{s.pattern, s.rate, stream.Reached(), stream.Entropy(), s.units, s.inputs, 0}
	if kind.Drops == dropout.DropsTiles {
		r.Tile = s.tile
	}
	if s.asJSON {
		return printJSON(out, r)
	}
	layer := fmt.Sprintf("%d units", s.units)
	if r.Tile > 0 {
		layer = fmt.Sprintf("%d x %d weights in tiles of %d x %d", s.units, s.inputs, s.tile, s.tile)
	}
	return prose(out, fmt.Sprintf("%s (%s), %s: rate asked %g, reached %.6g; entropy of a draw %.4f nats",
		kind.Name, kind.Text, layer, s.rate, r.Reached, r.Entropy))
}

func printDistribution(out io.Writer, d dropout.Distribution, report dropout.SearchReport,
	elapsed time.Duration) error {
	state := ""
	if !report.Converged {
		state = ", not converged"
	}
	err := prose(out, fmt.Sprintf("rate asked %g, reached %.6g (%s, N = %d, %d steps in %v%s)", d.Rate, report.Reached,
		report.Method, report.Patterns, report.Steps, elapsed.Round(time.Microsecond), state))
	if err != nil {
		return err
	}
	err = prose(out, fmt.Sprintf(
		"entropy of dp %.4f nats of at most %.4f; of the sub-model (dp, bias) %.4f of at most %.4f", report.Entropy,
		math.Log(float64(len(d.P))), d.SubModelEntropy(), math.Log(float64(dropout.SubModels(len(d.P))))))
	if err != nil {
		return err
	}
	t := newTable(out, "dp", "drops", "probability", "biases")
	for i, p := range d.P {
		t.Add(i+1, fmt.Sprintf("%.4f", dropout.Rate(i+1)), fmt.Sprintf("%.6f", p), i+1)
	}
	return t.Render()
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
	p, err := plots.Lines(plots.Axis{Title: fmt.Sprintf("Patterns for dropout rate %g, N = %d", d.Rate, len(d.P)),
		X: "dp (one row or tile in dp is kept)", Y: "probability", ZeroY: true}, []plots.Series{s})
	if err != nil {
		return err
	}
	return plots.Save(p, file)
}

// tenths adds --rates with the rates from 0.1 to 0.9.
func tenths(f *pflag.FlagSet, rates *[]float64) {
	f.Float64SliceVar(rates, "rates", []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}, "dropout rates")
	f.Lookup("rates").DefValue = "0.1,0.2 … 0.9" // shown only
}
