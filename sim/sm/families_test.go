package sm

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/internal/rowtest"
)

// Bits of FP32 numbers.
const (
	signBit      = 0x80000000
	infinityBits = 0x7f800000
	nanBits      = 0x7fffffff // the NaN that hardware makes
)

func isNaN(x uint32) bool { return x&^signBit > infinityBits }

// reference rounds the exact value of a*b + c to single precision in the given mode, by way of math/big.
func reference(a, b, c float32, mode big.RoundingMode) float32 {
	nearest := float32(math.FMA(float64(a), float64(b), float64(c)))
	if nearest != nearest || math.IsInf(float64(a), 0) || math.IsInf(float64(b), 0) || math.IsInf(float64(c), 0) {
		return nearest
	}
	x := new(big.Float).SetPrec(1000).SetFloat64(float64(a))
	x.Mul(x, new(big.Float).SetFloat64(float64(b)))
	p := float64(a) * float64(b)
	x.Add(x, new(big.Float).SetFloat64(float64(c)))
	if x.Sign() == 0 {
		switch {
		case math.Signbit(p) == math.Signbit(float64(c)):
			return float32(math.Copysign(0, p))
		case mode == big.ToNegativeInf:
			return float32(math.Copysign(0, -1))
		}
		return 0
	}
	v, acc := x.Float32()
	if mode == big.ToZero {
		mode = big.ToNegativeInf
		if x.Sign() < 0 {
			mode = big.ToPositiveInf
		}
	}
	switch {
	case mode == big.ToNegativeInf && acc == big.Above:
		return math.Nextafter32(v, float32(math.Inf(-1)))
	case mode == big.ToPositiveInf && acc == big.Below:
		return math.Nextafter32(v, float32(math.Inf(1)))
	}
	return v
}

// canonical is the bits of a result, with NVIDIA's NaN.
func canonical(x float32) uint32 {
	if x != x {
		return nanBits
	}
	return math.Float32bits(x)
}

func ftz(x float32) float32 {
	if math.Abs(float64(x)) < 0x1p-126 {
		return float32(math.Copysign(0, float64(x)))
	}
	return x
}

var f32Families = map[string]func(a, b, c float32) float32{
	"fma_rn":  func(a, b, c float32) float32 { return reference(a, b, c, big.ToNearestEven) },
	"fma_rz":  func(a, b, c float32) float32 { return reference(a, b, c, big.ToZero) },
	"fma_rm":  func(a, b, c float32) float32 { return reference(a, b, c, big.ToNegativeInf) },
	"fma_rp":  func(a, b, c float32) float32 { return reference(a, b, c, big.ToPositiveInf) },
	"fma_ftz": func(a, b, c float32) float32 { return ftz(reference(ftz(a), ftz(b), ftz(c), big.ToNearestEven)) },
	"fma_sat": func(a, b, c float32) float32 {
		r := reference(a, b, c, big.ToNearestEven)
		if !(r > 0) {
			return 0
		}
		return min(r, 1)
	},
	"add_rn":  func(a, b, _ float32) float32 { return a + b },
	"add_rm":  func(a, b, _ float32) float32 { return reference(a, 1, b, big.ToNegativeInf) },
	"add_rp":  func(a, b, _ float32) float32 { return reference(a, 1, b, big.ToPositiveInf) },
	"add_ftz": func(a, b, _ float32) float32 { return ftz(ftz(a) + ftz(b)) },
	"sub_abs": func(a, b, _ float32) float32 { return float32(math.Abs(float64(a))) - b },
	"mul_rn":  func(a, b, _ float32) float32 { return a * b },
	"mul_rz": func(a, b, _ float32) float32 {
		if a*b == 0 && a != 0 && b != 0 || a*b != 0 {
			return reference(a, b, float32(math.Copysign(0, float64(a)*float64(b))), big.ToZero)
		}
		return a * b
	},
	"mul_ftz":  func(a, b, _ float32) float32 { return ftz(ftz(a) * ftz(b)) },
	"fmin_":    func(a, b, _ float32) float32 { return number(a, b, math.Min) },
	"fmax_":    func(a, b, _ float32) float32 { return number(a, b, math.Max) },
	"fmax_ftz": func(a, b, _ float32) float32 { return number(ftz(a), ftz(b), math.Max) },
	"div_rn":   func(a, b, _ float32) float32 { return a / b },
	"div_ftz":  func(a, b, _ float32) float32 { return ftz(ftz(a) / ftz(b)) },
	"sqrt_rn":  func(a, _, _ float32) float32 { return float32(math.Sqrt(float64(a))) },
	"rcp_rn":   func(a, _, _ float32) float32 { return 1 / a },
	"set_lt":   func(a, b, _ float32) float32 { return truth(a < b) },
	"set_neu":  func(a, b, _ float32) float32 { return truth(a != b) },
	"slct_": func(a, b, c float32) float32 {
		if c >= 0 {
			return a
		}
		return b
	},
	"rint_": func(a, _, _ float32) float32 { return float32(math.RoundToEven(float64(a))) },
	"ceil_": func(a, _, _ float32) float32 { return float32(math.Ceil(float64(a))) },
}

