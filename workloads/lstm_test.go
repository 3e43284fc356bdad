package workloads

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// lstmReference computes one iteration in float64 with explicit, scaled masks: unit masks (words x hidden) at each
// site, weight masks on the matrix behind each site.
func lstmReference(s *LSTMSpec, unit, weight [][]float64) (*LSTMState, float64) {
	h, b, words := s.Hidden, s.Batch, s.Steps*s.Batch
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	wide := func(x []float32) []float64 {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = float64(x[i])
		}
		return y
	}
	masked := func(x []float32, mask []float64) []float64 {
		y := wide(x)
		for i := range y {
			y[i] *= mask[i]
		}
		return y
	}
	x := make([][]float64, s.Layers+1) // inputs of the sites, after dropout
	hs, cs, gates := make([][]float64, s.Layers), make([][]float64, s.Layers), make([][]float64, s.Layers)
	x[0] = make([]float64, words*h)
	for r := range words {
		for j := range h {
			x[0][r*h+j] = float64(s.State.Embedding[int(s.Tokens[r])*h+j]) * unit[0][r*h+j]
		}
	}
	for l := range s.Layers {
		in, rec := masked(s.State.Input[l], weight[l]), s.State.Recurrent[l]
		hs[l], cs[l] = append(wide(s.State.H[l]), make([]float64, words*h)...),
			append(wide(s.State.C[l]), make([]float64, words*h)...)
		gates[l] = make([]float64, words*4*h)
		x[l+1] = make([]float64, words*h)
		for r := range words {
			for o := range 4 * h {
				sum := float64(s.State.Bias[l][o])
				for j := range h {
					sum += x[l][r*h+j]*in[j*4*h+o] + hs[l][r*h+j]*float64(rec[j*4*h+o])
				}
				if o/h == 2 {
					sum = math.Tanh(sum)
				} else {
					sum = sigmoid(sum)
				}
				gates[l][r*4*h+o] = sum
			}
			for j := range h {
				g := gates[l][r*4*h:]
				c := g[h+j]*cs[l][r*h+j] + g[j]*g[2*h+j]
				cs[l][(r+b)*h+j] = c
				hs[l][(r+b)*h+j] = g[3*h+j] * math.Tanh(c)
				x[l+1][r*h+j] = hs[l][(r+b)*h+j] * unit[l+1][r*h+j]
			}
		}
	}
	v := s.Vocabulary
	out := masked(s.State.Output, weight[s.Layers])
	dout, doutb, dx := make([]float64, h*v), make([]float64, v), make([]float64, words*h)
	loss := 0.0
	for r := range words {
		logits := make([]float64, v)
		sum := 0.0
		for o := range v {
			logits[o] = float64(s.State.OutputBias[o])
			for j := range h {
				logits[o] += x[s.Layers][r*h+j] * out[j*v+o]
			}
			sum += math.Exp(logits[o])
		}
		target := int(s.Tokens[r+b])
		loss -= (logits[target] - math.Log(sum)) / float64(words)
		for o := range v {
			d := math.Exp(logits[o]) / sum
			if o == target {
				d--
			}
			d /= float64(words)
			doutb[o] += d
			for j := range h {
				dout[j*v+o] += x[s.Layers][r*h+j] * d * weight[s.Layers][j*v+o]
				dx[r*h+j] += d * out[j*v+o]
			}
		}
	}
	din, drec, dbias := make([][]float64, s.Layers), make([][]float64, s.Layers), make([][]float64, s.Layers)
	for l := s.Layers - 1; l >= 0; l-- {
		in, rec := masked(s.State.Input[l], weight[l]), s.State.Recurrent[l]
		din[l], drec[l], dbias[l] = make([]float64, 4*h*h), make([]float64, 4*h*h), make([]float64, 4*h)
		below := make([]float64, words*h)
		dh, dc := make([]float64, b*h), make([]float64, b*h)
		for r := words - 1; r >= 0; r-- {
			q := r % b
			dg := make([]float64, 4*h)
			for j := range h {
				dy := dx[r*h+j]*unit[l+1][r*h+j] + dh[q*h+j]
				g := gates[l][r*4*h:]
				i, f, c, o := g[j], g[h+j], g[2*h+j], g[3*h+j]
				t := math.Tanh(cs[l][(r+b)*h+j])
				ds := dc[q*h+j] + dy*o*(1-t*t)
				dg[j], dg[h+j], dg[2*h+j], dg[3*h+j] = ds*c*i*(1-i), ds*cs[l][r*h+j]*f*(1-f), ds*i*(1-c*c), dy*t*o*(1-o)
				dc[q*h+j] = ds * f
			}
			for j := range h {
				dh[q*h+j] = 0
				for o := range 4 * h {
					dh[q*h+j] += dg[o] * float64(rec[j*4*h+o])
					below[r*h+j] += dg[o] * in[j*4*h+o]
					din[l][j*4*h+o] += x[l][r*h+j] * dg[o] * weight[l][j*4*h+o]
					drec[l][j*4*h+o] += hs[l][r*h+j] * dg[o]
				}
			}
			for o := range 4 * h {
				dbias[l][o] += dg[o]
			}
		}
		dx = below
	}
	demb := make([]float64, v*h)
	for r := range words {
		for j := range h {
			demb[int(s.Tokens[r])*h+j] += dx[r*h+j] * unit[0][r*h+j]
		}
	}
	norm := 0.0
	for _, all := range [][][]float64{din, drec, dbias, {dout, doutb, demb}} {
		for _, g := range all {
			for _, y := range g {
				norm += y * y
			}
		}
	}
	factor := 1.0
	if norm = math.Sqrt(norm); s.Clip > 0 && norm > float64(s.Clip) {
		factor = float64(s.Clip) / norm
	}
	step := func(w []float32, g []float64) []float32 {
		y := make([]float32, len(w))
		for i := range w {
			y[i] = float32(float64(w[i]) - float64(s.LR)*factor*g[i])
		}
		return y
	}
	st := &LSTMState{Embedding: step(s.State.Embedding, demb), Output: step(s.State.Output, dout),
		OutputBias: step(s.State.OutputBias, doutb)}
	narrow := func(x []float64) []float32 {
		y := make([]float32, len(x))
		for i := range x {
			y[i] = float32(x[i])
		}
		return y
	}
	for l := range s.Layers {
		st.Input, st.Recurrent = append(st.Input, step(s.State.Input[l], din[l])),
			append(st.Recurrent, step(s.State.Recurrent[l], drec[l]))
		st.Bias = append(st.Bias, step(s.State.Bias[l], dbias[l]))
		st.H, st.C = append(st.H, narrow(hs[l][words*h:])), append(st.C, narrow(cs[l][words*h:]))
	}
	return st, loss
}

