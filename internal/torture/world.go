//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// experiment has a point of each kind of work that writes differently: at once, with an input file, with checkpoints.
const experiment = `name: torture
title: Torture
points:
  - search: {}
    sweep: {rate: [0.3, 0.5], search: [exact, sgd]}
  - launch: {cubin: kernels.cubin, kernel: saxpy, block: [128], args: ["buf:40000", "buf:40000", "f32:2", "i32:10000"]}
    sweep: {grid: [[1], [8]]}
  - gemm: {m: 32, n: 32, k: 32}
    sweep: {method: [dense, rdp]}
  - train-lstm: {vocabulary: 60, hidden: 16, layers: 1, batch: 10, steps: 20, epochs: 3, rates: [0.5]}
    sweep: {method: [dense, rdp]}
`

// world is what the rounds share: the program, its inputs and the right results; and what the present round has.
type world struct {
	dir, program string
	want         string        // digest of the undisturbed results
	took         time.Duration // of the undisturbed run
	counts       map[string]int

	rand  *rand.Rand
	here  string            // folder of the round
	out   string            // its output folder
	other map[string]string // files that are not ours, and what they hold
}

func newWorld(ctx context.Context, dir, program string) (*world, error) {
	w := &world{dir: dir, program: program, counts: map[string]int{}, rand: rand.New(rand.NewPCG(1, 1))}
	if w.program == "" {
		w.program = filepath.Join(dir, "warpdrop")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", w.program,
			"warpdrop/cmd/warpdrop").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
	}
	list, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, err
	}
	cubin, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(list)), "sim", "testdata", "checks.cubin"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"kernels.cubin": cubin, "e.yaml": []byte(experiment)}
	for name, lines := range map[string]int{"train": 600, "valid": 60, "test": 60} {
		var text bytes.Buffer
		for range lines {
			for range 12 {
				fmt.Fprintf(&text, "w%d ", w.rand.IntN(100))
			}
			text.WriteByte('\n')
		}
		files["data/ptb."+name+".txt"] = text.Bytes()
	}
	for name, data := range files {
		if err := write(filepath.Join(dir, name), data); err != nil {
			return nil, err
		}
	}
	w.out = filepath.Join(dir, "undisturbed")
	began := time.Now()
	if out, err := w.command(ctx).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("undisturbed: %w\n%s", err, out)
	}
	w.took = time.Since(began)
	w.want, err = results(w.out)
	return w, err
}

// command is a run of the experiment into the round's folder.
func (w *world) command(ctx context.Context) *exec.Cmd {
	c := exec.CommandContext(ctx, w.program, "run", "e.yaml", "--data", "data", "--out", w.out)
	c.Dir = w.dir
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	return c
}

// results is a digest of what a run is for: its tables and figures. The manifest has times and is left out, the report
// its date.
func results(out string) (string, error) {
	h := sha256.New()
	figures, err := filepath.Glob(filepath.Join(out, "figures", "*"))
	if err != nil {
		return "", err
	}
	// What a writer that was killed has left goes an hour later.
	figures = slices.DeleteFunc(figures, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") })
	slices.Sort(figures)
	for _, path := range append([]string{filepath.Join(out, "results.csv"), filepath.Join(out, "results.json")},
		figures...) {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %x\n", filepath.Base(path), sha256.Sum256(data))
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// begin makes the folder of a round, with files of others beside the output folder that look like ours.
func (w *world) begin(round int) {
	w.here = filepath.Join(w.dir, fmt.Sprintf("round-%d", round))
	w.out = filepath.Join(w.here, "out", "run")
	w.other = map[string]string{}
	for _, name := range []string{".bashrc", ".probe-1", ".results.csv-1.part", "out/.netrc", "out/results.json",
		"out/.manifest.json-12.part", "out/neighbour/manifest.json", "out/neighbour/notes.txt"} {
		text := fmt.Sprint(w.rand.Uint64())
		path := filepath.Join(w.here, name)
		if write(path, []byte(text)) == nil {
			long := time.Now().Add(-100 * time.Hour)
			os.Chtimes(path, long, long)
			w.other[path] = text
		}
	}
}

// spell is a time within an undisturbed run.
func (w *world) spell() time.Duration { return time.Duration(w.rand.Int64N(int64(w.took) * 5 / 4)) }

// cut starts a run and kills it after a time, if it is not over.
func (w *world) cut(ctx context.Context, after time.Duration) error {
	var text bytes.Buffer
	c := w.command(ctx)
	c.Stdout, c.Stderr = &text, &text
	if err := c.Start(); err != nil {
		return err
	}
	over := make(chan error, 1)
	go func() { over <- c.Wait() }()
	select {
	case err := <-over:
		w.counts["runs that ended"]++
		return w.judge(err, text.String())
	case <-time.After(after):
		c.Process.Kill()
		<-over
		w.counts["kills"]++
		return w.whole()
	}
}

// judge says whether a run may end like this: well, or with an error that names a path and is no panic.
func (w *world) judge(err error, text string) error {
	switch {
	case strings.Contains(text, "panic:") || strings.Contains(text, "fatal error:") ||
		strings.Contains(text, "goroutine "):
		return fmt.Errorf("panic: %s", text)
	case err == nil:
		return nil
	case !strings.Contains(text, w.here):
		return fmt.Errorf("%w: no path in: %s", err, text)
	}
	w.counts["errors that name a path"]++
	return nil
}

// whole looks at the files that other programs read: they are there whole or not at all.
func (w *world) whole() error {
	for _, name := range []string{"results.json", "manifest.json"} {
		if path := filepath.Join(w.out, name); !valid(path) {
			if _, err := os.Stat(path); err == nil {
				return fmt.Errorf("%s is half-written", path)
			}
		}
	}
	return nil
}

// finish runs undisturbed, and checks all that must hold.
func (w *world) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*w.took+30*time.Second)
	defer cancel()
	text, err := w.command(ctx).CombinedOutput()
	if err != nil {
		return fmt.Errorf("the last run: %w\n%s", err, text)
	}
	got, err := results(w.out)
	if err != nil {
		return err
	}
	if got != w.want {
		return errors.New("results differ from an undisturbed run's")
	}
	for path, want := range w.other {
		if data, err := os.ReadFile(path); err != nil || string(data) != want {
			return fmt.Errorf("a file that is not ours was changed: %s (%v)", path, err)
		}
	}
	if err := w.claims(); err != nil {
		return err
	}
	return os.RemoveAll(w.here)
}

// claims are locks, free after every run: none is held by a process that is gone.
func (w *world) claims() error {
	return filepath.WalkDir(filepath.Join(w.out, "store", "claims"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return fmt.Errorf("%s is held and nobody runs: %w", path, err)
		}
		return nil
	})
}
