package lower

import (
	"fmt"

	"warpdrop/sim/isa"
)

// Row is one register of a warp: the 32-bit values of its 32 lanes.
type Row = [32]uint32

// RowBytes is the size of a Row.
const RowBytes = 128

// Src names a row of an instruction: a register of the warp or, behind them, a uniform register (below PoolBit),
// or a row of the launch's constant pool, in which constants and immediates stand broadcast to 32 lanes. The address of
// either is one indexed add (Warp.row), so that FFMA R, R, c[][], R is the same code as FFMA R, R, R, R.
type Src uint16

// PoolBit marks a Src as a row of the pool.
const PoolBit Src = 1 << 15

// PoolZero is the pool row that holds zeros: RZ as a source.
const PoolZero = PoolBit

// Op is one instruction lowered for execution: all that the hot loop reads of it, flat and without pointers.
type Op struct {
	Code     Code  // what to execute
	Unit     Unit  // execution unit that runs it: selects issue interval and latency in the GPU preset
	Guard    uint8 // guard predicate, 7 = PT
	GuardNot bool
	NoGuard  bool // guard is PT: skip the look-up
	// Everyone has all bits set for an instruction of the uniform datapath: it is executed for the warp, whoever is
	// active. Its registers are rows with the same number in all lanes.
	Everyone uint32

	Dst   Src   // destination register, isa.RZ = none
	Width uint8 // 32-bit registers that Dst (or a store's data, in C) covers: 1, 2 or 4
	PDst  uint8 // destination predicate, 7 = none; uniform ones, here and below, follow from FirstUniform on
	PDst2 uint8 // second destination predicate, 7 = none
	PSrc  uint8 // source predicate, 7 = PT
	PNot  bool
	SetCC bool // writes the condition code
	UseX  bool // reads the carry (.X)
	A     Src
	B     Src
	C     Src
	Flags uint32 // modifiers, by Code: see the Flag constants
	Size  uint8  // width of a memory access or of a conversion's integer: SizeU8 …
	Size2 uint8  // the same, of a conversion's source
	Aux   uint32 // further modifiers, by Code: comparison, logic table, rounding …
	Imm   int64  // address offset, branch target (index into Program.Ops), immediate lane arguments
	Imm2  int32  // test of the condition code that a branch makes (isa.CCTest); the Code behind CodeSetCC
	Cache uint8  // memory.CacheOp
	Stall uint8
	Wait  uint8 // mask of barriers to wait for, and waitCount
	WrBar uint8 // barrier set until the result is written, 7 = none
	RdBar uint8 // barrier set until the operands are read, 7 = none
	Yield bool
	Dual  bool // stall 0: the next instruction issues in the same cycle
	// extra cycles that this instruction's register-bank conflicts cost, after reuse (found when lowered)
	Banks     uint8
	IsMem     bool   // Exec leaves an Access
	IsCtrl    bool   // may change PC other than by 1, the active mask, or the warp's state
	FLOP      uint8  // floating-point operations a thread: 2 for a fused multiply-add, 1 for a sum or product
	Branch    uint8  // 1: counted as a branch (BRA, BRX, JMP, JMX; guarded SYNC, BRK, CONT)
	Line      int32  // instruction cache line, counted from the start of the device's code
	ConstLine int32  // constant cache line that a constant operand needs, 0 = none
	PC        uint32 // byte offset in the image, for messages and profiles
	Plain     bool   // no memory, no control, no barrier, no register-bank conflict
	// plain FFMAs from this one on that one warp may issue without a pause (see lowerer.runs), 0 = this is none
	Run      uint8
	RunBanks uint8 // cycles that register-bank conflicts put between them
}

// FirstUniform is the number of UP0 among the predicates of a warp; UPT, all ones, is the last.
const FirstUniform = 8

// WaitCount in Op.Wait: the instruction waits until at most Imm others hold barrier Size (DEPBAR.LE).
const WaitCount = 1 << 6

// FMA is a plain FFMA, registers only: the places of its rows in bytes from the warp's first register.
type FMA struct{ Dst, A, B, C uint16 }

// Unit is an execution unit class. The preset gives each an issue interval (cycles between two warps on one
// scheduler) and a latency (cycles from issue to the release of its barrier).
type Unit uint8

