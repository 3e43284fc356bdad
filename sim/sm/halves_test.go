package sm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// halfLimits is a kernel of minima and maxima of pairs of halves, of bfloat16 and of floats; what sm_80 does not have
// is marked with 86.
const halfLimits = `
	min.f16x2 %r5, %r2, %r3;
	max.f16x2 %r6, %r2, %r3;
	min.ftz.f16x2 %r7, %r2, %r3;
	max.ftz.NaN.f16x2 %r8, %r2, %r3;
	min.NaN.f16x2 %r9, %r2, %r3;
	min.bf16x2 %r10, %r2, %r3;
	max.bf16x2 %r11, %r2, %r3;
	min.NaN.bf16x2 %r12, %r2, %r3;
	max.NaN.bf16x2 %r13, %r2, %r3;
`

const limits86 = `
	min.xorsign.abs.f16x2 %r14, %r2, %r3;
	max.NaN.xorsign.abs.f16x2 %r15, %r2, %r3;
	max.xorsign.abs.bf16x2 %r16, %r2, %r3;
	min.NaN.xorsign.abs.bf16x2 %r17, %r2, %r3;
	mov.b32 %f1, %r2; mov.b32 %f2, %r3;
	min.xorsign.abs.f32 %f3, %f1, %f2;
	max.NaN.xorsign.abs.f32 %f4, %f1, %f2;
	mov.b32 %r18, %f3; mov.b32 %r19, %f4;
`

// limit is a minimum or maximum by the definition of the PTX ISA manual, of numbers in the upper bits of a word:
// value gives one, and none is what is not a number.
type limit struct {
	less, nan, ftz, xorsign, brain, single bool
}

func (l limit) of(a, b uint32) uint32 {
	if l.single {
		return l.pick(a, b, 0x7fffffff, func(v uint32) float64 { return float64(math.Float32frombits(v)) }, 1<<31)
	}
	value, none := func(v uint32) float64 { return halfValue(uint16(v)) }, uint32(0x7fff)
	if l.brain {
		value = func(v uint32) float64 { return float64(math.Float32frombits(v << 16)) }
	}
	r := l.pick(a&0xffff, b&0xffff, none, value, 1<<15)
	return r | l.pick(a>>16, b>>16, none, value, 1<<15)<<16
}

func (l limit) pick(a, b, none uint32, value func(uint32) float64, sign uint32) uint32 {
	signs := (a ^ b) & sign
	if l.xorsign {
		a, b = a&^sign, b&^sign
	}
	if l.ftz {
		a, b = uint32(flushed(uint16(a))), uint32(flushed(uint16(b)))
	}
	x, y := value(a), value(b)
	r := a
	switch {
	case x != x && y != y, l.nan && (x != x || y != y):
		return none
	case x != x:
		r = b
	case y != y:
	case x == y && math.Signbit(x) != math.Signbit(y): // -0 is below 0
		if math.Signbit(x) != l.less {
			r = b
		}
	case x < y != l.less:
		r = b
	}
	if l.xorsign {
		r = r&^sign | signs
	}
	return r
}

// TestHalfLimits: HMNMX2 and FMNMX.XORSIGN on every pair of edge cases and on random words.
func TestHalfLimits(t *testing.T) {
	want := []limit{{less: true}, {}, {less: true, ftz: true}, {ftz: true, nan: true}, {less: true, nan: true},
		{less: true, brain: true}, {brain: true}, {less: true, nan: true, brain: true}, {nan: true, brain: true},
		{less: true, xorsign: true}, {nan: true, xorsign: true}, {xorsign: true, brain: true},
		{less: true, nan: true, xorsign: true, brain: true}, {less: true, xorsign: true, single: true},
		{nan: true, xorsign: true, single: true}}
	edges := []uint32{0, 0x8000, 1, 0x8001, 0x3ff, 0x83ff, 0x400, 0x3c00, 0xbc00, 0x3f80, 0xbf80, 0x7bff, 0xfbff,
		0x7c00, 0xfc00, 0x7c01, 0x7e00, 0xfe00, 0x7f80, 0xff80, 0x7f81, 0x7fff, 0xffff}
	r := rand.New(rand.NewPCG(2, 86))
	var in []uint32
	for _, a := range edges {
		for _, b := range edges {
			in = append(in, a|edges[r.IntN(len(edges))]<<16, b|r.Uint32()<<16)
		}
	}
	for len(in) < 2048 {
		in = append(in, r.Uint32())
	}
	for _, arch := range []int{80, 86} {
		n := 9
		text := fmt.Sprintf(".version 7.8\n.target sm_%d\n", arch) + unaryKernel("limits", 8, 64) +
			"ld.global.v2.u32 {%r2, %r3}, [%rd3];\n" + halfLimits
		if arch == 86 {
			text += limits86
			n = len(want)
		}
		for i := range n {
			text += fmt.Sprintf("st.global.u32 [%%rd4+%d], %%r%d;\n", 4*i, 5+i)
		}
		m := compiled(t, text+"ret;\n}\n", arch)
		count := len(in) / 2
		from, to := m.buffer(in), m.buffer(make([]uint32, 16*count))
		if err := m.run("limits", [3]uint32{uint32(count) / 32, 1, 1}, threads(32), from, to); err != nil {
			t.Fatal(err)
		}
		got := m.read(to, 16*count)
		for i := range count {
			for k := range n {
				if a, b := in[2*i], in[2*i+1]; got[16*i+k] != want[k].of(a, b) {
					t.Fatalf("sm_%d: %+v of %08x, %08x: %08x, want %08x", arch, want[k], a, b, got[16*i+k],
						want[k].of(a, b))
				}
			}
		}
	}
}

