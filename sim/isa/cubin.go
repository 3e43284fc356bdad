package isa

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// ConstBanks is the number of constant banks c[0] to c[17] that a kernel can name.
const ConstBanks = 18

// ParamBase is where kernel parameters start in c[0], unless the file says otherwise.
const ParamBase = 0x140

// Cubin is a loaded machine code file. A Cubin that has globals belongs to one device: Link writes into it.
type Cubin struct {
	Arch        int    // 50, 52, 53, 60, 61 or 62
	Image       []byte // all text sections one after the other, relocated; a code address is an offset in it
	Insts       []Inst // one an instruction, in order of PC; control words are not in it
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
	Recursive   bool   // the compiler could not bound the stack: the launch must choose its size
	Params      []Param
	ParamBase   int // byte offset of the first parameter in c[0]
	ParamBytes  int
	Const       [ConstBanks][]byte // initial contents of each bank; c[0] and absent banks are nil
	Barriers    int                // named barriers used
	MaxThreads  int                // __launch_bounds__ of a block, 0 = none given
	JumpTables  []JumpTable
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

// JumpTable lists the targets of one indirect branch or call; all are byte offsets in Image.
type JumpTable struct {
	Branch  uint32
	Targets []uint32
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

// Limits on what a file may ask for, so that a damaged one is an error and not an allocation.
const (
	maxShared = 1 << 20
	maxGlobal = 1 << 32
	maxImage  = 1 << 24 // branches have 24 bits
)

// Attributes of .nv.info sections, after cuobjdump -elf.
const (
	attrMaxThreads   = 0x05
	attrParamCBank   = 0x0a
	attrReqThreads   = 0x10
	attrFrameSize    = 0x11
	attrMinStack     = 0x12
	attrParam        = 0x17
	attrMaxStack     = 0x23
	attrRegCount     = 0x2f
	attrBranchTables = 0x34
)

// Relocation types, after cuobjdump -elf: R_CUDA_32, R_CUDA_64, R_CUDA_G32, R_CUDA_G64 fill data words,
// R_CUDA_ABS32_20 and its halves the 32-bit immediate at bit 20 of an instruction.
const (
	rel32      = 1
	rel64      = 2
	relG32     = 3
	relG64     = 4
	relABS32   = 42
	relABS32LO = 43
	relABS32HI = 44
)

// loader is the state of ReadCubin.
type loader struct {
	cubin   *Cubin
	file    *elf.File
	symbols []elf.Symbol // index 0 is symbol 1
	text    map[elf.SectionIndex]uint32
	global  map[elf.SectionIndex]uint64
	data    map[elf.SectionIndex][]byte // contents that relocations write to
}

// ReadCubin loads an sm_50 to sm_62 cubin: links its code into one image, decodes it and collects what kernels need.
// It allocates at most 64 times the size of data. An instruction that cannot be decoded is an error.
func ReadCubin(data []byte) (*Cubin, error) {
	c, err := readCubin(data)
	if err != nil {
		return nil, fmt.Errorf("cubin: %w", err)
	}
	return c, nil
}

func readCubin(data []byte) (*Cubin, error) {
	f, err := openELF(data)
	if err != nil {
		return nil, err
	}
	const machineCUDA = 190
	if f.Class != elf.ELFCLASS64 || f.Machine != machineCUDA {
		return nil, fmt.Errorf("ELF class %v, machine %d: want a 64-bit file for CUDA (machine %d)", f.Class, f.Machine, machineCUDA)
	}
	const flagsAt = 0x30
	arch := int(binary.LittleEndian.Uint32(data[flagsAt:]) & 0xff)
	if arch < 50 || arch > 62 {
		return nil, fmt.Errorf("code for sm_%d: want sm_50 to sm_62", arch)
	}
	l := &loader{cubin: &Cubin{Arch: arch}, file: f, text: map[elf.SectionIndex]uint32{}, global: map[elf.SectionIndex]uint64{}, data: map[elf.SectionIndex][]byte{}}
	if l.symbols, err = f.Symbols(); err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, err
	}
	for _, step := range []func() error{l.layout, l.functions, l.kernels, l.info, l.relocate, l.decode, l.recursion} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l.cubin, nil
}

// openELF checks the headers of a cubin and reads them.
func openELF(data []byte) (*elf.File, error) {
	if err := checkHeaders(data); err != nil {
		return nil, err
	}
	// NVIDIA writes a version of its own, where debug/elf wants 1.
	const versionAt = 0x14
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint32(data[versionAt:], uint32(elf.EV_CURRENT))
	return elf.NewFile(bytes.NewReader(data))
}

// checkHeaders makes sure that what the section headers state lies in the file, without overlap: package elf believes
// sizes when it allocates.
func checkHeaders(data []byte) error {
	const (
		headerBytes, sectionBytes, segmentBytes = 64, 64, 56
		sectionsAt, segmentsAt                  = 0x28, 0x20
		sectionsNum, segmentsNum                = 0x3c, 0x38
	)
	size := uint64(len(data))
	if size < headerBytes || !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return errors.New("not an ELF file")
	}
	if data[elf.EI_CLASS] != byte(elf.ELFCLASS64) || data[elf.EI_DATA] != byte(elf.ELFDATA2LSB) {
		return errors.New("not a 64-bit little-endian ELF file")
	}
	fits := func(at, n uint64) bool { return at <= size && n <= size-at }
	if a, b := binary.LittleEndian.Uint16(data[segmentsNum-2:]), binary.LittleEndian.Uint16(data[sectionsNum-2:]); a != segmentBytes || b != sectionBytes {
		return fmt.Errorf("program and section headers of %d and %d bytes; want %d and %d", a, b, segmentBytes, sectionBytes)
	}
	first := binary.LittleEndian.Uint64(data[sectionsAt:])
	n := uint64(binary.LittleEndian.Uint16(data[sectionsNum:]))
	if n == 0 || !fits(first, n*sectionBytes) {
		return fmt.Errorf("%d section headers at %#x do not fit in a file of %d bytes", n, first, size)
	}
	if at, n := binary.LittleEndian.Uint64(data[segmentsAt:]), uint64(binary.LittleEndian.Uint16(data[segmentsNum:])); !fits(at, n*segmentBytes) {
		return fmt.Errorf("%d program headers at %#x do not fit in a file of %d bytes", n, at, size)
	}
	var total uint64
	for i := range n {
		h := data[first+i*sectionBytes:]
		kind, flags := elf.SectionType(binary.LittleEndian.Uint32(h[4:])), elf.SectionFlag(binary.LittleEndian.Uint64(h[8:]))
		at, length := binary.LittleEndian.Uint64(h[24:]), binary.LittleEndian.Uint64(h[32:])
		if flags&elf.SHF_COMPRESSED != 0 {
			return fmt.Errorf("section %d is compressed", i)
		}
		if kind == elf.SHT_NOBITS {
			continue
		}
		if !fits(at, length) {
			return fmt.Errorf("section %d: bytes %#x to %#x of a file of %d", i, at, at+length, size)
		}
		total += length
	}
	if total > size {
		return fmt.Errorf("sections of %d bytes overlap in a file of %d", total, size)
	}
	return nil
}

