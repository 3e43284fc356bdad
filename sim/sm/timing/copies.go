package timing

import (
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// copies are a warp's copies from global into shared memory (LDGSTS) that are under way, in groups: LDGDEPBAR ends a
// group, and holds its barrier until the copies of this group and of all before it have arrived.
type copies struct {
	groups []copyGroup // oldest first; the last one takes copies if it has not ended
	first  uint32      // number of groups[0]
}

// copyGroup is a group of copies.
type copyGroup struct {
	pending uint16 // that have not arrived
	ended   bool
	barrier uint8
	flight  uint32 // the number of the LDGDEPBAR in its barrier's flight
	arrival uint32 // of an ARRIVES that ended it; 0 = none
	latest  int64  // arrival so far
}

// copyBarrier stands in place of a barrier in the loads that are copies; their flight is the number of the group.
const copyBarrier = 8

// reset returns c without copies. Numbers of groups are not used again, so that late arrivals find nothing.
func (c copies) reset() copies {
	return copies{groups: c.groups[:0], first: c.first + uint32(len(c.groups))}
}

// open returns the group that takes copies, and its number.
func (c *copies) open() (*copyGroup, uint32) {
	n := len(c.groups)
	if n == 0 || c.groups[n-1].ended {
		c.groups = append(c.groups, copyGroup{})
		n++
	}
	return &c.groups[n-1], c.first + uint32(n) - 1
}

// copy times the LDGSTS that Exec has just executed. Its bytes go through the pipe of shared memory when they arrive;
// here the pipe is taken when the instruction issues, which is as long.
func (m *SM) copy(w *warp, op *lower.Op, pc int32, a *memory.Access, t int64) {
	passes := m.Exec.Passes
	m.Counters.SharedAccesses++
	m.Counters.SharedPasses += int64(passes)
	m.Counters.SharedBankConflicts += int64(m.Exec.Conflicts)
	if m.Profile != nil {
		m.Profile.Conflicts[pc] += int64(m.Exec.Conflicts)
		m.Profile.Sectors[pc] += int64(a.Sectors())
	}
	m.sharedFree = max(t, m.sharedFree) + m.occupied(passes)
	if m.Exec.Conflicts > 0 {
		m.conflictFree = m.sharedFree
	}
	wi := &w.issue
	a.Part = w.sched.id / 2
	token := m.newLoad(w, copyBarrier)
	g, number := wi.copies.open()
	g.pending++
	m.loads[token].flight = number
	accepted, retry, done, read := m.port.Access(t, a, token)
	if !accepted {
		m.held, m.heldOp, m.heldToken, m.heldUntil = *a, op, token, retry
		if op.RdBar < 6 {
			m.heldRead = wi.hold(op.RdBar)
		}
		return
	}
	if done >= 0 {
		m.reply(token, done)
	}
	if op.RdBar < 6 {
		m.setBarrier(wi, op.RdBar, read, ReasonMemory)
	}
}

// endCopies has the LDGDEPBAR that issues at cycle t end a group.
func (m *SM) endCopies(w *warp, op *lower.Op, t int64) {
	g, _ := w.issue.copies.open()
	g.ended, g.barrier = true, op.WrBar
	g.latest = max(g.latest, t+int64(m.units[op.Unit].Latency))
	if op.WrBar < 6 {
		g.flight = w.issue.hold(op.WrBar)
	}
	m.arrived(w)
}

// endArrival has the ARRIVES that issues at cycle t end a group: its threads arrive when the copies have.
func (m *SM) endArrival(w *warp, t int64) {
	g, _ := w.issue.copies.open()
	g.ended, g.barrier, g.arrival = true, noBarrier, w.Block.Arrival()
	g.latest = max(g.latest, t)
	m.arrived(w)
}

// landed notes that a copy of a warp has arrived at cycle at.
func (m *SM) landed(w *warp, group uint32, at int64) {
	c := &w.issue.copies
	k := group - c.first
	if int(k) >= len(c.groups) {
		return
	}
	g := &c.groups[k]
	g.pending--
	g.latest = max(g.latest, at)
	m.arrived(w)
}

// arrived releases the barriers of the oldest groups that have ended and whose copies are all there.
func (m *SM) arrived(w *warp) {
	c := &w.issue.copies
	for len(c.groups) > 0 && c.groups[0].ended && c.groups[0].pending == 0 {
		g := c.groups[0]
		c.groups = append(c.groups[:0], c.groups[1:]...)
		c.first++
		if len(c.groups) > 0 {
			c.groups[0].latest = max(c.groups[0].latest, g.latest)
		}
		if g.arrival != 0 {
			w.Block.Land(g.arrival, g.latest)
		}
		m.release(w, w.block.serial, g.barrier, g.flight, g.latest)
	}
}
