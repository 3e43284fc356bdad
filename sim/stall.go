package sim

import "fmt"

// StallCycles is how long a launch may do nothing that another thread could see before Device.Stalled says so.
const StallCycles = 2_000_000

// stallWatch looks from time to time whether a launch gets on: whether a block has ended, a barrier was reached,
// something was stored to global memory, an atomic changed something, or DRAM was read, which is what reading at new
// places leads to. A launch that does none of it spins, or computes for a long time in registers and shared memory.
type stallWatch struct {
	next  int64 // cycle of the next look
	since int64 // cycle of the last look that found something
	seen  [5]int64
	said  bool
}

// look is made at cycle t, with so many blocks finished.
func (w *stallWatch) look(d *Device, q *queue, t, blocks int64) {
	w.next = t + StallCycles/4
	memory := d.system.Counters()
	now := [5]int64{blocks, 0, memory.StoreSectors, 0, memory.DRAMReads}
	for i, m := range d.sms {
		now[1] += m.Counters.BlockBarriers
		now[3] += d.ports[i].Changes
	}
	if now != w.seen {
		w.seen, w.since, w.said = now, t, false
		return
	}
	if t-w.since < StallCycles || w.said {
		return
	}
	w.said = true
	d.Stalled(fmt.Sprintf("%s: for %d cycles no block has ended or reached a barrier, nothing was stored, no atomic "+
		"changed anything, and nothing was read that was not read "+
		"before: it may be waiting for itself; Ctrl-C or a limit of cycles shows where", q.name(), t-w.since))
}
