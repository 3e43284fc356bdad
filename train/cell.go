package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"

	"warpdrop/dropout"
)

// lstm is a word LSTM under way: embedding, layers of LSTM cells, softmax over the vocabulary (Zaremba, Sutskever,
// Vinyals, "Recurrent neural network regularization", 2014). A window of steps x batch words is one iteration; row
// t*batch+s is word t of sequence s.
//
// Dropout acts on the non-recurrent connections, at Layers+1 sites: the input of each LSTM layer and that of the
// softmax layer. Conventional dropout masks each element of the input by itself or, with a shared mask, each unit in
// all rows; patterns are drawn once a site, iteration and group of rows, of input units or of the tiles of the weights
// behind them.
type lstm struct {
	*engine
	cfg       LSTMConfig
	embedding []float32 // vocabulary x hidden
	cells     []*cell
	out       *site
	outBias   []float32
	outBiasG  []float32
	logits    []float32 // rows x vocabulary; then their gradient
	words     []float32 // embedded input, rows x hidden
	zeros     []float32

	input, target []int32 // of the window
	steps         int     // of the window: at most cfg.Steps
	loss          float64 // of the window: sum over its words
	right         int     // words predicted
	training      bool

	// Gradient of the embedding: one row for each word that occurs.
	slot     []int32 // of each word, -1 = none
	used     []int32
	wordG    []float32
	lossRow  []float64
	rightRow []bool
	models   map[string]bool
	id       []byte
	norms    []float64
	norm     float64

	softmaxFn, columnFn, normFn func(worker, part int)
	normOf, columnOf, columnTo  []float32
	columns                     int
}

// cell is one LSTM layer. Gates lie side by side in the order input, forget, cell, output.
type cell struct {
	*site
	hidden, batch  int
	recurrent      *matrix
	steps, back    *operand // recurrent, and transposed
	bias, biasG    []float32
	gates, dgates  []float32 // rows x 4 hidden
	h, c           []float32 // (steps+1) x batch x hidden; the first batch rows are the state before the window
	tanhC          []float32
	dh             []float32 // rows x hidden: gradient by h from above
	dhNext, dcNext []float32 // batch x hidden: from the step after
	zeros          []float32
	t              int
	forwardFn      func(worker, part int)
	backwardFn     func(worker, part int)
}

func newLSTM(e *engine, cfg LSTMConfig) (*lstm, error) {
	v, h, rows := cfg.Vocabulary, cfg.Hidden, cfg.Batch*cfg.Steps
	m := &lstm{engine: e, cfg: cfg, embedding: make([]float32, v*h), outBias: make([]float32, v),
		outBiasG: make([]float32, v), logits: make([]float32, rows*v), words: make([]float32, rows*h),
		zeros: make([]float32, 4*h), input: make([]int32, rows), target: make([]int32, rows), slot: make([]int32, v),
		wordG: make([]float32, rows*h), lossRow: make([]float64, rows), rightRow: make([]bool, rows),
		models: map[string]bool{}, norms: make([]float64, 1024)}
	m.softmaxFn, m.columnFn, m.normFn = m.softmaxPart, m.columnPart, m.normPart
	for i := range m.slot {
		m.slot[i] = -1
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, weightStream))
	random := func(x []float32) {
		for i := range x {
			x[i] = float32((2*rng.Float64() - 1) * cfg.Init)
		}
	}
	random(m.embedding)
	for l := range cfg.Layers + 1 {
		width := 4 * h
		if l == cfg.Layers {
			width = v
		}
		s, err := newSite(e, &cfg, l, width)
		if err != nil {
			return nil, err
		}
		random(s.w)
		if l == cfg.Layers {
			m.out = s
			break
		}
		c := &cell{site: s, hidden: h, batch: cfg.Batch, recurrent: newMatrix(e, h, 4*h, false), bias: make([]float32, 4*h),
			biasG: make([]float32, 4*h), gates: make([]float32, rows*4*h), dgates: make([]float32, rows*4*h),
			h: make([]float32, (rows+cfg.Batch)*h), c: make([]float32, (rows+cfg.Batch)*h), tanhC: make([]float32, rows*h),
			dh: make([]float32, rows*h), dhNext: make([]float32, cfg.Batch*h), dcNext: make([]float32, cfg.Batch*h),
			zeros: m.zeros}
		c.steps, c.back = newOperand(e, blas.NoTrans, h, 4*h, c.recurrent.w, 4*h),
			newOperand(e, blas.Trans, 4*h, h, c.recurrent.w, 4*h)
		c.forwardFn, c.backwardFn = c.forwardPart, c.backwardPart
		random(c.recurrent.w)
		random(c.bias)
		m.cells = append(m.cells, c)
	}
	random(m.outBias)
	return m, nil
}

