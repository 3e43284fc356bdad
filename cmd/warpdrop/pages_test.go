package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPages: what has a --report or a --profile writes what it is to hold.
func TestPages(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "workloads"), filepath.Join(dir, "workloads")); err != nil {
		t.Skip("no links here:", err)
	}
	t.Chdir(dir)
	for _, c := range []struct {
		args, file string
		want       []string
	}{
		{"gemm --m 64 --n 64 --k 64 --profile", "gemm.csv", []string{"kernel,address,instruction", "FFMA"}},
		{"iteration mlp --hidden 64,64 --batch 32 --profile", "iteration.json", []string{"[\n", `"stall_cycles"`}},
		{"iteration mlp --hidden 64,64 --batch 32 --profile", "iteration.txt", []string{"waited for", "FFMA"}},
		{"point workloads/examples/saxpy.yaml 1 --profile", "point.txt", []string{"saxpy on gtx1080ti", "waited for"}},
		{"gemm --m 64 --n 64 --k 64 --report", "gemm.txt", []string{"kernel cycles", "Hottest instructions"}},
		{"gemm --m 64 --n 64 --k 64 --method tdp --dp 2 --report", "gemm.html",
			[]string{"<h2>What to try</h2>", "Listing"}},
		{"iteration mlp --hidden 64,64 --batch 32 --method rdp --dp 2 --report",
			"iteration.html", []string{`id="timeline"`, "Launch by launch", "What to try", "kernel cycles"}},
		{"point workloads/examples/saxpy.yaml 1 --report", "point.json",
			[]string{`"kernel": "saxpy"`, `"instructions"`}},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(strings.Fields(c.args), c.file), nil, &out, &errs); code != 0 {
			t.Errorf("warpdrop %s: exit code %d: %s", c.args, code, &errs)
			continue
		}
		page, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("warpdrop %s %s: no %q in it", c.args, c.file, want)
			}
		}
		if len(page) > 5<<20 {
			t.Errorf("%s has %d bytes; 5 MB are allowed", c.file, len(page))
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"gemm", "--m", "64", "--n", "64", "--k", "64", "--report", "x.txt", "--against",
		"gemm.txt"}, nil, &out, &errs); code != 2 {
		t.Errorf("a baseline that is no JSON report: exit code %d: %s", code, &errs)
	}
}
