package isa

import (
	"fmt"
	"math"
)

// ConstBanks is the number of constant banks c[0] to c[17] that a kernel can name.
const ConstBanks = 18

// Cubin is a loaded machine code file. A Cubin that has globals belongs to one device: Link writes into it.
type Cubin struct {
	Code
	Arch        int // compute capability times ten: 61
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
	CacheLoads  bool               // it asks for its global loads to be cached in L1 (ptxas -dlcm=ca, ld.global.ca)
	Externs     []string           // functions of CUDA's run-time system that it calls, as far as the file lists them

	Flaw error // why the kernel cannot be launched, though others of the file can

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
	Managed bool // a __managed__ variable: the host reaches it by its address
}

// reloc is a place that holds the address of a global variable.
type reloc struct {
	at     []byte // 4 or 8 bytes
	offset uint64 // from the base of the globals
}

// instReloc is an instruction that holds the address of a global variable, or a half of it.
type instReloc struct {
	pc     uint32
	offset uint64 // from the base of the globals
	kind   *relocKind
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
		word, err := r.kind.write(c.Word(r.pc), globalBase+r.offset, 0)
		if err != nil {
			return fmt.Errorf("cubin: address of a global variable: %w", err)
		}
		c.Family.put(c.Image[r.pc:], word)
	}
	return nil
}

// KernelInsts decodes one kernel's code with addresses that count from its start, as disassemblers print them.
func (c *Cubin) KernelInsts(k *Kernel) ([]Inst, error) {
	group := uint64(c.Family.GroupBytes)
	first := uint64(k.Entry) / group * group
	last := (uint64(k.Entry) + uint64(k.Size) + group - 1) / group * group
	if last > uint64(len(c.Image)) {
		return nil, fmt.Errorf("cubin: kernel %s: code from %#x to %#x passes the end of %d bytes",
			k.Name, first, last, len(c.Image))
	}
	return c.Family.DecodeAll(c.Image[first:last])
}
