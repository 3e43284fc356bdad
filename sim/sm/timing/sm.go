// Package timing is one streaming multiprocessor in time: schedulers, issue, scoreboard barriers, instruction and
// constant caches, blocks and their room, counters. Values come from exec at issue.
package timing

import (
	"math/bits"
	"unsafe"

	"warpdrop/sim/internal/invariant"
	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
	"warpdrop/sim/prefetch"
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
)

// warpIssue is what issue keeps of a warp.
type warpIssue struct {
	barAt     [6]int64  // cycle at which each scoreboard barrier is released; Never while a reply is outstanding
	barReason [6]Reason // what kind of instruction set it
	pending   [6]uint8  // replies outstanding
	latest    [6]int64  // latest known release of those that are not
	at        int64     // cycle after the last issue, or of the warp's start
	blocked   int64     // end of the last register-bank conflict that an instruction of the warp made
	line      int32     // instruction cache line of the last instruction
	atBar     bool      // waits at BAR
	bar       uint8     // which
	flights   *flights  // nil if the program waits for no barrier's count (DEPBAR.LE above 0)
	copies    copies
}

// pendingLoad is a memory instruction whose reply is outstanding; its index is the token that the memory system
// returns.
type pendingLoad struct {
	warp    *warp
	serial  uint64 // of the warp's block, to tell a reused Warp from the one that asked
	flight  uint32 // its number in the barrier's flight
	barrier uint8
}

// SM is one streaming multiprocessor.
type SM struct {
	ID       int
	Counters Counters
	Exec     exec.Exec
	Finished []*Resident // blocks that finished since the caller last emptied it, in order
	Fault    *exec.Fault // the first error, nil = none
	Profile  *Profile    // per-instruction counts, nil = off
	Hazards  *Hazards    // check of control words, nil = off

	cfg      *Config
	policy   *Policy
	greedy   bool  // policy.greedy
	runs     bool  // whether runs of FFMAs may be issued in one piece
	observed bool  // by Profile or Hazards
	until    int64 // end of the window
	woken    int64 // earliest cycle for which a scheduler woke another in this one
	units    [lower.NumUnits]UnitTiming
	interval [16]int64 // of each unit, once more
	sched    [maxSchedulers]scheduler
	wakes    [maxSchedulers]int64 // first cycle at which it is worth looking at each again
	nsched   int
	port     *memory.Port
	icache   instructionCache
	ccache   constantCache

	sharedFree   int64         // first cycle at which the shared-memory pipe is idle
	conflictFree int64         // the same, for the part of the queue that bank conflicts made
	held         memory.Access // access that the memory system did not accept yet
	heldUntil    int64         // cycle at which to try again; 0 = nothing held
	heldOp       *lower.Op
	heldToken    uint32 // in loads; a store is held on when its warp has exited
	heldRead     uint32 // its number in the flight of its read barrier
	loads        []pendingLoad
	freeLoads    []uint32

	resident   int // warps
	blocks     int
	regsUsed   int
	sharedUsed int
	began      int64 // cycle of Begin
	since      int64 // cycle up to which WarpCycles is summed
	free       []*Resident
	fresh      []*Resident // started since the last Run
	slots      uint64      // warp slots in use
}

// New returns an SM with the figures of cfg; port is its way to the memory system.
func New(id int, cfg *Config, port *memory.Port) (*SM, error) {
	p, err := policyByName(cfg.Policy)
	if err != nil {
		return nil, err
	}
	m := &SM{ID: id, cfg: cfg, policy: p, greedy: p.greedy, units: cfg.Units.Table(), nsched: cfg.Schedulers,
		port:   port,
		icache: newInstructionCache(&cfg.ICache),
		ccache: newConstantCache(&cfg.ConstCache, cfg.Schedulers),
	}
	m.Exec.TimedCopies = true
	for u := range m.units {
		m.interval[u] = int64(m.units[u].Interval)
	}
	m.runs = p.greedy && m.units[lower.UnitFP32].Interval == 1
	for i := range m.sched {
		s := &m.sched[i]
		s.current = -1
		s.id = uint8(i)
		m.wakes[i] = Never
		s.waiting = ReasonNoWarp
		for j := range s.ready {
			s.ready[j] = Never
		}
	}
	return m, nil
}

