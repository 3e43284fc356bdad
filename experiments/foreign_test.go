package experiments

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// put writes a file, two hours old.
func put(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// names are what a folder holds.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestForeignFolders: a home folder is neither a store nor an output folder, and stays as it is.
func TestForeignFolders(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{".bashrc", ".netrc", "thesis.tex", ".config/x"} {
		put(t, filepath.Join(home, name))
	}
	before := names(t, home)
	if _, err := OpenStore(home); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), ".bashrc") {
		t.Errorf("as a store: %v", err)
	}
	if err := CheckOutput(home); !errors.Is(err, ErrForeign) {
		t.Errorf("as an output folder: %v", err)
	}
	if after := names(t, home); len(after) != len(before) {
		t.Errorf("the folder had %v and now has %v", before, after)
	}
	// Names alone do not make it ours.
	for _, name := range []string{CSVName, ReportName, ManifestName} {
		other := t.TempDir()
		put(t, filepath.Join(other, name))
		if err := CheckOutput(other); !errors.Is(err, ErrForeign) {
			t.Errorf("an output folder with somebody else's %s: %v", name, err)
		}
	}
}

// TestSweep: of what lies in a store, only what its own writers left behind goes.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Repeat("0a", 32)
	gone := []string{"." + hash + ".json-123.part", ".probe-77", "." + storeMark + "-5.part"}
	stays := []string{".bashrc", ".netrc", ".notes-1.part", "." + hash + ".json-x.part", hash + ".json", ".folder/x",
		".probe-a"}
	for _, name := range append(gone, stays...) {
		put(t, filepath.Join(dir, name))
	}
	if runtime.GOOS != "windows" {
		link := filepath.Join(dir, ".probe-88")
		if err := os.Symlink(filepath.Join(dir, ".netrc"), link); err != nil {
			t.Fatal(err)
		}
		stays = append(stays, ".probe-88")
	}
	fresh := "." + hash + ".json-9.part" // of a writer that may be at it
	put(t, filepath.Join(dir, fresh))
	if err := os.Chtimes(filepath.Join(dir, fresh), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.Sweep()
	for _, name := range gone {
		if exists(filepath.Join(dir, name)) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range append(stays, fresh) {
		if !exists(filepath.Join(dir, name)) {
			t.Errorf("%s is gone", name)
		}
	}
	if _, err := OpenStore(dir); err != nil {
		t.Errorf("a marked store with notes beside its points: %v", err)
	}
}

// TestOlderFolders: stores and output folders from before there were marks are taken.
func TestOlderFolders(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, strings.Repeat("1b", 32)+".json"))
	for _, sub := range []string{"claims", "corrupt"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenStore(dir); err != nil {
		t.Error(err)
	}
	out := t.TempDir() // of a run that was killed while it wrote
	put(t, filepath.Join(out, SourceName))
	put(t, filepath.Join(out, CSVName))
	for _, sub := range []string{StoreDir, FiguresDir} {
		if err := os.Mkdir(filepath.Join(out, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := CheckOutput(out); err != nil {
		t.Error(err)
	}
	// With a manifest of ours, notes of the user's may lie beside it.
	e := mustParse(t, faultFile)
	done := filepath.Join(t.TempDir(), "out")
	if err := output(t.Context(), e, &fake{}, done, runOptions{}); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(done, "notes.txt"))
	if err := CheckOutput(done); err != nil {
		t.Error(err)
	}
}

// TestReplacedInput: a point runs from what it is named after, or not at all.
func TestReplacedInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	put(t, file)
	t.Chdir("..")
	x, err := Load("workloads/examples/saxpy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := x.Specs("small")[2].(Launch)
	s.Grid, s.Args = []int{4}, []string{"buf:16384:file=" + file, "buf:16384", "f32:0.5", "i32:1024"}
	e := NewHost("")
	before, err := e.Versions(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), s, 1, func(float64) {}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("else"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(t.Context(), s, 1, func(float64) {}); err == nil ||
		!strings.Contains(err.Error(), "has changed since the experiment was loaded") {
		t.Errorf("a replaced file: %v", err)
	}
	after, err := NewHost("").Versions(s)
	if err != nil {
		t.Fatal(err)
	}
	if after[file] == before[file] {
		t.Error("the next load names the point after the old file")
	}
}

// TestDiverged: a training that diverged is a result. It is named, the others' mean is not given for all, and no number
// breaks the outputs, however large.
func TestDiverged(t *testing.T) {
	e := mustParse(t,
		"name: d\ntitle: D\npoints:\n  - train-mlp: {hidden: [64, 64], batch: 8, method: dense, rates: [0.5, 0.5]}\n    "+
			"sweep: {seed: [1, 2]}\n")
	dir := filepath.Join(t.TempDir(), "out")
	worker := &diverging{fake: &fake{}}
	if err := output(t.Context(), e, worker, dir, runOptions{}); err != nil {
		t.Fatal(err)
	}
	r, _, err := ReadOutput(dir)
	if err != nil {
		t.Fatal(err)
	}
	row := r.Rows[0]
	if len(r.Missing) > 0 || row.Diverged != 1 || row.Seeds != 2 || row.Accuracy.known() ||
		row.accuracyText() != "diverged (1 of 2 seeds)" {
		t.Errorf("missing %d, row %+v", len(r.Missing), row)
	}
	if w := strings.Join(r.Warnings(), " "); !strings.Contains(w, "epoch 2: loss is NaN") || !strings.Contains(w, "seed") {
		t.Errorf("warnings: %s", w)
	}
	worker.all = true // perplexities whose squares have no float64
	dir = filepath.Join(t.TempDir(), "out")
	if err := output(t.Context(), e, worker, dir, runOptions{}); err != nil {
		t.Fatal(err)
	}
	if r, _, err = ReadOutput(dir); err != nil || !r.Rows[0].PerplexitySpread.known() {
		t.Errorf("spread %g, %v", r.Rows[0].PerplexitySpread, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, ReportName))
	if digits := regexp.MustCompile(`[0-9]{40,}`).Find(page); err != nil || digits != nil {
		t.Errorf("the report has the number %s (%v)", digits, err)
	}
	// What trainings differ in is said of the one that diverged.
	e = mustParse(t, "name: d\ntitle: D\npoints:\n  - train-mlp: {hidden: [64, 64], batch: 8, method: dense, seed: 2, "+
		"rates: [0.5, 0.5]}\n    sweep: {learning_rate: [0.5, 99]}\n")
	dir = filepath.Join(t.TempDir(), "out")
	if err := output(t.Context(), e, &diverging{fake: &fake{}}, dir, runOptions{}); err != nil {
		t.Fatal(err)
	}
	if r, _, err = ReadOutput(dir); err != nil || len(r.Diverged) != 2 ||
		!strings.Contains(strings.Join(r.Diverged, " "), ", learning rate 99: epoch 2") {
		t.Errorf("%q, %v", r.Diverged, err)
	}
}

// diverging is a worker whose trainings with seed 2 diverge, or have perplexities beyond all bounds.
type diverging struct {
	*fake
	all bool
}

func (d *diverging) Run(_ context.Context, s Spec, _ int, _ func(float64)) (Result, error) {
	seed := s.(TrainMLP).Seed
	if d.all {
		return Result{Train: &TrainResult{Accuracy: 0.1, Perplexity: 1e300 * float64(seed), BLAS: "fake"}}, nil
	}
	if seed == 2 {
		return Result{Train: &TrainResult{Diverged: "epoch 2: loss is NaN", BLAS: "fake"}}, nil
	}
	return Result{Train: &TrainResult{Accuracy: 0.9, BLAS: "fake", Trace: []TracePoint{{Iteration: 1, Accuracy: 0.9}}}},
		nil
}

// TestFinishedFolderMoves: what a finished folder was made from is not asked for when it is drawn elsewhere.
func TestFinishedFolderMoves(t *testing.T) {
	cubin, err := os.ReadFile("../workloads/examples/saxpy.cubin")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("kernel.cubin", cubin, 0o666); err != nil {
		t.Fatal(err)
	}
	e := mustParse(t,
		"name: moved\ntitle: Moved\npoints:\n  - launch: {cubin: kernel.cubin, kernel: saxpy, grid: [1], block: [32], "+
			saxpyArgs+"}\n")
	if err := output(t.Context(), e, &fake{}, "out", runOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove("kernel.cubin"), os.Rename("out", "elsewhere")); err != nil {
		t.Fatal(err)
	}
	r, m, err := ReadOutput("elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 1 || !r.Rows[0].Cycles.known() {
		t.Errorf("rows %+v", r.Rows)
	}
	if err := r.WriteReport("elsewhere", m); err != nil {
		t.Error(err)
	}
	if _, err := Parse("test.yaml", e.Source); err == nil || !strings.Contains(err.Error(), "kernel.cubin") {
		t.Errorf("an experiment to be run, without its cubin: %v", err)
	}
}

// TestSweepOutput: of what lies in an output folder, only what its own writers left behind goes.
func TestSweepOutput(t *testing.T) {
	dir := t.TempDir()
	gone := []string{"." + CSVName + "-12.part", "figures/.parts.svg-3.part"}
	stays := []string{"." + CSVName + "-x.part", ".notes.txt-1.part", "figures/." + CSVName + "-1.part", CSVName,
		".parts.svg-3.part"}
	for _, name := range append(gone, stays...) {
		put(t, filepath.Join(dir, name))
	}
	fresh := "." + JSONName + "-9.part"
	put(t, filepath.Join(dir, fresh))
	if err := os.Chtimes(filepath.Join(dir, fresh), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	SweepOutput(dir)
	for _, name := range gone {
		if exists(filepath.Join(dir, name)) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range append(stays, fresh) {
		if !exists(filepath.Join(dir, name)) {
			t.Errorf("%s is gone", name)
		}
	}
}
