package workloads

import (
	"context"
	"math"
	"slices"
	"testing"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// reference computes one iteration in float64 with explicit masks: neuron masks (samples x neurons, scaled) behind each
// hidden layer, weight masks (scaled) on each weight matrix.
func reference(s *MLPSpec, neuron, weight [][]float64) (*MLPState, float64) {
	last := len(s.Layers) - 2
	x := [][]float64{make([]float64, len(s.Input))}
	for i, v := range s.Input {
		x[0][i] = float64(v)
	}
	for l := 0; l <= last; l++ {
		in, out := s.Layers[l], s.Layers[l+1]
		y := make([]float64, s.Batch*out)
		for b := range s.Batch {
			for o := range out {
				sum := float64(s.State.Bias[l][o])
				for i := range in {
					sum += x[l][b*in+i] * float64(s.State.Weights[l][i*out+o]) * weight[l][i*out+o]
				}
				if l < last {
					sum = max(sum, 0) * neuron[l][b*out+o]
				}
				y[b*out+o] = sum
			}
		}
		x = append(x, y)
	}
	classes := s.Layers[last+1]
	d := make([]float64, s.Batch*classes)
	loss := 0.0
	for b := range s.Batch {
		row := x[last+1][b*classes : (b+1)*classes]
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(v)
		}
		for c, v := range row {
			d[b*classes+c] = math.Exp(v) / sum / float64(s.Batch)
		}
		d[b*classes+int(s.Labels[b])] -= 1 / float64(s.Batch)
		loss -= (row[s.Labels[b]] - math.Log(sum)) / float64(s.Batch)
	}
	st := &MLPState{Weights: make([][]float32, last+1), Bias: make([][]float32, last+1)}
	for l := last; l >= 0; l-- {
		in, out := s.Layers[l], s.Layers[l+1]
		if l < last {
			for i := range d {
				if x[l+1][i] <= 0 {
					d[i] = 0
				}
				d[i] *= neuron[l][i]
			}
		}
		st.Weights[l] = make([]float32, in*out)
		for i := range in {
			for o := range out {
				g := 0.0
				for b := range s.Batch {
					g += x[l][b*in+i] * d[b*out+o]
				}
				k := i*out + o
				v := float64(s.Momentum)*float64(s.State.WeightsV[l][k]) - float64(s.LR)*g*weight[l][k]
				st.Weights[l][k] = float32(float64(s.State.Weights[l][k]) + v)
			}
		}
		st.Bias[l] = make([]float32, out)
		for o := range out {
			g := 0.0
			for b := range s.Batch {
				g += d[b*out+o]
			}
			st.Bias[l][o] = float32(float64(s.State.Bias[l][o]) + float64(s.Momentum)*float64(s.State.BiasV[l][o]) -
				float64(s.LR)*g)
		}
		if l > 0 {
			dx := make([]float64, s.Batch*in)
			for b := range s.Batch {
				for i := range in {
					for o := range out {
						dx[b*in+i] += d[b*out+o] * float64(s.State.Weights[l][i*out+o]) * weight[l][i*out+o]
					}
				}
			}
			d = dx
		}
	}
	return st, loss
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// randomRows are k of n rows.
func randomRows(seed uint64, n, k int) []int {
	w := dropout.NewWords(seed, 0, 0, 0)
	return w.Choose(nil, n, k)
}

// TestMLPIteration compares the weights after one simulated step with a float64 reference, for every method, on sizes
// that cut tiles.
func TestMLPIteration(t *testing.T) { eachGPU(t, testMLPIteration) }

func testMLPIteration(t *testing.T, gpu *sim.GPU) {
	odd := func(method dropout.Method, patterns ...dropout.Pattern) MLPSpec {
		return MLPSpec{Layers: []int{85, 101, 131, 9}, Batch: 37, Method: method, Rates: []float64{0.5, 0.3},
			Patterns: patterns}
	}
	for _, c := range []struct {
		name string
		spec MLPSpec
	}{
		{"odd dense", odd(dropout.Dense)},
		{"odd masked", odd(dropout.Masked)},
		{"odd dropconnect", odd(dropout.DropConnect)},
		{"odd rdp", odd(dropout.RDP, dropout.Pattern{DP: 2, Bias: 1}, dropout.Pattern{DP: 3, Bias: 3})},
		{"odd tdp", odd(dropout.TDP, dropout.Pattern{DP: 2, Bias: 1}, dropout.Pattern{DP: 3, Bias: 3})},
		{"odd random rows", odd(dropout.RowsRandom, dropout.Pattern{Rows: randomRows(1, 101, 50)},
			dropout.Pattern{Rows: randomRows(2, 131, 91)})},
		{"random rows", MLPSpec{Method: dropout.RowsRandom, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{Rows: randomRows(1, 100, 31)}, {Rows: randomRows(2, 132, 41)}}}},
		{"random rows lazy", MLPSpec{Update: UpdateLazy, Method: dropout.RowsRandom, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{Rows: randomRows(3, 100, 30)}, {Rows: randomRows(4, 132, 1)}}}},
		{"all rows listed", MLPSpec{Method: dropout.RowsRandom, Rates: []float64{0, 0.5},
			Patterns: []dropout.Pattern{{Rows: randomRows(3, 100, 100)}, {Rows: randomRows(4, 132, 132-1)}}}},
		{"none", MLPSpec{Method: dropout.None}},
		{"dense", MLPSpec{Method: dropout.Dense, Rates: []float64{0.5, 0.3}}},
		{"masked", MLPSpec{Method: dropout.Masked, Rates: []float64{0.5, 0.3}}},
		{"dropconnect", MLPSpec{Method: dropout.DropConnect, Rates: []float64{0.5, 0.3}}},
		{"rdp lazy", MLPSpec{Update: UpdateLazy, Method: dropout.RDP, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{DP: 2, Bias: 1}, {DP: 3, Bias: 3}}}},
		{"tdp lazy", MLPSpec{Update: UpdateLazy, Method: dropout.TDP, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{DP: 2, Bias: 2}, {DP: 3, Bias: 1}}}},
		{"rdp", MLPSpec{Method: dropout.RDP, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{DP: 2, Bias: 1}, {DP: 3, Bias: 3}}}},
		{"rdp keeps all", MLPSpec{Method: dropout.RDP, Rates: []float64{0, 0.5},
			Patterns: []dropout.Pattern{{DP: 1, Bias: 1}, {DP: 5, Bias: 2}}}},
		{"tdp", MLPSpec{Method: dropout.TDP, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{DP: 2, Bias: 2}, {DP: 3, Bias: 1}}}},
		{"tdp, tiles of 64", MLPSpec{Layers: []int{132, 200, 140, 10}, Batch: 36, Tile: 64, Method: dropout.TDP,
			Rates: []float64{0.5, 0.3}, Patterns: []dropout.Pattern{{DP: 2, Bias: 2}, {DP: 3, Bias: 1}}}},
		{"tdp lazy, tiles of 64", MLPSpec{Layers: []int{132, 200, 140, 10}, Batch: 36, Tile: 64, Update: UpdateLazy,
			Method: dropout.TDP, Rates: []float64{0.5, 0.3}, Patterns: []dropout.Pattern{{DP: 3, Bias: 2}, {DP: 2, Bias: 1}}}},
		{"odd groups", MLPSpec{Layers: []int{85, 101, 131, 9}, Batch: 37, Method: dropout.RowsRandom,
			Rates: []float64{0.5, 0.3}, Groups: [][]dropout.Pattern{
				{{Rows: randomRows(1, 101, 50)}, {Rows: randomRows(2, 131, 91)}},
				{{Rows: randomRows(3, 101, 50)}, {Rows: randomRows(4, 131, 91)}},
				{{Rows: randomRows(5, 101, 49)}, {Rows: randomRows(6, 131, 92)}}}}},
		{"groups lazy", MLPSpec{Update: UpdateLazy, Method: dropout.RDP, Rates: []float64{0.5, 0.3},
			Groups: [][]dropout.Pattern{{{DP: 2, Bias: 1}, {DP: 3, Bias: 3}}, {{DP: 2, Bias: 1}, {DP: 1, Bias: 1}}}}},
		{"odd random tiles", odd(dropout.TilesRandom, dropout.Pattern{Tiles: []int{0, 3, 6, 9, 10}},
			dropout.Pattern{Tiles: []int{1, 2, 4, 7, 9, 11, 14, 17, 18}})},
		{"random tiles", MLPSpec{Method: dropout.TilesRandom, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{Tiles: []int{1, 2, 4, 7, 8, 11}}, {Tiles: []int{0, 3, 19}}}}},
		{"random tiles lazy", MLPSpec{Update: UpdateLazy, Method: dropout.TilesRandom, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{Tiles: []int{1, 2, 4, 7, 8, 11}}, {Tiles: []int{0, 3, 19}}}}},
		{"random tiles of 64 lazy", MLPSpec{Layers: []int{132, 200, 140, 10}, Batch: 36, Tile: 64, Update: UpdateLazy,
			Method: dropout.TilesRandom, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{Tiles: []int{0, 2, 5, 7, 8, 11}}, {Tiles: []int{1, 3, 11}}}}},
		{"skewed tdp", MLPSpec{Method: dropout.TDPSkewed, Rates: []float64{0.5, 0.3},
			Patterns: []dropout.Pattern{{DP: 2, Bias: 2}, {DP: 3, Bias: 1}}}},
		{"tdp of one column's period", MLPSpec{Method: dropout.TDP, Rates: []float64{0.5, 0.5},
			Patterns: []dropout.Pattern{{DP: 4, Bias: 3}, {DP: 1, Bias: 1}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.spec
			if s.Layers == nil {
				s.Layers, s.Batch = []int{84, 100, 132, 10}, 36
			}
			s.LR, s.Momentum, s.Seed, s.Iteration = 0.1, 0.9, 7, 3
			s.fill()
			for l := range s.State.WeightsV {
				for i := range s.State.WeightsV[l] {
					s.State.WeightsV[l][i] = float32(i%7) * 1e-3
				}
			}
			var neuron, weight [][]float64
			for l := 0; l+1 < len(s.Layers); l++ {
				in, out := s.Layers[l], s.Layers[l+1]
				nm, wm := ones(s.Batch*out), ones(in*out)
				if l < len(s.Layers)-2 {
					random := func(mask []float64) {
						for i := range mask {
							e := i/out*pad4(out) + i%out
							w := dropout.Philox([4]uint32{uint32(e / 4), uint32(l), uint32(s.Iteration), 0}, [2]uint32{uint32(s.Seed), 0})
							mask[i] = 0
							if uint64(w[e%4]) >= uint64(dropout.Threshold(s.Rates[l])) {
								mask[i] = 1 / (1 - s.Rates[l])
							}
						}
					}
					switch s.Method {
					case dropout.Dense, dropout.Masked:
						random(nm)
					case dropout.DropConnect:
						random(wm)
					case dropout.RDP, dropout.RowsRandom:
						for i := range nm {
							var p dropout.Pattern
							if s.Patterns != nil {
								p = s.Patterns[l]
							}
							for g := range s.Groups { // the last group that begins at or before this sample
								if g*s.Batch/len(s.Groups) <= i/out {
									p = s.Groups[g][l]
								}
							}
							nm[i] = 0
							if p.DP > 0 && (i%out+1-p.Bias)%p.DP == 0 || slices.Contains(p.Rows, i%out) {
								nm[i] = 1 / (1 - s.Rates[l])
							}
						}
					case dropout.TDP, dropout.TDPSkewed, dropout.TilesRandom:
						p := s.Patterns[l]
						side := max(s.Tile, 32)
						rows, cols := (in+side-1)/side, (out+side-1)/side
						if s.Method == dropout.TDPSkewed {
							p.Tiles = dropout.AppendKeptTiles(nil, rows, cols, p.DP, p.Bias, dropout.SkewedOrder)
						}
						for i := range wm {
							tile := i/out/side*cols + i%out/side
							wm[i] = 0
							if p.Tiles != nil && slices.Contains(p.Tiles, tile) || p.Tiles == nil && (tile+1-p.Bias)%p.DP == 0 {
								wm[i] = 1 / (1 - s.Rates[l])
							}
						}
					}
				}
				neuron, weight = append(neuron, nm), append(weight, wm)
			}
			want, loss := reference(&s, neuron, weight)
			got, err := SimulateMLP(context.Background(), gpu, s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.Loss-loss) > 1e-4*loss {
				t.Errorf("loss %g, want %g", got.Loss, loss)
			}
			for l := range want.Weights {
				compare(t, "weights", l, got.State.Weights[l], want.Weights[l])
				compare(t, "bias", l, got.State.Bias[l], want.Bias[l])
			}
			if got.Cycles <= 0 || got.Counters.SM.WarpInstructions == 0 {
				t.Errorf("cycles %d, warp instructions %d", got.Cycles, got.Counters.SM.WarpInstructions)
			}
		})
	}
}