// Begin sets the clock to cycle now, with nothing resident, and empties what does not outlive a launch.
func (m *SM) Begin(now int64) {
	m.Counters = Counters{}
	m.Fault = nil
	m.Finished = m.Finished[:0]
	m.began, m.since = now, now
	m.sharedFree, m.conflictFree = now, now
	m.loads, m.freeLoads = m.loads[:0], m.freeLoads[:0] // replies that came when their warps had exited were not taken
	m.ccache.reset()
	for i := 0; i < m.nsched; i++ {
		s := &m.sched[i]
		s.account = now
		s.waiting = ReasonNoWarp
		m.wakes[i] = Never
		s.blocked = 0
		s.parked, s.others = 0, 0
		s.unitFree = [16]int64{}
	}
}

// End accounts for all cycles up to now.
func (m *SM) End(now int64) {
	m.occupancy(now)
	for i := 0; i < m.nsched; i++ {
		m.sched[i].advance(now, &m.Counters)
	}
}

// occupancy sums resident warps up to now.
func (m *SM) occupancy(now int64) {
	if m.resident > 0 {
		m.Counters.WarpCycles += int64(m.resident) * (now - m.since)
		m.Counters.ActiveCycles += now - m.since
	}
	m.since = now
}

// Next returns the first cycle at which the SM has something to do by itself, or Never.
func (m *SM) Next() int64 {
	next := int64(Never)
	if m.heldUntil > 0 {
		next = m.heldUntil
	}
	for i := 0; i < m.nsched; i++ {
		next = min(next, m.wakes[i])
	}
	return next
}

// Holds reports whether an access waits for room in the memory system; that of a store outlives its warp and its block.
func (m *SM) Holds() bool { return m.heldUntil > 0 }

// Busy reports whether blocks are resident.
func (m *SM) Busy() bool { return m.blocks > 0 }

// Run simulates cycles from up to, but not including, to.
func (m *SM) Run(from, to int64) {
	for _, b := range m.fresh {
		b.Wipe()
	}
	m.fresh = m.fresh[:0]
	if replies := m.port.Replies(); len(replies) > 0 {
		// Much else has gone through the host's caches since the last window: ask for the schedulers and these warps at
		// once.
		prefetch.Lines(unsafe.Pointer(&m.units), int(unsafe.Sizeof(*m)-unsafe.Offsetof(m.units))/64)
		for _, r := range replies {
			prefetch.Lines(unsafe.Pointer(m.loads[r.Token].warp), int(unsafe.Sizeof(warp{})+63)/64)
		}
		for _, r := range replies {
			m.reply(r.Token, r.Cycle)
		}
	}
	t := from
	m.until = to
	m.observed = m.Profile != nil || m.Hazards != nil
	for t < to {
		next := to
		if m.heldUntil > 0 {
			if m.heldUntil <= t {
				m.retry(t)
			}
			if m.heldUntil > 0 {
				next = min(next, m.heldUntil)
			}
		}
		m.woken = Never
		// Written out for maxSchedulers: this is most of what a cycle without an issue costs.
		if m.wakes[0] <= t {
			m.step(&m.sched[0], t)
		}
		if m.wakes[1] <= t {
			m.step(&m.sched[1], t)
		}
		if m.wakes[2] <= t {
			m.step(&m.sched[2], t)
		}
		if m.wakes[3] <= t {
			m.step(&m.sched[3], t)
		}
		if m.Fault != nil {
			return
		}
		next = min(next, m.wakes[0], m.wakes[1], m.wakes[2], m.wakes[3])
		t = min(next, m.woken)
	}
	if invariant.On {
		m.consistent()
	}
}

// wake has scheduler s look at cycle t again, if it would not before.
func (m *SM) wake(s *scheduler, t int64) {
	m.wakes[s.id&(maxSchedulers-1)] = min(m.wakes[s.id&(maxSchedulers-1)], t)
	m.woken = min(m.woken, t)
	s.others = min(s.others, t)
}

