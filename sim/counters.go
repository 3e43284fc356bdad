package sim

import (
	"warpdrop/sim/memory"
	"warpdrop/sim/sm"
)

// Counters are the event counts of a launch, or of several added up.
type Counters struct {
	SM     sm.Counters     `json:"sm"`
	Memory memory.Counters `json:"memory"`
}

// Add adds d to c.
func (c *Counters) Add(d *Counters) {
	c.SM.Add(&d.SM)
	c.Memory.Add(&d.Memory)
}

// Stalls returns the scheduler stall cycles by reason name.
func (c *Counters) Stalls() map[string]int64 {
	m := make(map[string]int64, sm.NumReasons)
	for r, n := range c.SM.SchedulerStalls {
		m[sm.ReasonNames[r]] = n
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
