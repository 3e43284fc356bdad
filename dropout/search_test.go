package dropout

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// lossAt is the loss of Algorithm 1 straight from the paper, sharing nothing with descend.
func lossAt(v []float64, rate, lambda1 float64) float64 {
	n := float64(len(v))
	z := floats.LogSumExp(v)
	reached, entropy := 0.0, 0.0
	for i, x := range v {
		d := math.Exp(x - z)
		reached += d * float64(i) / float64(i+1)
		entropy += d * (x - z)
	}
	return lambda1*math.Pow(reached-rate, 2) + (1-lambda1)*entropy/n
}

// lossMinimum solves the loss of Algorithm 1 another way: where its derivative by each d_i is the same,
// d_i ~ exp(-beta p_u,i) with beta = 2 lambda1 N (d.p_u - p) / (1 - lambda1); beta by bisection.
func lossMinimum(rate, lambda1 float64, n int) []float64 {
	d := make([]float64, n)
	low, high := -1e9, 1e9
	for range 200 {
		beta := (low + high) / 2
		mean, _ := gibbs(d, beta)
		if mean-rate > beta*(1-lambda1)/(2*lambda1*float64(n)) {
			low = beta
		} else {
			high = beta
		}
	}
	return d
}

func search(t testing.TB, rate float64, n int, method string) (Distribution, SearchReport) {
	t.Helper()
	opt := DefaultSearch()
	opt.Patterns, opt.Method = n, method
	d, report, err := Search(rate, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
	return d, report
}

func TestGradientAgainstFiniteDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 7, 64} {
		for range 5 {
			v := make([]float64, n)
			for i := range v {
				v[i] = 3 * rng.NormFloat64()
			}
			rate, lambda1 := rng.Float64(), rng.Float64()
			grad, d := make([]float64, n), make([]float64, n)
			got := descend(grad, d, v, rate, lambda1)
			if want := lossAt(v, rate, lambda1); math.Abs(got-want) > 1e-13 {
				t.Fatalf("N=%d: loss %g, want %g", n, got, want)
			}
			want := fd.Gradient(nil, func(v []float64) float64 { return lossAt(v, rate, lambda1) }, v,
				&fd.Settings{Formula: fd.Central})
			if !floats.EqualApprox(grad, want, 1e-9) {
				t.Fatalf("N=%d: gradient %v, finite differences %v", n, grad, want)
			}
		}
	}
}

// The descent ends at the minimum of its loss, found in two other ways: as a root, and by gonum's L-BFGS.
func TestSGDReachesMinimum(t *testing.T) {
	for _, n := range []int{2, 4, 8, 16, 64, 256} {
		for p := 0.05; p <= Rate(n); p += 0.05 {
			d, report := search(t, p, n, SGD)
			if !report.Converged {
				t.Fatalf("N=%d rate %.2f: not converged after %d steps", n, p, report.Steps)
			}
			want := Distribution{Rate: p, P: lossMinimum(p, 0.9, n)}
			if far := floats.Distance(d.P, want.P, 1) / 2; far > 2e-3 || math.Abs(d.Reached()-want.Reached()) > 2e-5 {
				t.Errorf("N=%d rate %.2f: reached %.6f, minimum %.6f; total variation %.2g", n, p, d.Reached(), want.Reached(), far)
			}
			if d.Loss(0.9) < want.Loss(0.9)-1e-12 {
				t.Errorf("N=%d rate %.2f: loss %g below the minimum %g", n, p, d.Loss(0.9), want.Loss(0.9))
			}
		}
	}
	for _, n := range []int{4, 64} {
		best, err := minimizeWithGonum(0.3, n, &optimize.LBFGS{})
		if err != nil {
			t.Fatal(err)
		}
		if far := floats.Distance(best.P, lossMinimum(0.3, 0.9, n), 1) / 2; far > 1e-3 {
			t.Errorf("N=%d: gonum's L-BFGS and the root differ by %.2g", n, far)
		}
	}
}

