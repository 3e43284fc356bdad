package workloads

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"warpdrop/dropout"
	"warpdrop/internal/hostmem"
	"warpdrop/sim"
)

// MLPSpec is one training iteration of a multi-layer perceptron: forward, backward, SGD with momentum.
type MLPSpec struct {
	Layers []int          // sizes: inputs, hidden layers, classes
	Batch  int            // samples
	Method dropout.Method // none, dense, masked, dropconnect or one with patterns
	// dropout rate of each hidden layer: scales what is kept by 1/(1-rate); Bernoulli rate of dense, masked and
	// dropconnect
	Rates    []float64
	Patterns []dropout.Pattern // this iteration's pattern of each hidden layer, where the method has any
	// methods that drop rows: in place of Patterns those of each of several groups of samples, all neighbours
	Groups   [][]dropout.Pattern
	Tile     int    // methods that drop tiles: side of a weight tile, 32 (0 too) or 64
	Update   string // UpdateDense ("" too) or UpdateLazy, which differs with patterns only
	LR       float32
	Momentum float32
	Seed     uint64
	// selects the Bernoulli masks: element i of a layer's rows, each padded to a multiple of four, is that of
	// dropout.Bernoulli
	Iteration uint64
	// State, when set, gives the starting weights; nil draws them from Seed.
	State *MLPState
	// Input is Batch x Layers[0], Labels one class a sample; nil draws them from Seed.
	Input  []float32
	Labels []int32
}

// MLPState is what training changes: layer l has Weights[l] (Layers[l] x Layers[l+1], row-major), Bias[l], and their
// momenta.
type MLPState struct {
	Weights, Bias, WeightsV, BiasV [][]float32

	lazy *lazyState // what a lazy update left; an iteration with a lazy update goes on from there
}

// lazyState is z and u of each layer with a lazy update, as stored on the device (see kernels/update.cu).
type lazyState struct {
	z, u [][]float32
	age  int
}

// Options are what does not change a result.
type Options struct {
	Threads  int // simulating goroutines, 0 = one a core
	Progress func(done, total int)
	Trace    *sim.Trace                       // records launches, copies, blocks and counters over time, where set
	Launched func(what string, r *sim.Result) // is given every launch that was simulated, with its profile, where set
}

// IterationResult is a simulated iteration.
type IterationResult struct {
	Cycles   int64 // launches with their overhead, and copies
	TimeUS   float64
	Launches []LaunchResult
	Counters sim.Counters // sum
	State    *MLPState    // of an MLP after the step
	LSTM     *LSTMState   // of an LSTM after the step
	Loss     float64      // mean over the batch, for an LSTM over its words
}

// Simulated is the number of launches that were simulated.
func (r *IterationResult) Simulated() (n int) {
	for i := range r.Launches {
		if r.Launches[i].Simulated {
			n++
		}
	}
	return n
}

// Parts adds cycles up by part.
func (r *IterationResult) Parts() map[Part]int64 {
	m := map[Part]int64{}
	for i := range r.Launches {
		m[r.Launches[i].Part] += r.Launches[i].Cycles
	}
	return m
}

// Check reports the first value that is out of its range.
func (s *MLPSpec) Check() error {
	if len(s.Layers) < 3 {
		return fmt.Errorf("layers: %d sizes; want inputs, at least one hidden layer, classes", len(s.Layers))
	}
	for i, n := range s.Layers {
		if n < 1 || n > 65536 {
			return fmt.Errorf("layers[%d]: %d is not in 1..65536", i, n)
		}
	}
	if s.Batch < 1 || s.Batch > 65535 {
		return fmt.Errorf("batch: %d is not in 1..65535", s.Batch)
	}
	if !(s.Momentum >= 0 && s.Momentum < 1) {
		return fmt.Errorf("momentum: %g is not in [0, 1)", s.Momentum)
	}
	switch s.Update {
	case "", UpdateDense:
	case UpdateLazy:
		if s.Momentum < 0.01 {
			return fmt.Errorf("update: lazy wants a momentum in 0.01..1 (without 1), not %g", s.Momentum)
		}
	default:
		return fmt.Errorf("update: %q is not one of %s, %s", s.Update, UpdateDense, UpdateLazy)
	}
	hidden := len(s.Layers) - 2
	if err := dropout.Check(s.Method, dropout.MLP.Methods(), s.Rates, hidden); err != nil ||
		!s.Method.Approximate() && s.Groups == nil {
		return err
	}
	if s.Groups != nil && s.Method.Drops() != dropout.DropsRows {
		return noGroups(s.Method)
	}
	if err := checkTile(s.Method, s.Tile); err != nil {
		return err
	}
	most := make([]int, hidden)
	for i := range most {
		most[i] = dropout.MaxKept(s.Method, s.Layers[i+1], s.Layers[i], s.Layers[i+1], tileSide(s.Tile))
	}
	if s.Groups != nil {
		return checkGroups(s.Method, s.Groups, s.Batch, most)
	}
	return dropout.CheckPatterns(s.Method, s.Patterns, most)
}

