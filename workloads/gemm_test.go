package workloads

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// eachGPU runs a test on a GPU of each family that there are kernels for.
func eachGPU(t *testing.T, test func(t *testing.T, gpu *sim.GPU)) {
	for _, name := range []string{"gtx1080ti", "rtx2070super", "a100-40g"} {
		gpu, err := sim.LoadGPU(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { test(t, gpu) })
	}
}

func testRunner(t *testing.T) *runner {
	t.Helper()
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	return runnerOn(t, gpu)
}

func runnerOn(t *testing.T, gpu *sim.GPU) *runner {
	t.Helper()
	r, err := newRunner(context.Background(), gpu, 1)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// testMatrix is a matrix on the device and its values, dense and row-major.
type testMatrix struct {
	Operand
	rows, cols int
	base       sim.Ptr
	words      int
	at         func(i, j int) int // word of an element
	dense      []float32
}

// newMatrix uploads random values: element (i, j) at word offset + i*row + j*col; the words between are NaN, so that a
// kernel that reads them shows.
func newMatrix(r *runner, rng *rand.Rand, rows, cols, offset, row, col int) *testMatrix {
	m := &testMatrix{rows: rows, cols: cols, words: offset + (rows-1)*row + (cols-1)*col + 1}
	m.at = func(i, j int) int { return offset + i*row + j*col }
	words := make([]float32, m.words)
	for i := range words {
		words[i] = float32(math.NaN())
	}
	m.dense = make([]float32, rows*cols)
	for i := range rows {
		for j := range cols {
			v := rng.Float32()*2 - 1
			m.dense[i*cols+j] = v
			words[m.at(i, j)] = v
		}
	}
	m.base = r.upload(words)
	m.Operand = Operand{m.base + sim.Ptr(4*offset), row, col}
	return m
}

// check compares the matrix on the device with want, and what stands between its elements with what stood there.
func (m *testMatrix) check(t *testing.T, r *runner, want []float32, tolerance float64) {
	t.Helper()
	got := r.download(m.base, m.words)
	if r.err != nil {
		t.Fatal(r.err)
	}
	seen := make([]bool, m.words)
	for i := range m.rows {
		for j := range m.cols {
			seen[m.at(i, j)] = true
			g, w := float64(got[m.at(i, j)]), float64(want[i*m.cols+j])
			if !(math.Abs(g-w) <= tolerance) {
				t.Fatalf("element (%d, %d) is %g, want %g", i, j, g, w)
			}
		}
	}
	for i, s := range seen {
		if !s && !math.IsNaN(float64(got[i])) {
			t.Fatalf("word %d between the elements was written: %g", i, got[i])
		}
	}
}

// want is alpha * A B + beta * C by gonum in float64 arithmetic's place: single precision, sums in another order.
func wantProduct(a, b, c *testMatrix, alpha, beta float32) []float32 {
	out := append([]float32(nil), c.dense...)
	gonum.Implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, a.rows, b.cols, a.cols, alpha, a.dense, a.cols, b.dense,
		b.cols, beta, out, c.cols)
	return out
}

func padded(n int, vector bool) int {
	if vector {
		return (n+3)/4*4 + 4
	}
	return n + 3
}

// matrices of an m x n x k product in a layout; vector makes them fit 16-byte loads.
func layoutOf(r *runner, rng *rand.Rand, m, n, k int, layout string, vector bool) (a, b, c *testMatrix) {
	make := func(rows, cols int, transposed bool) *testMatrix {
		if transposed {
			return newMatrix(r, rng, rows, cols, 4, 1, padded(rows, vector))
		}
		return newMatrix(r, rng, rows, cols, 4, padded(cols, vector), 1)
	}
	return make(m, k, layout[0] == 't'), make(k, n, layout[1] == 't'), make(m, n, false)
}

func TestGEMMFamily(t *testing.T) { eachGPU(t, testGEMMFamily) }

