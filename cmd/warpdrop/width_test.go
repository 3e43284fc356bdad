package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

// What commands print fits 80 columns, and 60.
func TestWidths(t *testing.T) {
	out, other := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "other")
	file := filepath.Join(t.TempDir(), "w.yaml")
	text := `name: w
title: Widths
baseline: dense
points:
  - mlp: {hidden: [64, 64], rates: [0.5, 0.5], patterns: 2}
    sweep: {method: [dense, rdp, tdp]}
  - gemm: {m: 64, n: 64, k: 64}
    sweep: {method: [dense, masked], gpu: [gtx1080ti, gtx980]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"gpus", "search --rate 0.5", "kernels ../../sim/testdata/checks.cubin", "plan " + file,
		"gemm --m 64 --n 64 --k 64", "iteration mlp --hidden 64,64 --method rdp --dp 2",
		"sim ../../sim/testdata/checks.cubin --kernel saxpy --grid 8 --block 128 --arg buf:4000 --arg buf:4000 --arg f32:1 " +
			"--arg i32:9",
		"run " + file + " --out " + out, "run " + file + " --out " + other, "compare --all " + out + " " + other,
		"status " + out,
	} {
		for _, width := range []int{80, 60} {
			t.Setenv("COLUMNS", strconv.Itoa(width))
			var stdout, stderr bytes.Buffer
			if code := run(context.Background(), strings.Fields(args), nil, &stdout, &stderr); code != 0 {
				t.Fatalf("%s: exit %d: %s", args, code, stderr.String())
			}
			for l := range strings.Lines(stdout.String()) {
				l = strings.TrimSuffix(l, "\n")
				if w := runewidth.StringWidth(l); w > width && !strings.Contains(l, out) && !strings.Contains(l, other) {
					t.Errorf("%s: %d columns in %d: %s", args, w, width, l)
				}
			}
		}
	}
}

// Pages quote sources by their names without folders: of two that have one name, none.
func TestQuotable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.cu", "b/a.cu", "c.cu"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := quotable([]string{filepath.Join(dir, "a.cu"), filepath.Join(dir, "b/a.cu"), filepath.Join(dir, "c.cu"),
		filepath.Join(dir, "none.cu"), "../../sim/testdata/checks.cubin"})
	if string(got["c.cu"]) != "c.cu" || got["a.cu"] != nil || got["none.cu"] != nil || got["checks.cubin"] != nil {
		t.Errorf("%q", got)
	}
}
