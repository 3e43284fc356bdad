package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/internal/toolchain"
)

const checksCubin = "../../sim/testdata/checks.cubin"

func runSim(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(context.Background(), append([]string{"sim"}, args...), nil, &out, &err)
	return code, out.String(), err.String()
}

// A preset without coefficients has no energy, neither as JSON nor in the table.
func TestSimWithoutEnergy(t *testing.T) {
	for _, format := range []string{"--json", "--threads=1"} {
		code, out, stderr := runSim(checksCubin, "--kernel", "saxpy", "--grid", "1", "--block", "32", "--gpu",
			"gtx980", format, "--arg", "buf:4000", "--arg", "buf:4000", "--arg", "f32:0.5", "--arg", "i32:32")
		if code != 0 || out == "" {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if strings.Contains(out, "energy") {
			t.Errorf("gtx980 has no coefficients; printed\n%s", out)
		}
	}
}

// TestSimJSON: the object has the documented names, and the buffers are read and written.
func TestSimJSON(t *testing.T) {
	dir := t.TempDir()
	x, y := filepath.Join(dir, "x"), filepath.Join(dir, "y,out=1")
	var data []byte
	for i := range 1000 {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)))
	}
	if err := os.WriteFile(x, data, 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := runSim(checksCubin, "--kernel", "saxpy", "--grid", "8", "--block", "128", "--json",
		"--threads", "2", "--arg", "buf:4000:file="+x+",out="+y, "--arg", "buf:4000:file="+x, "--arg", "f32:0.5", "--arg",
		"i32:1000")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var r map[string]any
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kernel", "gpu", "grid", "block", "kernel_cycles", "cycles_with_launch", "time_us",
		"warp_instructions", "thread_instructions", "ipc", "shared_accesses", "shared_bank_conflicts", "divergent_branches",
		"sectors_read", "sectors_written", "l1_hit_rate", "l2_hit_rate", "dram_bytes", "stall_cycles", "warp_stall_cycles",
		"wall_seconds", "warp_instructions_per_second", "bandwidth_gb_per_s", "roofline", "memory", "energy",
		"copy_to_device", "copy_to_host"} {
		if _, ok := r[name]; !ok {
			t.Errorf("the object has no %q", name)
		}
	}
	for name, want := range map[string]any{"kernel": "saxpy", "gpu": "gtx1080ti", "grid": "8x1x1", "block": "128x1x1",
		"warp_instructions": 704.0, "sectors_read": 250.0, "sectors_written": 125.0, "flop": 2000.0} {
		if r[name] != want {
			t.Errorf("%s is %v, want %v", name, r[name], want)
		}
	}
	memory := r["memory"].(map[string]any)
	for _, name := range []string{"l1_hits", "mshr_stalls", "store_stalls", "dram_row_hits", "l2_read_hits",
		"request_wait"} {
		if _, ok := memory[name]; !ok {
			t.Errorf("memory has no %q", name)
		}
	}
	e := r["energy"].(map[string]any)
	sum := 0.0
	for _, mj := range e["components_mj"].(map[string]any) {
		sum += mj.(float64)
	}
	if total := e["total_mj"].(float64); total <= 0 || math.Abs(sum/total-1) > 1e-9 || e["mean_w"].(float64) <= 30 {
		t.Errorf("energy %v: its components add up to %g mJ", e, sum)
	}
	if c := r["copy_to_device"].(map[string]any); c["bytes"] != 8000.0 || c["time_us"].(float64) <= 0 {
		t.Errorf("copies to the device: %v", c)
	}
	got, err := os.ReadFile(y)
	if err != nil || len(got) != 4000 {
		t.Fatalf("%d bytes written: %v", len(got), err)
	}
	if v := math.Float32frombits(binary.LittleEndian.Uint32(got[4*999:])); v != 999*1.5 {
		t.Errorf("y[999] = %g, want %g", v, 999*1.5)
	}
}

