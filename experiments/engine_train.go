package experiments

import (
	"context"
	"os"
	"path/filepath"

	"warpdrop/dropout"
	"warpdrop/train"
)

// trainVersion changes with whatever changes a training run's result.
const trainVersion = "4"

// SetBLAS chooses the BLAS of training runs as `warpdrop train --blas` does. The default is gonum's, so that a run gives the same
// bytes wherever it is repeated; the name of another one becomes part of a point's versions.
func (e *Engines) SetBLAS(choice string) error {
	name, err := train.BLASName(choice)
	if err != nil {
		return err
	}
	e.blas, e.blasName = choice, name
	return nil
}

func trainVersions(e *Engines, _ Spec) (map[string]string, error) {
	return map[string]string{"train": trainVersion, "blas": e.blasName, "search": searchVersion}, nil
}

// trainLSTMVersions has the text's digest. Without a text the point has a place in plans, and fails when it is run.
func trainLSTMVersions(e *Engines, s Spec) (map[string]string, error) {
	v, err := trainVersions(e, s)
	if err != nil {
		return nil, err
	}
	e.readText.Do(func() {
		if e.text, err = train.TextDigest(e.data); err != nil {
			e.text = "missing"
		}
	})
	v["text"] = e.text
	return v, nil
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

// mnistDir is the engines' folder of training data if it has MNIST, else where package train looks by itself: an experiment
// may have both kinds of training, and one folder for the text.
func (e *Engines) mnistDir() string {
	if found, _ := filepath.Glob(filepath.Join(e.data, "train-images-idx3-ubyte*")); e.data != "" && len(found) == 0 {
		if texts, _ := filepath.Glob(filepath.Join(e.data, "*train.txt*")); len(texts) > 0 {
			return ""
		}
		if info, err := os.Stat(e.data); err == nil && !info.IsDir() {
			return ""
		}
	}
	return e.data
}

func runTrainMLP(ctx context.Context, e *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	t := s.(TrainMLP)
	ds, _, err := distributions(t.Dropping)
	if err != nil {
		return Result{}, err
	}
	got, err := train.TrainMLP(ctx, train.MLPConfig{Hidden: t.Hidden, Batch: t.Batch, Epochs: t.Epochs, LR: float32(t.LearningRate), Momentum: float32(t.Momentum),
		Method: dropout.Method(t.Method), Rates: t.Rates, Distributions: ds, Tile: t.Tile, Seed: uint64(t.Seed), BLAS: e.blas, Threads: threads,
		DataDir: e.mnistDir(), TrainSamples: t.TrainSamples}, shareDone(progress))
	return trainResult(ctx, got, err)
}

// lstmSize is the number of weights that a word is multiplied by: two matrices a layer, and the softmax layer's.
func lstmSize(r Recurrent) float64 {
	h := float64(r.Hidden)
	return float64(r.Layers)*8*h*h + h*float64(r.Vocabulary)
}

func trainLSTMWork(s Spec) float64 {
	t := s.(TrainLSTM)
	words := t.Tokens
	if words == 0 {
		words = 929589 // of the Penn Treebank
	}
	return lstmSize(t.Recurrent) * float64(words) * float64(t.Epochs)
}

func trainLSTMMemory(s Spec) int64 {
	t := s.(TrainLSTM)
	rows := int64(t.Batch * t.Steps)
	weights := 3*int64(lstmSize(t.Recurrent)) + int64(t.Vocabulary*t.Hidden)
	return 4*(weights+rows*(2*int64(t.Vocabulary)+int64(t.Layers)*16*int64(t.Hidden))) + 200<<20
}

func runTrainLSTM(ctx context.Context, e *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	t := s.(TrainLSTM)
	ds, _, err := distributions(t.Dropping)
	if err != nil {
		return Result{}, err
	}
	cfg := train.DefaultLSTM(t.Hidden)
	cfg.Layers, cfg.Vocabulary, cfg.Batch, cfg.Steps, cfg.Epochs, cfg.LR, cfg.Tokens = t.Layers, t.Vocabulary, t.Batch, t.Steps, t.Epochs, t.LearningRate, t.Tokens
	cfg.Method, cfg.Rates, cfg.Distributions, cfg.Tile, cfg.Seed = dropout.Method(t.Method), t.Rates, ds, t.Tile, uint64(t.Seed)
	cfg.BLAS, cfg.Threads, cfg.Data, cfg.TextDigest = e.blas, threads, e.data, e.text
	got, err := train.TrainLSTM(ctx, cfg, shareDone(progress))
	return trainResult(ctx, got, err)
}

func shareDone(progress func(float64)) func(train.Progress) {
	return func(p train.Progress) { progress(float64(p.Iteration) / float64(max(p.Iterations, 1))) }
}

func trainResult(ctx context.Context, got *train.Result, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	if got.Stopped {
		return Result{}, ctx.Err()
	}
	r := &TrainResult{Accuracy: got.TestAccuracy, Perplexity: got.TestPerplexity, Loss: got.TrainLoss, SubModels: float64(got.SubModels), BLAS: got.BLAS,
		Diverged: got.Diverged}
	for _, p := range got.Trace {
		r.Trace = append(r.Trace, TracePoint{Iteration: p.Iteration, Accuracy: p.TestAccuracy, Perplexity: p.Perplexity, Loss: p.TrainLoss})
	}
	return Result{Train: r}, nil
}
