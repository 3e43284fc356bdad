package lower

import "warpdrop/sim/isa"

// Span is n registers from reg on.
type Span struct{ Reg, N uint8 }

// Uses is what an instruction reads and writes.
type Uses struct {
	Dst    Span
	Src    [4]Span
	Reads  uint8 // predicates; bit 7 = condition code
	Writes uint8
}

const usesCC = 1 << 7

// moved is the set of predicates that a P2R reads, by its mask.
func (l *lowerer) moved() uint8 {
	if o := &l.in.Operands[l.in.NumOps-1]; o.Kind == isa.KindImm {
		return uint8(o.Value) & 0x7f
	}
	return 0x7f
}

// used finds the predicates of the instruction just lowered; its registers are known.
func (l *lowerer) used() {
	op, u := l.op, l.use
	pred := func(m *uint8, p uint8) {
		if p < isa.PT {
			*m |= 1 << p
		}
	}
	pred(&u.Reads, op.Guard)
	pred(&u.Reads, op.PSrc)
	pred(&u.Writes, op.PDst)
	pred(&u.Writes, op.PDst2)
	code := op.Code
	if code == CodeSetCC {
		code = Code(op.Imm2)
		u.Writes |= usesCC
	}
	switch code {
	case CodePSETP, CodePSET:
		pred(&u.Reads, uint8(op.Imm&7))
		pred(&u.Reads, uint8(op.Imm>>8&7))
	case CodeP2R:
		if op.Imm == 0 { // uniform predicates are not counted
			u.Reads |= l.moved()
		}
		if op.Flags&FlagCC != 0 {
			u.Reads |= usesCC
		}
	case CodeCSETP, CodeCSET:
		u.Reads |= usesCC
	}
	if op.UseX || op.IsCtrl && op.Imm2 != int32(isa.CCT) {
		u.Reads |= usesCC
	}
	if op.SetCC {
		u.Writes |= usesCC
	}
}
