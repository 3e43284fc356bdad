package isa

import (
	"os"
	"testing"
)

// TestKeepOperands: of each kernel only flags and yields of FFMAs change; a flag is there exactly where the next FFMA
// reads the same register in the same slot and nothing in between writes it.
func TestKeepOperands(t *testing.T) {
	data, err := os.ReadFile("testdata/arithmetic.cubin")
	if err != nil {
		t.Fatal(err)
	}
	ffma := func(d, a, b, c uint8, stall uint8) Inst {
		in := Inst{Op: OpFFMA, Guard: PT, NumOps: 4, Control: Control{Stall: stall}}
		for i, r := range []uint8{d, a, b, c} {
			in.Operands[i] = Operand{Kind: KindReg, Reg: r}
		}
		return in
	}
	load := func(d uint8) Inst {
		return Inst{Op: OpLDS, Guard: PT, NumOps: 2, Operands: [8]Operand{{Kind: KindReg, Reg: d}, {Kind: KindMem, Reg: 99}}}
	}
	insts := []Inst{
		ffma(20, 0, 4, 20, 1),  // R0 stays in slot A
		ffma(21, 0, 5, 21, 1),  // R5 in B
		ffma(22, 1, 5, 22, 0),  // R1 and R5, over the load
		load(8),                //
		ffma(23, 1, 5, 23, 0),  // R1 only: the load writes R6
		load(4),                //
		ffma(1, 1, 5, 24, 1),   // writes R1 itself, keeps R5
		ffma(25, 1, 5, 25, 13), // long stall: left alone
		ffma(26, 1, 5, 26, 1),  // the next one is a branch's target
		ffma(27, 1, 5, 27, 1),
		{Op: OpBRA, Guard: PT, NumOps: 1, Operands: [8]Operand{{Kind: KindLabel, Value: 8 * 10}}},
	}
	for i := range insts {
		insts[i].PC = uint32(8 * (i + 1))
	}
	want := map[uint32]uint8{8: 1, 16: 2, 24: 3, 40: 1, 56: 2}
	got := keptOperands(insts)
	if len(got) != len(want) {
		t.Errorf("flags %v, want %v", got, want)
	}
	for pc, flags := range want {
		if got[pc] != flags {
			t.Errorf("%#x: flags %b, want %b", pc, got[pc], flags)
		}
	}
	out, n, err := KeepOperands(data)
	if err != nil {
		t.Fatal(err)
	}
	again, more, err := KeepOperands(out)
	if err != nil || more != 0 || string(again) != string(out) {
		t.Errorf("a second pass changes %d more, %v", more, err)
	}
	a, err := ReadCubin(data)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadCubin(out)
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i := range a.Kernels {
		x, err := a.KernelInsts(&a.Kernels[i])
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.KernelInsts(&b.Kernels[i])
		if err != nil {
			t.Fatal(err)
		}
		for j := range x {
			if x[j].Control == y[j].Control {
				continue
			}
			differ++
			c := x[j].Control
			c.Reuse, c.Yield = y[j].Control.Reuse, false
			if x[j].Op != OpFFMA || x[j].Word != y[j].Word || c != y[j].Control || x[j].Control.Reuse&^c.Reuse != 0 {
				t.Errorf("%s: %v became %v", a.Kernels[i].Name, x[j].Control, y[j].Control)
			}
		}
	}
	if differ != n || n == 0 {
		t.Errorf("%d instructions differ, %d reported", differ, n)
	}
}
