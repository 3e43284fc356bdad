package memory

import (
	"math/bits"
	"unsafe"

	"warpdrop/sim/prefetch"
)

// Reply says that all data of an access have arrived.
type Reply struct {
	Token uint32
	Cycle int64
}

// missEntry is a line request that an SM has under way.
type missEntry struct {
	token uint32
	more  int32 // further tokens that wait for the same sectors, -1 = none
	line  int32 // L1 line to fill, -1 = none
	mask  uint8
	part  uint8
}

// tokenState is an access that waits for replies.
type tokenState struct {
	left   int32 // replies outstanding
	latest int64 // cycle at which the last of those that came, or of the hits, is there
}

// Port is an SM's way to memory: coalescer, L1, miss entries, and the SM's ports of the crossbar. It is used by one
// thread at a time; different SMs' ports are used at once.
type Port struct {
	sm     int
	system *System
	cfg    *Config
	count  Counters

	parts   [4]tagArray
	busy    [4]int64                    // cycle at which a part takes the next access
	data    [4]int64                    // cycle at which its data path has returned all that hit
	pending [4][][sectorsPerLine]uint16 // entry that each queued sector of each line waits for
	sets    divisor
	global  bool // global loads without a cache operator use L1
	filled  bool // L1 has taken in global loads since the kernel began: stores drop what it has of them

	lines  coalescer
	kept   bool      // lines holds the access that was refused
	found  [32]int32 // L1 line of each, -1 = none
	need   [32]uint8 // sectors to wait for
	misses entryPool
	stores entryPool
	entry  []missEntry
	chain  []tokenNode
	chains int32 // first free node
	tokens []tokenState

	occupy [sectorsPerLine + 1]int64 // cycles of the L1 pipeline by sectors
	out    wire                      // request port
	in     wire                      // reply port
	outbox []packetQueue             // by channel
	where  chunkPlace                // of the chunk that a packet was last sent to

	missLatency, requestLatency int64  // of L1, of the crossbar's way to L2
	header                      int    // bytes of a packet without data
	sent                        uint64 // channels that packets were sent to in this window, a bit each

	inbox   calendar
	taken   int64 // replies before this cycle have been taken from the inbox
	replies []Reply
	read    bool  // the SM has seen replies
	soonest int64 // earliest of the replies that the last deliver added, never = none
	unknown int64 // first cycle whose replies are not known yet
	last    int64 // latest reply
}

// tokenNode is one more token that waits for an entry.
type tokenNode struct {
	token uint32
	next  int32
}

func newPort(s *System, sm int) *Port {
	cfg := s.cfg
	p := &Port{sm: sm, system: s, cfg: cfg, global: cfg.L1.GlobalLoads, chains: -1, soonest: never,
		missLatency: int64(cfg.L1.MissLatency), requestLatency: int64(cfg.Crossbar.RequestLatency),
		header: cfg.Crossbar.HeaderBytes}
	s.m.chunk(0, &p.where)
	for i := range cfg.L1.Parts {
		p.parts[i] = newTagArray(cfg.L1.Bytes, cfg.L1.Ways, replacements[cfg.L1.Replacement])
		p.pending[i] = make([][sectorsPerLine]uint16, len(p.parts[i].tags))
	}
	p.occupy = sectorCycles(cfg.L1.BytesPerClock)
	p.out.perCycle, p.in.perCycle = newDivisor(cfg.Crossbar.RequestBytes), newDivisor(cfg.Crossbar.ReplyBytes)
	p.sets = newDivisor(cfg.L1.Bytes / LineBytes / cfg.L1.Ways)
	p.misses = newEntryPool(cfg.L1.MSHRs)
	p.stores = newEntryPool(cfg.L1.StoreQueue)
	p.entry = make([]missEntry, cfg.L1.MSHRs)
	p.outbox = make([]packetQueue, cfg.DRAM.Channels)
	p.inbox.init()
	return p
}

