// Command asmgen writes the vector code of sim/sm/exec: lanes_amd64.s and its declarations. Each routine is written
// once, in terms of the operations of type gen, and generated for AVX-512 and for AVX2. lanes_go.go says what each
// does.
package main

import (
	"strings"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// V is a vector register of either width; C a condition by lane: a mask register with AVX-512, else a vector of
// all-ones lanes.
type (
	V = reg.VecVirtual
	C = reg.Virtual
)

// gen emits one routine for one instruction set.
type gen struct {
	wide    bool // AVX-512: 16 lanes a vector; else AVX2: 8
	rows    map[string]reg.Register
	params  map[string]V
	consts  map[uint32]V
	chunk   int
	written C // condition of the lanes that are written, for this chunk
}

const (
	sign     = 0x80000000
	nan      = 0x7fffffff
	infinity = 0x7f800000
	unord    = 3    // VCMPPS: unordered
	lessOQ   = 0x11 // less, quiet
)

// Lane bits for AVX2: a bit of each lane in turn.
func laneBits() {
	GLOBL("laneBits", RODATA|NOPTR)
	for i := range 32 {
		DATA(4*i, U32(1<<i))
	}
}

func (g *gen) vec() V {
	if g.wide {
		return ZMM()
	}
	return YMM()
}

func (g *gen) width() int {
	if g.wide {
		return 16
	}
	return 8
}

func (g *gen) at(r reg.Register) Mem { return Mem{Base: r, Disp: g.chunk * g.width() * 4} }

func (g *gen) row(name string) reg.Register {
	r, ok := g.rows[name]
	if !ok {
		r = Load(Param(name), GP64())
		g.rows[name] = r
	}
	return r
}

// load reads this chunk of a row.
func (g *gen) load(name string) V {
	v := g.vec()
	if g.wide {
		VMOVDQU32(g.at(g.row(name)), v)
	} else {
		VMOVDQU(g.at(g.row(name)), v)
	}
	return v
}

func (g *gen) broadcast(r reg.Register) V {
	v := g.vec()
	if g.wide {
		VPBROADCASTD(r, v)
	} else {
		x := XMM()
		VMOVD(r, x)
		VPBROADCASTD(x, v)
	}
	return v
}

// param returns a 32-bit parameter in all lanes.
func (g *gen) param(name string) V {
	v, ok := g.params[name]
	if !ok {
		v = g.broadcast(Load(Param(name), GP32()))
		g.params[name] = v
	}
	return v
}

// field returns word i of the array that a pointer parameter names, in all lanes.
func (g *gen) field(name string, i int) V {
	v := g.vec()
	VPBROADCASTD(Mem{Base: g.row(name), Disp: 4 * i}, v)
	return v
}

func (g *gen) constant(c uint32) V {
	v, ok := g.consts[c]
	if !ok {
		r := GP32()
		MOVL(U32(c), r)
		v = g.broadcast(r)
		g.consts[c] = v
	}
	return v
}

func (g *gen) add(x, y V) V { v := g.vec(); VPADDD(y, x, v); return v }
func (g *gen) mul(x, y V) V { v := g.vec(); VPMULLD(y, x, v); return v }
func (g *gen) and(x, y V) V {
	v := g.vec()
	if g.wide {
		VPANDD(y, x, v)
	} else {
		VPAND(y, x, v)
	}
	return v
}
func (g *gen) or(x, y V) V {
	v := g.vec()
	if g.wide {
		VPORD(y, x, v)
	} else {
		VPOR(y, x, v)
	}
	return v
}
func (g *gen) xor(x, y V) V {
	v := g.vec()
	if g.wide {
		VPXORD(y, x, v)
	} else {
		VPXOR(y, x, v)
	}
	return v
}
func (g *gen) shl(x, n V) V           { v := g.vec(); VPSLLVD(n, x, v); return v }
func (g *gen) shr(x, n V) V           { v := g.vec(); VPSRLVD(n, x, v); return v }
func (g *gen) sar(x, n V) V           { v := g.vec(); VPSRAVD(n, x, v); return v }
func (g *gen) shlImm(x V, n uint64) V { v := g.vec(); VPSLLD(U8(n), x, v); return v }
func (g *gen) sarImm(x V, n uint64) V { v := g.vec(); VPSRAD(U8(n), x, v); return v }

// mux returns one where s is set, else zero, by bits.
func (g *gen) mux(s, one, zero V) V {
	if g.wide {
		v := g.vec()
		VMOVDQA32(s, v)
		VPTERNLOGD(U8(0xca), zero, one, v)
		return v
	}
	return g.xor(zero, g.and(g.xor(one, zero), s))
}

// choose returns yes in the lanes of k, else no.
func (g *gen) choose(k C, yes, no V) V {
	v := g.vec()
	if g.wide {
		VMOVDQA32(no, v)
		VMOVDQA32(yes, k, v)
	} else {
		VPBLENDVB(k, yes, no, v)
	}
	return v
}

func (g *gen) cond() C {
	if g.wide {
		return KReg()
	}
	return YMM()
}

// KReg allocates a mask register.
func KReg() reg.OpmaskVirtual { return build.K() }

// lanesOf returns the condition that a lane mask parameter says for this chunk.
func (g *gen) lanesOf(name string) C {
	r := g.row(name + "32")
	k := g.cond()
	if g.wide {
		t := GP32()
		MOVL(r, t)
		if g.chunk > 0 {
			SHRL(U8(16*g.chunk), t)
		}
		KMOVW(t, k)
		return k
	}
	bits, ok := g.params[name]
	if !ok {
		bits = g.broadcast(r)
		g.params[name] = bits
	}
	b := YMM()
	VMOVDQU(NewDataAddr(Symbol{Name: "laneBits<>"}, 32*g.chunk), b)
	VPAND(b, bits, k)
	VPCMPEQD(b, k, k)
	return k
}

// store writes v to this chunk of a row, in the lanes of the mask.
func (g *gen) store(name string, v V) {
	old := g.load(name)
	out := g.choose(g.written, v, old)
	if g.wide {
		VMOVDQU32(out, g.at(g.row(name)))
	} else {
		VMOVDQU(out, g.at(g.row(name)))
	}
}

// flush turns denormals into zeros of their sign.
func (g *gen) flush(x V) V {
	v := g.vec()
	if g.wide {
		k := g.cond()
		VPTESTNMD(g.constant(infinity), x, k)
		VMOVDQA32(x, v)
		VPANDD(g.constant(sign), x, k, v)
		return v
	}
	zero := YMM()
	VPXOR(zero, zero, zero)
	VPCMPEQD(zero, g.and(x, g.constant(infinity)), v)
	return g.xor(x, g.and(g.and(x, v), g.constant(nan)))
}

// oneNaN makes every NaN NVIDIA's.
func (g *gen) oneNaN(x V) V {
	k := g.cond()
	VCMPPS(U8(unord), x, x, k)
	return g.choose(k, g.constant(nan), x)
}

// modified reads a row with its absolute value and negation.
func (g *gen) modified(name, suffix string) V {
	return g.xor(g.and(g.load(name), g.param("and"+suffix)), g.param("xor"+suffix))
}

// less and equal compare as signed integers.
func (g *gen) less(x, y V) C {
	k := g.cond()
	if g.wide {
		VPCMPD(U8(1), y, x, k)
	} else {
		VPCMPGTD(x, y, k)
	}
	return k
}

func (g *gen) equal(x, y V) C {
	k := g.cond()
	VPCMPEQD(y, x, k)
	return k
}

func (g *gen) compareFloat(how uint64, x, y V) C {
	k := g.cond()
	VCMPPS(U8(how), y, x, k)
	return k
}

// collect ors a condition into the lane mask that grows in r.
func (g *gen) collect(k C, r reg.Register) {
	t := GP32()
	if g.wide {
		KMOVW(k, t)
	} else {
		VMOVMSKPS(k, t)
	}
	if g.chunk == 0 {
		MOVL(t, r)
		return
	}
	SHLL(U8(g.chunk*g.width()), t)
	ORL(t, r)
}

// routine emits name for both instruction sets. body is called for each chunk of lanes.
func routine(name, signature string, body func(g *gen), results ...string) {
	for _, wide := range []bool{true, false} {
		full := name + "AVX2"
		if wide {
			full = name + "AVX512"
		}
		TEXT(full, NOSPLIT, "func("+signature+")"+resultList(results))
		Pragma("noescape")
		g := &gen{wide: wide, rows: map[string]reg.Register{}, params: map[string]V{}, consts: map[uint32]V{}}
		for _, p := range []string{"mask", "pred", "cin"} {
			if strings.Contains(signature, p) {
				g.rows[p+"32"] = Load(Param(p), GP32())
			}
		}
		for _, r := range results {
			g.rows["ret "+r] = GP32()
		}
		for g.chunk = 0; g.chunk < 32/g.width(); g.chunk++ {
			if _, ok := g.rows["mask32"]; ok {
				g.written = g.lanesOf("mask")
			}
			body(g)
		}
		for _, r := range results {
			Store(g.rows["ret "+r], Return(r))
		}
		VZEROUPPER()
		RET()
	}
}

func resultList(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + " uint32)"
}

func floats() {
	for _, ftz := range []bool{false, true} {
		suffix := ""
		in := func(g *gen, v V) V { return v }
		out := func(g *gen, v V) V { return g.oneNaN(v) }
		if ftz {
			suffix = "FTZ"
			in = func(g *gen, v V) V { return g.flush(v) }
			out = func(g *gen, v V) V { return g.flush(g.oneNaN(v)) }
		}
		routine("ffma"+suffix, "dst, a, b, c *[32]uint32, mask, negP, negC uint32", func(g *gen) {
			a := in(g, g.xor(g.load("a"), g.param("negP")))
			b := in(g, g.load("b"))
			c := in(g, g.xor(g.load("c"), g.param("negC")))
			VFMADD231PS(b, a, c)
			g.store("dst", out(g, c))
		})
		routine("fadd"+suffix, "dst, a, b *[32]uint32, mask, andA, xorA, andB, xorB uint32", func(g *gen) {
			a, b := in(g, g.modified("a", "A")), in(g, g.modified("b", "B"))
			v := g.vec()
			VADDPS(b, a, v)
			g.store("dst", out(g, v))
		})
		routine("fmul"+suffix, "dst, a, b *[32]uint32, mask, negP uint32", func(g *gen) {
			a, b := in(g, g.xor(g.load("a"), g.param("negP"))), in(g, g.load("b"))
			v := g.vec()
			VMULPS(b, a, v)
			g.store("dst", out(g, v))
		})
		routine("fcmp"+suffix, "a, b *[32]uint32, andA, xorA, andB, xorB uint32", func(g *gen) {
			a, b := in(g, g.modified("a", "A")), in(g, g.modified("b", "B"))
			g.collect(g.compareFloat(lessOQ, a, b), g.rows["ret lt"])
			g.collect(g.compareFloat(0, a, b), g.rows["ret eq"])
			g.collect(g.compareFloat(unord, a, b), g.rows["ret un"])
		}, "lt", "eq", "un")
	}
}

func integers() {
	routine("mov", "dst, a *[32]uint32, mask uint32", func(g *gen) { g.store("dst", g.load("a")) })
	routine("sel", "dst, a, b *[32]uint32, mask, pred uint32", func(g *gen) {
		g.store("dst", g.choose(g.lanesOf("pred"), g.load("a"), g.load("b")))
	})
	routine("iadd", "dst, a, b *[32]uint32, mask, na, nb, plus uint32", func(g *gen) {
		g.store("dst", g.add(g.add(g.xor(g.load("a"), g.param("na")), g.xor(g.load("b"), g.param("nb"))),
			g.param("plus")))
	})
	routine("addc", "dst, a, b *[32]uint32, mask, na, nb, cin uint32", func(g *gen) {
		a, b := g.xor(g.load("a"), g.param("na")), g.xor(g.load("b"), g.param("nb"))
		sum := g.add(a, b)
		s := g.add(sum, g.choose(g.lanesOf("cin"), g.constant(1), g.constant(0)))
		g.store("dst", s)
		below := func(x, y V) C { return g.less(g.xor(x, g.constant(sign)), g.xor(y, g.constant(sign))) }
		g.collect(below(sum, a), g.rows["ret c1"])
		g.collect(below(s, sum), g.rows["ret c2"])
		g.collect(g.equal(s, g.constant(0)), g.rows["ret zero"])
		g.collect(g.less(s, g.constant(0)), g.rows["ret minus"])
		g.collect(g.less(g.and(g.xor(a, s), g.xor(b, s)), g.constant(0)), g.rows["ret over"])
	}, "c1", "c2", "zero", "minus", "over")
	routine("iadd3", "dst, a, b, c *[32]uint32, mask, na, nb, nc, plus uint32", func(g *gen) {
		ab := g.add(g.xor(g.load("a"), g.param("na")), g.xor(g.load("b"), g.param("nb")))
		g.store("dst", g.add(g.add(ab, g.xor(g.load("c"), g.param("nc"))), g.param("plus")))
	})
	routine("shadd", "dst, a, b *[32]uint32, mask, shift, na, nb, plus uint32", func(g *gen) {
		a := g.xor(g.shl(g.load("a"), g.param("shift")), g.param("na"))
		g.store("dst", g.add(g.add(a, g.xor(g.load("b"), g.param("nb"))), g.param("plus")))
	})
	routine("lop3", "dst, a, b, c *[32]uint32, t *[8]uint32, mask uint32", func(g *gen) {
		a, b, c := g.load("a"), g.load("b"), g.load("c")
		var m [4]V
		for i := range m {
			m[i] = g.mux(c, g.field("t", 2*i+1), g.field("t", 2*i))
		}
		r := g.mux(a, g.mux(b, m[3], m[2]), g.mux(b, m[1], m[0]))
		g.store("dst", r)
		// Zero lanes are collected and turned round by the caller.
		zero := g.constant(0)
		g.collect(g.equal(r, zero), g.rows["ret zero"])
	}, "zero")
	routine("shl", "dst, a, b *[32]uint32, mask, limit uint32", func(g *gen) {
		g.store("dst", g.shl(g.load("a"), g.and(g.load("b"), g.param("limit"))))
	})
	routine("shr", "dst, a, b *[32]uint32, mask, limit uint32", func(g *gen) {
		g.store("dst", g.shr(g.load("a"), g.and(g.load("b"), g.param("limit"))))
	})
	routine("sar", "dst, a, b *[32]uint32, mask, limit uint32", func(g *gen) {
		g.store("dst", g.sar(g.load("a"), g.and(g.load("b"), g.param("limit"))))
	})
	routine("xmad", "dst, a, b, c *[32]uint32, m *[10]uint32, mask uint32", func(g *gen) {
		b := g.load("b")
		x := g.and(g.sarImm(g.shl(g.load("a"), g.field("m", 0)), 16), g.field("m", 1))
		y := g.and(g.sarImm(g.shl(b, g.field("m", 2)), 16), g.field("m", 3))
		hi := g.shlImm(b, 16)
		r := g.shl(g.mul(x, y), g.field("m", 4))
		r = g.add(r, g.and(g.shr(g.load("c"), g.field("m", 5)), g.field("m", 6)))
		r = g.add(r, g.and(hi, g.field("m", 7)))
		g.store("dst", g.or(g.and(r, g.field("m", 8)), g.and(hi, g.field("m", 9))))
	})
	routine("icmp", "a, b *[32]uint32, bias uint32", func(g *gen) {
		a, b := g.xor(g.load("a"), g.param("bias")), g.xor(g.load("b"), g.param("bias"))
		g.collect(g.less(a, b), g.rows["ret lt"])
		g.collect(g.equal(a, b), g.rows["ret eq"])
	}, "lt", "eq")
	routine("offsets", "base, rel *[32]uint32, offset uint32", func(g *gen) {
		g.collect(g.equal(g.add(g.load("base"), g.param("offset")), g.load("rel")), g.rows["ret same"])
	}, "same")
	routine("imnmx", "dst, a, b *[32]uint32, mask, bias, pred uint32", func(g *gen) {
		a, b := g.load("a"), g.load("b")
		k := g.less(g.xor(a, g.param("bias")), g.xor(b, g.param("bias")))
		lo, hi := g.choose(k, a, b), g.choose(k, b, a)
		g.store("dst", g.choose(g.lanesOf("pred"), lo, hi))
	})
}

// gathers loads each lane's words from its own address; all lanes take part.
func gathers() {
	for words := 1; words <= 2; words++ {
		TEXT([]string{"", "gather1", "gather2"}[words], NOSPLIT, "func(dst *[32]uint32, mem *byte, addr *[32]uint64)")
		Pragma("noescape")
		dst, mem, addr := Load(Param("dst"), GP64()), Load(Param("mem"), GP64()), Load(Param("addr"), GP64())
		for i := range 32 {
			a, v := GP64(), GP64()
			MOVQ(Mem{Base: addr, Disp: 8 * i}, a)
			if words == 1 {
				MOVL(Mem{Base: mem, Index: a, Scale: 1}, v.As32())
				MOVL(v.As32(), Mem{Base: dst, Disp: 4 * i})
			} else {
				MOVQ(Mem{Base: mem, Index: a, Scale: 1}, v)
				MOVL(v.As32(), Mem{Base: dst, Disp: 4 * i})
				SHRQ(U8(32), v)
				MOVL(v.As32(), Mem{Base: dst, Disp: 128 + 4*i})
			}
		}
		RET()
	}
	// Four words a lane: 16 bytes of lanes 0, 4, 8, 12 in one vector, of 1, 5, 9, 13 in the next …: transposing each
	// quarter of four such vectors leaves the words of 16 lanes in order.
	TEXT("gather4AVX512", NOSPLIT, "func(dst *[32]uint32, mem *byte, addr *[32]uint64)")
	Pragma("noescape")
	dst, mem, addr := Load(Param("dst"), GP64()), Load(Param("mem"), GP64()), Load(Param("addr"), GP64())
	for half := range 2 {
		var q [4]reg.VecVirtual
		for j := range q {
			q[j] = ZMM()
			for k := range 4 {
				a := GP64()
				MOVQ(Mem{Base: addr, Disp: 8 * (16*half + j + 4*k)}, a)
				from := Mem{Base: mem, Index: a, Scale: 1}
				if k == 0 {
					VBROADCASTI32X4(from, q[j])
				} else {
					VINSERTI32X4(U8(k), from, q[j], q[j])
				}
			}
		}
		transpose(q, ZMM, func(v reg.VecVirtual, row int) { VMOVDQU32(v, Mem{Base: dst, Disp: 128*row + 64*half}) })
	}
	VZEROUPPER()
	RET()
	TEXT("gather4AVX2", NOSPLIT, "func(dst *[32]uint32, mem *byte, addr *[32]uint64)")
	Pragma("noescape")
	dst, mem, addr = Load(Param("dst"), GP64()), Load(Param("mem"), GP64()), Load(Param("addr"), GP64())
	for quarter := range 4 {
		var q [4]reg.VecVirtual
		for j := range q {
			q[j] = YMM()
			for k := range 2 {
				a := GP64()
				MOVQ(Mem{Base: addr, Disp: 8 * (8*quarter + j + 4*k)}, a)
				from := Mem{Base: mem, Index: a, Scale: 1}
				if k == 0 {
					VBROADCASTI128(from, q[j])
				} else {
					VINSERTI128(U8(k), from, q[j], q[j])
				}
			}
		}
		transpose(q, YMM, func(v reg.VecVirtual, row int) { VMOVDQU(v, Mem{Base: dst, Disp: 128*row + 32*quarter}) })
	}
	VZEROUPPER()
	RET()
}

// picks emits what loads each lane's words from its own place, a 32-bit offset from mem, and what stores them there;
// all lanes take part.
func picks() {
	pick12()
	near()
	pickNear()
	for _, wide := range []bool{true, false} {
		g, suffix := &gen{wide: wide}, "AVX2"
		if wide {
			suffix = "AVX512"
		}
		g.pick4(suffix)
		g.place4(suffix)
	}
	place1()
}

// pick12 are one and two words a lane.
func pick12() {
	for words := 1; words <= 2; words++ {
		TEXT([]string{"", "pick1", "pick2"}[words], NOSPLIT, "func(dst *[32]uint32, mem *byte, index *[32]uint32)")
		Pragma("noescape")
		dst, mem, index := Load(Param("dst"), GP64()), Load(Param("mem"), GP64()), Load(Param("index"), GP64())
		for i := range 32 {
			a, v := GP64(), GP64()
			MOVL(Mem{Base: index, Disp: 4 * i}, a.As32())
			if words == 1 {
				MOVL(Mem{Base: mem, Index: a, Scale: 1}, v.As32())
				MOVL(v.As32(), Mem{Base: dst, Disp: 4 * i})
			} else {
				MOVQ(Mem{Base: mem, Index: a, Scale: 1}, v)
				MOVL(v.As32(), Mem{Base: dst, Disp: 4 * i})
				SHRQ(U8(32), v)
				MOVL(v.As32(), Mem{Base: dst, Disp: 128 + 4*i})
			}
		}
		RET()
	}
}

// near is one word a lane for addresses that nobody has looked at: ok if all are aligned, at most limit, and within 128
// bytes of the lowest. Nothing is loaded otherwise.
func near() {
	TEXT("nearAVX512", NOSPLIT, "func(dst, base *[32]uint32, mem *byte, offset, limit, mask uint32) (ok uint32)")
	Pragma("noescape")
	g := &gen{wide: true, rows: map[string]reg.Register{}, params: map[string]V{}, consts: map[uint32]V{}}
	g.rows["mask32"] = Load(Param("mask"), GP32())
	ok := GP32()
	XORL(ok, ok)
	var a [2]V
	var k [2]C
	low, high := ZMM(), ZMM()
	for g.chunk = range a {
		k[g.chunk] = g.lanesOf("mask")
		a[g.chunk] = g.add(g.load("base"), g.param("offset"))
		if g.chunk == 0 {
			VMOVDQA32(g.constant(1<<32-1), low)
			VMOVDQA32(a[0], k[0], low)
			VMOVDQA32_Z(a[0], k[0], high)
		} else {
			VPMINUD(a[1], low, k[1], low)
			VPMAXUD(a[1], high, k[1], high)
		}
	}
	lo := reduce(low, func(a, b, to reg.VecVirtual) { VPMINUD(a, b, to) })
	hi := reduce(high, func(a, b, to reg.VecVirtual) { VPMAXUD(a, b, to) })
	CMPL(hi, Load(Param("limit"), GP32()))
	JHI(LabelRef("far"))
	SUBL(lo, hi)
	CMPL(hi, I32(124))
	JHI(LabelRef("far"))
	k1, k2 := KReg(), KReg()
	VPTESTMD(g.constant(3), a[0], k[0], k1)
	VPTESTMD(g.constant(3), a[1], k[1], k2)
	KORTESTW(k2, k1)
	JNE(LabelRef("far"))
	first, second := ZMM(), ZMM()
	mem, dst := Load(Param("mem"), GP64()), g.row("dst")
	from := Mem{Base: mem, Index: lo, Scale: 1}
	VMOVDQU32(from, first)
	from.Disp = 64
	VMOVDQU32(from, second)
	lowest := g.broadcast(lo)
	for half := range a {
		VPSUBD(lowest, a[half], a[half])
		VPSRLD(U8(2), a[half], a[half])
		VPERMI2D(second, first, a[half])
		VMOVDQU32(a[half], k[half], Mem{Base: dst, Disp: 64 * half})
	}
	INCL(ok)
	Label("far")
	Store(ok, Return("ok"))
	VZEROUPPER()
	RET()
}

// reduce combines the 16 words of a vector into one.
func reduce(v V, f func(a, b, to reg.VecVirtual)) reg.Register {
	y, x := YMM(), XMM()
	VEXTRACTI64X4(U8(1), v, y)
	f(y, v.AsY().(reg.VecVirtual), y)
	VEXTRACTI128(U8(1), y, x)
	f(x, y.AsX().(reg.VecVirtual), x)
	t := XMM()
	VPSHUFD(U8(0x4e), x, t)
	f(t, x, x)
	VPSHUFD(U8(0xb1), x, t)
	f(t, x, x)
	r := GP32()
	VMOVD(x, r)
	return r
}

// pickNear loads from 128 bytes, which two vectors hold: lanes gives the place of each lane's first word among their
// words.
func pickNear() {
	for _, words := range []int{1, 2, 4} {
		TEXT("pickNear"+string(rune('0'+words))+"AVX512", NOSPLIT,
			"func(dst *[32]uint32, mem *byte, lanes *[32]uint32)")
		Pragma("noescape")
		dst, mem, lanes := Load(Param("dst"), GP64()), Load(Param("mem"), GP64()), Load(Param("lanes"), GP64())
		low, high := ZMM(), ZMM()
		VMOVDQU32(Mem{Base: mem}, low)
		VMOVDQU32(Mem{Base: mem, Disp: 64}, high)
		g := &gen{wide: true, consts: map[uint32]V{}}
		var at [2]V
		for half := range at {
			at[half] = ZMM()
			VMOVDQU32(Mem{Base: lanes, Disp: 64 * half}, at[half])
		}
		for k := range words {
			for half := range at {
				v := ZMM()
				if k == words-1 {
					v = at[half]
				} else {
					VMOVDQA32(at[half], v)
				}
				VPERMI2D(high, low, v)
				VMOVDQU32(v, Mem{Base: dst, Disp: 128*k + 64*half})
				if k < words-1 {
					VPADDD(g.constant(1), at[half], at[half])
				}
			}
		}
		VZEROUPPER()
		RET()
	}
}

// pick4 is four words a lane: 16 bytes of lanes 0, 4, 8, 12 in one vector, of 1, 5, 9, 13 in the next …: transposing
// each quarter of four such vectors leaves the words of 16 lanes in order.
func (g *gen) pick4(suffix string) {
	wide, quarters := g.wide, g.width()/4
	TEXT("pick4"+suffix, NOSPLIT, "func(dst *[32]uint32, mem *byte, index *[32]uint32)")
	Pragma("noescape")
	dst, mem, index := Load(Param("dst"), GP64()), Load(Param("mem"), GP64()), Load(Param("index"), GP64())
	for chunk := range 32 / g.width() {
		var q [4]reg.VecVirtual
		for j := range q {
			q[j] = g.vec()
			for k := range quarters {
				a := GP64()
				MOVL(Mem{Base: index, Disp: 4 * (g.width()*chunk + j + 4*k)}, a.As32())
				from := Mem{Base: mem, Index: a, Scale: 1}
				switch {
				case k == 0 && wide:
					VBROADCASTI32X4(from, q[j])
				case k == 0:
					VBROADCASTI128(from, q[j])
				case wide:
					VINSERTI32X4(U8(k), from, q[j], q[j])
				default:
					VINSERTI128(U8(k), from, q[j], q[j])
				}
			}
		}
		transpose(q, g.vec, func(v reg.VecVirtual, row int) {
			to := Mem{Base: dst, Disp: 128*row + 4*g.width()*chunk}
			if wide {
				VMOVDQU32(v, to)
			} else {
				VMOVDQU(v, to)
			}
		})
	}
	VZEROUPPER()
	RET()
}

// place4 stores four words a lane.
func (g *gen) place4(suffix string) {
	wide, quarters := g.wide, g.width()/4
	TEXT("place4"+suffix, NOSPLIT, "func(src *[32]uint32, mem *byte, index *[32]uint32)")
	Pragma("noescape")
	src, mem, index := Load(Param("src"), GP64()), Load(Param("mem"), GP64()), Load(Param("index"), GP64())
	for chunk := range 32 / g.width() {
		var q, t [4]reg.VecVirtual
		for row := range q {
			q[row] = g.vec()
			from := Mem{Base: src, Disp: 128*row + 4*g.width()*chunk}
			if wide {
				VMOVDQU32(from, q[row])
			} else {
				VMOVDQU(from, q[row])
			}
		}
		transpose(q, g.vec, func(v reg.VecVirtual, row int) { t[row] = v })
		for k := range quarters {
			for j := range t {
				a := GP64()
				MOVL(Mem{Base: index, Disp: 4 * (g.width()*chunk + j + 4*k)}, a.As32())
				to := Mem{Base: mem, Index: a, Scale: 1}
				switch {
				case k == 0:
					VMOVDQU(t[j].AsX(), to)
				case wide:
					VEXTRACTI32X4(U8(k), t[j], to)
				default:
					VEXTRACTI128(U8(k), t[j], to)
				}
			}
		}
	}
	VZEROUPPER()
	RET()
}

// place1 stores one word a lane.
func place1() {
	TEXT("place1", NOSPLIT, "func(src *[32]uint32, mem *byte, index *[32]uint32)")
	Pragma("noescape")
	src, mem, index := Load(Param("src"), GP64()), Load(Param("mem"), GP64()), Load(Param("index"), GP64())
	for i := range 32 {
		a, v := GP64(), GP32()
		MOVL(Mem{Base: index, Disp: 4 * i}, a.As32())
		MOVL(Mem{Base: src, Disp: 4 * i}, v)
		MOVL(v, Mem{Base: mem, Index: a, Scale: 1})
	}
	RET()
}

// transpose transposes the 4x4 words of each 128-bit lane and hands out the rows.
func transpose(q [4]reg.VecVirtual, vec func() reg.VecVirtual, put func(v reg.VecVirtual, row int)) {
	ab, cd, abh, cdh := vec(), vec(), vec(), vec()
	VPUNPCKLDQ(q[1], q[0], ab)
	VPUNPCKLDQ(q[3], q[2], cd)
	VPUNPCKHDQ(q[1], q[0], abh)
	VPUNPCKHDQ(q[3], q[2], cdh)
	for row := range 4 {
		v := vec()
		switch row {
		case 0:
			VPUNPCKLQDQ(cd, ab, v)
		case 1:
			VPUNPCKHQDQ(cd, ab, v)
		case 2:
			VPUNPCKLQDQ(cdh, abh, v)
		case 3:
			VPUNPCKHQDQ(cdh, abh, v)
		}
		put(v, row)
	}
}

// prefetch asks for three rows.
func prefetch() {
	TEXT("prefetch3", NOSPLIT, "func(a, b, c *[32]uint32)")
	Pragma("noescape")
	for _, name := range []string{"a", "b", "c"} {
		r := Load(Param(name), GP64())
		PREFETCHT0(Mem{Base: r})
		PREFETCHT0(Mem{Base: r, Disp: 64})
	}
	RET()
}

// wideBroadcast returns a 64-bit parameter in all 64-bit lanes.
func (g *gen) wideBroadcast(name string) V {
	v, x := g.vec(), XMM()
	VMOVQ(Load(Param(name), GP64()), x)
	VPBROADCASTQ(x, v)
	return v
}

// addresses emits the two address routines. 64-bit addresses come 8 (4) at a time.
func addresses() {
	for _, wide := range []bool{true, false} {
		addr64(wide)
		addr32(wide)
	}
}

func addr64(wide bool) {
	suffix, lanes := "AVX2", 4
	if wide {
		suffix, lanes = "AVX512", 8
	}
	g := &gen{wide: wide}
	TEXT("addr64"+suffix, NOSPLIT,
		"func(out *[32]uint64, lo, hi *[32]uint32, offset, base, limit, align uint64, mask uint32) (bad uint32)")
	Pragma("noescape")
	out, lo, hi := Load(Param("out"), GP64()), Load(Param("lo"), GP64()), Load(Param("hi"), GP64())
	offset, base, limit, align := g.wideBroadcast("offset"), g.wideBroadcast("base"), g.wideBroadcast("limit"),
		g.wideBroadcast("align")
	mask := Load(Param("mask"), GP32())
	bad := GP32()
	XORL(bad, bad)
	var flip, zero, maskV V
	if !wide {
		flip, zero, maskV = YMM(), YMM(), YMM()
		VPCMPEQQ(flip, flip, flip)
		VPSLLQ(U8(63), flip, flip)
		VPXOR(zero, zero, zero)
		VPXOR(flip, limit, limit)
		x := XMM()
		VMOVD(mask, x)
		VPBROADCASTD(x, maskV)
		VPMOVZXDQ(maskV.AsX(), maskV)
	}
	for c := range 32 / lanes {
		a, h := g.vec(), g.vec()
		VPMOVZXDQ(Mem{Base: lo, Disp: 4 * lanes * c}, a)
		VPMOVZXDQ(Mem{Base: hi, Disp: 4 * lanes * c}, h)
		VPSLLQ(U8(32), h, h)
		VPADDQ(h, a, a)
		VPADDQ(offset, a, a)
		t := GP32()
		d := g.vec()
		if wide {
			k, k1, k2 := KReg(), KReg(), KReg()
			MOVL(mask, t)
			SHRL(U8(lanes*c), t)
			KMOVB(t, k)
			sel := g.vec()
			VMOVDQA64(base, sel)
			VMOVDQA64(a, k, sel)
			VMOVDQU64(sel, Mem{Base: out, Disp: 64 * c})
			VPSUBQ(base, sel, d)
			VPCMPUQ(U8(6), limit, d, k1)
			VPTESTMQ(align, sel, k2)
			KORB(k1, k2, k1)
			KMOVB(k1, t)
		} else {
			bitsV, k := YMM(), YMM()
			VPMOVZXDQ(NewDataAddr(Symbol{Name: "laneBits<>"}, 4*lanes*c), bitsV)
			VPAND(bitsV, maskV, k)
			VPCMPEQQ(bitsV, k, k)
			sel := YMM()
			VPBLENDVB(k, a, base, sel)
			VMOVDQU(sel, Mem{Base: out, Disp: 32 * c})
			VPSUBQ(base, sel, d)
			VPXOR(flip, d, d)
			VPCMPGTQ(limit, d, d) // d > limit
			aligned := YMM()
			VPAND(align, sel, aligned)
			VPCMPEQQ(zero, aligned, aligned)
			ones := YMM()
			VPCMPEQQ(ones, ones, ones)
			VPXOR(ones, aligned, aligned)
			VPOR(aligned, d, d)
			VMOVMSKPD(d, t)
		}
		SHLL(U8(lanes*c), t)
		ORL(t, bad)
	}
	ANDL(mask, bad)
	Store(bad, Return("bad"))
	VZEROUPPER()
	RET()
}

func addr32(wide bool) {
	suffix := "AVX2"
	if wide {
		suffix = "AVX512"
	}
	TEXT("addr32"+suffix, NOSPLIT,
		"func(out *[32]uint64, base *[32]uint32, offset, limit, align, mask uint32) (bad uint32)")
	Pragma("noescape")
	g := &gen{wide: wide, rows: map[string]reg.Register{}, params: map[string]V{}, consts: map[uint32]V{}}
	g.rows["mask32"] = Load(Param("mask"), GP32())
	out := g.row("out")
	bad := GP32()
	for g.chunk = 0; g.chunk < 32/g.width(); g.chunk++ {
		k := g.lanesOf("mask")
		a := g.choose(k, g.add(g.load("base"), g.param("offset")), g.constant(0))
		// Above the limit if the greater of both is not the limit.
		over := g.vec()
		VPMAXUD(g.param("limit"), a, over)
		fine := g.and(a, g.param("align"))
		fine = g.or(fine, g.xor(over, g.param("limit")))
		g.collect(g.equal(fine, g.constant(0)), bad)
		if wide {
			lowHalf, highHalf, y := ZMM(), ZMM(), YMM()
			VPMOVZXDQ(a.AsY(), lowHalf)
			VEXTRACTI64X4(U8(1), a, y)
			VPMOVZXDQ(y, highHalf)
			VMOVDQU64(lowHalf, Mem{Base: out, Disp: 128 * g.chunk})
			VMOVDQU64(highHalf, Mem{Base: out, Disp: 128*g.chunk + 64})
		} else {
			lowHalf, highHalf, x := YMM(), YMM(), XMM()
			VPMOVZXDQ(a.AsX(), lowHalf)
			VEXTRACTI128(U8(1), a, x)
			VPMOVZXDQ(x, highHalf)
			VMOVDQU(lowHalf, Mem{Base: out, Disp: 64 * g.chunk})
			VMOVDQU(highHalf, Mem{Base: out, Disp: 64*g.chunk + 32})
		}
	}
	NOTL(bad)
	ANDL(g.rows["mask32"], bad)
	Store(bad, Return("bad"))
	VZEROUPPER()
	RET()
}

// runs emits the routine that executes several FFMAs, given by the places of their rows. No lane mask, no blend with
// the old value, when all lanes take part.
func runs() {
	for _, wide := range []bool{true, false} {
		name := "ffmaRunAVX2"
		if wide {
			name = "ffmaRunAVX512"
		}
		TEXT(name, NOSPLIT, "func(regs *byte, ops *uint16, n int, mask uint32)")
		Pragma("noescape")
		g := &gen{wide: wide, rows: map[string]reg.Register{}, params: map[string]V{}, consts: map[uint32]V{}}
		regs, ops, n := Load(Param("regs"), GP64()), Load(Param("ops"), GP64()), Load(Param("n"), GP64())
		mask := Load(Param("mask"), GP32())
		nanV := g.constant(nan)
		chunks := 32 / g.width()
		var lanes []C
		g.rows["mask32"] = mask
		CMPL(mask, I32(-1))
		JNE(LabelRef(name + "masked"))
		for _, masked := range []bool{false, true} {
			label := name + "all"
			if masked {
				label = name + "some"
				Label(name + "masked")
				for g.chunk = 0; g.chunk < chunks; g.chunk++ {
					lanes = append(lanes, g.lanesOf("mask"))
				}
			}
			Label(label)
			var at [4]reg.GPVirtual
			for i := range at {
				at[i] = GP64()
				MOVWLZX(Mem{Base: ops, Disp: 2 * i}, at[i].As32())
			}
			row := func(i int) Mem { return Mem{Base: regs, Index: at[i], Scale: 1, Disp: g.chunk * g.width() * 4} }
			load := func(m Mem) V {
				v := g.vec()
				VMOVUPS(m, v)
				return v
			}
			for g.chunk = 0; g.chunk < chunks; g.chunk++ {
				a, c, k := load(row(1)), load(row(3)), g.cond()
				VFMADD231PS(row(2), a, c)
				VCMPPS(U8(unord), c, c, k)
				switch {
				case wide && masked:
					VMOVDQA32(nanV, k, c)
					VMOVUPS(c, lanes[g.chunk], row(0))
				case wide:
					VMOVDQA32(nanV, k, c)
					VMOVUPS(c, row(0))
				default:
					VBLENDVPS(k, nanV, c, c)
					if masked {
						VBLENDVPS(lanes[g.chunk], c, load(row(0)), c)
					}
					VMOVUPS(c, row(0))
				}
			}
			ADDQ(I8(8), ops)
			DECQ(n)
			JNE(LabelRef(label))
			VZEROUPPER()
			RET()
		}
	}
}

// units emits the test for addresses that ascend by a fixed step.
func units() {
	GLOBL("laneNumbers", RODATA|NOPTR)
	for i := range 8 {
		DATA(8*i, U64(i))
	}
	TEXT("unitAVX512", NOSPLIT, "func(addr *[32]uint64, step uint64) (yes uint32)")
	Pragma("noescape")
	addr, step := Load(Param("addr"), GP64()), Load(Param("step"), GP64())
	want, eight := ZMM(), ZMM()
	VPBROADCASTQ(step, eight)
	VPMULLQ(NewDataAddr(Symbol{Name: "laneNumbers<>"}, 0), eight, want)
	VPSLLQ(U8(3), eight, eight)
	first := ZMM()
	VPBROADCASTQ(Mem{Base: addr}, first)
	VPADDQ(first, want, want)
	yes := GP32()
	XORL(yes, yes)
	k := KReg()
	for i := range 4 {
		if i == 0 {
			VPCMPEQQ(Mem{Base: addr}, want, k)
			continue
		}
		VPADDQ(eight, want, want)
		VPCMPEQQ(Mem{Base: addr, Disp: 64 * i}, want, k, k)
	}
	bits := GP32()
	KMOVB(k, bits)
	CMPL(bits, U32(0xff))
	SETEQ(yes.As8())
	Store(yes, Return("yes"))
	VZEROUPPER()
	RET()
}

// scan emits the routine that finds which of a scheduler's 16 warps can issue, and when the next one can.
func scan() {
	for _, wide := range []bool{true, false} {
		suffix := "AVX2"
		if wide {
			suffix = "AVX512"
		}
		TEXT("available"+suffix, NOSPLIT,
			"func(ready *[16]int64, unit *[16]uint8, free *[16]int64, shared, global uint32, "+
				"sharedFree, globalFree, t int64) (now, then uint32, soonest int64)")
		Pragma("noescape")
		g := &scanner{gen: &gen{wide: wide}}
		g.ready, g.unit, g.free = Load(Param("ready"), GP64()), Load(Param("unit"), GP64()), Load(Param("free"), GP64())
		g.limit, g.never = g.wideBroadcast("t"), g.vec()
		r := GP64()
		MOVQ(U64(1<<63-1), r)
		x := XMM()
		VMOVQ(r, x)
		VPBROADCASTQ(x, g.never)
		g.units()
		now, lanes := GP32(), g.width()/2
		var waiting []V
		for i := 0; i < 16; i += lanes {
			v, k := g.waits(i)
			g.bits(k, now, i)
			waiting = append(waiting, v)
		}
		if !wide {
			XORL(U32(0xffff), now)
		}
		Store(now, Return("now"))
		end := "available" + suffix + "end"
		several := GP32()
		LEAL(Mem{Base: now.As64(), Disp: -1}, several)
		TESTL(now, several)
		JNE(LabelRef(end)) // nobody asks for the rest then
		least := g.least(waiting, x)
		VMOVQ(least, r)
		Store(r, Return("soonest"))
		then, all := GP32(), g.vec()
		VPBROADCASTQ(least, all)
		for i, v := range waiting {
			k := g.cond()
			VPCMPEQQ(all, v, k)
			g.bits(k, then, i*lanes)
		}
		Store(then, Return("then"))
		Label(end)
		VZEROUPPER()
		RET()
	}
}

// scanner emits the parts of scan, for warps 8 (4) at a time.
type scanner struct {
	*gen
	ready, unit, free reg.Register
	limit, never      V
	// The table of when units are free, with AVX-512 in registers. The two kinds of memory, whose numbers are 8 or
	// more, are free when the parameters say so too.
	table  [2]V
	memory [2]struct{ unit, free V }
}

// units loads what says when units are free.
func (g *scanner) units() {
	if g.wide {
		for i := range g.table {
			g.table[i] = g.vec()
			VMOVDQU64(Mem{Base: g.free, Disp: 64 * i}, g.table[i])
		}
	}
	for i, name := range []string{"shared", "global"} {
		n, v := Load(Param(name), GP32()), g.wideBroadcast(name+"Free")
		if g.wide {
			b, k := GP32(), KReg()
			XORL(b, b)
			BTSL(n, b)
			SHRL(U8(8), b)
			KMOVB(b, k)
			VPMAXSQ(v, g.table[1], k, g.table[1])
			continue
		}
		x, unit := XMM(), g.vec()
		VMOVQ(n.(reg.GPVirtual).As64(), x)
		VPBROADCASTQ(x, unit)
		g.memory[i].unit, g.memory[i].free = unit, v
	}
}

// later is the greater of each pair; AVX2 has no such instruction.
func (g *scanner) later(x, y V) V {
	v := g.vec()
	if g.wide {
		VPMAXSQ(y, x, v)
	} else {
		k := YMM()
		VPCMPGTQ(y, x, k) // x > y
		VPBLENDVB(k, x, y, v)
	}
	return v
}

// smaller is the lesser of each pair; AVX2 has no such instruction.
func smaller(x, y reg.VecVirtual, ymm bool) reg.VecVirtual {
	k, v := YMM(), YMM()
	if !ymm {
		k, v = XMM(), XMM()
	}
	VPCMPGTQ(y, x, k) // x > y
	VPBLENDVB(k, y, x, v)
	return v
}

// bits puts a mask into a register, from bit at on.
func (g *scanner) bits(k C, into reg.Register, at int) {
	b := GP32()
	if g.wide {
		KMOVB(k, b)
	} else {
		VMOVMSKPD(k, b)
	}
	if at == 0 {
		MOVL(b, into)
		return
	}
	SHLL(U8(at), b)
	ORL(b, into)
}

// waits returns when the warps from i on can issue, never for those that can now, and which these are (with AVX2: are
// not).
func (g *scanner) waits(i int) (V, C) {
	which, at, k := g.vec(), g.vec(), g.cond()
	VPMOVZXBQ(Mem{Base: g.unit, Disp: i}, which)
	if g.wide {
		VPERMI2Q(g.table[1], g.table[0], which)
		VMOVDQU64(Mem{Base: g.ready, Disp: 8 * i}, at)
		v := g.later(at, which)
		VPCMPQ(U8(2), g.limit, v, k) // v <= limit
		VMOVDQA64(g.never, k, v)
		return v, k
	}
	all := YMM()
	unitFree := YMM()
	VPCMPEQQ(all, all, all)
	VPGATHERQQ(all, Mem{Base: g.free, Index: which, Scale: 8}, unitFree)
	VMOVDQU(Mem{Base: g.ready, Disp: 8 * i}, at)
	v := g.later(at, unitFree)
	for _, m := range g.memory {
		on, floor := g.cond(), YMM()
		VPCMPEQQ(m.unit, which, on)
		VPBLENDVB(on, m.free, v, floor)
		v = g.later(v, floor)
	}
	VPCMPGTQ(g.limit, v, k) // v > limit
	w := YMM()
	VPBLENDVB(k, v, g.never, w)
	return w, k
}

// least is the soonest of all.
func (g *scanner) least(waiting []V, x reg.VecVirtual) reg.VecVirtual {
	if g.wide {
		least, y := ZMM(), YMM()
		VPMINSQ(waiting[1], waiting[0], least)
		VEXTRACTI64X4(U8(1), least, y)
		VPMINSQ(y, least.AsY(), y)
		VEXTRACTI128(U8(1), y, x)
		VPMINSQ(x, y.AsX(), x)
		other := XMM()
		VPSHUFD(U8(0x4e), x, other)
		VPMINSQ(other, x, x)
		return x
	}
	least := waiting[0]
	for _, v := range waiting[1:] {
		least = smaller(least, v, true)
	}
	VEXTRACTI128(U8(1), least, x)
	half := smaller(x, least.AsX().(reg.VecVirtual), false)
	other := XMM()
	VPSHUFD(U8(0x4e), half, other)
	return smaller(half, other, false)
}

func main() {
	ConstraintExpr("!purego")
	laneBits()
	floats()
	integers()
	gathers()
	addresses()
	prefetch()
	runs()
	picks()
	scan()
	units()
	Generate()
}
