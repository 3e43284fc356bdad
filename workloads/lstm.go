package workloads

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"warpdrop/dropout"
	"warpdrop/internal/hostmem"
	"warpdrop/sim"
)

// LSTMSpec is one training iteration of a word LSTM: embedding, Layers LSTM layers of Hidden units, softmax over the
// Vocabulary; truncated back-propagation over Steps words of Batch sequences side by side, clipping, plain SGD. Dropout
// acts on the non-recurrent connections, at Layers+1 sites: the inputs of each LSTM layer and of the output layer, with
// one mask a word (dense, masked) or one pattern an iteration (rdp: of the input's units, tdp: of the weights' tiles).
type LSTMSpec struct {
	Layers, Hidden int // Hidden: a multiple of 4, also the width of the embedding
	Vocabulary     int
	Batch, Steps   int
	Method         dropout.Method // none, dense, masked or one with patterns
	// dropout rate at the input of each LSTM layer; the last one also at that of the output layer
	Rates    []float64
	Patterns []dropout.Pattern // this iteration's pattern at each of the Layers+1 sites, where the method has any
	// methods that drop rows: in place of Patterns those of each of several groups of sequences, all neighbours
	Groups     [][]dropout.Pattern
	GroupSteps bool // … of time steps
	Tile       int  // methods that drop tiles: side of a weight tile, 32 (0 too) or 64
	LR         float32
	Clip       float32 // largest norm of all gradients together; 0 = none
	Seed       uint64
	Iteration  uint64 // selects the Bernoulli masks
	// Known, when set, simulates repeated launches as often as it says; State is nil and Loss NaN then. Iterations may
	// share one.
	Known *Known
	// State, when set, gives the starting weights and state; nil draws them from Seed.
	State *LSTMState
	// Tokens has (Steps+1) x Batch words, step by step: each is to be predicted from those before it. nil draws them from
	// Seed.
	Tokens []int32
}

// LSTMState is what training changes; matrices are row-major, the gates of a layer in the order input, forget, cell,
// output.
type LSTMState struct {
	Embedding        []float32   // Vocabulary x Hidden
	Input, Recurrent [][]float32 // of each layer: Hidden x 4 Hidden
	Bias             [][]float32 // of each layer: 4 Hidden
	Output           []float32   // Hidden x Vocabulary
	OutputBias       []float32
	H, C             [][]float32 // of each layer, before the first step: Batch x Hidden
}

// maxWords is the most words an iteration may have (lstm.cu: embedding_gradient).
const maxWords = 65536

// Check reports the first value that is out of its range.
func (s *LSTMSpec) Check() error {
	for _, r := range []struct {
		name           string
		n, least, most int
	}{{"layers", s.Layers, 1, 16}, {"hidden", s.Hidden, 4, 16384}, {"vocabulary", s.Vocabulary, 2, 1000000},
		{"batch", s.Batch, 1, 65535}, {"steps", s.Steps, 1, 65535},
		{"batch * steps", s.Batch * s.Steps, 1, maxWords}} {
		if r.n < r.least || r.n > r.most {
			return fmt.Errorf("%s: %d is not in %d..%d", r.name, r.n, r.least, r.most)
		}
	}
	switch {
	case s.Hidden%4 != 0:
		return fmt.Errorf("hidden: %d is not a multiple of 4", s.Hidden)
	case s.Known != nil && s.Known.Repeats < 1:
		return fmt.Errorf("simulated repeats: %d is not above 0", s.Known.Repeats)
	case !(s.Clip >= 0):
		return fmt.Errorf("clip: %g is not a number from 0 up", s.Clip)
	}
	for i, t := range s.Tokens {
		if t < 0 || int(t) >= s.Vocabulary {
			return fmt.Errorf("tokens[%d]: %d is not in 0..%d", i, t, s.Vocabulary-1)
		}
	}
	if n := (s.Steps + 1) * s.Batch; s.Tokens != nil && len(s.Tokens) != n {
		return fmt.Errorf("tokens: %d of them; (steps+1) * batch is %d", len(s.Tokens), n)
	}
	if err := dropout.Check(s.Method, dropout.LSTM.Methods(), s.Rates, s.Layers); err != nil ||
		!s.Method.Approximate() && s.Groups == nil {
		return err
	}
	if s.Groups != nil && s.Method.Drops() != dropout.DropsRows {
		return noGroups(s.Method)
	}
	if err := checkTile(s.Method, s.Tile); err != nil {
		return err
	}
	most := make([]int, s.Layers+1) // the inputs of the layers and of the output layer
	for i := range most {
		most[i] = dropout.MaxKept(s.Method, s.Hidden, s.Hidden, s.Outputs(i), tileSide(s.Tile))
	}
	if s.Groups != nil {
		of := s.Batch
		if s.GroupSteps {
			of = s.Steps
		}
		return checkGroups(s.Method, s.Groups, of, most)
	}
	return dropout.CheckPatterns(s.Method, s.Patterns, most)
}

