//go:build (linux || darwin || freebsd) && (amd64 || arm64)

package cudac

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/internal/toolchain"
)

// TestOldNVRTC has a library make PTX, which is all that NVRTC before 11.1 does, and ptxas the machine code: in a
// process of its own, since the library's signal handlers break Go's.
func TestOldNVRTC(t *testing.T) {
	const inside = "WARPDROP_TEST_OLD_NVRTC"
	if os.Getenv(inside) == "" {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestOldNVRTC$", "-test.v")
		c.Env = append(os.Environ(), inside+"=1")
		out, err := c.CombinedOutput()
		if strings.Contains(string(out), "--- SKIP") {
			t.Skip(string(out))
		}
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	l, err := openNVRTC()
	if errors.Is(err, toolchain.ErrMissing) {
		t.Skipf("set WARPDROP_TOOLCHAIN, or run scripts/toolchain.sh: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	source := []byte(`__global__ void scale(float *p) { p[threadIdx.x] *= FACTOR; }`)
	opt := Options{Arch: 61, Defines: []string{"FACTOR=3"}}
	l.cubin = blob{}
	cubin, by, err := l.run(t.Context(), "k.cu", source, opt)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(cubin, []byte("scale")) || !bytes.HasPrefix(cubin, []byte("\x7fELF")) || by != l.name() {
		t.Errorf("%d bytes by %s", len(cubin), by)
	}
	opt.Object = true
	if object, _, err := l.run(t.Context(), "k.cu", source, opt); err != nil || bytes.Equal(object, cubin) {
		t.Errorf("an object: %d bytes, %v", len(object), err)
	}
}

// TestWithoutDriver: NVRTC that finds this project's driver library never came back.
func TestWithoutDriver(t *testing.T) {
	ours, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(ours, "libwarpdrop.so"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{"": "", ours: "", other: other, ours + ":" + other + ":" + ours: other} {
		if got := withoutDriver(list); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}
