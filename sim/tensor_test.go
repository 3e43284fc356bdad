package sim_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/sim"
)

// TestTensorPeak: products of matrices in registers reach at least 95 % of the peak rate of the white papers, per SM
// and clock: FMAs of FP16, BF16 and TF32, multiply-adds of bytes.
func TestTensorPeak(t *testing.T) {
	t.Setenv("WARPDROP_TOOLCHAIN", filepath.Dir(toolchain(t)))
	for _, c := range []struct {
		gpu, form           string
		a, b, c             int // registers
		float               bool
		multiplyAdds, clock int // of one instruction; of an SM in a clock
	}{
		{"a100-40g", "m16n8k16.row.col.f32.f16.f16.f32", 4, 2, 4, true, 2048, 1024},
		{"a100-40g", "m16n8k8.row.col.f32.bf16.bf16.f32", 2, 1, 4, true, 1024, 1024},
		{"a100-40g", "m16n8k8.row.col.f32.tf32.tf32.f32", 4, 2, 4, true, 1024, 512},
		{"a100-40g", "m16n8k32.row.col.s32.s8.s8.s32", 4, 2, 4, false, 4096, 2048},
		{"rtx2070super", "m16n8k8.row.col.f16.f16.f16.f16", 2, 1, 2, false, 1024, 512},
		{"rtx2070super", "m16n8k8.row.col.f32.f16.f16.f32", 2, 1, 4, true, 1024, 256},
		{"rtx2070super", "m8n8k16.row.col.s32.s8.s8.s32", 1, 1, 2, false, 1024, 1024},
		{"titanrtx", "m16n8k8.row.col.f32.f16.f16.f32", 2, 1, 4, true, 1024, 512},
		{"t4", "m16n8k8.row.col.f32.f16.f16.f32", 2, 1, 4, true, 1024, 512},
		{"rtx3090", "m16n8k16.row.col.f16.f16.f16.f16", 4, 2, 2, false, 2048, 512},
		{"rtx3090", "m16n8k16.row.col.f32.f16.f16.f32", 4, 2, 4, true, 2048, 256},
		{"rtx3090", "m16n8k8.row.col.f32.tf32.tf32.f32", 4, 2, 4, true, 1024, 128},
		{"rtx3090", "m16n8k32.row.col.s32.s8.s8.s32", 4, 2, 4, false, 4096, 1024},
		{"a6000", "m16n8k16.row.col.f32.f16.f16.f32", 4, 2, 4, true, 2048, 512},
	} {
		t.Run(c.gpu+" "+c.form, func(t *testing.T) {
			gpu, err := sim.LoadGPU(c.gpu)
			if err != nil {
				t.Fatal(err)
			}
			ptx := productLoop(gpu.Arch, c.form, c.a, c.b, c.c, c.float)
			cubin, err := cudac.AssembleText(t.Context(), []byte(ptx), gpu.Arch)
			if err != nil {
				t.Fatal(err)
			}
			const warps, rounds = 8, 32 // of eight products
			took := cyclesOf(t, gpu, cubin, "products", warps, rounds)
			rate := float64(rounds*8*warps*c.multiplyAdds) / took
			t.Logf("%.0f multiply-adds a clock, peak %d", rate, c.clock)
			if share := rate / float64(c.clock); share < .95 || share > 1.001 {
				t.Errorf("%.1f %% of the peak rate, want 95 to 100 %%", 100*share)
			}
		})
	}
}

// productLoop is PTX of a kernel that multiplies matrices in registers, eight products a round that do not depend on
// each other.
func productLoop(arch int, form string, a, b, c int, float bool) string {
	typ, sum := "u32", "%r"
	if float {
		typ, sum = "f32", "%f"
	}
	list := func(prefix string, first, n int) string {
		var regs []string
		for i := range n {
			regs = append(regs, fmt.Sprintf("%s%d", prefix, first+i))
		}
		return "{" + strings.Join(regs, ",") + "}"
	}
	var s strings.Builder
	fmt.Fprintf(&s, ".version 7.8\n.target sm_%d\n.address_size 64\n.visible .entry products("+
		".param .u64 p, .param .u32 n) {\n.reg .b64 %%rd<4>; .reg .b32 %%r<80>; .reg .f32 %%f<80>; .reg .pred %%p;\n"+
		"ld.param.u64 %%rd0, [p]; "+
		"ld.param.u32 %%r0, [n];\n", arch)
	for i := range a + b { // from memory, so that nothing is known of them
		fmt.Fprintf(&s, "ld.global.u32 %%r%d, [%%rd0+%d];\n", 1+i, 4*i)
	}
	for i := range 8 * c {
		fmt.Fprintf(&s, "ld.global.%s %s%d, [%%rd0+%d];\n", typ, sum, 10+i, 4*i)
	}
	s.WriteString("loop:\n")
	for i := range 8 {
		d := list(sum, 10+i*c, c)
		fmt.Fprintf(&s, "mma.sync.aligned.%s %s, %s, %s, %s;\n", form, d, list("%r", 1, a), list("%r", 1+a, b), d)
	}
	s.WriteString("sub.u32 %r0, %r0, 1; setp.ne.u32 %p, %r0, 0; @%p bra loop;\n")
	for i := range 8 * c {
		fmt.Fprintf(&s, "st.global.%s [%%rd0+%d], %s%d;\n", typ, 1024+4*i, sum, 10+i)
	}
	s.WriteString("ret;\n}\n")
	return s.String()
}
