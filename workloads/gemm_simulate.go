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
	"warpdrop/internal/hostmem"
	"warpdrop/internal/nearest"
	"warpdrop/sim"
)

// GEMMSpec is one product C = A B, C M x N, A M x K, B K x N, all row-major. A is a layer's weights, one row a neuron,
// and B its inputs, one column a sample.
type GEMMSpec struct {
	M, N, K int            // 1..65536
	TA, TB  bool           // A, B is stored transposed
	Method  dropout.Method // dense, masked or a pattern: of rows of A (and C), or of tiles of A
	// masked: share of the elements of C that a random mask drops; patterns without a dp: of rows or tiles; [0, 1)
	Rate float64
	DP   int // patterns with a dp: one row or tile in DP is kept
	Bias int // … which one, 1..DP
	Of   int // rows-k: k of every Of rows are kept, 0 = chosen
	// 0 = the tuned family, its shape chosen (masked: 32); 8, 16, 32 or 64 = the simple kernel with such tiles
	Tile  int
	Pad   bool   // simple kernel: rows of shared memory padded
	Shape string // tuned family: its shape, "" = chosen
	Split int    // tuned family: blocks that share k, 0 = chosen
	Seed  uint64 // of values, mask and what a pattern without a dp keeps
	// measure the second of two launches, as benchmarks do: code and small matrices are in the caches
	Warm bool
	// on tensor cores: A and B hold halves, C and all sums FP32; dense, or of rows that are evenly spaced
	Tensor bool
}

// GEMMResult is a simulated product.
type GEMMResult struct {
	IterationResult            // the product and, before it, the copy of kept rows; Cycles and TimeUS with launch overhead
	Kernel          string     // of the product
	Split           int        // blocks that share the k of one tile
	Grid            sim.Dim3   // blocks
	BlocksPerSM     int        // at once
	Occupancy       float64    // mean share of an SM's warp slots in use
	KernelCycles    int64      // the same without launch overhead
	FLOP            int64      // what the kernel computes: of kept rows and tiles only
	TFLOPS          float64    // FLOP over the kernel's time
	PeakShare       float64    // of the GPU's FP32 peak, or that of its tensor cores
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

// check refuses a difference that rounding does not explain: sums of k products in another order differ by about
// sqrt(k) roundings of 2^-24 of the largest element.
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
		return fmt.Errorf("tile: %d is not one of 0 (chosen), 8, 16, 32, 64: the kernels' two tiles fit a block's 49152 "+
			"bytes of shared memory up to 64", s.Tile)
	}
	simple := s.Tile != 0 || s.Method == dropout.Masked
	if s.Tensor {
		if err := s.checkTensor(); err != nil {
			return err
		}
	} else if known := slices.ContainsFunc(shapes, func(k shape) bool { return k.name == s.Shape }); s.Shape != "" &&
		(!known || simple) {
		return fmt.Errorf("shape: %q is not one of 128x128, 128x64, 64x64, 128x32, 32x32 of the tuned family (tile 0, not "+
			"masked)", s.Shape)
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
	default:
		return s.checkPattern()
	}
	return nil
}

// GEMMMethods are those that a product is simulated with.
func GEMMMethods() []dropout.Method { return dropout.Methods(dropout.Dense, dropout.Masked) }

// checkPattern reports what the pattern cannot be.
func (s *GEMMSpec) checkPattern() error {
	k := s.Method.Kind()
	switch {
	case k == nil:
		return fmt.Errorf("method: %q is not one of %s%s", s.Method, dropout.Names(GEMMMethods()),
			nearest.Hint(string(s.Method), dropout.Strings(GEMMMethods())))
	case !k.HasDP():
		if _, err := s.stream(); err != nil {
			return fmt.Errorf("rate: %w", err)
		}
	default:
		most, what := s.M, "rows"
		if k.Drops == dropout.DropsTiles {
			t := tileSide(s.Tile)
			most, what = max(s.M/t, 1)*max(s.K/t, 1), fmt.Sprintf("%dx%d tiles", t, t)
		}
		if s.DP < 1 || s.DP > most {
			return fmt.Errorf("dp: %d is not in 1..%d, the number of %s of the %dx%d weights", s.DP, most, what, s.M, s.K)
		}
		if s.Bias < 1 || s.Bias > s.DP {
			return fmt.Errorf("bias: %d is not in 1..%d, dp", s.Bias, s.DP)
		}
	}
	if s.Tile != 0 && s.selection().List != nil {
		return fmt.Errorf("tile: the simple kernels keep one tile in dp, not those of %s; allowed is 0", s.Method)
	}
	return nil
}

// shape is that of the weights A: a unit a row.
func (s *GEMMSpec) shape() dropout.Shape { return dropout.ShapeOf(s.M, s.M, s.K, tileSide(s.Tile)) }

