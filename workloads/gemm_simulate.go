package workloads

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// GEMMSpec is one product C = A B, C M x N, A M x K, B K x N, all row-major. A is a layer's weights, one row a neuron, and B
// its inputs, one column a sample.
type GEMMSpec struct {
	M, N, K int            // 1..65536
	TA, TB  bool           // A, B is stored transposed
	Method  dropout.Method // dense, masked, rdp or tdp
	Rate    float64        // masked: share of the elements of C that a random mask drops, in [0, 1)
	DP      int            // rdp: one row of A (and C) in DP is kept; tdp: one tile of A in DP
	Bias    int            // of the pattern, 1..DP
	Tile    int            // 0 = the tuned family, its shape chosen (masked: 32); 8, 16, 32 or 64 = the simple kernel with such tiles
	Pad     bool           // simple kernel: rows of shared memory padded
	Shape   string         // tuned family: its shape, "" = chosen
	Split   int            // tuned family: blocks that share k, 0 = chosen
	Seed    uint64         // of values and mask
	Warm    bool           // measure the second of two launches, as benchmarks do: code and small matrices are in the caches
}

// GEMMResult is a simulated product.
type GEMMResult struct {
	IterationResult            // one launch; Cycles and TimeUS with launch overhead
	Kernel          string     // that ran
	Split           int        // blocks that share the k of one tile
	Grid            sim.Dim3   // blocks
	BlocksPerSM     int        // at once
	Occupancy       float64    // mean share of an SM's warp slots in use
	KernelCycles    int64      // without launch overhead
	FLOP            int64      // what the kernel computes: of kept rows and tiles only
	TFLOPS          float64    // FLOP over the kernel's time
	PeakShare       float64    // of the GPU's FP32 peak
	Bounds          GEMMBounds // what no kernel could be faster than
	Error           GEMMError
}

// GEMMBounds are lower bounds of a product's cycles.
type GEMMBounds struct {
	FLOP  int64 // floating-point operations at peak
	Bytes int64 // operands read and results written once, at DRAM's peak
}

// Cycles is the larger one.
func (b GEMMBounds) Cycles() int64 { return max(b.FLOP, b.Bytes) }

// GEMMError compares C with gonum's single-precision product on the CPU.
type GEMMError struct {
	Rows  int     // that were compared, evenly spread
	Max   float64 // largest difference
	Scale float64 // largest element there
}

// check refuses a difference that rounding does not explain: sums of k products in another order differ by about sqrt(k)
// roundings of 2^-24 of the largest element.
func (e GEMMError) check(kernel string) error {
	if limit := 1e-4 * max(e.Scale, 1); !(e.Max <= limit) {
		return fmt.Errorf("kernel %s: largest difference from the CPU %g, allowed is %g", kernel, e.Max, limit)
	}
	return nil
}

// maxSize bounds sizes of matrices.
const maxSize = 65536

// tiledSizes are the tiles of the simple kernels.
var tiledSizes = []int{8, 16, 32, 64}

// Check reports the first value that is out of its range.
func (s *GEMMSpec) Check() error {
	for _, d := range []struct {
		name string
		v    int
	}{{"m", s.M}, {"n", s.N}, {"k", s.K}} {
		if d.v < 1 || d.v > maxSize {
			return fmt.Errorf("%s: %d is not in 1..%d", d.name, d.v, maxSize)
		}
	}
	if s.Tile != 0 && !slices.Contains(tiledSizes, s.Tile) {
		return fmt.Errorf("tile: %d is not one of 0 (chosen), 8, 16, 32, 64: the kernels' two tiles fit a block's 49152 bytes of shared memory up to 64", s.Tile)
	}
	simple := s.Tile != 0 || s.Method == dropout.Masked
	if known := slices.ContainsFunc(shapes, func(k shape) bool { return k.name == s.Shape }); s.Shape != "" && (!known || simple) {
		return fmt.Errorf("shape: %q is not one of 128x128, 128x64, 64x64, 128x32, 32x32 of the tuned family (tile 0, not masked)", s.Shape)
	}
	if s.Split < 0 || s.Split > maxSplit || s.Split != 0 && simple {
		return fmt.Errorf("split: %d is not in 0..%d of the tuned family (tile 0, not masked)", s.Split, maxSplit)
	}
	switch s.Method {
	case dropout.Dense:
	case dropout.Masked:
		if !(s.Rate >= 0 && s.Rate < 1) {
			return fmt.Errorf("rate: %g is not in [0, 1)", s.Rate)
		}
	case dropout.RDP, dropout.TDP:
		most, what := s.M, "rows"
		if s.Method.Drops() == dropout.DropsTiles {
			t := tileSide(s.Tile)
			most, what = max(s.M/t, 1)*max(s.K/t, 1), fmt.Sprintf("%dx%d tiles", t, t)
		}
		if s.DP < 1 || s.DP > most {
			return fmt.Errorf("dp: %d is not in 1..%d, the number of %s of the %dx%d weights", s.DP, most, what, s.M, s.K)
		}
		if s.Bias < 1 || s.Bias > s.DP {
			return fmt.Errorf("bias: %d is not in 1..%d, dp", s.Bias, s.DP)
		}
	default:
		return fmt.Errorf("method: %q is not one of dense, masked, rdp, tdp", s.Method)
	}
	return nil
}

