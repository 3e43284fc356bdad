package experiments

import (
	"context"
	"fmt"
	"math"

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
	runs := combinationWork(m.Dropping, len(m.Hidden), m.Samples)
	return runs * mlpSize(m.Perceptron) * float64(m.Batch)
}

// combinationWork is about how many iterations without dropout the combinations of a point come to.
func combinationWork(d Dropping, sites, samples int) float64 {
	if !d.approximate() || d.DP > 0 {
		return 1
	}
	if samples > 0 {
		return float64(samples) / 2
	}
	n := d.Patterns
	if n == 0 {
		n = 4
	}
	runs := 0.0
	for dp := 1; dp <= n; dp++ { // a combination costs about what it keeps
		runs += 1 / float64(dp)
	}
	return math.Pow(runs, float64(sites))
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

// mlpKept is the multiply-adds that a combination of patterns keeps of those of a product with all weights.
func mlpKept(m MLP) func(share []float64) float64 {
	sizes := mlpLayers(m.Perceptron)
	return func(share []float64) (sum float64) {
		for l := 0; l+1 < len(sizes); l++ {
			n := float64(sizes[l]) * float64(sizes[l+1])
			if l < len(share) {
				n *= share[l]
			}
			if l > 0 && m.Method == string(dropout.RDP) {
				n *= share[l-1]
			}
			sum += n
		}
		return sum
	}
}

func runMLP(ctx context.Context, _ *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	spec := s.(MLP)
	if err := tileOf(spec.Dropping); err != nil {
		return Result{}, err
	}
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	r, err := expectation(ctx, gpu, spec.Dropping, len(spec.Hidden), spec.Samples, uint64(spec.Seed), threads, progress, mlpKept(spec),
		func(ctx context.Context, rates []float64, patterns []dropout.Pattern, opt workloads.Options) (*workloads.IterationResult, error) {
			return workloads.SimulateMLP(ctx, gpu, workloads.MLPSpec{Layers: mlpLayers(spec.Perceptron), Batch: spec.Batch, Method: dropout.Method(spec.Method), Rates: rates,
				Patterns: patterns, Update: spec.Update, LR: 0.01, Momentum: 0.9, Seed: uint64(spec.Seed)}, opt)
		})
	if err != nil {
		return Result{}, err
	}
	r.FLOP = 6 * mlpSize(spec.Perceptron) * float64(spec.Batch)
	r.Coverage = "one training iteration: copies to the device, forward, backward by data and weights, update; launch overhead included" + r.Coverage
	return Result{Sim: r}, nil
}

// tileOf refuses tiles that there are no kernels for.
func tileOf(d Dropping) error {
	if d.Method == string(dropout.TDP) && d.Tile != workloads.TDPTile {
		return fmt.Errorf("tile %d: %w; its TDP kernels have tile %d", d.Tile, ErrNoEngine, workloads.TDPTile)
	}
	return nil
}
