package train

import (
	"fmt"
	"math"
	"testing"

	"warpdrop/dropout"
)

// lstmReference computes the loss of one window in float64 the plain way: full matrices, masks of 0 and scale.
type lstmReference struct {
	cfg       LSTMConfig
	embedding []float64
	wx, wh, b [][]float64 // of each layer, wx also of the softmax layer
	outBias   []float64
	h, c      [][]float64 // of each layer, before the window
}

func floats(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func newLSTMReference(m *lstm) *lstmReference {
	r := &lstmReference{cfg: m.cfg, embedding: floats(m.embedding), outBias: floats(m.outBias)}
	for _, c := range m.cells {
		k := c.batch * c.hidden
		r.wx, r.wh, r.b = append(r.wx, floats(c.w)), append(r.wh, floats(c.recurrent.w)), append(r.b, floats(c.bias))
		r.h, r.c = append(r.h, floats(c.h[:k])), append(r.c, floats(c.c[:k]))
	}
	r.wx = append(r.wx, floats(m.out.w))
	return r
}

// multiply is dropout on n rows of x and the product with the weights behind a site.
func (r *lstmReference) multiply(site int, x []float64, n, out int, iteration uint64) []float64 {
	cfg := &r.cfg
	in := cfg.Hidden
	at := min(site, cfg.Layers-1)
	masked := make([]float64, len(x))
	w := append([]float64(nil), r.wx[site]...)
	copy(masked, x)
	switch cfg.Method {
	case dropout.Dense:
		b, _ := dropout.NewBernoulli(cfg.Rates[at], cfg.Seed, site)
		for i := range masked {
			element := i
			if cfg.SharedMask {
				element %= in
			}
			if b.Kept(iteration, element) {
				masked[i] /= 1 - cfg.Rates[at]
			} else {
				masked[i] = 0
			}
		}
	}
	stream, err := cfg.stream(site)
	if err != nil {
		panic(err)
	}
	if stream != nil {
		scaleOf := func(d dropout.Selection) float64 {
			if cfg.ScaleByDP {
				return float64(d.DP)
			}
			return 1 / (1 - stream.Reached())
		}
		if d := stream.At(iteration, 0); d.Tiles {
			cols := (out + cfg.Tile - 1) / cfg.Tile
			for k := range w {
				if number := k/out/cfg.Tile*cols + k%out/cfg.Tile; keepsTile(d, number) {
					w[k] *= scaleOf(d)
				} else {
					w[k] = 0
				}
			}
		} else {
			for i := range masked {
				row, group := i/in, 0
				for g := range cfg.Groups { // the last group that begins at or before this sequence or step
					place, length := row%cfg.Batch, cfg.Batch
					if cfg.GroupBy == GroupSteps {
						place, length = row/cfg.Batch, n/cfg.Batch
					}
					if g*length/cfg.Groups <= place {
						group = g
					}
				}
				if d := stream.At(iteration, group); keeps(d, i%in) {
					masked[i] *= scaleOf(d)
				} else {
					masked[i] = 0
				}
			}
		}
	}
	y := make([]float64, n*out)
	for s := range n {
		for i := range in {
			for j := range out {
				y[s*out+j] += masked[s*in+i] * w[i*out+j]
			}
		}
	}
	return y
}

// loss is summed over steps and averaged over the batch, as the gradient has it.
func (r *lstmReference) loss(input, target []int32, iteration uint64) float64 {
	cfg := &r.cfg
	h, b, n := cfg.Hidden, cfg.Batch, len(input)
	x := make([]float64, n*h)
	for i, w := range input {
		copy(x[i*h:(i+1)*h], r.embedding[int(w)*h:])
	}
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for l := range cfg.Layers {
		gates := r.multiply(l, x, n, 4*h, iteration)
		hs, cs := append([]float64(nil), r.h[l]...), append([]float64(nil), r.c[l]...)
		y := make([]float64, n*h)
		for t := range n / b {
			next := make([]float64, b*h)
			for s := range b {
				g := gates[(t*b+s)*4*h : (t*b+s+1)*4*h]
				for j := range g {
					g[j] += r.b[l][j]
					for i := range h {
						g[j] += hs[s*h+i] * r.wh[l][i*4*h+j]
					}
				}
				for j := range h {
					k := s*h + j
					cs[k] = sigmoid(g[h+j])*cs[k] + sigmoid(g[j])*math.Tanh(g[2*h+j])
					next[k] = sigmoid(g[3*h+j]) * math.Tanh(cs[k])
				}
			}
			hs = next
			copy(y[t*b*h:], next)
		}
		x = y
	}
	logits := r.multiply(cfg.Layers, x, n, cfg.Vocabulary, iteration)
	loss := 0.0
	for i := range n {
		sum := 0.0
		for j, bias := range r.outBias {
			logits[i*cfg.Vocabulary+j] += bias
			sum += math.Exp(logits[i*cfg.Vocabulary+j])
		}
		loss += math.Log(sum) - logits[i*cfg.Vocabulary+int(target[i])]
	}
	return loss / float64(b)
}

func lstmConfigs() map[string]LSTMConfig {
	out := map[string]LSTMConfig{}
	d := dropout.Distribution{P: []float64{0.3, 0.3, 0.4}}
	for _, layers := range []int{1, 2, 3} {
		for _, method := range dropout.Methods(dropout.None, dropout.Dense) {
			c := LSTMConfig{Layers: layers, Hidden: 10, Vocabulary: 23, Batch: 3, Steps: 4, LR: 0.3, Init: 0.4, Method: method,
				Tile: 4, Seed: 9}
			for range layers {
				c.Rates, c.Distributions = append(c.Rates, 0.4), append(c.Distributions, d)
			}
			out[fmt.Sprintf("%d layers, %s", layers, method)] = c
			if method == dropout.Dense {
				c.SharedMask = true
				out[fmt.Sprintf("%d layers, %s, shared mask", layers, method)] = c
			}
			if method.Drops() == dropout.DropsRows {
				grouped := c
				grouped.Groups = 2
				out[fmt.Sprintf("%d layers, %s, 2 groups of samples", layers, method)] = grouped
				grouped.Groups, grouped.GroupBy = 3, GroupSteps
				out[fmt.Sprintf("%d layers, %s, 3 groups of steps", layers, method)] = grouped
			}
			if method.HasDP() {
				c.ScaleByDP = true
				out[fmt.Sprintf("%d layers, %s, scaled by dp", layers, method)] = c
			}
		}
	}
	return out
}

// TestLSTMGradient trains a few windows. Before each, the plain float64 reference gets the weights; its loss has to be
// the same, and every weight looked at has to move by the learning rate times the reference's slope: also where nothing
// was kept.
func TestLSTMGradient(t *testing.T) {
	for name, cfg := range lstmConfigs() {
		e, err := newEngine("", 2)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newLSTM(e, cfg)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]int32, 300)
		for i := range text {
			text[i] = int32(i * i * 7 % cfg.Vocabulary)
		}
		for iteration := range uint64(4) {
			m.load(text, int(iteration)*cfg.Steps, cfg.Steps)
			r := newLSTMReference(m)
			if err := m.step(iteration, float32(cfg.LR)); err != nil {
				t.Fatal(err)
			}
			want := r.loss(m.input, m.target, iteration)
			if got := m.loss / float64(cfg.Batch); math.Abs(got-want) > 1e-5*want {
				t.Errorf("%s, iteration %d: loss %.8g, reference %.8g", name, iteration, got, want)
			}
			check := func(what string, before []float64, after []float32) {
				for k := 0; k < len(before); k += len(before)/23 + 1 {
					const step = 1e-4
					x := before[k]
					before[k] = x + step
					up := r.loss(m.input, m.target, iteration)
					before[k] = x - step
					down := r.loss(m.input, m.target, iteration)
					before[k] = x
					slope := (up - down) / (2 * step)
					if got := (x - float64(after[k])) / cfg.LR; math.Abs(got-slope) > 2e-6+1e-4*math.Abs(slope) {
						t.Errorf("%s, iteration %d, %s[%d]: gradient %g, finite differences of the reference %g",
							name, iteration, what, k, got, slope)
					}
				}
			}
			check("embedding", r.embedding, m.embedding)
			for l, c := range m.cells {
				check(fmt.Sprint("input weights of layer ", l+1), r.wx[l], c.w)
				check(fmt.Sprint("recurrent weights of layer ", l+1), r.wh[l], c.recurrent.w)
				check(fmt.Sprint("bias of layer ", l+1), r.b[l], c.bias)
			}
			check("softmax weights", r.wx[cfg.Layers], m.out.w)
			check("softmax bias", r.outBias, m.outBias)
		}
		e.Close()
	}
}

