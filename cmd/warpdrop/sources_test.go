package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSourcesAreChecked: validate compiles the sources that an experiment launches and run refuses one that has no such
// kernel, both before any work.
func TestSourcesAreChecked(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	source := write("k.cu", "extern \"C\" __global__ void k(float *p) { p[threadIdx.x] = 1; }\n")
	file := func(kernel string) string {
		return write(kernel+".yaml", "name: x\ntitle: X\npoints:\n  - launch: {file: "+source+", kernel: "+kernel+
			", grid: [1], block: [32], args: [\"buf:128\"]}\n")
	}
	command := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, stdout, stderr := command("validate", file("k"))
	if strings.Contains(stderr, "is not installed") {
		t.Skipf("set WARPDROP_TOOLCHAIN, or run scripts/toolchain.sh: %s", stderr)
	}
	if code != 0 || !strings.Contains(stdout, "scale small: 1 points (1 launches of sources: compiled and checked)") {
		t.Errorf("validate: exit %d\n%s%s", code, stdout, stderr)
	}
	out := filepath.Join(dir, "out")
	for _, args := range [][]string{{"validate", file("nope")}, {"run", file("nope"), "--out", out}} {
		code, _, stderr := command(args...)
		if code != 2 || !strings.Contains(stderr, "nope.yaml:4:") || !strings.Contains(stderr, `no kernel "nope"`) {
			t.Errorf("%s: exit %d, %s", args[0], code, stderr)
		}
	}
	if points, _ := filepath.Glob(filepath.Join(out, "store", "*.json")); len(points) > 0 {
		t.Errorf("%v were stored", points)
	}
	if code, stdout, stderr := command("run", file("k"), "--out", out); code != 0 {
		t.Errorf("run: exit %d\n%s%s", code, stdout, stderr)
	}
}
