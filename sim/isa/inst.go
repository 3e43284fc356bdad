// Package isa reads the machine code of NVIDIA's Maxwell and Pascal GPUs (sm_50 to sm_62): cubin files, 64-bit
// instructions, the control words before every three of them, and their text as nvdisasm prints it.
package isa

import (
	"fmt"
	"strconv"
)

// RZ is the register that reads as zero and ignores writes; PT the predicate that is always true.
const (
	RZ = 255
	PT = 7
)

// WordBytes is the size of an instruction and of a control word in bytes. Code comes in groups of 32 bytes:
// one control word, then three instructions.
const (
	WordBytes  = 8
	GroupBytes = 32
)

// Kind says what an Operand is.
type Kind uint8

const (
	KindNone  Kind = iota
	KindReg        // R0..R254, RZ
	KindPred       // P0..P6, PT
	KindConst      // c[Bank][Value] or, with Reg != RZ, c[Bank][Reg+Value]
	KindImm        // immediate: Value holds the bits as the instruction uses them (F32: the 32 bits; F64: high 32 bits shifted up; integers sign-extended)
	KindMem        // memory address [Reg+Value]; Wide when Reg is the first of a 64-bit pair (.E forms set it)
	KindSReg       // special register, number in Reg
	KindCC         // the condition code register; with a test (CC.LT …) the test is in Reg
	KindLabel      // absolute byte address in Value (branch targets)
	KindSB         // a scoreboard barrier SB0..SB5, number in Reg (DEPBAR); a set {5,4,3} is a bit mask in Value
	KindText       // anything else that only the disassembler prints; index into a table in Value
)

// Operand is one operand in the order nvdisasm prints them: destinations first.
type Operand struct {
	Kind  Kind
	Reg   uint8 // register, predicate, special register or barrier number; base register of KindMem and indexed KindConst
	Bank  uint8 // constant bank of KindConst
	Sel   Sel   // part of the register the instruction reads: .H0 .H1 .B0 … .H0_H0 …
	Neg   bool  // -x
	Abs   bool  // |x|
	Not   bool  // ~x, or !P
	Reuse bool  // the .reuse flag of the control word, on source registers
	Wide  bool  // 64-bit address of KindMem
	Value int64 // immediate, byte offset or target
}

// Inst is one decoded instruction. It is plain data of a fixed size: it holds no pointers.
type Inst struct {
	Word     uint64 // the encoded bits
	PC       uint32 // byte offset in its section
	Op       Op     // mnemonic
	Form     uint16 // row of the instruction table
	Guard    uint8  // guard predicate 0..7 (7 = PT)
	GuardNot bool   // @!P
	NumOps   uint8
	NumMods  uint8
	Operands [8]Operand
	Mods     [10]Mod // suffixes in the order they are printed: FFMA.FTZ.RM.SAT
	Control  Control
}

// Has reports whether the instruction carries suffix m.
func (in *Inst) Has(m Mod) bool {
	for _, x := range in.Mods[:in.NumMods] {
		if x == m {
			return true
		}
	}
	return false
}

// Control is an instruction's 21-bit field of a control word.
type Control struct {
	Stall        uint8 // cycles until the warp's next instruction may issue; 0 marks the first of a dual-issued pair
	Yield        bool  // prefer another warp afterwards
	WriteBarrier uint8 // barrier 0..5 released when the result is written; 7 = none
	ReadBarrier  uint8 // barrier 0..5 released when the operands have been read; 7 = none
	Wait         uint8 // mask of the barriers that must be clear before this instruction issues
	Reuse        uint8 // operand-reuse cache flags, bit i for source slot i
}

// DecodeControl returns field slot (0, 1 or 2) of control word w.
func DecodeControl(w uint64, slot int) Control {
	f := w >> (21 * uint(slot))
	return Control{
		Stall:        uint8(f & 15),
		Yield:        f>>4&1 == 0,
		WriteBarrier: uint8(f >> 5 & 7),
		ReadBarrier:  uint8(f >> 8 & 7),
		Wait:         uint8(f >> 11 & 63),
		Reuse:        uint8(f >> 17 & 15),
	}
}

// String writes the fields as maxas does, without the reuse flags, which stand on the operands: wait mask, read and
// write barrier (from 1), yield, stall count.
func (c Control) String() string {
	wait, yield := "--", '-'
	if c.Wait != 0 {
		wait = fmt.Sprintf("%02x", c.Wait)
	}
	if c.Yield {
		yield = 'Y'
	}
	barrier := func(b uint8) string {
		if b == 7 {
			return "-"
		}
		return strconv.Itoa(int(b) + 1)
	}
	return fmt.Sprintf("%s:%s:%s:%c:%x", wait, barrier(c.ReadBarrier), barrier(c.WriteBarrier), yield, c.Stall)
}