// stream draws what a pattern without a dp keeps.
func (s *GEMMSpec) stream() (*dropout.Stream, error) {
	return dropout.NewStream(s.Method, dropout.Options{Rate: s.Rate, Of: s.Of}, s.shape(), s.Seed, 0)
}

// selection is what the product keeps: of the rows of A, or of its tiles.
func (s *GEMMSpec) selection() dropout.Selection {
	switch k := s.Method.Kind(); {
	case k == nil:
		return dropout.Selection{Units: dropout.KeepAll(s.M)}
	case k.HasDP():
		return k.Keep(s.shape(), s.DP, s.Bias)
	}
	stream, err := s.stream()
	if err != nil {
		return dropout.Selection{Units: dropout.KeepAll(s.M)} // refused by Check
	}
	return stream.At(0, 0)
}

// gemmRun is a product on a device.
type gemmRun struct {
	*runner
	s       *GEMMSpec
	c, a, b Operand
	x, y    []float32 // values of A and B, as stored
	mask    []byte    // masked: 1 = kept
	maskPtr sim.Ptr

	kept  dropout.Selection
	rows  axis       // of A
	tiles *keptTiles // nil: all
	side  sim.Ptr    // rows kept by a list: their copy, side by side

	copyCycles int64 // of it, without launch overhead
}

// Memory is what a product needs of the host, at least: the operands, and all three matrices on the device.
func (s *GEMMSpec) Memory() int64 {
	m, n, k := int64(s.M), int64(s.N), int64(s.K)
	return 4 * (2*(m*k+k*n) + m*n)
}

// newGEMMRun uploads random matrices and, for method masked, a mask.
func newGEMMRun(ctx context.Context, gpu *sim.GPU, s *GEMMSpec, threads int) (*gemmRun, error) {
	if err := hostmem.Check("the product", s.Memory()); err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, gpu, threads)
	if err != nil {
		return nil, err
	}
	g := &gemmRun{runner: r, s: s, x: make([]float32, s.M*s.K), y: make([]float32, s.K*s.N), kept: s.selection()}
	rng := rand.New(rand.NewPCG(s.Seed, 2))
	for _, v := range [][]float32{g.x, g.y} {
		for i := range v {
			if v[i] = rng.Float32()*2 - 1; s.Tensor { // as a half has it
				v[i] = float32(math.Round(float64(v[i])*1024) / 1024)
			}
		}
	}
	upload := g.upload
	if s.Tensor {
		if tensorPeak(gpu) == 0 {
			return nil, fmt.Errorf("%s has no tensor cores", gpu.Name)
		}
		upload = g.uploadHalves
	}
	matrix := func(p sim.Ptr, rows, cols int, transposed bool) Operand {
		if transposed {
			return RowMajor(p, rows).T()
		}
		return RowMajor(p, cols)
	}
	g.a, g.b = matrix(upload(g.x), s.M, s.K, s.TA), matrix(upload(g.y), s.K, s.N, s.TB)
	g.c = RowMajor(g.malloc(s.M*s.N), s.N)
	g.keep()
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

// keep puts on the device what says which rows or tiles are kept.
func (g *gemmRun) keep() {
	var lists copied
	rows := newAxes([]dropout.Kept{g.kept.Units}, &lists)
	if g.kept.Tiles && g.s.Tile == 0 {
		g.tiles = newKeptTiles(g.kept, g.s.M, g.s.K, TDPTile, &lists)
	}
	if len(lists.numbers) > 0 {
		g.write(lists.behind(g.runner, 0), intBytes(lists.numbers))
	}
	if g.rows = rows[0]; listed(g.rows) {
		g.side = g.malloc(pad4(g.rows.Size()) * pad4(g.s.K))
	}
}

// gather copies the rows together that a list keeps: products read rows that are evenly spaced.
func (g *gemmRun) gather() {
	if !listed(g.rows) {
		return
	}
	s, kept := g.s, g.rows.Size()
	from := []sim.Arg{sim.PtrArg(g.side), sim.PtrArg(g.a.Ptr), sim.PtrArg(0)}
	launch := func(kernel string, n int, args ...[]sim.Arg) {
		all := append(from, i32(n))
		for _, a := range args {
			all = append(all, a...)
		}
		if res := g.launch("kept rows", PartGather, "rows", kernel, 0, flat(n, 128), append(all, sim.F32(0))...); res != nil {
			g.copyCycles = res.Cycles
		}
	}
	whole := whole(s.K).indices()
	switch {
	case s.TA:
		launch("gather_list", s.K*kept, []sim.Arg{i32(s.M), i32(kept)}, whole, g.rows.indices())
	case s.K%4 == 0:
		launch("gather_rows_list", kept*s.K/4, []sim.Arg{i32(s.K / 4)}, g.rows.indices())
	default:
		launch("gather_list", kept*s.K, []sim.Arg{i32(s.K), i32(s.K)}, g.rows.indices(), whole)
	}
}

