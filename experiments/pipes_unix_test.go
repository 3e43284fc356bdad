//go:build unix

package experiments

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPipesInStore: a pipe or a folder in a point's place is set aside, one in a claim's place is that point's failure;
// the other points go on, and nothing waits.
func TestPipesInStore(t *testing.T) {
	e := mustParse(t, faultFile)
	worker := &fake{}
	points, err := Points(e.Specs("small"), worker)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "store")
	store, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(store.path(points[0].Hash), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(store.path(points[1].Hash), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "claims", points[2].Hash), 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan map[string]*Stored, 1)
	aside := 0
	go func() {
		stored, err := execute(t.Context(), points, worker, store, runOptions{Notify: func(e Event) {
			if e.Kind == SetAside {
				aside++
			}
		}})
		if err == nil || !strings.Contains(err.Error(), "claim ") || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("error %v", err)
		}
		done <- stored
	}()
	select {
	case stored := <-done:
		if aside != 2 || len(stored) != len(points)-1 || stored[points[2].Hash] != nil {
			t.Errorf("%d set aside, %d of %d stored", aside, len(stored), len(points))
		}
	case <-time.After(20 * time.Second):
		t.Fatal("still waiting")
	}
}
