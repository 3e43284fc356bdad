package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/blas"

	"warpdrop/dropout"
)

// MLPConfig is a training run of a perceptron 784-Hidden…-10 on MNIST: ReLU, softmax with cross-entropy, SGD with momentum.
type MLPConfig struct {
	Hidden        []int
	Batch         int
	Epochs        int
	LR, Momentum  float32
	Method        dropout.Method
	Rates         []float64              // one a hidden layer
	Distributions []dropout.Distribution // rdp, tdp: of dp, one a hidden layer
	Tile          int                    // tdp: edge of a weight tile
	Seed          uint64
	BLAS          string // see newEngine
	Threads       int    // 0 = all CPUs
	DataDir       string // see LoadMNIST
	TrainSamples  int    // 0 = all
}

// Check reports the first value that is out of its range.
func (c *MLPConfig) Check() error {
	if len(c.Hidden) == 0 {
		return errors.New("train: hidden: no layer, want at least one")
	}
	for i, n := range c.Hidden {
		if n < 1 || n > 65536 {
			return fmt.Errorf("train: hidden[%d]: %d is not in 1..65536", i, n)
		}
	}
	switch {
	case c.Batch < 1 || c.Batch > 60000:
		return fmt.Errorf("train: batch: %d is not in 1..60000", c.Batch)
	case c.Epochs < 1:
		return fmt.Errorf("train: epochs: %d is not above 0", c.Epochs)
	case !(c.LR > 0) || math.IsInf(float64(c.LR), 0):
		return fmt.Errorf("train: learning rate: %g is not above 0", c.LR)
	case !(c.Momentum >= 0 && c.Momentum < 1):
		return fmt.Errorf("train: momentum: %g is not in [0, 1)", c.Momentum)
	case c.TrainSamples < 0 || c.TrainSamples > 60000 || c.TrainSamples > 0 && c.TrainSamples < c.Batch:
		return fmt.Errorf("train: samples: %d is not in %d..60000, nor 0 for all", c.TrainSamples, c.Batch)
	}
	switch c.Method {
	case dropout.None:
		return nil
	case dropout.Dense, dropout.Masked, dropout.DropConnect, dropout.RDP, dropout.TDP:
	default:
		return fmt.Errorf("train: method %q is not one of none, dense, masked, dropconnect, rdp, tdp", c.Method)
	}
	if len(c.Rates) != len(c.Hidden) {
		return fmt.Errorf("train: rates: %d for %d hidden layers", len(c.Rates), len(c.Hidden))
	}
	for i, r := range c.Rates {
		if !(r >= 0 && r < 1) {
			return fmt.Errorf("train: rates[%d]: %g is not in [0, 1)", i, r)
		}
	}
	if c.Method != dropout.RDP && c.Method != dropout.TDP {
		return nil
	}
	if len(c.Distributions) != len(c.Hidden) {
		return fmt.Errorf("train: distributions: %d for %d hidden layers", len(c.Distributions), len(c.Hidden))
	}
	if c.Method == dropout.TDP && (c.Tile < 1 || c.Tile > 128) {
		return fmt.Errorf("train: tile: %d is not in 1..128", c.Tile)
	}
	return nil
}

// layer is one weight layer and what an iteration needs of it. With RDP an iteration works on compact copies: kept
// inputs x kept outputs.
type layer struct {
	in, out      int
	w, v         []float32 // in x out
	b, bv        []float32 // out
	g, bg        []float32 // gradients, kept rows x kept columns
	wc           []float32 // RDP: kept weights; DropConnect: masked weights
	y, dy        []float32 // batch x kept columns
	mask         []float32 // Bernoulli: batch x out, or in x out; 0 or scale
	rows, cols   []int     // kept inputs and outputs; nil = all
	tiles        []int     // TDP: kept tile numbers, row by row
	tileR, tileC int
	tiled        bool
	scale        float32
	sampler      *dropout.Sampler
	bernoulli    dropout.Bernoulli
	kept         []int // buffer of cols
	dp, bias     int
}