// TestLSTMClip compares a clipped step with the same one unclipped.
func TestLSTMClip(t *testing.T) {
	moved := func(clip float64) (d []float64, norm float64) {
		e, err := newEngine(BLASGonum, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		cfg := lstmConfigs()["2 layers, rdp"]
		cfg.Clip = clip
		m, err := newLSTM(e, cfg)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]int32, 60)
		for i := range text {
			text[i] = int32(i % 5)
		}
		all := func() (x []float32) {
			x = append(append(append(x, m.embedding...), m.out.w...), m.outBias...)
			for _, c := range m.cells {
				x = append(append(append(x, c.w...), c.recurrent.w...), c.bias...)
			}
			return x
		}
		before := all()
		m.load(text, 0, cfg.Steps)
		if err := m.step(0, 1); err != nil {
			t.Fatal(err)
		}
		for i, x := range all() {
			d = append(d, float64(x)-float64(before[i]))
		}
		return d, m.norm
	}
	length := func(d []float64) float64 {
		sum := 0.0
		for _, x := range d {
			sum += x * x
		}
		return math.Sqrt(sum)
	}
	free, norm := moved(0)
	if got := length(free); math.Abs(got-norm) > 1e-4*norm {
		t.Errorf("a step of length %g, norm of the gradients is %g", got, norm)
	}
	clipped, _ := moved(norm / 4)
	if got := length(clipped); math.Abs(got-norm/4) > 1e-4*norm {
		t.Errorf("a clipped step of length %g, want %g", got, norm/4)
	}
}

// TestLSTMNoAllocation checks that iterations allocate nothing where their patterns are regular.
func TestLSTMNoAllocation(t *testing.T) {
	for name, cfg := range lstmConfigs() {
		// Lists of kept units or tiles are drawn anew each time.
		if cfg.Layers != 2 || cfg.Groups > 1 || cfg.Method.Approximate() && cfg.Method != dropout.RDP &&
			cfg.Method != dropout.TDP {
			continue
		}
		e, err := newEngine("", 2)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newLSTM(e, cfg)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]int32, 60)
		for i := range text {
			text[i] = int32(i % 5)
		}
		i := uint64(0)
		one := func() {
			m.load(text, 0, cfg.Steps)
			if err := m.step(i, 0.01); err != nil {
				t.Fatal(err)
			}
			i++
		}
		for range 300 { // until most combinations of patterns have been seen
			one()
		}
		if n := testing.AllocsPerRun(50, one); n > 0 {
			t.Errorf("%s with %s: %g allocations an iteration", name, e.name, n)
		}
		e.Close()
	}
}
