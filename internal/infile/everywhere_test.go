package infile

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"warpdrop/internal/sources"
)

// TestFilesAreOpenedHere: what users name is opened by this package, so that no pipe, device or endless file is read
// anywhere; the others are those below, each for a reason of its own.
func TestFilesAreOpenedHere(t *testing.T) {
	others := map[string]string{
		"internal/infile/infile.go":         "this package",
		"internal/atomicfile/atomicfile.go": "syncs folders, writes to devices that a user names as an output",
		"internal/atomicfile/pipe_unix.go":  "writes to pipes that a user names as an output",
		"internal/atomicfile/pipe_other.go": "the same",
		"internal/hostmem/hostmem_linux.go": "the kernel's own files",
		"internal/cudac/cudac.go":           "what a compiler wrote into a folder of ours",
		"experiments/slurm/books.go":        "this program",
		"driver/env.go":                     "appends to a log",
		"internal/sources/sources.go":       "this project's own files, for tests",
	}
	tools := []string{"internal/torture/", "internal/site/", "internal/thirdparty/", "internal/vulndb/",
		"internal/docfigures/", "internal/doctables/", "plots/golden/", "cmd/browser/", "scripts/"}
	sources.Each(t, "../..", func(name string, text []byte) {
		if others[name] != "" || slices.ContainsFunc(tools, func(dir string) bool { return strings.HasPrefix(name, dir) }) {
			return
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of, ok := s.X.(*ast.Ident)
			if ok && of.Name == "os" && slices.Contains([]string{"Open", "OpenFile", "ReadFile"}, s.Sel.Name) {
				t.Errorf("%s: os.%s; files that users name are opened with infile", files.Position(s.Pos()), s.Sel.Name)
			}
			return true
		})
	})
}
