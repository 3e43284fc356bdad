package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"warpdrop/dropout"
)

// layer is one layer of a perceptron: weights, bias, and what an iteration needs of them. With RDP, activations have
// the kept units only.
type layer struct {
	*matrix
	bias, biasV []float32 // out
	biasG       []float32 // of the kept columns
	act, dact   []float32 // batch x kept columns: output, and the gradient by it
	actNow      []float32 // those that the parts of the work are of: all, or those of a group
	dactNow     []float32
	groups      []layerGroup // more than one: each has a selection of its own
	adding      *layerGroup  // whose gradients are added, in addFn
	biasSum     []float32    // groups: the gradients of all biases
	mask        []float32    // Bernoulli: batch x out, or in x out; 0 or scale
	cols        dropout.Kept // kept outputs, where rows are dropped
	hidden      bool
	keepScale   float32 // what kept activations (RDP), products (TDP) or masked values are multiplied by
	stream      *dropout.Stream
	bernoulli   dropout.Bernoulli
	iteration   uint64
	dropNeurons bool // mask is one of activations

	maskFn, connectFn, actFn, dactFn, biasFn, addFn func(worker, part int)
}

// mlp is a run under way.
type mlp struct {
	*engine
	cfg    MLPConfig
	layers []*layer
	x      []float32 // batch of inputs
	labels []byte
	loss   float64
	models map[string]bool // pattern combinations drawn
	id     []byte
	which  []int

	images Images
	loadFn func(worker, part int)
}

func newMLP(e *engine, cfg MLPConfig) (*mlp, error) {
	m := &mlp{engine: e, cfg: cfg, models: map[string]bool{}}
	m.loadFn = m.loadPart
	sizes := append(append([]int{imagePixels}, cfg.Hidden...), imageClasses)
	rng := rand.New(rand.NewPCG(cfg.Seed, weightStream))
	last := len(sizes) - 2
	for i := 0; i <= last; i++ {
		in, out := sizes[i], sizes[i+1]
		l := &layer{matrix: newMatrix(e, in, out, true), bias: make([]float32, out), biasV: make([]float32, out),
			biasG: make([]float32, out), act: make([]float32, cfg.Batch*out), dact: make([]float32, cfg.Batch*out),
			cols: dropout.KeepAll(out), hidden: i < last, keepScale: 1}
		l.maskFn, l.connectFn, l.actFn, l.dactFn, l.biasFn, l.addFn = l.maskPart, l.connectPart, l.actPart, l.dactPart,
			l.biasPart, l.addPart
		l.actNow, l.dactNow = l.act, l.dact
		for k := range l.w {
			l.w[k] = float32(rng.NormFloat64() * math.Sqrt(2/float64(in)))
		}
		if err := l.drop(&m.cfg, i, last); err != nil {
			return nil, err
		}
		m.layers = append(m.layers, l)
		if i > 0 && l.tiles != nil {
			m.layers[i-1].connect(l)
		}
	}
	m.x = make([]float32, cfg.Batch*imagePixels)
	m.labels = make([]byte, cfg.Batch)
	m.which = make([]int, cfg.Batch)
	return m, nil
}

// drop prepares layer i of last+1 for the method.
func (l *layer) drop(cfg *MLPConfig, i, last int) (err error) {
	if cfg.Groups > 1 {
		l.groups, l.biasSum = make([]layerGroup, cfg.Groups), make([]float32, l.out)
		for g := range l.groups {
			from, to := part(cfg.Batch, g, cfg.Groups)
			l.groups[g] = layerGroup{from: from, to: to, rows: dropout.KeepAll(l.in), cols: dropout.KeepAll(l.out), scale: 1}
		}
		l.allowGroups()
	} else if cfg.Method.Drops() == dropout.DropsRows {
		// The first layer keeps all rows and the last one all columns.
		rowUnit, colUnit, rowClasses, colClasses := 1, 1, 1, 1
		if i == 0 {
			rowUnit = l.in
		} else {
			rowClasses = period(cfg, i-1, l.in)
		}
		if i == last {
			colUnit = l.out
		} else {
			colClasses = period(cfg, i, l.out)
		}
		l.allowPatterns(rowUnit, colUnit, rowClasses, colClasses, cfg.Momentum)
	}
	if i == last {
		return nil
	}
	switch cfg.Method.Drops() {
	case dropout.DropsMask:
		l.keepScale = float32(1 / (1 - cfg.Rates[i]))
		l.bernoulli, err = dropout.NewBernoulli(cfg.Rates[i], cfg.Seed, i)
		l.dropNeurons = cfg.Method != dropout.DropConnect
		if l.dropNeurons {
			l.mask = make([]float32, cfg.Batch*l.out)
		} else {
			l.mask = make([]float32, l.in*l.out)
			l.masked, l.wc = l.mask, make([]float32, l.in*l.out)
		}
	case dropout.DropsRows, dropout.DropsTiles:
		if l.stream, err = cfg.stream(i); err != nil {
			return err
		}
		l.keepScale = float32(1 / (1 - l.stream.Reached()))
		if cfg.Method.Drops() == dropout.DropsTiles {
			rows, cols := dropout.TileGrid(l.in, l.out, cfg.Tile, cfg.Tile)
			l.allowPatterns(cfg.Tile, cfg.Tile, rows, cols, cfg.Momentum)
			l.allowTiles(cfg.Batch, cfg.LR, cfg.Momentum)
		}
	}
	return err
}

