package sm

import (
	"bufio"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestRooms holds the imports between the rooms to one direction: timing and functional to exec to lower, and nothing
// from below up.
func TestRooms(t *testing.T) {
	const rooms = "warpdrop/sim/sm/"
	allowed := map[string][]string{
		"lower":      nil,
		"exec":       {"lower"},
		"functional": {"lower", "exec"},
		"timing":     {"lower", "exec"},
	}
	for room, below := range allowed {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("room %s: %d files, %v", room, len(files), err)
		}
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				to, inside := strings.CutPrefix(path, rooms)
				if !inside || strings.HasPrefix(to, "internal/") {
					continue
				}
				ok := false
				for _, b := range below {
					ok = ok || b == to
				}
				if !ok {
					t.Errorf("%s imports %s, which does not lie below room %s", name, path, room)
				}
			}
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") &&
			name != "doc.go" {
			t.Errorf("%s stands outside of the rooms", name)
		}
	}
}

// TestLineWidth holds the lines of the rooms to 120 columns, a tab being four; generated files are as they are.
func TestLineWidth(t *testing.T) {
	err := filepath.WalkDir(".", func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_asm_amd64.go") {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			line := strings.ReplaceAll(lines.Text(), "\t", "    ")
			if w := utf8.RuneCountInString(line); w > 120 {
				t.Errorf("%s:%d: %d columns", name, n, w)
			}
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
