// Package exec computes values: the state of warps and blocks, lane arithmetic, the divergence stack, memory accesses
// and barriers. It knows no cycle: whoever drives it says which warp goes on.
package exec

import (
	"math/bits"

	"warpdrop/sim/internal/invariant"
	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// Exec executes instructions: one an SM. Its outcome fields are valid until the next call.
type Exec struct {
	Access memory.Access // what a memory instruction (Op.IsMem) asks of memory
	Bar    BarRequest    // what a BAR instruction asks for; valid after instructions that are Op.IsCtrl
	Fault  ExecFault     // the error that the instruction met; set by Op.IsMem and Op.IsCtrl only
	Clock  int64         // cycle, set by the caller
	SMID   uint32
	SMs    uint32       // of the device
	Period float64      // of the clock, nanoseconds
	Global *memory.View // this SM's view of device memory
	Check  *Check       // nil = off
	Output Output       // of printf
	Heap   *Heap        // of malloc; programs that call it need one

	span *memory.Span // allocation of the last global access

	Passes, Conflicts int // cost of the last shared-memory access where it is known, see pattern; passes 0 = it is not
	patterns          patterns
	flat              [128]uint32 // a wide store's words in order of address

	sink  [4]lower.Row // destination of results that are not wanted
	tmp   lower.Row
	inner lower.Op // CodeSetCC

	// TimedCopies: Block.Land will say when copies have landed at whose end threads arrive at an mbarrier (ARRIVES).
	TimedCopies bool

	Copied memory.Access // the store of a CodeLDGSTS, of which Access is the load

	factors [2]floatMatrix // of a product on the tensor cores
}

// BarRequest is one warp's arrival at a block barrier.
type BarRequest struct {
	Kind  lower.BarKind
	ID    int
	Count int    // threads to wait for, 0 = all of the block
	Pred  uint32 // BAR.RED: predicate by lane
	// threads that arrive; the warp counts whole
	Threads uint32
}

// maxStack bounds the divergence stack; recursion deeper than this is a fault (hardware spills its stack to a reserved
// part of device memory, of limited size too).
const maxStack = 1024

// Begin readies what is kept of a fresh block beside its state.
func (x *Exec) Begin(b *Block) {
	if x.Check != nil {
		x.Check.begin(b)
	}
}

// dst returns the destination row.
func (x *Exec) dst(w *Warp, op *lower.Op) *lower.Row {
	if op.Dst == isa.RZ {
		return &x.sink[0]
	}
	return w.row(op.Dst)
}

// prefetchAhead is how many instructions ahead of an FFMA registers are fetched. Measured on a 1024^2 SGEMM with all
// SMs busy, the mean FFMA takes 10 to 17 ns with it and 36 to 80 without, depending on what else the machine does.
const prefetchAhead = 5

// Exec executes op, the instruction at w.PC, for the lanes in mask: those active whose guard holds. It moves w.PC.
func (x *Exec) Exec(w *Warp, op *lower.Op, mask uint32) {
	if op.IsCtrl {
		x.Bar.Kind = lower.BarNone
		x.control(w, op, mask)
		if invariant.On && x.Fault.Reason == "" {
			w.consistent()
		}
		return
	}
	w.PC++
	if op.IsMem {
		x.Access.Mask = mask
		if mask != 0 {
			x.memory(w, op, mask)
			if x.Check != nil && x.Fault.Reason == "" {
				x.Check.access(x, w, op, w.PC-1, mask)
			}
		}
		return
	}
	if mask == 0 {
		return
	}
	f := op.Flags
	switch op.Code {
	case lower.CodeNOP:
	case lower.CodeFFMA:
		// The registers of all SMs together are larger than the caches near the core, and an SM runs only a window
		// before the next: ask for the rows of an instruction some way ahead.
		if ops := w.Ops; int(w.PC)+prefetchAhead < len(ops) {
			n := &ops[w.PC+prefetchAhead]
			lanePrefetch(w.row(n.A), w.row(n.B), w.row(n.C))
		}
		laneFFMA(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), mask, (f^f>>2)&1<<31, f>>4&1<<31)
	case lower.CodeFFMAFTZ:
		laneFFMAFTZ(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), mask, (f^f>>2)&1<<31, f>>4&1<<31)
	case lower.CodeFADD:
		laneFADD(x.dst(w, op), w.row(op.A), w.row(op.B), mask, signMods[f&3], signMods[f>>2&3])
	case lower.CodeFADDFTZ:
		laneFADDFTZ(x.dst(w, op), w.row(op.A), w.row(op.B), mask, signMods[f&3], signMods[f>>2&3])
	case lower.CodeFMUL:
		laneFMUL(x.dst(w, op), w.row(op.A), w.row(op.B), mask, (f^f>>2)&1<<31)
	case lower.CodeFMULFTZ:
		laneFMULFTZ(x.dst(w, op), w.row(op.A), w.row(op.B), mask, (f^f>>2)&1<<31)
	case lower.CodeXMAD:
		laneXMAD(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), &xmadModes[op.Aux], mask)
	case lower.CodeIADD:
		na, pa := inverted(f&lower.FlagNegA != 0)
		nb, pb := inverted(f&lower.FlagNegB != 0)
		if f&lower.FlagPlus1 != 0 {
			pa, pb = 1, 0
		}
		laneIADD(x.dst(w, op), w.row(op.A), w.row(op.B), mask, na, nb, pa+pb)
	case lower.CodeIADDX, lower.CodeLEA, lower.CodeLEAHI:
		x.addCarry(w, op, mask)
	case lower.CodeIADD3:
		na, pa := inverted(f&lower.FlagNegA != 0)
		nb, pb := inverted(f&lower.FlagNegB != 0)
		nc, pc := inverted(f&lower.FlagNegC != 0)
		laneIADD3(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), mask, na, nb, nc, pa+pb+pc)
	case lower.CodeISCADD:
		na, pa := inverted(f&lower.FlagNegA != 0)
		nb, pb := inverted(f&lower.FlagNegB != 0)
		laneSHADD(x.dst(w, op), w.row(op.A), w.row(op.B), mask, uint32(op.Imm), na, nb, pa+pb)
	case lower.CodeMOV:
		laneMOV(x.dst(w, op), w.row(op.A), mask)
	case lower.CodeSEL:
		laneSEL(x.dst(w, op), w.row(op.A), w.row(op.B), mask, w.psrc(op))
	case lower.CodeLOP3:
		laneLOP3(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), &luts[op.Aux&255], mask)
	case lower.CodeLOP3X:
		x.lop3x(w, op, mask)
	case lower.CodeSHL:
		laneSHL(x.dst(w, op), w.row(op.A), w.row(op.B), mask, shiftLimit(f))
	case lower.CodeSHR:
		if f&lower.FlagSigned != 0 {
			laneSAR(x.dst(w, op), w.row(op.A), w.row(op.B), mask, shiftLimit(f))
		} else {
			laneSHR(x.dst(w, op), w.row(op.A), w.row(op.B), mask, shiftLimit(f))
		}
	case lower.CodeISETP:
		lt, eq := laneICMP(w.row(op.A), w.row(op.B), bias(op))
		w.setPreds(op, choose(op.Aux&15, lt, eq, 0), mask)
	case lower.CodeFSETP:
		lt, eq, un := laneFCMP(w.row(op.A), w.row(op.B), signMods[f&3], signMods[f>>2&3], f&lower.FlagFTZ != 0)
		w.setPreds(op, choose(op.Aux&15, lt, eq, un), mask)
	case lower.CodeIMNMX:
		laneIMNMX(x.dst(w, op), w.row(op.A), w.row(op.B), mask, bias(op), w.psrc(op))
	default:
		rare[op.Code](x, w, op, mask)
	}
}

