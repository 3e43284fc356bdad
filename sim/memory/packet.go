package memory

// packetKind is what a packet asks of L2.
type packetKind uint8

const (
	packetRead packetKind = iota
	packetWrite
	packetAtomic // with a result
	packetReduce // atomic without one
)

// packet is a request for sectors of one line on its way from an SM to an L2 slice.
type packet struct {
	arrive int64  // cycle at the slice's input
	local  uint64 // line within the slice
	next   int32  // the channel's list that it stands in, -1 = last
	entry  uint16 // the SM's miss or store entry
	sm     uint8
	slice  uint8 // within the channel
	kind   packetKind
	mask   uint8 // sectors
	full   uint8 // sectors written in all their bytes
	ops    uint8 // thread operations (atomics)
	same   uint8 // most operations on one word (atomics)
}

// reply is L2's answer to a packet.
type reply struct {
	cycle int64 // at the SM's reply port
	entry uint16
	data  uint8 // sectors it carries
	store bool  // entry is a store entry
}

// packetQueue is a first-in-first-out queue of packets in order of arrival.
type packetQueue struct {
	items []packet
	head  int
}

// push appends a packet, for the caller to write all of its fields: in place, since a copy of a structure just written
// waits until the processor has stored all of it.
func (q *packetQueue) push() *packet {
	n := len(q.items)
	if n == cap(q.items) {
		q.items = append(q.items, packet{})
	} else {
		q.items = q.items[:n+1]
	}
	return &q.items[n]
}