// begin starts a kernel at cycle now: L1 holds nothing.
func (p *Port) begin(now int64) {
	for i := range p.cfg.L1.Parts {
		p.parts[i].clear()
		p.busy[i], p.data[i] = now, now
	}
	p.filled, p.kept = false, false
	p.out.free, p.in.free = max(p.out.free, now), max(p.in.free, now)
	p.unknown = max(p.unknown, now+p.system.window)
	p.taken = max(p.taken, now)
	p.replies = p.replies[:0]
}

// Access presents a warp's global or local access at cycle now; token names it in Replies.
//
// accepted is false if a queue is full: present it again, unchanged, at cycle retry, and nothing else before. Else
// done is the cycle at which all its data are there or, for stores and reductions, its operands are read; -1 if data
// are on their way from L2, in which case Replies will name the token. readDone is the cycle at which the source
// registers have been read.
func (p *Port) Access(now int64, a *Access, token uint32) (accepted bool, retry, done, readDone int64) {
	part := int(a.Part) % p.cfg.L1.Parts
	if at := max(p.busy[part], p.data[part]) - int64(p.cfg.L1.Queue); at > now {
		return false, at, 0, 0
	}
	if !p.kept {
		p.lines.coalesce(a)
	}
	start := max(now, p.busy[part])
	switch a.Kind {
	case Load, LoadReadOnly:
		cached := a.Kind == LoadReadOnly || a.Space == SpaceLocal || a.Cache == CacheCA || p.global
		if a.Cache == CacheCG || a.Cache == CacheCV {
			cached = false
		}
		if !cached {
			accepted, retry, done, readDone = p.bypass(now, start, part, token)
			break
		}
		p.filled = p.filled || a.Kind == Load && a.Space == SpaceGlobal
		accepted, retry, done, readDone = p.load(now, start, part, a.Bytes*bits.OnesCount32(a.Mask), token)
	case Store:
		accepted, retry, done, readDone = p.store(now, start, part, a.Space == SpaceLocal)
	default:
		accepted, retry, done, readDone = p.atomic(now, start, part, a.Kind == Atomic, token)
	}
	p.kept = !accepted
	return accepted, retry, done, readDone
}

// refuse returns Access's answer when entries of a pool are not free at cycle now, but at cycle retry, or never if
// that is not known.
func (p *Port) refuse(retry, now int64, stalls *int64) (bool, int64, int64, int64) {
	if retry == never {
		retry = p.unknown
	}
	if retry <= now {
		retry = now + p.system.window
	}
	*stalls += retry - now
	return false, retry, 0, 0
}

// bypass is load where L1 keeps nothing of it.
func (p *Port) bypass(now, start int64, part int, token uint32) (bool, int64, int64, int64) {
	c := &p.lines
	if at := p.misses.free(c.n); at > now {
		return p.refuse(at, now, &p.count.MSHRStalls)
	}
	sectors := 0
	for i, line := range c.line[:c.n] {
		mask := c.mask[i]
		sectors += bits.OnesCount8(mask)
		p.send(start+int64(i), line, p.miss(token, -1, part, mask), packetRead, mask, 0)
	}
	p.count.LoadInstructions++
	p.count.LoadSectors += int64(sectors)
	p.count.L1Bypassed += int64(sectors)
	p.count.Lines += int64(c.n)
	p.busy[part] = start + int64(c.n)
	p.wait(token, int32(c.n), start+int64(p.cfg.L1.Latency))
	return true, 0, -1, p.busy[part] + int64(p.cfg.L1.ReadLatency)
}

