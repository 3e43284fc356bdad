package isa

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Patch returns a copy of a cubin of Maxwell in which edit has changed instructions of one kernel: it gets each
// instruction decoded (PC counted from the kernel's start), and may change its word and its 21-bit control field (see
// DecodeControl). It is how microbenchmarks give an instruction registers that the assembler would not choose, and
// tests a wrong control word.
func Patch(cubin []byte, kernel string, edit func(in *Inst, word *uint64, control *uint32)) ([]byte, error) {
	f, err := openELF(cubin)
	if err != nil {
		return nil, fmt.Errorf("cubin: %w", err)
	}
	s := f.Section(".text." + kernel)
	if s == nil {
		return nil, fmt.Errorf("cubin: no section .text.%s", kernel)
	}
	out := bytes.Clone(cubin)
	code := out[s.Offset : s.Offset+s.FileSize]
	const field = 1<<21 - 1
	for at := 0; at+groupBytes <= len(code); at += groupBytes {
		control := binary.LittleEndian.Uint64(code[at:])
		for slot := range 3 {
			place := code[at+wordBytes*(slot+1):]
			word := binary.LittleEndian.Uint64(place)
			in, err := Decode(word, uint32(at+wordBytes*(slot+1)), DecodeControl(control, slot))
			if err != nil {
				return nil, err
			}
			shift := 21 * slot
			c := uint32(control >> shift & field)
			edit(&in, &word, &c)
			binary.LittleEndian.PutUint64(place, word)
			control = control&^(field<<shift) | uint64(c&field)<<shift
		}
		binary.LittleEndian.PutUint64(code[at:], control)
	}
	return out, nil
}
