package experiments

import (
	"context"
	"fmt"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

func lstmVersions(_ *Engines, s Spec) (map[string]string, error) {
	l := s.(LSTM)
	v, err := iterationVersions(l.Dropping, l.GPU)
	if err == nil && l.SimulatedRepeats > 0 {
		v["alike"] = workloads.AlikeVersion
	}
	return v, err
}

// lstmProducts are the multiply-adds of a word: of the products that dropout acts on, by site, and of those with the state.
func lstmProducts(r Recurrent) (sites []float64, recurrent float64) {
	h := float64(r.Hidden)
	for range r.Layers {
		sites = append(sites, 4*h*h)
	}
	return append(sites, h*float64(r.Vocabulary)), float64(r.Layers) * 4 * h * h
}

// What an iteration costs beside its products, in multiply-adds: a weight for the update, a weight for the norm of all gradients, and in
// all for small launches (fitted to host times of two layers of 256).
const (
	lstmUpdateWork = 45
	lstmNormWork   = 20
	lstmFixedWork  = 1e8
)

// lstmWork estimates the multiply-adds that are simulated: of launches alike once where they are not all simulated.
func lstmWork(s Spec) float64 {
	l := s.(LSTM)
	sites, recurrent := lstmProducts(l.Recurrent)
	draw, err := draw(l.Dropping, l.Layers+1, l.Samples, uint64(l.Seed), lstmKept(l.Recurrent))
	if err != nil {
		return 0
	}
	words, h := float64(l.Batch*l.Steps), float64(l.Hidden)
	work, seen := 0.0, map[string]bool{}
	count := func(multiplyAdds float64, alike ...any) {
		key := fmt.Sprint(alike...)
		if l.SimulatedRepeats == 0 || !seen[key] {
			work += multiplyAdds
		}
		seen[key] = true
	}
	for _, c := range draw.distinct() {
		for site, n := range sites {
			p := dropout.Pattern{DP: 1}
			if c.patterns != nil {
				p = c.patterns[site]
			}
			bias := 0
			if l.Method == string(dropout.TDP) {
				bias = p.Bias
			}
			count((3*words+lstmUpdateWork)*n/float64(p.DP), n, p.DP, bias)
			work += lstmNormWork * n / float64(p.DP)
		}
		work += lstmFixedWork + lstmNormWork*recurrent
		for range l.Layers {
			count((words+lstmUpdateWork)*4*h*h, "recurrent weights")
			for range l.Steps {
				count(2*4*h*h*float64(max(l.Batch, 32)), "step") // whose tiles are 32 high
			}
		}
	}
	return work
}

// lstmMemory is the device memory of an iteration (weights, gradients, activations), the weights it starts from, and the simulator's own.
func lstmMemory(s Spec) int64 {
	l := s.(LSTM)
	sites, recurrent := lstmProducts(l.Recurrent)
	weights := recurrent
	for _, n := range sites {
		weights += n
	}
	h, words := float64(l.Hidden), float64(l.Batch*l.Steps)
	activations := words * (float64(l.Vocabulary) + h*float64(l.Layers)*10)
	return int64(4*(3*weights+2*h*float64(l.Vocabulary)+2*activations)) + 300<<20
}

// lstmKept is the multiply-adds of a word that a combination of patterns keeps of the products that dropout acts on.
func lstmKept(r Recurrent) func(share []float64) float64 {
	sites, _ := lstmProducts(r)
	return func(share []float64) (sum float64) {
		for i, n := range sites {
			sum += n * share[i]
		}
		return sum
	}
}

func runLSTM(ctx context.Context, _ *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	spec := s.(LSTM)
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	var known *workloads.Known // shared by the combinations
	if spec.SimulatedRepeats > 0 {
		known = &workloads.Known{Repeats: spec.SimulatedRepeats}
	}
	r, err := expectation(ctx, gpu, spec.Dropping, spec.Layers+1, spec.Samples, uint64(spec.Seed), threads, progress, lstmKept(spec.Recurrent),
		func(ctx context.Context, rates []float64, patterns []dropout.Pattern, opt workloads.Options) (*workloads.IterationResult, error) {
			return workloads.SimulateLSTM(ctx, gpu, workloads.LSTMSpec{Layers: spec.Layers, Hidden: spec.Hidden, Vocabulary: spec.Vocabulary, Batch: spec.Batch, Steps: spec.Steps,
				Method: dropout.Method(spec.Method), Rates: rates, Patterns: patterns, Tile: spec.Tile, LR: 1, Clip: 5, Seed: uint64(spec.Seed), Known: known}, opt)
		})
	if err != nil {
		return Result{}, err
	}
	sites, products := lstmProducts(spec.Recurrent)
	for _, n := range sites {
		products += n
	}
	r.FLOP = 6 * products * float64(spec.Batch*spec.Steps)
	how := "all launches simulated"
	if known != nil {
		how = fmt.Sprintf("%d of %d launches simulated, the others counted like one of these (same kernel, grid and arguments)", r.SimulatedLaunches, r.Launches)
	}
	r.Coverage = "one training iteration: copies to the device, forward, back-propagation through time, clipping, update; launch overhead included; " + how + r.Coverage
	r.Coverage += spec.rateCoverage()
	return Result{Sim: r}, nil
}
