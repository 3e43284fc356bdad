package sm

import (
	"fmt"
	"testing"
)

// locks is a kernel whose threads take a lock one after the other, add to a number that the lock guards, and give it
// back behind the loop that waits for it.
const locks = `.version 7.1
.target sm_%d
.address_size 64
.visible .entry locks(.param .u64 at)
{
	.reg .b64 %%rd<6>;
	.reg .b32 %%r<9>;
	.reg .pred %%p<4>;
	ld.param.u64 %%rd1, [at];
	cvta.to.global.u64 %%rd2, %%rd1;
	mov.u32 %%r6, %%tid.x;
	mov.u32 %%r5, 0;
AGAIN:
WAIT:
	atom.global.cas.b32 %%r1, [%%rd2], 0, 1;
	setp.ne.s32 %%p1, %%r1, 0;
	@%%p1 bra WAIT;
	ld.volatile.global.u32 %%r2, [%%rd2+4];
	add.u32 %%r2, %%r2, 3;
	st.volatile.global.u32 [%%rd2+4], %%r2;
	membar.gl;
	atom.global.exch.b32 %%r3, [%%rd2], 0;
	add.u32 %%r5, %%r5, 1;
	and.b32 %%r7, %%r6, 1;
	setp.le.u32 %%p2, %%r5, %%r7;
	@%%p2 bra AGAIN;
	mul.wide.u32 %%rd3, %%r6, 4;
	add.u64 %%rd4, %%rd2, %%rd3;
	st.global.u32 [%%rd4+8], %%r5;
	ret;
}
`

// TestLocksOfOneWarp: the threads of a warp wait for a lock that one of them holds; each gets it.
func TestLocksOfOneWarp(t *testing.T) {
	for _, arch := range []int{70, 75, 80, 86} {
		t.Run(fmt.Sprintf("sm_%d", arch), func(t *testing.T) {
			m := compiled(t, fmt.Sprintf(locks, arch), arch)
			want := []uint32{0, 3 * 96 * 3 / 2} // odd threads take it twice
			for i := range uint32(96) {
				want = append(want, 1+i%2)
			}
			at := m.buffer(make([]uint32, len(want)))
			if err := m.run("locks", [3]uint32{1, 1, 1}, [3]uint32{96, 1, 1}, at); err != nil {
				t.Fatal(err)
			}
			same(t, "lock and number", m.read(at, len(want)), want)
		})
	}
}

// barriers is a kernel of four warps of which the first two wait for each other at barriers named and counted by
// registers and by numbers, and count what holds for them.
const barriers = `.version 7.1
.target sm_%d
.address_size 64
.visible .entry barriers(.param .u64 at, .param .u32 n, .param .u32 b)
{
	.reg .b64 %%rd<6>;
	.reg .b32 %%r<12>;
	.reg .pred %%p<5>;
	ld.param.u64 %%rd1, [at];
	cvta.to.global.u64 %%rd2, %%rd1;
	ld.param.u32 %%r1, [n];
	ld.param.u32 %%r2, [b];
	mov.u32 %%r3, %%tid.x;
	setp.ge.u32 %%p1, %%r3, 64;
	@%%p1 bra OTHERS;
	bar.sync 1, %%r1;
	bar.sync %%r2, 64;
	bar.sync %%r2, %%r1;
	setp.lt.u32 %%p2, %%r3, 40;
	bar.red.popc.u32 %%r5, 3, %%r1, %%p2;
	bar.red.popc.u32 %%r6, %%r2, %%r1, %%p2;
	add.u32 %%r5, %%r5, %%r6;
	bra WRITE;
OTHERS:
	bar.sync 4, 64;
	mov.u32 %%r5, 7;
WRITE:
	mul.wide.u32 %%rd3, %%r3, 4;
	add.u64 %%rd4, %%rd2, %%rd3;
	st.global.u32 [%%rd4], %%r5;
	ret;
}
`

// TestBarriersInRegisters: BAR with its barrier, its number of threads, or both in a register.
func TestBarriersInRegisters(t *testing.T) {
	for _, arch := range []int{70, 75, 80, 86} {
		t.Run(fmt.Sprintf("sm_%d", arch), func(t *testing.T) {
			m := compiled(t, fmt.Sprintf(barriers, arch), arch)
			want := make([]uint32, 128)
			for i := range want {
				want[i] = 80
				if i >= 64 {
					want[i] = 7
				}
			}
			at := m.buffer(make([]uint32, 128))
			if err := m.run("barriers", [3]uint32{1, 1, 1}, threads(128), at, uint32(64), uint32(2)); err != nil {
				t.Fatal(err)
			}
			same(t, "counts", m.read(at, 128), want)
		})
	}
}
