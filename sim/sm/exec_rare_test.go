package sm

import "testing"

// TestEveryCodeHasOneWay executes each code in exactly one place: as memory or control, in Exec's own switch, or by its
// row in rare.
func TestEveryCodeHasOneWay(t *testing.T) {
	vector := map[Code]bool{CodeNOP: true, CodeFFMA: true, CodeFFMAFTZ: true, CodeFADD: true, CodeFADDFTZ: true, CodeFMUL: true,
		CodeFMULFTZ: true, CodeXMAD: true, CodeIADD: true, CodeIADDX: true, CodeLEA: true, CodeLEAHI: true, CodeIADD3: true,
		CodeISCADD: true, CodeMOV: true, CodeSEL: true, CodeLOP3: true, CodeLOP3X: true, CodeSHL: true, CodeSHR: true,
		CodeISETP: true, CodeFSETP: true, CodeIMNMX: true}
	for c := range NumCodes {
		ways := 0
		for _, has := range []bool{Traits[c].Memory, Traits[c].Control, vector[c], rare[c] != nil} {
			if has {
				ways++
			}
		}
		if ways != 1 {
			t.Errorf("code %d is executed in %d places, want 1", c, ways)
		}
	}
}
