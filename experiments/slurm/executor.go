package slurm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/gofrs/flock"

	"warpdrop/experiments"
	"warpdrop/internal/atomicfile"
)

// Executor runs points as jobs of a Slurm cluster.
type Executor struct {
	Options
	Books *Books
	Plan  *experiments.Plan
	// Worker says what points need; it computes none here.
	Worker experiments.Worker
	// Source is the experiment file's text. Jobs load the copy that is kept of it, in the folder that this process runs
	// in.
	Source []byte
	Job    Job          // but Experiment and Tries, which are set here
	Say    func(string) // what a user should know; called from the goroutine that calls Execute

	store *experiments.Store
	tell  func(experiments.Event)
	index map[string]int // of points, by hash
	done  map[string]*experiments.Stored
	sent  map[string]*sent
}

// sent is how often this process submitted a point since its checkpoint was last seen to change.
type sent struct {
	times int
	kept  string
}

// ErrDetached says that points were submitted and not waited for.
var ErrDetached = errors.New("submitted, and not waited for")

// ErrLeft says that the wait for jobs ended before them.
var ErrLeft = errors.New("no longer waiting; the jobs go on")

// ErrCancelled says that the jobs were cancelled by the user.
var ErrCancelled = errors.New("the jobs were cancelled")

// Execute implements experiments.Executor.
func (e *Executor) Execute(ctx context.Context, points []experiments.Point, store *experiments.Store,
	notify func(experiments.Event)) (map[string]*experiments.Stored, error) {
	e.store, e.tell = store, notify
	e.index, e.done, e.sent = map[string]int{}, map[string]*experiments.Stored{}, map[string]*sent{}
	for i, p := range points {
		e.index[p.Hash] = i
	}
	os.Remove(e.Books.cancelled())
	if _, err := e.collect(points, experiments.Cached); err != nil {
		return e.done, err
	}
	if e.RetryFailed {
		for _, p := range points {
			if r := e.Books.record(p.Hash); r != nil && r.State == Failed {
				e.Books.forget(p.Hash)
			}
		}
	}
	failures, err := e.wait(ctx, points)
	return e.done, errors.Join(append(failures, err)...)
}

// collect takes in what was stored since the last time and returns the points that are not.
func (e *Executor) collect(points []experiments.Point, kind experiments.EventKind) (missing []experiments.Point,
	err error) {
	have, err := e.store.Hashes()
	if err != nil {
		return nil, err
	}
	for _, p := range points {
		if e.done[p.Hash] != nil {
			continue
		}
		if !have[p.Hash] {
			missing = append(missing, p)
			continue
		}
		s, err := e.store.Get(p.Hash)
		var corrupt *experiments.CorruptError
		switch {
		case err == nil:
			e.done[p.Hash] = s
			e.tell(experiments.Event{Kind: kind, Point: p, Seconds: s.Timing.Seconds, Threads: s.Timing.Threads})
			continue
		case errors.As(err, &corrupt):
			to, moveErr := e.store.SetAside(p.Hash)
			e.tell(experiments.Event{Kind: experiments.SetAside, Point: p, Err: errors.Join(err, moveErr), Path: to})
		case !errors.Is(err, fs.ErrNotExist): // a file system that is late or away; the next look tells
			e.Say(err.Error())
		}
		missing = append(missing, p)
	}
	return missing, nil
}

