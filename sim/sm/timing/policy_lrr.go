package timing

var _ = registerPolicy(Policy{Name: "lrr", Doc: "loose round-robin: the next ready warp after the last one issued",
	pick: roundRobin})

// roundRobin picks the next warp behind the current one that can issue, the current one itself last if it gave way.
func roundRobin(s *scheduler, t int64, m *SM) (slot int, next int64, first int) {
	next, first = Never, -1
	gave := false
	start := s.behind()
	for i := range s.n {
		slot := s.turn(start + i)
		switch at := s.available(slot, m); {
		case at <= t && slot == s.current && s.yield:
			gave = true
		case at <= t:
			return slot, 0, slot
		case at < next:
			next, first = at, slot
		}
	}
	if gave {
		return s.current, 0, s.current
	}
	return -1, next, first
}
