package sim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/sim"
)

var (
	randomPrograms = flag.Int("programs", 1,
		"random programs that TestRandomPrograms compiles, for the host and for the GPU")
	randomSeed = flag.Uint64("programseed", 1, "first seed of TestRandomPrograms")
	randomKeep = flag.String("programkeep", "", "folder in which TestRandomPrograms leaves programs that differ")
)

// randomTargets are the GPUs for which random programs are compiled, with what clang has to be told of them, and how
// many of the levels of optimisation: all, or the first few.
var randomTargets = []struct {
	gpu, arch string
	ptx       string // version
	levels    int
}{
	{"gtx1080ti", "sm_61", "", 6}, {"a100-40g", "sm_80", "+ptx70", 2}, {"rtx2070super", "sm_75", "+ptx63", 1},
	{"rtx3090", "sm_86", "+ptx71", 1}, {"v100", "sm_70", "+ptx60", 1},
}

// TestRandomPrograms compiles random C programs for this machine and for GPUs of each family, at levels of
// optimisation, and compares what they compute, in time and for values alone, bit for bit. It needs the tool chain of
// scripts/toolchain.sh.
func TestRandomPrograms(t *testing.T) {
	tools := toolchain(t)
	for seed := *randomSeed; seed < *randomSeed+uint64(*randomPrograms); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := &programs{r: rand.New(rand.NewPCG(seed, 99))}
			dir := t.TempDir()
			write := func(name string, data []byte) string {
				p := filepath.Join(dir, name)
				if err := os.WriteFile(p, data, 0o644); err != nil {
					t.Fatal(err)
				}
				return p
			}
			src := write("k.cu", []byte(g.program()))
			in := randomWords(g.r, randomThreads*randomIn)
			input := write("in", in)
			compile(t, filepath.Join(tools, "clang-19"), "-x", "c++", "-O1", "-w", "-fwrapv", "-fno-strict-aliasing",
				"-ffp-contract=off", "-mfma", "-msse4.1", src, "-o", filepath.Join(dir, "host"), "-lm", "-lstdc++")
			want, err := exec.Command(filepath.Join(dir, "host"), input).Output()
			if err != nil {
				t.Fatalf("the host's program: %v", err)
			}
			for _, c := range randomCases() {
				opt := c.opt
				ptx, cubin := filepath.Join(dir, "k.ptx"), filepath.Join(dir, "k.cubin")
				front := append(strings.Fields(opt[0]), c.clang...)
				compile(t, filepath.Join(tools, "clang-19"), append(front, "-x", "cuda", "--cuda-device-only",
					"--cuda-gpu-arch="+c.arch, "-nocudainc", "-nocudalib", "-nogpulib", "-fdeclspec", "-w", "-fwrapv",
					"-fno-strict-aliasing", "-ffp-contract=off", "-I", "../workloads/kernels", "-S", src, "-o", ptx)...)
				compile(t, filepath.Join(tools, "ptxas"),
					append(strings.Fields(opt[1]), "-arch="+c.arch, "-w", ptx, "-o", cubin)...)
				data, err := os.ReadFile(cubin)
				if err != nil {
					t.Fatal(err)
				}
				got, err := runRandom(c.gpu, data, in, false)
				if err == nil {
					err = differ(got, want)
				}
				if err == nil {
					if got, err = runRandom(c.gpu, data, in, true); err == nil {
						err = differ(got, want)
					}
				}
				if err != nil {
					t.Errorf("%s, clang %s, ptxas %s: %v", c.arch, opt[0], opt[1], err)
					if *randomKeep != "" {
						to := filepath.Join(*randomKeep, fmt.Sprintf("%d-%s%s%s", seed, c.arch, opt[0], opt[1]))
						os.MkdirAll(to, 0o755)
						for _, f := range []string{"k.cu", "k.ptx", "k.cubin", "in", "host"} {
							b, _ := os.ReadFile(filepath.Join(dir, f))
							os.WriteFile(filepath.Join(to, f), b, 0o755)
						}
					}
				}
			}
		})
	}
}

// randomCase is a GPU and a way of compiling for it: the options of clang and of ptxas.
type randomCase struct {
	gpu, arch string
	clang     []string
	opt       [2]string
}

