package sim

import (
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/timing"
)

// What a launch can end with, for errors.As.
type (
	// Fault is an instruction that the hardware would have stopped at: an address outside of all allocations, an illegal
	// instruction, a stack that is full. The launch ends there.
	Fault = timing.Fault
	// CheckError is what Device.Races and Device.Uninit found in a launch that ran to its end.
	CheckError = exec.CheckError
	// HazardError is what Device.Hazards found in a launch that ran to its end.
	HazardError = timing.HazardError
)