// fill draws what the spec leaves open.
func (s *MLPSpec) fill() {
	rng := rand.New(rand.NewPCG(s.Seed, 1))
	if s.State == nil {
		st := &MLPState{}
		for l := 0; l+1 < len(s.Layers); l++ {
			in, out := s.Layers[l], s.Layers[l+1]
			w := make([]float32, in*out)
			for i := range w {
				w[i] = float32(rng.NormFloat64() * math.Sqrt(2/float64(in)))
			}
			st.Weights = append(st.Weights, w)
			st.Bias = append(st.Bias, make([]float32, out))
			st.WeightsV = append(st.WeightsV, make([]float32, in*out))
			st.BiasV = append(st.BiasV, make([]float32, out))
		}
		s.State = st
	}
	if s.Input == nil {
		s.Input = make([]float32, s.Batch*s.Layers[0])
		for i := range s.Input {
			s.Input[i] = rng.Float32()
		}
	}
	if s.Labels == nil {
		s.Labels = make([]int32, s.Batch)
		for i := range s.Labels {
			s.Labels[i] = int32(rng.IntN(s.Layers[len(s.Layers)-1]))
		}
	}
}

// scale returns the factor for what hidden layer h keeps.
func (s *MLPSpec) scale(h int) float32 {
	if s.Method == dropout.None {
		return 1
	}
	return float32(1 / (1 - s.Rates[h]))
}

// mlp is an iteration's matrices on the device.
type mlp struct {
	*runner
	s      *MLPSpec
	sgd    momentum
	x      []sim.Ptr // activations, x[0] the input: Batch rows of the kept neurons of a layer, padded to fours
	dx     []sim.Ptr // their gradients
	mask   []sim.Ptr // Bernoulli masks of activations
	w      []*weights
	labels sim.Ptr
	loss   sim.Ptr
	keep   []axis       // of each layer of activations: the neurons that are kept
	lists  copied       // of kept neurons or tiles: behind the labels
	tiles  []*keptTiles // of each layer of weights
	groups *mlpGroups   // nil: one pattern for all
	last   int          // index of the last weight layer
}

// Memory is what an iteration needs of the host, about: weights and momenta to begin with; on the device these,
// gradients and activations.
func (s *MLPSpec) Memory() int64 {
	weights, activations := 0.0, 0.0
	for i, n := range s.Layers {
		activations += float64(n) * float64(s.Batch)
		if i > 0 {
			weights += float64(s.Layers[i-1]) * float64(n)
		}
	}
	return int64(20*weights + 16*activations)
}

// SimulateMLP runs one training iteration on a fresh device of preset gpu. It computes real numbers: State is what a
// CPU gets with the same masks, to FP32 rounding.
func SimulateMLP(ctx context.Context, gpu *sim.GPU, spec MLPSpec, opt Options) (*IterationResult, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if err := hostmem.Check("the iteration", spec.Memory()); err != nil {
		return nil, err
	}
	spec.fill()
	r, err := newRunner(ctx, gpu, opt.Threads)
	if err != nil {
		return nil, err
	}
	r.look(opt)
	m := &mlp{runner: r, s: &spec, last: len(spec.Layers) - 2,
		sgd: momentum{rate: float64(spec.LR), mu: float64(spec.Momentum)}}
	if opt.Progress != nil {
		total := 9 * (m.last + 1) // an estimate; the last call corrects it
		r.progress = func(done int) { opt.Progress(done, max(total, done+1)) }
	}
	m.allocate()
	m.input()
	m.sgd.age = m.rescale(m.w, m.sgd)
	if m.groups != nil {
		m.iterateGroups()
	} else {
		m.iterate()
	}
	res := m.result()
	if m.err != nil {
		return nil, m.err
	}
	if opt.Progress != nil {
		opt.Progress(len(res.Launches), len(res.Launches))
	}
	res.TimeUS = gpu.Seconds(res.Cycles) * 1e6
	return res, nil
}

// iterate is forward, backward and update.
func (m *mlp) iterate() {
	for l := 0; l <= m.last; l++ {
		m.forward(l)
	}
	m.softmax()
	for l := m.last; l >= 0; l-- {
		m.backward(l)
	}
	for l := 0; l <= m.last; l++ {
		m.update(fmt.Sprintf("update %d", l+1), m.w[l], m.sgd, m.weightScale(l))
	}
}

