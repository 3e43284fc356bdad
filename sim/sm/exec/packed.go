package exec

import (
	"math"
	"math/bits"

	"warpdrop/sim/sm/lower"
)

// Packed and video instructions: dot products of bytes (IDP), pairs of halves (HADD2 …), scalar and byte-wise video
// (VADD, VABSDIFF4 …). Compiled code has few of them, so they run a lane at a time.

// part returns the field of x that p names, extended.
func part(x, p uint32, signed bool) int64 {
	switch {
	case p < 4 && signed:
		return int64(int8(x >> (8 * p)))
	case p < 4:
		return int64(uint8(x >> (8 * p)))
	case p < 6 && signed:
		return int64(int16(x >> (16 * (p - 4))))
	case p < 6:
		return int64(uint16(x >> (16 * (p - 4))))
	case signed:
		return int64(int32(x))
	}
	return int64(x)
}

func clampWord(v int64, signed bool) int64 {
	if signed {
		return min(max(v, math.MinInt32), math.MaxInt32)
	}
	return min(max(v, 0), math.MaxUint32)
}

// video computes one lane of a scalar video instruction, after the PTX ISA's pseudo code.
func video(op *lower.Op, a, b, c uint32) uint32 {
	x := part(a, op.Aux>>lower.PackPartA&7, op.Aux&lower.PackSignedA != 0)
	y := part(b, op.Aux>>lower.PackPartB&7, op.Aux&lower.PackSignedB != 0)
	v := videoValue(op, x, y, c)
	if op.Aux&lower.PackSAT != 0 {
		v = clampWord(v, op.Aux&lower.PackSigned != 0)
	}
	if op.Code == lower.CodeVMAD {
		return uint32(v)
	}
	return merged(op, uint32(v), c)
}

// plusMinus is a sum whose mode negates the second or the first term, or adds one.
func plusMinus(mode uint32, x, y int64) int64 {
	switch mode {
	case 1:
		y = -y
	case 2:
		x = -x
	case 3:
		x++
	}
	return x + y
}

// videoTests are the comparisons of VSET by its mode.
var videoTests = [8]uint32{0, lower.CmpLT, lower.CmpEQ, lower.CmpLT | lower.CmpEQ, lower.CmpGT,
	lower.CmpLT | lower.CmpGT, lower.CmpGT | lower.CmpEQ, 7}

// videoValue is the result before it is saturated and merged; c is what VMAD adds.
func videoValue(op *lower.Op, x, y int64, c uint32) int64 {
	mode := op.Aux >> lower.PackMode & 7
	switch op.Code {
	case lower.CodeVADD:
		return plusMinus(mode, x, y)
	case lower.CodeVABSDIFF:
		return max(x-y, y-x)
	case lower.CodeVMNMX:
		if mode != 0 {
			return max(x, y)
		}
		return min(x, y)
	case lower.CodeVSHL, lower.CodeVSHR:
		return videoShift(op, x, uint64(uint32(y)))
	case lower.CodeVSET:
		cmp := lower.CmpGT
		switch {
		case x < y:
			cmp = lower.CmpLT
		case x == y:
			cmp = lower.CmpEQ
		}
		if videoTests[mode]&cmp != 0 {
			return 1
		}
	case lower.CodeVMAD:
		z := int64(c)
		if op.Aux&lower.PackSigned != 0 {
			z = int64(int32(c))
		}
		return plusMinus(mode, x*y, z) >> op.Imm
	}
	return 0
}

// videoShift shifts by n bits, of which the mode takes the lower five, to the left or the right.
func videoShift(op *lower.Op, x int64, n uint64) int64 {
	if op.Aux>>lower.PackMode&7 != 0 {
		n &= 31
	}
	n = min(n, 32)
	switch {
	case op.Code == lower.CodeVSHR:
		return x >> n
	case op.Aux&lower.PackSAT != 0:
		return x << n
	}
	return int64(uint32(x << n))
}

// merged puts a result into a part of the third operand, or combines the two.
func merged(op *lower.Op, r, c uint32) uint32 {
	signed := op.Aux&lower.PackSigned != 0
	switch op.Aux >> lower.PackMerge & 7 {
	case lower.MergeHigh:
		return c&0xffff | r<<16
	case lower.MergeLow:
		return c&0xffff0000 | r&0xffff
	case lower.MergeByte0:
		return c&0xffffff00 | r&0xff
	case lower.MergeByte2:
		return c&0xff00ffff | r&0xff<<16
	case lower.MergeAdd:
		return r + c
	case lower.MergeMin:
		if signed {
			return uint32(min(int32(r), int32(c)))
		}
		return min(r, c)
	case lower.MergeMax:
		if signed {
			return uint32(max(int32(r), int32(c)))
		}
		return max(r, c)
	}
	return r
}

