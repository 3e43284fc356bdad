package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"warpdrop/train"
)

// smallText writes a text of n words.
func smallText(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "w%d", i*i%37)
		if i%10 == 9 {
			b.WriteByte('\n')
		} else {
			b.WriteByte(' ')
		}
	}
	path := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTrainCommand(t *testing.T) {
	dir := t.TempDir()
	text := smallText(t, 4000)
	checkpoint, metrics := filepath.Join(dir, "run.checkpoint"), filepath.Join(dir, "metrics.csv")
	for _, c := range []struct {
		args string
		code int
		out  string // on stdout
		want string // on stderr
	}{
		{"train mlp --hidden 16 --epochs 1 --train-samples 1000 --method rdp --rate 0.5 --json",
			0, `"method": "rdp"`, "epoch 1/1: loss"},
		{"train lstm --data " + text + " --vocabulary 20 --hidden 8 --epochs 1 --method tdp --tile 4 --checkpoint " +
			checkpoint + " --metrics " + metrics, 0, "method tdp", "test perplexity"},
		{"train lstm --data " + text + " --vocabulary 20 --hidden 8 --epochs 2 --method tdp --tile 4 --checkpoint " +
			checkpoint + " --metrics " + metrics, 1, "", "is there already"},
		{"train lstm --data " + text + " --vocabulary 20 --hidden 8 --epochs 2 --method tdp --tile 4 --resume --checkpoint " +
			checkpoint + " --metrics " + metrics, 0, "method tdp", "epoch 2/2"},
		{"train lstm --data " + text + " --vocabulary 20 --method rdp --shared-mask",
			2, "", "shared mask: method rdp has no masks"},
		{"train lstm --data " + text + " --vocabulary 20 --method dense --scale dp",
			2, "", "scale by dp: method dense has no dp"},
		{"train mlp --scale bias", 2, "", "--scale \"bias\"; allowed are rate and dp"},
		{"train lstm --data " + text + " --vocabulary 2000", 1, "", "vocabulary of 2000 words, allowed are 3 to"},
		{"train lstm --vocabulary 20", 1, "", "--data"},
		{"train mlp --rate 0.5,0.5,0.5", 2, "", "--rate has 3 values; allowed are 1 and 2"},
		{"train mlp --rate 1", 2, "", "rates[0]: 1 is not in [0, 1)"},
		{"train mlp --method rdp --rate 0.7 --patterns 2", 2, "", "2 patterns reach a rate of at most 0.5"},
		{"train mlp --method fft", 2, "", `method: "fft" is not one of`},
		{"train mlp --blas mkl --hidden 16", 1, "", `BLAS "mkl", allowed are`},
		{"train mlp --hidden 0", 2, "", "hidden[0]: 0 is not in 1..65536"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.want) || !strings.Contains(stdout.String(), c.out) {
			t.Errorf("warpdrop %s: exit code %d, want %d; stdout\n%s\nstderr\n%s\nwant %q and %q", c.args, code, c.code, &stdout,
				&stderr, c.out, c.want)
		}
	}
	data, err := os.ReadFile(metrics)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(string(data)), "\n"); len(lines) != 3 ||
		!strings.HasPrefix(lines[0], "epoch,iteration,train_loss,") || !strings.HasPrefix(lines[2], "2,") {
		t.Errorf("metrics of a resumed run:\n%s", data)
	}
}

// TestTrainStopped stops a run as SIGINT does and resumes it.
func TestTrainStopped(t *testing.T) {
	text := smallText(t, 20000)
	checkpoint := filepath.Join(t.TempDir(), "run.checkpoint")
	args := "train lstm --data " + text +
		" --vocabulary 20 --hidden 24 --epochs 40 --blas gonum --method none --json --resume --checkpoint " + checkpoint
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { // as soon as an epoch is done
		defer close(stopped)
		for ctx.Err() == nil {
			if _, err := os.Stat(checkpoint); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var stdout, stderr bytes.Buffer
	code := run(ctx, strings.Fields(args), strings.NewReader(""), &stdout, &stderr)
	cancel()
	<-stopped
	if code != 130 || !strings.Contains(stderr.String(), "--resume goes on from there") {
		t.Fatalf("stopped: exit code %d, %s", code, &stderr)
	}
	stdout.Reset()
	args = strings.Replace(args, "--epochs 40", "--epochs 3", 1)
	if code := run(t.Context(), strings.Fields(args), strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("resumed: exit code %d, %s", code, &stderr)
	}
	var r train.Result
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil || len(r.Epochs) < 3 {
		t.Errorf("resumed: %v, %d epochs\n%s", err, len(r.Epochs), &stdout)
	}
}
