package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPlaces: every table has its place in the documentation, and every place its table.
func TestPlaces(t *testing.T) {
	places := map[string]bool{}
	mark := regexp.MustCompile(`<!-- doctables (\S+) -->`)
	for _, dir := range []string{"results", "design"} {
		pages, err := filepath.Glob(filepath.Join("..", "..", "docs", dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pages {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range mark.FindAllStringSubmatch(string(text), -1) {
				places[dir+"/"+filepath.Base(p)+" "+m[1]] = true
			}
		}
	}
	for _, made := range tables {
		if made.name == "" {
			if _, err := os.Stat(filepath.Join("..", "..", "docs", filepath.FromSlash(made.file))); err != nil {
				t.Error(err)
			}
			continue
		}
		at := made.file + " " + made.name
		if !places[at] {
			t.Errorf("no place for %s", at)
		}
		delete(places, at)
	}
	for at := range places {
		t.Errorf("nothing makes %s", at)
	}
}

// TestWrite: a table gets the experiment's figures, keeps what comes from elsewhere, and leaves the rest of its page
// and the tables of other experiments alone.
func TestWrite(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"docs/results", "docs/design", "out/fig6a-paper"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const page = "docs/results/reproduction-lstm.md"
	write1 := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write1(page, "before\n\n<!-- doctables fig6a -->\n\n"+
		"| rate | dense, cycles | rdp, cycles | ours, speedup (95 % interval) | paper |\n|---|---|---|---|---|\n"+
		"| 0.3 | 1 | 1 | 1 | about 1.2 |\n\n<!-- end -->\n\nafter\n")
	write1("out/fig6a-paper/results.json", `{"rows": [
		{"method": "dense", "rates": [0.3], "cycles_with_launch": 76657955, "speedup": 1},
		{"method": "rdp", "rates": [0.3], "cycles_with_launch": 66279802.4, "speedup": 1.156583, "speedup_low": 1.1523,
		 "speedup_high": 1.1607}]}`)
	if err := write("out"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := "| 0.3 | 76,657,955 | 66,279,802 | 1.16 (1.15 to 1.16) | about 1.2 |\n\n<!-- end -->\n\nafter\n"
	if !strings.HasPrefix(string(got), "before\n\n<!-- doctables fig6a -->\n\n| rate |") ||
		!strings.HasSuffix(string(got), want) {
		t.Errorf("page:\n%s\nwant it to end in\n%s", got, want)
	}
	write1("out/fig6a-paper/results.json", `{"rows": []}`)
	if err := write("out"); err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Errorf("an experiment without rows: %v", err)
	}
}
