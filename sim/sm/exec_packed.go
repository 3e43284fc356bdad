package sm

import (
	"math"
	"math/bits"
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
func video(op *Op, a, b, c uint32) uint32 {
	x := part(a, op.Aux>>packPartA&7, op.Aux&packSignedA != 0)
	y := part(b, op.Aux>>packPartB&7, op.Aux&packSignedB != 0)
	signed, mode := op.Aux&packSigned != 0, op.Aux>>packMode&7
	var v int64
	switch op.Code {
	case CodeVADD:
		switch mode {
		case 1:
			y = -y
		case 2:
			x = -x
		case 3:
			x++
		}
		v = x + y
	case CodeVABSDIFF:
		v = x - y
		if v < 0 {
			v = -v
		}
	case CodeVMNMX:
		v = min(x, y)
		if mode != 0 {
			v = max(x, y)
		}
	case CodeVSHL, CodeVSHR:
		n := uint64(y) & 0xffffffff
		if mode != 0 {
			n &= 31
		}
		n = min(n, 32)
		if op.Code == CodeVSHL {
			v = x << n
			if op.Aux&packSAT == 0 {
				v = int64(uint32(v))
			}
		} else {
			v = x >> n
		}
	case CodeVSET:
		cmp := CmpGT
		switch {
		case x < y:
			cmp = CmpLT
		case x == y:
			cmp = CmpEQ
		}
		if [8]uint32{0, CmpLT, CmpEQ, CmpLT | CmpEQ, CmpGT, CmpLT | CmpGT, CmpGT | CmpEQ, 7}[mode]&cmp != 0 {
			v = 1
		}
	case CodeVMAD:
		v = x * y
		z := int64(int32(c))
		if !signed {
			z = int64(c)
		}
		switch mode {
		case 1:
			z = -z
		case 2:
			v = -v
		case 3:
			z++
		}
		v = (v + z) >> op.Imm
		if op.Aux&packSAT != 0 {
			v = clampWord(v, signed)
		}
		return uint32(v)
	}
	if op.Aux&packSAT != 0 {
		v = clampWord(v, signed)
	}
	r := uint32(v)
	switch op.Aux >> packMerge & 7 {
	case mergeHigh:
		return c&0xffff | r<<16
	case mergeLow:
		return c&0xffff0000 | r&0xffff
	case mergeByte0:
		return c&0xffffff00 | r&0xff
	case mergeByte2:
		return c&0xff00ffff | r&0xff<<16
	case mergeAdd:
		return r + c
	case mergeMin:
		if signed {
			return uint32(min(int32(r), int32(c)))
		}
		return min(r, c)
	case mergeMax:
		if signed {
			return uint32(max(int32(r), int32(c)))
		}
		return max(r, c)
	}
	return r
}

// dotProduct computes one lane of IDP: four products of bytes, or two of a half and a byte, and a sum.
func dotProduct(aux, a, b, c uint32) uint32 {
	sa, sb := aux&packSignedA != 0, aux&packSignedB != 0
	if mode := aux >> packMode & 3; mode&1 != 0 {
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

func absDiff4(op *Op, a, b, c uint32) uint32 {
	r := c
	for i := range uint32(4) {
		if op.Imm>>i&1 == 0 {
			continue
		}
		d := part(a, i, op.Aux&packSignedA != 0) - part(b, i, op.Aux&packSignedB != 0)
		if d < 0 {
			d = -d
		}
		switch {
		case op.Aux&packSAT == 0:
		case op.Aux&packSigned != 0:
			d = min(d, math.MaxInt8)
		default:
			d = min(d, math.MaxUint8)
		}
		if op.Aux>>packMerge&3 != 0 {
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

// halfSource is one source of a lane: half h of the pair u, or what pick gives in its place, with the two sign modifiers in mods.
func halfSource(u uint32, h int, pick, mods uint32, ftz bool) float64 {
	if pick == pickFloat {
		if u = modify(u, signMods[mods]); ftz {
			u = flush32(u)
		}
		return float64(f32(u))
	}
	if pick != 0 {
		h = int(pick) - 1
	}
	v := uint16(u >> (16 * h))
	if mods&FlagAbsA != 0 {
		v &^= 0x8000
	}
	if mods&FlagNegA != 0 {
		v ^= 0x8000
	}
	if ftz {
		v = flushHalf(v)
	}
	return float64(f32(halfToFloat(v)))
}

// halves executes pairs of halves. What is computed is exact, or rounded to odd with as many bits as it takes, and is then
// rounded once, to halves or with .F32 to FP32: ptxas puts a conversion to FP32 into an addition that need not be rounded
// (add.f16), and leaves it beside one that must be (add.rn.f16).
func (x *Exec) halves(w *Warp, op *Op, d *Row, mask uint32) {
	rows := [3]*Row{w.row(op.A), w.row(op.B), w.row(op.C)}
	f := op.Flags
	var lower, upper uint32 // comparisons
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var r [2]uint16
		for h := range 2 {
			var v [3]float64
			for k := range v {
				v[k] = halfSource(rows[k][i], h, op.Aux>>(halfPick+2*k)&3, f>>(2*k)&3, f&FlagFTZ != 0)
			}
			var y float64
			switch op.Code {
			case CodeHADD2:
				y = addOdd(v[0], v[1])
			case CodeHMUL2:
				y = v[0] * v[1] // exact
			case CodeHFMA2:
				y = addOdd(v[0]*v[1], v[2])
			default:
				cmp := compare64(v[0], v[1])&op.Aux&15 != 0
				if h == 0 {
					setBit(&lower, i, cmp)
				} else {
					setBit(&upper, i, cmp)
				}
				continue
			}
			if op.Aux>>halfMerge&3 == mergeFloat {
				u := round32(y, RoundNearest)
				if f&FlagFTZ != 0 {
					u = flush32(u)
				}
				if f&FlagSAT != 0 {
					u = saturate32(u)
				}
				d[i] = u
				break
			}
			r[h] = floatToHalf(y, RoundNearest)
			if f&FlagFTZ != 0 {
				r[h] = flushHalf(r[h])
			}
			if f&FlagSAT != 0 {
				switch {
				case y != y || r[h]&0x8000 != 0:
					r[h] = 0
				case r[h] > 0x3c00:
					r[h] = 0x3c00
				}
			}
		}
		if op.Code == CodeHSET2 || op.Code == CodeHSETP2 || op.Aux>>halfMerge&3 == mergeFloat {
			continue
		}
		switch v := uint32(r[1])<<16 | uint32(r[0]); op.Aux >> halfMerge & 3 {
		case 1:
			d[i] = d[i]&0xffff0000 | v&0xffff
		case 2:
			d[i] = d[i]&0xffff | v&0xffff0000
		default:
			d[i] = v
		}
	}
	switch op.Code {
	case CodeHSETP2:
		p := w.psrc(op)
		w.setPred(op.PDst, combine(op.Aux>>auxBool&3, lower, p), mask)
		w.setPred(op.PDst2, combine(op.Aux>>auxBool&3, upper, p), mask)
	case CodeHSET2:
		one := uint32(0xffff)
		if f&FlagBF != 0 {
			one = 0x3c00
		}
		p := w.psrc(op)
		lower, upper = combine(op.Aux>>auxBool&3, lower, p), combine(op.Aux>>auxBool&3, upper, p)
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = one&-(lower>>i&1) | (one&-(upper>>i&1))<<16
		}
	}
}
