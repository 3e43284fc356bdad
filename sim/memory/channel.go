package memory

import (
	"math/bits"
	"unsafe"

	"warpdrop/sim/prefetch"
)

// maxSlicesPerChannel bounds the L2 slices that share a DRAM channel.
const maxSlicesPerChannel = 4

// slice is one slice of L2. It takes packets in order of arrival; its data path is busy for as long as a packet's
// sectors need.
type slice struct {
	cache      tagArray
	entry      []uint8 // read queue place of each line with queued sectors
	setBits    uint
	head, tail int32 // packets that arrived, -1 = none
	free       int64 // cycle at which the data path takes the next packet
	start      int64 // cycle at which the packet at the head can be served
	blocked    block
	refused    bool   // the packet at the head waits for room in DRAM's read queue, and no request for its line is there
	set        int    // of the packet at the head
	tag        uint32 // the same
	found      int32  // the line of the packet at the head, -1 = it is not here, unknown = it was not looked for
}

// unknown is the line of a packet that was not looked for. Once it was, the line stays where it is until the packet is
// served: only packets of the same slice before it could move it.
const unknown = -2

// block says for what the packet at a slice's head waits.
type block uint8

const (
	blockNone  block = iota
	blockReads       // room in DRAM's read queue
	blockOther       // room in its write queue, or a line that does not wait for data
)

// channel is one DRAM channel with the L2 slices in front of it. Channels share nothing, so they advance on different
// threads.
type channel struct {
	cfg    *Config
	m      *mapping
	count  Counters
	ports  []*Port
	index  int
	slices [maxSlicesPerChannel]slice
	due    [maxSlicesPerChannel]int64 // start of each slice that has a packet and is not blocked, else never
	n      int                        // slices
	dram   dram

	nextMemory, nextCore int64   // dram.next as it was last seen, and the same in core cycles
	num, den             divisor // command clock / core clock

	time    int64     // cycle up to which it has advanced
	nodes   []packet  // pool of packets that are here
	free    []int32   // of those, the ones not in use
	buckets []int32   // first packet of the list of those that arrive in each cycle of a window, -1 = none
	present []uint64  // buckets that have a list
	replies [][]reply // by SM
	// SMs that replies were made for since the channel last began to advance, a bit each
	answered [4]uint64
	left     [4]uint64 // SMs whose outbox was not emptied, a bit each
	waiting  int64     // first arrival that has not been taken from the outboxes, never = none
	roomy    bool      // a DRAM queue got room since it was last looked at

	occupyRead  [sectorsPerLine + 1]int64 // cycles of a slice's data path by sectors
	occupyWrite [sectorsPerLine + 1]int64

	latency, replyLatency, returnLatency int64 // of L2, of the crossbar's way back, of DRAM's
	pairs                                bool  // a read brings both halves of 64 bytes
}

