package memory

import (
	"math"
	"math/bits"
)

// Limits of the simulator itself: bit masks of the DRAM model have these sizes.
const (
	maxBanks = 32
	maxQueue = 64
)

// never is a cycle that does not come.
const never = math.MaxInt64

// horizon is how many column slots ahead of the clock the controller commits commands. It is about as long as a row
// takes to open, so that the data bus need not wait for a decision; beyond it, requests can still be reordered.
const horizon = 16

// commandKind is a DRAM command.
type commandKind uint8

const (
	commandPrecharge commandKind = iota
	commandActivate
	commandRead
	commandWrite
	commandRefresh // all banks
)

// command is what the test that checks the timing rules sees of the command stream. Commands of a channel may be
// reported out of order; at is in cycles of the command clock.
type command struct {
	at   int64
	kind commandKind
	bank uint8
	row  int64
}

// dramEntry is a request of up to a line in a channel's queue.
type dramEntry struct {
	row     int64
	line    int32 // L2 line to fill (reads)
	waiters int32 // last of the circular list of packets that wait for it, -1 = none (reads)
	bank    uint8
	mask    uint8 // sectors
	slice   uint8
	open    bool // found its row open when it came
}

// dramQueue is a ring of up to 64 requests in order of arrival, from which any may be taken. Sets of requests are bit
// masks over the ring's places.
type dramQueue struct {
	entries [maxQueue]dramEntry
	bank    [maxBanks]uint64 // requests for each bank
	valid   uint64           // places in use
	hit     uint64           // requests whose row is open
	head    uint32           // place of the oldest request, counted without wrapping
	tail    uint32           // next free place
	size    uint32
}

func (q *dramQueue) full() bool { return q.tail-q.head >= q.size }

// span is the places from the oldest request to the newest: what fills the queue.
func (q *dramQueue) span() int { return int(q.tail - q.head) }

// oldest returns the place of the oldest request in set, which is not empty.
func (q *dramQueue) oldest(set uint64) uint32 {
	h := q.head % maxQueue
	return (uint32(bits.TrailingZeros64(bits.RotateLeft64(set, -int(h)))) + h) % maxQueue
}

func (q *dramQueue) add(e *dramEntry, open bool) uint32 {
	i := q.tail % maxQueue
	q.tail++
	e.open = open
	q.entries[i] = *e
	q.valid |= 1 << i
	q.bank[e.bank] |= 1 << i
	if open {
		q.hit |= 1 << i
	}
	return i
}

func (q *dramQueue) remove(i uint32) {
	bit := uint64(1) << i
	q.valid &^= bit
	q.hit &^= bit
	q.bank[q.entries[i].bank] &^= bit
	for q.head != q.tail && q.valid>>(q.head%maxQueue)&1 == 0 {
		q.head++
	}
}

// opened marks the requests for the row that bank b now has open.
func (q *dramQueue) opened(b uint8, row int64) {
	for m := q.bank[b]; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if q.entries[i].row == row {
			q.hit |= 1 << i
		}
	}
}

// bankState is a DRAM bank's row buffer and when it may be commanded next.
type bankState struct {
	row      int64 // open row, -1 = none
	column   int64 // first cycle for a column command
	close    int64 // first cycle for a precharge
	activate int64 // first cycle for an activate
}

// dram is one channel's controller and banks. Its clock is the command clock. It decides when it is called (step) and
// says when it wants to be called next; in between nothing happens.
//
// Row commands are given at the time of the decision. Column commands are booked on the data bus up to horizon slots
// ahead, a slot being the time of one burst: busy has a bit for each slot from base on, and blocked the slots that a
// bank group cannot use because it had a column command too short a time ago. A request's bursts are booked together,
// as far apart as commands to one bank group must be; other groups' requests fill the gaps.
type dram struct {
	cfg    *DRAMConfig
	policy dramScheduler
	m      *mapping
	count  *Counters
	trace  func(command) // nil but in tests

	reads, writes dramQueue
	writing       bool
	banks         [maxBanks]bankState
	groups        uint8 // bank groups - 1, a mask
	nbanks        int

	base    int64 // first slot of the bit masks
	busy    uint64
	blocked [maxBanks]uint64
	stride  int   // slots between column commands to one group
	floor   int64 // first cycle for column commands of the present direction

	lastActivate int64
	lastRead     int64 // latest read command booked
	lastWrite    int64
	refreshAt    int64
	burst        int64 // cycles of data of one burst
	next         int64 // cycle at which step wants to be called, never = not before a new request
}

