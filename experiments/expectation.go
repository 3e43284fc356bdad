package experiments

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"warpdrop/dropout"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// An iteration with patterns has no one time: its expected value over the distribution is either the exact sum over all
// combinations of dp, or an estimate from a stratified sample of them.

// combination is one pattern at each site that drops.
type combination struct {
	patterns []dropout.Pattern
	groups   [][]dropout.Pattern // several groups: the patterns of each, the first one's being patterns too
	weight   float64             // in sums over all of them
	of       []int               // of how many rows or tiles, where patterns list those they keep
}

func (c combination) dp() []int {
	var dp []int
	for _, p := range c.patterns {
		dp = append(dp, p.DP)
	}
	return dp
}

// combinations are all of them with their probabilities, each site's dp drawn independently of the others'. The bias
// moves which rows are kept, not how many by more than one: the middle one stands for all.
func combinations(method dropout.Method, ds []dropout.Distribution) []combination {
	out := []combination{{weight: 1}}
	for _, d := range ds {
		var next []combination
		for _, c := range out {
			for i, p := range d.P {
				if p > 0 {
					one := dropout.Pattern{Method: method, DP: i + 1, Bias: (i + 2) / 2}
					next = append(next, combination{patterns: append(slices.Clone(c.patterns), one), weight: c.weight * p})
				}
			}
		}
		out = next
	}
	return out
}

// minSamples is the least size of a sample that has a confidence interval: two parameters of a line and one degree of
// freedom.
const minSamples = 3

// sampled draws n combinations by Latin hypercube (McKay et al., Technometrics 1979): of each site's distribution one
// from each n-th of its probability, in an order of its own; biases are uniform. kept is the work that a combination
// leaves, as a function of 1/dp that is linear in each; its expected value is known, so the weights are those of the
// regression estimator (Cochran, Sampling Techniques, chapter 7): they add up to one, and give the expected kept
// exactly.
func sampled(method dropout.Method, ds []dropout.Distribution, n int, seed uint64,
	kept func(share []float64) float64) []combination {
	rng := rand.New(rand.NewPCG(seed, 3))
	out := make([]combination, n)
	expected := make([]float64, len(ds))
	for site, d := range ds {
		for i, p := range d.P {
			expected[site] += p / float64(i+1)
		}
		order := rng.Perm(n)
		for i := range out {
			u, dp := (float64(order[i])+rng.Float64())/float64(n), 0
			for dp < len(d.P)-1 && u >= d.P[dp] {
				u -= d.P[dp]
				dp++
			}
			for d.P[dp] == 0 { // rounding at the end of the distribution
				dp--
			}
			out[i].patterns = append(out[i].patterns, dropout.Pattern{Method: method, DP: dp + 1, Bias: 1 + rng.IntN(dp+1)})
		}
	}
	f := make([]float64, n)
	for i, c := range out {
		f[i] = kept(shares(c))
	}
	mean, spread := moments(f)
	for i := range out {
		out[i].weight = 1 / float64(n)
		if spread > 0 {
			out[i].weight += (kept(expected) - mean) * (f[i] - mean) / spread
		}
	}
	return out
}

// key is the same text for equal combinations.
func (c combination) key() string { return fmt.Sprint(c.patterns, c.groups) }

// draws are n draws of a method that keeps a fixed share, in so many groups, each as likely as any other.
func draws(d Dropping, sites []dropped, groups, n int, seed uint64) (out []combination, rates []float64, err error) {
	for i := range n {
		c := combination{weight: 1 / float64(n)}
		for site, at := range sites {
			s, err := d.stream(min(site, len(d.Rates)-1), at, seed, site)
			if err != nil {
				return nil, nil, err
			}
			c.of = append(c.of, dropout.MaxKept(d.method(), at.units, at.inputs, at.outputs, d.Tile))
			for g := range max(groups, 1) {
				if site == 0 {
					c.groups = append(c.groups, nil)
				}
				c.groups[g] = append(c.groups[g], s.At(uint64(i), g).Pattern(d.method()))
			}
			if i == 0 && site < len(d.Rates) {
				rates = append(rates, s.Reached())
			}
		}
		if c.patterns = c.groups[0]; groups <= 1 {
			c.groups = nil
		}
		out = append(out, c)
	}
	return out, rates, nil
}

// shares is what is kept at each site: 1/dp, or the share of rows or tiles that are listed.
func shares(c combination) []float64 {
	var out []float64
	for i, p := range c.patterns {
		if p.DP == 0 {
			out = append(out, float64(len(p.Rows)+len(p.Tiles))/float64(c.of[i]))
			continue
		}
		out = append(out, 1/float64(p.DP))
	}
	return out
}

// moments are the mean and the sum of squared deviations.
func moments(x []float64) (mean, squares float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return mean, squares
}