// period is after how many of n units all that hidden layer i's method may draw repeats itself: the least common
// multiple of the dp that occur, or n where that is more or where there is no dp.
func period(cfg *MLPConfig, i, n int) int {
	if !cfg.Method.HasDP() {
		return n
	}
	l := 1
	for i, p := range cfg.Distributions[i].P {
		if p > 0 {
			l = l / gcd(l, i+1) * (i + 1)
		}
		if l >= n {
			return n
		}
	}
	return l
}

// load fills the batch with the images of the given numbers.
func (m *mlp) load(im Images, which []int) {
	copy(m.which, which)
	m.images = im
	m.Run(parts(len(which)), m.loadFn)
}

// grey is the value of each pixel.
var grey = func() (t [256]float32) {
	for i := range t {
		t[i] = float32(i) / 255
	}
	return t
}()

func (m *mlp) loadPart(_, part int) {
	for i := part * partRows; i < min((part+1)*partRows, m.cfg.Batch); i++ {
		n := m.which[i]
		x := m.x[i*imagePixels : (i+1)*imagePixels]
		for j, p := range m.images.Pixels[n*imagePixels : (n+1)*imagePixels] {
			x[j] = grey[p]
		}
		m.labels[i] = m.images.Labels[n]
	}
}

// draw chooses the iteration's masks or patterns.
func (m *mlp) draw(iteration uint64) {
	m.id = m.id[:0]
	if m.cfg.Groups > 1 {
		m.drawGroups(iteration)
		return
	}
	rows := dropout.KeepAll(imagePixels)
	for _, l := range m.layers {
		l.iteration = iteration
		switch {
		case l.stream != nil:
			s := l.stream.At(iteration, 0)
			if m.cfg.ScaleByDP {
				l.keepScale = float32(s.DP)
			}
			m.id = s.AppendID(m.id)
			if s.Tiles {
				l.keepTiles(m.cfg.Tile, s, l.keepScale)
				break
			}
			l.cols = s.Units
			l.keepRows(rows, l.cols)
			rows = l.cols
		case m.cfg.Method.Drops() == dropout.DropsRows: // the last layer, behind one whose rows are dropped
			l.keepRows(rows, l.cols)
		case l.mask != nil:
			m.Run((len(l.mask)+maskPart-1)/maskPart, l.maskFn)
			if !l.dropNeurons {
				m.Run(parts(l.in), l.connectFn)
			}
		}
	}
	m.seen()
}

// seen notes the combination of patterns drawn.
func (m *mlp) seen() {
	if len(m.id) > 0 && !m.models[string(m.id)] {
		m.models[string(m.id)] = true
	}
}

// drawGroups draws a selection for each group and layer.
func (m *mlp) drawGroups(iteration uint64) {
	for i, l := range m.layers {
		for g := range l.groups {
			if i > 0 {
				l.groups[g].rows = m.layers[i-1].groups[g].cols
			}
			if l.stream != nil {
				s := l.stream.At(iteration, g)
				m.id = s.AppendID(m.id)
				l.groups[g].cols, l.groups[g].scale = s.Units, float32(1/(1-l.stream.Reached()))
				if m.cfg.ScaleByDP {
					l.groups[g].scale = float32(s.DP)
				}
			}
		}
	}
	m.seen()
}

// maskPart is how many elements of a mask one part of the work fills: a multiple of four.
const maskPart = 1 << 13

