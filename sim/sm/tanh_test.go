package sm

import (
	"fmt"
	"math"
	"testing"
)

// tanh is a kernel of tanh.approx, which sm_75 and later have an instruction for.
const tanh = `.version 7.1
.target sm_%d
.address_size 64
.visible .entry tanh(.param .u64 at)
{
	.reg .b64 %%rd<4>;
	.reg .b32 %%r<2>;
	.reg .f32 %%f<3>;
	ld.param.u64 %%rd1, [at];
	cvta.to.global.u64 %%rd1, %%rd1;
	mov.u32 %%r1, %%tid.x;
	mul.wide.u32 %%rd2, %%r1, 4;
	add.u64 %%rd3, %%rd1, %%rd2;
	ld.global.f32 %%f1, [%%rd3];
	tanh.approx.f32 %%f2, %%f1;
	st.global.f32 [%%rd3], %%f2;
	ret;
}
`

// TestHyperbolicTangent: the relative error is at most 2^-11, denormals are taken as they are (PTX ISA, tanh).
func TestHyperbolicTangent(t *testing.T) {
	in := []float32{0, 1e-40, -1e-40, 1e-20, 0.001, -0.3, 0.5, 1, -2, 5, 9, -30, float32(math.Inf(1)),
		float32(math.Inf(-1)), float32(math.NaN()), float32(math.Copysign(0, -1))}
	for _, arch := range []int{75, 80, 86} {
		m := compiled(t, fmt.Sprintf(tanh, arch), arch)
		at := m.buffer(floats(in))
		if err := m.run("tanh", [3]uint32{1, 1, 1}, threads(uint32(len(in))), at); err != nil {
			t.Fatal(err)
		}
		for i, u := range m.read(at, len(in)) {
			got, want := float64(math.Float32frombits(u)), math.Tanh(float64(in[i]))
			switch {
			case want != want:
				if got == got {
					t.Errorf("sm_%d: tanh(%g) is %g", arch, in[i], got)
				}
			case !(math.Abs(got-want) <= 0x1p-11*math.Abs(want)) || math.Signbit(got) != math.Signbit(want):
				t.Errorf("sm_%d: tanh(%g) is %g, want %g", arch, in[i], got, want)
			}
		}
	}
}
