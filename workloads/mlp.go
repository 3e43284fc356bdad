package workloads

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// MLPSpec is one training iteration of a multi-layer perceptron: forward, backward, SGD with momentum.
type MLPSpec struct {
	Layers    []int             // sizes: inputs, hidden layers, classes
	Batch     int               // samples; a multiple of 4
	Method    dropout.Method    // none, dense, masked, rdp or tdp
	Rates     []float64         // dropout rate of each hidden layer: scales what is kept by 1/(1-rate); Bernoulli rate of dense and masked
	Patterns  []dropout.Pattern // rdp, tdp: this iteration's pattern of each hidden layer
	LR        float32
	Momentum  float32
	Seed      uint64
	Iteration uint64 // selects the Bernoulli masks
	// State, when set, gives the starting weights; nil draws them from Seed.
	State *MLPState
	// Input is Batch x Layers[0], Labels one class a sample; nil draws them from Seed.
	Input  []float32
	Labels []int32
}

// MLPState is what training changes: layer l has Weights[l] (Layers[l] x Layers[l+1], row-major), Bias[l], and their momenta.
type MLPState struct {
	Weights, Bias, WeightsV, BiasV [][]float32
}

// Options are what does not change a result.
type Options struct {
	Threads  int // simulating goroutines, 0 = one a core
	Progress func(done, total int)
}

// IterationResult is a simulated iteration.
type IterationResult struct {
	Cycles   int64 // launches with their overhead, and copies
	TimeUS   float64
	Launches []LaunchResult
	Counters sim.Counters // sum
	State    *MLPState    // after the step
	Loss     float64      // mean over the batch
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
		if i > 0 && i < len(s.Layers)-1 && n%4 != 0 {
			return fmt.Errorf("layers[%d]: %d is not a multiple of 4", i, n)
		}
	}
	if s.Batch < 4 || s.Batch > 65535 || s.Batch%4 != 0 {
		return fmt.Errorf("batch: %d is not a multiple of 4 in 4..65532", s.Batch)
	}
	hidden := len(s.Layers) - 2
	switch s.Method {
	case dropout.None:
		return nil
	case dropout.Dense, dropout.Masked, dropout.RDP, dropout.TDP:
	default:
		return fmt.Errorf("method: %q is not one of none, dense, masked, rdp, tdp", s.Method)
	}
	if len(s.Rates) != hidden {
		return fmt.Errorf("rates: %d for %d hidden layers", len(s.Rates), hidden)
	}
	for i, r := range s.Rates {
		if !(r >= 0 && r < 1) {
			return fmt.Errorf("rates[%d]: %g is not in [0, 1)", i, r)
		}
	}
	if s.Method != dropout.RDP && s.Method != dropout.TDP {
		return nil
	}
	if len(s.Patterns) != hidden {
		return fmt.Errorf("patterns: %d for %d hidden layers", len(s.Patterns), hidden)
	}
	for i, p := range s.Patterns {
		most := s.Layers[i+1]
		if s.Method == dropout.TDP {
			most = max((s.Layers[i]/TDPTile)*(s.Layers[i+1]/TDPTile), 1)
		}
		if p.DP < 1 || p.DP > most || p.Bias < 1 || p.Bias > p.DP {
			return fmt.Errorf("patterns[%d]: dp %d, bias %d; dp must be in 1..%d, bias in 1..dp", i, p.DP, p.Bias, most)
		}
	}
	return nil
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
	s       *MLPSpec
	x       []sim.Ptr // activations, x[0] the input: Batch x Layers[l]
	dx      []sim.Ptr // their gradients
	w, v, g []sim.Ptr
	b, bv   []sim.Ptr
	bg      []sim.Ptr
	mask    []sim.Ptr
	labels  sim.Ptr
	loss    sim.Ptr
	last    int // index of the last weight layer
}

