package show

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTablesAreShown: who writes a table for spreadsheets passes its cells through Cell; the others write no text but
// their own.
func TestTablesAreShown(t *testing.T) {
	own := map[string]string{"cmd/warpdrop/train.go": "numbers alone"}
	const root = "../.."
	found := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (strings.HasPrefix(e.Name(), ".") && name != "." || name == "out"):
			return filepath.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "csv.NewWriter(") {
			found++
			if own[name] == "" && !strings.Contains(string(text), "show.Cell(") {
				t.Errorf("%s writes a table whose cells are not shown with show.Cell", name)
			}
		}
		return err
	})
	if err != nil || found < 4 {
		t.Errorf("%d found, error %v", found, err)
	}
}
