package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"warpdrop/train"
)

// trainVersion changes with whatever changes a training run's result.
const trainVersion = "4"

// SetBLAS chooses the BLAS of training runs as `warpdrop train --blas` does. The default is gonum's, so that a run
// gives the same bytes wherever it is repeated; the name of another one becomes part of a point's versions.
func (h *Host) SetBLAS(choice string) error {
	name, err := train.BLASName(choice)
	if err != nil {
		return err
	}
	h.blas, h.blasName = choice, name
	return nil
}

func trainVersions(h *Host) (map[string]string, error) {
	return map[string]string{"train": trainVersion, "blas": h.blasName, "search": searchVersion}, nil
}

// follow passes on how far the training of a point is, and its epochs when one has ended.
func (h *Host) follow(hash string, progress func(float64)) func(train.Progress) {
	return func(p train.Progress) {
		progress(float64(p.Iteration) / float64(max(p.Iterations, 1)))
		if h.curves == nil || len(p.Ended) == 0 {
			return
		}
		trace := make([]TracePoint, len(p.Ended))
		for i, e := range p.Ended {
			trace[i] = TracePoint{Iteration: e.Iteration, Accuracy: e.TestAccuracy, Perplexity: e.TestPerplexity,
				Loss: e.TrainLoss}
		}
		h.curves(hash, trace)
	}
}

func trainResult(ctx context.Context, got *train.Result, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	if got.Stopped {
		return Result{}, ctx.Err()
	}
	r := &TrainResult{Accuracy: got.TestAccuracy, Perplexity: got.TestPerplexity, Loss: got.TrainLoss,
		SubModels: float64(got.SubModels), BLAS: got.BLAS, Diverged: got.Diverged}
	for _, p := range got.Trace {
		r.Trace = append(r.Trace, TracePoint{Iteration: p.Iteration, Accuracy: p.TestAccuracy, Perplexity: p.Perplexity,
			Loss: p.TrainLoss})
	}
	return Result{Train: r}, nil
}

// trained runs a training that keeps its state, where the host has a folder for that, and goes on from what an earlier
// run kept. A checkpoint that it cannot go on from is moved away.
func (h *Host) trained(ctx context.Context, s Spec, progress func(float64),
	run func(train.Saving, func(train.Progress)) (*train.Result, error)) (Result, error) {
	versions, err := h.Versions(s)
	if err != nil {
		return Result{}, err
	}
	hash := NewPoint(s, versions).Hash
	var saving train.Saving
	if h.checkpoints != "" {
		if err := os.MkdirAll(h.checkpoints, 0o777); err != nil {
			return Result{}, err
		}
		saving = train.Saving{Checkpoint: filepath.Join(h.checkpoints, hash), Resume: true}
	}
	follow := h.follow(hash, progress)
	got, err := run(saving, follow)
	var bad *train.CheckpointError
	if errors.As(err, &bad) {
		aside := fmt.Sprintf("%s-damaged-%d", saving.Checkpoint, time.Now().UnixNano())
		if err := os.Rename(saving.Checkpoint, aside); err != nil {
			return Result{}, errors.Join(bad, err)
		}
		got, err = run(saving, follow)
	}
	return trainResult(ctx, got, err)
}