// width is how many neurons of layer i (0 = the input) are kept.
func (m *mlp) width(i int) int { return m.keep[i].Size() }

func (m *mlp) allocate() {
	s := m.s
	var kept []dropout.Kept
	m.tiles = make([]*keptTiles, m.last+1)
	for i, n := range s.Layers {
		kept = append(kept, dropout.KeepAll(n))
		if h := i - 1; s.Method.Approximate() && h >= 0 && h < len(s.Patterns) {
			rows, side := s.Layers[h], tileSide(s.Tile)
			selection := selectionOf(s.Method, s.Patterns[h], dropout.ShapeOf(n, rows, n, side))
			if kept[i] = selection.Units; m.tiled(h) {
				m.tiles[h] = newKeptTiles(selection, rows, n, side, &m.lists)
			}
		}
	}
	m.keep = newAxes(kept, &m.lists)
	if len(s.Groups) > 0 {
		m.groups = m.split()
	}
	if len(m.lists.numbers) > 0 {
		m.labels = m.lists.behind(m.runner, s.Batch)
	}
	for i := range s.Layers {
		m.x = append(m.x, m.malloc(s.Batch*pad4(m.width(i))))
		m.dx = append(m.dx, m.malloc(s.Batch*pad4(m.width(i))))
		m.mask = append(m.mask, 0)
		if m.masked(i) {
			m.mask[i] = m.malloc(s.Batch * pad4(s.Layers[i]) / 4)
		}
	}
	if s.State.lazy != nil && s.Update == UpdateLazy {
		m.sgd.age = s.State.lazy.age
	}
	for l := 0; l <= m.last; l++ {
		m.w = append(m.w, m.weights(l))
	}
	if m.labels == 0 {
		m.labels = m.malloc(s.Batch)
	}
	m.loss = m.malloc(s.Batch)
	if m.groups != nil {
		m.allocateGroups()
	}
}

// weights lays out the weights of layer l: by rows of the dimension that is dropped in. Where the first layer's outputs
// are, the kept weights of each are then contiguous.
func (m *mlp) weights(l int) *weights {
	s := m.s
	w := &weights{rows: s.Layers[l], cols: s.Layers[l+1], kr: m.keep[l], kc: m.keep[l+1], tiles: m.tiles[l],
		outputs: s.Layers[l+1], outputKc: m.keep[l+1]}
	if l == 0 && s.Method.Drops() == dropout.DropsRows {
		w.rows, w.cols, w.kr, w.kc, w.transposed = w.cols, w.rows, w.kc, w.kr, true
	}
	w.lazy = s.Update == UpdateLazy && s.Method.Approximate() && (m.tiled(l) || s.Method.Drops() == dropout.DropsRows)
	value, velocity := s.State.Weights[l], s.State.WeightsV[l]
	switch lazy := s.State.lazy; {
	case w.lazy && lazy != nil && lazy.z[l] != nil:
		w.w, w.v = m.upload(lazy.z[l]), m.upload(lazy.u[l])
	case w.lazy:
		grow, coast := math.Pow(m.sgd.mu, -float64(m.sgd.age)), m.sgd.mu/(1-m.sgd.mu)
		w.w = m.upload(w.stored(func(i int) float32 { return float32(float64(value[i]) + coast*float64(velocity[i])) }))
		w.v = m.upload(w.stored(func(i int) float32 { return float32(grow * float64(velocity[i])) }))
	default:
		w.w = m.upload(w.stored(func(i int) float32 { return value[i] }))
		w.v = m.upload(w.stored(func(i int) float32 { return velocity[i] }))
	}
	w.g = m.malloc(w.size())
	// Products that read every dp-th column are slower than copying these together first, see docs/design/iterations.md.
	if w.lazy || m.connected(l) || !w.kc.All() || listed(w.kr) {
		w.kept = m.malloc(w.size())
	}
	if m.connected(l) {
		w.mask = m.malloc(w.rows * w.ld() / 4)
	}
	w.b, w.bv, w.bg = m.upload(s.State.Bias[l]), m.upload(s.State.BiasV[l]), m.malloc(w.outputs)
	return w
}

func (m *mlp) input() {
	s := m.s
	in, ld := s.Layers[0], pad4(s.Layers[0])
	x := make([]float32, s.Batch*ld)
	for b := range s.Batch {
		copy(x[b*ld:], s.Input[b*in:(b+1)*in])
	}
	m.copyIn("copy batch", m.x[0], floatBytes(x))
	m.copyIn("copy labels", m.labels, append(intBytes(s.Labels), intBytes(m.lists.numbers)...))
}

