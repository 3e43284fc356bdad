package memory

import (
	"fmt"
	"sort"
	"strings"
)

// Policies are chosen by name in the preset. A new one is an entry of a table here and the few lines that act on it.

// replacement chooses the line of a cache set that makes room.
type replacement uint8

const (
	replaceLRU  replacement = iota // least recently used
	replaceFIFO                    // first in, first out
)

var replacements = map[string]replacement{"lru": replaceLRU, "fifo": replaceFIFO}

// sliceHash spreads lines over L2 slices; see mapping.
type sliceHash uint8

const (
	hashRotate sliceHash = iota // rotated by a hash of the upper address bits
	hashModulo                  // plain remainder
)

var hashes = map[string]sliceHash{"rotate": hashRotate, "modulo": hashModulo}

// scheduler orders a DRAM channel's requests.
type dramScheduler uint8

const (
	scheduleFRFCFS dramScheduler = iota // row hits first, then first come, first served (Rixner et al., ISCA 2000)
	scheduleFCFS                        // first come, first served
)

var schedulers = map[string]dramScheduler{"fr-fcfs": scheduleFRFCFS, "fcfs": scheduleFCFS}

// lookup finds a policy by name; field is the preset's key, for the error.
func lookup[T any](field string, table map[string]T, name string) (T, error) {
	if v, ok := table[name]; ok {
		return v, nil
	}
	var names []string
	for n := range table {
		names = append(names, n)
	}
	sort.Strings(names)
	var none T
	return none, fmt.Errorf("%s: %q is not one of %s", field, name, strings.Join(names, ", "))
}
