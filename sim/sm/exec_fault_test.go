package sm

import (
	"strings"
	"testing"

	"warpdrop/sim/isa"
)

// TestFaults runs kernels that go wrong and looks at what they are told.
func TestFaults(t *testing.T) {
	d1 := func(x uint32) [3]uint32 { return [3]uint32{x, 1, 1} }
	for _, c := range []struct {
		name, kernel string
		run          func(m *machine) error
		want         []string
	}{
		{"load past the end", "spmv", func(m *machine) error {
			rows := m.buffer([]uint32{0, 1})
			one := m.buffer([]uint32{0})
			return m.run("spmv", d1(1), d1(64), rows, one, one, one, one, int32(64))
		}, []string{"LDG", "out of bounds", "4 bytes at", "past the end of the allocation of 8 bytes"}},
		{"store past the end", "recursion", func(m *machine) error {
			return m.run("recursion", d1(1), d1(64), m.buffer(make([]uint32, 63)))
		}, []string{"STG", "lane 31", "out of bounds"}},
		{"null pointer", "recursion", func(m *machine) error { return m.run("recursion", d1(1), d1(32), uint64(0)) },
			[]string{"out of bounds", "below all allocations"}},
		{"misaligned", "recursion", func(m *machine) error {
			return m.run("recursion", d1(1), d1(32), m.buffer(make([]uint32, 64))+2)
		}, []string{"misaligned"}},
		{"shared memory", "bitonic", func(m *machine) error {
			return m.run("bitonic", d1(1), d1(1024), m.buffer(make([]uint32, 1024)))
		}, []string{"STS", "shared-memory access out of bounds", "the block has 2048 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(load(t, "programs"))
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

// TestNotExecuted: an instruction that is decoded only is an error of the kernel that can reach it, and of no other.
func TestNotExecuted(t *testing.T) {
	words := []struct {
		word uint64
		text string
	}{
		{0x5c98078000870001, "MOV"},
		{0xe30000000007000f, "EXIT"},
		{0xe2d0000000000003, "GETLMEMBASE"},
	}
	var insts []isa.Inst
	for i, w := range words {
		in, err := isa.Decode(w.word, uint32(8+8*i), isa.DecodeControl(0x7e0, 0))
		if err != nil {
			t.Skipf("%s: %v", w.text, err)
		}
		insts = append(insts, in)
	}
	if _, err := Lower(insts, 8, LowerConfig{Name: "k"}); err != nil {
		t.Errorf("the instruction behind EXIT cannot be reached: %v", err)
	}
	_, err := Lower(insts, 24, LowerConfig{Name: "k"})
	if err == nil || !strings.Contains(err.Error(), "kernel k") || !strings.Contains(err.Error(), "/*0018*/") || !strings.Contains(err.Error(), "not executed") {
		t.Errorf("error %v", err)
	}
}

// TestBankConflicts: register mod 4 is the bank; .reuse saves the read of the same slot in an instruction that follows.
func TestBankConflicts(t *testing.T) {
	l := &lowerer{p: &Program{}}
	next := func(op Op, reuse uint8) {
		l.p.Ops = append(l.p.Ops, op)
		l.insts = append(l.insts, isa.Inst{Control: isa.Control{Reuse: reuse}})
	}
	add := func(a, b, c Src, reuse uint8) { next(Op{Unit: UnitFP32, Dst: isa.RZ, A: a, B: b, C: c}, reuse) }
	add(0, 1, 2, 0)                                        // three banks
	add(0, 4, 2, 0)                                        // R0 and R4
	add(0, 4, 8, 0)                                        // all three
	add(4, 4, 8, 0)                                        // one register twice is read once
	add(0, 1, 2, 1)                                        // keeps R0 in slot 0
	add(0, 4, 2, 0)                                        // so only R4 is read from bank 0
	add(0, 4, 2, 2)                                        // nothing was kept here
	add(4, 0, 2, 0)                                        // R4 was kept, but in the other slot
	add(0, PoolZero|9, 4, 0)                               // constants have no bank
	add(0, 1, 2, 1)                                        // keeps R0
	next(Op{Unit: UnitShared, Dst: 8, Width: 4, A: 12}, 0) // a load does not disturb it
	add(3, 1, 2, 0)                                        // nor does another register
	add(0, 4, 2, 0)                                        // R0 is still there, and now it is not
	add(0, 4, 2, 1)                                        // so this conflicts, and keeps it
	next(Op{Unit: UnitShared, Dst: 0, Width: 4, A: 12}, 0) // until it is written
	add(0, 4, 2, 1)
	add(7, 1, 2, 1)  // two are kept
	add(0, 4, 2, 1)  // R0 again
	add(11, 1, 2, 1) // R7 makes room, as the older one
	add(7, 3, 2, 0)  // so it conflicts
	next(Op{Unit: UnitBranch, Dst: isa.RZ, IsCtrl: true}, 0)
	add(0, 4, 2, 0) // a branch empties all
	want := []uint8{0, 1, 2, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1}
	l.banks()
	for i, op := range l.p.Ops {
		if op.Banks != want[i] {
			t.Errorf("instruction %d: %d extra cycles, want %d", i, op.Banks, want[i])
		}
	}
}
