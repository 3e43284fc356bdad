package exec

import (
	"math"
	"math/bits"

	"warpdrop/sim/sm/lower"
)

// floatX executes FFMA, FADD and FMUL with a directed rounding mode, .SAT or .FMZ.
func (x *Exec) floatX(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	ma, mb, mc := signMods[f&3], signMods[f>>2&3], signMods[f>>4&3]
	mode := op.Aux & 3
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q, r := modify(a[i], ma), modify(b[i], mb), modify(c[i], mc)
		if f&lower.FlagFTZ != 0 {
			p, q, r = flush32(p), flush32(q), flush32(r)
		}
		var v uint32
		switch op.Code {
		case lower.CodeFADDX:
			v = add32(p, q, mode)
		case lower.CodeFMULX:
			v = mulScaled32(p, q, int(op.Imm), mode)
			if f&lower.FlagFMZ != 0 && (p<<1 == 0 || q<<1 == 0) {
				v = 0
			}
		default:
			v = fma32(p, q, r, mode)
			if f&lower.FlagFMZ != 0 && (p<<1 == 0 || q<<1 == 0) {
				v = add32(0, r, mode)
			}
		}
		if f&lower.FlagFTZ != 0 {
			v = flush32(v)
		}
		if f&lower.FlagSAT != 0 {
			v = saturate32(v)
		}
		d[i] = v
	}
}

// floatMinMax executes FMNMX.
func (x *Exec) floatMinMax(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b := w.row(op.A), w.row(op.B)
	ma, mb := signMods[f&3], signMods[f>>2&3]
	pred := w.psrc(op)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		sa, sb := a[i], b[i]
		p, q := modify(sa, ma), modify(sb, mb)
		if f&lower.FlagFTZ != 0 {
			p, q = flush32(p), flush32(q)
		}
		v := minmax32(p, q, pred>>i&1 != 0)
		if f&lower.FlagNaN != 0 && (isNaN32(p) || isNaN32(q)) {
			v = nan32
		}
		if f&lower.FlagXorSign != 0 && !isNaN32(v) {
			v = v&^sign32 | (sa^sb)&sign32
		}
		d[i] = v
	}
}

// floatChoose executes FCMP: a or b, by a comparison of c with zero.
func (x *Exec) floatChoose(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	ma, mb, mc := signMods[f&3], signMods[f>>2&3], signMods[f>>4&3]
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		r := modify(c[i], mc)
		if f&lower.FlagFTZ != 0 {
			r = flush32(r)
		}
		if compare32(f32(r), 0)&op.Aux&15 != 0 {
			d[i] = modify(a[i], ma)
		} else {
			d[i] = modify(b[i], mb)
		}
	}
}

// divisionCheck executes FCHK.
func (x *Exec) divisionCheck(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	a, b := w.row(op.A), w.row(op.B)
	ma, mb := signMods[f&3], signMods[f>>2&3]
	var slow uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		setBit(&slow, i, !safeDivision(modify(a[i], ma), modify(b[i], mb)))
	}
	w.setPred(op.PDst, slow, mask)
}

// rangeReduce executes RRO. Hardware hands MUFU a fixed-point argument; here MUFU takes the number itself.
func (x *Exec) rangeReduce(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a := w.row(op.A)
	ma := signMods[f&3]
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = modify(a[i], ma)
	}
}

// multiFunction executes MUFU.
func (x *Exec) multiFunction(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a := w.row(op.A)
	ma := signMods[f&3]
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := modify(a[i], ma)
		if f&lower.FlagRev != 0 && op.Aux <= lower.MufuSIN {
			v = ofTurns(op.Aux, v)
		} else {
			v = mufu(op.Aux, v)
		}
		if f&lower.FlagSAT != 0 {
			v = saturate32(v)
		}
		d[i] = v
	}
}

// halfFunction executes MUFU.F16. The exact value is rounded once, which is within the errors that the PTX ISA states
// (ex2: 2^-9.9 relative, tanh: 2^-10.987 absolute); denormals are kept.
func (x *Exec) halfFunction(w *Warp, op *lower.Op, mask uint32) {
	d, a := x.dst(w, op), w.row(op.A)
	pick := uint32(1)
	if op.Flags&lower.FlagHigh != 0 {
		pick = 2
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := halfSource(a[i], 0, pick, op.Flags&3, false)
		if op.Aux == lower.MufuTANH {
			v = math.Tanh(v)
		} else {
			v = math.Exp2(v)
		}
		d[i] = uint32(floatToHalf(v, lower.RoundNearest))
	}
}

// ofTurns is the sine or the cosine of x turns.
func ofTurns(f, x uint32) uint32 {
	v := float64(f32(flush32(x)))
	v = 2 * math.Pi * (v - math.Round(v))
	r := math.Sin(v)
	if f == lower.MufuCOS {
		r = math.Cos(v)
	}
	return flush32(round32(r, lower.RoundNearest))
}

// safeDivision reports whether a/b can go the fast way that ptxas emits after FCHK: a reciprocal, a product and
// residuals by FFMA, none of which may over- or underflow. What hardware checks exactly is not documented; a false "no"
// costs time (the slow way gives the same quotient), a false "yes" would cost correctness.
func safeDivision(a, b uint32) bool {
	ea, eb := int(a>>23&255), int(b>>23&255)
	return ea > 25 && ea < 255 && eb > 1 && eb < 252 && ea-eb > -125 && ea-eb < 126
}

// compareDouble compares FP64 registers.
func compareDouble(w *Warp, op *lower.Op, mask uint32) uint32 {
	var r uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		cmp := compare64(w.double(op.A, op.Flags, i), w.double(op.B, op.Flags>>2, i))
		setBit(&r, i, cmp&op.Aux&15 != 0)
	}
	return r
}

// double reads a register pair of lane i; the low two bits of f are its modifiers.
func (w *Warp) double(s lower.Src, f uint32, i int) float64 {
	return math.Float64frombits(w.wide(s, i)&(^uint64(0)>>(f>>1&1)) ^ uint64(f&1)<<63)
}

func (x *Exec) double(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	mode := op.Aux & 3
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q := w.double(op.A, f, i), w.double(op.B, f>>2, i)
		var v float64
		switch op.Code {
		case lower.CodeDADD:
			v = add64(p, q, mode)
		case lower.CodeDMUL:
			v = mul64(p, q, mode)
		case lower.CodeDFMA:
			v = fma64(p, q, w.double(op.C, f>>4, i), mode)
		case lower.CodeDMNMX:
			less := w.psrc(op)>>i&1 != 0
			switch {
			case p != p && q != q:
				v = math.Float64frombits(nan64Bit)
			case p != p:
				v = q
			case q != q:
				v = p
			case less:
				v = math.Min(p, q)
			default:
				v = math.Max(p, q)
			}
		}
		x.setWide(w, op, i, math.Float64bits(v))
	}
}