// step lets one scheduler act at cycle t.
func (m *SM) step(s *scheduler, t int64) {
	if s.account > t {
		// Something woke it while it was ahead with a run.
		m.wakes[s.id&(maxSchedulers-1)] = max(s.account, s.blocked)
		return
	}
	s.advance(t, &m.Counters)
	if s.blocked > t {
		m.wakes[s.id&(maxSchedulers-1)] = s.blocked
		s.waiting = ReasonRegisterBank
		return
	}
	slot := s.current
	if !m.greedy || slot < 0 || s.yield && s.others <= t || s.ready[slot] > t || s.available(slot, m) > t {
		if slot = m.choose(s, t); slot < 0 {
			return
		}
		s.current = slot
	}
	s.yield = false
	m.Counters.IssueCycles++
	s.account = t + 1
	m.wakes[s.id&(maxSchedulers-1)] = t + 1
	s.waiting = ReasonStallCount
	w := s.warps[slot]
	op := &w.Ops[w.PC]
	if op.Run > 0 && m.runs && !m.observed {
		m.run(s, slot, w, t)
		return
	}
	if m.issue(s, slot, w, op, t) && m.cfg.DualIssue && s.warps[slot] != nil && s.available(slot, m) <= t {
		m.Counters.DualIssues++
		m.issue(s, slot, w, &w.Ops[w.PC], t)
	}
	if s.others > t+1 {
		m.rest(s, slot, t)
	}
}

// sharedUnits are those that other schedulers of the SM can make busy, a bit each.
const sharedUnits = 1<<lower.UnitShared | 1<<lower.UnitGlobal | 1<<lower.UnitFP16

// rest has a scheduler that issued from slot at cycle t, and whose other warps cannot issue before cycle s.others,
// sleep until this one can, if that is sooner: what a look at cycle t+1 would find. It does not where something may
// come in between that the look would see: the end of the window, or a warp that is let go at a BAR.
func (m *SM) rest(s *scheduler, slot int, t int64) {
	u := s.unit[slot]
	ready := s.ready[slot]
	at := max(ready, s.unitFree[u])
	if at >= s.others || at <= t+1 || sharedUnits>>u&1 != 0 || s.parked > 0 || s.blocked > t+1 || t+1 >= m.until {
		return
	}
	m.wakes[s.id&(maxSchedulers-1)] = at
	s.waiting = s.reason[slot]
	if ready <= t+1 {
		s.waiting = m.unitReason(u)
	}
}

// choose returns the slot from which scheduler s issues at cycle t when it looks at all of them; if it is -1, the
// scheduler sleeps until one is ready.
func (m *SM) choose(s *scheduler, t int64) int {
	m.Counters.WarpsScanned += int64(s.n)
	slot, next, first := m.policy.pick(s, t, m)
	s.others = next
	if slot < 0 {
		s.others = 0
		m.wakes[s.id&(maxSchedulers-1)] = next
		switch {
		case first < 0 && s.n == 0:
			s.waiting = ReasonNoWarp
		case first < 0:
			s.waiting = s.reason[s.order[0]]
		case s.ready[first] > t:
			s.waiting = s.reason[first]
		default:
			s.waiting = m.unitReason(s.unit[first])
		}
	}
	return slot
}

