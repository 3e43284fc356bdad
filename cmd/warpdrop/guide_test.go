package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"warpdrop/internal/cudac"
	"warpdrop/internal/toolchain"
)

// pages are the Markdown files that people read.
func pages(t *testing.T) (out []string) {
	t.Helper()
	for _, glob := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	if len(out) < 20 {
		t.Fatalf("%d pages found", len(out))
	}
	return out
}

// TestGuideCommands runs each `warpdrop …` line in a ```sh block of the guide, page by page, in a folder with the repository's files.
func TestGuideCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob(filepath.Join(root, "docs/guide/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = codeOf(t.Context(), filepath.Join(root, "examples/transpose.cu"), codeOptions{Options: cudac.Options{Arch: 61}})
	compiler := !errors.Is(err, toolchain.ErrMissing)
	work := t.TempDir()
	for _, name := range []string{"experiments", "examples", "workloads", "sim"} {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(work, name)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	t.Chdir(work)
	ran := 0
	for _, page := range guides {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)\n```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			for line := range strings.SplitSeq(strings.ReplaceAll(block[1], "\\\n", " "), "\n") {
				command, ok := strings.CutPrefix(strings.TrimSpace(line), "warpdrop ")
				if !ok {
					continue
				}
				command, _, _ = strings.Cut(command, " #")
				if strings.Contains(command, ".cu ") && !compiler {
					t.Logf("%s: not run, no compiler for CUDA C++: warpdrop %s", filepath.Base(page), command)
					continue
				}
				ran++
				var stdout, stderr bytes.Buffer
				if code := run(t.Context(), strings.Fields(command), nil, &stdout, &stderr); code != 0 {
					t.Errorf("%s: warpdrop %s: exit code %d\n%s", filepath.Base(page), command, code, &stderr)
				}
				// What the page promises of the two transpositions.
				if strings.Contains(command, "--grid 32,32") && strings.HasPrefix(filepath.Base(page), "kernel") {
					want := "1015808"
					if strings.Contains(command, "PAD=1") {
						want = "│ 0 "
					}
					if _, row, _ := strings.Cut(stdout.String(), "shared bank conflicts"); !strings.Contains(row[:min(80, len(row))], want) {
						t.Errorf("%s: warpdrop %s: bank conflicts are not %s:\n%s", filepath.Base(page), command, want, &stdout)
					}
				}
			}
		}
	}
	if ran < 3 {
		t.Errorf("%d commands ran; has the guide another form?", ran)
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	heading = strings.ToLower(strings.TrimSpace(strings.TrimLeft(heading, "#")))
	heading = regexp.MustCompile(`[^\p{L}\p{N}\- _]`).ReplaceAllString(heading, "")
	return strings.ReplaceAll(heading, " ", "-")
}

// TestLinks: every relative link of every page leads to a file, and to a heading of it where it names one.
func TestLinks(t *testing.T) {
	n := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			n++
			file, fragment, _ := strings.Cut(target, "#")
			path := page
			if file != "" {
				path = filepath.Join(filepath.Dir(page), file)
			}
			data, err := os.ReadFile(path)
			if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s links to %s: %v", page, target, err)
				continue
			}
			found := fragment == ""
			for line := range strings.SplitSeq(string(data), "\n") {
				found = found || strings.HasPrefix(line, "#") && anchor(line) == fragment
			}
			if !found {
				t.Errorf("%s links to %s, which has no such heading", page, target)
			}
		}
	}
	if n < 50 {
		t.Errorf("%d links found", n)
	}
}

// long are pages that are not yet within 100 columns: a page leaves this list and never comes back.
var long = map[string]bool{
	"SECURITY.md":                 true,
	"docs/design/architecture.md": true, "docs/guide/checks.md": true, "docs/guide/cluster.md": true, "docs/results/correlation.md": true,
	"docs/design/dropout.md": true, "docs/design/energy.md": true, "docs/design/experiments.md": true, "docs/design/gemm.md": true,
	"docs/design/isa.md": true, "docs/design/iterations.md": true, "docs/design/memory.md": true, "docs/results/performance.md": true,
	"docs/results/reproduction.md": true, "docs/design/sm.md": true, "docs/results/training.md": true,
}

// TestLineLengths: no line of a page is longer than 100 columns, but for lines that a link makes long.
func TestLineLengths(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(filepath.ToSlash(page), "../../")
		if name == "THIRD_PARTY.md" { // made by internal/thirdparty
			continue
		}
		worst, lines := 0, 0
		for line := range strings.SplitSeq(string(text), "\n") {
			if n := utf8.RuneCountInString(line); n > 100 && !strings.Contains(strings.TrimSpace(line), "](") && !strings.HasPrefix(line, "[!") {
				worst, lines = max(worst, n), lines+1
			}
		}
		switch {
		case lines > 0 && !long[name]:
			t.Errorf("%s has %d lines of up to %d columns; 100 are allowed", name, lines, worst)
		case lines == 0 && long[name]:
			t.Errorf("%s is within 100 columns now: take it off the list", name)
		}
	}
}
