package scratch

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFoldersAreMadeHere: temporary folders come from this package, so that what a killed process leaves is taken away
// later; the others are those below, each for a reason of its own.
func TestFoldersAreMadeHere(t *testing.T) {
	others := []string{
		"internal/scratch/scratch.go",
		"internal/torture/main.go", // a tool, which keeps its folder after a failure
		"cmd/browser/main.go",      // serves from it for days, and removes it at a signal
	}
	const root = "../.."
	found := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (strings.HasPrefix(e.Name(), ".") && name != "." || name == "out" || name == "scripts"):
			return filepath.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "os.MkdirTemp(") {
			found++
			if !slices.Contains(others, name) {
				t.Errorf("%s makes a temporary folder; scratch.Dir does", name)
			}
		}
		return err
	})
	if err != nil || found < len(others) {
		t.Errorf("%d found, error %v", found, err)
	}
}