// dotProduct computes one lane of IDP: four products of bytes, or two of a half and a byte, and a sum.
func dotProduct(aux, a, b, c uint32) uint32 {
	sa, sb := aux&lower.PackSignedA != 0, aux&lower.PackSignedB != 0
	if mode := aux >> lower.PackMode & 3; mode&1 != 0 {
		first := mode >> 1 * 2
		for i := range uint32(2) {
			c += uint32(part(a, 4+i, sa) * part(b, first+i, sb))
		}
		return c
	}
	for i := range uint32(4) {
		c += uint32(part(a, i, sa) * part(b, i, sb))
	}
	return c
}

func absDiff4(op *lower.Op, a, b, c uint32) uint32 {
	r := c
	for i := range uint32(4) {
		if op.Imm>>i&1 == 0 {
			continue
		}
		d := part(a, i, op.Aux&lower.PackSignedA != 0) - part(b, i, op.Aux&lower.PackSignedB != 0)
		if d < 0 {
			d = -d
		}
		switch {
		case op.Aux&lower.PackSAT == 0:
		case op.Aux&lower.PackSigned != 0:
			d = min(d, math.MaxInt8)
		default:
			d = min(d, math.MaxUint8)
		}
		if op.Aux>>lower.PackMerge&3 != 0 {
			r += uint32(d)
		} else {
			r = r&^(0xff<<(8*i)) | uint32(d)&0xff<<(8*i)
		}
	}
	return r
}

func flushHalf(h uint16) uint16 {
	if h&0x7c00 == 0 {
		return h & 0x8000
	}
	return h
}

// halfSource is one source of a lane: half h of the pair u, or what pick gives in its place, with the two sign
// modifiers in mods.
func halfSource(u uint32, h int, pick, mods uint32, ftz bool) float64 {
	if pick == lower.PickFloat {
		if u = modify(u, signMods[mods]); ftz {
			u = flush32(u)
		}
		return float64(f32(u))
	}
	if pick != 0 {
		h = int(pick) - 1
	}
	v := uint16(u >> (16 * h))
	if mods&lower.FlagAbsA != 0 {
		v &^= 0x8000
	}
	if mods&lower.FlagNegA != 0 {
		v ^= 0x8000
	}
	if ftz {
		v = flushHalf(v)
	}
	return float64(f32(halfToFloat(v)))
}

// brainSource is one source of a lane in bfloat16: half h of the pair u, or the one that pick gives in its place, with
// the two sign modifiers in mods.
func brainSource(u uint32, h int, pick, mods uint32) float64 {
	if pick != 0 && pick != lower.PickFloat {
		h = int(pick) - 1
	}
	return float64(f32(modify(u>>(16*h)<<16, signMods[mods])))
}

// halfSources are the sources of half h of lane i.
func (w *Warp) halfSources(op *lower.Op, i, h int) (v [3]float64) {
	for k, s := range [3]lower.Src{op.A, op.B, op.C} {
		u, pick, mods := w.row(s)[i], op.Aux>>(lower.HalfPick+2*k)&3, op.Flags>>(2*k)&3
		if op.Aux&lower.HalfBrain != 0 {
			v[k] = brainSource(u, h, pick, mods)
		} else {
			v[k] = halfSource(u, h, pick, mods, op.Flags&lower.FlagFTZ != 0)
		}
	}
	return v
}

// halves executes HADD2, HMUL2 and HFMA2. What is computed is exact, or rounded to odd with as many bits as it takes,
// and is then rounded once, to halves or with .F32 to FP32: ptxas puts a conversion to FP32 into an addition that need
// not be rounded (add.f16), and leaves it beside one that must be (add.rn.f16).
func (x *Exec) halves(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		if op.Aux>>lower.HalfMerge&3 == lower.MergeFloat {
			d[i] = halfToWord(op, halfResult(op, w.halfSources(op, i, 0)))
			continue
		}
		lo := toHalf(op, halfResult(op, w.halfSources(op, i, 0)))
		hi := toHalf(op, halfResult(op, w.halfSources(op, i, 1)))
		switch op.Aux >> lower.HalfMerge & 3 {
		case 1:
			d[i] = d[i]&0xffff0000 | uint32(lo)
		case 2:
			d[i] = d[i]&0xffff | uint32(hi)<<16
		default:
			d[i] = uint32(hi)<<16 | uint32(lo)
		}
	}
}

// halfResult is a sum, a product or both, not yet rounded.
func halfResult(op *lower.Op, v [3]float64) float64 {
	switch op.Code {
	case lower.CodeHADD2:
		return addOdd(v[0], v[1])
	case lower.CodeHMUL2:
		return v[0] * v[1] // exact
	}
	return addOdd(v[0]*v[1], v[2])
}

