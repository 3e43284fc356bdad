package isa

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Limits on what a file may ask for, so that a damaged one is an error and not an allocation.
const (
	maxShared = 1 << 20
	maxGlobal = 1 << 32
	maxImage  = 1 << 30 // code addresses have 32 bits
)

// Attributes of .nv.info sections, after cuobjdump -elf.
const (
	attrMaxThreads   = 0x05
	attrParamCBank   = 0x0a
	attrExterns      = 0x0f
	attrReqThreads   = 0x10
	attrFrameSize    = 0x11
	attrMinStack     = 0x12
	attrParam        = 0x17
	attrCaching      = 0x21 // EIATTR_EXPLICIT_CACHING, without a value
	attrMaxStack     = 0x23
	attrRegCount     = 0x2f
	attrBranchTables = 0x34
	attrSystemCalls  = 0x46
)

// machineCUDA is the ELF machine of cubins.
const machineCUDA = 190

// loader is the state of ReadCubin.
type loader struct {
	cubin   *Cubin
	file    *elf.File
	symbols []elf.Symbol // index 0 is symbol 1
	text    map[elf.SectionIndex]uint32
	global  map[elf.SectionIndex]uint64
	data    map[elf.SectionIndex][]byte // contents that relocations write to
	bank    map[elf.SectionIndex]int    // of constant sections
	externs map[int]uint32              // places of the run-time system's functions, by symbol
	kernel  map[string]int              // indices in cubin.Kernels
	section map[elf.SectionIndex][]int  // the same, by section
	place   map[string]uint32           // of text sections, by the function's name
	owned   map[string][]elf.SectionIndex
	lines   elf.SectionIndex // of the line table, 0 = none
}

// ReadCubin loads a cubin of a family that has an ABI: links its code into one image and collects what kernels need.
// Code is
// decoded where it is asked for, so what cannot be decoded is an error of the kernel that has it. It allocates at most
// 64 times the size of data.
func ReadCubin(data []byte) (*Cubin, error) {
	c, err := readCubin(data)
	if err != nil {
		return nil, fmt.Errorf("cubin: %w", err)
	}
	return c, nil
}

func readCubin(data []byte) (*Cubin, error) {
	f, err := openELF(data)
	if err == nil && f.Type == elf.ET_REL && f.Machine == machineCUDA {
		if data, err = LinkObjects(Object{"object", data}); err == nil {
			f, err = openELF(data)
		}
	}
	if err != nil {
		return nil, err
	}
	if f.Class != elf.ELFCLASS64 || f.Machine != machineCUDA {
		return nil, fmt.Errorf("ELF class %v, machine %d: want a 64-bit file for CUDA (machine %d)",
			f.Class, f.Machine, machineCUDA)
	}
	arch := ArchOf(data)
	family := FamilyOf(arch)
	if family == nil || family.ABI == nil {
		return nil, fmt.Errorf("code for sm_%d is not loaded; %s is", arch, loaded())
	}
	l := &loader{cubin: &Cubin{Arch: arch, Code: Code{Family: family, Jumps: map[uint32][]uint32{},
		Calls: map[uint32]bool{}, Flaws: map[uint32]error{}}}, file: f,
		text: map[elf.SectionIndex]uint32{}, global: map[elf.SectionIndex]uint64{}, data: map[elf.SectionIndex][]byte{},
		bank: map[elf.SectionIndex]int{}, externs: map[int]uint32{}, place: map[string]uint32{}, kernel: map[string]int{},
		section: map[elf.SectionIndex][]int{}, owned: map[string][]elf.SectionIndex{}}
	if l.symbols, err = f.Symbols(); err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, err
	}
	for _, step := range []func() error{l.layout, l.functions, l.kernels, l.info, l.relocate} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l.cubin, nil
}

