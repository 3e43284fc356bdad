// Package energy estimates what a launch costs in joules from its event counts:
//
//	E = (constant + idle SMs + static of the active SMs) x time + sum over events (count x energy an event)
//
// the form of AccelWattch (Kandiah et al., MICRO 2021). Everything is computed after a launch from counters that are
// there anyway; nothing here is in the cycle loop. docs/design/energy.md says where coefficients come from and how far
// the estimate was off on kernels whose power was measured.
package energy

import (
	"errors"
	"fmt"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// Config holds a chip's coefficients: the key "energy" of a GPU preset. Powers are in watts, energies in picojoules.
type Config struct {
	ConstantWatts        float64 `yaml:"constant_watts"`          // board, fan, clocks, memory at rest
	IdleSMWatts          float64 `yaml:"idle_sm_watts"`           // each SM without a resident warp
	StaticFirstLaneWatts float64 `yaml:"static_first_lane_watts"` // all SMs active, one lane a warp
	StaticLaneWatts      float64 `yaml:"static_lane_watts"`       // all SMs active, each further lane

	IssuePJ    float64 `yaml:"issue_pj"`    // a warp instruction: fetch, decode, scheduling, pipeline
	RegisterPJ float64 `yaml:"register_pj"` // a thread instruction's operands and result
	// a thread instruction of the full- and half-rate pipes that is no FP32 arithmetic
	IntegerPJ float64 `yaml:"integer_pj"`
	FLOPPJ    float64 `yaml:"flop_pj"`   // an FP32 operation; FFMA is two
	FP64PJ    float64 `yaml:"fp64_pj"`   // a thread instruction of the FP64 unit
	SFUPJ     float64 `yaml:"sfu_pj"`    // a thread instruction of the special function unit
	SharedPJ  float64 `yaml:"shared_pj"` // a pass over the banks of shared memory
	L2PJ      float64 `yaml:"l2_pj"`     // a 32-byte sector between an SM and L2: crossbar and slice
	DRAMPJ    float64 `yaml:"dram_pj"`   // a 32-byte sector between L2 and DRAM, activates and controller included
}

// Calibrated reports whether there are coefficients at all. An estimate without them would be zero.
func (c *Config) Calibrated() bool { return c.ConstantWatts > 0 }

// Validate reports a coefficient outside of what any chip has; no coefficients at all are fine.
func (c *Config) Validate() error {
	if *c == (Config{}) {
		return nil
	}
	for _, v := range []struct {
		name string
		v    float64
		hi   float64
	}{
		{"constant_watts", c.ConstantWatts, 1000}, {"idle_sm_watts", c.IdleSMWatts, 100},
		{"static_first_lane_watts", c.StaticFirstLaneWatts, 1000}, {"static_lane_watts", c.StaticLaneWatts, 100},
		{"issue_pj", c.IssuePJ, 1e6}, {"register_pj", c.RegisterPJ, 1e6}, {"integer_pj", c.IntegerPJ, 1e6},
		{"flop_pj", c.FLOPPJ, 1e6}, {"fp64_pj", c.FP64PJ, 1e6}, {"sfu_pj", c.SFUPJ, 1e6}, {"shared_pj", c.SharedPJ, 1e6},
		{"l2_pj", c.L2PJ, 1e6}, {"dram_pj", c.DRAMPJ, 1e6},
	} {
		if !(v.v >= 0 && v.v <= v.hi) { // also refuses NaN
			return fmt.Errorf("energy.%s: %g is not in 0..%g", v.name, v.v, v.hi)
		}
	}
	if c.ConstantWatts == 0 {
		return errors.New("energy.constant_watts: is missing; leave the whole key out for a chip without calibration")
	}
	return nil
}

// Part is a component of an estimate.
type Part int

// The components, in the order of tables and figures.
const (
	Constant  Part = iota
	Static         // leakage of active SMs
	IdleSMs        // SMs without a resident warp
	Issue          // fetch, decode, scheduling
	Registers      // register file
	Integer
	Float // FP32
	FP64
	SFU
	Shared
	L2 // with the crossbar
	DRAM
	NumParts
)

// PartNames are the components' names in JSON, tables and figures.
var PartNames = [NumParts]string{"constant", "static", "idle_sms", "issue", "registers", "integer", "fp32", "fp64",
	"sfu", "shared", "l2", "dram"}

// Run is what an estimate needs of a launch, or of several added up.
type Run struct {
	Cycles  int64   // core cycles from the first block's start to the last one's end
	Seconds float64 // the same in time
	SMs     int     // of the chip
	SM      *timing.Counters
	Memory  *memory.Counters
}

// Estimate is energy by component, in joules, over a time in seconds.
type Estimate struct {
	Joules  [NumParts]float64
	Seconds float64
}

// Total is the sum of all components, in joules.
func (e *Estimate) Total() (sum float64) {
	for _, j := range e.Joules {
		sum += j
	}
	return sum
}

// Watts is the mean power; 0 for no time.
func (e *Estimate) Watts() float64 {
	if e.Seconds <= 0 {
		return 0
	}
	return e.Total() / e.Seconds
}

// DelayProduct is energy times time, in joule seconds.
func (e *Estimate) DelayProduct() float64 { return e.Total() * e.Seconds }

// Add adds d to e: one after the other.
func (e *Estimate) Add(d *Estimate) {
	for i := range e.Joules {
		e.Joules[i] += d.Joules[i]
	}
	e.Seconds += d.Seconds
}

// ByName returns joules by component name.
func (e *Estimate) ByName() map[string]float64 {
	out := make(map[string]float64, NumParts)
	for i, j := range e.Joules {
		out[PartNames[i]] = j
	}
	return out
}

// Of estimates a run.
func (c *Config) Of(r *Run) Estimate {
	e := Estimate{Seconds: r.Seconds}
	active := r.active()
	e.Joules[Constant] = c.ConstantWatts * r.Seconds
	e.Joules[Static] = active * (c.StaticFirstLaneWatts + c.StaticLaneWatts*max(r.lanes()-1, 0)) * r.Seconds
	e.Joules[IdleSMs] = (1 - active) * float64(r.SMs) * c.IdleSMWatts * r.Seconds

	const pico = 1e-12
	perEvent := c.perEvent()
	for p, n := range r.Events() {
		if n > 0 {
			e.Joules[p] = pico * perEvent[p] * n
		}
	}
	return e
}

// perEvent is the energy of an event by component, in picojoules.
func (c *Config) perEvent() [NumParts]float64 {
	return [NumParts]float64{Issue: c.IssuePJ, Registers: c.RegisterPJ, Integer: c.IntegerPJ, Float: c.FLOPPJ,
		FP64: c.FP64PJ, SFU: c.SFUPJ, Shared: c.SharedPJ, L2: c.L2PJ, DRAM: c.DRAMPJ}
}

// lanes is how many threads execute the mean warp instruction.
func (r *Run) lanes() float64 {
	if r.SM.WarpInstructions == 0 {
		return 0
	}
	return float64(r.SM.PredicatedInstructions) / float64(r.SM.WarpInstructions)
}

// active is the share of SM time with a resident warp, 0..1.
func (r *Run) active() float64 {
	if r.Cycles <= 0 || r.SMs <= 0 {
		return 0
	}
	return min(float64(r.SM.ActiveCycles)/(float64(r.Cycles)*float64(r.SMs)), 1)
}

// Events counts what each component's energy is proportional to, as the fields of Config define it; components that
// cost power over time have none.
func (r *Run) Events() (n [NumParts]float64) {
	s, m := r.SM, r.Memory
	threads := func(u lower.Unit) float64 { return float64(s.UnitInstructions[u]) * r.lanes() }
	n[Issue] = float64(s.WarpInstructions)
	n[Registers] = float64(s.PredicatedInstructions)
	n[FP64] = threads(lower.UnitFP64)
	// The counter of operations has both precisions, of which DFMAs are nearly all that FP64 code executes.
	n[Float] = max(float64(s.FLOP)-2*n[FP64], 0)
	// FP32 arithmetic shares its pipe with integers. Taking every operation for half an FFMA counts the other half of
	// an FADD or FMUL as an integer instruction.
	n[Integer] = max(threads(lower.UnitFP32)+threads(lower.UnitHalf)-n[Float]/2, 0)
	n[SFU] = threads(lower.UnitSFU)
	n[Shared] = float64(s.SharedPasses)
	n[L2] = float64(m.L2Reads + m.L2Writes + m.L2Atomics)
	n[DRAM] = float64(m.DRAMReads + m.DRAMWrites)
	return n
}
