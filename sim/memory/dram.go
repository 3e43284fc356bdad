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

// horizon is how many column slots ahead of the clock the controller commits commands, and refill the slots after which
// it looks again once all of them are booked. It is a little longer than a row takes to open, so that the data bus need
// not wait for a decision; beyond it, requests can still be reordered.
const (
	horizon = 24
	refill  = 10
)

// enoughIdle is how many banks the controller keeps precharged for their next row: activates are so far apart that
// more would stand idle.
const enoughIdle = 4

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
	opener  bool // its row was opened for it
}

// dramQueue is a ring of up to 64 requests in order of arrival, from which any may be taken. Sets of requests are bit
// masks over the ring's places. A bank waits if there are requests for it and none of them is for its open row.
type dramQueue struct {
	entries [maxQueue]dramEntry
	bank    [maxBanks]uint64 // requests for each bank
	valid   uint64           // places in use
	hit     uint64           // requests whose row is open
	lead    uint64           // the oldest request for each bank that waits
	waiting uint32           // banks that wait, a bit each
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

// add queues a request for sectors of a line in a row of a bank, whose open row is this one or not (-1 = none), and
// returns its place.
func (q *dramQueue) add(bank uint8, row int64, slice, mask uint8, line int32, opened int64) uint32 {
	i := q.tail % maxQueue
	q.tail++
	// Field by field: a copy of a structure just written waits until the processor has stored all of it.
	e := &q.entries[i]
	e.row, e.line, e.waiters, e.bank, e.mask, e.slice, e.opener = row, line, -1, bank, mask, slice, false
	bit := uint64(1) << i
	q.valid |= bit
	others := q.bank[bank%maxBanks]
	q.bank[bank%maxBanks] = others | bit
	switch {
	case opened == row:
		q.hit |= bit
		q.lead &^= others
		q.waiting &^= 1 << (bank % maxBanks)
	case others == 0:
		q.lead |= bit
		q.waiting |= 1 << (bank % maxBanks)
	}
	return i
}

// remove takes the request at place i, which is for an open row, out, and reports whether others for its bank are left,
// all of which want another row: the bank waits then.
func (q *dramQueue) remove(i uint32) (stranded bool) {
	bit := uint64(1) << (i % maxQueue)
	b := q.entries[i%maxQueue].bank % maxBanks
	rest := q.bank[b] &^ bit
	q.bank[b] = rest
	q.hit &^= bit
	q.valid &^= bit
	if rest != 0 && rest&q.hit == 0 {
		q.strand(b)
		stranded = true
	}
	if head := q.head; i == head%maxQueue {
		// On to the oldest that is left, or to the tail.
		q.head = q.tail
		if q.valid != 0 {
			q.head = head + uint32(bits.TrailingZeros64(bits.RotateLeft64(q.valid, -int(head%maxQueue))))
		}
	}
	return stranded
}

// strand notes that bank b waits from now on.
func (q *dramQueue) strand(b uint8) {
	q.lead |= 1 << q.oldest(q.bank[b%maxBanks])
	q.waiting |= 1 << (b % maxBanks)
}

// opened marks the requests for the row that bank b now has open.
func (q *dramQueue) opened(b uint8, row int64) {
	set := q.bank[b%maxBanks]
	if set == 0 {
		return
	}
	hit := uint64(0)
	for m := set; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m) % maxQueue
		if q.entries[i].row == row {
			hit |= 1 << i
		}
	}
	if hit != 0 {
		q.hit |= hit
		q.lead &^= set
		q.waiting &^= 1 << (b % maxBanks)
	}
}

// closed marks that bank b has no row open.
func (q *dramQueue) closed(b uint8) {
	if set := q.bank[b%maxBanks]; set&q.hit != 0 {
		q.hit &^= set
		q.strand(b)
	}
}

