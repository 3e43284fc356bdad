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
