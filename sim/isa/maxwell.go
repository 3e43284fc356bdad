package isa

import (
	"encoding/binary"
	"errors"
)

// Code of Maxwell comes in groups: a control word, then three instructions.
const (
	wordBytes  = 8
	groupBytes = 32
)

// Maxwell is the family of Maxwell and Pascal: 64-bit words in groups of three behind a word with their control bits.
var Maxwell = &Family{
	Name: "Maxwell and Pascal", First: 50, Last: 62, Target: "sm_61",
	WordBytes: wordBytes, GroupBytes: groupBytes, lead: 1,
	table: maxwellTable, suffixes: maxwellSuffixes, selections: maxwellSelections, texts: maxwellTexts,
	guard: field{at: 16, width: 3}, guardNot: 19, opcode: field{at: 52, width: 12},
	constant: field{at: 20, width: 14}, bank: field{at: 34, width: 5}, immediate: field{20, 19, 56, 1},
	wide: field{at: 20, width: 32}, bytes: field{at: 20, width: 16}, bytesBank: field{at: 36, width: 5},
	relocs: maxwellRelocs,
	ABI: &ABI{BlockDim: 0x8, GridDim: 0x14, Stack: 0x20, SharedWindow: [2]uint32{0, 0x100},
		LocalWindow: [2]uint32{0x4, 0x104}, Constants: 0xd0, DynamicShared: 0xfc, Workspace: [2]uint32{0x38, 0x34},
		Params: 0x140},
	split: func(group []byte, at uint32) (Word, Control) {
		return Word{Lo: binary.LittleEndian.Uint64(group[at:])},
			DecodeControl(binary.LittleEndian.Uint64(group), int(at/wordBytes)-1)
	},
	call: func(w Word) CallKind {
		switch w.Lo >> 52 {
		case 0xe22, 0xe26: // JCAL, CAL
			return CallDirect
		case 0xe27: // PRET
			return CallPointer
		}
		return CallNone
	},
	finish: finishMaxwell,
	slot:   maxwellSlot,
}

// maxwellRelocs are the relocations of instructions, as cuobjdump -elf numbers and names them: a name's last number is
// the bit at which the field begins.
var maxwellRelocs = map[uint32]relocKind{
	42: {name: "R_CUDA_ABS32_20", at: field{at: 20, width: 32}},
	43: {name: "R_CUDA_ABS32_LO_20", at: field{at: 20, width: 32}, part: low},
	44: {name: "R_CUDA_ABS32_HI_20", at: field{at: 20, width: 32}, part: high},
	45: {name: "R_CUDA_ABS24_20", at: field{at: 20, width: 24}, sum: true}, // offset of LDS, STS …
	46: {name: "R_CUDA_ABS16_20", at: field{at: 20, width: 16}},            // offset in a constant bank
	47: {name: "R_CUDA_FUNC_DESC32_20", at: field{at: 20, width: 32}},      // of a function, which here is its address
	48: {name: "R_CUDA_FUNC_DESC32_LO_20", at: field{at: 20, width: 32}, part: low},
	49: {name: "R_CUDA_FUNC_DESC32_HI_20", at: field{at: 20, width: 32}, part: high},
	// c[bank][offset] of arithmetic
	50: {name: "R_CUDA_CONST_FIELD19_20", at: field{at: 20, width: 14}, unit: 4, bank: field{at: 34, width: 5}},
	54: {name: "R_CUDA_CONST_FIELD21_20", at: field{at: 20, width: 16}, bank: field{at: 36, width: 5}}, // of LDC
}

// Decode decodes one word of Maxwell.
func Decode(word uint64, pc uint32, control Control) (Inst, error) {
	return Maxwell.Decode(Word{Lo: word}, pc, control)
}

// DecodeControl returns field slot (0, 1 or 2) of control word w.
func DecodeControl(w uint64, slot int) Control { return controlOf(uint32(w >> (21 * uint(slot)))) }

// finishMaxwell adds the phases of texture instructions, and drops reuse flags where there is no cache.
func finishMaxwell(in *Inst) error {
	switch in.Op { // texture instructions use the reuse flags as a phase
	case OpTEX, OpTLD, OpTLD4, OpTXD, OpTXQ, OpTMML, OpTXA, OpTLD4S, OpTEXS, OpTLDS, OpSTP:
		switch in.Control.Reuse & 3 {
		case 1:
			in.Mods[in.NumMods] = ModT
			in.NumMods++
		case 2:
			in.Mods[in.NumMods] = ModP
			in.NumMods++
		case 3:
			return errors.New("phase 3 in the reuse flags is not defined")
		}
	}
	in.finishReuse()
	return nil
}

// uncached are the instructions besides memory, texture and control whose operands the reuse cache does not serve.
var uncached = map[Op]bool{
	OpIMAD: true, OpIMADSP: true, OpIMUL: true, OpIMAD32I: true, OpIMUL32I: true, OpMUFU: true, OpFLO: true, OpI2I: true,
	OpPOPC: true, OpSHFL: true, OpBAR: true, OpR2B: true, OpOUT: true, OpAL2P: true, OpIPA: true, OpALD: true, OpAST: true,
	OpSETCRSPTR: true, OpSETLMEMBASE: true, OpTEX: true, OpTLD: true, OpTLD4: true, OpTXD: true, OpTXQ: true, OpTMML: true,
	OpTXA: true, OpTLD4S: true, OpTEXS: true, OpTLDS: true, OpCCTLT: true,
}

// maxwellSlot gives a source register its slot of the operand reuse cache: by position among the sources, but in
// additions the second source has the third slot.
func maxwellSlot(f *form, i int) int8 {
	o, op := &f.operands[i], f.row.op
	if o.letter != 'R' || uncached[op] {
		return -1
	}
	for k := range f.operands {
		if f.operands[k].kind == KindMem {
			return -1
		}
	}
	switch o.field.at {
	case 0:
		if i > 0 && i == len(f.operands)-1 && f.operands[0].field.at == 0 && f.operands[0].kind == KindReg {
			return 2 // FFMA32I R0, R8, immediate, R0
		}
	case 8:
		return 0
	case 20:
		if op == OpFADD || op == OpDADD || op == OpHADD2 || op == OpFSWZADD {
			return 2
		}
		return 1
	case 39:
		if i+1 < len(f.operands) && f.operands[i+1].letter == 'C' {
			return 1
		}
		return 2
	}
	return -1
}

// finishReuse drops reuse flags that depend on types: conversions have them in their 64-bit forms, VMAD without 32-bit
// sources.
func (in *Inst) finishReuse() {
	cached := true
	switch in.Op {
	case OpF2F:
		cached = in.Has(ModF64)
	case OpF2I:
		cached = in.Has(ModF64) || (in.Has(ModS64) || in.Has(ModU64)) && in.Has(ModF32)
	case OpI2F:
		cached = (in.Has(ModF64) || in.Has(ModS64) || in.Has(ModU64)) && !in.Has(ModS16) && !in.Has(ModU16)
	case OpVMAD:
		cached = !in.Has(ModS32) && !in.Has(ModU32)
	}
	if !cached {
		for i := range in.Operands {
			in.Operands[i].Reuse = false
		}
	}
}
