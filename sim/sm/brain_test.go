package sm

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// brains is a kernel of multiply-adds, sums and products of pairs of bfloat16.
const brains = `.version 7.8
.target sm_%d
.address_size 64
.visible .entry brains(.param .u64 in, .param .u64 out)
{
	.reg .b64 %%rd<5>;
	.reg .b32 %%r<12>;
	ld.param.u64 %%rd1, [in];
	ld.param.u64 %%rd2, [out];
	mov.u32 %%r1, %%tid.x;
	mul.wide.u32 %%rd3, %%r1, 12;
	add.u64 %%rd3, %%rd1, %%rd3;
	mul.wide.u32 %%rd4, %%r1, 16;
	add.u64 %%rd4, %%rd2, %%rd4;
	ld.global.b32 %%r2, [%%rd3];
	ld.global.b32 %%r3, [%%rd3+4];
	ld.global.b32 %%r4, [%%rd3+8];
	fma.rn.bf16x2 %%r5, %%r2, %%r3, %%r4;
	fma.rn.relu.bf16x2 %%r6, %%r2, %%r3, %%r4;
	neg.bf16x2 %%r7, %%r3;
	fma.rn.bf16x2 %%r7, %%r2, %%r7, %%r4;
	abs.bf16x2 %%r8, %%r2;
	fma.rn.bf16x2 %%r8, %%r8, %%r3, %%r4;
	st.global.b32 [%%rd4], %%r5;
	st.global.b32 [%%rd4+4], %%r6;
	st.global.b32 [%%rd4+8], %%r7;
	st.global.b32 [%%rd4+12], %%r8;
	ret;
}
`

// TestBrainPairs: multiply-adds of pairs of bfloat16 are exact and rounded once, to the nearest even.
func TestBrainPairs(t *testing.T) {
	edges := []uint16{0, 0x8000, 1, 0x8001, 0x7f, 0x80, 0x3f80, 0xbf80, 0x3f81, 0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fc0,
		0x4000, 0x3f00, 0x0100, 0x2f80, 0x5f80}
	for _, arch := range []int{80, 86} {
		t.Run(fmt.Sprintf("sm_%d", arch), func(t *testing.T) {
			m := compiled(t, fmt.Sprintf(brains, arch), arch)
			const n = 1024
			r := rand.New(rand.NewPCG(16, 1))
			pick := func() uint32 {
				if r.IntN(3) > 0 {
					return uint32(0x3f80-0x400+r.IntN(0x800)) | uint32(r.IntN(2))<<15 // neighbours of 1
				}
				return uint32(edges[r.IntN(len(edges))])
			}
			in := make([]uint32, 3*n)
			for i := range in {
				in[i] = pick() | pick()<<16
			}
			want := make([]uint32, 4*n)
			for i := range n {
				for h := 0; h < 32; h += 16 {
					a, b, c := uint16(in[3*i]>>h), uint16(in[3*i+1]>>h), uint16(in[3*i+2]>>h)
					plain := brainFMA(a, b, c)
					relu := plain
					if plain > 0x8000 && plain <= 0xff80 {
						relu = 0
					}
					for k, v := range []uint16{plain, relu, brainFMA(a, b^0x8000, c), brainFMA(a&0x7fff, b, c)} {
						want[4*i+k] |= uint32(v) << h
					}
				}
			}
			from, to := m.buffer(in), m.buffer(make([]uint32, 4*n))
			if err := m.run("brains", [3]uint32{1, 1, 1}, threads(n), from, to); err != nil {
				t.Fatal(err)
			}
			got := m.read(to, 4*n)
			for i := range got {
				// A relu of -0 may be either zero.
				if got[i] != want[i] && (i%4 != 1 || (got[i]^want[i])&^0x80008000 != 0) {
					t.Fatalf("result %d of %08x: %08x, want %08x", i%4, in[3*(i/4):3*(i/4)+3], got[i], want[i])
				}
			}
		})
	}
}

// brainFMA is a b + c in bfloat16, by big numbers.
func brainFMA(a, b, c uint16) uint16 {
	f := func(x uint16) float64 { return float64(math.Float32frombits(uint32(x) << 16)) }
	y := f(a)*f(b) + f(c) // right where it is no number, infinite or zero
	switch {
	case y != y:
		return 0x7fff
	case math.IsInf(y, 0) || y == 0:
		return uint16(math.Float32bits(float32(y)) >> 16)
	}
	x := new(big.Float).SetPrec(600).Mul(big.NewFloat(f(a)), big.NewFloat(f(b)))
	x.Add(x, big.NewFloat(f(c)))
	e := max(x.MantExp(nil)-8, -133) // exponent of the last bit
	scaled := new(big.Float).SetPrec(600).SetMantExp(x, -e)
	whole, _ := scaled.Int(nil)
	rest := new(big.Float).SetPrec(600).Sub(scaled, new(big.Float).SetPrec(600).SetInt(whole))
	last := whole.Int64()
	if up := rest.Abs(rest).Cmp(big.NewFloat(.5)); up > 0 || up == 0 && last&1 != 0 {
		last += int64(x.Sign())
	}
	v := math.Ldexp(float64(last), e)
	if last == 0 {
		v = math.Copysign(0, float64(x.Sign()))
	}
	return uint16(math.Float32bits(float32(v)) >> 16)
}
