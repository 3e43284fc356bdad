package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// product emits the kernel of matrix products for this many rows (8 or 4): c[rows x 32] = alpha a b, added to c if add
// is not 0. Element (i, k) of part p of a, of count parts of k columns, is a[p*step + i*rs + k*cs]; b has count*k rows
// of 32, one after the other. Strides are in elements.
func product(rows int, wide bool) {
	name := fmt.Sprintf("product%dAVX2", rows)
	if wide {
		name = fmt.Sprintf("product%dAVX512", rows)
	}
	TEXT(name, NOSPLIT,
		"func(c *float32, ldc int, a *float32, rs, cs, step, count int, b *float32, k int, alpha float32, add int)")
	Pragma("noescape")
	c, a, b := Load(Param("c"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64())
	stride := map[string]reg.GPVirtual{}
	for _, s := range []string{"ldc", "rs", "cs", "step"} {
		r := Load(Param(s), GP64()).(reg.GPVirtual)
		SHLQ(Imm(2), r)
		stride[s] = r
	}
	rs3 := GP64()
	LEAQ(Mem{Base: stride["rs"], Index: stride["rs"], Scale: 2}, rs3)
	// With 32 registers of 16 numbers all rows fit; with 16 of 8, four rows of half the columns.
	together, columns, lanes := rows, 32, 16
	if !wide {
		together, columns, lanes = 4, 16, 8
	}
	for i0 := 0; i0 < rows; i0 += together {
		for j0 := 0; j0 < 32; j0 += columns {
			productBlock(fmt.Sprintf("%d_%d", i0, j0), wide, together, columns/lanes, 4*j0, a, b, c, stride, rs3)
		}
		if i0+together < rows {
			LEAQ(Mem{Base: a, Index: stride["rs"], Scale: 4}, a)
			LEAQ(Mem{Base: c, Index: stride["ldc"], Scale: 4}, c)
		}
	}
	VZEROUPPER()
	RET()
}

// productBlock emits the block of rows x vectors of the result that starts so many bytes into the rows of b and c.
func productBlock(label string, wide bool, rows, vectors, at int, a, b, c reg.Register, stride map[string]reg.GPVirtual,
	rs3 reg.GPVirtual) {
	vec, size := func() reg.VecVirtual { return YMM() }, 32
	if wide {
		vec, size = func() reg.VecVirtual { return ZMM() }, 64
	}
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		for range vectors {
			x := vec()
			if wide {
				VPXORD(x, x, x)
			} else {
				VXORPS(x, x, x)
			}
			acc[i] = append(acc[i], x)
		}
	}
	part, pb, parts := GP64(), GP64(), GP64()
	MOVQ(a, part)
	MOVQ(b, pb)
	Load(Param("count"), parts)
	Label("part" + label)
	groups := []reg.GPVirtual{GP64()} // addresses of rows 0, 4, ...
	MOVQ(part, groups[0])
	for len(groups)*4 < rows {
		p := GP64()
		LEAQ(Mem{Base: groups[len(groups)-1], Index: stride["rs"], Scale: 4}, p)
		groups = append(groups, p)
	}
	k := GP64()
	Load(Param("k"), k)
	Label("k" + label)
	var row []reg.VecVirtual
	for v := range vectors {
		x := vec()
		VMOVUPS(Mem{Base: pb, Disp: at + v*size}, x)
		row = append(row, x)
	}
	for i := range rows {
		m := Mem{Base: groups[i/4]}
		switch i % 4 {
		case 1:
			m.Index, m.Scale = stride["rs"], 1
		case 2:
			m.Index, m.Scale = stride["rs"], 2
		case 3:
			m.Index, m.Scale = rs3, 1
		}
		x := vec()
		VBROADCASTSS(m, x)
		for v := range vectors {
			VFMADD231PS(row[v], x, acc[i][v])
		}
	}
	for _, p := range groups {
		ADDQ(stride["cs"], p)
	}
	ADDQ(Imm(128), pb)
	DECQ(k)
	JNZ(LabelRef("k" + label))
	ADDQ(stride["step"], part)
	DECQ(parts)
	JNZ(LabelRef("part" + label))

	scale := vec()
	VBROADCASTSS(argument("alpha"), scale)
	add, pc := GP64(), GP64()
	Load(Param("add"), add)
	MOVQ(c, pc)
	TESTQ(add, add)
	JNZ(LabelRef("add" + label))
	for i := range rows {
		for v := range vectors {
			VMULPS(scale, acc[i][v], acc[i][v])
			VMOVUPS(acc[i][v], Mem{Base: pc, Disp: at + v*size})
		}
		ADDQ(stride["ldc"], pc)
	}
	JMP(LabelRef("end" + label))
	Label("add" + label)
	for i := range rows {
		for v := range vectors {
			m := Mem{Base: pc, Disp: at + v*size}
			x := vec()
			VMOVUPS(m, x)
			VFMADD231PS(scale, acc[i][v], x)
			VMOVUPS(x, m)
		}
		ADDQ(stride["ldc"], pc)
	}
	Label("end" + label)
}

