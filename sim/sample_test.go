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
	launchWithin := func(kernel string, waves int, within float64) (*sim.Result, error) {
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
		cfg.Waves, cfg.Within = waves, within
		return b.launch(kernel, cfg, args...)
	}
	launch := func(kernel string, waves int) (*sim.Result, error) { return launchWithin(kernel, waves, 0) }
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
		short, err := launch(kernel, sim.MinWaves)
		if err != nil {
			t.Fatal(kernel, err)
		}
		// Where its own error is allowed the short sample stays as it is; else it grows until it is within, to MaxWaves or
		// to the whole grid, and is then what it would be with as many waves from the start.
		for _, share := range []float64{2, 0.5, 0.01} {
			within := min(share*short.Sample.Error, 0.99)
			got, err := launchWithin(kernel, sim.MinWaves, within)
			if err != nil {
				t.Fatal(kernel, err)
			}
			same := whole
			if s := got.Sample; s != nil {
				if same, err = launch(kernel, s.Waves); err != nil {
					t.Fatal(kernel, err)
				}
				if *same.Sample != *s || share > 1 != (s.Waves == sim.MinWaves) || s.Waves > sim.MaxWaves ||
					s.Error > 1.5*within && s.Waves < sim.MaxWaves {
					t.Errorf("%s, within %.4f: %v; with as many waves from the start %v", kernel, within, s, same.Sample)
				}
			} else if share > 1 {
				t.Errorf("%s, within %.4f: all blocks were simulated, 4 waves are off by %.4f", kernel, within, short.Sample.Error)
			}
			if got.Cycles != same.Cycles || got.Counters != same.Counters {
				t.Errorf("%s, within %.4f: %d cycles, from the start %d", kernel, within, got.Cycles, same.Cycles)
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
	for _, bad := range []struct {
		waves  int
		within float64
	}{{0, 0.1}, {4, -0.1}, {4, 1}, {4, math.NaN()}} {
		if _, err := launchWithin("saxpy", bad.waves, bad.within); err == nil || !strings.Contains(err.Error(), "within") {
			t.Errorf("%d waves within %g: error is %v", bad.waves, bad.within, err)
		}
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
