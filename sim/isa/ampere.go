package isa

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Ampere is the family of Volta to Ampere as sm_80 has it: words of 128 bits that hold their own control bits. Its table is a
// beginning; nothing executes it.
var Ampere = &Family{
	Name: "Ampere", First: 80, Last: 80, Target: "sm_80",
	WordBytes: 16, GroupBytes: 16,
	table: ampereTable, suffixes: ampereSuffixes,
	guard: field{at: 12, width: 3}, guardNot: 15, opcode: field{at: 0, width: 12},
	constant: field{at: 40, width: 14}, bank: field{at: 54, width: 5},
	split: func(group []byte, _ uint32) (Word, Control) {
		w := Word{binary.LittleEndian.Uint64(group), binary.LittleEndian.Uint64(group[8:])}
		return w, controlOf(uint32(w.bits(105, 21)))
	},
	call:   func(Word) CallKind { return CallNone },
	finish: finishAmpere,
	slot:   ampereSlot,
}

// urz is the uniform register that reads as zero.
const urz = 63

// finishAmpere holds control bits to what nvdisasm takes. An instruction that does not yield holds its warp for 1 to 11 cycles,
// and its reuse flags are for operands that are registers. Where it yields there are no flags: their lowest three bits are a
// number up to 5, which is 0 with a stall of 0, and not 3 where the cache could serve an operand but none is a register.
func finishAmpere(in *Inst) error {
	c := &in.Control
	form := &in.Op.Family().decoder().forms[in.Form]
	var slots uint8
	for i := range form.operands {
		if o := &form.operands[i]; o.reuse >= 0 {
			slots |= 1 << o.reuse
			in.Operands[i].Reuse = in.Operands[i].Reuse && !c.Yield
		}
	}
	number, cached := c.Reuse&7, in.Op != AmpereEXIT
	switch {
	case !c.Yield && (c.Stall == 0 || c.Stall > 11):
		return fmt.Errorf("a stall of %d cycles without yield; 1 to 11 are allowed", c.Stall)
	case !c.Yield && cached && number&^slots != 0:
		return fmt.Errorf("reuse flags %#b for operands that are no registers", number&^slots)
	case !c.Yield && cached:
		return nil
	case number > 5 || number == 3 && cached && slots == 0:
		return fmt.Errorf("%d in the reuse flags is not defined", number)
	case c.Yield && c.Stall == 0 && number != 0:
		return errors.New("reuse flags with a stall of 0")
	}
	return nil
}

// ampereSlot gives a source register its slot of the operand reuse cache: by its place in the word.
func ampereSlot(f *form, i int) int8 {
	if o := &f.operands[i]; o.letter == 'R' {
		switch o.field.at {
		case 24:
			return 0
		case 32:
			return 1
		case 64:
			return 2
		}
	}
	return -1
}
