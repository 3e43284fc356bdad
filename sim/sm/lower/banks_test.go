package lower

import (
	"testing"

	"warpdrop/sim/isa"
)

// TestBankConflicts: register mod 4 is the bank; .reuse saves the read of the same slot in an instruction that follows.
func TestBankConflicts(t *testing.T) {
	l := &lowerer{target: targets[isa.Maxwell], p: &Program{}}
	next := func(op Op, reuse uint8) {
		l.p.Ops = append(l.p.Ops, op)
		l.reuse = append(l.reuse, reuse)
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

// TestBankConflictsOfTwoBanks: odd registers are in one bank, even ones in the other. Where arithmetic takes two cycles
// a warp each bank is read twice without delay.
func TestBankConflictsOfTwoBanks(t *testing.T) {
	for _, c := range []struct {
		family  *isa.Family
		a, b, c Src
		want    uint8
	}{
		{isa.Turing, 0, 1, 2, 0}, {isa.Turing, 0, 2, 4, 1}, {isa.Ampere, 1, 3, 2, 0}, {isa.Ampere, 1, 3, 5, 1},
		{isa.GA10x, 0, 1, PoolZero, 0}, {isa.GA10x, 0, 1, 2, 1}, {isa.GA10x, 0, 2, 4, 2},
	} {
		ops := []Op{{Unit: UnitFP32, Dst: isa.RZ, A: c.a, B: c.b, C: c.c}}
		l := &lowerer{target: targets[c.family], p: &Program{Ops: ops}, reuse: []uint8{0}}
		if l.banks(); ops[0].Banks != c.want {
			t.Errorf("%s: sources %d, %d, %d cost %d cycles, want %d", c.family.Name, c.a, c.b, c.c, ops[0].Banks,
				c.want)
		}
	}
}
