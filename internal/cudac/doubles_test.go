package cudac_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

// doubleErrors are the largest errors, in units in the last place, that the CUDA C++ programming guide states for
// functions of doubles; 0: the result is the right one. The header for clang has those that clang says.
var doubleErrors = map[string]struct {
	ulps  float64
	clang bool
}{
	"exp": {1, false}, "exp2": {1, false}, "expm1": {1, false}, "log": {1, false}, "log2": {1, false},
	"log10": {1, false}, "log1p": {1, false}, "sin": {2, false}, "cos": {2, false}, "tan": {2, false},
	"asin": {2, false}, "acos": {2, false}, "atan": {2, false}, "sinh": {2, false},
	"cosh": {1, false}, "tanh": {1, false}, "asinh": {3, false}, "acosh": {3, false},
	"atanh": {2, false}, "sqrt": {0, true}, "cbrt": {1, false}, "erf": {2, false}, "erfc": {5, false},
	"lgamma": {4, false}, "rsqrt": {1, false}, "floor": {0, true}, "ceil": {0, false},
	"trunc": {0, false}, "rint": {0, false}, "round": {0, false}, "fabs": {0, true},
}

// Functions of doubles come within the stated errors of correctly rounded values (testdata/doubles.txt, which
// scripts/reference/doubles.py makes with mpmath), on edge cases too.
func TestDoubleFunctions(t *testing.T) {
	file, err := os.Open("testdata/doubles.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var names []string
	var xs []uint64
	right := map[string][]uint64{}
	for s := bufio.NewScanner(file); s.Scan(); {
		var name string
		var x, y uint64
		if _, err := fmt.Sscanf(s.Text(), "%s %x %x", &name, &x, &y); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		if len(right[name]) == 0 {
			names = append(names, name)
		}
		if len(right[name]) == len(xs) {
			xs = append(xs, x)
		}
		right[name] = append(right[name], y)
	}
	for _, compiler := range []string{"nvrtc", "clang"} {
		t.Run(compiler, func(t *testing.T) {
			list := slices.DeleteFunc(slices.Clone(names), func(n string) bool {
				return compiler == "clang" && !doubleErrors[n].clang
			})
			body := ""
			for _, n := range list {
				body += "  *o++ = " + n + "(x);\n"
			}
			source := fmt.Sprintf("extern \"C\" __global__ void k(const double *in, double *out) {\n"+
				"  double x = in[threadIdx.x], *o = out + %d * threadIdx.x;\n%s}\n", len(list), body)
			var in []byte
			for _, x := range xs {
				in = binary.LittleEndian.AppendUint64(in, x)
			}
			out := run(t, compiler, source, len(xs), in, make([]byte, 8*len(xs)*len(list)))[1]
			for i, x := range xs {
				for j, n := range list {
					got := math.Float64frombits(binary.LittleEndian.Uint64(out[8*(i*len(list)+j):]))
					want := math.Float64frombits(right[n][i])
					if v := math.Float64frombits(x); n == "lgamma" && v > -11.0001 && v < -2.2637 {
						continue // the guide states no bound between these, where there are zeros
					}
					if e, most := ulps64(got, want), doubleErrors[n].ulps; !(e <= most) {
						t.Errorf("%s(%g) is %g, right is %g: %g units in the last place off, at most %g", n, math.Float64frombits(x), got,
							want, e, most)
					}
				}
			}
		})
	}
}

// ulps64 is how many units in the last place got is off from a correctly rounded value, which counts for one at most.
func ulps64(got, want float64) float64 {
	switch {
	case got == want && math.Signbit(got) == math.Signbit(want), got != got && want != want:
		return 0
	case got != got || want != want || math.IsInf(got, 0) || math.IsInf(want, 0) || got == want:
		return math.Inf(1)
	}
	_, e := math.Frexp(want)
	return math.Abs(got-want) / math.Ldexp(1, max(e-53, -1074))
}
