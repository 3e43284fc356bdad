package experiments

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"warpdrop/dropout"
)

func someDistributions() []dropout.Distribution {
	return []dropout.Distribution{{P: []float64{0.3, 0.2, 0.1, 0.4}}, {P: []float64{0, 0.5, 0.5}},
		{P: []float64{0.25, 0.25, 0.25, 0.25}}}
}

// effort is linear in each share, not in all together.
func effort(share []float64) float64 {
	return 3*share[0] + 5*share[0]*share[1] + 2*share[1]*share[2] + 1
}

func TestSampled(t *testing.T) {
	ds := someDistributions()
	const n = 20
	cs := sampled(dropout.RDP, ds, n, 7, effort)
	sum, kept := 0.0, 0.0
	for _, c := range cs {
		sum += c.weight
		kept += c.weight * effort(shares(c))
		for _, p := range c.patterns {
			if p.Bias < 1 || p.Bias > p.DP || p.Method != dropout.RDP {
				t.Fatalf("pattern %+v", p)
			}
		}
	}
	exact := 0.0
	for _, c := range combinations(dropout.RDP, ds) {
		exact += c.weight * effort(shares(c))
	}
	if math.Abs(sum-1) > 1e-12 || math.Abs(kept-exact) > 1e-12 {
		t.Errorf("weights add up to %g, and kept work to %g; want 1 and %g", sum, kept, exact)
	}
	for site, d := range ds {
		for i, p := range d.P {
			count := 0
			for _, c := range cs {
				if c.patterns[site].DP == i+1 {
					count++
				}
			}
			if math.Abs(float64(count)-n*p) >= 2 { // a stratum may lie across each end of dp's part of the distribution
				t.Errorf("site %d: dp %d was drawn %d times of %d, its probability is %g", site, i+1, count, n, p)
			}
		}
	}
}

// TestConfidenceInterval draws many samples of a known, not quite linear function with noise: the exact sum must lie in
// about 95 % of their intervals, and the interval must be much narrower than that of a plain mean.
func TestConfidenceInterval(t *testing.T) {
	ds := someDistributions()
	rng := rand.New(rand.NewPCG(1, 1))
	cycles := func(c combination) float64 {
		s := shares(c)
		return 1000*effort(s) + 300*math.Sqrt(s[0]) + 200*s[1]*s[1] + 20*float64(c.patterns[0].Bias%2) + 20*rng.NormFloat64()
	}
	exact := 0.0
	for _, c := range combinations(dropout.RDP, ds) {
		for bias := range c.patterns[0].DP {
			c.patterns[0].Bias = bias + 1
			mean := 0.0
			for range 20 {
				mean += cycles(c) / 20
			}
			exact += c.weight * mean / float64(c.patterns[0].DP)
		}
	}
	for _, n := range []int{3, 8, 20} {
		inside, width, plain := 0, 0.0, 0.0
		const runs = 500
		for seed := range uint64(runs) {
			cs := sampled(dropout.RDP, ds, n, seed, effort)
			y, estimate, expected := make([]float64, n), 0.0, 0.0
			for i, c := range cs {
				y[i] = cycles(c)
				estimate += c.weight * y[i]
				expected += c.weight * effort(shares(c))
			}
			half := halfWidth(cs, y, expected, effort)
			if math.Abs(estimate-exact) <= half {
				inside++
			}
			_, squares := moments(y)
			width, plain = width+half/runs, plain+2*math.Sqrt(squares/float64(n-1)/float64(n))/runs
		}
		t.Logf("n = %d: the exact value is in %.1f %% of the intervals; half a width is %.2f %% of it, that of a plain "+
			"mean %.2f %%", n, 100*float64(inside)/runs, 100*width/exact, 100*plain/exact)
		if share := float64(inside) / runs; share < 0.92 || n > 3 && width > plain/2 {
			t.Errorf("n = %d: the exact value is in %.1f %% of the intervals, half a width is %g, of a plain mean %g",
				n, 100*share, width, plain)
		}
	}
}

