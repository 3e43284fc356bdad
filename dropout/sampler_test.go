package dropout

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// The known-answer vectors that Salmon et al. publish with Philox4x32-10 (Random123, kat_vectors).
func TestPhiloxKnownAnswers(t *testing.T) {
	const ones = 0xffffffff
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := Philox(c.counter, c.key); got != c.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

const iterations = 100_000

// alarm is the chance that a test of this file, run with other seeds, would fail though nothing is wrong.
const alarm = 1e-6

// binomialBounds are the counts of n trials with probability p that are exceeded on either side with at most the
// chance alarm/tests, from the exact binomial distribution.
func binomialBounds(n int, p float64, tests int) (low, high float64) {
	b := distuv.Binomial{N: float64(n), P: p}
	side := alarm / float64(tests) / 2
	quantile := func(level float64) float64 {
		low, high := -1.0, float64(n)
		for high-low > 1 {
			if mid := math.Floor((low + high) / 2); b.CDF(mid) >= level {
				high = mid
			} else {
				low = mid
			}
		}
		return high
	}
	return quantile(side), quantile(1 - side)
}

// Equations (2) and (3) of the paper: over many iterations every single neuron (RDP) and synapse (TDP, in either
// order: the synapses of a tile share its fate) is dropped with the rate d.p_u.
func TestEveryNeuronAndSynapseDroppedAtRate(t *testing.T) {
	const neurons, tileRows, tileCols = 50, 6, 8
	for _, method := range []string{Exact, SGD} {
		for step := 1; step <= 9; step++ {
			p := float64(step) / 10
			d, _ := search(t, p, 16, method)
			s := NewSampler(d, uint64(step), 0)
			var rows [neurons]int
			var tiles [2][tileRows * tileCols]int
			var kept []int
			for range iterations {
				dp, bias := s.Next()
				kept = AppendKeptRows(kept[:0], neurons, dp, bias)
				for _, i := range kept {
					rows[i]++
				}
				for o, order := range []Order{PaperOrder, SkewedOrder} {
					kept = AppendKeptTiles(kept[:0], tileRows, tileCols, dp, bias, order)
					for _, i := range kept {
						tiles[o][i]++
					}
				}
			}
			low, high := binomialBounds(iterations, d.Reached(), 2*9*(neurons+2*tileRows*tileCols))
			check := func(what string, kept []int) {
				t.Helper()
				for i, k := range kept {
					if dropped := float64(iterations - k); dropped < low || dropped > high {
						t.Errorf("%s rate %.1f: %s %d dropped %g times of %d, bounds %g to %g", method, p, what, i, dropped,
							iterations, low, high)
					}
				}
			}
			check("neuron", rows[:])
			check("tile, paper order,", tiles[0][:])
			check("tile, skewed order,", tiles[1][:])
		}
	}
}

func TestBoundsCanFail(t *testing.T) {
	low, high := binomialBounds(iterations, 0.5, 1000)
	if low < 49_000 || high > 51_000 || low >= 49_500 || high <= 50_500 {
		t.Fatalf("bounds %g to %g: a rate off by 0.01 must fall outside, one off by 0.005 may not", low, high)
	}
}

// dp follows the distribution and bias is uniform, by Pearson's chi-squared test; layers and iterations are
// independent.
func TestSamplerFrequencies(t *testing.T) {
	d, _ := search(t, 0.6, 8, Exact)
	n := len(d.P)
	s0, s1 := NewSampler(d, 7, 0), NewSampler(d, 7, 1)
	pairs := make([]float64, SubModels(n))
	layers, steps := make([]float64, n*n), make([]float64, n*n)
	before := 0
	for i := range iterations {
		dp, bias := s0.Next()
		other, _ := s1.Next()
		pairs[SubModels(dp-1)+bias-1]++
		layers[(dp-1)*n+other-1]++
		if i > 0 {
			steps[(before-1)*n+dp-1]++
		}
		before = dp
	}
	wantPairs, wantProduct := make([]float64, len(pairs)), make([]float64, n*n)
	for dp := 1; dp <= n; dp++ {
		for bias := range dp {
			wantPairs[SubModels(dp-1)+bias] = iterations * d.P[dp-1] / float64(dp)
		}
		for other := range n {
			wantProduct[(dp-1)*n+other] = iterations * d.P[dp-1] * d.P[other]
		}
	}
	for _, c := range []struct {
		name      string
		got, want []float64
	}{
		{"(dp, bias)", pairs, wantPairs}, {"dp of two layers", layers, wantProduct},
		{"dp of two iterations", steps, wantProduct}} {
		limit := distuv.ChiSquared{K: float64(len(c.want) - 1)}.Quantile(1 - alarm)
		if x := stat.ChiSquare(c.got, c.want); x > limit {
			t.Errorf("%s: chi-squared %.1f, limit %.1f", c.name, x, limit)
		}
	}
}

func TestSamplerIsAFunctionOfSeedLayerIteration(t *testing.T) {
	d, _ := search(t, 0.9, 64, Exact)
	s := NewSampler(d, 1<<40+5, 3)
	again := NewSampler(d, 1<<40+5, 3)
	again.Seek(1 << 33)
	differ := 0
	for i := range uint64(1000) {
		dp, bias := s.Next()
		if a, b := s.At(i); a != dp || b != bias {
			t.Fatalf("iteration %d: Next %d,%d, At %d,%d", i, dp, bias, a, b)
		}
		if a, b := again.Next(); a != dp || b != bias {
			differ++
		}
		if dp < 1 || dp > 64 || bias < 1 || bias > dp {
			t.Fatalf("iteration %d: dp %d bias %d", i, dp, bias)
		}
	}
	if differ < 900 {
		t.Errorf("iterations from 0 and from 2^33 agree in %d of 1000", 1000-differ)
	}
	for name, other := range map[string]*Sampler{"seed": NewSampler(d, 5, 3), "layer": NewSampler(d, 1<<40+5, 2)} {
		same := 0
		for i := range uint64(1000) {
			a, b := s.At(i)
			if c, e := other.At(i); a == c && b == e {
				same++
			}
		}
		if same > 100 {
			t.Errorf("another %s draws the same in %d of 1000 iterations", name, same)
		}
	}
}

func TestSamplerDrawsOnlyWhatHasProbability(t *testing.T) {
	for dp := 1; dp <= 5; dp++ {
		s := NewSampler(Distribution{P: append(Fixed(dp).P, 0, 0)}, 1, 0)
		for i := range uint64(100) {
			if got, bias := s.At(i); got != dp || bias > dp {
				t.Fatalf("drew dp %d bias %d, only dp %d has probability", got, bias, dp)
			}
		}
	}
}

// The streams of patterns are part of stored results: what a seed draws may not change. Here it is drawn as
// docs/design/dropout.md describes it, from four dps of equal probability.
func TestSamplerStream(t *testing.T) {
	s := NewSampler(Distribution{Rate: 11.0 / 24, P: []float64{0.25, 0.25, 0.25, 0.25}}, 6<<32|7, 1)
	for i := range uint64(1000) {
		iteration := i * 0x12345678
		w := Philox([4]uint32{0xffffffff, 1, uint32(iteration), uint32(iteration >> 32)}, [2]uint32{7, 6})
		wantDP := int(w[0]>>30) + 1
		wantBias := int(float64(w[2])/(1<<32)*float64(wantDP)) + 1
		if dp, bias := s.At(iteration); dp != wantDP || bias != wantBias {
			t.Errorf("iteration %d: %d,%d, want %d,%d", iteration, dp, bias, wantDP, wantBias)
		}
	}
}

func TestBernoulliRateAndAgreement(t *testing.T) {
	const elements = 37
	for step := range 10 {
		p := float64(step) / 10
		b, err := NewBernoulli(p, 9, 2)
		if err != nil {
			t.Fatal(err)
		}
		mask := make([]float32, elements)
		var dropped [elements]float64
		for i := range uint64(iterations / 10) {
			b.Fill(mask, 0, i, 2.5)
			for j, m := range mask {
				if m != 0 && m != 2.5 {
					t.Fatalf("mask value %g", m)
				}
				if (m != 0) != b.Kept(i, j) {
					t.Fatalf("rate %g iteration %d element %d: Fill and Kept differ", p, i, j)
				}
				if m == 0 {
					dropped[j]++
				}
			}
		}
		low, high := binomialBounds(iterations/10, p, 10*elements)
		for j, n := range dropped {
			if n < low || n > high {
				t.Errorf("rate %g: element %d dropped %g times, bounds %g to %g", p, j, n, low, high)
			}
		}
	}
	b, _ := NewBernoulli(0.5, 9, 2)
	whole, parts := make([]float32, elements), make([]float32, elements)
	b.Fill(whole, 0, 1<<40, 1)
	b.Fill(parts[:12], 0, 1<<40, 1)
	b.Fill(parts[12:], 12, 1<<40, 1)
	if !slices.Equal(whole, parts) {
		t.Errorf("a mask filled in parts is %v, as a whole %v", parts, whole)
	}
	if _, err := NewBernoulli(1, 0, 0); err == nil {
		t.Error("rate 1 accepted")
	}
	if _, err := NewBernoulli(0.5, 0, -1); err == nil {
		t.Error("layer -1 accepted")
	}
}

func TestSamplingAllocatesNothing(t *testing.T) {
	d, _ := search(t, 0.7, 64, Exact)
	s := NewSampler(d, 1, 0)
	b, _ := NewBernoulli(0.5, 1, 0)
	mask, kept := make([]float32, 256), make([]int, 0, 256)
	i := uint64(0)
	if n := testing.AllocsPerRun(100, func() {
		dp, bias := s.Next()
		kept = AppendKeptRows(kept[:0], 256, dp, bias)
		kept = AppendKeptTiles(kept[:0], 16, 16, dp, bias, SkewedOrder)
		Mask(mask, kept, 2)
		b.Fill(mask, 0, i, 2)
		i++
	}); n != 0 {
		t.Errorf("%g allocations an iteration, want 0", n)
	}
}

func BenchmarkSamplerNext(b *testing.B) {
	d, _ := search(b, 0.7, 64, Exact)
	s := NewSampler(d, 1, 0)
	b.ReportAllocs()
	sum := 0
	for b.Loop() {
		dp, bias := s.Next()
		sum += dp + bias
	}
	_ = sum
}

func BenchmarkBernoulliFill(b *testing.B) {
	m, _ := NewBernoulli(0.5, 1, 0)
	mask := make([]float32, 128*2048)
	b.SetBytes(int64(4 * len(mask)))
	b.ReportAllocs()
	for b.Loop() {
		m.Fill(mask, 0, 1, 2)
	}
}
