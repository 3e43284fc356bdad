package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/workloads"
)

func TestGEMMCommand(t *testing.T) {
	for _, args := range []string{
		"--m 64 --n 32 --k 48", "--m 64 --n 32 --k 48 --ta --tb --warm", "--m 64 --n 32 --k 64 --method tdp --dp 2 --bias 2",
		"--m 65 --n 33 --k 31 --method rdp --dp 3", "--m 40 --n 32 --k 48 --method masked --rate 0.3",
		"--m 64 --n 32 --k 48 --tile 16 --plain", "--m 64 --n 32 --k 64 --shape 64x64 --split 2",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields("gemm --json "+args), strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Errorf("%s: exit code %d\n%s", args, code, &stderr)
			continue
		}
		var r gemmReport
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Cycles <= 0 || r.Kernel == "" || !(r.BoundShare > 0 && r.BoundShare <= 1) || r.CheckedRows != r.M ||
			!(r.MaxError < 1e-4) {
			t.Errorf("%s: %+v", args, r)
		}
	}
	for args, want := range map[string]string{
		"":                                      "missing: --m, --n, --k",
		"--m 5 --k 8":                           "missing: --n",
		"--m 0 --n 8 --k 8":                     "m: 0 is not in 1..65536",
		"--m 8 --n 8 --k 8 --method tdp --dp 2": "dp: 2 is not in 1..1",
		"--m 8 --n 8 --k 8 --method rdp --dp 4 --bias 5": "bias: 5 is not in 1..4",
		"--m 8 --n 8 --k 8 --tile 128":                   "tile: 128 is not one of",
		"--m 8 --n 8 --k 8 --dp 2":                       "--dp has no meaning here",
		"--m 8 --n 8 --k 8 --method masked --rate 1":     "rate: 1 is not in [0, 1)",
		"--m 8 --n 8 --k 8 --method half":                `method: "half" is not one of`,
		"--m 8 --n 8 --k 8 --gpu rtx":                    `gpu "rtx" is not one of`,
		"deepbench --file none.csv":                      "none.csv",
		"--m 8 --n 8 --k 8 --shape 8x8":                  `shape: "8x8" is not one of`,
		"--m 8 --n 8 --k 8 --split 33":                   "split: 33 is not in 0..32",
		"deepbench --clock 1":                            "--clock 1 is not in 100..10000",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields("gemm "+args), strings.NewReader(""), &stdout, &stderr); code != 2 ||
			!strings.Contains(stderr.String(), want) {
			t.Errorf("gemm %s: exit code %d, %s; want 2 and %q", args, code, &stderr, want)
		}
	}
}

func TestCandidatesCommand(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), strings.Fields("gemm candidates --m 64 --n 32 --k 64 --limit 2 --json"),
		strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &stderr)
	}
	var list []workloads.Candidate
	if err := json.Unmarshal(stdout.Bytes(), &list); err != nil || len(list) != 2 || list[0].Model > list[1].Model ||
		list[1].Cycles <= 0 {
		t.Errorf("%v, %+v", err, list)
	}
	if code := run(t.Context(), strings.Fields("gemm candidates --m 64 --n 32 --k 64 --limit 0"), strings.NewReader(""),
		&stdout, &stderr); code != 2 {
		t.Errorf("limit 0: exit code %d", code)
	}
}

// TestDeepBenchCommand: the clock is fitted to the row without transposes and with n >= 64.
func TestDeepBenchCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "products.csv")
	runRows := func(rows string) deepBenchReport {
		t.Helper()
		if err := os.WriteFile(file, []byte("m,n,k,transpose_a,transpose_b,time_ms\n"+rows), 0o644); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"gemm", "deepbench", "--json", "--file", file}, strings.NewReader(""), &stdout,
			&stderr); code != 0 {
			t.Fatalf("exit code %d\n%s", code, &stderr)
		}
		var r deepBenchReport
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := runRows("128,64,96,N,N,0.01\n96,16,64,T,N,0.01\n")
	if len(r.Rows) != 2 || r.LargeRows != 1 || r.Rows[0].Error != 0 {
		t.Errorf("%+v", r)
	}
	if want := r.Rows[0].Cycles / 10; r.FittedMHz != want {
		t.Errorf("fitted clock %g MHz, want %g", r.FittedMHz, want)
	}
}