// randomCases lists them; with more than one program, all ways for each GPU.
func randomCases() (list []randomCase) {
	for _, target := range randomTargets {
		for i, opt := range [][2]string{{"-O3", "-O3"}, {"-O0", "-O0"}, {"-O3", "-maxrregcount=24"},
			{"-O0 -g", "-O0 -g"}, {"-O1", "-O3"}, {"-O2", "-O1"}} {
			c := randomCase{gpu: target.gpu, arch: target.arch, opt: opt}
			if target.ptx != "" {
				c.clang = []string{"-Wno-unknown-cuda-version", "-Xclang", "-target-feature", "-Xclang", target.ptx}
			}
			if i < target.levels || *randomPrograms > 1 {
				list = append(list, c)
			}
		}
	}
	return list
}

// toolchain returns the folder of the kernel tool chain's programs, or skips the test.
func toolchain(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WARPDROP_TOOLCHAIN")
	if dir == "" {
		dir = filepath.Join("..", ".toolchain")
	}
	for _, name := range []string{"clang-19", "ptxas"} {
		if _, err := os.Stat(filepath.Join(dir, "bin", name)); err != nil {
			t.Skipf("%s is not installed (scripts/toolchain.sh installs it)", name)
		}
	}
	return filepath.Join(dir, "bin")
}

func compile(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
}

const (
	randomThreads = 96
	randomIn      = 16
	randomOut     = 16
	randomKernels = 4
)

func runRandom(name string, cubin, in []byte, functional bool) ([]byte, error) {
	gpu, err := sim.LoadGPU(name)
	if err != nil {
		return nil, err
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		return nil, err
	}
	dev.MaxCycles, dev.Functional = 50_000_000, functional
	mod, err := dev.LoadModule(cubin)
	if err != nil {
		return nil, err
	}
	var out []byte
	for i := range randomKernels {
		k, err := mod.Kernel(fmt.Sprintf("k%d", i))
		if err != nil {
			return nil, err
		}
		a, err := dev.Malloc(int64(len(in)))
		if err != nil {
			return nil, err
		}
		b, err := dev.Malloc(4 * randomThreads * randomOut)
		if err != nil {
			return nil, err
		}
		if err := dev.Write(a, in); err != nil {
			return nil, err
		}
		if _, err := dev.Launch(context.Background(), k, sim.LaunchConfig{Block: sim.Dim3{X: randomThreads}}, sim.PtrArg(a),
			sim.PtrArg(b)); err != nil {
			return nil, err
		}
		o := make([]byte, 4*randomThreads*randomOut)
		if err := dev.Read(b, o); err != nil {
			return nil, err
		}
		out = append(out, o...)
	}
	return out, nil
}