// layout reads sections and places code and globals.
func (l *loader) layout() error {
	c := l.cubin
	var globals []elf.SectionIndex
	for i, s := range l.file.Sections {
		index := elf.SectionIndex(i)
		isText := strings.HasPrefix(s.Name, ".text.")
		isGlobal := s.Name == ".nv.global" || s.Name == ".nv.global.init"
		isConst := strings.HasPrefix(s.Name, ".nv.constant")
		isVariables := s.Name == ".nv.constant3" && s.Type == elf.SHT_PROGBITS
		if (isText || isGlobal || isConst) && s.Type == elf.SHT_PROGBITS {
			b, err := s.Data()
			if err != nil {
				return fmt.Errorf("section %s: %w", s.Name, err)
			}
			l.data[index] = b
			if isVariables {
				c.Constant = b
			}
		}
		switch {
		case isText:
			b := l.data[index]
			if len(b)%GroupBytes != 0 {
				return fmt.Errorf("section %s: %d bytes are not whole groups of %d", s.Name, len(b), GroupBytes)
			}
			l.text[index] = uint32(len(c.Image))
			c.Image = append(c.Image, b...)
			if len(c.Image) > maxImage {
				return fmt.Errorf("section %s: code exceeds %d bytes", s.Name, maxImage)
			}
		case isGlobal && s.Type == elf.SHT_PROGBITS:
			globals = append([]elf.SectionIndex{index}, globals...) // initialised ones first
		case isGlobal:
			globals = append(globals, index)
		}
	}
	var at uint64
	for _, index := range globals {
		s := l.file.Sections[index]
		align := max(s.Addralign, 1)
		if align > 1<<16 || s.Size > maxGlobal {
			return fmt.Errorf("section %s: %d bytes aligned to %d are too many", s.Name, s.Size, align)
		}
		at = (at + align - 1) / align * align
		l.global[index] = at
		if b := l.data[index]; b != nil {
			c.GlobalInit = append(c.GlobalInit, make([]byte, int(at)-len(c.GlobalInit))...)
			c.GlobalInit = append(c.GlobalInit, b...)
		}
		if at += s.Size; at > maxGlobal {
			return fmt.Errorf("section %s: globals exceed %d bytes", s.Name, uint64(maxGlobal))
		}
	}
	c.GlobalBytes = int(at)
	return nil
}

