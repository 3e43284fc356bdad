package sim_test

import (
	"os"
	"path/filepath"
	"testing"

	"warpdrop/sim"
)

// FuzzPreset: a preset is refused, or a device can be made of it whose figures have the hash of the file's.
func FuzzPreset(f *testing.F) {
	for _, name := range sim.GPUs() {
		text, err := sim.PresetText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("base: gtx1080ti\nsms: 15\n"))
	f.Add([]byte("base: gtx1080ti\ncore_mhz: .nan\n"))
	f.Add([]byte("base: ./p.yaml\n"))
	path := filepath.Join(f.TempDir(), "p.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		g, err := sim.LoadGPU(path)
		if err != nil {
			return
		}
		if g.MemoryMiB > 1<<16 { // a device of it is as right, and slow to make
			return
		}
		d, err := sim.NewDevice(g)
		if err != nil {
			t.Fatalf("a preset that was accepted makes no device: %v\n%s", err, text)
		}
		if d.GPU.Hash() != g.Hash() {
			t.Fatalf("the device's preset has another hash\n%s", text)
		}
	})
}