// run issues the FFMAs from the PC of the warp in slot on, one a cycle, the first at cycle t, as many as there are in a
// run and in the time for which nothing from outside can concern this warp. That is exact: with the greedy policy the
// warp is picked as long as it is ready, and a run touches nothing that the schedulers share (see lowerer.runs). The
// others catch up in their turn.
func (m *SM) run(s *scheduler, slot int, w *warp, t int64) {
	pc := w.PC
	until := m.until
	if m.heldUntil > 0 {
		until = min(until, m.heldUntil)
	}
	n := int64(w.Ops[pc].Run)
	banks := int64(w.Ops[pc].RunBanks)
	if t+n+banks > until {
		// Not all of them.
		n, banks = 1, 0
		for b := int64(w.Ops[pc].Banks); t+n+banks+b < until; b = int64(w.Ops[pc+int32(n-1)].Banks) {
			banks += b
			n++
		}
	}
	c := &m.Counters
	wi := &w.issue
	if t > wi.at {
		m.waited(s, slot, wi, t)
	}
	w.RunFFMA(int32(n))
	threads := n * int64(bits.OnesCount32(w.Active))
	c.WarpInstructions += n
	c.ThreadInstructions += threads
	c.PredicatedInstructions += threads
	c.FLOP += 2 * threads
	c.UnitInstructions[lower.UnitFP32] += n
	c.IssueCycles += n - 1
	c.SchedulerStalls[ReasonRegisterBank] += banks
	c.WarpStalls[ReasonRegisterBank] += banks
	c.RegisterBankConflicts += banks
	t += n - 1 + banks
	wi.at = t + 1
	s.account = t + 1
	m.wakes[s.id&(maxSchedulers-1)] = t + 1
	s.unitFree[lower.UnitFP32] = t + 1
	last := &w.Ops[w.PC-1]
	if last.Banks != 0 {
		c.RegisterBankConflicts += int64(last.Banks)
		s.blocked = t + 1 + int64(last.Banks)
		wi.blocked = s.blocked
		m.wakes[s.id&(maxSchedulers-1)] = s.blocked
		s.waiting = ReasonRegisterBank
	}
	s.yield = last.Yield
	m.follow(s, slot, w, t, t+int64(last.Stall))
	if s.others > t+1 {
		m.rest(s, slot, t)
	}
}

// waited accounts for the cycles of the warp in slot since it last issued, now that it issues at cycle t: first what
// kept it from being ready, by the last of its reasons; then the register-bank conflict of its own last instruction;
// then the time until the unit was last free for it; the rest it was eligible.
func (m *SM) waited(s *scheduler, slot int, wi *warpIssue, t int64) {
	c := &m.Counters
	ready := min(max(s.ready[slot], wi.at), t)
	c.WarpStalls[s.reason[slot]] += ready - wi.at
	if ready == t {
		return
	}
	if wi.blocked > ready {
		end := min(wi.blocked, t)
		c.WarpStalls[ReasonRegisterBank] += end - ready
		ready = end
	}
	u := s.unit[slot]
	free := int64(0)
	if u == lower.UnitShared || u == lower.UnitGlobal {
		free = m.memoryFree(u)
	} else if m.units[u].Interval > 1 { // else it is the scheduler that was busy
		free = s.unitFree[u]
	}
	if free > ready {
		end := min(free, t)
		c.WarpStalls[m.unitReason(u)] += end - ready
		ready = end
	}
	c.WarpStalls[ReasonNotSelected] += t - ready
}

// observe is what issue does for those who look on.
func (m *SM) observe(s *scheduler, slot int, w *warp, op *lower.Op, pc int32, mask uint32, t int64) {
	wi := &w.issue
	if m.Profile != nil {
		m.profile(s, slot, wi, pc, t)
		m.Profile.Threads[pc] += int64(bits.OnesCount32(mask))
	} else if t > wi.at {
		m.waited(s, slot, wi, t)
	}
	if m.Hazards != nil {
		m.Hazards.Issue(&w.Warp, op, pc, mask)
	}
}

// profile counts the warp's instruction at pc, issued at cycle t, with the cycles that it waited.
func (m *SM) profile(s *scheduler, slot int, wi *warpIssue, pc int32, t int64) {
	m.Profile.Warps[pc]++
	if t > wi.at {
		before := m.Counters.WarpStalls
		m.waited(s, slot, wi, t)
		for r, n := range m.Counters.WarpStalls {
			m.Profile.Stalls[pc][r] += n - before[r]
		}
	}
}

// unitReason says why a free warp could not use unit u.
func (m *SM) unitReason(u lower.Unit) Reason {
	switch {
	case u == lower.UnitGlobal && m.heldUntil > 0:
		return ReasonMemoryQueue
	case (u == lower.UnitShared || u == lower.UnitGlobal) && m.conflictFree >= m.sharedFree && m.conflictFree > 0:
		return ReasonBankConflict
	}
	return ReasonUnitBusy
}

