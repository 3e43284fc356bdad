package memory

// wire is an SM's port of the crossbar: it carries so many bytes a cycle, one packet after the other.
type wire struct {
	free     int64  // cycle in which the next packet begins
	used     uint64 // bytes of that cycle that are taken
	perCycle divisor
}

// take sends a packet of so many bytes, not before cycle ready. It waits for the packets before it, and is through at
// cycle end.
func (w *wire) take(ready int64, bytes int) (wait, end int64) {
	if w.free < ready {
		w.free, w.used = ready, 0
	}
	wait = w.free - ready
	used := w.used + uint64(bytes)
	if used-1 < w.perCycle.n-1 { // some of a cycle, not all of it
		w.used = used
		return wait, w.free + 1
	}
	cycles, rest := w.perCycle.divide(used)
	w.free += int64(cycles)
	w.used = rest
	end = w.free
	if rest > 0 {
		end++
	}
	return wait, end
}