// Outputs is how many columns the weights behind a site have.
func (s *LSTMSpec) Outputs(site int) int {
	if site < s.Layers {
		return 4 * s.Hidden
	}
	return s.Vocabulary
}

// rate is the dropout rate of a site.
func (s *LSTMSpec) rate(site int) float64 { return s.Rates[min(site, s.Layers-1)] }

// scale is the factor of what a site keeps.
func (s *LSTMSpec) scale(site int) float32 {
	if s.Method == dropout.None {
		return 1
	}
	return float32(1 / (1 - s.rate(site)))
}

// fill draws what the spec leaves open: weights uniform in ±1/sqrt(Hidden), biases and state zero, words uniform.
func (s *LSTMSpec) fill() {
	rng := rand.New(rand.NewPCG(s.Seed, 2))
	if s.State == nil {
		h := s.Hidden
		limit := float32(1 / math.Sqrt(float64(h)))
		draw := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = (2*rng.Float32() - 1) * limit
			}
			return x
		}
		st := &LSTMState{Embedding: draw(s.Vocabulary * h), Output: draw(h * s.Vocabulary),
			OutputBias: make([]float32, s.Vocabulary)}
		for range s.Layers {
			st.Input, st.Recurrent = append(st.Input, draw(4*h*h)), append(st.Recurrent, draw(4*h*h))
			st.Bias = append(st.Bias, make([]float32, 4*h))
			st.H, st.C = append(st.H, make([]float32, s.Batch*h)), append(st.C, make([]float32, s.Batch*h))
		}
		s.State = st
	}
	if s.Tokens == nil {
		s.Tokens = make([]int32, (s.Steps+1)*s.Batch)
		for i := range s.Tokens {
			s.Tokens[i] = int32(rng.IntN(s.Vocabulary))
		}
	}
}

// lstm is an iteration's matrices on the device.
type lstm struct {
	*runner
	s         *LSTMSpec
	words     int         // Steps * Batch
	keep      []axis      // of each site: the units that are kept
	lists     copied      // of kept units or tiles: behind the words
	x, dx     []sim.Ptr   // of each site: words rows of the kept units, padded to fours
	mask      []sim.Ptr   // of each site: Bernoulli
	in        []*weights  // behind each site: the LSTM layers' and the output layer's
	rec       []*weights  // of each layer
	gates     []sim.Ptr   // of each layer: words x 4 Hidden
	h, c      []sim.Ptr   // of each layer: (Steps+1) * Batch x Hidden, the first step the state before
	recurrent sim.Ptr     // Batch x 4 Hidden: of one step
	dh, dc    sim.Ptr     // Batch x Hidden
	expanded  sim.Ptr     // words x Hidden: gradients of listed units in their places
	tokens    sim.Ptr     // (Steps+1) x Batch
	table     sim.Ptr     // embedding
	gTable    sim.Ptr     // words x kept units: its gradient, by first words
	first     sim.Ptr     // words
	logits    sim.Ptr     // words x Vocabulary, padded
	loss      sim.Ptr     // words
	gradients sim.Ptr     // those that have no tiles, one after the other
	squares   int         // how many numbers these are
	parts     sim.Ptr     // sums of squares
	nparts    int         // how many there are
	clip      sim.Ptr     // factor
	groups    *lstmGroups // nil: one pattern for all
}

