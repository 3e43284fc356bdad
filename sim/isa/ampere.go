package isa

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
)

// Volta, Turing, Ampere and GA10x are the generations of words of 128 bits that hold their own control bits, as sm_70,
// sm_75, sm_80 and sm_86 have them. They share mnemonics and the table, but for the rows and lists of suffixes that one
// has otherwise.
var (
	Volta  = wideFamily("Volta", 70, 72)
	Turing = wideFamily("Turing", 75, 75)
	Ampere = wideFamily("Ampere", 80, 80)
	GA10x  = wideFamily("Ampere GA10x", 86, 87)
)

func wideFamily(name string, first, last int) *Family {
	f := &Family{
		Name: name, First: first, Last: last, Target: fmt.Sprintf("sm_%d", first),
		WordBytes: 16, GroupBytes: 16,
		table: ampereTable, suffixes: ampereSuffixes, selections: ampereSelections, texts: ampereTexts,
		guard: field{at: 12, width: 3}, guardNot: 15, opcode: field{at: 0, width: 12},
		constant: field{at: 40, width: 14}, bank: field{at: 54, width: 5},
		wide:  field{at: 32, width: 32},
		bytes: field{at: 38, width: 16}, bytesBank: field{at: 54, width: 5},
		split: func(group []byte, _ uint32) (Word, Control) {
			w := Word{binary.LittleEndian.Uint64(group), binary.LittleEndian.Uint64(group[8:])}
			return w, controlOf(uint32(w.bits(105, 21)))
		},
		relocs: wideRelocs,
		ABI: &ABI{BlockDim: 0x0, GridDim: 0xc, Stack: 0x28, SharedWindow: [2]uint32{0x18, 0x1c},
			LocalWindow: [2]uint32{0x20, 0x24}, Constants: 0x50, DynamicShared: 0x2c, SMs: 0x10c, Params: 0x160},
		call:   callWide,
		finish: finishAmpere,
		slot:   ampereSlot,
	}
	switch first {
	case 70:
		f.table = voltaTable()
		f.finish, f.slot = finishVolta, voltaSlot
	case 75:
		f.table = turingTable()
	}
	if first < 80 {
		f.suffixes = maps.Clone(ampereSuffixes)
		maps.Copy(f.suffixes, turingSuffixes)
	}
	return f
}

// careless are operations that sm_75 takes with bit 91 too, where later ones refuse it as that of a uniform register.
var careless = map[Op]bool{
	AmpereB2R: true, AmpereBREAK: true, AmpereBSSY: true, AmpereBSYNC: true, AmpereCS2R: true, AmpereERRBAR: true,
	AmpereLEPC: true, AmpereMATCH: true, AmpereMEMBAR: true, AmpereNOP: true, AmpereS2R: true,
	AmpereVOTE: true, AmpereYIELD: true, AmpereGETLMEMBASE: true, AmpereJMX: true, AmpereJMP: true, AmpereKILL: true,
	AmperePMTRIG: true, AmpereRTT: true, AmpereSETLMEMBASE: true, AmpereSETCTAID: true, AmpereR2B: true,
	AmpereSHFL: true, AmpereBAR: true,
}

// turingTable is the table with rows that do not look at bit 91 for the operations that are careless of it.
func turingTable() []row {
	table := slices.Clone(ampereTable)
	for i := range table {
		if r := &table[i]; careless[r.op] && r.match.Hi&bindless == 0 {
			r.mask.Hi &^= bindless
		}
	}
	return table
}

// notVolta are operations that came with sm_75, beside those of the uniform datapath.
var notVolta = map[Op]bool{AmpereLDSM: true, AmpereMOVM: true, AmpereIMMA: true, AmpereBMMA: true,
	AmpereI2I: true, AmpereI2IP: true, AmpereIMNMX: true, AmpereR2UR: true, AmpereVOTEU: true}