// TestSampledPoint compares a sampled point with the exact sum over all combinations.
func TestSampledPoint(t *testing.T) {
	mlp := MLP{GPU: "gtx1080ti", Perceptron: Perceptron{Inputs: 64, Hidden: []int{64, 64}, Outputs: 10, Batch: 16},
		Update: "lazy", Seed: 1, Dropping: Dropping{Method: "rdp", Rates: []float64{0.5, 0.5}, Patterns: 3,
			Search: "exact", Tile: 32}}
	lstm := LSTM{GPU: "gtx1080ti", Recurrent: Recurrent{Layers: 1, Hidden: 64, Vocabulary: 96, Batch: 8, Steps: 4},
		SimulatedRepeats: 2, Seed: 1, Dropping: Dropping{Method: "tdp", Rates: []float64{0.4}, Patterns: 2,
			Search: "exact", Tile: 32}}
	e := NewHost("")
	for _, c := range []struct{ exact, sampled Spec }{
		{mlp, func() Spec { s := mlp; s.Samples = 5; return s }()},
		{lstm, func() Spec { s := lstm; s.Samples = 5; return s }()},
	} {
		var got [2]*SimResult
		for i, s := range []Spec{c.exact, c.sampled} {
			if p := s.check(); len(p) > 0 {
				t.Fatal(p)
			}
			r, err := e.Run(context.Background(), s, 0, func(float64) {})
			if err != nil {
				t.Fatal(err)
			}
			got[i] = r.Sim
			parts, probability := 0.0, 0.0
			for _, n := range r.Sim.Parts {
				parts += n
			}
			for _, p := range r.Sim.Patterns {
				probability += p.Probability
			}
			if math.Abs(parts/r.Sim.Cycles-1) > 1e-9 || math.Abs(probability-1) > 1e-9 {
				t.Errorf("%s: parts add up to %g of %g cycles, probabilities to %g", s.Kind(), parts, r.Sim.Cycles, probability)
			}
		}
		exact, sample := got[0], got[1]
		t.Logf("%s: exact %.0f, sampled %.0f in %.0f to %.0f", c.exact.Kind(), exact.Cycles, sample.Cycles, sample.Low,
			sample.High)
		if exact.Low != exact.Cycles || exact.High != exact.Cycles ||
			!(sample.Low < sample.Cycles && sample.Cycles < sample.High) {
			t.Errorf("%s: exact %g in [%g, %g], sampled %g in [%g, %g]", c.exact.Kind(), exact.Cycles, exact.Low, exact.High,
				sample.Cycles, sample.Low, sample.High)
		}
		if exact.Cycles < sample.Low || exact.Cycles > sample.High {
			t.Errorf("%s: the exact sum %g is not in [%g, %g]", c.exact.Kind(), exact.Cycles, sample.Low, sample.High)
		}
	}
	if _, err := e.Versions(func() Spec { s := lstm; s.Tile = 16; return s }()); err == nil ||
		!strings.Contains(err.Error(), "tile 16") {
		t.Errorf("tile 16: %v", err)
	}
	for want, s := range map[string]Spec{
		"2 samples":          func() Spec { s := mlp; s.Samples = 2; return s }(),
		"words; allowed":     func() Spec { s := lstm; s.Batch = 20000; return s }(),
		"dropconnect is":     func() Spec { s := lstm; s.Method = "dropconnect"; return s }(),
		"62 is not a multip": func() Spec { s := lstm; s.Hidden = 62; return s }(),
	} {
		text := ""
		for _, p := range s.check() {
			text += p.text + "\n"
		}
		if !strings.Contains(text, want) {
			t.Errorf("want %q in %q", want, text)
		}
	}
}

// TestGroupsArePatternsOfTheirOwn: what a point with groups simulates are several draws of the same place, the same
// each time.
func TestGroupsArePatternsOfTheirOwn(t *testing.T) {
	for _, d := range []Dropping{{Method: "rows-random", Rates: []float64{0.5}},
		{Method: "rdp", Rates: []float64{0.75}, DP: 4}} {
		cs, rates, err := draws(d, []dropped{{40, 30, 40}, {40, 40, 20}}, 3, 2, 5)
		if err != nil {
			t.Fatal(err)
		}
		again, _, _ := draws(d, []dropped{{40, 30, 40}, {40, 40, 20}}, 3, 2, 5)
		seen := map[string]bool{}
		for i, c := range cs {
			if len(c.groups) != 3 || c.key() != again[i].key() || math.Abs(shares(c)[0]-(1-rates[0])) > 1e-9 {
				t.Fatalf("%s: %+v, rates %g", d.Method, c, rates)
			}
			for _, g := range c.groups {
				if len(g) != 2 {
					t.Fatalf("%s: %d sites of a group", d.Method, len(g))
				}
				seen[fmt.Sprint(g)] = true
			}
		}
		if len(seen) < 4 { // of 6
			t.Errorf("%s: %d different draws", d.Method, len(seen))
		}
	}
}
