//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// faults is the table of what can happen to an experiment; each leaves the round's folder for one more, undisturbed
// run.
var faults = map[string]func(context.Context, *world) error{
	"kills":     kills,
	"writers":   writers,
	"full-disk": fullDisk,
	"read-only": readOnly,
	"damage":    damage,
	"clock":     clock,
}

// kills ends up to four runs after one another with SIGKILL.
func kills(ctx context.Context, w *world) error {
	for range 1 + w.rand.IntN(4) {
		if err := w.cut(ctx, w.spell()); err != nil {
			return err
		}
	}
	return nil
}

// writers lets two to four runs into one folder at once, and kills some.
func writers(ctx context.Context, w *world) error {
	n := 2 + w.rand.IntN(3)
	errs := make([]error, n)
	runs := make([]*exec.Cmd, n)
	texts := make([]bytes.Buffer, n)
	var all sync.WaitGroup
	for i := range runs {
		c := w.command(ctx)
		c.Stdout, c.Stderr = &texts[i], &texts[i]
		if err := c.Start(); err != nil {
			return err
		}
		runs[i] = c
		all.Go(func() { errs[i] = c.Wait() })
	}
	w.counts["concurrent runs"] += n
	killed := map[int]bool{}
	for range w.rand.IntN(n) {
		time.Sleep(w.spell() / 2)
		i := w.rand.IntN(n)
		if runs[i].Process.Kill() == nil && !killed[i] {
			killed[i] = true
			w.counts["kills"]++
		}
	}
	all.Wait()
	for i, err := range errs {
		if killed[i] {
			continue
		}
		if err != nil {
			return fmt.Errorf("one of %d runs at once: %w\n%s", n, err, texts[i].String())
		}
	}
	return w.whole()
}

// mounted makes the output folder a small file system in memory for the time of do.
func (w *world) mounted(options string, do func() error) error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return skip{"needs Linux and the right to mount"}
	}
	dir := filepath.Dir(w.out) + "/disk"
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "torture", dir).CombinedOutput(); err != nil {
		return skip{fmt.Sprintf("mount: %v: %s", err, bytes.TrimSpace(out))}
	}
	home := w.out
	w.out = filepath.Join(dir, "run")
	err := do()
	// What is there moves to a disk with room, as a user would do it.
	if _, there := os.Stat(w.out); err == nil && there == nil {
		if out, copied := exec.Command("cp", "-a", w.out, home).CombinedOutput(); copied != nil {
			err = fmt.Errorf("%w: %s", copied, out)
		}
	}
	w.out = home
	if out, un := exec.Command("umount", dir).CombinedOutput(); un != nil && err == nil {
		err = fmt.Errorf("%w: %s", un, out)
	}
	return err
}

// fullDisk runs into the end of a disk of 20 to 400 KiB, somewhere between the first file and the last figure.
func fullDisk(ctx context.Context, w *world) error {
	return w.mounted(fmt.Sprintf("size=%dk", 20+4*w.rand.IntN(95)), func() error {
		text, err := w.command(ctx).CombinedOutput()
		if w.counts["full disks"]++; err == nil {
			w.counts["full disks that had room"]++
		}
		return errors.Join(w.judge(err, string(text)), w.whole())
	})
}

// readOnly turns the disk read-only for a moment of the run.
func readOnly(ctx context.Context, w *world) error {
	return w.mounted("size=64m", func() error {
		disk := filepath.Dir(w.out)
		wait, long := w.spell(), w.spell()/4
		over := make(chan struct{})
		var text []byte
		var err error
		go func() {
			defer close(over)
			text, err = w.command(ctx).CombinedOutput()
		}()
		time.Sleep(wait)
		if exec.Command("mount", "-o", "remount,ro", disk).Run() == nil { // busy while a file is open for writing
			w.counts["read-only moments"]++
			time.Sleep(long)
		}
		back := exec.Command("mount", "-o", "remount,rw", disk).Run()
		<-over
		return errors.Join(back, w.judge(err, string(text)), w.whole())
	})
}

// damage changes, cuts or empties files of a run that was killed, or replaces them by a folder: points, checkpoints,
// outputs.
func damage(ctx context.Context, w *world) error {
	if err := w.cut(ctx, w.took/4+w.spell()); err != nil {
		return err
	}
	var files []string
	for _, glob := range []string{"store/*.json", "store/checkpoints/*", "*.json", "*.csv", "figures/*"} {
		found, _ := filepath.Glob(filepath.Join(w.out, glob))
		files = append(files, found...)
	}
	for range min(1+w.rand.IntN(4), len(files)) {
		path := files[w.rand.IntN(len(files))]
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			continue
		}
		switch at := w.rand.IntN(len(data)); w.rand.IntN(4) {
		case 0:
			data = data[:at]
		case 1:
			data[at] ^= 1 << w.rand.IntN(8)
		case 2:
			data = nil
		case 3:
			data = append(data, data[at:]...)
		}
		if filepath.Base(path) == "manifest.json" { // a folder whose manifest is not ours is refused: tested in experiments
			continue
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
		w.counts["damaged files"]++
	}
	return nil
}

// clock sets the times of all files hours back or ahead while a run goes on: to the program, the clock has jumped.
func clock(ctx context.Context, w *world) error {
	wait := w.spell()
	jump := time.Duration(w.rand.IntN(200)-100) * time.Hour
	over := make(chan struct{})
	var text []byte
	var err error
	go func() {
		defer close(over)
		text, err = w.command(ctx).CombinedOutput()
	}()
	time.Sleep(wait)
	to := time.Now().Add(jump)
	filepath.WalkDir(w.out, func(path string, _ os.DirEntry, err error) error {
		if err == nil {
			os.Chtimes(path, to, to)
		}
		return nil
	})
	second, secondErr := w.command(ctx).CombinedOutput() // one that might take the first one's files for leftovers
	<-over
	w.counts["clock jumps"]++
	if err != nil || secondErr != nil {
		return fmt.Errorf("a clock jump of %v: %v, %v\n%s\n%s", jump, err, secondErr, text, second)
	}
	return nil
}
