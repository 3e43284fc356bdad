package timing

import (
	"math"
	"math/bits"

	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
)

// Never is a cycle that does not come: the ready time of an empty slot or of a warp that waits for a reply.
const Never = math.MaxInt64

// scheduler is one of the SM's warp schedulers. What it looks at when it picks stands in arrays by slot, so that a scan
// touches two or three cache lines.
type scheduler struct {
	ready   [maxWarpsPerScheduler]int64      // earliest cycle at which the slot's warp may issue its next instruction
	unit    [maxWarpsPerScheduler]lower.Unit // unit that this instruction needs
	reason  [maxWarpsPerScheduler]Reason
	order   [maxWarpsPerScheduler]uint8  // occupied slots, oldest first
	older   [maxWarpsPerScheduler]uint16 // occupied slots that are older than each
	n       int                          // occupied slots
	current int                          // slot that issued last, -1 = none
	yield   bool                         // the last instruction asked to prefer another warp
	parked  int                          // warps that wait at BAR
	others  int64                        // no slot but current can issue before this cycle
	// slots that the policy has marked, for its own use; a warp that leaves loses its mark
	marked   uint16
	warps    [maxWarpsPerScheduler]*warp
	unitFree [16]int64 // first cycle at which the unit takes another warp
	id       uint8     // its number in the SM
	blocked  int64     // no issue before this cycle (register-bank conflict)
	account  int64     // first cycle not yet accounted for
	waiting  Reason    // what the cycles from account on are spent on
}

// available returns the first cycle, not before ready, at which slot's next instruction finds its unit free.
func (s *scheduler) available(slot int, m *SM) int64 {
	u := s.unit[slot]
	r := max(s.ready[slot], s.unitFree[u])
	if u == lower.UnitShared || u == lower.UnitGlobal {
		r = max(r, m.memoryFree(u))
	}
	return r
}

// choices returns the slots that can issue at cycle t, without the current one if it gave way and is not alone, those
// that can at cycle soonest, and soonest: the first cycle at which one of the others can (0: not known).
func (s *scheduler) choices(t int64, m *SM) (now, then uint32, soonest int64) {
	now, then, soonest = exec.Available(&s.ready, &s.unit, &s.unitFree, m.memoryFree(lower.UnitShared),
		m.memoryFree(lower.UnitGlobal), t)
	if now&(now-1) != 0 {
		if s.yield && s.current >= 0 {
			now &^= 1 << s.current
		}
		soonest = 0
	}
	return now, then, soonest
}

// behind returns the place in the order behind the slot that issued last, 0 if there is none.
func (s *scheduler) behind() int {
	for i, slot := range s.order[:s.n] {
		if int(slot) == s.current {
			return i + 1
		}
	}
	return 0
}

// turn returns the slot at a place of the order, which goes round.
func (s *scheduler) turn(place int) int {
	if place >= s.n {
		place -= s.n
	}
	return int(s.order[place])
}

// first returns the oldest of a set of slots that is not empty.
func (s *scheduler) first(set uint32) int {
	slot := bits.TrailingZeros32(set) & (maxWarpsPerScheduler - 1)
	for older := set & uint32(s.older[slot]); older != 0; older = set & uint32(s.older[slot]) {
		slot = bits.TrailingZeros32(older) & (maxWarpsPerScheduler - 1)
	}
	return slot
}

// add puts a warp into slot as the youngest.
func (s *scheduler) add(slot int, w *warp) {
	s.warps[slot] = w
	s.older[slot] = 0
	for _, o := range s.order[:s.n] {
		s.older[slot] |= 1 << o
	}
	s.order[s.n] = uint8(slot)
	s.n++
}

// remove empties slot.
func (s *scheduler) remove(slot int) {
	s.warps[slot] = nil
	s.ready[slot] = Never
	s.marked &^= 1 << slot
	for i := range s.older {
		s.older[i] &^= 1 << slot
	}
	for i := 0; i < s.n; i++ {
		if int(s.order[i]) == slot {
			copy(s.order[i:s.n-1], s.order[i+1:s.n])
			s.n--
			break
		}
	}
	if s.current == slot {
		s.current = -1
	}
}

// advance accounts for the cycles up to t.
func (s *scheduler) advance(t int64, c *Counters) {
	if t > s.account {
		c.SchedulerStalls[s.waiting] += t - s.account
		s.account = t
	}
}