const (
	UnitFP32      Unit = iota // FFMA FADD FMUL IADD LOP XMAD MOV …: full rate
	UnitHalf                  // shifts, bit fields, LEA, min/max, select, compare: half rate
	UnitFP64                  // DFMA DADD DMUL DSETP …
	UnitFP16                  // HFMA2 HADD2 HMUL2 HSETP2 …: one for all schedulers of an SM
	UnitSFU                   // MUFU
	UnitConvert               // F2F F2I I2F I2I RRO POPC FLO and other quarter-rate
	UnitConvert64             // the same from and to 64-bit types
	UnitImul                  // IMAD IMUL in hardware passes
	UnitBranch                // BRA SYNC BRK EXIT …: what moves the PC
	UnitShared                // LDS STS ATOMS SHFL
	UnitGlobal                // LDG STG ATOM RED LDL STL, generic LD/ST, texture path
	UnitConst                 // LDC
	UnitSReg                  // S2R
	UnitNone                  // NOP DEPBAR SSY PBK BAR …: an issue slot and no more
	UnitUniform               // the uniform datapath: UMOV UIADD3 …
	UnitTensor                // HMMA IMMA …
	NumUnits
)

// Program is a module's code lowered once, and one launch's constants.
type Program struct {
	Name  string    // kernel
	Code  *isa.Code // of the module
	Ops   []Op
	Pool  []Row  // broadcast rows; Pool[0] is zero
	Entry int32  // index of the kernel's first Op
	Start uint32 // byte offset in the image from which the kernel's code is counted, as in its section
	// Const holds the constant banks of this launch: c[0] has its dimensions and parameters where isa.ABI says.
	Const [18][]byte

	Registers   int   // a thread
	Rows        int   // rows of a warp: its registers, and uniform registers
	Independent bool  // threads go on by themselves: convergence barriers, no divergence stack
	SharedBytes int   // static + dynamic, a block
	LocalBytes  int   // a thread
	Launch      int64 // number of the launch, for what it prints

	Uses    []Uses    // what each instruction reads and writes
	refs    []poolRef // what the pool's rows hold
	parts   []span    // where Ops come from, by address
	FMAs    []FMA     // those Ops that have a Run, by their index
	Ahead   [][]uint8 // registers to prefetch when a warp wakes at an instruction that waits for a barrier
	Counted bool      // some instruction waits for a barrier's count (WaitCount)
}

// span is n instructions from number first on, which are the Ops from op on.
type span struct{ first, op, n int32 }

// at returns the index of the Op of instruction i of the image, -1 if it has none.
func (p *Program) at(i int32) int32 {
	for _, s := range p.parts {
		if k := i - s.first; k >= 0 && k < s.n {
			return s.op + k
		}
	}
	return -1
}

// At returns the index of the Op at byte address pc, -1 if there is none.
func (p *Program) At(pc uint32) int32 { return p.at(int32(p.Code.Family.Index(pc))) }

// Control returns what the control word says of instruction op.
func (p *Program) Control(op *Op) isa.Control { return p.Code.Control(op.PC) }

// Text returns instruction op as disassemblers print it, with its byte offset in its section, and the section's name if
// that is not the kernel's own.
func (p *Program) Text(op int32) string { return p.text(p.Ops[op].PC) }

// Source returns the place in the source that instruction op was compiled from, false where the file does not say.
func (p *Program) Source(op int32) (isa.Source, bool) { return p.Code.Source(p.Ops[op].PC) }

// Place is Text and behind it, in brackets, the place in the source where it is known: what messages say.
func (p *Program) Place(op int32) string {
	if s, ok := p.Source(op); ok {
		return p.Text(op) + " (" + s.String() + ")"
	}
	return p.Text(op)
}

func (p *Program) text(pc uint32) string {
	if s, ok := p.Code.Extern(pc); ok {
		return s.Name
	}
	start, where := p.Start, ""
	if s, ok := p.Code.Section(pc); ok && s.Address != start {
		start, where = s.Address, s.Name+" "
	}
	in, err := p.Code.Family.Decode(p.Code.Word(pc), pc-start, p.Code.Control(pc))
	if err != nil {
		return fmt.Sprintf("%s/*%04x*/ %v", where, pc-start, err)
	}
	return fmt.Sprintf("%s/*%04x*/ %s", where, in.PC, in.String())
}

// SystemCalls are the functions of CUDA's run-time system that are executed: Aux of CodeSystem is the place in this
// list, from 1 on. Another one is a fault when it is called.
var SystemCalls = isa.SystemCalls

// Calls tells whether the program can call a function of CUDA's run-time system.
func (p *Program) Calls(name string) bool {
	for i := range p.Ops {
		if op := &p.Ops[i]; op.Code == CodeSystem && op.Aux > 0 && SystemCalls[op.Aux-1] == name {
			return true
		}
	}
	return false
}

// UnitNames are the names of the execution unit classes as counters and presets write them.
var UnitNames = [NumUnits]string{"fp32", "half_rate", "fp64", "fp16", "sfu", "convert", "convert64", "imul", "branch",
	"shared", "global", "const", "sreg", "none", "uniform", "tensor"}