// TestSimFunctional: the same values, and no word of time.
func TestSimFunctional(t *testing.T) {
	dir := t.TempDir()
	var out [2][]byte
	for i, extra := range []string{"--functional", "--functional=false"} {
		file := filepath.Join(dir, extra)
		code, text, stderr := runSim(checksCubin, "--kernel", "tickets", "--grid", "5", "--block", "64", "--json", extra,
			"--arg", "buf:4,out="+file, "--arg", "buf:1280", "--arg", "buf:300", "--arg", "buf:4")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if i == 0 && (strings.Contains(text, "cycles") || !strings.Contains(text, `"functional": true`)) {
			t.Errorf("it says %s", text)
		}
		var err error
		if out[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out[0], out[1]) {
		t.Errorf("%x for values only, %x in time", out[0], out[1])
	}
	if code, text, _ := runSim(checksCubin, "--kernel", "counts", "--block", "128", "--arg", "buf:512",
		"--functional"); code != 0 || !strings.Contains(text, "values only, no cycles") {
		t.Errorf("exit %d: %s", code, text)
	}
	for _, flag := range [][]string{{"--profile", filepath.Join(dir, "p")}, {"--trace", filepath.Join(dir, "t")},
		{"--check", "hazards"}} {
		if code, _,
			stderr := runSim(append([]string{checksCubin, "--kernel", "counts", "--block", "128", "--arg", "buf:512",
			"--functional"}, flag...)...); code != 2 || !strings.Contains(stderr, "need time") {
			t.Errorf("%v: exit %d: %s", flag, code, stderr)
		}
	}
}

func TestSimOutputs(t *testing.T) {
	dir := t.TempDir()
	profile, trace := filepath.Join(dir, "p"), filepath.Join(dir, "t.json")
	code, out, stderr := runSim(checksCubin, "--kernel", "counts", "--block", "128", "--arg", "buf:512", "--profile",
		profile, "--trace", trace)
	if code != 0 || !strings.Contains(out, "shared bank conflicts") || !strings.Contains(out, "roofline") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
	if text, err := os.ReadFile(profile); err != nil || !bytes.Contains(text, []byte("ATOMS.ADD")) {
		t.Errorf("profile: %v\n%s", err, text)
	}
	launch := []string{checksCubin, "--kernel", "counts", "--block", "128", "--arg", "buf:512"}
	code, out, stderr = runSim(append(launch, "--profile", "-", "--sort", "address", "--width", "60")...)
	listing, _, _ := strings.Cut(out, "┌")
	if code != 0 || !strings.Contains(listing, "ATOMS.ADD") || !strings.Contains(out, "roofline") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
	for line := range strings.SplitSeq(listing, "\n") {
		if len([]rune(line)) > 60 {
			t.Errorf("more than 60 columns: %s", line)
		}
	}
	for _, c := range []struct{ flags, want string }{
		{"--profile - --json", "--profile - and --json"}, {"--profile - --sort heat", `"heat"; allowed is stalls`},
	} {
		if code, _, stderr := runSim(append(launch, strings.Fields(c.flags)...)...); code != 2 ||
			!strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %s", c.flags, code, stderr)
		}
	}
	if text, err := os.ReadFile(trace); err != nil || !json.Valid(text) || !bytes.Contains(text, []byte(`"traceEvents"`)) {
		t.Errorf("trace: %v\n%.200s", err, text)
	}
}

// TestSimErrors: 2 is a request that was refused, 1 a run that failed; the message says what and where.
func TestSimErrors(t *testing.T) {
	const kernel = "--kernel"
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"missing.cubin"}, 2, "missing.cubin"},
		{[]string{"sim_test.go"}, 2, "sim_test.go"},
		{[]string{checksCubin}, 2, "name a kernel"},
		{[]string{checksCubin, kernel, "none"}, 2, `no kernel "none"`},
		{[]string{checksCubin, kernel, "trap", "--gpu", "none"}, 2, "gtx1080ti"},
		{[]string{checksCubin, kernel, "trap", "--grid", "0"}, 2, "1..2147483647"},
		{[]string{checksCubin, kernel, "trap", "--block", "1,2,3,4"}, 2, "at most three"},
		{[]string{checksCubin, kernel, "trap", "--check", "all"}, 2, `"all" is not one of races, benign`},
		{[]string{checksCubin, kernel, "trap", "--arg", "i33:1"}, 2,
			"i8 u8 i16 u16 i32 u32 i64 u64 f16 f32 f64 bool bytes struct buf"},
		{[]string{checksCubin, kernel, "trap", "--arg", "i32:x"}, 2, `"i32:x"`},
		{[]string{checksCubin, kernel, "trap", "--arg", "buf:-1"}, 2, "from 0"},
		{[]string{checksCubin, kernel, "trap", "--arg", "buf:4:file=missing"}, 2, "missing"},
		{[]string{checksCubin, kernel, "trap"}, 1, "0 arguments for 1 parameters"},
		{[]string{checksCubin, kernel, "bounded", "--block", "64", "--arg", "buf:4"}, 1, "out of bounds"},
		{[]string{checksCubin, kernel, "deadlock", "--block", "128", "--arg", "buf:512"}, 1, "deadlock"},
		{[]string{checksCubin, kernel, "forever", "--max-cycles", "3000", "--arg", "buf:4"}, 1,
			"still running after 3000 cycles"},
		{[]string{checksCubin, kernel, "no_barrier", "--block", "128", "--arg", "buf:512", "--check", "races"}, 1,
			"race on byte"},
		{[]string{checksCubin, kernel, "uninit_shared", "--block", "128", "--arg", "buf:512", "--check", "uninit"}, 1,
			"read before it is written"},
	} {
		code, out, stderr := runSim(c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("sim %s: exit %d, %q; want %d and %q", strings.Join(c.args, " "), code, stderr, c.code, c.want)
		}
		if out != "" {
			t.Errorf("sim %s: an error, and output: %q", strings.Join(c.args, " "), out)
		}
	}
}

