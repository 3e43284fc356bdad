package main

import (
	"os"
	"path/filepath"
	"testing"

	"warpdrop/profile"
	"warpdrop/sim"
)

// FuzzReport: a report of another run is refused, or set beside this one in every form.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"kernel":"k","numbers":{"cycles":100}}`))
	f.Add([]byte(`{"numbers":{"cycles":-1},"code":[{"pc":8}]}`))
	path := filepath.Join(f.TempDir(), "r.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		flags := reportFlags{against: path}
		if flags.check(false) != nil {
			return
		}
		gpu, err := sim.LoadGPU("gtx1080ti")
		if err != nil {
			t.Fatal(err)
		}
		p := profile.New(&sim.Result{}, gpu)
		p.Compare(flags.before)
		_ = p.Text(80)
		if _, err := p.HTML(); err != nil {
			t.Error(err)
		}
	})
}
