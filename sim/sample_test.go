package sim_test

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

// TestSample compares sampled launches with the same launches whole: bound by memory, by arithmetic, and by shared
// memory and barriers, with grids that end in part of a wave. Four SMs make many waves of few blocks.
func TestSample(t *testing.T) {
	few := func(g *sim.GPU) { g.SMs = 4 }
	programs, err := os.ReadFile("sm/testdata/programs.cubin")
	if err != nil {
		t.Fatal(err)
	}
	launch := func(kernel string, waves int) (*sim.Result, error) {
		b := newBench(t, few)
		if kernel != "saxpy" {
			if b.mod, err = b.dev.LoadModule(programs); err != nil {
				t.Fatal(err)
			}
		}
		var cfg sim.LaunchConfig
		var args []sim.Arg
		switch kernel {
		case "saxpy":
			const n = 128 * 2100
			cfg = shape(n/128, 128, 0)
			args = []sim.Arg{sim.PtrArg(b.buffer(n)), sim.PtrArg(b.buffer(n)), sim.F32(0.5), sim.I32(n)}
		case "nbody":
			const blocks = 700
			cfg = shape(blocks, 128, 0)
			args = []sim.Arg{sim.PtrArg(b.buffer(4 * blocks * 128)), sim.PtrArg(b.buffer(4 * blocks * 128)), sim.I32(40)}
		case "transpose":
			const w, h = 1024, 1100
			cfg = sim.LaunchConfig{Grid: sim.Dim3{X: w / 32, Y: (h + 31) / 32}, Block: sim.Dim3{X: 32, Y: 8}}
			args = []sim.Arg{sim.PtrArg(b.buffer(w * h)), sim.PtrArg(b.buffer(w * h)), sim.I32(w), sim.I32(h)}
		}
		cfg.Waves = waves
		return b.launch(kernel, cfg, args...)
	}
	for _, kernel := range []string{"saxpy", "nbody", "transpose"} {
		whole, err := launch(kernel, 0)
		if err != nil {
			t.Fatal(kernel, err)
		}
		if whole.Sample != nil {
			t.Errorf("%s: a whole launch is labelled %v", kernel, whole.Sample)
		}
		for _, waves := range []int{sim.MinWaves, 8} {
			got, err := launch(kernel, waves)
			if err != nil {
				t.Fatal(kernel, err)
			}
			s := got.Sample
			if s == nil {
				t.Fatalf("%s: %d waves of blocks %s: not sampled", kernel, waves, whole.Grid)
			}
			if s.Total != whole.Grid.Count() || (s.Total-s.Blocks)%s.Wave != 0 || s.Blocks >= s.Total || s.Cycles >= got.Cycles {
				t.Errorf("%s: %+v of %d cycles", kernel, s, got.Cycles)
			}
			off := float64(got.Cycles)/float64(whole.Cycles) - 1
			t.Logf("%s, %d waves: %d cycles, %d whole, %+.2f %%; %v", kernel, waves, got.Cycles, whole.Cycles, 100*off, s)
			if math.Abs(off) > s.Error+0.03 {
				t.Errorf("%s, %d waves: %d cycles, %d whole: %+.1f %%, stated %.1f %%", kernel, waves, got.Cycles, whole.Cycles,
					100*off, 100*s.Error)
			}
			n, want := float64(got.Counters.SM.WarpInstructions), float64(whole.Counters.SM.WarpInstructions)
			if math.Abs(n/want-1) > 0.02 {
				t.Errorf("%s, %d waves: %.0f warp instructions, %.0f whole", kernel, waves, n, want)
			}
			if got.TimeUS <= whole.TimeUS*(0.97-s.Error) || got.TimeUS >= whole.TimeUS*(1.03+s.Error) {
				t.Errorf("%s, %d waves: %.1f us, %.1f whole", kernel, waves, got.TimeUS, whole.TimeUS)
			}
		}
		if all, err := launch(kernel, 1000); err != nil || all.Sample != nil || all.Cycles != whole.Cycles ||
			all.Counters != whole.Counters {
			t.Errorf("%s: with more waves than there are: %v, %v", kernel, all, err)
		}
	}
	if _, err := launch("saxpy", sim.MinWaves-1); err == nil || !strings.Contains(err.Error(), "3 waves") {
		t.Errorf("3 waves: error is %v", err)
	}
	b := newBench(t, few)
	k, err := b.mod.Kernel("saxpy")
	if err != nil {
		t.Fatal(err)
	}
	p := sim.PtrArg(b.buffer(32))
	if _, err := b.dev.NewStream().Launch(k, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 32}, Waves: 4}, p,
		p, sim.F32(1), sim.I32(32)); err == nil {
		t.Error("a stream takes a sampled launch")
	}
	if _, err := b.dev.Synchronize(context.Background()); err != nil {
		t.Error(err)
	}
}
