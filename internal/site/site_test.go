package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	reference = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	anchors   = regexp.MustCompile(` id="([^"]*)"`)
)

// TestSite: every page becomes HTML, and every link of it leads to a file of the site, and to a heading of it where it
// names one.
func TestSite(t *testing.T) {
	dir := t.TempDir()
	pages, err := write("../..", dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := put(filepath.Join(dir, "browser/index.html"), nil); err != nil { // scripts/site.sh makes it
		t.Fatal(err)
	}
	n, html := 0, 0
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".html" || filepath.Base(filepath.Dir(name)) == "browser" {
			return err
		}
		html++
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range reference.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			n++
			file, fragment, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = filepath.Join(filepath.Dir(name), file)
			}
			data, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
				continue
			}
			found := fragment == ""
			for _, a := range anchors.FindAllStringSubmatch(string(data), -1) {
				found = found || a[1] == fragment
			}
			if !found {
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if html != pages || pages < 40 || n < 500 {
		t.Errorf("%d files of %d pages, %d links", html, pages, n)
	}
}

// TestSearch: in a browser, a search finds the section that is about the words.
func TestSearch(t *testing.T) {
	if os.Getenv("WARPDROP_BROWSER") == "" {
		t.Skip("WARPDROP_BROWSER is not set: no browser is started")
	}
	dir := t.TempDir()
	if _, err := write("../..", dir); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"hazard+check":      "docs/design/sm.html#hazard-check",
		"sampled+waves":     "docs/results/correlation.html#sampled-simulation",
		"bring+your+kernel": "docs/guide/kernel.html",
		"glossary+warp":     "docs/glossary.html",
		"xyzzy":             "Nothing found.",
	} {
		out, err := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu",
			"--no-first-run", "--user-data-dir="+t.TempDir(), "--virtual-time-budget=3000", "--dump-dom",
			"file://"+filepath.Join(dir, "index.html")+"?q="+query).Output()
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(out), `<ul id="found"`)
		list, _, _ = strings.Cut(list, "</ul>")
		if !strings.Contains(list, want) {
			t.Errorf("a search for %s finds no %s:\n%s", query, want, list)
		}
	}
}