// wait submits what is missing and in no job, until nothing is.
func (e *Executor) wait(ctx context.Context, points []experiments.Point) (failures []error, err error) {
	lost := map[string]bool{} // at the last look
	failed := map[string]bool{}
	for first := true; ; first = false {
		// The queue is asked before the store: a job that ended in between has stored its points, and is not taken for lost.
		live, queueErr := e.Books.live(context.WithoutCancel(ctx))
		if queueErr != nil && first {
			return nil, queueErr
		}
		missing, err := e.collect(points, experiments.Finished)
		if err != nil {
			return failures, err
		}
		missing = slices.DeleteFunc(missing, func(p experiments.Point) bool { return failed[p.Hash] })
		if len(missing) == 0 {
			return failures, nil
		}
		if _, err := os.Stat(e.Books.cancelled()); err == nil {
			return failures, ErrCancelled
		}
		if queueErr != nil {
			e.Say(fmt.Sprintf("the queue cannot be asked, waiting for it: %v", queueErr))
		} else {
			now := map[string]bool{}
			var how ends
			var again []experiments.Point
			for _, p := range missing {
				if live[p.Hash] {
					continue
				}
				if why := e.over(ctx, &how, p); why != nil {
					failed[p.Hash] = true
					failures = append(failures, fmt.Errorf("point %.12s (%s): %w", p.Hash, experiments.Label(p.Spec), why))
					e.tell(experiments.Event{Kind: experiments.Failed, Point: p, Err: why})
					continue
				}
				now[p.Hash] = true
				if first || lost[p.Hash] { // twice: on a shared file system a stored point may be seen late
					again = append(again, p)
				}
			}
			lost = now
			if len(again) > 0 {
				if err := e.submit(ctx, again); err != nil {
					return failures, err
				}
				lost = map[string]bool{}
			}
			if first && e.Detach {
				return failures, ErrDetached
			}
			if len(failed) > 0 && len(now) == 0 && len(missing) == len(failed) {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return failures, ErrLeft
		case <-time.After(e.Poll):
		}
	}
}

// over tells why a point that is in no job is not run again, nil if it is.
func (e *Executor) over(ctx context.Context, how *ends, p experiments.Point) error {
	r := e.Books.record(p.Hash)
	if r != nil && r.State == Failed {
		return fmt.Errorf("%s; log %s", r.Reason, r.Log)
	}
	s := e.sent[p.Hash]
	if s == nil {
		return nil
	}
	if now := kept(filepath.Join(e.store.Checkpoints(), p.Hash)); now != s.kept { // a training that got further
		s.times, s.kept = 0, now
	}
	if s.times < e.Tries {
		return nil
	}
	if r == nil {
		return fmt.Errorf("%d jobs ended before they began it; see the logs in %s",
			s.times, filepath.Join(e.Books.Dir, "logs"))
	}
	how.settle(ctx, r)
	// Noted as failed: a later run leaves it alone, unless it is told to try what failed.
	r.State, r.Reason = Failed, fmt.Sprintf("%d jobs were cut short without getting further, the last on %s (%s)",
		s.times, r.Node, r.why())
	return errors.Join(fmt.Errorf("%s; log %s", r.Reason, r.Log), e.Books.keep(r))
}

// submit puts points into arrays. Two processes that submit for one folder do so one after the other.
func (e *Executor) submit(ctx context.Context, points []experiments.Point) error {
	l := flock.New(filepath.Join(e.Books.Dir, "submit.lock"))
	if ok, err := l.TryLockContext(ctx, 100*time.Millisecond); err != nil || !ok {
		return fmt.Errorf("slurm: %s: %w", l.Path(), err)
	}
	defer l.Unlock()
	live, err := e.Books.live(context.WithoutCancel(ctx)) // perhaps another process was first
	if err != nil {
		return err
	}
	points = slices.DeleteFunc(points, func(p experiments.Point) bool { return live[p.Hash] })
	if len(points) == 0 {
		return nil
	}
	var how ends
	for _, p := range points { // now, since Slurm forgets
		if r := e.Books.record(p.Hash); r != nil && r.State == Running {
			how.settle(context.WithoutCancel(ctx), r)
			if err := e.Books.keep(r); err != nil {
				return err
			}
		}
	}
	script, err := e.Books.pin()
	if err != nil {
		return fmt.Errorf("slurm: %w", err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	e.Job.Experiment, e.Job.Tries = filepath.Join(e.Books.Dir, experiments.SourceName), e.Tries
	if err := atomicfile.WriteBytes(e.Job.Experiment, e.Source); err != nil {
		return err
	}
	batches := e.batches(e.loads(points), maxArray(ctx))
	each, behind := shares(e.MaxJobs, len(batches))
	var ids []string
	for i, b := range batches {
		if ctx.Err() != nil {
			return ErrLeft
		}
		o := &Order{Job: e.Job, Tasks: b.tasks}
		if err := e.Books.write(o); err != nil {
			return err
		}
		after := ""
		if behind > 0 && i >= behind {
			after = ids[i-behind]
		}
		// Not ended by Ctrl-C: a job whose id is not read is not found again.
		id, err := submit(context.WithoutCancel(ctx), e.sbatchArgs(e.Books, b.ask, len(b.tasks), each, after, dir, script,
			o.file+".json"))
		if err != nil {
			return err
		}
		if err := o.setJob(id); err != nil {
			return err
		}
		ids = append(ids, id)
		n := 0
		for _, t := range b.tasks {
			n += len(t.Points)
			for _, hash := range t.Points {
				if e.sent[hash] == nil {
					e.sent[hash] = &sent{kept: kept(filepath.Join(e.store.Checkpoints(), hash))}
				}
				e.sent[hash].times++
			}
		}
		e.Say(fmt.Sprintf("job %s: %d points in %d tasks of up to %s, %d processors each",
			id, n, len(b.tasks), b.ask.time, e.CPUs))
	}
	return nil
}

// loads are points with what the plan and the worker think of them.
func (e *Executor) loads(points []experiments.Point) (out []load) {
	planned := map[string]experiments.Planned{}
	for _, l := range e.Plan.Points {
		planned[l.Point.Hash] = l
	}
	for _, p := range points {
		l := load{hash: p.Hash, seconds: planned[p.Hash].Seconds / float64(e.CPUs), guess: planned[p.Hash].Guess,
			memory: e.Worker.Estimate(p.Spec).Memory}
		if r := e.Books.record(p.Hash); r != nil {
			l.tries, l.oom = r.Tries, r.OutOfMemory
		}
		out = append(out, l)
	}
	return out
}

// live are the points that the folder's queued and running tasks hold.
func (b *Books) live(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	queue, err := b.queue(ctx)
	if err != nil || len(queue) == 0 {
		return out, err
	}
	orders, err := b.orders()
	if err != nil {
		return nil, err
	}
	for _, q := range queue {
		if t := orders[q.job].task(q.index); t != nil {
			for _, hash := range t.Points {
				out[hash] = true
			}
		}
	}
	return out, nil
}

// task is the one of that index, nil if there is none.
func (o *Order) task(index string) *Task {
	i, err := strconv.Atoi(index)
	if o == nil || err != nil || i < 0 || i >= len(o.Tasks) {
		return nil
	}
	return &o.Tasks[i]
}