// Memory is what an iteration needs of the host, about: weights to begin with; on the device these, gradients, the
// embedding's, and activations.
func (s *LSTMSpec) Memory() int64 {
	h, v, layers := float64(s.Hidden), float64(s.Vocabulary), float64(s.Layers)
	words := float64(s.Batch) * float64(s.Steps)
	weights := layers*8*h*h + h*v
	activations := words * (v + h*layers*10)
	return int64(4 * (3*weights + 2*h*v + 2*activations))
}

// SimulateLSTM runs one training iteration on a fresh device of preset gpu. It computes real numbers, as SimulateMLP
// does, unless launches are Known. Products of the inputs, and of the gradients of weights, are done for all steps at
// once, as cuDNN does them; those with the state are one a step.
func SimulateLSTM(ctx context.Context, gpu *sim.GPU, spec LSTMSpec, opt Options) (*IterationResult, error) {
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
	r.known = spec.Known
	m := &lstm{runner: r, s: &spec, words: spec.Steps * spec.Batch}
	if opt.Progress != nil {
		total := 4*spec.Steps*spec.Layers + 8*spec.Layers + 12 // an estimate; the last call corrects it
		r.progress = func(done int) { opt.Progress(done, max(total, done+1)) }
	}
	m.allocate()
	m.copyIn("copy words", m.tokens, append(intBytes(spec.Tokens), intBytes(m.lists.numbers)...))
	for site := range spec.Layers {
		m.input(site)
		m.forward(site)
	}
	m.input(spec.Layers)
	m.output()
	for l := spec.Layers - 1; l >= 0; l-- {
		m.backward(l)
	}
	m.update()
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

func (m *lstm) width(site int) int { return m.keep[site].Size() }

// rows reports whether the sites keep some of the units, one pattern for all words.
func (m *lstm) rows() bool { return m.s.Method.Drops() == dropout.DropsRows && len(m.s.Groups) == 0 }

// xOf is the input of a site: words x kept units.
func (m *lstm) xOf(site int) Operand { return RowMajor(m.x[site], pad4(m.width(site))) }

func (m *lstm) dxOf(site int) Operand { return RowMajor(m.dx[site], pad4(m.width(site))) }

func (m *lstm) masked() bool { return m.s.Method.Drops() == dropout.DropsMask }

func (m *lstm) allocate() {
	s := m.s
	h, b := s.Hidden, s.Batch
	if m.err != nil {
		return
	}
	tiles := m.keepUnits()
	var room gradientRoom
	for l := 0; l <= s.Layers; l++ {
		m.inputOf(l, tiles[l], &room)
		if l < s.Layers {
			m.recurrentOf(l, &room)
		}
	}
	room.add(&m.gTable, m.words*pad4(m.width(0)))
	m.gradients, m.squares = m.zeros(room.size), room.size // also what fills up rows
	room.place(m.gradients)
	for site := 0; site <= s.Layers; site++ {
		if site > 0 && !m.masked() && !m.rows() {
			m.x = append(m.x, m.step(m.h[site-1], 1, h)) // nothing is dropped from the units
			continue
		}
		m.x = append(m.x, m.malloc(m.words*pad4(m.width(site))))
	}
	m.recurrent, m.dh, m.dc = m.malloc(b*4*h), m.malloc(b*h), m.malloc(b*h)
	if m.tokens == 0 {
		m.tokens = m.malloc((s.Steps + 1) * b)
	}
	m.first, m.loss = m.malloc(m.words), m.malloc(m.words)
	m.table = m.upload(s.State.Embedding)
	m.logits = m.malloc(m.words * pad4(s.Vocabulary))
	m.parts = m.malloc(maxParts * (s.Layers + 2))
	m.clip = m.upload([]float32{1})
	if m.groups != nil {
		m.allocateGroups()
	}
}

// keepUnits finds what the sites keep: units, and tiles of the weights behind them.
func (m *lstm) keepUnits() []*keptTiles {
	s := m.s
	kept := slices.Repeat([]dropout.Kept{dropout.KeepAll(s.Hidden)}, s.Layers+1)
	tiles := make([]*keptTiles, s.Layers+1)
	for site := range kept {
		if !s.Method.Approximate() || len(s.Groups) > 0 {
			continue
		}
		side := tileSide(s.Tile)
		shape := dropout.ShapeOf(s.Hidden, s.Hidden, s.Outputs(site), side)
		selection := selectionOf(s.Method, s.Patterns[site], shape)
		if kept[site] = selection.Units; !m.rows() {
			tiles[site] = newKeptTiles(selection, s.Hidden, s.Outputs(site), side, &m.lists)
		}
	}
	m.keep = newAxes(kept, &m.lists)
	if len(s.Groups) > 0 {
		m.groups = m.split()
	}
	if len(m.lists.numbers) > 0 {
		m.tokens = m.lists.behind(m.runner, len(s.Tokens))
	}
	if listed(m.keep...) || m.groups != nil {
		m.expanded = m.malloc(m.words * s.Hidden)
	}
	return tiles
}

// gradientRoom lays the gradients without tiles out, one after the other, for one sum of squares.
type gradientRoom struct {
	size    int
	places  []*sim.Ptr
	offsets []int
}

func (r *gradientRoom) add(p *sim.Ptr, n int) {
	r.places, r.offsets = append(r.places, p), append(r.offsets, r.size)
	r.size += pad4(n)
}

// place sets all pointers, the first to base.
func (r *gradientRoom) place(base sim.Ptr) {
	for i, p := range r.places {
		*p = base + sim.Ptr(4*r.offsets[i])
	}
}

// inputOf makes the weights of site l's inputs, and what the site has beside them.
func (m *lstm) inputOf(l int, tiles *keptTiles, room *gradientRoom) {
	s, h := m.s, m.s.Hidden
	w := &weights{rows: h, cols: s.Outputs(l), kr: m.keep[l], kc: whole(s.Outputs(l)), tiles: tiles, outputs: s.Outputs(l)}
	state, bias := s.State.Output, s.State.OutputBias
	if l < s.Layers {
		state, bias = s.State.Input[l], s.State.Bias[l]
	}
	w.w, w.b = m.upload(w.stored(func(i int) float32 { return state[i] })), m.upload(bias)
	if s.Method.Drops() == dropout.DropsTiles {
		w.g = m.zeros(w.rows * w.ld())
	} else {
		room.add(&w.g, pad4(m.width(l))*w.ld())
	}
	if listed(w.kr) {
		w.kept = m.malloc(w.size())
	}
	room.add(&w.bg, w.outputs)
	m.in = append(m.in, w)
	m.mask = append(m.mask, 0)
	if m.masked() {
		m.mask[l] = m.malloc(m.words * h / 4)
	}
	m.dx = append(m.dx, m.malloc(m.words*pad4(m.width(l))))
}

// recurrentOf makes the recurrent weights of layer l, and its states.
func (m *lstm) recurrentOf(l int, room *gradientRoom) {
	s, h := m.s, m.s.Hidden
	r := &weights{rows: h, cols: 4 * h, kr: whole(h), kc: whole(4 * h)}
	r.w = m.upload(s.State.Recurrent[l])
	room.add(&r.g, h*4*h)
	m.rec = append(m.rec, r)
	m.gates = append(m.gates, m.malloc(m.words*4*h))
	states := (s.Steps + 1) * s.Batch * h
	m.h, m.c = append(m.h, m.malloc(states)), append(m.c, m.malloc(states))
	if m.err == nil {
		m.err = m.dev.Write(m.h[l], floatBytes(s.State.H[l]))
	}
	if m.err == nil {
		m.err = m.dev.Write(m.c[l], floatBytes(s.State.C[l]))
	}
}

// step is where step t of a matrix with width numbers a word begins.
func (m *lstm) step(p sim.Ptr, t, width int) sim.Ptr { return p + sim.Ptr(4*t*m.s.Batch*width) }

// input makes the input of a site: words, or the outputs of the layer below, with dropout.
func (m *lstm) input(site int) {
	if m.groups != nil {
		m.inputGroups(site)
		return
	}
	s := m.s
	h := s.Hidden
	x, k, n4 := m.xOf(site), m.keep[site], m.words*pad4(m.width(site))/4
	name := func(what string) string { return fmt.Sprintf("%s %d", what, site+1) }
	scale := float32(1)
	if m.rows() {
		scale = s.scale(site)
	}
	module, suffix, which := "lstm", "", k.stride()
	if listed(k) {
		module, suffix, which = "rows", "_list", k.indices()[:1]
	}
	shape := append(append([]sim.Arg{i32(n4), i32(m.width(site)), i32(pad4(m.width(site)) / 4), i32(h)}, which...),
		sim.F32(scale))
	from := x.Ptr
	switch {
	case site == 0:
		m.launch("embedding", PartEmbedding, module, "embedding"+suffix, 0, flat(n4, 128),
			append([]sim.Arg{sim.PtrArg(x.Ptr), sim.PtrArg(m.table), sim.PtrArg(m.tokens)}, shape...)...)
	case m.rows():
		m.launch(name("keep units"), PartGather, module, "compact"+suffix, 0, flat(n4, 128),
			append([]sim.Arg{sim.PtrArg(x.Ptr), sim.PtrArg(m.step(m.h[site-1], 1, h))}, shape...)...)
	default:
		from = m.step(m.h[site-1], 1, h)
	}
	if m.masked() {
		m.launch(name("dropout"), PartMask, "elementwise", "dropout", 0, flat(n4, 128),
			append(append([]sim.Arg{sim.PtrArg(x.Ptr), sim.PtrArg(from), sim.PtrArg(m.mask[site]), i32(n4)},
				randomArgs(s.Seed, site, s.Iteration, s.rate(site))...), sim.F32(s.scale(site)))...)
	}
}

// product is y = x W behind a site, for all words.
func (m *lstm) product(what string, site int, y Operand) {
	if m.groups != nil {
		m.productGroups(what, site, y)
		return
	}
	w := m.in[site]
	if w.tiles != nil {
		m.gemmTiled(what, PartForward, y, m.xOf(site), w.operand(), m.words, w.cols, w.rows, m.s.scale(site), 0,
			w.tiles, false)
		return
	}
	m.gather(what+": kept weights", w, momentum{})
	// the padding is there, and zero
	m.gemm(what, PartForward, y, m.xOf(site), w.operand(), m.words, w.ld(), pad4(m.width(site)), 1, 0)
}

func (m *lstm) forward(l int) {
	s := m.s
	h, b := s.Hidden, s.Batch
	name := func(what string) string { return fmt.Sprintf("%s %d", what, l+1) }
	m.product(name("input product"), l, RowMajor(m.gates[l], 4*h))
	for t := range s.Steps {
		m.gemm(name("recurrent product"), PartRecurrent, RowMajor(m.recurrent, 4*h), RowMajor(m.step(m.h[l], t, h), h),
			m.rec[l].operand(), b, 4*h, h, 1, 0)
		m.launch(name("cell"), PartActivation, "lstm", "lstm_forward", 0, flat(b*h, 128),
			sim.PtrArg(m.step(m.gates[l], t, 4*h)), sim.PtrArg(m.recurrent), sim.PtrArg(m.in[l].b),
			sim.PtrArg(m.step(m.c[l], t, h)), sim.PtrArg(m.step(m.c[l], t+1, h)), sim.PtrArg(m.step(m.h[l], t+1, h)),
			i32(b*h), i32(h))
	}
}

// output is the output layer with the loss, forward and backward.
func (m *lstm) output() {
	s := m.s
	w, logits := m.in[s.Layers], RowMajor(m.logits, pad4(s.Vocabulary))
	m.product("output product", s.Layers, logits)
	targets := m.step(m.tokens, 1, 1)
	if m.groups != nil && m.groups.targets != 0 {
		targets = m.groups.targets
	}
	m.launch("softmax, loss", PartLoss, "elementwise", "softmax_loss_wide", 0, flat(256*m.words, 256),
		sim.PtrArg(m.logits), sim.PtrArg(w.b), sim.PtrArg(m.loss), sim.PtrArg(targets), i32(m.words), i32(s.Vocabulary),
		i32(pad4(s.Vocabulary)))
	m.through("output", s.Layers, logits)
}

// through goes back through the product behind a site: the gradients of its weights, bias and input.
func (m *lstm) through(what string, site int, dy Operand) {
	if m.groups != nil {
		m.throughGroups(what, site, dy)
		return
	}
	s, w := m.s, m.in[site]
	x, dx := m.xOf(site), m.dxOf(site)
	if w.tiles != nil {
		m.gemmTiledGradient(what+" backward weights", w.gradient(), x.T(), dy, w.rows, w.cols, m.words, s.scale(site),
			0, w.tiles)
		m.gemmTiled(what+" backward data", PartBackwardData, dx, dy, w.operand().T(), m.words, w.rows, w.cols, s.scale(site),
			0, w.tiles, true)
	} else {
		m.gemm(what+" backward weights", PartBackwardWeights, w.gradient(), x.T(), dy, x.Row, dy.Row, m.words, 1, 0)
		if s.Method == dropout.Masked {
			m.gemmMasked(what+" backward data", PartBackwardData, dx, dy, w.operand().T(), m.words, w.rows, w.cols, 1, 0,
				m.mask[site])
		} else {
			m.gemm(what+" backward data", PartBackwardData, dx, dy, w.operand().T(), m.words, pad4(m.width(site)), w.ld(), 1, 0)
		}
	}
	m.columnSums(what+" bias gradient", w.bg, dy, m.words, w.cols)
	if m.masked() {
		n4 := m.words * s.Hidden / 4
		m.launch(what+" mask backward", PartMask, "elementwise", "apply_mask", 0, flat(n4, 128), sim.PtrArg(dx.Ptr),
			sim.PtrArg(dx.Ptr), sim.PtrArg(m.mask[site]), i32(n4), sim.F32(s.scale(site)))
	}
}

func (m *lstm) backward(l int) {
	s := m.s
	h, b := s.Hidden, s.Batch
	name := func(what string) string { return fmt.Sprintf("%s %d", what, l+1) }
	above, k := m.dxOf(l+1), m.keep[l+1]
	scale, last := float32(1), int32(1)
	if m.rows() {
		scale = s.scale(l + 1)
	}
	if listed(k) {
		n4 := m.words * h / 4
		m.launch(name("gradients in place"), PartGather, "rows", "expand_list", 0, flat(n4, 128),
			append(append([]sim.Arg{sim.PtrArg(m.expanded), sim.PtrArg(above.Ptr),
				i32(n4), i32(above.Row), i32(h / 4)}, k.indices()...), sim.F32(scale))...)
		above, k, scale = RowMajor(m.expanded, h), whole(h), 1
	}
	if m.groups != nil {
		above = RowMajor(m.expanded, h)
	}
	for t := s.Steps - 1; t >= 0; t-- {
		gates := m.step(m.gates[l], t, 4*h)
		m.launch(name("cell backward"), PartActivation, "lstm", "lstm_backward", 0, flat(b*h, 128), sim.PtrArg(gates),
			sim.PtrArg(m.step(above.Ptr, t, above.Row)), sim.PtrArg(m.dh), sim.PtrArg(m.dc), sim.PtrArg(m.step(m.c[l], t, h)),
			sim.PtrArg(m.step(m.c[l], t+1, h)), i32(b*h), i32(h), i32(above.Row), i32(k.First), i32(k.Step), sim.F32(scale),
			sim.I32(last))
		last = 0
		if t > 0 { // the state before the first step is given
			m.gemm(name("recurrent backward"), PartRecurrent, RowMajor(m.dh, h), RowMajor(gates, 4*h), m.rec[l].operand().T(), b,
				h, 4*h, 1, 0)
		}
	}
	dy := RowMajor(m.gates[l], 4*h)
	m.gemm(name("recurrent backward weights"), PartBackwardWeights, m.rec[l].gradient(), RowMajor(m.h[l], h).T(), dy, h,
		4*h, m.words, 1, 0)
	m.through(fmt.Sprintf("layer %d", l+1), l, dy)
}

// maxParts is the number of blocks that add squares up in one launch.
const maxParts = 112

func (m *lstm) update() {
	s := m.s
	ld, h := pad4(m.width(0)), s.Hidden
	k, scale := m.keep[0], float32(1)
	if m.rows() {
		scale = s.scale(0)
	}
	dx := m.dx[0]
	if m.groups != nil {
		dx = m.expanded
	}
	m.launch("embedding gradient", PartEmbedding, "lstm", "embedding_gradient", 0, flat(128*m.words, 128),
		sim.PtrArg(m.gTable), sim.PtrArg(m.first), sim.PtrArg(dx), sim.PtrArg(m.tokens), i32(m.words), i32(ld),
		sim.F32(scale))
	if s.Clip > 0 {
		m.norm()
	}
	for l, w := range m.in {
		m.descend(fmt.Sprintf("update %d", l+1), w, s.LR, m.clip)
	}
	for l, w := range m.rec {
		m.descend(fmt.Sprintf("update recurrent %d", l+1), w, s.LR, m.clip)
	}
	module, kernel, which := "lstm", "embedding_update", k.stride()
	if listed(k) {
		module, kernel, which = "rows", "embedding_update_list", k.indices()[:1]
	}
	m.launch("update embedding", PartEmbedding, module, kernel, 0, flat(128*m.words, 128),
		append(append([]sim.Arg{sim.PtrArg(m.table), sim.PtrArg(m.gTable), sim.PtrArg(m.first),
			sim.PtrArg(m.tokens), i32(m.width(0)), i32(ld), i32(h)}, which...), sim.F32(s.LR), sim.PtrArg(m.clip))...)
}

// norm computes the clipping factor from the norm of all gradients.
func (m *lstm) norm() {
	sum := func(what, module, kernel string, g sim.Ptr, n4 int, args ...sim.Arg) {
		blocks := min(ceil(n4, 256), maxParts)
		m.launch(what, PartClip, module, kernel, 8*int64(n4), flat(256*blocks, 256),
			append([]sim.Arg{sim.PtrArg(m.parts + sim.Ptr(4*m.nparts)), sim.PtrArg(g), i32(n4)}, args...)...)
		m.nparts += blocks
	}
	sum("norm", "update", "squares", m.gradients, m.squares/4)
	for l, w := range m.in {
		if w.tiles != nil {
			module, kernel := w.tiles.kernel("squares")
			sum(fmt.Sprintf("norm %d", l+1), module, kernel, w.g, w.tiles.vectors(),
				append([]sim.Arg{i32(w.rows), i32(w.ld() / 4)}, w.tiles.args()...)...)
		}
	}
	m.launch("clipping factor", PartClip, "update", "clip_factor", 0, flat(256, 256), sim.PtrArg(m.clip),
		sim.PtrArg(m.parts), i32(m.nparts), sim.F32(m.s.Clip))
}

func (m *lstm) result() *IterationResult {
	s, r := m.s, m.total()
	if s.Known != nil {
		r.Loss = math.NaN()
		return r
	}
	st := &LSTMState{}
	matrix := func(w *weights) []float32 {
		x := m.download(w.w, w.rows*w.ld())
		if m.err != nil {
			return nil
		}
		return w.plain(x)
	}
	for l, w := range m.in[:s.Layers] {
		st.Input, st.Recurrent = append(st.Input, matrix(w)), append(st.Recurrent, matrix(m.rec[l]))
		st.Bias = append(st.Bias, m.download(w.b, w.outputs))
		n := s.Batch * s.Hidden
		st.H, st.C = append(st.H, m.download(m.step(m.h[l], s.Steps, s.Hidden), n)),
			append(st.C, m.download(m.step(m.c[l], s.Steps, s.Hidden), n))
	}
	out := m.in[s.Layers]
	st.Output, st.OutputBias = matrix(out), m.download(out.b, out.outputs)
	st.Embedding = m.download(m.table, s.Vocabulary*s.Hidden)
	r.LSTM = st
	r.Loss = mean(m.download(m.loss, m.words))
	return r
}
