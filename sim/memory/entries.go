package memory

import "math/bits"

// entryPool hands out numbered entries that become free again at known cycles. It is a ring of those that are free or
// will be, in order of cycle: so many are free at a cycle if the last of so many is.
type entryPool struct {
	ring       []release
	head, tail uint32 // places of the ring, counted without wrapping
	mask       uint32
	size       int // entries in all
}

type release struct {
	cycle int64 // from which it is free
	entry uint16
}

func newEntryPool(n int) entryPool {
	p := entryPool{ring: make([]release, 1<<bits.Len(uint(n-1))), size: n, tail: uint32(n)}
	p.mask = uint32(len(p.ring) - 1)
	for i := range n {
		p.ring[i] = release{-1 << 62, uint16(i)}
	}
	return p
}

// known is how many entries are free or have a cycle from which they are.
func (p *entryPool) known() int { return int(p.tail - p.head) }

// free returns from which cycle on n entries are free, n being at least 1, or never if that is not known.
func (p *entryPool) free(n int) int64 {
	if n > p.known() {
		return never
	}
	return p.ring[(p.head+uint32(n)-1)&p.mask].cycle
}

// take takes the entry that has been free for the longest.
func (p *entryPool) take() uint16 {
	e := p.ring[p.head&p.mask].entry
	p.head++
	return e
}

// release gives an entry back at cycle at, which is not before that of the last release.
func (p *entryPool) release(at int64, e uint16) {
	x := &p.ring[p.tail&p.mask]
	x.cycle, x.entry = at, e
	p.tail++
}
