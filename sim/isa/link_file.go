package isa

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
)

// file writes the linked cubin.
func (l *linker) file() []byte {
	symbols, locals := l.outSymbols()
	for _, f := range l.functions {
		f.section.size = uint64(len(f.section.data))
	}
	w := &elfWriter{}
	w.section(outSection{}, nil, 0, 0) // number 0
	const first = 4                    // of the sections that follow: two tables of names and the symbols
	for i, s := range l.sections {
		s.index = uint32(first + i)
	}
	var names, table bytes.Buffer
	names.WriteByte(0)
	_ = binary.Write(&table, binary.LittleEndian, elf.Sym64{})
	for _, s := range symbols {
		out := elf.Sym64{Name: uint32(names.Len()), Info: s.Info, Other: s.Other, Value: s.Value, Size: s.Size}
		if elf.ST_TYPE(s.Info) == typeObject {
			out.Info = s.Info&0xf0 | byte(elf.STT_OBJECT)
		}
		if to := s.place.section; to != nil {
			out.Shndx = uint16(to.index)
		} else if !slices.Contains(SystemCalls, s.Name) {
			out.Info = s.Info & 0xf0 // no function of the run-time system: it is missing
		}
		names.WriteString(s.Name + "\x00")
		_ = binary.Write(&table, binary.LittleEndian, &out)
	}
	const text = 2 // section of the symbols' names
	w.section(outSection{name: ".shstrtab", kind: elf.SHT_STRTAB}, nil, 0, 0)
	w.section(outSection{name: ".strtab", kind: elf.SHT_STRTAB, data: names.Bytes()}, nil, 0, 0)
	w.section(outSection{name: ".symtab", kind: elf.SHT_SYMTAB, data: table.Bytes(), align: 8}, nil, text,
		uint32(locals+1))
	const symtab = 3
	for _, s := range l.sections {
		info := uint32(0)
		if s.owner != nil {
			info = s.owner.index
		}
		if f := s.function; f != nil {
			info = f.registers << 24
			if sym := l.globals[f.name]; sym != nil {
				info |= sym.index & 0xffffff
			}
			s.flags |= f.barriers << 20
		}
		w.section(*s, s.data, symtab, info)
	}
	for _, s := range l.sections {
		for _, withAddend := range []bool{false, true} {
			w.relocations(s, withAddend, symtab)
		}
	}
	w.section(outSection{name: ".nv.info", kind: typeInfo, align: 4, data: l.info()}, nil, symtab, 0)
	for _, f := range l.functions {
		info := slices.Clone(f.info)
		if f.params != nil {
			binary.LittleEndian.PutUint32(info[f.paramsAt:], f.params.index)
		}
		if len(f.externs) > 0 {
			info = append(info, 4, attrExterns)
			info = binary.LittleEndian.AppendUint16(info, uint16(4*len(f.externs)))
			for _, s := range f.externs {
				info = binary.LittleEndian.AppendUint32(info, s.index)
			}
		}
		w.section(outSection{name: ".nv.info." + f.name, kind: typeInfo, align: 4, data: info}, nil, symtab, f.section.index)
	}
	return w.finish(l.arch)
}

// outSymbols numbers the symbols of the output, the local ones first: functions, variables, and what relocations name.
func (l *linker) outSymbols() (list []*linkSymbol, locals int) {
	wanted := map[*linkSymbol]bool{}
	for _, f := range l.functions {
		for _, s := range f.externs {
			wanted[s] = true
		}
		wanted[f.params] = true
	}
	for _, s := range l.sections {
		for _, r := range s.relocs {
			wanted[r.symbol] = true
		}
	}
	var globals []*linkSymbol
	seen := map[*linkSymbol]bool{}
	for _, o := range l.objects {
		for _, s := range o.symbols {
			kind := elf.ST_TYPE(s.Info)
			isObject := (kind == typeObject || kind == elf.STT_OBJECT) && elf.ST_BIND(s.Info) != elf.STB_LOCAL
			if placed := s.place.section != nil; seen[s] || !wanted[s] && !(placed && (kind == elf.STT_FUNC || isObject)) {
				continue
			}
			seen[s] = true
			if elf.ST_BIND(s.Info) == elf.STB_LOCAL {
				list = append(list, s)
			} else {
				globals = append(globals, s)
			}
		}
	}
	locals = len(list)
	list = append(list, globals...)
	for i, s := range list {
		s.index = uint32(i + 1)
	}
	return list, locals
}

