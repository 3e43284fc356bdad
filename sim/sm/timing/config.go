package timing

import (
	"fmt"

	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
)

// Config holds every figure of a streaming multiprocessor; it comes from the GPU preset.
type Config struct {
	Schedulers     int `yaml:"schedulers"`    // warp schedulers
	WarpsPerSM     int `yaml:"warps"`         // warp slots
	ThreadsPerSM   int `yaml:"threads"`       // resident threads
	BlocksPerSM    int `yaml:"blocks"`        // resident blocks
	Registers      int `yaml:"registers"`     // 32-bit registers
	RegisterUnit   int `yaml:"register_unit"` // registers are allocated a warp in multiples of this
	MaxRegisters   int `yaml:"max_registers"` // a thread
	MaxThreads     int `yaml:"max_block"`     // threads a block
	Shared         int `yaml:"shared_bytes"`  // shared memory
	SharedPerBlock int `yaml:"shared_block"`  // shared memory a block may have
	SharedUnit     int `yaml:"shared_unit"`   // shared memory is allocated in multiples of this
	// shared memory that the system takes of each block
	SharedReserved int    `yaml:"shared_reserved,omitempty"`
	Policy         string `yaml:"policy"`       // warp scheduling policy: a key of Policies
	DualIssue      bool   `yaml:"dual_issue"`   // obey the pairs that the control words mark
	BranchTaken    int    `yaml:"branch_taken"` // cycles from a taken branch to the warp's next instruction, at least
	// cycles from the last warp's arrival at BAR to the first issue after it
	BlockBarrier  int   `yaml:"block_barrier"`
	BlockStart    int   `yaml:"block_start"`    // cycles from a block's dispatch to its first issue
	Units         Units `yaml:"units"`          // by execution unit class
	SharedLatency int   `yaml:"shared_latency"` // cycles from issue to data of a conflict-free shared load
	// cycles that each pass over the banks occupies the shared-memory pipe
	SharedPass int `yaml:"shared_pass"`
	// cycles that each access occupies it at least, where that is more than its passes take
	SharedAccess int `yaml:"shared_access,omitempty"`
	SharedWay    int `yaml:"shared_way"` // cycles of latency that each pass beyond the first adds
	// cycles of work that may wait in front of the shared-memory pipe before issue stalls
	MemoryQueue int `yaml:"memory_queue"`
	// how many times as long HMMA takes with sums in FP32 as with sums in FP16; 0 = once
	TensorSingle int `yaml:"tensor_single,omitempty"`
	// cycles from issue until a variable-latency instruction has read its registers
	ReadLatency int `yaml:"read_latency"`
	// Of the hazard check only:
	PredicateLatency int `yaml:"predicate_latency"` // cycles from issue to a predicate's value
	// cycles until a barrier that an instruction sets holds those that wait for it
	BarrierSet int    `yaml:"barrier_set"`
	ICache     ICache `yaml:"instruction_cache"`
	ConstCache CCache `yaml:"constant_cache"`
}

// ICache is the SM's instruction cache in front of a larger one (L1.5) shared with constants.
type ICache struct {
	Bytes     int `yaml:"bytes"`
	LineBytes int `yaml:"line_bytes"`
	Ways      int `yaml:"ways"`
	Miss      int `yaml:"miss"`       // cycles for a line from the next level
	NextBytes int `yaml:"next_bytes"` // size of the next level (L1.5)
	NextMiss  int `yaml:"next_miss"`  // cycles for a line from L2
	Prefetch  int `yaml:"prefetch"`   // lines fetched ahead of a miss
}

// CCache is the SM's constant cache in front of the L1.5.
type CCache struct {
	Bytes     int `yaml:"bytes"`
	LineBytes int `yaml:"line_bytes"`
	Miss      int `yaml:"miss"` // cycles for a line from the next level
	// how many read ports the schedulers share: a port reads one line a cycle, and a scheduler keeps the line it read
	// last; 0 = as many reads as there are schedulers
	Ports int `yaml:"ports,omitempty"`
}

// UnitTiming is how often and how fast an execution unit class runs warps.
type UnitTiming struct {
	Interval int `yaml:"interval"` // cycles between two warps' starts on one scheduler
	Latency  int `yaml:"latency"`  // cycles from issue to result
	// cycles from issue until operands are read, where that is not at once (hazard check only)
	Read int `yaml:"read,omitempty"`
}

// Units holds the timing of each execution unit class, by the names users write.
type Units struct {
	FP32    UnitTiming `yaml:"fp32"`
	Half    UnitTiming `yaml:"half_rate"`
	FP64    UnitTiming `yaml:"fp64"`
	FP16    UnitTiming `yaml:"fp16"`
	SFU     UnitTiming `yaml:"sfu"`
	Convert UnitTiming `yaml:"convert"`
	Conv64  UnitTiming `yaml:"convert64"`
	Imul    UnitTiming `yaml:"imul"`
	Branch  UnitTiming `yaml:"branch"`
	Shared  UnitTiming `yaml:"shared"`
	Global  UnitTiming `yaml:"global"`
	Const   UnitTiming `yaml:"const"`
	SReg    UnitTiming `yaml:"sreg"`
	None    UnitTiming `yaml:"none"`
	// of GPUs that have them
	Uniform UnitTiming `yaml:"uniform,omitempty"`
	Tensor  UnitTiming `yaml:"tensor,omitempty"`
}

