package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := WriteBytes(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, "ne")
		return broken
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want %v and the file's name", err, broken)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("after a failed write the file holds %q", got)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are left, want 1", len(left))
	}
	os.WriteFile(filepath.Join(dir, ".a.txt-123.part"), nil, 0o644) // as of a writer that was killed
	os.WriteFile(filepath.Join(dir, ".b.txt-123.part"), nil, 0o644)
	RemoveParts(path)
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("%d files are left, want a.txt and b.txt's part", len(left))
	}
	if err := WriteBytes(filepath.Join(dir, "none", "a"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v in a folder that does not exist", err)
	}
}

// TestTry: Try refuses what Write refuses, TryThrough what Through does, and neither changes anything.
func TestTry(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, ok := range map[string]bool{old: true, filepath.Join(dir, "new"): true, os.DevNull: true, dir: false,
		filepath.Join(dir, "none", "a"): false, filepath.Join(old, "a"): false,
		filepath.Join(dir, strings.Repeat("x", 300)): false} {
		if err := TryThrough(path); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("TryThrough(%.40s): %v", path, err)
		}
		ok = ok && path != os.DevNull
		if err := Try(path); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("Try(%.40s): %v", path, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are left, want 1", len(left))
	}
	if got, _ := os.ReadFile(old); string(got) != "old" {
		t.Errorf("old holds %q", got)
	}
}
