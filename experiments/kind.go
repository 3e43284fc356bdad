package experiments

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// kind is a kind of work: all that the harness knows of it, but the type of its specs. Each is a work of that type in a
// file of its own, kind_NAME.go, and nothing else names it.
type kind interface {
	name() string
	about() string // what the JSON Schema says
	newSpec() any  // a pointer to an empty spec
	versions(h *Host, s Spec) (map[string]string, error)
	estimate(s Spec) Estimate
	speed() float64
	run(ctx context.Context, h *Host, s Spec, threads int, progress func(float64)) (Result, error)
	simulated(s Spec) Spec
	row(r *Row, s Spec)
	label(s Spec) []string
}

// Estimate is what a point is thought to take.
type Estimate struct {
	Work   float64 // a measure of effort, in units of each kind's own
	Memory int64   // the most that running it takes, in bytes
}

// work is a kind of work whose specs are of type S.
type work[S Spec] struct {
	About string // a sentence for the JSON Schema
	// Versions names what a result depends on beside the spec; an error refuses the spec before any work starts.
	Versions func(h *Host, s S) (map[string]string, error)
	Work     func(s S) float64 // as in Estimate
	Memory   func(s S) int64
	// Speed is the work that a processor second is taken to do while no stored point has measured it; only estimates rest
	// on it. Measured on one core of a server processor of 2024.
	Speed float64
	// Run computes a spec on up to threads threads, the same for any number. It calls progress with the share done.
	Run func(ctx context.Context, h *Host, s S, threads int, progress func(share float64)) (Result, error)
	// Simulated is the spec that a point is named by and run as, where that is not the spec itself: points whose times
	// cannot differ run once.
	Simulated func(s S) S
	Row       func(r *Row, s S)  // fills in what a table's row says of the spec
	Label     func(s S) []string // what a label says beside that; may be nil
}

func (w *work[S]) name() string {
	var s S
	return s.Kind()
}
func (w *work[S]) about() string  { return w.About }
func (w *work[S]) newSpec() any   { return new(S) }
func (w *work[S]) speed() float64 { return w.Speed }

func (w *work[S]) versions(h *Host, s Spec) (map[string]string, error) { return w.Versions(h, s.(S)) }
func (w *work[S]) estimate(s Spec) Estimate {
	return Estimate{w.Work(s.(S)), w.Memory(s.(S))}
}
func (w *work[S]) row(r *Row, s Spec) { w.Row(r, s.(S)) }

func (w *work[S]) run(ctx context.Context, h *Host, s Spec, threads int, progress func(float64)) (Result, error) {
	return w.Run(ctx, h, s.(S), threads, progress)
}

func (w *work[S]) simulated(s Spec) Spec {
	if w.Simulated == nil {
		return s
	}
	return w.Simulated(s.(S))
}

func (w *work[S]) label(s Spec) []string {
	if w.Label == nil {
		return nil
	}
	return w.Label(s.(S))
}

// kinds are all kinds of work, sorted by name.
var kinds []kind

// register adds a kind of work; the files of kinds call it when the program starts.
func register[S Spec](w *work[S]) struct{} {
	kinds = append(kinds, w)
	slices.SortFunc(kinds, func(a, b kind) int { return cmp.Compare(a.name(), b.name()) })
	return struct{}{}
}

// kindNamed is the kind of that name, or nil.
func kindNamed(name string) kind {
	for _, k := range kinds {
		if k.name() == name {
			return k
		}
	}
	return nil
}

// kindOf is a spec's kind, which must be a registered one.
func kindOf(s Spec) kind {
	k := kindNamed(s.Kind())
	if k == nil {
		panic(fmt.Sprintf("experiments: kind %s is not registered", s.Kind())) // specs come from newSpec
	}
	return k
}

// Kinds are the names of the kinds of work.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name())
	}
	return names
}
