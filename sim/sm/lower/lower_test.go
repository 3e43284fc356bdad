package lower

import (
	"runtime"
	"strings"
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/internal/rowtest"
)

// TestNotExecuted: an instruction that is decoded only is an error of the kernel that can reach it, and of no other.
func TestNotExecuted(t *testing.T) {
	const (
		mov         = 0x5c98078000870001
		exit        = 0xe30000000007000f
		getLMemBase = 0xe2d0000000000003
	)
	code := rowtest.Code(mov, exit, getLMemBase)
	if _, err := Lower(code, 8, LowerConfig{Name: "k"}); err != nil {
		t.Errorf("the instruction behind EXIT cannot be reached: %v", err)
	}
	_, err := Lower(code, 24, LowerConfig{Name: "k"})
	if err == nil || !strings.Contains(err.Error(), "kernel k") || !strings.Contains(err.Error(), "/*0018*/") ||
		!strings.Contains(err.Error(), "not executed") {
		t.Errorf("error %v", err)
	}
}

// TestFamilyNotExecuted: code of a family that is decoded only is refused by the family's name.
func TestFamilyNotExecuted(t *testing.T) {
	other := &isa.Family{Name: "Another", WordBytes: 16, GroupBytes: 16}
	if _, err := Lower(isa.NewCode(other, make([]byte, 16)), 0, LowerConfig{Name: "k"}); err == nil ||
		!strings.Contains(err.Error(), "Another is decoded but not executed") {
		t.Errorf("error %v", err)
	}
}

// TestLowerings gives every instruction that is executed a code.
func TestLowerings(t *testing.T) {
	for f, target := range targets {
		for op, how := range target.rows {
			if how.code == CodeIllegal || how.code >= NumCodes || how.lower == nil {
				t.Errorf("%s: %s has no code", f.Name, op)
			}
		}
	}
}

// TestCostOfLowering: a kernel costs what its own section costs, whatever else is in the file.
func TestCostOfLowering(t *testing.T) {
	const mov, exit = 0x5c98078000870001, 0xe30000000007000f
	code := rowtest.Code(mov, exit)
	own := uint32(len(code.Image))
	code.Image = append(code.Image, make([]byte, 16<<20)...)
	code.Sections = []isa.Symbol{{Name: "k", Size: own}, {Name: "others", Address: own, Size: 16 << 20}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Lower(code, 8, LowerConfig{Name: "k"}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes allocated for a kernel of two instructions", used)
	}
}

// TestRuns: code runs on GPUs of its family, and that of sm_80 on later ones of the same major version, not the other
// way round.
func TestRuns(t *testing.T) {
	for _, c := range []struct {
		arch int
		code *isa.Family
		want bool
	}{
		{61, isa.Maxwell, true}, {75, isa.Turing, true}, {80, isa.Ampere, true}, {86, isa.GA10x, true},
		{86, isa.Ampere, true}, {80, isa.GA10x, false}, {86, isa.Turing, false}, {75, isa.Maxwell, false},
		{70, isa.Turing, false}, {70, isa.Volta, true}, {75, isa.Volta, false},
	} {
		if got := Runs(c.arch, c.code); got != c.want {
			t.Errorf("sm_%d runs code of %s: %v, want %v", c.arch, c.code.Name, got, c.want)
		}
	}
}
