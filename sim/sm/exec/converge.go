package exec

import (
	"fmt"
	"math/bits"

	"warpdrop/sim/sm/lower"
)

// Independent threads. A warp's threads stand at several places: those that execute are Active at PC, the others in
// entries of Stack, which is a list here. A branch that splits the warp adds an entry with the threads that take it.
// Others wait: at a convergence barrier (BSYNC) for those that BSSY has named, at WARPSYNC for those of its mask, at
// BAR for all of the warp. Where the active threads wait or end, the youngest entry that can go on does; YIELD, and a
// loop that goes round while others could go on, let those others run, each in its turn: threads that wait for each
// other get on, as NVIDIA promises from Volta on.

// meeting is what the convergence barriers of a warp hold.
type meeting struct {
	// by barrier and lane: the threads that the lane is to meet there. Each lane has its own, so that parts of the warp
	// that are in one region at different times do not meet each other.
	mask    [lower.ConvergenceBarriers]lower.Row
	waiting [lower.ConvergenceBarriers]uint32 // threads that have arrived
	sync    lower.Row                         // WARPSYNC: the threads that the lane waits for
	syncs   uint32                            // threads that wait there
	bars    uint32                            // threads that wait at BAR
	request BarRequest                        // what the first of them asks for
	loops   int                               // backward branches of the active threads while others could go on
}

// fresh returns a meeting where nobody waits.
func (m *meeting) fresh() *meeting {
	if m == nil {
		return &meeting{}
	}
	m.waiting, m.syncs, m.bars, m.loops = [lower.ConvergenceBarriers]uint32{}, 0, 0, 0
	return m
}

// loopTurns is how often threads may branch backward while others of the warp could go on before these have a turn. An
// assumption: hardware's figure is not published.
const loopTurns = 32

// looped counts a backward branch of the active threads, and gives others a turn when it is time.
func (x *Exec) looped(w *Warp) {
	m := w.meet
	if m.loops++; m.loops >= loopTurns {
		m.loops = 0
		x.yield(w)
	}
}

// yield lets another part of the warp go on that can.
func (x *Exec) yield(w *Warp) {
	k := w.runnable()
	if k < 0 {
		return
	}
	next := w.Stack[k]
	copy(w.Stack[1:k+1], w.Stack[:k])
	w.Stack[0] = StackEntry{Kind: StackDiverge, PC: w.PC, Mask: w.Active}
	w.Active, w.PC = next.Mask, next.PC
}

// excuse lets threads that wait at a convergence barrier for those in mask, which yield, go on without them: ptxas puts
// YIELD into a loop that waits for a lock, and gives the lock back behind the BSYNC that ends the loop. The threads
// that yield meet each other there later.
func (w *Warp) excuse(mask uint32) {
	m := w.meet
	for b := range m.waiting {
		waiting := m.waiting[b]
		if waiting == 0 {
			continue
		}
		row := &m.mask[b]
		for k := waiting; k != 0; k &= k - 1 {
			row[bits.TrailingZeros32(k)] &^= mask
		}
		for k := mask; k != 0; k &= k - 1 {
			row[bits.TrailingZeros32(k)] &^= waiting
		}
		w.met(b)
	}
}

// runnable returns the youngest entry that can go on, -1 if there is none.
func (w *Warp) runnable() int {
	k := len(w.Stack) - 1
	for k >= 0 && w.Stack[k].Kind != StackDiverge {
		k--
	}
	return k
}

// resume finds threads that go on when none is active.
func (x *Exec) resume(w *Warp) {
	if w.Live == 0 {
		w.Stack = w.Stack[:0]
		return
	}
	m := w.meet
	m.loops = 0
	k := w.runnable()
	if k < 0 {
		if m.bars == w.Live { // the whole warp is there: it waits as one
			x.Bar = m.request
			x.Bar.Threads = m.bars
			w.awake(StackBAR, 0, m.bars)
			m.bars = 0
			k = w.runnable()
		} else if w.forgive() {
			k = w.runnable()
		} else {
			x.fault(ErrBarrier, w.stuck(), bits.TrailingZeros32(w.Live))
			return
		}
	}
	e := w.Stack[k]
	w.Stack = append(w.Stack[:k], w.Stack[k+1:]...)
	w.Active, w.PC = e.Mask, e.PC
}