// lstmMasks are the masks that the iteration draws or its patterns mean.
func lstmMasks(s *LSTMSpec) (unit, weight [][]float64) {
	for site := range s.Layers + 1 {
		u, w := ones(s.Steps*s.Batch*s.Hidden), ones(s.Hidden*s.Outputs(site))
		scale := float64(s.scale(site))
		switch s.Method {
		case dropout.Dense, dropout.Masked:
			for i := range u {
				r := dropout.Philox([4]uint32{uint32(i / 4), uint32(site), uint32(s.Iteration), 0}, [2]uint32{uint32(s.Seed), 0})
				u[i] = 0
				if r[i%4] >= dropout.Threshold(s.rate(site)) {
					u[i] = scale
				}
			}
		case dropout.RDP, dropout.RowsRandom:
			for i := range u {
				var p dropout.Pattern
				if s.Patterns != nil {
					p = s.Patterns[site]
				}
				place, length := i/s.Hidden%s.Batch, s.Batch
				if s.GroupSteps {
					place, length = i/s.Hidden/s.Batch, s.Steps
				}
				for g := range s.Groups { // the last group that begins at or before this sequence or step
					if g*length/len(s.Groups) <= place {
						p = s.Groups[g][site]
					}
				}
				u[i] = 0
				if p.DP > 0 && (i%s.Hidden+1-p.Bias)%p.DP == 0 || slices.Contains(p.Rows, i%s.Hidden) {
					u[i] = scale
				}
			}
		case dropout.TDP, dropout.TilesRandom:
			p, n := s.Patterns[site], s.Outputs(site)
			for i := range w {
				w[i] = 0
				side := max(s.Tile, 32)
				if tile := i/n/side*((n+side-1)/side) + i%n/side; p.Tiles != nil && slices.Contains(p.Tiles, tile) ||
					p.Tiles == nil && (tile+1-p.Bias)%p.DP == 0 {
					w[i] = scale
				}
			}
		}
		unit, weight = append(unit, u), append(weight, w)
	}
	return unit, weight
}