// minimizeWithGonum minimises the loss of Algorithm 1 with one of gonum's methods, stopping as Search does.
func minimizeWithGonum(rate float64, n int, method optimize.Method) (Distribution, error) {
	d := make([]float64, n)
	grad := make([]float64, n)
	problem := optimize.Problem{
		Func: func(v []float64) float64 { return descend(grad, d, v, rate, 0.9) },
		Grad: func(g, v []float64) { descend(g, d, v, rate, 0.9) },
	}
	settings := optimize.Settings{
		GradientThreshold: 1e-14,
		Converger:         &optimize.FunctionConverge{Relative: 1e-10, Iterations: 1},
		MajorIterations:   100_000,
	}
	result, err := optimize.Minimize(problem, make([]float64, n), &settings, method)
	if err != nil {
		return Distribution{}, err
	}
	descend(grad, d, result.X, rate, 0.9)
	return Distribution{Rate: rate, P: d}, nil
}

// The rates that the paper's loss reaches, as a reader of the paper finds them with any optimiser.
func TestSGDBias(t *testing.T) {
	for _, c := range []struct {
		rate    float64
		n       int
		reached float64
	}{{0.3, 4, 0.323}, {0.3, 8, 0.320}, {0.3, 16, 0.313}, {0.3, 64, 0.305}, {0.7, 4, 0.651}, {0.7, 8, 0.696},
		{0.7, 16, 0.704}, {0.7, 64, 0.703}} {
		if d, _ := search(t, c.rate, c.n, SGD); math.Abs(d.Reached()-c.reached) > 0.0006 {
			t.Errorf("rate %g N=%d: reached %.4f, want %.3f", c.rate, c.n, d.Reached(), c.reached)
		}
	}
}

func TestExactMeetsRate(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 10, 64, 2048, MaxPatterns} {
		rates := []float64{0, 1e-300, 1e-12, 0.001, 0.1, 0.25, 0.3, 0.5, 0.7, 0.75, 0.9, 0.99, 0.999, Rate(n) * (1 - 1e-12),
			math.Nextafter(Rate(n), 0), Rate(n)}
		for _, p := range rates {
			if p > Rate(n) || p < 0 {
				continue
			}
			d, report := search(t, p, n, Exact)
			if math.Abs(d.Reached()-p) > 1e-15*(1+math.Sqrt(float64(n))) { // the rounding of n terms
				t.Errorf("N=%d rate %g: reached %g, off by %g after %d steps", n, p, d.Reached(), d.Reached()-p, report.Steps)
			}
		}
	}
}

// No distribution of the same rate has more entropy: any way to shift probability that keeps sum and rate loses some.
func TestExactHasMostEntropy(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{3, 4, 16, 64} {
		for _, p := range []float64{0.05, 0.3, 0.5, 0.6} {
			d, _ := search(t, p, n, Exact)
			for range 200 {
				// Shift between three dps a < b < c so that sum x = 0 and sum x p_u = 0.
				i := rng.Perm(n)[:3]
				a, b, c := i[0], i[1], i[2]
				x := []float64{Rate(b+1) - Rate(c+1), Rate(c+1) - Rate(a+1), Rate(a+1) - Rate(b+1)}
				shift := (rng.Float64() - 0.5) * min(d.P[a], d.P[b], d.P[c])
				other := Distribution{Rate: p, P: append([]float64(nil), d.P...)}
				other.P[a] += shift * x[0]
				other.P[b] += shift * x[1]
				other.P[c] += shift * x[2]
				if math.Abs(other.Reached()-d.Reached()) > 1e-14 {
					t.Fatalf("the shift moves the rate by %g", other.Reached()-d.Reached())
				}
				if other.Entropy() > d.Entropy()+1e-15 {
					t.Fatalf("N=%d rate %g: entropy %v, another distribution of that rate has %v", n, p, d.Entropy(), other.Entropy())
				}
			}
		}
	}
}

