package memory

import (
	"math"
	"math/bits"

	"warpdrop/sim/internal/invariant"
)

// Consistent checks the memory system between two windows (build tag check): no entry, packet or reply is lost or
// stands twice. quiet says that nothing is under way any more: what was asked for has then been answered.
func (s *System) Consistent(quiet bool) {
	waiting := 0 // entries that wait for a reply
	moving := 0  // packets and replies on their way
	for _, p := range s.ports {
		misses, stores := p.misses.consistent("miss", p.sm), p.stores.consistent("store", p.sm)
		waiting += len(misses) + len(stores)
		p.tokensConsistent(misses)
		moving += p.inbox.count
		for ch := range p.outbox {
			moving += len(p.outbox[ch].items) - p.outbox[ch].head
		}
		if quiet {
			for i := range s.cfg.L1.Parts {
				p.parts[i].consistent("L1", p.sm)
			}
		}
	}
	for _, c := range s.channels {
		moving += len(c.nodes) - len(c.free)
		for _, r := range c.replies {
			moving += len(r)
		}
		c.nodesConsistent()
		c.dram.reads.consistent(&c.dram, "read", c.index)
		c.dram.writes.consistent(&c.dram, "write", c.index)
		for i := range c.n {
			if quiet {
				c.slices[i].cache.consistent("L2", c.index)
			}
		}
	}
	invariant.Hold(waiting == moving, "%d entries wait for a reply, %d packets and replies are on their way",
		waiting, moving)
	invariant.Hold(!quiet || moving == 0, "%d packets are on their way in a memory that is quiet", moving)
	if s.dropped {
		return
	}
	c := s.Counters()
	invariant.Hold(c.RequestPackets-c.ReplyPackets == int64(moving),
		"%d packets were sent and %d replies came, %d are on their way", c.RequestPackets, c.ReplyPackets, moving)
	if quiet {
		c.conserved()
	}
}

// conserved checks that each level passed on what it took in; nothing is under way.
func (c *Counters) conserved() {
	for _, e := range []struct {
		what string
		a, b int64
	}{
		{"sectors that L1 looked up or let by, sectors of loads", c.L1Accesses + c.L1Bypassed, c.LoadSectors},
		{"L1's hits, merged and misses, its accesses", c.L1Hits + c.L1Merged + c.L1Misses, c.L1Accesses},
		{"L2's reads, L1's misses and what went by it", c.L2Reads, c.L1Misses + c.L1Bypassed},
		{"L2's hits, merged and misses, its reads", c.L2ReadHits + c.L2ReadMerged + c.L2ReadMisses, c.L2Reads},
		{"L2's writes, sectors stored", c.L2Writes, c.StoreSectors},
		{"L2's write hits and misses, its writes", c.L2WriteHits + c.L2WriteMisses, c.L2Writes},
		{"L2's atomics, sectors of atomics", c.L2Atomics, c.AtomicSectors},
	} {
		invariant.Hold(e.a == e.b, "%s: %d and %d", e.what, e.a, e.b)
	}
}

// consistent checks that every entry is free, free from a known cycle on, or in use, and returns those in use.
func (p *entryPool) consistent(what string, sm int) map[uint16]bool {
	used := map[uint16]bool{}
	for i := range p.size {
		used[uint16(i)] = true
	}
	last := int64(math.MinInt64)
	for i := p.head; i != p.tail; i++ {
		r := &p.ring[i&p.mask]
		invariant.Hold(r.cycle >= last, "SM %d: a %s entry is free from cycle %d on, one before it from %d",
			sm, what, r.cycle, last)
		last = r.cycle
		invariant.Hold(used[r.entry], "SM %d: %s entry %d of %d is free twice", sm, what, r.entry, p.size)
		delete(used, r.entry)
	}
	return used
}

// tokensConsistent checks that each token waits for as many replies as entries in use will bring it.
func (p *Port) tokensConsistent(used map[uint16]bool) {
	left := make([]int32, len(p.tokens))
	free := 0
	for i := p.chains; i >= 0; i = p.chain[i].next {
		free++
	}
	for e := range used {
		x := &p.entry[e]
		left[x.token]++
		for i := x.more; i >= 0; i = p.chain[i].next {
			left[p.chain[i].token]++
			free++
		}
	}
	for token, n := range left {
		invariant.Hold(p.tokens[token].left == n, "SM %d: access %d waits for %d replies, %d will come",
			p.sm, token, p.tokens[token].left, n)
	}
	invariant.Hold(free == len(p.chain), "SM %d: %d of %d places for further tokens are lost", p.sm, len(p.chain)-free,
		len(p.chain))
}

