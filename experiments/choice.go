package experiments

import (
	"math"

	"warpdrop/dropout"
	"warpdrop/plots"
)

// choice is what a draw chooses from at the first place that drops.
type choice struct {
	d  Dropping
	at dropped
}

// choosing notes the first place that drops.
func (r *Row) choosing(d Dropping, places []dropped) {
	if len(places) > 0 && len(d.Rates) > 0 {
		r.choice = &choice{d, places[0]}
	}
}

// things is how many units or weights a conventional mask has for a sample.
func (c *choice) things() int {
	if c.d.method() == dropout.DropConnect {
		return c.at.inputs * c.at.outputs
	}
	return c.at.units
}

// bits is the entropy of a draw: the logarithm of the number of sub-models, where all are equally likely.
func (c *choice) bits() float64 {
	if !c.d.approximate() {
		return dropout.BernoulliEntropy(c.things(), c.d.Rates[0]) / math.Ln2
	}
	s, err := c.d.stream(0, c.at, 1, 0)
	if err != nil {
		return math.NaN()
	}
	return s.Entropy() / math.Ln2
}

// choiceDraws are how many draws the spread of the kept share is measured over.
const choiceDraws = 1000

// spread is the standard deviation of the kept share over iterations, in per cent.
func (c *choice) spread() float64 {
	if !c.d.approximate() {
		rate := c.d.Rates[0]
		return 100 * math.Sqrt(rate*(1-rate)/float64(c.things()))
	}
	s, err := c.d.stream(0, c.at, 1, 0)
	if err != nil {
		return math.NaN()
	}
	share := make([]float64, choiceDraws)
	for i := range share {
		share[i] = 100 * s.Share(uint64(i))
	}
	_, squares := moments(share)
	return math.Sqrt(squares / choiceDraws)
}

// byChoice draws a measure of quality of one kind of network against what a draw chooses from.
func (r *Results) byChoice(network string, a plots.Axis, x func(*choice) float64, y, low,
	high func(*Row) float64) (*plots.Figure, error) {
	seen := map[string]bool{}
	var rows []*Row
	for _, row := range r.iterations() {
		if row.choice != nil && row.Workload == network && row.Method != "masked" && row.Method != "none" &&
			!math.IsNaN(y(row)) && !seen[row.key(false)] {
			seen[row.key(false)] = true
			rows = append(rows, row)
		}
	}
	some := varying(rows, func(*Row) string { return "" })
	var series []plots.Series
	for _, m := range methodsOf(rows) {
		s := plots.Series{Name: m, Points: true}
		for _, row := range rows {
			if row.Method == m {
				s.X, s.Y, s.Labels = append(s.X, x(row.choice)), append(s.Y, y(row)), append(s.Labels, traitText(row, some))
				s.Low, s.High = append(s.Low, low(row)), append(s.High, high(row))
			}
		}
		series = append(series, s)
	}
	if len(series) == 0 {
		return nothing("trainings with a " + a.Y)
	}
	return plots.Lines(a, series)
}

const (
	bitsLabel   = "entropy of a draw at the first layer (bits: log2 of the sub-models, where all are equally likely)"
	spreadLabel = "standard deviation of the kept share over iterations (points)"
)

func accuracyBySubModels(r *Results) (*plots.Figure, error) {
	return r.byChoice("mlp", plots.Axis{Title: "Accuracy against the number of sub-models",
		X: bitsLabel, Y: "test accuracy (%)", LogX: true}, (*choice).bits, accuracy, accuracyLow, accuracyHigh)
}

func perplexityBySubModels(r *Results) (*plots.Figure, error) {
	return r.byChoice("lstm", plots.Axis{Title: "Perplexity against the number of sub-models",
		X: bitsLabel, Y: "test perplexity", LogX: true}, (*choice).bits, perplexity, perplexityLow, perplexityHigh)
}

func accuracyByKeptShare(r *Results) (*plots.Figure, error) {
	return r.byChoice("mlp", plots.Axis{Title: "Accuracy against the spread of the kept share",
		X: spreadLabel, Y: "test accuracy (%)"}, (*choice).spread, accuracy, accuracyLow, accuracyHigh)
}

func perplexityByKeptShare(r *Results) (*plots.Figure, error) {
	return r.byChoice("lstm", plots.Axis{Title: "Perplexity against the spread of the kept share",
		X: spreadLabel, Y: "test perplexity"}, (*choice).spread, perplexity, perplexityLow, perplexityHigh)
}
