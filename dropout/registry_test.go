package dropout

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// streamOf is a stream of a kind at a rate, its distribution of dp the default search's.
func streamOf(t *testing.T, k *Kind, rate float64, units int) *Stream {
	t.Helper()
	o := Options{Rate: rate}
	if k.HasDP() {
		d, _, err := Search(rate, DefaultSearch())
		if err != nil {
			t.Fatal(err)
		}
		o.Distribution = d
	}
	s, err := NewStream(k.Name, o, Shape{units, (units + 4) / 5, 9}, 7, 2) // tiles of 5
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestKinds is what every registered pattern has to hold: selections are ascending indices of the layer, the same for
// the same iteration, others for other groups, and each unit is dropped as often as Reached says.
func TestKinds(t *testing.T) {
	const draws = 4000
	for _, k := range Kinds() {
		for _, units := range []int{20, 37, 50} {
			for _, rate := range []float64{0, 0.3, 0.5, 0.7} {
				name := fmt.Sprintf("%s, %d units, rate %g", k.Name, units, rate)
				s := streamOf(t, k, rate, units)
				things := units
				if k.Drops == DropsTiles {
					things = s.shape.TileRows * s.shape.TileCols
				}
				if grain := max(1, k.Grain); math.Abs(s.Reached()-rate) > 0.5*float64(grain)/float64(things)+1e-9 {
					t.Errorf("%s: reaches %g; wanted is the rate to half of what is kept together (Grain, %d of %d)",
						name, s.Reached(), grain, things)
				}
				if again := streamOf(t, k, rate, units); string(again.At(11, 1).AppendID(nil)) !=
					string(s.At(11, 1).AppendID(nil)) {
					t.Errorf("%s: draws of one iteration differ", name)
				}
				kept, seen, groups := make([]int, things), map[string]bool{}, 0
				for i := range uint64(draws) {
					d := s.At(i, 0)
					seen[string(d.AppendID(nil))] = true
					if string(s.At(i, 1).AppendID(nil)) != string(d.AppendID(nil)) {
						groups++
					}
					if d.Tiles != (k.Drops == DropsTiles) || d.Units.N != units || (d.DP > 0) != k.HasDP() {
						t.Fatalf("%s: selection %+v", name, d)
					}
					list := d.List
					if d.Tiles && list == nil {
						list = KeptRows(things, d.DP, d.Bias)
					}
					for j := range d.Units.Size() {
						if !d.Tiles {
							list = append(list, d.Units.At(j))
						}
					}
					last := -1
					for _, u := range list {
						if u <= last || u >= things {
							t.Fatalf("%s: keeps %d after %d of %d; a selection ascends", name, u, last, things)
						}
						kept[u]++
						last = u
					}
				}
				low, high := binomialBounds(draws, 1-s.Reached(), 1000)
				for u, n := range kept {
					if float64(n) < low || float64(n) > high {
						t.Errorf("%s: unit %d kept %d times of %d, want %g to %g", name, u, n, draws, low, high)
					}
				}
				if most := math.Exp(s.support.Entropy(s.shape)); float64(len(seen)) > most*(1+1e-9) && !k.HasDP() {
					t.Errorf("%s: %d sub-models, there are %g", name, len(seen), most)
				}
				if rate > 0 && groups < draws/4 {
					t.Errorf("%s: a second group drew the same %d times of %d", name, draws-groups, draws)
				}
			}
		}
	}
}

// TestTilesRandom: the number of tiles is the rate's, and all rows of tiles have as many, and all columns, or one more.
// On a grid of 2 x 4 with half kept a row keeps any two of four and the other row the rest: six sub-models, equally
// likely.
func TestTilesRandom(t *testing.T) {
	for _, g := range [][2]int{{1, 1}, {1, 9}, {9, 1}, {2, 4}, {7, 25}, {7, 313}, {64, 64}} {
		for _, rate := range []float64{0, 0.3, 0.5, 0.7, 0.97} {
			s, err := NewStream(TilesRandom, Options{Rate: rate}, Shape{8, g[0], g[1]}, 3, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i := range uint64(20) {
				rows, cols := make([]int, g[0]), make([]int, g[1])
				list := s.At(i, 0).List
				for _, n := range list {
					rows[n/g[1]]++
					cols[n%g[1]]++
				}
				if want := max(1, int(math.Round((1-rate)*float64(g[0]*g[1])))); len(list) != want ||
					len(slices.Compact(slices.Clone(list))) != want {
					t.Fatalf("%v, rate %g: %d tiles kept, want %d", g, rate, len(list), want)
				}
				for _, line := range [][]int{rows, cols} {
					if slices.Max(line)-slices.Min(line) > 1 {
						t.Fatalf("%v, rate %g: tiles kept by row %v, by column %v", g, rate, rows, cols)
					}
				}
			}
		}
	}
	s, err := NewStream(TilesRandom, Options{Rate: 0.5}, Shape{2, 2, 4}, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	const draws = 12000
	counts := map[string]int{}
	for i := range uint64(draws) {
		counts[fmt.Sprint(s.At(i, 0).List)]++
	}
	low, high := binomialBounds(draws, 1./6, 6)
	for c, n := range counts {
		if float64(n) < low || float64(n) > high {
			t.Errorf("%s: %d times of %d", c, n, draws)
		}
	}
	if len(counts) != 6 || s.Entropy() < math.Log(6) {
		t.Errorf("%d sub-models, want 6; entropy %g, that of 6 is %g", len(counts), s.Entropy(), math.Log(6))
	}
	if _, err := NewStream(TilesRandom, Options{Rate: 0.5}, Shape{Units: 8}, 3, 1); err == nil ||
		!strings.Contains(err.Error(), "0 x 0 tiles") {
		t.Errorf("no tiles: error %v", err)
	}
}

// TestKeptShare: the patterns that keep a fixed number of units do so in every iteration.
func TestKeptShare(t *testing.T) {
	for method, want := range map[Method]int{RowsK: 15, RowsRandom: 15, RowsSlice: 15} {
		s := streamOf(t, method.Kind(), 0.7, 50)
		seen := map[string]bool{}
		for i := range uint64(3000) {
			d := s.At(i, 0)
			seen[string(d.AppendID(nil))] = true
			if n := d.Units.Size(); n != want {
				t.Fatalf("%s: %d units kept, want %d", method, n, want)
			}
		}
		// C(10, 3) = 120 choices of residues, 50 slices, and more choices of 15 of 50 than draws.
		if all := map[Method]int{RowsK: 120, RowsSlice: 50, RowsRandom: 3000}[method]; len(seen) != all {
			t.Errorf("%s: %d sub-models of %d", method, len(seen), all)
		}
	}
}

func TestKeptOf(t *testing.T) {
	for _, c := range []struct {
		rate      float64
		of, units int
		n, k      int
		err       string
	}{
		{0.3, 0, 0, 10, 7, ""}, {0.5, 0, 2048, 16, 8, ""}, {0.3, 0, 2048, 10, 7, ""}, {0.5, 0, 200, 10, 5, ""},
		{0.5, 0, 37, 10, 5, ""}, {0.25, 0, 1024, 16, 12, ""}, {0.5, 0, 0, 10, 5, ""}, {0.7, 0, 0, 10, 3, ""},
		{0.25, 0, 0, 12, 9, ""}, {0, 0, 0, 10, 10, ""}, {0.5, 2, 0, 2, 1, ""}, {0.75, 4, 0, 4, 1, ""},
		{1. / 3, 0, 0, 12, 8, ""}, {0.3, 4, 0, 0, 0, "no multiple of 1/4"}, {0.123, 0, 0, 0, 0, "of any n"},
		{0.5, 65, 0, 0, 0, "allowed are 1 to 64"}, {0.5, -1, 0, 0, 0, "allowed are 1 to 64"},
		{1, 0, 0, 0, 0, "rate 1"}, {math.NaN(), 0, 0, 0, 0, "rate NaN"},
	} {
		n, k, err := KeptOf(c.rate, c.of, c.units)
		if c.err == "" && (err != nil || n != c.n || k != c.k) {
			t.Errorf("rate %g of %d: %d of %d, %v; want %d of %d", c.rate, c.of, k, n, err, c.k, c.n)
		}
		if c.err != "" && (err == nil || !strings.Contains(strings.Replace(err.Error(), "for any n", "of any n", 1), c.err)) {
			t.Errorf("rate %g of %d: error %v, want %q", c.rate, c.of, err, c.err)
		}
	}
}

// TestKept compares each way to keep with a plain list of indices.
func TestKept(t *testing.T) {
	for name, c := range map[string]struct {
		k    Kept
		want []int
	}{
		"all":          {KeepAll(5), []int{0, 1, 2, 3, 4}},
		"every":        {KeepEvery(8, 1, 3, 2), []int{1, 4, 7}},
		"none":         {KeepEvery(2, 1, 5, 4), nil},
		"runs":         {KeepEvery(8, 3, 2, 1), []int{0, 1, 2, 6, 7}},
		"range":        {KeepRange(9, 4, 3), []int{4, 5, 6}},
		"list":         {KeepList(9, []int{0, 3, 8}), []int{0, 3, 8}},
		"listed runs":  {KeepRuns(8, 3, []int{0, 2}), []int{0, 1, 2, 6, 7}},
		"nothing kept": {KeepList(3, nil), nil},
	} {
		k := c.k
		var got []int
		for i := range k.Size() {
			got = append(got, k.At(i))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if k.All() != (len(c.want) == k.N) {
			t.Errorf("%s: All() is %v", name, k.All())
		}
		if len(c.want) > 0 && k.Contiguous() && c.want[len(c.want)-1]-c.want[0] != len(c.want)-1 {
			t.Errorf("%s: contiguous", name)
		}
		src := make([]float32, k.N)
		for i := range src {
			src[i] = float32(i + 1)
		}
		packed, back := make([]float32, k.Size()), make([]float32, k.N)
		for _, scale := range []float32{1, 2} {
			k.Gather(packed, src, scale)
			k.Scatter(back, packed, scale)
			for i := range back {
				want := float32(0)
				if slices.Contains(c.want, i) {
					want = src[i] * scale * scale
				}
				if back[i] != want {
					t.Errorf("%s, scale %g: element %d is %g, want %g", name, scale, i, back[i], want)
				}
			}
		}
	}
}

// TestChoose: all choices are equally likely.
func TestChoose(t *testing.T) {
	counts := map[string]int{}
	const draws = 30000
	for i := range uint64(draws) {
		w := NewWords(3, 0, i, 0)
		counts[fmt.Sprint(w.Choose(nil, 6, 3))]++
	}
	low, high := binomialBounds(draws, 1./20, 20)
	for c, n := range counts {
		if float64(n) < low || float64(n) > high {
			t.Errorf("%s: %d times of %d", c, n, draws)
		}
	}
	if len(counts) != 20 {
		t.Errorf("%d choices of 3 of 6, there are 20", len(counts))
	}
}
