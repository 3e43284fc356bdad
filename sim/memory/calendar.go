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

// add adds replies, in order.
func (c *calendar) add(list []reply) {
	for len(c.free) < len(list) {
		c.nodes = append(c.nodes, calendarNode{})
		c.free = append(c.free, int32(len(c.nodes)-1))
	}
	left := len(c.free) - len(list)
	free := c.free[left:][:len(list)]
	c.free = c.free[:left]
	nodes := c.nodes
	for k, i := range free {
		r, x := &list[k], &nodes[i]
		x.reply = *r
		place := uint64(r.cycle) % calendarSpan
		if l := c.last[place]; l >= 0 {
			y := &nodes[l]
			x.next, y.next = y.next, i
		} else {
			x.next = i
			c.present[place/64] |= 1 << (place % 64)
		}
		c.last[place] = i
	}
	c.count += len(list)
}

// take passes the replies of cycles from up to, but not including, to to p, in order of cycle, then of addition.
func (c *calendar) take(from, to int64, p *Port) {
	before := c.count
	for at := from; at < to && c.count > 0; {
		place := uint64(at) % calendarSpan
		n := min(64-place%64, uint64(to-at)) // cycles that this word has
		word := c.present[place/64] >> (place % 64) << (64 - n) >> (64 - n)
		c.present[place/64] &^= word << (place % 64)
		for ; word != 0; word &= word - 1 {
			cycle := at + int64(bits.TrailingZeros64(word))
			last := &c.last[uint64(cycle)%calendarSpan]
			i := *last
			x := &c.nodes[i]
			if x.next != i || x.reply.cycle != cycle {
				c.takeList(cycle, p)
				continue
			}
			*last = -1
			p.arrive(&x.reply)
			c.free = append(c.free, i)
			c.count--
		}
		at += int64(n)
	}
	p.count.ReplyPackets += int64(before - c.count)
}

// takeList is take for one cycle whose place has a list and is no longer marked as such.
func (c *calendar) takeList(at int64, p *Port) {
	place := uint64(at) % calendarSpan
	last := c.last[place]
	c.last[place] = -1
	nodes, free := c.nodes, c.free
	for i := nodes[last].next; ; {
		n := &nodes[i]
		next := n.next
		if n.reply.cycle == at {
			p.arrive(&n.reply)
			free = append(free, i)
		} else { // of a later round
			if l := c.last[place]; l >= 0 {
				n.next, nodes[l].next = nodes[l].next, i
			} else {
				n.next = i
				c.present[place/64] |= 1 << (place % 64)
			}
			c.last[place] = i
		}
		if i == last {
			break
		}
		i = next
	}
	c.count -= len(free) - len(c.free)
	c.free = free
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