func (s *GEMMSpec) pattern() dropout.Pattern {
	if !s.Method.HasDP() {
		return dropout.Pattern{DP: 1, Bias: 1}
	}
	return dropout.Pattern{Method: s.Method, DP: s.DP, Bias: s.Bias}
}

// gemmRun is a product on a device.
type gemmRun struct {
	*runner
	s       *GEMMSpec
	c, a, b Operand
	x, y    []float32 // values of A and B, as stored
	mask    []byte    // masked: 1 = kept
	maskPtr sim.Ptr
}

// newGEMMRun uploads random matrices and, for method masked, a mask.
func newGEMMRun(ctx context.Context, gpu *sim.GPU, s *GEMMSpec, threads int) (*gemmRun, error) {
	r, err := newRunner(ctx, gpu, threads)
	if err != nil {
		return nil, err
	}
	g := &gemmRun{runner: r, s: s, x: make([]float32, s.M*s.K), y: make([]float32, s.K*s.N)}
	rng := rand.New(rand.NewPCG(s.Seed, 2))
	for _, v := range [][]float32{g.x, g.y} {
		for i := range v {
			v[i] = rng.Float32()*2 - 1
		}
	}
	matrix := func(p sim.Ptr, rows, cols int, transposed bool) Operand {
		if transposed {
			return RowMajor(p, rows).T()
		}
		return RowMajor(p, cols)
	}
	g.a, g.b = matrix(g.upload(g.x), s.M, s.K, s.TA), matrix(g.upload(g.y), s.K, s.N, s.TB)
	g.c = RowMajor(g.malloc(s.M*s.N), s.N)
	if s.Method == dropout.Masked {
		mask, err := dropout.NewBernoulli(s.Rate, s.Seed, 0)
		if err != nil {
			return nil, err
		}
		keep := make([]float32, s.M*s.N)
		mask.Fill(keep, 0, 0, 1)
		g.mask = make([]byte, len(keep))
		for i, v := range keep {
			if v != 0 {
				g.mask[i] = 1
			}
		}
		g.maskPtr = g.malloc(ceil(len(g.mask), 4))
		g.write(g.maskPtr, g.mask)
	}
	return g, g.err
}

// product is what is left to compute with a row pattern, and the tiles that a tile pattern keeps of it.
func (g *gemmRun) product() (product, *tiles) {
	s, p := g.s, g.s.pattern()
	switch s.Method.Drops() {
	case dropout.DropsRows:
		rows := dropout.KeepEvery(s.M, 1, p.DP, p.Bias)
		return product{g.c.Keep(rows, dropout.KeepAll(s.N)), g.a.Keep(rows, dropout.KeepAll(s.K)), g.b, rows.Size(), s.N, s.K, 1, 0}, nil
	case dropout.DropsTiles:
		// The family takes the tiles from B: the product the other way round.
		t := newTiles(newKeptTiles(p.Selection(dropout.ShapeOf(s.M, s.M, s.K, TDPTile)), s.M, s.K, TDPTile, nil), true)
		return product{g.c, g.a, g.b, s.M, s.N, s.K, 1, 0}.transposed(), &t
	}
	return product{g.c, g.a, g.b, s.M, s.N, s.K, 1, 0}, nil
}

