package sm

import (
	"fmt"
	"testing"
)

// meetings is a kernel of 64 threads that meet at an mbarrier twice in each of eight rounds: each leaves a number in
// shared memory, meets the others, adds up what another one left, and meets them again. From round 4 on the upper half
// is gone: those threads dropped out. Then come copies: threads arrive when they are there, with and without being
// counted among those expected.
const meetings = `.version 7.8
.target sm_%d
.address_size 64
.visible .entry meetings(.param .u64 in, .param .u64 out)
{
	.reg .b64 %%rd<12>;
	.reg .b32 %%r<20>;
	.reg .pred %%p<4>;
	.shared .align 8 .b64 bar;
	.shared .align 8 .b64 copied;
	.shared .align 16 .b8 room[1024];
	ld.param.u64 %%rd1, [in];
	ld.param.u64 %%rd2, [out];
	mov.u32 %%r1, %%tid.x;
	mov.u32 %%r2, bar;
	mov.u32 %%r3, copied;
	mov.u32 %%r4, room;
	setp.eq.u32 %%p0, %%r1, 7;
	@%%p0 mbarrier.init.shared.b64 [%%r2], 64;
	@%%p0 mbarrier.init.shared.b64 [%%r3], 32;
	bar.sync 0;
	shl.b32 %%r5, %%r1, 2;
	add.u32 %%r5, %%r4, %%r5;
	xor.b32 %%r6, %%r1, 21;
	shl.b32 %%r6, %%r6, 2;
	add.u32 %%r6, %%r4, %%r6;
	mov.u32 %%r7, 0;
	mov.u32 %%r8, 0;
ROUND:
	mad.lo.u32 %%r9, %%r7, 1000, %%r1;
	st.shared.u32 [%%r5], %%r9;
	mbarrier.arrive.shared.b64 %%rd3, [%%r2];
FIRST:
	mbarrier.test_wait.shared.b64 %%p1, [%%r2], %%rd3;
	@!%%p1 bra FIRST;
	ld.shared.u32 %%r10, [%%r6];
	mad.lo.u32 %%r8, %%r8, 3, %%r10;
	add.u32 %%r7, %%r7, 1;
	setp.eq.u32 %%p2, %%r7, 4;
	setp.ge.and.u32 %%p2, %%r1, 32, %%p2;
	@%%p2 bra DROP;
	mbarrier.arrive.shared.b64 %%rd3, [%%r2];
SECOND:
	mbarrier.test_wait.shared.b64 %%p1, [%%r2], %%rd3;
	@!%%p1 bra SECOND;
	setp.lt.u32 %%p1, %%r7, 8;
	@%%p1 bra ROUND;
	mbarrier.pending_count.b64 %%r11, %%rd3;
	bra COPY;
DROP:
	mbarrier.arrive_drop.shared.b64 %%rd3, [%%r2];
	mov.u32 %%r11, 0;
COPY:
	bar.sync 0;
	mul.wide.u32 %%rd5, %%r1, 16;
	add.u64 %%rd6, %%rd1, %%rd5;
	add.u64 %%rd7, %%rd2, %%rd5;
	shl.b32 %%r12, %%r1, 4;
	add.u32 %%r12, %%r4, %%r12;
	cp.async.cg.shared.global [%%r12], [%%rd6], 16;
	@%%p2 bra EXPECTED;
	cp.async.mbarrier.arrive.shared.b64 [%%r3];
	bra ARRIVED;
EXPECTED:
	cp.async.mbarrier.arrive.noinc.shared.b64 [%%r3];
ARRIVED:
	mov.u32 %%r13, 0;
	mov.u32 %%r15, 0;
PARITY:
	add.u32 %%r15, %%r15, 1;
	mbarrier.test_wait.parity.shared.b64 %%p1, [%%r3], %%r13;
	@!%%p1 bra PARITY;
	or.b32 %%r14, %%r1, 32; // one of the upper half, of whose copies the lower half's arrivals say nothing
	xor.b32 %%r14, %%r14, 1;
	shl.b32 %%r14, %%r14, 4;
	add.u32 %%r14, %%r4, %%r14;
	ld.shared.u32 %%r14, [%%r14];
	st.global.v4.u32 [%%rd7], {%%r8, %%r11, %%r14, %%r15};
	ret;
}
`

// TestMeetings: mbarriers of sm_80 as the PTX ISA describes them: phases, threads that drop out, the pending count, and
// copies whose end is an arrival.
func TestMeetings(t *testing.T) {
	for _, arch := range []int{80, 86} {
		m := compiled(t, fmt.Sprintf(meetings, arch), arch)
		in := make([]uint32, 256)
		for i := range in {
			in[i] = uint32(i) * 0x1357
		}
		from, to := m.buffer(in), m.buffer(make([]uint32, 256))
		if err := m.run("meetings", [3]uint32{1, 1, 1}, threads(64), from, to); err != nil {
			t.Fatal(err)
		}
		got := m.read(to, 256)
		counts := map[uint32]int{}
		for i := range uint32(64) {
			other, rounds := i^21, uint32(8)
			if i >= 32 {
				rounds = 4
			}
			var sum uint32
			for k := range rounds {
				sum = 3*sum + 1000*k + other
			}
			if g := got[4*i:]; g[0] != sum || g[2] != in[4*((i|32)^1)] {
				t.Errorf("sm_%d, thread %d: %d of the others, %#x copied; want %d, %#x", arch, i, g[0], g[2], sum,
					in[4*((i|32)^1)])
			}
			counts[got[4*i+1]]++
		}
		// Before each of the 32 arrivals so many were pending.
		for n := range uint32(32) {
			if counts[n+1] != 1 {
				t.Errorf("sm_%d: %d threads found %d arrivals pending, want one", arch, counts[n+1], n+1)
			}
		}
	}
}
