package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
	"warpdrop/sim"
)

var update = flag.Bool("update", false, "write docs/reference anew")

// TestReference: the pages of docs/reference are what the commands, the schema, the declarations and the presets say.
func TestReference(t *testing.T) {
	for name, page := range map[string]func(*testing.T) string{
		"commands.md":        commandsPage,
		"experiment-keys.md": keysPage,
		"columns.md":         columnsPage,
		"gpus.md":            gpusPage,
	} {
		file := filepath.Join("../../docs/reference", name)
		got := page(t)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Errorf("%s is not what the program says (%v): go test ./cmd/warpdrop -run TestReference -update", file, err)
		}
	}
}

const pageWidth = 100

// wrapped breaks the lines of prose at the width of a page; lines that begin with a space stay as they are.
func wrapped(text string) string { return wrappedAt(text, pageWidth) }

func wrappedAt(text string, width int) string {
	var out strings.Builder
	for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		flowing := !slices.ContainsFunc(strings.Split(paragraph, "\n"),
			func(l string) bool { return strings.HasPrefix(l, " ") })
		column := 0
		if !flowing {
			out.WriteString("```\n" + fold(paragraph) + "\n```\n\n")
			continue
		}
		for _, word := range strings.Fields(paragraph) {
			if column > 0 && column+1+utf8.RuneCountInString(word) > width {
				out.WriteString("\n")
				column = 0
			}
			if column > 0 {
				out.WriteString(" ")
				column++
			}
			out.WriteString(word)
			column += utf8.RuneCountInString(word)
		}
		out.WriteString("\n\n")
	}
	return out.String()
}

