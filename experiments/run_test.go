package experiments

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fake computes numbers from the spec's text: the same for the same spec, and at once or after a pause.
type fake struct {
	pause time.Duration
	runs  atomic.Int64
	fail  func(Spec) error
}

func (f *fake) Versions(Spec) (map[string]string, error) {
	return map[string]string{"model": "fake"}, nil
}
func (f *fake) Estimate(Spec) Estimate { return Estimate{Work: 1, Memory: 1} }

func (f *fake) Run(ctx context.Context, s Spec, _ int, progress func(float64)) (Result, error) {
	f.runs.Add(1)
	select {
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-time.After(f.pause):
	}
	if f.fail != nil {
		if err := f.fail(s); err != nil {
			return Result{}, err
		}
	}
	progress(0.5)
	h := fnv.New32a()
	h.Write([]byte(specText(s)))
	x := float64(h.Sum32()%100_000) + 1000
	switch s := s.(type) {
	case Search:
		return Result{Search: &SearchResult{P: []float64{1 - s.Rate, s.Rate}, Reached: s.Rate / 2}}, nil
	case TrainMLP, TrainLSTM:
		return Result{Train: &TrainResult{Accuracy: 0.9 + x/1e7, Loss: 0.1, BLAS: "fake",
			Trace: []TracePoint{{Iteration: 1, Accuracy: 0.5}, {Iteration: 2, Accuracy: 0.9}}}}, nil
	}
	return Result{Sim: &SimResult{Cycles: x, Low: x * 0.99, High: x * 1.01, TimeUS: x / 1582,
		Parts: map[string]float64{"gemm": x * 0.7, "update": x * 0.3},
		Counters: map[string]float64{"shared_accesses": 100, "shared_bank_conflicts": 7, "divergent_branches": 3,
			"warp_instructions": x, "thread_instructions": 20 * x, "stall_memory": x, "stall_none": 2 * x},
		Kernels:  []KernelResult{{Name: "k", Part: "gemm", Launches: 1, Cycles: x, FLOP: 50 * x, DRAMBytes: 9 * x}},
		Peak:     map[string]float64{"core_hz": 1.5e9, "flop_per_cycle": 7168, "dram_bytes_per_cycle": 300},
		Coverage: "fake"}}, nil
}

const faultFile = `
name: fault
title: Faults
baseline: dropconnect
figures: [parts]
points:
  - mlp: {hidden: [64, 64], batch: 8}
    sweep:
      rates: [[0.3, 0.3], [0.4, 0.4], [0.5, 0.5], [0.6, 0.6], [0.7, 0.7]]
      method: [dropconnect, masked, rdp, tdp]
  - train-mlp: {hidden: [64, 64], batch: 8}
    sweep:
      rates: [[0.3, 0.3], [0.5, 0.5]]
      method: [dense, rdp]
      seed: [1, 2]
`