// load looks up a load of lines in L1, and asks for what is not there.
func (p *Port) load(now, start int64, part, bytes int, token uint32) (bool, int64, int64, int64) {
	c := &p.lines
	l1 := &p.parts[part]
	requests, sectors := 0, 0
	for i := range c.n {
		sectors += bits.OnesCount8(c.mask[i])
		p.found[i], p.need[i] = -1, c.mask[i]
		tag, set := p.place(c.line[i])
		if k := l1.find(set, tag); k >= 0 {
			p.found[i] = k
			l, f := l1.split(k)
			p.need[i] &^= uint8(l.valid >> (f & 63) & 15)
			if p.need[i]&^uint8(l.queued>>(f&63)&15) == 0 {
				continue
			}
		}
		requests++
	}
	if requests > 0 {
		if at := p.misses.free(requests); at > now {
			return p.refuse(at, now, &p.count.MSHRStalls)
		}
	}

	p.count.LoadInstructions++
	p.count.LoadSectors += int64(sectors)
	p.count.Lines += int64(c.n)
	done := start + int64(p.cfg.L1.Latency)
	at := start // the line's turn in the L1 pipeline
	waits, here := int32(0), sectors
	for i := range c.n {
		n := bits.OnesCount8(c.mask[i])
		p.count.L1Accesses += int64(n)
		k := p.found[i]
		need := p.need[i]
		if k >= 0 {
			l1.touch(k)
			if hit := c.mask[i] &^ need; hit != 0 {
				p.count.L1Hits += int64(bits.OnesCount8(hit))
				done = max(done, l1.ready[k])
			}
		} else {
			tag, set := p.place(c.line[i])
			var age uint
			if k, age = l1.victim(set); k >= 0 {
				l1.place(&l1.sets[set], k, age, tag)
			}
		}
		if need != 0 {
			missing := need
			var l *cacheSet
			var f uint
			if k >= 0 {
				l, f = l1.split(k)
				if merged := need & uint8(l.queued>>(f&63)&15); merged != 0 {
					missing &^= merged
					p.count.L1Merged += int64(bits.OnesCount8(merged))
					waits += p.merge(token, part, k, merged)
				}
			}
			if missing != 0 {
				n := bits.OnesCount8(missing)
				here -= n
				p.count.L1Misses += int64(n)
				e := p.miss(token, k, part, missing)
				if k >= 0 {
					l.queued |= uint64(missing) << (f & 63)
					for m := missing; m != 0; m &= m - 1 {
						p.pending[part][k][bits.TrailingZeros8(m)] = e
					}
				}
				p.send(at, c.line[i], e, packetRead, missing, 0)
				waits++
			}
		}
		at += p.occupy[bits.OnesCount8(c.mask[i]&^need&(1<<sectorsPerLine-1))]
		done = max(done, at-1+int64(p.cfg.L1.Latency))
	}
	if here > 0 {
		data := max(start, p.data[part]) + p.returning(bytes, sectors, here)
		p.data[part] = data
		done = max(done, data-1+int64(p.cfg.L1.Latency))
	}
	p.busy[part] = at
	readDone := at + int64(p.cfg.L1.ReadLatency)
	if waits == 0 {
		return true, 0, done, readDone
	}
	p.wait(token, waits, done)
	return true, 0, -1, readDone
}

// returning is for how many cycles a load keeps the path from a part of L1 to the registers, by which go all bytes
// that its threads take, whether or not they are the same bytes. here of the sectors are in L1 or on their way there;
// what the load itself asks L2 for comes when the path has long been free.
func (p *Port) returning(bytes, sectors, here int) int64 {
	if here != sectors {
		bytes = ceilDiv(bytes*here, sectors)
	}
	return int64(ceilDiv(bytes, p.cfg.L1.ReturnBytes))
}

// place returns the tag and set of a line in L1. Tags are unique for addresses below 2^44 x sets / 32.
func (p *Port) place(line uint64) (tag uint32, set int) {
	q, r := p.sets.divide(line)
	return uint32(q), int(r)
}

// drop invalidates sectors of a line in the SM's L1 caches.
func (p *Port) drop(tag uint32, set int, sectors uint8) {
	for j := range p.cfg.L1.Parts {
		if k := p.parts[j].find(set, tag); k >= 0 {
			l, f := p.parts[j].split(k)
			l.valid &^= uint64(sectors) << (f & 63)
		}
	}
}

// wait notes that token waits for n replies; latest is when the rest of its data are there.
func (p *Port) wait(token uint32, n int32, latest int64) {
	for int(token) >= len(p.tokens) {
		p.tokens = append(p.tokens, tokenState{})
	}
	p.tokens[token] = tokenState{n, latest}
}

