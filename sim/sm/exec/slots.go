package exec

import (
	"math"

	"warpdrop/sim/sm/lower"
)

// Slots is how many warps a scheduler has room for, as its vector code has it.
const Slots = 16

// availableGo is Available without vector code.
func availableGo(ready *[Slots]int64, unit *[Slots]lower.Unit, free *[16]int64, sharedFree, globalFree, t int64) (now,
	then uint32, soonest int64) {
	soonest = math.MaxInt64
	for i, at := range ready {
		at = max(at, free[unit[i]&15])
		switch unit[i] {
		case lower.UnitShared:
			at = max(at, sharedFree)
		case lower.UnitGlobal:
			at = max(at, globalFree)
		}
		if at <= t {
			now |= 1 << i
		} else if at <= soonest {
			if at < soonest {
				soonest, then = at, 0
			}
			then |= 1 << i
		}
	}
	return now, then, soonest
}