// halfToWord rounds to FP32, as .F32 asks.
func halfToWord(op *lower.Op, y float64) uint32 {
	u := round32(y, lower.RoundNearest)
	if op.Flags&lower.FlagFTZ != 0 {
		u = flush32(u)
	}
	if op.Flags&lower.FlagSAT != 0 {
		u = saturate32(u)
	}
	return u
}

// toBrain rounds to the nearest bfloat16, which is the upper half of an FP32 number.
func toBrain(y float64) uint16 {
	u := round32(y, lower.RoundZero)
	if float64(f32(u)) != y {
		u |= 1 // to odd, so that rounding once more does no harm
	}
	return uint16(bfloat(u, lower.RoundNearest))
}

// toHalf rounds to a half.
func toHalf(op *lower.Op, y float64) uint16 {
	if op.Aux&lower.HalfRELU != 0 && y < 0 {
		y = 0
	}
	if op.Aux&lower.HalfBrain != 0 {
		return toBrain(y)
	}
	r := floatToHalf(y, lower.RoundNearest)
	if op.Flags&lower.FlagFTZ != 0 {
		r = flushHalf(r)
	}
	if op.Flags&lower.FlagSAT != 0 {
		switch {
		case y != y || r&0x8000 != 0:
			r = 0
		case r > 0x3c00:
			r = 0x3c00
		}
	}
	return r
}

// compareHalves returns the lanes whose lower halves compare as op asks, and those whose upper halves do.
func (w *Warp) compareHalves(op *lower.Op, mask uint32) (low, high uint32) {
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := w.halfSources(op, i, 0)
		setBit(&low, i, compare64(v[0], v[1])&op.Aux&15 != 0)
		v = w.halfSources(op, i, 1)
		setBit(&high, i, compare64(v[0], v[1])&op.Aux&15 != 0)
	}
	return low, high
}

// halvesToPreds executes HSETP2: a predicate of each half.
func (x *Exec) halvesToPreds(w *Warp, op *lower.Op, mask uint32) {
	low, high := w.compareHalves(op, mask)
	w.setPred2(op, low, high, mask)
}

// halvesMinMax executes HMNMX2, of halves or bfloat16, whose bits but for the sign are in the order of the numbers.
func (x *Exec) halvesMinMax(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d, a, b := x.dst(w, op), w.row(op.A), w.row(op.B)
	top := uint16(0x7c00) // infinity
	if op.Aux&lower.HalfBrain != 0 {
		top = 0x7f80
	}
	source := func(u uint32, h int, k uint32) (v, sign uint16) {
		if pick := op.Aux >> (lower.HalfPick + 2*k) & 3; pick != 0 {
			h = int(pick) - 1
		}
		v = uint16(u >> (16 * h))
		sign = v & 0x8000
		mods := f >> (2 * k) & 3
		if mods&lower.FlagAbsA != 0 {
			v &^= 0x8000
		}
		if mods&lower.FlagNegA != 0 {
			v ^= 0x8000
		}
		if f&lower.FlagFTZ != 0 {
			v = flushHalf(v)
		}
		return v, sign
	}
	order := func(v uint16) int { // -0 is below 0
		if v&0x8000 != 0 {
			return -1 - int(v&0x7fff)
		}
		return int(v)
	}
	smaller := w.psrc(op)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var r uint32
		for h := range 2 {
			p, sp := source(a[i], h, 0)
			q, sq := source(b[i], h, 1)
			np, nq := p&0x7fff > top, q&0x7fff > top
			switch {
			case np && nq || f&lower.FlagNaN != 0 && (np || nq):
				r |= 0x7fff << (16 * h)
				continue
			case np || !nq && order(q) < order(p) == (smaller>>i&1 != 0):
				p = q
			}
			if f&lower.FlagXorSign != 0 {
				p = p&0x7fff | sp ^ sq
			}
			r |= uint32(p) << (16 * h)
		}
		d[i] = r
	}
}

// setHalves executes HSET2: all ones, or 1.0 for .BF, in each half for which the comparison holds.
func (x *Exec) setHalves(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	low, high := w.compareHalves(op, mask)
	one := uint32(0xffff)
	if op.Flags&lower.FlagBF != 0 {
		one = 0x3c00
	}
	p := w.psrc(op)
	low, high = combine(op.Aux>>lower.AuxBool&3, low, p), combine(op.Aux>>lower.AuxBool&3, high, p)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = one&-(low>>i&1) | (one&-(high>>i&1))<<16
	}
}

// dotProducts executes IDP.
func (x *Exec) dotProducts(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = dotProduct(op.Aux, a[i], b[i], c[i])
	}
}

// videos executes the scalar video instructions.
func (x *Exec) videos(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = video(op, a[i], b[i], c[i])
	}
}

// absDiffs4 executes VABSDIFF4.
func (x *Exec) absDiffs4(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = absDiff4(op, a[i], b[i], c[i])
	}
}
