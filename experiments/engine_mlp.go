package experiments

import (
	"context"
	"fmt"
	"math"
	"slices"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

func mlpVersions(_ *Engines, s Spec) (map[string]string, error) { return simVersions(s.(MLP).GPU) }

// mlpSize is the sum of the sizes of the weight matrices.
func mlpSize(p Perceptron) (weights float64) {
	sizes := mlpLayers(p)
	for i := 0; i+1 < len(sizes); i++ {
		weights += float64(sizes[i]) * float64(sizes[i+1])
	}
	return weights
}

func mlpLayers(p Perceptron) []int {
	return append(append([]int{p.Inputs}, p.Hidden...), p.Outputs)
}

// mlpWork estimates the multiply-adds that are simulated.
func mlpWork(s Spec) float64 {
	m := s.(MLP)
	runs := 1.0
	if m.approximate() && m.DP == 0 {
		n := m.Patterns
		if n == 0 {
			n = 4
		}
		runs = 0
		for dp := 1; dp <= n; dp++ { // a combination costs about what it keeps
			runs += 1 / float64(dp)
		}
		runs = math.Pow(runs, float64(len(m.Hidden)))
	}
	return runs * mlpSize(m.Perceptron) * float64(m.Batch)
}

// mlpMemory is the device memory of an iteration (weights, momenta, gradients, activations) and the simulator's own.
func mlpMemory(s Spec) int64 {
	m := s.(MLP)
	activations := 0
	for _, n := range mlpLayers(m.Perceptron) {
		activations += n * m.Batch
	}
	return int64(mlpSize(m.Perceptron))*4*5 + int64(activations)*16 + 200<<20
}

// distributions finds the distribution of dp of each layer, the same for the simulator and the trainer.
func distributions(d Dropping) (ds []dropout.Distribution, out []SearchResult, err error) {
	if !d.approximate() {
		return nil, nil, nil
	}
	for _, rate := range d.Rates {
		if d.DP > 0 {
			f := dropout.Fixed(d.DP)
			ds, out = append(ds, f), append(out, SearchResult{P: f.P, Reached: f.Reached()})
			continue
		}
		opt := dropout.DefaultSearch()
		found, err := findDistribution(rate, d.Patterns, d.Search, opt.Lambda1)
		if err != nil {
			return nil, nil, err
		}
		ds = append(ds, dropout.Distribution{Rate: rate, P: found.P})
		out = append(out, *found)
	}
	return ds, out, nil
}

// combination is one dp for each layer.
type combination struct {
	dp          []int
	probability float64
}

// combinations are all of them, each layer's dp drawn independently of the others'.
func combinations(ds []dropout.Distribution) []combination {
	out := []combination{{nil, 1}}
	for _, d := range ds {
		var next []combination
		for _, c := range out {
			for i, p := range d.P {
				if p > 0 {
					next = append(next, combination{append(slices.Clone(c.dp), i+1), c.probability * p})
				}
			}
		}
		out = next
	}
	return out
}

func runMLP(ctx context.Context, _ *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	spec := s.(MLP)
	switch {
	case spec.Method == string(dropout.TDP) && spec.Tile != workloads.TDPTile:
		return Result{}, fmt.Errorf("tile %d: %w; its TDP kernels have tile %d", spec.Tile, ErrNoEngine, workloads.TDPTile)
	case spec.Samples != 0:
		return Result{}, fmt.Errorf("samples %d: %w; it sums over all combinations (samples: 0)", spec.Samples, ErrNoEngine)
	}
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	ds, found, err := distributions(spec.Dropping)
	if err != nil {
		return Result{}, err
	}
	all := combinations(ds)
	r := newSimResult(gpu)
	r.Distribution = found
	for n, c := range all {
		it := workloads.MLPSpec{Layers: mlpLayers(spec.Perceptron), Batch: spec.Batch, Method: dropout.Method(spec.Method), Rates: spec.Rates,
			Update: spec.Update, LR: 0.01, Momentum: 0.9, Seed: uint64(spec.Seed), Iteration: 0}
		for _, dp := range c.dp {
			// The bias moves which rows are kept, not how many by more than one: the middle one stands for all.
			it.Patterns = append(it.Patterns, dropout.Pattern{Method: it.Method, DP: dp, Bias: (dp + 1) / 2})
		}
		if found != nil {
			it.Rates = nil
			for _, f := range found {
				it.Rates = append(it.Rates, f.Reached)
			}
		}
		got, err := workloads.SimulateMLP(ctx, gpu, it, workloads.Options{Threads: threads, Progress: func(done, total int) {
			progress((float64(n) + float64(done)/float64(total)) / float64(len(all)))
		}})
		if err != nil {
			return Result{}, err
		}
		r.add(got, c.probability)
		if c.dp != nil {
			r.Patterns = append(r.Patterns, PatternCycles{DP: c.dp, Probability: c.probability, Cycles: float64(got.Cycles)})
		}
	}
	r.finish(gpu)
	r.FLOP = 6 * mlpSize(spec.Perceptron) * float64(spec.Batch)
	r.Coverage = "one training iteration: copies to the device, forward, backward by data and weights, update; launch overhead included"
	if ds != nil {
		r.Coverage += fmt.Sprintf("; expected value over all %d combinations of dp, one bias each", len(all))
	}
	return Result{Sim: r}, nil
}
