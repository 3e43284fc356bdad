package isa

import "fmt"

// Decode decodes one instruction word at byte offset pc, which only branch targets depend on.
// An encoding that NVIDIA's disassembler has no name for is an error, also if only a suffix is undefined.
func Decode(word uint64, pc uint32, control Control) (Inst, error) {
	return Inst{}, fmt.Errorf("%#04x: %016x is not an sm_61 instruction", pc, word)
}
