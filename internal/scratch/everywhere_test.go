package scratch

import (
	"slices"
	"strings"
	"testing"

	"warpdrop/internal/sources"
)

// TestFoldersAreMadeHere: temporary folders come from this package, so that what a killed process leaves is taken away
// later; the others are those below, each for a reason of its own.
func TestFoldersAreMadeHere(t *testing.T) {
	others := []string{
		"internal/scratch/scratch.go",
		"internal/torture/main.go", // a tool, which keeps its folder after a failure
		"cmd/browser/main.go",      // serves from it for days, and removes it at a signal
	}
	found := 0
	sources.Each(t, "../..", func(name string, text []byte) {
		if strings.HasPrefix(name, "scripts/") || !strings.Contains(string(text), "os.MkdirTemp(") {
			return
		}
		found++
		if !slices.Contains(others, name) {
			t.Errorf("%s makes a temporary folder; scratch.Dir does", name)
		}
	})
	if found < len(others) {
		t.Errorf("%d found", found)
	}
}
