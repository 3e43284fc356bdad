package sim

import "warpdrop/sim/sm"

// What a launch can end with, for errors.As.
type (
	// Fault is an instruction that the hardware would have stopped at: an address outside of all allocations, an illegal
	// instruction, a stack that is full. The launch ends there.
	Fault = sm.Fault
	// CheckError is what Device.Races and Device.Uninit found in a launch that ran to its end.
	CheckError = sm.CheckError
	// HazardError is what Device.Hazards found in a launch that ran to its end.
	HazardError = sm.HazardError
)