func (l *layer) nin() int {
	if l.rows != nil {
		return len(l.rows)
	}
	return l.in
}

func (l *layer) nout() int {
	if l.cols != nil {
		return len(l.cols)
	}
	return l.out
}

// mlp is a run under way.
type mlp struct {
	*engine
	cfg    MLPConfig
	layers []*layer
	x      []float32 // batch of inputs
	labels []byte
	loss   float64
	models map[string]bool
}

// TrainMLP runs cfg to its end, or until ctx ends (Result.Stopped). RDP and TDP compute products of the kept rows or tiles
// only. With gonum's BLAS the result depends on the
// seed and not on the number of threads.
func TrainMLP(ctx context.Context, cfg MLPConfig, progress func(Progress)) (*Result, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	data, err := LoadMNIST(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	if cfg.TrainSamples > 0 {
		data.Train = data.Train.First(cfg.TrainSamples)
	}
	e, err := newEngine(cfg.BLAS, cfg.Threads)
	if err != nil {
		return nil, err
	}
	defer e.close()
	m, err := newMLP(e, cfg)
	if err != nil {
		return nil, err
	}
	per := data.Train.Len() / cfg.Batch
	res := &Result{Method: cfg.Method, BLAS: e.name, Threads: e.threads}
	if cfg.Method == dropout.RDP || cfg.Method == dropout.TDP {
		for _, d := range cfg.Distributions {
			res.ReachedRates = append(res.ReachedRates, d.Reached())
		}
	}
	order := make([]int, data.Train.Len())
	for i := range order {
		order[i] = i
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 2))
	iteration, seconds := 0, 0.0
	for epoch := 1; epoch <= cfg.Epochs; epoch++ {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		began := time.Now()
		sum := 0.0
		for i := range per {
			if ctx.Err() != nil {
				res.Stopped = true
				return res, nil
			}
			m.load(data.Train, order[i*cfg.Batch:(i+1)*cfg.Batch])
			if err := m.step(uint64(iteration)); err != nil {
				return nil, fmt.Errorf("train: epoch %d, iteration %d: %w", epoch, iteration, err)
			}
			iteration++
			sum += m.loss
			if progress != nil && iteration%20 == 0 {
				progress(Progress{Epoch: epoch, Epochs: cfg.Epochs, Iteration: iteration, Iterations: per * cfg.Epochs, TrainLoss: sum / float64(i+1),
					TestAccuracy: res.TestAccuracy, SamplesPerSecond: float64((i+1)*cfg.Batch) / time.Since(began).Seconds()})
			}
		}
		took := time.Since(began).Seconds()
		seconds += took
		res.TestAccuracy = m.accuracy(data.Test)
		res.TrainLoss = sum / float64(per)
		res.Iterations = iteration
		res.SamplesPerSecond = float64(iteration*cfg.Batch) / seconds
		res.SubModels = len(m.models)
		em := EpochMetrics{Epoch: epoch, Iteration: iteration, TrainLoss: res.TrainLoss, TestAccuracy: res.TestAccuracy, LearningRate: float64(cfg.LR),
			Seconds: seconds, SamplesPerSecond: float64(per*cfg.Batch) / took}
		res.Epochs = append(res.Epochs, em)
		res.Trace = append(res.Trace, TracePoint{Iteration: iteration, TrainLoss: res.TrainLoss, TestAccuracy: res.TestAccuracy})
		if progress != nil {
			progress(Progress{Epoch: epoch, Epochs: cfg.Epochs, Iteration: iteration, Iterations: per * cfg.Epochs, TrainLoss: res.TrainLoss,
				TestAccuracy: res.TestAccuracy, SamplesPerSecond: em.SamplesPerSecond, Metrics: &em})
		}
	}
	return res, nil
}

