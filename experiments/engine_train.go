package experiments

import (
	"context"

	"warpdrop/dropout"
	"warpdrop/train"
)

// trainVersion changes with whatever changes a training run's result.
const trainVersion = "1"

// trainBLAS is fixed so that a run gives the same bytes wherever it is repeated.
const trainBLAS = train.BLASGonum

func trainVersions(*Engines, Spec) (map[string]string, error) {
	return map[string]string{"train": trainVersion, "blas": trainBLAS, "search": searchVersion}, nil
}

func trainMLPWork(s Spec) float64 {
	t := s.(TrainMLP)
	n := t.TrainSamples
	if n == 0 {
		n = 60000
	}
	return mlpSize(t.Perceptron) * float64(n) * float64(t.Epochs)
}

func trainMLPMemory(s Spec) int64 {
	return int64(mlpSize(s.(TrainMLP).Perceptron))*4*4 + 300<<20
}

func runTrainMLP(ctx context.Context, e *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	t := s.(TrainMLP)
	ds, _, err := distributions(t.Dropping)
	if err != nil {
		return Result{}, err
	}
	got, err := train.TrainMLP(ctx, train.MLPConfig{Hidden: t.Hidden, Batch: t.Batch, Epochs: t.Epochs, LR: float32(t.LearningRate), Momentum: float32(t.Momentum),
		Method: dropout.Method(t.Method), Rates: t.Rates, Distributions: ds, Tile: t.Tile, Seed: uint64(t.Seed), BLAS: trainBLAS, Threads: threads,
		DataDir: e.data, TrainSamples: t.TrainSamples}, func(p train.Progress) {
		progress(float64(p.Iteration) / float64(max(p.Iterations, 1)))
	})
	if err != nil {
		return Result{}, err
	}
	if got.Stopped {
		return Result{}, ctx.Err()
	}
	r := &TrainResult{Accuracy: got.TestAccuracy, Loss: got.TrainLoss, SubModels: float64(got.SubModels), BLAS: got.BLAS}
	for _, p := range got.Trace {
		r.Trace = append(r.Trace, TracePoint{Iteration: p.Iteration, Accuracy: p.TestAccuracy, Loss: p.TrainLoss})
	}
	return Result{Train: r}, nil
}