func truth(v bool) float32 {
	if v {
		return 1
	}
	return 0
}

func number(a, b float32, f func(x, y float64) float64) float32 {
	switch {
	case a != a:
		return b
	case b != b:
		return a
	}
	return float32(f(float64(a), float64(b)))
}

// f32Close lists families whose results hardware, and so the simulator, rounds only approximately: the error allowed in
// units of the last place, or absolute below 1.
var f32Close = map[string]func(a float64) float64{
	"ex2_": math.Exp2,
	"lg2_": math.Log2,
	"sin_": math.Sin,
}

func boolInt(v bool) uint32 {
	if v {
		return 1
	}
	return 0
}

func clampShift(x uint32) uint32 { return min(x, 32) }

var u32Families = map[string]func(a, b, c uint32) uint32{
	"add_":    func(a, b, c uint32) uint32 { return a + b },
	"sub_":    func(a, b, c uint32) uint32 { return a - b },
	"mul_":    func(a, b, c uint32) uint32 { return a * b },
	"mulhi_u": func(a, b, c uint32) uint32 { return uint32(uint64(a) * uint64(b) >> 32) },
	"mulhi_s": func(a, b, c uint32) uint32 { return uint32(int64(int32(a)) * int64(int32(b)) >> 32) },
	"mad_":    func(a, b, c uint32) uint32 { return a*b + c },
	"mul24_":  func(a, b, c uint32) uint32 { return uint32(int32(a<<8)>>8) * uint32(int32(b<<8)>>8) },
	"addsat": func(a, b, c uint32) uint32 {
		return uint32(max(min(int64(int32(a))+int64(int32(b)), math.MaxInt32), math.MinInt32))
	},
	"min_u":    func(a, b, c uint32) uint32 { return min(a, b) },
	"max_s":    func(a, b, c uint32) uint32 { return uint32(max(int32(a), int32(b))) },
	"abs_":     func(a, b, c uint32) uint32 { return uint32(max(int32(a), -int32(a))) },
	"shl_":     func(a, b, c uint32) uint32 { return a << b },
	"shr_u":    func(a, b, c uint32) uint32 { return a >> b },
	"shr_s":    func(a, b, c uint32) uint32 { return uint32(int32(a) >> b) },
	"shf_l":    func(a, b, c uint32) uint32 { return uint32((uint64(b)<<32 | uint64(a)) << clampShift(c) >> 32) },
	"shf_r":    func(a, b, c uint32) uint32 { return uint32((uint64(b)<<32 | uint64(a)) >> (c & 31)) },
	"lop3_":    func(a, b, c uint32) uint32 { return a ^ b ^ c },
	"lop3b":    func(a, b, c uint32) uint32 { return ^a&^b&^c | ^a&^b&c | ^a&b&c | a&^b&^c },
	"andn":     func(a, b, c uint32) uint32 { return a &^ b },
	"bfi_":     func(a, b, c uint32) uint32 { f := uint32(0xff) << (c & 255); return b&^f | a<<(c&255)&f },
	"popc_":    func(a, b, c uint32) uint32 { return uint32(bits.OnesCount32(a)) },
	"clz_":     func(a, b, c uint32) uint32 { return uint32(bits.LeadingZeros32(a)) },
	"bfind_u":  func(a, b, c uint32) uint32 { return uint32(bits.Len32(a) - 1) },
	"bfind_s":  func(a, b, c uint32) uint32 { return uint32(bits.Len32(a^uint32(int32(a)>>31)) - 1) },
	"brev_":    func(a, b, c uint32) uint32 { return bits.Reverse32(a) },
	"set_lts":  func(a, b, c uint32) uint32 { return -boolInt(int32(a) < int32(b)) },
	"set_ltu":  func(a, b, c uint32) uint32 { return -boolInt(a < b) },
	"i2i_s8":   func(a, b, c uint32) uint32 { return uint32(int32(int8(a))) },
	"i2i_sat":  func(a, b, c uint32) uint32 { return uint32(max(min(int32(a), 255), 0)) },
	"prmt_f4e": func(a, b, c uint32) uint32 { return uint32((uint64(b)<<32 | uint64(a)) >> (8 * (c & 3))) },
	// Tables of the PTX ISA, prmt: the bytes that stand in the result, the highest first.
	"prmt_b4e":  func(a, b, c uint32) uint32 { return pickBytes(a, b, [4]string{"5670", "6701", "7012", "0123"}[c&3]) },
	"prmt_ecl":  func(a, b, c uint32) uint32 { return pickBytes(a, b, [4]string{"3210", "3211", "3222", "3333"}[c&3]) },
	"prmt_rc16": func(a, b, c uint32) uint32 { return pickBytes(a, b, [4]string{"1010", "3232", "1010", "3232"}[c&3]) },
	"bfe_u": func(a, b, c uint32) uint32 {
		return uint32(uint64(a) >> (b & 255) & (1<<min(c&255, 32) - 1))
	},
	"bfe_s": func(a, b, c uint32) uint32 { // PTX ISA, bfe
		pos, n := b&255, c&255
		var r uint32
		s := uint32(0)
		if n != 0 {
			s = a >> min(31, pos+n-1) & 1
		}
		for i := range uint32(32) {
			if v := s; i < n && pos+i <= 31 {
				r |= a >> (pos + i) & 1 << i
			} else {
				r |= v << i
			}
		}
		return r
	},
	"prmt_": func(a, b, c uint32) uint32 {
		var r uint32
		for k := range 4 {
			s := c >> (4 * k)
			v := byte((uint64(b)<<32 | uint64(a)) >> (8 * (s & 7)))
			if s&8 != 0 {
				v = byte(int8(v) >> 7)
			}
			r |= uint32(v) << (8 * k)
		}
		return r
	},
	"div_u": func(a, b, c uint32) uint32 {
		if b == 0 {
			return ^uint32(0) // what the compiled code gives; PTX leaves it open
		}
		return a / b
	},
	"slct_i": func(a, b, c uint32) uint32 {
		if int32(c) >= 0 {
			return a
		}
		return b
	},
	"f2i_rz": func(a, _, _ uint32) uint32 {
		return uint32(int32(clampInt(math.Trunc(float64(math.Float32frombits(a))), math.MinInt32, math.MaxInt32)))
	},
	"f2i_rn": func(a, _, _ uint32) uint32 {
		return uint32(int32(clampInt(math.RoundToEven(float64(math.Float32frombits(a))), math.MinInt32, math.MaxInt32)))
	},
	"f2i_ru": func(a, _, _ uint32) uint32 {
		return uint32(clampInt(math.Ceil(float64(math.Float32frombits(a))), 0, math.MaxUint32))
	},
	"i2f_rn": func(a, _, _ uint32) uint32 { return math.Float32bits(float32(int32(a))) },
	"u2f_rz": func(a, _, _ uint32) uint32 {
		v, acc := new(big.Float).SetMode(big.ToZero).SetPrec(24).SetUint64(uint64(a)).Float32()
		_ = acc
		return math.Float32bits(v)
	},
	"sel_": func(a, b, c uint32) uint32 {
		if int32(a) < int32(b) {
			return c
		}
		return a
	},
	"predicates": func(a, b, c uint32) uint32 {
		p, q := int32(a) < int32(b), b > c
		r := p != q
		if r && (q || !p) {
			return a
		}
		return b
	},
}