// memoryFree returns the first cycle at which a memory instruction for unit u may issue: the queue in front of the
// shared-memory pipe holds a bounded number of cycles' work, and an access that was not accepted blocks those behind
// it.
func (m *SM) memoryFree(u lower.Unit) int64 {
	if u == lower.UnitGlobal && m.heldUntil > 0 {
		return m.heldUntil
	}
	return m.sharedFree - int64(m.cfg.MemoryQueue)
}

// issue executes the next instruction, op, of the warp w in slot at cycle t and finds when the one after it may issue.
// It reports whether that one is paired with it (dual issue).
func (m *SM) issue(s *scheduler, slot int, w *warp, op *lower.Op, t int64) (dual bool) {
	pc := w.PC
	c := &m.Counters
	wi := &w.issue

	active := w.Active
	mask := active
	if !op.NoGuard {
		mask = w.GuardMask(op)
	}
	if m.observed {
		m.observe(s, slot, w, op, pc, mask, t)
	} else if t > wi.at {
		m.waited(s, slot, wi, t)
	}
	c.WarpInstructions++
	threads := int64(bits.OnesCount32(active))
	c.ThreadInstructions += threads
	if mask != active {
		threads = int64(bits.OnesCount32(mask))
	}
	c.PredicatedInstructions += threads
	c.FLOP += threads * int64(op.FLOP)
	c.UnitInstructions[op.Unit%lower.NumUnits]++
	wi.at = t + 1

	m.Exec.Clock = t
	m.Exec.Exec(&w.Warp, op, mask)

	s.unitFree[op.Unit&15] = t + m.interval[op.Unit&15]
	if !op.Plain {
		return m.settle(s, slot, w, op, pc, active, mask, t)
	}
	s.yield = op.Yield
	m.follow(s, slot, w, t, t+int64(op.Stall))
	return op.Dual
}

// follow finds when warp w may issue the instruction at its PC after a plain one at cycle t that holds it until ready.
func (m *SM) follow(s *scheduler, slot int, w *warp, t, ready int64) {
	op := &w.Ops[w.PC]
	if op.Line != w.issue.line || op.Wait != 0 || op.ConstLine != 0 {
		m.schedule(s, slot, w, op, t, ready, ReasonStallCount)
		return
	}
	s.ready[slot] = ready
	s.reason[slot] = ReasonStallCount
	s.unit[slot] = op.Unit
}

// settle does for issue what instructions that are not Plain need: memory, control, barriers, register-bank conflicts.
func (m *SM) settle(s *scheduler, slot int, w *warp, op *lower.Op, pc int32, active, mask uint32, t int64) (dual bool) {
	c := &m.Counters
	wi := &w.issue
	ready := t + int64(op.Stall)
	reason := ReasonStallCount
	if op.IsMem || op.IsCtrl {
		if m.Exec.Fault.Reason != "" {
			m.fault(w, pc)
			return false
		}
		if op.IsMem {
			m.access(w, op, pc, t)
		} else {
			if op.Unit == lower.UnitBranch {
				c.Branches += int64(op.Branch)
				if op.Branch != 0 && parted(w, op, pc, active, mask) {
					c.DivergentBranches++
				}
			}
			if w.Live == 0 {
				m.exit(s, slot, t)
				return false
			}
			if w.PC != pc+1 {
				if r := t + int64(m.cfg.BranchTaken); r > ready {
					ready, reason = r, ReasonBranch
				}
			}
			if m.Exec.Bar.Kind != lower.BarNone {
				c.BlockBarriers++
				s.ready[slot] = Never
				s.reason[slot] = ReasonBlockBarrier
				s.unit[slot] = lower.UnitNone
				if m.arrive(w, t) {
					// Parked, unless this was the last warp to arrive: complete sets the ready time then.
					return false
				}
			}
		}
	} else {
		if op.Unit == lower.UnitTensor {
			s.unitFree[op.Unit] = t + m.product(op)
		}
		if op.WrBar < 6 || op.RdBar < 6 {
			m.variable(s, w, op, t)
		}
	}
	if op.Banks != 0 {
		c.RegisterBankConflicts += int64(op.Banks)
		s.blocked = t + 1 + int64(op.Banks)
		wi.blocked = s.blocked
		m.wakes[s.id&(maxSchedulers-1)] = s.blocked
		s.waiting = ReasonRegisterBank
	}
	s.yield = op.Yield
	m.schedule(s, slot, w, &w.Ops[w.PC], t, ready, reason)
	return op.Dual
}

