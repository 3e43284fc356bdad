package driver

import "testing"

// TestEveryEntryPointAnswers: what signatures.txt lists has code behind it.
func TestEveryEntryPointAnswers(t *testing.T) {
	for name, e := range entries {
		if e.run == nil {
			t.Errorf("%s does nothing", name)
		}
	}
	if n := len(Symbols()); n < 300 {
		t.Errorf("%d symbols", n)
	}
}
