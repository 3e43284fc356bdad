package sim_test

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

// TestGlobals: variables of both kinds are found, set and read; a launch sees what they were set to.
func TestGlobals(t *testing.T) {
	b := newBench(t)
	cubin, err := os.ReadFile("testdata/globals.cubin")
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.dev.LoadModule(cubin)
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.Kernel("look")
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string, want int64) sim.Ptr {
		t.Helper()
		p, n, err := m.Global(name)
		if err != nil || n != want {
			t.Fatalf("%s: %d bytes, %v; want %d", name, n, err, want)
		}
		return p
	}
	set := func(p sim.Ptr, data ...byte) {
		t.Helper()
		if err := b.dev.Write(p, data); err != nil {
			t.Fatal(err)
		}
	}
	out := b.buffer(32)
	run := func(i int32) float32 {
		t.Helper()
		if _, err := b.dev.Launch(context.Background(), k, shape(3, 32, 0), sim.PtrArg(out), sim.I32(i)); err != nil {
			t.Fatal(err)
		}
		return math.Float32frombits(b.words(out, 2)[1])
	}
	if got := run(2); got != 2*20+3 {
		t.Errorf("as loaded: %g, want 43", got)
	}
	scale, offsets, table, calls := find("scale", 4), find("offsets", 6), find("table", 16), find("calls", 4)
	set(scale, binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5))...)
	set(offsets+4, 100, 0)
	set(table+4, binary.LittleEndian.AppendUint32(nil, math.Float32bits(7))...)
	if got := run(2); got != 0.5*7+100 {
		t.Errorf("set: %g, want 103.5", got)
	}
	if got := b.words(calls, 1)[0]; got != 6 {
		t.Errorf("%d blocks were counted, want 6", got)
	}
	if _, _, err := m.Global("scales"); err == nil || !strings.Contains(err.Error(), "table") ||
		!strings.Contains(err.Error(), "scale") {
		t.Errorf("an unknown variable: error %v does not list those that there are", err)
	}
	// Another module of the same file has variables of its own.
	other, err := b.dev.LoadModule(cubin)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := other.Global("calls")
	if err != nil || p == calls || b.words(p, 1)[0] != 0 {
		t.Errorf("a second module's variable at %#x, %v", uint64(p), err)
	}

	used := b.dev.MemoryUsed()
	if err := other.Unload(); err != nil {
		t.Fatal(err)
	}
	if b.dev.MemoryUsed() >= used {
		t.Error("unloading gives no memory back")
	}
	if err := other.Unload(); err == nil {
		t.Error("unloaded twice")
	}
	if _, _, err := other.Global("calls"); err == nil {
		t.Error("a variable of an unloaded module")
	}
}