const source = `
__device__ int twice(int x) { return 2 * x; }
__global__ void k(int *out) {
  int v = twice(threadIdx.x);
  v += __shfl_xor_sync(~0u, v, 1);
  atomicAdd(&out[threadIdx.x], v);
}
`

// TestSimSource: CUDA C++ and PTX are compiled where the tools are installed; where not, the error says how to install
// them.
func TestSimSource(t *testing.T) {
	dir := t.TempDir()
	cu, out := filepath.Join(dir, "k.cu"), filepath.Join(dir, "out")
	if err := os.WriteFile(cu, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{cu, "--kernel", "k", "--arg", "buf:128,out=" + out}
	if _, _, err := codeOf(t.Context(), []string{cu}, codeOptions{Options: cudac.Options{Arch: 61}}); errors.Is(err,
		toolchain.ErrMissing) {
		t.Logf("not compiled: %v", err)
	} else {
		if code, _, stderr := runSim(args...); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if data, err := os.ReadFile(out); err != nil || binary.LittleEndian.Uint32(data[4*7:]) != 2*(6+7) {
			t.Errorf("%v: %x", err, data)
		}
		bad := filepath.Join(dir, "bad.cu")
		if err := os.WriteFile(bad, []byte("__global__ void k() { nonsense }\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := runSim(bad); code != 1 || !strings.Contains(stderr, "bad.cu:1:") &&
			!strings.Contains(stderr, "bad.cu(1)") {
			t.Errorf("a file that does not compile: exit %d, %s", code, stderr)
		}
		ptx := filepath.Join(dir, "k.ptx")
		if err := os.WriteFile(ptx, []byte(".version 6.0\n.target sm_61\n.address_size 64\n.visible .entry k() { ret; }\n"),
			0o644); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := runSim(ptx); code != 0 {
			t.Errorf("a .ptx file: exit %d: %s", code, stderr)
		}
	}
	t.Setenv("WARPDROP_TOOLCHAIN", "")
	t.Setenv("PATH", dir)
	t.Chdir(dir)
	for _, file := range []string{"k.cu", "k.ptx"} {
		if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		// A library that was opened stays open: ask for the other compiler.
		if code, _, stderr := runSim(file, "--kernel", "k", "--compiler", "clang"); code != 2 ||
			!strings.Contains(stderr, "is not installed: run scripts/toolchain.sh") {
			t.Errorf("%s without the tools: exit %d, %q", file, code, stderr)
		}
	}
}

// TestSimWaves: a sampled launch says so, and does not write buffers of which a part was computed.
func TestSimWaves(t *testing.T) {
	launch := []string{checksCubin, "--kernel", "saxpy", "--grid", "4000", "--block", "128", "--waves", "4", "--arg",
		"buf:2048000:uniform=1", "--arg", "buf:2048000:normal=2", "--arg", "f32:0.5", "--arg", "i32:512000"}
	code, out, stderr := runSim(append(launch, "--json")...)
	var r struct {
		Sample *struct {
			Blocks int64   `json:"blocks"`
			Total  int64   `json:"total_blocks"`
			Error  float64 `json:"error"`
		} `json:"sample"`
		WarpInstructions int64 `json:"warp_instructions"`
	}
	if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil {
		t.Fatalf("exit %d: %s %v", code, stderr, err)
	}
	if s := r.Sample; s == nil || s.Total != 4000 || s.Blocks >= 4000 || s.Error <= 0 || r.WarpInstructions != 22*4*4000 {
		t.Errorf("%s", out)
	}
	if _, out, _ := runSim(launch...); !strings.Contains(out, "of 4000 blocks (4 waves of ") {
		t.Errorf("the table does not say that it is sampled:\n%s", out)
	}
	refused := append(slices.Clone(launch[:7]), append([]string{"--within", "0.1"}, launch[9:]...)...)
	if code, _, stderr := runSim(refused...); code == 0 || !strings.Contains(stderr, "0 waves, and more until") {
		t.Errorf("exit %d within an error of no waves: %s", code, stderr)
	}
	launch[10] += ",out=" + filepath.Join(t.TempDir(), "y")
	if code, _, stderr := runSim(launch...); code != 2 || !strings.Contains(stderr, "out=") {
		t.Errorf("exit %d with out=: %s", code, stderr)
	}
	launch[8] = "3"
	if code, _, stderr := runSim(launch...); code == 0 {
		t.Errorf("3 waves: exit %d: %s", code, stderr)
	}
}

// TestSimExamples runs the examples of --help as they stand, from the repository's root.
func TestSimExamples(t *testing.T) {
	t.Chdir("../..")
	n := 0
	for line := range strings.SplitSeq(newSimCommand().Example, "\n") {
		if args, ok := strings.CutPrefix(strings.TrimSpace(line), "warpdrop sim "); ok {
			n++
			if code, _, stderr := runSim(strings.Fields(args)...); code != 0 {
				t.Errorf("%s: exit %d: %s", line, code, stderr)
			}
		}
	}
	if n == 0 {
		t.Error("no example")
	}
}

// TestSimVariables: --global sets __constant__ and __device__ variables by value and by contents, and writes what they
// hold after.
func TestSimVariables(t *testing.T) {
	dir := t.TempDir()
	out, calls, table := filepath.Join(dir, "out"), filepath.Join(dir, "calls"), filepath.Join(dir, "table")
	// 1, 2, 3, 4
	if err := os.WriteFile(table, []byte{0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64}, 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"../../sim/testdata/globals.cubin", "--kernel", "look", "--grid", "5", "--block", "4", "--arg",
		"buf:16,out=" + out, "--arg", "i32:1", "--global", "scale=f32:0.5", "--global", "offsets=struct:{i16:7,i16:8,i16:9}",
		"--global", "table:16:file=" + table, "--global", "calls:4:u32=100,out=" + calls}
	if code, _, stderr := runSim(args...); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	data, err := os.ReadFile(out)
	if err != nil || len(data) != 16 {
		t.Fatal(len(data), err)
	}
	for i := range 4 {
		if got, want := math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])), 0.5*float32(i+1)+8; got != want {
			t.Errorf("thread %d has %g, want %g", i, got, want)
		}
	}
	if data, err := os.ReadFile(calls); err != nil || binary.LittleEndian.Uint32(data) != 105 {
		t.Errorf("calls: %v, %v; want 100 and 5 blocks", data, err)
	}
	for bad, want := range map[string]string{"nothing=f32:1": "no variable \"nothing\"",
		"scale=f64:1": "the variable has 4 bytes", "scale": "want NAME=ARG"} {
		if code, _, stderr := runSim(append(args, "--global", bad)...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("--global %s: exit %d, %s; want 2 and %q", bad, code, stderr, want)
		}
	}
}

