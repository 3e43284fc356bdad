package sm

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"warpdrop/sim/isa"
)

func s8(x uint32, i int) int64    { return int64(int8(x >> (8 * i))) }
func u8(x uint32, i int) int64    { return int64(uint8(x >> (8 * i))) }
func s16(x uint32, i int) int64   { return int64(int16(x >> (16 * i))) }
func u16(x uint32, i int) int64   { return int64(uint16(x >> (16 * i))) }
func abs64(x int64) int64         { return max(x, -x) }
func clamp32(x int64) uint32      { return uint32(max(min(x, math.MaxInt32), math.MinInt32)) }
func half(x uint32, i int) uint16 { return uint16(x >> (16 * i)) }

// halfValue and halfBits are half precision by definition, halfBits by math/big.
func halfValue(h uint16) float64 {
	s, e, f := float64(1), int(h>>10&31), float64(h&0x3ff)
	if h&0x8000 != 0 {
		s = -1
	}
	switch {
	case e == 31 && f != 0:
		return math.NaN()
	case e == 31:
		return math.Inf(int(s))
	case e == 0:
		return s * math.Ldexp(f, -24)
	}
	return s * math.Ldexp(1024+f, e-25)
}

func halfBits(x float64) uint16 {
	x = nearestHalf(x)
	var s uint16
	if math.Signbit(x) {
		s = 0x8000
	}
	a := math.Abs(x)
	switch {
	case x != x:
		return 0x7fff
	case math.IsInf(x, 0):
		return s | 0x7c00
	case a < 0x1p-14:
		return s | uint16(math.Ldexp(a, 24))
	}
	f, e := math.Frexp(a)
	return s | uint16(e+14)<<10 | uint16(math.Ldexp(f, 11))&0x3ff
}

// halfFMA rounds a*b + c once.
func halfFMA(a, b, c float64) uint16 {
	if s := a*b + c; s-s != 0 {
		return halfBits(s)
	}
	x := new(big.Float).SetPrec(200).SetFloat64(a)
	x.Mul(x, new(big.Float).SetFloat64(b))
	x.Add(x, new(big.Float).SetFloat64(c))
	if x.Sign() == 0 {
		return halfBits(a*b + c)
	}
	// To odd at 40 bits first, which leaves the second rounding exact.
	y := new(big.Float).SetPrec(40).SetMode(big.ToZero).Set(x)
	v, _ := y.Float64()
	if y.Cmp(x) != 0 {
		v = math.Float64frombits(math.Float64bits(v) | 1)
	}
	return halfBits(v)
}

func flushed(h uint16) uint16 {
	if h&0x7c00 == 0 {
		h &= 0x8000
	}
	return h
}

func pair(f func(i int) uint16) uint32 { return uint32(f(0)) | uint32(f(1))<<16 }

func saturated(h uint16) uint16 {
	v := halfValue(h)
	switch {
	case !(v > 0):
		return 0
	case v > 1:
		return 0x3c00
	}
	return h
}

// directed rounds a quotient, product or root, given by its sign relative to a float, in one direction.
func directed(nearest float64, exact *big.Float, up, down bool) uint32 {
	v := float32(nearest)
	if v-v != 0 || exact == nil {
		return canonical(v)
	}
	got := new(big.Float).SetFloat64(float64(v))
	switch c := got.Cmp(exact); {
	case c > 0 && down:
		v = math.Nextafter32(v, float32(math.Inf(-1)))
	case c < 0 && up:
		v = math.Nextafter32(v, float32(math.Inf(1)))
	}
	return canonical(v)
}