func newMLP(e *engine, cfg MLPConfig) (*mlp, error) {
	m := &mlp{engine: e, cfg: cfg, models: map[string]bool{}}
	sizes := append(append([]int{imagePixels}, cfg.Hidden...), imageClasses)
	rng := rand.New(rand.NewPCG(cfg.Seed, 1))
	for i := 0; i+1 < len(sizes); i++ {
		in, out := sizes[i], sizes[i+1]
		l := &layer{in: in, out: out, w: make([]float32, in*out), v: make([]float32, in*out), b: make([]float32, out), bv: make([]float32, out),
			g: make([]float32, in*out), bg: make([]float32, out), y: make([]float32, cfg.Batch*out), dy: make([]float32, cfg.Batch*out), scale: 1}
		for k := range l.w {
			l.w[k] = float32(rng.NormFloat64() * math.Sqrt(2/float64(in)))
		}
		if i < len(cfg.Hidden) {
			var err error
			switch cfg.Method {
			case dropout.Dense, dropout.Masked:
				l.mask = make([]float32, cfg.Batch*out)
				l.bernoulli, err = dropout.NewBernoulli(cfg.Rates[i], cfg.Seed, i)
				l.scale = float32(1 / (1 - cfg.Rates[i]))
			case dropout.DropConnect:
				l.mask = make([]float32, in*out)
				l.bernoulli, err = dropout.NewBernoulli(cfg.Rates[i], cfg.Seed, i)
				l.scale = float32(1 / (1 - cfg.Rates[i]))
			case dropout.RDP, dropout.TDP:
				l.sampler = dropout.NewSampler(cfg.Distributions[i], cfg.Seed, i)
				l.scale = float32(1 / (1 - cfg.Distributions[i].Reached()))
				l.tiled = cfg.Method == dropout.TDP
				l.tileR, l.tileC = dropout.TileGrid(in, out, max(cfg.Tile, 1), max(cfg.Tile, 1))
			}
			if err != nil {
				return nil, err
			}
		}
		if cfg.Method == dropout.RDP || cfg.Method == dropout.DropConnect {
			l.wc = make([]float32, in*out)
		}
		m.layers = append(m.layers, l)
	}
	m.x = make([]float32, cfg.Batch*imagePixels)
	m.labels = make([]byte, cfg.Batch)
	return m, nil
}

// load fills the batch with the images of the given numbers.
func (m *mlp) load(im Images, which []int) {
	for i, n := range which {
		for j, p := range im.Pixels[n*imagePixels : (n+1)*imagePixels] {
			m.x[i*imagePixels+j] = float32(p) / 255
		}
		m.labels[i] = im.Labels[n]
	}
}

// draw chooses the iteration's masks or patterns.
func (m *mlp) draw(iteration uint64) {
	id := ""
	for i, l := range m.layers {
		l.rows = nil
		if i > 0 {
			l.rows = m.layers[i-1].cols
		}
		switch {
		case l.sampler != nil:
			l.dp, l.bias = l.sampler.At(iteration)
			id += fmt.Sprint(l.dp, ",", l.bias, ";")
			if l.tiled {
				l.tiles = dropout.AppendKeptTiles(l.tiles[:0], l.tileR, l.tileC, l.dp, l.bias, dropout.PaperOrder)
			} else {
				l.kept = dropout.AppendKeptRows(l.kept[:0], l.out, l.dp, l.bias)
				l.cols = l.kept
			}
		case l.mask != nil:
			m.fillMask(l, iteration)
		}
	}
	if id != "" {
		m.models[id] = true
	}
}

// maskPart is how many elements of a mask one part of the work fills: a multiple of four.
const maskPart = 1 << 14

func (m *mlp) fillMask(l *layer, iteration uint64) {
	m.run((len(l.mask)+maskPart-1)/maskPart, func(p int) {
		l.bernoulli.Fill(l.mask[p*maskPart:min((p+1)*maskPart, len(l.mask))], p*maskPart, iteration, l.scale)
	})
}

