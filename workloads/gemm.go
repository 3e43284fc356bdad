package workloads

import (
	"cmp"
	"fmt"
	"slices"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// axis is a dimension of which a part is kept: all, every Step-th index from First on, or a list.
type axis struct {
	dropout.Kept
	list sim.Ptr // on the device, as kernels/rows.cu has it; 0: not a list
}

// add adds the list of indices to what is copied to the device, with the place of each index behind it.
func (a *axis) add(to *copied) {
	list, places := make([]int32, 0, a.Size()+a.N), make([]int32, a.N)
	for i := range places {
		places[i] = -1
	}
	for j, i := range a.List {
		list, places[i] = append(list, int32(i)), int32(j)
	}
	to.add(&a.list, append(list, places...))
}

// whole keeps all n indices.
func whole(n int) axis { return axis{Kept: dropout.KeepAll(n)} }

// stride are the arguments of kernels for regular patterns.
func (a axis) stride() []sim.Arg { return []sim.Arg{i32(a.First), i32(a.Step)} }

// indices are the arguments of kernels for lists; all is a null list.
func (a axis) indices() []sim.Arg { return []sim.Arg{sim.PtrArg(a.list), i32(a.Size())} }

// listed reports whether a kernel for lists has to take one of the axes.
func listed(axes ...axis) bool {
	for _, a := range axes {
		if a.list != 0 {
			return true
		}
	}
	return false
}

// Operand is a matrix on the device: element (i, j) stands at Ptr[i*Row + j*Col].
type Operand struct {
	Ptr      sim.Ptr
	Row, Col int
}

// RowMajor is a matrix with rows of ld elements.
func RowMajor(p sim.Ptr, ld int) Operand { return Operand{p, ld, 1} }

// T is the transpose.
func (o Operand) T() Operand { return Operand{o.Ptr, o.Col, o.Row} }

// Keep is the matrix of the kept rows and columns, where these are regular.
func (o Operand) Keep(rows, cols dropout.Kept) Operand {
	return Operand{o.Ptr + sim.Ptr(4*(rows.First*o.Row+cols.First*o.Col)), o.Row * rows.Step, o.Col * cols.Step}
}

// TDPTile is the side of a weight tile where none is asked for; TileSides are those that products over kept tiles have
// kernels for.
const TDPTile = 32

var TileSides = []int{TDPTile, 2 * TDPTile}

// tileSide is the side of the weight tiles that a spec asks for, 0 being the default.
func tileSide(tile int) int { return cmp.Or(tile, TDPTile) }

// checkTile reports a side that products over kept tiles have no kernel for, where the method is TDP.
func checkTile(method dropout.Method, tile int) error {
	if method.Drops() == dropout.DropsTiles && !slices.Contains(TileSides, tileSide(tile)) {
		return fmt.Errorf("tile: %d is not one of %v: a block of the products is as wide as a weight tile", tile, TileSides)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// product is one launch of the family of gemm.cu: C = alpha * A B + beta * C, m x n x k.
type product struct {
	c, a, b     Operand
	m, n, k     int
	alpha, beta float32
}

// transposed is the same product the other way round: C^T = B^T A^T.
func (p product) transposed() product {
	return product{c: p.c.T(), a: p.b.T(), b: p.a.T(), m: p.n, n: p.m, k: p.k, alpha: p.alpha, beta: p.beta}
}

// layout names the kernel variant by which dimension of each operand is the contiguous, or the nearer, one.
func (p product) layout() string {
	name := []byte("nn")
	if p.a.Row < p.a.Col {
		name[0] = 't'
	}
	if p.b.Col > p.b.Row {
		name[1] = 't'
	}
	return string(name)
}

// vectors is "v" where all matrices can be read and written 16 bytes at a time, "s" elsewhere.
func (p product) vectors() string {
	wide := func(o Operand, rows, cols int) bool {
		across, length := o.Row, cols
		if o.Row < o.Col {
			across, length = o.Col, rows
		}
		return min(o.Row, o.Col) == 1 && across%4 == 0 && length%4 == 0 && o.Ptr%16 == 0
	}
	if wide(p.a, p.m, p.k) && wide(p.b, p.k, p.n) && wide(p.c, p.m, p.n) {
		return "v"
	}
	return "s"
}

// args are the kernels' common arguments; the blocks of one output tile take chunk elements of k each.
func (p product) args(s *shape, chunk int, partial, ticket sim.Ptr) []sim.Arg {
	i := func(v int) sim.Arg { return sim.I32(int32(v)) }
	return []sim.Arg{sim.PtrArg(p.c.Ptr), sim.PtrArg(p.a.Ptr), sim.PtrArg(p.b.Ptr), i(p.m), i(p.n), i(p.k),
		i(p.a.Row), i(p.a.Col), i(p.b.Row), i(p.b.Col), i(p.c.Row), i(p.c.Col), sim.F32(p.alpha), sim.F32(p.beta),
		i(chunk), sim.I64(4 * int64(s.bk) * int64(p.a.Col)), sim.I64(4 * int64(s.bk) * int64(p.b.Row)),
		sim.PtrArg(partial), sim.PtrArg(ticket)}
}

// flop is what the product computes.
func (p product) flop() int64 { return 2 * int64(p.m) * int64(p.n) * int64(p.k) }

// gemm runs C = alpha * A B + beta * C, m x n x k.
func (r *runner) gemm(what string, part Part, c, a, b Operand, m, n, k int, alpha, beta float32) *sim.Result {
	return r.runProduct(what, part, product{c, a, b, m, n, k, alpha, beta}, nil, 0)
}

// gemmTiled is gemm with B the weights (or, transposed, their transpose) of which tiles are kept.
func (r *runner) gemmTiled(what string, part Part, c, a, b Operand, m, n, k int, alpha, beta float32, kept *keptTiles,
	transposed bool) *sim.Result {
	t := newTiles(kept, transposed)
	return r.runProduct(what, part, product{c, a, b, m, n, k, alpha, beta}, &t, 0)
}

// runProduct runs p, with t the kept tiles of B, in the given number of parts of k (0 = chosen).
func (r *runner) runProduct(what string, part Part, p product, t *tiles, split int) *sim.Result {
	if r.err != nil {
		return nil
	}
	plan := choose(r.dev.GPU, p, t)
	return r.runPlan(what, part, plan, t)
}

// runPlan runs a product as planned.
func (r *runner) runPlan(what string, part Part, plan plan, t *tiles) *sim.Result {
	p, s := plan.p, plan.shape
	grid := sim.Dim3{X: ceil(p.n, s.bn), Y: ceil(p.m, s.bm), Z: plan.split}
	var partial, ticket sim.Ptr
	if plan.split > 1 {
		partial, ticket = r.workspace(int(grid.Count())*s.bm*s.bn, grid.X*grid.Y)
	}
	args := p.args(s, plan.chunk, partial, ticket)
	module, family, flop := "gemm", "gemm", p.flop()
	if t != nil {
		module, family = t.family(p.layout())
		args = append(args, t.args()...)
		flop = t.flop(p)
	}
	name := fmt.Sprintf("%s_%s_%s_%s", family, p.layout(), p.vectors(), s.name)
	return r.launch(what, part, module, name, flop, sim.LaunchConfig{Grid: grid, Block: sim.Dim3{X: s.threads}}, args...)
}

// gemmTiledGradient computes the kept tiles of C = alpha * A B + beta * C, the gradient of the weights; A is a
// transpose.
func (r *runner) gemmTiledGradient(what string, c, a, b Operand, m, n, k int, alpha, beta float32, kept *keptTiles) *sim.Result {
	p, count := product{c, a, b, m, n, k, alpha, beta}, kept.count()
	if count <= 0 || r.err != nil {
		return nil
	}
	s := squareShape(kept.side)
	module, name, which := "gemm", "gemm_gradient_tn_", []sim.Arg{i32(kept.dp), i32(kept.bias), i32(kept.cols)}
	if kept.list != nil {
		module, name, which = "gemm_list", "gemm_gradient_list_tn_", []sim.Arg{sim.PtrArg(kept.numbers), i32(kept.cols)}
	}
	return r.launch(what, PartBackwardWeights, module, name+p.vectors()+"_"+s.name,
		2*int64(count)*int64(kept.side*kept.side)*int64(k),
		sim.LaunchConfig{Grid: sim.Dim3{X: count}, Block: sim.Dim3{X: s.threads}},
		append(p.args(s, max(k, 1), 0, 0), which...)...)
}

// gemmMasked is gemm with an if-else round each output element's inner product; mask has a byte an element, row-major.
func (r *runner) gemmMasked(what string, part Part, c, a, b Operand, m, n, k int, alpha, beta float32, mask sim.Ptr) *sim.Result {
	return r.launchMasked(what, part, product{c, a, b, m, n, k, alpha, beta}, 32, mask)
}

func (r *runner) launchMasked(what string, part Part, p product, tile int, mask sim.Ptr) *sim.Result {
	return r.launch(what, part, "tiled", fmt.Sprintf("masked_n%c_%d", p.layout()[1], tile), p.flop(), tiledConfig(p, tile),
		append(p.simpleArgs(), sim.PtrArg(mask))...)
}

// simpleArgs are the common arguments of the kernels of tiled.cu.
func (p product) simpleArgs() []sim.Arg { return p.args(&shapes[0], 0, 0, 0)[:14] }

// tiledConfig is the launch of a kernel of tiled.cu with tile x tile elements of C a block.
func tiledConfig(p product, tile int) sim.LaunchConfig {
	threads := map[int]int{8: 64, 16: 256, 32: 256, 64: 256}[tile]
	return sim.LaunchConfig{Grid: sim.Dim3{X: ceil(p.n, tile), Y: ceil(p.m, tile)}, Block: sim.Dim3{X: threads}}
}

// workspace returns room for a split product's parts and its tickets; these are zero between launches.
func (r *runner) workspace(floats, tickets int) (partial, ticket sim.Ptr) {
	grow := func(p *sim.Ptr, have *int, want int, reserve func(int) sim.Ptr) sim.Ptr {
		if want > *have {
			*p, *have = reserve(want), want
		}
		return *p
	}
	return grow(&r.partial, &r.partials, floats, r.malloc), grow(&r.ticket, &r.tickets, tickets, r.zeros)
}

// tiles says which k tiles a column of output tiles visits: number k tile * along + n tile * across, kept where it is
// bias (from 0) modulo dp, or those of a list.
type tiles struct {
	dp, bias, along, across, side int

	counts      []int   // lists: of each column
	start, list sim.Ptr // see Tiles of gemm.h
}

func newTiles(k *keptTiles, transposed bool) tiles {
	switch {
	case k.list != nil && transposed:
		return tiles{side: k.side, across: k.cols, counts: k.perRow, start: k.rowAt, list: k.numbers}
	case k.list != nil:
		return tiles{side: k.side, counts: k.perColumn, start: k.colAt, list: k.inColumn}
	case transposed:
		return tiles{dp: k.dp, bias: k.bias, along: 1, across: k.cols, side: k.side}
	}
	return tiles{dp: k.dp, bias: k.bias, along: k.cols, across: 1, side: k.side}
}

// family is the module of the kernels for a layout, and how their names begin.
func (t tiles) family(layout string) (module, name string) {
	switch {
	case t.counts == nil:
		return "gemm", "gemm_tdp"
	case layout[0] == 't':
		return "gemm_list_t", "gemm_list"
	}
	return "gemm_list", "gemm_list"
}

// period returns g = gcd(along, dp), the distance dp / g between kept tiles, and the inverse of along / g modulo it.
func (t tiles) period() (g, apart, inverse int) {
	g = t.dp
	for b := t.along % t.dp; b != 0; {
		g, b = b, g%b
	}
	apart = t.dp / g
	for inverse = 0; inverse < apart && t.along/g%apart*inverse%apart != 1%apart; inverse++ {
	}
	return g, apart, inverse
}

func (t tiles) args() []sim.Arg {
	if t.counts != nil {
		return []sim.Arg{sim.PtrArg(t.start), sim.PtrArg(t.list), i32(t.across)}
	}
	g, apart, inverse := t.period()
	var out []sim.Arg
	for _, v := range []int{t.dp, t.bias, t.across, g, apart, inverse} {
		out = append(out, sim.I32(int32(v)))
	}
	return out
}

// kept returns how many of count k tiles column x visits.
func (t tiles) kept(x, count int) int {
	if t.counts != nil {
		return t.counts[x]
	}
	g, apart, inverse := t.period()
	r := ((t.bias-x*t.across)%t.dp + t.dp) % t.dp
	if r%g != 0 {
		return 0
	}
	return max(ceil(count-r/g*inverse%apart, apart), 0)
}

// flop counts the kept tiles of a product with the weights as B.
func (t tiles) flop(p product) int64 {
	count := ceil(p.k, t.side)
	sum := int64(0)
	for x := range ceil(p.n, t.side) {
		sum += int64(t.kept(x, count))
	}
	return 2 * sum * int64(t.side*t.side) * int64(p.m)
}