// product returns the cycles that a product of matrices occupies the tensor pipe.
func (m *SM) product(op *lower.Op) int64 {
	cycles := m.interval[lower.UnitTensor] * int64(op.Size)
	if m.cfg.TensorSingle > 1 && op.Aux&lower.MMASingle != 0 {
		cycles *= int64(m.cfg.TensorSingle)
	}
	return max(cycles/lower.MMAShares, 1)
}

// parted tells whether a branch split the warp: some active threads took it and others did not, or they went to
// different places.
func parted(w *warp, op *lower.Op, pc int32, active, mask uint32) bool {
	return mask != 0 && mask != active || w.Active != active && (op.Code == lower.CodeBRX ||
		op.Imm2 != int32(isa.CCT) && w.PC == pc+1)
}

// variable sets the barriers of an instruction of variable latency that is no memory access, at cycle t.
func (m *SM) variable(s *scheduler, w *warp, op *lower.Op, t int64) {
	start := t
	wi := &w.issue
	switch op.Unit {
	case lower.UnitNone:
		if op.Code == lower.CodeLDGDEPBAR {
			m.endCopies(w, op, t)
			return
		}
	case lower.UnitShared: // SHFL goes through the shared-memory pipe as an access of one pass
		start = max(t, m.sharedFree)
		m.sharedFree = start + m.occupied(1)
	case lower.UnitSFU, lower.UnitConvert: // one pipe
		s.unitFree[lower.UnitSFU], s.unitFree[lower.UnitConvert] = s.unitFree[op.Unit], s.unitFree[op.Unit]
	case lower.UnitFP16: // one for all schedulers
		for i := range m.nsched {
			m.sched[i].unitFree[lower.UnitFP16] = s.unitFree[lower.UnitFP16]
		}
	}
	if op.WrBar < 6 {
		m.setBarrier(wi, op.WrBar, start+int64(m.units[op.Unit].Latency), ReasonVariable)
	}
	if op.RdBar < 6 {
		m.setBarrier(wi, op.RdBar, t+int64(m.cfg.ReadLatency), ReasonVariable)
	}
}

// schedule finds when warp w, free from cycle ready on, may issue the instruction at its PC, op.
func (m *SM) schedule(s *scheduler, slot int, w *warp, op *lower.Op, t, ready int64, reason Reason) {
	wi := &w.issue
	if op.Line != wi.line {
		wi.line = op.Line
		r, miss := m.icache.fetch(op.Line, t)
		if miss {
			m.Counters.InstructionMisses++
		}
		if r > ready {
			ready, reason = r, ReasonFetch
		}
	}
	if op.Wait != 0 {
		ready, reason = wi.waits(op, ready, reason)
	}
	if op.ConstLine != 0 {
		r, miss := m.ccache.read(s.id, op.ConstLine, t, ready)
		if miss {
			m.Counters.ConstantMisses++
		}
		if r > ready {
			ready, reason = r, ReasonConstant
		}
	}
	s.ready[slot] = ready
	s.reason[slot] = reason
	s.unit[slot] = op.Unit
}

// waits raises ready to the release of every barrier that op waits for; reason becomes that of the last.
func (wi *warpIssue) waits(op *lower.Op, ready int64, reason Reason) (int64, Reason) {
	wait := op.Wait
	if wait&lower.WaitCount != 0 {
		wait &^= lower.WaitCount
		b := op.Size
		if at := wi.flights[b].atMost(int(op.Imm)); at > ready {
			ready, reason = at, wi.barReason[b]
		}
	}
	for ; wait != 0; wait &= wait - 1 {
		b := bits.TrailingZeros8(wait)
		if wi.barAt[b] > ready {
			ready, reason = wi.barAt[b], wi.barReason[b]
		}
	}
	return ready, reason
}