func mustParse(t testing.TB, text string) *Experiment {
	t.Helper()
	e, err := Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// complete runs all points and returns results.csv.
func complete(ctx context.Context, e *Experiment, worker Worker, dir string, opt runOptions) ([]byte, error) {
	points, err := Points(e.Specs("small"), worker)
	if err != nil {
		return nil, err
	}
	store, err := OpenStore(dir)
	if err != nil {
		return nil, err
	}
	stored, err := execute(ctx, points, worker, store, opt)
	return CSV(NewResults(e, "small", points, stored).Rows), err
}

// output is complete with the whole output folder, as warpdrop run makes it.
func output(ctx context.Context, e *Experiment, worker Worker, dir string, opt runOptions) error {
	points, err := Points(e.Specs("small"), worker)
	if err != nil {
		return err
	}
	store, err := OpenStore(filepath.Join(dir, StoreDir))
	if err != nil {
		return err
	}
	stored, err := execute(ctx, points, worker, store, opt)
	return errors.Join(err, NewResults(e, "small", points, stored).WriteOutput(dir, "test", StoreDir))
}

// exports are the files of an output folder that must not depend on what happened on the way.
func exports(t *testing.T, dir string) string {
	t.Helper()
	var all []byte
	for _, name := range []string{CSVName, JSONName, SourceName, FiguresDir + "/parts.svg"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return string(all)
}

// undisturbed is what a run that nothing happens to exports.
func undisturbed(t *testing.T, e *Experiment) string {
	t.Helper()
	dir := t.TempDir()
	if err := output(t.Context(), e, &fake{}, dir, runOptions{}); err != nil {
		t.Fatal(err)
	}
	return exports(t, dir)
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("WARPDROP_TEST_CHILD"); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child is a run in a process of its own, for tests that kill it. It names each point that it starts to compute.
func child(dir string) {
	e, err := Parse("test.yaml", []byte(faultFile))
	if err != nil {
		panic(err)
	}
	err = output(context.Background(), e, &fake{pause: 2 * time.Millisecond}, dir,
		runOptions{Jobs: 2, Notify: func(ev Event) {
			switch ev.Kind {
			case Started:
				fmt.Println("started", ev.Point.Hash)
			case Finished:
				fmt.Println("finished", ev.Point.Hash)
			}
		}})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

func startChild(t *testing.T, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	out := new(bytes.Buffer)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "WARPDROP_TEST_CHILD="+dir)
	c.Stdout, c.Stderr = out, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, out
}

func TestKilledRunsEndTheSame(t *testing.T) {
	e := mustParse(t, faultFile)
	want := undisturbed(t, e)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	finished := map[string]int{}
	written := 0
	// The first kills fall into the points, the last also into the writing of tables, figures and report. A busy machine
	// needs more of them until a child has finished a point.
	for i := 0; i < 50 || i < 150 && len(finished) == 0; i++ {
		c, out := startChild(t, dir)
		time.Sleep(time.Duration(r.IntN(40+4*i)) * time.Millisecond)
		c.Process.Signal(syscall.SIGKILL)
		c.Wait()
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if hash, ok := strings.CutPrefix(lines.Text(), "finished "); ok && len(hash) == 64 {
				finished[hash]++
			} else if strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
			}
		}
		// Whatever stands in the output folder is whole.
		if data, err := os.ReadFile(filepath.Join(dir, JSONName)); err == nil {
			if written++; !json.Valid(data) {
				t.Errorf("%s was left half-written", JSONName)
			}
		}
	}
	for hash, n := range finished {
		if n > 1 {
			t.Errorf("point %s was finished %d times; once is enough", hash, n)
		}
	}
	err := output(t.Context(), e, &fake{}, dir, runOptions{Notify: func(ev Event) {
		if ev.Kind == SetAside {
			t.Errorf("half-written point: %v", ev.Err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := exports(t, dir); got != want {
		t.Errorf("the output after 50 kills differs from an undisturbed run's:\n%s\nwant\n%s", got, want)
	}
	if len(finished) == 0 {
		t.Error("no child finished a point: the kills came too early to show anything")
	}
	t.Logf("%d points finished by killed runs, %d kills after results.json was written", len(finished), written)
}

func TestTwoRunsShareAStore(t *testing.T) {
	e := mustParse(t, faultFile)
	dir := t.TempDir()
	a, outA := startChild(t, dir)
	b, outB := startChild(t, dir)
	if err := errors.Join(a.Wait(), b.Wait()); err != nil {
		t.Fatalf("%v\n%s%s", err, outA, outB)
	}
	if exports(t, dir) != undisturbed(t, e) {
		t.Error("the output of two runs at once differs from that of one")
	}
	started := map[string]int{}
	for _, line := range strings.Fields(outA.String() + outB.String()) {
		if len(line) == 64 {
			started[line]++
		}
	}
	points, _ := Points(e.Specs("small"), &fake{})
	if len(started) != len(points) {
		t.Errorf("%d points were run, want %d", len(started), len(points))
	}
	for hash, n := range started { // "started" and "finished"
		if n != 2 {
			t.Errorf("point %s was run %d times, want once", hash, n/2)
		}
	}
}

func TestCorruptPointsAreSetAside(t *testing.T) {
	e := mustParse(t, faultFile)
	dir := t.TempDir()
	want, err := complete(t.Context(), e, &fake{}, dir, runOptions{})
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	damage := []func([]byte) []byte{
		func(d []byte) []byte { return d[:len(d)/2] },
		func(d []byte) []byte { return nil },
		func(d []byte) []byte { return bytes.Replace(d, []byte(`"cycles":`), []byte(`"cycles":1`), 1) },
		func(d []byte) []byte { d[len(d)/2] ^= 1; return d },
	}
	named := map[string]bool{}
	for i, change := range damage {
		var data []byte
		for _, f := range files[i:] { // a simulated point, so that each change changes something
			if d, _ := os.ReadFile(f); bytes.Contains(d, []byte(`"cycles":`)) && !named[f] {
				data, named[f] = d, true
				if err := os.WriteFile(f, change(data), 0o644); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
	}
	worker := &fake{}
	got, err := complete(t.Context(), e, worker, dir, runOptions{Notify: func(ev Event) {
		var c *CorruptError
		if ev.Kind == SetAside && errors.As(ev.Err, &c) {
			if !named[c.Path] {
				t.Errorf("%s was set aside, but is whole", c.Path)
			}
			delete(named, c.Path)
			if _, err := os.Stat(ev.Path); err != nil {
				t.Errorf("damaged file is gone: %v", err)
			}
		}
	}})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("after damage: error %v, results.csv\n%s\nwant\n%s", err, got, want)
	}
	if len(named) > 0 || worker.runs.Load() != int64(len(damage)) {
		t.Errorf("not named: %v; %d points were run again, want %d", named, worker.runs.Load(), len(damage))
	}
}

func TestFullDiskStopsAndKeepsWhatIsFinished(t *testing.T) {
	e := mustParse(t, faultFile)
	dir := t.TempDir()
	store, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	room := 5
	worker := &fake{}
	_, err = complete(t.Context(), e, worker, dir, runOptions{Jobs: 1, Put: func(p *Stored) error {
		mu.Lock()
		defer mu.Unlock()
		if room == 0 {
			return &os.PathError{Op: "write", Path: store.path(p.Hash), Err: syscall.ENOSPC}
		}
		room--
		return store.Put(p)
	}})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("error %v; want one that says the disk is full and that no more was started", err)
	}
	if n := worker.runs.Load(); n != 6 {
		t.Errorf("%d points were run, want 5 and the one that found the disk full", n)
	}
	again := &fake{}
	got, err := complete(t.Context(), e, again, dir, runOptions{})
	want, _ := complete(t.Context(), e, &fake{}, t.TempDir(), runOptions{})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("after the disk has room again: error %v, results.csv\n%s", err, got)
	}
	if points := e.Specs("small"); again.runs.Load() != int64(len(points)-5) {
		t.Errorf("%d points were run again, want %d", again.runs.Load(), len(points)-5)
	}
}

// TestRealFullDisk fills a small tmpfs, which only root can mount, and gives it room again.
func TestRealFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := mountSmall(dir, "48k"); err != nil {
		t.Skipf("a small tmpfs cannot be mounted here: %v", err)
	}
	defer unmount(dir)
	e := mustParse(t, faultFile)
	out := filepath.Join(dir, "out")
	if err := output(t.Context(), e, &fake{}, out, runOptions{Jobs: 1}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v, want no space left", err)
	}
	files, _ := filepath.Glob(filepath.Join(out, StoreDir, "*.json"))
	store, err := ReadStore(filepath.Join(out, StoreDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := store.Get(strings.TrimSuffix(filepath.Base(f), ".json")); err != nil {
			t.Errorf("a point was left half-written: %v", err)
		}
	}
	if err := remount(dir, "16m", false); err != nil {
		t.Fatal(err)
	}
	again := &fake{}
	if err := output(t.Context(), e, again, out, runOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := int(again.runs.Load()); n != len(e.Specs("small"))-len(files) {
		t.Errorf("%d points were run once there was room, %d of %d were stored", n, len(files), len(e.Specs("small")))
	}
	if exports(t, out) != undisturbed(t, e) {
		t.Error("the output after a full disk differs from an undisturbed run's")
	}
}

// TestReadOnlyFileSystem runs on a tmpfs that is made read-only after some points, which only root can do.
func TestReadOnlyFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := mountSmall(dir, "16m"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v", err)
	}
	defer unmount(dir)
	e := mustParse(t, faultFile)
	out := filepath.Join(dir, "out")
	left := 5
	worker := &fake{}
	err := output(t.Context(), e, worker, out, runOptions{Jobs: 1, Notify: func(ev Event) {
		if ev.Kind == Finished {
			if left--; left == 0 {
				if err := remount(dir, "16m", true); err != nil {
					t.Error(err)
				}
			}
		}
	}})
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), out) {
		t.Errorf("error %v, want one that names the read-only place", err)
	}
	if n := worker.runs.Load(); n != 5 {
		t.Errorf("%d points were run, want 5: no claim can be made after that", n)
	}
	if _, err := OpenStore(filepath.Join(out, StoreDir)); !errors.Is(err, syscall.EROFS) {
		t.Errorf("store on a read-only file system: error %v, want a refusal", err)
	}
	if err := remount(dir, "16m", false); err != nil {
		t.Fatal(err)
	}
	if err := output(t.Context(), e, &fake{}, out, runOptions{}); err != nil {
		t.Fatal(err)
	}
	if exports(t, out) != undisturbed(t, e) {
		t.Error("the output differs from an undisturbed run's")
	}
	// All points are stored: a store that cannot be written will do, with the output elsewhere.
	if err := remount(dir, "16m", true); err != nil {
		t.Fatal(err)
	}
	worker = &fake{}
	points, err := Points(e.Specs("small"), worker)
	if err != nil {
		t.Fatal(err)
	}
	store, err := OpenStoreFor(filepath.Join(out, StoreDir), points)
	if err != nil {
		t.Fatal(err)
	}
	store.Sweep()
	stored, err := execute(t.Context(), points, worker, store, runOptions{})
	if err != nil || worker.runs.Load() != 0 {
		t.Fatalf("error %v; %d points were run, want none", err, worker.runs.Load())
	}
	elsewhere := t.TempDir()
	results := NewResults(e, "small", points, stored)
	if err := results.WriteOutput(elsewhere, "test", out); err != nil {
		t.Fatal(err)
	}
	if exports(t, elsewhere) != undisturbed(t, e) {
		t.Error("the output from a read-only store differs from an undisturbed run's")
	}
	if err := results.WriteOutput(out, "test", StoreDir); !errors.Is(err, syscall.EROFS) ||
		!strings.Contains(err.Error(), out) {
		t.Errorf("output on a read-only file system: error %v, want one that names it", err)
	}
	more := append(slices.Clone(points), NewPoint(Search{Rate: 0.123}, nil))
	if _, err := OpenStoreFor(filepath.Join(out, StoreDir), more); !errors.Is(err, syscall.EROFS) ||
		!strings.Contains(err.Error(), "1 of 29 points are not stored") {
		t.Errorf("read-only store without one point: error %v", err)
	}
}

// hungry needs memory, and counts how much its points under way take together.
type hungry struct {
	fake
	mu        sync.Mutex
	now, most int64
}

func (h *hungry) Estimate(s Spec) Estimate { return Estimate{1, int64(10 * (1 + len(specText(s))%5))} }

func (h *hungry) Run(ctx context.Context, s Spec, threads int, progress func(float64)) (Result, error) {
	take := func(n int64) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.now += n
		h.most = max(h.most, h.now)
	}
	take(h.Estimate(s).Memory)
	defer take(-h.Estimate(s).Memory)
	return h.fake.Run(ctx, s, threads, progress)
}

func TestPointsUnderWayFitTheMemory(t *testing.T) {
	e := mustParse(t, faultFile)
	for _, limit := range []int64{100, 50, 1} { // 1: each point is over the limit by itself, and runs alone
		h := &hungry{fake: fake{pause: time.Millisecond}}
		if _, err := complete(t.Context(), e, h, t.TempDir(), runOptions{Jobs: 8, Memory: limit}); err != nil {
			t.Fatal(err)
		}
		if h.most > max(limit, 50) {
			t.Errorf("points under way took %d together, want up to %d", h.most, limit)
		}
	}
}

func TestReadOnlyStoreIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("store at a plain file: error %v, want one that names it", err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root writes to read-only folders")
	}
	dir := t.TempDir()
	os.Chmod(dir, 0o555)
	if _, err := OpenStore(dir); !errors.Is(err, os.ErrPermission) {
		t.Errorf("read-only folder: error %v, want permission denied", err)
	}
}

func TestFailedPointKeepsTheOthers(t *testing.T) {
	e := mustParse(t, faultFile)
	dir := t.TempDir()
	broken := errors.New("broken")
	worker := &fake{fail: func(s Spec) error {
		if m, ok := s.(MLP); ok && m.Method == "rdp" && m.Rates[0] == 0.5 {
			return broken
		}
		if m, ok := s.(MLP); ok && m.Method == "tdp" && m.Rates[0] == 0.5 {
			panic("out of range")
		}
		return nil
	}}
	_, err := complete(t.Context(), e, worker, dir, runOptions{})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "rdp") ||
		!strings.Contains(err.Error(), "internal error: out of range") {
		t.Errorf("error %v; want both points named", err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if want := len(e.Specs("small")) - 2; len(files) != want {
		t.Errorf("%d points are stored, want %d", len(files), want)
	}
}

func TestCancelStopsSoon(t *testing.T) {
	e := mustParse(t, faultFile)
	ctx, cancel := context.WithCancel(t.Context())
	worker := &fake{pause: time.Hour}
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := complete(ctx, e, worker, t.TempDir(), runOptions{Jobs: 2})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
	if n := worker.runs.Load(); n > 2 {
		t.Errorf("%d points were started after the stop", n)
	}
}

func TestHashNamesTheWholePoint(t *testing.T) {
	e := mustParse(t, faultFile)
	seen := map[string]bool{}
	for _, s := range e.Specs("small") {
		for _, model := range []string{"1", "2"} {
			p := NewPoint(s, map[string]string{"model": model})
			if seen[p.Hash] {
				t.Errorf("%s with model %s has another point's hash", Label(s), model)
			}
			seen[p.Hash] = true
			if q := NewPoint(s, map[string]string{"model": model}); q.Hash != p.Hash {
				t.Errorf("%s: two hashes", Label(s))
			}
		}
	}
}

// TestMasksRunOnce: points of conventional dropout at different rates are one point, and rows of their own.
func TestMasksRunOnce(t *testing.T) {
	e := mustParse(t,
		"name: masks\ntitle: Masks\npoints:\n  - mlp: {hidden: [64, 64]}\n    sweep: {rates: [[0.3, 0.3], [0.7, 0.7]], "+
			"method: [dense, rdp]}\n")
	worker := &fake{}
	points, err := Points(e.Specs("small"), worker)
	if err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if plan := NewPlan(points, worker, store); plan.Points[2].Seconds != 0 || plan.Points[0].Seconds == 0 {
		t.Errorf("plan %+v; want the second point of dense to take no time", plan.Points)
	}
	stored, err := execute(t.Context(), points, worker, store, runOptions{})
	if err != nil || worker.runs.Load() != 3 {
		t.Fatalf("error %v, %d points were run, want 3", err, worker.runs.Load())
	}
	rows := NewResults(e, "small", points, stored).Rows
	if len(rows) != 4 || rows[0].Cycles != rows[2].Cycles || rows[0].Rates[0] != 0.3 || rows[2].Rates[0] != 0.7 ||
		rows[3].Speedup != rows[2].Cycles/rows[3].Cycles {
		t.Errorf("rows %+v", rows)
	}
}

// runOptions are those of Local, and who is told.
type runOptions struct {
	Jobs   int
	Memory int64
	Put    func(*Stored) error
	Notify func(Event)
}

func execute(ctx context.Context, points []Point, w Worker, store *Store, opt runOptions) (map[string]*Stored, error) {
	return Local{w, opt.Jobs, opt.Memory, opt.Put}.Execute(ctx, points, store, opt.Notify)
}
