package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"warpdrop/internal/cudac"
	"warpdrop/internal/toolchain"
	"warpdrop/sim"
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

// TestGuideCommands runs each `warpdrop …` line in a ```sh block of the guide, page by page, in a folder with the
// repository's files.
func TestGuideCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob(filepath.Join(root, "docs/guide/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = codeOf(t.Context(), []string{filepath.Join(root, "examples/transpose.cu")},
		codeOptions{Options: cudac.Options{Arch: 61}})
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
				if (strings.Contains(command, ".cu ") || strings.Contains(command, "transpose.yaml")) && !compiler {
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
					if _, row, _ := strings.Cut(stdout.String(), "shared bank conflicts"); !strings.Contains(row[:min(80, len(row))],
						want) {
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

// made are pages that programs write.
func made(name string) bool {
	return name == "THIRD_PARTY.md" || strings.HasPrefix(name, "docs/reference/")
}

// TestLineLengths: no line of a page is longer than 100 columns, and no page than 250 lines but for lab notes, the
// changelog and what programs write. A line without spaces, as a long link is, cannot be broken.
func TestLineLengths(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(filepath.ToSlash(page), "../../")
		if made(name) {
			continue
		}
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if n := utf8.RuneCountInString(line); n > 100 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s:%d: %d columns; 100 are allowed", name, i+1, n)
			}
		}
		if len(lines) > 251 && name != "CHANGELOG.md" && !strings.HasPrefix(name, "docs/lab/") {
			t.Errorf("%s has %d lines; 250 are allowed: long tables go into a CSV beside the page", name, len(lines)-1)
		}
	}
}

// TestLongTables: long tables of the results are CSV beside their page.
func TestLongTables(t *testing.T) {
	const most = 15
	for _, page := range pages(t) {
		if !strings.Contains(filepath.ToSlash(page), "docs/results/") {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		rows := -2 // less the head and the line below it
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "|") {
				rows++
				if rows == most+1 {
					t.Errorf("%s:%d: a table of more than %d rows: a CSV beside the page", page, i+1, most)
				}
			} else {
				rows = -2
			}
		}
	}
}

var (
	modelOf = regexp.MustCompile(`2026\.\d+-\d+`)
	cycles  = regexp.MustCompile(`(?s)cycles.*\| \d{3},\d{3} `)
)

// TestFiguresNameTheirModel: a page with a table of cycles says of which model they are, and README's are of this one.
// Pages with figures of older models are listed with -v.
func TestFiguresNameTheirModel(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(filepath.ToSlash(page), "../../")
		models := modelOf.FindAllString(string(text), -1)
		if len(models) == 0 && cycles.Match(text) && !made(name) {
			t.Errorf("%s has cycles in a table and names no model", name)
		}
		slices.Sort(models)
		for _, model := range slices.Compact(models) {
			if model != sim.ModelVersion && !made(name) {
				t.Logf("%s has figures of model %s; this is %s", name, model, sim.ModelVersion)
			}
		}
	}
}

// TestDeviations: the numbered table of deviations counts on from 1, each has its three answers, and each figure of the
// GTX 1080 Ti's preset that is called an assumption or fitted is named there.
func TestDeviations(t *testing.T) {
	text, err := os.ReadFile("../../docs/design/deviations.md")
	if err != nil {
		t.Fatal(err)
	}
	items := regexp.MustCompile(`(?m)^(\d+)\. \*\*`).FindAllSubmatchIndex(text, -1)
	for i, m := range items {
		end := len(text)
		if i+1 < len(items) {
			end = items[i+1][0]
		}
		if n := string(text[m[2]:m[3]]); n != strconv.Itoa(i+1) {
			t.Errorf("deviation %s comes after %d", n, i)
		}
		for _, want := range []string{"*Why:*", "*Effect:*", "*Status:*"} {
			if !bytes.Contains(text[m[0]:end], []byte(want)) {
				t.Errorf("deviation %d has no %s", i+1, want)
			}
		}
	}
	preset, err := os.ReadFile("../../sim/gpus/gtx1080ti.yaml")
	if err != nil {
		t.Fatal(err)
	}
	marked := regexp.MustCompile(`(?m)^ *(\w+): .*#.*\b(?:assumption|fitted)\b`).FindAllSubmatch(preset, -1)
	for _, m := range marked {
		if !bytes.Contains(text, []byte("`"+string(m[1])+"`")) {
			t.Errorf("gtx1080ti.yaml calls %s an assumption or fitted; docs/design/deviations.md does not name it", m[1])
		}
	}
	if len(items) < 30 || len(marked) < 20 {
		t.Errorf("%d deviations and %d marked figures found", len(items), len(marked))
	}
}
