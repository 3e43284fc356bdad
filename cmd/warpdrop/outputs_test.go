package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every flag that names a file to be written is tried before the work, and no other.
func TestOutputFlags(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			_, marked := f.Annotations[outputFlag]
			writes := f.Value.Type() == "string" && (strings.Contains(f.Usage, "this file") ||
				strings.Contains(f.Usage, "file, for ui.perfetto.dev") ||
				strings.HasPrefix(f.Usage, "draw"))
			if c.Name() == "exec" { // it sets variables, which are tried where they are read
				writes = false
			}
			if marked != writes {
				t.Errorf("%s --%s (%s): marked as an output: %v, reads as one: %v", c.CommandPath(), f.Name, f.Usage,
					marked, writes)
			}
		})
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	for _, c := range commands {
		look(c())
	}
}

// What cannot be written is refused before the work, which here would take minutes.
func TestOutputsAreTried(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none", "x")
	for _, c := range []struct {
		args string
		code int
	}{
		{"sim ../../sim/testdata/checks.cubin --kernel saxpy --grid 80000000 --block 128 --arg buf:4000:out=" + none +
			" --arg buf:4000 --arg f32:1 --arg i32:1", 2},
		{
			"sim ../../sim/testdata/checks.cubin --kernel saxpy --grid 80000000 --block 128 --arg buf:4000 --arg buf:4000 " +
				"--arg f32:1 --arg i32:1 --trace " + none, 2},
		{
			"sim ../../sim/testdata/checks.cubin --kernel saxpy --grid 80000000 --block 128 --arg buf:4000 --arg buf:4000 " +
				"--arg f32:1 --arg i32:1 --profile " + dir, 2},
		{"iteration mlp --hidden 4096,4096 --trace " + none, 2},
		{"train lstm --data /none --metrics " + none, 2},
		{"train lstm --data /none --checkpoint " + none, 2},
		{"search --rate 0.5 --plot " + none + ".png", 2},
		{"run ../../experiments/fig6a.yaml --scale paper --store " + filepath.Join(dir, "s") + " --out " +
			filepath.Join(blocked, "out"), 1},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(c.args), nil, &stdout, &stderr); code != c.code ||
			!strings.Contains(stderr.String(), dir) {
			t.Errorf("%s: exit %d, %q", c.args, code, stderr.String())
		}
	}
}