// setBarrier marks barrier b of a warp as held until cycle at.
func (m *SM) setBarrier(wi *warpIssue, b uint8, at int64, why Reason) {
	wi.latest[b] = max(wi.latest[b], at)
	wi.barReason[b] = why
	if wi.pending[b] == 0 {
		wi.barAt[b] = wi.latest[b]
	}
	if wi.flights != nil {
		wi.flights[b].add(at, wi.at)
	}
}

// hold marks barrier b of a warp as held until a reply comes, and returns the instruction's number in the barrier's
// flight.
func (wi *warpIssue) hold(b uint8) (flight uint32) {
	wi.pending[b]++
	wi.barAt[b] = Never
	wi.barReason[b] = ReasonMemory
	if wi.flights != nil {
		flight = wi.flights[b].add(Never, wi.at)
	}
	return flight
}

// access times the memory instruction that Exec has just executed.
func (m *SM) access(w *warp, op *lower.Op, pc int32, t int64) {
	a := &m.Exec.Access
	switch {
	case a.Mask == 0 || a.Space == memory.SpaceConst: // no thread takes part, or no memory beyond the constant cache
		at := t + int64(m.units[op.Unit].Latency)
		if op.WrBar < 6 {
			m.setBarrier(&w.issue, op.WrBar, at, ReasonConstant)
		}
		if op.RdBar < 6 {
			m.setBarrier(&w.issue, op.RdBar, t+int64(m.cfg.ReadLatency), ReasonVariable)
		}
		return
	case a.Space == memory.SpaceShared:
		m.shared(w, op, pc, a, t)
		if op.Code == lower.CodeARRIVES {
			m.endArrival(w, t)
		}
		return
	}
	if invariant.On {
		// A generic access waits for the held one too: its unit is UnitGlobal wherever it leads.
		invariant.Hold(m.heldUntil == 0, "SM %d: a global access is issued while another is held", m.ID)
	}
	if op.Code == lower.CodeLDGSTS {
		m.copy(w, op, pc, a, t)
		return
	}
	if m.Profile != nil {
		m.Profile.Sectors[pc] += int64(a.Sectors())
	}
	m.present(w, op, a, t)
}

// shared times a shared-memory access: it goes through the SM's one pipe, a pass over the banks at a time.
func (m *SM) shared(w *warp, op *lower.Op, pc int32, a *memory.Access, t int64) {
	passes, conflicts := m.Exec.Passes, m.Exec.Conflicts
	if passes == 0 {
		passes, conflicts = memory.SharedCost(a)
	}
	m.Counters.SharedAccesses++
	m.Counters.SharedPasses += int64(passes)
	m.Counters.SharedBankConflicts += int64(conflicts)
	if m.Profile != nil {
		m.Profile.Conflicts[pc] += int64(conflicts)
	}
	start := max(t, m.sharedFree)
	m.sharedFree = start + m.occupied(passes)
	if conflicts > 0 {
		m.conflictFree = m.sharedFree
	}
	if op.WrBar < 6 {
		m.setBarrier(&w.issue, op.WrBar, start+int64(m.cfg.SharedLatency+(passes-1)*m.cfg.SharedWay), ReasonShared)
	}
	if op.RdBar < 6 {
		m.setBarrier(&w.issue, op.RdBar, start+int64(passes*m.cfg.SharedPass+m.cfg.ReadLatency), ReasonShared)
	}
}

// occupied returns the cycles for which an access of so many passes occupies the shared-memory pipe.
func (m *SM) occupied(passes int) int64 {
	return int64(max(passes*m.cfg.SharedPass, m.cfg.SharedAccess))
}

