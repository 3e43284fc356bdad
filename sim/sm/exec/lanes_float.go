package exec

import (
	"math"

	"warpdrop/sim/sm/lower"
)

// Floating-point arithmetic of one lane, in terms of bits. NVIDIA's FP32 operations return one NaN, 0x7fffffff,
// whatever NaN went in (CUDA floating point white paper).
const (
	nan32    = 0x7fffffff
	inf32    = 0x7f800000
	sign32   = 0x80000000
	max32    = 0x7f7fffff
	nan64Bit = 0x7fffffffffffffff
)

func f32(x uint32) float32    { return math.Float32frombits(x) }
func bits32(x float32) uint32 { return math.Float32bits(x) }

func isNaN32(x uint32) bool { return x&^sign32 > inf32 }

// flush32 turns a denormal into a zero of its sign.
func flush32(x uint32) uint32 {
	if x&inf32 == 0 {
		return x & sign32
	}
	return x
}

// modify applies source modifiers: absolute value, then negation.
func modify(x uint32, m signMod) uint32 { return (x & m.and) ^ m.xor }

// signMod is what a source's modifiers do to its bits.
type signMod struct{ and, xor uint32 }

// signMods is indexed by the two flag bits of a source: negate, absolute.
var signMods = [4]signMod{{^uint32(0), 0}, {^uint32(0), sign32}, {^uint32(sign32), 0}, {^uint32(sign32), sign32}}

// addOdd returns x + y rounded to odd: the sum if it is exact, else the one of its two neighbours whose last bit is
// set. Rounding that to 24 bits or fewer, in any mode, gives what rounding the exact sum would (Boldo and Melquiond,
// "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
func addOdd(x, y float64) float64 {
	s := x + y
	if s-s != 0 { // infinite or NaN
		return s
	}
	b := s - x
	e := (x - (s - b)) + (y - b)
	if e != 0 {
		u := math.Float64bits(s)
		if u&1 == 0 {
			if (e > 0) == (s > 0) {
				u++
			} else {
				u--
			}
		}
		return math.Float64frombits(u)
	}
	return s
}

// round32 rounds x to single precision.
func round32(x float64, mode uint32) uint32 {
	r := float32(x)
	if mode != lower.RoundNearest && x == x {
		d := float64(r)
		up := mode == lower.RoundUp || mode == lower.RoundZero && x < 0
		switch {
		case d > x && !up:
			r = math.Nextafter32(r, float32(math.Inf(-1)))
		case d < x && up:
			r = math.Nextafter32(r, float32(math.Inf(1)))
		}
	}
	if r != r {
		return nan32
	}
	return bits32(r)
}

// fma32 returns a*b + c rounded once.
func fma32(a, b, c uint32, mode uint32) uint32 {
	p := float64(f32(a)) * float64(f32(b)) // exact: 48 bits
	y := float64(f32(c))
	s := addOdd(p, y)
	if s == 0 && mode == lower.RoundDown && math.Signbit(p) != math.Signbit(y) {
		return sign32
	}
	return round32(s, mode)
}

func add32(a, b uint32, mode uint32) uint32 { return fma32(a, 0x3f800000, b, mode) }

func mul32(a, b uint32, mode uint32) uint32 {
	return round32(float64(f32(a))*float64(f32(b)), mode)
}

// mulScaled32 is a times b times two to the power of scale, rounded once: ptxas puts a factor into FMUL's scale only
// where the product need not be rounded before (mul.f32, not mul.rn.f32).
func mulScaled32(a, b uint32, scale int, mode uint32) uint32 {
	return round32(math.Ldexp(float64(f32(a))*float64(f32(b)), scale), mode)
}

// saturate32 clamps to [0, 1]; NaN becomes +0.
func saturate32(x uint32) uint32 {
	switch f := f32(x); {
	case !(f > 0):
		return 0
	case f > 1:
		return 0x3f800000
	}
	return x
}

// minmax32 returns the lesser or the greater number; a NaN loses against a number, and -0 is less than +0.
func minmax32(a, b uint32, less bool) uint32 {
	switch {
	case isNaN32(a) && isNaN32(b):
		return nan32
	case isNaN32(a):
		return b
	case isNaN32(b):
		return a
	}
	if ordered32(a) < ordered32(b) == less {
		return a
	}
	return b
}

// ordered32 maps the bits of numbers to integers of the same order.
func ordered32(x uint32) int32 {
	if x&sign32 != 0 {
		return int32(x ^ 0x7fffffff) // -0 is -1
	}
	return int32(x)
}

// compare32 returns the one bit of CmpLT, CmpEQ, CmpGT, CmpUN that holds.
func compare32(a, b float32) uint32 {
	switch {
	case a < b:
		return lower.CmpLT
	case a == b:
		return lower.CmpEQ
	case a > b:
		return lower.CmpGT
	}
	return lower.CmpUN
}

func compare64(a, b float64) uint32 {
	switch {
	case a < b:
		return lower.CmpLT
	case a == b:
		return lower.CmpEQ
	case a > b:
		return lower.CmpGT
	}
	return lower.CmpUN
}

// integral rounds x to an integer in the given mode.
func integral(x float64, mode uint32) float64 {
	switch mode {
	case lower.RoundDown:
		return math.Floor(x)
	case lower.RoundUp:
		return math.Ceil(x)
	case lower.RoundZero:
		return math.Trunc(x)
	}
	return math.RoundToEven(x)
}

