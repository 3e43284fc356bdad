package sm

import "unsafe"

// StackEntry is one entry of a warp's divergence stack (SSY, PBK, PCNT, a divergent branch, CAL, PRET).
type StackEntry struct {
	Kind StackKind
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
)

// Warp is the architectural and the scheduling state of 32 threads.
type Warp struct {
	base   [2]unsafe.Pointer // registers of this warp; the launch's constant pool
	ops    []Op              // Block.Prog.Ops
	fmas   []fmaOp           // Block.Prog.fmas
	Preds  [8]uint32         // one lane mask a predicate; Preds[7] is all ones
	CC     CC                // condition code, a lane mask a flag
	Active uint32            // threads that execute now
	Live   uint32            // threads that have not exited
	PC     int32             // index into Program.Ops
	Stack  []StackEntry

	Block     *Block
	InBlock   int    // warp number in its block
	BarResult uint32 // of the last BAR.RED
	Slot      int    // warp slot of the SM
	Local     []byte // local memory of the 32 threads: thread i's byte b at i*LocalBytes+b

	// scheduling, owned by sm.go
	issue warpIssue
}

// CC holds the condition code flags, one lane mask each: zero, sign, carry, overflow. A sum of three numbers can carry
// two; C2 is set then. How hardware keeps that is not documented; compiled 64-bit sums (IADD3.CC, IADD3.X) depend on it.
type CC struct{ Z, S, C, O, C2 uint32 }

// row returns the 32 lanes that s names.
func (w *Warp) row(s Src) *Row {
	return (*Row)(unsafe.Add(w.base[s>>15], uintptr(s&^poolBit)*unsafe.Sizeof(Row{})))
}

// Block is one thread block on an SM.
type Block struct {
	Prog    *Program
	Index   [3]uint32 // blockIdx
	Dim     [3]uint32 // blockDim
	Grid    [3]uint32 // gridDim
	Threads int
	Shared  []byte
	Warps   []*Warp

	need     Need
	live     int // warps that have not exited
	barriers [16]blockBarrier
	arrivals uint16 // barriers at which a warp has arrived since they were last completed, a bit each
	rows     []Row  // registers of all warps
	local    []byte // local memory of all warps
	serial   uint64 // counts the blocks that used this memory
	started  int64
	finished int64
	shadow   *shadow // what a Check knows of it
}
