package scratch

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Old folders of ours go; young ones, other people's folders of the same name and links stay.
func TestSweep(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	long := time.Now().Add(-2 * old)
	age := func(paths ...string) {
		for _, p := range paths {
			if err := os.Chtimes(p, long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	left, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "a.cubin"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	age(filepath.Join(left, mark), left)
	young, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(temp, "warpdrop-scratch-mine")
	target := filepath.Join(temp, "target")
	for _, dir := range []string{foreign, target} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(target, mark), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(temp, "warpdrop-scratch-link")
	if err := os.Symlink(target, link); err != nil {
		t.Skip("no links here:", err)
	}
	age(filepath.Join(target, mark), target, foreign)
	sweep(temp, time.Now())
	for path, want := range map[string]bool{left: false, young: true, foreign: true, link: true,
		filepath.Join(target, mark): true} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(path), err == nil, want)
		}
	}
}
