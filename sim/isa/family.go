package isa

import (
	"encoding/binary"
	"fmt"
	"sync"
)

// Family is a generation of instruction sets with one encoding: how code lies in memory, and a table of what its words
// mean. Table compiler, decoder and printer serve all of them; what only one has stands in a file named after it. Its
// mnemonics (Op) are its own, suffixes and operands are shared.
type Family struct {
	Name        string
	First, Last int    // compute capabilities of its code: 50 is sm_50
	Target      string // the one that words are checked against, as nvdisasm -b takes it

	WordBytes  uint32 // of an instruction word
	GroupBytes uint32 // code comes in whole groups: control words, then instructions
	lead       uint32 // control words at the start of a group

	table      []row
	suffixes   map[string]string // by name, the suffixes by value of a field; _ is none, ? undefined
	selections map[string]string // by name, the operand suffixes by value of a field
	texts      map[string]string // by name, operands that only the disassembler prints

	guard     field // number of the predicate
	guardNot  int8  // bit that inverts it
	opcode    field // bits that select a handful of candidate rows
	constant  field // word offset of an operand in constant memory
	bank      field
	immediate field // of an integer without a place of its own
	wide      field // of 32 bits
	bytes     field // byte offset in constant memory of a load or a branch, where that has its own place
	bytesBank field

	relocs map[uint32]relocKind // what relocations write into instructions, by their types

	// ABI is where compiled code finds in c[0] what the driver puts there; with it the family's code can be loaded. nil =
	// its table is a beginning.
	ABI *ABI
	// call tells from a word's opcode whether it calls a function, or says that an indirect branch behind it does.
	call func(w Word) CallKind

	// split returns the instruction word that begins at byte at of a group, and its control bits.
	split func(group []byte, at uint32) (Word, Control)
	// finish does what the table cannot say: suffixes and reuse flags that depend on other fields.
	finish func(in *Inst) error
	// slot returns the slot of the operand reuse cache that operand i of a form has, -1 = none.
	slot func(f *form, i int) int8

	number   uint8 // its place in families
	once     sync.Once
	compiled *decoder
}

// ABI is the places of a launch's words in constant bank 0, in bytes.
type ABI struct {
	BlockDim, GridDim         uint32    // three words each
	Stack                     uint32    // top of a thread's stack
	SharedWindow, LocalWindow [2]uint32 // lower and upper word of the generic address of shared and local memory
	Constants                 uint32    // generic address of the __constant__ variables, 64 bits
	DynamicShared             uint32    // bytes of dynamic shared memory
	// lower and upper word of the address of a cooperative launch's memory; 0, 0 = not known
	Workspace [2]uint32
	SMs       uint32 // number of multiprocessors, where code takes it from here; 0 = it does not
	Params    uint32 // first parameter, unless the file says otherwise
}

// CallKind says what a word has to do with a call.
type CallKind uint8

const (
	CallNone    CallKind = iota
	CallDirect           // calls the function that its operand names
	CallPointer          // the indirect branch that follows calls a function through a pointer
	CallItself           // this instruction calls a function through a pointer
)

// isPointerCall tells whether something is called through a pointer.
func isPointerCall(k CallKind) bool { return k == CallPointer || k == CallItself }

// Call tells from a word's opcode what it has to do with a call; the word need not be an instruction.
func (f *Family) Call(w Word) CallKind { return f.call(w) }

// families are all families; an Op's upper bits say to which of the first two it belongs. Those of 128-bit words share
// Ampere's.
var families [5]*Family

// not an initializer: their tables name Ops, which name families
func init() {
	families = [...]*Family{Maxwell, Ampere, Turing, GA10x, Volta}
	for i, f := range families {
		f.number = uint8(i)
	}
}

// FamilyOf returns the family of code for a compute capability, nil if it is not known.
func FamilyOf(arch int) *Family {
	for _, f := range families {
		if arch >= f.First && arch <= f.Last {
			return f
		}
	}
	return nil
}

// familyShift is where an Op's family begins.
const familyShift = 8

// Family returns the family that the mnemonic belongs to.
func (o Op) Family() *Family { return families[o>>familyShift] }