// tiled reports whether the weights of layer l are dropped by tiles.
func (m *mlp) tiled(l int) bool { return m.s.Method.Drops() == dropout.DropsTiles && l < m.last }

// connected reports whether the weights of layer l have a Bernoulli mask.
func (m *mlp) connected(l int) bool { return m.s.Method == dropout.DropConnect && l < m.last }

// masked reports whether layer i of activations has a Bernoulli mask.
func (m *mlp) masked(i int) bool {
	return (m.s.Method == dropout.Dense || m.s.Method == dropout.Masked) && i > 0 && i <= m.last
}

// weightScale is the factor of layer l's weights where these are dropped: TDP and DropConnect.
func (m *mlp) weightScale(l int) float32 {
	if m.tiled(l) || m.connected(l) {
		return m.s.scale(l)
	}
	return 1
}

// neuronScale is the factor of layer l's outputs where these are dropped.
func (m *mlp) neuronScale(l int) float32 {
	if l == m.last || m.tiled(l) || m.connected(l) {
		return 1
	}
	return m.s.scale(l)
}

// padded are the kept inputs and outputs of layer l as the products take them: whole vectors, where the padding of all
// matrices is there.
func (m *mlp) padded(l int) (in, out int) {
	if m.w[l].paddable() {
		return pad4(m.width(l)), pad4(m.width(l + 1))
	}
	return m.width(l), m.width(l + 1)
}

func (m *mlp) forward(l int) {
	s, w := m.s, m.w[l]
	in, out, batch := m.width(l), m.width(l+1), s.Batch
	name := func(what string) string { return fmt.Sprintf("%s %d", what, l+1) }
	x, y := RowMajor(m.x[l], pad4(in)), RowMajor(m.x[l+1], pad4(out))
	n4 := batch * pad4(out) / 4
	random := func(rate float64) []sim.Arg { return randomArgs(s.Seed, l, s.Iteration, rate) }
	m.gather(name("gather"), w, m.sgd)
	switch {
	case m.tiled(l):
		m.gemmTiled(name("forward"), PartForward, y, x, w.operand(), batch, out, in, s.scale(l), 0, w.tiles, false)
	case s.Method == dropout.Masked && m.masked(l+1):
		m.launch(name("random mask"), PartMask, "elementwise", "bernoulli_mask", 0, flat(n4, 128),
			append([]sim.Arg{sim.PtrArg(m.mask[l+1]), i32(4 * n4)}, random(s.Rates[l])...)...)
		// the mask has the padding of the rows
		m.gemmMasked(name("forward"), PartForward, y, x, w.operand(), batch, pad4(out), in, 1, 0, m.mask[l+1])
	default:
		if m.connected(l) {
			k4 := w.rows * w.ld() / 4
			m.launch(name("dropconnect"), PartMask, "elementwise", "dropout", 0, flat(k4, 128),
				append(append([]sim.Arg{sim.PtrArg(w.kept), sim.PtrArg(w.w), sim.PtrArg(w.mask), i32(k4)}, random(s.Rates[l])...),
					sim.F32(s.scale(l)))...)
		}
		k, n := m.padded(l)
		m.gemm(name("forward"), PartForward, y, x, w.operand(), batch, n, k, 1, 0)
	}
	if l == m.last {
		return // the bias is added with the softmax
	}
	scale := float32(1)
	if s.Method.Drops() == dropout.DropsRows {
		scale = s.scale(l)
	}
	module, kernel, which := "elementwise", "bias_relu", w.outputKc.stride()
	if listed(w.outputKc) {
		module, kernel, which = "rows", "bias_relu_list", w.outputKc.indices()[:1]
	}
	m.launch(name("bias, relu"), PartActivation, module, kernel, 0, flat(n4, 128),
		append(append([]sim.Arg{sim.PtrArg(y.Ptr), sim.PtrArg(w.b),
			i32(n4), i32(out), i32(pad4(out) / 4)}, which...), sim.F32(scale))...)
	switch {
	case !m.masked(l + 1):
	case s.Method == dropout.Masked:
		m.launch(name("apply mask"), PartMask, "elementwise", "apply_mask", 0, flat(n4, 128),
			sim.PtrArg(y.Ptr), sim.PtrArg(y.Ptr), sim.PtrArg(m.mask[l+1]), i32(n4), sim.F32(s.scale(l)))
	default:
		m.launch(name("dropout"), PartMask, "elementwise", "dropout", 0, flat(n4, 128),
			append(append([]sim.Arg{sim.PtrArg(y.Ptr), sim.PtrArg(y.Ptr), sim.PtrArg(m.mask[l+1]), i32(n4)},
				random(s.Rates[l])...), sim.F32(s.scale(l)))...)
	}
}

