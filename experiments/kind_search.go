package experiments

import (
	"context"
	"fmt"

	"warpdrop/dropout"
)

var _ = register(&work[Search]{
	About:    "Find a distribution of patterns (Algorithm 1).",
	Versions: searchVersions,
	Work:     func(Search) float64 { return 1 },
	Memory:   func(Search) int64 { return 1 << 20 },
	Speed:    100,
	Run:      runSearch,
	Row: func(r *Row, s Search) {
		r.Workload, r.Network, r.Method = "search", "-", s.Search
		r.Rates, r.Patterns, r.Search = []float64{s.Rate}, s.Patterns, s.Search
	},
	Label: func(s Search) []string {
		if s.Patterns == 0 {
			return nil
		}
		return []string{fmt.Sprintf("N=%d", s.Patterns)}
	},
})

// Search finds the distribution of dp for a rate.
type Search struct {
	Rate     float64 `json:"rate" need:"true" jsonschema:"minimum=0,exclusiveMaximum=1" jsonschema_description:"Dropout rate to reach."`
	Patterns int     `json:"patterns" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Number N of patterns; 0 = chosen from the rate."`
	Search   string  `json:"search" jsonschema:"enum=sgd,enum=exact,enum=balanced,default=sgd" jsonschema_description:"sgd = Algorithm 1; exact = maximum entropy; balanced = least spread of the kept share."`
	Lambda1  float64 `json:"lambda1" jsonschema:"exclusiveMinimum=0,maximum=1,default=0.9" jsonschema_description:"Weight of the rate's error in Algorithm 1's loss."`
}

func (Search) Kind() string { return "search" }

func (s Search) normal() Spec { return s }

func (s Search) check() []problem {
	if s.Patterns > 0 && s.Patterns < dropout.MinPatterns(s.Rate) {
		return []problem{{"patterns", fmt.Sprintf("%d patterns reach a rate of at most %.4g, not %g; allowed is %d or more",
			s.Patterns, float64(s.Patterns-1)/float64(s.Patterns), s.Rate, dropout.MinPatterns(s.Rate))}}
	}
	return nil
}

// searchVersion changes with whatever changes the distribution that a search finds.
const searchVersion = "2"

func searchVersions(*Host, Search) (map[string]string, error) {
	return map[string]string{"search": searchVersion}, nil
}

func runSearch(_ context.Context, _ *Host, spec Search, _ int, _ func(float64)) (Result, error) {
	found, err := findDistribution(spec.Rate, spec.Patterns, spec.Search, spec.Lambda1)
	if err != nil {
		return Result{}, err
	}
	return Result{Search: found}, nil
}

// findDistribution runs the search that a spec asks for.
func findDistribution(rate float64, patterns int, method string, lambda1 float64) (*SearchResult, error) {
	opt := dropout.DefaultSearch()
	opt.Method, opt.Patterns, opt.Lambda1 = method, patterns, lambda1
	d, report, err := dropout.Search(rate, opt)
	if err != nil {
		return nil, err
	}
	if !report.Converged {
		return nil, fmt.Errorf("search for rate %g with %d patterns did not converge in %d steps",
			rate, report.Patterns, report.Steps)
	}
	return &SearchResult{P: d.P, Reached: report.Reached, Entropy: report.Entropy, Steps: report.Steps}, nil
}
