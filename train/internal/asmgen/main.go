// Command asmgen writes the vector code of package train: vector_amd64.s and its declarations. vector_go.go says what
// each routine does. Products and sums are rounded one by one, as in Go on amd64, so that both give the same bits.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	elementwise("catchUpAVX2", []string{"wc", "w", "v"}, []string{"a"},
		func(at func(string) Mem, s map[string]reg.VecVirtual, o ops) {
			x := o.vec()
			o.prefetch(at("v"))
			o.prefetch(at("w"))
			o.load(at("v"), x)
			o.mul(x, s["a"], x)
			o.addMem(at("w"), x, x)
			o.store(x, at("wc"))
		})
	elementwise("momentumAVX2", []string{"w", "v", "grad"}, []string{"a", "d", "lr"},
		func(at func(string) Mem, s map[string]reg.VecVirtual, o ops) {
			x, y, t := o.vec(), o.vec(), o.vec()
			o.prefetch(at("v"))
			o.prefetch(at("w"))
			o.load(at("v"), x)
			o.mul(x, s["d"], y)
			o.load(at("grad"), t)
			o.mul(t, s["lr"], t)
			o.sub(y, t, y)
			o.store(y, at("v"))
			o.mul(x, s["a"], x)
			o.addMem(at("w"), x, x)
			o.op(VADDPS, VADDSS, y, x, x)
			o.store(x, at("w"))
		})
	elementwise("addMaxAVX2", []string{"y", "b"}, nil, func(at func(string) Mem, s map[string]reg.VecVirtual, o ops) {
		x := o.vec()
		o.load(at("y"), x)
		o.addMem(at("b"), x, x)
		o.store(x, at("y"))
		o.op(VMAXPS, VMAXSS, x, s["acc"], s["acc"])
	})
	elementwise("expSumAVX2", []string{"y"}, []string{"less"},
		func(at func(string) Mem, s map[string]reg.VecVirtual, o ops) {
			x := o.vec()
			o.load(at("y"), x)
			o.sub(x, s["less"], x)
			x = o.exp(x)
			o.store(x, at("y"))
			o.op(VADDPS, VADDSS, x, s["acc"], s["acc"])
		})
	elementwise("sigmoidAVX2", []string{"y", "b"}, []string{"by", "top", "less"},
		func(at func(string) Mem, s map[string]reg.VecVirtual, o ops) {
			x := o.vec()
			o.load(at("y"), x)
			o.addMem(at("b"), x, x)
			o.mul(x, s["by"], x)
			x = o.exp(x)
			o.op(VADDPS, VADDSS, o.constant(1), x, x)
			o.op(VDIVPS, VDIVSS, x, s["top"], x)
			o.sub(x, s["less"], x)
			o.store(x, at("y"))
		})
	for _, rows := range []int{8, 4} {
		product(rows, false)
		product(rows, true)
	}
	transpose()
	copyRows()
	Generate()
}

// The exponential function: exp x = 2^n exp r with n = round(x / ln 2), |r| <= ln 2 / 2, and exp r by its Taylor
// series, whose rest is below 1e-8. Adding magic rounds to an integer, which then stands in the low bits of the sum.
const (
	expLow, expHigh = -86.6, 88.0
	log2e           = 1.4426950408889634
	ln2High         = 0.693359375 // few enough bits that n ln2High is exact
	ln2Low          = -2.12194440054690583e-4
	magic           = 12582912 // 1.5 * 2^23
)

func (o ops) exp(x reg.VecVirtual) reg.VecVirtual {
	t, p := o.vec(), o.vec()
	// The second source comes out where one is NaN: NaN stays NaN.
	limit := o.vec()
	o.load(o.constant(expLow).(Mem), limit)
	o.op(VMAXPS, VMAXSS, x, limit, x)
	limit = o.vec()
	o.load(o.constant(expHigh).(Mem), limit)
	o.op(VMINPS, VMINSS, x, limit, x)
	o.mul(x, o.constant(log2e), t)
	o.op(VADDPS, VADDSS, o.constant(magic), t, t)
	o.sub(t, o.constant(magic), p)
	u := o.vec()
	o.mul(p, o.constant(ln2High), u)
	o.sub(x, u, x)
	o.mul(p, o.constant(ln2Low), u)
	o.sub(x, u, x)
	o.mul(x, o.constant(1.0/5040), p)
	for _, c := range []float32{1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1} {
		o.op(VADDPS, VADDSS, o.constant(c), p, p)
		o.mul(p, x, p)
	}
	o.op(VADDPS, VADDSS, o.constant(1), p, p)
	VPSLLD(Imm(23), t, t)
	VPADDD(t, p, p)
	return p
}

