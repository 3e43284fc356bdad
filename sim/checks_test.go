package sim_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

// TestNamedChecks runs kernels with one fault, and their right twins, under each check.
func TestNamedChecks(t *testing.T) {
	image, err := os.ReadFile("testdata/races.cubin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kernel, check string
		block         int
		want          string // "" = nothing is found
	}{
		{"loop_without_barrier", "races", 64, "race on byte"}, // all buffers are zeros
		{"loop_with_barrier", "races", 64, ""},
		{"loop_with_barrier", "benign", 64, ""},
		{"cleared_by_all", "races", 128, ""},
		{"cleared_by_all", "benign", 128, "of the same value"},
		{"flag", "races", 64, "read after write"},
		{"half_warp_barrier", "divergence", 64, "16 of the warp's 32 threads reach it"},
		{"early_exit", "divergence", 128, ""},
		{"loop_with_barrier", "divergence", 64, ""},
		{"shuffle_from_absent", "shuffles", 32, "shuffle from lane 0"},
		{"shuffle_from_present", "shuffles", 32, ""},
		{"shuffle_from_absent", "races", 32, ""},
	} {
		t.Run(c.kernel+"/"+c.check, func(t *testing.T) {
			b := newBench(t)
			if b.mod, err = b.dev.LoadModule(image); err != nil {
				t.Fatal(err)
			}
			if err := b.dev.EnableCheck(c.check); err != nil {
				t.Fatal(err)
			}
			args := []sim.Arg{sim.PtrArg(b.buffer(128))}
			switch {
			case strings.HasPrefix(c.kernel, "loop"):
				args = append(args, sim.PtrArg(b.buffer(128)), sim.I32(4))
			case c.kernel == "early_exit":
				args = append(args, sim.I32(100))
			}
			r, err := b.launch(c.kernel, shape(1, c.block, 0), args...)
			var found *sim.CheckError
			switch {
			case r == nil:
				t.Fatal(err)
			case c.want == "" && err != nil:
				t.Errorf("nothing is wrong, and it says: %v", err)
			case c.want != "" && (!errors.As(err, &found) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v does not say %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "race on") &&
				!strings.Contains(err.Error(), "in an access of 4 bytes at 0x") {
				t.Errorf("the access is not named by its start: %v", err)
			}
		})
	}
	if err := newBench(t).dev.EnableCheck("rases"); err == nil ||
		!strings.Contains(err.Error(), "is not one of races, benign, global, uninit, unwritten, divergence, shuffles, "+
			"constants, leaks, hazards") {
		t.Errorf("a check that there is not: %v", err)
	}
}