// functions collects the symbols of code and of global variables.
func (l *loader) functions() error {
	for _, s := range l.symbols {
		base, isText := l.text[s.Section]
		switch offset, isGlobal := l.global[s.Section]; {
		case isText && elf.ST_TYPE(s.Info) == elf.STT_FUNC:
			if s.Value%WordBytes != 0 || s.Value > l.file.Sections[s.Section].Size {
				return fmt.Errorf("function %s: address %#x is outside its section", s.Name, s.Value)
			}
			l.cubin.Functions = append(l.cubin.Functions, Symbol{s.Name, base + uint32(s.Value), uint32(min(s.Size, maxImage))})
		case isGlobal && elf.ST_TYPE(s.Info) == elf.STT_OBJECT:
			if s.Value > l.file.Sections[s.Section].Size || s.Size > l.file.Sections[s.Section].Size-s.Value {
				return fmt.Errorf("variable %s: bytes %#x to %#x are outside its section", s.Name, s.Value, s.Value+s.Size)
			}
			l.cubin.Globals = append(l.cubin.Globals, Symbol{s.Name, uint32(offset + s.Value), uint32(s.Size)})
		case elf.ST_TYPE(s.Info) == elf.STT_OBJECT && int(s.Section) < len(l.file.Sections) && l.file.Sections[s.Section].Name == ".nv.constant3":
			if n := uint64(len(l.cubin.Constant)); s.Value > n || s.Size > n-s.Value {
				return fmt.Errorf("variable %s: bytes %#x to %#x are outside its section", s.Name, s.Value, s.Value+s.Size)
			}
			l.cubin.Constants = append(l.cubin.Constants, Symbol{s.Name, uint32(s.Value), uint32(s.Size)})
		}
	}
	sort.SliceStable(l.cubin.Functions, func(i, j int) bool { return l.cubin.Functions[i].Address < l.cubin.Functions[j].Address })
	sort.SliceStable(l.cubin.Constants, func(i, j int) bool { return l.cubin.Constants[i].Address < l.cubin.Constants[j].Address })
	sort.SliceStable(l.cubin.Globals, func(i, j int) bool { return l.cubin.Globals[i].Address < l.cubin.Globals[j].Address })
	return nil
}

// kernels makes a Kernel of every function that is marked as an entry.
func (l *loader) kernels() error {
	const entry = 0x10 // STO_CUDA_ENTRY in st_other
	for _, s := range l.symbols {
		base, isText := l.text[s.Section]
		if !isText || elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Other&entry == 0 {
			continue
		}
		sec := l.file.Sections[s.Section]
		k := Kernel{
			Name: s.Name, Entry: base + uint32(s.Value), Size: uint32(min(s.Size, sec.Size)), ParamBase: ParamBase,
			Registers: int(sec.Info >> 24), Barriers: int(sec.Flags >> 20 & 0x7f), // as nvdisasm prints SHI_REGISTERS and BARRIERS
		}
		for _, o := range l.kernelSections(s.Name) {
			sec := l.file.Sections[o]
			if sec.Name == ".nv.shared."+s.Name {
				if sec.Size > maxShared {
					return fmt.Errorf("kernel %s: %d bytes of shared memory; at most %d", s.Name, sec.Size, maxShared)
				}
				k.SharedBytes = int(sec.Size)
				continue
			}
			number, _, _ := strings.Cut(strings.TrimPrefix(sec.Name, ".nv.constant"), ".")
			bank, err := strconv.Atoi(number)
			if err != nil || bank < 0 || bank >= ConstBanks {
				return fmt.Errorf("section %s: constant bank %q; 0 to %d are allowed", sec.Name, number, ConstBanks-1)
			}
			if bank != 0 {
				k.Const[bank] = l.data[o]
			}
		}
		l.cubin.Kernels = append(l.cubin.Kernels, k)
	}
	return nil
}