// unaryKernel is the start of a kernel of which each thread has addresses of its own in two buffers: in %rd3 one of
// from bytes, in %rd4 one of to bytes.
func unaryKernel(name string, from, to int) string {
	return fmt.Sprintf(`.address_size 64
.visible .entry %s(.param .u64 in, .param .u64 out)
{
	.reg .b64 %%rd<9>;
	.reg .b32 %%r<30>;
	.reg .f32 %%f<9>;
	.reg .b16 %%h<9>;
	ld.param.u64 %%rd1, [in];
	ld.param.u64 %%rd2, [out];
	mov.u32 %%r0, %%tid.x;
	mov.u32 %%r1, %%ctaid.x;
	mov.u32 %%r4, %%ntid.x;
	mad.lo.u32 %%r1, %%r1, %%r4, %%r0;
	mul.wide.u32 %%rd3, %%r1, %d;
	add.u64 %%rd3, %%rd1, %%rd3;
	mul.wide.u32 %%rd4, %%r1, %d;
	add.u64 %%rd4, %%rd2, %%rd4;
`, name, from, to)
}

// TestHalfFunctions: ex2 and tanh of all 65,536 halves, within the errors that the PTX ISA states.
func TestHalfFunctions(t *testing.T) {
	for _, arch := range []int{75, 80, 86} {
		text := fmt.Sprintf(".version 7.8\n.target sm_%d\n", arch) + unaryKernel("functions", 4, 8) + `
	ld.global.u32 %r2, [%rd3];
	ex2.approx.f16x2 %r5, %r2;
	mov.b32 {%h1, %h2}, %r2;
	tanh.approx.f16 %h3, %h2;
	tanh.approx.f16 %h4, %h1;
	mov.b32 %r6, {%h4, %h3};
	st.global.v2.u32 [%rd4], {%r5, %r6};
	ret;
}
`
		m := compiled(t, text, arch)
		in := make([]uint32, 1<<15)
		for i := range in {
			in[i] = uint32(i) | uint32(0xffff-i)<<16
		}
		from, to := m.buffer(in), m.buffer(make([]uint32, 2*len(in)))
		if err := m.run("functions", [3]uint32{32, 1, 1}, threads(1024), from, to); err != nil {
			t.Fatal(err)
		}
		got := m.read(to, 2*len(in))
		for i, u := range in {
			for h := 0; h < 32; h += 16 {
				x := halfValue(uint16(u >> h))
				power, tangent := halfValue(uint16(got[2*i]>>h)), halfValue(uint16(got[2*i+1]>>h))
				p := math.Exp2(x)
				switch {
				case x != x:
					if power == power || tangent == tangent {
						t.Fatalf("sm_%d: %#x is no number: %g, %g", arch, uint16(u>>h), power, tangent)
					}
					continue
				case p > 65504+16:
					p = math.Inf(1)
				}
				// Results below the least normal half have fewer bits than the stated relative error.
				if !(math.Abs(power-p) <= max(math.Exp2(-9.9)*p, 0x1p-25)) && power != p {
					t.Fatalf("sm_%d: ex2(%g) is %g, want %g", arch, x, power, p)
				}
				if want := math.Tanh(x); !(math.Abs(tangent-want) <= math.Exp2(-10.987)) ||
					math.Signbit(tangent) != math.Signbit(x) {
					t.Fatalf("sm_%d: tanh(%g) is %g, want %g", arch, x, tangent, want)
				}
			}
		}
	}
}
