package timing

import (
	"fmt"
	"math/bits"

	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
)

// Need is what one block of a launch takes of an SM.
type Need struct {
	Threads   int
	Warps     int
	Registers int // of all its warps, in the hardware's allocation units
	Shared    int // bytes, in the hardware's allocation units
}

// NeedOf returns what a block of threads threads of program p takes.
func NeedOf(cfg *Config, p *lower.Program, threads int) Need {
	warps := (threads + 31) / 32
	round := func(n, unit int) int { return (n + unit - 1) / unit * unit }
	return Need{Threads: threads, Warps: warps,
		Registers: warps * round(p.Registers*32, cfg.RegisterUnit),
		Shared:    round(p.SharedBytes+cfg.SharedReserved, cfg.SharedUnit)}
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

// Limit is what keeps more blocks of need n from an SM.
func (c *Config) Limit(n Need) string {
	fit := c.Resident(n)
	switch {
	case fit == c.BlocksPerSM:
		return "block slots"
	case fit == c.Resident(Need{Warps: n.Warps}):
		return "warp slots"
	case fit == c.Resident(Need{Warps: n.Warps, Registers: n.Registers}):
		return "registers"
	}
	return "shared memory"
}

// Fits reports whether the SM has room for one more block with need n.
func (m *SM) Fits(n Need) bool {
	return m.blocks < m.cfg.BlocksPerSM && m.resident+n.Warps <= m.cfg.WarpsPerSM &&
		m.regsUsed+n.Registers <= m.cfg.Registers && m.sharedUsed+n.Shared <= m.cfg.Shared
}

// warp is a warp on an SM: the state of its threads, and when it issues.
type warp struct {
	exec.Warp
	issue warpIssue
	block *Resident
	sched *scheduler // and its slot there
	place int
}

// Resident is a thread block on an SM.
type Resident struct {
	exec.Block

	need     Need
	warps    []*warp // Block.Warps points into them
	serial   uint64  // counts the blocks that used this memory
	started  int64
	finished int64
}

// reset makes b a fresh block, reusing its memory, which Block.Wipe is to clear.
func (b *Resident) reset(p *lower.Program, n Need, index, dim, grid [3]uint32) {
	b.serial++
	b.need = n
	b.Warps = b.Warps[:0]
	for i := range n.Warps {
		if i == len(b.warps) {
			b.warps = append(b.warps, &warp{block: b})
		}
		b.Warps = append(b.Warps, &b.warps[i].Warp)
	}
	b.Block.Reset(p, n.Threads, index, dim, grid)
}

// Start places block index of a launch on the SM at cycle t, in room that there was from cycle free on; its warps issue
// from free + BlockStart on, but not before t.
func (m *SM) Start(p *lower.Program, n Need, index, dim, grid [3]uint32, free, t int64) {
	m.occupancy(t)
	var b *Resident
	if k := len(m.free); k > 0 {
		b = m.free[k-1]
		m.free = m.free[:k-1]
	} else {
		b = &Resident{}
	}
	b.reset(p, n, index, dim, grid)
	m.fresh = append(m.fresh, b)
	b.started = t
	m.Exec.Begin(&b.Block)
	m.blocks++
	m.resident += n.Warps
	m.regsUsed += n.Registers
	m.sharedUsed += n.Shared
	begin := max(free+int64(m.cfg.BlockStart), t)
	setUp := int64(n.Warps) * (begin - t)
	m.Counters.WarpStalls[ReasonBlockStart] += setUp
	if m.Profile != nil {
		m.Profile.Stalls[p.Entry][ReasonBlockStart] += setUp
	}
	for _, w := range b.warps[:n.Warps] {
		m.enter(w, begin, t)
	}
}

// enter gives a warp of a block that starts at cycle t a slot; it issues from cycle begin on.
func (m *SM) enter(w *warp, begin, t int64) {
	slot := m.freeSlot()
	m.slots |= 1 << slot
	w.Slot = slot
	w.issue = warpIssue{at: begin, line: -1, flights: w.issue.flights.reset(w.Block.Prog.Counted),
		copies: w.issue.copies.reset()}
	if m.Hazards != nil {
		m.Hazards.Start(&w.Warp)
	}
	s, i := m.place(slot)
	w.sched, w.place = s, i
	s.advance(t, &m.Counters)
	s.add(i, w)
	m.schedule(s, i, w, &w.Ops[w.PC], begin, begin, ReasonBlockStart)
	m.wakes[s.id&(maxSchedulers-1)] = min(m.wakes[s.id&(maxSchedulers-1)], s.ready[i])
	s.others = min(s.others, s.ready[i])
	if s.n == 1 {
		s.waiting = s.reason[i]
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

// exit retires the warp in slot, whose threads have all exited at cycle t.
func (m *SM) exit(s *scheduler, slot int, t int64) {
	w := s.warps[slot]
	b := w.block
	s.remove(slot)
	m.slots &^= 1 << w.Slot
	m.occupancy(t + 1)
	m.resident--
	for at := b.Exit(&w.Warp); at != 0; at &= at - 1 {
		m.complete(b, bits.TrailingZeros16(at), t)
	}
	if b.Live() == 0 {
		m.blocks--
		m.regsUsed -= b.need.Registers
		m.sharedUsed -= b.need.Shared
		m.Counters.Blocks++
		b.finished = t + 1
		m.Finished = append(m.Finished, b)
	}
}

// Recycle gives a finished block's memory back for the next one.
func (m *SM) Recycle(b *Resident) { m.free = append(m.free, b) }

// StartedAt returns the cycle of the block's dispatch.
func (b *Resident) StartedAt() int64 { return b.started }

// FinishedAt returns the cycle after the block's last instruction.
func (b *Resident) FinishedAt() int64 { return b.finished }

// arrive counts warp w as arrived at the barrier that Exec.Bar names and reports whether it has to wait. When it is the
// last to arrive, the others go on after BlockBarrier cycles, and so does it.
func (m *SM) arrive(w *warp, t int64) (wait bool) {
	r := &m.Exec.Bar
	wait = w.block.Arrive(&w.Warp, r)
	if wait {
		w.issue.atBar, w.issue.bar = true, uint8(r.ID)
		w.sched.parked++
	}
	m.complete(w.block, r.ID, t)
	return wait
}

// complete lets the warps go on for which barrier id of block b is complete.
func (m *SM) complete(b *Resident, id int, t int64) {
	ready := t + int64(m.cfg.BlockBarrier)
	for released := b.Complete(id); released != 0; released &= released - 1 {
		w := b.warps[bits.TrailingZeros64(released)]
		w.issue.atBar = false
		s, slot := w.sched, w.place
		s.parked--
		m.schedule(s, slot, w, &w.Ops[w.PC], t, ready, ReasonBlockBarrier)
		m.wake(s, s.ready[slot])
	}
}

// Waiting reports each resident warp, the instruction at which it stands (an index into Program.Ops), and why: what a
// deadlock report shows.
func (m *SM) Waiting(report func(w *exec.Warp, op int32, why string)) {
	for i := 0; i < m.nsched; i++ {
		s := &m.sched[i]
		for j := 0; j < s.n; j++ {
			slot := int(s.order[j])
			w := s.warps[slot]
			if !w.issue.atBar {
				report(&w.Warp, w.PC, "waits for "+ReasonNames[s.reason[slot]])
				continue
			}
			arrived, expect := w.block.Arrivals(int(w.issue.bar))
			report(&w.Warp, w.PC-1, fmt.Sprintf("waits at barrier %d, where %d of %d threads have arrived", w.issue.bar,
				arrived, expect))
		}
	}
}

// Warps returns the number of resident warps.
func (m *SM) Warps() int { return m.resident }

// Blocks returns the number of resident blocks.
func (m *SM) Blocks() int { return m.blocks }
