package timing

import (
	"math/bits"

	"warpdrop/sim/internal/invariant"
	"warpdrop/sim/sm/exec"
)

// consistent checks the SM between two windows (build tag check): its warps and their slots, barriers, room, memory
// instructions under way, and that every cycle so far is accounted for once.
func (m *SM) consistent() {
	blocks := map[*Resident]int{} // resident warps of each
	for i := range m.nsched {
		m.sched[i].consistent(m, func(w *warp) { blocks[w.block]++ })
	}
	m.roomConsistent(blocks)
	m.loadsConsistent()
	for b := range blocks {
		b.Consistent(func(w *exec.Warp) (int, bool) {
			issue := &b.warps[w.InBlock].issue
			return int(issue.bar), issue.atBar
		})
	}
	for i := range m.nsched {
		s, parked := &m.sched[i], 0
		for _, slot := range s.order[:s.n] {
			if s.warps[slot].issue.atBar {
				parked++
			}
		}
		invariant.Hold(s.parked == parked, "SM %d, scheduler %d: %d warps wait at BAR, %d are counted", m.ID, i, parked,
			s.parked)
	}
	m.cyclesConsistent()
}

// consistent checks what the scheduler keeps of its slots, and the warps in them.
func (s *scheduler) consistent(m *SM, each func(w *warp)) {
	hold := func(ok bool, slot int, what string, args ...any) {
		invariant.Hold(ok, "SM %d, scheduler %d, slot %d: "+what, append([]any{m.ID, s.id, slot}, args...)...)
	}
	var older uint16
	for _, slot := range s.order[:s.n] {
		i := int(slot)
		w := s.warps[i]
		hold(older>>i&1 == 0, i, "stands twice in the order")
		hold(s.older[i] == older, i, "slots %#x are older, it has %#x", older, s.older[i])
		older |= 1 << i
		hold(w != nil, i, "has no warp")
		at, place := m.place(w.Slot)
		hold(at == s && place == i && m.slots>>w.Slot&1 != 0, i, "its warp is in slot %d of the SM", w.Slot)
		hold(w.Live != 0, i, "its warp has exited")
		w.issue.consistent(func(ok bool, what string, args ...any) { hold(ok, i, what, args...) })
		op := &w.Ops[w.PC]
		hold(s.unit[i] == op.Unit || w.issue.atBar, i, "waits for unit %d, its instruction needs %d", s.unit[i],
			op.Unit)
		if s.ready[i] == Never && !w.issue.atBar {
			waits, _ := w.issue.waits(op, 0, 0)
			hold(waits == Never, i, "sleeps, but its barriers open at %d", waits)
		}
		hold(!w.issue.atBar || s.ready[i] == Never, i, "waits at barrier %d and is ready at %d", w.issue.bar,
			s.ready[i])
		looks := max(s.available(i, m), s.account, s.blocked)
		hold(m.wakes[s.id] <= looks, i, "can issue at %d, the scheduler sleeps until %d", looks, m.wakes[s.id])
		hold(i == s.current || looks >= s.others, i, "can issue at %d, not only from %d on", looks, s.others)
		each(w)
	}
	for i := range s.warps {
		if older>>i&1 == 0 {
			hold(s.warps[i] == nil && s.ready[i] == Never && s.marked>>i&1 == 0, i, "is empty, but not marked so")
		}
	}
	hold(s.current < 0 || older>>s.current&1 != 0, s.current, "issued last and is empty")
}

// consistent checks a warp's scoreboard barriers.
func (wi *warpIssue) consistent(hold func(ok bool, what string, args ...any)) {
	for b := range wi.barAt {
		if wi.pending[b] > 0 {
			hold(wi.barAt[b] == Never, "barrier %d waits for %d replies and opens at %d", b, wi.pending[b], wi.barAt[b])
		} else {
			hold(wi.barAt[b] == wi.latest[b], "barrier %d opens at %d, its last reply is at %d", b, wi.barAt[b],
				wi.latest[b])
		}
		if wi.flights != nil {
			n := 0
			for _, at := range wi.flights[b].at {
				if at == Never {
					n++
				}
			}
			hold(n == int(wi.pending[b]), "barrier %d waits for %d replies, %d are in flight", b, wi.pending[b], n)
		}
	}
}

