package timing

import "math/bits"

var _ = registerPolicy(Policy{Name: "two_level",
	Doc: "two-level: round-robin within an active set of warps; a warp that waits for memory leaves the set " +
		"(Narasiman et al., MICRO 2011)",
	pick: twoLevel})

// twoLevelActive is the size of the active set, which scheduler.marked holds.
const twoLevelActive = 6

// twoLevel picks the next warp of the active set that can issue. If there is none, the next of the others, which joins
// the set.
func twoLevel(s *scheduler, t int64, m *SM) (slot int, next int64, first int) {
	next, first = Never, -1
	second := -1 // ready, but outside of the set, or the current one that gave way
	start := s.behind()
	for i := range s.n {
		slot := s.turn(start + i)
		at := s.available(slot, m)
		if at <= t {
			if s.marked>>slot&1 != 0 && !(slot == s.current && s.yield) {
				return slot, 0, slot
			}
			if second < 0 {
				second = slot
			}
			continue
		}
		if s.reason[slot] == ReasonMemory {
			s.marked &^= 1 << slot
		}
		if at < next {
			next, first = at, slot
		}
	}
	if second < 0 {
		return -1, next, first
	}
	if bits.OnesCount16(s.marked) >= twoLevelActive {
		s.marked &= s.marked - 1 // the lowest slot leaves a set that is full
	}
	s.marked |= 1 << second
	return second, 0, second
}
