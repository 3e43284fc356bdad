package timing

import (
	"fmt"
	"sort"
	"strings"
)

// policy is a warp scheduling policy: the order in which a scheduler looks at its warps for one that is ready. It is a
// small number, not an interface, because the hot loop switches on it. A new policy is one constant, one row of Policies
// and one case of scheduler.pick.
type policy uint8

const (
	policyGTO policy = iota
	policyLRR
	policyTwoLevel
)

// Policies are the warp scheduling policies by name.
var Policies = map[string]struct {
	id  policy
	Doc string
}{
	"gto":       {policyGTO, "greedy-then-oldest: the same warp until it stalls, then the oldest that is ready"},
	"lrr":       {policyLRR, "loose round-robin: the next ready warp after the last one issued"},
	"two_level": {policyTwoLevel, "two-level: round-robin within an active set of warps; a warp that waits for memory leaves the set (Narasiman et al., MICRO 2011)"},
}

func policyByName(name string) (policy, error) {
	if p, ok := Policies[name]; ok {
		return p.id, nil
	}
	var names []string
	for n := range Policies {
		names = append(names, n)
	}
	sort.Strings(names)
	return 0, fmt.Errorf("sm.policy: %q is not one of %s", name, strings.Join(names, ", "))
}