var packedFamilies = map[string]func(a, b, c uint32) uint32{
	"sad_u": func(a, b, c uint32) uint32 { return max(a, b) - min(a, b) + c },
	"sad_s": func(a, b, c uint32) uint32 { return uint32(abs64(int64(int32(a))-int64(int32(b)))) + c },
	"dp4a_ss": func(a, b, c uint32) uint32 {
		for i := range 4 {
			c += uint32(s8(a, i) * s8(b, i))
		}
		return c
	},
	"dp4a_us": func(a, b, c uint32) uint32 {
		for i := range 4 {
			c += uint32(u8(a, i) * s8(b, i))
		}
		return c
	},
	"dp2a_lo":   func(a, b, c uint32) uint32 { return c + uint32(s16(a, 0)*s8(b, 0)+s16(a, 1)*s8(b, 1)) },
	"dp2a_hi":   func(a, b, c uint32) uint32 { return c + uint32(u16(a, 0)*u8(b, 2)+u16(a, 1)*u8(b, 3)) },
	"vadd_":     func(a, b, c uint32) uint32 { return a + b },
	"vsub_sat":  func(a, b, c uint32) uint32 { return clamp32(int64(a) - int64(int32(b))) },
	"vabsdiff_": func(a, b, c uint32) uint32 { return max(a, b) - min(a, b) },
	"vmin_":     func(a, b, c uint32) uint32 { return uint32(min(int32(a), int32(b))) },
	"vmaxadd":   func(a, b, c uint32) uint32 { return max(a, b) + c },
	"vshl_":     func(a, b, c uint32) uint32 { return a << min(b, 32) },
	"vshr_":     func(a, b, c uint32) uint32 { return uint32(int32(a) >> (b & 31)) },
	"vmad_":     func(a, b, c uint32) uint32 { return uint32(s8(a, 0)*s8(b, 1)) + c },
	"vset_":     func(a, b, c uint32) uint32 { return boolInt(a < b) },
	"vadd4_": func(a, b, c uint32) uint32 {
		var r uint32
		for i := range 4 {
			r |= uint32(u8(a, i)+u8(b, i)) & 255 << (8 * i)
		}
		return r
	},
	"vabsdiff4_": func(a, b, c uint32) uint32 {
		for i := range 4 {
			c += uint32(abs64(u8(a, i) - u8(b, i)))
		}
		return c
	},
	"vadd2_": func(a, b, c uint32) uint32 {
		var r uint32
		for i := range 2 {
			r |= uint32(max(min(s16(a, i)+s16(b, i), math.MaxInt16), math.MinInt16)) & 0xffff << (16 * i)
		}
		return r
	},
	"h2fma": func(a, b, c uint32) uint32 {
		return pair(func(i int) uint16 {
			return halfFMA(halfValue(half(a, i)), halfValue(half(b, i)), halfValue(half(c, i)))
		})
	},
	"h2fmasat": func(a, b, c uint32) uint32 {
		return pair(func(i int) uint16 {
			return saturated(halfFMA(halfValue(half(a, i)), halfValue(half(b, i)), halfValue(half(c, i))))
		})
	},
	"h2fmaftz": func(a, b, c uint32) uint32 {
		return pair(func(i int) uint16 {
			return flushed(halfFMA(halfValue(flushed(half(a, i))), halfValue(flushed(half(b, i))),
				halfValue(flushed(half(c, i)))))
		})
	},
	"h2add": func(a, b, c uint32) uint32 {
		return pair(func(i int) uint16 { return halfBits(halfValue(half(a, i)) + halfValue(half(b, i))) })
	},
	"h2sub": func(a, b, c uint32) uint32 {
		return pair(func(i int) uint16 { return halfBits(halfValue(half(a, i)) - halfValue(half(b, i))) })
	},
	"h2mul": func(a, b, c uint32) uint32 {
		return pair(func(i int) uint16 { return halfBits(halfValue(half(a, i)) * halfValue(half(b, i))) })
	},
	"h2set": func(a, b, c uint32) uint32 {
		return pair(func(i int) uint16 {
			return uint16(0x3c00 * boolInt(halfValue(half(a, i)) < halfValue(half(b,
				i))))
		})
	},
	"h2setp": func(a, b, c uint32) uint32 {
		return boolInt(halfValue(half(a, 0)) > halfValue(half(b, 0))) +
			2*boolInt(halfValue(half(a, 1)) > halfValue(half(b, 1)))
	},
	"hadd": func(a, b, c uint32) uint32 {
		return uint32(halfBits(halfValue(half(a, 0))+halfValue(half(b, 1)))) |
			uint32(halfBits(halfValue(half(a, 1))*halfValue(half(b, 0))))<<16
	},
	"hcvt": func(a, b, c uint32) uint32 {
		return canonical(float32(halfValue(half(a, 0))) + float32(halfValue(half(a, 1))))
	},
	"hint": func(a, b, c uint32) uint32 {
		return uint32(int32(clampInt(math.Trunc(halfValue(half(a, 0))), math.MinInt32, math.MaxInt32)))
	},
	"inth":    func(a, b, c uint32) uint32 { return uint32(halfBits(float64(int32(a)))) },
	"mulwide": func(a, b, c uint32) uint32 { return uint32(int64(int32(a)) * int64(int32(b)) >> 32) },
	"madcc": func(a, b, c uint32) uint32 {
		lo, carry := bits.Add32(a*b, c, 0)
		_ = lo
		return uint32(uint64(a)*uint64(b)>>32) + c + carry
	},
	"addc3": func(a, b, c uint32) uint32 {
		s, carry := bits.Add32(a, b, 0)
		s, carry = bits.Add32(s, c, carry)
		return s + carry
	},
	"mul24hi":   func(a, b, c uint32) uint32 { return uint32(uint64(a&0xffffff) * uint64(b&0xffffff) >> 16) },
	"mad24_":    func(a, b, c uint32) uint32 { return a&0xffffff*(b&0xffffff) + c },
	"cnot_":     func(a, b, c uint32) uint32 { return boolInt(a == 0) },
	"testp_":    func(a, b, c uint32) uint32 { return boolInt(a&infinityBits == 0 && a<<1 != 0) },
	"copysign_": func(a, b, c uint32) uint32 { return a&signBit | b&^signBit },
	"fsat": func(a, b, c uint32) uint32 {
		return saturatedFloat(math.Float32frombits(a) +
			math.Float32frombits(b))
	},
	"cvtsat": func(a, b, c uint32) uint32 { return saturatedFloat(math.Float32frombits(a)) },
	"sqrt_rz": func(a, b, c uint32) uint32 {
		x := math.Float32frombits(a)
		if !(x > 0) || math.IsInf(float64(x), 0) {
			return canonical(float32(math.Sqrt(float64(x))))
		}
		return directed(math.Sqrt(float64(x)),
			new(big.Float).SetPrec(300).Sqrt(new(big.Float).SetPrec(300).SetFloat64(float64(x))), false, true)
	},
	"rcp_rp": func(a, b, c uint32) uint32 { return quotient(1, math.Float32frombits(a), true, false) },
	"div_rm": func(a, b, c uint32) uint32 {
		return quotient(math.Float32frombits(a), math.Float32frombits(b), false, true)
	},
	"minnan": func(a, b, c uint32) uint32 {
		return canonical(number(math.Float32frombits(a), math.Float32frombits(b), math.Min))
	},
	"i2f8": func(a, b, c uint32) uint32 { return math.Float32bits(float32(uint8(a))) },
	"f2i8": func(a, b, c uint32) uint32 {
		return uint32(int32(clampInt(math.Trunc(float64(math.Float32frombits(a))), math.MinInt8, math.MaxInt8)))
	},
	"f2u16": func(a, b, c uint32) uint32 {
		return uint32(clampInt(math.RoundToEven(float64(math.Float32frombits(a))), 0, math.MaxUint16))
	},
	"f2ll": func(a, b, c uint32) uint32 {
		x := math.Floor(float64(math.Float32frombits(a)))
		v := int64(math.MinInt64)
		switch {
		case x != x || x <= -0x1p63:
		case x >= 0x1p63:
			v = math.MaxInt64
		default:
			v = int64(x)
		}
		return uint32(v) ^ uint32(v>>32)
	},
	"ll2f": func(a, b, c uint32) uint32 {
		v, acc := new(big.Float).SetPrec(64).SetInt64(int64(uint64(b)<<32 | uint64(a))).Float32()
		if acc == big.Below {
			v = math.Nextafter32(v, float32(math.Inf(1)))
		}
		return math.Float32bits(v)
	},
	"d2fz": func(a, b, c uint32) uint32 {
		d := math.Float64frombits(uint64(b)<<32 | uint64(a))
		v := float32(d)
		if d-d == 0 && math.Abs(float64(v)) > math.Abs(d) {
			v = math.Nextafter32(v, 0)
		}
		return canonical(v)
	},
	"d2fsat": func(a, b, c uint32) uint32 {
		return saturatedFloat(float32(math.Float64frombits(uint64(b)<<32 | uint64(a))))
	},
	"dset": func(a, b, c uint32) uint32 {
		return -boolInt(math.Float64frombits(uint64(b)<<32|uint64(a)) < math.Float64frombits(uint64(c)<<32|uint64(b)))
	},
	"prmtrc8": func(a, b, c uint32) uint32 { return uint32(uint64(b)<<32|uint64(a)>>(8*(c&3))&255) & 255 * 0x01010101 },
	"prmtecr": func(a, b, c uint32) uint32 {
		var r uint32
		for k := range uint32(4) {
			r |= a >> (8 * min(c&3, k)) & 255 << (8 * k)
		}
		return r
	},
	"shfsw":   func(a, b, c uint32) uint32 { return uint32((uint64(b)<<32 | uint64(a)) << (c & 31) >> 32) },
	"shfrc":   func(a, b, c uint32) uint32 { return uint32((uint64(b)<<32 | uint64(a)) >> min(c, 32)) },
	"popb":    func(a, b, c uint32) uint32 { return shiftAmount(bits.LeadingZeros32(a)) },
	"bfindsa": func(a, b, c uint32) uint32 { return shiftAmount(bits.LeadingZeros32(a ^ uint32(int32(a)>>31))) },
	"lop3x":   func(a, b, c uint32) uint32 { return a&b | a&c | b&c },
	"slctu": func(a, b, c uint32) uint32 {
		if math.Float32frombits(c) >= 0 {
			return a
		}
		return b
	},
}

