package memory

import "math/bits"

// sharedBanks is the number of shared-memory banks, each one 4-byte word wide (CUDA C Programming Guide, compute
// capability 5.x and 6.x).
const sharedBanks = 32

// SharedCost returns the passes over the 32 banks that a shared-memory access takes, and how many of them are
// conflicts: passes beyond what its width needs.
//
// An access of up to 4 bytes a thread is one group of 32 threads, of 8 bytes two half-warps, of 16 bytes four
// quarter-warps; groups without an active thread are skipped. A wide load whose threads agree in pairs (see paired)
// goes in groups twice as large. In each group, a bank serves one word a pass; threads that touch the same word share
// it. Atomics do not share: those on one word go one by one.
func SharedCost(a *Access) (passes, conflicts int) {
	if a.Mask == 0 {
		return 1, 0
	}
	// An access is aligned to its width, so it takes all words of one of the units of that width that the banks are
	// divided into: a group's threads number as many as there are units in a row of banks.
	shift := uint(max(bits.TrailingZeros(uint(a.Bytes)), 2))
	group := sharedBanks >> (shift - 2)
	row := uint64(group - 1)
	if a.Bytes >= 8 && a.Kind == Load && paired(a) {
		group *= 2
	}
	var unit [sharedBanks]uint64
	minimum := 0
	for first := 0; first < 32; first += group {
		mask := a.Mask >> first & uint32(1<<group-1)
		if mask == 0 {
			continue
		}
		minimum++
		if a.Kind == Atomic || a.Kind == Reduce {
			passes += atomicPasses(a, first, row, mask, shift)
			continue
		}
		// Mostly every bank is asked for one word.
		seen, conflict := uint32(0), false
		last := ^uint64(0)
		for i, at := range a.Addr[first : first+group] {
			u := at >> shift
			if u == last || mask>>(uint(i)&31)&1 == 0 {
				continue
			}
			last = u
			b := uint(u&row) & 31
			if bit := uint32(1) << b; seen&bit == 0 {
				seen |= bit
				unit[b] = u
			} else if unit[b] != u {
				conflict = true
				break
			}
		}
		if conflict {
			passes += bankPasses(a, first, row, mask, shift)
		} else {
			passes++
		}
	}
	return passes, passes - minimum
}

// paired reports whether either thread pairs i and i^1 or pairs i and i^2 read the same address wherever both are
// active. Then the data path, one 32-bit register a thread a clock, returns two registers at once. NVIDIA states this
// for compute capability 7.x (developer forum, "Unexpected shared memory bank conflict"). Maxwell must do the same:
// maxas' SGEMM lays its operands out in just these two ways and runs at 98 % of peak, while four passes for each
// LDS.128 would hold it below 89 % (144 passes for 128 issue cycles of FFMA in its loop). Where all four threads of a
// quad read one address it does not: products of a GTX 1080 Ti that read an operand so take four passes for 16 bytes
// and two for 8 (docs/results/correlation.md).
func paired(a *Access) bool {
	by1, by2 := true, true
	for i := 0; i < 32 && (by1 || by2); i += 4 {
		q := a.Addr[i : i+4 : i+4]
		m := a.Mask >> (uint(i) & 31)
		by1 = by1 && (q[0] == q[1] || m&3 != 3) && (q[2] == q[3] || m>>2&3 != 3)
		by2 = by2 && (q[0] == q[2] || m&5 != 5) && (q[1] == q[3] || m&10 != 10)
	}
	return by1 != by2
}

// bankPasses returns the most distinct words that any bank has to serve to a group of threads; row is the number of
// units in a row of banks less one.
func bankPasses(a *Access, first int, row uint64, mask uint32, shift uint) int {
	// unit[k] is a distinct unit of the group; next[k] chains those of one bank, 0 ends the chain.
	var unit [sharedBanks + 1]uint64
	var next [sharedBanks + 1]uint8
	var head, count [sharedBanks]uint8
	n, most := uint8(0), uint8(1)
threads:
	for m := mask; m != 0; m &= m - 1 {
		u := a.Addr[first+bits.TrailingZeros32(m)] >> shift
		b := u & row
		for k := head[b]; k != 0; k = next[k] {
			if unit[k] == u {
				continue threads
			}
		}
		n++
		unit[n], next[n], head[b] = u, head[b], n
		count[b]++
		most = max(most, count[b])
	}
	return int(most)
}

// atomicPasses returns the most operations that any bank has to perform for a group of threads.
func atomicPasses(a *Access, first int, row uint64, mask uint32, shift uint) int {
	var count [sharedBanks]uint8
	most := uint8(1)
	for m := mask; m != 0; m &= m - 1 {
		b := a.Addr[first+bits.TrailingZeros32(m)] >> shift & row
		count[b]++
		most = max(most, count[b])
	}
	return int(most)
}
