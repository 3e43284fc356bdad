package sim_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"warpdrop/sim"
	"warpdrop/sim/isa"
)

// linkFile reads a file of testdata/link: first.o and second.o are two objects, whole.cubin is the same source in one
// compilation, nvidia.elf is the objects as NVIDIA's nvJitLink 12.9 has linked them.
func linkFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/link/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func linkObjects(t *testing.T, names ...string) []byte {
	t.Helper()
	var objects []isa.Object
	for _, n := range names {
		objects = append(objects, isa.Object{Name: n, Data: linkFile(t, n)})
	}
	out, err := isa.LinkObjects(objects...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// runLinked runs a kernel on 64 floats with n and returns them.
func runLinked(t *testing.T, cubin []byte, kernel string, n int32) []byte {
	t.Helper()
	b := newBench(t)
	var err error
	if b.mod, err = b.dev.LoadModule(cubin); err != nil {
		t.Fatal(err)
	}
	out := b.buffer(64)
	var in []byte
	for i := range 64 {
		in = binary.LittleEndian.AppendUint32(in, math.Float32bits(float32(i)*0.75+1))
	}
	if err := b.dev.Write(out, in); err != nil {
		t.Fatal(err)
	}
	if _, err := b.launch(kernel, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 64}, Shared: 256},
		sim.PtrArg(out), sim.I32(n)); err != nil {
		t.Fatalf("%s: %v", kernel, err)
	}
	if err := b.dev.Read(out, in); err != nil {
		t.Fatal(err)
	}
	return in
}

var linkKernels = []string{"calls", "shares", "alone", "only_called", "only_lasting", "through_pointer"}

// Linked objects compute what the same source computes in one compilation, in either order of the files.
func TestLinkedValues(t *testing.T) {
	whole, nvidia := linkFile(t, "whole.cubin"), linkFile(t, "nvidia.elf")
	for _, order := range [][]string{{"first.o", "second.o"}, {"second.o", "first.o"}} {
		linked := linkObjects(t, order...)
		for _, k := range linkKernels {
			for _, n := range []int32{5, 8} {
				want := runLinked(t, whole, k, n)
				for who, cubin := range map[string][]byte{"here": linked, "by NVIDIA": nvidia} {
					if got := runLinked(t, cubin, k, n); !bytes.Equal(got, want) {
						t.Errorf("%v linked %s, kernel %s of %d: %v, in one compilation %v", order, who, k, n, floats(got), floats(want))
					}
				}
			}
		}
	}
}

func floats(b []byte) (f []float32) {
	for ; len(b) > 0; b = b[4:] {
		f = append(f, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return f
}

// What a kernel needs, and its code but for the places that a linker chooses, are as NVIDIA's linker makes them.
func TestLinkedAsNVIDIA(t *testing.T) {
	read := func(data []byte) *isa.Cubin {
		c, err := isa.ReadCubin(data)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ours, theirs := read(linkObjects(t, "first.o", "second.o")), read(linkFile(t, "nvidia.elf"))
	if len(ours.Kernels) != len(theirs.Kernels) || len(ours.Constant) != len(theirs.Constant) ||
		ours.GlobalBytes != theirs.GlobalBytes {
		t.Errorf("%d kernels, %d bytes of constants and %d of variables; %d, %d and %d by NVIDIA", len(ours.Kernels),
			len(ours.Constant), ours.GlobalBytes,
			len(theirs.Kernels), len(theirs.Constant), theirs.GlobalBytes)
	}
	for _, name := range linkKernels {
		a, b := ours.Kernel(name), theirs.Kernel(name)
		if a.Registers != b.Registers || a.SharedBytes != b.SharedBytes || a.Barriers != b.Barriers ||
			a.LocalBytes < b.LocalBytes || ours.Recursive(a) != theirs.Recursive(b) || !slices.Equal(a.Params, b.Params) {
			t.Errorf("%s needs\n%+v, by NVIDIA\n%+v", name, *a, *b)
		}
	}
	for _, s := range ours.Sections {
		i := slices.IndexFunc(theirs.Sections, func(x isa.Symbol) bool { return x.Name == s.Name })
		if i < 0 || theirs.Sections[i].Size != s.Size {
			t.Errorf("%s: %+v, by NVIDIA %+v", s.Name, s, theirs.Sections)
			continue
		}
		x := theirs.Sections[i].Address
		for at := uint32(0); at < s.Size; at += ours.Family.WordBytes {
			if !ours.Family.Holds(at, int(s.Size)) {
				continue
			}
			p, err := ours.Inst(s.Address + at)
			q, err2 := theirs.Inst(x + at)
			if err != nil || err2 != nil || p.Op != q.Op || ours.Control(s.Address+at) != theirs.Control(x+at) {
				t.Errorf("%s, %#x: %v %v, by NVIDIA %v %v", s.Name, at, p.String(), err, q.String(), err2)
			}
		}
	}
}

// What is missing, twice there or no object is said by name.
func TestLinkErrors(t *testing.T) {
	b := newBench(t)
	var err error
	if b.mod, err = b.dev.LoadModule(linkFile(t, "first.o")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.mod.Kernel("calls"); err == nil || !strings.Contains(err.Error(), "kernel calls") ||
		!strings.Contains(err.Error(), "is not defined: link the object that has it, too") {
		t.Error(err)
	}
	if _, err := b.mod.Kernel("alone"); err != nil {
		t.Errorf("a kernel that needs no other object: %v", err)
	}
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"first.o", "first.o"}, "is defined here and in first.o"},
		{[]string{"first.o", "whole.cubin"}, "whole.cubin: is linked already"},
	} {
		var objects []isa.Object
		for _, n := range c.names {
			objects = append(objects, isa.Object{Name: n, Data: linkFile(t, n)})
		}
		if _, err := isa.LinkObjects(objects...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.names, err, c.want)
		}
	}
	other := linkFile(t, "second.o")
	other[0x30] = 50
	if _, err := isa.LinkObjects(isa.Object{Name: "a.o", Data: linkFile(t, "first.o")}, isa.Object{Name: "b.o",
		Data: other}); err == nil ||
		!strings.Contains(err.Error(), "b.o: code for sm_50, and a.o is for sm_61") {
		t.Error(err)
	}
}