func shiftAmount(zeros int) uint32 {
	if zeros == 32 {
		return ^uint32(0)
	}
	return uint32(zeros)
}

func saturatedFloat(x float32) uint32 {
	if !(x > 0) {
		return 0
	}
	return math.Float32bits(min(x, 1))
}

// quotient rounds x/y in one direction.
func quotient(x, y float32, up, down bool) uint32 {
	q := float64(x) / float64(y)
	if x == 0 || y == 0 || math.IsInf(float64(x), 0) || math.IsInf(float64(y), 0) || q != q {
		return canonical(float32(q))
	}
	exact := new(big.Float).SetPrec(400).Quo(new(big.Float).SetFloat64(float64(x)),
		new(big.Float).SetPrec(400).SetFloat64(float64(y)))
	v, acc := exact.Float32()
	switch {
	case up && acc == big.Below:
		v = math.Nextafter32(v, float32(math.Inf(1)))
	case down && acc == big.Above:
		v = math.Nextafter32(v, float32(math.Inf(-1)))
	}
	return canonical(v)
}

// packedClose are approximations: the relative error allowed, or absolute below 2^-126 and for cosines.
var packedClose = map[string]func(a, b float64) float64{
	"rcpa":  func(a, _ float64) float64 { return 1 / a },
	"sqrta": func(a, _ float64) float64 { return math.Sqrt(a) },
	"rsq":   func(a, _ float64) float64 { return 1 / math.Sqrt(a) },
	"cosa":  func(a, _ float64) float64 { return math.Cos(a) },
	"diva":  func(a, b float64) float64 { return a / b },
	"divf":  func(a, b float64) float64 { return a / b },
}

