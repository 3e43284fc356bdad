package dropout

import (
	"fmt"
	"math"
)

// Methods that find a distribution.
const (
	SGD   = "sgd"   // Algorithm 1 of the paper: gradient descent on its loss
	Exact = "exact" // the maximum of entropy among the distributions that have the rate

	Balanced = "balanced" // the least spread of the kept share among those: two neighbouring dp, or one
)

// MaxPatterns bounds SearchOptions.Patterns; no layer has so many rows that more would make sense.
const MaxPatterns = 1 << 16

// SearchOptions are the parameters of Search. All but Method and Patterns concern SGD only.
type SearchOptions struct {
	Method   string  `json:"method"`   // Exact, SGD or Balanced
	Patterns int     `json:"patterns"` // N: dp is 1 .. N; 0 stands for DefaultPatterns
	Lambda1  float64 `json:"lambda1"`  // weight of the rate's error in the loss, the entropy's being 1 - Lambda1; (0, 1]
	Step     float64 `json:"step"`     // length of a step as a multiple of the gradient, > 0
	// the search ends when a step changes the loss by no more than this share of it, >= 0
	Threshold float64 `json:"threshold"`
	MaxSteps  int     `json:"max_steps"` // and at the latest after so many steps, >= 1
}

// DefaultSearch is the exact solution with a number of patterns that suits the rate; the paper's search starts from the
// paper's lambda1 = 0.9 when Method is set to SGD. docs/design/dropout.md has the measurements behind these values.
func DefaultSearch() SearchOptions {
	return SearchOptions{Method: Exact, Lambda1: 0.9, Step: 4, Threshold: 1e-10, MaxSteps: 100_000}
}

// Network is a kind of network that is trained.
type Network string

const (
	MLP  Network = "mlp"
	LSTM Network = "lstm"
)

// TrainingSearch is how training finds the distribution of dp where no way is asked for: the one that the measurements
// favour, which stand in docs/design/dropout.md under "Which search".
func TrainingSearch(n Network) string {
	if n == LSTM {
		return Balanced
	}
	return Exact
}

// SearchReport says how a search went.
type SearchReport struct {
	Method    string  `json:"method"`
	Patterns  int     `json:"patterns"`
	Reached   float64 `json:"reached"` // d.p_u
	Entropy   float64 `json:"entropy"` // of dp, in nats
	Loss      float64 `json:"loss"`    // the loss of Algorithm 1 at the solution, also for Exact
	Steps     int     `json:"steps"`   // gradient steps (SGD) or steps of the root finder (Exact)
	Converged bool    `json:"converged"`
}

// DefaultPatterns is the N that Search takes when none is asked for, at least 4. Exact: the smallest with N >=
// 1.2/(1-rate). It meets the rate with any N, and networks train the better the smaller N is; the fifth above the least
// N there can be keeps it from drawing one dp alone. SGD: the smallest with N >= 2/(1-rate), since the entropy term
// moves the rate, and the more so the smaller N is. docs/design/dropout.md has the measurements. It is 0 where rate is
// no dropout rate.
func DefaultPatterns(method string, rate float64) int {
	if checkRate(rate) != nil {
		return 0
	}
	room := 1.2
	if method == SGD {
		room = 2
	}
	const rounding = 1e-9 // 2/(1-0.9) is 20 and not 20.000000000000004
	return max(4, int(math.Ceil(room/(1-rate)-rounding)))
}

// MinPatterns is the smallest N whose patterns can reach a rate: (N-1)/N >= rate. It is 0 where rate is no dropout
// rate.
func MinPatterns(rate float64) int {
	if checkRate(rate) != nil {
		return 0
	}
	n := max(1, int(math.Ceil(1/(1-rate)))-1) // rounding may put the quotient on either side of an integer
	for Rate(n) < rate {
		n++
	}
	return n
}

// Search finds how often to draw each dp = 1 .. N so that neurons (RDP) or synapses (TDP) are dropped at a rate, with
// as many different sub-models as that allows.
func Search(rate float64, opt SearchOptions) (Distribution, SearchReport, error) {
	if err := checkRate(rate); err != nil {
		return Distribution{}, SearchReport{}, err
	}
	if least := MinPatterns(rate); least > MaxPatterns {
		return Distribution{}, SearchReport{}, fmt.Errorf("dropout: rate %g takes %d patterns, allowed are 1 to %d",
			rate, least, MaxPatterns)
	}
	if opt.Patterns == 0 {
		opt.Patterns = min(DefaultPatterns(opt.Method, rate), MaxPatterns)
	}
	if err := opt.check(rate); err != nil {
		return Distribution{}, SearchReport{}, err
	}
	report := SearchReport{Method: opt.Method, Patterns: opt.Patterns}
	d := Distribution{Rate: rate}
	switch opt.Method {
	case SGD:
		d.P, report.Steps, report.Converged = searchSGD(rate, opt)
		if report.Converged && !stationary(d.P, rate, opt.Lambda1) || d.Check() != nil { // Check: v has overflowed
			return Distribution{}, report,
				fmt.Errorf("dropout: search got stuck after %d steps at rate %.4g, asked for %g: step %g is too long (default %g)",
					report.Steps, d.Reached(), rate, opt.Step, DefaultSearch().Step)
		}
	case Balanced:
		d.P, report.Converged = searchBalanced(rate, opt.Patterns), true
	default:
		d.P, report.Steps = searchExact(rate, opt.Patterns)
		report.Converged = true
	}
	report.Reached, report.Entropy, report.Loss = d.Reached(), d.Entropy(), d.Loss(opt.Lambda1)
	return d, report, nil
}

// check refuses options that cannot work for this rate.
func (o SearchOptions) check(rate float64) error {
	switch {
	case o.Method != Exact && o.Method != SGD && o.Method != Balanced:
		return fmt.Errorf("dropout: search method %q, allowed are %q, %q and %q", o.Method, Exact, SGD, Balanced)
	case o.Patterns < 1 || o.Patterns > MaxPatterns:
		return fmt.Errorf("dropout: %d patterns, allowed are 1 to %d", o.Patterns, MaxPatterns)
	case rate > Rate(o.Patterns):
		return fmt.Errorf("dropout: %d patterns reach a rate of at most %.4g, not %g; %d would", o.Patterns, Rate(o.Patterns),
			rate, MinPatterns(rate))
	case !(o.Lambda1 > 0 && o.Lambda1 <= 1):
		return fmt.Errorf("dropout: lambda1 %g, allowed is 0 < lambda1 <= 1", o.Lambda1)
	case !(o.Step > 0) || math.IsInf(o.Step, 1):
		return fmt.Errorf("dropout: step %g, allowed are finite values above 0", o.Step)
	case !(o.Threshold >= 0):
		return fmt.Errorf("dropout: threshold %g, allowed are values from 0", o.Threshold)
	case o.MaxSteps < 1:
		return fmt.Errorf("dropout: at most %d steps, allowed are values from 1", o.MaxSteps)
	}
	return nil
}
