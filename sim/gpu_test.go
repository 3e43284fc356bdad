package sim_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"warpdrop/sim"
)

func preset(t *testing.T, name string) *sim.GPU {
	t.Helper()
	g, err := sim.LoadGPU(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func presetFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPresetBase: a preset that builds on another says only what differs.
func TestPresetBase(t *testing.T) {
	// A GTX 1070 is a GTX 1080 with 15 SMs and another clock of memory.
	path := presetFile(t, "gtx1070.yaml", `base: gtx1080
name: gtx1070
product: NVIDIA GeForce GTX 1070
sms: 15                     # data sheet
core_mhz: 1683              # data sheet, boost clock
memory: {dram: {clock_num: 2000, clock_den: 1683}}   # 8 Gbps / 4
`)
	got := preset(t, path)
	want, err := preset(t, "gtx1080").With(func(g *sim.GPU) {
		g.Name, g.Product, g.SMs, g.CoreMHz = "gtx1070", "NVIDIA GeForce GTX 1070", 15, 1683
		g.Memory.DRAM.ClockNum, g.Memory.DRAM.ClockDen = 2000, 1683
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || got.Hash() != want.Hash() {
		t.Errorf("the file makes %+v, want %+v", got, want)
	}
	if peak := got.Memory.PeakBytesPerSecond(got.CoreMHz) / 1e9; math.Abs(peak-256) > .1 {
		t.Errorf("memory has %.1f GB/s, the data sheet 256", peak)
	}
	// On top of a file beside it.
	top := filepath.Join(filepath.Dir(path), "small.yaml")
	if err := os.WriteFile(top, []byte("base: gtx1070.yaml\nsms: 2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if g := preset(t, top); g.SMs != 2 || g.CoreMHz != 1683 {
		t.Errorf("%d SMs at %g MHz, want 2 at 1683", g.SMs, g.CoreMHz)
	}
}

// TestPresetErrors: what is wrong with a preset file is said by its key.
func TestPresetErrors(t *testing.T) {
	whole, err := sim.PresetText("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) string {
		s := strings.Replace(string(whole), old, new, 1)
		if s == string(whole) {
			t.Fatalf("the preset does not hold %q", old)
		}
		return s
	}
	for _, c := range []struct{ name, text, want string }{
		{"missing", edit("sms: 28", "# none"), "sms is missing"},
		{"missing below", edit("  ways: 4                 # assumption\n    replacement", "  replacement"),
			"memory.l1.ways is missing"},
		{"missing unit", edit("    sreg: ", "    # "), "sm.units.sreg is missing"},
		{"unknown", "base: gtx1080ti\nsm: {scheduler: 4}\n", "field scheduler not found"},
		{"not a number", "base: gtx1080ti\ncore_mhz: .nan\n", "core_mhz: NaN is not in 1..10000"},
		{"not finite", "base: gtx1080ti\nlaunch_overhead_us: .inf\n", "launch_overhead_us: +Inf is not in 0..1e6"},
		{"out of range", "base: gtx1080ti\nsm: {schedulers: 8}\n", "sm.schedulers: 8 is not in 1..4"},
		{"base unknown", "base: gtx9000\n", `gpu "gtx9000" (did you mean "gtx1080"?) is not one of`},
		{"base is itself", "base: self.yaml\n", "more than 8 presets build on each other"},
		{"empty", "", "is not a list of keys"},
		{"a list", "- 1\n", "is not a list of keys"},
	} {
		path := presetFile(t, "self.yaml", c.text)
		if _, err := sim.LoadGPU(path); err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), "self.yaml") {
			t.Errorf("%s: error %v does not name the file and say %q", c.name, err, c.want)
		}
	}
	if _, err := sim.LoadGPU(t.TempDir() + "/dir.yaml"); err == nil {
		t.Error("a file that is not there is no error")
	}
}

// TestEveryFigureIsBounded: no figure of a preset may be absurd, and each is part of the hash.
func TestEveryFigureIsBounded(t *testing.T) {
	g := preset(t, "gtx1080ti")
	n := 0
	var visit func(v func(*sim.GPU) reflect.Value, path string)
	visit = func(at func(*sim.GPU) reflect.Value, path string) {
		v := at(g)
		var bad []any
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				visit(func(g *sim.GPU) reflect.Value { return at(g).Field(i) }, path+"."+v.Type().Field(i).Name)
			}
			return
		case reflect.Int, reflect.Int64:
			bad = []any{-1 << 40, math.MinInt64, 1 << 40, math.MaxInt64}
		case reflect.Float64:
			bad = []any{math.NaN(), math.Inf(1), math.Inf(-1), -1.0, 1e300}
		case reflect.Bool:
			changed, err := g.With(func(g *sim.GPU) { at(g).SetBool(!at(g).Bool()) })
			if err != nil || changed.Hash() == g.Hash() {
				t.Errorf("%s is not part of the hash (%v)", path, err)
			}
			return
		case reflect.String:
			return
		default:
			t.Fatalf("%s is a %s", path, v.Kind())
		}
		for _, x := range bad {
			n++
			changed := *g
			at(&changed).Set(reflect.ValueOf(x).Convert(v.Type()))
			if changed.Hash() == g.Hash() {
				t.Errorf("%s = %v leaves the hash unchanged", path, x)
			}
			if _, err := sim.NewDevice(&changed); err == nil {
				t.Errorf("%s = %v is accepted", path, x)
			}
		}
	}
	visit(func(g *sim.GPU) reflect.Value { return reflect.ValueOf(g).Elem() }, "GPU")
	if n < 300 {
		t.Errorf("%d values tried, want at least 300: the walk misses figures", n)
	}
}

// TestDeviceKeepsItsPreset: what is done to a preset afterwards reaches no device.
func TestDeviceKeepsItsPreset(t *testing.T) {
	if _, err := sim.NewDevice(nil); err == nil {
		t.Error("a device without a preset")
	}
	run := func(damage bool) string {
		var g *sim.GPU
		b := newBench(t, func(x *sim.GPU) { g = x })
		if damage {
			g.SMs, b.dev.GPU.SMs = 2, 3
			g.SM.Units.FP32.Latency, b.dev.GPU.CoreMHz = 600, 1
		}
		r, err := b.launch("counts", shape(40, 128, 0), sim.PtrArg(b.buffer(128)))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(r.Cycles, r.TimeUS, r.Counters)
	}
	if a, b := run(false), run(true); a != b {
		t.Errorf("a preset that is changed behind a device's back changes a launch:\n%s\n%s", a, b)
	}
}

// TestPresetSizes: memory sizes and names are those of the cards.
func TestPresetSizes(t *testing.T) {
	for name, want := range map[string]struct {
		product string
		gib     int64
	}{
		"gtx1080ti": {"NVIDIA GeForce GTX 1080 Ti", 11}, "gtx1080": {"NVIDIA GeForce GTX 1080", 8},
		"titanxp": {"NVIDIA TITAN Xp", 12}, "titanx-pascal": {"NVIDIA TITAN X (Pascal)", 12}, "p4": {"Tesla P4", 8},
		"gtx980": {"NVIDIA GeForce GTX 980", 4}, "titanx": {"NVIDIA GeForce GTX TITAN X", 12},
	} {
		if g := preset(t, name); g.Product != want.product || g.MemoryBytes() != want.gib<<30 {
			t.Errorf("%s: %s with %d bytes, want %s with %d GiB", name, g.Product, g.MemoryBytes(), want.product, want.gib)
		}
	}
}
