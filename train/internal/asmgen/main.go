// Command asmgen writes the vector code of package train: vector_amd64.s and its declarations. vector_go.go says what each
// routine does. Products and sums are rounded one by one, as in Go on amd64, so that both give the same bits.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	elementwise("catchUpAVX2", []string{"wc", "vc", "w", "v"}, []string{"a", "d"}, func(at func(string) Mem, s map[string]reg.VecVirtual, o ops) {
		x, t := o.vec(), o.vec()
		o.load(at("v"), x)
		o.mul(x, s["a"], t)
		o.addMem(at("w"), t, t)
		o.store(t, at("wc"))
		o.mul(x, s["d"], x)
		o.store(x, at("vc"))
	})
	elementwise("momentumAVX2", []string{"w", "v", "wc", "vc", "grad"}, []string{"lr", "mu"}, func(at func(string) Mem, s map[string]reg.VecVirtual, o ops) {
		x, t := o.vec(), o.vec()
		o.load(at("vc"), x)
		o.mul(x, s["mu"], x)
		o.load(at("grad"), t)
		o.mul(t, s["lr"], t)
		o.sub(x, t, x)
		o.store(x, at("v"))
		o.addMem(at("wc"), x, x)
		o.store(x, at("w"))
	})
	Generate()
}

// ops are instructions for vectors of 8 or for one number.
type ops struct{ one bool }

func (o ops) vec() reg.VecVirtual {
	if o.one {
		return XMM()
	}
	return YMM()
}

func (o ops) load(m Mem, v reg.VecVirtual) {
	if o.one {
		VMOVSS(m, v)
	} else {
		VMOVUPS(m, v)
	}
}

func (o ops) store(v reg.VecVirtual, m Mem) {
	if o.one {
		VMOVSS(v, m)
	} else {
		VMOVUPS(v, m)
	}
}

func (o ops) mul(a, b, to reg.VecVirtual) {
	if o.one {
		VMULSS(b, a, to)
	} else {
		VMULPS(b, a, to)
	}
}

// sub is to = a - b.
func (o ops) sub(a, b, to reg.VecVirtual) {
	if o.one {
		VSUBSS(b, a, to)
	} else {
		VSUBPS(b, a, to)
	}
}

func (o ops) addMem(m Mem, a, to reg.VecVirtual) {
	if o.one {
		VADDSS(m, a, to)
	} else {
		VADDPS(m, a, to)
	}
}

// elementwise emits a routine over n elements of the rows, with these scalars: vectors of 8, then one by one.
func elementwise(name string, rows, scalars []string, body func(at func(string) Mem, s map[string]reg.VecVirtual, o ops)) {
	signature := "func("
	for _, r := range rows {
		signature += r + ", "
	}
	signature = signature[:len(signature)-2] + " *float32, n int, "
	for _, s := range scalars {
		signature += s + ", "
	}
	signature = signature[:len(signature)-2] + " float32)"
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	base := map[string]reg.Register{}
	for _, r := range rows {
		base[r] = Load(Param(r), GP64())
	}
	n := Load(Param("n"), GP64())
	wide, narrow := map[string]reg.VecVirtual{}, map[string]reg.VecVirtual{}
	for _, s := range scalars {
		x := XMM()
		Load(Param(s), x)
		y := YMM()
		VBROADCASTSS(x, y)
		wide[s], narrow[s] = y, x
	}
	i := GP64()
	XORQ(i, i)
	at := func(r string) Mem { return Mem{Base: base[r], Index: i, Scale: 4} }
	SUBQ(Imm(8), n)
	JLT(LabelRef("rest"))
	Label("eight")
	body(at, wide, ops{})
	ADDQ(Imm(8), i)
	SUBQ(Imm(8), n)
	JGE(LabelRef("eight"))
	Label("rest")
	ADDQ(Imm(8), n)
	JLE(LabelRef("end"))
	Label("one")
	body(at, narrow, ops{one: true})
	INCQ(i)
	DECQ(n)
	JG(LabelRef("one"))
	Label("end")
	VZEROUPPER()
	RET()
}