func (l *layer) maskPart(_, p int) {
	l.bernoulli.Fill(l.mask[p*maskPart:min((p+1)*maskPart, len(l.mask))], p*maskPart, l.iteration, l.keepScale)
}

func (l *layer) connectPart(_, part int) {
	from, to := part*partRows*l.out, min((part+1)*partRows, l.in)*l.out
	masked(l.wc[from:to], l.w[from:to], l.mask[from:to])
}

// step is one training iteration on the batch that load has filled.
func (m *mlp) step(iteration uint64) error {
	m.draw(iteration)
	last := len(m.layers) - 1
	x := m.x
	for _, l := range m.layers {
		l.forwardLayer(m.cfg.Batch, x)
		x = l.act
	}
	m.softmax(m.layers[last])
	if math.IsNaN(m.loss) || math.IsInf(m.loss, 0) {
		return divergence(fmt.Sprintf("loss is %g; a smaller learning rate may help (it is %g)", m.loss, m.cfg.LR))
	}
	for i := last; i >= 0; i-- {
		in, dx := m.x, []float32(nil)
		if i > 0 {
			in, dx = m.layers[i-1].act, m.layers[i-1].dact
		}
		m.layers[i].backwardLayer(m.cfg.Batch, in, dx)
	}
	for _, l := range m.layers {
		l.update(m.cfg.LR, m.cfg.Momentum)
		l.updateBias(m.cfg.LR, m.cfg.Momentum)
	}
	return nil
}

func (l *layer) forwardLayer(b int, x []float32) {
	if l.b = b; len(l.groups) > 1 {
		l.forwardGroups(x)
		return
	}
	l.forward(b, x, l.act)
	if l.connected() {
		return
	}
	l.Run(parts(b), l.actFn)
}

// connect makes activations and their gradients pass to and from the next layer in panels: both layers have tiles.
func (l *layer) connect(next *layer) {
	l.tiles.next, next.tiles.previous = next.tiles, l.tiles
	l.tiles.afterY, next.tiles.afterDX = l.actPanel, l.dactPanel
}

// connected tells whether the activations are in panels, at the next layer.
func (l *layer) connected() bool { return l.tiles != nil && l.tiles.next != nil }

// actPanel is actPart of panel c.
func (l *layer) actPanel(panel []float32, c int) {
	bias := l.bias[c*tileSize : min((c+1)*tileSize, l.out)]
	for s := range l.b {
		y := panel[s*tileSize : s*tileSize+len(bias)]
		for j, b := range bias {
			y[j] = max(y[j]+b, 0)
		}
	}
}

// dactPanel is dactPart and biasPart of panel c.
func (l *layer) dactPanel(panel []float32, c int) {
	g := l.biasG[c*tileSize : min((c+1)*tileSize, l.out)]
	clear(g)
	act := l.tiles.next.x[c*len(panel) : (c+1)*len(panel)]
	for s := range l.b {
		d, y := panel[s*tileSize:s*tileSize+len(g)], act[s*tileSize:s*tileSize+len(g)]
		for j := range g {
			x := passed(d[j], y[j])
			d[j] = x
			g[j] += x
		}
	}
}

// passed is x where the rectified y is above 0, else 0. A branch would be mispredicted half of the time.
func passed(x, y float32) float32 {
	keep := uint32(-int32(math.Float32bits(y)) >> 31)
	return math.Float32frombits(math.Float32bits(x) & keep)
}

// actPart adds the bias to the products and, in a hidden layer, rectifies, scales and masks them.
func (l *layer) actPart(_, part int) {
	n := l.cols.Size()
	scale := l.keepScale
	if !l.compact {
		scale = 1
	}
	for s := part * partRows; s < min((part+1)*partRows, l.b); s++ {
		y := l.actNow[s*n : (s+1)*n]
		bias := l.bias[l.cols.Start():]
		switch {
		case !l.hidden:
			for j, b := range bias[:len(y)] {
				y[j] += b
			}
		case l.dropNeurons:
			mask := l.mask[s*n : (s+1)*n]
			bias = bias[:len(y)]
			for j, v := range y {
				y[j] = max(v+bias[j], 0) * mask[j]
			}
		case l.cols.List != nil:
			for j, c := range l.cols.List {
				y[j] = max(y[j]+l.bias[c], 0) * scale
			}
		case l.cols.Width == 1:
			c, step := 0, l.cols.Step
			for j, v := range y {
				y[j] = max(v+bias[c], 0) * scale
				c += step
			}
		default:
			bias = bias[:len(y)]
			for j, v := range y {
				y[j] = max(v+bias[j], 0)
			}
		}
	}
}