// halfWidth is half the 95 % confidence interval of a sampled estimate: of the regression estimator, from the residuals
// of the line through cycles over kept work.
func halfWidth(cs []combination, cycles []float64, expected float64, kept func(share []float64) float64) float64 {
	n := float64(len(cs))
	f := make([]float64, len(cs))
	for i, c := range cs {
		f[i] = kept(shares(c))
	}
	fm, fs := moments(f)
	ym, _ := moments(cycles)
	slope := 0.0
	if fs > 0 {
		for i := range f {
			slope += (f[i] - fm) * (cycles[i] - ym) / fs
		}
	}
	residual := 0.0
	for i := range f {
		d := cycles[i] - ym - slope*(f[i]-fm)
		residual += d * d
	}
	spread := 1 / n
	if fs > 0 {
		spread += (expected - fm) * (expected - fm) / fs
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 2}.Quantile(0.975) * math.Sqrt(residual/(n-2)*spread)
}

// drawing is what a point runs.
type drawing struct {
	combinations []combination
	rates        []float64      // of each layer, as they are reached
	found        []SearchResult // the distribution of each layer; nil without patterns
	sampled      bool
}

// draw lists the combinations of a point: one without patterns, all of them, or a sample.
func draw(d Dropping, sites []dropped, groups, samples int, seed uint64, kept func(share []float64) float64) (*drawing,
	error) {
	if d.approximate() && (!d.method().HasDP() || groups > 1) {
		cs, rates, err := draws(d, sites, groups, max(samples, 1), seed)
		return &drawing{combinations: cs, rates: rates, sampled: samples > 0}, err
	}
	ds, found, err := distributions(d)
	if err != nil {
		return nil, err
	}
	out := &drawing{rates: d.Rates, found: found}
	if found != nil {
		out.rates = nil
		for _, f := range found {
			out.rates = append(out.rates, f.Reached)
		}
		for len(ds) < len(sites) { // an LSTM's last rate holds for its output layer too
			ds = append(ds, ds[len(ds)-1])
		}
	}
	if out.sampled = ds != nil && samples > 0; out.sampled {
		out.combinations = sampled(dropout.Method(d.Method), ds, samples, seed, kept)
	} else {
		out.combinations = combinations(dropout.Method(d.Method), ds)
	}
	return out, nil
}

// distinct are the combinations without those that were drawn before.
func (d *drawing) distinct() (out []combination) {
	seen := map[string]bool{}
	for _, c := range d.combinations {
		if key := c.key(); !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out
}

// expectation runs an iteration for every combination and adds them up into a result.
func expectation(ctx context.Context, gpu *sim.GPU, d Dropping, sites []dropped, groups, samples int, seed uint64,
	threads int, progress func(float64), kept func(share []float64) float64,
	simulate func(ctx context.Context, rates []float64, c combination, opt workloads.Options) (*workloads.IterationResult,
		error)) (*SimResult, error) {
	drawn, err := draw(d, sites, groups, samples, seed, kept)
	if err != nil {
		return nil, err
	}
	r := newSimResult(gpu)
	r.Distribution = drawn.found
	all := drawn.combinations
	if drawn.sampled {
		r.Samples = samples
	}
	// What is drawn twice is simulated once: a simulation has one result.
	known := map[string]*workloads.IterationResult{}
	cycles := make([]float64, len(all))
	for n, c := range all {
		key := c.key()
		it := known[key]
		if it == nil {
			it, err = simulate(ctx, drawn.rates, c, workloads.Options{Threads: threads, Progress: func(done, total int) {
				progress((float64(n) + float64(done)/float64(total)) / float64(len(all)))
			}})
			if err != nil {
				return nil, err
			}
			it.State, it.LSTM = nil, nil
			known[key] = it
			r.simulated(it)
		}
		r.add(gpu, it, c.weight)
		cycles[n] = float64(it.Cycles)
		if drawn.found != nil {
			r.Patterns = append(r.Patterns, PatternCycles{DP: c.dp(), Probability: c.weight, Cycles: float64(it.Cycles)})
		}
	}
	if r.Samples > 0 {
		expected := 0.0
		for _, c := range all {
			expected += c.weight * kept(shares(c))
		}
		half := halfWidth(all, cycles, expected, kept)
		r.Low, r.High = r.Cycles-half, r.Cycles+half
	}
	r.finish(gpu)
	switch {
	case drawn.found == nil && d.approximate() && r.Samples > 0:
		r.Coverage = fmt.Sprintf("; mean of %d draws of what is kept, with a 95 %% confidence interval", r.Samples)
	case drawn.found == nil && d.approximate():
		r.Coverage = "; one draw of what is kept, whose number is always the same or nearly so"
	case r.Samples > 0:
		r.Coverage = fmt.Sprintf(
			"; expected value from %d combinations of dp and bias, a Latin hypercube sample with a 95 %% confidence interval",
			r.Samples)
	case drawn.found != nil:
		r.Coverage = fmt.Sprintf("; expected value over all %d combinations of dp, one bias each", len(all))
	}
	return r, nil
}

// checkSamples refuses a sample that is too small for a confidence interval.
func checkSamples(n int) []problem {
	if n > 0 && n < minSamples {
		return []problem{
			{"samples", fmt.Sprintf("%d samples have no confidence interval; allowed is 0 (all combinations) or %d and more",
				n, minSamples)}}
	}
	return nil
}