func (d *dram) init(cfg *DRAMConfig, m *mapping, count *Counters) {
	d.cfg, d.m, d.count = cfg, m, count
	d.policy = schedulers[cfg.Scheduler]
	d.reads.size, d.writes.size = uint32(cfg.ReadQueue), uint32(cfg.WriteQueue)
	d.groups, d.nbanks = uint8(cfg.BankGroups-1), cfg.Banks
	d.stride = cfg.CCDL / cfg.CCD
	d.burst = int64(cfg.Burst / cfg.DataRate)
	for i := range d.banks {
		d.banks[i].row = -1
	}
	const longAgo = -1 << 30
	d.lastActivate, d.lastRead, d.lastWrite = longAgo, longAgo, longAgo
	d.refreshAt = never
	if cfg.REFI > 0 {
		d.refreshAt = int64(cfg.REFI)
	}
	d.next = never
}

// read queues a read; the queue must not be full. now is the command clock.
func (d *dram) read(e *dramEntry, now int64) uint32 {
	d.next = min(d.next, now)
	return d.reads.add(e, d.banks[e.bank].row == e.row)
}

// write queues a write-back; the queue must not be full.
func (d *dram) write(slice int, local uint64, mask uint8, now int64) {
	e := dramEntry{slice: uint8(slice), mask: mask, waiters: -1}
	e.bank, e.row = d.m.dram(slice, local)
	d.writes.add(&e, d.banks[e.bank].row == e.row)
	if d.writing || d.writes.span() >= d.cfg.WriteHigh || d.reads.valid == 0 {
		d.next = min(d.next, now)
	}
}

// emit reports a command to the test that watches.
func (d *dram) emit(at int64, kind commandKind, bank uint8, row int64) {
	if d.trace != nil {
		d.trace(command{at, kind, bank, row})
	}
}

// turn chooses between reading and writing: writes wait until there are enough of them to be worth the turn of the bus
// (or nothing else is to do), and are then written until few are left.
func (d *dram) turn() {
	n := d.writes.span()
	if d.writing {
		if n > d.cfg.WriteLow {
			return
		}
		d.writing = false
		d.floor = d.lastWrite + int64(d.cfg.WL) + d.burst + int64(d.cfg.CDLR)
	} else {
		if n < d.cfg.WriteHigh && (d.reads.valid != 0 || n <= d.cfg.WriteLow) {
			return
		}
		d.writing = true
		d.floor = d.lastRead + int64(d.cfg.CL) + d.burst + 2 - int64(d.cfg.WL)
	}
	d.count.DRAMTurns++
}

// refresh closes all banks and refreshes them. Refreshes that fell due while the channel had nothing to do have been
// carried out then.
func (d *dram) refresh(now int64) {
	every := int64(d.cfg.REFI)
	due := (now - d.refreshAt) / every
	at := d.refreshAt + due*every
	d.refreshAt = at + every
	d.count.DRAMRefreshes += due + 1
	start := at
	for i := range d.nbanks {
		b := &d.banks[i]
		if b.row >= 0 {
			start = max(start, b.close)
		}
	}
	for i := range d.nbanks {
		b := &d.banks[i]
		if b.row >= 0 {
			d.emit(start, commandPrecharge, uint8(i), b.row)
			b.row = -1
			b.activate = max(b.activate, start+int64(d.cfg.RP))
		}
	}
	ready := start
	for i := range d.nbanks {
		ready = max(ready, d.banks[i].activate)
	}
	d.emit(ready, commandRefresh, 0, 0)
	for i := range d.nbanks {
		d.banks[i].activate = ready + int64(d.cfg.RFC)
	}
	d.reads.hit, d.writes.hit = 0, 0
}

// step lets the controller decide at cycle now. Each request whose last burst it books is passed to done with the
// cycle at which its data have been transferred.
func (d *dram) step(now int64, ch *channel) {
	if now >= d.refreshAt {
		d.refresh(now)
	}
	d.turn()
	q := &d.reads
	if d.writing {
		q = &d.writes
	}
	d.next = never
	pool := q.valid
	if pool == 0 {
		return
	}
	if d.policy == scheduleFCFS {
		pool = 1 << q.oldest(pool)
	}
	if pool&^q.hit != 0 {
		d.rows(now, q, pool)
	}
	d.columns(now, q, pool, ch)
}

