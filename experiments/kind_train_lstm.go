package experiments

import (
	"context"
	"fmt"

	"warpdrop/dropout"
	"warpdrop/train"
)

var _ = register(&work[TrainLSTM]{
	About:    "Train a word LSTM on text on the CPU.",
	Versions: trainLSTMVersions,
	Work:     trainLSTMWork,
	Memory:   trainLSTMMemory,
	Speed:    1.5e9, // multiply-adds
	Run:      runTrainLSTM,
	Row: func(r *Row, s TrainLSTM) {
		r.recurrent(s.Recurrent)
		r.dropping(s.Dropping)
		r.choosing(s.Dropping, s.dropped())
		r.trainedWith(s.Scale, s.SharedMask, s.Groups, s.GroupBy)
	},
	Label: func(s TrainLSTM) []string {
		return []string{fmt.Sprintf("batch=%d", s.Batch), fmt.Sprintf("seed=%d", s.Seed)}
	},
})

// TrainLSTM is a training run on text (ptb.train.txt, ptb.valid.txt, ptb.test.txt in the data folder).
type TrainLSTM struct {
	Recurrent
	Dropping
	LearningRate float64 `json:"learning_rate" jsonschema:"exclusiveMinimum=0,maximum=100,default=1" jsonschema_description:"First step of SGD, decaying."`
	Epochs       int     `json:"epochs" jsonschema:"minimum=1,maximum=100000,default=1" jsonschema_description:"Passes over the training text."`
	Tokens       int     `json:"tokens" jsonschema:"minimum=0,default=0" jsonschema_description:"Words of the training text to use, 0 = all."`
	Seed         int     `json:"seed" jsonschema:"minimum=0,default=1" jsonschema_description:"Seed of weights, order and masks."`
	Scale        string  `json:"scale,omitempty" jsonschema:"enum=rate,enum=dp" jsonschema_description:"rdp, tdp: what is kept is multiplied by 1/(1 - rate) (rate, also where it is left out), or by the iteration's dp (dp)."`
	SharedMask   bool    `json:"shared_mask,omitempty" jsonschema_description:"dense: one mask of units for all words of a window."`
	Grouping
}

func (TrainLSTM) Kind() string { return "train-lstm" }
func (t TrainLSTM) check() []problem {
	out := append(t.Dropping.check(t.dropped()), t.Dropping.checkScale(t.Scale)...)
	bad := func(key, format string, args ...any) { out = append(out, problem{key, fmt.Sprintf(format, args...)}) }
	if t.SharedMask && t.method().Drops() != dropout.DropsMask {
		bad("shared_mask", "method %s has no masks; allowed with dense", t.Method)
	}
	return append(out, t.Dropping.checkGroups(t.Groups, t.mostGroups(t.Recurrent))...)
}

func (t TrainLSTM) normal() Spec {
	t.Dropping, t.Scale, t.Grouping = t.Dropping.normal(), normalScale(t.Scale), t.Grouping.normal()
	return t
}

// trainLSTMVersions has the text's digest. Without a text the point has a place in plans, and fails when it is run.
func trainLSTMVersions(h *Host, _ TrainLSTM) (map[string]string, error) {
	v, err := trainVersions(h)
	if err != nil {
		return nil, err
	}
	h.readText.Do(func() {
		if h.text, err = train.TextDigest(h.data); err != nil {
			h.text = "missing"
		}
	})
	v["text"] = h.text
	return v, nil
}

// lstmSize is the number of weights that a word is multiplied by: two matrices a layer, and the softmax layer's.
func lstmSize(r Recurrent) float64 {
	h := float64(r.Hidden)
	return float64(r.Layers)*8*h*h + h*float64(r.Vocabulary)
}

func trainLSTMWork(t TrainLSTM) float64 {
	words := t.Tokens
	if words == 0 {
		words = 929589 // of the Penn Treebank
	}
	return lstmSize(t.Recurrent) * float64(words) * float64(t.Epochs)
}

func trainLSTMMemory(t TrainLSTM) int64 {
	return (&train.LSTMConfig{Layers: t.Layers, Hidden: t.Hidden, Vocabulary: t.Vocabulary, Batch: t.Batch,
		Steps: t.Steps}).Memory() + 200<<20
}

func runTrainLSTM(ctx context.Context, h *Host, t TrainLSTM, threads int, progress func(float64)) (Result, error) {
	ds, _, err := distributions(t.Dropping)
	if err != nil {
		return Result{}, err
	}
	cfg := train.DefaultLSTM(t.Hidden)
	cfg.Layers, cfg.Vocabulary, cfg.Batch, cfg.Steps, cfg.Epochs, cfg.LR, cfg.Tokens = t.Layers, t.Vocabulary, t.Batch,
		t.Steps, t.Epochs, t.LearningRate, t.Tokens
	cfg.Method, cfg.Rates, cfg.Distributions, cfg.Tile, cfg.Seed = dropout.Method(t.Method), t.Rates, ds, t.Tile,
		uint64(t.Seed)
	cfg.ScaleByDP, cfg.SharedMask, cfg.Of, cfg.Groups, cfg.GroupBy = t.Scale == string(dropout.ScaleDP), t.SharedMask,
		t.Of, t.Groups, train.GroupBy(t.GroupBy)
	cfg.BLAS, cfg.Threads, cfg.Data, cfg.TextDigest = h.blas, threads, h.data, h.text
	return h.trained(ctx, t, progress, func(saving train.Saving, follow func(train.Progress)) (*train.Result, error) {
		cfg.Saving = saving
		return train.TrainLSTM(ctx, cfg, follow)
	})
}
