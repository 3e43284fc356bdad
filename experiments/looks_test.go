package experiments

import (
	"testing"

	"warpdrop/dropout"
)

// TestLooks: every pattern of the project has a look of its own.
func TestLooks(t *testing.T) {
	of := map[string]dropout.Method{}
	for _, k := range dropout.Kinds() {
		if other, taken := of[k.Look]; taken || k.Look == "" {
			t.Errorf("%s has the look %q of %s", k.Name, k.Look, other)
		}
		of[k.Look] = k.Name
	}
}