// TestBalanced: the rate is met, and no shift of probability between three dp that keeps it lessens the spread of the
// kept share.
func TestBalanced(t *testing.T) {
	spread := func(d Distribution) float64 {
		s := 0.0
		for i, p := range d.P {
			kept := 1 / float64(i+1)
			s += p * (kept - 1 + d.Reached()) * (kept - 1 + d.Reached())
		}
		return s
	}
	for _, n := range []int{1, 2, 4, 10, 64} {
		for _, p := range []float64{0, 0.1, 0.3, 0.5, 0.6, 2. / 3, 0.7, 0.75, 0.9, Rate(n)} {
			if p > Rate(n) {
				continue
			}
			d, report := search(t, p, n, Balanced)
			if math.Abs(d.Reached()-p) > 1e-14 || d.Check() != nil || !report.Converged {
				t.Errorf("N=%d rate %g: reached %g, %v", n, p, d.Reached(), d.Check())
			}
			if exact, _ := search(t, p, n, Exact); spread(d) > spread(exact)+1e-14 {
				t.Errorf("N=%d rate %g: spread %g, exact has %g", n, p, spread(d), spread(exact))
			}
			for a := range n {
				for b := a + 1; b < n; b++ { // every other distribution on two dp that has the rate
					if x := (Rate(b+1) - p) / (Rate(b+1) - Rate(a+1)); x >= 0 && x <= 1 {
						other := Distribution{P: make([]float64, n)}
						other.P[a], other.P[b] = x, 1-x
						if spread(other) < spread(d)-1e-14 {
							t.Errorf("N=%d rate %g: dp %d and %d spread less", n, p, a+1, b+1)
						}
					}
				}
			}
		}
	}
}

func TestDefaultPatterns(t *testing.T) {
	for p := 0.0; p < 1-1e-9; p += 0.001 {
		d, _, err := Search(p, DefaultSearch())
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(d.Reached()-p) > 1e-14 {
			t.Fatalf("rate %g: reached %g", p, d.Reached())
		}
		for _, c := range []struct {
			method string
			room   float64
		}{{Exact, 1.2}, {SGD, 2}} {
			least := c.room / (1 - p)
			n := DefaultPatterns(c.method, p)
			if float64(n) < least-1e-6 || n > 4 && float64(n) >= least+1 {
				t.Fatalf("%s, rate %g: N = %d, want %g rounded up", c.method, p, n, least)
			}
			if c.method == Exact && len(d.P) != n {
				t.Fatalf("rate %g: the search took N = %d, not %d", p, len(d.P), n)
			}
		}
		if p > 0 && slices.Max(d.P) > 0.999 && p > 0.01 {
			t.Fatalf("rate %g: one dp alone is drawn", p)
		}
	}
}

func TestMinPatterns(t *testing.T) {
	for n := 1; n <= 3000; n++ {
		if got := MinPatterns(Rate(n)); got != n {
			t.Fatalf("MinPatterns(%d/%d) = %d", n-1, n, got)
		}
		if got := MinPatterns(math.Nextafter(Rate(n), 1)); got != n+1 {
			t.Fatalf("MinPatterns just above %d/%d = %d", n-1, n, got)
		}
	}
}

func TestPatternsOfNoRate(t *testing.T) {
	for _, p := range []float64{-0.1, 1, 1.5, math.NaN(), math.Inf(1)} {
		if MinPatterns(p) != 0 || DefaultPatterns(Exact, p) != 0 {
			t.Errorf("rate %g: MinPatterns %d, DefaultPatterns %d, want 0", p, MinPatterns(p), DefaultPatterns(Exact, p))
		}
	}
}

func TestSearchErrors(t *testing.T) {
	for _, c := range []struct {
		rate float64
		edit func(*SearchOptions)
		want string
	}{
		{-0.1, nil, "rate -0.1, allowed is 0 <= rate < 1"},
		{1, nil, "rate 1, allowed"},
		{math.NaN(), nil, "rate NaN"},
		{math.Inf(1), nil, "rate +Inf"},
		{0.7, func(o *SearchOptions) { o.Patterns = 3 }, "3 patterns reach a rate of at most 0.6667, not 0.7; 4 would"},
		{0.9999999, nil, "rate 0.9999999 takes 10000000 patterns, allowed are 1 to 65536"},
		{0.5, func(o *SearchOptions) { o.Patterns = -1 }, "-1 patterns, allowed are 1 to 65536"},
		{0.5, func(o *SearchOptions) { o.Method = "newton" }, `method "newton", allowed are "exact", "sgd" and "balanced"`},
		{0.5, func(o *SearchOptions) { o.Lambda1 = 0 }, "lambda1 0"},
		{0.5, func(o *SearchOptions) { o.Lambda1 = math.NaN() }, "lambda1 NaN"},
		{0.5, func(o *SearchOptions) { o.Step = 0 }, "step 0"},
		{0.5, func(o *SearchOptions) { o.Step = math.Inf(1) }, "step +Inf"},
		{0.5, func(o *SearchOptions) { o.Threshold = -1 }, "threshold -1"},
		{0.5, func(o *SearchOptions) { o.MaxSteps = 0 }, "0 steps"},
	} {
		opt := DefaultSearch()
		if c.edit != nil {
			c.edit(&opt)
		}
		if _, _, err := Search(c.rate, opt); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("rate %g: error %v, want %q", c.rate, err, c.want)
		}
	}
}

