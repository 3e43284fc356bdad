package exec

import (
	"testing"

	"warpdrop/sim/sm/lower"
)

// TestEveryCodeHasOneWay executes each code in exactly one place: as memory or control, in Exec's own switch, or by its
// row in rare.
func TestEveryCodeHasOneWay(t *testing.T) {
	vector := map[lower.Code]bool{lower.CodeNOP: true, lower.CodeFFMA: true, lower.CodeFFMAFTZ: true,
		lower.CodeFADD: true, lower.CodeFADDFTZ: true, lower.CodeFMUL: true,
		lower.CodeFMULFTZ: true, lower.CodeXMAD: true, lower.CodeIADD: true, lower.CodeIADDX: true, lower.CodeLEA: true,
		lower.CodeLEAHI: true, lower.CodeIADD3: true,
		lower.CodeISCADD: true, lower.CodeMOV: true, lower.CodeSEL: true, lower.CodeLOP3: true, lower.CodeLOP3X: true,
		lower.CodeSHL: true, lower.CodeSHR: true,
		lower.CodeISETP: true, lower.CodeFSETP: true, lower.CodeIMNMX: true}
	for c := range lower.NumCodes {
		ways := 0
		for _, has := range []bool{lower.Traits[c].Memory, lower.Traits[c].Control, vector[c], rare[c] != nil} {
			if has {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("code %d is executed in %d places, want 1", c, ways)
		}
	}
}
