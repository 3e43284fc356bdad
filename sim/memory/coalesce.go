package memory

import "math/bits"

// coalescer turns the 32 addresses of an access into lines and sectors, in the order in which threads first touch them.
type coalescer struct {
	n    int
	seen uint64    // a bit for the low six bits of each line's number
	last [64]uint8 // for each bit that is set, the line that came last of those
	prev [32]uint8 // for each line, the one of those before it; itself = none
	line [32]uint64
	mask [32]uint8 // sectors touched
	full [32]uint8 // stores: sectors written in all bytes
	ops  [32]uint8 // atomics: thread operations in the line
	same [32]uint8 // atomics: most operations on one address

	cover [32][2]uint64 // stores: bytes written
}

// coalesce fills c from an access of 1, 2, 4, 8 or 16 bytes a thread, each aligned to its size.
func (c *coalescer) coalesce(a *Access) {
	c.n, c.seen = 0, 0
	switch {
	case a.Kind == Atomic || a.Kind == Reduce:
		c.atomics(a)
	case a.Unit || a.Mask == ^uint32(0) && contiguous(a):
		c.span(a.Addr[0], uint64(32*a.Bytes))
	case a.Kind == Store:
		c.stores(a)
	default:
		c.loads(a)
	}
}

// contiguous reports whether thread i accesses the i-th element of an array.
func contiguous(a *Access) bool {
	at, step := a.Addr[0], uint64(a.Bytes)
	for i := range a.Addr {
		if a.Addr[i] != at {
			return false
		}
		at += step
	}
	return true
}

// span covers n consecutive bytes from at.
func (c *coalescer) span(at, n uint64) {
	end := at + n
	for at < end {
		line := at / LineBytes
		stop := min(end, (line+1)*LineBytes)
		lo, hi := at%LineBytes/SectorBytes, (stop-1)%LineBytes/SectorBytes
		mask := uint8(2<<hi - 1<<lo)
		full := mask
		if at%SectorBytes != 0 {
			full &^= 1 << lo
		}
		if stop%SectorBytes != 0 {
			full &^= 1 << hi
		}
		c.line[c.n], c.mask[c.n], c.full[c.n] = line, mask, full
		c.n++
		at = stop
	}
}

// add returns the index of a line, adding it if it is new.
func (c *coalescer) add(line uint64) int {
	k := line % 64
	n := c.n & 31
	before := n
	if c.seen>>k&1 != 0 {
		before = int(c.last[k] & 31)
		for i := before; ; {
			if c.line[i] == line {
				return i
			}
			next := int(c.prev[i] & 31)
			if next == i {
				break
			}
			i = next
		}
	}
	c.seen |= 1 << k
	c.last[k], c.prev[n] = uint8(n), uint8(before)
	c.line[n], c.mask[n], c.full[n], c.ops[n], c.same[n] = line, 0, 0, 0, 0
	c.n = n + 1
	return n
}

func (c *coalescer) loads(a *Access) {
	last, i := ^uint64(0), 0
	for m := a.Mask; m != 0; m &= m - 1 {
		at := a.Addr[bits.TrailingZeros32(m)%32]
		line := at / LineBytes
		sector := uint8(1) << (at / SectorBytes % sectorsPerLine)
		if line != last { // mostly it is the line of the thread before
			last = line
			k := line % 64
			if c.seen>>k&1 == 0 { // add, for a line that no other can be taken for
				i = c.n & 31
				c.n = i + 1
				c.seen |= 1 << k
				c.last[k], c.prev[i] = uint8(i), uint8(i)
				c.line[i], c.mask[i] = line, sector
				continue
			}
			i = c.add(line)
		}
		c.mask[i&31] |= sector
	}
}

func (c *coalescer) stores(a *Access) {
	bytes := uint64(1)<<a.Bytes - 1
	for m := a.Mask; m != 0; m &= m - 1 {
		at := a.Addr[bits.TrailingZeros32(m)]
		n := c.n
		i := c.add(at / LineBytes)
		if i == n {
			c.cover[i] = [2]uint64{}
		}
		c.mask[i] |= 1 << (at / SectorBytes % sectorsPerLine)
		c.cover[i][at/64%2] |= bytes << (at % 64)
	}
	const sector = 1<<SectorBytes - 1
	for i := range c.n {
		for k := range uint(sectorsPerLine) {
			if c.cover[i][k/2]>>(k%2*SectorBytes)&sector == sector {
				c.full[i] |= 1 << k
			}
		}
	}
}

func (c *coalescer) atomics(a *Access) {
	for m := a.Mask; m != 0; m &= m - 1 {
		j := bits.TrailingZeros32(m)
		at := a.Addr[j]
		i := c.add(at / LineBytes)
		c.mask[i] |= 1 << (at / SectorBytes % sectorsPerLine)
		c.ops[i]++
		same := uint8(1)
		for k := a.Mask & (1<<j - 1); k != 0; k &= k - 1 {
			if a.Addr[bits.TrailingZeros32(k)] == at {
				same++
			}
		}
		c.same[i] = max(c.same[i], same)
	}
}
