package exec

import (
	"math"
	"math/bits"

	"warpdrop/sim/sm/lower"
)

// convert executes F2F, F2I, I2F and I2I. Size is the destination's width, Size2 the source's; Imm selects the byte
// from which a narrow source is taken.
func (x *Exec) convert(w *Warp, op *lower.Op, mask uint32) {
	d, a := x.dst(w, op), w.row(op.A)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		switch op.Code {
		case lower.CodeF2F:
			x.setNumber(w, op, d, i, w.number(op, a, i))
		case lower.CodeF2I:
			n := uint(lower.SizeBytes[op.Size] * 8)
			r := toInteger(w.number(op, a, i), n, op.Flags&lower.FlagSigned != 0, op.Aux&3,
				(op.Size == lower.Size64 || op.Size2 == lower.Size64) && op.Flags&lower.FlagNaN == 0)
			if op.Size == lower.Size64 {
				x.setWide(w, op, i, r)
			} else {
				d[i] = uint32(r)
			}
		case lower.CodeI2F:
			x.fromInteger(w, op, d, i, x.integer(w, op, a, i))
		default:
			x.setInteger(w, op, d, i, x.integer(w, op, a, i))
		}
	}
}

// number reads a conversion's floating-point source.
func (w *Warp) number(op *lower.Op, a *lower.Row, i int) float64 {
	f := op.Flags
	switch op.Size2 {
	case lower.Size64:
		return w.double(op.A, f, i)
	case lower.SizeU16:
		return float64(f32(modify(halfToFloat(uint16(a[i]>>(8*uint32(op.Imm)))), signMods[f&3])))
	}
	u := modify(a[i], signMods[f&3])
	if f&lower.FlagFTZ != 0 {
		u = flush32(u)
	}
	return float64(f32(u))
}

// setNumber writes the result of F2F.
func (x *Exec) setNumber(w *Warp, op *lower.Op, d *lower.Row, i int, v float64) {
	mode := op.Aux & 3
	if op.Flags&lower.FlagShift != 0 { // to an integral value
		v = integral(v, mode)
	}
	switch op.Size {
	case lower.Size64:
		if v != v {
			v = math.Float64frombits(nan64Bit)
		}
		x.setWide(w, op, i, math.Float64bits(v))
	case lower.SizeU16:
		d[i] = uint32(floatToHalf(v, mode))
	default:
		r := round32(v, mode)
		if op.Flags&lower.FlagFTZ != 0 {
			r = flush32(r)
		}
		if op.Flags&lower.FlagSAT != 0 {
			r = saturate32(r)
		}
		d[i] = r
	}
}

// signedSource reports whether a conversion's integer source is signed.
func signedSource(op *lower.Op) bool {
	if op.Size2 < lower.Size32 {
		return op.Size2&1 != 0
	}
	return op.Flags&lower.FlagSigned != 0
}

// fromInteger writes the result of I2F.
func (x *Exec) fromInteger(w *Warp, op *lower.Op, d *lower.Row, i int, v int64) {
	mode, signed := op.Aux&3, signedSource(op)
	switch op.Size {
	case lower.Size64:
		x.setWide(w, op, i, math.Float64bits(fromInteger64(uint64(v), signed, mode)))
	case lower.SizeU16:
		d[i] = uint32(floatToHalf(fromInteger64(uint64(v), signed, mode), mode))
	default:
		d[i] = fromInteger32(uint64(v), signed, mode)
	}
}

// setInteger writes the result of I2I.
func (x *Exec) setInteger(w *Warp, op *lower.Op, d *lower.Row, i int, v int64) {
	if op.Flags&lower.FlagSAT != 0 {
		v = saturateInteger(v, op.Size, op.Flags&lower.FlagRev != 0)
	}
	switch op.Size {
	case lower.SizeU8:
		v = int64(uint8(v))
	case lower.SizeS8:
		v = int64(int8(v))
	case lower.SizeU16:
		v = int64(uint16(v))
	case lower.SizeS16:
		v = int64(int16(v))
	}
	d[i] = uint32(v)
	if op.SetCC {
		w.CC.setZS(i, d[i])
		setBit(&w.CC.C, i, false)
		setBit(&w.CC.O, i, false)
	}
}

// integer reads a conversion's integer source.
func (x *Exec) integer(w *Warp, op *lower.Op, a *lower.Row, i int) int64 {
	var v int64
	u := a[i] >> (8 * uint32(op.Imm))
	switch op.Size2 {
	case lower.SizeU8:
		v = int64(uint8(u))
	case lower.SizeS8:
		v = int64(int8(u))
	case lower.SizeU16:
		v = int64(uint16(u))
	case lower.SizeS16:
		v = int64(int16(u))
	case lower.Size64:
		v = int64(w.wide(op.A, i))
	default:
		v = int64(u)
		if op.Flags&lower.FlagSigned != 0 {
			v = int64(int32(u))
		}
	}
	if op.Flags&lower.FlagAbsA != 0 && v < 0 {
		v = -v
	}
	if op.Flags&lower.FlagNegA != 0 {
		v = -v
	}
	return v
}

// saturateInteger clamps v to the range of an integer; signed32 says whether one of 32 bits is signed.
func saturateInteger(v int64, size uint8, signed32 bool) int64 {
	switch size {
	case lower.SizeU8:
		return min(max(v, 0), math.MaxUint8)
	case lower.SizeS8:
		return min(max(v, math.MinInt8), math.MaxInt8)
	case lower.SizeU16:
		return min(max(v, 0), math.MaxUint16)
	case lower.SizeS16:
		return min(max(v, math.MinInt16), math.MaxInt16)
	}
	if signed32 {
		return min(max(v, math.MinInt32), math.MaxInt32)
	}
	return min(max(v, 0), math.MaxUint32)
}