// lop3x is LOP3 with what may come with it: a predicate, the condition codes, the lower half of 64 bits.
func (x *Exec) lop3x(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	nz := laneLOP3(d, w.row(op.A), w.row(op.B), w.row(op.C), &luts[op.Aux&255], mask)
	if op.UseX { // the upper half of 64 bits: they are zero if both halves are
		nz |= ^w.CC.Z
	}
	if f&lower.FlagTest != 0 {
		p := nz
		if f&lower.FlagZero != 0 {
			p = ^nz
		}
		w.setPred(op.PDst, p, mask)
	}
	if op.SetCC {
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			w.CC.setZS(i, d[i])
			setBit(&w.CC.Z, i, nz>>i&1 == 0)
			setBit(&w.CC.C, i, false)
			setBit(&w.CC.O, i, false)
		}
	}
}

// wide reads a register pair of lane i.
func (w *Warp) wide(s lower.Src, i int) uint64 {
	return uint64(w.row(s)[i]) | uint64(w.row(s + 1)[i])<<32
}

// setWide writes a register pair of lane i.
func (x *Exec) setWide(w *Warp, op *lower.Op, i int, v uint64) {
	if op.Dst == isa.RZ {
		return
	}
	w.row(op.Dst)[i] = uint32(v)
	w.row(op.Dst + 1)[i] = uint32(v >> 32)
}
