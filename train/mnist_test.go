package train

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedMNIST puts a cut, a changed and a missing file in the place of the published ones.
func TestDamagedMNIST(t *testing.T) {
	from, err := moduleData()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range mnistFiles {
		if err := os.Symlink(filepath.Join(from, f.name), filepath.Join(dir, f.name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadMNIST(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, mnistFiles[3].name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(whole)
	changed[2000] ^= 1
	os.Remove(path)
	for _, c := range []struct {
		data []byte
		want string
	}{{whole[:1000], "has 1000 bytes"}, {append(bytes.Clone(whole), 1), "the file is cut or changed"},
		{changed, "the file is cut or changed"}} {
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadMNIST(dir); err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one that names %s and says %q", err, path, c.want)
		}
	}
	os.Remove(path)
	if _, err := LoadMNIST(dir); err == nil || !strings.Contains(err.Error(), "no such file") ||
		!strings.Contains(err.Error(), "--data") {
		t.Errorf("missing file: error %v", err)
	}
	if _, err := idx([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 27, 0, 0, 0, 28}, 28, 28); err == nil ||
		!strings.Contains(err.Error(), "dimension 2 is 27, expected 28") {
		t.Errorf("images of another size: error %v", err)
	}
}