// product is what is left to compute. Rows that are kept evenly spaced are read and written where they are; those of a
// list are read from their copy, and C has them side by side.
func (g *gemmRun) product() (product, *tiles) {
	s, rows := g.s, g.rows
	switch {
	case listed(rows) && s.TA:
		return product{g.c, RowMajor(g.side, rows.Size()).T(), g.b, rows.Size(), s.N, s.K, 1, 0}, nil
	case listed(rows):
		return product{g.c, RowMajor(g.side, s.K), g.b, rows.Size(), s.N, s.K, 1, 0}, nil
	case g.tiles != nil:
		// The family takes the tiles from B: the product the other way round.
		t := newTiles(g.tiles, true)
		return product{g.c, g.a, g.b, s.M, s.N, s.K, 1, 0}.transposed(), &t
	}
	c, a := g.c.Keep(rows.Kept, dropout.KeepAll(s.N)), g.a.Keep(rows.Kept, dropout.KeepAll(s.K))
	return product{c, a, g.b, rows.Size(), s.N, s.K, 1, 0}, nil
}

// run launches the product; plan, unless nil, replaces the chosen one.
func (g *gemmRun) run(forced *plan) (*sim.Result, plan) {
	s := g.s
	if s.Tensor {
		return g.runTensor(), plan{split: 1}
	}
	p, t := g.product()
	switch {
	case s.Method == dropout.Masked:
		return g.launchMasked("product", PartForward, p, tileSide(s.Tile), g.maskPtr), plan{split: 1}
	case s.Tile != 0:
		name := fmt.Sprintf("tiled_%s_%d", map[bool]string{true: "pad", false: "plain"}[s.Pad], s.Tile)
		dp, bias := 1, 0
		if g.kept.Tiles {
			dp, bias = g.kept.DP, g.kept.Bias-1
		}
		return g.launch("product", PartForward, "tiled", name, g.flop(), tiledConfig(p, s.Tile),
			append(p.simpleArgs(), sim.I32(int32(dp)), sim.I32(int32(bias)))...), plan{split: 1}
	}
	if forced != nil {
		return g.runPlan("product", PartForward, *forced, t), *forced
	}
	for _, c := range candidates(g.dev.GPU, p, t) { // the cheapest that is asked for
		if (s.Shape == "" || s.Shape == c.shape.name) && (s.Split == 0 || s.Split == c.split) {
			return g.runPlan("product", PartForward, c, t), c
		}
	}
	g.err = fmt.Errorf("shape %q, split %d: this product cannot be run so; steps of k are shared evenly, products over "+
		"kept tiles have shapes 128x32 and 32x32", s.Shape, s.Split)
	return nil, plan{}
}

// keptWeights counts the weights that the pattern keeps.
func (g *gemmRun) keptWeights() (n int64) {
	s, t := g.s, tileSide(g.s.Tile)
	if !g.kept.Tiles {
		return int64(g.kept.Units.Size()) * int64(s.K)
	}
	cols := ceil(s.K, t)
	for _, tile := range g.kept.AppendKept(nil, ceil(s.M, t)*cols) {
		n += int64(min(t, s.M-tile/cols*t)) * int64(min(t, s.K-tile%cols*t))
	}
	return n
}

func (g *gemmRun) flop() int64 { return 2 * g.keptWeights() * int64(g.s.N) }

// peakGFLOPS is the GPU's FP32 peak, or that of its tensor cores on halves.
func (g *gemmRun) peakGFLOPS() float64 {
	gpu := g.dev.GPU
	if g.s.Tensor {
		return 2 * float64(gpu.SMs) * tensorPeak(gpu) * gpu.CoreMHz / 1e3
	}
	return gpu.PeakGFLOPS()
}

// bounds are those of the kept work: every kept weight, all of B and the written part of C cross the pins once.
func (g *gemmRun) bounds() GEMMBounds {
	s, gpu := g.s, g.dev.GPU
	operands := g.keptWeights() + int64(s.K)*int64(s.N)
	bytes := 4 * (operands + int64(g.kept.Units.Size())*int64(s.N))
	if s.Tensor {
		bytes -= 2 * operands
	}
	return GEMMBounds{
		FLOP:  int64(math.Ceil(float64(g.flop()) / (g.peakGFLOPS() * 1e3 / gpu.CoreMHz))),
		Bytes: int64(math.Ceil(float64(bytes) / (gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / (gpu.CoreMHz * 1e6)))),
	}
}

