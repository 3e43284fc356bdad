package exec

import (
	"unsafe"

	"warpdrop/sim/sm/lower"
)

// Lane arithmetic in plain Go: what the vector code of lanes_amd64.s does, bit for bit. mask selects the lanes that
// are written; the others keep their values.

func movGo(dst, a *lower.Row, mask uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = a[i]
		}
	}
}

func selGo(dst, a, b *lower.Row, mask, pred uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			if pred>>i&1 != 0 {
				dst[i] = a[i]
			} else {
				dst[i] = b[i]
			}
		}
	}
}

// negP and negC are exclusive-ored to the product's and the addend's sign.
func ffmaGo(dst, a, b, c *lower.Row, mask, negP, negC uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = fma32(a[i]^negP, b[i], c[i]^negC, lower.RoundNearest)
		}
	}
}

func ffmaFTZGo(dst, a, b, c *lower.Row, mask, negP, negC uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = flush32(fma32(flush32(a[i]^negP), flush32(b[i]), flush32(c[i]^negC), lower.RoundNearest))
		}
	}
}

// ffmaRunGo executes the FFMAs that ops names on the registers from regs on.
func ffmaRunGo(regs unsafe.Pointer, ops []lower.FMA, mask uint32) {
	row := func(at uint16) *lower.Row { return (*lower.Row)(unsafe.Add(regs, at)) }
	for _, o := range ops {
		ffmaGo(row(o.Dst), row(o.A), row(o.B), row(o.C), mask, 0, 0)
	}
}

func faddGo(dst, a, b *lower.Row, mask uint32, ma, mb signMod) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = add32(modify(a[i], ma), modify(b[i], mb), lower.RoundNearest)
		}
	}
}

func faddFTZGo(dst, a, b *lower.Row, mask uint32, ma, mb signMod) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = flush32(add32(flush32(modify(a[i], ma)), flush32(modify(b[i], mb)), lower.RoundNearest))
		}
	}
}

func fmulGo(dst, a, b *lower.Row, mask, negP uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = mul32(a[i]^negP, b[i], lower.RoundNearest)
		}
	}
}

func fmulFTZGo(dst, a, b *lower.Row, mask, negP uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = flush32(mul32(flush32(a[i]^negP), flush32(b[i]), lower.RoundNearest))
		}
	}
}

// iaddGo adds (a^na) + (b^nb) + plus: the negation of x is ^x + 1.
func iaddGo(dst, a, b *lower.Row, mask, na, nb, plus uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = (a[i] ^ na) + (b[i] ^ nb) + plus
		}
	}
}

// addcGo adds (a^na) + (b^nb) + 1 where cin is set; the results are lane masks for all 32 lanes: the two carries of the
// two additions, zero, negative and signed overflow.
func addcGo(dst, a, b *lower.Row, mask, na, nb, cin uint32) (c1, c2, zero, minus, over uint32) {
	for i := range dst {
		p, q := a[i]^na, b[i]^nb
		sum := p + q
		s := sum + cin>>i&1
		if mask>>i&1 != 0 {
			dst[i] = s
		}
		c1 |= boolBit(sum < p, i)
		c2 |= boolBit(s < sum, i)
		zero |= boolBit(s == 0, i)
		minus |= boolBit(int32(s) < 0, i)
		over |= boolBit(int32((p^s)&(q^s)) < 0, i)
	}
	return
}

func boolBit(v bool, i int) uint32 {
	if v {
		return 1 << i
	}
	return 0
}

func iadd3Go(dst, a, b, c *lower.Row, mask, na, nb, nc, plus uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = (a[i] ^ na) + (b[i] ^ nb) + (c[i] ^ nc) + plus
		}
	}
}

// shaddGo adds ((a<<shift)^na) + (b^nb) + plus.
func shaddGo(dst, a, b *lower.Row, mask, shift, na, nb, plus uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = (a[i]<<shift ^ na) + (b[i] ^ nb) + plus
		}
	}
}

// lut is a logic table spread out for lop3: element 4a+2b+c is all ones where the table's bit is set.
type lut = [8]uint32

func lop3Go(dst, a, b, c *lower.Row, t *lut, mask uint32) (nonzero uint32) {
	for i := range dst {
		x, y, z := a[i], b[i], c[i]
		mux := func(s, one, zero uint32) uint32 { return zero ^ (one^zero)&s }
		r := mux(x, mux(y, mux(z, t[7], t[6]), mux(z, t[5], t[4])), mux(y, mux(z, t[3], t[2]), mux(z, t[1], t[0])))
		if mask>>i&1 != 0 {
			dst[i] = r
			if r != 0 {
				nonzero |= 1 << i
			}
		}
	}
	return nonzero
}

// limit is anded to the shift amount: 31 for .W, else all ones.
func shlGo(dst, a, b *lower.Row, mask, limit uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = a[i] << (b[i] & limit)
		}
	}
}

func shrGo(dst, a, b *lower.Row, mask, limit uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = a[i] >> (b[i] & limit)
		}
	}
}

