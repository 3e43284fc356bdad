package slurm

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"warpdrop/experiments"
)

// worker computes numbers from the spec's text, as the tests of package experiments do.
type worker struct {
	fail func(experiments.Spec) error
	runs int
}

func (*worker) Versions(experiments.Spec) (map[string]string, error) {
	return map[string]string{"model": "fake"}, nil
}
func (*worker) Estimate(experiments.Spec) experiments.Estimate {
	return experiments.Estimate{Work: 1, Memory: 100 << 20}
}
func (w *worker) Run(ctx context.Context, s experiments.Spec, _ int, _ func(float64)) (experiments.Result, error) {
	w.runs++
	if w.fail != nil {
		if err := w.fail(s); err != nil {
			return experiments.Result{}, err
		}
	}
	cycles := float64(crc32.ChecksumIEEE([]byte(experiments.Label(s))))
	return experiments.Result{Sim: &experiments.SimResult{Cycles: cycles, TimeUS: 1}}, ctx.Err()
}

// fakeSlurm puts commands into PATH that note how they are called. sbatch answers with job ids from 7 up; squeue prints
// the file queue of the folder that is returned, and knows no --json.
func fakeSlurm(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"sbatch":   `n=$(cat "$D/next"); echo $((n + 1)) > "$D/next"; echo "$n;cluster"`,
		"squeue":   `case $1 in --json) echo "squeue: unrecognized option '--json'" >&2; exit 1;; esac; cat "$D/queue"`,
		"scontrol": `case "$*" in "show config") echo "MaxArraySize            = 4";; *8_1) echo "JobId=9 ArrayJobId=8 JobState=OUT_OF_MEMORY Reason=None";; *) exit 1;; esac`,
		"sacct":    `case "$*" in *--jobs=9_0*) echo "CANCELLED by 1000"; echo CANCELLED;; *) exit 1;; esac`,
		"scancel":  `: > "$D/queue"`,
	} {
		script := "#!/bin/sh\nD='" + dir + "'\n{ printf '%s' " + name + `; printf ' [%s]' "$@"; echo; } >> "$D/calls"` +
			"\n" + text + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"next": "7\n", "queue": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return dir
}

// calls are the command lines since the last time, of one command.
func calls(t *testing.T, dir, name string) (lines []string) {
	t.Helper()
	data, _ := os.ReadFile(filepath.Join(dir, "calls"))
	os.Remove(filepath.Join(dir, "calls"))
	for _, l := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if strings.HasPrefix(l, name+" ") {
			lines = append(lines, l)
		}
	}
	return lines
}

// sweep is six points with their store and books.
type sweep struct {
	*Executor
	points []experiments.Point
	store  *experiments.Store
	dir    string // of the fake Slurm
	said   []string
}

