package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runCorrelate(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), append([]string{"correlate"}, args...), nil, &out, &err)
	return code, out.String(), err.String()
}

// TestCorrelateCommand runs a set of two launches, which the store then has, and refuses what it cannot run.
func TestCorrelateCommand(t *testing.T) {
	dir := t.TempDir()
	cubin, err := filepath.Abs(checksCubin)
	if err != nil {
		t.Fatal(err)
	}
	set, out := filepath.Join(dir, "set.yaml"), filepath.Join(dir, "out")
	text := "name: s\ntitle: some saxpys\ntable: t.csv\ntime: ms\nfile: " + cubin +
		"\nkernel: saxpy\ngrid: [blocks]\nblock: [\"128\"]\n" +
		"args: [\"buf:{512*blocks}\", \"buf:{512*blocks}\", \"f32:0.5\", \"i32:{128*blocks}\"]\n"
	for path, text := range map[string]string{set: text, filepath.Join(dir, "t.csv"): "blocks,ms\n8,0.004\n32,0.005\n",
		filepath.Join(dir, "bad.csv"): "blocks,ms\n8,0.004\n32,0.005\n100000000,1\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := runCorrelate(set, "--out", out)
	if code != 0 || !strings.Contains(stdout, "some saxpys: 2 of 2 configurations") ||
		!strings.Contains(stdout, "the simulator picks 8:") || !strings.Contains(stderr, "started") {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	code, stdout, stderr = runCorrelate(set, "--out", out, "--json")
	var r struct {
		Rows  []struct{ Cycles float64 }
		Model string `json:"model_version"`
	}
	if err := json.Unmarshal([]byte(stdout), &r); code != 0 || err != nil || len(r.Rows) != 2 || r.Model == "" ||
		strings.Contains(stderr, "started") {
		t.Errorf("again: exit %d (%v)\n%s\n%s", code, err, stdout, stderr)
	}
	code, stdout, _ = runCorrelate(set, "--launches", "-n", "1")
	var l struct {
		Launches []struct {
			Grid []int    `json:"grid"`
			Args []string `json:"args"`
			Line int      `json:"line"`
		} `json:"launches"`
		Columns []string `json:"columns"`
	}
	if err := json.Unmarshal([]byte(stdout), &l); code != 0 || err != nil || len(l.Launches) != 1 ||
		len(l.Launches[0].Grid) != 1 || len(l.Launches[0].Args) != 4 || len(l.Columns) != 1 {
		t.Errorf("launches: exit %d (%v)\n%s", code, err, stdout)
	}
	code, stdout, _ = runCorrelate(set, "--launches", "--waves", "4", "--within", "0.2")
	if code != 0 || strings.Count(stdout, `"within": 0.2`) != 2 {
		t.Errorf("launches of more waves: exit %d\n%s", code, stdout)
	}
	for _, args := range [][]string{{filepath.Join(dir, "t.csv")}, {set, "--table", filepath.Join(dir, "none.csv")},
		{set, "--waves", "2"}, {set, "--waves", "4", "--within", "1"}, {set, "--within", "-0.1"},
		{set, "-n", "-1"}, {set, "--gpu", "none"}, {set, "--out", dir}} {
		if code, _, stderr := runCorrelate(args...); code != 2 {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
	// One configuration that cannot be launched leaves the other two.
	if code, stdout, stderr := runCorrelate(set, "--table", filepath.Join(dir, "bad.csv"), "--out", out); code != 1 ||
		!strings.Contains(stdout, "1 configurations of the sample are missing") {
		t.Errorf("with buffers that no card has: exit %d\n%s\n%s", code, stdout, stderr)
	}
}
