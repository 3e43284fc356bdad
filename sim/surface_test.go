package sim_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// ofUsers are the types of sim/sm and sim/memory that package sim's own API may name: figures of presets, counters, and
// what a launch can end with.
var ofUsers = map[string]bool{"sm.Config": true, "memory.Config": true, "memory.CopyConfig": true, "sm.Counters": true,
	"memory.Counters": true, "sm.Fault": true, "sm.CheckError": true, "sm.HazardError": true}

// TestSurface: nothing else of them is needed to use sim, and everything that is exported is documented.
func TestSurface(t *testing.T) {
	set := token.NewFileSet()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	names := func(where string, n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && len(f.Names) > 0 && !f.Names[0].IsExported() && strings.HasPrefix(where, "type ") {
				return false
			}
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && (x.Name == "sm" || x.Name == "memory" || x.Name == "isa") &&
					!ofUsers[x.Name+"."+s.Sel.Name] {
					t.Errorf("%s: %s names %s.%s", set.Position(s.Pos()), where, x.Name, s.Sel.Name)
				}
			}
			return true
		})
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if !d.Name.IsExported() || d.Recv != nil && !receiver(d).IsExported() {
					continue
				}
				if d.Doc == nil && d.Name.Name != "String" && d.Name.Name != "Error" {
					t.Errorf("%s: %s has no comment", set.Position(d.Pos()), d.Name)
				}
				names(d.Name.Name, d.Type)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
						names("type "+s.Name.Name, s.Type)
						if d.Doc == nil && s.Doc == nil {
							t.Errorf("%s: %s has no comment", set.Position(s.Pos()), s.Name)
						}
					}
				}
			}
		}
	}
}

func receiver(d *ast.FuncDecl) *ast.Ident {
	x := d.Recv.List[0].Type
	if p, ok := x.(*ast.StarExpr); ok {
		x = p.X
	}
	return x.(*ast.Ident)
}