// SimulateMLP runs one training iteration on a fresh device of preset gpu. It computes real numbers: State is what a CPU
// gets with the same masks, to FP32 rounding.
func SimulateMLP(ctx context.Context, gpu *sim.GPU, spec MLPSpec, opt Options) (*IterationResult, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	spec.fill()
	r, err := newRunner(ctx, gpu, opt.Threads)
	if err != nil {
		return nil, err
	}
	m := &mlp{runner: r, s: &spec, last: len(spec.Layers) - 2}
	if opt.Progress != nil {
		total := 10 * (m.last + 1) // an estimate; the last call corrects it
		r.progress = func(done int) { opt.Progress(done, max(total, done+1)) }
	}
	m.allocate()
	m.input()
	for l := 0; l <= m.last; l++ {
		m.forward(l)
	}
	m.softmax()
	for l := m.last; l >= 0; l-- {
		m.backward(l)
	}
	for l := 0; l <= m.last; l++ {
		m.update(l)
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

func (m *mlp) allocate() {
	s := m.s
	for _, n := range s.Layers {
		m.x = append(m.x, m.malloc(s.Batch*n))
		m.dx = append(m.dx, m.malloc(s.Batch*n))
		m.mask = append(m.mask, m.malloc(s.Batch*n/4))
	}
	for l := 0; l <= m.last; l++ {
		n := s.Layers[l] * s.Layers[l+1]
		m.w = append(m.w, m.upload(s.State.Weights[l]))
		m.v = append(m.v, m.upload(s.State.WeightsV[l]))
		m.g = append(m.g, m.malloc(n))
		m.b = append(m.b, m.upload(s.State.Bias[l]))
		m.bv = append(m.bv, m.upload(s.State.BiasV[l]))
		m.bg = append(m.bg, m.malloc(s.Layers[l+1]))
	}
	m.labels = m.malloc(s.Batch)
	m.loss = m.malloc(s.Batch)
}

func (m *mlp) input() {
	m.copyIn("copy batch", m.x[0], floatBytes(m.s.Input))
	b := make([]byte, 4*len(m.s.Labels))
	for i, v := range m.s.Labels {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	}
	m.copyIn("copy labels", m.labels, b)
}

// kept returns which neurons of layer i (0 = the input) the row pattern keeps.
func (m *mlp) kept(i int) Kept {
	if m.s.Method != dropout.RDP || i == 0 || i > m.last {
		return All
	}
	return KeptBy(m.s.Patterns[i-1])
}

// tiled reports whether the weights of layer l are dropped by tiles.
func (m *mlp) tiled(l int) bool { return m.s.Method == dropout.TDP && l < m.last }

// masked reports whether layer i of activations has a Bernoulli mask.
func (m *mlp) masked(i int) bool {
	return (m.s.Method == dropout.Dense || m.s.Method == dropout.Masked) && i > 0 && i <= m.last
}

func flat(n, threads int) sim.LaunchConfig {
	return sim.LaunchConfig{Grid: sim.Dim3{X: ceil(n, threads)}, Block: sim.Dim3{X: threads}}
}

func perRow(columns, rows, threads int) sim.LaunchConfig {
	return sim.LaunchConfig{Grid: sim.Dim3{X: ceil(columns, threads), Y: rows}, Block: sim.Dim3{X: threads}}
}

func (m *mlp) forward(l int) {
	s := m.s
	in, out, batch := s.Layers[l], s.Layers[l+1], s.Batch
	name := func(what string) string { return fmt.Sprintf("%s %d", what, l+1) }
	x, w, y := RowMajor(m.x[l], in), RowMajor(m.w[l], out), RowMajor(m.x[l+1], out)
	if m.masked(l + 1) {
		m.launch(name("random mask"), PartMask, "elementwise", "bernoulli_mask", 0, flat(ceil(batch*out, 4), 128),
			sim.PtrArg(m.mask[l+1]), sim.I32(int32(batch*out)), sim.U32(uint32(s.Seed)), sim.U32(uint32(s.Seed>>32)), sim.U32(uint32(l)),
			sim.U32(uint32(s.Iteration)), sim.U32(uint32(s.Iteration>>32)), sim.U32(uint32(dropout.Threshold(s.Rates[l]))))
	}
	ki, ko := m.kept(l), m.kept(l+1)
	switch {
	case m.tiled(l):
		m.gemmTiled(name("forward"), PartForward, y, x, w, batch, out, in, m.s.scale(l), s.Patterns[l], false, ceil(out, TDPTile))
	case s.Method == dropout.Masked && m.masked(l+1):
		m.gemmMasked(name("forward"), PartForward, y, x, w, batch, out, in, 1, m.mask[l+1])
	default:
		m.gemm(name("forward"), PartForward, y.Keep(All, ko), x.Keep(All, ki), w.Keep(ki, ko), batch, ko.Count(out), ki.Count(in), 1)
	}
	if l == m.last {
		m.launch(name("bias"), PartActivation, "elementwise", "bias_add", 0, perRow(out, batch, 128), sim.PtrArg(m.x[l+1]), sim.PtrArg(m.b[l]), sim.I32(int32(out)))
		return
	}
	scale := float32(1)
	if s.Method == dropout.RDP {
		scale = s.scale(l)
	}
	n := ko.Count(out)
	m.launch(name("bias, relu"), PartActivation, "elementwise", "bias_relu", 0, perRow(n, batch, 128),
		sim.PtrArg(m.x[l+1]), sim.PtrArg(m.b[l]), sim.I32(int32(n)), sim.I32(int32(out)), sim.I32(int32(ko.Off)), sim.I32(int32(ko.Step)), sim.F32(scale))
	if m.masked(l + 1) {
		m.launch(name("apply mask"), PartMask, "elementwise", "apply_mask", 0, flat(batch*out/4, 128),
			sim.PtrArg(m.x[l+1]), sim.PtrArg(m.mask[l+1]), sim.I32(int32(batch*out/4)), sim.F32(s.scale(l)))
	}
}

func (m *mlp) softmax() {
	s := m.s
	m.launch("softmax, loss", PartLoss, "elementwise", "softmax_loss", 0, flat(s.Batch, 32),
		sim.PtrArg(m.x[m.last+1]), sim.PtrArg(m.loss), sim.PtrArg(m.labels), sim.I32(int32(s.Batch)), sim.I32(int32(s.Layers[m.last+1])))
	m.dx[m.last+1] = m.x[m.last+1] // the logits became their gradient
}

func (m *mlp) backward(l int) {
	s := m.s
	in, out, batch := s.Layers[l], s.Layers[l+1], s.Batch
	name := func(what string) string { return fmt.Sprintf("%s %d", what, l+1) }
	x, w, dy, g := RowMajor(m.x[l], in), RowMajor(m.w[l], out), RowMajor(m.dx[l+1], out), RowMajor(m.g[l], out)
	ki, ko := m.kept(l), m.kept(l+1)
	n := ko.Count(out)
	if l < m.last { // through the activation
		// The factor of what is kept stands behind the ReLU, but for TDP, where it belongs to the product.
		scale := s.scale(l)
		if m.tiled(l) {
			scale = 1
		}
		m.launch(name("relu backward"), PartActivation, "elementwise", "relu_backward", 0, perRow(n, batch, 128),
			sim.PtrArg(m.dx[l+1]), sim.PtrArg(m.x[l+1]), sim.I32(int32(n)), sim.I32(int32(out)), sim.I32(int32(ko.Off)), sim.I32(int32(ko.Step)), sim.F32(scale))
	}
	if l > 0 {
		dx := RowMajor(m.dx[l], in)
		if m.tiled(l) {
			m.gemmTiled(name("backward data"), PartBackwardData, dx, dy, w.T(), batch, in, out, s.scale(l), s.Patterns[l], true, ceil(out, TDPTile))
		} else {
			m.gemm(name("backward data"), PartBackwardData, dx.Keep(All, ki), dy.Keep(All, ko), w.Keep(ki, ko).T(), batch, ki.Count(in), n, 1)
		}
	}
	if m.tiled(l) || ki != All || ko != All {
		// Entries outside of the pattern have no gradient; the dense update reads them all.
		m.launch(name("clear gradient"), PartFill, "elementwise", "fill_zero", 0, flat(ceil(in*out, 4), 128), sim.PtrArg(m.g[l]), sim.I32(int32(ceil(in*out, 4))))
		m.launch(name("clear bias gradient"), PartFill, "elementwise", "fill_zero", 0, flat(ceil(out, 4), 128), sim.PtrArg(m.bg[l]), sim.I32(int32(ceil(out, 4))))
	}
	if m.tiled(l) {
		m.gemmTiledGradient(name("backward weights"), g, x.T(), dy, in, out, batch, s.scale(l), s.Patterns[l])
	} else {
		m.gemm(name("backward weights"), PartBackwardWeights, g.Keep(ki, ko), x.Keep(All, ki).T(), dy.Keep(All, ko), ki.Count(in), n, batch, 1)
	}
	m.launch(name("bias gradient"), PartBackwardWeights, "elementwise", "bias_gradient", 0, flat(n, 64),
		sim.PtrArg(m.bg[l]), sim.PtrArg(m.dx[l+1]), sim.I32(int32(batch)), sim.I32(int32(n)), sim.I32(int32(out)), sim.I32(int32(ko.Off)), sim.I32(int32(ko.Step)))
}

func (m *mlp) update(l int) {
	s := m.s
	step := func(what string, w, v, g sim.Ptr, n int) {
		n4 := ceil(n, 4) // buffers are padded to whole vectors, the padding stays zero
		m.launch(fmt.Sprintf("%s %d", what, l+1), PartUpdate, "elementwise", "sgd_update", 4*int64(n), flat(n4, 128),
			sim.PtrArg(w), sim.PtrArg(v), sim.PtrArg(g), sim.I32(int32(n4)), sim.F32(s.LR), sim.F32(s.Momentum))
	}
	step("update weights", m.w[l], m.v[l], m.g[l], s.Layers[l]*s.Layers[l+1])
	step("update bias", m.b[l], m.bv[l], m.bg[l], s.Layers[l+1])
}

func (m *mlp) result() *IterationResult {
	r := &IterationResult{Launches: m.launches, State: &MLPState{}}
	for i := range r.Launches {
		r.Cycles += r.Launches[i].Cycles
		r.Counters.Add(&r.Launches[i].Counters)
	}
	for l := 0; l <= m.last; l++ {
		in, out := m.s.Layers[l], m.s.Layers[l+1]
		r.State.Weights = append(r.State.Weights, m.download(m.w[l], in*out))
		r.State.WeightsV = append(r.State.WeightsV, m.download(m.v[l], in*out))
		r.State.Bias = append(r.State.Bias, m.download(m.b[l], out))
		r.State.BiasV = append(r.State.BiasV, m.download(m.bv[l], out))
	}
	for _, v := range m.download(m.loss, m.s.Batch) {
		r.Loss += float64(v) / float64(m.s.Batch)
	}
	return r
}