// run launches the product; plan, unless nil, replaces the chosen one.
func (g *gemmRun) run(forced *plan) (*sim.Result, plan) {
	s := g.s
	p, t := g.product()
	switch {
	case s.Method == dropout.Masked:
		return g.launchMasked("product", PartForward, p, tileSide(s.Tile), g.maskPtr), plan{split: 1}
	case s.Tile != 0:
		if s.Method.Drops() == dropout.DropsTiles {
			p = p.transposed()
		}
		name := fmt.Sprintf("tiled_%s_%d", map[bool]string{true: "pad", false: "plain"}[s.Pad], s.Tile)
		dp, bias := 1, 0
		if s.Method.Drops() == dropout.DropsTiles {
			dp, bias = s.DP, s.Bias-1
		}
		return g.launch("product", PartForward, "tiled", name, g.flop(), tiledConfig(p, s.Tile), append(p.simpleArgs(), sim.I32(int32(dp)), sim.I32(int32(bias)))...), plan{split: 1}
	}
	if forced != nil {
		return g.runPlan("product", PartForward, *forced, t), *forced
	}
	for _, c := range candidates(g.dev.GPU, p, t) { // the cheapest that is asked for
		if (s.Shape == "" || s.Shape == c.shape.name) && (s.Split == 0 || s.Split == c.split) {
			return g.runPlan("product", PartForward, c, t), c
		}
	}
	g.err = fmt.Errorf("shape %q, split %d: this product cannot be run so; steps of k are shared evenly, TDP has shapes 128x32 and 32x32", s.Shape, s.Split)
	return nil, plan{}
}

// keptWeights counts the weights that the pattern keeps.
func (g *gemmRun) keptWeights() int64 {
	s, p := g.s, g.s.pattern()
	switch s.Method.Drops() {
	case dropout.DropsRows:
		return int64(dropout.CountKept(s.M, p.DP, p.Bias)) * int64(s.K)
	case dropout.DropsTiles:
		t := tileSide(s.Tile)
		n, cols := int64(0), ceil(s.K, t)
		for tile := p.Bias - 1; tile < ceil(s.M, t)*cols; tile += p.DP {
			n += int64(min(t, s.M-tile/cols*t)) * int64(min(t, s.K-tile%cols*t))
		}
		return n
	}
	return int64(s.M) * int64(s.K)
}

func (g *gemmRun) flop() int64 { return 2 * g.keptWeights() * int64(g.s.N) }

// bounds are those of the kept work: every kept weight, all of B and the written part of C cross the pins once.
func (g *gemmRun) bounds() GEMMBounds {
	s, gpu := g.s, g.dev.GPU
	rows := s.M
	if s.Method.Drops() == dropout.DropsRows {
		rows = dropout.CountKept(s.M, s.DP, s.Bias)
	}
	bytes := 4 * (g.keptWeights() + int64(s.K)*int64(s.N) + int64(rows)*int64(s.N))
	return GEMMBounds{
		FLOP:  int64(math.Ceil(float64(g.flop()) / (gpu.PeakGFLOPS() * 1e3 / gpu.CoreMHz))),
		Bytes: int64(math.Ceil(float64(bytes) / (gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / (gpu.CoreMHz * 1e6)))),
	}
}

// checkedWork is the number of multiply-adds up to which all rows of C are compared with the CPU.
const checkedWork = 1 << 30