func pickBytes(a, b uint32, which string) (r uint32) {
	for _, k := range which {
		r = r<<8 | uint32((uint64(b)<<32|uint64(a))>>(8*(k-'0'))&255)
	}
	return r
}

func clampInt(x float64, lo, hi int64) int64 {
	switch {
	case x != x:
		return 0
	case x <= float64(lo):
		return lo
	case x >= float64(hi):
		return hi
	}
	return int64(x)
}

var u64Families = map[string]func(a, b, c uint64) uint64{
	"add64":   func(a, b, c uint64) uint64 { return a + b },
	"sub64":   func(a, b, c uint64) uint64 { return a - b },
	"addcc":   func(a, b, c uint64) uint64 { return a - b },
	"mul64_":  func(a, b, c uint64) uint64 { return a * b },
	"mulhi64": func(a, b, c uint64) uint64 { h, _ := bits.Mul64(a, b); return h },
	"mulhi64s": func(a, b, c uint64) uint64 {
		h, _ := bits.Mul64(a, b)
		return h - uint64(int64(a)>>63)&b - uint64(int64(b)>>63)&a
	},
	"min64":  func(a, b, c uint64) uint64 { return uint64(min(int64(a), int64(b))) },
	"max64u": func(a, b, c uint64) uint64 { return max(a, b) },
	"shl64":  func(a, b, c uint64) uint64 { return a << uint32(b) },
	"shr64":  func(a, b, c uint64) uint64 { return a >> uint32(b) },
	"sar64":  func(a, b, c uint64) uint64 { return uint64(int64(a) >> uint32(b)) },
	"popc64": func(a, b, c uint64) uint64 { return uint64(bits.OnesCount64(a)) },
	"clz64":  func(a, b, c uint64) uint64 { return uint64(bits.LeadingZeros64(a)) },
	"setp64": func(a, b, c uint64) uint64 {
		if int64(a) <= int64(b) {
			return a
		}
		return c
	},
	"setp64u": func(a, b, c uint64) uint64 {
		if a > b {
			return a
		}
		return c
	},
}

