package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandsOfSMPage runs the commands of docs/design/sm.md.
func TestCommandsOfSMPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/design/sm.md")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.MkdirAll(filepath.Join(work, "workloads/microbench"), 0o755); err != nil {
		t.Fatal(err)
	}
	cubin, err := os.ReadFile("../../workloads/microbench/sm.cubin")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "workloads/microbench/sm.cubin"), cubin, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	n := 0
	for line := range strings.SplitSeq(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		command, ok := strings.CutPrefix(line, "warpdrop ")
		if !ok {
			continue
		}
		n++
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(command), strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Errorf("warpdrop %s: exit code %d\n%s", command, code, &stderr)
		}
		if !strings.Contains(stdout.String(), "eligible warps") {
			t.Errorf("warpdrop %s does not print eligible warps:\n%s", command, &stdout)
		}
	}
	if n != 2 {
		t.Errorf("%d commands, want 2", n)
	}
	profile, err := os.ReadFile("dual.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"not_selected", "LDS.U.32", "waited for"} {
		if !strings.Contains(string(profile), want) {
			t.Errorf("the profile lacks %q", want)
		}
	}
}
