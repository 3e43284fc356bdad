package sim_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/sim"
)

// copyKernel is a kernel of one warp that begins two groups of copies, of which the second has far more, and has the
// clock at WAIT and behind it.
func copyKernel(before, after string) string {
	const work = `	mov.u32 %r5, %tid.y;
LOOP: // of which nothing can be moved
	add.u32 %r5, %r5, 1;
	fma.rn.f32 %f1, %f1, %f1, %f2;
	setp.lt.u32 %p1, %r5, %r6;
	@%p1 bra LOOP;
`
	s := `.version 7.8
.target sm_80
.address_size 64
.visible .entry k(.param .u64 in, .param .u64 out, .param .u32 n)
{
	.reg .b64 %rd<6>;
	.reg .b32 %r<9>;
	.reg .f32 %f<3>;
	.reg .pred %p<2>;
	.shared .align 16 .b8 buf[8192];
	ld.param.u64 %rd1, [in];
	ld.param.u64 %rd2, [out];
	ld.param.u32 %r6, [n];
	cvta.to.global.u64 %rd1, %rd1;
	cvta.to.global.u64 %rd2, %rd2;
	mov.u32 %r1, %tid.x;
	mul.wide.u32 %rd3, %r1, 512;
	add.u64 %rd4, %rd1, %rd3;
	cvt.rn.f32.u32 %f1, %r1;
	mov.f32 %f2, 0f3f000000;
	shl.b32 %r2, %r1, 4;
	mov.u32 %r3, buf;
	add.u32 %r4, %r3, %r2;
	cp.async.cg.shared.global [%r4], [%rd1], 16;
	cp.async.commit_group;
` + "SECOND" + `	cp.async.commit_group;
` + strings.ReplaceAll(before, "WORK\n", work) + `	bar.sync 0;
` + strings.ReplaceAll(after, "WORK\n", work) + `	ld.shared.f32 %f2, [%r4];
	add.f32 %f1, %f1, %f2;
	mul.wide.u32 %rd3, %r1, 4;
	add.u64 %rd5, %rd2, %rd3;
	st.global.f32 [%rd5], %f1;
	ret;
}
`
	second := ""
	for _, at := range []string{"16", "4096", "8192", "65536"} {
		second += "\tcp.async.cg.shared.global [%r4+4096], [%rd4+" + at + "], 16;\n"
	}
	return strings.Replace(s, "SECOND", second, 1)
}

// TestCopiesTakeTime: what cp.async brings is not there before it can be, work beside it costs nothing, and a wait for
// the older groups does not wait for the youngest.
func TestCopiesTakeTime(t *testing.T) {
	t.Setenv("WARPDROP_TOOLCHAIN", filepath.Dir(toolchain(t)))
	gpu, err := sim.LoadGPU("a100-40g")
	if err != nil {
		t.Fatal(err)
	}
	cycles := func(before, after string) int64 {
		t.Helper()
		cubin, err := cudac.AssembleText(t.Context(), []byte(copyKernel(before, after)), gpu.Arch)
		if err != nil {
			t.Fatal(err)
		}
		dev, k := loadKernel(t, gpu, cubin, "k")
		in, err := dev.Malloc(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		r, err := dev.Launch(context.Background(), k, sim.LaunchConfig{Block: sim.Dim3{X: 32}}, sim.PtrArg(in),
			sim.PtrArg(in), sim.I32(20))
		if err != nil {
			t.Fatal(err)
		}
		return r.Cycles
	}
	const all, older = "\tcp.async.wait_group 0;\n", "\tcp.async.wait_group 1;\n"
	none, first, both := cycles("", ""), cycles(older, ""), cycles(all, "")
	t.Logf("without a wait %d cycles, for the first group %d, for both %d", none, first, both)
	if first < none+50 || both < first+50 {
		t.Error("a wait for the first group takes the time of a load from DRAM, one for both more")
	}
	// Threads that arrive at an mbarrier when their copies are there.
	const arrives = `{
	.shared .align 8 .b64 bar;
	.reg .b64 %state;
	.reg .pred %done;
	mov.u32 %r7, bar;
	setp.eq.u32 %done, %r1, 0;
	@%done mbarrier.init.shared.b64 [%r7], 64;
	bar.sync 0;
	cp.async.mbarrier.arrive.noinc.shared.b64 [%r7];
	mbarrier.arrive.shared.b64 %state, [%r7];
BETWEEN
`
	const wait = `TEST:
	mbarrier.test_wait.shared.b64 %done, [%r7], %state;
	@!%done bra TEST;
}
`
	between := func(what string) string { return strings.Replace(arrives, "BETWEEN\n", what, 1) }
	arrive, met := cycles(between("")+"}\n", ""), cycles(between("")+wait, "")
	hidden := cycles(between("WORK\n")+wait, "")
	t.Logf("an mbarrier: without a wait %d cycles, with it %d, with work beside it %d", arrive, met, hidden)
	if arrive > none+250 || met < both || met > both+250 || hidden > met+100 {
		t.Error("a wait at an mbarrier ends when the copies are there")
	}
	work := cycles("WORK\n", "") - none
	beside, behind := cycles("WORK\n"+all, ""), cycles(all, "WORK\n")
	t.Logf("work of %d cycles beside the copies: %d cycles, behind them %d", work, beside, behind)
	if work < 100 || beside > both+work/2 || behind < both+work*3/4 {
		t.Error("work beside the copies is hidden, behind them it is not")
	}
}
