package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/dropout"
	"warpdrop/plots"
)

// diversityRow is how one method works on one rate.
type diversityRow struct {
	Kind    string  `json:"kind"`
	Rate    float64 `json:"rate"`
	Entropy float64 `json:"entropy_bits"` // of one iteration's mask
	dropout.Diversity
	LostInputs  float64 `json:"lost_inputs"`  // share of tile columns with nothing kept, patterns of tiles only
	LostOutputs float64 `json:"lost_outputs"` // share of tile rows
}

// tiles says whether the row is of a pattern of tiles.
func (r diversityRow) tiles() bool { return dropout.Method(r.Kind).Drops() == dropout.DropsTiles }

// diversityMetric is what can be drawn of the rows.
type diversityMetric struct {
	label string
	log   bool
	of    func(diversityRow) float64
}

var diversityMetrics = map[string]diversityMetric{
	"entropy":     {"entropy of a mask (bits)", true, func(r diversityRow) float64 { return r.Entropy }},
	"distinct":    {"different masks seen", true, func(r diversityRow) float64 { return float64(r.Distinct) }},
	"correlation": {"RMS correlation of two units", false, func(r diversityRow) float64 { return r.Correlation }},
	"spread":      {"std. deviation of the kept share", false, func(r diversityRow) float64 { return r.KeptSpread }},
	"lost-inputs": {"share of input neurons lost", false, func(r diversityRow) float64 { return r.LostInputs }},
}

// diversityFlags are what search diversity is asked for.
type diversityFlags struct {
	rates                                    []float64
	inputs, outputs, tile, iterations, pairs int
	seed                                     uint64
	show                                     []string
	file                                     string
	asJSON                                   bool
}

func newSearchDiversityCommand() *cobra.Command {
	var d diversityFlags
	c := &cobra.Command{
		Use:   "diversity",
		Short: "Measure what patterns do not preserve of conventional dropout",
		Long: `diversity draws masks for one layer of weights and measures what the patterns do to it beyond its rate: the entropy of a
mask, how many different ones are seen, how strongly units are correlated, how much the kept share varies, and how many
input and output neurons lose all their synapses. Units are output neurons (dense, which is conventional dropout, and
patterns of rows) or tiles (patterns of tiles). A pattern that does not have a rate is left out there.`,
		Example: `  warpdrop search diversity
  warpdrop search diversity --inputs 784 --outputs 2048 --tile 16 --rates 0.5
  warpdrop search diversity --show correlation,spread --plot diversity.svg`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := d.check(); err != nil {
				return err
			}
			var rows []diversityRow
			for _, rate := range d.rates {
				r, err := d.measure(cmd.Context(), rate)
				if cmd.Context().Err() != nil {
					return cmd.Context().Err()
				}
				if err != nil {
					return usageError{err}
				}
				rows = append(rows, r...)
			}
			if d.file != "" {
				for _, show := range d.show {
					if err := d.plot(rows, show); err != nil {
						return err
					}
				}
			}
			if d.asJSON {
				return printJSON(cmd.OutOrStdout(), rows)
			}
			return printDiversity(cmd.OutOrStdout(), rows)
		},
	}
	f := c.Flags()
	tenths(f, &d.rates)
	f.IntVar(&d.inputs, "inputs", 2048, "input neurons")
	f.IntVar(&d.outputs, "outputs", 2048, "output neurons")
	f.IntVar(&d.tile, "tile", 32, "edge of a tile")
	f.IntVar(&d.iterations, "iterations", 10_000, "masks drawn")
	f.IntVar(&d.pairs, "pairs", 1000, "random pairs of units followed for the correlation")
	f.Uint64Var(&d.seed, "seed", 1, "seed of the masks and of the choice of pairs")
	f.StringSliceVar(&d.show, "show", []string{"correlation"}, "what --plot draws, each into a file of its own where "+
		"there are several: "+strings.Join(slices.Sorted(maps.Keys(diversityMetrics)), ", "))
	f.BoolVar(&d.asJSON, "json", false, "print JSON")
	outputVar(f, &d.file, "plot", "draw --show over the rates into this file (.png, .svg or .pdf)")
	return c
}

