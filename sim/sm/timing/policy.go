package timing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Policy is a warp scheduling policy: the order in which a scheduler looks at its warps for one that is ready. Each is
// a file policy_NAME.go that registers it.
type Policy struct {
	Name string // as presets write it
	Doc  string // one sentence

	// pick returns the slot to issue from at cycle t, and the first cycle at which another may issue (0: not known).
	// If none can, it returns -1, the first cycle at which any slot may issue (Never if that is not known) and the slot
	// that is first then (-1 = none). It is a function, not a method of an interface, and is called only when the warp
	// that issued last does not go on by itself.
	pick func(s *scheduler, t int64, m *SM) (slot int, next int64, first int)
	// greedy says that the warp that issued last goes on as long as it is ready and does not give way, and the others
	// are not looked at. Runs of FFMAs are then issued in one piece.
	greedy bool
}

// Policies are the warp scheduling policies by name.
var Policies = map[string]*Policy{}

func registerPolicy(p Policy) *Policy {
	Policies[p.Name] = &p
	return &p
}

func policyByName(name string) (*Policy, error) {
	if p, ok := Policies[name]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("sm.policy: %q is not one of %s", name,
		strings.Join(slices.Sorted(maps.Keys(Policies)), ", "))
}