func testGEMMFamily(t *testing.T, gpu *sim.GPU) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := runnerOn(t, gpu)
	for i := range shapes {
		s := &shapes[i]
		for _, layout := range []string{"nn", "nt", "tn", "tt"} {
			for _, c := range []struct {
				m, n, k, split int
				alpha, beta    float32
				vector, flip   bool
			}{
				{s.bm + 4, s.bn + 8, 3*s.bk + 4, 1, 1, 0, true, false},
				{s.bm - 4, 2*s.bn - 4, 5 * s.bk, 3, 0.5, -2, true, true},
				{s.bm + 1, s.bn + 3, 3*s.bk + 5, 2, -1.5, 1, false, true},
				{1, 1, 1, 1, 1, 0, false, false},
				{3, s.bn, s.bk + 1, 1, 1, 0.25, false, true},
			} {
				t.Run(fmt.Sprintf("%s/%s/%dx%dx%d/split=%d/flip=%v", s.name, layout, c.m, c.n, c.k, c.split, c.flip),
					func(t *testing.T) {
						a, b, cm := layoutOf(r, rng, c.m, c.n, c.k, layout, c.vector)
						p := product{cm.Operand, a.Operand, b.Operand, c.m, c.n, c.k, c.alpha, c.beta}
						if c.flip {
							p = p.transposed()
						}
						if got := p.vectors() == "v"; got != c.vector {
							t.Fatalf("vectors %s", p.vectors())
						}
						r.runPlan("test", PartForward, newPlan(p, s, c.split), nil)
						cm.check(t, r, wantProduct(a, b, cm, c.alpha, c.beta), 1e-4)
					})
			}
		}
	}
}

// TestGEMMCompact: rows and columns of all three matrices kept by row patterns, as the layers of an RDP network do.
func TestGEMMCompact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	r := testRunner(t)
	for _, dims := range [][3]int{{40, 70, 90}, {128, 36, 64}, {5, 200, 31}} {
		for _, dp := range [][3]int{{2, 1, 1}, {1, 3, 2}, {4, 5, 7}} {
			m, n, k := dims[0], dims[1], dims[2]
			a := newMatrix(r, rng, m, k, 0, dp[0]*k*dp[2], dp[2])
			b := newMatrix(r, rng, k, n, 0, dp[2]*n*dp[1], dp[1])
			c := newMatrix(r, rng, m, n, 3, dp[0]*n*dp[1], dp[1])
			r.gemm("test", PartForward, c.Operand, a.Operand, b.Operand, m, n, k, 0.5, 2)
			c.check(t, r, wantProduct(a, b, c, 0.5, 2), 1e-4)
			ct := newMatrix(r, rng, n, m, 0, m, 1)
			r.gemm("test", PartForward, ct.Operand, b.T(), a.T(), n, m, k, 1, 0)
			want := wantProduct(a, b, c, 1, 0)
			flip := make([]float32, n*m)
			for i := range m {
				for j := range n {
					flip[j*m+i] = want[i*n+j]
				}
			}
			ct.check(t, r, flip, 1e-4)
		}
	}
}

// dropTiles zeroes the weights (rows x cols) of dropped tiles.
func dropTiles(w []float32, rows, cols, side int, p dropout.Pattern) []float32 {
	out := append([]float32(nil), w...)
	tileCols := ceil(cols, side)
	for i := range rows {
		for j := range cols {
			number := i/side*tileCols + j/side
			if p.Tiles != nil && !slices.Contains(p.Tiles, number) || p.Tiles == nil && (number-(p.Bias-1))%p.DP != 0 {
				out[i*cols+j] = 0
			}
		}
	}
	return out
}

// testTiles are the kept tiles of a matrix, a list of them on the device.
func testTiles(r *runner, p dropout.Pattern, rows, cols, side int) *keptTiles {
	var lists copied
	kept := newKeptTiles(p.Selection(dropout.ShapeOf(rows, rows, cols, side)), rows, cols, side, &lists)
	if n := len(lists.numbers); n > 0 {
		r.write(lists.behind(r, 0), intBytes(lists.numbers))
	}
	return kept
}

// listOf is a pattern of any tiles of a matrix, one in dp in the mean; a column may keep none.
func listOf(rows, cols, side, dp, bias int) dropout.Pattern {
	tileRows, tileCols := dropout.TileGrid(rows, cols, side, side)
	w := dropout.NewWords(uint64(bias), dp, 0, 0)
	return dropout.Pattern{Method: dropout.TilesRandom,
		Tiles: w.Choose(nil, tileRows*tileCols, ceil(tileRows*tileCols, dp))}
}

func TestGEMMTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	r := testRunner(t)
	var list []*shape
	for _, side := range TileSides {
		for i := range tiledShapes[side] {
			list = append(list, &tiledShapes[side][i])
		}
	}
	for _, s := range list {
		side := s.bn
		for _, c := range []struct{ m, n, k, dp, bias, split int }{
			{36, 96, 128, 2, 1, 1}, {36, 96, 128, 2, 2, 2}, {132, 160, 192, 4, 3, 1}, {132, 160, 192, 6, 6, 3},
			{33, 65, 97, 5, 2, 1}, {33, 65, 97, 12, 7, 2}, {8, 32, 32, 1, 1, 1},
		} {
			for _, layout := range []string{"nn", "nt", "tn", "tt"} {
				for way := range 4 {
					transposed, listed := way%2 == 1, way >= 2
					if listed && layout != map[bool]string{false: "nn", true: "nt"}[transposed] {
						continue // iterations have no others
					}
					t.Run(fmt.Sprintf("%s/%s/%+v/%v/%v", s.name, layout, c, transposed, listed), func(t *testing.T) {
						a, b, cm := layoutOf(r, rng, c.m, c.n, c.k, layout, c.m%4 == 0)
						rows, cols := c.k, c.n
						if transposed {
							rows, cols = c.n, c.k
						}
						pattern := dropout.Pattern{Method: dropout.TDP, DP: c.dp, Bias: c.bias}
						if listed {
							pattern = listOf(rows, cols, side, c.dp, c.bias)
						}
						ts := newTiles(testTiles(r, pattern, rows, cols, side), transposed)
						p := product{cm.Operand, a.Operand, b.Operand, c.m, c.n, c.k, 1.5, 0.5}
						r.runPlan("test", PartForward, newPlan(p, s, c.split), &ts)
						kept := *b
						if transposed { // the weights are B^T
							w := flip(b.dense, c.k, c.n)
							kept.dense = flip(dropTiles(w, c.n, c.k, side, pattern), c.n, c.k)
						} else {
							kept.dense = dropTiles(b.dense, c.k, c.n, side, pattern)
						}
						cm.check(t, r, wantProduct(a, &kept, cm, 1.5, 0.5), 1e-4)
						zero := 0
						for _, v := range kept.dense {
							if v == 0 {
								zero++
							}
						}
						if c.n%side == 0 && c.k%side == 0 {
							if want := int64(2*c.m) * int64(c.n*c.k-zero); ts.flop(p) != want {
								t.Errorf("%d operations, want %d", ts.flop(p), want)
							}
						}
					})
				}
			}
		}
	}
}

func flip(x []float32, rows, cols int) []float32 {
	out := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			out[j*rows+i] = x[i*cols+j]
		}
	}
	return out
}

func TestGEMMTiledGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	r := testRunner(t)
	for _, c := range []struct{ side, m, n, k, dp, bias int }{
		{32, 64, 96, 40, 2, 1}, {32, 100, 68, 36, 3, 2}, {32, 33, 31, 5, 2, 2}, {32, 128, 128, 8, 5, 5},
		{64, 128, 192, 40, 2, 1}, {64, 100, 68, 36, 3, 2}, {64, 65, 67, 5, 2, 2},
	} {
		for _, pattern := range []dropout.Pattern{{Method: dropout.TDP, DP: c.dp, Bias: c.bias},
			listOf(c.m, c.n, c.side, c.dp, c.bias)} {
			a, b, cm := layoutOf(r, rng, c.m, c.n, c.k, "tn", c.m%4 == 0)
			r.gemmTiledGradient("test", cm.Operand, a.Operand, b.Operand, c.m, c.n, c.k, 2, 0.5,
				testTiles(r, pattern, c.m, c.n, c.side))
			full := wantProduct(a, b, cm, 2, 0.5)
			want := append([]float32(nil), cm.dense...)
			for i, keep := range dropTiles(ones32(c.m*c.n), c.m, c.n, c.side, pattern) {
				if keep != 0 {
					want[i] = full[i]
				}
			}
			cm.check(t, r, want, 1e-4)
		}
	}
}

