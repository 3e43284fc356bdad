package memory

import "math/bits"

// calendarSpan is the cycles ahead that a calendar has a place for each of; replies further ahead share the places of
// nearer ones and are passed over until their time.
const calendarSpan = 1024

// calendar keeps replies by cycle: adding one and taking those of the next window cost the same however many there are.
type calendar struct {
	nodes   []calendarNode
	free    []int32 // nodes not in use
	count   int
	last    [calendarSpan]int32       // last of the circular list of each place, -1 = none
	present [calendarSpan / 64]uint64 // places that have a list
}

type calendarNode struct {
	reply reply
	next  int32
}

func (c *calendar) init() {
	for i := range c.last {
		c.last[i] = -1
	}
}

func (c *calendar) add(r *reply) {
	var i int32
	if n := len(c.free) - 1; n >= 0 {
		i = c.free[n]
		c.free = c.free[:n]
	} else {
		i = int32(len(c.nodes))
		c.nodes = append(c.nodes, calendarNode{})
	}
	c.nodes[i].reply = *r
	c.link(i, uint64(r.cycle)%calendarSpan)
	c.count++
}

func (c *calendar) link(i int32, place uint64) {
	if l := c.last[place]; l >= 0 {
		c.nodes[i].next = c.nodes[l].next
		c.nodes[l].next = i
	} else {
		c.nodes[i].next = i
		c.present[place/64] |= 1 << (place % 64)
	}
	c.last[place] = i
}

// take passes the replies of cycles from up to, but not including, to to p, in order of cycle, then of addition.
func (c *calendar) take(from, to int64, p *Port) {
	for at := from; at < to && c.count > 0; {
		place := uint64(at) % calendarSpan
		n := min(64-place%64, uint64(to-at)) // cycles that this word has
		for word := c.present[place/64] >> (place % 64) << (64 - n) >> (64 - n); word != 0; word &= word - 1 {
			c.takeOne(at+int64(bits.TrailingZeros64(word)), p)
		}
		at += int64(n)
	}
}

// takeOne is take for one cycle whose place has a list.
func (c *calendar) takeOne(at int64, p *Port) {
	place := uint64(at) % calendarSpan
	last := c.last[place]
	c.last[place] = -1
	c.present[place/64] &^= 1 << (place % 64)
	nodes := c.nodes
	for i := nodes[last].next; ; {
		n := &nodes[i]
		next := n.next
		if n.reply.cycle == at {
			p.arrive(&n.reply)
			c.free = append(c.free, i)
			c.count--
		} else {
			c.link(i, place)
		}
		if i == last {
			return
		}
		i = next
	}
}

// first returns the earliest cycle from now on at which there may be a reply, or never.
func (c *calendar) first(now int64) int64 {
	if c.count == 0 {
		return never
	}
	for at := now; at < now+calendarSpan; {
		place := uint64(at) % calendarSpan
		if word := c.present[place/64] >> (place % 64); word != 0 {
			return at + int64(bits.TrailingZeros64(word))
		}
		at += int64(64 - place%64)
	}
	return now
}
