package isa

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Object is a relocatable cubin, as ptxas -c and nvcc -dc make it.
type Object struct {
	Name string // in messages
	Data []byte
}

// SystemCalls are the functions of CUDA's run-time system that are known: an object does not say which of the
// functions that it lacks are these, and which are to come from other objects.
var SystemCalls = []string{"vprintf", "__assertfail", "malloc", "free"}

// Types of NVIDIA's sections, and the bits of a symbol's st_other that tell shared variables.
const (
	typeShared  = 0x7000000a
	typeInfo    = 0x70000000
	otherShared = 0x40
	typeObject  = 13 // of symbols in objects, for STT_OBJECT
)

// LinkObjects links objects into one cubin, as nvlink does: symbols across files; constants, shared variables,
// registers and stack of the functions that a kernel can reach are counted into the kernel's. A function that no
// object defines stays undefined: the kernels that reach it cannot be launched. What is not for execution (debug
// sections but for the line table, call graphs) is left out.
func LinkObjects(objects ...Object) ([]byte, error) {
	l := &linker{globals: map[string]*linkSymbol{}, named: map[string]*outSection{},
		variables: map[*linkSymbol]*variable{}}
	for i := range objects {
		if err := l.read(&objects[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", objects[i].Name, err)
		}
	}
	for _, step := range []func(*linkObject) error{l.define, l.place, l.relocations, l.attributes} {
		for _, o := range l.objects {
			if err := step(o); err != nil {
				return nil, fmt.Errorf("%s: %w", o.name, err)
			}
		}
	}
	if err := l.reach(); err != nil {
		return nil, err
	}
	if err := l.layout(); err != nil {
		return nil, err
	}
	return l.file(), nil
}

// linker is the state of LinkObjects.
type linker struct {
	family  *Family
	arch    int
	objects []*linkObject
	globals map[string]*linkSymbol // by name

	sections  []*outSection
	named     map[string]*outSection
	functions []*function
	variables map[*linkSymbol]*variable // shared ones
	shared    []*variable               // the same, in the order of the files
	pool      [ConstBanks]*outSection   // constants of functions that are no kernels
}

// linkObject is an object that is being linked.
type linkObject struct {
	name    string
	file    *elf.File
	symbols []*linkSymbol // of each symbol of the file, from 1 on; nil = not kept
	data    map[int][]byte
	to      map[int]placement // where sections go; the others are left out
}

// placement is a part of an output section.
type placement struct {
	section *outSection
	offset  uint64
}

// linkSymbol is a symbol of the output. Objects share the global ones.
type linkSymbol struct {
	elf.Symbol
	place placement   // of its section; none = not defined
	from  *linkObject // that defines it
	index uint32      // in the output
}

// outSection is a section of the output.
type outSection struct {
	name     string
	kind     elf.SectionType
	flags    uint64
	align    uint64
	data     []byte
	size     uint64 // of data, or without any
	relocs   []outReloc
	function *function // whose code it is
	owner    *outSection
	index    uint32 // in the file
	order    int    // among the sections
}

// outReloc is a relocation of an output section.
type outReloc struct {
	offset uint64
	kind   uint32
	symbol *linkSymbol
	addend *int64
}

// function is a text section: a kernel or a function, with what ptxas has put behind it.
type function struct {
	name      string
	section   *outSection
	kernel    bool
	registers uint32 // its own; a kernel's become those of all that it reaches
	barriers  uint64
	frame     int // bytes of stack of all functions in the section
	info      []byte
	externs   []*linkSymbol // functions of the run-time system that it calls
	params    *linkSymbol   // its parameters in c[0], which info names at byte paramsAt; nil = none
	paramsAt  int
	constants map[int]*outSection // its own banks, of a kernel

	calls   []*function
	pointer bool // it calls through a pointer
	taken   bool // its address is taken
	reached []*function
	deepest int // bytes of stack
	cyclic  bool
}

// variable is a shared variable.
type variable struct {
	owner  *function // kernel that it is the own one of; nil = of functions
	size   uint64
	align  uint64
	offset uint64
}

// read opens an object and gives its symbols their places among all.
func (l *linker) read(in *Object) error {
	f, err := openELF(in.Data)
	if err != nil {
		return err
	}
	if f.Type != elf.ET_REL {
		return errors.New("is linked already: only objects (ptxas -c, nvcc -dc) can be linked with others")
	}
	arch := ArchOf(in.Data)
	if l.family == nil {
		l.family, l.arch = FamilyOf(arch), arch
	}
	switch {
	case l.family == nil || l.family.ABI == nil:
		return fmt.Errorf("code for sm_%d cannot be linked", arch)
	case arch != l.arch:
		return fmt.Errorf("code for sm_%d, and %s is for sm_%d", arch, l.objects[0].name, l.arch)
	}
	symbols, err := f.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return err
	}
	o := &linkObject{name: in.Name, file: f, symbols: make([]*linkSymbol, len(symbols)), data: map[int][]byte{},
		to: map[int]placement{}}
	for i, s := range f.Sections {
		if !noBits(s.Type) {
			if o.data[i], err = s.Data(); err != nil {
				return fmt.Errorf("section %s: %w", s.Name, err)
			}
		}
	}
	for i := range symbols {
		if o.symbols[i], err = l.symbol(o, &symbols[i]); err != nil {
			return err
		}
	}
	l.objects = append(l.objects, o)
	return nil
}