func TestSearchWithTooLongSteps(t *testing.T) {
	for _, step := range []float64{100, 1e4, 1e308} {
		opt := DefaultSearch()
		opt.Method, opt.Patterns, opt.Step, opt.MaxSteps = SGD, 8, step, 1000
		_, report, err := Search(0.3, opt)
		if err == nil && report.Converged {
			t.Errorf("step %g: converged at rate %g", step, report.Reached)
		}
		if step == 1e308 && (err == nil || !strings.Contains(err.Error(), "step 1e+308 is too long")) {
			t.Errorf("step %g: error %v", step, err)
		}
	}
}

// Without its entropy term the loss has the rate as its only aim.
func TestSearchWithoutEntropy(t *testing.T) {
	opt := DefaultSearch()
	opt.Method, opt.Patterns, opt.Lambda1 = SGD, 8, 1
	d, report, err := Search(0.3, opt)
	if err != nil || !report.Converged || math.Abs(d.Reached()-0.3) > 1e-3 {
		t.Errorf("reached %g, converged %v, error %v", report.Reached, report.Converged, err)
	}
}

func TestSearchStopsAtMaxSteps(t *testing.T) {
	opt := DefaultSearch()
	opt.Method, opt.Patterns, opt.MaxSteps = SGD, 64, 3
	_, report, err := Search(0.3, opt)
	if err != nil || report.Converged || report.Steps != 3 {
		t.Fatalf("steps %d converged %v error %v, want 3, false, nil", report.Steps, report.Converged, err)
	}
}

func FuzzSearch(f *testing.F) {
	f.Add(0.3, 4, 0.9, 4.0, true)
	f.Add(0.999, 2000, 1.0, 1e6, false)
	f.Fuzz(func(t *testing.T, rate float64, n int, lambda1, step float64, exact bool) {
		opt := DefaultSearch()
		opt.Patterns, opt.Lambda1, opt.Step, opt.MaxSteps = n%512, lambda1, step, 100
		if !exact {
			opt.Method = SGD
		}
		d, _, err := Search(rate, opt)
		if err != nil {
			return
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkSearch(b *testing.B) {
	for _, method := range []string{Exact, SGD} {
		for _, n := range []int{4, 64, 2048} {
			for _, p := range []float64{0.1, 0.5, 0.9} {
				if p > Rate(n) {
					continue
				}
				b.Run(fmt.Sprintf("%s/N=%d/rate=%.1f", method, n, p), func(b *testing.B) {
					var report SearchReport
					for b.Loop() {
						_, report = search(b, p, n, method)
					}
					b.ReportMetric(float64(report.Steps), "steps")
				})
			}
		}
	}
}

// BenchmarkGonum is the same minimum with gonum's optimisers, for the comparison in docs/design/dropout.md.
func BenchmarkGonum(b *testing.B) {
	for _, m := range []struct {
		name string
		make func() optimize.Method
	}{
		{"GradientDescent", func() optimize.Method { return &optimize.GradientDescent{} }},
		{"CG", func() optimize.Method { return &optimize.CG{} }},
		{"LBFGS", func() optimize.Method { return &optimize.LBFGS{} }},
	} {
		for _, n := range []int{4, 64, 2048} {
			b.Run(fmt.Sprintf("%s/N=%d/rate=0.5", m.name, n), func(b *testing.B) {
				var d Distribution
				for b.Loop() {
					var err error
					if d, err = minimizeWithGonum(0.5, n, m.make()); err != nil {
						b.Skip(err)
					}
				}
				b.ReportMetric(floats.Distance(d.P, lossMinimum(0.5, 0.9, n), 1)/2, "TV")
			})
		}
	}
}
