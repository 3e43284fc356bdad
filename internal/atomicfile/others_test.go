package atomicfile

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestRemoveParts: of files whose names look alike, only those of this very file go.
func TestRemoveParts(t *testing.T) {
	dir := t.TempDir()
	names := map[string]bool{ // whether it stays
		".*-12.part": false, ".a-12.part": true, ".bashrc-1.part": true, ".*-x.part": true, "*": true, "*-1.part": true,
	}
	if runtime.GOOS == "windows" {
		t.Skip("no file may be called *")
	}
	for name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	RemoveParts(filepath.Join(dir, "*"))
	for name, stays := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWriteThrough: a device stays a device, a link a link, and a folder is an error.
func TestWriteThrough(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no /dev/null")
	}
	if err := ThroughBytes("/dev/null", []byte("x")); err != nil {
		t.Error(err)
	}
	if err := WriteBytes("/dev/null", []byte("x")); err == nil {
		t.Error("/dev/null was taken for a file of ours")
	}
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode().IsRegular() {
		t.Errorf("/dev/null is now %v (%v)", info.Mode(), err)
	}
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := ThroughBytes(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is now %v (%v)", info.Mode(), err)
	}
	if data, err := os.ReadFile(target); err != nil || string(data) != "new" {
		t.Errorf("its target has %q (%v)", data, err)
	}
	if err := ThroughBytes(dir, []byte("x")); err == nil {
		t.Error("a folder was written to")
	}
}