func smallLSTM(method dropout.Method) LSTMSpec {
	s := LSTMSpec{Layers: 2, Hidden: 68, Vocabulary: 70, Batch: 5, Steps: 3, Method: method, LR: 1, Clip: 0.25, Seed: 7,
		Iteration: 3}
	switch method {
	case dropout.RDP:
		s.Patterns = []dropout.Pattern{{DP: 2, Bias: 1}, {DP: 3, Bias: 3}, {DP: 5, Bias: 2}}
	case dropout.TDP:
		s.Patterns = []dropout.Pattern{{DP: 2, Bias: 1}, {DP: 3, Bias: 3}, {DP: 2, Bias: 2}}
	}
	if method == dropout.TilesRandom { // of 3 x 9, 3 x 9 and 3 x 3
		s.Patterns = []dropout.Pattern{{Tiles: randomRows(1, 27, 13)}, {Tiles: randomRows(2, 27, 18)},
			{Tiles: randomRows(3, 9, 4)}}
	}
	if method == dropout.RowsRandom {
		s.Patterns = []dropout.Pattern{{Rows: randomRows(1, 68, 34)}, {Rows: randomRows(2, 68, 47)},
			{Rows: randomRows(3, 68, 31)}}
	}
	if method != dropout.None {
		s.Rates = []float64{0.5, 0.3}
	}
	return s
}

// TestLSTMIteration compares weights and state after one simulated step with a float64 reference, for every method, on
// sizes that cut tiles, with words that occur twice, and with and without clipping.
func TestLSTMIteration(t *testing.T) { eachGPU(t, testLSTMIteration) }

func testLSTMIteration(t *testing.T, gpu *sim.GPU) {
	wide := smallLSTM(dropout.TDP)
	wide.Tile, wide.Patterns[2] = 64, dropout.Pattern{DP: 1, Bias: 1}
	sequences := smallLSTM(dropout.RowsRandom)
	sequences.Groups, sequences.Patterns = [][]dropout.Pattern{sequences.Patterns,
		{{Rows: randomRows(4, 68, 34)}, {Rows: randomRows(5, 68, 45)}, {Rows: randomRows(6, 68, 31)}}}, nil
	steps := smallLSTM(dropout.RDP)
	steps.Groups, steps.Patterns, steps.GroupSteps = [][]dropout.Pattern{steps.Patterns,
		{{DP: 2, Bias: 2}, {DP: 1, Bias: 1}, {DP: 5, Bias: 1}}}, nil, true
	for _, s := range []LSTMSpec{sequences, steps, smallLSTM(dropout.None), smallLSTM(dropout.Dense),
		smallLSTM(dropout.Masked), smallLSTM(dropout.RDP), smallLSTM(dropout.TDP), wide, smallLSTM(dropout.RowsRandom),
		smallLSTM(dropout.TilesRandom)} {
		t.Run(fmt.Sprint(s.Method, s.Tile, len(s.Groups)), func(t *testing.T) {
			if s.Method == dropout.TDP && s.Tile == 0 {
				s.Clip = 100 // over the norm
			}
			s.fill()
			for i := range s.Tokens {
				s.Tokens[i] = int32(i * i % 11)
			}
			for l := range s.Layers {
				for i := range s.State.H[l] {
					s.State.H[l][i], s.State.C[l][i] = float32(i%7)*0.1-0.3, float32(i%5)*0.2-0.4
				}
				for i := range s.State.Bias[l] {
					s.State.Bias[l][i] = float32(i%9) * 0.01
				}
			}
			unit, weight := lstmMasks(&s)
			want, loss := lstmReference(&s, unit, weight)
			got, err := SimulateLSTM(context.Background(), gpu, s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.Loss-loss) > 1e-5*loss {
				t.Errorf("loss %g, want %g", got.Loss, loss)
			}
			g := got.LSTM
			compare(t, "embedding", 0, g.Embedding, want.Embedding)
			compare(t, "output", 0, g.Output, want.Output)
			compare(t, "output bias", 0, g.OutputBias, want.OutputBias)
			for l := range s.Layers {
				compare(t, "input weights", l, g.Input[l], want.Input[l])
				compare(t, "recurrent weights", l, g.Recurrent[l], want.Recurrent[l])
				compare(t, "bias", l, g.Bias[l], want.Bias[l])
				compare(t, "h", l, g.H[l], want.H[l])
				compare(t, "c", l, g.C[l], want.C[l])
			}
			moved := 0
			for i := range want.Embedding {
				if math.Abs(float64(want.Embedding[i]-s.State.Embedding[i])) > 1e-4 {
					moved++
				}
			}
			if moved == 0 {
				t.Error("the step moves no embedding enough to be seen")
			}
		})
	}
}

