package timing

import (
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
)

var _ = registerPolicy(Policy{Name: "gto",
	Doc:  "greedy-then-oldest: the same warp until it stalls, then the oldest that is ready",
	pick: oldest, greedy: true})

// oldest picks the oldest warp that can issue, the current one last if it gave way.
func oldest(s *scheduler, t int64, m *SM) (slot int, next int64, first int) {
	gave := -1
	if s.yield {
		gave = s.current
	}
	now, then, soonest := exec.Available(&s.ready, &s.unit, &s.unitFree, m.memoryFree(lower.UnitShared),
		m.memoryFree(lower.UnitGlobal), t)
	if now&(now-1) != 0 {
		if gave >= 0 {
			now &^= 1 << gave
		}
		soonest = 0
	}
	switch {
	case now != 0:
		slot := s.first(now)
		return slot, soonest, slot
	case soonest == Never:
		return -1, Never, -1
	}
	return -1, soonest, s.first(then)
}
