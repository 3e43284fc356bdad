package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// slow are the documented commands that CI runs by itself, not this test.
var slow = []string{"run experiments/quickstart.yaml"}

// TestDocumentedCommandsRun runs each `go run ./cmd/warpdrop …` line of the README's code blocks, in its order.
func TestDocumentedCommandsRun(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.CopyFS(filepath.Join(work, "experiments"), os.DirFS("../../experiments")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	n := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "go run ./cmd/warpdrop ")
		if !ok {
			continue
		}
		command, _, _ = strings.Cut(command, "#")
		command = strings.TrimSpace(command)
		skip := false
		for _, s := range slow {
			skip = skip || command == s
		}
		if skip {
			continue
		}
		n++
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(command), strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Errorf("warpdrop %s: exit code %d\n%s", command, code, &stderr)
		}
	}
	if n < 4 {
		t.Errorf("%d commands found in the README; is its form another one?", n)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		if c.Runnable() && c.Example == "" {
			t.Errorf("%s --help has no example", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	for _, c := range commands {
		check(c())
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("name: bad\ntitle: Bad\npoints:\n  - search: {rate: 1}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := "../../experiments/search.yaml"
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want string // on stderr
	}{
		{"frobnicate", 2, `unknown command "frobnicate"`},
		{"gpus gtx9000", 2, `gpu "gtx9000" (did you mean "gtx1080"?) is not one of`},
		{"validate " + good, 0, ""},
		{"validate", 2, "one or more files"},
		{"run " + bad, 2, "bad.yaml:4:20: rate is 1; allowed is a number from 0 below 1"},
		{"plan " + bad, 2, "bad.yaml:4:20"},
		{"run " + filepath.Join(dir, "none.yaml"), 2, "none.yaml: no such file"},
		{"run " + good + " --scale huge", 2, `--scale is "huge"; allowed are smoke, small and paper`},
		{"run " + good + " --jobs -1", 2, "--jobs is -1"},
		{"run " + good + " --only maps", 2, `--only is "maps"; allowed are deepbench, gemm`},
		{"plan ../../experiments/table2.yaml --only mlp", 0, ""},
		{"run " + good + " --speed 3", 2, "unknown flag"},
		{"run " + good + " --out " + file, 1, "not a directory"},
		{"run " + good + " --out " + filepath.Join(dir, "out"), 0, ""},
		{"point " + good + " 99 --out " + dir, 2, "allowed is 1 to 6"},
		{"point " + good + " 1 --out " + filepath.Join(dir, "out"), 0, "stored already"},
		{"plot " + dir, 2, "is not an output folder"},
		{"plot " + filepath.Join(dir, "out") + " --figure pie", 2, `--figure is "pie"; allowed are`},
		{"plot " + filepath.Join(dir, "out") + " --format gif", 2, `--format is "gif"; allowed are png, svg, pdf`},
		{"plot " + filepath.Join(dir, "out") + " --format pdf", 0, ""},
		{"compare " + filepath.Join(dir, "out") + " " + dir, 2, "is not an output folder"},
		{"compare " + filepath.Join(dir, "out") + " " + filepath.Join(dir, "out"), 0, ""},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("warpdrop %s: exit code %d, want %d; stderr\n%s\nwant it to say %s", c.args, code, c.code, &stderr, c.want)
		}
	}
}
