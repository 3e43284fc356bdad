package train

import (
	"errors"
	"math"
	"slices"
	"testing"

	"warpdrop/dropout"
	"warpdrop/internal/hostmem"
)

// lossAt is the loss of m's batch with the masks and patterns of iteration 0.
func lossAt(m *mlp) float64 {
	m.draw(0)
	x := m.x
	for _, l := range m.layers {
		l.forwardLayer(m.cfg.Batch, x)
		x = l.act
	}
	m.softmax(m.layers[len(m.layers)-1])
	return m.loss
}

// fill makes a batch of arbitrary inputs and labels.
func fill(m *mlp, iteration int) {
	for i := range m.x {
		m.x[i] = float32((i+iteration*31)*7919%1000) / 1000
	}
	for i := range m.labels {
		m.labels[i] = byte((i + iteration) % imageClasses)
	}
}

// TestGradient compares one step of plain SGD with central differences of the loss, for every method: a weight moves by
// minus the learning rate times the slope, also where it is dropped (by nothing).
func TestGradient(t *testing.T) {
	for _, method := range dropout.Methods(dropout.None, dropout.Dense, dropout.DropConnect) {
		e, err := newEngine(BLASGonum, 2)
		if err != nil {
			t.Fatal(err)
		}
		const lr = 0.5
		m, err := newMLP(e, MLPConfig{Hidden: []int{40, 36}, Batch: 8, LR: lr, Method: method, Rates: []float64{0.5, 0.5},
			Distributions: []dropout.Distribution{dropout.Fixed(2), dropout.Fixed(3)}, Tile: 16, Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		fill(m, 0)
		var before [][]float32
		for _, l := range m.layers {
			before = append(before, append([]float32(nil), l.w...))
		}
		if err := m.step(0); err != nil {
			t.Fatal(err)
		}
		moved := make([][]float32, len(m.layers))
		for i, l := range m.layers {
			moved[i] = append([]float32(nil), l.w...)
			copy(l.w, before[i])
			clear(l.bias)
		}
		compared := 0
		for i, l := range m.layers {
			for k := 0; k < len(l.w); k += len(l.w)/17 + 1 {
				const h = 2e-3
				l.w[k] = before[i][k] + h
				up := lossAt(m)
				l.w[k] = before[i][k] - h
				down := lossAt(m)
				l.w[k] = before[i][k]
				// A unit that starts or stops within the step has no slope to compare with.
				if base := lossAt(m); math.Abs(up-2*base+down) > 2e-6 {
					continue
				}
				compared++
				want := (up - down) / (2 * h)
				got := float64(before[i][k]-moved[i][k]) / lr
				if math.Abs(got-want) > 2e-3+0.03*math.Abs(want) {
					t.Errorf("%s, layer %d, weight %d: gradient %g, finite differences %g", method, i+1, k, got, want)
				}
			}
		}
		if compared < 25 {
			t.Errorf("%s: only %d weights compared", method, compared)
		}
		e.Close()
	}
}

// reference trains the same perceptron in float64 the plain way: full matrices, masks of 0 and scale, SGD with momentum
// on every weight in every iteration.
type reference struct {
	cfg   MLPConfig
	w, v  [][]float64
	b, bv [][]float64
	sizes []int
	draws []*dropout.Stream
	masks []dropout.Bernoulli
}

func newReference(m *mlp) *reference {
	r := &reference{cfg: m.cfg}
	for i, l := range m.layers {
		w := make([]float64, len(l.w))
		for k, x := range l.w {
			w[k] = float64(x)
		}
		r.w, r.v = append(r.w, w), append(r.v, make([]float64, len(w)))
		r.b, r.bv = append(r.b, make([]float64, l.out)), append(r.bv, make([]float64, l.out))
		r.sizes = append(r.sizes, l.in)
		if i < len(m.cfg.Hidden) {
			draw, err := m.cfg.stream(i)
			if err != nil {
				panic(err)
			}
			r.draws = append(r.draws, draw)
		}
		r.masks = append(r.masks, l.bernoulli)
	}
	r.sizes = append(r.sizes, imageClasses)
	return r
}

// keeps says whether a selection of rows keeps unit i.
func keeps(s dropout.Selection, i int) bool {
	if s.DP > 0 {
		return (i+1-s.Bias)%s.DP == 0
	}
	for k := range s.Units.Size() {
		if s.Units.At(k) == i {
			return true
		}
	}
	return false
}

// keepsTile says whether a selection of tiles keeps the one with a number.
func keepsTile(s dropout.Selection, number int) bool {
	if s.List == nil {
		return (number+1-s.Bias)%s.DP == 0
	}
	return slices.Contains(s.List, number)
}

// step is mlp.step.
func (r *reference) step(iteration uint64, input []float32, labels []byte) (loss float64) {
	b, layers := r.cfg.Batch, len(r.w)
	x := [][]float64{make([]float64, len(input))}
	for i, v := range input {
		x[0][i] = float64(v)
	}
	weightMask, neuronMask := make([][]float64, layers), make([][]float64, layers)
	for l := range layers {
		in, out := r.sizes[l], r.sizes[l+1]
		mw, mn := make([]float64, in*out), make([]float64, b*out)
		for k := range mw {
			mw[k] = 1
		}
		for k := range mn {
			mn[k] = 1
		}
		if l < layers-1 {
			switch r.cfg.Method {
			case dropout.Dense:
				for k := range mn {
					mn[k] = 0
					if r.masks[l].Kept(iteration, k) {
						mn[k] = 1 / (1 - r.cfg.Rates[l])
					}
				}
			case dropout.DropConnect:
				for k := range mw {
					mw[k] = 0
					if r.masks[l].Kept(iteration, k) {
						mw[k] = 1 / (1 - r.cfg.Rates[l])
					}
				}
			}
			if d := r.draws[l]; d != nil {
				draw, t := d.At(iteration, 0), r.cfg.Tile
				scale := 1 / (1 - d.Reached())
				if r.cfg.ScaleByDP {
					scale = float64(draw.DP)
				}
				cols := (out + t - 1) / t
				for k := range mw {
					if number := k/out/t*cols + k%out/t; draw.Tiles {
						mw[k] = 0
						if keepsTile(draw, number) {
							mw[k] = scale
						}
					}
				}
				for k := range mn {
					if !draw.Tiles {
						mn[k] = 0
						group := 0
						for g := range r.cfg.Groups { // the last group that begins at or before this sample
							if g*b/r.cfg.Groups <= k/out {
								group = g
							}
						}
						if draw := d.At(iteration, group); keeps(draw, k%out) {
							mn[k] = scale
							if r.cfg.ScaleByDP {
								mn[k] = float64(draw.DP)
							}
						}
					}
				}
			}
		}
		y := make([]float64, b*out)
		for s := range b {
			for i := range in {
				xi := x[l][s*in+i]
				if xi == 0 {
					continue
				}
				for j := range out {
					y[s*out+j] += xi * r.w[l][i*out+j] * mw[i*out+j]
				}
			}
			for j := range out {
				v := y[s*out+j] + r.b[l][j]
				if l < layers-1 {
					v = max(v, 0) * mn[s*out+j]
				}
				y[s*out+j] = v
			}
		}
		x = append(x, y)
		weightMask[l], neuronMask[l] = mw, mn
	}
	d := make([]float64, b*imageClasses)
	for s := range b {
		sum := 0.0
		y := x[layers][s*imageClasses : (s+1)*imageClasses]
		for _, v := range y {
			sum += math.Exp(v)
		}
		for c, v := range y {
			d[s*imageClasses+c] = math.Exp(v) / sum / float64(b)
		}
		d[s*imageClasses+int(labels[s])] -= 1 / float64(b)
		loss += (math.Log(sum) - y[labels[s]]) / float64(b)
	}
	for l := layers - 1; l >= 0; l-- {
		in, out := r.sizes[l], r.sizes[l+1]
		if l < layers-1 {
			for k, y := range x[l+1] {
				d[k] *= neuronMask[l][k]
				if y <= 0 {
					d[k] = 0
				}
			}
		}
		g, gb, dx := make([]float64, in*out), make([]float64, out), make([]float64, b*in)
		for s := range b {
			for j := range out {
				gb[j] += d[s*out+j]
			}
			for i := range in {
				for j := range out {
					g[i*out+j] += x[l][s*in+i] * d[s*out+j] * weightMask[l][i*out+j]
					dx[s*in+i] += d[s*out+j] * r.w[l][i*out+j] * weightMask[l][i*out+j]
				}
			}
		}
		mu, lr := float64(r.cfg.Momentum), float64(r.cfg.LR)
		for k := range g {
			r.v[l][k] = mu*r.v[l][k] - lr*g[k]
			r.w[l][k] += r.v[l][k]
		}
		for k := range gb {
			r.bv[l][k] = mu*r.bv[l][k] - lr*gb[k]
			r.b[l][k] += r.bv[l][k]
		}
		d = dx
	}
	return loss
}

// TestSameAsMaskedDense trains with compact products and lazy momentum beside the plain float64 reference, for every
// method, with sizes that tiles do not divide and rates that differ: weights, velocities and losses agree to float32's
// rounding.
func TestSameAsMaskedDense(t *testing.T) {
	tenth := dropout.Distribution{P: []float64{0.2, 0.2, 0.2, 0.1, 0.1, 0, 0.2}}
	for _, c := range []struct {
		method dropout.Method
		hidden []int
		d      []dropout.Distribution
		tile   int
		groups int
	}{
		{dropout.None, []int{20, 12}, nil, 0, 0},
		{dropout.Dense, []int{20, 12}, nil, 0, 0},
		{dropout.DropConnect, []int{20, 12}, nil, 0, 0},
		{dropout.RDP, []int{50, 35}, []dropout.Distribution{{P: []float64{0.3, 0.3, 0.4}},
			{P: []float64{0.1, 0.5, 0.2, 0.2}}}, 0, 0},
		{dropout.RDP, []int{29, 31}, []dropout.Distribution{tenth, tenth}, 0, 0}, // 420 classes: more than units
		{dropout.RDP, []int{40}, []dropout.Distribution{{P: []float64{0, 0.5, 0, 0.5}}}, 0, 0},
		{dropout.RowsK, []int{50, 37}, nil, 0, 0},
		{dropout.RowsRandom, []int{29, 31}, nil, 0, 0},
		{dropout.RowsSlice, []int{29, 31}, nil, 0, 0},
		{dropout.TDP, []int{50, 35}, []dropout.Distribution{{P: []float64{0.3, 0.3, 0.4}},
			{P: []float64{0.1, 0.3, 0.3, 0.3}}}, 8, 0},
		{dropout.TDP, []int{48, 32}, []dropout.Distribution{tenth, tenth}, 8, 0},
		{dropout.TDP, []int{40}, []dropout.Distribution{tenth}, 32, 0}, // two tile columns: fewer than dp
		{dropout.TDP, []int{100, 130}, []dropout.Distribution{tenth, {P: []float64{0, 0.5, 0.5}}}, 32, 0},
		{dropout.TDP, []int{96, 64}, []dropout.Distribution{{P: []float64{0.2, 0.2, 0.3, 0.3}}, tenth}, 32, 0},
		{dropout.TDPSkewed, []int{50, 35}, []dropout.Distribution{{P: []float64{0.3, 0.3, 0.4}},
			{P: []float64{0.1, 0.3, 0.3, 0.3}}}, 8, 0},
		{dropout.TDPSkewed, []int{128, 130}, []dropout.Distribution{tenth, {P: []float64{0, 0.5, 0.5}}}, 32, 0},
		{dropout.RowsRandom, []int{29, 31}, nil, 0, 3},
		{dropout.RDP, []int{50, 35}, []dropout.Distribution{{P: []float64{0.3, 0.3, 0.4}},
			{P: []float64{0.1, 0.5, 0.2, 0.2}}}, 0, 2},
		{dropout.TilesRandom, []int{50, 35}, nil, 8, 0},
		{dropout.TilesRandom, []int{100, 130}, nil, 32, 0},
		{dropout.TilesRandom, []int{128}, nil, 32, 0},
	} {
		for run, lib := range []string{BLASGonum, BLASOpenBLAS, BLASPanels, BLASGonum, BLASPanels} {
			scaleByDP := run > 2
			if scaleByDP && !c.method.HasDP() {
				continue
			}
			e, err := newEngine(lib, 2)
			if err != nil {
				if lib != BLASGonum {
					t.Logf("%s: left out, %v", lib, err)
					continue
				}
				t.Fatal(err)
			}
			lr := float32(0.05)
			if scaleByDP {
				lr = 0.002 // dp is up to 7: with longer steps the network blows up, and rounding with it
			}
			m, err := newMLP(e, MLPConfig{Hidden: c.hidden, Batch: 5, LR: lr, Momentum: 0.9, Method: c.method,
				Rates: []float64{0.5, 0.3}, Distributions: c.d, ScaleByDP: scaleByDP, Tile: max(c.tile, 1),
				Groups: c.groups, Seed: 11})
			if err != nil {
				t.Fatal(err)
			}
			r := newReference(m)
			const iterations = 60
			for i := range iterations {
				fill(m, i)
				want := r.step(uint64(i), m.x, m.labels)
				if err := m.step(uint64(i)); err != nil {
					t.Fatal(err)
				}
				if math.Abs(m.loss-want) > 2e-4*(1+want) {
					t.Fatalf("%s %v, %s, iteration %d: loss %.7g, masked dense %.7g", c.method, c.hidden, lib, i, m.loss, want)
				}
			}
			for i, l := range m.layers {
				l.settle()
				for _, p := range []struct {
					name string
					got  []float32
					want []float64
				}{{"weights", l.w, r.w[i]}, {"velocities", l.v, r.v[i]}, {"biases", l.bias, r.b[i]}} {
					worst, size := 0.0, 0.0
					for k := range p.got {
						worst = max(worst, math.Abs(float64(p.got[k])-p.want[k]))
						size = max(size, math.Abs(p.want[k]))
					}
					if worst > 1e-4*size {
						t.Errorf("%s %v, %s, layer %d, %s: off by %.2g of %.2g after %d iterations", c.method, c.hidden, lib, i+1, p.name,
							worst, size, iterations)
					}
				}
			}
			e.Close()
		}
	}
}

// TestNoAllocation checks that iterations allocate nothing.
func TestNoAllocation(t *testing.T) {
	for _, method := range []dropout.Method{dropout.None, dropout.Dense, dropout.DropConnect, dropout.RDP, dropout.TDP} {
		e, err := newEngine("", 2)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newMLP(e, MLPConfig{Hidden: []int{96, 64}, Batch: 16, LR: 0.01, Momentum: 0.9, Method: method,
			Rates: []float64{0.5, 0.5}, Distributions: []dropout.Distribution{{P: []float64{0.5, 0, 0.5}},
				{P: []float64{0.5, 0.5}}}, Tile: 32, Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		im := Images{make([]byte, 16*imagePixels), make([]byte, 16)}
		which := make([]int, 16)
		i := uint64(0)
		one := func() {
			m.load(im, which)
			if err := m.step(i); err != nil {
				t.Fatal(err)
			}
			i++
		}
		for range 60 { // until every combination of patterns has been seen
			one()
		}
		if n := testing.AllocsPerRun(50, one); n > 0 {
			t.Errorf("%s with %s: %g allocations an iteration", method, e.name, n)
		}
		e.Close()
	}
}

// TestMemoryIsAskedForFirst: a network that no machine has room for is refused before anything is allocated.
func TestMemoryIsAskedForFirst(t *testing.T) {
	if free, ok := hostmem.Available(1 << 40); !ok || free > 60<<30 {
		t.Skip("this system does not say how much memory is free, or has very much")
	}
	cfg := MLPConfig{Hidden: []int{65536, 65536}, Batch: 1, Epochs: 1, LR: 0.1, Method: dropout.None,
		Rates: []float64{0, 0}}
	if _, err := TrainMLP(t.Context(), cfg, nil); !errors.Is(err, hostmem.ErrTooLarge) {
		t.Error(err)
	}
	lstm := DefaultLSTM(32768)
	lstm.Rates = []float64{0, 0, 0}
	if _, err := TrainLSTM(t.Context(), lstm, nil); !errors.Is(err, hostmem.ErrTooLarge) {
		t.Error(err)
	}
}