// checkedWork is the number of multiply-adds up to which all rows of C are compared with the CPU.
const checkedWork = 1 << 30

// compare compares C with gonum's product.
func (g *gemmRun) compare() GEMMError {
	s := g.s
	got := g.download(g.c.Ptr, s.M*s.N)
	if g.err != nil {
		return GEMMError{}
	}
	n := min(max(checkedWork/(s.N*s.K), 1), s.M)
	e := GEMMError{Rows: n}
	at, keeps := make([]int, n), g.keeps()
	rows := make([]float32, n*s.K)
	for i := range at {
		at[i] = i * s.M / n
		for k := range s.K {
			if keeps(at[i], k) {
				rows[i*s.K+k] = g.x[at[i]*g.a.Row+k*g.a.Col]
			}
		}
	}
	want := make([]float32, n*s.N)
	trans, ld := blas.NoTrans, s.N
	if s.TB {
		trans, ld = blas.Trans, s.K
	}
	gonum.Implementation{}.Sgemm(blas.NoTrans, trans, n, s.N, s.K, 1, rows, s.K, g.y, ld, 0, want, s.N)
	places := g.places()
	for i, row := range at {
		for j := range s.N {
			w, v := float64(want[i*s.N+j]), 0.0
			if places[row] >= 0 {
				v = float64(got[places[row]*s.N+j])
			}
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

// keeps says whether weight (row, k) is kept.
func (g *gemmRun) keeps() func(row, k int) bool {
	t := tileSide(g.s.Tile)
	cols := ceil(g.s.K, t)
	of, number := g.s.M, func(row, _ int) int { return row }
	if g.kept.Tiles {
		of, number = ceil(g.s.M, t)*cols, func(row, k int) int { return row/t*cols + k/t }
	}
	kept := make([]bool, of)
	for _, i := range g.kept.AppendKept(nil, of) {
		kept[i] = true
	}
	return func(row, k int) bool { return kept[number(row, k)] }
}

// places says in which row of C each row is: its own or, where a list keeps rows, the place among them; -1: nowhere.
func (g *gemmRun) places() []int {
	out := make([]int, g.s.M)
	for i := range out {
		if out[i] = i; listed(g.rows) {
			out[i] = -1
		}
	}
	for place, row := range g.rows.List {
		out[row] = place
	}
	return out
}

// SimulateGEMM runs one product of random matrices on a fresh device of preset gpu. C is zero before: what a pattern of
// evenly spaced rows drops is not touched.
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
	g.look(opt)
	g.gather()
	res, chosen := g.run(nil)
	if spec.Warm {
		g.launches = nil
		g.gather()
		res, chosen = g.run(nil)
	}
	if g.err != nil {
		return nil, g.err
	}
	r := &GEMMResult{Kernel: res.Kernel, Split: chosen.split, Grid: res.Grid, BlocksPerSM: res.BlocksPerSM,
		Occupancy: res.AchievedOccupancy(gpu), FLOP: g.flop(), Bounds: g.bounds(), Error: g.compare()}
	if g.err != nil {
		return nil, g.err
	}
	if err := r.Error.check(r.Kernel); err != nil {
		return nil, err
	}
	g.launches[len(g.launches)-1].FLOP = r.FLOP
	r.IterationResult = *g.total()
	r.KernelCycles, r.TimeUS = res.Cycles+g.copyCycles, gpu.Seconds(r.Cycles)*1e6
	r.TFLOPS = float64(r.FLOP) / gpu.Seconds(r.KernelCycles) / 1e12
	r.PeakShare = r.TFLOPS * 1e3 / g.peakGFLOPS()
	return r, nil
}

// Candidate is one way to run a product: what the cost model expects and what the simulator measures.
type Candidate struct {
	Kernel string `json:"kernel"`
	Split  int    `json:"split"`
	Model  int64  `json:"model_cycles"`
	Cycles int64  `json:"kernel_cycles"`
}

// SimulateCandidates simulates the first limit candidates for a product of the tuned family, in the cost model's order:
// the first is the one that is chosen. Each is launched twice and the second launch counts.
func SimulateCandidates(ctx context.Context, gpu *sim.GPU, spec GEMMSpec, limit int, opt Options) ([]Candidate, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if spec.Tile != 0 || spec.Tensor || spec.Method == dropout.Masked {
		return nil, fmt.Errorf("method %s with tile %d has one kernel; candidates are of dense and of patterns, with tile 0",
			spec.Method, spec.Tile)
	}
	g, err := newGEMMRun(ctx, gpu, &spec, opt.Threads)
	if err != nil {
		return nil, err
	}
	p, t := g.product()
	g.gather()
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
