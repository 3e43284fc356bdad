package sm

import "warpdrop/sim/isa"

// span is n registers from reg on.
type span struct{ reg, n uint8 }

// opUses is what an instruction reads and writes.
type opUses struct {
	dst    span
	src    [4]span
	reads  uint8 // predicates; bit 7 = condition code
	writes uint8
}

const usesCC = 1 << 7

// used finds the predicates of the instruction just lowered; its registers are known.
func (l *lowerer) used() {
	op, u := l.op, l.use
	pred := func(m *uint8, p uint8) {
		if p < isa.PT {
			*m |= 1 << p
		}
	}
	pred(&u.reads, op.Guard)
	pred(&u.reads, op.PSrc)
	pred(&u.writes, op.PDst)
	pred(&u.writes, op.PDst2)
	code := op.Code
	if code == CodeSetCC {
		code = Code(op.Imm2)
		u.writes |= usesCC
	}
	switch code {
	case CodePSETP, CodePSET:
		pred(&u.reads, uint8(op.Imm&7))
		pred(&u.reads, uint8(op.Imm>>8&7))
	case CodeP2R:
		u.reads |= 0x7f
		if op.Flags&FlagCC != 0 {
			u.reads |= usesCC
		}
	case CodeCSETP, CodeCSET:
		u.reads |= usesCC
	}
	if op.UseX || op.IsCtrl && op.Imm2 != int32(isa.CCT) {
		u.reads |= usesCC
	}
	if op.SetCC {
		u.writes |= usesCC
	}
}