// nodesConsistent checks that each packet of a channel is in one list: free, queued at a slice, or waiting for DRAM.
func (c *channel) nodesConsistent() {
	seen := make([]bool, len(c.nodes))
	n := 0
	take := func(i int32, where string) {
		invariant.Hold(!seen[i], "channel %d: packet %d stands twice, once %s", c.index, i, where)
		seen[i] = true
		n++
	}
	for _, i := range c.free {
		take(i, "among the free")
	}
	for k := range c.n {
		s := &c.slices[k]
		last := int32(-1)
		for i := s.head; i >= 0; i = c.nodes[i].next {
			take(i, "at a slice")
			last = i
		}
		invariant.Hold(last == s.tail, "channel %d, slice %d: packet %d is last, not %d", c.index, k, last, s.tail)
	}
	q := &c.dram.reads
	for m := q.valid; m != 0; m &= m - 1 {
		e := &q.entries[bits.TrailingZeros64(m)]
		invariant.Hold(e.waiters >= 0, "channel %d: a read of sectors %#x for no packet", c.index, e.mask)
		for i := c.nodes[e.waiters].next; ; i = c.nodes[i].next {
			take(i, "at a read")
			if i == e.waiters {
				break
			}
		}
	}
	invariant.Hold(n == len(c.nodes), "channel %d: %d of %d packets are lost", c.index, len(c.nodes)-n, len(c.nodes))
	for w, set := range c.present {
		invariant.Hold(set == 0, "channel %d: packets are left in the lists of cycles %#x from %d on", c.index, set, 64*w)
	}
}

// consistent checks the sets that a DRAM queue keeps of its requests.
func (q *dramQueue) consistent(d *dram, what string, channel int) {
	hold := func(ok bool, text string, args ...any) {
		invariant.Hold(ok, "channel %d, %s queue: "+text, append([]any{channel, what}, args...)...)
	}
	span := q.tail - q.head
	hold(span <= q.size, "%d places of %d", span, q.size)
	var places, banks, hit, lead uint64
	var waiting uint32
	for i := q.head; i != q.tail; i++ {
		places |= 1 << (i % maxQueue)
	}
	hold(q.valid&^places == 0, "requests %#x in places %#x", q.valid, places)
	for m := q.valid; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		e := &q.entries[i]
		hold(e.mask != 0, "request %d is for no sector", i)
		hold(q.bank[e.bank]>>i&1 != 0, "request %d is not in the set of bank %d", i, e.bank)
		if d.banks[e.bank].row == e.row {
			hit |= 1 << i
		}
	}
	for b := range q.bank {
		hold(q.bank[b]&^q.valid == 0 && q.bank[b]&banks == 0, "set %#x of bank %d", q.bank[b], b)
		banks |= q.bank[b]
		if q.bank[b] != 0 && q.bank[b]&hit == 0 {
			lead |= 1 << q.oldest(q.bank[b])
			waiting |= 1 << b
		}
		hold(d.open>>b&1 != 0 == (d.banks[b].row >= 0), "bank %d has row %d, the banks with open rows are %#x", b,
			d.banks[b].row, d.open)
	}
	hold(q.hit == hit, "requests %#x are marked as of open rows, %#x are", q.hit, hit)
	hold(q.lead == lead, "requests %#x are marked as the oldest of banks that wait, %#x are", q.lead, lead)
	hold(q.waiting == waiting, "banks %#x are marked as waiting, %#x wait", q.waiting, waiting)
}

// consistent checks that each set's ways stand once in its order and hold different lines, under the signs of their
// tags.
func (t *tagArray) consistent(what string, number int) {
	for set := range t.sets {
		s := &t.sets[set]
		var ways uint32
		for k := range maxWays {
			ways |= 1 << (s.order >> (4 * k) & 15)
		}
		invariant.Hold(ways == 1<<maxWays-1, "%s %d, set %d: order %#x", what, number, set, s.order)
		for i := range t.ways {
			line := set<<(t.shift&31) + i
			tag := t.tags[line]
			if tag == noTag {
				continue
			}
			invariant.Hold(uint8(s.sign[i/8]>>(i%8*8)) == uint8(tag), "%s %d, set %d: way %d has tag %#x, and another's sign",
				what, number, set, i, tag)
			invariant.Hold(t.find(set, tag) == int32(line), "%s %d, set %d: tag %#x stands twice", what, number, set, tag)
			invariant.Hold(s.queued>>(4*i)&15 == 0, "%s %d, set %d: way %d waits for data", what, number, set, i)
		}
	}
}