// softmax turns the logits of the last layer into their gradient and computes the mean loss.
func (m *mlp) softmax(l *layer) {
	m.loss = 0
	for s := range m.cfg.Batch {
		y, d := l.act[s*l.out:(s+1)*l.out], l.dact[s*l.out:(s+1)*l.out]
		top := y[0]
		for _, v := range y {
			top = max(top, v)
		}
		sum := 0.0
		for _, v := range y {
			sum += math.Exp(float64(v - top))
		}
		for c, v := range y {
			d[c] = float32(math.Exp(float64(v-top)) / sum / float64(m.cfg.Batch))
		}
		t := m.labels[s]
		d[t] -= 1 / float32(m.cfg.Batch)
		m.loss += (math.Log(sum) - float64(y[t]-top)) / float64(m.cfg.Batch)
	}
}

func (l *layer) backwardLayer(b int, x, dx []float32) {
	if len(l.groups) > 1 {
		l.backwardGroups(x, dx)
		return
	}
	if l.connected() { // the next layer has done the rest
		l.backward(b, x, l.dact, dx)
		return
	}
	if l.hidden {
		l.Run(parts(b), l.dactFn)
	}
	l.Run((l.cols.Size()+biasPart-1)/biasPart, l.biasFn)
	l.backward(b, x, l.dact, dx)
}

// dactPart takes the gradient back through mask, scale and rectifier: what was dropped or negative is zero in act.
func (l *layer) dactPart(_, part int) {
	n := l.cols.Size()
	from, to := part*partRows*n, min((part+1)*partRows, l.b)*n
	scale := float32(1)
	if l.dropNeurons || l.compact {
		scale = l.keepScale
	}
	d := l.dactNow[from:to]
	act := l.actNow[from:to]
	d = d[:len(act)]
	for j, y := range act {
		d[j] = passed(d[j], y) * scale
	}
}

// biasPart is how many columns one part of the sums over the batch covers.
const biasPart = 256

func (l *layer) biasPart(_, part int) {
	n := l.cols.Size()
	from, to := part*biasPart, min((part+1)*biasPart, n)
	g := l.biasG[from:to]
	clear(g)
	for s := range l.b {
		d := l.dactNow[s*n+from : s*n+to]
		d = d[:len(g)]
		for j := range g {
			g[j] += d[j]
		}
	}
}

// updateBias is SGD with momentum on every bias; those of dropped columns have no gradient.
func (l *layer) updateBias(lr, mu float32) {
	for j := range l.biasV {
		l.biasV[j] *= mu
	}
	if len(l.groups) > 1 {
		level1.Saxpy(l.out, -lr, l.biasSum, 1, l.biasV, 1)
	} else {
		for k, g := range l.biasG[:l.cols.Size()] {
			l.biasV[l.cols.At(k)] -= lr * g
		}
	}
	for j, d := range l.biasV {
		l.bias[j] += d
	}
}

// accuracy is the share of images that the whole network, nothing dropped, classifies as labelled.
func (m *mlp) accuracy(im Images) float64 {
	b := m.cfg.Batch
	for _, l := range m.layers {
		l.settle()
	}
	right := 0
	which := make([]int, b)
	for from := 0; from < im.Len(); from += b {
		count := min(b, im.Len()-from)
		for i := range which {
			which[i] = from + min(i, count-1)
		}
		m.load(im, which)
		x := m.x
		for _, l := range m.layers {
			l.infer(b, x)
			x = l.act
		}
		for s := range count {
			best := 0
			for c := 1; c < imageClasses; c++ {
				if x[s*imageClasses+c] > x[s*imageClasses+best] {
					best = c
				}
			}
			if best == int(m.labels[s]) {
				right++
			}
		}
	}
	return float64(right) / float64(im.Len())
}

// infer computes act with nothing dropped.
func (l *layer) infer(b int, x []float32) {
	l.multiply(b, x, l.act)
	for s := range b {
		y := l.act[s*l.out : (s+1)*l.out]
		for j, bias := range l.bias {
			v := y[j] + bias
			if l.hidden {
				v = max(v, 0)
			}
			y[j] = v
		}
	}
}