// compare compares C with gonum's product.
func (g *gemmRun) compare() GEMMError {
	s, p := g.s, g.s.pattern()
	got := g.download(g.c.Ptr, s.M*s.N)
	if g.err != nil {
		return GEMMError{}
	}
	n := min(max(checkedWork/(s.N*s.K), 1), s.M)
	e := GEMMError{Rows: n}
	rows := make([]float32, n*s.K)
	at := make([]int, n)
	for i := range at {
		at[i] = i * s.M / n
		for k := range s.K {
			v := g.x[at[i]*g.a.Row+k*g.a.Col]
			switch s.Method.Drops() {
			case dropout.DropsRows:
				if (at[i]+1-p.Bias)%p.DP != 0 {
					v = 0
				}
			case dropout.DropsTiles:
				if t := tileSide(s.Tile); (at[i]/t*ceil(s.K, t)+k/t+1-p.Bias)%p.DP != 0 {
					v = 0
				}
			}
			rows[i*s.K+k] = v
		}
	}
	want := make([]float32, n*s.N)
	trans, ld := blas.NoTrans, s.N
	if s.TB {
		trans, ld = blas.Trans, s.K
	}
	gonum.Implementation{}.Sgemm(blas.NoTrans, trans, n, s.N, s.K, 1, rows, s.K, g.y, ld, 0, want, s.N)
	for i, row := range at {
		for j := range s.N {
			w, v := float64(want[i*s.N+j]), float64(got[row*s.N+j])
			if g.mask != nil && g.mask[row*s.N+j] == 0 {
				w = 0
			}
			if d := math.Abs(w - v); !(d <= e.Max) {
				e.Max = d
			}
			e.Scale = max(e.Scale, math.Abs(w))
		}
	}
	return e
}

// SimulateGEMM runs one product of random matrices on a fresh device of preset gpu. C is zero before: what a row pattern
// drops is not touched.
func SimulateGEMM(ctx context.Context, gpu *sim.GPU, spec GEMMSpec, opt Options) (*GEMMResult, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	g, err := newGEMMRun(ctx, gpu, &spec, opt.Threads)
	if err != nil {
		return nil, err
	}
	if opt.Progress != nil {
		g.dev.Observe = func(p sim.Progress) { opt.Progress(int(p.Blocks), int(p.Total)) }
	}
	res, chosen := g.run(nil)
	if spec.Warm {
		g.launches = nil
		res, chosen = g.run(nil)
	}
	if g.err != nil {
		return nil, g.err
	}
	r := &GEMMResult{Kernel: res.Kernel, Split: chosen.split, Grid: res.Grid, BlocksPerSM: res.BlocksPerSM, Occupancy: res.AchievedOccupancy(gpu),
		KernelCycles: res.Cycles, FLOP: g.flop(), Bounds: g.bounds(), Error: g.compare()}
	if g.err != nil {
		return nil, g.err
	}
	if err := r.Error.check(r.Kernel); err != nil {
		return nil, err
	}
	l := g.launches[0]
	l.FLOP = r.FLOP
	r.IterationResult = IterationResult{Cycles: l.Cycles, TimeUS: res.TimeUS, Launches: []LaunchResult{l}, Counters: res.Counters}
	r.TFLOPS = float64(r.FLOP) / gpu.Seconds(r.KernelCycles) / 1e12
	r.PeakShare = r.TFLOPS * 1e3 / gpu.PeakGFLOPS()
	return r, nil
}

// Candidate is one way to run a product: what the cost model expects and what the simulator measures.
type Candidate struct {
	Kernel string `json:"kernel"`
	Split  int    `json:"split"`
	Model  int64  `json:"model_cycles"`
	Cycles int64  `json:"cycles"` // without launch overhead
}

// SimulateCandidates simulates the first limit ways to run a product of the tuned family, in the cost model's order: the first
// is the one that is chosen. Each is launched twice and the second launch counts.
func SimulateCandidates(ctx context.Context, gpu *sim.GPU, spec GEMMSpec, limit int, opt Options) ([]Candidate, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if spec.Tile != 0 || spec.Method == dropout.Masked {
		return nil, fmt.Errorf("method %s with tile %d has one kernel; candidates are of dense, rdp and tdp with tile 0", spec.Method, spec.Tile)
	}
	g, err := newGEMMRun(ctx, gpu, &spec, opt.Threads)
	if err != nil {
		return nil, err
	}
	p, t := g.product()
	list := candidates(gpu, p, t)
	var out []Candidate
	for _, c := range list[:min(limit, len(list))] {
		g.run(&c)
		res, _ := g.run(&c)
		if g.err != nil {
			return nil, g.err
		}
		out = append(out, Candidate{res.Kernel, c.split, int64(c.cost), res.Cycles})
	}
	return out, nil
}
