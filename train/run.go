package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"warpdrop/internal/atomicfile"
)

// Saving says where a run keeps its state: after every epoch, and when it is stopped.
type Saving struct {
	Checkpoint string // file; empty = nowhere
	Resume     bool   // go on from the checkpoint where there is one; without it one that is there is an error
}

// model is what trains: a perceptron or an LSTM.
type model interface {
	// start prepares epoch `epoch` (from 1), of which `done` iterations are done already.
	start(epoch, done int)
	// iterate is one iteration, the i-th of the epoch; iteration counts all. It returns the mean loss.
	iterate(i int, iteration uint64) (loss float64, err error)
	// measure evaluates after an epoch.
	measure(m *EpochMetrics)
	// state is all that the next iteration depends on.
	state() []array
	// matrices are those whose updates are counted.
	matrices() []*matrix
}

// training is a run of a model.
type training struct {
	Saving
	kind     string
	data     string // digest of what it trains on, where that can differ
	config   any    // what a resumed run has to have in common with the one before
	epochs   int
	per      int // iterations an epoch
	samples  int // or words, an iteration
	notify   int // iterations between two reports of progress
	models   map[string]bool
	progress func(Progress)
}

// run trains from the beginning or from a checkpoint to the end, or until ctx ends. A resumed run ends with the same
// numbers as one that was never stopped, with the same BLAS and number of threads.
func (t *training) run(ctx context.Context, m model, res *Result) error {
	at := checkpointHeader{Kind: t.kind, Data: t.data, Epoch: 1}
	var err error
	if at.Config, err = json.Marshal(t.config); err != nil {
		return err
	}
	if t.Checkpoint != "" {
		if err := t.resume(m, &at); err != nil {
			return err
		}
	}
	for _, em := range at.Epochs {
		t.record(res, em)
	}
	res.Diverged = at.Diverged
	// Who writes down the epochs may have been killed, or their file lost, since they were saved.
	if n := len(at.Epochs); n > 0 && t.progress != nil {
		last := at.Epochs[n-1]
		t.progress(Progress{Epoch: last.Epoch, Epochs: t.epochs, Iteration: at.Iteration, Iterations: t.per * t.epochs,
			TrainLoss: last.TrainLoss, TestAccuracy: last.TestAccuracy, TestPerplexity: last.TestPerplexity,
			SamplesPerSecond: last.SamplesPerSecond, Ended: slices.Clone(at.Epochs)})
	}
	for at.Epoch <= t.epochs && at.Diverged == "" {
		m.start(at.Epoch, at.Done)
		began := time.Now()
		before := at.Part
		for at.Done < t.per {
			if ctx.Err() != nil {
				at.Part = before + time.Since(began).Seconds()
				res.Stopped = true
				res.Iterations = at.Iteration
				return t.save(m, &at)
			}
			loss, err := m.iterate(at.Done, uint64(at.Iteration))
			if err != nil {
				err = fmt.Errorf("epoch %d, iteration %d: %w", at.Epoch, at.Iteration, err)
				return t.diverge(m, &at, res, err)
			}
			at.Done++
			at.Iteration++
			at.Sum += loss
			if t.progress != nil && at.Iteration%t.notify == 0 {
				t.progress(Progress{Epoch: at.Epoch, Epochs: t.epochs, Iteration: at.Iteration, Iterations: t.per * t.epochs,
					TrainLoss: at.Sum / float64(at.Done), TestAccuracy: res.TestAccuracy, TestPerplexity: res.TestPerplexity,
					SamplesPerSecond: float64(at.Done*t.samples) / (before + time.Since(began).Seconds())})
			}
		}
		took := before + time.Since(began).Seconds()
		at.Seconds += took
		em := EpochMetrics{Epoch: at.Epoch, Iteration: at.Iteration, TrainLoss: at.Sum / float64(t.per), Seconds: at.Seconds,
			SamplesPerSecond: float64(t.per*t.samples) / took}
		m.measure(&em)
		if err := em.finite(); err != nil {
			return t.diverge(m, &at, res, fmt.Errorf("epoch %d: %w", at.Epoch, err))
		}
		at.Epochs = append(at.Epochs, em)
		at.Epoch, at.Done, at.Sum, at.Part = at.Epoch+1, 0, 0, 0
		t.record(res, em)
		if err := t.save(m, &at); err != nil {
			return err
		}
		if t.progress != nil {
			t.progress(Progress{Epoch: em.Epoch, Epochs: t.epochs, Iteration: at.Iteration, Iterations: t.per * t.epochs,
				TrainLoss: em.TrainLoss, TestAccuracy: em.TestAccuracy, TestPerplexity: em.TestPerplexity,
				SamplesPerSecond: em.SamplesPerSecond, Ended: slices.Clone(at.Epochs)})
		}
	}
	return nil
}

