package timing

var _ = registerPolicy(Policy{Name: "gto",
	Doc:  "greedy-then-oldest: the same warp until it stalls, then the oldest that is ready",
	pick: oldest, greedy: true})

// oldest picks the oldest warp that can issue, the current one last if it gave way.
func oldest(s *scheduler, t int64, m *SM) (slot int, next int64, first int) {
	now, then, soonest := s.choices(t, m)
	switch {
	case now != 0:
		slot := s.first(now)
		return slot, soonest, slot
	case soonest == Never:
		return -1, Never, -1
	}
	return -1, soonest, s.first(then)
}
