package workloads

import (
	"fmt"
	"math"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// Methods of updating weights.
const (
	UpdateDense = "dense" // every weight and momentum in every iteration
	UpdateLazy  = "lazy"  // kept ones only, to the same numbers
)

// weights is a layer's weight matrix with its bias, their momenta and gradients on the device; see kernels/update.cu
// for how they are stored.
type weights struct {
	rows, cols int        // as stored
	transposed bool       // stored outputs x inputs
	kr, kc     axis       // the kept of the stored rows and columns
	tiles      *keptTiles // nil: the weights are not dropped by tiles
	lazy       bool

	w, v, g  sim.Ptr // lazy: z, u
	kept     sim.Ptr // what the products read in place of w: gathered weights, DropConnect's masked ones; 0 = w
	mask     sim.Ptr // DropConnect
	b, bv    sim.Ptr
	bg       sim.Ptr
	outputs  int  // elements of the bias
	outputKc axis // those with a gradient
}

func pad4(n int) int { return (n + 3) / 4 * 4 }

func (w *weights) ld() int { return pad4(w.cols) }

// size is the room for the matrix: products that read whole vectors of kept rows touch up to three more, which are
// zero.
func (w *weights) size() int { return (w.rows + 3*max(w.kr.Step, 1)) * w.ld() }

// paddable reports whether products may take kept rows and columns as multiples of four.
func (w *weights) paddable() bool { return w.tiles == nil && (w.kc.All() || w.gathered()) }

// gathered reports whether the products read the kept weights side by side.
func (w *weights) gathered() bool { return w.kept != 0 && w.tiles == nil && w.mask == 0 }

// operand is the matrix of the kept weights, inputs x outputs.
func (w *weights) operand() Operand {
	o := RowMajor(w.w, w.ld())
	switch {
	case w.gathered():
		o = RowMajor(w.kept, pad4(w.kc.Size()))
	case w.kept != 0:
		o.Ptr = w.kept
	default:
		o = o.Keep(w.kr.Kept, w.kc.Kept)
	}
	if w.transposed {
		return o.T()
	}
	return o
}

// gradient is the matrix of the kept weights' gradients as they are stored; a row more than kept up to a multiple of
// four.
func (w *weights) gradient() Operand { return RowMajor(w.g, w.ldg()) }

func (w *weights) ldg() int { return pad4(w.kc.Size()) }

// stored brings a matrix of inputs x outputs into the order of the device, element by element through at.
func (w *weights) stored(at func(i int) float32) []float32 {
	x := make([]float32, w.size())
	for r := range w.rows {
		for c := range w.cols {
			i := r*w.cols + c
			if w.transposed {
				i = c*w.rows + r
			}
			x[r*w.ld()+c] = at(i)
		}
	}
	return x
}

// plain brings a matrix from the device's order into inputs x outputs.
func (w *weights) plain(x []float32) []float32 {
	y := make([]float32, w.rows*w.cols)
	for r := range w.rows {
		for c := range w.cols {
			i := r*w.cols + c
			if w.transposed {
				i = c*w.rows + r
			}
			y[i] = x[r*w.ld()+c]
		}
	}
	return y
}

// momentum is SGD's, and for lazy weights the age of u.
type momentum struct {
	rate, mu float64
	age      int
}

// maxAge is the age at which u is scaled back: its numbers have grown by 2^64 then.
func (m momentum) maxAge() int { return max(1, int(64*math.Ln2/-math.Log(m.mu))) }

// coast is what w lacks of z, in units of u, at the given age: mu^(age+1)/(1-mu).
func (m momentum) coast(age int) float64 { return math.Pow(m.mu, float64(age+1)) / (1 - m.mu) }

// gather makes the kept weights that the products read, where they do not read the weights themselves.
func (r *runner) gather(what string, w *weights, m momentum) {
	if !w.lazy && !w.gathered() {
		return
	}
	u, factor := sim.PtrArg(0), sim.F32(0)
	if w.lazy {
		u, factor = sim.PtrArg(w.v), sim.F32(float32(m.coast(m.age)))
	}
	pointers := []sim.Arg{sim.PtrArg(w.kept), sim.PtrArg(w.w), u}
	nr, ldw := pad4(w.kr.Size()), pad4(w.kc.Size())
	module := "update"
	launch := func(kernel string, n int, args ...sim.Arg) {
		if listed(w.kr, w.kc) {
			module = "rows"
		}
		r.launch(what, PartGather, module, kernel, 2*int64(n), flat(n, 128),
			append(append(append(pointers, i32(n)), args...), factor)...)
	}
	switch {
	case listed(w.kr, w.kc) && w.kc.All():
		launch("gather_rows_list", nr*ldw/4, append([]sim.Arg{i32(ldw / 4)}, w.kr.indices()...)...)
	case listed(w.kr, w.kc):
		launch("gather_list", nr*ldw, append(append([]sim.Arg{i32(w.ld()), i32(ldw)}, w.kr.indices()...),
			w.kc.indices()...)...)
	case w.tiles != nil:
		var kernel string
		module, kernel = w.tiles.kernel("gather")
		launch(kernel, w.tiles.vectors(), append([]sim.Arg{i32(w.rows), i32(w.ld() / 4)}, w.tiles.args()...)...)
	case w.kc.All() && w.lazy:
		launch("gather_rows", nr*ldw/4, append([]sim.Arg{i32(w.rows), i32(ldw / 4)}, w.kr.stride()...)...)
	default:
		launch("gather_rdp", nr*ldw,
			append(append([]sim.Arg{i32(w.rows), i32(w.ld()), i32(w.cols), i32(ldw)}, w.kr.stride()...), w.kc.stride()...)...)
	}
}

// update is one step of SGD with momentum on weights and bias. masked is the factor of DropConnect's mask.
func (r *runner) update(what string, w *weights, m momentum, masked float32) {
	rate, mu := sim.F32(float32(m.rate)), sim.F32(float32(m.mu))
	rates := []sim.Arg{rate, mu}
	if w.lazy {
		rates = []sim.Arg{sim.F32(float32(m.rate / (1 - m.mu))), sim.F32(float32(m.rate * math.Pow(m.mu, -float64(m.age+1)))),
			rate, mu}
	}
	r.updateWith(what, w, rates, masked)
}

// updateWith is update with the kernels' rates: of the step and the momentum and, before them, of z and u where the
// weights are lazy.
func (r *runner) updateWith(what string, w *weights, rates []sim.Arg, masked float32) {
	n4 := w.rows * w.ld() / 4
	module, kr, kc, which := "update", w.kr.stride(), w.kc.stride(), w.outputKc.stride()
	if listed(w.kr, w.kc) {
		module, kr, kc, which = "rows", w.kr.indices(), w.kc.indices(), w.outputKc.indices()
	}
	bias := append([]sim.Arg{sim.PtrArg(w.b), sim.PtrArg(w.bv), sim.PtrArg(w.bg), i32(w.outputs)}, which...)
	launch := func(kernel string, n, flop int, args ...[]sim.Arg) {
		all := []sim.Arg{sim.PtrArg(w.w), sim.PtrArg(w.v), sim.PtrArg(w.g)}
		for _, a := range args {
			all = append(all, a...)
		}
		cfg := flat(n, 128)
		cfg.Grid.X += ceil(w.outputs, 128)
		r.launch(what, PartUpdate, module, kernel, int64(flop), cfg, append(all, bias...)...)
	}
	nr, ldg := w.kr.Size(), w.ldg()
	switch {
	case listed(w.kr, w.kc) && w.lazy && w.kc.All():
		launch("lazy_rows_list", nr*ldg/4, 4*nr*ldg, []sim.Arg{i32(nr * ldg / 4), i32(ldg / 4)}, kr[:1], rates)
	case listed(w.kr, w.kc) && w.lazy:
		launch("lazy_list", nr*ldg, 4*nr*ldg, []sim.Arg{i32(nr * ldg), i32(w.ld()), i32(ldg)}, kr[:1], kc, rates)
	case listed(w.kr, w.kc):
		launch("sgd_list", n4, 16*n4, []sim.Arg{i32(n4), i32(w.ld() / 4), i32(w.cols), i32(ldg)}, kr, kc, rates)
	case w.mask != 0:
		launch("sgd_masked", n4, 20*n4, []sim.Arg{sim.PtrArg(w.mask), i32(n4), sim.F32(masked)}, rates)
	case w.tiles != nil && w.lazy:
		var kernel string
		module, kernel = w.tiles.kernel("lazy")
		n := w.tiles.vectors()
		launch(kernel, n, 16*n, []sim.Arg{i32(n), i32(w.rows), i32(w.ld() / 4)}, w.tiles.args(), rates)
	case w.tiles != nil:
		var kernel string
		module, kernel = w.tiles.kernel("sgd")
		launch(kernel, n4, 16*n4, []sim.Arg{i32(n4), i32(w.ld() / 4)}, w.tiles.maskArgs(), rates)
	case w.lazy && w.kc.All():
		launch("lazy_rows", nr*ldg/4, 4*nr*ldg, []sim.Arg{i32(nr * ldg / 4), i32(ldg / 4)}, kr, rates)
	case w.lazy:
		launch("lazy_rdp", nr*ldg, 4*nr*ldg, []sim.Arg{i32(nr * ldg), i32(w.ld()), i32(w.cols), i32(ldg)}, kr, kc, rates)
	case !w.kr.All() || !w.kc.All():
		launch("sgd_rdp", n4, 16*n4, []sim.Arg{i32(n4), i32(w.ld() / 4), i32(w.cols), i32(ldg)}, kr, kc, rates)
	default:
		launch("sgd", n4, 16*n4, []sim.Arg{i32(n4)}, rates)
	}
}

// descend is one step of plain SGD on what has a gradient; clip is where the factor of the rate stands.
func (r *runner) descend(what string, w *weights, rate float32, clip sim.Ptr) {
	tail := []sim.Arg{sim.F32(rate), sim.PtrArg(clip), sim.PtrArg(w.b), sim.PtrArg(w.bg), i32(w.outputs)}
	launch := func(module, kernel string, n4 int, args ...sim.Arg) {
		cfg := flat(n4, 128)
		cfg.Grid.X += ceil(w.outputs, 128)
		r.launch(what, PartUpdate, module, kernel, 8*int64(n4), cfg,
			append(append([]sim.Arg{sim.PtrArg(w.w), sim.PtrArg(w.g), i32(n4)}, args...), tail...)...)
	}
	if w.tiles != nil {
		module, kernel := w.tiles.kernel("descend")
		launch(module, kernel, w.tiles.vectors(), append([]sim.Arg{i32(w.rows), i32(w.ld() / 4)}, w.tiles.args()...)...)
		return
	}
	module, kernel, which := "update", "descend_rows", w.kr.stride()
	if listed(w.kr) {
		module, kernel, which = "rows", "descend_rows_list", w.kr.indices()[:1]
	}
	launch(module, kernel, w.kr.Size()*w.ld()/4, append([]sim.Arg{i32(w.ld() / 4)}, which...)...)
}

// rescale brings the age of lazy weights back to zero where it is at its maximum; it returns the new age.
func (r *runner) rescale(all []*weights, m momentum) int {
	if m.age < m.maxAge() {
		return m.age
	}
	for l, w := range all {
		if w.lazy {
			n4 := w.rows * w.ld() / 4
			r.launch(fmt.Sprintf("rescale momentum %d", l+1), PartUpdate, "update", "rescale", 4*int64(n4), flat(n4, 128),
				sim.PtrArg(w.v), i32(n4), sim.F32(float32(math.Pow(m.mu, float64(m.age)))))
		}
	}
	return 0
}

func i32(v int) sim.Arg { return sim.I32(int32(v)) }

// randomArgs are the arguments that say which Bernoulli mask a kernel draws: as dropout.Bernoulli does.
func randomArgs(seed uint64, layer int, iteration uint64, rate float64) []sim.Arg {
	return []sim.Arg{sim.U32(uint32(seed)), sim.U32(uint32(seed >> 32)), sim.U32(uint32(layer)),
		sim.U32(uint32(iteration)), sim.U32(uint32(iteration >> 32)), sim.U32(dropout.Threshold(rate))}
}

func flat(n, threads int) sim.LaunchConfig {
	return sim.LaunchConfig{Grid: sim.Dim3{X: ceil(n, threads)}, Block: sim.Dim3{X: threads}}
}
