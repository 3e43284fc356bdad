package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// A kernel's name in a stranger's file steers no terminal, whatever command prints it.
func TestNamesReachTheTerminalShown(t *testing.T) {
	data, err := os.ReadFile("../../sim/isa/testdata/functions.cubin")
	if err != nil {
		t.Fatal(err)
	}
	const evil = "\x1b[2J\u202e" // six bytes and …
	data = bytes.ReplaceAll(data, []byte("calls\x00"), []byte("\x1b[2Jx\x00"))
	file := filepath.Join(t.TempDir(), "evil"+evil+".cubin")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	experiment := filepath.Join(t.TempDir(), "e.yaml")
	text := "name: e\ntitle: \"\\e[2J\"\npoints:\n  - launch: {cubin: \"" + strings.ReplaceAll(file, evil, `\e[2J\u202e`) +
		`", kernel: "\e[2Jx", grid: [1], block: [32]}` + "\n"
	if err := os.WriteFile(experiment, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"disasm", file},
		{"disasm", file, "--json"},
		{"disasm", file, "--kernel", "none"},
		{"sim", file, "--kernel", "none", "--grid", "1", "--block", "32"},
		{"sim", file, "--kernel", "\x1b[2Jx", "--grid", "1", "--block", "32"},
		{"plan", experiment},
		{"gpus", "none" + evil},
	} {
		var stdout, stderr bytes.Buffer
		run(t.Context(), args, nil, &stdout, &stderr)
		all := stdout.String() + stderr.String()
		if i := strings.IndexFunc(all, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsGraphic(r) }); i >=
			0 || all == "" {
			t.Errorf("%q prints %q", args, all[max(i, 0):min(max(i, 0)+40, len(all))])
		}
	}
}

type fullDevice struct{ left int }

var errFull = errors.New("no space left on device")

func (f *fullDevice) Write(b []byte) (int, error) {
	if len(b) > f.left {
		return 0, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

// A command whose output was lost does not end as if it had been read.
func TestFullOutput(t *testing.T) {
	for _, args := range []string{"gpus", "gpus --json", "validate --schema", "search --rate 0.5", "--help",
		"disasm ../../sim/isa/testdata/functions.cubin", "validate ../../experiments/quickstart.yaml",
		"plan ../../experiments/quickstart.yaml"} {
		for _, room := range []int{0, 30} {
			var stderr bytes.Buffer
			code := run(t.Context(), strings.Fields(args), nil, &fullDevice{room}, &stderr)
			if code != 1 || !strings.Contains(stderr.String(), "standard output: no space left on device") {
				t.Errorf("%s with room for %d bytes: exit %d, %q", args, room, code, stderr.String())
			}
		}
	}
}
