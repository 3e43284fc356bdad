//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"warpdrop/experiments"
)

// TestMain lets tests run the whole program in a process of its own, to see what that takes.
func TestMain(m *testing.M) {
	if os.Getenv("WARPDROP_TEST_PROGRAM") != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestTenThousandPointsOnACluster: a plan of 10,000 points is submitted, shown and collected in under 30 s of processor
// time and 300 MB each. The cluster is a fake: it takes jobs and leaves them in the queue.
func TestTenThousandPointsOnACluster(t *testing.T) {
	if os.Getenv("WARPDROP_TEN_THOUSAND") == "" {
		t.Skip("takes half a minute; set WARPDROP_TEN_THOUSAND=1, as CI does")
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	os.Mkdir(bin, 0o755)
	for name, text := range map[string]string{
		"sbatch": `for a; do case $a in --array=*) r=${a#--array=0-};; esac; done
n=$(cat next); echo $((n + 1)) > next; i=0
while [ $i -le $r ]; do echo "$n|$i|PENDING|Priority"; i=$((i + 1)); done >> queue
echo $n`,
		"squeue":   "cat queue",
		"scontrol": `echo "MaxArraySize = 1001"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\ncd '"+dir+"'\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"next": "1\n", "queue": ""} {
		os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
	}
	var sizes []string
	for i := range 100 {
		sizes = append(sizes, fmt.Sprint(64+4*i))
	}
	list := strings.Join(sizes, ",")
	file := filepath.Join(dir, "many.yaml")
	os.WriteFile(file, []byte("name: many\ntitle: Many\npoints:\n  - gemm: {method: dense, k: 64}\n    sweep: {m: ["+list+
		"], n: ["+list+"]}\n"), 0o644)
	out := filepath.Join(dir, "out")
	program := func(args ...string) string {
		t.Helper()
		c := exec.Command(os.Args[0], args...)
		c.Env = append(os.Environ(), "WARPDROP_TEST_PROGRAM=1", "PATH="+bin+":/usr/bin:/bin", "HOME="+dir,
			"XDG_CONFIG_HOME="+dir)
		var stdout, stderr bytes.Buffer
		c.Stdout, c.Stderr = &stdout, &stderr
		start := time.Now()
		if err := c.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, &stderr)
		}
		took := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
		usage := c.ProcessState.SysUsage().(*syscall.Rusage)
		mb := usage.Maxrss >> 10 // kilobytes on Linux
		t.Logf("%s: %.1f s of processor, %.1f s, %d MB", args[0], took.Seconds(), time.Since(start).Seconds(), mb)
		if took > 30*time.Second {
			t.Errorf("%s took %v of processor time, want under 30 s", args[0], took)
		}
		if runtime.GOOS == "linux" && mb > 300 {
			t.Errorf("%s took %d MB, want under 300", args[0], mb)
		}
		return stdout.String()
	}
	program("run", file, "--out", out, "--executor", "slurm", "--detach", "--cpus", "2")
	var s struct{ Points, Stored, Waiting int }
	if err := json.Unmarshal([]byte(program("status", out, "--json")), &s); err != nil || s.Points != 10_000 ||
		s.Waiting != 10_000 {
		t.Fatalf("status %+v (%v)", s, err)
	}
	storeAll(t, file, filepath.Join(out, experiments.StoreDir))
	if err := json.Unmarshal([]byte(program("status", out, "--json")), &s); err != nil || s.Stored != 10_000 {
		t.Fatalf("status %+v (%v)", s, err)
	}
	program("run", file, "--out", out, "--executor", "slurm")
	csv, err := os.ReadFile(filepath.Join(out, experiments.CSVName))
	if err != nil || bytes.Count(csv, []byte("\n")) != 10_001 {
		t.Errorf("results.csv has %d lines (%v), want 10,001", bytes.Count(csv, []byte("\n")), err)
	}
	program("plot", out)
}

// storeAll puts a result for each point of a file into a store, without the syncs that take a store's writer most of
// its time.
func storeAll(t *testing.T, file, dir string) {
	t.Helper()
	e, err := experiments.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	points, err := experiments.Points(e.Specs("small"), experiments.NewHost(""))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range points {
		cycles := float64(1000 + i)
		point, err := json.Marshal(experiments.Stored{Hash: p.Hash, Kind: p.Spec.Kind(), Spec: p.Spec, Versions: p.Versions,
			Result: experiments.Result{Sim: &experiments.SimResult{Cycles: cycles, Low: cycles, High: cycles,
				TimeUS: cycles / 1582}}})
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(point)
		whole, _ := json.Marshal(map[string]any{"sha256": hex.EncodeToString(sum[:]), "point": json.RawMessage(point)})
		if err := os.WriteFile(filepath.Join(dir, p.Hash+".json"), whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
