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
	for _, arch := range []int{75, 80, 86} {
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
