package exec

import (
	"unsafe"

	"warpdrop/sim/prefetch"
	"warpdrop/sim/sm/lower"
)

// StackEntry is one entry of a warp's divergence stack (SSY, PBK, PCNT, a divergent branch, CAL, PRET).
type StackEntry struct {
	Kind StackKind
	B    uint8  // StackBSYNC: the convergence barrier
	PC   int32  // where the popped threads go on
	Mask uint32 // which threads
}

// StackKind says which instruction pushed a StackEntry.
type StackKind uint8

const (
	StackSSY StackKind = iota
	StackDiverge
	StackPBK
	StackPCNT
	StackCall
	StackPRET
	StackLongJump

	// of independent threads, which have no stack but a list: see converge.go
	StackBSYNC    // wait at a convergence barrier
	StackWARPSYNC // wait at WARPSYNC
	StackBAR      // wait for the warp's others at a barrier of the block
)

// Warp is the architectural state of 32 threads: what their instructions read and write. When they issue is the
// business of others.
type Warp struct {
	base   [2]unsafe.Pointer // registers of this warp; the launch's constant pool
	Ops    []lower.Op        // Block.Prog.Ops
	fmas   []lower.FMA       // Block.Prog.fmas
	Preds  [16]uint32        // one lane mask a predicate, uniform ones behind them; the 8th and the last are all ones
	CC     CC                // condition code, a lane mask a flag
	Active uint32            // threads that execute now
	Live   uint32            // threads that have not exited
	PC     int32             // index into Program.Ops
	Stack  []StackEntry
	meet   *meeting // of independent threads, else nil
	spare  *meeting // memory for it

	Block     *Block
	InBlock   int    // warp number in its block
	BarResult uint32 // of the last BAR.RED
	Slot      int    // warp slot of the SM
	Local     []byte // local memory of the 32 threads: thread i's byte b at i*LocalBytes+b
}

// CC holds the condition code flags, one lane mask each: zero, sign, carry, overflow. A sum of three numbers can carry
// two; C2 is set then. How hardware keeps that is not documented; compiled 64-bit sums (IADD3.CC, IADD3.X) depend on
// it.
type CC struct{ Z, S, C, O, C2 uint32 }

// row returns the 32 lanes that s names.
func (w *Warp) row(s lower.Src) *lower.Row {
	return (*lower.Row)(unsafe.Add(w.base[s>>15], uintptr(s&^lower.PoolBit)*unsafe.Sizeof(lower.Row{})))
}

// GuardMask returns the active lanes whose guard predicate holds; of instructions of the uniform datapath, all or none.
func (w *Warp) GuardMask(op *lower.Op) uint32 {
	p := w.Preds[op.Guard&15]
	if op.GuardNot {
		p = ^p
	}
	return (w.Active | op.Everyone) & p
}

// RunFFMA executes the n plain FFMAs from the PC on (see Op.Run) and moves it.
func (w *Warp) RunFFMA(n int32) {
	laneFFMARun(w.base[0], w.fmas[w.PC:w.PC+n], w.Active)
	w.PC += n
}

// PrefetchAhead asks the host for the registers that the instructions from the PC on read.
func (w *Warp) PrefetchAhead() {
	if rows := w.Block.Prog.Ahead[w.PC]; len(rows) > 0 {
		prefetch.Rows(w.base[0], &rows[0], len(rows))
	}
}
