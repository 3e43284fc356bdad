package sm

import (
	"fmt"
	"math/bits"
	"unsafe"
)

// Need is what one block of a launch takes of an SM.
type Need struct {
	Threads   int
	Warps     int
	Registers int // of all its warps, in the hardware's allocation units
	Shared    int // bytes, in the hardware's allocation units
}

// NeedOf returns what a block of threads threads of program p takes.
func NeedOf(cfg *Config, p *Program, threads int) Need {
	warps := (threads + 31) / 32
	round := func(n, unit int) int { return (n + unit - 1) / unit * unit }
	return Need{Threads: threads, Warps: warps,
		Registers: warps * round(p.Registers*32, cfg.RegisterUnit),
		Shared:    round(p.SharedBytes, cfg.SharedUnit)}
}

// Resident returns how many blocks with need n an SM holds at once, as the CUDA occupancy calculator counts them.
func (c *Config) Resident(n Need) int {
	b := min(c.BlocksPerSM, c.WarpsPerSM/n.Warps)
	if n.Registers > 0 {
		// Registers are dealt out a scheduler at a time: each holds its share of the file and its share of the warps.
		perWarp := n.Registers / n.Warps
		warps := c.Registers / c.Schedulers / perWarp * c.Schedulers
		b = min(b, warps/n.Warps)
	}
	if n.Shared > 0 {
		b = min(b, c.Shared/n.Shared)
	}
	return b
}

// Fits reports whether the SM has room for one more block with need n.
func (m *SM) Fits(n Need) bool {
	return m.blocks < m.cfg.BlocksPerSM && m.resident+n.Warps <= m.cfg.WarpsPerSM &&
		m.regsUsed+n.Registers <= m.cfg.Registers && m.sharedUsed+n.Shared <= m.cfg.Shared
}

// Start places block index of a launch on the SM at cycle t, in room that there was from cycle free on; its warps issue
// from free + BlockStart on, but not before t.
func (m *SM) Start(p *Program, n Need, index, dim, grid [3]uint32, free, t int64) {
	m.occupancy(t)
	var b *Block
	if k := len(m.free); k > 0 {
		b = m.free[k-1]
		m.free = m.free[:k-1]
	} else {
		b = &Block{}
	}
	b.reset(p, n, index, dim, grid)
	m.fresh = append(m.fresh, b)
	b.started = t
	if m.Exec.Check != nil {
		m.Exec.Check.begin(b)
	}
	m.blocks++
	m.resident += n.Warps
	m.regsUsed += n.Registers
	m.sharedUsed += n.Shared
	begin := max(free+int64(m.cfg.BlockStart), t)
	setUp := int64(len(b.Warps)) * (begin - t)
	m.Counters.WarpStalls[ReasonBlockStart] += setUp
	if m.Profile != nil {
		m.Profile.Stalls[p.Entry][ReasonBlockStart] += setUp
	}
	for _, w := range b.Warps {
		slot := m.freeSlot()
		m.slots |= 1 << slot
		w.Slot = slot
		w.issue = warpIssue{at: begin, line: -1, flights: w.issue.flights, hazards: w.issue.hazards}
		if m.Hazards != nil {
			m.Hazards.start(w)
		}
		s, i := m.place(slot)
		s.advance(t, &m.Counters)
		s.add(i, w)
		m.schedule(s, i, w, begin, begin, ReasonBlockStart)
		m.wakes[s.id&(maxSchedulers-1)] = min(m.wakes[s.id&(maxSchedulers-1)], s.ready[i])
		if s.n == 1 {
			s.waiting = s.reason[i]
		}
	}
}

// freeSlot returns an unused warp slot, on the scheduler with the fewest warps: slot mod schedulers is its scheduler.
func (m *SM) freeSlot() int {
	best, least := 0, maxWarpsPerScheduler+1
	for i := 0; i < m.nsched; i++ {
		if m.sched[i].n < least {
			best, least = i, m.sched[i].n
		}
	}
	for slot := best; ; slot += m.nsched {
		if m.slots>>slot&1 == 0 {
			return slot
		}
	}
}

