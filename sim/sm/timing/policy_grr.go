package timing

import "math/bits"

var _ = registerPolicy(Policy{Name: "grr",
	Doc:  "greedy-then-round-robin: the same warp until it stalls, then the next slot whose warp is ready",
	pick: nextSlot, greedy: true})

// nextSlot picks the warp in the next slot round from the current one that can issue, the current one last if it gave
// way.
func nextSlot(s *scheduler, t int64, m *SM) (slot int, next int64, first int) {
	now, then, soonest := s.choices(t, m)
	switch {
	case now != 0:
		slot := s.round(now)
		return slot, soonest, slot
	case soonest == Never:
		return -1, Never, -1
	}
	return -1, soonest, s.round(then)
}

// round returns the first of a set of slots, which is not empty, that comes behind the current one, going round.
func (s *scheduler) round(set uint32) int {
	if behind := set &^ (2<<(s.current&(maxWarpsPerScheduler-1)) - 1); s.current >= 0 && behind != 0 {
		set = behind
	}
	return bits.TrailingZeros32(set) & (maxWarpsPerScheduler - 1)
}
