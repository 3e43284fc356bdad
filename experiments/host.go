package experiments

import (
	"context"
	"errors"
	"sync"

	"warpdrop/train"
)

// Worker computes points. Host is the real one; tests have their own.
type Worker interface {
	// Versions names what a spec's result depends on beside the spec; an error refuses the spec before any work starts.
	Versions(s Spec) (map[string]string, error)
	// Estimate is what the spec is thought to take.
	Estimate(s Spec) Estimate
	// Run computes a spec on up to threads threads, the same for any number. It calls progress with the share done.
	Run(ctx context.Context, s Spec, threads int, progress func(share float64)) (Result, error)
}

// Host is the Worker of real runs: each kind of work, with what this machine has for it.
type Host struct {
	data           string // folder of the training data; "" = where package train looks by itself
	blas, blasName string // of training runs: see SetBLAS
	text           string // digest of the training text
	readText       sync.Once
	inputs         inputs // of launches
	checkpoints    string // folder; "" = none are kept
	cubins         string // likewise
	curves         func(hash string, trace []TracePoint)
}

// NewHost makes the worker; data is the folder of the training data, or "".
func NewHost(data string) *Host {
	return &Host{data: data, blas: train.BLASGonum, blasName: train.BLASGonum}
}

// SetStore names the store in whose folder trainings keep their state, under their points' names, so that one that was
// stopped goes on from there, and launches the machine code that they compile.
func (h *Host) SetStore(s *Store) { h.checkpoints, h.cubins = s.Checkpoints(), s.Cubins() }

// KeepCode names a folder where launches keep the machine code that they compile, without a store.
func (h *Host) KeepCode(dir string) { h.cubins = dir }

// SetCurves has note called, whenever an epoch of a training has ended, with the name of its point and what was measured
// after each epoch so far. It is called by the goroutine that trains; several may train at once.
func (h *Host) SetCurves(note func(hash string, trace []TracePoint)) { h.curves = note }

// ErrCannotRun is the error for a spec that is sound and that this version cannot run.
var ErrCannotRun = errors.New("this version of warpdrop cannot run it")

// Versions implements Worker.
func (h *Host) Versions(s Spec) (map[string]string, error) { return kindOf(s).versions(h, s) }

// Estimate implements Worker.
func (h *Host) Estimate(s Spec) Estimate { return kindOf(s).estimate(s) }

// Run implements Worker.
func (h *Host) Run(ctx context.Context, s Spec, threads int, progress func(share float64)) (Result, error) {
	return kindOf(s).run(ctx, h, s, threads, progress)
}