// Table returns the timings indexed by Unit.
func (u *Units) Table() [lower.NumUnits]UnitTiming {
	return [lower.NumUnits]UnitTiming{lower.UnitFP32: u.FP32, lower.UnitHalf: u.Half, lower.UnitFP64: u.FP64,
		lower.UnitFP16: u.FP16, lower.UnitSFU: u.SFU, lower.UnitConvert: u.Convert, lower.UnitConvert64: u.Conv64,
		lower.UnitImul:   u.Imul,
		lower.UnitBranch: u.Branch, lower.UnitShared: u.Shared, lower.UnitGlobal: u.Global, lower.UnitConst: u.Const,
		lower.UnitSReg: u.SReg, lower.UnitNone: u.None, lower.UnitUniform: u.Uniform, lower.UnitTensor: u.Tensor}
}

// Limits of the simulator itself: the arrays of the hot loop have these sizes.
const (
	maxSchedulers        = 4
	maxWarpsPerScheduler = exec.Slots
)

// Validate reports the first figure that is out of its range.
func (c *Config) Validate() error {
	type bound struct {
		name   string
		v      int
		lo, hi int
	}
	bounds := []bound{
		{"schedulers", c.Schedulers, 1, maxSchedulers},
		{"warps", c.WarpsPerSM, 1, c.Schedulers * maxWarpsPerScheduler},
		{"threads", c.ThreadsPerSM, 32, 32 * c.WarpsPerSM},
		{"blocks", c.BlocksPerSM, 1, c.WarpsPerSM},
		{"registers", c.Registers, 1024, 1 << 20},
		{"register_unit", c.RegisterUnit, 1, 4096},
		{"max_registers", c.MaxRegisters, 16, 255},
		{"max_block", c.MaxThreads, 32, c.ThreadsPerSM},
		{"shared_bytes", c.Shared, 1024, 1 << 20},
		{"shared_block", c.SharedPerBlock, 1024, c.Shared},
		{"shared_unit", c.SharedUnit, 1, 4096},
		{"shared_reserved", c.SharedReserved, 0, 4096},
		{"branch_taken", c.BranchTaken, 1, 1000},
		{"block_barrier", c.BlockBarrier, 1, 1000},
		{"block_start", c.BlockStart, 0, 100000},
		{"shared_latency", c.SharedLatency, 1, 1000},
		{"shared_pass", c.SharedPass, 1, 64},
		{"shared_access", c.SharedAccess, 0, 64},
		{"shared_way", c.SharedWay, 1, 64},
		{"tensor_single", c.TensorSingle, 0, 16},
		{"memory_queue", c.MemoryQueue, 1, 10000},
		{"read_latency", c.ReadLatency, 1, 1000},
		{"predicate_latency", c.PredicateLatency, 1, 1000},
		{"barrier_set", c.BarrierSet, 0, 15},
		{"instruction_cache.line_bytes", c.ICache.LineBytes, 32, 1024},
		{"instruction_cache.ways", c.ICache.Ways, 1, 64},
		{"instruction_cache.bytes", c.ICache.Bytes, c.ICache.LineBytes * c.ICache.Ways, 1 << 20},
		{"instruction_cache.miss", c.ICache.Miss, 1, 10000},
		{"instruction_cache.next_bytes", c.ICache.NextBytes, c.ICache.Bytes, 1 << 24},
		{"instruction_cache.next_miss", c.ICache.NextMiss, 1, 10000},
		{"instruction_cache.prefetch", c.ICache.Prefetch, 0, 16},
		{"constant_cache.line_bytes", c.ConstCache.LineBytes, 4, 1024},
		{"constant_cache.bytes", c.ConstCache.Bytes, c.ConstCache.LineBytes, 1 << 20},
		{"constant_cache.miss", c.ConstCache.Miss, 1, 10000},
		{"constant_cache.ports", c.ConstCache.Ports, 0, c.Schedulers},
	}
	for u, t := range c.Units.Table() {
		if (lower.Unit(u) == lower.UnitUniform || lower.Unit(u) == lower.UnitTensor) && t == (UnitTiming{}) {
			continue
		}
		bounds = append(bounds, bound{"units." + lower.UnitNames[u] + ".interval", t.Interval, 1, 1024},
			bound{"units." + lower.UnitNames[u] + ".latency", t.Latency, 1, 10000},
			bound{"units." + lower.UnitNames[u] + ".read", t.Read, 0, 15})
	}
	for _, b := range bounds {
		if b.v < b.lo || b.v > b.hi {
			return fmt.Errorf("sm.%s: %d is not in %d..%d", b.name, b.v, b.lo, b.hi)
		}
	}
	if c.WarpsPerSM%c.Schedulers != 0 {
		return fmt.Errorf("sm.warps: %d is not a multiple of %d schedulers", c.WarpsPerSM, c.Schedulers)
	}
	if _, err := policyByName(c.Policy); err != nil {
		return err
	}
	return nil
}
