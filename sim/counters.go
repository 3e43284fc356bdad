package sim

import (
	"warpdrop/sim/energy"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// Counters are the event counts of a launch, or of several added up.
type Counters struct {
	SM     timing.Counters `json:"sm"`
	Memory memory.Counters `json:"memory"`
}

// Add adds d to c.
func (c *Counters) Add(d *Counters) {
	c.SM.Add(&d.SM)
	c.Memory.Add(&d.Memory)
}

// Stalls returns the scheduler stall cycles by reason name.
func (c *Counters) Stalls() map[string]int64 { return byReason(&c.SM.SchedulerStalls) }

// WarpStalls returns the warp stall cycles by reason name.
func (c *Counters) WarpStalls() map[string]int64 { return byReason(&c.SM.WarpStalls) }

func byReason(stalls *[timing.NumReasons]int64) map[string]int64 {
	m := make(map[string]int64, timing.NumReasons)
	for r, n := range stalls {
		m[timing.ReasonNames[r]] = n
	}
	return m
}

// SIMTEfficiency is the share of the 32 lanes that were active in the mean issued warp instruction.
func (c *Counters) SIMTEfficiency() float64 {
	if c.SM.WarpInstructions == 0 {
		return 0
	}
	return float64(c.SM.ThreadInstructions) / float64(32*c.SM.WarpInstructions)
}

// EligibleWarps is the mean number of warps that a scheduler could have issued from, over the launch's scheduler
// cycles.
func (r *Result) EligibleWarps(g *GPU) float64 {
	return float64(r.Counters.SM.EligibleWarps()) / float64(r.schedulerCycles(g))
}

func (r *Result) schedulerCycles(g *GPU) int64 {
	return max(r.Cycles, 1) * int64(g.SMs*g.SM.Schedulers)
}

// UnitUtilization is the share of the launch's cycles for which each execution unit class was taken, by name. Units are
// the schedulers' own, but for the shared-memory pipe and, before sm_70, the FP16 unit, of which an SM has one.
func (r *Result) UnitUtilization(g *GPU) map[string]float64 {
	c := &r.Counters.SM
	m := map[string]float64{}
	for u, t := range g.SM.Units.Table() {
		m[lower.UnitNames[u]] = float64(c.UnitInstructions[u]*int64(t.Interval)) / float64(r.schedulerCycles(g))
	}
	if g.Arch < 70 {
		m[lower.UnitNames[lower.UnitFP16]] *= float64(g.SM.Schedulers)
	}
	shuffles := max(c.UnitInstructions[lower.UnitShared]-c.SharedAccesses, 0)
	busy := max((c.SharedPasses+shuffles)*int64(g.SM.SharedPass),
		(c.SharedAccesses+shuffles)*int64(g.SM.SharedAccess))
	m[lower.UnitNames[lower.UnitShared]] = float64(busy) / float64(max(r.Cycles, 1)*int64(g.SMs))
	return m
}

// Energy estimates what the launch cost on preset g, over its cycles without the launch overhead; false where the
// preset has no coefficients.
func (r *Result) Energy(g *GPU) (energy.Estimate, bool) {
	if !g.Energy.Calibrated() {
		return energy.Estimate{}, false
	}
	cycles := max(r.Cycles, 1)
	return g.Energy.Of(&energy.Run{Cycles: cycles, Seconds: g.Seconds(cycles), SMs: g.SMs,
		SM: &r.Counters.SM, Memory: &r.Counters.Memory}), true
}

// Roofline is where a launch stands under its GPU's two ceilings (Williams, Waterman and Patterson, CACM 2009).
type Roofline struct {
	FLOPPerByte float64 `json:"flop_per_byte"` // of DRAM traffic; 0 if there was none
	GFLOPS      float64 `json:"gflops"`        // achieved, FP32 and FP64 together
	PeakGFLOPS  float64 `json:"peak_gflops"`   // FP32
	GBps        float64 `json:"dram_gb_per_s"` // achieved
	PeakGBps    float64 `json:"peak_dram_gb_per_s"`
	Bound       string  `json:"bound"`         // the lower ceiling at this intensity: compute or memory
	Share       float64 `json:"share_of_roof"` // of what that ceiling allows, 0..1
}

// Roofline returns the launch's point on preset g, over its cycles without the launch overhead.
func (r *Result) Roofline(g *GPU) Roofline {
	seconds := g.Seconds(max(r.Cycles, 1))
	bytes, flop := float64(r.Counters.Memory.DRAMBytes()), float64(r.Counters.SM.FLOP)
	p := Roofline{GFLOPS: flop / seconds / 1e9, PeakGFLOPS: g.PeakGFLOPS(), GBps: bytes / seconds / 1e9,
		PeakGBps: g.Memory.PeakBytesPerSecond(g.CoreMHz) / 1e9, Bound: "compute"}
	p.Share = p.GFLOPS / p.PeakGFLOPS
	if bytes > 0 {
		p.FLOPPerByte = flop / bytes
		if p.FLOPPerByte < p.PeakGFLOPS/p.PeakGBps {
			p.Bound, p.Share = "memory", p.GBps/p.PeakGBps
		}
	}
	return p
}
