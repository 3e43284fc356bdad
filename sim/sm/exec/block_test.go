package exec

import (
	"testing"

	"warpdrop/sim/sm/lower"
)

// TestReusedBlock checks that a block which ended while threads had arrived at a barrier leaves nothing of it to the
// next one.
func TestReusedBlock(t *testing.T) {
	p := &lower.Program{Registers: 1, Pool: make([]lower.Row, 1)}
	var b Block
	b.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
	b.Arrive(b.Warps[0], &BarRequest{Kind: lower.BarArrive, ID: 5, Count: 64})
	if arrived, expect := b.Arrivals(5); arrived != 32 || expect != 64 {
		t.Fatalf("%d of %d threads have arrived, want 32 of 64", arrived, expect)
	}
	b.Reset(p, 32, [3]uint32{1}, [3]uint32{32, 1, 1}, [3]uint32{2, 1, 1})
	if b.barriers != [16]blockBarrier{} || b.arrivals != 0 {
		t.Errorf("barriers %+v, arrivals %#x", b.barriers, b.arrivals)
	}
}