// fold breaks lines that are longer than a page; what follows is indented as the line was, and more.
func fold(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))
		for len(line) > pageWidth {
			at := strings.LastIndexByte(line[:pageWidth], ' ')
			if at <= len(indent) {
				break
			}
			out = append(out, strings.TrimRight(line[:at], " "))
			line = indent + "    " + strings.TrimLeft(line[at:], " ")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// item is an entry of a list, the lines after its first indented.
func item(line string) string {
	return strings.ReplaceAll(strings.TrimRight(wrappedAt(line, pageWidth-2), "\n"), "\n", "\n  ") + "\n"
}

func commandsPage(*testing.T) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nWhat `warpdrop COMMAND --help` says. In a fresh clone `warpdrop` is `go run " +
		"./cmd/warpdrop`.\n" +
		"Exit codes: 0 done, 1 the work failed, 2 the request was refused before any work.\n\n")
	var add func(c *cobra.Command, path string)
	add = func(c *cobra.Command, path string) {
		path += " " + c.Name()
		if c.Runnable() && !c.Hidden {
			fmt.Fprintf(&b, "## %s\n\n", path[1:])
			text := c.Long
			if text == "" {
				text = c.Short + "."
			}
			b.WriteString(wrapped(text))
			usage := strings.TrimSuffix(path, " "+c.Name()) + " " + c.Use
			fmt.Fprintf(&b, "```sh\n%s\n\n%s\n```\n\n", fold(usage[1:]), fold(c.Example))
			if flags := c.LocalFlags().FlagUsagesWrapped(pageWidth); flags != "" {
				fmt.Fprintf(&b, "```\n%s```\n\n", flags)
			}
		}
		for _, sub := range c.Commands() {
			add(sub, path)
		}
	}
	for _, c := range commands {
		add(c(), " warpdrop")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// schemaNode is as much of a JSON Schema as the page shows.
type schemaNode struct {
	Ref         string                 `json:"$ref"`
	Type        string                 `json:"type"`
	Description string                 `json:"description"`
	Default     any                    `json:"default"`
	Enum        []any                  `json:"enum"`
	Minimum     *float64               `json:"minimum"`
	Maximum     *float64               `json:"maximum"`
	Above       *float64               `json:"exclusiveMinimum"`
	Below       *float64               `json:"exclusiveMaximum"`
	Items       *schemaNode            `json:"items"`
	Properties  map[string]*schemaNode `json:"properties"`
	Definitions map[string]*schemaNode `json:"$defs"`
}

// allowed says what a key takes.
func (n *schemaNode) allowed() string {
	var parts []string
	what := n.Type
	if n.Items != nil {
		if what = "list"; n.Items.Type != "" {
			what = "list of " + n.Items.Type
		}
	}
	if what != "" {
		parts = append(parts, what)
	}
	if len(n.Enum) > 0 {
		var names []string
		for _, v := range n.Enum {
			names = append(names, fmt.Sprint(v))
		}
		parts = append(parts, "one of "+strings.Join(names, ", "))
	}
	for _, bound := range []struct {
		at   *float64
		text string
	}{{n.Minimum, "at least"}, {n.Above, "above"}, {n.Maximum, "at most"}, {n.Below, "below"}} {
		if bound.at != nil {
			parts = append(parts, fmt.Sprintf("%s %g", bound.text, *bound.at))
		}
	}
	if n.Default != nil {
		parts = append(parts, fmt.Sprintf("default %v", n.Default))
	}
	return strings.Join(parts, "; ")
}

func keysPage(t *testing.T) string {
	var root schemaNode
	if err := json.Unmarshal(experiments.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Keys of an experiment\n\n" +
		wrapped("A file has the keys of the first section. Each group under `points:` has one kind of work, with its "+
			"keys, and "+
			"`sweep:` and `scales:`. `warpdrop validate --schema` prints the JSON Schema that this page is made from; an "+
			"editor that knows it completes keys. "+
			"How to write one: [the guide](../guide/experiments.md)."))
	section := func(title, text string, n *schemaNode) {
		fmt.Fprintf(&b, "## %s\n\n%s", title, wrapped(text))
		for _, key := range slices.Sorted(maps.Keys(n.Properties)) {
			p := n.Properties[key]
			line := "- `" + key + "`"
			if a := p.allowed(); a != "" {
				line += " (" + a + ")"
			}
			if p.Description != "" {
				line += ": " + p.Description
			}
			b.WriteString(item(line))
		}
		b.WriteString("\n")
	}
	section("The file", "One experiment.", &root)
	group := root.Definitions["Group"]
	section("Every group", "Keys beside the kind of work.",
		&schemaNode{Properties: map[string]*schemaNode{"sweep": group.Properties["sweep"],
			"scales": group.Properties["scales"]}})
	for _, key := range slices.Sorted(maps.Keys(group.Properties)) {
		if of, ok := strings.CutPrefix(group.Properties[key].Ref, "#/$defs/"); ok && key != "scales" {
			section("`"+key+"`", group.Properties[key].Description, root.Definitions[of])
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// fields are a struct's fields in their order with the comments of their declaration; a field without one fails the
// test.
func fields(t *testing.T, file, name, key string) (out [][2]string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != name {
			return true
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			text := strings.TrimSpace(f.Comment.Text())
			if text == "" {
				text = strings.TrimSpace(f.Doc.Text())
			}
			for _, id := range f.Names {
				shown := id.Name
				if key != "" {
					if f.Tag == nil {
						continue
					}
					shown, _, _ = strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get(key), ",")
				}
				if shown == "" || !id.IsExported() {
					continue
				}
				if text == "" {
					t.Errorf("%s: %s.%s has no definition: a comment on its line", file, name, id.Name)
				}
				out = append(out, [2]string{shown, strings.Join(strings.Fields(text), " ")})
			}
		}
		return false
	})
	if len(out) == 0 {
		t.Fatalf("%s has no struct %s", file, name)
	}
	return out
}

func columnsPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Columns and counters\n\n" +
		wrapped("Each with its unit and definition, as its declaration says. Cycles are of the core clock. A value that "+
			"was not "+
			"measured is empty in CSV and null in JSON, never 0. A sector has 32 bytes, a line 128; a pass is one cycle of "+
			"the 32 banks of shared memory."))
	for _, s := range []struct{ title, text, file, name, key string }{
		{"`results.csv` and `results.json`", "A row is one configuration of an experiment.", "../../experiments/rows.go",
			"Row", "json"},
		{"`warpdrop sim --json`", "One launch.", "sim.go", "simReport", "json"},
		{"Counters of the SMs", "`Result.Counters.SM` of package `sim`; sums over all SMs of the chip.",
			"../../sim/sm/timing/counters.go", "Counters", ""},
		{"Counters of the memory system", "`Result.Counters.Memory`, and `memory` of `warpdrop sim --json`.",
			"../../sim/memory/counters.go", "Counters", ""},
	} {
		fmt.Fprintf(&b, "## %s\n\n%s", s.title, wrapped(s.text))
		for _, f := range fields(t, s.file, s.name, s.key) {
			line := "- `" + f[0] + "`: " + f[1]
			b.WriteString(item(line))
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func gpusPage(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# GPU presets\n\n" +
		wrapped("`warpdrop gpus NAME` prints a preset with the source of each figure beside it; the files are "+
			"`sim/gpus/*.yaml`. "+
			"A preset of your own is a file: `base: gtx1080ti` and what differs, given as `--gpu FILE.yaml`.") +
		"| name | product | chip | sm_ | SMs | MHz | GFLOP/s | MiB | launch µs |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range sim.GPUs() {
		g, err := sim.LoadGPU(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %d | %d | %g | %.0f | %d | %g |\n",
			name, strings.TrimPrefix(g.Product, "NVIDIA "), g.Chip, g.Arch, g.SMs, g.CoreMHz, g.PeakGFLOPS(), g.MemoryMiB,
			g.LaunchOverheadUS)
	}
	return b.String()
}
