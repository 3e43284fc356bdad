//go:build unix

package experiments

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOutputOverPipes: a pipe under the name of any file that a run writes is refused before the work.
func TestOutputOverPipes(t *testing.T) {
	dir := t.TempDir()
	if err := TryOutput(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range ownNames() {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := TryOutput(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