func newChannel(cfg *Config, m *mapping, index int, ports []*Port, window int64) *channel {
	c := &channel{cfg: cfg, m: m, index: index, ports: ports, n: cfg.L2.SlicesPerChannel, waiting: never,
		nextMemory: never, nextCore: never,
		num: newDivisor(int(cfg.DRAM.ClockNum)), den: newDivisor(int(cfg.DRAM.ClockDen)),
		latency: int64(cfg.L2.Latency), replyLatency: int64(cfg.Crossbar.ReplyLatency),
		returnLatency: int64(cfg.DRAM.ReturnLatency), pairs: cfg.L2.FillSectors == 2}
	for i := range c.due {
		c.due[i] = never
	}
	sets := cfg.L2.SliceBytes / LineBytes / cfg.L2.Ways
	for i := range c.n {
		s := &c.slices[i]
		s.cache = newTagArray(cfg.L2.SliceBytes, cfg.L2.Ways, replacements[cfg.L2.Replacement])
		s.entry = make([]uint8, len(s.cache.tags))
		s.setBits = uint(bits.TrailingZeros(uint(sets)))
		s.head, s.tail, s.found = -1, -1, unknown
	}
	c.replies = make([][]reply, len(ports))
	c.buckets = make([]int32, window)
	c.present = make([]uint64, (window+63)/64)
	for i := range c.buckets {
		c.buckets[i] = -1
	}
	c.occupyRead = sectorCycles(cfg.L2.BytesPerClock)
	for n, read := range c.occupyRead {
		c.occupyWrite[n] = max(read, int64(ceilDiv(n*SectorBytes+cfg.Crossbar.HeaderBytes, cfg.Crossbar.SliceBytes)))
	}
	c.dram.init(&cfg.DRAM, m, &c.count)
	return c
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// sectorCycles is for how many cycles so many sectors take a data path of so many bytes a cycle: one at least.
func sectorCycles(bytesPerClock int) (cycles [sectorsPerLine + 1]int64) {
	for n := range cycles {
		cycles[n] = int64(max(1, ceilDiv(n*SectorBytes, bytesPerClock)))
	}
	return cycles
}

// toMemory returns the first cycle of the command clock that does not start before a core cycle, toCore the reverse.
func (c *channel) toMemory(core int64) int64 {
	return int64(c.den.quotient(uint64(core)*c.num.n + c.den.n - 1))
}

func (c *channel) toCore(memory int64) int64 {
	return int64(c.num.quotient(uint64(memory)*c.den.n + c.num.n - 1))
}

// gather takes the packets that arrive before cycle end from the SMs' outboxes, and hands them to the slices in order
// of (cycle, SM).
func (c *channel) gather(end int64) {
	base := end - int64(len(c.buckets))
	c.waiting = never
	var from [4]uint64 // SMs that have packets for this channel
	for sm, p := range c.ports {
		if p.sent>>(c.index&63)&1 != 0 {
			q := &p.outbox[c.index]
			prefetch.Lines(unsafe.Pointer(&q.items[q.head]), (len(q.items)-q.head)*int(unsafe.Sizeof(packet{}))/64+1)
			from[sm/64&3] |= 1 << (sm % 64)
		}
	}
	for w := 3; w >= 0; w-- {
		for set := from[w] | c.left[w]; set != 0; {
			k := 63 - bits.LeadingZeros64(set) // from the last SM on, since the lists are made from their ends
			set &^= 1 << (k & 63)
			c.collect(64*w+k, base, end)
		}
	}
	// Each slice's new packets are linked behind those that it has: link is where the number of its next goes, last the
	// number that was put there last.
	var link [maxSlicesPerChannel]*int32
	var last [maxSlicesPerChannel]int32
	for i := range c.n {
		s := &c.slices[i]
		last[i] = s.tail
		if link[i] = &s.head; s.tail >= 0 {
			link[i] = &c.nodes[s.tail].next
		}
	}
	nodes := c.nodes
	for w, set := range c.present {
		if set == 0 {
			continue
		}
		c.present[w] = 0
		buckets := c.buckets[w*64:]
		for ; set != 0; set &= set - 1 {
			b := &buckets[bits.TrailingZeros64(set)]
			i := *b
			*b = -1
			for i >= 0 {
				x := &nodes[i]
				k := x.slice & (maxSlicesPerChannel - 1)
				*link[k] = i
				link[k] = &x.next
				last[k] = i
				i = x.next
			}
		}
	}
	for i := range c.n {
		s := &c.slices[i]
		if last[i] == s.tail {
			continue
		}
		*link[i] = -1
		if s.tail < 0 {
			x := &nodes[s.head]
			s.set, s.tag = s.place(x.local)
			s.start = max(x.arrive, s.free)
			c.due[i] = s.start
		}
		s.tail = last[i]
	}
}

// collect takes the packets of an SM that arrive before cycle end into the lists of their cycles, of which the first is
// base.
func (c *channel) collect(sm int, base, end int64) {
	q := &c.ports[sm].outbox[c.index]
	items := q.items[q.head:]
	n := len(items)
	if n > 0 && items[n-1].arrive >= end {
		for n = 0; items[n].arrive < end; {
			n++
		}
	}
	c.left[sm/64&3] &^= 1 << (sm % 64)
	if n < len(items) {
		c.waiting = min(c.waiting, items[n].arrive)
		c.left[sm/64&3] |= 1 << (sm % 64)
	}
	for len(c.free) < n {
		c.free = append(c.free, int32(len(c.nodes)))
		c.nodes = append(c.nodes, packet{})
	}
	left := len(c.free) - n
	free := c.free[left:]
	c.free = c.free[:left]
	nodes, buckets := c.nodes, c.buckets
	for k, i := range free {
		from, x := &items[n-1-k], &nodes[i]
		*x = *from
		b := max(from.arrive-base, 0)
		x.next = buckets[b]
		buckets[b] = i
		c.present[b>>6] |= 1 << (b & 63)
	}
	switch q.head += n; {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case 2*q.head >= len(q.items):
		q.items, q.head = q.items[:copy(q.items, q.items[q.head:])], 0
	}
}

// advance runs the channel to cycle end, by which time all packets that arrive before it are in the outboxes.
func (c *channel) advance(end int64) {
	c.answered = [4]uint64{}
	c.gather(end)
	for {
		next, at := 0, c.due[0]
		if d := c.due[1]; d < at {
			next, at = 1, d
		}
		if c.n > 2 {
			for i := 2; i < c.n; i++ {
				if d := c.due[i&(maxSlicesPerChannel-1)]; d < at {
					next, at = i, d
				}
			}
		}
		if d := c.dram.next; d != c.nextMemory {
			c.nextMemory, c.nextCore = d, never
			if d != never {
				c.nextCore = c.toCore(d)
			}
		}
		if core := c.nextCore; core < at {
			if core >= end {
				break
			}
			c.dram.step(c.nextMemory, c)
			if c.roomy {
				c.unblock(core)
			}
			continue
		}
		if at >= end {
			break
		}
		c.serve(next&(maxSlicesPerChannel-1), at)
	}
	c.time = end
}

// unblock lets slices that waited for room in a DRAM queue try again.
func (c *channel) unblock(now int64) {
	c.roomy = false
	full := c.dram.reads.full()
	for i := range c.n {
		s := &c.slices[i&(maxSlicesPerChannel-1)]
		if s.blocked == blockNone {
			continue
		}
		if late := now - s.start; late > 0 {
			c.count.L2Stalls += late
			s.start = now
		}
		if full && s.blocked == blockReads {
			continue // it could but be refused again
		}
		s.blocked = blockNone
		c.due[i&(maxSlicesPerChannel-1)] = s.start
	}
}

// block lets slice k wait for what its packet at the head needs.
func (c *channel) block(s *slice, k int, why block) {
	s.blocked = why
	s.refused = why == blockReads
	c.due[k&(maxSlicesPerChannel-1)] = never
}

// serve lets slice k take the packet at its head at cycle now, or wait if a DRAM queue is full; nothing has happened to
// the packet then.
func (c *channel) serve(k int, now int64) {
	s := &c.slices[k&(maxSlicesPerChannel-1)]
	d := &c.dram
	if s.refused && d.reads.full() {
		c.block(s, k, blockReads)
		return
	}
	node := s.head
	p := &c.nodes[node]
	set := s.set
	line := s.found
	if line == unknown {
		line = s.cache.find(set, s.tag)
		s.found = line
	}
	l := &s.cache.sets[set]
	var at uint
	var valid, dirty, queued uint8
	if line >= 0 {
		at = uint(line) & (1<<(s.cache.shift&31) - 1) * 4 & 63
		valid, dirty, queued = uint8(l.valid>>at&15), uint8(l.dirty>>at&15), uint8(l.queued>>at&15)
	}
	mask, kind := p.mask, p.kind
	var need, missing uint8 // sectors to wait for; of those, the ones to ask DRAM for
	if kind != packetWrite {
		need = mask &^ valid
		missing = need &^ queued
		if missing != 0 && queued == 0 && d.reads.full() {
			c.block(s, k, blockReads)
			return
		}
	}
	if line < 0 {
		var age uint
		if line, age = s.cache.victim(set); line < 0 {
			c.block(s, k, blockOther)
			return
		}
		at = uint(line) & (1<<(s.cache.shift&31) - 1) * 4 & 63
		if l.dirty>>at&15 != 0 && !c.evict(s, int(p.slice), set, line, now) {
			c.block(s, k, blockOther)
			return
		}
		s.cache.place(l, line, age, s.tag)
	} else if !s.cache.fifo {
		l.renew(at)
	}
	s.refused = false

	// The packet is served. It may stay here until DRAM answers.
	next := p.next
	c.count.L2Wait += now - p.arrive
	n := bits.OnesCount8(mask & (1<<sectorsPerLine - 1))
	occupy := c.occupyRead[n]
	switch kind {
	case packetRead:
		c.count.L2Reads += int64(n)
		if need == 0 {
			c.count.L2ReadHits += int64(n)
		} else {
			lacking, asked := bits.OnesCount8(need), bits.OnesCount8(missing)
			c.count.L2ReadHits += int64(n - lacking)
			c.count.L2ReadMerged += int64(lacking - asked)
			c.count.L2ReadMisses += int64(asked)
		}
	case packetWrite:
		occupy = c.occupyWrite[n]
		hits := bits.OnesCount8(mask & (valid | dirty))
		c.count.L2Writes += int64(n)
		c.count.L2WriteHits += int64(hits)
		c.count.L2WriteMisses += int64(n - hits)
		l.dirty |= uint64(mask) << at
		l.valid |= uint64(p.full) << at
	default:
		c.count.L2Atomics += int64(n)
		c.count.L2AtomicOps += int64(p.ops)
		l.dirty |= uint64(mask) << at
		dirty |= mask
		occupy = max(c.occupyWrite[n], int64(ceilDiv(n, c.cfg.L2.AtomicSectors)), int64(int(p.same)*c.cfg.L2.AtomicSame))
	}
	switch {
	case kind == packetWrite:
		c.answer(p, now+c.latency, 0)
		c.free = append(c.free, node)
	case need == 0:
		c.answer(p, max(now+c.latency, s.cache.ready[line]), occupy)
		c.free = append(c.free, node)
	default:
		if missing != 0 {
			if c.pairs {
				// The other half of each 64-byte access.
				missing |= (missing&0b0101<<1 | missing&0b1010>>1) &^ (valid | dirty | queued)
			}
			if queued != 0 {
				d.reads.entries[s.entry[line]%maxQueue].mask |= missing
			} else {
				s.entry[line] = uint8(d.read(int(p.slice), p.local, missing, line, c.toMemory(now)))
			}
			l.queued |= uint64(missing) << at
		}
		// The packet joins the circular list of its request.
		e := &d.reads.entries[s.entry[line]%maxQueue]
		if e.waiters < 0 {
			p.next = node
		} else {
			last := &c.nodes[e.waiters]
			p.next = last.next
			last.next = node
		}
		e.waiters = node
	}

	s.free = now + occupy
	s.found = unknown
	s.head = next
	if next < 0 {
		s.tail = -1
		c.due[k&(maxSlicesPerChannel-1)] = never
		return
	}
	x := &c.nodes[next]
	s.start = max(x.arrive, s.free)
	c.due[k&(maxSlicesPerChannel-1)] = s.start
	s.set, s.tag = s.place(x.local)
	if x.kind != packetWrite && d.reads.full() {
		// It will most likely have to wait for room: not even looked at before there is some. A line that is not here
		// does not come before its packet is served, since only this slice's packets bring lines, in turn.
		if s.found = s.cache.find(s.set, s.tag); s.found < 0 {
			c.block(s, k, blockReads)
		}
		return
	}
	// It may have waited for long, and all of L2 is more than fits in the host's cache near the core.
	prefetch.Three(unsafe.Pointer(&s.cache.sets[s.set]), unsafe.Pointer(&s.cache.tags[s.set<<(s.cache.shift&31)]),
		unsafe.Pointer(&c.nodes[max(x.next, 0)]))
}

// place returns the set and the tag of a line of the slice.
func (s *slice) place(local uint64) (set int, tag uint32) {
	upper := local >> (s.setBits & 63)
	return int((local ^ upper ^ upper>>(s.setBits&63)) & (1<<(s.setBits&63) - 1)), uint32(upper)
}

// evict makes a line free, writing its dirty sectors back; it has some. It reports false, and does nothing, if the
// write queue is full.
func (c *channel) evict(s *slice, number, set int, k int32, now int64) bool {
	l, at := s.cache.split(k)
	dirty := uint8(l.dirty >> (at & 63) & 15)
	if c.dram.writes.full() {
		return false
	}
	sets := uint64(1)<<s.setBits - 1
	tag := uint64(s.cache.tags[k])
	local := tag<<s.setBits | (uint64(set)^tag^tag>>s.setBits)&sets
	c.count.L2WriteBacks += int64(bits.OnesCount8(dirty))
	c.dram.write(number, local, dirty, c.toMemory(now))
	return true
}

// answer sends the reply to a packet whose data are at the reply crossbar at cycle at; extra is the cycles that the
// slice works on it before that (atomics).
func (c *channel) answer(p *packet, at, extra int64) {
	list := &c.replies[p.sm]
	n := len(*list)
	if n == cap(*list) {
		*list = append(*list, reply{})
	} else {
		*list = (*list)[:n+1]
	}
	r := &(*list)[n]
	r.cycle, r.entry, r.data, r.store = at+c.replyLatency, p.entry, uint8(bits.OnesCount8(p.mask)), false
	switch p.kind {
	case packetRead:
	case packetAtomic:
		r.cycle += extra + int64(c.cfg.L2.AtomicLatency)
	default:
		r.data, r.store = 0, true
	}
	c.answered[p.sm/64] |= 1 << (p.sm % 64)
}

// filled takes the data of a read whose last burst ends at cycle end of the command clock: the line has them then, and
// all that wait for them are answered.
func (c *channel) filled(e *dramEntry, end int64) {
	ready := c.toCore(end) + c.returnLatency
	k := e.slice & (maxSlicesPerChannel - 1)
	s := &c.slices[k]
	l, at := s.cache.split(e.line)
	l.valid |= uint64(e.mask) << (at & 63)
	l.queued &^= 15 << (at & 63)
	s.cache.ready[e.line] = max(s.cache.ready[e.line], ready)
	if e.waiters < 0 {
		return
	}
	first := c.nodes[e.waiters].next
	for i := first; ; {
		p := &c.nodes[i]
		next := p.next
		c.answer(p, ready, 0)
		// The reply takes the slice's data path as a hit's does.
		s.free += c.occupyRead[bits.OnesCount8(p.mask)]
		c.free = append(c.free, i)
		if next == first {
			break
		}
		i = next
	}
	if s.head >= 0 {
		s.start = max(s.start, s.free)
		if s.blocked == blockNone {
			c.due[k] = s.start
		}
	}
}

// nextEvent returns the first cycle at which the channel has something to do, or never.
func (c *channel) nextEvent() int64 {
	at := c.waiting
	for i := range c.n {
		if s := &c.slices[i]; s.head >= 0 && (s.blocked == blockNone || s.start >= c.time) {
			at = min(at, s.start)
		}
	}
	if c.dram.next != never {
		at = min(at, c.toCore(c.dram.next))
	}
	return at
}