func TestPackedFamilies(t *testing.T) { eachArchitecture(t, "packed", testPackedFamilies) }

func testPackedFamilies(t *testing.T, m *machine) {
	r := rand.New(rand.NewPCG(11, 12))
	cols := operands32(r)
	for k := range cols { // halves of all kinds
		for i := range cols[k] {
			if i%4 == 3 {
				edges := []uint32{0, 0x8000, 1, 0x3ff, 0x400, 0x83ff, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00,
					0x7e00, 0x3555, 0x0c00}
				cols[k][i] = edges[r.IntN(len(edges))] | edges[r.IntN(len(edges))]<<16
			} else if i%4 == 2 {
				cols[k][i] = (0x3000 + r.Uint32N(0x1800)) | (0x3000+r.Uint32N(0x1800))<<16 | r.Uint32()&0x80008000
			}
		}
	}
	for name, f := range packedFamilies {
		t.Run(name, func(t *testing.T) {
			m.t = t
			wrong := 0
			for i, g := range families(t, m, name, cols, 1) {
				w := f(cols[0][i], cols[1][i], cols[2][i])
				switch name {
				case "minnan", "rcp_rp", "div_rm", "sqrt_rz", "copysign_", "slctu":
					if isNaN(g) && isNaN(w) {
						continue
					}
				}
				if g != w {
					if wrong++; wrong <= 4 {
						t.Errorf("%s(%#x, %#x, %#x) = %#x, want %#x", name, cols[0][i], cols[1][i], cols[2][i], g, w)
					}
				}
			}
			if wrong > 4 {
				t.Errorf("%d wrong", wrong)
			}
		})
	}
	for name, f := range packedClose {
		t.Run(name, func(t *testing.T) {
			m.t = t
			wrong := 0
			for i, g := range families(t, m, name, cols, 1) {
				a, b := float64(math.Float32frombits(cols[0][i])), float64(math.Float32frombits(cols[1][i]))
				want := f(a, b)
				w := float64(float32(want))
				if d := math.Abs(b); name[:3] == "div" && (d > 0x1p126 || d < 0x1p-126) || name == "cosa" &&
					math.Abs(a) > 100 {
					continue // outside of the range for which PTX states an error
				}
				got := float64(math.Float32frombits(g))
				tolerance := math.Abs(w) * 0x1p-21
				if name == "cosa" {
					tolerance = 0x1p-20
					if m.cubin.Family != isa.Maxwell {
						tolerance = max(tolerance, math.Abs(a)*0x1p-23) // turns, rounded to zero
					}
				}
				if got == w || got != got && w != w || math.Abs(got-w) <= max(tolerance, 0x1p-126) {
					continue
				}
				if wrong++; wrong <= 4 {
					t.Errorf("%s(%g, %g) = %g, want %g", name, a, b, got, w)
				}
			}
			if wrong > 4 {
				t.Errorf("%d wrong", wrong)
			}
		})
	}
}