// step is one training iteration on the batch that load has filled.
func (m *mlp) step(iteration uint64) error {
	m.draw(iteration)
	last := len(m.layers) - 1
	x := m.x
	for i, l := range m.layers {
		m.forward(l, x, i < last)
		x = l.y
	}
	m.softmax(m.layers[last])
	if math.IsNaN(m.loss) || math.IsInf(m.loss, 0) {
		return fmt.Errorf("loss is %g; a smaller learning rate may help (it is %g)", m.loss, m.cfg.LR)
	}
	for i := last; i >= 0; i-- {
		in, dx := m.x, []float32(nil)
		if i > 0 {
			in, dx = m.layers[i-1].y, m.layers[i-1].dy
		}
		m.backward(m.layers[i], in, dx, i < last)
	}
	for _, l := range m.layers {
		m.update(l)
	}
	return nil
}

// weights returns the matrix that the products use: the weights, or this iteration's compact or masked copy.
func (m *mlp) weights(l *layer) []float32 {
	switch {
	case l.rows != nil || l.cols != nil:
		n := l.nout()
		m.run(l.nin(), func(i int) {
			r := i
			if l.rows != nil {
				r = l.rows[i]
			}
			from, to := l.w[r*l.out:(r+1)*l.out], l.wc[i*n:(i+1)*n]
			if l.cols == nil {
				copy(to, from)
				return
			}
			for j, c := range l.cols {
				to[j] = from[c]
			}
		})
		return l.wc
	case m.cfg.Method == dropout.DropConnect && l.mask != nil:
		m.run(l.in, func(i int) {
			for j := i * l.out; j < (i+1)*l.out; j++ {
				l.wc[j] = l.w[j] * l.mask[j]
			}
		})
		return l.wc
	}
	return l.w
}

func (m *mlp) forward(l *layer, x []float32, hidden bool) {
	b, nin, n := m.cfg.Batch, l.nin(), l.nout()
	if l.tiled {
		t := m.cfg.Tile
		clear(l.y)
		m.run(l.tileC, func(j int) {
			for _, k := range l.tiles {
				if k%l.tileC != j {
					continue
				}
				r, c := k/l.tileC*t, j*t
				m.lib.Sgemm(blas.NoTrans, blas.NoTrans, b, min(t, l.out-c), min(t, l.in-r), l.scale, x[r:], l.in, l.w[r*l.out+c:], l.out, 1, l.y[c:], l.out)
			}
		})
	} else {
		m.gemm(blas.NoTrans, blas.NoTrans, b, n, nin, 1, x, nin, m.weights(l), n, 0, l.y, n)
	}
	scale := float32(1)
	if l.cols != nil {
		scale = l.scale
	}
	neuron := hidden && l.mask != nil && m.cfg.Method != dropout.DropConnect
	m.run(b, func(s int) {
		y := l.y[s*n : (s+1)*n]
		for j := range y {
			c := j
			if l.cols != nil {
				c = l.cols[j]
			}
			v := y[j] + l.b[c]
			if hidden {
				v = max(v, 0) * scale
			}
			if neuron {
				v *= l.mask[s*n+j]
			}
			y[j] = v
		}
	})
}

