package sm

import (
	"fmt"
	"testing"
)

// copies is a kernel that copies with cp.async in all its forms, threads from n on with no or part of their bytes, and
// gives shared memory back, of which it has filled all with ones before.
const copies = `.version 7.8
.target sm_%d
.address_size 64
.visible .entry copies(.param .u64 in, .param .u64 out, .param .u32 n, .param .u32 part)
{
	.reg .b64 %%rd<8>;
	.reg .b32 %%r<20>;
	.reg .pred %%p<4>;
	.shared .align 16 .b8 buf[4096];
	ld.param.u64 %%rd1, [in];
	ld.param.u64 %%rd2, [out];
	ld.param.u32 %%r11, [n];
	ld.param.u32 %%r12, [part];
	cvta.to.global.u64 %%rd1, %%rd1;
	cvta.to.global.u64 %%rd2, %%rd2;
	mov.u32 %%r1, %%tid.x;
	shl.b32 %%r2, %%r1, 4;
	mov.u32 %%r3, buf;
	add.u32 %%r4, %%r3, %%r2;
	mov.u32 %%r6, -1;
	mov.u32 %%r7, 0;
FILL:
	add.u32 %%r8, %%r4, %%r7;
	st.shared.v4.u32 [%%r8], {%%r6, %%r6, %%r6, %%r6};
	add.u32 %%r7, %%r7, 512;
	setp.lt.u32 %%p1, %%r7, 4096;
	@%%p1 bra FILL;
	bar.sync 0;
	mul.wide.u32 %%rd3, %%r1, 16;
	add.u64 %%rd4, %%rd1, %%rd3;
	setp.lt.u32 %%p1, %%r1, %%r11;
	selp.u32 %%r5, 16, 0, %%p1;
	cp.async.cg.shared.global [%%r4], [%%rd4], 16;
	cp.async.commit_group;
	cp.async.cg.shared.global [%%r4+512], [%%rd4], 16, %%r5;
	cp.async.ca.shared.global [%%r4+1024], [%%rd4], 8;
	cp.async.ca.shared.global [%%r4+1036], [%%rd4+4], 4;
	cp.async.ca.shared.global [%%r4+1536], [%%rd4], 16, %%r12;
	cp.async.commit_group;
	@%%p1 cp.async.ca.shared.global [%%r4+2048], [%%rd4+8], 8;
	cp.async.ca.shared.global [%%r4+2560], [%%rd4], 8, 4;
	cp.async.cg.shared.global [%%r4+3072], [%%rd4], 16, %%p1;
	cp.async.ca.shared.global.L2::128B [%%r4+3584], [%%rd4], 4, 0;
	cp.async.wait_group 1;
	cp.async.wait_all;
	bar.sync 0;
	add.u64 %%rd5, %%rd2, %%rd3;
	mov.u32 %%r7, 0;
DUMP:
	add.u32 %%r8, %%r4, %%r7;
	ld.shared.v4.u32 {%%r13, %%r14, %%r15, %%r16}, [%%r8];
	st.global.v4.u32 [%%rd5], {%%r13, %%r14, %%r15, %%r16};
	add.u64 %%rd5, %%rd5, 512;
	add.u32 %%r7, %%r7, 512;
	setp.lt.u32 %%p1, %%r7, 4096;
	@%%p1 bra DUMP;
	ret;
}
`

// TestCopiesIntoSharedMemory: cp.async of 4, 8 and 16 bytes, by part, by predicate, and beyond.
func TestCopiesIntoSharedMemory(t *testing.T) {
	const n, part, ones = 13, 7, ^uint32(0)
	for _, arch := range []int{80, 86} {
		t.Run(fmt.Sprintf("sm_%d", arch), func(t *testing.T) {
			m := compiled(t, fmt.Sprintf(copies, arch), arch)
			in := make([]uint32, 128)
			for i := range in {
				in[i] = 0x01020304*uint32(i) + 0xa0b0c0d0
			}
			want := make([]uint32, 1024)
			for i := range uint32(32) {
				d := [4]uint32(in[4*i:])
				only := func(ok bool, with, without [4]uint32) [4]uint32 {
					if ok {
						return with
					}
					return without
				}
				for k, row := range [][4]uint32{d, only(i < n, d, [4]uint32{}), {d[0], d[1], ones, d[1]},
					{d[0], d[1] & 0xffffff, 0, 0},
					only(i < n, [4]uint32{d[2], d[3], ones, ones}, [4]uint32{ones, ones, ones, ones}),
					{d[0], 0, ones, ones}, only(i < n, [4]uint32{}, d), {0, ones, ones, ones}} {
					copy(want[128*k+int(4*i):], row[:])
				}
			}
			from, to := m.buffer(in), m.buffer(make([]uint32, 1024))
			if err := m.run("copies", [3]uint32{1, 1, 1}, threads(32), from, to, uint32(n), uint32(part)); err != nil {
				t.Fatal(err)
			}
			same(t, "shared memory", m.read(to, 1024), want)
		})
	}
}