// TestLSTMRepeat checks that an iteration with repeated steps counts every launch of the iteration in full, and about
// its cycles.
func TestLSTMRepeat(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	s := smallLSTM(dropout.RDP)
	s.Steps = 8
	run := func(known *Known) (*IterationResult, map[string]int) {
		s.Known = known
		r, err := SimulateLSTM(context.Background(), gpu, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, l := range r.Launches {
			n[l.Name]++
		}
		return r, n
	}
	full, all := run(nil)
	known := &Known{Repeats: 3}
	short, some := run(known)
	again, _ := run(known)
	for name, n := range all {
		if some[name] != n {
			t.Errorf("%q: %d launches, in full %d", name, some[name], n)
		}
	}
	if full.Simulated() != len(full.Launches) || 3*short.Simulated() > 2*len(full.Launches) || short.LSTM != nil ||
		!math.IsNaN(short.Loss) || full.LSTM == nil {
		t.Errorf("%d launches of %d simulated, values %v, loss %g", short.Simulated(), len(full.Launches), short.LSTM != nil,
			short.Loss)
	}
	if again.Simulated() >= short.Simulated() {
		t.Errorf("%d launches simulated when all were known, %d before", again.Simulated(), short.Simulated())
	}
	if e := float64(short.Cycles)/float64(full.Cycles) - 1; math.Abs(e) > 0.02 {
		t.Errorf("%d cycles with repeated steps, %d in full: %.1f %% apart", short.Cycles, full.Cycles, 100*e)
	}
	t.Logf("repeated %d cycles, full %d", short.Cycles, full.Cycles)
}

func TestLSTMSpecCheck(t *testing.T) {
	ok := smallLSTM(dropout.RDP)
	if err := ok.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*LSTMSpec){
		"no layers":      func(s *LSTMSpec) { s.Layers = 0 },
		"odd width":      func(s *LSTMSpec) { s.Hidden = 66 },
		"one word":       func(s *LSTMSpec) { s.Vocabulary = 1 },
		"no batch":       func(s *LSTMSpec) { s.Batch = 0 },
		"no steps":       func(s *LSTMSpec) { s.Steps = 0 },
		"too many words": func(s *LSTMSpec) { s.Steps = 20000 },
		"repeats":        func(s *LSTMSpec) { s.Known = &Known{} },
		"clip":           func(s *LSTMSpec) { s.Clip = float32(math.NaN()) },
		"few tokens":     func(s *LSTMSpec) { s.Tokens = []int32{1} },
		"word over":      func(s *LSTMSpec) { s.Tokens = make([]int32, 20); s.Tokens[3] = 70 },
		"method":         func(s *LSTMSpec) { s.Method = dropout.DropConnect },
		"one rate":       func(s *LSTMSpec) { s.Rates = s.Rates[:1] },
		"rate 1":         func(s *LSTMSpec) { s.Rates = []float64{0.5, 1} },
		"two patterns":   func(s *LSTMSpec) { s.Patterns = s.Patterns[:2] },
		"dp over":        func(s *LSTMSpec) { s.Patterns[1].DP = 69 },
		"tdp over":       func(s *LSTMSpec) { s.Method = dropout.TDP },
		"bias over dp":   func(s *LSTMSpec) { s.Patterns[0].Bias = 3 },
	} {
		s := smallLSTM(dropout.RDP)
		change(&s)
		if s.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