// reset clears the state before the next window.
func (m *lstm) reset() {
	for _, c := range m.cells {
		clear(c.h[:c.batch*c.hidden])
		clear(c.c[:c.batch*c.hidden])
	}
}

// load fills the window with steps words of each of the text's batch sequences, from word `from` on.
func (m *lstm) load(text []int32, from, steps int) {
	per := len(text) / m.cfg.Batch
	m.steps = steps
	for s := range m.cfg.Batch {
		for t := range steps {
			m.input[t*m.cfg.Batch+s] = text[s*per+from+t]
			m.target[t*m.cfg.Batch+s] = text[s*per+from+t+1]
		}
	}
}

// forward computes loss and right of the window, and the gradient of the logits when training; the cells' state moves
// on only by advance.
func (m *lstm) forward(method dropout.Method, iteration uint64) {
	n, h := m.steps*m.cfg.Batch, m.cfg.Hidden
	m.id = m.id[:0]
	for i, w := range m.input[:n] {
		copy(m.words[i*h:(i+1)*h], m.embedding[int(w)*h:(int(w)+1)*h])
	}
	x := m.words[:n*h]
	for _, c := range m.cells {
		m.id = c.draw(method, iteration, n, m.id)
		c.drop(x, c.gates)
		c.steps.pack()
		for t := range m.steps {
			c.t = t
			b := c.batch
			c.steps.multiply(b, c.h[t*b*h:], h, c.gates[t*b*4*h:], 4*h, true)
			m.Run(b, c.forwardFn)
		}
		x = c.h[c.batch*h : (n+c.batch)*h]
	}
	m.id = m.out.draw(method, iteration, n, m.id)
	if len(m.id) > 0 && !m.models[string(m.id)] {
		m.models[string(m.id)] = true
	}
	m.out.drop(x, m.logits)
	m.Run(n, m.softmaxFn)
	m.loss, m.right = 0, 0
	for i, l := range m.lossRow[:n] {
		m.loss += l
		if m.rightRow[i] {
			m.right++
		}
	}
}

// advance makes the state after the window the one before the next.
func (m *lstm) advance() {
	for _, c := range m.cells {
		k, last := c.batch*c.hidden, m.steps*c.batch*c.hidden
		copy(c.h[:k], c.h[last:last+k])
		copy(c.c[:k], c.c[last:last+k])
	}
}

// forwardPart is step t of sequence s: gates, cell and output.
func (c *cell) forwardPart(_, s int) {
	h := c.hidden
	row := c.t*c.batch + s
	g := c.gates[row*4*h : (row+1)*4*h]
	sigmoid(g[:2*h], c.bias[:2*h], -1, 1, 0)
	sigmoid(g[2*h:3*h], c.bias[2*h:3*h], -2, 2, 1) // tanh
	sigmoid(g[3*h:], c.bias[3*h:], -1, 1, 0)
	before, after := c.c[row*h:(row+1)*h], c.c[(row+c.batch)*h:(row+c.batch+1)*h]
	in, forget, next, out := g[:h], g[h:2*h], g[2*h:3*h], g[3*h:]
	tanh, y := c.tanhC[row*h:(row+1)*h], c.h[(row+c.batch)*h:(row+c.batch+1)*h]
	before, after, in, forget, next, out, tanh, y = before[:h], after[:h], in[:h], forget[:h], next[:h], out[:h],
		tanh[:h], y[:h]
	for j := range h {
		x := forget[j]*before[j] + in[j]*next[j]
		after[j], tanh[j] = x, x
	}
	sigmoid(tanh, c.zeros, -2, 2, 1)
	for j, o := range out {
		y[j] = o * tanh[j]
	}
}