// roomConsistent checks what the resident blocks take against what the SM counts, and what it has.
func (m *SM) roomConsistent(blocks map[*Resident]int) {
	warps, registers, shared := 0, 0, 0
	for b, n := range blocks {
		invariant.Hold(n == b.Live(), "SM %d, block %v: %d warps have slots, %d live", m.ID, b.Index, n, b.Live())
		warps += n
		registers += b.need.Registers
		shared += b.need.Shared
	}
	hold := func(what string, counted, found, most int) {
		invariant.Hold(counted == found && found <= most, "SM %d: %d %s are counted, %d in use, %d there", m.ID,
			counted, what, found, most)
	}
	hold("blocks", m.blocks, len(blocks), m.cfg.BlocksPerSM)
	hold("warps", m.resident, warps, m.cfg.WarpsPerSM)
	hold("warp slots", bits.OnesCount64(m.slots), warps, m.cfg.WarpsPerSM)
	hold("registers", m.regsUsed, registers, m.cfg.Registers)
	hold("bytes of shared memory", m.sharedUsed, shared, m.cfg.Shared)
}

// loadsConsistent checks the memory instructions under way: each token is free or names one, and each barrier waits for
// as many as hold it.
func (m *SM) loadsConsistent() {
	free := make([]bool, len(m.loads))
	for _, token := range m.freeLoads {
		invariant.Hold(!free[token], "SM %d: token %d is free twice", m.ID, token)
		free[token] = true
	}
	type held struct {
		w *warp
		b uint8
	}
	want := map[held]uint8{}
	count := func(w *warp, serial uint64, b uint8) {
		if b < 6 && w.block.serial == serial && w.Live != 0 {
			want[held{w, b}]++
		}
	}
	for token, l := range m.loads {
		if !free[token] {
			invariant.Hold(l.warp != nil, "SM %d: token %d is in use by no warp", m.ID, token)
			count(l.warp, l.serial, l.barrier)
		}
	}
	if m.heldUntil > 0 {
		invariant.Hold(!free[m.heldToken], "SM %d: the held access has token %d, which is free", m.ID, m.heldToken)
		l := m.loads[m.heldToken]
		count(l.warp, l.serial, m.heldOp.RdBar)
	}
	for i := range m.nsched {
		s := &m.sched[i]
		for _, slot := range s.order[:s.n] {
			w := s.warps[slot]
			for _, g := range w.issue.copies.groups {
				if g.ended {
					count(w, w.block.serial, g.barrier)
				}
			}
			for b, n := range w.issue.pending {
				invariant.Hold(n == want[held{w, uint8(b)}],
					"SM %d, warp slot %d: barrier %d waits for %d replies, %d are under way", m.ID, w.Slot, b, n,
					want[held{w, uint8(b)}])
			}
		}
	}
}

// cyclesConsistent checks that the cycles of schedulers and of warps so far were issued in, or lost for one reason.
func (m *SM) cyclesConsistent() {
	c := &m.Counters
	schedulers, warps := c.IssueCycles, c.WarpInstructions-c.DualIssues
	for r := range NumReasons {
		invariant.Hold(c.SchedulerStalls[r] >= 0 && c.WarpStalls[r] >= 0, "SM %d: %s is negative", m.ID, ReasonNames[r])
		schedulers += c.SchedulerStalls[r]
		warps += c.WarpStalls[r]
	}
	resident := c.WarpCycles
	passed := int64(0)
	for i := range m.nsched {
		s := &m.sched[i]
		passed += s.account - m.began
		for _, slot := range s.order[:s.n] {
			resident += s.warps[slot].issue.at - m.since
		}
	}
	invariant.Hold(schedulers == passed, "SM %d: %d scheduler cycles are accounted for, %d have passed", m.ID,
		schedulers, passed)
	invariant.Hold(warps == resident, "SM %d: %d warp cycles are accounted for, warps were resident for %d", m.ID,
		warps, resident)
}
