// Package functional drives blocks for their values alone: no clock, no caches, no room on an SM. Each warp of a block
// runs until it waits at a barrier or has had its turn, so that warps which wait for each other in a loop get on too.
package functional

import (
	"fmt"
	"math/bits"

	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
)

// turn is how many instructions a warp executes at most before the next one's turn: many, since its registers are in
// the host's fastest cache then.
const turn = 4096

// Block is a block under way.
type Block struct {
	exec.Block

	Number       int64 // in its grid
	Instructions int64 // warp instructions so far

	waiting uint64 // warps at a barrier
	at      [32]uint8
	next    int // warp whose turn it is
}

// Runner executes blocks, one at a time. Exec.Global has to be a view with Direct set.
type Runner struct {
	Exec exec.Exec
	free []*Block
}

// Start makes block number number of a launch; its first warp has the first turn.
func (r *Runner) Start(p *lower.Program, threads int, number int64, index, dim, grid [3]uint32) *Block {
	var b *Block
	if n := len(r.free); n > 0 {
		b, r.free = r.free[n-1], r.free[:n-1]
	} else {
		b = &Block{}
	}
	b.Number, b.Instructions, b.waiting, b.next = number, 0, 0, 0
	b.Reset(p, threads, index, dim, grid)
	b.Wipe()
	for i, w := range b.Warps {
		w.Slot = i
	}
	r.Exec.Begin(&b.Block)
	return b
}

// Run lets block b go on for at least quantum warp instructions, or to its end. It is done when b.Live() is 0; stuck is
// true if no warp of it can go on.
func (r *Runner) Run(b *Block, quantum int64) (stuck bool, fault *exec.Fault) {
	x := &r.Exec
	x.SMID = uint32(b.Number % int64(max(x.SMs, 1)))
	x.Clock = b.Instructions
	for end := b.Instructions + quantum; b.Live() > 0 && b.Instructions < end; {
		before := b.Instructions
		for range b.Warps {
			i := b.next
			if b.next++; b.next == len(b.Warps) {
				b.next = 0
			}
			if w := b.Warps[i]; b.waiting>>i&1 == 0 && w.Live != 0 {
				if fault := r.warp(b, w); fault != nil {
					return false, fault
				}
			}
		}
		if b.Instructions == before {
			return true, nil
		}
	}
	if b.Live() == 0 {
		r.free = append(r.free, b)
	}
	return false, nil
}

// warp gives warp w its turn.
func (r *Runner) warp(b *Block, w *exec.Warp) *exec.Fault {
	x := &r.Exec
	from := x.Clock
	for x.Clock-from < turn {
		op := &w.Ops[w.PC]
		if op.Run > 0 {
			w.RunFFMA(int32(op.Run))
			x.Clock += int64(op.Run)
			continue
		}
		mask := w.Active
		if !op.NoGuard {
			mask = w.GuardMask(op)
		}
		pc := w.PC
		x.Exec(w, op, mask)
		x.Clock++
		if !op.IsMem && !op.IsCtrl {
			continue
		}
		if x.Fault.Reason != "" {
			return x.Failed(w, pc)
		}
		if op.IsMem {
			continue
		}
		if w.Live == 0 {
			for at := b.Exit(w); at != 0; at &= at - 1 {
				b.waiting &^= b.Complete(bits.TrailingZeros16(at))
			}
			break
		}
		if x.Bar.Kind != lower.BarNone {
			if b.Arrive(w, &x.Bar) {
				b.waiting |= 1 << w.InBlock
				b.at[w.InBlock] = uint8(x.Bar.ID)
			}
			if b.waiting &^= b.Complete(x.Bar.ID); b.waiting>>w.InBlock&1 != 0 {
				break
			}
		}
	}
	b.Instructions += x.Clock - from
	return nil
}

// Waiting reports each warp that waits at a barrier, its instruction (an index into Program.Ops), and for whom.
func (b *Block) Waiting(report func(w *exec.Warp, op int32, why string)) {
	for i, w := range b.Warps {
		if b.waiting>>i&1 != 0 {
			arrived, expect := b.Arrivals(int(b.at[i]))
			report(w, w.PC-1, fmt.Sprintf("waits at barrier %d, where %d of %d threads have arrived", b.at[i], arrived,
				expect))
		}
	}
}
