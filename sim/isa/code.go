package isa

import (
	"fmt"
	"sort"
)

// Code is linked machine code. Its instructions are decoded where they are asked for, so that a kernel costs what its
// own code costs, however large the file is.
type Code struct {
	Family   *Family
	Image    []byte   // all text sections one after the other, relocated; a code address is an offset in it
	Sections []Symbol // by address, whole groups each
	// functions of CUDA's run-time system, a group each, behind the sections: there is no code of theirs
	Externs []Symbol
	Jumps   map[uint32][]uint32 // targets of indirect branches and calls, by the branch's address
	Calls   map[uint32]bool     // indirect branches that call one of Externs, as far as the file lists them
	Taken   []uint32            // functions whose address is taken, outside of calls, as far as relocations say
	Flaws   map[uint32]error    // instructions that could not be linked

	lines *lineTable // nil = the file has none
}

// NewCode returns the code in image, a single section.
func NewCode(f *Family, image []byte) *Code {
	return &Code{Family: f, Image: image, Sections: []Symbol{{Address: 0, Size: uint32(len(image))}}}
}

// Inst decodes the instruction at address pc.
func (c *Code) Inst(pc uint32) (Inst, error) {
	if err := c.Flaws[pc]; err != nil {
		return Inst{}, fmt.Errorf("/*%04x*/: %w", pc, err)
	}
	if !c.Family.Holds(pc, len(c.Image)) {
		return Inst{}, fmt.Errorf("%#x is not the address of an instruction", pc)
	}
	return c.Family.Decode(c.Word(pc), pc, c.Control(pc))
}

// Word returns the instruction word at address pc.
func (c *Code) Word(pc uint32) Word {
	w, _ := c.Family.word(c.Image, pc)
	return w
}

// Control returns the control bits of the instruction at address pc.
func (c *Code) Control(pc uint32) Control {
	_, control := c.Family.word(c.Image, pc)
	return control
}

// Words goes through the instruction words of all sections.
func (c *Code) Words(yield func(pc uint32, word Word) bool) {
	for _, s := range c.Sections {
		for i := c.Family.Index(s.Address); i < c.Family.Index(s.Address+s.Size); i++ {
			if pc := c.Family.PC(i); !yield(pc, c.Word(pc)) {
				return
			}
		}
	}
}

// Section returns the section that pc lies in.
func (c *Code) Section(pc uint32) (Symbol, bool) { return find(c.Sections, pc) }

// Extern returns the function of the run-time system that has address pc.
func (c *Code) Extern(pc uint32) (Symbol, bool) { return find(c.Externs, pc) }

// find returns the symbol whose bytes hold address pc; list is sorted by address.
func find(list []Symbol, pc uint32) (Symbol, bool) {
	if i := sort.Search(len(list), func(i int) bool { return list[i].Address > pc }) - 1; i >= 0 &&
		pc-list[i].Address < list[i].Size {
		return list[i], true
	}
	return Symbol{}, false
}