// present hands a global or local access to the memory system, or holds it until that has room.
func (m *SM) present(w *warp, op *lower.Op, a *memory.Access, t int64) {
	wi := &w.issue
	a.Part = w.sched.id / 2 // two schedulers share an L1 cache
	token := m.newLoad(w, op.WrBar)
	accepted, retry, done, read := m.port.Access(t, a, token)
	if !accepted {
		m.held, m.heldOp, m.heldToken, m.heldUntil = *a, op, token, retry
		// The barriers stay set until the access is accepted.
		if op.WrBar < 6 {
			m.loads[token].flight = wi.hold(op.WrBar)
		}
		if op.RdBar < 6 {
			m.heldRead = wi.hold(op.RdBar)
		}
		return
	}
	if done >= 0 {
		m.freeLoads = append(m.freeLoads, token)
		if op.WrBar < 6 {
			m.setBarrier(wi, op.WrBar, done, ReasonMemory)
		}
	} else if op.WrBar < 6 {
		m.loads[token].flight = wi.hold(op.WrBar)
	}
	if op.RdBar < 6 {
		m.setBarrier(wi, op.RdBar, read, ReasonMemory)
	}
}

// retry presents the held access again.
func (m *SM) retry(t int64) {
	accepted, again, done, read := m.port.Access(t, &m.held, m.heldToken)
	if !accepted {
		m.heldUntil = again
		return
	}
	m.heldUntil = 0
	l := m.loads[m.heldToken]
	m.release(l.warp, l.serial, m.heldOp.RdBar, m.heldRead, read)
	if done >= 0 {
		m.reply(m.heldToken, done)
	}
	for i := 0; i < m.nsched; i++ {
		m.wakes[i] = min(m.wakes[i], t)
	}
}

// newLoad takes a token for a memory instruction of w that holds barrier b.
func (m *SM) newLoad(w *warp, b uint8) uint32 {
	var token uint32
	if n := len(m.freeLoads); n > 0 {
		token = m.freeLoads[n-1]
		m.freeLoads = m.freeLoads[:n-1]
	} else {
		token = uint32(len(m.loads))
		m.loads = append(m.loads, pendingLoad{})
	}
	m.loads[token] = pendingLoad{warp: w, serial: w.block.serial, barrier: b}
	return token
}

// reply releases the barrier of the memory instruction with this token at cycle at.
func (m *SM) reply(token uint32, at int64) {
	l := m.loads[token]
	m.loads[token].warp = nil
	m.freeLoads = append(m.freeLoads, token)
	m.release(l.warp, l.serial, l.barrier, l.flight, at)
}

// release counts one outstanding reply of barrier b as arrived at cycle at, and wakes the warp if that was what it
// waited for. There is nothing to do for an instruction without a barrier, or whose block, that with this serial, has
// ended: w may serve another.
func (m *SM) release(w *warp, serial uint64, b uint8, flight uint32, at int64) {
	if b >= 6 || w.block.serial != serial {
		if b == copyBarrier && w.block.serial == serial {
			m.landed(w, flight, at)
		}
		return
	}
	wi := &w.issue
	if invariant.On {
		invariant.Hold(wi.pending[b] > 0, "SM %d, warp slot %d: a reply for barrier %d, which waits for none", m.ID,
			w.Slot, b)
	}
	wi.latest[b] = max(wi.latest[b], at)
	wi.pending[b]--
	if wi.pending[b] == 0 {
		wi.barAt[b] = wi.latest[b]
	}
	if wi.flights != nil {
		wi.flights[b].land(flight, at)
	} else if wi.pending[b] > 0 {
		return
	}
	s, slot := w.sched, w.place&(maxWarpsPerScheduler-1)
	if s.ready[slot] != Never || wi.atBar || w.Live == 0 {
		return
	}
	ready, reason := wi.waits(&w.Ops[w.PC], 0, s.reason[slot])
	if ready == Never {
		return
	}
	s.ready[slot], s.reason[slot] = ready, reason
	m.wake(s, ready)
	w.PrefetchAhead()
}

// place returns the scheduler of a warp slot and the slot's number there.
func (m *SM) place(slot int) (*scheduler, int) { return &m.sched[slot%m.nsched], slot / m.nsched }

// fault stops the SM with the error that Exec met.
func (m *SM) fault(w *warp, pc int32) {
	f := m.Exec.Failed(&w.Warp, pc)
	if m.Fault == nil { // the first of a cycle
		m.Fault = f
	}
}