// TestLazyUpdate trains a few iterations with the dense and with the lazy update: weights and momenta stay the same to
// rounding, also over a rescaling of the momentum.
func TestLazyUpdate(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []dropout.Method{dropout.RDP, dropout.TDP, dropout.RowsRandom, dropout.TilesRandom} {
		s := MLPSpec{Layers: []int{68, 68, 72, 10}, Batch: 12, Method: method, Rates: []float64{0.5, 0.5}, LR: 0.1,
			Momentum: 0.9, Seed: 3}
		s.fill()
		dense, lazy := s.State, s.State
		rescaled := false
		for i := range 6 {
			s.Patterns = []dropout.Pattern{{DP: 1 + i*5%4, Bias: 1}, {DP: 1 + (i+2)%3, Bias: 1}}
			for l := range s.Patterns {
				s.Patterns[l].Bias = 1 + i%s.Patterns[l].DP
				if !method.HasDP() {
					s.Patterns[l] = dropout.Pattern{Rows: randomRows(uint64(i), s.Layers[l+1], 40-9*l)}
				}
				if method == dropout.TilesRandom {
					s.Patterns[l] = dropout.Pattern{Tiles: randomRows(uint64(i), 9, 4+l)}
				}
			}
			s.Seed, s.Input, s.Labels = uint64(i), nil, nil // a new batch
			step := func(update string, from *MLPState) *MLPState {
				s := s
				s.Update, s.State = update, from
				r, err := SimulateMLP(context.Background(), gpu, s, Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range r.Launches {
					rescaled = rescaled || l.Kernel == "rescale"
				}
				return r.State
			}
			dense, lazy = step(UpdateDense, dense), step(UpdateLazy, lazy)
			if i == 2 { // three iterations before u is scaled back
				sgd := momentum{mu: float64(s.Momentum)}
				grow := math.Pow(sgd.mu, float64(lazy.lazy.age-sgd.maxAge()+2))
				for _, u := range lazy.lazy.u {
					for j := range u {
						u[j] = float32(float64(u[j]) * grow)
					}
				}
				lazy.lazy.age = sgd.maxAge() - 2
			}
			for l := range dense.Weights {
				for _, c := range []struct {
					what      string
					got, want []float32
				}{{"weights", lazy.Weights[l], dense.Weights[l]}, {"momenta", lazy.WeightsV[l], dense.WeightsV[l]},
					{"bias", lazy.Bias[l], dense.Bias[l]}} {
					for j := range c.want {
						if d := math.Abs(float64(c.got[j] - c.want[j])); !(d <= 2e-6) {
							t.Fatalf("%s, iteration %d, %s of layer %d: element %d is %g, with the dense update %g", method, i, c.what, l+1,
								j, c.got[j], c.want[j])
						}
					}
				}
			}
		}
		if !rescaled {
			t.Errorf("%s: the momentum was never rescaled", method)
		}
	}
}

func compare(t *testing.T, what string, l int, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 2e-5) {
			t.Errorf("%s of layer %d: element %d is %g, want %g", what, l+1, i, got[i], want[i])
			return
		}
	}
}

