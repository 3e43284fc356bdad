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
	ready    [maxWarpsPerScheduler]int64      // earliest cycle at which the slot's warp may issue its next instruction
	unit     [maxWarpsPerScheduler]lower.Unit // unit that this instruction needs
	reason   [maxWarpsPerScheduler]Reason
	order    [maxWarpsPerScheduler]uint8  // occupied slots, oldest first
	older    [maxWarpsPerScheduler]uint16 // occupied slots that are older than each
	n        int                          // occupied slots
	current  int                          // slot that issued last, -1 = none
	yield    bool                         // the last instruction asked to prefer another warp
	active   uint16                       // two-level policy: slots of the active set
	warps    [maxWarpsPerScheduler]*warp
	unitFree [16]int64 // first cycle at which the unit takes another warp
	id       uint8     // its number in the SM
	blocked  int64     // no issue before this cycle (register-bank conflict)
	account  int64     // first cycle not yet accounted for
	waiting  Reason    // what the cycles from account on are spent on
}

// twoLevelActive is the size of the two-level policy's active set.
const twoLevelActive = 6

// available returns the first cycle, not before ready, at which slot's next instruction finds its unit free.
func (s *scheduler) available(slot int, m *SM) int64 {
	u := s.unit[slot]
	r := max(s.ready[slot], s.unitFree[u])
	if u == lower.UnitShared || u == lower.UnitGlobal {
		r = max(r, m.memoryFree(u))
	}
	return r
}

// pick returns the slot to issue from at cycle t, or -1 and the first cycle at which any slot may issue and the slot
// that is first then.
func (s *scheduler) pick(t int64, m *SM) (slot int, next int64, first int) {
	next, first = Never, -1
	m.Counters.WarpsScanned += int64(s.n)
	start := 0
	for i := 0; i < s.n; i++ {
		if int(s.order[i]) == s.current {
			start = i + 1
			break
		}
	}
	fallback := -1
	for i := 0; i < s.n; i++ {
		j := start + i
		if j >= s.n {
			j -= s.n
		}
		slot := int(s.order[j])
		a := s.available(slot, m)
		if a <= t {
			switch {
			case m.policy == policyTwoLevel && s.active>>slot&1 == 0, slot == s.current && s.yield:
				// ready, but only second choice
				if fallback < 0 {
					fallback = slot
				}
				continue
			}
			return slot, 0, slot
		}
		if m.policy == policyTwoLevel && s.reason[slot] == ReasonMemory {
			s.active &^= 1 << slot
		}
		if a < next {
			next, first = a, slot
		}
	}
	if fallback >= 0 {
		if m.policy == policyTwoLevel {
			s.promote(fallback)
		}
		return fallback, 0, fallback
	}
	return -1, next, first
}

// oldest is pick for the greedy policy when the current warp cannot go on: the oldest that can, the current one last if it
// gave way.
func (s *scheduler) oldest(t int64, m *SM) (slot int, next int64, first int) {
	m.Counters.WarpsScanned += int64(s.n)
	gave := -1
	if s.yield {
		gave = s.current
	}
	now, then, soonest := exec.Available(&s.ready, &s.unit, &s.unitFree, m.memoryFree(lower.UnitShared), m.memoryFree(lower.UnitGlobal), t)
	if gave >= 0 && now != 1<<gave {
		now &^= 1 << gave
	}
	switch {
	case now != 0:
		slot := s.first(now)
		return slot, 0, slot
	case soonest == Never:
		return -1, Never, -1
	}
	return -1, soonest, s.first(then)
}

// first returns the oldest of a set of slots that is not empty.
func (s *scheduler) first(set uint32) int {
	slot := bits.TrailingZeros32(set) & (maxWarpsPerScheduler - 1)
	for older := set & uint32(s.older[slot]); older != 0; older = set & uint32(s.older[slot]) {
		slot = bits.TrailingZeros32(older) & (maxWarpsPerScheduler - 1)
	}
	return slot
}

// promote puts slot into the two-level policy's active set; the set loses its lowest slot when it is full.
func (s *scheduler) promote(slot int) {
	n := 0
	for a := s.active; a != 0; a &= a - 1 {
		n++
	}
	if n >= twoLevelActive {
		s.active &= s.active - 1
	}
	s.active |= 1 << slot
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
	s.active &^= 1 << slot
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