func (m *mlp) softmax() {
	s := m.s
	classes := s.Layers[m.last+1]
	kernel, cfg := "softmax_loss", flat(s.Batch, 32)
	if classes > 64 {
		kernel, cfg = "softmax_loss_wide", flat(256*s.Batch, 256)
	}
	m.launch("softmax, loss", PartLoss, "elementwise", kernel, 0, cfg, sim.PtrArg(m.x[m.last+1]),
		sim.PtrArg(m.w[m.last].b), sim.PtrArg(m.loss), sim.PtrArg(m.labels), i32(s.Batch), i32(classes), i32(pad4(classes)))
	m.dx[m.last+1] = m.x[m.last+1] // the logits became their gradient
}

func (m *mlp) backward(l int) {
	s, w := m.s, m.w[l]
	in, out, batch := m.width(l), m.width(l+1), s.Batch
	name := func(what string) string { return fmt.Sprintf("%s %d", what, l+1) }
	x, dx, dy := RowMajor(m.x[l], pad4(in)), RowMajor(m.dx[l], pad4(in)), RowMajor(m.dx[l+1], pad4(out))
	if l < m.last { // through the activation
		n4 := batch * pad4(out) / 4
		m.launch(name("relu backward"), PartActivation, "elementwise", "relu_backward", 0, flat(n4, 128),
			sim.PtrArg(dy.Ptr), sim.PtrArg(m.x[l+1]), i32(n4), sim.F32(m.neuronScale(l)))
	}
	if l > 0 {
		if m.tiled(l) {
			m.gemmTiled(name("backward data"), PartBackwardData, dx, dy, w.operand().T(), batch, in, out, s.scale(l), 0,
				w.tiles, true)
		} else {
			n, k := m.padded(l)
			m.gemm(name("backward data"), PartBackwardData, dx, dy, w.operand().T(), batch, n, k, 1, 0)
		}
	}
	// Padding is zero in both matrices: whole vectors of the gradient are computed.
	switch a, b := x, dy; {
	case m.tiled(l):
		m.gemmTiledGradient(name("backward weights"), w.gradient(), x.T(), dy, in, out, batch, s.scale(l), 0, w.tiles)
	case w.transposed:
		a, b = dy, x
		fallthrough
	default:
		m.gemm(name("backward weights"), PartBackwardWeights, w.gradient(), a.T(), b, a.Row, b.Row, batch, 1, 0)
	}
	m.columnSums(name("bias gradient"), w.bg, dy, batch, out)
}

// columnSums adds the rows of a matrix up.
func (r *runner) columnSums(what string, to sim.Ptr, x Operand, rows, cols int) {
	r.launch(what, PartBackwardWeights, "elementwise", "column_sums", int64(rows)*int64(cols),
		sim.LaunchConfig{Grid: sim.Dim3{X: ceil(cols, 32)}, Block: sim.Dim3{X: 32, Y: 8}}, sim.PtrArg(to), sim.PtrArg(x.Ptr),
		i32(rows), i32(cols), i32(x.Row))
}

func (m *mlp) result() *IterationResult {
	r := m.total()
	r.State = &MLPState{}
	lazy := &lazyState{z: make([][]float32, m.last+1), u: make([][]float32, m.last+1), age: m.sgd.age + 1}
	for l, w := range m.w {
		x, v := m.download(w.w, w.rows*w.ld()), m.download(w.v, w.rows*w.ld())
		if w.lazy && m.err == nil {
			r.State.lazy, lazy.z[l], lazy.u[l] = lazy, x, v
			x, v = make([]float32, len(x)), make([]float32, len(v))
			shrink, coast := math.Pow(m.sgd.mu, float64(lazy.age)), m.sgd.coast(lazy.age)
			for i := range x {
				x[i] = float32(float64(lazy.z[l][i]) - coast*float64(lazy.u[l][i]))
				v[i] = float32(shrink * float64(lazy.u[l][i]))
			}
		}
		if m.err != nil {
			return nil
		}
		r.State.Weights, r.State.WeightsV = append(r.State.Weights, w.plain(x)), append(r.State.WeightsV, w.plain(v))
		r.State.Bias, r.State.BiasV = append(r.State.Bias, m.download(w.b, w.outputs)),
			append(r.State.BiasV, m.download(w.bv, w.outputs))
	}
	r.Loss = mean(m.download(m.loss, m.s.Batch))
	return r
}

func mean(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x))
}