func TestMLPSpecCheck(t *testing.T) {
	ok := MLPSpec{Layers: []int{64, 64, 10}, Batch: 32, Method: dropout.RDP, Rates: []float64{0.5},
		Patterns: []dropout.Pattern{{DP: 2, Bias: 1}}}
	if err := ok.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*MLPSpec){
		"rate 1":                      func(s *MLPSpec) { s.Rates = []float64{1} },
		"NaN rate":                    func(s *MLPSpec) { s.Rates = []float64{math.NaN()} },
		"dp over M":                   func(s *MLPSpec) { s.Patterns = []dropout.Pattern{{DP: 65, Bias: 1}} },
		"bias 0":                      func(s *MLPSpec) { s.Patterns = []dropout.Pattern{{DP: 2}} },
		"bias over dp":                func(s *MLPSpec) { s.Patterns = []dropout.Pattern{{DP: 2, Bias: 3}} },
		"zero size":                   func(s *MLPSpec) { s.Layers = []int{64, 0, 10} },
		"no hidden":                   func(s *MLPSpec) { s.Layers = []int{64, 10} },
		"no batch":                    func(s *MLPSpec) { s.Batch = 0 },
		"update":                      func(s *MLPSpec) { s.Update = "eager" },
		"momentum 1":                  func(s *MLPSpec) { s.Momentum = 1 },
		"lazy, no mu":                 func(s *MLPSpec) { s.Update = UpdateLazy },
		"method":                      func(s *MLPSpec) { s.Method = "rows" },
		"tile":                        func(s *MLPSpec) { s.Method, s.Tile = dropout.TDP, 16 },
		"too few patterns in a group": func(s *MLPSpec) { s.Groups = [][]dropout.Pattern{{}} },
		"groups of tiles": func(s *MLPSpec) {
			s.Method, s.Groups = dropout.TDP, [][]dropout.Pattern{s.Patterns, s.Patterns}
		},
		"more groups than samples": func(s *MLPSpec) {
			s.Batch, s.Groups = 1, [][]dropout.Pattern{s.Patterns, s.Patterns}
		},
		"tiles over": func(s *MLPSpec) {
			s.Method = dropout.TilesRandom
			s.Patterns[0] = dropout.Pattern{Tiles: []int{4}}
		},
		"no tiles":       func(s *MLPSpec) { s.Method = dropout.TilesRandom },
		"tdp over tiles": func(s *MLPSpec) { s.Method = dropout.TDP; s.Patterns[0].DP = 5 },
	} {
		s := ok
		s.Patterns = append([]dropout.Pattern(nil), ok.Patterns...)
		change(&s)
		if s.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestBias runs an iteration with every bias: which rows or tiles are kept hardly moves its cycles, so one bias can
// stand for all.
func TestBias(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []dropout.Method{dropout.RDP, dropout.TDP} {
		var low, high int64
		for bias := 1; bias <= 3; bias++ {
			s := MLPSpec{Layers: []int{64, 128, 128, 10}, Batch: 32, Method: method, Rates: []float64{0.5, 0.5},
				Patterns: []dropout.Pattern{{DP: 3, Bias: bias}, {DP: 3, Bias: 4 - bias}}}
			r, err := SimulateMLP(context.Background(), gpu, s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if low == 0 || r.Cycles < low {
				low = r.Cycles
			}
			high = max(high, r.Cycles)
		}
		t.Logf("%s: %d to %d cycles", method, low, high)
		if float64(high) > 1.01*float64(low) {
			t.Errorf("%s: from %d to %d cycles with the bias, over 1 %%", method, low, high)
		}
	}
}

// TestMaskRate: what a mask holds moves no launch, so that one simulation stands for all rates.
func TestMaskRate(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(rate float64) (*IterationResult, error){
		"mlp": func(rate float64) (*IterationResult, error) {
			return SimulateMLP(context.Background(), gpu,
				MLPSpec{Layers: []int{64, 96, 100, 10}, Batch: 32, Method: dropout.Dense, Rates: []float64{rate, rate}, LR: 0.01,
					Momentum: 0.9, Seed: 1}, Options{})
		},
		"lstm": func(rate float64) (*IterationResult, error) {
			return SimulateLSTM(context.Background(), gpu, LSTMSpec{Layers: 2, Hidden: 64, Vocabulary: 90, Batch: 8, Steps: 6,
				Method: dropout.Dense, Rates: []float64{rate, rate}, LR: 1, Clip: 5, Seed: 1}, Options{})
		},
	} {
		var first *IterationResult
		for _, rate := range []float64{0, 0.3, 0.5, 0.7, 0.95} {
			r, err := run(rate)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = r
			}
			for i, l := range r.Launches {
				if l.Cycles != first.Launches[i].Cycles {
					t.Errorf("%s: %s takes %d cycles at rate %g, %d without", name, l.Name, l.Cycles, rate, first.Launches[i].Cycles)
				}
			}
			if r.Counters.SM.WarpInstructions != first.Counters.SM.WarpInstructions {
				t.Errorf("%s: %d warp instructions at rate %g, %d without", name, r.Counters.SM.WarpInstructions, rate,
					first.Counters.SM.WarpInstructions)
			}
		}
	}
}