var f64Families = map[string]func(a, b, c float64) float64{
	"dadd_rn": func(a, b, _ float64) float64 { return a + b },
	"dmul_rn": func(a, b, _ float64) float64 { return a * b },
	"dfma_rn": math.FMA,
	"ddiv":    func(a, b, _ float64) float64 { return a / b },
	"dsqrt":   func(a, _, _ float64) float64 { return math.Sqrt(a) },
	"dtrunc":  func(a, _, _ float64) float64 { return math.Trunc(a) },
	"d2f":     func(a, _, _ float64) float64 { return float64(float32(a)) },
	"dmin_":   func(a, b, _ float64) float64 { return number64(a, b, math.Min) },
	"dmax_":   func(a, b, _ float64) float64 { return number64(a, b, math.Max) },
	"dsel": func(a, b, c float64) float64 {
		if !(a < b) {
			return c
		}
		return a
	},
	"d2f_rm": func(a, _, _ float64) float64 {
		v := float32(a)
		if float64(v) > a {
			v = math.Nextafter32(v, float32(math.Inf(-1)))
		}
		return float64(v)
	},
	"d2i": func(a, _, _ float64) float64 {
		v := int64(math.MinInt64) // of NaN too
		switch {
		case a >= 0x1p63:
			v = math.MaxInt64
		case a > -0x1p63:
			v = int64(a)
		}
		return math.Float64frombits(uint64(v))
	},
	"d2u32": func(a, _, _ float64) float64 {
		if a != a {
			return 0x80000000 // PTX ISA, cvt: NaN of 64 bits gives the highest bit
		}
		return max(min(math.RoundToEven(a), math.MaxUint32), 0)
	},
	"l2d": func(a, _, _ float64) float64 { return float64(int64(math.Float64bits(a))) },
}

func number64(a, b float64, f func(x, y float64) float64) float64 {
	switch {
	case a != a:
		return b
	case b != b:
		return a
	}
	return f(a, b)
}

const familyRows = 1024

// operands32 are three columns of edge cases and random values.
func operands32(r *rand.Rand) (cols [3][]uint32) {
	for k := range cols {
		for len(cols[k]) < familyRows {
			x := rowtest.Random(r)
			cols[k] = append(cols[k], x[:]...)
		}
	}
	// All pairs of rowtest.Edges, as far as they fit.
	for i := range rowtest.Edges {
		for j := range rowtest.Edges {
			if n := i*len(rowtest.Edges) + j; n < familyRows*3/4 {
				cols[0][n], cols[1][n] = rowtest.Edges[i], rowtest.Edges[j]
			}
		}
	}
	return cols
}

// families runs kernel name on three columns of words 32-bit words an element and returns the results.
func families(t *testing.T, m *machine, name string, cols [3][]uint32, words int) []uint32 {
	t.Helper()
	n := len(cols[0]) / words
	out := m.buffer(make([]uint32, n*words))
	must(t, m.run(name, [3]uint32{uint32(n / 128), 1, 1}, [3]uint32{128, 1, 1}, m.buffer(cols[0]), m.buffer(cols[1]),
		m.buffer(cols[2]), out))
	return m.read(out, n*words)
}

func TestFamilies32(t *testing.T) { eachArchitecture(t, "families", testFamilies32) }

