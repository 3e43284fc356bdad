package exec

import (
	"fmt"
	"math/bits"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/lower"
)

// The divergence stack. SSY, PBK, PCNT, PLONGJMP, PRET and CAL push an entry with the active threads; a branch that
// splits the warp pushes the threads that take it and goes on with the others. SYNC, BRK, CONT, LONGJMP, RET and EXIT
// take threads out of the active set; when none is left, the top entry says who goes on, and where.

// control executes instructions that may change the PC other than by one, the active threads, or wait.
func (x *Exec) control(w *Warp, op *lower.Op, mask uint32) {
	next := w.PC + 1
	if op.Imm2 != int32(isa.CCT) {
		mask &= w.CC.test(isa.CCTest(op.Imm2))
	}
	if op.Flags&lower.FlagTest != 0 { // a condition beside the guard
		mask &= w.psrc(op)
	}
	switch op.Code {
	case lower.CodeBRA:
		back := int32(op.Imm) < next && len(w.Stack) > 0 && mask != 0
		x.branch(w, mask, int32(op.Imm))
		if back && w.meet != nil {
			x.looped(w)
		}
	case lower.CodeBRX, lower.CodeJump:
		x.indirect(w, op, mask)
	case lower.CodeCall:
		x.branch(w, mask, int32(op.Imm))
	case lower.CodeBRADIV:
		x.divergent(w, op, mask)
	case lower.CodeBSSY, lower.CodeBSYNC, lower.CodeBREAK, lower.CodeWARPSYNC, lower.CodeYIELD:
		x.converge(w, op, mask)
	case lower.CodeSSY:
		x.push(w, StackSSY, int32(op.Imm), mask)
		w.PC = next
	case lower.CodePBK:
		x.push(w, StackPBK, int32(op.Imm), mask)
		w.PC = next
	case lower.CodePCNT:
		x.push(w, StackPCNT, int32(op.Imm), mask)
		w.PC = next
	case lower.CodePLONGJMP:
		x.push(w, StackLongJump, int32(op.Imm), mask)
		w.PC = next
	case lower.CodePRET:
		x.push(w, StackPRET, int32(op.Imm), mask)
		w.PC = next
	case lower.CodeCAL:
		if mask == 0 {
			w.PC = next
			return
		}
		x.push(w, StackCall, next, w.Active)
		w.Active = mask
		w.PC = int32(op.Imm)
	case lower.CodeSYNC:
		// The threads' SSY entry, or the other side of the branch below it, has them already.
		w.PC = next
		if w.Active &^= mask; w.Active == 0 {
			x.pop(w)
		}
	case lower.CodeBRK:
		x.leave(w, mask, StackPBK, StackPBK)
	case lower.CodeCONT:
		x.leave(w, mask, StackPCNT, StackPCNT)
	case lower.CodeLONGJMP:
		x.leave(w, mask, StackLongJump, StackLongJump)
	case lower.CodeRET:
		x.leave(w, mask, StackCall, StackPRET)
	case lower.CodeEXIT:
		w.PC = next
		w.Live &^= mask
		w.Active &^= mask
		if w.meet != nil && w.Live != 0 {
			x.left(w)
		}
		if w.Active == 0 {
			x.pop(w)
		}
	case lower.CodeBAR:
		w.PC = next
		if mask != 0 {
			if x.Check != nil {
				x.Check.barrier(w, mask, w.PC-1, x.Clock)
			}
			x.barrier(w, op, mask)
			if w.Active != w.Live && w.meet != nil && x.Fault.Reason == "" {
				x.parts(w)
			}
		}
	case lower.CodeTRAP:
		w.PC = next
		if mask != 0 {
			x.fault(ErrTrap, "trap", bits.TrailingZeros32(mask))
		}
	case lower.CodeSystem:
		if x.system(w, op, mask) && x.Fault.Reason == "" {
			if w.meet != nil {
				x.indirect(w, &returning, mask)
			} else {
				x.leave(w, mask, StackCall, StackPRET)
			}
		}
	default:
		x.fault(ErrIllegal, "illegal instruction", bits.TrailingZeros32(w.Active))
	}
}

// returning is the return from a function, as the ABI of 128-bit words has it: R20 holds the address.
var returning = lower.Op{Code: lower.CodeJump, A: 20}