// voltaTable is the table without what came with sm_75: uniform registers, constant banks that they name, and the bit
// that says so, which sm_70 looks at nowhere.
func voltaTable() []row {
	var table []row
	for _, r := range ampereTable {
		if r.match.Hi&bindless != 0 || uniformGuards[r.op] || notVolta[r.op] || r.since >= 75 {
			continue
		}
		r.mask.Hi &^= bindless
		table = append(table, r)
	}
	return table
}

// wideRelocs are the relocations of instructions, as cuobjdump -elf numbers and names them in what ptxas 12.9 makes.
var wideRelocs = map[uint32]relocKind{
	55: {name: "R_CUDA_ABS32_32", at: field{at: 32, width: 32}},
	56: {name: "R_CUDA_ABS32_LO_32", at: field{at: 32, width: 32}, part: low},
	57: {name: "R_CUDA_ABS32_HI_32", at: field{at: 32, width: 32}, part: high},
	// of CALL.ABS; code addresses have 32 bits here
	58: {name: "R_CUDA_ABS47_34", at: field{at: 34, width: 30}, unit: 4},
	59: {name: "R_CUDA_ABS16_32", at: field{at: 32, width: 16}}, // offset in a constant bank
	// c[bank][offset] of arithmetic
	64: {name: "R_CUDA_CONST_FIELD19_40", at: field{at: 40, width: 14}, unit: 4, bank: field{at: 54, width: 5}},
	74: {name: "R_CUDA_ABS24_40", at: field{at: 40, width: 24}, sum: true}, // offset of LDS, STS …
}

// callWide tells calls by their opcode and form: CALL.ABS and CALL.REL, of a place or of what a register holds.
func callWide(w Word) CallKind {
	switch w.Lo & 0xfff {
	case 0x943, 0x944:
		return CallDirect
	case 0x343, 0x344:
		return CallItself
	}
	return CallNone
}

// finishAmpere adds what IMAD is called by what it multiplies, and holds control bits to what nvdisasm takes.
func finishAmpere(in *Inst) error {
	if in.Op == AmpereIMAD && !in.Has(ModWIDE) && !in.Has(ModHI) && !in.Has(ModX) {
		if m := imadName(in); m != ModNone {
			copy(in.Mods[1:], in.Mods[:in.NumMods])
			in.Mods[0] = m
			in.NumMods++
		}
	}
	return checkControl(in)
}

// finishVolta is finishAmpere for sm_70, where the second of two sources has both of the other slots: one of their
// flags says that it is kept.
func finishVolta(in *Inst) error {
	given := in.Control.Reuse
	if given&6 == 4 && !in.Control.Yield && served(in.form().row) {
		slots, second := uint8(0), -1
		for i := range in.form().operands {
			if o := &in.form().operands[i]; o.reuse >= 0 {
				slots |= 1 << o.reuse
				if o.reuse == 1 {
					second = i
				}
			}
		}
		if slots == 3 {
			in.Control.Reuse = given&1 | 2
			in.Operands[second].Reuse = true
		}
	}
	err := finishAmpere(in)
	in.Control.Reuse = given
	return err
}

// voltaSlot is ampereSlot for sm_70.
func voltaSlot(f *form, i int) int8 {
	if !served(f.row) || f.operands[i].letter != 'R' {
		return -1
	}
	if f.row.op == AmpereHMMA {
		return int8(slices.Index([]uint8{24, 32, 64}, f.operands[i].field.at))
	}
	var places []uint8 // of the sources
	for k := range f.operands {
		if o := &f.operands[k]; o.letter == 'R' && (o.field.at == 24 || o.field.at == 32 || o.field.at == 64) {
			places = append(places, o.field.at)
		}
	}
	if len(places) == 2 && places[0] == 24 && f.operands[i].field.at == places[1] {
		return 1
	}
	return ampereSlot(f, i)
}