func testFamilies32(t *testing.T, m *machine) {
	cols := operands32(rand.New(rand.NewPCG(7, 8)))
	check := func(name string, want func(i int) uint32, equal func(got, want uint32) bool) {
		t.Run(name, func(t *testing.T) {
			m.t = t
			got := families(t, m, name, cols, 1)
			wrong := 0
			for i, g := range got {
				if w := want(i); g != w && !equal(g, w) {
					if wrong++; wrong <= 4 {
						t.Errorf("%s(%#x, %#x, %#x) = %#x, want %#x", name, cols[0][i], cols[1][i], cols[2][i], g, w)
					}
				}
			}
			if wrong > 4 {
				t.Errorf("%d of %d wrong", wrong, len(got))
			}
		})
	}
	nans := func(got, want uint32) bool { return isNaN(got) && isNaN(want) }
	never := func(got, want uint32) bool { return false }
	for name, f := range f32Families {
		equal := never
		switch name {
		case "slct_", "rint_", "ceil_", "fmin_", "fmax_", "fmax_ftz", "rcp_rn", "div_rn", "div_ftz", "sqrt_rn":
			equal = nans // selections pass a NaN on; library code need not give the canonical one
		}
		check(name, func(i int) uint32 {
			return canonical(f(math.Float32frombits(cols[0][i]), math.Float32frombits(cols[1][i]),
				math.Float32frombits(cols[2][i])))
		}, equal)
	}
	for name, f := range u32Families {
		check(name, func(i int) uint32 { return f(cols[0][i], cols[1][i], cols[2][i]) }, never)
	}
	for name, f := range f32Close {
		var arg float64
		check(name, func(i int) uint32 {
			arg = math.Abs(float64(math.Float32frombits(cols[0][i])))
			return canonical(ftz(float32(f(float64(ftz(math.Float32frombits(cols[0][i])))))))
		}, func(got, want uint32) bool {
			x, y := float64(math.Float32frombits(got)), float64(math.Float32frombits(want))
			if name == "sin_" && m.cubin.Family != isa.Maxwell && arg > math.Pi {
				// The argument is made turns by a product rounded to zero; beyond pi PTX states no error.
				return math.Abs(x-y) <= arg*0x1p-23+0x1p-20 || arg > 0x1p24
			}
			return nans(got, want) || math.Abs(x-y) <= 0x1p-21*max(math.Abs(y), 1)
		})
	}
	for _, name := range []string{"div_s", "rem_s"} {
		check(name, func(i int) uint32 {
			a, b := int64(int32(cols[0][i])), int64(int32(cols[1][i]))
			if b == 0 {
				return 0
			}
			if name == "div_s" {
				return uint32(a / b)
			}
			return uint32(a % b)
		}, func(got, want uint32) bool { return want == 0 }) // division by zero is undefined
	}
	check("half_", func(i int) uint32 {
		return canonical(float32(nearestHalf(float64(math.Float32frombits(cols[0][i])))))
	}, never)
}

// nearestHalf rounds to half precision by way of math/big.
func nearestHalf(x float64) float64 {
	if x != x || math.IsInf(x, 0) || x == 0 {
		return x
	}
	_, e := math.Frexp(x)
	prec := uint(11)
	if e < -13 {
		// Denormal: fixed last place 2^-24.
		return math.Ldexp(math.RoundToEven(math.Ldexp(x, 24)), -24)
	}
	v, _ := new(big.Float).SetPrec(prec).SetMode(big.ToNearestEven).SetFloat64(x).Float64()
	if math.Abs(v) > 65504 {
		return math.Inf(int(math.Copysign(1, x)))
	}
	return v
}

func TestFamilies64(t *testing.T) { eachArchitecture(t, "families", testFamilies64) }

