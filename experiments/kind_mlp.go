package experiments

import (
	"context"
	"fmt"
	"slices"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

var _ = register(&work[MLP]{
	About:     "Simulate a training iteration of a multi-layer perceptron.",
	Versions:  mlpVersions,
	Work:      mlpWork,
	Memory:    mlpMemory,
	Speed:     3.3e8, // multiply-adds
	Run:       runMLP,
	Simulated: func(m MLP) MLP { m.Dropping = m.anyMask(); return m },
	Row: func(r *Row, s MLP) {
		r.perceptron(s.Perceptron)
		r.dropping(s.Dropping)
		r.choosing(s.Dropping, s.dropped())
		r.trainedWith("", false, s.Groups, "")
		r.GPU, r.Update = s.GPU, s.Update
	},
})

// Perceptron is the network that MLP simulates and TrainMLP trains.
type Perceptron struct {
	Inputs  int   `json:"inputs" jsonschema:"minimum=1,maximum=65536,default=784" jsonschema_description:"Width of the input."`
	Hidden  []int `json:"hidden" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Width of each hidden layer."`
	Outputs int   `json:"outputs" jsonschema:"minimum=2,maximum=65536,default=10" jsonschema_description:"Number of classes."`
	Batch   int   `json:"batch" jsonschema:"minimum=1,maximum=65536,default=128" jsonschema_description:"Samples an iteration."`
}

func (p Perceptron) dropped() (out []dropped) {
	inputs := p.Inputs
	for _, n := range p.Hidden {
		out = append(out, dropped{n, inputs, n})
		inputs = n
	}
	return out
}

// MLP is a simulated training iteration: forward, backward by data and by weights, update.
type MLP struct {
	GPU string `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	Perceptron
	Dropping
	Update  string `json:"update" jsonschema:"enum=dense,enum=lazy,default=dense" jsonschema_description:"SGD with momentum on every weight, or lazily on kept ones."`
	Samples int    `json:"samples" jsonschema:"minimum=0,maximum=65536,default=0" jsonschema_description:"Pattern combinations to simulate, drawn by their probability; 0 = all, summed exactly."`
	Seed    int    `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of masks, patterns and data."`
	Groups  int    `json:"groups,omitempty" jsonschema:"minimum=0,maximum=1024" jsonschema_description:"Patterns of rows: groups of the batch's samples with a pattern each; 0 or 1 = one for all."`
}

func (MLP) Kind() string { return "mlp" }

func (m MLP) check() []problem {
	return slices.Concat(checkGPU(m.GPU), m.Dropping.check(m.dropped()), m.checkSimulatedGroups(m.Groups, m.Batch),
		checkSamples(m.Samples))
}

func (m MLP) normal() Spec {
	m.Dropping = m.Dropping.normal()
	if m.Groups <= 1 {
		m.Groups = 0
	}
	if !m.approximate() { // every weight has a gradient, and there are no patterns
		m.Update, m.Samples = workloads.UpdateDense, 0
	}
	return m
}

func mlpVersions(_ *Host, m MLP) (map[string]string, error) {
	return iterationVersions(m.Dropping, m.GPU)
}

// iterationVersions are simVersions of an iteration; it refuses tiles that there are no kernels for.
func iterationVersions(d Dropping, gpu string) (map[string]string, error) {
	if d.method().Drops() == dropout.DropsTiles && !slices.Contains(workloads.TileSides, d.Tile) {
		return nil, fmt.Errorf("tile %d: %w; kernels of iterations have tiles of %s",
			d.Tile, ErrCannotRun, join(workloads.TileSides))
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

// What an iteration costs beside its products, in multiply-adds: a weight for the update, and in all for small launches
// (fitted to host times of Table I's networks).
const (
	updateWork = 90
	fixedWork  = 5e7
)

// mlpWork estimates the multiply-adds that are simulated: forward, backward by data and by weights.
func mlpWork(m MLP) (work float64) {
	kept := mlpKept(m)
	drawn, err := draw(m.Dropping, m.dropped(), m.Groups, m.Samples, uint64(m.Seed), kept)
	if err != nil {
		return 0
	}
	for _, c := range drawn.distinct() {
		work += 3*float64(m.Batch)*kept(shares(c)) + updateWork*mlpSize(m.Perceptron) + fixedWork
	}
	return work
}

// mlpMemory is the device memory of an iteration (weights, momenta, gradients, activations) and the simulator's own.
func mlpMemory(m MLP) int64 {
	return (&workloads.MLPSpec{Layers: mlpLayers(m.Perceptron), Batch: m.Batch}).Memory() + 200<<20
}

// distributions finds the distribution of dp of each layer, the same for the simulator and the trainer.
func distributions(d Dropping) (ds []dropout.Distribution, out []SearchResult, err error) {
	if !d.method().HasDP() {
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
			if l > 0 && m.method().Drops() == dropout.DropsRows {
				n *= share[l-1]
			}
			sum += n
		}
		return sum
	}
}

func runMLP(ctx context.Context, _ *Host, spec MLP, threads int, progress func(float64)) (Result, error) {
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	r, err := expectation(ctx, gpu, spec.Dropping, spec.dropped(), spec.Groups, spec.Samples, uint64(spec.Seed), threads,
		progress, mlpKept(spec), func(ctx context.Context, rates []float64, c combination,
			opt workloads.Options) (*workloads.IterationResult, error) {
			return workloads.SimulateMLP(ctx, gpu, workloads.MLPSpec{Layers: mlpLayers(spec.Perceptron), Batch: spec.Batch,
				Method: dropout.Method(spec.Method), Rates: rates, Patterns: c.patterns, Groups: c.groups, Tile: spec.Tile,
				Update: spec.Update, LR: 0.01, Momentum: 0.9, Seed: uint64(spec.Seed)}, opt)
		})
	if err != nil {
		return Result{}, err
	}
	r.FLOP = 6 * mlpSize(spec.Perceptron) * float64(spec.Batch)
	r.Coverage = "one training iteration: copies to the device, forward, backward by data and weights, update; launch " +
		"overhead included" + r.Coverage
	r.Coverage += spec.rateCoverage()
	return Result{Sim: r}, nil
}
