package exec

import (
	"math/bits"

	"warpdrop/sim/internal/invariant"
)

// hold is invariant.Hold about a warp.
func (w *Warp) hold(ok bool, what string, args ...any) {
	if !ok {
		invariant.Hold(false, "warp %d of block %v at instruction %d: "+what,
			append([]any{w.InBlock, w.Block.Index, w.PC}, args...)...)
	}
}

// consistent checks a warp's threads between two instructions, whatever these are.
func (w *Warp) consistent() {
	w.hold(w.Preds[7]&w.Preds[15] == ^uint32(0), "PT is %#x, UPT %#x", w.Preds[7], w.Preds[15])
	w.hold(len(w.Stack) <= maxStack, "%d entries on the stack", len(w.Stack))
	w.hold(w.Active&^w.Live == 0, "threads %#x are active, %#x live", w.Active, w.Live)
	w.hold((w.Active == 0) == (w.Live == 0), "threads %#x are active, %#x live", w.Active, w.Live)
	waiting := w.Active
	for i := range w.Stack {
		if e := &w.Stack[i]; e.Kind == StackDiverge || e.Kind >= StackBSYNC {
			m := e.Mask & w.Live
			w.hold(m&waiting == 0, "threads %#x of stack entry %d are elsewhere too", m&waiting, i)
			waiting |= m
		}
	}
}

// placed checks that each thread of compiled code that has not exited is active, or that an entry of the divergence
// stack says where it goes on.
func (w *Warp) placed() {
	w.hold(w.PC >= 0 && int(w.PC) < len(w.Ops), "the program has %d", len(w.Ops))
	somewhere := w.Active
	for i := range w.Stack {
		e := &w.Stack[i]
		w.hold(e.PC >= 0 && int(e.PC) < len(w.Ops), "stack entry %d goes on at %d of %d", i, e.PC, len(w.Ops))
		somewhere |= e.Mask
	}
	w.hold(w.Live&^somewhere == 0, "threads %#x are lost", w.Live&^somewhere)
}

// consistent checks the block's barriers between two arrivals.
func (b *Block) consistent() {
	hold := func(ok bool, id int, what string, args ...any) {
		invariant.Hold(ok, "block %v, barrier %d: "+what, append([]any{b.Index, id}, args...)...)
	}
	for id := range b.barriers {
		bar := &b.barriers[id]
		hold(b.arrivals>>id&1 != 0 == (bar.arrived != 0), id, "%d threads have arrived, and the mark is %t",
			bar.arrived, b.arrivals>>id&1 != 0)
		hold(32*bits.OnesCount64(bar.waiting) <= bar.arrived, id, "warps %#x wait, but only %d threads have arrived",
			bar.waiting, bar.arrived)
		arrived, expect := b.Arrivals(id)
		hold(arrived == 0 || arrived < expect, id, "closed with %d of %d threads", arrived, expect)
		for m := bar.waiting; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			hold(i < len(b.Warps) && b.Warps[i].Live != 0, id, "waits for warp %d, which has exited", i)
		}
	}
	invariant.Hold(b.live >= 0 && b.live <= len(b.Warps), "block %v: %d of %d warps live", b.Index, b.live,
		len(b.Warps))
}

// Consistent checks the block's warps and barriers (build tag check). waits reports the barrier at which a warp is
// held.
func (b *Block) Consistent(waits func(w *Warp) (barrier int, held bool)) {
	b.consistent()
	live := 0
	for _, w := range b.Warps {
		w.consistent()
		if w.Live == 0 {
			continue
		}
		live++
		w.placed()
		at, held := waits(w)
		for id := range b.barriers {
			marked := b.barriers[id].waiting>>w.InBlock&1 != 0
			invariant.Hold(marked == (held && id == at),
				"block %v: warp %d and barrier %d do not agree that it waits there", b.Index, w.InBlock, id)
		}
	}
	invariant.Hold(live == b.live, "block %v: %d warps live, %d are counted", b.Index, live, b.live)
}