// forgive lets threads go on that wait at a convergence barrier for others which wait at another one, so that none of
// the warp could go on: the smallest group that waits, which is the innermost. ptxas 12.9 leaves out BREAK where it
// splits a jump table: threads leave a region with none and wait behind it. What hardware does then is not published.
func (w *Warp) forgive() bool {
	m := w.meet
	var parked uint32
	for _, e := range w.Stack {
		if e.Kind == StackBSYNC {
			parked |= e.Mask
		}
	}
	at, group, fewest := -1, uint32(0), 33
	for b := range m.waiting {
		row := &m.mask[b]
		for k := m.waiting[b]; k != 0; {
			i := bits.TrailingZeros32(k)
			want := row[i] & w.Live
			var same uint32
			for l := k; l != 0; l &= l - 1 {
				if j := bits.TrailingZeros32(l); row[j] == row[i] {
					same |= 1 << j
				}
			}
			k &^= same
			if n := bits.OnesCount32(want); want&^parked == 0 && n <= fewest {
				at, group, fewest = b, same, n
			}
		}
	}
	if at < 0 {
		return false
	}
	row := &m.mask[at]
	for k := group; k != 0; k &= k - 1 {
		row[bits.TrailingZeros32(k)] = group
	}
	w.met(at)
	return true
}

// stuck says where the threads of a warp wait for each other.
func (w *Warp) stuck() string {
	text := "the threads of the warp wait for each other:"
	for i, e := range w.Stack {
		if i > 0 {
			text += ","
		}
		where := "WARPSYNC"
		switch e.Kind {
		case StackBSYNC:
			where = fmt.Sprintf("convergence barrier B%d", e.B)
		case StackBAR:
			where = "a barrier of the block"
		}
		text += fmt.Sprintf(" %#08x at %s behind %s", e.Mask, where, w.Block.Prog.Text(e.PC-1))
	}
	return text
}

// park takes the active threads in mask out until something wakes them, at the next instruction.
func (x *Exec) park(w *Warp, kind StackKind, b uint8, mask uint32) {
	w.Stack = append(w.Stack, StackEntry{Kind: kind, B: b, PC: w.PC, Mask: mask})
	w.Active &^= mask
}

// awake lets threads that are parked go on. Those that stand at one place go on together.
func (w *Warp) awake(kind StackKind, b uint8, mask uint32) {
	kept := w.Stack[:0]
	var free [32]StackEntry
	n := 0
	for _, e := range w.Stack {
		if goes := e.Mask & mask; e.Kind == kind && e.B == b && goes != 0 {
			i := 0
			for i < n && free[i].PC != e.PC {
				i++
			}
			if i == n {
				free[n] = StackEntry{Kind: StackDiverge, PC: e.PC}
				n++
			}
			free[i].Mask |= goes
			if e.Mask &^= mask; e.Mask == 0 {
				continue
			}
		}
		kept = append(kept, e)
	}
	w.Stack = append(kept, free[:n]...)
}

