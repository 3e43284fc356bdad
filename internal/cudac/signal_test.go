//go:build unix

package cudac_test

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalsWhileCompiling: SIGTERM and SIGINT, whenever they come, reach this program and end the compilation.
// NVRTC in the same process took them: it ended without a word, or crashed.
func TestSignalsWhileCompiling(t *testing.T) {
	if _, err := compile(t, "nvrtc", "__global__ void k() {}"); err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for i := range 200 {
		fmt.Fprintf(&source, "__global__ void k%d(float *p) { p[0] = sinf(powf(p[0], %d)); }\n", i, i)
	}
	for _, sent := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, after := range []time.Duration{5, 100, 300} {
			ctx, stop := signal.NotifyContext(context.Background(), sent)
			over := make(chan error, 1)
			go func() {
				_, err := compileFor(ctx, t, "nvrtc", source.String())
				over <- err
			}()
			time.Sleep(after * time.Millisecond)
			if err := syscall.Kill(syscall.Getpid(), sent); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-over:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%v after %d ms: %v", sent, after, err)
				}
			case <-time.After(10 * time.Second):
				t.Errorf("%v after %d ms: it still compiles", sent, after)
			}
			stop()
		}
	}
}
