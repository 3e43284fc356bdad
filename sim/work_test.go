package sim_test

import (
	"context"
	"testing"

	"warpdrop/sim"
	"warpdrop/workloads"
	"warpdrop/workloads/microbench"
)

// TestCycleLoopAllocatesNothing: a launch of eight times as many blocks allocates no more than a small one.
func TestCycleLoopAllocatesNothing(t *testing.T) {
	dev, err := sim.NewDevice(goldenGPU(t))
	if err != nil {
		t.Fatal(err)
	}
	dev.Threads = 1
	mod, err := dev.LoadModule(microbench.MemoryCubin())
	if err != nil {
		t.Fatal(err)
	}
	const words = 1 << 18
	in, err := dev.Malloc(4 * words)
	if err != nil {
		t.Fatal(err)
	}
	out, err := dev.Malloc(4 * words)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kernel string
		args   []sim.Arg
		block  sim.Dim3
		small  int
	}{
		{"stream_copy", []sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.I32(words / 4)}, sim.Dim3{X: 128}, 112},
		{"read_random", []sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.U32(words - 1), sim.I32(4)}, sim.Dim3{X: 64}, 60},
		{"atomic_add", []sim.Arg{sim.PtrArg(out), sim.U32(255), sim.I32(2)}, sim.Dim3{X: 64}, 60},
	} {
		k, err := mod.Kernel(c.kernel)
		if err != nil {
			t.Fatal(err)
		}
		allocs := func(blocks int) float64 {
			return testing.AllocsPerRun(1, func() {
				if _, err := dev.Launch(context.Background(), k, sim.LaunchConfig{Grid: sim.Dim3{X: blocks}, Block: c.block},
					c.args...); err != nil {
					t.Fatal(err)
				}
			})
		}
		allocs(16 * c.small) // queues grow to what they need
		if small, large := allocs(c.small), allocs(8*c.small); large > small {
			t.Errorf("%s: %g allocations in a launch of %d blocks, %g of %d", c.kernel, small, c.small, large, 8*c.small)
		}
	}
}

// TestWork bounds what the simulator does for each instruction, by counts that do not depend on the machine.
func TestWork(t *testing.T) {
	for _, c := range []struct {
		bench string
		scans float64 // warps looked at by schedulers, a warp instruction
	}{
		{"sgemm-256", 1},
	} {
		for i := range workloads.Benches {
			b := &workloads.Benches[i]
			if b.Name != c.bench {
				continue
			}
			run, err := b.Prepare(context.Background(), goldenGPU(t), 1)
			if err != nil {
				t.Fatal(err)
			}
			r, err := run.Launch()
			if err != nil {
				t.Fatal(err)
			}
			got := float64(r.Counters.SM.WarpsScanned) / float64(r.Counters.SM.WarpInstructions)
			t.Logf("%s: %.3f warps scanned an instruction", b.Name, got)
			if got > c.scans {
				t.Errorf("%s: %.3f warps scanned a warp instruction, at most %g expected", b.Name, got, c.scans)
			}
		}
	}
}
