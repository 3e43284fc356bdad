package exec

import (
	"math/bits"

	"warpdrop/sim/sm/lower"
)

// integerChoose executes ICMP: a or b, by a comparison of c with zero.
func (x *Exec) integerChoose(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		cmp := lower.CmpGT
		switch {
		case c[i] == 0:
			cmp = lower.CmpEQ
		case op.Flags&lower.FlagSigned != 0 && int32(c[i]) < 0:
			cmp = lower.CmpLT
		}
		if cmp&op.Aux&15 != 0 {
			d[i] = a[i]
		} else {
			d[i] = b[i]
		}
	}
}

// funnelShift executes SHF.
func (x *Exec) funnelShift(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		s := b[i]
		switch wrap, wide := f&lower.FlagWrap != 0, f&lower.Flag64 != 0; {
		case wrap && wide:
			s &= 63
		case wrap:
			s &= 31
		case wide:
			s = min(s, 64)
		default:
			s = min(s, 32)
		}
		v := uint64(c[i])<<32 | uint64(a[i])
		switch {
		case f&lower.FlagRight == 0:
			d[i] = uint32(v << s >> 32)
		case f&lower.FlagSigned != 0:
			d[i] = uint32(int64(v) >> s)
		default:
			d[i] = uint32(v >> s)
		}
	}
}

// extractField executes BFE.
func (x *Exec) extractField(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b := w.row(op.A), w.row(op.B)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v, pos, n := a[i], b[i]&255, b[i]>>8&255
		if f&lower.FlagRev != 0 {
			v = bits.Reverse32(v)
		}
		d[i] = bitField(v, pos, n, f&lower.FlagSigned != 0)
	}
}

// insertField executes BFI.
func (x *Exec) insertField(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		pos, n := b[i]&255, b[i]>>8&255
		field := uint32(uint64(1)<<min(n, 32)-1) << pos
		d[i] = c[i]&^field | a[i]<<pos&field
	}
}

// permuteBytes executes PRMT.
func (x *Exec) permuteBytes(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = permute(op.Aux, a[i], b[i], c[i])
	}
}

// leadingOne executes FLO.
func (x *Exec) leadingOne(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a := w.row(op.A)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := a[i]
		if f&lower.FlagNotA != 0 {
			v = ^v
		}
		if f&lower.FlagSigned != 0 && int32(v) < 0 {
			v = ^v
		}
		r := uint32(bits.Len32(v)) - 1 // none: all ones
		if f&lower.FlagShift != 0 && v != 0 {
			r = 31 - r
		}
		d[i] = r
	}
}

// population executes POPC.
func (x *Exec) population(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a := w.row(op.A)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := a[i]
		if op.Flags&lower.FlagNotA != 0 {
			v = ^v
		}
		d[i] = uint32(bits.OnesCount32(v))
	}
}

// wideMinMax executes IMNMX.XHI and .XLO. The upper half leaves in the condition code whether the halves are equal and
// which was taken; the lower half goes by that.
func (x *Exec) wideMinMax(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b := w.row(op.A), w.row(op.B)
	pred := w.psrc(op)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q := a[i]^bias(op), b[i]^bias(op)
		takeA := (int32(p) < int32(q)) == (pred>>i&1 != 0)
		if op.Flags&lower.FlagHigh != 0 {
			setBit(&w.CC.Z, i, p == q)
			setBit(&w.CC.C, i, takeA)
		} else if w.CC.Z>>i&1 == 0 {
			takeA = w.CC.C>>i&1 != 0
		}
		if takeA {
			d[i] = a[i]
		} else {
			d[i] = b[i]
		}
	}
}

// bias makes signed comparison of unsigned one.
func bias(op *lower.Op) uint32 {
	if op.Flags&lower.FlagSigned != 0 {
		return 0
	}
	return sign32
}

// inverted returns all ones for a negated source, and how much its negation adds beyond the complement.
func inverted(neg bool) (mask, plus uint32) {
	if neg {
		return ^uint32(0), 1
	}
	return 0, 0
}

// addCarry executes IADD, ISCADD and LEA with the condition code: 64-bit addresses are made of these.
func (x *Exec) addCarry(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	a, b := w.row(op.A), w.row(op.B)
	na, pa := inverted(f&lower.FlagNegA != 0)
	nb, pb := inverted(f&lower.FlagNegB != 0)
	switch op.Code {
	case lower.CodeLEA:
		n := uint32(op.Imm)
		for i, v := range a {
			x.tmp[i] = v << n
		}
		a = &x.tmp
	case lower.CodeLEAHI:
		hi := w.row(op.C)
		for i := range a {
			v := uint64(hi[i])<<32 | uint64(a[i])
			if na != 0 {
				v = -v
			}
			x.tmp[i] = uint32(v << uint32(op.Imm) >> 32)
		}
		a, na, pa = &x.tmp, 0, 0
	}
	cin := -(pa | pb) // two negated sources are not encoded: .PO stands there
	switch {
	case op.UseX:
		cin = w.CC.C
	case f&lower.FlagPlus1 != 0:
		cin = ^uint32(0)
	}
	d := x.dst(w, op)
	c1, c2, zero, minus, over := laneADDC(d, a, b, mask, na, nb, cin)
	if f&lower.FlagSAT != 0 {
		for m := mask & over; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = 0x80000000 - minus>>i&1 // overflow turned the sign round
		}
	}
	if op.SetCC {
		set := func(p *uint32, v uint32) { *p = *p&^mask | v&mask }
		if op.UseX {
			zero &= w.CC.Z
		}
		set(&w.CC.Z, zero)
		set(&w.CC.S, minus)
		set(&w.CC.C, c1|c2)
		set(&w.CC.C2, 0)
		set(&w.CC.O, over)
	}
	// LEA's predicate tells addresses above the shared and local windows, which are below 4 GiB: ptxas branches on the
	// one of LEA.HI over a generic address's upper half to the code for global memory.
	w.setPred(op.PDst, ^zero, mask)
}

