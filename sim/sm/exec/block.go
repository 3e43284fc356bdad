package exec

import (
	"math/bits"
	"unsafe"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/lower"
)

// Block is the state of one thread block: its warps, its memory and its barriers.
type Block struct {
	Prog    *lower.Program
	Index   [3]uint32 // blockIdx
	Dim     [3]uint32 // blockDim
	Grid    [3]uint32 // gridDim
	Threads int
	Shared  []byte
	due     []arrival // at mbarriers
	Warps   []*Warp

	live     int // warps that have not exited
	barriers [16]blockBarrier
	arrivals uint16      // barriers at which a warp has arrived since they were last completed, a bit each
	rows     []lower.Row // registers of all warps
	local    []byte      // local memory of all warps
	shadow   *shadow     // what a Check knows of it
	dueKey   uint32      // counts the instructions that made arrivals
}

// blockBarrier is one of a block's 16 hardware barriers.
type blockBarrier struct {
	arrived int    // threads
	expect  int    // threads; 0 until the first arrival
	waiting uint64 // warps of the block that wait
	value   uint32 // BAR.RED: running result
	count   uint32
}

// Reset makes b a fresh block of threads threads, reusing its memory, which Wipe is to clear, and the warps in b.Warps.
func (b *Block) Reset(p *lower.Program, threads int, index, dim, grid [3]uint32) {
	warps := (threads + 31) / 32
	b.shadow = nil
	b.due = b.due[:0]
	b.Prog = p
	b.Index, b.Dim, b.Grid = index, dim, grid
	b.Threads = threads
	b.live = warps
	for ; b.arrivals != 0; b.arrivals &= b.arrivals - 1 {
		b.barriers[bits.TrailingZeros16(b.arrivals)] = blockBarrier{}
	}
	b.Shared = resize(b.Shared, p.SharedBytes+sharedPadding)[:p.SharedBytes]
	rows := max(p.Rows, p.Registers, 1)
	b.rows = resize(b.rows, warps*rows)
	b.local = resize(b.local, warps*32*p.LocalBytes)
	for len(b.Warps) < warps {
		b.Warps = append(b.Warps, &Warp{})
	}
	b.Warps = b.Warps[:warps]
	for i, w := range b.Warps {
		lanes := min(threads-32*i, 32)
		live := uint32(1)<<lanes - 1
		if lanes == 32 {
			live = ^uint32(0)
		}
		*w = Warp{Block: b, spare: w.spare, InBlock: i, Active: live, Live: live, PC: p.Entry,
			Stack: w.Stack[:0], Ops: p.Ops, fmas: p.FMAs}
		w.base = [2]unsafe.Pointer{unsafe.Pointer(&b.rows[i*rows]), unsafe.Pointer(&p.Pool[0])}
		w.Preds[isa.PT], w.Preds[lower.FirstUniform+isa.PT] = ^uint32(0), ^uint32(0)
		if p.Independent {
			w.spare = w.spare.fresh()
			w.meet = w.spare
		}
		w.Local = b.local[i*32*p.LocalBytes : (i+1)*32*p.LocalBytes]
	}
}

// resize returns s with length n and elements of any value.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Wipe clears what the block's threads can read. Its SM does it when it goes on: what it clears is used next, and by
// this thread.
func (b *Block) Wipe() {
	clear(b.Shared[:len(b.Shared)+sharedPadding])
	clear(b.rows)
	clear(b.local)
}

// Live returns the number of warps that have not exited.
func (b *Block) Live() int { return b.live }

// Arrive counts warp w as arrived at the barrier that r names and reports whether it has to wait there: until a
// Complete that follows lets it go on.
func (b *Block) Arrive(w *Warp, r *BarRequest) (wait bool) {
	bar := &b.barriers[r.ID&15]
	b.arrivals |= 1 << (r.ID & 15)
	bar.arrived += 32
	bar.expect = r.Count
	bar.reduce(r.Kind, r.Threads, r.Pred)
	if r.Kind != lower.BarArrive {
		bar.waiting |= 1 << w.InBlock
	}
	if b.shadow != nil {
		b.shadow.arrive(w, r.ID)
	}
	return r.Kind != lower.BarArrive
}

// reduce combines a warp's predicate into the barrier's running result.
func (bar *blockBarrier) reduce(k lower.BarKind, active, pred uint32) {
	yes := pred & active
	switch k {
	case lower.BarRedPopc:
		bar.value += uint32(bits.OnesCount32(yes))
	case lower.BarRedAnd:
		if bar.count == 0 {
			bar.value = ^uint32(0)
		}
		if yes != active {
			bar.value = 0
		}
	case lower.BarRedOr:
		if yes != 0 {
			bar.value = ^uint32(0)
		}
	}
	bar.count++
}

// Complete opens barrier id if all that it waits for have arrived, and returns the warps that go on. Warps that have
// exited count as arrived where the barrier is for the whole block.
func (b *Block) Complete(id int) (released uint64) {
	bar := &b.barriers[id]
	arrived, expect := b.Arrivals(id)
	if arrived < expect {
		return 0
	}
	released = bar.waiting
	if b.shadow != nil {
		b.shadow.complete(id, released, bar.expect == 0)
	}
	value := bar.value
	*bar = blockBarrier{}
	b.arrivals &^= 1 << (id & 15)
	for m := released; m != 0; m &= m - 1 {
		b.Warps[bits.TrailingZeros64(m)].BarResult = value
	}
	return released
}

// Arrivals returns how many threads have arrived at barrier id, and how many it waits for.
func (b *Block) Arrivals(id int) (arrived, expect int) {
	bar := &b.barriers[id]
	if bar.expect == 0 {
		return bar.arrived, 32 * b.live
	}
	return bar.arrived, bar.expect
}

// Exit counts warp w, whose threads have all exited, and returns the barriers at which others wait, a bit each: they
// may be complete now.
func (b *Block) Exit(w *Warp) (barriers uint16) {
	b.live--
	if b.shadow != nil {
		b.shadow.exit(w)
	}
	for at := b.arrivals; at != 0; at &= at - 1 {
		if id := bits.TrailingZeros16(at); b.barriers[id].waiting != 0 {
			barriers |= 1 << id
		}
	}
	return barriers
}