// backwardPart is the gradient of step t of sequence s by the sums that enter its gates.
func (c *cell) backwardPart(_, s int) {
	h := c.hidden
	row := c.t*c.batch + s
	g, d := c.gates[row*4*h:(row+1)*4*h], c.dgates[row*4*h:(row+1)*4*h]
	in, forget, next, out := g[:h], g[h:2*h], g[2*h:3*h], g[3*h:4*h]
	din, dforget, dnext, dout := d[:h], d[h:2*h], d[2*h:3*h], d[3*h:4*h]
	before, tanh, dy := c.c[row*h:(row+1)*h], c.tanhC[row*h:(row+1)*h], c.dh[row*h:(row+1)*h]
	dyNext, dcNext := c.dhNext[s*h:(s+1)*h], c.dcNext[s*h:(s+1)*h]
	forget, next, out = forget[:len(in)], next[:len(in)], out[:len(in)]
	din, dforget, dnext, dout = din[:len(in)], dforget[:len(in)], dnext[:len(in)], dout[:len(in)]
	before, tanh, dy, dyNext, dcNext = before[:len(in)], tanh[:len(in)], dy[:len(in)], dyNext[:len(in)], dcNext[:len(in)]
	for j, i := range in {
		f, n, o, t := forget[j], next[j], out[j], tanh[j]
		dh := dy[j] + dyNext[j]
		dc := dcNext[j] + dh*o*(1-t*t)
		din[j] = dc * n * i * (1 - i)
		dforget[j] = dc * before[j] * f * (1 - f)
		dnext[j] = dc * i * (1 - n*n)
		dout[j] = dh * t * o * (1 - o)
		dcNext[j] = dc * f
	}
}

// softmaxPart is one row: loss, whether the word was predicted, and the gradient of the logits of the loss, summed over
// steps and averaged over the batch.
func (m *lstm) softmaxPart(_, r int) {
	v := m.cfg.Vocabulary
	y := m.logits[r*v : (r+1)*v]
	top := addMax(y, m.outBias)
	target := int(m.target[r])
	x := y[target]
	sum := expSum(y, top)
	m.lossRow[r] = math.Log(float64(sum)) - float64(x-top)
	m.rightRow[r] = x == top
	if m.training {
		b := float32(m.cfg.Batch)
		level1.Sscal(v, 1/(sum*b), y, 1)
		y[target] -= 1 / b
	}
}

// backward computes all gradients of the window.
func (m *lstm) backward() {
	n, h := m.steps*m.cfg.Batch, m.cfg.Hidden
	m.sumColumns(m.logits, m.outBiasG)
	m.out.undrop(m.logits, m.cells[len(m.cells)-1].dh)
	for l := len(m.cells) - 1; l >= 0; l-- {
		c := m.cells[l]
		b := c.batch
		clear(c.dhNext)
		clear(c.dcNext)
		c.back.pack()
		for t := m.steps - 1; t >= 0; t-- {
			c.t = t
			m.Run(b, c.backwardFn)
			if t > 0 {
				c.back.multiply(b, c.dgates[t*b*4*h:], 4*h, c.dhNext, h, false)
			}
		}
		m.gemm(blas.Trans, blas.NoTrans, h, 4*h, n, 1, c.h, h, c.dgates, 4*h, 0, c.recurrent.g, 4*h)
		m.sumColumns(c.dgates, c.biasG)
		dx := m.words // the words are needed by no one but the first site, which has its own copy or is done with them
		if l > 0 {
			dx = m.cells[l-1].dh
		} else if &c.input[0] == &m.words[0] {
			dx = c.dinput
		}
		c.undrop(c.dgates, dx)
		if l == 0 {
			m.wordGradients(dx)
		}
	}
}

// wordGradients adds up the rows of d that belong to the same word.
func (m *lstm) wordGradients(d []float32) {
	h := m.cfg.Hidden
	for _, w := range m.used {
		m.slot[w] = -1
	}
	m.used = m.used[:0]
	for i, w := range m.input[:m.steps*m.cfg.Batch] {
		from := d[i*h : (i+1)*h]
		if m.slot[w] < 0 {
			m.slot[w] = int32(len(m.used))
			m.used = append(m.used, w)
			copy(m.wordG[int(m.slot[w])*h:], from)
			continue
		}
		to := m.wordG[int(m.slot[w])*h : (int(m.slot[w])+1)*h]
		level1.Saxpy(h, 1, from, 1, to, 1)
	}
}