func shiftLimit(f uint32) uint32 {
	if f&lower.FlagWrap != 0 {
		return 31
	}
	return ^uint32(0)
}

// compareX compares 64-bit integers whose lower halves an earlier IADD.CC subtracted.
func compareX(w *Warp, op *lower.Op, mask uint32) uint32 {
	a, b := w.row(op.A), w.row(op.B)
	var r uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q := int64(int32(a[i])), int64(int32(b[i]))
		if op.Flags&lower.FlagSigned == 0 {
			p, q = int64(a[i]), int64(b[i])
		}
		borrow := int64(1 - w.CC.C>>i&1)
		cmp := lower.CmpGT
		switch v := p - q - borrow; {
		case v < 0:
			cmp = lower.CmpLT
		case v == 0 && w.CC.Z>>i&1 != 0:
			cmp = lower.CmpEQ
		}
		setBit(&r, i, cmp&op.Aux&15 != 0)
	}
	return r
}

func bitField(v, pos, n uint32, signed bool) uint32 {
	if n == 0 {
		return 0
	}
	if signed {
		x := int64(int32(v)) >> min(pos, 63)
		if n < 32 {
			return uint32(x << (64 - n) >> (64 - n))
		}
		return uint32(x)
	}
	x := uint64(v) >> pos
	return uint32(x & (1<<min(n, 32) - 1))
}

// permute picks bytes of b:a, as PTX's prmt does.
func permute(mode, a, sel, b uint32) uint32 {
	v := uint64(b)<<32 | uint64(a)
	s := sel & 3
	var pick [4]uint32
	for k := range uint32(4) {
		switch mode {
		case lower.PrmtIDX:
			pick[k] = sel >> (4 * k) & 15
		case lower.PrmtF4E:
			pick[k] = s + k
		case lower.PrmtB4E:
			pick[k] = (s - k) & 7
		case lower.PrmtRC8:
			pick[k] = s
		case lower.PrmtECL:
			pick[k] = max(s, k)
		case lower.PrmtECR:
			pick[k] = min(s, k)
		case lower.PrmtRC16:
			pick[k] = s&1<<1 | k&1
		}
	}
	var r uint32
	for k, p := range pick {
		x := uint32(v >> (8 * (p & 7)) & 255)
		if p&8 != 0 {
			x = 255 & -(x >> 7)
		}
		r |= x << (8 * k)
	}
	return r
}

// terms are what an addition adds up: p + q + r + plus. A negated source is its complement, plus one.
type terms struct{ p, q, r, plus uint32 }

func (t *terms) sum() uint64 {
	return uint64(t.p) + uint64(t.q) + uint64(t.r) + uint64(t.plus)
}

// signed is the sum of signed numbers.
func (t *terms) signed() int64 {
	return int64(int32(t.p)) + int64(int32(t.q)) + int64(int32(t.r)) + int64(t.plus)
}

// wideInteger executes additions and products that read or write the condition code, or have no vector code.
func (x *Exec) wideInteger(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	if op.Code == lower.CodeIADD3X && op.Flags&lower.FlagRight != 0 && !op.UseX && !op.SetCC &&
		op.Flags&lower.FlagSAT == 0 {
		upperSum(d, op, a, b, c, mask)
		return
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var t terms
		switch op.Code {
		case lower.CodeIADD3X:
			t = sumTerms(op, a[i], b[i], c[i])
		case lower.CodeXMADX:
			t = halfProductTerms(op, a[i], b[i], c[i])
		case lower.CodeIMAD:
			t = productTerms(op, a[i], b[i], c[i])
		}
		if op.UseX {
			t.plus = w.CC.C>>i&1 + w.CC.C2>>i&1
		}
		sum := t.sum()
		v := uint32(sum)
		switch {
		case op.Code == lower.CodeXMADX:
			md := &xmadModes[op.Aux]
			v = v&md.keep | b[i]<<16&md.merge
		case op.Code == lower.CodeIADD3X && op.Flags&lower.FlagRight != 0:
			// IADD3.RS, .LS: the sum of a and b is shifted by a half
			v = uint32((uint64(t.p)+uint64(t.q)+uint64(t.plus))>>16) + t.r
		case op.Code == lower.CodeIADD3X && op.Flags&lower.FlagShift != 0:
			v = (t.p+t.q+t.plus)<<16 + t.r
		}
		over := t.signed() != int64(int32(v))
		if op.Flags&lower.FlagSAT != 0 && over {
			v = 0x7fffffff
			if t.signed() < 0 {
				v = 0x80000000
			}
		}
		if op.SetCC {
			z := v == 0
			if op.UseX {
				z = z && w.CC.Z>>i&1 != 0
			}
			w.CC.setZS(i, v)
			setBit(&w.CC.Z, i, z)
			setBit(&w.CC.C, i, sum>>32 != 0)
			setBit(&w.CC.C2, i, sum>>32 > 1)
			setBit(&w.CC.O, i, over)
		}
		d[i] = v
	}
}

