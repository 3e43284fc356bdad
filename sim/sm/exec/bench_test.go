package exec

import (
	"testing"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// bench runs one instruction over and over on a full warp. Registers 8 and 9 hold addresses of device memory with unit
// stride, 10 the same times four, 12 those of shared memory with 16 bytes a lane.
func bench(b *testing.B, op lower.Op) {
	g := memory.NewGlobal()
	addr, _ := g.Alloc(1 << 16)
	var x Exec
	x.Global = memory.NewView(g)
	p := &lower.Program{Ops: make([]lower.Op, 4), Pool: make([]lower.Row, 4), Registers: 32, SharedBytes: 4096}
	blk := &Block{}
	blk.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
	w := blk.Warps[0]
	for i := range 32 {
		for r := range lower.Src(8) {
			w.row(r)[i] = 0x3f800000 + uint32(i)<<8 + uint32(r)
		}
		w.row(8)[i], w.row(9)[i] = uint32(addr)+uint32(4*i), uint32(addr>>32)
		w.row(10)[i], w.row(11)[i] = uint32(addr)+uint32(16*i), uint32(addr>>32)
		w.row(12)[i] = uint32(16 * i)
	}
	op.PDst, op.PDst2, op.PSrc, op.Guard, op.NoGuard = 7, 7, 7, 7, true
	op.IsMem = op.Code >= lower.CodeLDC && op.Code <= lower.CodeATOMS
	b.ReportAllocs()
	views := []*memory.View{x.Global}
	for i := range b.N {
		w.PC = 0
		x.Clock++
		x.Exec(w, &op, w.Active)
		if i&31 == 31 {
			memory.Commit(views)
		}
	}
	if x.Fault.Reason != "" {
		b.Fatal(x.Fault.String())
	}
}

func BenchmarkExecFFMA(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeFFMA, Dst: 16, A: 1, B: 2, C: 3})
}
func BenchmarkExecIADD(b *testing.B) { bench(b, lower.Op{Code: lower.CodeIADD, Dst: 16, A: 1, B: 2}) }
func BenchmarkExecIADDX(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeIADDX, Dst: 16, A: 1, B: 2, SetCC: true})
}
func BenchmarkExecXMAD(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeXMAD, Dst: 16, A: 1, B: 2, C: 3})
}
func BenchmarkExecISETP(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeISETP, A: 1, B: 2, Aux: lower.CmpLT, Flags: lower.FlagSigned})
}
func BenchmarkExecMUFU(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeMUFU, Dst: 16, A: 1, Aux: lower.MufuEX2})
}
func BenchmarkExecLDS128(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeLDS, Dst: 16, Width: 4, A: 12, Size: lower.Size128})
}
func BenchmarkExecSTS128(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeSTS, C: 16, Width: 4, A: 12, Size: lower.Size128})
}
func BenchmarkExecLDS32(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeLDS, Dst: 16, Width: 1, A: 12, Size: lower.Size32})
}
func BenchmarkExecLDG32(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeLDG, Dst: 16, Width: 1, A: 8, Size: lower.Size32, Flags: lower.Flag64})
}
func BenchmarkExecLDG128(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeLDG, Dst: 16, Width: 4, A: 10, Size: lower.Size128, Flags: lower.Flag64})
}
func BenchmarkExecSTG32(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeSTG, C: 16, Width: 1, A: 8, Size: lower.Size32, Flags: lower.Flag64})
}
func BenchmarkExecSTG128(b *testing.B) {
	bench(b, lower.Op{Code: lower.CodeSTG, C: 16, Width: 4, A: 10, Size: lower.Size128, Flags: lower.Flag64})
}
