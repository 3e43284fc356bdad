package exec

import (
	"math"
	"math/big"

	"warpdrop/sim/sm/lower"
)

// fma64 returns a*b + c rounded once in the given mode. NaN results are the one NaN of NVIDIA's FP64 units.
func fma64(a, b, c float64, mode uint32) float64 {
	return direct64(math.FMA(a, b, c), mode, a*b, c, func(x *big.Float) {
		x.Mul(exact(a), exact(b))
		x.Add(x, exact(c))
	})
}

func add64(a, b float64, mode uint32) float64 {
	return direct64(a+b, mode, a, b, func(x *big.Float) { x.Add(exact(a), exact(b)) })
}

func mul64(a, b float64, mode uint32) float64 {
	// The second addend has the product's sign, so that an exact zero keeps it.
	return direct64(a*b, mode, a*b, a*b, func(x *big.Float) { x.Mul(exact(a), exact(b)) })
}

func exact(x float64) *big.Float { return new(big.Float).SetFloat64(x) }

// direct64 returns nearest, the result rounded to nearest, corrected for a directed mode from the exact value. x and y
// are the addends, for the sign of an exact zero.
func direct64(nearest float64, mode uint32, x, y float64, value func(*big.Float)) float64 {
	if nearest != nearest {
		return math.Float64frombits(nan64Bit)
	}
	if mode == lower.RoundNearest || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return nearest
	}
	v := new(big.Float).SetPrec(4300) // more than the span of exponents: sums and products are exact
	value(v)
	if v.Sign() == 0 {
		if mode == lower.RoundDown && math.Signbit(x) != math.Signbit(y) {
			return math.Copysign(0, -1)
		}
		return nearest
	}
	r, acc := v.Float64()
	up := mode == lower.RoundUp || mode == lower.RoundZero && v.Sign() < 0
	switch {
	case acc == big.Above && !up:
		return math.Nextafter(r, math.Inf(-1))
	case acc == big.Below && up:
		return math.Nextafter(r, math.Inf(1))
	}
	return r
}