// kernelSections lists the shared and constant sections that belong to a kernel, those of all kernels first.
func (l *loader) kernelSections(name string) []elf.SectionIndex {
	var common, own []elf.SectionIndex
	for i, s := range l.file.Sections {
		rest, isConst := strings.CutPrefix(s.Name, ".nv.constant")
		switch {
		case s.Name == ".nv.shared."+name:
			own = append(own, elf.SectionIndex(i))
		case isConst && s.Type == elf.SHT_PROGBITS:
			if _, owner, owned := strings.Cut(rest, "."); !owned {
				common = append(common, elf.SectionIndex(i))
			} else if owner == name {
				own = append(own, elf.SectionIndex(i))
			}
		}
	}
	return append(common, own...)
}

// info reads the .nv.info sections.
func (l *loader) info() error {
	for _, s := range l.file.Sections {
		owner, owned := strings.CutPrefix(s.Name, ".nv.info.")
		if !owned && s.Name != ".nv.info" || s.Type == elf.SHT_NOBITS {
			continue
		}
		b, err := s.Data()
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		for at := 0; at+4 <= len(b); {
			format, attr, value := b[at], b[at+1], binary.LittleEndian.Uint16(b[at+2:])
			at += 4
			var payload []byte
			const sized = 4 // EIFMT_SVAL: value is the number of bytes that follow
			if format == sized {
				if int(value) > len(b)-at {
					return fmt.Errorf("section %s: attribute %#x at byte %d of %d bytes passes the end", s.Name, attr, at-4, value)
				}
				payload = b[at : at+int(value)]
				at += int(value)
			}
			if err := l.attribute(owner, attr, payload); err != nil {
				return fmt.Errorf("section %s: attribute %#x at byte %d: %w", s.Name, attr, at-4-len(payload), err)
			}
		}
	}
	for i := range l.cubin.Kernels {
		k := &l.cubin.Kernels[i]
		sort.SliceStable(k.Params, func(i, j int) bool { return k.Params[i].Index < k.Params[j].Index })
		end := 0
		for j, p := range k.Params {
			if p.Index != j || p.Offset < end {
				return fmt.Errorf("kernel %s: parameter %d at offset %d overlaps or is out of order", k.Name, p.Index, p.Offset)
			}
			end = p.Offset + p.Size
		}
		k.ParamBytes = max(k.ParamBytes, end)
	}
	return nil
}

// attribute applies one attribute of .nv.info (owner "", the symbol is in the payload) or .nv.info.<kernel>.
func (l *loader) attribute(owner string, attr byte, b []byte) error {
	word := func(i int) int { return int(int32(binary.LittleEndian.Uint32(b[4*i:]))) }
	need := map[byte]int{attrMaxThreads: 12, attrReqThreads: 12, attrParamCBank: 8, attrFrameSize: 8, attrMinStack: 8, attrMaxStack: 8, attrRegCount: 8, attrParam: 12}[attr]
	if len(b) < need {
		return fmt.Errorf("%d bytes, want %d", len(b), need)
	}
	switch attr {
	case attrMaxThreads, attrReqThreads:
		if k := l.cubin.Kernel(owner); k != nil {
			n := uint64(uint32(word(0))) * uint64(uint32(word(1)))
			if n > 1024 || n*uint64(uint32(word(2))) > 1024 {
				return fmt.Errorf("blocks of %d x %d x %d threads; at most 1024", uint32(word(0)), uint32(word(1)), uint32(word(2)))
			}
			k.MaxThreads = int(n) * word(2)
		}
	case attrParamCBank:
		if k := l.cubin.Kernel(owner); k != nil {
			k.ParamBase, k.ParamBytes = word(1)&0xffff, word(1)>>16&0xffff
		}
	case attrParam:
		if k := l.cubin.Kernel(owner); k != nil {
			if len(k.Params) >= 4096 {
				return errors.New("more than 4096 parameters")
			}
			place, size := uint32(word(1)), uint32(word(2))
			k.Params = append(k.Params, Param{Index: int(place & 0xffff), Offset: int(place >> 16), Size: int(size >> 18)})
		}
	case attrRegCount, attrFrameSize, attrMinStack, attrMaxStack:
		n, index := word(1), word(0)
		if index < 1 || index > len(l.symbols) {
			return fmt.Errorf("symbol %d of %d", index, len(l.symbols))
		}
		unbounded := n == -1 && (attr == attrMinStack || attr == attrMaxStack) // as debug code says of recursion
		if n < 0 && !unbounded {
			return fmt.Errorf("value %d", n)
		}
		sym := l.symbols[index-1]
		for i := range l.cubin.Kernels {
			k := &l.cubin.Kernels[i]
			base, isText := l.text[sym.Section]
			if !isText || base+uint32(sym.Value) < k.Entry || base+uint32(sym.Value) >= k.Entry+k.Size {
				continue
			}
			isKernel := base+uint32(sym.Value) == k.Entry
			switch {
			case attr == attrRegCount && isKernel:
				k.Registers = n
			case attr == attrRegCount:
			case isKernel && unbounded:
				k.Recursive = true
			case isKernel:
				k.LocalBytes = max(k.LocalBytes, n)
			}
		}
	case attrBranchTables:
		return l.jumpTables(owner, b)
	}
	return nil
}

