package cudac_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/internal/toolchain"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// compile compiles a source, and skips the test where the compiler is missing.
func compile(t *testing.T, compiler, source string, defines ...string) ([]byte, error) {
	t.Helper()
	cubin, err := compileFor(t.Context(), t, compiler, source, defines...)
	if errors.Is(err, toolchain.ErrMissing) {
		t.Skipf("set WARPDROP_TOOLCHAIN, or run scripts/toolchain.sh: %v", err)
	}
	return cubin, err
}

// compileFor compiles a source until ctx ends.
func compileFor(ctx context.Context, t *testing.T, compiler, source string, defines ...string) ([]byte, error) {
	file := filepath.Join(t.TempDir(), "k.cu")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		return nil, err
	}
	cubin, _, err := cudac.Compile(ctx, file, cudac.Options{Compiler: compiler, Arch: 61, Defines: defines,
		Headers: workloads.Headers()})
	return cubin, err
}

// loaded compiles a source of one kernel and loads it on a device of its own.
func loaded(t *testing.T, compiler, source string) (*sim.Device, *sim.Kernel) {
	t.Helper()
	cubin, err := compile(t, compiler, source)
	if err != nil {
		t.Fatalf("%s: %v\n%s", compiler, err, source)
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := dev.LoadModule(cubin)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mod.Kernel("")
	if err != nil {
		t.Fatal(err)
	}
	return dev, k
}

// run runs the only kernel of a source, whose arguments are buffers, and returns what they hold then.
func run(t *testing.T, compiler, source string, threads int, buffers ...[]byte) [][]byte {
	t.Helper()
	dev, k := loaded(t, compiler, source)
	var args []sim.Arg
	var at []sim.Ptr
	for _, b := range buffers {
		p, err := dev.Malloc(int64(len(b)))
		if err == nil {
			err = dev.Write(p, b)
		}
		if err != nil {
			t.Fatal(err)
		}
		at, args = append(at, p), append(args, sim.PtrArg(p))
	}
	blocks := (threads + 127) / 128
	cfg := sim.LaunchConfig{Grid: sim.Dim3{X: blocks}, Block: sim.Dim3{X: min(threads, 128)}}
	if _, err := dev.Launch(context.Background(), k, cfg, args...); err != nil {
		t.Fatal(err)
	}
	out := make([][]byte, len(buffers))
	for i, b := range buffers {
		out[i] = make([]byte, len(b))
		if err := dev.Read(at[i], out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestLaneSetsVariable: a variable that one lane has set is what __shfl_sync hands to the others.
func TestLaneSetsVariable(t *testing.T) {
	const source = `__global__ void k(int *counter, int *out) {
  int lane = threadIdx.x & 31, row;
  if (lane == 0) row = atomicAdd(counter, 16);
  out[threadIdx.x] = __shfl_sync(~0u, row, 0) + lane;
}`
	for _, compiler := range cudac.Compilers {
		t.Run(compiler, func(t *testing.T) {
			out := run(t, compiler, source, 64, make([]byte, 4), make([]byte, 256))
			if n := binary.LittleEndian.Uint32(out[0]); n != 32 {
				t.Errorf("two warps took 16 rows each, and the counter is %d", n)
			}
			for i := range 64 {
				if row, want := binary.LittleEndian.Uint32(out[1][4*i:]), uint32(i%32+16*(i/32)); row != want {
					t.Errorf("thread %d has row %d, want %d", i, row, want)
				}
			}
		})
	}
}

// function is one of CUDA's math functions in single precision, with what it has to come near: a double-precision
// reference, and the largest error that CUDA's programming guide gives, in units in the last place.
type function struct {
	name  string
	exact func(float64) float64
	ulps  float64
	clang float64 // of our header for clang; 0: it is not there
}

var functions = []function{
	{"expf", math.Exp, 2, 4}, {"exp2f", math.Exp2, 2, 2}, {"exp10f", func(x float64) float64 { return math.Pow(10, x) }, 2,
		0}, {"expm1f", math.Expm1, 1, 0},
	{"logf", math.Log, 1, 0}, {"log2f", math.Log2, 1, 0}, {"log10f", math.Log10, 2, 0}, {"log1pf", math.Log1p, 1, 0},
	{"sinf", math.Sin, 2, 0}, {"cosf", math.Cos, 2, 0}, {"tanf", math.Tan, 4, 0}, {"asinf", math.Asin, 4, 0},
	{"acosf", math.Acos, 3, 0}, {"atanf", math.Atan, 2, 0},
	{"sinhf", math.Sinh, 3, 0}, {"coshf", math.Cosh, 2, 0}, {"tanhf", math.Tanh, 2, 0}, {"asinhf", math.Asinh, 3, 0},
	{"acoshf", math.Acosh, 4, 0}, {"atanhf", math.Atanh, 3, 0},
	{"sqrtf", math.Sqrt, 0, 0.51}, {"rsqrtf", func(x float64) float64 { return 1 / math.Sqrt(x) }, 2, 2},
	{"cbrtf", math.Cbrt, 1, 0},
	{"erff", math.Erf, 2, 0}, {"erfcf", math.Erfc, 4, 0},
	{"floorf", math.Floor, 0, 0.51}, {"ceilf", math.Ceil, 0, 0.51}, {"truncf", math.Trunc, 0, 0.51},
	{"rintf", math.RoundToEven, 0, 0.51}, {"roundf", math.Round, 0, 0}, {"fabsf", math.Abs, 0, 0.51},
}

// TestMathFunctions runs them on edge cases and random numbers against the references.
func TestMathFunctions(t *testing.T) {
	inf := float32(math.Inf(1))
	xs := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 2, inf, -inf, float32(math.NaN()), 1e-45, -1e-45,
		1.1754944e-38, 3.4028235e38, -3.4028235e38, 88.5, 88.8, -87.5, -103.5, -110, 1e10, -1e10, 128, 127.99, -149, -150,
		0.99999994, 1.0000001, 1e-4, 3.1415927, 1e5, 16777216.5, 2.5, -2.5, 0.49999997}
	rng := rand.New(rand.NewPCG(1, 2))
	for len(xs) < 256 {
		x := float32(math.Ldexp(1+rng.Float64(), rng.IntN(30)-20))
		if rng.IntN(2) == 0 {
			x = -x
		}
		xs = append(xs, x)
	}
	var in []byte
	for _, x := range xs {
		in = binary.LittleEndian.AppendUint32(in, math.Float32bits(x))
	}
	for _, compiler := range cudac.Compilers {
		t.Run(compiler, func(t *testing.T) {
			var body strings.Builder
			var list []function
			for _, f := range functions {
				if compiler == "clang" {
					if f.clang == 0 {
						continue
					}
					f.ulps = f.clang
				}
				fmt.Fprintf(&body, "  out[%d * %d + i] = %s(x);\n", len(list), len(xs), f.name)
				list = append(list, f)
			}
			source := "__global__ void k(const float *in, float *out) {\n  int i = blockIdx.x * blockDim.x + threadIdx.x;\n  " +
				"float x = in[i];\n" + body.String() + "}\n"
			out := run(t, compiler, source, len(xs), in, make([]byte, 4*len(xs)*len(list)))[1]
			for k, f := range list {
				for i, x := range xs {
					got := math.Float32frombits(binary.LittleEndian.Uint32(out[4*(k*len(xs)+i):]))
					if e := ulps(got, f.exact(float64(x))); !(e <= f.ulps+0.5) {
						t.Errorf("%s(%g) is %g, right is %g: %.2f units in the last place off, at most %g",
							f.name, x, got, f.exact(float64(x)), e, f.ulps)
					}
				}
			}
		})
	}
}

// ulps is how far got is from the exact value in units of the last place of single precision.
func ulps(got float32, exact float64) float64 {
	g := float64(got)
	switch {
	case exact != exact && g != g, g == exact:
		return 0
	case exact != exact, g != g:
		return math.Inf(1)
	}
	if math.IsInf(g, 0) { // the first number that is none any more
		g = math.Copysign(0x1p128, g)
	}
	exact = max(min(exact, 0x1p128), -0x1p128)
	_, e := math.Frexp(exact)
	return min(math.Abs(g-exact)/math.Ldexp(1, max(e-24, -149)), 1e30)
}

// TestUses compiles one-line uses of what CUDA programs expect to find.
func TestUses(t *testing.T) {
	for _, c := range []struct{ head, body string }{
		{"", "o[0] = INFINITY;"}, {"", "o[0] = fminf(NAN, 1.f);"},
		{"", "o[0] = min(threadIdx.x, 3u) + min((int)threadIdx.x, 7u);"}, {"", "o[0] = powf(o[1], 2.5f);"},
		{"", "o[0] = __fmul_rn(o[1], o[2]);"}, {"", "o[0] = __saturatef(o[1]);"}, {"", "o[0] = normcdff(o[1]);"},
		{"", "o[0] = __popcll(clock64());"},
		{"", "uint32_t x = 3; uint8_t y = 4; o[0] = x + y;"}, {"", "float4 v = make_float4(1, 2, 3, 4); o[0] = v.x + v.w;"},
		{"", "atomicAdd_block(o, 1.f);"},
		{"", "o[0] = __shfl_xor_sync(0xffffffff, o[1], 16);"}, {"", "printf(\"%f\\n\", o[0]);"},
		{"", "int p; sincosf(o[1], o, o + 2); p = __ffs(3); o[3] = p;"},
		{"#include <cuda_fp16.h>", "o[0] = __half2float(__hmul(__float2half(o[1]), __float2half(2.f)));"},
		{"#include <cooperative_groups.h>\nnamespace cg = cooperative_groups;",
			"auto b = cg::this_thread_block(); b.sync(); auto w = cg::tiled_partition<32>(b); o[0] = w.shfl_down(o[1], 4);"},
		{"#include <math.h>\n#include <float.h>\n#include <stdint.h>\n#include <limits.h>",
			"o[0] = M_PI + FLT_MAX + INT_MAX + (float)UINT32_MAX;"},
		{"#include <cuda_runtime.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <iostream>\n#include <vector>",
			"o[0] = 1;"},
		{"#include <assert.h>", "assert(o != 0);"}, {"#include <math_constants.h>", "o[0] = CUDART_PI_F;"},
		{"#include <vector_types.h>", "o[0] = dim3(1).x;"},
		{"template <int N> __device__ float f(float x) { return x * N; }", "o[0] = f<3>(o[1]);"},
	} {
		if _, err := compile(t, "nvrtc", c.head+"\nextern \"C\" __global__ void k(float *o) { "+c.body+" }\n"); err != nil {
			t.Errorf("%s\n%s: %v", c.head, c.body, err)
		}
	}
}

// TestHostCode: a file with a main of its own goes to clang, which takes the kernels; NVRTC alone says what to do.
func TestHostCode(t *testing.T) {
	const source = `#include <cuda_runtime.h>
#include <cstdio>
__global__ void k(int *o) { o[threadIdx.x] = 1; }
int main() {
  int *d;
  if (cudaMalloc(&d, 128) != cudaSuccess) return 1;
  k<<<1, 32>>>(d);
  cudaDeviceSynchronize();
  cudaFree(d);
  printf("done\n");
}`
	if _, err := compile(t, "nvrtc", source); err == nil || !strings.Contains(err.Error(), "has host code") ||
		!strings.Contains(err.Error(), "__CUDACC_RTC__") {
		t.Errorf("NVRTC: %v", err)
	}
	if out := run(t, "", source, 32, make([]byte, 128))[0]; binary.LittleEndian.Uint32(out[124:]) != 1 {
		t.Errorf("clang's kernel has written %v", out)
	}
}

// TestDefines: -D reaches the source, and errors of the source name its line.
func TestDefines(t *testing.T) {
	for _, compiler := range cudac.Compilers {
		const source = "#if !defined(A) || B != 3\n#error not defined\n#endif\n__global__ void k() {}\n"
		if _, err := compile(t, compiler, source, "A", "B=3"); err != nil {
			t.Errorf("%s: %v", compiler, err)
		}
		if _, err := compile(t, compiler, source); err == nil || !strings.Contains(err.Error(), "not defined") ||
			!strings.Contains(err.Error(), "k.cu") {
			t.Errorf("%s: %v", compiler, err)
		}
	}
}

// Code has a line table: a fault names the line of the source.
func TestLines(t *testing.T) {
	const source = "__global__ void k(int *out) {\n  int i = threadIdx.x;\n  if (i > 3)\n    out[i * 1000] =\n        " +
		"7;\n}\n"
	for _, compiler := range cudac.Compilers {
		t.Run(compiler, func(t *testing.T) {
			dev, k := loaded(t, compiler, source)
			p, err := dev.Malloc(16)
			if err != nil {
				t.Fatal(err)
			}
			_, err = dev.Launch(t.Context(), k, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 32}}, sim.PtrArg(p))
			if err == nil || !strings.Contains(err.Error(), "(k.cu:4): access out of bounds") &&
				!strings.Contains(err.Error(), "(k.cu:5): access out of bounds") {
				t.Error(err)
			}
		})
	}
}
