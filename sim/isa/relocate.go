package isa

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// Relocation types, after cuobjdump -elf: R_CUDA_32, R_CUDA_64, R_CUDA_G32, R_CUDA_G64 fill data words; the others a field
// of an instruction: the 32 bits from bit 20 on, or the place of a constant operand.
const (
	rel32       = 1
	rel64       = 2
	relG32      = 3
	relG64      = 4
	relABS32    = 42
	relABS32LO  = 43
	relABS32HI  = 44
	relABS24    = 45 // 24 bits at 20: the offset of a shared variable in LDS, STS and so on
	relOffset   = 46 // a constant variable's offset in its bank
	relOperand  = 50 // c[bank][offset] of arithmetic: 14 bits of words at 20, the bank's 5 at 34
	relLoadable = 54 // c[bank][offset] of LDC: 16 bits of bytes at 20, the bank's 5 at 36
)

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
		isLines := l.lines != 0 && index == l.lines
		if bank, isConst := l.bank[index]; target == nil && !isLines || isConst && bank == 0 {
			continue // other debug information; c[0] is the launch's
		}
		b, err := s.Data()
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
		for ; len(b) >= entry; b = b[entry:] {
			info := binary.LittleEndian.Uint64(b[8:])
			r := relocation{offset: binary.LittleEndian.Uint64(b), kind: uint32(info), symbol: int(info >> 32)}
			if entry == 24 {
				a := int64(binary.LittleEndian.Uint64(b[16:]))
				r.addend = &a
			}
			switch {
			case isLines:
				l.relocateLine(&r)
			case isText:
				err = l.relocateCode(target, base, &r)
			default:
				err = l.relocateData(target, &r)
			}
			if err != nil {
				return fmt.Errorf("section %s: relocation of %#x: %w", s.Name, r.offset, err)
			}
		}
	}
	return nil
}

// relocation is a place in a section that depends on where a symbol lies; without an addend, the place holds it.
type relocation struct {
	offset uint64
	kind   uint32
	symbol int
	addend *int64
}

// resolve returns the relocation's symbol and the size bytes that it is about.
func (l *loader) resolve(target []byte, r *relocation, size uint64) (*elf.Symbol, []byte, error) {
	if r.symbol < 1 || r.symbol > len(l.symbols) {
		return nil, nil, fmt.Errorf("symbol %d of %d", r.symbol, len(l.symbols))
	}
	if r.offset > uint64(len(target)) || size > uint64(len(target))-r.offset {
		return nil, nil, fmt.Errorf("outside its section of %d bytes", len(target))
	}
	return &l.symbols[r.symbol-1], target[r.offset:][:size], nil
}

// relocateData applies or keeps a relocation of constants or of initial values.
func (l *loader) relocateData(target []byte, r *relocation) error {
	size := uint64(8)
	if r.kind == rel32 || r.kind == relG32 {
		size = 4
	}
	sym, place, err := l.resolve(target, r, size)
	if err != nil {
		return err
	}
	if r.kind < rel32 || r.kind > relG64 {
		return fmt.Errorf("%s: relocation type %d is not supported", sym.Name, r.kind)
	}
	value := sym.Value
	switch {
	case r.addend != nil:
		value += uint64(*r.addend)
	case size == 4:
		value += uint64(binary.LittleEndian.Uint32(place))
	default:
		value += binary.LittleEndian.Uint64(place)
	}
	if base, ok := l.global[sym.Section]; ok {
		l.cubin.relocs = append(l.cubin.relocs, reloc{place, base + value})
		return nil
	}
	base, isText := l.text[sym.Section]
	extern, isExtern := l.externs[r.symbol]
	switch {
	case isText:
		value += uint64(base)
	case isExtern:
		// The first instruction stands behind the control word, at which a call by address begins.
		value += uint64(extern)
	case sym.Section == elf.SHN_UNDEF:
		return notDefined(sym)
	} // else an offset in a constant bank
	put(place, value)
	return nil
}

func notDefined(sym *elf.Symbol) error {
	return fmt.Errorf("symbol %s is not defined in the file, which is an object to be linked with others (nvlink, or nvcc without -dc)", sym.Name)
}

// relocateCode applies or keeps a relocation of an instruction. One that cannot be done is a flaw of that instruction.
func (l *loader) relocateCode(target []byte, base uint32, r *relocation) error {
	f := l.cubin.Family
	sym, place, err := l.resolve(target, r, uint64(f.WordBytes))
	if err != nil {
		return err
	}
	if !f.Holds(uint32(r.offset), len(target)) {
		return fmt.Errorf("%s: not the place of an instruction", sym.Name)
	}
	pc := base + uint32(r.offset)
	value := sym.Value
	if r.addend != nil {
		value += uint64(*r.addend)
	}
	bank, isConst := l.bank[sym.Section]
	globalBase, isGlobal := l.global[sym.Section]
	textBase, isText := l.text[sym.Section]
	extern, isExtern := l.externs[r.symbol]
	isShared := int(sym.Section) < len(l.file.Sections) && l.file.Sections[sym.Section].Name == ".nv.shared."+l.owner(pc)
	word := l.cubin.Word(pc)
	put := func(v uint64, in field) { word = word.set(in.at, in.width, v) }
	switch {
	case !isConst && !isGlobal && !isText && !isExtern && !isShared && sym.Section == elf.SHN_UNDEF:
		l.cubin.Flaws[pc] = notDefined(sym)
		return nil
	case r.kind == relOffset && isConst, r.kind == relABS32 && isShared:
		put(value, f.wide)
	case r.kind == relABS24 && isShared:
		if r.addend == nil {
			value += f.offset.get(word)
		}
		put(value, f.offset)
	case r.kind == relOperand && isConst && value%4 == 0:
		put(value/4, f.constant)
		put(uint64(bank), f.bank)
	case r.kind == relLoadable && isConst:
		put(value, f.bytes)
		put(uint64(bank), f.bytesBank)
	case (r.kind == relABS32 || r.kind == relABS32LO || r.kind == relABS32HI) && isGlobal:
		// The place holds no addend: LO and HI would have to be added up.
		l.cubin.instRelocs = append(l.cubin.instRelocs, instReloc{pc, globalBase + value, r.kind})
		return nil
	case (r.kind == relABS32 || r.kind == relABS32LO || r.kind == relABS32HI) && (isText || isExtern):
		if value += uint64(textBase); isExtern {
			value = uint64(extern)
		}
		if r.kind == relABS32HI {
			value >>= 32
		}
		put(value, f.wide)
	default:
		l.cubin.Flaws[pc] = fmt.Errorf("relocation of type %d by %s is not supported; an object is to be linked (nvlink)", r.kind, sym.Name)
		return nil
	}
	f.put(place, word)
	return nil
}

// owner is the function in whose section pc lies.
func (l *loader) owner(pc uint32) string {
	s, _ := l.cubin.Section(pc)
	return s.Name
}

// put stores the low bytes of value.
func put(place []byte, value uint64) {
	if len(place) == 4 {
		binary.LittleEndian.PutUint32(place, uint32(value))
		return
	}
	binary.LittleEndian.PutUint64(place, value)
}
