package lower

import (
	"strings"
	"testing"
	"warpdrop/sim/isa"
)

// TestNotExecuted: an instruction that is decoded only is an error of the kernel that can reach it, and of no other.
func TestNotExecuted(t *testing.T) {
	words := []struct {
		word uint64
		text string
	}{
		{0x5c98078000870001, "MOV"},
		{0xe30000000007000f, "EXIT"},
		{0xe2d0000000000003, "GETLMEMBASE"},
	}
	var insts []isa.Inst
	for i, w := range words {
		in, err := isa.Decode(w.word, uint32(8+8*i), isa.DecodeControl(0x7e0, 0))
		if err != nil {
			t.Skipf("%s: %v", w.text, err)
		}
		insts = append(insts, in)
	}
	if _, err := Lower(insts, 8, LowerConfig{Name: "k"}); err != nil {
		t.Errorf("the instruction behind EXIT cannot be reached: %v", err)
	}
	_, err := Lower(insts, 24, LowerConfig{Name: "k"})
	if err == nil || !strings.Contains(err.Error(), "kernel k") || !strings.Contains(err.Error(), "/*0018*/") || !strings.Contains(err.Error(), "not executed") {
		t.Errorf("error %v", err)
	}
}

// TestLowerings gives every instruction that is executed a code.
func TestLowerings(t *testing.T) {
	for op, how := range lowerings {
		if how.code == CodeIllegal || how.code >= NumCodes {
			t.Errorf("%s has no code", op)
		}
	}
}
