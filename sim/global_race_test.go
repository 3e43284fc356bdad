package sim_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

// Each kernel of testdata/global.cu with what the check for races on global memory says of it: with cycles on any
// number of threads, and without.
func TestGlobalRaces(t *testing.T) {
	image, err := os.ReadFile("testdata/global.cubin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kernel string
		want   string // "" = nothing
		benign string // what it says with the check for benign ones on, if that is more
	}{
		{"in_place", "write after read, no barrier or fence between", ""},
		{"out_of_place", "", ""},
		{"all_store", "write after write, no barrier or fence between", ""},
		{"all_store_same", "", "write after write of the same value"},
		{"own_bytes", "", ""},
		{"atomic_sum", "", ""},
		{"plain_sum", "race on global memory at 0x", ""},
		{"atomic_and_store", "write after write", ""},
		{"block_barrier", "", ""},
		{"block_without", "no barrier or fence between", ""},
		{"last_with_fence", "", ""},
		{"last_without_fence", "read after write, no barrier or fence between", ""},
		{"grid_barrier", "", ""},
		{"lock_with_fence", "", ""},
		{"lock_without_fence", "no barrier or fence between", ""},
		{"flag", "", ""},
		{"lanes", "write after write, in one instruction", ""},
	} {
		t.Run(c.kernel, func(t *testing.T) {
			said := map[string]bool{}
			for _, mode := range []string{"1", "2", "16", "functional", "benign"} {
				if mode == "functional" && (c.kernel == "grid_barrier" || c.kernel == "flag") {
					continue // its blocks wait for each other
				}
				b := newBench(t)
				if b.mod, err = b.dev.LoadModule(image); err != nil {
					t.Fatal(err)
				}
				b.dev.Threads = map[string]int{"1": 1, "2": 2, "16": 16}[mode]
				b.dev.Functional = mode == "functional"
				checks := []string{"global"}
				want := c.want
				if mode == "benign" {
					checks = append(checks, "benign")
					if c.benign != "" {
						want = c.benign
					}
				}
				for _, name := range checks {
					if err := b.dev.EnableCheck(name); err != nil {
						t.Fatal(err)
					}
				}
				_, err := b.launch(c.kernel, shape(4, 64, 0), sim.PtrArg(b.buffer(1024)), sim.PtrArg(b.buffer(1024)))
				var found *sim.CheckError
				switch {
				case want == "" && err != nil:
					t.Errorf("%s: nothing is wrong, and it says: %v", mode, err)
				case want != "" && (!errors.As(err, &found) || !strings.Contains(err.Error(), want)):
					t.Errorf("%s: %v does not say %q", mode, err, want)
				}
				if b.dev.Threads > 0 && err != nil {
					said[err.Error()] = true
				}
			}
			if len(said) > 1 {
				t.Errorf("what is said depends on the number of threads: %v", said)
			}
		})
	}
}