func (x *Exec) fault(kind error, reason string, lane int) {
	x.Fault = ExecFault{Kind: kind, Reason: reason, Lane: lane}
}

func (x *Exec) push(w *Warp, kind StackKind, pc int32, mask uint32) {
	if len(w.Stack) >= maxStack {
		x.fault(ErrStack, "stack overflow: more than 1024 entries of the divergence stack",
			bits.TrailingZeros32(w.Active))
		return
	}
	if mask != 0 {
		w.Stack = append(w.Stack, StackEntry{Kind: kind, PC: pc, Mask: mask})
	}
}

// pop lets the threads of the top entry go on that has any alive.
func (x *Exec) pop(w *Warp) {
	if w.meet != nil {
		x.resume(w)
		return
	}
	for n := len(w.Stack); n > 0; n-- {
		e := w.Stack[n-1]
		w.Stack = w.Stack[:n-1]
		if m := e.Mask & w.Live; m != 0 {
			w.Active, w.PC = m, e.PC
			return
		}
	}
	if w.Live != 0 {
		// The code left threads behind that wait for nothing.
		x.fault(ErrStack, "divergence stack underflow", bits.TrailingZeros32(w.Live))
	}
}

// branch moves the active threads in taken to target.
func (x *Exec) branch(w *Warp, taken uint32, target int32) {
	switch taken {
	case 0:
		w.PC++
	case w.Active:
		w.PC = target
	default:
		x.push(w, StackDiverge, target, taken)
		w.Active &^= taken
		w.PC++
	}
}

// leave takes threads out of the innermost region of a kind: they go on where its entry says, together with the others
// that leave it, once all have.
func (x *Exec) leave(w *Warp, mask uint32, kind, or StackKind) {
	w.PC++
	if mask == 0 {
		return
	}
	found := false
	for i := len(w.Stack) - 1; i >= 0; i-- {
		e := &w.Stack[i]
		if e.Kind == kind || e.Kind == or {
			found = true
			break
		}
		e.Mask &^= mask
	}
	if !found {
		x.fault(ErrStack, "divergence stack underflow", bits.TrailingZeros32(mask))
		return
	}
	if w.Active &^= mask; w.Active == 0 {
		x.pop(w)
	}
}

// indirect executes BRX and JMX: each thread goes to its own address. Threads with the same one go together.
func (x *Exec) indirect(w *Warp, op *lower.Op, mask uint32) {
	if mask == 0 {
		w.PC++
		return
	}
	a := w.row(op.A)
	next := w.PC + 1
	rest := w.Active &^ mask
	if rest != 0 {
		x.push(w, StackDiverge, next, rest)
	}
	for {
		i := bits.TrailingZeros32(mask)
		var same uint32
		for m := mask; m != 0; m &= m - 1 {
			if j := bits.TrailingZeros32(m); a[j] == a[i] {
				same |= 1 << j
			}
		}
		target := w.Block.Prog.At(a[i] + uint32(op.Imm))
		if target < 0 {
			x.fault(ErrIllegal, "indirect branch out of the code", i)
			return
		}
		if mask &^= same; mask == 0 {
			w.Active, w.PC = same, target
			return
		}
		x.push(w, StackDiverge, target, same)
	}
}

// barriers is how many a block has.
const barriers = 16

// barrier fills in the request of a BAR instruction.
func (x *Exec) barrier(w *Warp, op *lower.Op, mask uint32) {
	i := bits.TrailingZeros32(mask)
	r := &x.Bar
	id := int32(w.row(op.A)[i])
	r.Count = int(w.row(op.B)[i])
	if op.Flags&lower.FlagWrap != 0 { // both in one register
		r.Count = int(id >> 16 & 0xfff)
		id &= 0xffff
	}
	r.ID = int(id & (barriers - 1))
	r.Pred = w.psrc(op)
	r.Threads = w.Active
	r.Kind = lower.BarKind(op.Aux)
	switch {
	case id < 0 || id >= barriers:
		x.fault(ErrBarrier, fmt.Sprintf("barrier %d: a block has barriers 0 to %d", id, barriers-1), i)
	case r.Count%32 != 0:
		x.fault(ErrBarrier, "barrier's thread count is not a multiple of 32", i)
	}
}
