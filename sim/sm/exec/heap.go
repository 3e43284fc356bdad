package exec

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// Heap is the part of the device's heap from which the threads of one SM get memory: a stretch of addresses of its own,
// as long as the whole heap, so that SMs that run side by side need not agree on places. What they get in a window
// together is bounded by what was free at its start: each has an equal share of that. A warp that wants more than its
// SM's share waits until its SM is given all that is free.
type Heap struct {
	Base  uint64
	limit uint64 // bytes of the whole heap
	share uint64 // bytes that may be taken in this window
	all   bool   // that is all that there is
	wants bool   // a warp waits for that
	used  uint64
	free  []piece           // by address
	sizes map[uint64]uint64 // of what is handed out

	takers map[uint64]Piece // who has it, without the size
	late   []uint64         // freed here, of another SM's
}

// piece is n free bytes.
type piece struct{ at, n uint64 }

// heapUnit is the alignment of what malloc returns.
const heapUnit = 16

// NewHeaps returns the heaps of SMs whose stretches begin at the addresses in bases: limit bytes together.
func NewHeaps(bases []uint64, limit uint64) (heaps []*Heap) {
	for _, base := range bases {
		heaps = append(heaps, &Heap{Base: base, limit: limit, share: limit / uint64(len(bases)), all: len(bases) == 1,
			free: []piece{{base, limit / heapUnit * heapUnit}}, sizes: map[uint64]uint64{}, takers: map[uint64]Piece{}})
	}
	return heaps
}

// Malloc puts the addresses of the bytes in sizes into addrs: the first that fit, or 0. It reports false, and does
// nothing, where the SM's share of this window does not do; the next may.
func (h *Heap) Malloc(sizes, addrs []uint64) bool {
	total := uint64(0)
	for _, n := range sizes {
		total += min(rounded(n), h.limit+1)
	}
	if total > h.share && !h.all {
		h.wants = true
		return false
	}
	for i, n := range sizes {
		addrs[i] = h.take(rounded(n))
	}
	return true
}

// rounded is what n bytes take of the heap.
func rounded(n uint64) uint64 { return max(n, (n+heapUnit-1)/heapUnit*heapUnit, heapUnit) }

// take returns the address of n bytes, 0 if there are none.
func (h *Heap) take(n uint64) uint64 {
	if n > h.share {
		return 0
	}
	i := slices.IndexFunc(h.free, func(p piece) bool { return p.n >= n })
	if i < 0 {
		return 0
	}
	at := h.free[i].at
	if h.free[i].at, h.free[i].n = at+n, h.free[i].n-n; h.free[i].n == 0 {
		h.free = slices.Delete(h.free, i, i+1)
	}
	h.sizes[at] = n
	h.used += n
	h.share -= n
	return at
}

// Free takes back what Malloc returned, at the end of the window if that was another SM's.
func (h *Heap) Free(addr uint64) error {
	switch {
	case addr == 0:
		return nil
	case addr-h.Base >= h.limit:
		h.late = append(h.late, addr)
		return nil
	}
	n, ok := h.sizes[addr]
	if !ok {
		return notAllocated(addr)
	}
	delete(h.sizes, addr)
	delete(h.takers, addr)
	h.used -= n
	i := sort.Search(len(h.free), func(i int) bool { return h.free[i].at > addr })
	h.free = slices.Insert(h.free, i, piece{addr, n})
	for _, i := range []int{i, i - 1} {
		if i >= 0 && i+1 < len(h.free) && h.free[i].at+h.free[i].n == h.free[i+1].at {
			h.free[i].n += h.free[i+1].n
			h.free = slices.Delete(h.free, i+1, i+2)
		}
	}
	return nil
}

func notAllocated(addr uint64) error {
	return fmt.Errorf("free of %#x, which malloc did not return or which is free already", addr)
}

// Settle is what happens between windows: memory goes back to the SMs that it came from, and what is free is shared out
// anew.
func Settle(heaps []*Heap) error {
	for _, h := range heaps {
		for _, addr := range h.late {
			i := slices.IndexFunc(heaps, func(h *Heap) bool { return addr-h.Base < h.limit })
			if i < 0 {
				return notAllocated(addr)
			}
			if err := heaps[i].Free(addr); err != nil {
				return err
			}
		}
		h.late = h.late[:0]
	}
	left := heaps[0].limit
	for _, h := range heaps {
		left -= h.used
	}
	first := slices.IndexFunc(heaps, func(h *Heap) bool { return h.wants })
	for i, h := range heaps {
		h.all = i == first || len(heaps) == 1
		switch {
		case h.all:
			h.share = left
		case first >= 0:
			h.share = 0
		default:
			h.share = left / uint64(len(heaps))
		}
		h.wants = false
	}
	return nil
}

// SettleAlone is Settle where one SM runs, the first: it gets all that is free.
func SettleAlone(heaps []*Heap) error {
	heaps[0].wants = true
	return Settle(heaps)
}

// Piece is memory that a thread took.
type Piece struct {
	Addr, Bytes   uint64
	Kernel        string
	Block, Thread [3]uint32
}

// Held lists what has been handed out and not come back, in order of addresses.
func Held(heaps []*Heap) (list []Piece) {
	for _, h := range heaps {
		for addr, n := range h.sizes {
			p := h.takers[addr]
			p.Addr, p.Bytes = addr, n
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b Piece) int { return cmp.Compare(a.Addr, b.Addr) })
	return list
}