// info makes the attributes of the whole file: registers and stack of each function.
func (l *linker) info() (b []byte) {
	attribute := func(attr byte, s *linkSymbol, value int) {
		b = append(b, 4, attr, 8, 0)
		b = binary.LittleEndian.AppendUint32(b, s.index)
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(value)))
	}
	for _, o := range l.objects {
		for _, s := range o.symbols {
			to := s.place.section
			if to == nil || to.function == nil || s.Name != to.function.name || !o.defines(s) || s.index == 0 {
				continue
			}
			f := to.function
			attribute(attrRegCount, s, int(f.registers))
			attribute(attrFrameSize, s, f.frame)
			if f.kernel {
				stack := f.deepest
				if f.cyclic {
					stack = -1 // recursion: there is no bound
				}
				attribute(attrMinStack, s, stack)
			}
		}
	}
	return b
}

// elfWriter lays out sections one after the other.
type elfWriter struct {
	body  []byte // behind the header
	heads []elf.Section64
	names []byte
}

const headerBytes = 64

// section appends a section; data stands for s.data where it is not nil.
func (w *elfWriter) section(s outSection, data []byte, link, info uint32) {
	if data == nil {
		data = s.data
	}
	align := max(s.align, 1)
	if s.kind != elf.SHT_NOBITS {
		w.body = append(w.body, make([]byte, roundUp(headerBytes+uint64(len(w.body)),
			align)-headerBytes-uint64(len(w.body)))...)
		s.size = uint64(len(data))
	}
	h := elf.Section64{Name: uint32(len(w.names)), Type: uint32(s.kind), Flags: s.flags,
		Off: headerBytes + uint64(len(w.body)), Size: s.size,
		Link: link, Info: info, Addralign: align}
	h.Entsize = map[elf.SectionType]uint64{elf.SHT_SYMTAB: 24, elf.SHT_REL: 16, elf.SHT_RELA: 24}[s.kind]
	if len(w.heads) == 0 {
		h = elf.Section64{}
	}
	w.names = append(w.names, s.name+"\x00"...)
	w.heads = append(w.heads, h)
	if s.kind != elf.SHT_NOBITS {
		w.body = append(w.body, data...)
	}
}

// relocations writes those of s that have an addend of their own, or those that have none.
func (w *elfWriter) relocations(s *outSection, withAddend bool, symtab uint32) {
	out := outSection{name: ".rel" + s.name, kind: elf.SHT_REL, align: 8}
	if withAddend {
		out.name, out.kind = ".rela"+s.name, elf.SHT_RELA
	}
	for _, r := range s.relocs {
		if (r.addend != nil) != withAddend {
			continue
		}
		out.data = binary.LittleEndian.AppendUint64(out.data, r.offset)
		out.data = binary.LittleEndian.AppendUint64(out.data, uint64(r.symbol.index)<<32|uint64(r.kind))
		if withAddend {
			out.data = binary.LittleEndian.AppendUint64(out.data, uint64(*r.addend))
		}
	}
	if len(out.data) > 0 {
		w.section(out, nil, symtab, s.index)
	}
}

// finish returns the file: header, sections, the table of names, and the sections' headers.
func (w *elfWriter) finish(arch int) []byte {
	const nameSection = 1
	names := &w.heads[nameSection]
	names.Off, names.Size = headerBytes+uint64(len(w.body)), uint64(len(w.names))
	w.body = append(w.body, w.names...)
	w.body = append(w.body, make([]byte, roundUp(uint64(len(w.body)), 8)-uint64(len(w.body)))...)
	const abi, abiVersion, version, sectionBytes = 0x33, 7, 0x81, 64
	const wide = 0x500                              // addresses of 64 bits, textures as objects
	flags := uint32(arch)<<16 | wide | uint32(arch) // the virtual architecture and the real one
	h := elf.Header64{Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB),
		byte(elf.EV_CURRENT), abi, abiVersion},
		Type: uint16(elf.ET_EXEC), Machine: machineCUDA, Version: version, Flags: flags, Ehsize: headerBytes,
		Shoff: headerBytes + uint64(len(w.body)), Shentsize: sectionBytes, Shnum: uint16(len(w.heads)), Shstrndx: nameSection}
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, &h)
	b.Write(w.body)
	_ = binary.Write(&b, binary.LittleEndian, w.heads)
	return b.Bytes()
}
