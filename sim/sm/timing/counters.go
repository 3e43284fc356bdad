package timing

import "warpdrop/sim/sm/lower"

// Reason says what a scheduler or a warp waits for.
type Reason uint8

const (
	ReasonStallCount   Reason = iota // the stall count of the previous instruction
	ReasonMemory                     // barrier: global, local or constant load under way
	ReasonShared                     // barrier: shared-memory access under way
	ReasonVariable                   // barrier: another variable-latency instruction (MUFU, conversion, S2R …)
	ReasonUnitBusy                   // the execution unit's issue interval
	ReasonRegisterBank               // register-bank conflict
	ReasonBankConflict               // shared-memory pipe full because of bank conflicts
	ReasonMemoryQueue                // load/store queue full
	ReasonFetch                      // instruction cache miss
	ReasonConstant                   // constant cache miss
	ReasonBlockBarrier               // BAR
	ReasonBranch                     // redirect after a taken branch
	ReasonBlockStart                 // block dispatched, warps not yet started
	ReasonNotSelected                // ready, but another warp was issued (warps only)
	ReasonNoWarp                     // no warp resident (schedulers only)
	NumReasons
)

// ReasonNames are the names of the stall reasons in counters, tables and plots.
var ReasonNames = [NumReasons]string{"stall_count", "memory", "shared", "variable_latency", "unit_busy",
	"register_bank", "bank_conflict",
	"memory_queue", "instruction_fetch", "constant", "block_barrier", "branch", "block_start", "not_selected",
	"no_warp"}

// Counters are the event counts of one SM; all are sums, so that those of several SMs add up (see Add).
type Counters struct {
	WarpInstructions       int64 // warp instructions issued
	ThreadInstructions     int64 // the same, times active threads
	PredicatedInstructions int64 // the same, times threads whose guard holds
	// floating-point operations of threads, FP32 and FP64: FFMA 2, FADD and FMUL 1
	FLOP        int64
	IssueCycles int64 // scheduler cycles in which at least one instruction was issued
	DualIssues  int64 // instructions issued as the second of a pair
	// scheduler cycles without issue; with IssueCycles they add up to schedulers x cycles
	SchedulerStalls [NumReasons]int64
	// warp cycles without issue, by what the warp waited for; with WarpInstructions - DualIssues they add up to
	// WarpCycles
	WarpStalls            [NumReasons]int64
	WarpCycles            int64                 // resident warps, summed over cycles
	ActiveCycles          int64                 // SM cycles with at least one resident warp
	UnitInstructions      [lower.NumUnits]int64 // warp instructions by execution unit class
	Branches              int64                 // branch instructions executed by warps
	DivergentBranches     int64                 // of those, the ones that split the warp
	BlockBarriers         int64                 // BAR instructions executed by warps
	SharedAccesses        int64                 // warp instructions to shared memory
	SharedPasses          int64                 // passes over the banks that they took
	SharedBankConflicts   int64                 // passes beyond those that width alone needs
	RegisterBankConflicts int64                 // cycles lost to register banks
	InstructionMisses     int64                 // instruction cache lines fetched
	ConstantMisses        int64                 // constant cache lines fetched
	Blocks                int64                 // blocks finished
	WarpsScanned          int64                 // work of the simulator: warps looked at by schedulers
}

// EligibleWarps is how many warps a scheduler could have issued from, summed over scheduler cycles: those that it did
// issue from, and those that were ready with their unit free.
func (c *Counters) EligibleWarps() int64 { return c.IssueCycles + c.WarpStalls[ReasonNotSelected] }

// Add adds d to c.
func (c *Counters) Add(d *Counters) {
	c.WarpInstructions += d.WarpInstructions
	c.ThreadInstructions += d.ThreadInstructions
	c.PredicatedInstructions += d.PredicatedInstructions
	c.FLOP += d.FLOP
	c.IssueCycles += d.IssueCycles
	c.DualIssues += d.DualIssues
	for i := range c.SchedulerStalls {
		c.SchedulerStalls[i] += d.SchedulerStalls[i]
		c.WarpStalls[i] += d.WarpStalls[i]
	}
	for i := range c.UnitInstructions {
		c.UnitInstructions[i] += d.UnitInstructions[i]
	}
	c.WarpCycles += d.WarpCycles
	c.ActiveCycles += d.ActiveCycles
	c.Branches += d.Branches
	c.DivergentBranches += d.DivergentBranches
	c.BlockBarriers += d.BlockBarriers
	c.SharedAccesses += d.SharedAccesses
	c.SharedPasses += d.SharedPasses
	c.SharedBankConflicts += d.SharedBankConflicts
	c.RegisterBankConflicts += d.RegisterBankConflicts
	c.InstructionMisses += d.InstructionMisses
	c.ConstantMisses += d.ConstantMisses
	c.Blocks += d.Blocks
	c.WarpsScanned += d.WarpsScanned
}
