package experiments

import (
	"context"
	"fmt"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

func lstmVersions(_ *Engines, s Spec) (map[string]string, error) { return simVersions(s.(LSTM).GPU) }

// lstmProducts are the multiply-adds of a word: of the products that dropout acts on, by site, and of those with the state.
func lstmProducts(r Recurrent) (sites []float64, recurrent float64) {
	h := float64(r.Hidden)
	for range r.Layers {
		sites = append(sites, 4*h*h)
	}
	return append(sites, h*float64(r.Vocabulary)), float64(r.Layers) * 4 * h * h
}

// lstmWork estimates the multiply-adds that are simulated.
func lstmWork(s Spec) float64 {
	l := s.(LSTM)
	sites, recurrent := lstmProducts(l.Recurrent)
	steps := l.Steps
	if l.SimulatedSteps > 0 {
		steps = l.SimulatedSteps
	}
	words := float64(l.Batch * l.Steps)
	work := words*recurrent + 2*recurrent*float64(max(l.Batch, 32)*steps) // gradients of the weights; steps, whose tiles are 32 high
	runs := 1.0
	if l.approximate() && l.DP == 0 && l.Samples > 0 {
		runs = float64(l.Samples)
	}
	kept := combinationWork(l.Dropping, l.Layers+1, l.Samples)
	work *= max(runs, kept)
	for _, n := range sites {
		work += 3 * words * n * kept
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

func runLSTM(ctx context.Context, _ *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	spec := s.(LSTM)
	if err := tileOf(spec.Dropping); err != nil {
		return Result{}, err
	}
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	sites, recurrent := lstmProducts(spec.Recurrent)
	kept := func(share []float64) (sum float64) {
		for i, n := range sites {
			sum += n * share[i]
		}
		return sum
	}
	r, err := expectation(ctx, gpu, spec.Dropping, spec.Layers+1, spec.Samples, uint64(spec.Seed), threads, progress, kept,
		func(ctx context.Context, rates []float64, patterns []dropout.Pattern, opt workloads.Options) (*workloads.IterationResult, error) {
			return workloads.SimulateLSTM(ctx, gpu, workloads.LSTMSpec{Layers: spec.Layers, Hidden: spec.Hidden, Vocabulary: spec.Vocabulary, Batch: spec.Batch, Steps: spec.Steps,
				Method: dropout.Method(spec.Method), Rates: rates, Patterns: patterns, LR: 1, Clip: 5, Seed: uint64(spec.Seed), SimulatedSteps: spec.SimulatedSteps}, opt)
		})
	if err != nil {
		return Result{}, err
	}
	for _, n := range sites {
		recurrent += n
	}
	r.FLOP = 6 * recurrent * float64(spec.Batch*spec.Steps)
	how := "all steps simulated"
	if spec.SimulatedSteps > 0 {
		how = fmt.Sprintf("%d of the %d steps of each time loop simulated, the last of them counted for the others", spec.SimulatedSteps, spec.Steps)
	}
	r.Coverage = "one training iteration: copies to the device, forward, back-propagation through time, clipping, update; launch overhead included; " + how + r.Coverage
	return Result{Sim: r}, nil
}
