package slurm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"warpdrop/experiments"
	"warpdrop/internal/atomicfile"
)

// ErrTime is the cause of a context that ends because the job's time is nearly over.
var ErrTime = errors.New("the job's time limit is near")

// noteEvery is the time between two notes of how far a point is.
const noteEvery = 30 * time.Second

// Environment is what Slurm tells a task.
type Environment struct {
	Array, Index string // of the job array, and in it
	Job          string // the task's own job id, for scontrol
	Node         string
}

// FromSlurm reads the environment of a job.
func FromSlurm() Environment {
	return Environment{os.Getenv("SLURM_ARRAY_JOB_ID"), os.Getenv("SLURM_ARRAY_TASK_ID"), os.Getenv("SLURM_JOB_ID"),
		os.Getenv("SLURMD_NODENAME")}
}

// Work runs a task's points one after another, as the executor local does, and keeps records of those that it does not
// get stored. points are the experiment's, by hash. A task whose context ended with ErrTime is queued again if it got
// further.
func Work(ctx context.Context, b *Books, o *Order, env Environment, points map[string]experiments.Point,
	w experiments.Worker, store *experiments.Store, log io.Writer) error {
	t := o.task(env.Index)
	if t == nil {
		return fmt.Errorf("task %q; %s has 0 to %d", env.Index, o.file, len(o.Tasks)-1)
	}
	if _, err := os.Stat(o.file + ".job"); err != nil { // the process that submitted was killed in between
		if err := o.setJob(env.Array); err != nil {
			return err
		}
	}
	further := false
	var failures []error
	for _, hash := range t.Points {
		if context.Cause(ctx) != nil {
			break
		}
		if _, err := store.Get(hash); err == nil {
			b.forget(hash)
			continue
		}
		r := b.begin(hash, env, o.Tries, store)
		if r.State == Failed {
			fmt.Fprintf(log, "not run: %s: %s\n", hash, r.Reason)
			continue
		}
		if err := b.keep(r); err != nil {
			return err
		}
		err := fmt.Errorf("the experiment, a preset or a file that it names has changed since this point was submitted")
		if p, ok := points[hash]; ok {
			err = b.point(ctx, p, r, w, store, log)
		}
		if err == nil {
			b.forget(hash)
			further = true
			continue
		}
		cause := context.Cause(ctx)
		switch {
		case cause != nil:
			r.State, r.Reason = Cut, cause.Error()
			if kept(filepath.Join(store.Checkpoints(), hash)) != r.Kept {
				r.Tries, further = 0, true
			}
		case errors.Is(err, experiments.ErrStore):
			r.State, r.Reason = Cut, err.Error()
		default:
			r.State, r.Reason = Failed, err.Error()
		}
		failures = append(failures, err)
		if keepErr := b.keep(r); keepErr != nil {
			return errors.Join(append(failures, keepErr)...)
		}
		if errors.Is(err, experiments.ErrStore) {
			break // nor can the next one be
		}
	}
	if errors.Is(context.Cause(ctx), ErrTime) && further {
		fmt.Fprintln(log, "time is nearly over; the rest goes on in this job's next run")
		_, err := command(context.WithoutCancel(ctx), "scontrol", "requeue", env.Job)
		return err
	}
	return errors.Join(append(failures, context.Cause(ctx))...)
}

// begin is the record of a point that begins: failed, if it was begun too often.
func (b *Books) begin(hash string, env Environment, tries int, store *experiments.Store) *Record {
	was := kept(filepath.Join(store.Checkpoints(), hash))
	r := &Record{Point: hash, State: Running}
	if old := b.record(hash); old != nil {
		r.Tries, r.Share, r.OutOfMemory = old.Tries, old.Share, old.OutOfMemory
		if old.State == Failed {
			return old
		}
		if old.Kept != was { // its checkpoint is a later one: it got further
			r.Tries = 0
		}
		if r.Tries >= tries {
			old.State, old.Reason = Failed, fmt.Sprintf("cut short %d times without getting further, last: %s",
				r.Tries, old.why())
			b.keep(old)
			return old
		}
	}
	r.Tries++
	r.Kept = was
	r.Job, r.Node, r.Began = env.Array+"_"+env.Index, env.Node, time.Now().UTC().Format(time.RFC3339)
	r.Log = filepath.Join(b.Dir, "logs", r.Job+".log")
	return r
}

// why is what is known of the end of a point that was cut.
func (r *Record) why() string {
	if r.Reason != "" {
		return r.Reason
	}
	return "its job ended without a word, as when a node fails, memory runs out or a job is killed"
}

// point runs one point as the executor local does.
func (b *Books) point(ctx context.Context, p experiments.Point, r *Record, w experiments.Worker,
	store *experiments.Store, log io.Writer) error {
	noted := time.Now()
	_, err := experiments.Local{Worker: w, Jobs: 1}.Execute(ctx, []experiments.Point{p}, store, func(e experiments.Event) {
		switch e.Kind {
		case experiments.Started:
			fmt.Fprintf(log, "started: %.12s %s, on %s\n", p.Hash, experiments.Label(p.Spec), r.Node)
		case experiments.Waiting:
			fmt.Fprintf(log, "waiting for another process that has it under way: %s\n", experiments.Label(p.Spec))
		case experiments.Finished:
			fmt.Fprintf(log, "finished: %.12s in %.1f s\n", p.Hash, e.Seconds)
		case experiments.Failed:
			if cause := context.Cause(ctx); cause != nil {
				fmt.Fprintf(log, "cut: %.12s %v\n", p.Hash, cause)
				return
			}
			fmt.Fprintf(log, "failed: %.12s %v\n", p.Hash, e.Err)
		case experiments.Progress:
			r.Share = e.Share
			if time.Since(noted) >= noteEvery {
				noted = time.Now()
				b.keep(r) // a note; the next one tells if it cannot be written
			}
		}
	})
	return err
}

// writeMark writes an empty file.
func writeMark(path string) error { return atomicfile.WriteBytes(path, nil) }
