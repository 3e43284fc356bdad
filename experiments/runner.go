package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Points binds specs to the versions that they would run with.
func Points(specs []Spec, w Worker) ([]Point, error) {
	out := make([]Point, len(specs))
	var bad []error
	for i, s := range specs {
		v, err := w.Versions(s)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", Label(s), err))
			continue
		}
		out[i] = NewPoint(s, v)
	}
	return out, errors.Join(bad...)
}

// Event is something that happened to a point of a run.
type Event struct {
	Kind    EventKind
	Point   Point
	Share   float64 // Progress: share of the point that is done
	Seconds float64 // Finished: wall clock
	Threads int     // Finished: threads that the point had
	Err     error   // Failed: why; SetAside: what was wrong
	Path    string  // SetAside: where the damaged file is now
}

// EventKind says what happened.
type EventKind int

const (
	Cached   EventKind = iota // the store has it already
	Started                   // under way here
	Progress                  // some of it is done
	Finished                  // done and stored
	Failed                    // not done
	SetAside                  // its stored file was damaged and has been moved away
	Waiting                   // another process has it under way, and there is nothing else to do
)

// ErrStore is the error of a point that could not be claimed or stored: it is the store's fault and not the point's.
var ErrStore = errors.New("the store cannot be written")

// Executor runs points. The store is all that those who run them share.
type Executor interface {
	// Execute runs the points that the store lacks and returns all that are stored at its end. It tells notify, one call
	// at a time, what happens. Where points fail, the others go on, and the error names each that failed.
	Execute(ctx context.Context, points []Point, store *Store, notify func(Event)) (map[string]*Stored, error)
}

// Local is the Executor that runs points in this process. Where the store cannot be written or the context ends, no
// further point starts.
type Local struct {
	Worker Worker
	Jobs   int                 // points at once; 0 = one a processor
	Memory int64               // bytes that points under way may take together; 0 = what the machine has available
	Put    func(*Stored) error // nil = the store's own
}