// symbol returns the symbol of the output that s of an object stands for.
func (l *linker) symbol(o *linkObject, s *elf.Symbol) (*linkSymbol, error) {
	if s.Section != elf.SHN_UNDEF && int(s.Section) >= len(o.file.Sections) {
		return nil, fmt.Errorf("symbol %s is in section %d of %d", s.Name, s.Section, len(o.file.Sections))
	}
	bind := elf.ST_BIND(s.Info)
	own := &linkSymbol{Symbol: *s, from: o}
	if bind == elf.STB_LOCAL {
		return own, nil
	}
	have := l.globals[s.Name]
	switch {
	case have == nil:
		l.globals[s.Name] = own
		return own, nil
	case s.Section == elf.SHN_UNDEF:
	case have.Section == elf.SHN_UNDEF || elf.ST_BIND(have.Info) == elf.STB_WEAK && bind != elf.STB_WEAK:
		have.Symbol, have.from = *s, o
	case bind != elf.STB_WEAK && elf.ST_BIND(have.Info) != elf.STB_WEAK:
		return nil, fmt.Errorf("%s is defined here and in %s", s.Name, have.from.name)
	}
	return have, nil
}

// defines tells whether the object is where s comes from; a weak function may stand in several.
func (o *linkObject) defines(s *linkSymbol) bool { return s.from == o && s.Section != elf.SHN_UNDEF }

// define makes the functions of the object: its text sections but those whose function another object defines.
func (l *linker) define(o *linkObject) error {
	for i, s := range o.file.Sections {
		name, ok := strings.CutPrefix(s.Name, ".text.")
		if !ok {
			continue
		}
		group := uint64(l.family.GroupBytes)
		if uint64(len(o.data[i]))%group != 0 {
			return fmt.Errorf("section %s: %d bytes are not whole groups of %d", s.Name, len(o.data[i]), group)
		}
		if g := l.globals[name]; g != nil && !o.defines(g) {
			continue
		}
		f := &function{name: name, registers: s.Info >> 24, barriers: uint64(s.Flags) >> 20 & 0x7f,
			constants: map[int]*outSection{}}
		for _, sym := range o.symbols {
			if sym.Name == name && int(sym.Section) == i && o.defines(sym) {
				f.kernel = sym.Other&entryFlag != 0
			}
		}
		f.section = l.section(s.Name, elf.SHT_PROGBITS, uint64(s.Flags)&0xfffff, max(s.Addralign, group))
		f.section.function = f
		f.section.data = slices.Clone(o.data[i])
		o.to[i] = placement{section: f.section}
		l.functions = append(l.functions, f)
	}
	return nil
}

