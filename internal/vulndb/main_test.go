package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestConvert: a vulnerability is found by its module with the version that mends it; one that was withdrawn is not.
func TestConvert(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"GO-2026-0001": `{"id":"GO-2026-0001","modified":"2026-01-02T00:00:00Z","aliases":["CVE-1"],"affected":[
			{"package":{"name":"example.com/a"},
				"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.0"}]}]},
			{"package":{"name":"example.com/b"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`,
		"GO-2026-0002": `{"id":"GO-2026-0002","modified":"2026-03-02T00:00:00Z","withdrawn":"2026-03-03T00:00:00Z"}`,
	} {
		if err := os.WriteFile(filepath.Join(from, name+".json"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := convert(from, to); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	for name, want := range map[string]string{
		"db": `{"modified":"2026-01-02T00:00:00Z"}`,
		"modules": `[{"path":"example.com/a","vulns":[{"id":"GO-2026-0001","modified":"2026-01-02T00:00:00Z",` +
			`"fixed":"1.2.0"}]},{"path":"example.com/b","vulns":[{"id":"GO-2026-0001",` +
			`"modified":"2026-01-02T00:00:00Z"}]}]`,
		"vulns": `[{"id":"GO-2026-0001","modified":"2026-01-02T00:00:00Z","aliases":["CVE-1"]}]`,
	} {
		if got, err := os.ReadFile(filepath.Join(to, "index", name+".json")); err != nil || string(got) != want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "ID", "GO-2026-0001.json")); err != nil {
		t.Error(err)
	}
	if _, err := convert(to, from); err == nil {
		t.Error("a folder without files makes a database")
	}
}
