package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/internal/toolchain"
)

const sourceText = `__constant__ float scale[4];
extern "C" __global__ void __launch_bounds__(64) k(float *p, int n) {
#ifdef BAD
  p[0] = nothing;
#endif
  if (threadIdx.x < n) p[threadIdx.x] *= scale[0];
}
`

// sourceExperiment is an experiment of one launch of a source, in a folder of its own.
func sourceExperiment(t *testing.T, launch string) *Experiment {
	t.Helper()
	file := filepath.Join(t.TempDir(), "k.cu")
	if err := os.WriteFile(file, []byte(sourceText), 0o644); err != nil {
		t.Fatal(err)
	}
	e, err := Parse("test.yaml",
		fmt.Appendf(nil, "name: x\ntitle: X\npoints:\n  - launch:\n      file: %s\n%s", file, launch))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestSourcesRefused: what has to be compiled is checked as machine code is, with its place in the file, before any
// point runs; a right launch passes, and its machine code is kept.
func TestSourcesRefused(t *testing.T) {
	const good = "      kernel: k\n      grid: [1]\n      block: [64]\n      args: [\"buf:256\", \"i32:64\"]\n"
	h := NewHost("")
	h.KeepCode(t.TempDir())
	check := func(e *Experiment) error {
		t.Helper()
		if _, err := e.Point("small", 0, h); errors.Is(err, toolchain.ErrMissing) {
			t.Skipf("set WARPDROP_TOOLCHAIN, or run scripts/toolchain.sh: %v", err)
		} else if err != nil {
			t.Fatal(err)
		}
		return e.CheckSources(t.Context(), "small", e.Sources("small"), h)
	}
	if err := check(sourceExperiment(t, good)); err != nil {
		t.Errorf("a launch that can run: %v", err)
	}
	if kept, _ := os.ReadDir(h.cubins); len(kept) != 1 {
		t.Errorf("%d files of machine code were kept, want 1", len(kept))
	}
	for _, c := range []struct{ name, from, to, want string }{
		{"kernel", "kernel: k\n", "kernel: nope\n", `test.yaml:6:15: kernel: `},
		{"number of arguments", `, "i32:64"`, "", "test.yaml:9:13: args: kernel k: 1 arguments for 2 parameters"},
		{"size of an argument", "i32:64", "i64:64", "test.yaml:9:13: args: kernel k: parameter 1 has 4 bytes; "},
		{"launch bounds", "block: [64]", "block: [65]",
			"test.yaml:8:14: block: kernel k: block 65x1x1 has 65 threads; this kernel allows 1..64"},
		{"variable", "      args", "      variables: [\"nope=f32:1\"]\n      args",
			`test.yaml:9:18: variables: no variable "nope"`},
		{"size of a variable", "      args", "      variables: [\"scale:20:f32=1\"]\n      args",
			"the variable has 16 bytes, and what is to be stored in it 20"},
		{"the source itself", "      args", "      defines: [BAD]\n      args", "test.yaml:5:13: cubin: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			launch := strings.Replace(good, c.from, c.to, 1)
			if launch == good {
				t.Fatal("nothing was replaced")
			}
			if err := check(sourceExperiment(t, launch)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := sourceExperiment(t, good)
	if err := e.CheckSources(ctx, "small", e.Sources("small"), h); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestSourceWithoutCompiler: a launch of a source is refused where nothing compiles it, with its place and what to do.
func TestSourceWithoutCompiler(t *testing.T) {
	e := sourceExperiment(t, "      kernel: k\n      grid: [1]\n      block: [64]\n")
	t.Setenv(toolchain.Variable, t.TempDir())
	t.Setenv("WARPDROP_NVRTC", filepath.Join(t.TempDir(), "libnvrtc.so"))
	t.Setenv("PATH", t.TempDir())
	_, err := e.Point("small", 0, NewHost(""))
	if !errors.Is(err, toolchain.ErrMissing) || !strings.HasPrefix(err.Error(), "test.yaml:5:13: ") ||
		!strings.Contains(err.Error(), "scripts/toolchain.sh") {
		t.Error(err)
	}
}
