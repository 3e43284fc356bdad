//go:build unix

package atomicfile

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// within fails the test where do takes longer than a machine under load needs.
func within(t *testing.T, what string, do func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: still waiting", what)
		return nil
	}
}

// TestPipeUnderOurName: a pipe under the name of a file of ours is told at once, and stays.
func TestPipeUnderOurName(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "manifest.json")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() error{
		"Write": func() error { return WriteBytes(pipe, []byte("x")) },
		"Try":   func() error { return Try(pipe) },
	} {
		if err := within(t, what, do); err == nil || !strings.Contains(err.Error(), pipe+": it is there and is not a") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is now %v (%v)", info, err)
	}
}

// TestPipeForOutput: a pipe that the user names gets all bytes when its reader comes; a signal ends the wait for one,
// and for one that reads nothing.
func TestPipeForOutput(t *testing.T) {
	signals := make(chan os.Signal, 8) // keeps the test's process from ending
	signal.Notify(signals, syscall.SIGTERM)
	defer signal.Stop(signals)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := within(t, "try", func() error { return TryThrough(pipe) }); err != nil {
		t.Error(err)
	}
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	got := make(chan []byte, 1)
	go func() {
		f, err := os.Open(pipe)
		if err != nil {
			t.Error(err)
		}
		data, _ := io.ReadAll(f)
		f.Close()
		got <- data
	}()
	err := within(t, "write", func() error { return ThroughBytes(pipe, long) })
	if err != nil || !bytes.Equal(<-got, long) {
		t.Errorf("%v, or other bytes", err)
	}
	for _, read := range []bool{false, true} {
		if read {
			f, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
		}
		over := make(chan struct{})
		go func() { // again and again: the first may come before the wait
			for {
				select {
				case <-over:
					return
				case <-time.After(50 * time.Millisecond):
					syscall.Kill(os.Getpid(), syscall.SIGTERM)
				}
			}
		}()
		err := within(t, "signal", func() error { return ThroughBytes(pipe, long) })
		close(over)
		if err == nil || !strings.Contains(err.Error(), "write "+pipe+": stopped while") {
			t.Errorf("reader %v, and a signal: %v", read, err)
		}
	}
}