// merge lets token wait for the entries that bring the given sectors of L1 line k, and returns how many those are.
func (p *Port) merge(token uint32, part int, k int32, sectors uint8) int32 {
	n := int32(0)
	for m := sectors; m != 0; {
		e := p.pending[part][k][bits.TrailingZeros8(m)]
		x := &p.entry[e]
		m &^= x.mask
		i := p.chains
		if i >= 0 {
			p.chains = p.chain[i].next
		} else {
			i = int32(len(p.chain))
			p.chain = append(p.chain, tokenNode{})
		}
		p.chain[i] = tokenNode{token, x.more}
		x.more = i
		n++
	}
	return n
}

// miss takes a miss entry.
func (p *Port) miss(token uint32, line int32, part int, mask uint8) uint16 {
	e := p.misses.take()
	x := &p.entry[e]
	x.token, x.more, x.line, x.mask, x.part = token, -1, line, mask, uint8(part)
	return e
}

func (p *Port) store(now, start int64, part int, local bool) (bool, int64, int64, int64) {
	c := &p.lines
	if at := p.stores.free(c.n); at > now {
		return p.refuse(at, now, &p.count.StoreStalls)
	}
	p.count.StoreInstructions++
	p.count.Lines += int64(c.n)
	at := start
	for i := range c.n {
		n := bits.OnesCount8(c.mask[i])
		p.count.StoreSectors += int64(n)
		if local {
			tag, set := p.place(c.line[i])
			// Local memory is written through and kept: only its own thread reads it.
			l1 := &p.parts[part]
			k := l1.find(set, tag)
			if k < 0 && c.full[i] != 0 {
				var age uint
				if k, age = l1.victim(set); k >= 0 {
					l1.place(&l1.sets[set], k, age, tag)
				}
			}
			if k >= 0 {
				l1.touch(k)
				l, f := l1.split(k)
				l.valid |= uint64(c.full[i]) << (f & 63)
			}
		} else if p.filled {
			// Global stores go around L1 and drop what it has of them.
			tag, set := p.place(c.line[i])
			p.drop(tag, set, c.mask[i])
		}
		p.send(at, c.line[i], p.stores.take(), packetWrite, c.mask[i], c.full[i])
		at += p.occupy[n]
	}
	p.busy[part] = at
	readDone := at + int64(p.cfg.L1.ReadLatency)
	return true, 0, readDone, readDone
}

func (p *Port) atomic(now, start int64, part int, result bool, token uint32) (bool, int64, int64, int64) {
	c := &p.lines
	pool, stalls := &p.stores, &p.count.StoreStalls
	if result {
		pool, stalls = &p.misses, &p.count.MSHRStalls
	}
	if at := pool.free(c.n); at > now {
		return p.refuse(at, now, stalls)
	}
	p.count.AtomicInstructions++
	p.count.Lines += int64(c.n)
	at := start
	for i := range c.n {
		n := bits.OnesCount8(c.mask[i])
		p.count.AtomicSectors += int64(n)
		if p.filled {
			tag, set := p.place(c.line[i])
			p.drop(tag, set, c.mask[i])
		}
		var e uint16
		kind := packetReduce
		if result {
			e, kind = p.miss(token, -1, part, c.mask[i]), packetAtomic
		} else {
			e = p.stores.take()
		}
		x := p.send(at, c.line[i], e, kind, c.mask[i], 0)
		x.ops, x.same = c.ops[i], c.same[i]
		at += p.occupy[n]
	}
	p.busy[part] = at
	readDone := at + int64(p.cfg.L1.ReadLatency)
	if !result {
		return true, 0, readDone, readDone
	}
	p.wait(token, int32(c.n), start)
	return true, 0, -1, readDone
}

// send puts a packet on the crossbar: it leaves L1 MissLatency after its turn there, when the request port is free.
// What only atomics have is left for the caller to write.
func (p *Port) send(turn int64, line uint64, entry uint16, kind packetKind, mask, full uint8) *packet {
	bytes := p.header
	if kind != packetRead {
		bytes += bits.OnesCount8(mask) * SectorBytes
	}
	p.count.RequestPackets++
	p.count.RequestBytes += int64(bytes)
	wait, sent := p.out.take(turn+p.missLatency, bytes)
	p.count.RequestWait += wait
	m := &p.system.m
	if chunk := line >> (m.lineBits & 31); chunk != p.where.chunk { // the lines of an access mostly lie in one
		m.chunk(chunk, &p.where)
	}
	slice, local := m.line(line, &p.where)
	channel := p.where.channel
	p.sent |= 1 << (channel & 63)
	x := p.outbox[channel].push()
	x.arrive, x.local, x.next, x.entry = sent+p.requestLatency, local, -1, entry
	x.sm, x.slice = uint8(p.sm), uint8(slice)
	x.kind, x.mask, x.full, x.ops, x.same = kind, mask, full, 0, 0
	return x
}

