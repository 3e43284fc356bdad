package experiments

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"warpdrop/dropout"
	"warpdrop/train"
)

var _ = register(&work[TrainMLP]{
	About:    "Train a multi-layer perceptron on MNIST on the CPU.",
	Versions: trainMLPVersions,
	Work:     trainMLPWork,
	Memory:   trainMLPMemory,
	Speed:    5e9, // multiply-adds
	Run:      runTrainMLP,
	Row: func(r *Row, s TrainMLP) {
		r.perceptron(s.Perceptron)
		r.dropping(s.Dropping)
		r.choosing(s.Dropping, s.dropped())
		r.trainedWith(s.Scale, false, s.Groups, "")
	},
	Label: func(s TrainMLP) []string {
		return []string{fmt.Sprintf("seed=%d", s.Seed)}
	},
})

// TrainMLP is a training run on MNIST.
type TrainMLP struct {
	Perceptron
	Dropping
	LearningRate float64 `json:"learning_rate" jsonschema:"exclusiveMinimum=0,maximum=100,default=0.01" jsonschema_description:"Step of SGD."`
	Momentum     float64 `json:"momentum" jsonschema:"minimum=0,exclusiveMaximum=1,default=0.9" jsonschema_description:"Momentum of SGD."`
	Epochs       int     `json:"epochs" jsonschema:"minimum=1,maximum=100000,default=1" jsonschema_description:"Passes over the training set."`
	TrainSamples int     `json:"train_samples" jsonschema:"minimum=0,maximum=60000,default=0" jsonschema_description:"Images of the training set to use, 0 = all 60,000."`
	Seed         int     `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of weights, order and masks; sweep it for a spread."`
	Scale        string  `json:"scale,omitempty" jsonschema:"enum=rate,enum=dp" jsonschema_description:"rdp, tdp: what is kept is multiplied by 1/(1 - rate) (rate, also where it is left out), or by the iteration's dp (dp)."`
	Groups       int     `json:"groups,omitempty" jsonschema:"minimum=0,maximum=1024" jsonschema_description:"Patterns of rows: groups of the batch's samples with a pattern each; 0 or 1 = one for all."`
}

func (TrainMLP) Kind() string { return "train-mlp" }

func (t TrainMLP) normal() Spec {
	t.Dropping, t.Scale = t.Dropping.normal(), normalScale(t.Scale)
	if t.Groups <= 1 {
		t.Groups = 0
	}
	return t
}

func (t TrainMLP) check() (out []problem) {
	out = append(t.Dropping.check(t.dropped()), t.Dropping.checkScale(t.Scale)...)
	if t.Inputs != 784 {
		out = append(out, problem{"inputs", fmt.Sprintf("%d inputs; MNIST has 784", t.Inputs)})
	}
	if t.Outputs != 10 {
		out = append(out, problem{"outputs", fmt.Sprintf("%d outputs; MNIST has 10", t.Outputs)})
	}
	return append(out, t.Dropping.checkGroups(t.Groups, t.Batch)...)
}

func trainMLPWork(t TrainMLP) float64 {
	n := t.TrainSamples
	if n == 0 {
		n = 60000
	}
	return mlpSize(t.Perceptron) * float64(n) * float64(t.Epochs)
}

func trainMLPMemory(s TrainMLP) int64 {
	return (&train.MLPConfig{Hidden: s.Hidden}).Memory() + 300<<20
}

// mnistDir is the host's folder of training data if it has MNIST, else where package train looks by itself: an
// experiment may have both kinds of training, and one folder for the text.
func (h *Host) mnistDir() string {
	if found, _ := filepath.Glob(filepath.Join(h.data, "train-images-idx3-ubyte*")); h.data != "" && len(found) == 0 {
		if texts, _ := filepath.Glob(filepath.Join(h.data, "*train.txt*")); len(texts) > 0 {
			return ""
		}
		if info, err := os.Stat(h.data); err == nil && !info.IsDir() {
			return ""
		}
	}
	return h.data
}

func runTrainMLP(ctx context.Context, h *Host, t TrainMLP, threads int, progress func(float64)) (Result, error) {
	ds, _, err := distributions(t.Dropping)
	if err != nil {
		return Result{}, err
	}
	cfg := train.MLPConfig{Hidden: t.Hidden, Batch: t.Batch, Epochs: t.Epochs, LR: float32(t.LearningRate),
		Momentum: float32(t.Momentum), Method: dropout.Method(t.Method), Rates: t.Rates, Distributions: ds,
		ScaleByDP: t.Scale == string(dropout.ScaleDP), Of: t.Of, Groups: t.Groups, Tile: t.Tile, Seed: uint64(t.Seed),
		BLAS: h.blas, Threads: threads, DataDir: h.mnistDir(), TrainSamples: t.TrainSamples}
	return h.trained(ctx, t, progress, func(saving train.Saving, follow func(train.Progress)) (*train.Result, error) {
		cfg.Saving = saving
		return train.TrainMLP(ctx, cfg, follow)
	})
}

func trainMLPVersions(h *Host, _ TrainMLP) (map[string]string, error) { return trainVersions(h) }
