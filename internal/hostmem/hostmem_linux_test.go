package hostmem

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAvailable(t *testing.T) {
	if n, ok := Available(1); ok || n != 0 {
		t.Errorf("a byte: %d, %v; want no look", n, ok)
	}
	if n, ok := Available(1 << 40); !ok || n <= 0 || n > 1<<50 {
		t.Errorf("%d, %v", n, ok)
	}
}

// TestGroup: the tightest limit on the way up counts, and files' pages do not count as used.
func TestGroup(t *testing.T) {
	root := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self := put("self", "0::/a/b\n")
	if _, ok := groupLeft(root, self); ok {
		t.Error("a limit where there is none")
	}
	put("a/b/memory.max", "max\n")
	put("a/b/memory.current", "10\n")
	put("a/memory.max", "1000\n")
	put("a/memory.current", "900\n")
	put("a/memory.stat", "anon 850\ninactive_file 30\nactive_file 20\n")
	if n, ok := groupLeft(root, self); !ok || n != 150 {
		t.Errorf("%d left, want 150", n)
	}
}