// arrive takes a reply from the crossbar: it goes through the SM's reply port, fills L1, and frees its entry.
func (p *Port) arrive(r *reply) {
	if r.store {
		p.last = max(p.last, r.cycle)
		p.stores.release(r.cycle, r.entry)
		return
	}
	bytes := p.header + int(r.data)*SectorBytes
	p.count.ReplyBytes += int64(bytes)
	wait, at := p.in.take(r.cycle, bytes)
	p.count.ReplyWait += wait
	p.last = max(p.last, at)
	p.misses.release(at, r.entry)

	e := &p.entry[r.entry]
	if e.line >= 0 {
		l1 := &p.parts[e.part&3]
		l, f := l1.split(e.line)
		l.valid |= uint64(e.mask) << (f & 63)
		l.queued &^= uint64(e.mask) << (f & 63)
		l1.ready[e.line] = max(l1.ready[e.line], at)
	}
	p.answer(e.token, at)
	for i := e.more; i >= 0; {
		n := &p.chain[i]
		p.answer(n.token, at)
		next := n.next
		n.next = p.chains
		p.chains = i
		i = next
	}
}

// answer counts a reply for token.
func (p *Port) answer(token uint32, at int64) {
	t := &p.tokens[token]
	t.latest = max(t.latest, at)
	t.left--
	if t.left == 0 {
		p.replies = append(p.replies, Reply{token, t.latest})
		p.soonest = min(p.soonest, t.latest)
	}
}

// Replies returns the accesses whose last data arrive in the window that begins, nearly in order of cycle (replies of
// one access may wait for L1 hits). They stay valid, and are returned once, until the next Deliver.
func (p *Port) Replies() []Reply {
	if p.read {
		return nil
	}
	p.read = true
	return p.replies
}

// Deliver takes the replies that the SM receives in the window that begins at cycle end. All channels have been
// advanced to end; different ports may be delivered to on different threads.
func (p *Port) Deliver(end int64) {
	if p.inbox.count > 0 {
		p.prefetch(end)
	}
	if p.read {
		p.replies = p.replies[:0]
		p.read = false
	}
	p.sent = 0
	p.soonest = never
	for _, c := range p.system.channels {
		if c.answered[p.sm/64&3]>>(p.sm%64)&1 != 0 {
			r := c.replies[p.sm]
			p.inbox.add(r)
			c.replies[p.sm] = r[:0]
		}
	}
	to := end + p.system.window
	if p.taken < to {
		p.inbox.take(p.taken, to, p)
		p.taken = to
	}
	p.unknown = to
}

// prefetch asks for what the port will use in the window that begins at cycle end. An SM's turn comes after those of
// all others, whose state is more than the host's caches near the core hold; asked for at once, it comes faster than
// piece by piece.
func (p *Port) prefetch(end int64) {
	const line = 64
	inbox := unsafe.Offsetof(p.inbox)
	prefetch.Lines(unsafe.Pointer(p), int(inbox+unsafe.Offsetof(p.inbox.last))/line+1)
	prefetch.Lines(unsafe.Pointer(&p.inbox.present), int(unsafe.Sizeof(*p)-inbox-unsafe.Offsetof(p.inbox.present))/line+1)
	prefetch.Lines(unsafe.Pointer(&p.inbox.last[uint64(end)%calendarSpan]), int(p.system.window*4/line)+1)
	prefetch.Lines(unsafe.Pointer(unsafe.SliceData(p.entry)), len(p.entry)*int(unsafe.Sizeof(missEntry{}))/line)
	prefetch.Lines(unsafe.Pointer(unsafe.SliceData(p.tokens)), len(p.tokens)*int(unsafe.Sizeof(tokenState{}))/line)
}