// converge executes the instructions of convergence barriers for the threads in mask.
func (x *Exec) converge(w *Warp, op *lower.Op, mask uint32) {
	m := w.meet
	w.PC++
	if mask == 0 {
		return
	}
	b := op.Aux & (lower.ConvergenceBarriers - 1)
	switch op.Code {
	case lower.CodeBSSY:
		row := &m.mask[b]
		for k := mask; k != 0; k &= k - 1 {
			row[bits.TrailingZeros32(k)] = mask
		}
	case lower.CodeBSYNC:
		want := m.mask[b][bits.TrailingZeros32(mask)] & w.Live
		if want&^mask == 0 && mask == w.Active && m.waiting[b] == 0 {
			return // all are here
		}
		m.waiting[b] |= mask
		x.park(w, StackBSYNC, uint8(b), mask)
		w.met(int(b))
	case lower.CodeBREAK:
		row := &m.mask[b]
		var left uint32 // those who wait for them no longer
		for k := mask; k != 0; k &= k - 1 {
			i := bits.TrailingZeros32(k)
			left |= row[i]
			row[i] = 0
		}
		for k := left &^ mask; k != 0; k &= k - 1 {
			row[bits.TrailingZeros32(k)] &^= mask
		}
		w.met(int(b))
	case lower.CodeWARPSYNC:
		row := w.row(op.A)
		if want := row[bits.TrailingZeros32(mask)] & w.Live; want&^mask == 0 && mask == w.Active && m.syncs == 0 {
			return
		}
		for k := mask; k != 0; k &= k - 1 {
			i := bits.TrailingZeros32(k)
			m.sync[i] = row[i]
		}
		m.syncs |= mask
		x.park(w, StackWARPSYNC, 0, mask)
		w.synced()
	case lower.CodeYIELD:
		w.excuse(mask)
		x.yield(w)
	}
	if w.Active == 0 {
		x.resume(w)
	}
}

// together returns the threads waiting of which each has all here whom it waits for, and who wait for the same: in a
// recursive function some may wait at the barrier's use of an outer call.
func (w *Warp) together(row *lower.Row, waiting uint32) (complete uint32) {
	for k := waiting; k != 0; {
		i := bits.TrailingZeros32(k)
		var same uint32
		for l := k; l != 0; l &= l - 1 {
			if j := bits.TrailingZeros32(l); row[j] == row[i] {
				same |= 1 << j
			}
		}
		if row[i]&w.Live&^same == 0 {
			complete |= same
		}
		k &^= same
	}
	return complete
}

// met lets the threads go on that have met at convergence barrier b.
func (w *Warp) met(b int) {
	m := w.meet
	if m.waiting[b] == 0 {
		return
	}
	if free := w.together(&m.mask[b], m.waiting[b]); free != 0 {
		m.waiting[b] &^= free
		w.awake(StackBSYNC, uint8(b), free)
	}
}

// synced is met for WARPSYNC.
func (w *Warp) synced() {
	m := w.meet
	if free := w.together(&m.sync, m.syncs); free != 0 {
		m.syncs &^= free
		w.awake(StackWARPSYNC, 0, free)
	}
}

// left is called when threads have ended: others wait for them no longer.
func (x *Exec) left(w *Warp) {
	m := w.meet
	for b := range m.waiting {
		w.met(b)
	}
	if m.syncs != 0 {
		w.synced()
	}
}

// parts is a BAR of the active threads of a warp of which others are elsewhere: they wait until the whole warp is
// there.
func (x *Exec) parts(w *Warp) {
	m := w.meet
	if m.bars == 0 {
		m.request = x.Bar
	} else {
		m.request.Pred |= x.Bar.Pred & w.Active
	}
	m.request.Pred &= m.bars | w.Active
	x.Bar.Kind = lower.BarNone
	m.bars |= w.Active
	x.park(w, StackBAR, 0, w.Active)
	x.resume(w)
}

// divergent executes BRA.DIV and .CONV: threads branch that are not together with all of a mask, or that are.
func (x *Exec) divergent(w *Warp, op *lower.Op, mask uint32) {
	if mask == 0 {
		w.PC++
		return
	}
	want := w.row(op.A)[bits.TrailingZeros32(mask)]
	if op.Flags&lower.FlagNotA != 0 {
		want = ^want
	}
	apart := want&w.Live&^w.Active != 0
	if apart == (op.Flags&lower.FlagRev != 0) {
		w.PC++
		return
	}
	x.branch(w, mask, int32(op.Imm))
}