func ones32(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// TestSimulateGEMM: every method and every simple kernel against gonum, and the operations that are counted.
func TestSimulateGEMM(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for _, dims := range [][3]int{{64, 64, 64}, {133, 37, 70}, {1, 1, 1}} {
		for _, s := range []GEMMSpec{
			{Method: dropout.Dense}, {Method: dropout.Dense, TA: true, TB: true, Warm: true},
			{Method: dropout.Masked, Rate: 0.5}, {Method: dropout.Masked, Rate: 0.3, Tile: 64, TA: true},
			{Method: dropout.Masked, Tile: 8}, {Method: dropout.Masked, Rate: 0.9, Tile: 16, TB: true},
			{Method: dropout.RDP, DP: 3, Bias: 2}, {Method: dropout.RDP, DP: 2, Bias: 2, TA: true},
			{Method: dropout.RDP, DP: 2, Bias: 1, Tile: 16, TB: true},
			{Method: dropout.TDP, DP: 2, Bias: 1}, {Method: dropout.TDP, DP: 3, Bias: 3, TA: true},
			{Method: dropout.TDP, DP: 4, Bias: 2, TB: true},
			{Method: dropout.TDP, DP: 2, Bias: 2, Tile: 8, Pad: true}, {Method: dropout.TDP, DP: 3, Bias: 1, Tile: 16},
			{Method: dropout.TDP, DP: 2, Bias: 1, Tile: 32, Pad: true},
			{Method: dropout.TDP, DP: 2, Bias: 2, Tile: 64}, {Method: dropout.Dense, Tile: 64, Pad: true},
			{Method: dropout.TDPSkewed, DP: 3, Bias: 2}, {Method: dropout.TDPSkewed, DP: 2, Bias: 1, TA: true, TB: true},
			{Method: dropout.RowsRandom, Rate: 0.5}, {Method: dropout.RowsRandom, Rate: 0.3, TA: true, Warm: true},
			{Method: dropout.RowsRandom, Rate: 0.7, Tile: 16, TB: true}, {Method: dropout.RowsK, Rate: 0.3, Of: 10},
			{Method: dropout.RowsSlice, Rate: 0.5}, {Method: dropout.RowsSlice, Rate: 0.5, TA: true},
			{Method: dropout.TilesRandom, Rate: 0.5}, {Method: dropout.TilesRandom, Rate: 0.5, TA: true},
		} {
			s.M, s.N, s.K, s.Seed = dims[0], dims[1], dims[2], 5
			if s.Check() != nil && s.Method.HasDP() {
				s.DP, s.Bias = 1, 1
			}
			r, err := SimulateGEMM(t.Context(), gpu, s, Options{Threads: 1})
			if err != nil {
				t.Fatalf("%+v: %v", s, err)
			}
			if r.Error.Rows != s.M || r.Cycles <= r.KernelCycles || r.Bounds.Cycles() > r.KernelCycles {
				t.Errorf("%+v: %d rows checked, %d cycles, %d without overhead, bound %d", s, r.Error.Rows, r.Cycles,
					r.KernelCycles, r.Bounds.Cycles())
			}
			if full := 2 * int64(s.M) * int64(s.N) * int64(s.K); r.FLOP > full || s.Method == dropout.Dense && r.FLOP != full {
				t.Errorf("%+v: %d operations of %d", s, r.FLOP, full)
			}
		}
	}
}

// TestGEMMKeeps: what a pattern keeps of the product is what its own draw says, by another reading of it than the
// kernels' arguments: with i+1 in row i of A and ones in B, C has i+1 times the number of weights that are kept in row
// i.
func TestGEMMKeeps(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	const m, n, k = 100, 8, 70
	for _, kind := range dropout.Kinds() {
		for _, ta := range []bool{false, true} {
			s := GEMMSpec{M: m, N: n, K: k, TA: ta, Method: kind.Name, Rate: 0.5, DP: 3, Bias: 2, Seed: 3}
			g, err := newGEMMRun(t.Context(), gpu, &s, 1)
			if err != nil {
				t.Fatal(err)
			}
			a := make([]float32, m*k)
			for i := range m {
				for j := range k {
					a[i*g.a.Row+j*g.a.Col] = float32(i + 1)
				}
			}
			g.write(g.a.Ptr, floatBytes(a))
			g.write(g.b.Ptr, floatBytes(slices.Repeat([]float32{1}, n*k)))
			g.gather()
			g.run(nil)
			got := g.download(g.c.Ptr, m*n)
			if g.err != nil {
				t.Fatal(g.err)
			}
			want := make([]float32, m)
			if drawn := s.selection(); drawn.Tiles {
				for _, tile := range drawn.AppendKept(nil, 4*3) { // of 32 x 32 on 100 x 70 weights
					for row := tile / 3 * 32; row < min(tile/3*32+32, m); row++ {
						want[row] += float32((row + 1) * min(32, k-tile%3*32))
					}
				}
			} else {
				rows := drawn.AppendKept(nil, 0)
				for place, row := range rows {
					to := row
					if drawn.DP == 0 && !drawn.Units.Contiguous() { // a list: side by side
						to = place
					}
					want[to] = float32((row + 1) * k)
				}
			}
			for i := range want {
				if got[i*n] != want[i] || got[i*n+n-1] != want[i] {
					t.Fatalf("%s, transposed %v: row %d has %g and %g, want %g", kind.Name, ta, i, got[i*n], got[i*n+n-1], want[i])
				}
			}
		}
	}
}

// TestCostModel: what is chosen takes hardly longer than the best of the next candidates, and the model's cycles are
// near.
func TestCostModel(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []GEMMSpec{
		{M: 256, N: 128, K: 512, Method: dropout.Dense}, {M: 64, N: 512, K: 256, Method: dropout.Dense},
		{M: 256, N: 128, K: 512, Method: dropout.TDP, DP: 2, Bias: 1},
		{M: 256, N: 128, K: 512, Method: dropout.RDP, DP: 2, Bias: 1},
	} {
		list, err := SimulateCandidates(t.Context(), gpu, s, 4, Options{})
		if err != nil {
			t.Fatal(err)
		}
		best := list[0].Cycles
		for _, c := range list {
			best = min(best, c.Cycles)
			if ratio := float64(c.Model) / float64(c.Cycles); ratio < 0.55 || ratio > 1.4 {
				t.Errorf("%+v: %s, split %d: model %d, simulated %d", s, c.Kernel, c.Split, c.Model, c.Cycles)
			}
		}
		if chosen := list[0].Cycles; float64(chosen) > 1.25*float64(best) {
			t.Errorf("%+v: chosen %s takes %d cycles, the best of %d candidates %d", s, list[0].Kernel, chosen, len(list), best)
		}
	}
}

func TestGEMMSpecCheck(t *testing.T) {
	ok := GEMMSpec{M: 64, N: 32, K: 96, Method: dropout.TDP, DP: 2, Bias: 2}
	if err := ok.Check(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*GEMMSpec){
		"m: 0 is not in 1..65536":          func(s *GEMMSpec) { s.M = 0 },
		"k: 65537 is not in 1..65536":      func(s *GEMMSpec) { s.K = 65537 },
		"dp: 7 is not in 1..6":             func(s *GEMMSpec) { s.DP = 7 },
		"bias: 3 is not in 1..2":           func(s *GEMMSpec) { s.Bias = 3 },
		"dp: 65 is not in 1..64":           func(s *GEMMSpec) { s.Method, s.DP = dropout.RDP, 65 },
		"tile: 128 is not one of":          func(s *GEMMSpec) { s.Tile = 128 },
		"rate: 1 is not in [0, 1)":         func(s *GEMMSpec) { s.Method, s.Rate = dropout.Masked, 1 },
		`method: "rows" is not one of den`: func(s *GEMMSpec) { s.Method = "rows" },
		"rate: dropout: rate 0.33 is no":   func(s *GEMMSpec) { s.Method, s.Rate = dropout.RowsK, 0.33 },
		"tile: the simple kernels keep":    func(s *GEMMSpec) { s.Method, s.Tile = dropout.TDPSkewed, 16 },
	} {
		s := ok
		change(&s)
		if err := s.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s…", err, want)
		}
	}
}