// recursion marks the kernels in which a function can call itself, directly or not: the compiler's bound of their stack
// counts each function once.
func (l *loader) recursion() error {
	c := l.cubin
	functionAt := func(pc uint32) int {
		return sort.Search(len(c.Functions), func(i int) bool { return c.Functions[i].Address > pc }) - 1
	}
	for i := range c.Kernels {
		k := &c.Kernels[i]
		last := min(uint64(k.Entry)+uint64(k.Size), uint64(len(c.Image)))
		insts := c.Insts[min(k.Entry/GroupBytes*3, uint32(len(c.Insts))):]
		calls := map[int][]int{}
		var open []int // functions that call through pointers, and the functions of the kernel
		all := map[int]bool{}
		for j := range insts {
			in := &insts[j]
			if uint64(in.PC) >= last {
				break
			}
			from := functionAt(in.PC)
			all[from] = true
			switch in.Op {
			case OpCAL, OpJCAL:
				if o := &in.Operands[0]; o.Kind == KindLabel || o.Kind == KindImm {
					if to := functionAt(uint32(o.Value)); len(calls[from]) == 0 || calls[from][len(calls[from])-1] != to {
						calls[from] = append(calls[from], to)
					}
				}
			case OpPRET:
				open = append(open, from)
			}
		}
		for _, from := range open {
			for to := range all {
				if to != functionAt(k.Entry) {
					calls[from] = append(calls[from], to)
				}
			}
		}
		const underWay, done = 1, 2
		state := map[int]int{}
		var cycle func(f int) bool
		cycle = func(f int) bool {
			state[f] = underWay
			for _, to := range calls[f] {
				if state[to] == underWay || state[to] == 0 && cycle(to) {
					return true
				}
			}
			state[f] = done
			return false
		}
		k.Recursive = cycle(functionAt(k.Entry)) || k.Recursive
	}
	return nil
}

// jumpTables reads the targets of indirect branches: branch, 4 unused bytes, count, targets; again.
func (l *loader) jumpTables(owner string, b []byte) error {
	k := l.cubin.Kernel(owner)
	if k == nil {
		return nil
	}
	for len(b) > 0 {
		if len(b) < 12 {
			return fmt.Errorf("%d bytes at the end", len(b))
		}
		branch, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[8:])
		b = b[12:]
		if uint64(n)*4 > uint64(len(b)) {
			return fmt.Errorf("%d targets in %d bytes", n, len(b))
		}
		t := JumpTable{Branch: k.Entry + branch, Targets: make([]uint32, n)}
		for i := range t.Targets {
			if t.Targets[i] = k.Entry + binary.LittleEndian.Uint32(b[4*i:]); t.Targets[i] >= uint32(len(l.cubin.Image)) {
				return fmt.Errorf("target %#x of the branch at %#x is outside the code", t.Targets[i], t.Branch)
			}
		}
		k.JumpTables = append(k.JumpTables, t)
		b = b[4*n:]
	}
	return nil
}