// rows precharges and activates the banks whose oldest request needs it.
func (d *dram) rows(now int64, q *dramQueue, pool uint64) {
	for m := pool &^ q.hit; m != 0; {
		i := q.oldest(m)
		e := &q.entries[i]
		m &^= q.bank[e.bank]
		if q.hit&q.bank[e.bank]&pool != 0 {
			continue // its open row is still wanted
		}
		b := &d.banks[e.bank]
		if b.row >= 0 {
			if b.close > now {
				d.next = min(d.next, b.close)
				continue
			}
			d.emit(now, commandPrecharge, e.bank, b.row)
			b.row = -1
			b.activate = max(b.activate, now+int64(d.cfg.RP))
			d.reads.hit &^= d.reads.bank[e.bank]
			d.writes.hit &^= d.writes.bank[e.bank]
		}
		at := max(b.activate, d.lastActivate+int64(d.cfg.RRD))
		if at > now {
			d.next = min(d.next, at)
			continue
		}
		d.lastActivate = now
		d.count.DRAMActivates++
		d.emit(now, commandActivate, e.bank, e.row)
		b.row = e.row
		b.column = now + int64(d.cfg.RCD)
		b.close = now + int64(d.cfg.RAS)
		b.activate = now + int64(d.cfg.RC)
		d.reads.opened(e.bank, e.row)
		d.writes.opened(e.bank, e.row)
	}
}

// columns books column commands for requests whose row is open, oldest first.
func (d *dram) columns(now int64, q *dramQueue, pool uint64, ch *channel) {
	ccd := int64(d.cfg.CCD)
	first := (now + ccd - 1) / ccd
	if shift := first - d.base; shift > 0 {
		d.base = first
		d.busy >>= uint64(shift)
		for g := range int(d.groups) + 1 {
			d.blocked[g] >>= uint64(shift)
		}
	}
	for m := q.hit & pool; m != 0; {
		i := q.oldest(m)
		e := &q.entries[i]
		b := &d.banks[e.bank]
		group := e.bank & d.groups
		from := max((max(b.column, d.floor)+ccd-1)/ccd-first, 0)
		n := bits.OnesCount8(e.mask)
		free := ^(d.busy | d.blocked[group])
		fits := free
		for k := 1; k < n; k++ {
			fits &= free >> (k * d.stride)
		}
		fits &= ^uint64(0) << uint64(from)
		slot := int64(bits.TrailingZeros64(fits)) // 64 = none
		if slot >= horizon {
			// Not now; a younger request of another group may fit. Come back when this one would.
			d.next = min(d.next, (first+max(min(slot, 63)-horizon+1, 1))*ccd)
			m &^= q.bank[e.bank]
			continue
		}
		booked := uint64(0)
		for k := range n {
			booked |= 1 << (int(slot) + k*d.stride)
		}
		d.busy |= booked
		near := booked
		for k := 1; k < d.stride; k++ {
			near |= booked<<k | booked>>k
		}
		d.blocked[group] |= near
		last := (first + slot + int64((n-1)*d.stride)) * ccd
		kind, latency := commandRead, d.cfg.CL
		if d.writing {
			kind, latency = commandWrite, d.cfg.WL
		}
		if d.trace != nil {
			for k := range n {
				d.emit((first+slot+int64(k*d.stride))*ccd, kind, e.bank, e.row)
			}
		}
		end := last + int64(latency) + d.burst
		if e.open {
			d.count.DRAMRowHits += int64(n)
		}
		if d.writing {
			d.count.DRAMWrites += int64(n)
			d.lastWrite = max(d.lastWrite, last)
			b.close = max(b.close, end+int64(d.cfg.WR))
		} else {
			d.count.DRAMReads += int64(n)
			d.lastRead = max(d.lastRead, last)
			b.close = max(b.close, last+int64(d.cfg.RTPL))
			ch.filled(e, end)
		}
		q.remove(i)
		m &^= 1 << i
		ch.roomy = true
	}
	if q.valid != 0 && d.next == never {
		// What is left waits for the requests just booked, or for the next turn of the ring's head (FCFS).
		d.next = (first + 1) * ccd
	}
	if low := d.writes.span() <= d.cfg.WriteLow; d.writing && low && d.reads.valid != 0 || !d.writing && !low && d.reads.valid == 0 {
		d.next = min(d.next, (first+1)*ccd) // time to turn
	}
	if d.next <= now {
		d.next = now + 1
	}
}