// toInteger converts x to an integer of bits bits, saturating. NaN gives zero, except where one side has 64 bits: then
// the integer's highest bit alone is set (PTX ISA, cvt).
func toInteger(x float64, bits uint, signed bool, mode uint32, wide bool) uint64 {
	if x != x {
		if wide {
			return 1 << (bits - 1)
		}
		return 0
	}
	x = integral(x, mode)
	if signed {
		lim := math.Ldexp(1, int(bits-1))
		switch {
		case x >= lim:
			return 1<<(bits-1) - 1
		case x < -lim:
			return -uint64(1 << (bits - 1))
		}
		return uint64(int64(x))
	}
	switch {
	case x >= math.Ldexp(1, int(bits)):
		return 1<<bits - 1
	case x <= 0:
		return 0
	case x >= 1<<63:
		return uint64(x-(1<<63)) | 1<<63
	}
	return uint64(x)
}

// fromInteger converts v to single precision.
func fromInteger32(v uint64, signed bool, mode uint32) uint32 {
	neg := signed && int64(v) < 0
	if neg {
		v = -v
	}
	// To odd at 53 bits, then round once more.
	const low = 1<<11 - 1
	x := v
	if v>>53 != 0 {
		x = v &^ low
		if v&low != 0 {
			x |= 1 << 11
		}
	}
	f := float64(x)
	if neg {
		f = -f
	}
	return round32(f, mode)
}

func fromInteger64(v uint64, signed bool, mode uint32) float64 {
	neg := signed && int64(v) < 0
	if neg {
		v = -v
	}
	f := float64(v)
	if mode != lower.RoundNearest && v>>53 != 0 {
		up := mode == lower.RoundUp && !neg || mode == lower.RoundDown && neg
		back := uint64(math.MaxUint64)
		over := f >= 1<<64
		if !over {
			back = toInteger(f, 64, false, lower.RoundZero, true)
		}
		switch {
		case (over || back > v) && !up:
			f = math.Nextafter(f, 0)
		case !over && back < v && up:
			f = math.Nextafter(f, math.Inf(1))
		}
	}
	if neg {
		return -f
	}
	return f
}

// halfToFloat widens a half-precision number.
func halfToFloat(h uint16) uint32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h >> 10 & 31)
	frac := uint32(h & 0x3ff)
	switch {
	case exp == 31 && frac != 0:
		return nan32
	case exp == 31:
		return sign | inf32
	case exp == 0:
		return sign | bits32(float32(frac)*0x1p-24)
	}
	return sign | (exp+112)<<23 | frac<<13
}

// floatToHalf rounds x to half precision.
func floatToHalf(x float64, mode uint32) uint16 {
	if x != x {
		return 0x7fff
	}
	var sign uint16
	if math.Signbit(x) {
		sign = 0x8000
	}
	a := math.Abs(x)
	up := mode == lower.RoundUp && sign == 0 || mode == lower.RoundDown && sign != 0
	if a >= 65536 && (math.IsInf(a, 0) || mode == lower.RoundNearest || up) {
		return sign | 0x7c00
	}
	_, e := math.Frexp(a)
	e = max(e-11, -24) // the last place
	q := math.Ldexp(a, -e)
	dir := lower.RoundZero
	if mode == lower.RoundNearest {
		dir = lower.RoundNearest
	} else if up {
		dir = lower.RoundUp
	}
	v := math.Ldexp(integral(q, dir), e)
	switch {
	case v >= 65536 && (mode == lower.RoundNearest || up):
		return sign | 0x7c00
	case v >= 65536:
		return sign | 0x7bff
	case v < 0x1p-14:
		return sign | uint16(v*0x1p24)
	}
	m, ex := math.Frexp(v)
	return sign | uint16(ex+14)<<10 | uint16(m*2048)&0x3ff
}

// flush64 is flush32 of the special functions that work on the upper half of a double.
func flush64(x float64) float64 {
	if math.Abs(x) < 0x1p-1022 {
		return math.Copysign(0, x)
	}
	return x
}

// mufu returns a special function of x. Hardware computes them from tables, with the errors that the CUDA C
// programming guide states (rcp and rsqrt 1 ulp, ex2 2 ulp, sin and cos 2^-21 absolute …); here they are rounded from
// double precision, which is within those, but not the hardware's bits. Denormals are flushed on both sides, as by
// the .ftz forms of PTX: for the others ptxas scales the operand.
func mufu(f uint32, x uint32) uint32 {
	if f == lower.MufuRCP64H || f == lower.MufuRSQ64H {
		d := flush64(math.Float64frombits(uint64(x) << 32))
		if f == lower.MufuRCP64H {
			d = 1 / d
		} else {
			d = 1 / math.Sqrt(d)
		}
		if d != d {
			return nan32
		}
		return uint32(math.Float64bits(flush64(d)) >> 32)
	}
	if f == lower.MufuTANH { // the one that takes denormals: PTX ISA, tanh
		return round32(math.Tanh(float64(f32(x))), lower.RoundNearest)
	}
	v := float64(f32(flush32(x)))
	var r float64
	switch f {
	case lower.MufuCOS:
		r = math.Cos(v)
	case lower.MufuSIN:
		r = math.Sin(v)
	case lower.MufuEX2:
		r = math.Exp2(v)
	case lower.MufuLG2:
		r = math.Log2(v)
	case lower.MufuSQRT:
		r = math.Sqrt(v)
	case lower.MufuRCP:
		r = 1 / v
	case lower.MufuRSQ:
		r = 1 / math.Sqrt(v)
	}
	return flush32(round32(r, lower.RoundNearest))
}