func sarGo(dst, a, b *lower.Row, mask, limit uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			dst[i] = uint32(int32(a[i]) >> (b[i] & limit))
		}
	}
}

// xmadMode is what XMAD's suffixes and half selections do, as shifts and masks.
type xmadMode struct {
	shiftA, maskA uint32 // a's half: (a << shift >> 16, arithmetic) & mask
	shiftB, maskB uint32
	shiftP        uint32 // PSL: 16
	shiftC, maskC uint32 // (c >> shift) & mask
	maskCBCC      uint32 // b << 16 is added where set
	keep, merge   uint32 // MRG: result & keep | b << 16 & merge
}

func xmadGo(dst, a, b, c *lower.Row, m *xmadMode, mask uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			x := uint32(int32(a[i]<<m.shiftA)>>16) & m.maskA
			y := uint32(int32(b[i]<<m.shiftB)>>16) & m.maskB
			hi := b[i] << 16
			r := x*y<<m.shiftP + c[i]>>m.shiftC&m.maskC + hi&m.maskCBCC
			dst[i] = r&m.keep | hi&m.merge
		}
	}
}

// icmpGo compares as signed integers after flipping the bits of bias, which makes unsigned comparison of it.
func icmpGo(a, b *lower.Row, bias uint32) (lt, eq uint32) {
	for i := range a {
		if int32(a[i]^bias) < int32(b[i]^bias) {
			lt |= 1 << i
		}
		if a[i] == b[i] {
			eq |= 1 << i
		}
	}
	return lt, eq
}

func fcmpGo(a, b *lower.Row, ma, mb signMod, ftz bool) (lt, eq, un uint32) {
	for i := range a {
		x, y := modify(a[i], ma), modify(b[i], mb)
		if ftz {
			x, y = flush32(x), flush32(y)
		}
		switch compare32(f32(x), f32(y)) {
		case lower.CmpLT:
			lt |= 1 << i
		case lower.CmpEQ:
			eq |= 1 << i
		case lower.CmpUN:
			un |= 1 << i
		}
	}
	return lt, eq, un
}

// imnmxGo takes the lesser where pred is set, else the greater.
func imnmxGo(dst, a, b *lower.Row, mask, bias, pred uint32) {
	for i := range dst {
		if mask>>i&1 != 0 {
			if (int32(a[i]^bias) < int32(b[i]^bias)) == (pred>>i&1 != 0) {
				dst[i] = a[i]
			} else {
				dst[i] = b[i]
			}
		}
	}
}

// addr32Go puts base + offset of the lanes in mask into out, zero for the others, and returns the lanes whose address
// is above limit or has a bit of align set.
func addr32Go(out *[32]uint64, base *lower.Row, offset, limit, align, mask uint32) (bad uint32) {
	for i := range out {
		a := base[i] + offset
		if mask>>i&1 == 0 {
			a = 0
		}
		out[i] = uint64(a)
		if a > limit || a&align != 0 {
			bad |= 1 << i
		}
	}
	return bad & mask
}

// addr64Go puts the 64-bit addresses hi:lo + offset of the lanes in mask into out, base for the others, and returns the
// lanes whose address is not within base … base+limit or has a bit of align set.
func addr64Go(out *[32]uint64, lo, hi *lower.Row, offset, base, limit, align uint64, mask uint32) (bad uint32) {
	for i := range out {
		a := uint64(hi[i])<<32 | uint64(lo[i])
		a += offset
		if mask>>i&1 == 0 {
			a = base
		}
		out[i] = a
		if a-base > limit || a&align != 0 {
			bad |= 1 << i
		}
	}
	return bad & mask
}

// gather loads words 32-bit words for each lane in mask from mem + addr - base into the rows from dst on.
func gatherGo(dst *lower.Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	rows := unsafe.Slice(dst, words)
	for i := range addr {
		if mask>>i&1 != 0 {
			src := unsafe.Slice((*uint32)(unsafe.Add(mem, addr[i]-base)), words)
			for k, v := range src {
				rows[k][i] = v
			}
		}
	}
}

// scatterGo is the reverse: lanes in ascending order, so that the highest wins where addresses coincide.
func scatterGo(src *lower.Row, mem unsafe.Pointer, addr *[32]uint64, base uint64, words int, mask uint32) {
	rows := unsafe.Slice(src, words)
	for i := range addr {
		if mask>>i&1 != 0 {
			to := unsafe.Slice((*uint32)(unsafe.Add(mem, addr[i]-base)), words)
			for k := range to {
				to[k] = rows[k][i]
			}
		}
	}
}

// unitStride reports whether the 32 lanes' addresses ascend by step.
func unitStride(addr *[32]uint64, step uint64) bool {
	a := addr[0]
	if addr[31]-a != 31*step {
		return false
	}
	var d uint64
	for i := range addr {
		d |= addr[i] - a - uint64(i)*step
	}
	return d == 0
}