// relocate applies relocations that need no global base and keeps the others for Link.
func (l *loader) relocate() error {
	for _, s := range l.file.Sections {
		if s.Type != elf.SHT_REL && s.Type != elf.SHT_RELA {
			continue
		}
		entry := 16
		if s.Type == elf.SHT_RELA {
			entry = 24
		}
		index := elf.SectionIndex(s.Info)
		target := l.data[index]
		base, isText := l.text[index]
		if isText {
			target = l.cubin.Image[base : int(base)+len(target)]
		}
		if at, isGlobal := l.global[index]; isGlobal && target != nil {
			target = l.cubin.GlobalInit[at:][:len(target)]
		}
		if target == nil {
			continue // debug information
		}
		b, err := s.Data()
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		for ; len(b) >= entry; b = b[entry:] {
			offset, info := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
			var addend *int64
			if entry == 24 {
				a := int64(binary.LittleEndian.Uint64(b[16:]))
				addend = &a
			}
			if err := l.relocation(target, base, isText, offset, uint32(info), int(info>>32), addend); err != nil {
				return fmt.Errorf("section %s: relocation of %#x: %w", s.Name, offset, err)
			}
		}
	}
	return nil
}

// relocation applies or keeps one relocation; without an addend, the place holds it.
// base is the place of the target in the image if it is code.
func (l *loader) relocation(target []byte, base uint32, isCode bool, offset uint64, kind uint32, symbol int, addend *int64) error {
	if symbol < 1 || symbol > len(l.symbols) {
		return fmt.Errorf("symbol %d of %d", symbol, len(l.symbols))
	}
	sym := l.symbols[symbol-1]
	size := uint64(8)
	if kind == rel32 || kind == relG32 {
		size = 4
	}
	if offset > uint64(len(target)) || size > uint64(len(target))-offset {
		return fmt.Errorf("outside its section of %d bytes", len(target))
	}
	place := target[offset : offset+size]
	textBase, isText := l.text[sym.Section]
	globalBase, isGlobal := l.global[sym.Section]
	value := sym.Value
	if addend != nil {
		value += uint64(*addend)
	}
	switch kind {
	case rel32, relG32:
		if addend == nil {
			value += uint64(binary.LittleEndian.Uint32(place))
		}
	case rel64, relG64:
		if addend == nil {
			value += binary.LittleEndian.Uint64(place)
		}
	case relABS32, relABS32LO, relABS32HI:
		if isGlobal && isCode && offset%WordBytes == 0 && offset%GroupBytes != 0 {
			// Debug code takes addresses so. The place holds no addend: LO and HI would have to be added up.
			l.cubin.instRelocs = append(l.cubin.instRelocs, instReloc{base + uint32(offset), globalBase + value, kind})
			return nil
		}
		if !isText {
			return fmt.Errorf("%s: address of data in an instruction is not supported", sym.Name)
		}
		value += uint64(textBase)
		if kind == relABS32HI {
			value >>= 32
		}
		w := binary.LittleEndian.Uint64(place)
		binary.LittleEndian.PutUint64(place, w&^(0xffffffff<<20)|(value&0xffffffff)<<20)
		return nil
	default:
		return fmt.Errorf("%s: relocation type %d is not supported", sym.Name, kind)
	}
	switch {
	case isGlobal:
		l.cubin.relocs = append(l.cubin.relocs, reloc{place, globalBase + value})
	case isText:
		put(place, value+uint64(textBase))
	case sym.Section == elf.SHN_UNDEF:
		return fmt.Errorf("symbol %s is not defined in the file", sym.Name)
	default: // an offset in a constant bank
		put(place, value)
	}
	return nil
}

// put stores the low bytes of value.
func put(place []byte, value uint64) {
	if len(place) == 4 {
		binary.LittleEndian.PutUint32(place, uint32(value))
		return
	}
	binary.LittleEndian.PutUint64(place, value)
}

// decode decodes the image.
func (l *loader) decode() error {
	insts, err := DecodeAll(l.cubin.Image)
	if err != nil {
		return err
	}
	l.cubin.Insts = insts
	return nil
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
		w := binary.LittleEndian.Uint64(place)&^(0xffffffff<<20) | v&0xffffffff<<20
		in := &c.Insts[r.pc/GroupBytes*3+r.pc%GroupBytes/WordBytes-1]
		linked, err := Decode(w, in.PC, in.Control)
		if err != nil {
			return fmt.Errorf("cubin: linking: %w", err)
		}
		binary.LittleEndian.PutUint64(place, w)
		*in = linked
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