func differ(got, want []byte) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d bytes, want %d", len(got), len(want))
	}
	n := 0
	var s strings.Builder
	for i := 0; i < len(got); i += 4 {
		g, w := binary.LittleEndian.Uint32(got[i:]), binary.LittleEndian.Uint32(want[i:])
		if g != w {
			if n++; n <= 5 {
				k, at := i/4/(randomThreads*randomOut), i/4%(randomThreads*randomOut)
				fmt.Fprintf(&s, "\n  k%d, thread %d, output %d: %#x, want %#x", k, at/randomOut, at%randomOut, g, w)
			}
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d words differ:%s", n, s.String())
}

// randomWords are inputs with many that arithmetic trips over.
func randomWords(r *rand.Rand, n int) []byte {
	edges := []uint32{0, 1, 2, 31, 32, 33, 0x7fffffff, 0x80000000, 0xffffffff, 0x007fffff, 0x00800000, 0x3f800000,
		0xbf800000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffff, 0x8000}
	var b []byte
	for range n {
		v := r.Uint32()
		switch r.IntN(4) {
		case 0:
			v = edges[r.IntN(len(edges))]
		case 1:
			v = uint32(int32(r.IntN(200) - 100))
		case 2:
			v = 0x3e000000 + r.Uint32N(0x06000000) | r.Uint32()&0x80000000
		}
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// programs writes random programs without undefined behaviour.
type programs struct {
	r     *rand.Rand
	b     bytes.Buffer
	funcs int // callable from here on
	depth int
	loops int
	vars  []variable
	next  int
	pure  bool // no output: in a helper function
}

type variable struct {
	name, typ string
	constant  bool
}

var (
	integerTypes = []string{"i32", "u32", "i64", "u64", "i8", "u8", "i16", "u16"}
	floatTypes   = []string{"f32", "f64"}
)

const prelude = `#ifdef __CUDA__
#include "cuda.h"
#define D __device__
#else
#include <stdio.h>
#include <stdlib.h>
#define D
#define __noinline__ __attribute__((noinline))
#define __constant__
#endif
typedef int i32; typedef unsigned u32; typedef long long i64; typedef unsigned long long u64; typedef signed char i8; typedef unsigned char u8;
typedef short i16; typedef unsigned short u16; typedef float f32; typedef double f64;
static D inline f32 F(u32 x) { return __builtin_bit_cast(f32, x); }
static D inline u32 outf(f32 x) { return x != x ? 0x7fc00000u : __builtin_bit_cast(u32, x); }
static D inline u64 outd(f64 x) { return x != x ? 0x7ff8000000000000ull : __builtin_bit_cast(u64, x); }
static D inline f32 cpsf(f32 x, f32 y) { return y != y ? x : __builtin_copysignf(x, y); }
static D inline f64 cps(f64 x, f64 y) { return y != y ? x : __builtin_copysign(x, y); }
static D inline i32 toi(f64 x) { return x > -2e9 && x < 2e9 ? (i32)x : 77; }
static D inline u32 tou(f32 x) { return x > -0.5f && x < 4e9f ? (u32)x : 78; }
static D inline i64 tol(f64 x) { return x > -9e18 && x < 9e18 ? (i64)x : 79; }
static D inline u64 toul(f64 x) { return x > -0.5 && x < 1.8e19 ? (u64)x : 80; }
static D inline i32 divi(i32 a, i32 b) { return b == 0 || (b == -1 && a == (i32)0x80000000) ? a : a / b; }
static D inline i32 remi(i32 a, i32 b) { return b == 0 || b == -1 ? 5 : a % b; }
static D inline i64 divl(i64 a, i64 b) { return b == 0 || (b == -1 && a == (i64)1 << 63) ? a : a / b; }
static D inline i64 reml(i64 a, i64 b) { return b == 0 || b == -1 ? 6 : a % b; }
static D inline u32 rot(u32 x, u32 n) { n &= 31; return n ? x << n | x >> (32 - n) : x; }
static D inline u64 mulh(u64 a, u64 b) { return (u64)((unsigned __int128)a * b >> 64); }
static D inline i64 mulhs(i64 a, i64 b) { return (i64)((__int128)a * b >> 64); }
static D inline u64 carry(u64 a, u64 b) { u64 r; return __builtin_add_overflow(a, b, &r) ? r ^ 0x55 : r; }
static D inline i32 over(i32 a, i32 b) { i32 r; return __builtin_sub_overflow(a, b, &r) ? r ^ 0x33 : r; }
static D inline i64 overm(i64 a, i64 b) { i64 r; return __builtin_mul_overflow(a, b, &r) ? r ^ 0x77 : r; }
`

func (g *programs) pick(list []string) string { return list[g.r.IntN(len(list))] }

func (g *programs) typ() string {
	switch n := g.r.IntN(10); {
	case n < 5:
		return g.pick(integerTypes[:4])
	case n < 7:
		return g.pick(integerTypes[4:])
	case n < 9:
		return "f32"
	}
	return "f64"
}

func isFloat(t string) bool { return t[0] == 'f' }

func (g *programs) fresh() string { g.next++; return fmt.Sprintf("v%d", g.next) }

// program returns the source of randomKernels kernels that serves for both compilers.
func (g *programs) program() string {
	g.b.WriteString(prelude)
	fmt.Fprintf(&g.b, "__constant__ const %s table[32] = {", "i32")
	for range 32 {
		fmt.Fprintf(&g.b, "%d,", int32(g.r.Uint32()>>g.r.IntN(32)))
	}
	g.b.WriteString("};\n")
	fmt.Fprintf(&g.b, "D %s variables[16] = {", "i64")
	for range 16 {
		fmt.Fprintf(&g.b, "%d,", int64(g.r.Uint64()>>g.r.IntN(64)))
	}
	g.b.WriteString("};\n")
	g.b.WriteString("D __noinline__ i32 rec(i32 n, i32 x) { if (n <= 0) return x; i32 y = rec(n - 1, x * 3 + 1); " +
		"return y ^ (n & 1 ? rec(n - 2, y) : x); }\n")
	for range 3 {
		g.helper()
	}
	for i := range randomKernels {
		g.kernel(i)
	}
	fmt.Fprintf(&g.b, `#ifndef __CUDA__
static u32 in[%d], out[%d];
int main(int n, char **v) {
  FILE *f = fopen(v[1], "rb");
  if (fread(in, 4, %[1]d, f) != %[1]d) return 1;
`, randomThreads*randomIn, randomThreads*randomOut)
	for i := range randomKernels {
		fmt.Fprintf(&g.b,
			"  for (int t = 0; t < %d; t++) body%d(in + t * %d, out + t * %d, t);\n  fwrite(out, 4, %d, stdout);\n",
			randomThreads, i, randomIn, randomOut, randomThreads*randomOut)
		g.b.WriteString("  __builtin_memset(out, 0, sizeof out);\n")
	}
	g.b.WriteString("}\n#endif\n")
	return g.b.String()
}

func (g *programs) helper() {
	g.vars = nil
	fmt.Fprintf(&g.b, "D __noinline__ i32 h%d(i32 a, u64 b, f32 c) {\n", g.funcs)
	g.vars = append(g.vars, variable{"a", "i32", false}, variable{"b", "u64", false}, variable{"c", "f32", false})
	g.pure, g.depth, g.loops = true, 2, 1
	for range 3 {
		g.statement("  ")
	}
	fmt.Fprintf(&g.b, "  return %s;\n}\n", g.expr("i32", 2))
	g.funcs++
	g.pure = false
}

func (g *programs) kernel(i int) {
	g.vars = nil
	fmt.Fprintf(&g.b, "static D void body%d(const u32 *in, u32 *out, i32 t) {\n", i)
	g.b.WriteString("  i32 arr[8]; u8 bytes[16]; f32 fs[4]; u64 ls[4];\n")
	g.b.WriteString("  for (i32 i = 0; i < 8; i++) arr[i] = in[i];\n  for (i32 i = 0; i < 16; i++) bytes[i] = in[i];\n " +
		" for (i32 i = 0; i < 4; i++) fs[i] = F(in[i + 4]), ls[i] = (u64)in[i] << 32 | in[i + 8];\n")
	g.vars = append(g.vars, variable{"t", "i32", true})
	for j := range 6 {
		typ := g.typ()
		name := g.fresh()
		fmt.Fprintf(&g.b, "  %s %s = %s;\n", typ, name, g.input(typ, 2*j))
		g.vars = append(g.vars, variable{name, typ, false})
	}
	g.depth, g.loops = 0, 0
	for range 6 + g.r.IntN(6) {
		g.statement("  ")
	}
	// Results: all variables, folded into the outputs.
	for j := range randomOut / 2 {
		v := g.vars[g.r.IntN(len(g.vars))]
		fmt.Fprintf(&g.b, "  out[%d] = (u32)(%s); out[%d] = (u32)((%s) >> 32);\n", 2*j, g.word(v), 2*j+1, g.word(v))
	}
	g.b.WriteString("  for (i32 i = 0; i < 8; i++) out[i] ^= arr[i] ^ bytes[2 * i + 1] * 0x01010101u ^ (u32)ls[i & 3] " +
		"^ (u32)(ls[i & 3] >> 32) ^ outf(fs[i & 3]);\n}\n")
	fmt.Fprintf(&g.b,
		"#ifdef __CUDA__\nextern \"C\" __global__ void k%d(const u32 *in, u32 *out) { int t = threadIdx.x; body%d(in + t "+
			"* %d, out + t * %d, t); }\n#endif\n", i, i, randomIn, randomOut)
}

func (g *programs) input(typ string, j int) string {
	switch typ {
	case "f32":
		return fmt.Sprintf("F(in[%d])", j)
	case "f64":
		return fmt.Sprintf("(f64)F(in[%d]) * (f64)(i32)in[%d]", j, j+1)
	case "i64", "u64":
		return fmt.Sprintf("(%s)((u64)in[%d] << 32 | in[%d])", typ, j, j+1)
	}
	return fmt.Sprintf("(%s)in[%d]", typ, j)
}

// word is a variable's 64 bits.
func (g *programs) word(v variable) string {
	switch v.typ {
	case "f32":
		return "(u64)outf(" + v.name + ")"
	case "f64":
		return "outd(" + v.name + ")"
	}
	return "(u64)" + v.name
}

// target returns a variable that may be written.
func (g *programs) target() variable {
	for {
		if v := g.vars[g.r.IntN(len(g.vars))]; !v.constant {
			return v
		}
	}
}

func (g *programs) statement(in string) {
	n := g.r.IntN(14)
	if g.depth >= 2 && n >= 8 {
		n %= 8
	}
	if g.pure && (n == 6 || n == 7) {
		n = 0
	}
	switch {
	case n < 4:
		v := g.target()
		fmt.Fprintf(&g.b, "%s%s = %s;\n", in, v.name, g.expr(v.typ, 3))
	case n == 4:
		v := g.target()
		op := g.pick([]string{"+=", "-=", "*="})
		fmt.Fprintf(&g.b, "%s%s %s %s;\n", in, v.name, op, g.expr(v.typ, 2))
	case n == 5:
		typ, name := g.typ(), g.fresh()
		fmt.Fprintf(&g.b, "%s%s %s = %s;\n", in, typ, name, g.expr(typ, 3))
		if g.depth == 0 || g.pure && g.depth == 2 {
			g.vars = append(g.vars, variable{name, typ, false})
		}
	case n == 6:
		switch g.r.IntN(4) {
		case 0:
			fmt.Fprintf(&g.b, "%sarr[%s & 7] = %s;\n", in, g.expr("i32", 1), g.expr("i32", 2))
		case 1:
			fmt.Fprintf(&g.b, "%sbytes[%s & 15] = %s;\n", in, g.expr("u32", 1), g.expr("u8", 2))
		case 2:
			fmt.Fprintf(&g.b, "%sfs[%s & 3] = %s;\n", in, g.expr("u32", 1), g.expr("f32", 2))
		default:
			fmt.Fprintf(&g.b, "%sls[%s & 3] += %s;\n", in, g.expr("u32", 1), g.expr("u64", 2))
		}
	case n == 7:
		fmt.Fprintf(&g.b, "%s{ i32 *p = %s ? &arr[%s & 7] : (i32 *)&fs[%s & 3]; if (p >= arr && p < arr + 8) *p ^= %s; }\n",
			in, g.cond(1), g.expr("u32", 1), g.expr("u32", 1), g.expr("i32", 1))
	case n < 10:
		fmt.Fprintf(&g.b, "%sif (%s) {\n", in, g.cond(2))
		g.block(in)
		if g.r.IntN(2) == 0 {
			fmt.Fprintf(&g.b, "%s} else {\n", in)
			g.block(in)
		}
		fmt.Fprintf(&g.b, "%s}\n", in)
	case n < 12 && g.loops < 2:
		i := g.fresh()
		g.loops++
		fmt.Fprintf(&g.b, "%sfor (i32 %s = 0; %s < (i32)((%s) & 7); %s++) {\n", in, i, i, g.expr("u32", 1), i)
		g.vars = append(g.vars, variable{i, "i32", true})
		g.block(in)
		if g.r.IntN(2) == 0 {
			fmt.Fprintf(&g.b, "%s  if (%s) %s;\n", in, g.cond(1), g.pick([]string{"break", "continue"}))
			g.block(in)
		}
		for k, v := range g.vars {
			if v.name == i {
				g.vars = append(g.vars[:k:k], g.vars[k+1:]...)
				break
			}
		}
		fmt.Fprintf(&g.b, "%s}\n", in)
		g.loops--
	default:
		cases := 3 + g.r.IntN(8)
		fmt.Fprintf(&g.b, "%sswitch ((u32)(%s) %% %d) {\n", in, g.expr("u32", 2), cases+1)
		g.depth++
		for c := range cases {
			fmt.Fprintf(&g.b, "%scase %d: {\n", in, c)
			g.statement(in + "  ")
			g.b.WriteString(in + "}\n")
			if g.r.IntN(5) > 0 {
				g.b.WriteString(in + "break;\n")
			}
		}
		g.depth--
		v := g.target()
		fmt.Fprintf(&g.b, "%sdefault: %s = %s;\n%s}\n", in, v.name, g.expr(v.typ, 1), in)
	}
}

func (g *programs) block(in string) {
	g.depth++
	for range 1 + g.r.IntN(3) {
		g.statement(in + "  ")
	}
	g.depth--
}

func (g *programs) cond(d int) string {
	if d > 0 && g.r.IntN(4) == 0 {
		return "(" + g.cond(d-1) + g.pick([]string{" && ", " || "}) + g.cond(d-1) + ")"
	}
	t := g.typ()
	return "(" + g.expr(t, d) + g.pick([]string{" < ", " <= ", " > ", " >= ", " == ", " != "}) + g.expr(t, d) + ")"
}

func (g *programs) leaf(typ string) string {
	if g.r.IntN(4) > 0 {
		for range 8 {
			if v := g.vars[g.r.IntN(len(g.vars))]; v.typ == typ {
				return v.name
			}
		}
	}
	if g.r.IntN(3) == 0 {
		return g.cast(typ, g.vars[g.r.IntN(len(g.vars))])
	}
	switch typ {
	case "f32":
		return g.pick([]string{"1.5f", "-0.0f", "0.1f", "3.0f", "1e-39f", "1e30f", "-7.25f"})
	case "f64":
		return g.pick([]string{"1.5", "-0.0", "0.1", "3.0", "1e-310", "1e300", "-7.25"})
	}
	return fmt.Sprintf("(%s)%d", typ, []int64{0, 1, -1, 7, 31, 32, 255, 65537, -128,
		int64(int32(g.r.Uint32()))}[g.r.IntN(10)])
}

// cast converts a variable without undefined behaviour.
func (g *programs) cast(typ string, v variable) string {
	if isFloat(v.typ) && !isFloat(typ) {
		switch typ {
		case "u32":
			if v.typ == "f32" {
				return "tou(" + v.name + ")"
			}
		case "i64":
			return "tol(" + v.name + ")"
		case "u64":
			return "toul(" + v.name + ")"
		}
		return "(" + typ + ")toi(" + v.name + ")"
	}
	return "(" + typ + ")" + v.name
}

func (g *programs) expr(typ string, d int) string {
	if d <= 0 || g.r.IntN(6) == 0 {
		return g.leaf(typ)
	}
	e := func(t string) string { return g.expr(t, d-1) }
	f := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	if g.r.IntN(10) == 0 {
		return f("(%s ? %s : %s)", g.cond(d-1), e(typ), e(typ))
	}
	if isFloat(typ) {
		s := ""
		if typ == "f32" {
			s = "f"
		}
		switch g.r.IntN(14) {
		case 0, 1:
			return f("(%s + %s)", e(typ), e(typ))
		case 2:
			return f("(%s - %s)", e(typ), e(typ))
		case 3, 4:
			return f("(%s * %s)", e(typ), e(typ))
		case 5:
			return f("(%s / %s)", e(typ), e(typ))
		case 6:
			return f("__builtin_fma%s(%s, %s, %s)", s, e(typ), e(typ), e(typ))
		case 7:
			return f("__builtin_%s%s(%s)", g.pick([]string{"fabs", "floor", "ceil", "trunc", "rint", "sqrt"}), s, e(typ))
		case 8:
			return f("cps%s(%s, %s)", s, e(typ), e(typ))
		case 9:
			return f("(- %s)", e(typ))
		case 10, 11:
			return f("(%s)%s", typ, e(g.pick(integerTypes)))
		case 12:
			return f("(%s)%s", typ, e(g.pick(floatTypes)))
		}
		if !g.pure && typ == "f32" {
			return f("fs[%s & 3]", e("u32"))
		}
		return g.leaf(typ)
	}
	wide := typ == "i64" || typ == "u64"
	switch g.r.IntN(24) {
	case 0, 1, 2:
		return f("(%s)(%s + %s)", typ, e(typ), e(typ))
	case 3, 4:
		return f("(%s)(%s - %s)", typ, e(typ), e(typ))
	case 5, 6:
		return f("(%s)(%s * %s)", typ, e(typ), e(typ))
	case 7, 8, 9:
		return f("(%s)(%s %s %s)", typ, e(typ), g.pick([]string{"&", "|", "^"}), e(typ))
	case 10:
		if wide {
			return f("(%s)(%s << (%s & 63))", typ, e(typ), e("u32"))
		}
		return f("(%s)(%s << (%s & 31))", typ, e(typ), e("u32"))
	case 11, 12:
		if wide {
			return f("(%s)(%s >> (%s & 63))", typ, e(typ), e("u32"))
		}
		return f("(%s)(%s >> (%s & 31))", typ, e(typ), e("u32"))
	case 13:
		switch typ {
		case "u32", "u64", "u8", "u16":
			return f("(%s)(%s %s (%s)(%s | 1))", typ, e(typ), g.pick([]string{"/", "%"}), typ, e(typ))
		case "i64":
			return f("%s(%s, %s)", g.pick([]string{"divl", "reml"}), e(typ), e(typ))
		}
		return f("(%s)%s(%s, %s)", typ, g.pick([]string{"divi", "remi"}), e("i32"), e("i32"))
	case 14:
		return f("(%s)(~%s)", typ, e(typ))
	case 15, 16:
		return f("(%s)%s", typ, e(g.pick(integerTypes)))
	case 17:
		return g.pick([]string{f("(%s)toi(%s)", typ, e("f64")), f("(%s)tou(%s)", typ, e("f32")),
			f("(%s)tol(%s)", typ, e("f64")), f("(%s)toul(%s)", typ, e("f64"))})
	case 18:
		return g.pick([]string{f("(%s)__builtin_popcount(%s)", typ, e("u32")), f("(%s)__builtin_clz(%s | 1)", typ, e("u32")),
			f("(%s)__builtin_bitreverse32(%s)", typ, e("u32")), f("(%s)__builtin_bswap32(%s)", typ, e("u32")),
			f("(%s)__builtin_popcountll(%s)", typ, e("u64")), f("(%s)__builtin_clzll(%s | 1)", typ, e("u64")),
			f("(%s)__builtin_ctz(%s | 0x10000)", typ, e("u32")), f("(%s)rot(%s, %s)", typ, e("u32"), e("u32")),
			f("(%s)__builtin_bswap64(%s)", typ, e("u64"))})
	case 19:
		return g.pick([]string{f("(%s)mulh(%s, %s)", typ, e("u64"), e("u64")),
			f("(%s)mulhs(%s, %s)", typ, e("i64"), e("i64")), f("(%s)carry(%s, %s)", typ, e("u64"), e("u64")),
			f("(%s)over(%s, %s)", typ, e("i32"), e("i32")), f("(%s)((u64)%s * %s >> 32)", typ, e("u32"), e("u32")),
			f("(%s)((i64)%s * %s >> 32)", typ, e("i32"), e("i32")), f("(%s)((i64)%s * %s)", typ, e("i32"), e("i32")),
			f("(%s)((i32)%s * %s + %s)", typ, e("i16"), e("i16"), e("i32"))})
	case 20:
		if g.pure {
			return g.pick([]string{f("(%s)table[%s & 31]", typ, e("u32")), f("(%s)variables[%s & 15]", typ, e("u32"))})
		}
		return g.pick([]string{f("(%s)arr[%s & 7]", typ, e("u32")), f("(%s)bytes[%s & 15]", typ, e("u32")),
			f("(%s)ls[%s & 3]", typ, e("u32")), f("(%s)in[%s & 15]", typ, e("u32")), f("(%s)variables[%s & 15]", typ, e("u32"))})
	case 21:
		if g.funcs > 0 && g.loops == 0 {
			return f("(%s)h%d(%s, %s, %s)", typ, g.r.IntN(g.funcs), e("i32"), e("u64"), e("f32"))
		}
		return f("(%s)table[%s & 31]", typ, e("u32"))
	case 22:
		if g.loops == 0 && !g.pure {
			return f("(%s)rec(%s & 5, %s)", typ, e("i32"), e("i32"))
		}
		return g.leaf(typ)
	}
	return f("(%s)(%s)", typ, g.cond(d-1))
}
