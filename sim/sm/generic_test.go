package sm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// everywhere is a kernel, %[1]s, of atomics at generic addresses: threads whose number is odd have them in shared
// memory, the others in global memory. Each does %[2]s at a place of its own that holds its first number, with its
// second one.
const everywhere = `
.visible .entry %[1]s(.param .u64 in, .param .u64 out)
{
	.reg .b64 %%rd<20>;
	.reg .b32 %%r<20>;
	.reg .pred %%p<2>;
	.shared .align 8 .b8 room[2048];
	ld.param.u64 %%rd1, [in];
	ld.param.u64 %%rd2, [out];
	mov.u32 %%r1, %%tid.x;
	mul.wide.u32 %%rd3, %%r1, 16;
	add.u64 %%rd4, %%rd1, %%rd3;
	add.u64 %%rd5, %%rd2, %%rd3;
	ld.global.v4.u32 {%%r7, %%r8, %%r5, %%r9}, [%%rd4];
	mov.b64 %%rd6, {%%r7, %%r8};
	mov.b64 %%rd7, {%%r5, %%r9};
	mov.u32 %%r2, room;
	shl.b32 %%r3, %%r1, 3;
	add.u32 %%r2, %%r2, %%r3;
	cvt.u64.u32 %%rd8, %%r2;
	cvta.shared.u64 %%rd8, %%rd8;
	and.b32 %%r4, %%r1, 1;
	setp.eq.u32 %%p1, %%r4, 1;
	selp.b64 %%rd9, %%rd8, %%rd5, %%p1;
	st.u64 [%%rd9], %%rd6;
	%[2]s
	ld.u64 %%rd11, [%%rd9];
	st.global.v2.u64 [%%rd5], {%%rd10, %%rd11};
	ret;
}
`

// TestGenericAtomics: ATOM in both memories, with the code that ptxas puts behind sums of floats (QSPC, ATOMS.CAST).
func TestGenericAtomics(t *testing.T) {
	f32 := func(v uint64) float32 { return math.Float32frombits(uint32(v)) }
	cases := []struct {
		name, ptx string
		wide      bool
		after     func(old, by uint64) uint64
	}{
		{"u32", "add.u32", false, func(a, b uint64) uint64 { return uint64(uint32(a + b)) }},
		{"s32", "max.s32", false, func(a, b uint64) uint64 { return uint64(uint32(max(int32(a), int32(b)))) }},
		{"u64", "add.u64", true, func(a, b uint64) uint64 { return a + b }},
		{"exch", "exch.b32", false, func(a, b uint64) uint64 { return uint64(uint32(b)) }},
		{"f32", "add.f32", false, func(a, b uint64) uint64 { return uint64(math.Float32bits(f32(a) + f32(b))) }},
		{"f64", "add.f64", true, func(a, b uint64) uint64 {
			return math.Float64bits(math.Float64frombits(a) + math.Float64frombits(b))
		}},
		{"f16x2", "add.noftz.f16x2", false, func(a, b uint64) uint64 {
			return uint64(pair(func(i int) uint16 {
				return halfBits(halfValue(half(uint32(a), i)) + halfValue(half(uint32(b), i)))
			}))
		}},
	}
	for _, arch := range []int{61, 70, 75, 80, 86} {
		text := fmt.Sprintf(".version 7.8\n.target sm_%d\n.address_size 64\n", arch)
		for _, c := range cases {
			code := fmt.Sprintf("atom.%s %%rd10, [%%rd9], %%rd7;", c.ptx)
			if !c.wide {
				code = fmt.Sprintf("atom.%s %%r6, [%%rd9], %%r5; cvt.u64.u32 %%rd10, %%r6;", c.ptx)
			}
			text += fmt.Sprintf(everywhere, c.name, code)
		}
		m := compiled(t, text, arch)
		for _, c := range cases {
			const n = 128
			r := rand.New(rand.NewPCG(3, uint64(arch)))
			in := make([]uint32, 4*n)
			number := func() uint64 {
				v := uint64(r.Uint32())
				switch c.name {
				case "u64":
					v = r.Uint64()
				case "f32":
					v = uint64(math.Float32bits(float32(r.NormFloat64())))
				case "f64":
					v = math.Float64bits(r.NormFloat64())
				}
				return v
			}
			for i := 0; i < len(in); i += 2 {
				v := number()
				in[i], in[i+1] = uint32(v), uint32(v>>32)
			}
			from, to := m.buffer(in), m.buffer(make([]uint32, 4*n))
			if err := m.run(c.name, [3]uint32{1, 1, 1}, threads(n), from, to); err != nil {
				t.Fatalf("sm_%d, %s: %v", arch, c.name, err)
			}
			got := m.read(to, 4*n)
			for i := range n {
				word := func(w []uint32, k int) uint64 { return uint64(w[4*i+k]) | uint64(w[4*i+k+1])<<32 }
				a, b := word(in, 0), word(in, 2)
				old, now, want := word(got, 0), word(got, 2), c.after(a, b)
				if old != a || now != want {
					t.Fatalf("sm_%d, %s of %#x, %#x in thread %d: old value %#x, new %#x, want %#x", arch, c.name, a, b,
						i, old, now, want)
				}
			}
		}
	}
}

// halfAtoms is a kernel of atomics on pairs of halves in global memory, with and without a result.
const halfAtoms = `
	ld.global.v2.u32 {%r2, %r3}, [%rd3];
	st.global.v4.u32 [%rd4], {%r2, %r2, %r2, %r2};
	atom.global.add.noftz.f16x2 %r5, [%rd4], %r3;
	red.global.add.noftz.f16x2 [%rd4+4], %r3;
	st.global.u32 [%rd4+8], %r5;
	ret;
}
`

// TestHalfAtomics: sums of halves by atomics, rounded to the nearest, denormals kept, each half by itself.
func TestHalfAtomics(t *testing.T) {
	edges := []uint32{0, 0x8000, 1, 0x8001, 0x3ff, 0x83ff, 0x400, 0x8400, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00,
		0xfc00, 0x7e00, 0x7801, 0x5000, 0x4fff, 0x3c01, 0x1000, 0x0fff}
	r := rand.New(rand.NewPCG(16, 2))
	var in []uint32
	for _, a := range edges {
		for _, b := range edges {
			in = append(in, a|r.Uint32()<<16, b|edges[r.IntN(len(edges))]<<16)
		}
	}
	for len(in) < 2048 {
		in = append(in, r.Uint32())
	}
	for _, arch := range []int{61, 70, 75, 80, 86} {
		m := compiled(t, fmt.Sprintf(".version 7.8\n.target sm_%d\n", arch)+unaryKernel("atoms", 8, 16)+halfAtoms, arch)
		n := len(in) / 2
		from, to := m.buffer(in), m.buffer(make([]uint32, 4*n))
		if err := m.run("atoms", [3]uint32{uint32(n) / 128, 1, 1}, threads(128), from, to); err != nil {
			t.Fatalf("sm_%d: %v", arch, err)
		}
		got := m.read(to, 4*n)
		for i := range n {
			a, b := in[2*i], in[2*i+1]
			want := pair(func(h int) uint16 { return halfBits(halfValue(half(a, h)) + halfValue(half(b, h))) })
			if got[4*i] != want || got[4*i+1] != want || got[4*i+2] != a {
				t.Fatalf("sm_%d: %08x + %08x: %08x with a result (%08x), %08x without, want %08x", arch, a, b, got[4*i],
					got[4*i+2], got[4*i+1], want)
			}
		}
	}
}