// closedAll marks that no bank has a row open.
func (q *dramQueue) closedAll() {
	for b := range uint8(maxBanks) {
		q.closed(b)
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
// bank group cannot use because it had a column command too short a time ago, from since on. A request's bursts are
// booked together, as far apart as commands to one bank group must be; other groups' requests fill the gaps.
type dram struct {
	cfg    *DRAMConfig
	policy dramScheduler
	m      *mapping
	count  *Counters
	trace  func(command) // nil but in tests

	reads, writes dramQueue
	writing       bool
	banks         [maxBanks]bankState
	open          uint32 // banks that have a row open, a bit each
	groups        uint8  // bank groups - 1, a mask
	nbanks        int

	base    int64 // first slot of busy
	busy    uint64
	blocked [maxBanks]uint64
	since   [maxBanks]int64 // first slot of each of blocked
	stride  int             // slots between column commands to one group
	floor   int64           // first cycle for column commands of the present direction
	ccd     int64           // cycles a slot
	shift   int             // its logarithm, -1 = none
	booking [sectorsPerLine + 1]booking

	lastActivate int64
	lastRead     int64 // latest read command booked
	lastWrite    int64
	refreshAt    int64
	burst        int64 // cycles of data of one burst
	timings
	rowAt    int64 // cycle at which rows has something to do, never = not before a new request
	columnAt int64 // the same for columns
	next     int64 // the earlier of them
}

// timings are the figures of DRAMConfig that decisions need.
type timings struct{ rrd, rcd, ras, rc, rp, cl, wl, wr, rtpl int64 }

// booking is the slots that a request of so many bursts takes.
type booking struct {
	slots  uint64 // if it begins in slot 0
	near   uint64 // that its group cannot use then, if it begins in slot stride - 1
	length int64  // cycles from its first command to its last
}

func (d *dram) init(cfg *DRAMConfig, m *mapping, count *Counters) {
	d.cfg, d.m, d.count = cfg, m, count
	d.policy = schedulers[cfg.Scheduler]
	d.reads.size, d.writes.size = uint32(cfg.ReadQueue), uint32(cfg.WriteQueue)
	d.groups, d.nbanks = uint8(cfg.BankGroups-1), cfg.Banks
	d.stride = cfg.CCDL / cfg.CCD
	d.burst = int64(cfg.Burst / cfg.DataRate)
	d.timings = timings{int64(cfg.RRD), int64(cfg.RCD), int64(cfg.RAS), int64(cfg.RC), int64(cfg.RP), int64(cfg.CL),
		int64(cfg.WL), int64(cfg.WR), int64(cfg.RTPL)}
	d.ccd, d.shift = int64(cfg.CCD), -1
	if cfg.CCD&(cfg.CCD-1) == 0 {
		d.shift = bits.TrailingZeros(uint(cfg.CCD))
	}
	for n := range d.booking {
		b := &d.booking[n]
		for k := range n {
			b.slots |= 1 << (k * d.stride)
		}
		for k := range 2*d.stride - 1 {
			b.near |= b.slots << k
		}
		b.length = int64((n-1)*d.stride) * d.ccd
	}
	for i := range d.banks {
		d.banks[i].row = -1
	}
	const longAgo = -1 << 30
	d.lastActivate, d.lastRead, d.lastWrite = longAgo, longAgo, longAgo
	d.refreshAt = never
	if cfg.REFI > 0 {
		d.refreshAt = int64(cfg.REFI)
	}
	d.rowAt, d.columnAt, d.next = never, never, never
}

// read queues a read of sectors into an L2 line and returns its place; the queue must not be full. now is the command
// clock.
func (d *dram) read(slice int, local uint64, mask uint8, line int32, now int64) uint32 {
	bank, row := d.m.dram(local)
	opened := d.banks[bank%maxBanks].row
	if !d.writing {
		d.wake(&d.reads, bank, opened == row, now)
	} else if d.writes.span() <= d.cfg.WriteLow {
		d.columnAt = min(d.columnAt, max(now, d.floor))
		d.next = min(d.next, d.columnAt)
	}
	return d.reads.add(bank, row, uint8(slice), mask, line, opened)
}

// write queues a write-back; the queue must not be full.
func (d *dram) write(slice int, local uint64, mask uint8, now int64) {
	bank, row := d.m.dram(local)
	opened := d.banks[bank%maxBanks].row
	if d.writing {
		d.wake(&d.writes, bank, opened == row, now)
	}
	d.writes.add(bank, row, uint8(slice), mask, 0, opened)
	if n := d.writes.span(); !d.writing && (n >= d.cfg.WriteHigh || d.reads.valid == 0 && n > d.cfg.WriteLow) {
		d.next = min(d.next, now)
		d.columnAt = d.next
	}
}

// wake sees to it that the controller looks at a request that comes to queue q at cycle now. It need not where an
// older one for the same bank waits, or where the data bus is booked: it will be seen with them.
func (d *dram) wake(q *dramQueue, bank uint8, open bool, now int64) {
	switch {
	case open:
		if d.columnAt == never {
			d.columnAt = now
		}
	case q.bank[bank] == 0:
		d.rowAt = min(d.rowAt, max(now, d.lastActivate+d.rrd))
	}
	d.next = min(d.rowAt, d.columnAt)
}

// emit reports a command to the test that watches.
func (d *dram) emit(at int64, kind commandKind, bank uint8, row int64) {
	if d.trace != nil {
		d.trace(command{at, kind, bank, row})
	}
}

// turn chooses between reading and writing: writes wait until there are enough of them to be worth the turn of the bus
// (or nothing else is to do), and are then written until few are left.
func (d *dram) turn(now int64) {
	n := d.writes.span()
	if d.writing {
		if n > d.cfg.WriteLow {
			return
		}
		d.writing = false
		d.floor = d.lastWrite + d.wl + d.burst + int64(d.cfg.CDLR)
	} else {
		if n < d.cfg.WriteHigh && (d.reads.valid != 0 || n <= d.cfg.WriteLow) {
			return
		}
		d.writing = true
		d.floor = d.lastRead + d.cl + d.burst + 2 - d.wl
	}
	d.count.DRAMTurns++
	d.rowAt, d.columnAt = now, now
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
			b.activate = max(b.activate, start+d.rp)
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
	d.open = 0
	d.reads.closedAll()
	d.writes.closedAll()
	d.rowAt = now
}

// step lets the controller decide at cycle now, which is its next or later.
func (d *dram) step(now int64, ch *channel) {
	if now >= d.refreshAt {
		d.refresh(now)
	}
	d.turn(now)
	q := &d.reads
	if d.writing {
		q = &d.writes
	}
	pool := q.valid
	if d.policy == scheduleFCFS && pool != 0 {
		pool = 1 << q.oldest(pool)
		d.rowAt, d.columnAt = now, now // the oldest has changed
	}
	if now >= d.rowAt {
		d.rowAt = never
		if pool != 0 {
			d.rows(now, q, pool)
		}
	}
	if now >= d.columnAt {
		d.columnAt = never
		d.columns(now, q, pool, ch)
	}
	d.next = min(d.rowAt, d.columnAt)
}

// rows precharges the banks whose requests need another row, and activates the one for the oldest request that can be.
// It is called again when the next activate may follow.
func (d *dram) rows(now int64, q *dramQueue, pool uint64) {
	rrd := d.rrd
	activate := d.lastActivate + rrd // first cycle for an activate of any bank
	next := int64(never)
	idle := 0 // banks that only wait for it
	// A bank whose open row is still wanted is left alone: columns looks again when it has booked the last request for it.
	wait := q.lead
	if d.policy == scheduleFCFS {
		wait = pool &^ q.hit
	}
	left := q.waiting & d.open // banks that may have to be closed
	h := q.head % maxQueue
	for m := bits.RotateLeft64(wait, -int(h)); m != 0; { // from the oldest place on
		// On to the first bank that can be commanded now. What commands need stands in routines of its own, so that this
		// loop keeps to registers.
		var place uint32
		var b *bankState
		for {
			place = (uint32(bits.TrailingZeros64(m)) + h) % maxQueue
			bank := q.entries[place].bank % maxBanks
			b = &d.banks[bank]
			m &= m - 1
			if b.row >= 0 {
				left &^= 1 << bank
				if b.close <= now {
					break
				}
				next = min(next, b.close)
			} else {
				at := max(b.activate, activate)
				if at <= now {
					break
				}
				next = min(next, at)
				if idle++; idle == enoughIdle {
					m = 0 // younger requests' banks would only wait with them
				}
				if left == 0 && activate > now && next <= now+rrd {
					m = 0 // no row will be opened, none is to be closed, and when to look again is known
				}
			}
			if m == 0 {
				d.lookAgain(next, now)
				return
			}
		}
		if b.row >= 0 {
			d.precharge(q.entries[place].bank, now)
			if at := max(b.activate, activate); at > now {
				next = min(next, at)
				if idle++; idle == enoughIdle || left == 0 && activate > now && next <= now+rrd {
					break
				}
				continue
			}
		}
		d.activate(&q.entries[place], now)
		activate = now + rrd
	}
	d.lookAgain(next, now)
}

// lookAgain has rows called again at cycle next, or when an activate may follow one at cycle now, if that is later.
func (d *dram) lookAgain(next, now int64) {
	if next != never {
		next = max(next, now+d.rrd)
	}
	d.rowAt = next
}

// precharge closes a bank.
func (d *dram) precharge(bank uint8, now int64) {
	b := &d.banks[bank%maxBanks]
	if d.trace != nil {
		d.emit(now, commandPrecharge, bank, b.row)
	}
	b.row = -1
	b.activate = max(b.activate, now+d.rp)
	d.open &^= 1 << (bank % maxBanks)
	d.reads.closed(bank)
	d.writes.closed(bank)
}

// activate opens the row of a request.
func (d *dram) activate(e *dramEntry, now int64) {
	if d.trace != nil {
		d.emit(now, commandActivate, e.bank, e.row)
	}
	e.opener = true
	d.lastActivate = now
	d.count.DRAMActivates++
	b := &d.banks[e.bank%maxBanks]
	b.row = e.row
	b.column = now + d.rcd
	b.close = now + d.ras
	b.activate = now + d.rc
	d.open |= 1 << (e.bank % maxBanks)
	d.reads.opened(e.bank, e.row)
	d.writes.opened(e.bank, e.row)
	if d.columnAt == never {
		d.columnAt = now
	}
}

// slots returns the first column slot that does not start before a cycle.
func (d *dram) slots(cycle int64) int64 {
	if d.shift >= 0 {
		return (cycle + d.ccd - 1) >> (d.shift & 63)
	}
	return (cycle + d.ccd - 1) / d.ccd
}

// columns books column commands for requests whose row is open, oldest first, up to the horizon.
func (d *dram) columns(now int64, q *dramQueue, pool uint64, ch *channel) {
	ccd := d.ccd
	first := d.slots(now)
	busy := d.busy >> uint64(first-d.base)
	d.base = first
	kind, latency := commandRead, d.cl
	if d.writing {
		kind, latency = commandWrite, d.wl
	}
	stride := uint(d.stride)
	h := q.head % maxQueue
	for m := bits.RotateLeft64(q.hit&pool, -int(h)); m != 0; { // from the oldest place on
		if ^busy&(1<<horizon-1) == 0 {
			d.columnAt = min(d.columnAt, (first+refill)*ccd)
			break // the bus is booked for all
		}
		turned := uint32(bits.TrailingZeros64(m))
		i := (turned + h) % maxQueue
		e := &q.entries[i]
		bank := e.bank % maxBanks
		b := &d.banks[bank]
		group := bank & d.groups % maxBanks
		n := bits.OnesCount8(e.mask & (1<<sectorsPerLine - 1))
		blocked := d.blocked[group] >> uint64(first-d.since[group])
		free := ^(busy | blocked)
		fits := free
		if n == sectorsPerLine {
			fits &= fits >> (stride & 63)
			fits &= fits >> (2 * stride & 63)
		} else {
			for k := 1; k < n; k++ {
				free >>= stride & 63
				fits &= free
			}
		}
		if opens := max(b.column, d.floor); opens > now {
			fits &= ^uint64(0) << uint64(d.slots(opens)-first)
		}
		slot := int64(bits.TrailingZeros64(fits)) // 64 = none
		if slot >= horizon {
			// The bus is booked for this group; a younger request of another may fit.
			d.columnAt = min(d.columnAt, (first+refill)*ccd)
			var others uint64
			for k := uint32(group); k < uint32(d.nbanks); k += uint32(d.groups) + 1 {
				others |= q.bank[k%maxBanks]
			}
			m &^= bits.RotateLeft64(others, -int(h))
			continue
		}
		take := &d.booking[n]
		busy |= take.slots << (slot & 63)
		d.blocked[group] = blocked | take.near<<(slot&63)>>((stride-1)&63)
		d.since[group] = first
		last := (first+slot)*ccd + take.length
		if d.trace != nil {
			for k := range n {
				d.emit((first+slot+int64(k*d.stride))*ccd, kind, bank, e.row)
			}
		}
		end := last + latency + d.burst
		d.count.DRAMRowHits += int64(n)
		if e.opener {
			d.count.DRAMRowHits--
		}
		if d.writing {
			d.count.DRAMWrites += int64(n)
			d.lastWrite = max(d.lastWrite, last)
			b.close = max(b.close, end+d.wr)
		} else {
			d.count.DRAMReads += int64(n)
			d.lastRead = max(d.lastRead, last)
			b.close = max(b.close, last+d.rtpl)
			ch.filled(e, end)
		}
		m &^= 1 << (turned & 63)
		if q.remove(i) {
			d.rowAt = min(d.rowAt, max(b.close, d.lastActivate+d.rrd-d.rp))
		}
		ch.roomy = true
	}
	d.busy = busy
	low := d.writes.span() <= d.cfg.WriteLow
	if d.writing && low && d.reads.valid != 0 || !d.writing && !low && d.reads.valid == 0 {
		d.columnAt = min(d.columnAt, (first+1)*ccd) // time to turn
	}
	if d.policy == scheduleFCFS && q.valid != 0 {
		d.columnAt = min(d.columnAt, (first+1)*ccd)
	}
}