// Execute implements Executor.
func (l Local) Execute(ctx context.Context, points []Point, store *Store, notify func(Event)) (map[string]*Stored,
	error) {
	if l.Jobs <= 0 {
		l.Jobs = runtime.GOMAXPROCS(0)
	}
	if l.Memory <= 0 {
		l.Memory = availableMemory()
	}
	if l.Put == nil {
		l.Put = store.Put
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &runner{Local: l, store: store, tell: notify, cancel: cancel, done: map[string]*Stored{}, free: l.Memory}
	r.room = sync.NewCond(&r.mu)

	var todo []Point
	for _, p := range points {
		if stored, ok := r.stored(p); ok {
			r.done[p.Hash] = stored
			r.notify(Event{Kind: Cached, Point: p})
		} else {
			todo = append(todo, p)
		}
	}
	// Long points first, so that the end of the run has no single long one.
	order := slices.Clone(todo)
	work := make(map[string]float64, len(order))
	for _, p := range order {
		work[p.Hash] = l.Worker.Estimate(p.Spec).Work
	}
	slices.SortStableFunc(order, func(a, b Point) int { return cmp.Compare(work[b.Hash], work[a.Hash]) })
	// What other processes have under way is left for the end, when it is waited for.
	r.pool(ctx, r.pool(ctx, order, false), true)
	if cause := context.Cause(ctx); cause != nil {
		r.failures = append(r.failures, cause)
	}
	return r.done, errors.Join(r.failures...)
}

// pool runs points and returns those that other processes have under way, unless it is told to wait for these.
func (r *runner) pool(ctx context.Context, points []Point, wait bool) (busy []Point) {
	queue := make(chan Point, len(points))
	for _, p := range points {
		queue <- p
	}
	close(queue)
	var pool sync.WaitGroup
	workers := min(r.Jobs, len(points))
	for range workers {
		pool.Go(func() {
			for p := range queue {
				if ctx.Err() != nil {
					return
				}
				// As the queue runs out, the points left share the processors of those that are done.
				threads := max(1, runtime.GOMAXPROCS(0)/min(workers, len(queue)+1))
				if !r.one(ctx, p, threads, wait) {
					r.mu.Lock()
					busy = append(busy, p)
					r.mu.Unlock()
				}
			}
		})
	}
	pool.Wait()
	return busy
}

// runner is a run of Local.
type runner struct {
	Local
	store  *Store
	tell   func(Event)
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	room     *sync.Cond // memory was given back
	free     int64
	done     map[string]*Stored
	failures []error

	talk sync.Mutex
}

func (r *runner) notify(e Event) {
	if r.tell != nil {
		r.talk.Lock()
		defer r.talk.Unlock()
		r.tell(e)
	}
}

// stored reads a point; a damaged one is set aside.
func (r *runner) stored(p Point) (*Stored, bool) {
	stored, err := r.store.Get(p.Hash)
	var corrupt *CorruptError
	switch {
	case err == nil:
		return stored, true
	case errors.As(err, &corrupt):
		to, moveErr := r.store.SetAside(p.Hash)
		r.notify(Event{Kind: SetAside, Point: p, Err: errors.Join(err, moveErr), Path: to})
	case !errors.Is(err, fs.ErrNotExist):
		r.notify(Event{Kind: SetAside, Point: p, Err: err})
	}
	return nil, false
}

// one runs a point, unless another process does so first. It answers false, having done nothing, where another process
// has the point under way and wait is false.
func (r *runner) one(ctx context.Context, p Point, threads int, wait bool) bool {
	fail := func(err error) {
		r.notify(Event{Kind: Failed, Point: p, Err: err})
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return // stopped, not failed: Run reports the cause once
		}
		r.mu.Lock()
		r.failures = append(r.failures, fmt.Errorf("point %.12s (%s): %w", p.Hash, Label(p.Spec), err))
		r.mu.Unlock()
	}
	release, ok, err := r.store.Claim(ctx, p.Hash, false)
	if err == nil && !ok && wait {
		r.notify(Event{Kind: Waiting, Point: p})
		release, ok, err = r.store.Claim(ctx, p.Hash, true)
	}
	if err != nil {
		fail(fmt.Errorf("%w: %w", ErrStore, err))
		return true
	}
	if !ok {
		return false
	}
	defer release()
	if stored, ok := r.stored(p); ok { // finished by another process since
		r.mu.Lock()
		r.done[p.Hash] = stored
		r.mu.Unlock()
		r.notify(Event{Kind: Cached, Point: p})
		return true
	}
	// A point that is over the limit by itself runs alone.
	need := min(r.Worker.Estimate(p.Spec).Memory, r.Memory)
	r.mu.Lock()
	for r.free < need {
		r.room.Wait()
	}
	r.free -= need
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.free += need
		r.room.Broadcast()
		r.mu.Unlock()
	}()

	r.notify(Event{Kind: Started, Point: p})
	start := time.Now()
	result, err := safely(func() (Result, error) {
		return r.Worker.Run(ctx, simulated(p.Spec), threads, func(share float64) {
			r.notify(Event{Kind: Progress, Point: p, Share: share})
		})
	})
	if err != nil {
		fail(err)
		return true
	}
	host, _ := os.Hostname()
	end := time.Now()
	stored := &Stored{
		Hash: p.Hash, Kind: p.Spec.Kind(), Spec: simulated(p.Spec), Versions: p.Versions, Result: result,
		Timing: Timing{Seconds: end.Sub(start).Seconds(), Threads: threads, Work: r.Worker.Estimate(p.Spec).Work, Host: host,
			CPUs: runtime.NumCPU(), Ended: end.UTC().Format(time.RFC3339)},
	}
	if err := r.Put(stored); err != nil {
		fail(fmt.Errorf("%w: %w", ErrStore, err))
		r.cancel(fmt.Errorf("no further points were started: %w", ErrStore))
		return true
	}
	os.Remove(filepath.Join(r.store.Checkpoints(), p.Hash)) // a training's; it is done
	r.mu.Lock()
	r.done[p.Hash] = stored
	r.mu.Unlock()
	r.notify(Event{Kind: Finished, Point: p, Seconds: stored.Timing.Seconds, Threads: threads})
	return true
}

// safely turns a panic of a worker into an error, so that the other points go on.
func safely(f func() (Result, error)) (result Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 4096)
			err = fmt.Errorf("internal error: %v\n%s", p, stack[:runtime.Stack(stack, false)])
		}
	}()
	return f()
}