// sumColumns adds up the window's rows of d.
func (m *lstm) sumColumns(d, to []float32) {
	m.columnOf, m.columnTo, m.columns = d, to, len(to)
	m.Run((len(to)+biasPart-1)/biasPart, m.columnFn)
}

func (m *lstm) columnPart(_, part int) {
	from, to := part*biasPart, min((part+1)*biasPart, m.columns)
	g := m.columnTo[from:to]
	clear(g)
	for r := range m.steps * m.cfg.Batch {
		level1.Saxpy(len(g), 1, m.columnOf[r*m.columns+from:r*m.columns+to], 1, g, 1)
	}
}

// update is SGD, the gradients clipped to a norm of cfg.Clip together.
func (m *lstm) update(lr float32) {
	h := m.cfg.Hidden
	sum := m.squares(m.outBiasG) + m.squares(m.out.gradients()) + m.squares(m.wordG[:len(m.used)*h])
	for _, c := range m.cells {
		sum += m.squares(c.gradients()) + m.squares(c.recurrent.g) + m.squares(c.biasG)
	}
	m.norm = math.Sqrt(sum)
	if m.cfg.Clip > 0 && m.norm > m.cfg.Clip {
		lr *= float32(m.cfg.Clip / m.norm)
	}
	m.out.update(lr, 0)
	level1.Saxpy(len(m.outBias), -lr, m.outBiasG, 1, m.outBias, 1)
	for _, c := range m.cells {
		c.update(lr, 0)
		c.recurrent.update(lr, 0)
		level1.Saxpy(len(c.bias), -lr, c.biasG, 1, c.bias, 1)
	}
	for i, w := range m.used {
		level1.Saxpy(h, -lr, m.wordG[i*h:(i+1)*h], 1, m.embedding[int(w)*h:(int(w)+1)*h], 1)
	}
}

// normPartSize is how many squares one part of the work adds up.
const normPartSize = 1 << 16

// squares is the sum of squares, the same for any number of threads.
func (m *lstm) squares(x []float32) float64 {
	m.normOf = x
	n := (len(x) + normPartSize - 1) / normPartSize
	if n > len(m.norms) {
		m.norms = slices.Grow(m.norms, n)[:n]
	}
	m.Run(n, m.normFn)
	sum := 0.0
	for _, s := range m.norms[:n] {
		sum += s
	}
	return sum
}

func (m *lstm) normPart(_, part int) {
	x := m.normOf[part*normPartSize : min((part+1)*normPartSize, len(m.normOf))]
	m.norms[part] = level1.Dsdot(len(x), x, 1, x, 1)
}

// step is one training iteration on the window that load has filled.
func (m *lstm) step(iteration uint64, lr float32) error {
	m.training = true
	m.forward(m.cfg.Method, iteration)
	if math.IsNaN(m.loss) || math.IsInf(m.loss, 0) {
		return divergence(fmt.Sprintf("loss is %g; a smaller learning rate or clipping may help (they are %g and %g)",
			m.loss, lr, m.cfg.Clip))
	}
	m.backward()
	m.update(lr)
	m.advance()
	return nil
}

// evaluate is the perplexity of a text, nothing dropped, and the share of its words that were predicted. It has the
// text in batch sequences, as training does; words that do not fill these are left out.
func (m *lstm) evaluate(text []int32) (perplexity, accuracy float64) {
	m.training = false
	m.reset()
	loss, right, count := 0.0, 0, 0
	per := len(text) / m.cfg.Batch
	for from := 0; from+1 < per; from += m.cfg.Steps {
		m.load(text, from, min(m.cfg.Steps, per-1-from))
		m.forward(dropout.None, 0)
		m.advance()
		loss += m.loss
		right += m.right
		count += m.steps * m.cfg.Batch
	}
	return math.Exp(loss / float64(count)), float64(right) / float64(count)
}