func newSweep(t *testing.T, o Options) *sweep {
	t.Helper()
	s := &sweep{dir: fakeSlurm(t)}
	out := t.TempDir()
	e, err := experiments.Parse("test.yaml",
		[]byte("name: six\ntitle: Six\npoints:\n  - search: {}\n    sweep: {rate: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{}
	if s.points, err = experiments.Points(e.Specs("small"), w); err != nil {
		t.Fatal(err)
	}
	if s.store, err = experiments.OpenStore(filepath.Join(out, experiments.StoreDir)); err != nil {
		t.Fatal(err)
	}
	books, err := OpenBooks(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	plan := &experiments.Plan{}
	for i, p := range s.points { // 100 s to 3,200 s
		plan.Points = append(plan.Points, experiments.Planned{Point: p, Seconds: float64(int(100) << i)})
	}
	s.Executor = &Executor{Options: o, Books: books, Plan: plan, Worker: w, Source: e.Source,
		Job: Job{Scale: "small", BLAS: "gonum", Store: filepath.Join(out, experiments.StoreDir)},
		Say: func(text string) { s.said = append(s.said, text) }}
	return s
}

func (s *sweep) execute(ctx context.Context) (map[string]*experiments.Stored, error) {
	return s.Execute(ctx, s.points, s.store, func(experiments.Event) {})
}

func TestCommandLines(t *testing.T) {
	s := newSweep(t, Options{Partition: "cpu", Account: "lab", Time: "1:00:00", CPUs: 2, MaxJobs: 2, Detach: true,
		SbatchArgs: []string{"--constraint=avx512", "--mem=3G"}})
	if _, err := s.execute(t.Context()); !errors.Is(err, ErrDetached) {
		t.Fatal(err)
	}
	// On two processors: 1600, 800 s in jobs of their own; 400 + 200 s together, and 100 + 50 s. Time is twice the
	// estimate, rounded up to 10, 20, 40 … minutes, and an hour at most.
	common := func(array, lead, minutes, after, order string) string {
		dir, _ := os.Getwd()
		script, _ := filepath.Glob(filepath.Join(s.Books.Dir, "bin", "*.sh"))
		args := []string{"--parsable", "--job-name=" + s.Books.JobName(), "--array=" + array, "--output=" + s.Books.Dir +
			"/logs/%A_%a.log", "--open-mode=append", "--chdir=" + dir, "--requeue", "--signal=B:USR1@" + lead, "--ntasks=1",
			"--cpus-per-task=2", "--time=" + minutes, "--mem=512M", "--partition=cpu", "--account=lab"}
		if after != "" {
			args = append(args, "--dependency=afterany:"+after)
		}
		args = append(args, "--constraint=avx512", "--mem=3G", script[0], filepath.Join(s.Books.Dir, "orders", order+".json"))
		return "sbatch [" + strings.Join(args, "] [") + "]"
	}
	want := []string{
		common("0-0%1", "120", "60", "", "000001"),  // 1600 s
		common("0-0%1", "120", "40", "", "000002"),  // 800 s
		common("0-0%1", "120", "20", "7", "000003"), // 400 + 200 s
		common("0-0%1", "120", "10", "8", "000004"), // 100 + 50 s
	}
	if got := calls(t, s.dir, "sbatch"); !slices.Equal(got, want) {
		t.Errorf("sbatch was called as\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	o, err := ReadOrder(filepath.Join(s.Books.Dir, "orders", "000003.json"))
	if err != nil || len(o.Tasks) != 1 || !slices.Equal(o.Tasks[0].Points, []string{s.points[3].Hash, s.points[2].Hash}) ||
		o.Tasks[0].Seconds != 600 {
		t.Errorf("order %+v (%v)", o, err)
	}
	// What is in the queue is not submitted again.
	os.WriteFile(filepath.Join(s.dir, "queue"), []byte("7|0|RUNNING|None\n8|0|PENDING|Priority\n9|0|PENDING|Dependency\n"),
		0o644)
	if _, err := s.execute(t.Context()); !errors.Is(err, ErrDetached) {
		t.Fatal(err)
	}
	if got := calls(t, s.dir, "sbatch"); len(got) != 1 || !strings.Contains(got[0], "000005.json") {
		t.Errorf("with three of four arrays in the queue, sbatch was called as %q", got)
	}
	if n, err := s.Books.Cancel(t.Context()); n != 3 || err != nil {
		t.Errorf("cancel: %d jobs, %v", n, err)
	}
	if got := calls(t, s.dir, "scancel"); !slices.Equal(got, []string{"scancel [--name=" + s.Books.JobName() + "]"}) {
		t.Errorf("scancel was called as %q", got)
	}
}

// Arrays are no longer than Slurm lets (4 here), and numbered anew from 0.
func TestArraysAreCut(t *testing.T) {
	s := newSweep(t, Options{Detach: true, TaskMinutes: 0.001})
	for i := range s.Plan.Points {
		s.Plan.Points[i].Seconds = 1
	}
	if _, err := s.execute(t.Context()); !errors.Is(err, ErrDetached) {
		t.Fatal(err)
	}
	got := calls(t, s.dir, "sbatch")
	if len(got) != 2 || !strings.Contains(got[0], "[--array=0-3]") || !strings.Contains(got[1], "[--array=0-1]") {
		t.Errorf("sbatch was called as %q", got)
	}
}

// work runs all tasks of an order in this process, as jobs do.
func (s *sweep) work(t *testing.T, ctx context.Context, file string, w *worker) (err error) {
	t.Helper()
	o, err := ReadOrder(filepath.Join(s.Books.Dir, "orders", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	points := map[string]experiments.Point{}
	for _, p := range s.points {
		points[p.Hash] = p
	}
	for i := range o.Tasks {
		env := Environment{Array: "7", Index: fmt.Sprint(i), Job: "70", Node: "node1"}
		err = errors.Join(err, Work(ctx, s.Books, o, env, points, w, s.store, t.Output()))
	}
	return err
}

func (s *sweep) status(t *testing.T) *Status {
	t.Helper()
	have, err := s.store.Hashes()
	if err != nil {
		t.Fatal(err)
	}
	var known []Known
	for _, p := range s.points {
		known = append(known, Known{p.Hash, experiments.Label(p.Spec), have[p.Hash]})
	}
	st, err := s.Books.Status(t.Context(), known)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A point that fails by itself is not run again, but with RetryFailed; one that is cut short is; status tells them
// apart.
func TestFailedAndCut(t *testing.T) {
	s := newSweep(t, Options{Detach: true, TaskMinutes: 1000, Tries: 2})
	for i := range s.Plan.Points {
		s.Plan.Points[i].Seconds = 1
	}
	if st := s.status(t); st.Rest != 6 {
		t.Errorf("before anything: %+v", st)
	}
	s.execute(t.Context())
	os.WriteFile(filepath.Join(s.dir, "queue"), []byte("7|0|RUNNING|None\n"), 0o644)
	if st := s.status(t); st.Waiting != 6 || st.RunningJobs != 1 || st.Seconds < 5.9 || st.Seconds > 6.1 {
		t.Errorf("submitted: %+v", st)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	broken := errors.New("no such kernel")
	n := 0
	err := s.work(t, ctx, "000001", &worker{fail: func(experiments.Spec) error {
		switch n++; n {
		case 2:
			return broken
		case 4:
			cancel(errors.New("told to stop"))
			return ctx.Err()
		}
		return nil
	}})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	os.WriteFile(filepath.Join(s.dir, "queue"), nil, 0o644)
	st := s.status(t)
	if st.Stored != 2 || st.Failed != 1 || st.Cut != 1 || st.Rest != 2 || len(st.Ended) != 2 {
		t.Fatalf("after a failure and a stop: %+v", st)
	}
	if f, c := st.Ended[0], st.Ended[1]; !strings.Contains(f.Reason, "no such kernel") || f.Job != "7_0" ||
		c.Reason != "told to stop" || c.Tries != 1 {
		t.Errorf("ended %+v", st.Ended)
	}
	// Again: the one that was cut, by itself, and the two that were not begun. The next job is killed without a word.
	calls(t, s.dir, "")
	if _, err := s.execute(t.Context()); !errors.Is(err, ErrDetached) || !strings.Contains(err.Error(), "no such kernel") {
		t.Errorf("run again: %v", err)
	}
	o, _ := ReadOrder(filepath.Join(s.Books.Dir, "orders", "000002.json"))
	if len(o.Tasks) != 2 || len(o.Tasks[0].Points)+len(o.Tasks[1].Points) != 3 {
		t.Fatalf("order %+v", o)
	}
	cut := st.Ended[1].Point
	env := Environment{Array: "8", Index: "0", Node: "node2"}
	if err := s.Books.keep(s.Books.begin(cut, env, 2, s.store)); err != nil {
		t.Fatal(err)
	}
	if st := s.status(t); st.Cut != 1 || !strings.Contains(st.Ended[1].Reason, "without a word") ||
		st.Ended[1].Tries != 2 {
		t.Errorf("killed: %+v", st.Ended)
	}
	other := s.Books.begin(o.Tasks[1].Points[0], Environment{Array: "8", Index: "1", Node: "node2"}, 2, s.store)
	s.Books.keep(other)
	if st := s.status(t); st.Cut != 2 || !strings.Contains(st.Ended[1].Reason+st.Ended[2].Reason, "OUT_OF_MEMORY") {
		t.Errorf("out of memory: %+v", st.Ended)
	}
	s.Books.forget(other.Point)
	// It was begun twice, which is the bound: now it counts as failed.
	if err := s.work(t, t.Context(), "000002", &worker{}); err != nil {
		t.Error(err)
	}
	st = s.status(t)
	if st.Stored != 4 || st.Failed != 2 || !strings.Contains(st.Ended[1].Reason+st.Ended[0].Reason, "cut short 2 times") {
		t.Errorf("after two tries: %+v", st)
	}
	s.RetryFailed = true
	s.execute(t.Context())
	if err := s.work(t, t.Context(), "000003", &worker{}); err != nil {
		t.Error(err)
	}
	s.RetryFailed, s.Detach = false, false
	if stored, err := s.execute(t.Context()); err != nil || len(stored) != 6 {
		t.Errorf("%d points, %v", len(stored), err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Books.Dir, "points", "*")); len(left) > 0 {
		t.Errorf("records left: %q", left)
	}
}

// A run that waits submits again what jobs lost, and no more often than it may.
func TestLostJobsAreSubmittedAgain(t *testing.T) {
	s := newSweep(t, Options{Poll: time.Millisecond, Tries: 3, TaskMinutes: 1000})
	for i := range s.Plan.Points {
		s.Plan.Points[i].Seconds = 1
	}
	_, err := s.execute(t.Context()) // the fake queue is empty: every job is lost
	if err == nil || strings.Count(err.Error(), "3 jobs ended before they began it") != 6 {
		t.Errorf("error %v", err)
	}
	if got := calls(t, s.dir, "sbatch"); len(got) != 3 {
		t.Errorf("sbatch was called %d times, want 3", len(got))
	}
}

// A training that gets further in every job is cut as often as it takes.
func TestProgressCountsAfresh(t *testing.T) {
	s := newSweep(t, Options{Detach: true, Tries: 2})
	hash := s.points[0].Hash
	checkpoint := filepath.Join(s.store.Checkpoints(), hash)
	if err := os.MkdirAll(s.store.Checkpoints(), 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		r := s.Books.begin(hash, Environment{Array: "7", Index: "0"}, 2, s.store)
		if r.State != Running || r.Tries != 1 {
			t.Fatalf("job %d: %+v", i, r)
		}
		s.Books.keep(r)
		os.WriteFile(checkpoint, nil, 0o644)
		os.Chtimes(checkpoint, time.Time{}, time.Unix(int64(i+1), 0))
	}
	for range 2 {
		s.Books.keep(s.Books.begin(hash, Environment{}, 2, s.store))
	}
	if r := s.Books.begin(hash, Environment{}, 2, s.store); r.State != Failed {
		t.Errorf("after two jobs that got no further: %+v", r)
	}
}

func TestCtrlCLeavesJobs(t *testing.T) {
	s := newSweep(t, Options{Poll: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	s.Say = func(string) { cancel() }
	if _, err := s.execute(ctx); !errors.Is(err, ErrLeft) {
		t.Errorf("error %v", err)
	}
	if got := calls(t, s.dir, "scancel"); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{"90": 90 * time.Minute, "1:30": 90 * time.Second,
		"2:00:00": 2 * time.Hour, "1-12": 36 * time.Hour, "1-0:30": 24*time.Hour + 30*time.Minute, "2-1:2:3": 49*time.Hour +
			2*time.Minute + 3*time.Second} {
		if got, err := parseTime(text); got != want || err != nil {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1:2:3:4", "-5", "0", "1-", "1h"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
	o := Options{Time: "tomorrow", CPUs: -1}
	if err := o.Check(); err == nil || !strings.Contains(err.Error(), `time is "tomorrow"; allowed are`) ||
		!strings.Contains(err.Error(), "cpus is -1") {
		t.Errorf("%v", err)
	}
}

func TestProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slurm.yaml")
	os.WriteFile(path, []byte("partition: cpu\ncpus: 8\ntime: 3:00:00\nsbatch-args: [--exclude=bad]\npoll: 30s\n"), 0o644)
	o, err := ReadProfile(path)
	want := Options{Partition: "cpu", CPUs: 8, Time: "3:00:00", SbatchArgs: []string{"--exclude=bad"},
		Poll: 30 * time.Second}
	if a, b := fmt.Sprint(o), fmt.Sprint(want); a != b || err != nil {
		t.Errorf("%s (%v), want %s", a, err, b)
	}
	os.WriteFile(path, []byte("partitoin: cpu\n"), 0o644)
	if _, err := ReadProfile(path); err == nil || !strings.Contains(err.Error(), "partitoin") ||
		!strings.Contains(err.Error(), path) {
		t.Errorf("unknown key: %v", err)
	}
}

// A record, an order and a queue that are damaged end nothing.
func TestDamagedBooks(t *testing.T) {
	s := newSweep(t, Options{Detach: true})
	os.WriteFile(s.Books.recordFile(s.points[0].Hash), []byte(`{"point":"x`), 0o644)
	if r := s.Books.record(s.points[0].Hash); r != nil {
		t.Errorf("%+v", r)
	}
	os.WriteFile(filepath.Join(s.dir, "queue"), []byte("nonsense\n"), 0o644)
	if _, err := s.execute(t.Context()); err == nil || !strings.Contains(err.Error(), "squeue: line") {
		t.Errorf("%v", err)
	}
}
