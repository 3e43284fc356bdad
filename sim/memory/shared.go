package memory

import "math/bits"

// sharedBanks is the number of shared-memory banks, each one 4-byte word wide (CUDA C Programming Guide, compute
// capability 5.x and 6.x).
const sharedBanks = 32

// SharedCost returns the passes over the 32 banks that a shared-memory access takes, and how many of them are
// conflicts: passes beyond what its width needs.
//
// An access of up to 4 bytes a thread is one group of 32 threads, of 8 bytes two half-warps, of 16 bytes four
// quarter-warps; groups without an active thread are skipped. In each group, a bank serves one word a pass; threads
// that touch the same word share it. Atomics do not share: those on one word go one by one.
func SharedCost(a *Access) (passes, conflicts int) {
	words := (a.Bytes + 3) / 4
	group := 32 / words
	if a.Mask == 0 {
		return 1, 0
	}
	minimum := 0
	for first := 0; first < 32; first += group {
		mask := a.Mask >> first & (1<<group - 1)
		if mask == 0 {
			continue
		}
		minimum++
		switch {
		case a.Kind == Atomic || a.Kind == Reduce:
			passes += atomicPasses(a, first, mask, words)
		case consecutive(a, first, mask, uint64(words)):
			passes++
		default:
			passes += bankPasses(a, first, mask, words)
		}
	}
	return passes, passes - minimum
}

// consecutive reports whether the threads of a group touch words of distinct banks in order, or all the same word:
// the two commonest patterns, free of conflicts.
func consecutive(a *Access, first int, mask uint32, words uint64) bool {
	i := first + bits.TrailingZeros32(mask)
	base := a.Addr[i] >> 2
	same, line := true, true
	for m := mask; m != 0; m &= m - 1 {
		j := first + bits.TrailingZeros32(m)
		d := a.Addr[j]>>2 - base
		same = same && d == 0
		line = line && d == uint64(j-i)*words
	}
	return same || line
}

// bankPasses returns the most distinct words that any bank has to serve to a group of threads.
func bankPasses(a *Access, first int, mask uint32, words int) int {
	// seen[w] is a word of the group; next[w] chains the words of one bank, 0 ends the chain.
	var seen [33]uint64
	var next, head, count [33]uint8
	n, most := uint8(0), uint8(1)
	for m := mask; m != 0; m &= m - 1 {
		w := a.Addr[first+bits.TrailingZeros32(m)] >> 2
	word:
		for range words {
			b := w % sharedBanks
			for k := head[b]; k != 0; k = next[k] {
				if seen[k] == w {
					w++
					continue word
				}
			}
			n++
			seen[n], next[n], head[b] = w, head[b], n
			count[b]++
			most = max(most, count[b])
			w++
		}
	}
	return int(most)
}

// atomicPasses returns the most operations that any bank has to perform for a group of threads.
func atomicPasses(a *Access, first int, mask uint32, words int) int {
	var count [sharedBanks]uint8
	most := uint8(1)
	for m := mask; m != 0; m &= m - 1 {
		w := a.Addr[first+bits.TrailingZeros32(m)] >> 2
		for i := range uint64(words) {
			b := (w + i) % sharedBanks
			count[b]++
			most = max(most, count[b])
		}
	}
	return int(most)
}