// imadName returns what nvdisasm calls a product with 0, 1 or a power of two; ModNone is none.
func imadName(in *Inst) Mod {
	a, b, c := &in.Operands[1], &in.Operands[2], &in.Operands[3]
	if a.Kind != KindReg || b.Kind == KindUniform || b.Kind == KindBindless || c.Kind == KindUniform ||
		c.Kind == KindBindless {
		return ModNone
	}
	number := b.Kind == KindImm
	switch {
	case a.Reg == RZ, b.Kind == KindReg && b.Reg == RZ, number && b.Value == 0:
		return ModMOV
	case number && b.Value == 1:
		return ModIADD
	case number && c.Kind == KindReg && c.Reg == RZ && b.Value > 0 && b.Value != 1<<16 &&
		bits.OnesCount32(uint32(b.Value)) == 1:
		return ModSHL
	}
	return ModNone
}

// checkControl holds control bits to what nvdisasm takes. An instruction that does not yield holds its warp for 1 to 11
// cycles,
// and its reuse flags are for operands that are registers. Where it yields there are no flags: their lowest three bits
// are a
// number up to 5, which is 0 with a stall of 0, and not 3 where the cache could serve an operand but none is a
// register.
func checkControl(in *Inst) error {
	c := &in.Control
	form := in.form()
	var slots uint8
	for i := range form.operands {
		if o := &form.operands[i]; o.reuse >= 0 {
			slots |= 1 << o.reuse
			in.Operands[i].Reuse = in.Operands[i].Reuse && !c.Yield
		}
	}
	number, cached := c.Reuse&7, served(form.row)
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

// ampereSlot gives a source register its slot of the operand reuse cache: by its place among the sources, but some have
// their second source in the third slot.
func ampereSlot(f *form, i int) int8 {
	o := &f.operands[i]
	if o.letter != 'R' || !served(f.row) {
		return -1
	}
	late := false // the second source has the third slot
	switch f.row.op {
	case AmpereFADD, AmpereHADD2, AmpereDSETP, AmpereHSET2, AmpereHSETP2:
		late = true
	}
	switch f.row.op {
	// the sum is not kept; of whole products of sm_75 only the second factor is
	case AmpereHMMA, AmpereIMMA, AmpereBMMA, AmpereDMMA:
		early := f.row.before == 80
		if o.field.at == 64 && !(early && f.row.match.Lo&0x1ff != 0x3c) ||
			o.field.at == 24 && early && f.row.match.Lo&0x1ff == 0x3c {
			return -1
		}
	}
	if f.row.op == AmpereHADD2 && f.row.since == 86 && o.field.at == 24 && f.row.match.bits(78, 1) != 0 {
		return -1 // of a sum of 32 bits sm_86 keeps the second source only
	}
	switch o.field.at {
	case 24:
		return 0
	case 32:
		if late {
			return 2
		}
		return 1
	case 64:
		if i+1 < len(f.operands) {
			switch next := &f.operands[i+1]; next.kind { // a last source at 32: this is the second
			case KindConst, KindImm, KindUniform, KindBindless:
				if next.letter == 'C' || next.letter == 'Y' || next.field.at == 32 || next.field.at == 48 {
					return 1
				}
			}
		}
		return 2
	}
	return -1
}

// served tells whether the operand reuse cache can serve an operation: those of the ALUs, whose opcodes have no bit 8.
func served(r *row) bool {
	switch r.op {
	case AmpereLDSM, AmpereMOVM:
		return false
	case AmpereNOP, AmpereERRBAR, AmpereLEPC, AmpereRPCMOV: // without operands: nvdisasm takes no flags either
		return true
	}
	return r.match.Lo>>8&1 == 0
}

// uniformGuards are the operations of the uniform datapath, whose guard is a uniform predicate.
var uniformGuards = map[Op]bool{
	AmpereUMOV: true, AmpereULDC: true, AmpereUIADD3: true, AmpereUIMAD: true, AmpereUISETP: true, AmpereULEA: true,
	AmpereULOP3: true, AmpereUSHF: true, AmpereUPRMT: true, AmpereUSEL: true, AmpereUSGXT: true, AmpereUBREV: true,
	AmpereUFLO: true, AmpereS2UR: true, AmpereUPOPC: true, AmpereUPLOP3: true,
	AmpereUP2UR: true, AmpereUR2UP: true,
}
