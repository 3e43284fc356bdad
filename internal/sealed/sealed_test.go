package sealed

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
)

func TestSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if _, whole := Read(path, 100); whole {
		t.Error("a file that is not there")
	}
	for _, text := range []string{"", "a", "some machine code"} {
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, whole := Read(path, 100); !whole || string(got) != text {
			t.Errorf("%q, %v, want %q", got, whole, text)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range file { // any changed byte, and any cut
			bad := bytes.Clone(file)
			bad[i] ^= 1
			if _, whole := open(bad); whole {
				t.Errorf("%q with byte %d changed is taken for whole", text, i)
			}
			if _, whole := open(file[:i]); whole {
				t.Errorf("%q cut to %d bytes is taken for whole", text, i)
			}
		}
	}
	if _, whole := Read(path, 3); whole {
		t.Error("a file beyond the limit")
	}
}

// FuzzOpen: no bytes but those that were sealed are taken for whole.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add(seal(nil))
	f.Add(seal([]byte("text")))
	f.Fuzz(func(t *testing.T, file []byte) {
		data, whole := open(file)
		if !whole {
			return
		}
		if sum := sha256.Sum256(data); !bytes.HasPrefix(file, sum[:]) || len(file) != len(sum)+len(data) {
			t.Errorf("%x is taken for %x", file, data)
		}
	})
}
