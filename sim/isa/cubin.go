package isa

import (
	"encoding/binary"
	"fmt"
	"math"
)

// ConstBanks is the number of constant banks c[0] to c[17] that a kernel can name.
const ConstBanks = 18

// ParamBase is where kernel parameters start in c[0], unless the file says otherwise.
const ParamBase = 0x140

// Cubin is a loaded machine code file. A Cubin that has globals belongs to one device: Link writes into it.
type Cubin struct {
	Code
	Arch        int // 50, 52, 53, 60, 61 or 62
	Kernels     []Kernel
	Functions   []Symbol // kernels and device functions by address in Image
	GlobalBytes int      // size of the .nv.global sections together
	GlobalInit  []byte   // their initial contents from the start; the rest is zero
	Globals     []Symbol // variables by offset from the base that Link is given
	Constant    []byte   // initial contents of the __constant__ variables, c[3] of every kernel
	Constants   []Symbol // those variables by offset in it

	relocs     []reloc
	instRelocs []instReloc
}

// Kernel is one entry point.
type Kernel struct {
	Name        string
	Entry       uint32 // byte offset in Image
	Size        uint32 // bytes of code, device functions included
	Registers   int    // a thread
	SharedBytes int    // static, a block
	LocalBytes  int    // a thread: the stack that the compiler could bound
	Params      []Param
	ParamBase   int // byte offset of the first parameter in c[0]
	ParamBytes  int
	Const       [ConstBanks][]byte // initial contents of each bank; c[0] and absent banks are nil
	Barriers    int                // named barriers used
	MaxThreads  int                // __launch_bounds__ of a block, 0 = none given
	Externs     []string           // functions of CUDA's run-time system that it calls, as far as the file lists them

	unbounded bool // the compiler could not bound the stack
}

// Param is one kernel parameter: its place among the parameters, in bytes from ParamBase.
type Param struct {
	Index, Offset, Size int
}

// Symbol is a named range of bytes.
type Symbol struct {
	Name    string
	Address uint32
	Size    uint32
}

// reloc is a place that holds the address of a global variable.
type reloc struct {
	at     []byte // 4 or 8 bytes
	offset uint64 // from the base of the globals
}

// instReloc is an instruction whose 32-bit immediate at bit 20 is a half of the address of a global variable.
type instReloc struct {
	pc     uint32
	offset uint64 // from the base of the globals
	kind   uint32
}

// Kernel returns the kernel of that name, nil if there is none.
func (c *Cubin) Kernel(name string) *Kernel {
	for i := range c.Kernels {
		if c.Kernels[i].Name == name {
			return &c.Kernels[i]
		}
	}
	return nil
}

// Link writes the addresses of global variables, whose first byte is at globalBase, into constants and initial data.
// It may be called again with another base.
func (c *Cubin) Link(globalBase uint64) error {
	for _, r := range c.relocs {
		if v := globalBase + r.offset; len(r.at) == 4 && v > math.MaxUint32 {
			return fmt.Errorf("cubin: a 32-bit word cannot hold the address %#x of a global variable", v)
		}
	}
	for _, r := range c.relocs {
		put(r.at, globalBase+r.offset)
	}
	for _, r := range c.instRelocs {
		v := globalBase + r.offset
		switch {
		case r.kind == relABS32HI:
			v >>= 32
		case r.kind == relABS32 && v > math.MaxUint32:
			return fmt.Errorf("cubin: an instruction cannot hold the address %#x of a global variable", v)
		}
		place := c.Image[r.pc:]
		binary.LittleEndian.PutUint64(place, binary.LittleEndian.Uint64(place)&^(0xffffffff<<20)|v&0xffffffff<<20)
	}
	return nil
}

// KernelInsts decodes one kernel's code with addresses that count from its start, as disassemblers print them.
func (c *Cubin) KernelInsts(k *Kernel) ([]Inst, error) {
	first := uint64(k.Entry) / GroupBytes * GroupBytes
	last := (uint64(k.Entry) + uint64(k.Size) + GroupBytes - 1) / GroupBytes * GroupBytes
	if last > uint64(len(c.Image)) {
		return nil, fmt.Errorf("cubin: kernel %s: code from %#x to %#x passes the end of %d bytes", k.Name, first, last, len(c.Image))
	}
	return DecodeAll(c.Image[first:last])
}

// DecodeAll decodes code that consists of whole groups: control word, three instructions.
func DecodeAll(code []byte) ([]Inst, error) {
	if len(code)%GroupBytes != 0 {
		return nil, fmt.Errorf("%d bytes of code are not whole groups of %d", len(code), GroupBytes)
	}
	insts := make([]Inst, 0, len(code)/GroupBytes*3)
	for group := 0; group < len(code); group += GroupBytes {
		control := binary.LittleEndian.Uint64(code[group:])
		for slot := range 3 {
			pc := uint32(group + WordBytes*(slot+1))
			in, err := Decode(binary.LittleEndian.Uint64(code[pc:]), pc, DecodeControl(control, slot))
			if err != nil {
				return nil, err
			}
			insts = append(insts, in)
		}
	}
	return insts, nil
}