// divergence is how a training fails by itself: a result of the run, and no fault of the program.
type divergence string

func (d divergence) Error() string { return string(d) }

// finite reports what an epoch's measurements have that is no number.
func (em *EpochMetrics) finite() error {
	for _, v := range []struct {
		name string
		x    float64
	}{{"training loss", em.TrainLoss}, {"validation perplexity", em.Perplexity}, {"test perplexity", em.TestPerplexity}} {
		if math.IsNaN(v.x) || math.IsInf(v.x, 0) {
			return divergence(fmt.Sprintf("%s is %g; a smaller learning rate may help", v.name, v.x))
		}
	}
	return nil
}

// diverge ends a run whose training has diverged, with what it was before; any other error is passed on.
func (t *training) diverge(m model, at *checkpointHeader, res *Result, err error) error {
	var d divergence
	if !errors.As(err, &d) {
		return fmt.Errorf("train: %w", err)
	}
	at.Diverged = err.Error()
	res.Diverged, res.Iterations = at.Diverged, at.Iteration
	if t.progress != nil {
		t.progress(Progress{Epoch: at.Epoch, Epochs: t.epochs, Iteration: at.Iteration, Iterations: t.per * t.epochs,
			TrainLoss: res.TrainLoss, TestAccuracy: res.TestAccuracy, TestPerplexity: res.TestPerplexity,
			Ended: slices.Clone(at.Epochs)})
	}
	return t.save(m, at)
}

// record adds an epoch to the result.
func (t *training) record(res *Result, em EpochMetrics) {
	res.Epochs = append(res.Epochs, em)
	res.Trace = append(res.Trace, TracePoint{Iteration: em.Iteration, TrainLoss: em.TrainLoss,
		TestAccuracy: em.TestAccuracy, Perplexity: em.Perplexity})
	res.TestAccuracy, res.TestPerplexity, res.TrainLoss, res.Iterations = em.TestAccuracy, em.TestPerplexity, em.TrainLoss,
		em.Iteration
	res.SamplesPerSecond = float64(em.Iteration*t.samples) / em.Seconds
	res.SubModels = len(t.models)
}

// resume reads the checkpoint, where there is one and the run may go on from it.
func (t *training) resume(m model, at *checkpointHeader) error {
	if !t.Resume {
		if _, err := os.Stat(t.Checkpoint); err == nil {
			return fmt.Errorf("train: checkpoint %s is there already: resume it, or name another file", t.Checkpoint)
		}
		return nil
	}
	atomicfile.RemoveParts(t.Checkpoint)
	c, err := openCheckpoint(t.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.sameConfig(t.kind, at.Config); err != nil {
		return err
	}
	if c.Data != "" && c.Data != t.data { // checkpoints of earlier versions do not say
		return c.fail("is of a run on other data: SHA-256 %s, not %s", c.Data, t.data)
	}
	matrices := m.matrices()
	if len(c.Updates) != len(matrices) || c.Epoch < 1 || c.Done < 0 || c.Done > t.per {
		return c.fail("is damaged: its header does not fit the network")
	}
	if err := c.read(m.state()); err != nil {
		return err
	}
	for i, u := range c.Updates {
		matrices[i].updates = u
	}
	for _, id := range c.Models {
		t.models[id] = true
	}
	*at = c.checkpointHeader
	return nil
}

func (t *training) save(m model, at *checkpointHeader) error {
	if t.Checkpoint == "" {
		return nil
	}
	at.Models = slices.Sorted(maps.Keys(t.models))
	at.Updates = at.Updates[:0]
	for _, x := range m.matrices() {
		at.Updates = append(at.Updates, x.updates)
	}
	return saveCheckpoint(t.Checkpoint, at, m.state())
}