func (d *diversityFlags) check() error {
	if err := checkPlotFile(d.file); err != nil {
		return err
	}
	for _, show := range d.show {
		if _, ok := diversityMetrics[show]; !ok {
			return usagef("--show %q, allowed are %s", show,
				strings.Join(slices.Sorted(maps.Keys(diversityMetrics)), ", "))
		}
	}
	switch {
	case d.inputs < 1 || d.outputs < 2 || d.tile < 1:
		return usagef("--inputs %d --outputs %d --tile %d, allowed are at least 1, 2 and 1", d.inputs, d.outputs, d.tile)
	case d.iterations < 2 || d.pairs < 1:
		return usagef("--iterations %d --pairs %d, allowed are at least 2 and 1", d.iterations, d.pairs)
	}
	return nil
}

// measure measures conventional dropout and every pattern at a rate.
func (d *diversityFlags) measure(ctx context.Context, rate float64) ([]diversityRow, error) {
	b, err := dropout.NewBernoulli(rate, d.seed, 0)
	if err != nil {
		return nil, err
	}
	distribution, _, err := dropout.Search(rate, dropout.DefaultSearch())
	if err != nil {
		return nil, err
	}
	shape := dropout.ShapeOf(d.outputs, d.outputs, d.inputs, d.tile)
	tiles := shape.TileRows * shape.TileCols
	if tiles < 2 {
		return nil, fmt.Errorf("tiles of %d x %d: %d x %d weights are a single one, there have to be at least 2",
			d.tile, d.tile, d.outputs, d.inputs)
	}
	row := func(kind string, entropy float64, masks dropout.MaskStream, units int) diversityRow {
		return diversityRow{Kind: kind, Rate: rate, Entropy: entropy / math.Ln2,
			Diversity: dropout.MeasureDiversity(masks, units, d.iterations, d.pairs, d.seed)}
	}
	rows := []diversityRow{row(string(dropout.Dense), dropout.BernoulliEntropy(d.outputs, rate), b.Stream(), d.outputs)}
	for _, k := range dropout.Kinds() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s, err := dropout.NewStream(k.Name, dropout.Options{Rate: rate, Distribution: distribution}, shape, d.seed, 0)
		if err != nil {
			continue // rows-k does not have every rate
		}
		units := d.outputs
		if k.Drops == dropout.DropsTiles {
			units = tiles
		}
		r := row(string(k.Name), s.Entropy(), s.Masks(), units)
		switch {
		case k.Drops == dropout.DropsTiles && k.HasDP():
			r.LostOutputs, r.LostInputs = dropout.LostLines(k, distribution, shape)
		case k.Drops == dropout.DropsTiles:
			r.LostOutputs, r.LostInputs = s.LostLines(d.iterations)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// plot draws one of the metrics; where several are drawn, its name goes before the ending of the file's.
func (d *diversityFlags) plot(rows []diversityRow, show string) error {
	metric, file := diversityMetrics[show], d.file
	if len(d.show) > 1 {
		ending := filepath.Ext(file)
		file = strings.TrimSuffix(file, ending) + "-" + show + ending
	}
	var series []plots.Series
	for _, r := range rows {
		if show == "lost-inputs" && !r.tiles() { // only tiles can lose them
			continue
		}
		i := slices.IndexFunc(series, func(s plots.Series) bool { return s.Name == r.Kind })
		if i < 0 {
			i = len(series)
			series = append(series, plots.Series{Name: r.Kind})
		}
		series[i].X, series[i].Y = append(series[i].X, r.Rate), append(series[i].Y, metric.of(r))
	}
	p, err := plots.Lines(plots.Axis{
		Title: fmt.Sprintf("%d x %d weights, tiles of %d x %d, %d iterations",
			d.outputs, d.inputs, d.tile, d.tile, d.iterations),
		X: "dropout rate", Y: metric.label, LogY: metric.log, ZeroY: true}, series)
	if err != nil {
		return err
	}
	return plots.Save(p, file)
}

func printDiversity(out io.Writer, rows []diversityRow) error {
	t := newTable(out, "rate", "masks", "bits of entropy", "different masks", "kept share", "± over iterations",
		"RMS correlation", "inputs lost", "outputs lost")
	for _, r := range rows {
		lostIn, lostOut := "", ""
		if r.tiles() {
			lostIn, lostOut = fmt.Sprintf("%.4f", r.LostInputs), fmt.Sprintf("%.4f", r.LostOutputs)
		}
		t.Add(r.Rate, r.Kind, fmt.Sprintf("%.1f", r.Entropy), r.Distinct, fmt.Sprintf("%.4f", r.Kept),
			fmt.Sprintf("%.4f", r.KeptSpread), fmt.Sprintf("%.4f", r.Correlation), lostIn, lostOut)
	}
	return t.Render()
}