func testFamilies64(t *testing.T, m *machine) {
	r := rand.New(rand.NewPCG(9, 10))
	edges64 := []uint64{0, 1, 2, 31, 32, 33, 63, 64, 0xffffffff, 1 << 32, 1<<63 - 1, 1 << 63, ^uint64(0),
		^uint64(0) - 1,
		math.Float64bits(1), math.Float64bits(-1), math.Float64bits(1.5), math.Float64bits(math.Inf(1)),
		math.Float64bits(math.Inf(-1)), math.Float64bits(math.NaN()),
		math.Float64bits(math.MaxFloat64), 1<<52 - 1, 1 << 52, math.Float64bits(0x1p-1000), math.Float64bits(3e9),
		math.Float64bits(-3e9), math.Float64bits(1e19)}
	var cols [3][]uint32
	var vals [3][]uint64
	for k := range cols {
		for i := range familyRows {
			v := r.Uint64()
			switch {
			case k < 2 && i < len(edges64)*len(edges64):
				v = edges64[[2]int{i / len(edges64), i % len(edges64)}[k]]
			case i%3 == 0:
				v = math.Float64bits(r.NormFloat64() * math.Pow(2, float64(r.IntN(80)-20)))
			case i%3 == 1 && k == 1:
				v %= 70
			}
			vals[k] = append(vals[k], v)
			cols[k] = append(cols[k], uint32(v), uint32(v>>32))
		}
	}
	check := func(name string, want func(i int) uint64, equal func(got, want uint64) bool) {
		t.Run(name, func(t *testing.T) {
			m.t = t
			got := families(t, m, name, cols, 2)
			wrong := 0
			for i := range vals[0] {
				g := uint64(got[2*i]) | uint64(got[2*i+1])<<32
				if w := want(i); g != w && !equal(g, w) {
					if wrong++; wrong <= 4 {
						t.Errorf("%s(%#x, %#x, %#x) = %#x (%g), want %#x (%g)", name, vals[0][i], vals[1][i],
							vals[2][i], g, math.Float64frombits(g), w, math.Float64frombits(w))
					}
				}
			}
			if wrong > 4 {
				t.Errorf("%d wrong", wrong)
			}
		})
	}
	nans := func(got, want uint64) bool {
		return math.IsNaN(math.Float64frombits(got)) && math.IsNaN(math.Float64frombits(want))
	}
	never := func(got, want uint64) bool { return false }
	for name, f := range u64Families {
		check(name, func(i int) uint64 { return f(vals[0][i], vals[1][i], vals[2][i]) }, never)
	}
	for name, f := range f64Families {
		check(name, func(i int) uint64 {
			return math.Float64bits(f(math.Float64frombits(vals[0][i]), math.Float64frombits(vals[1][i]),
				math.Float64frombits(vals[2][i])))
		}, nans)
	}
	for _, name := range []string{"div64", "rem64"} {
		check(name, func(i int) uint64 {
			a, b := vals[0][i], vals[1][i]
			switch {
			case b == 0:
				return 0
			case name == "rem64":
				return a % b
			}
			return uint64(int64(a) / int64(b))
		}, func(got, want uint64) bool { return want == 0 })
	}
	// Directed rounding brackets the exact value: the result is on the right side, and its neighbour on the other.
	exactly := map[string]func(a, b, c *big.Float) *big.Float{
		"dadd_rm": func(a, b, c *big.Float) *big.Float { return new(big.Float).SetPrec(4300).Add(a, b) },
		"dmul_rp": func(a, b, c *big.Float) *big.Float { return new(big.Float).SetPrec(4300).Mul(a, b) },
		"dfma_rz": func(a, b, c *big.Float) *big.Float {
			x := new(big.Float).SetPrec(4300).Mul(a, b)
			return x.Add(x, c)
		},
	}
	for name, f := range exactly {
		t.Run(name, func(t *testing.T) {
			m.t = t
			got := families(t, m, name, cols, 2)
			for i := range vals[0] {
				a, b, c := math.Float64frombits(vals[0][i]), math.Float64frombits(vals[1][i]),
					math.Float64frombits(vals[2][i])
				if s := a + b + c; s-s != 0 || math.IsInf(a*b, 0) {
					continue
				}
				g := math.Float64frombits(uint64(got[2*i]) | uint64(got[2*i+1])<<32)
				x := f(new(big.Float).SetFloat64(a), new(big.Float).SetFloat64(b), new(big.Float).SetFloat64(c))
				if math.IsInf(g, 0) {
					continue
				}
				side := new(big.Float).SetFloat64(g).Cmp(x)
				down := name == "dadd_rm" || name == "dfma_rz" && x.Sign() > 0
				ok := side == 0
				switch {
				case ok:
				case down:
					ok = side < 0 && new(big.Float).SetFloat64(math.Nextafter(g, math.Inf(1))).Cmp(x) > 0
				default:
					ok = side > 0 && new(big.Float).SetFloat64(math.Nextafter(g, math.Inf(-1))).Cmp(x) < 0
				}
				if !ok {
					t.Errorf("%s(%g, %g, %g) = %g is not the neighbour of %s in its direction", name, a, b, c, g,
						x.Text('g', 40))
				}
			}
		})
	}
}