// section makes an output section, or finds the one of that name.
func (l *linker) section(name string, kind elf.SectionType, flags, align uint64) *outSection {
	s := l.named[name]
	if s == nil {
		s = &outSection{name: name, kind: kind, flags: flags, order: len(l.sections)}
		l.named[name] = s
		l.sections = append(l.sections, s)
	}
	s.align = max(s.align, align, 1)
	return s
}

// add appends data, or size bytes without any, to a section.
func (s *outSection) add(data []byte, size, align uint64) placement {
	at := roundUp(max(s.size, uint64(len(s.data))), max(align, 1))
	s.align = max(s.align, align)
	if s.kind != elf.SHT_NOBITS {
		s.data = append(s.data, make([]byte, at-uint64(len(s.data)))...)
		s.data = append(s.data, data...)
	}
	s.size = at + size
	return placement{s, at}
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

// function returns the function of that name that has been kept, nil if there is none.
func (l *linker) function(name string) *function {
	if s := l.named[".text."+name]; s != nil {
		return s.function
	}
	return nil
}

// place finds places for the sections of variables and constants, and makes the symbols point there.
func (l *linker) place(o *linkObject) error {
	for i, s := range o.file.Sections {
		if s.Size > maxGlobal || s.Addralign > 1<<16 {
			return fmt.Errorf("section %s: %d bytes aligned to %d are too many", s.Name, s.Size, s.Addralign)
		}
		constant, isConst := strings.CutPrefix(s.Name, ".nv.constant")
		switch {
		case s.Name == ".nv.global":
			o.to[i] = l.section(s.Name, elf.SHT_NOBITS, uint64(s.Flags), s.Addralign).add(nil, s.Size, s.Addralign)
		case s.Name == ".nv.global.init", s.Name == ".debug_line", constant == "3":
			o.to[i] = l.section(s.Name, elf.SHT_PROGBITS, uint64(s.Flags), s.Addralign).add(o.data[i], s.Size, s.Addralign)
		case isConst:
			number, owner, _ := strings.Cut(constant, ".")
			bank, err := strconv.Atoi(number)
			if err != nil || bank < 0 || bank >= ConstBanks {
				return fmt.Errorf("section %s: constant bank %q; 0 to %d are allowed", s.Name, number, ConstBanks-1)
			}
			f := l.function(owner)
			switch {
			case f == nil || !o.has(f):
			case f.kernel:
				f.constants[bank] = l.section(s.Name, elf.SHT_PROGBITS, uint64(s.Flags), s.Addralign)
				f.constants[bank].owner = f.section
				o.to[i] = f.constants[bank].add(o.data[i], s.Size, s.Addralign)
			default:
				if l.pool[bank] == nil {
					l.pool[bank] = &outSection{kind: elf.SHT_PROGBITS, flags: uint64(s.Flags)}
				}
				o.to[i] = l.pool[bank].add(o.data[i], s.Size, s.Addralign)
			}
		}
	}
	for _, sym := range o.symbols {
		if !o.defines(sym) {
			continue
		}
		if s := o.file.Sections[sym.Section]; s.Type == typeShared && elf.ST_TYPE(sym.Info) != elf.STT_SECTION {
			v := &variable{size: sym.Size, align: max(sym.Value, 1)} // such a symbol's value is its alignment
			if name, ok := strings.CutPrefix(s.Name, ".nv.shared."); ok {
				if f := l.function(name); f != nil && f.kernel {
					v.owner = f
				}
			}
			if v.size > maxShared || v.align > 1<<12 || v.align&(v.align-1) != 0 {
				return fmt.Errorf("shared variable %s: %d bytes aligned to %d", sym.Name, v.size, v.align)
			}
			l.variables[sym] = v
			l.shared = append(l.shared, v)
			continue
		}
		sym.place = o.to[int(sym.Section)]
		sym.Value += sym.place.offset
	}
	return nil
}

// has tells whether the code of f is this object's.
func (o *linkObject) has(f *function) bool {
	for _, p := range o.to {
		if p.section == f.section {
			return true
		}
	}
	return false
}

// relocations takes those of the sections that are kept, and notes who calls whom.
func (l *linker) relocations(o *linkObject) error {
	for i, s := range o.file.Sections {
		to, ok := o.to[int(s.Info)]
		if s.Type != elf.SHT_REL && s.Type != elf.SHT_RELA || !ok {
			continue
		}
		entry := 16
		if s.Type == elf.SHT_RELA {
			entry = 24
		}
		for b := o.data[i]; len(b) >= entry; b = b[entry:] {
			info := binary.LittleEndian.Uint64(b[8:])
			r := outReloc{offset: binary.LittleEndian.Uint64(b), kind: uint32(info)}
			if n := info >> 32; n < 1 || n > uint64(len(o.symbols)) {
				return fmt.Errorf("section %s: symbol %d of %d", s.Name, n, len(o.symbols))
			}
			r.symbol = o.symbols[info>>32-1]
			if entry == 24 {
				a := int64(binary.LittleEndian.Uint64(b[16:]))
				r.addend = &a
			}
			if size := o.file.Sections[s.Info].Size; r.offset >= size {
				return fmt.Errorf("section %s: relocation of %#x in a section of %d bytes", s.Name, r.offset, size)
			}
			r.offset += to.offset
			if to.section.function != nil && !l.family.Holds(uint32(r.offset), len(to.section.data)) {
				return fmt.Errorf("section %s: %#x is not the place of an instruction", s.Name, r.offset)
			}
			to.section.relocs = append(to.section.relocs, r)
			l.edge(to.section, &r)
		}
	}
	return nil
}

// edge notes what a relocation says of the call graph.
func (l *linker) edge(from *outSection, r *outReloc) {
	s := r.symbol.place.section
	if s == nil || s.function == nil || from.name == ".debug_line" {
		return
	}
	if from.function != nil {
		w, _ := l.family.word(from.data, uint32(r.offset))
		if l.family.Call(w) == CallDirect {
			from.function.calls = append(from.function.calls, s.function)
			return
		}
	}
	s.function.taken = true
}

// attributes takes a function's own attributes, and of those of the whole file the frames on the stack; the rest is
// made anew.
func (l *linker) attributes(o *linkObject) error {
	for i, s := range o.file.Sections {
		owner, owned := strings.CutPrefix(s.Name, ".nv.info.")
		if !owned && s.Name != ".nv.info" {
			continue
		}
		f := l.function(owner)
		if owned && (f == nil || !o.has(f)) {
			continue
		}
		b := o.data[i]
		for len(b) >= 4 {
			n := 4
			const sized = 4
			if b[0] == sized {
				n += int(binary.LittleEndian.Uint16(b[2:]))
			}
			if n > len(b) {
				return fmt.Errorf("section %s: attribute %#x passes the end", s.Name, b[1])
			}
			switch {
			case owned && b[1] == attrExterns: // symbols, which get other numbers
				for at := 4; at+4 <= n; at += 4 {
					if k := int(binary.LittleEndian.Uint32(b[at:])); k >= 1 && k <= len(o.symbols) {
						f.externs = append(f.externs, o.symbols[k-1])
					}
				}
			case owned:
				if b[1] == attrParamCBank && n == 12 { // its first word is a symbol, too
					if k := int(binary.LittleEndian.Uint32(b[4:])); k >= 1 && k <= len(o.symbols) {
						f.params, f.paramsAt = o.symbols[k-1], len(f.info)+4
					}
				}
				f.info = append(f.info, b[:n]...)
			case b[1] == attrFrameSize && n == 12:
				k := int(binary.LittleEndian.Uint32(b[4:]))
				if k < 1 || k > len(o.symbols) {
					return fmt.Errorf("section %s: symbol %d of %d", s.Name, k, len(o.symbols))
				}
				if to := o.symbols[k-1].place.section; to != nil && to.function != nil && o.has(to.function) {
					to.function.frame += int(min(binary.LittleEndian.Uint32(b[8:]), maxImage))
				}
			}
			b = b[n:]
		}
	}
	return nil
}

// reach finds out which functions each one can call, and what stack that takes.
func (l *linker) reach() error {
	var taken []*function
	for _, f := range l.functions {
		if f.taken {
			taken = append(taken, f)
		}
		for i := range l.family.Index(uint32(len(f.section.data))) {
			w, _ := l.family.word(f.section.data, l.family.PC(i))
			f.pointer = f.pointer || isPointerCall(l.family.Call(w))
		}
	}
	for _, f := range l.functions {
		if f.pointer {
			f.calls = append(f.calls, taken...)
		}
	}
	steps := 0
	for _, f := range l.functions {
		slices.SortFunc(f.calls, func(a, b *function) int { return cmp.Compare(a.section.order, b.section.order) })
		f.calls = slices.Compact(f.calls)
		steps += len(f.calls)
	}
	if steps*len(l.functions) > maxSteps {
		return fmt.Errorf("%d functions with %d calls are more than can be linked", len(l.functions), steps)
	}
	for _, f := range l.functions {
		w := walk{state: map[*function]int{}, deep: map[*function]int{}}
		f.deepest = w.visit(f)
		f.reached, f.cyclic = w.order, w.cyclic
	}
	registers, barriers := map[*function]uint32{}, map[*function]uint64{}
	for _, f := range l.functions {
		registers[f], barriers[f] = f.registers, f.barriers
		for _, g := range f.reached {
			registers[f], barriers[f] = max(registers[f], g.registers), max(barriers[f], g.barriers)
		}
	}
	for _, f := range l.functions {
		if f.kernel {
			f.registers, f.barriers = registers[f], barriers[f]
		}
	}
	return nil
}

// maxSteps bounds the work of finding out who reaches whom, and maxCopies the copies of functions' constants, as a
// multiple of what the objects have, so that damaged objects are an error.
const (
	maxSteps  = 1 << 27
	maxCopies = 16
)

// walk goes along calls from one function.
type walk struct {
	state  map[*function]int
	deep   map[*function]int
	order  []*function // all that were reached, the first one too
	cyclic bool
}

// visit returns the bytes of stack from f on.
func (w *walk) visit(f *function) int {
	w.state[f] = underWay
	w.order = append(w.order, f)
	deepest := 0
	for _, g := range f.calls {
		switch w.state[g] {
		case 0:
			deepest = max(deepest, w.visit(g))
		case underWay:
			w.cyclic = true
		case done:
			deepest = max(deepest, w.deep[g])
		}
	}
	w.state[f], w.deep[f] = done, f.frame+deepest
	return w.deep[f]
}

// layout places shared variables and the constants of functions, and writes their places into the code.
func (l *linker) layout() error {
	static, dynamic := l.layoutShared()
	base, err := l.layoutConstants()
	if err != nil {
		return err
	}
	for _, f := range l.functions {
		kept := f.section.relocs[:0]
		for _, r := range f.section.relocs {
			value, bank := r.symbol.Value, 0
			v := l.variables[r.symbol]
			switch to := r.symbol.place.section; {
			case v != nil:
				value = v.offset
			case isDynamic(r.symbol):
				if value = static[f]; !f.kernel {
					value = dynamic
				}
			case to != nil && strings.HasPrefix(to.name, ".nv.constant"):
				number, _, _ := strings.Cut(strings.TrimPrefix(to.name, ".nv.constant"), ".")
				bank, _ = strconv.Atoi(number)
			case to != nil && slices.Contains(l.pool[:], to):
				bank = slices.Index(l.pool[:], to)
				value += base[bank]
			default:
				kept = append(kept, r)
				continue
			}
			if err := l.write(f, &r, value, bank); err != nil {
				return fmt.Errorf("%s, relocation of %#x by %s: %w", f.name, r.offset, r.symbol.Name, err)
			}
		}
		f.section.relocs = kept
	}
	return nil
}

// isDynamic tells whether a symbol is the shared memory that a launch adds (extern __shared__).
func isDynamic(s *linkSymbol) bool {
	return s.Section == elf.SHN_UNDEF && s.Other&otherShared != 0
}

// write does what a relocation of an instruction asks for.
func (l *linker) write(f *function, r *outReloc, value uint64, bank int) error {
	kind, ok := l.family.relocs[r.kind]
	if !ok {
		return fmt.Errorf("type %d is not supported", r.kind)
	}
	if r.addend != nil {
		value += uint64(*r.addend)
		kind.sum = false
	}
	word, _ := l.family.word(f.section.data, uint32(r.offset))
	word, err := kind.write(word, value, bank)
	if err == nil {
		l.family.put(f.section.data[r.offset:], word)
	}
	return err
}

// layoutShared places shared variables: those of functions at the same offsets in every kernel that reaches them,
// then the kernel's own, then what a launch adds. static is where that begins in a kernel, dynamic where functions
// find it.
func (l *linker) layoutShared() (static map[*function]uint64, dynamic uint64) {
	order := slices.Clone(l.shared)
	slices.SortStableFunc(order, func(a, b *variable) int { return cmp.Compare(b.align, a.align) })
	allot := func(owner *function, at uint64) uint64 {
		for _, v := range order {
			if v.owner == owner {
				v.offset = roundUp(at, v.align)
				at = v.offset + v.size
			}
		}
		return at
	}
	pool := allot(nil, 0)
	static = map[*function]uint64{}
	const dynamicAlign = 16
	var users []*function // kernels with functions that use what a launch adds
	for _, k := range l.functions {
		if !k.kernel {
			continue
		}
		var usesPool, usesDynamic, below bool
		for _, f := range k.reached {
			for _, r := range f.section.relocs {
				v := l.variables[r.symbol]
				usesPool = usesPool || v != nil && v.owner == nil
				usesDynamic = usesDynamic || isDynamic(r.symbol)
				below = below || isDynamic(r.symbol) && !f.kernel
			}
		}
		at := uint64(0)
		if usesPool {
			at = pool
		}
		static[k] = allot(k, at)
		if usesDynamic {
			static[k] = roundUp(static[k], dynamicAlign)
		}
		if below {
			users = append(users, k)
			dynamic = max(dynamic, static[k])
		}
	}
	for _, k := range users {
		static[k] = dynamic
	}
	for _, k := range l.functions {
		if n := static[k]; n > 0 {
			s := l.section(".nv.shared."+k.name, elf.SHT_NOBITS, uint64(elf.SHF_WRITE|elf.SHF_ALLOC), dynamicAlign)
			s.size, s.owner = n, k.section
		}
	}
	return static, dynamic
}

// layoutConstants puts the constants of functions behind those of each kernel that calls some, at the same offset in
// all.
func (l *linker) layoutConstants() (base [ConstBanks]uint64, err error) {
	const bankBytes = 64 << 10
	copies, have := uint64(0), uint64(0)
	for _, o := range l.objects {
		for _, b := range o.data {
			have += uint64(len(b))
		}
	}
	for bank, pool := range l.pool {
		if pool == nil {
			continue
		}
		for _, k := range l.functions {
			if own := k.constants[bank]; own != nil {
				base[bank] = max(base[bank], own.size)
			}
		}
		base[bank] = roundUp(base[bank], max(pool.align, 16))
		if base[bank]+pool.size > bankBytes {
			return base, fmt.Errorf("bank %d: %d bytes of kernels' constants and %d of functions'; %d are allowed", bank,
				base[bank], pool.size, bankBytes)
		}
		for _, k := range l.functions {
			if !k.kernel || !slices.ContainsFunc(k.reached, func(f *function) bool { return f.refersTo(pool) }) {
				continue
			}
			if copies += base[bank] + pool.size; copies > maxCopies*have+1<<20 {
				return base, fmt.Errorf("%d bytes of constants in all kernels are too many for objects of %d", copies, have)
			}
			s := l.section(fmt.Sprintf(".nv.constant%d.%s", bank, k.name), elf.SHT_PROGBITS, pool.flags, 16)
			s.owner = k.section
			s.data = append(s.data, make([]byte, base[bank]-s.size)...)
			s.data = append(s.data, pool.data...)
			s.size = uint64(len(s.data))
			for _, r := range pool.relocs {
				r.offset += base[bank]
				s.relocs = append(s.relocs, r)
			}
		}
	}
	return base, nil
}

// refersTo tells whether the code of f names something in section s.
func (f *function) refersTo(s *outSection) bool {
	return slices.ContainsFunc(f.section.relocs, func(r outReloc) bool { return r.symbol.place.section == s })
}