// ops are instructions for vectors of 8 or for one number.
type ops struct{ one bool }

// constants are the routines' constants in memory, each eight times.
var constants = map[float32]Mem{}

func (o ops) constant(c float32) Op {
	m, ok := constants[c]
	if !ok {
		m = GLOBL(fmt.Sprintf("constant%d", len(constants)), RODATA|NOPTR)
		for i := range 8 {
			DATA(4*i, U32(math.Float32bits(c)))
		}
		constants[c] = m
	}
	return m
}

// op is to = a op b.
func (o ops) op(wide, one func(...Op), b, a, to Op) {
	if o.one {
		one(b, a, to)
	} else {
		wide(b, a, to)
	}
}

func (o ops) vec() reg.VecVirtual {
	if o.one {
		return XMM()
	}
	return YMM()
}

// prefetch asks for what lies ahead of the row: the same columns of the next one.
func (o ops) prefetch(m Mem) {
	if !o.one {
		m.Base = ahead[m.Base]
		PREFETCHT0(m)
	}
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

func (o ops) mul(a, b, to Op) { o.op(VMULPS, VMULSS, b, a, to) }

// sub is to = a - b.
func (o ops) sub(a, b, to Op) { o.op(VSUBPS, VSUBSS, b, a, to) }

func (o ops) addMem(m, a, to Op) { o.op(VADDPS, VADDSS, m, a, to) }

// ahead are the addresses that are prefetched, by the row's own.
var ahead = map[reg.Register]reg.Register{}

// argument is where a routine finds one of its numbers. Not avo's Load: that is MOVSS, and an instruction without VEX
// costs an Intel processor some 200 ns while the upper halves of vectors are in use.
func argument(name string) Mem {
	at, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}

// elementwise emits a routine over n elements of the rows, with these scalars: vectors of 8, then one by one.
func elementwise(name string, rows, scalars []string,
	body func(at func(string) Mem, s map[string]reg.VecVirtual, o ops)) {
	signature := "func("
	for _, r := range rows {
		signature += r + ", "
	}
	signature = signature[:len(signature)-2] + " *float32, n int, "
	for _, s := range scalars {
		signature += s + ", "
	}
	if scalars != nil {
		signature = signature[:len(signature)-2] + " float32, "
	}
	signature = signature[:len(signature)-2]
	reduce := name == "addMaxAVX2" || name == "expSumAVX2"
	if reduce { // eight sums or maxima and that of what follows the last eight, which come in as their first values
		signature += ", acc *[9]float32"
	}
	if name == "catchUpAVX2" || name == "momentumAVX2" {
		signature += ", ahead int"
	}
	signature += ")"
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	base := map[string]reg.Register{}
	for _, r := range rows {
		base[r] = Load(Param(r), GP64())
	}
	n := Load(Param("n"), GP64())
	wide, narrow := map[string]reg.VecVirtual{}, map[string]reg.VecVirtual{}
	for _, s := range scalars {
		x, y := XMM(), YMM()
		VMOVSS(argument(s), x)
		VBROADCASTSS(argument(s), y)
		wide[s], narrow[s] = y, x
	}
	var acc reg.Register
	if reduce {
		acc = Load(Param("acc"), GP64())
		y, x := YMM(), XMM()
		VMOVUPS(Mem{Base: acc}, y)
		VMOVSS(Mem{Base: acc, Disp: 32}, x)
		wide["acc"], narrow["acc"] = y, x
	}
	if name == "catchUpAVX2" || name == "momentumAVX2" {
		by := Load(Param("ahead"), GP64())
		for _, r := range []string{"w", "v"} {
			p := GP64()
			LEAQ(Mem{Base: base[r], Index: by, Scale: 4}, p)
			ahead[base[r]] = p
		}
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
	if reduce {
		VMOVUPS(wide["acc"], Mem{Base: acc})
		VMOVSS(narrow["acc"], Mem{Base: acc, Disp: 32})
	}
	VZEROUPPER()
	RET()
}
