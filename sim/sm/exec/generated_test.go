package exec

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGenerated: the committed vector code is what the generator writes.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("short: does not run the generator")
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "run", "./internal/asmgen", "-out", filepath.Join(dir, "lanes_amd64.s"), "-stubs",
		filepath.Join(dir, "lanes_asm_amd64.go"), "-pkg", "exec")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	// The first line names the command with its paths.
	body := func(name string) []byte {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := bytes.Cut(data, []byte("\n"))
		return rest
	}
	for _, name := range []string{"lanes_amd64.s", "lanes_asm_amd64.go"} {
		if !bytes.Equal(body(name), body(filepath.Join(dir, name))) {
			t.Errorf("%s is not what go generate writes", name)
		}
	}
}