// Objects are linked; a source among them is compiled to one. What is missing is named.
func TestSimLinks(t *testing.T) {
	const dir = "../../sim/testdata/link/"
	dump := filepath.Join(t.TempDir(), "out")
	args := func(files ...string) []string {
		return append(files, "--kernel", "calls", "--grid", "1", "--block", "64", "--arg", "buf:256:iota,out="+dump, "--arg",
			"i32:5", "--functional")
	}
	var want []byte
	for _, files := range [][]string{{dir + "whole.cubin"}, {dir + "first.o", dir + "second.o"},
		{dir + "second.o", dir + "first.o"}} {
		code, _, stderr := runSim(args(files...)...)
		if code != 0 {
			t.Fatalf("%v: exit %d, %s", files, code, stderr)
		}
		got, err := os.ReadFile(dump)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%v: %x, in one compilation %x", files, got, want)
		}
	}
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{dir + "first.o"}, "_Z6helperfi is not defined: link the object that has it, too"},
		{[]string{dir + "first.o", dir + "whole.cubin"}, "whole.cubin: is linked already"},
		{[]string{dir + "first.o", dir + "first.o"}, "is defined here and in " + dir + "first.o"},
	} {
		if code, _, stderr := runSim(args(c.files...)...); code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q; want 2 and %q", c.files, code, stderr, c.want)
		}
	}
	code, _, stderr := runSim(args("--compiler=clang", dir+"first.cu", dir+"second.cu")...)
	if strings.Contains(stderr, "no compiler") {
		t.Skip(stderr)
	}
	if got, err := os.ReadFile(dump); code != 0 || err != nil || !bytes.Equal(got, want) {
		t.Errorf("sources: exit %d, %s, %v: %x, in one compilation %x", code, stderr, err, got, want)
	}
}
