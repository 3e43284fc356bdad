package sim_test

import (
	"context"
	"slices"
	"testing"

	"warpdrop/sim"
	"warpdrop/sim/sm/timing"
	"warpdrop/workloads/microbench"
)

// TestEveryCycleCounted adds up what schedulers and warps did in each cycle, over kernels of every kind: the
// microbenchmarks are bound by latency, throughput, bank conflicts, DRAM, divergence, barriers, and some are very
// short.
func TestEveryCycleCounted(t *testing.T) {
	for _, change := range []struct {
		name string
		f    func(g *sim.GPU)
	}{
		{"grr", func(g *sim.GPU) {}},
		{"gto", func(g *sim.GPU) { g.SM.Policy = "gto" }},
		{"lrr", func(g *sim.GPU) { g.SM.Policy = "lrr" }},
		{"two_level, single issue", func(g *sim.GPU) { g.SM.Policy = "two_level"; g.SM.DualIssue = false }},
		{"short queue", func(g *sim.GPU) { g.SM.MemoryQueue = 1; g.Memory.L1.MSHRs = 40; g.Memory.L1.Queue = 40 }},
	} {
		t.Run(change.name, func(t *testing.T) {
			g, err := sim.LoadGPU("gtx1080ti")
			if err != nil {
				t.Fatal(err)
			}
			small := *g
			small.SMs = 3
			change.f(&small)
			seen := [timing.NumReasons]bool{}
			n := 0
			check := func(r *sim.Result) {
				n++
				c := &r.Counters.SM
				schedulers, warps := c.IssueCycles, c.WarpInstructions-c.DualIssues
				if schedulers != warps {
					t.Errorf("%s: issued in %d scheduler cycles, but %d instructions not paired with one before",
						r.Kernel, schedulers, warps)
				}
				for i := range c.SchedulerStalls {
					schedulers += c.SchedulerStalls[i]
					warps += c.WarpStalls[i]
					if c.SchedulerStalls[i] < 0 || c.WarpStalls[i] < 0 {
						t.Errorf("%s: %s is negative", r.Kernel, timing.ReasonNames[i])
					}
					seen[i] = seen[i] || c.SchedulerStalls[i] > 0 || c.WarpStalls[i] > 0
				}
				if want := r.Cycles * int64(small.SMs*small.SM.Schedulers); schedulers != want {
					t.Errorf("%s: %d scheduler cycles are accounted for, the launch took %d", r.Kernel, schedulers, want)
				}
				if warps != c.WarpCycles {
					t.Errorf("%s: %d warp cycles are accounted for; warps were resident for %d", r.Kernel, warps, c.WarpCycles)
				}
				if f := r.Profile; f != nil {
					stalls, issued := make([]int64, len(c.WarpStalls)), int64(0)
					for _, l := range f.Lines {
						issued += l.Warps
						for i, n := range l.Stalls {
							stalls[i] += n
						}
					}
					if !slices.Equal(stalls, c.WarpStalls[:]) {
						t.Errorf("%s: instructions' stalls add up to %v, the warps' are %v", r.Kernel, stalls,
							c.WarpStalls)
					}
					if issued != c.WarpInstructions {
						t.Errorf("%s: instructions' counts add up to %d, warps issued %d", r.Kernel, issued, c.WarpInstructions)
					}
				}
			}
			dev, err := sim.NewDevice(&small)
			if err != nil {
				t.Fatal(err)
			}
			dev.Profile = change.name == "grr" || change.name == "lrr"
			if err := microbench.Each(context.Background(), dev, check); err != nil {
				t.Fatal(err)
			}
			if n < 20 {
				t.Errorf("%d launches, want at least 20", n)
			}
			for i, yes := range seen {
				if r := timing.Reason(i); !yes && r != timing.ReasonMemoryQueue {
					t.Errorf("no launch had a cycle of %s", timing.ReasonNames[i])
				}
			}
		})
	}
}