// reset makes b a fresh block, reusing its memory, which wipe is to clear.
func (b *Block) reset(p *Program, n Need, index, dim, grid [3]uint32) {
	b.serial++
	b.shadow = nil
	b.Prog = p
	b.need = n
	b.Index, b.Dim, b.Grid = index, dim, grid
	b.Threads = n.Threads
	b.live = n.Warps
	for ; b.arrivals != 0; b.arrivals &= b.arrivals - 1 {
		b.barriers[bits.TrailingZeros16(b.arrivals)] = blockBarrier{}
	}
	b.Shared = resize(b.Shared, p.SharedBytes+sharedPadding)[:p.SharedBytes]
	rows := max(p.Registers, 1)
	b.rows = resize(b.rows, n.Warps*rows)
	b.local = resize(b.local, n.Warps*32*p.LocalBytes)
	for len(b.Warps) < n.Warps {
		b.Warps = append(b.Warps, &Warp{})
	}
	b.Warps = b.Warps[:n.Warps]
	for i, w := range b.Warps {
		lanes := min(n.Threads-32*i, 32)
		live := uint32(1)<<lanes - 1
		if lanes == 32 {
			live = ^uint32(0)
		}
		*w = Warp{Block: b, InBlock: i, Active: live, Live: live, PC: p.Entry, Stack: w.Stack[:0], issue: warpIssue{flights: w.issue.flights, hazards: w.issue.hazards}, ops: p.Ops, fmas: p.fmas}
		w.issue.flights = w.issue.flights.reset(p.counted)
		w.base = [2]unsafe.Pointer{unsafe.Pointer(&b.rows[i*rows]), unsafe.Pointer(&p.Pool[0])}
		w.Preds[7] = ^uint32(0)
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

// wipe clears what the block's threads can read. Its SM does it when it goes on: what it clears is used next, and by this
// thread.
func (b *Block) wipe() {
	clear(b.Shared[:len(b.Shared)+sharedPadding])
	clear(b.rows)
	clear(b.local)
}

// exit retires the warp in slot, whose threads have all exited at cycle t.
func (m *SM) exit(s *scheduler, slot int, t int64) {
	w := s.warps[slot]
	b := w.Block
	s.remove(slot)
	m.slots &^= 1 << w.Slot
	m.occupancy(t + 1)
	m.resident--
	b.live--
	if b.shadow != nil {
		b.shadow.exit(w)
	}
	for at := b.arrivals; at != 0; at &= at - 1 {
		if id := bits.TrailingZeros16(at); b.barriers[id].waiting != 0 {
			m.complete(b, id, t)
		}
	}
	if b.live == 0 {
		m.blocks--
		m.regsUsed -= b.need.Registers
		m.sharedUsed -= b.need.Shared
		m.Counters.Blocks++
		b.finished = t + 1
		m.Finished = append(m.Finished, b)
	}
}

// Recycle gives a finished block's memory back for the next one.
func (m *SM) Recycle(b *Block) { m.free = append(m.free, b) }

// StartedAt returns the cycle of the block's dispatch.
func (b *Block) StartedAt() int64 { return b.started }

// FinishedAt returns the cycle after the block's last instruction.
func (b *Block) FinishedAt() int64 { return b.finished }

// arrive counts warp w as arrived at the barrier that Exec.Bar names and reports whether it has to wait. When it is the
// last to arrive, the others go on after BlockBarrier cycles, and so does it.
func (m *SM) arrive(w *Warp, t int64) (wait bool) {
	r := &m.Exec.Bar
	b := w.Block
	bar := &b.barriers[r.ID&15]
	b.arrivals |= 1 << (r.ID & 15)
	bar.arrived += 32
	bar.expect = r.Count
	bar.reduce(r.Kind, w.Active, r.Pred)
	if r.Kind != BarArrive {
		bar.waiting |= 1 << w.InBlock
		w.issue.atBar, w.issue.bar = true, uint8(r.ID)
	}
	if b.shadow != nil {
		b.shadow.arrive(w, r.ID)
	}
	m.complete(b, int(r.ID), t)
	return r.Kind != BarArrive
}

// reduce combines a warp's predicate into the barrier's running result.
func (bar *blockBarrier) reduce(k BarKind, active, pred uint32) {
	yes := pred & active
	switch k {
	case BarRedPopc:
		bar.value += uint32(bits.OnesCount32(yes))
	case BarRedAnd:
		if bar.count == 0 {
			bar.value = ^uint32(0)
		}
		if yes != active {
			bar.value = 0
		}
	case BarRedOr:
		if yes != 0 {
			bar.value = ^uint32(0)
		}
	}
	bar.count++
}

// complete releases barrier id of block b if all that it waits for have arrived. Warps that have exited count as
// arrived where the barrier is for the whole block.
func (m *SM) complete(b *Block, id int, t int64) {
	bar := &b.barriers[id]
	expect := bar.expect
	if expect == 0 {
		expect = 32 * b.live
	}
	if bar.arrived < expect {
		return
	}
	waiting := bar.waiting
	if b.shadow != nil {
		b.shadow.complete(id, waiting, bar.expect == 0)
	}
	value := bar.value
	*bar = blockBarrier{}
	b.arrivals &^= 1 << (id & 15)
	ready := t + int64(m.cfg.BlockBarrier)
	for ; waiting != 0; waiting &= waiting - 1 {
		w := b.Warps[bits.TrailingZeros64(waiting)]
		w.issue.atBar = false
		w.BarResult = value
		s, slot := m.place(w.Slot)
		m.schedule(s, slot, w, t, ready, ReasonBlockBarrier)
		m.wake(s, s.ready[slot])
	}
}

// Waiting reports each resident warp, the instruction at which it stands (an index into Program.Ops), and why: what a
// deadlock report shows.
func (m *SM) Waiting(report func(w *Warp, op int32, why string)) {
	for i := 0; i < m.nsched; i++ {
		s := &m.sched[i]
		for j := 0; j < s.n; j++ {
			slot := int(s.order[j])
			w := s.warps[slot]
			if !w.issue.atBar {
				report(w, w.PC, "waits for "+ReasonNames[s.reason[slot]])
				continue
			}
			bar := &w.Block.barriers[w.issue.bar]
			expect := bar.expect
			if expect == 0 {
				expect = 32 * w.Block.live
			}
			report(w, w.PC-1, fmt.Sprintf("waits at barrier %d, where %d of %d threads have arrived", w.issue.bar, bar.arrived, expect))
		}
	}
}

// Warps returns the number of resident warps.
func (m *SM) Warps() int { return m.resident }

// Blocks returns the number of resident blocks.
func (m *SM) Blocks() int { return m.blocks }
