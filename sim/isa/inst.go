// Package isa reads machine code of NVIDIA's GPUs: cubin files, instructions with their control bits, and their text as
// nvdisasm prints it. Maxwell and Pascal (sm_50 to sm_62) are whole; of Ampere (sm_80) there is a beginning, see
// Family.
package isa

import (
	"fmt"
	"strconv"
)

//go:generate go run ./internal/opsgen

// Op is an instruction's mnemonic. Each family has its own.
type Op uint16

// Mod is one suffix of a mnemonic, such as FTZ in FFMA.FTZ.
type Mod uint16

// String returns the suffix without its dot.
func (m Mod) String() string { return nameOf(modNames[:], int(m), "MOD?") }

// Sel says which part of an operand is meant, or for CC that the destination's flags are written: the suffix of an
// operand.
type Sel uint8

// String returns the suffix without its dot.
func (s Sel) String() string { return nameOf(selNames[:], int(s), "SEL?") }

// CCTest is a test of the condition code flags, as in CC.LT.
type CCTest uint8

// String returns the test without its dot.
func (t CCTest) String() string { return nameOf(ccNames[:], int(t), "CC?") }

func nameOf(names []string, i int, unknown string) string {
	if i >= len(names) {
		return unknown
	}
	return names[i]
}

// RZ is the register that reads as zero and ignores writes, URZ the uniform one; PT the predicate that is always true.
const (
	RZ  = 255
	URZ = 63
	PT  = 7
)

// Kind says what an Operand is.
type Kind uint8

const (
	KindNone  Kind = iota
	KindReg        // R0..R254, RZ
	KindPred       // P0..P6, PT
	KindConst      // c[Bank][Value] or, with Reg != RZ, c[Bank][Reg+Value]
	// immediate: Value holds the bits as the instruction uses them (F32: the 32 bits; F64: high 32 bits shifted up;
	// integers sign-extended)
	KindImm
	KindMem      // memory address [Reg+Value]; Wide when Reg is the first of a 64-bit pair (.E forms set it)
	KindSReg     // special register, number in Reg
	KindCC       // the condition code register; with a test (CC.LT …) the test is in Reg
	KindLabel    // absolute byte address in Value (branch targets)
	KindSB       // a scoreboard barrier SB0..SB5, number in Reg (DEPBAR); a set {5,4,3} is a bit mask in Value
	KindUniform  // uniform register UR0..UR62, URZ (63)
	KindBindless // cx[UR][Value], the constant bank whose descriptor is in uniform register Reg
	KindUPred    // uniform predicate UP0..UP6, UPT (7)
	KindBarrier  // convergence barrier B0..B15
	KindText     // anything else that only the disassembler prints; index into a table in Value
)

// Operand is one operand in the order nvdisasm prints them: destinations first.
type Operand struct {
	Kind Kind
	// register, predicate, special register or barrier number; base register of KindMem and indexed KindConst
	Reg     uint8
	Bank    uint8 // constant bank of KindConst
	Sel     Sel   // part of the register the instruction reads: .H0 .H1 .B0 … .H0_H0 …
	Neg     bool  // -x
	Abs     bool  // |x|
	Not     bool  // ~x, or !P
	Reuse   bool  // the .reuse flag of the control word, on source registers
	Wide    bool  // 64-bit address of KindMem
	Uniform uint8 // KindMem: the uniform register that is added to it, or holds its descriptor; URZ (63) = none
	// KindMem: Uniform holds a descriptor, and is not added
	Described bool
	Value     int64 // immediate, byte offset or target
}

// Inst is one decoded instruction. It is plain data of a fixed size: it holds no pointers.
type Inst struct {
	Word     Word   // the encoded bits
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
	family   uint8 // that decoded it, a place in families
}

// Family returns the family of the code that the instruction was decoded from.
func (in *Inst) Family() *Family { return families[in.family] }

// form returns the row of the table that the word is of.
func (in *Inst) form() *form { return &families[in.family].decoder().forms[in.Form] }

// Has reports whether the instruction carries suffix m.
func (in *Inst) Has(m Mod) bool {
	for _, x := range in.Mods[:in.NumMods] {
		if x == m {
			return true
		}
	}
	return false
}

// Control is an instruction's control bits: 21 in a control word, or in the instruction itself.
type Control struct {
	Stall        uint8 // cycles until the warp's next instruction may issue; 0 marks the first of a dual-issued pair
	Yield        bool  // prefer another warp afterwards
	WriteBarrier uint8 // barrier 0..5 released when the result is written; 7 = none
	ReadBarrier  uint8 // barrier 0..5 released when the operands have been read; 7 = none
	Wait         uint8 // mask of the barriers that must be clear before this instruction issues
	Reuse        uint8 // operand-reuse cache flags, bit i for source slot i
}

// controlOf reads the 21 control bits that each instruction has.
func controlOf(f uint32) Control {
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
