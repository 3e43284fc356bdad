package workloads

import (
	"fmt"
	"slices"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// Several patterns an iteration: the samples of a batch, or the words of a window, fall into groups that keep units of
// their own. A product of the weights is then one a group, and the gradients of the weights are added up.

// noGroups is the error of a method that has no groups.
func noGroups(method dropout.Method) error {
	rows := dropout.MethodsWith(func(k *dropout.Kind) bool { return k.Drops == dropout.DropsRows })
	return fmt.Errorf("groups: method %s has one pattern or mask for all, allowed with %s", method, dropout.Names(rows))
}

// checkGroups refuses groups that the batch does not have, or whose patterns do not exist.
func checkGroups(method dropout.Method, groups [][]dropout.Pattern, of int, most []int) error {
	if len(groups) > of {
		return fmt.Errorf("groups: %d is not in 1..%d", len(groups), of)
	}
	for i, patterns := range groups {
		if err := dropout.CheckPatterns(method, patterns, most); err != nil {
			return fmt.Errorf("groups[%d]: %w", i, err)
		}
	}
	return nil
}

// share is the i-th of so many parts of n, as even as can be.
func share(n, i, parts int) (from, to int) { return n * i / parts, n * (i + 1) / parts }

// places says where on the device the groups' lists of one dimension say what place an index has: from first on for the
// first group, stride numbers on for each other one.
type places struct {
	axes   []axis // of the groups
	stride int
}

// newPlaces lists what the groups keep of a dimension.
func newPlaces(kept []dropout.Kept, to *copied) *places {
	p := &places{axes: make([]axis, len(kept))}
	most := 0
	for _, k := range kept {
		most = max(most, k.Size())
	}
	p.stride = most + kept[0].N
	for i, k := range kept {
		list := make([]int, k.Size())
		for j := range list {
			list[j] = k.At(j)
		}
		to.numbers = append(to.numbers, make([]int32, most-k.Size())...)
		p.axes[i].Kept = dropout.KeepList(k.N, list)
		p.axes[i].add(to)
	}
	return p
}

// args are those of a kernel that adds the groups' gradients up.
func (p *places) args(groups, apart int) []sim.Arg {
	return []sim.Arg{i32(groups), i32(apart), sim.PtrArg(p.axes[0].list + sim.Ptr(4*p.axes[0].Size())), i32(p.stride)}
}

// most is the largest number of indices that a group keeps.
func (p *places) most() int { return p.stride - p.axes[0].N }

// mlpGroups are the groups of an MLP's batch: networks of their own that share the weights, the batch and the logits.
type mlpGroups struct {
	all    []*mlp
	kept   []*places // of each layer of weights: its outputs
	biases []sim.Ptr // of each layer of weights: the groups' gradients of biases, side by side
}

// split lists what the groups keep.
func (m *mlp) split() *mlpGroups {
	s := m.s
	g := &mlpGroups{}
	for l := 0; l <= m.last; l++ {
		n := s.Layers[l+1]
		kept := slices.Repeat([]dropout.Kept{dropout.KeepAll(n)}, len(s.Groups))
		for i := range kept {
			if l < m.last {
				kept[i] = selectionOf(s.Method, s.Groups[i][l], dropout.Shape{Units: n}).Units
			}
		}
		g.kept = append(g.kept, newPlaces(kept, &m.lists))
	}
	return g
}

// allocateGroups makes the groups' matrices, behind those that they share.
func (m *mlp) allocateGroups() {
	s, g := m.s, m.groups
	for l := 0; l <= m.last; l++ {
		g.biases = append(g.biases, m.malloc(len(s.Groups)*pad4(g.kept[l].most())))
	}
	for i := range s.Groups {
		from, to := share(s.Batch, i, len(s.Groups))
		spec := *s
		spec.Batch = to - from
		one := &mlp{runner: m.runner, s: &spec, last: m.last, keep: []axis{whole(s.Layers[0])}}
		rows := func(p sim.Ptr, width int) sim.Ptr { return p + sim.Ptr(4*from*pad4(width)) }
		one.x, one.dx = []sim.Ptr{rows(m.x[0], s.Layers[0])}, []sim.Ptr{0}
		for l := 0; l <= m.last; l++ {
			one.keep = append(one.keep, g.kept[l].axes[i])
			x, dx := rows(m.x[l+1], s.Layers[l+1]), rows(m.x[l+1], s.Layers[l+1]) // of the logits, which become their gradient
			if l < m.last {
				x, dx = m.malloc(spec.Batch*pad4(one.width(l+1))), m.malloc(spec.Batch*pad4(one.width(l+1)))
			}
			one.x, one.dx = append(one.x, x), append(one.dx, dx)
			w := *m.w[l]
			w.kr, w.kc, w.outputKc = one.keep[l], one.keep[l+1], one.keep[l+1]
			if w.transposed {
				w.kr, w.kc = w.kc, w.kr
			}
			w.kept, w.g, w.bg = m.malloc(w.size()), m.malloc(w.size()), g.biases[l]+sim.Ptr(4*i*pad4(g.kept[l].most()))
			one.w = append(one.w, &w)
		}
		one.mask = make([]sim.Ptr, len(one.x))
		g.all = append(g.all, one)
	}
}

// iterateGroups is forward, backward and update.
func (m *mlp) iterateGroups() {
	for _, one := range m.groups.all {
		one.sgd = m.sgd
		for l := 0; l <= m.last; l++ {
			one.forward(l)
		}
	}
	m.softmax()
	for _, one := range m.groups.all {
		for l := m.last; l >= 0; l-- {
			one.backward(l)
		}
	}
	for l := 0; l <= m.last; l++ {
		m.updateGroups(l)
	}
}

// updateGroups is one step on layer l. With the dense update the first group's gradients go with the step of all
// weights; -rate g of each other one is added to weights and momenta, which is the same step.
func (m *mlp) updateGroups(l int) {
	g, rate, mu := m.groups, m.sgd.rate, sim.F32(float32(m.sgd.mu))
	for i, one := range g.all {
		w := *one.w[l]
		w.outputs = 0 // its bias comes below
		if i == 0 || w.lazy {
			m.update(fmt.Sprintf("update %d", l+1), &w, m.sgd, 1)
			continue
		}
		w.lazy = true
		step := sim.F32(float32(rate))
		m.updateWith(fmt.Sprintf("add to update %d", l+1), &w, []sim.Arg{step, step, step, mu}, 1)
	}
	w := m.w[l]
	m.launch(fmt.Sprintf("sum of bias gradients %d", l+1), PartUpdate, "groups", "sum_numbers", 0, flat(w.outputs, 128),
		append([]sim.Arg{sim.PtrArg(w.bg), sim.PtrArg(g.biases[l]),
			i32(w.outputs), i32(1)}, g.kept[l].args(len(g.all), pad4(g.kept[l].most()))...)...)
	m.launch(fmt.Sprintf("update of biases %d", l+1), PartUpdate, "update", "sgd", 0, flat(w.outputs, 128),
		append([]sim.Arg{sim.PtrArg(w.w), sim.PtrArg(w.v), sim.PtrArg(w.g), i32(0),
			sim.F32(float32(rate)), mu, sim.PtrArg(w.b), sim.PtrArg(w.bv), sim.PtrArg(w.bg), i32(w.outputs)},
			whole(w.outputs).stride()...)...)
}

// lstmGroups are the groups of an LSTM's window.
type lstmGroups struct {
	all       []*lstmGroup
	kept      []*places // of each site
	gradients []sim.Ptr // of each site: the groups' gradients of weights, one behind the other
	packed    sim.Ptr   // words x 4 Hidden: gates by group
	targets   sim.Ptr   // the words to be predicted, by group
}

// lstmGroup is one of them: row r of it is row first + r / per * apart + r % per of the window.
type lstmGroup struct {
	first, per, apart int
	n, place          int // rows, and rows of the groups before
	x, dx             []sim.Ptr
	in                []*weights
}

func (g *lstmGroup) rows() []sim.Arg { return []sim.Arg{i32(g.first), i32(g.per), i32(g.apart)} }

// behind is where the group begins in a matrix with rows of ld in which the groups lie one behind the other.
func (g *lstmGroup) behind(p sim.Ptr, ld int) Operand { return RowMajor(p+sim.Ptr(4*g.place*ld), ld) }

// split lists what the groups keep, and their words.
func (m *lstm) split() *lstmGroups {
	s, g := m.s, &lstmGroups{}
	var targets []int32
	for i := range s.Groups {
		one := &lstmGroup{place: len(targets)}
		if from, to := share(s.Batch, i, len(s.Groups)); !s.GroupSteps {
			one.first, one.per, one.apart, one.n = from, to-from, s.Batch, (to-from)*s.Steps
		}
		if from, to := share(s.Steps, i, len(s.Groups)); s.GroupSteps {
			one.first, one.n = from*s.Batch, (to-from)*s.Batch
			one.per = one.n
		}
		for r := range one.n {
			targets = append(targets, s.Tokens[s.Batch+one.first+r/one.per*one.apart+r%one.per])
		}
		g.all = append(g.all, one)
	}
	for site := range s.Layers + 1 {
		var kept []dropout.Kept
		for i := range s.Groups {
			kept = append(kept, selectionOf(s.Method, s.Groups[i][site], dropout.Shape{Units: s.Hidden}).Units)
		}
		g.kept = append(g.kept, newPlaces(kept, &m.lists))
	}
	if !s.GroupSteps { // the order of groups of steps is that of the window
		m.lists.add(&g.targets, targets)
	}
	return g
}

func (m *lstm) allocateGroups() {
	s, g := m.s, m.groups
	g.packed = m.malloc(m.words * 4 * s.Hidden)
	for site := range s.Layers + 1 {
		most := pad4(g.kept[site].most()) * m.in[site].ld()
		g.gradients = append(g.gradients, m.malloc(len(g.all)*most))
		for i, one := range g.all {
			w := *m.in[site]
			w.kr = g.kept[site].axes[i]
			w.kept, w.g = m.malloc(w.size()), g.gradients[site]+sim.Ptr(4*i*most)
			one.in = append(one.in, &w)
			width := pad4(w.kr.Size())
			one.x, one.dx = append(one.x, m.malloc(one.n*width)), append(one.dx, m.malloc(one.n*width))
		}
	}
}

// inputGroups is input.
func (m *lstm) inputGroups(site int) {
	s := m.s
	for _, g := range m.groups.all {
		k := g.in[site].kr
		ld4 := pad4(k.Size()) / 4
		args := append([]sim.Arg{i32(g.n * ld4), i32(k.Size()), i32(ld4), i32(s.Hidden), sim.PtrArg(k.list),
			sim.F32(s.scale(site))}, g.rows()...)
		if site == 0 {
			m.launch("embedding", PartEmbedding, "groups", "embedding_group", 0, flat(g.n*ld4, 128),
				append([]sim.Arg{sim.PtrArg(g.x[0]), sim.PtrArg(m.table), sim.PtrArg(m.tokens)}, args...)...)
			continue
		}
		m.launch(fmt.Sprintf("keep units %d", site+1), PartGather, "groups", "compact_group", 0, flat(g.n*ld4, 128),
			append([]sim.Arg{sim.PtrArg(g.x[site]), sim.PtrArg(m.step(m.h[site-1], 1, s.Hidden))}, args...)...)
	}
}

// inPlace tells whether the groups' rows lie one behind the other in what is behind a site: always at the output layer,
// whose words have no order.
func (m *lstm) inPlace(site int) bool { return m.s.GroupSteps || site == m.s.Layers }

// productGroups is product.
func (m *lstm) productGroups(what string, site int, y Operand) {
	for _, g := range m.groups.all {
		w := g.in[site]
		to := g.behind(y.Ptr, y.Row)
		if !m.inPlace(site) {
			to = g.behind(m.groups.packed, y.Row)
		}
		m.gather(what+": kept weights", w, momentum{})
		m.gemm(what, PartForward, to, RowMajor(g.x[site], pad4(w.kr.Size())), w.operand(), g.n, w.ld(),
			pad4(w.kr.Size()), 1, 0)
		if n4 := g.n * y.Row / 4; !m.inPlace(site) {
			m.launch(what+": rows in place", PartGather, "groups", "unpack_group", 0, flat(n4, 128),
				append([]sim.Arg{sim.PtrArg(y.Ptr), sim.PtrArg(to.Ptr), i32(n4), i32(y.Row / 4)}, g.rows()...)...)
		}
	}
}

// throughGroups is through; the gradients of the site's units go to m.expanded.
func (m *lstm) throughGroups(what string, site int, dy Operand) {
	s, all, h4 := m.s, m.in[site], m.s.Hidden/4
	for _, g := range m.groups.all {
		w := g.in[site]
		from := g.behind(dy.Ptr, dy.Row)
		if n4 := g.n * dy.Row / 4; !m.inPlace(site) {
			from = g.behind(m.groups.packed, dy.Row)
			m.launch(what+": rows of a group", PartGather, "groups", "pack_group", 0, flat(n4, 128),
				append([]sim.Arg{sim.PtrArg(from.Ptr), sim.PtrArg(dy.Ptr), i32(n4), i32(dy.Row / 4)}, g.rows()...)...)
		}
		width := pad4(w.kr.Size())
		x, dx := RowMajor(g.x[site], width), RowMajor(g.dx[site], width)
		m.gemm(what+" backward weights", PartBackwardWeights, w.gradient(), x.T(), from, width, from.Row, g.n, 1, 0)
		m.gemm(what+" backward data", PartBackwardData, dx, from, w.operand().T(), g.n, width, w.ld(), 1, 0)
		m.launch(what+": gradients in place", PartGather, "groups", "expand_group", 0, flat(g.n*h4, 128),
			append(append([]sim.Arg{sim.PtrArg(m.expanded), sim.PtrArg(dx.Ptr),
				i32(g.n * h4), i32(width), i32(h4)}, w.kr.indices()...),
				append([]sim.Arg{sim.F32(s.scale(site))}, g.rows()...)...)...)
	}
	kept, ld4 := m.groups.kept[site], all.ld()/4
	m.launch(what+": sum of gradients", PartBackwardWeights, "groups", "sum_rows", 0, flat(s.Hidden*ld4, 128),
		append([]sim.Arg{sim.PtrArg(all.g), sim.PtrArg(m.groups.gradients[site]),
			i32(s.Hidden * ld4), i32(ld4)}, kept.args(len(m.groups.all), pad4(kept.most())*ld4)...)...)
	m.columnSums(what+" bias gradient", all.bg, dy, m.words, all.cols)
}
