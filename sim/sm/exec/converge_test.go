package exec

import (
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/lower"
)

// wideBlock is a block of one warp that executes code of sm_80.
func wideBlock(t *testing.T) (*Block, *Warp) {
	p, ok := single(isa.Word{Lo: 0x7918, Hi: 0x000fc00000000000})
	if !ok {
		t.Fatal("NOP is not executed")
	}
	b := &Block{}
	b.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
	return b, b.Warps[0]
}

// TestRegionsLeftWithoutBREAK: threads leave a region by a way that has no BREAK, as in what ptxas 12.9 makes of some
// jump tables, and wait behind the region around it. Those that wait in the inner one go on, and all meet in the end.
func TestRegionsLeftWithoutBREAK(t *testing.T) {
	const leavers = 0x42002800
	plain := lower.Op{Guard: isa.PT, NoGuard: true, PSrc: isa.PT, PDst: isa.PT, PDst2: isa.PT, IsCtrl: true,
		Imm2: int32(isa.CCT)}
	op := func(code lower.Code, aux uint32, imm int64) lower.Op {
		o := plain
		o.Code, o.Aux, o.Imm = code, aux, imm
		return o
	}
	leave := op(lower.CodeBRA, 0, 5)
	leave.Guard, leave.NoGuard = 0, false
	ops := []lower.Op{op(lower.CodeBSSY, 0, 0), op(lower.CodeBSSY, 1, 0), leave, op(lower.CodeBSYNC, 1, 0),
		op(lower.CodeBSSY, 3, 0), op(lower.CodeBSYNC, 0, 0), op(lower.CodeEXIT, 0, 0)}
	_, w := wideBlock(t)
	w.Ops, w.Preds[0] = ops, leavers
	var x Exec
	for range 20 {
		o := &ops[w.PC]
		switch {
		case o.Code == lower.CodeBSSY && o.Aux == 3 && w.Active != ^uint32(leavers):
			t.Errorf("behind the inner region are %#x, want all that did not leave it", w.Active)
		case o.Code == lower.CodeEXIT && w.Active != ^uint32(0):
			t.Errorf("behind the outer region are %#x, want all", w.Active)
		}
		if x.Exec(w, o, w.GuardMask(o)); x.Fault.Reason != "" {
			t.Fatal(x.Fault.Reason)
		}
		if w.Live == 0 {
			return
		}
	}
	t.Error("the warp does not end")
}

// TestUniformPredicatesInRegister: UP2UR and UR2UP move uniform predicates, not the others.
func TestUniformPredicatesInRegister(t *testing.T) {
	for _, c := range []struct {
		word  isa.Word
		preds uint32 // UP0 to UP6 before
		from  uint32 // UR39 before
		value uint32 // UR4 afterwards
		after uint32 // UP0 to UP6 afterwards
	}{
		{isa.Word{Lo: 0x0000000627047883, Hi: 0x000fca0008000000}, 0x5b, 0xff01, 0xff03, 0x5b},         // UP2UR, 0x6
		{isa.Word{Lo: 0x0000007f27047883, Hi: 0x000fca0008001000}, 0x5b, 0xffffffff, 0xffffdbff, 0x5b}, // .B1
		{isa.Word{Lo: 0x0000006627007884, Hi: 0x000fca0008000000}, 0x18, 0x42, 0, 0x5a},                // UR2UP, 0x66
	} {
		p, ok := single(c.word)
		if !ok {
			t.Fatalf("%v is not executed", c.word)
		}
		b := &Block{}
		b.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
		w := b.Warps[0]
		for i := range 7 {
			w.Preds[i] = 0x5555aaaa
			w.Preds[lower.FirstUniform+i] = -(c.preds >> i & 1)
		}
		in, err := isa.Ampere.Decode(c.word, 0, quiet)
		if err != nil {
			t.Fatal(err)
		}
		base := lower.Src(p.Registers) // rows of uniform registers follow those of the warp
		for i := range w.row(base + 39) {
			w.row(base + 39)[i] = c.from
		}
		var x Exec
		x.Exec(w, &p.Ops[0], 0xffffffff)
		for i := range 7 {
			if got := w.Preds[lower.FirstUniform+i]; got != -(c.after>>i&1) || w.Preds[i] != 0x5555aaaa {
				t.Errorf("%v: UP%d is %#x, P%d %#x", in, i, got, i, w.Preds[i])
			}
		}
		if got := w.row(base + 4); c.value != 0 && (got[0] != c.value || got[31] != c.value) {
			t.Errorf("%v: %#x, want %#x", in, got[0], c.value)
		}
	}
}
