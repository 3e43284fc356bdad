package isa

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// noBits tells whether a section of this type has no bytes in the file: beside ELF's own, those that NVIDIA's object
// files use for global, local and shared variables.
func noBits(t elf.SectionType) bool {
	switch t {
	case elf.SHT_NOBITS, 0x70000007, 0x70000009, 0x7000000a:
		return true
	}
	return false
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

// ArchOf is the architecture that the header of a cubin or an object file names, 61 for sm_61; 0 where data is too
// short. CUDA 13 has another OS ABI than those before it, with the number one byte higher (LLVM's BinaryFormat/ELF.h:
// ELFOSABI_CUDA_V2, EF_CUDA_SM_OFFSET).
func ArchOf(data []byte) int {
	const osABIAt, flagsAt, cuda13 = 7, 0x30, 0x41
	switch {
	case len(data) < flagsAt+4:
		return 0
	case data[osABIAt] == cuda13:
		return int(data[flagsAt+1])
	}
	return int(data[flagsAt])
}

// checkHeaders makes sure that what the section headers state lies in the file, without overlap: package elf believes
// sizes when it allocates.
func checkHeaders(data []byte) error {
	const (
		sectionBytes, segmentBytes = 64, 56
		sectionsAt, segmentsAt     = 0x28, 0x20
		sectionsNum, segmentsNum   = 0x3c, 0x38
	)
	size := uint64(len(data))
	if size < headerBytes || !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return errors.New("not an ELF file")
	}
	if data[elf.EI_CLASS] != byte(elf.ELFCLASS64) || data[elf.EI_DATA] != byte(elf.ELFDATA2LSB) {
		return errors.New("not a 64-bit little-endian ELF file")
	}
	fits := func(at, n uint64) bool { return at <= size && n <= size-at }
	if a, b := binary.LittleEndian.Uint16(data[segmentsNum-2:]), binary.LittleEndian.Uint16(data[sectionsNum-2:]); a !=
		segmentBytes && binary.LittleEndian.Uint16(data[segmentsNum:]) != 0 || b != sectionBytes {
		return fmt.Errorf("program and section headers of %d and %d bytes; want %d and %d", a, b, segmentBytes, sectionBytes)
	}
	first := binary.LittleEndian.Uint64(data[sectionsAt:])
	n := uint64(binary.LittleEndian.Uint16(data[sectionsNum:]))
	if n == 0 && fits(first, sectionBytes) { // too many for the header: the first section has their number
		n = binary.LittleEndian.Uint64(data[first+32:])
	}
	if n == 0 || n > size || !fits(first, n*sectionBytes) {
		return fmt.Errorf("%d section headers at %#x do not fit in a file of %d bytes", n, first, size)
	}
	if at, n := binary.LittleEndian.Uint64(data[segmentsAt:]),
		uint64(binary.LittleEndian.Uint16(data[segmentsNum:])); !fits(at, n*segmentBytes) {
		return fmt.Errorf("%d program headers at %#x do not fit in a file of %d bytes", n, at, size)
	}
	var total uint64
	var parts []part
	for i := range n {
		h := data[first+i*sectionBytes:]
		kind, flags := elf.SectionType(binary.LittleEndian.Uint32(h[4:])), elf.SectionFlag(binary.LittleEndian.Uint64(h[8:]))
		at, length := binary.LittleEndian.Uint64(h[24:]), binary.LittleEndian.Uint64(h[32:])
		if flags&elf.SHF_COMPRESSED != 0 {
			return fmt.Errorf("section %d is compressed", i)
		}
		if noBits(kind) {
			continue
		}
		if !fits(at, length) {
			return fmt.Errorf("section %d: bytes %#x to %#x of a file of %d", i, at, at+length, size)
		}
		total += length
		if length > 0 {
			parts = append(parts, part{at, at + length, i, flags&elf.SHF_EXECINSTR != 0})
		}
	}
	if total > size {
		return fmt.Errorf("sections of %d bytes overlap in a file of %d", total, size)
	}
	return codeApart(parts)
}

// part is the bytes of a section in the file.
type part struct {
	from, to uint64
	section  uint64
	code     bool
}

// codeApart makes sure that no section overlaps one of code.
func codeApart(parts []part) error {
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.from, b.from) })
	var last, code part // of those before: the one that reaches farthest, and the same of code
	for _, p := range parts {
		if p.from < code.to || p.code && p.from < last.to {
			other := last
			if p.from < code.to {
				other = code
			}
			return fmt.Errorf("sections %d and %d overlap, and one of them is code", other.section, p.section)
		}
		if p.to > last.to {
			last = p
		}
		if p.code && p.to > code.to {
			code = p
		}
	}
	return nil
}

// KernelNames lists the kernels of a cubin for any architecture.
func KernelNames(data []byte) (names []string, err error) {
	f, err := openELF(data)
	if err != nil {
		return nil, err
	}
	symbols, err := f.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, err
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Other&entryFlag != 0 && s.Section != elf.SHN_UNDEF {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

// Linked tells whether a cubin is a linked file and no object.
func Linked(data []byte) bool {
	const typeAt = 0x10
	return len(data) > typeAt+1 && elf.Type(binary.LittleEndian.Uint16(data[typeAt:])) != elf.ET_REL
}

// entryFlag is STO_CUDA_ENTRY in a symbol's st_other: it is a kernel.
const entryFlag = 0x10