// softmax turns the logits of the last layer into their gradient and computes the mean loss.
func (m *mlp) softmax(l *layer) {
	m.loss = 0
	for s := range m.cfg.Batch {
		y, d := l.y[s*l.out:(s+1)*l.out], l.dy[s*l.out:(s+1)*l.out]
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

func (m *mlp) backward(l *layer, x, dx []float32, hidden bool) {
	b, nin, n := m.cfg.Batch, l.nin(), l.nout()
	if hidden {
		scale := l.scale
		if l.tiled || m.cfg.Method == dropout.DropConnect {
			scale = 1
		}
		m.run(b, func(s int) {
			for j := s * n; j < (s+1)*n; j++ {
				// What was dropped or negative is zero in y.
				if l.y[j] > 0 {
					l.dy[j] *= scale
				} else {
					l.dy[j] = 0
				}
			}
		})
	}
	clear(l.bg[:n])
	for s := range b {
		for j, d := range l.dy[s*n : (s+1)*n] {
			l.bg[j] += d
		}
	}
	if l.tiled {
		m.backwardTiles(l, x, dx)
		return
	}
	if dx != nil {
		w := l.w
		if l.rows != nil || l.cols != nil || m.cfg.Method == dropout.DropConnect && l.mask != nil {
			w = l.wc // forward has filled it
		}
		m.gemm(blas.NoTrans, blas.Trans, b, nin, n, 1, l.dy, n, w, n, 0, dx, nin)
	}
	m.gemm(blas.Trans, blas.NoTrans, nin, n, b, 1, x, nin, l.dy, n, 0, l.g, n)
}

func (m *mlp) backwardTiles(l *layer, x, dx []float32) {
	b, t := m.cfg.Batch, m.cfg.Tile
	if dx != nil {
		clear(dx[:b*l.in])
	}
	m.run(l.tileR, func(i int) {
		for _, k := range l.tiles {
			if k/l.tileC != i {
				continue
			}
			r, c := i*t, k%l.tileC*t
			h, w := min(t, l.in-r), min(t, l.out-c)
			if dx != nil {
				m.lib.Sgemm(blas.NoTrans, blas.Trans, b, h, w, l.scale, l.dy[c:], l.out, l.w[r*l.out+c:], l.out, 1, dx[r:], l.in)
			}
			m.lib.Sgemm(blas.Trans, blas.NoTrans, h, w, b, l.scale, x[r:], l.in, l.dy[c:], l.out, 0, l.g[r*l.out+c:], l.out)
		}
	})
}

// update is SGD with momentum on every weight; entries outside of the iteration's pattern have no gradient.
func (m *mlp) update(l *layer) {
	mu, lr, n := m.cfg.Momentum, m.cfg.LR, l.nout()
	masked := m.cfg.Method == dropout.DropConnect && l.mask != nil
	row := make([]int, l.in) // compact row of each input, -1 = dropped
	for i := range row {
		row[i] = i
	}
	if l.rows != nil {
		for i := range row {
			row[i] = -1
		}
		for i, r := range l.rows {
			row[r] = i
		}
	}
	m.run(l.in, func(i int) {
		w, v := l.w[i*l.out:(i+1)*l.out], l.v[i*l.out:(i+1)*l.out]
		for j := range v {
			v[j] *= mu
		}
		switch r := row[i]; {
		case r < 0:
		case l.tiled:
			t := m.cfg.Tile
			for c := 0; c < l.tileC; c++ {
				if (i/t*l.tileC+c+1-l.bias)%l.dp != 0 {
					continue
				}
				for j := c * t; j < min((c+1)*t, l.out); j++ {
					v[j] -= lr * l.g[i*l.out+j]
				}
			}
		case l.cols != nil:
			g := l.g[r*n : (r+1)*n]
			for j, c := range l.cols {
				v[c] -= lr * g[j]
			}
		case masked:
			for j, g := range l.g[r*n : (r+1)*n] {
				v[j] -= lr * g * l.mask[i*l.out+j]
			}
		default:
			for j, g := range l.g[r*n : (r+1)*n] {
				v[j] -= lr * g
			}
		}
		for j, d := range v {
			w[j] += d
		}
	})
	for j := range l.bv {
		l.bv[j] *= mu
	}
	for j, g := range l.bg[:n] {
		c := j
		if l.cols != nil {
			c = l.cols[j]
		}
		l.bv[c] -= lr * g
	}
	for j, d := range l.bv {
		l.b[j] += d
	}
}

// accuracy is the share of images that the whole network, nothing dropped, classifies as labelled.
func (m *mlp) accuracy(im Images) float64 {
	b := m.cfg.Batch
	which := make([]int, b)
	right := 0
	for from := 0; from < im.Len(); from += b {
		count := min(b, im.Len()-from)
		for i := range which {
			which[i] = from + min(i, count-1)
		}
		m.load(im, which)
		x := m.x
		for i, l := range m.layers {
			m.gemm(blas.NoTrans, blas.NoTrans, b, l.out, l.in, 1, x, l.in, l.w, l.out, 0, l.y, l.out)
			for s := range b {
				for j, v := range l.b {
					y := l.y[s*l.out+j] + v
					if i < len(m.layers)-1 {
						y = max(y, 0)
					}
					l.y[s*l.out+j] = y
				}
			}
			x = l.y
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