// loaded lists the architectures whose code is loaded.
func loaded() string {
	var list []string
	for _, f := range families {
		if f.ABI == nil {
			continue
		}
		s := fmt.Sprintf("sm_%d", f.First)
		if f.Last > f.First {
			s += fmt.Sprintf(" to sm_%d", f.Last)
		}
		list = append(list, s)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// layout reads sections and places code and globals.
func (l *loader) layout() error {
	c := l.cubin
	var globals []elf.SectionIndex
	for i, s := range l.file.Sections {
		index := elf.SectionIndex(i)
		name, isText := strings.CutPrefix(s.Name, ".text.")
		isGlobal := s.Name == ".nv.global" || s.Name == ".nv.global.init"
		constant, isConst := strings.CutPrefix(s.Name, ".nv.constant")
		full := !noBits(s.Type)
		if (isText || isGlobal || isConst) && full {
			b, err := s.Data()
			if err != nil {
				return fmt.Errorf("section %s: %w", s.Name, err)
			}
			l.data[index] = b
		}
		if s.Name == ".debug_line" && full {
			if err := l.lineSection(index, s); err != nil {
				return err
			}
		}
		switch owner, shared := strings.CutPrefix(s.Name, ".nv.shared."); {
		case isText:
			b := l.data[index]
			if group := c.Family.GroupBytes; uint32(len(b))%group != 0 {
				return fmt.Errorf("section %s: %d bytes are not whole groups of %d", s.Name, len(b), group)
			}
			if len(c.Image)+len(b) > maxImage {
				return fmt.Errorf("section %s: code exceeds %d bytes", s.Name, maxImage)
			}
			l.text[index], l.place[name] = uint32(len(c.Image)), uint32(len(c.Image))
			c.Sections = append(c.Sections, Symbol{Name: name, Address: uint32(len(c.Image)), Size: uint32(len(b))})
			c.Image = append(c.Image, b...)
		case isGlobal && full:
			globals = append([]elf.SectionIndex{index}, globals...) // initialised ones first
		case isGlobal:
			globals = append(globals, index)
		case isConst && full:
			number, owner, _ := strings.Cut(constant, ".")
			bank, err := strconv.Atoi(number)
			if err != nil || bank < 0 || bank >= ConstBanks {
				return fmt.Errorf("section %s: constant bank %q; 0 to %d are allowed", s.Name, number, ConstBanks-1)
			}
			l.bank[index] = bank
			l.owned[owner] = append(l.owned[owner], index)
			if constant == "3" {
				c.Constant = l.data[index]
			}
		case shared:
			l.owned[owner] = append(l.owned[owner], index)
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

// stManaged is the bit of a symbol's st_other that ptxas sets for __managed__ variables (seen in its files of CUDA 12
// and 13).
const stManaged = 4

// functions collects the symbols of code and of global variables, and gives functions that the file lacks a place: they
// are CUDA's own.
func (l *loader) functions() error {
	const object = 13 // what object files have for STT_OBJECT
	c := l.cubin
	for i, s := range l.symbols {
		kind := elf.ST_TYPE(s.Info)
		isObject := kind == elf.STT_OBJECT || kind == object
		base, isText := l.text[s.Section]
		switch offset, isGlobal := l.global[s.Section]; {
		case isText && kind == elf.STT_FUNC:
			if s.Value%uint64(l.cubin.Family.WordBytes) != 0 || s.Value > l.file.Sections[s.Section].Size {
				return fmt.Errorf("function %s: address %#x is outside its section", s.Name, s.Value)
			}
			c.Functions = append(c.Functions,
				Symbol{Name: s.Name, Address: base + uint32(s.Value), Size: uint32(min(s.Size, maxImage))})
		case s.Section == elf.SHN_UNDEF && kind == elf.STT_FUNC:
			at := uint32(len(c.Image))
			l.externs[i+1] = at
			c.Externs = append(c.Externs, Symbol{Name: s.Name, Address: at, Size: c.Family.GroupBytes})
			c.Image = append(c.Image, externGroup[:c.Family.GroupBytes]...)
		case isGlobal && isObject:
			if s.Value > l.file.Sections[s.Section].Size || s.Size > l.file.Sections[s.Section].Size-s.Value {
				return fmt.Errorf("variable %s: bytes %#x to %#x are outside its section", s.Name, s.Value, s.Value+s.Size)
			}
			c.Globals = append(c.Globals,
				Symbol{s.Name, uint32(offset + s.Value), uint32(s.Size), s.Other&stManaged != 0})
		case isObject && int(s.Section) < len(l.file.Sections) && l.file.Sections[s.Section].Name == ".nv.constant3":
			if n := uint64(len(c.Constant)); s.Value > n || s.Size > n-s.Value {
				return fmt.Errorf("variable %s: bytes %#x to %#x are outside its section", s.Name, s.Value, s.Value+s.Size)
			}
			c.Constants = append(c.Constants, Symbol{Name: s.Name, Address: uint32(s.Value), Size: uint32(s.Size)})
		}
	}
	for _, list := range [][]Symbol{c.Functions, c.Constants, c.Globals} {
		sort.SliceStable(list, func(i, j int) bool { return list[i].Address < list[j].Address })
	}
	return nil
}

// externGroup stands in the image for a function of CUDA's run-time system, and is never decoded: of Maxwell it is RET
// and two NOPs.
var externGroup = func() (b []byte) {
	for _, w := range [...]uint64{0x001f8000fc0007e0, 0xe32000000007000f, 0x50b0000000070f00, 0x50b0000000070f00} {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}()

// kernels makes a Kernel of every function that is marked as an entry.
func (l *loader) kernels() error {
	for _, s := range l.symbols {
		base, isText := l.text[s.Section]
		if !isText || elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Other&entryFlag == 0 {
			continue
		}
		sec := l.file.Sections[s.Section]
		k := Kernel{
			Name: s.Name, Entry: base + uint32(s.Value), Size: uint32(min(s.Size, sec.Size)),
			ParamBase: int(l.cubin.Family.ABI.Params),
			// as nvdisasm prints SHI_REGISTERS and BARRIERS
			Registers: int(sec.Info >> 24), Barriers: int(sec.Flags >> 20 & 0x7f),
		}
		// Sections of all kernels first.
		for _, index := range slices.Concat(l.owned[""], l.owned[s.Name]) {
			if sec := l.file.Sections[index]; sec.Name == ".nv.shared."+s.Name {
				if sec.Size > maxShared {
					return fmt.Errorf("kernel %s: %d bytes of shared memory; at most %d", s.Name, sec.Size, maxShared)
				}
				k.SharedBytes = int(sec.Size)
			} else if bank := l.bank[index]; bank != 0 {
				k.Const[bank] = l.data[index]
			}
		}
		n := len(l.cubin.Kernels)
		l.kernel[s.Name] = n
		l.section[s.Section] = append(l.section[s.Section], n)
		l.cubin.Kernels = append(l.cubin.Kernels, k)
	}
	return nil
}

// info reads the .nv.info sections.
func (l *loader) info() error {
	for _, s := range l.file.Sections {
		owner, owned := strings.CutPrefix(s.Name, ".nv.info.")
		if !owned && s.Name != ".nv.info" || noBits(s.Type) {
			continue
		}
		b, err := s.Data()
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		if err := l.attributes(owner, b); err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
	}
	for i := range l.cubin.Kernels {
		k := &l.cubin.Kernels[i]
		sort.SliceStable(k.Params, func(i, j int) bool { return k.Params[i].Index < k.Params[j].Index })
		end := 0
		for j, p := range k.Params {
			if p.Index != j || p.Offset < end {
				k.Flaw = fmt.Errorf("kernel %s: parameter %d at offset %d overlaps or is out of order", k.Name, p.Index, p.Offset)
				break
			}
			end = p.Offset + p.Size
		}
		k.ParamBytes = max(k.ParamBytes, end)
		if base, most := int(l.cubin.Family.ABI.Params), maxParams(l.cubin.Arch); k.Flaw == nil &&
			(k.ParamBase < base || k.ParamBase > base+most || k.ParamBytes > most) {
			k.Flaw = fmt.Errorf(
				"kernel %s: %d bytes of parameters at %#x of constant bank 0; at most %d from %#x on are allowed", k.Name,
				k.ParamBytes, k.ParamBase, most, base)
		}
	}
	return nil
}

// maxParams is how many bytes of parameters a kernel of an architecture can have (CUDA C++ programming guide,
// “__global__ function parameters”).
func maxParams(arch int) int {
	const volta = 70
	if arch >= volta {
		return 32764
	}
	return 4096
}

// attributes applies those in b, which are the owner's: a function, or "" for all.
func (l *loader) attributes(owner string, b []byte) error {
	var k *Kernel
	if i, ok := l.kernel[owner]; ok {
		k = &l.cubin.Kernels[i]
	}
	for at := 0; at+4 <= len(b); {
		format, attr, value := b[at], b[at+1], binary.LittleEndian.Uint16(b[at+2:])
		at += 4
		var payload []byte
		const sized = 4 // EIFMT_SVAL: value is the number of bytes that follow
		if format == sized {
			if int(value) > len(b)-at {
				return fmt.Errorf("attribute %#x at byte %d of %d bytes passes the end", attr, at-4, value)
			}
			payload = b[at : at+int(value)]
			at += int(value)
		}
		var err error
		switch attr {
		case attrBranchTables, attrSystemCalls:
			err = l.branches(owner, attr, payload)
		case attrRegCount, attrFrameSize, attrMinStack, attrMaxStack:
			err = l.functionAttribute(attr, payload)
		default:
			if k != nil {
				err = l.kernelAttribute(k, attr, payload)
			}
		}
		if err != nil {
			return fmt.Errorf("attribute %#x at byte %d: %w", attr, at-4-len(payload), err)
		}
	}
	return nil
}

// kernelAttribute applies an attribute of .nv.info.<kernel>.
func (l *loader) kernelAttribute(k *Kernel, attr byte, b []byte) error {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	if need := map[byte]int{attrMaxThreads: 12, attrReqThreads: 12, attrParamCBank: 8, attrParam: 12}[attr]; len(b) <
		need {
		return fmt.Errorf("%d bytes, want %d", len(b), need)
	}
	switch attr {
	case attrMaxThreads, attrReqThreads:
		n := uint64(word(0)) * uint64(word(1))
		if n > 1024 || n*uint64(word(2)) > 1024 {
			return fmt.Errorf("blocks of %d x %d x %d threads; at most 1024", word(0), word(1), word(2))
		}
		k.MaxThreads = int(n) * int(word(2))
	case attrCaching:
		k.CacheLoads = true
	case attrParamCBank:
		k.ParamBase, k.ParamBytes = int(word(1)&0xffff), int(word(1)>>16)
	case attrParam:
		if len(k.Params) >= 4096 {
			return errors.New("more than 4096 parameters")
		}
		place, size := word(1), word(2)
		k.Params = append(k.Params, Param{Index: int(place & 0xffff), Offset: int(place >> 16), Size: int(size >> 18)})
	case attrExterns:
		for i := range len(b) / 4 {
			if n := int(word(i)); n >= 1 && n <= len(l.symbols) {
				if _, ok := l.externs[n]; ok {
					k.Externs = append(k.Externs, l.symbols[n-1].Name)
				}
			}
		}
	}
	return nil
}

// functionAttribute applies an attribute of .nv.info that names a function: registers and stack.
func (l *loader) functionAttribute(attr byte, b []byte) error {
	if len(b) < 8 {
		return fmt.Errorf("%d bytes, want 8", len(b))
	}
	index, n := int(int32(binary.LittleEndian.Uint32(b))), int(int32(binary.LittleEndian.Uint32(b[4:])))
	if index < 1 || index > len(l.symbols) {
		return fmt.Errorf("symbol %d of %d", index, len(l.symbols))
	}
	unbounded := n == -1 && (attr == attrMinStack || attr == attrMaxStack) // as debug code says of recursion
	if n < 0 && !unbounded {
		return fmt.Errorf("value %d", n)
	}
	sym := l.symbols[index-1]
	base, isText := l.text[sym.Section]
	if !isText {
		return nil
	}
	at := base + uint32(sym.Value)
	for _, i := range l.section[sym.Section] {
		k := &l.cubin.Kernels[i]
		if at < k.Entry || at >= k.Entry+k.Size {
			continue
		}
		isKernel := at == k.Entry
		switch {
		case attr == attrRegCount && isKernel:
			k.Registers = n
		case attr == attrRegCount:
		case isKernel && unbounded:
			k.unbounded = true
		case isKernel:
			k.LocalBytes = max(k.LocalBytes, n)
		}
	}
	return nil
}

// branches reads which instructions of a function branch to computed addresses: attrBranchTables has the branch, 4
// unused bytes, a count and the targets, again and again; attrSystemCalls those that call CUDA's run-time system.
func (l *loader) branches(owner string, attr byte, b []byte) error {
	c := l.cubin
	base, ok := l.place[owner]
	if !ok {
		return nil
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	if attr == attrSystemCalls {
		for i := range len(b) / 4 {
			c.Calls[base+word(i)] = true
		}
		return nil
	}
	for len(b) > 0 {
		if len(b) < 12 {
			return fmt.Errorf("%d bytes at the end", len(b))
		}
		branch, n := word(0), word(2)
		b = b[12:]
		if uint64(n)*4 > uint64(len(b)) {
			return fmt.Errorf("%d targets in %d bytes", n, len(b))
		}
		targets := make([]uint32, n)
		for i := range targets {
			if targets[i] = base + word(i); targets[i] >= uint32(len(c.Image)) {
				return fmt.Errorf("target %#x of the branch at %#x is outside the code", targets[i], base+branch)
			}
		}
		c.Jumps[base+branch] = targets
		b = b[4*n:]
	}
	return nil
}