func TestDeepBench(t *testing.T) {
	rows := DeepBench()
	if len(rows) != 32 {
		t.Errorf("%d rows", len(rows))
	}
	// A column-major product is the row-major one of the transposes.
	if s := (MeasuredGEMM{M: 5, N: 3, K: 2, TA: true, MS: 1}).Spec(); s.M != 3 || s.N != 5 || s.K != 2 || s.TA || !s.TB {
		t.Errorf("%+v", s)
	}
	for _, bad := range []string{"1,2,0,N,N,1", "1,2,3,N,C,1", "1,2,3,N,N,-1", "1,2,3,N,N,NaN", "1,2,3,N,N"} {
		if _, err := ReadMeasuredGEMMs(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// TestShapes holds the table of shapes against the cubin.
func TestShapes(t *testing.T) {
	r := testRunner(t)
	for i := range shapes {
		s := &shapes[i]
		for _, v := range []string{"v", "s"} {
			for _, layout := range []string{"nn", "nt", "tn", "tt"} {
				a, b, c := layoutOf(r, rand.New(rand.NewPCG(1, 1)), 4, 4, 4, layout, v == "v")
				p := product{c.Operand, a.Operand, b.Operand, 4, 4, 4, 1, 0}
				res := r.runPlan("test", PartForward, newPlan(p, s, 1), nil)
				if r.err != nil {
					t.Fatal(r.err)
				}
				if want := s.blocksAtOnce(p); res.BlocksPerSM != want {
					t.Errorf("%s: %d blocks an SM, the table says %d", res.Kernel, res.BlocksPerSM, want)
				}
			}
		}
	}
}