// transpose emits to[32 k + i] = from[i ld + k] for 8 rows i and n columns k, a multiple of 8.
func transpose() {
	TEXT("transposeAVX2", NOSPLIT, "func(to, from *float32, ld, n int)")
	Pragma("noescape")
	to, from := Load(Param("to"), GP64()), Load(Param("from"), GP64())
	ld, n := Load(Param("ld"), GP64()), Load(Param("n"), GP64())
	SHLQ(Imm(2), ld)
	ld3, low := GP64(), GP64()
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	LEAQ(Mem{Base: from, Index: ld, Scale: 4}, low)
	Label("eight")
	half := func(p reg.Register, i int) Mem {
		m := Mem{Base: p}
		switch i {
		case 1:
			m.Index, m.Scale = ld, 1
		case 2:
			m.Index, m.Scale = ld, 2
		case 3:
			m.Index, m.Scale = ld3, 1
		}
		return m
	}
	// Row i is joined with row i+4: t[2j+h] has numbers 4h to 4h+3 of rows j and j+4.
	var t [8]reg.VecVirtual
	for h := range 2 {
		for j := range 4 {
			x := YMM()
			m := half(from, j)
			m.Disp = 16 * h
			VMOVUPS(m, x.AsX())
			m = half(low, j)
			m.Disp = 16 * h
			VINSERTF128(Imm(1), m, x, x)
			t[4*h+j] = x
		}
	}
	for h := range 2 {
		a, b, c, d := t[4*h], t[4*h+1], t[4*h+2], t[4*h+3]
		ab, cd, abHigh, cdHigh := YMM(), YMM(), YMM(), YMM()
		VUNPCKLPS(b, a, ab) // a0 b0 a1 b1
		VUNPCKLPS(d, c, cd)
		VUNPCKHPS(b, a, abHigh)
		VUNPCKHPS(d, c, cdHigh)
		for q, pair := range [][2]reg.VecVirtual{{ab, cd}, {abHigh, cdHigh}} {
			x := YMM()
			VSHUFPS(Imm(0x44), pair[1], pair[0], x) // a0 b0 c0 d0
			VMOVUPS(x, Mem{Base: to, Disp: 128 * (4*h + 2*q)})
			x = YMM()
			VSHUFPS(Imm(0xee), pair[1], pair[0], x)
			VMOVUPS(x, Mem{Base: to, Disp: 128 * (4*h + 2*q + 1)})
		}
	}
	ADDQ(Imm(32), from)
	ADDQ(Imm(32), low)
	ADDQ(U32(8*128), to)
	SUBQ(Imm(8), n)
	JG(LabelRef("eight"))
	VZEROUPPER()
	RET()
}

// copyRows emits to[32 k + j] = from[k ld + j] for n rows k and 32 columns j.
func copyRows() {
	TEXT("copyRowsAVX2", NOSPLIT, "func(to, from *float32, ld, n int)")
	Pragma("noescape")
	to, from := Load(Param("to"), GP64()), Load(Param("from"), GP64())
	ld, n := Load(Param("ld"), GP64()), Load(Param("n"), GP64())
	SHLQ(Imm(2), ld)
	Label("row")
	PREFETCHT0(Mem{Base: from, Disp: 128}) // the next 32 columns, which come next
	PREFETCHT0(Mem{Base: from, Disp: 192})
	for i := range 4 {
		x := YMM()
		VMOVUPS(Mem{Base: from, Disp: 32 * i}, x)
		VMOVUPS(x, Mem{Base: to, Disp: 32 * i})
	}
	ADDQ(ld, from)
	ADDQ(U32(128), to)
	DECQ(n)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
