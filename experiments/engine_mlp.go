package experiments

import (
	"context"
	"fmt"
	"slices"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

func mlpVersions(_ *Engines, s Spec) (map[string]string, error) {
	m := s.(MLP)
	return iterationVersions(m.Dropping, m.GPU)
}

// iterationVersions are simVersions of an iteration; it refuses tiles that there are no kernels for.
func iterationVersions(d Dropping, gpu string) (map[string]string, error) {
	if d.Method == string(dropout.TDP) && !slices.Contains(workloads.TileSides, d.Tile) {
		return nil, fmt.Errorf("tile %d: %w; TDP's kernels of iterations have tiles of %s", d.Tile, ErrNoEngine, join(workloads.TileSides))
	}
	return simVersions(gpu)
}

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

// What an iteration costs beside its products, in multiply-adds: a weight for the update, and in all for small launches (fitted to host
// times of Table I's networks).
const (
	updateWork = 90
	fixedWork  = 5e7
)

// mlpWork estimates the multiply-adds that are simulated: forward, backward by data and by weights.
func mlpWork(s Spec) (work float64) {
	m := s.(MLP)
	kept := mlpKept(m)
	drawn, err := draw(m.Dropping, len(m.Hidden), m.Samples, uint64(m.Seed), kept)
	if err != nil {
		return 0
	}
	for _, c := range drawn.distinct() {
		work += 3*float64(m.Batch)*kept(shares(c)) + updateWork*mlpSize(m.Perceptron) + fixedWork
	}
	return work
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
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	r, err := expectation(ctx, gpu, spec.Dropping, len(spec.Hidden), spec.Samples, uint64(spec.Seed), threads, progress, mlpKept(spec),
		func(ctx context.Context, rates []float64, patterns []dropout.Pattern, opt workloads.Options) (*workloads.IterationResult, error) {
			return workloads.SimulateMLP(ctx, gpu, workloads.MLPSpec{Layers: mlpLayers(spec.Perceptron), Batch: spec.Batch, Method: dropout.Method(spec.Method), Rates: rates,
				Patterns: patterns, Tile: spec.Tile, Update: spec.Update, LR: 0.01, Momentum: 0.9, Seed: uint64(spec.Seed)}, opt)
		})
	if err != nil {
		return Result{}, err
	}
	r.FLOP = 6 * mlpSize(spec.Perceptron) * float64(spec.Batch)
	r.Coverage = "one training iteration: copies to the device, forward, backward by data and weights, update; launch overhead included" + r.Coverage
	r.Coverage += spec.rateCoverage()
	return Result{Sim: r}, nil
}