// String returns the mnemonic as nvdisasm prints it.
func (o Op) String() string {
	if f := int(o >> familyShift); f < len(opNames) {
		if i := int(o & (1<<familyShift - 1)); i < len(opNames[f]) {
			return opNames[f][i]
		}
	}
	return "OP?"
}

// Word is an instruction word. Families of 64-bit words leave Hi zero.
type Word struct{ Lo, Hi uint64 }

func (w Word) String() string {
	if w.Hi != 0 {
		return fmt.Sprintf("%016x%016x", w.Hi, w.Lo)
	}
	return fmt.Sprintf("%016x", w.Lo)
}

func (w Word) and(m Word) Word    { return Word{w.Lo & m.Lo, w.Hi & m.Hi} }
func (w Word) andNot(m Word) Word { return Word{w.Lo &^ m.Lo, w.Hi &^ m.Hi} }

// bits returns up to 64 bits from bit at on.
func (w Word) bits(at, width uint8) uint64 {
	v := w.Hi >> ((at - 64) & 63)
	if at < 64 {
		v = w.Lo>>at | w.Hi<<(64-at)
	}
	return v & (1<<width - 1)
}

// set returns the word with v in the width bits from bit at on, which lie in one half.
func (w Word) set(at, width uint8, v uint64) Word {
	half := &w.Lo
	if at >= 64 {
		half, at = &w.Hi, at-64
	}
	mask := uint64(1<<width-1) << at
	*half = *half&^mask | v<<at&mask
	return w
}

// bit reports bit n; -1 is none.
func (w Word) bit(n int8) bool { return n >= 0 && w.bits(uint8(n), 1) != 0 }

// Index returns the number of the instruction at byte offset pc of code, counted without control words; that of a
// control word is the first instruction's behind it.
func (f *Family) Index(pc uint32) int {
	perGroup := f.GroupBytes/f.WordBytes - f.lead
	return int(pc/f.GroupBytes*perGroup + max(pc%f.GroupBytes/f.WordBytes, f.lead) - f.lead)
}

// PC returns the byte offset of instruction number i: Index, backwards.
func (f *Family) PC(i int) uint32 {
	perGroup := f.GroupBytes/f.WordBytes - f.lead
	return uint32(i)/perGroup*f.GroupBytes + (uint32(i)%perGroup+f.lead)*f.WordBytes
}

// Holds tells whether an instruction of code of size bytes begins at byte offset pc.
func (f *Family) Holds(pc uint32, size int) bool {
	return pc%f.WordBytes == 0 && pc%f.GroupBytes/f.WordBytes >= f.lead && uint64(pc)+uint64(f.WordBytes) <= uint64(size)
}

// word returns the instruction word at byte offset pc of code, and its control bits.
func (f *Family) word(code []byte, pc uint32) (Word, Control) {
	group := pc / f.GroupBytes * f.GroupBytes
	return f.split(code[group:group+f.GroupBytes], pc-group)
}

// DecodeAt decodes the instruction whose word and control bits begin at the start of code, which holds one group; pc is
// as for Decode.
func (f *Family) DecodeAt(code []byte, pc uint32) (Inst, error) {
	word, control := f.split(code, 0)
	return f.Decode(word, pc, control)
}

// put writes an instruction word; its control bits stay, where they have a word of their own.
func (f *Family) put(place []byte, w Word) {
	binary.LittleEndian.PutUint64(place, w.Lo)
	if f.WordBytes > 8 {
		binary.LittleEndian.PutUint64(place[8:], w.Hi)
	}
}

// DecodeAll decodes code, which consists of whole groups.
func (f *Family) DecodeAll(code []byte) ([]Inst, error) {
	if uint32(len(code))%f.GroupBytes != 0 {
		return nil, fmt.Errorf("%d bytes of code are not whole groups of %d", len(code), f.GroupBytes)
	}
	insts := make([]Inst, f.Index(uint32(len(code))))
	for i := range insts {
		pc := f.PC(i)
		word, control := f.word(code, pc)
		in, err := f.Decode(word, pc, control)
		if err != nil {
			return nil, err
		}
		insts[i] = in
	}
	return insts, nil
}