// upperSum executes IADD3.RS without a condition code: with it compiled code puts a product of 32-bit numbers together
// from those of their halves.
func upperSum(d *lower.Row, op *lower.Op, a, b, c *lower.Row, mask uint32) {
	na, pa := inverted(op.Flags&lower.FlagNegA != 0)
	nb, pb := inverted(op.Flags&lower.FlagNegB != 0)
	nc, pc := inverted(op.Flags&lower.FlagNegC != 0)
	plus := uint64(pa + pb + pc)
	if op.Imm == 0 && mask == ^uint32(0) {
		for i := range d {
			d[i] = uint32((uint64(a[i]^na)+uint64(b[i]^nb)+plus)>>16) + (c[i] ^ nc)
		}
		return
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q, r := halfOf(a[i], op.Imm), halfOf(b[i], op.Imm>>2), halfOf(c[i], op.Imm>>4)
		d[i] = uint32((uint64(p^na)+uint64(q^nb)+plus)>>16) + (r ^ nc)
	}
}

// sumTerms are those of IADD3 of one lane.
func sumTerms(op *lower.Op, a, b, c uint32) terms {
	t := terms{p: a, q: b, r: c}
	if op.Imm != 0 { // halves of the sources
		t.p, t.q, t.r = halfOf(a, op.Imm), halfOf(b, op.Imm>>2), halfOf(c, op.Imm>>4)
	}
	if op.Flags&lower.FlagNegA != 0 {
		t.p = ^t.p
		t.plus++
	}
	if op.Flags&lower.FlagNegB != 0 {
		t.q = ^t.q
		t.plus++
	}
	if op.Flags&lower.FlagNegC != 0 {
		t.r = ^t.r
		t.plus++
	}
	return t
}

// halfProductTerms are those of XMAD of one lane.
func halfProductTerms(op *lower.Op, a, b, c uint32) terms {
	md := &xmadModes[op.Aux]
	u := uint32(int32(a<<md.shiftA)>>16) & md.maskA
	v := uint32(int32(b<<md.shiftB)>>16) & md.maskB
	t := terms{p: u * v << md.shiftP, q: b << 16 & md.maskCBCC, r: c >> md.shiftC & md.maskC}
	if op.Flags&lower.FlagRev != 0 {
		t.r -= signFix(a, b, op.Aux)
	}
	return t
}

// productTerms are those of IMAD and IMUL of one lane.
func productTerms(op *lower.Op, a, b, c uint32) terms {
	f := op.Flags
	var v uint64
	switch {
	case f&lower.FlagSigned != 0:
		v = uint64(int64(int32(a)) * int64(int32(b)))
	case f&lower.FlagRev != 0: // only b signed
		v = uint64(int64(a) * int64(int32(b)))
	case f&lower.FlagRight != 0: // only a signed
		v = uint64(int64(int32(a)) * int64(b))
	default:
		v = uint64(a) * uint64(b)
	}
	if (f&lower.FlagNegA != 0) != (f&lower.FlagNegB != 0) {
		v = -v
	}
	t := terms{p: uint32(v), r: c}
	if f&lower.FlagHigh != 0 {
		t.p = uint32(v >> 32)
	}
	if f&lower.FlagNegC != 0 {
		t.r = ^c
		t.plus = 1
	}
	return t
}

// halfOf returns x, or its lower or upper half, as bits 0 and 1 of which say.
func halfOf(x uint32, which int64) uint32 {
	switch which & 3 {
	case 1:
		return x & 0xffff
	case 2:
		return x >> 16
	}
	return x
}

// signFix returns what XMAD.CSFU takes from its addend. It is not documented; this follows from the code of a signed
// product's upper half, which multiplies halves as a.L*b.H and a.H*b.L + (a.L*b.L >> 16), adds the two with IADD3.RS (a
// 33-bit sum of unsigned numbers, shifted by 16) and adds a.H*b.H from XMAD.CSFU: for each of the two that is negative,
// the unsigned sum is 2^32 too large, that is 2^16 after the shift.
func signFix(a, b, mode uint32) uint32 {
	var fix uint32
	if mode&lower.XMADSignA != 0 && int32(a) < 0 && b&0xffff != 0 {
		fix += 1 << 16
	}
	if mode&lower.XMADSignB != 0 && int32(b) < 0 && a&0xffff != 0 {
		fix += 1 << 16
	}
	return fix
}
