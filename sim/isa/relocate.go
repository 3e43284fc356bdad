package isa

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math"
)

// Types of the relocations that fill data words, of all families, by the names of cuobjdump -elf: R_CUDA_32,
// R_CUDA_64, R_CUDA_G32, R_CUDA_G64. Those of instructions are in Family.relocs.
const (
	rel32  = 1
	rel64  = 2
	relG32 = 3
	relG64 = 4
)

// relocKind is what a relocation of one type writes into an instruction: the value of its symbol, in a field.
type relocKind struct {
	name string // as cuobjdump -elf prints it
	at   field
	part addressPart
	sum  bool  // the field holds an addend
	unit uint8 // bytes that one of the field stands for; 0 = 1
	bank field // of a constant operand: the number of the symbol's bank
}

// addressPart is the half of an address that a field gets.
type addressPart uint8

const (
	whole addressPart = iota
	low
	high
)

// write puts value, and the number of its constant bank, into word.
func (k *relocKind) write(word Word, value uint64, bank int) (Word, error) {
	if k.sum {
		value += k.at.get(word)
	}
	switch k.part {
	case low:
		value &= math.MaxUint32
	case high:
		value >>= 32
	}
	if k.unit > 1 {
		if value%uint64(k.unit) != 0 {
			return word, fmt.Errorf("%#x is no multiple of %d bytes, which %s has to have", value, k.unit, k.name)
		}
		value /= uint64(k.unit)
	}
	if value>>k.at.width != 0 {
		return word, fmt.Errorf("an instruction cannot hold %#x in the %d bits of %s", value, k.at.width, k.name)
	}
	word = word.set(k.at.at, k.at.width, value)
	if k.bank.width > 0 {
		word = word.set(k.bank.at, k.bank.width, uint64(bank))
	}
	return word, nil
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
		l.take(sym, value)
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
	return fmt.Errorf("symbol %s is not defined: link the object that has it, too", sym.Name)
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
	kind, known := f.relocs[r.kind]
	switch {
	case isExtern:
		value = uint64(extern)
	case sym.Section == elf.SHN_UNDEF:
		l.cubin.Flaws[pc] = notDefined(sym)
		return nil
	case !known || !isConst && !isGlobal && !isText && !isShared || kind.bank.width > 0 && !isConst:
		l.cubin.Flaws[pc] = fmt.Errorf("relocation of type %d by %s is not supported", r.kind, sym.Name)
		return nil
	case isGlobal:
		// The place holds no addend: the halves would have to be added up.
		l.cubin.instRelocs = append(l.cubin.instRelocs, instReloc{pc, globalBase + value, &kind})
		return nil
	case isText:
		value += uint64(textBase)
		if f.Call(l.cubin.Word(pc)) != CallDirect {
			l.take(sym, value)
		}
	}
	if r.addend != nil {
		kind.sum = false
	}
	word, err := kind.write(l.cubin.Word(pc), value, bank)
	if err != nil {
		l.cubin.Flaws[pc] = fmt.Errorf("%s: %w", sym.Name, err)
		return nil
	}
	f.put(place, word)
	return nil
}

// take notes that something holds the address of a function.
func (l *loader) take(sym *elf.Symbol, address uint64) {
	if elf.ST_TYPE(sym.Info) == elf.STT_FUNC && address < uint64(len(l.cubin.Image)) {
		l.cubin.Taken = append(l.cubin.Taken, uint32(address))
	}
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
