package memory

import (
	"encoding/binary"
	"math/bits"
)

// View is one SM's view of device memory. Within a window, loads see memory as it stood at the window's start, overlaid
// with this SM's own stores and atomics; those go to a log, which Commit applies at the window's end.
type View struct {
	Global  *Global
	Changes int64 // atomics of this SM's threads that left another value than they found
	// Direct has stores and atomics reach device memory at once: there are no windows, and nothing to commit.
	Direct bool

	log   []record
	words []uint32 // operands of the records, one after the other
	addrs []uint64 // addresses of the records without unit stride

	// The overlay: what this SM wrote in this window, in lines of 128 bytes.
	filter [filterWords]uint64 // bit of each line that may be in the overlay
	table  []int32             // hash table of indices into lines, plus one
	lines  []overlayLine

	next int // Commit: the next record to apply
}

const (
	lineBytes   = 128
	filterWords = 64
)

// record is one warp's store or atomic.
type record struct {
	cycle  int64
	mask   uint32
	bytes  uint8 // a thread
	atomic bool
	unit   bool // threads 0..31 write consecutive words from addr on
	op     AtomicOp
	typ    AtomicType
	words  int    // first operand word; a thread's words stand together, threads in ascending order
	addr   uint64 // of thread 0, with unit stride
	addrs  int    // first address in View.addrs, without
	span   *Span  // holds all addresses, with unit stride
	dst    *[32]uint32
	dstHi  *[32]uint32 // upper half of 64-bit results
}

type overlayLine struct {
	line  uint64
	words int32                  // the line's first word in View.words, where one unit store wrote all of it; else -1
	valid [lineBytes / 64]uint64 // a bit a byte
	data  [lineBytes]byte        // if not in words
}

// NewView returns a view of g with nothing pending.
func NewView(g *Global) *View { return &View{Global: g, table: make([]int32, 64)} }

// Pending reports whether this SM wrote in this window.
func (s *View) Pending() bool { return len(s.lines) > 0 }

func hashLine(line uint64) uint64 { return line * 0x9E3779B97F4A7C15 }

// Overlaps reports whether the overlay may hold bytes of [addr, addr+n).
func (s *View) Overlaps(addr, n uint64) bool {
	for line := addr / lineBytes; line <= (addr+n-1)/lineBytes; line++ {
		h := hashLine(line) >> 52
		if s.filter[h>>6]>>(h&63)&1 != 0 {
			return true
		}
	}
	return false
}

// find returns the overlay's line, nil if it has none.
func (s *View) find(line uint64) *overlayLine {
	mask := uint64(len(s.table) - 1)
	for i := hashLine(line) >> 32 & mask; s.table[i] != 0; i = (i + 1) & mask {
		if l := &s.lines[s.table[i]-1]; l.line == line {
			return l
		}
	}
	return nil
}

// take returns the overlay's line, made if need be.
func (s *View) take(line uint64) *overlayLine {
	if l := s.find(line); l != nil {
		return l
	}
	if 2*(len(s.lines)+1) > len(s.table) {
		s.table = make([]int32, 2*len(s.table))
		for i := range s.lines {
			s.place(s.lines[i].line, int32(i+1))
		}
	}
	if len(s.lines) < cap(s.lines) {
		s.lines = s.lines[:len(s.lines)+1]
	} else {
		s.lines = append(s.lines, overlayLine{})
	}
	l := &s.lines[len(s.lines)-1]
	l.line = line
	l.words = -1
	l.valid = [lineBytes / 64]uint64{}
	s.place(line, int32(len(s.lines)))
	h := hashLine(line) >> 52
	s.filter[h>>6] |= 1 << (h & 63)
	return l
}

func (s *View) place(line uint64, index int32) {
	mask := uint64(len(s.table) - 1)
	i := hashLine(line) >> 32 & mask
	for s.table[i] != 0 {
		i = (i + 1) & mask
	}
	s.table[i] = index
}

// Load copies len(p) bytes at addr into p; they must lie in one allocation.
func (s *View) Load(span *Span, addr uint64, p []byte) {
	copy(p, span.Data[addr-span.Base:])
	if len(s.lines) > 0 && s.Overlaps(addr, uint64(len(p))) {
		for i := range p {
			a := addr + uint64(i)
			if l := s.find(a / lineBytes); l != nil {
				b := a % lineBytes
				switch {
				case l.words >= 0:
					p[i] = rowBytes(s.words[l.words:])[b]
				case l.valid[b/64]>>(b%64)&1 != 0:
					p[i] = l.data[b]
				}
			}
		}
	}
}

// overlay puts p at addr into the overlay.
func (s *View) overlay(addr uint64, p []byte) {
	for len(p) > 0 {
		l := s.take(addr / lineBytes)
		b := addr % lineBytes
		if l.words >= 0 {
			copy(l.data[:], rowBytes(s.words[l.words:]))
			l.valid = [lineBytes / 64]uint64{^uint64(0), ^uint64(0)}
			l.words = -1
		}
		n := copy(l.data[b:], p)
		for i := b; i < b+uint64(n); {
			if i%64 == 0 && b+uint64(n)-i >= 64 {
				l.valid[i/64] = ^uint64(0)
				i += 64
				continue
			}
			end := min(b+uint64(n), (i/64+1)*64)
			l.valid[i/64] |= (1<<(end-i) - 1) << (i % 64)
			i = end
		}
		addr += uint64(n)
		p = p[n:]
	}
}

// Write logs one warp's store at cycle. rows holds the data, one row a 32-bit word of a thread; bytes (1, 2, 4, 8 or
// 16) are stored a thread. All addresses have been checked.
func (s *View) Write(cycle int64, mask uint32, addr *[32]uint64, bytes int, rows [][32]uint32) {
	if s.Direct {
		s.writeNow(mask, addr, bytes, rows)
		return
	}
	r := record{cycle: cycle, mask: mask, bytes: uint8(bytes), words: len(s.words), addrs: len(s.addrs)}
	words := (bytes + 3) / 4
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var buf [16]byte
		for k := range words {
			v := rows[k][i]
			s.words = append(s.words, v)
			binary.LittleEndian.PutUint32(buf[4*k:], v)
		}
		s.addrs = append(s.addrs, addr[i])
		s.overlay(addr[i], buf[:bytes])
	}
	s.log = append(s.log, r)
}

// writeNow is Write without a log.
func (s *View) writeNow(mask uint32, addr *[32]uint64, bytes int, rows [][32]uint32) {
	span := s.Global.Find(addr[bits.TrailingZeros32(mask)])
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		if addr[i]-span.Base >= span.Size {
			span = s.Global.Find(addr[i])
		}
		mem := span.Data[addr[i]-span.Base:]
		switch bytes {
		case 1:
			mem[0] = byte(rows[0][i])
		case 2:
			binary.LittleEndian.PutUint16(mem, uint16(rows[0][i]))
		default:
			for k := range bytes / 4 {
				binary.LittleEndian.PutUint32(mem[4*k:], rows[k][i])
			}
		}
	}
}

// WriteUnit logs one warp's store of consecutive bytes from addr on, all within span: words holds what the threads
// write, one thread's behind the other's.
func (s *View) WriteUnit(cycle int64, span *Span, addr uint64, words []uint32) {
	first := len(s.words)
	s.words = append(s.words, words...)
	s.log = append(s.log, record{cycle: cycle, mask: ^uint32(0), bytes: uint8(len(words) / 8), unit: true, words: first,
		addr: addr, span: span})
	if addr%lineBytes != 0 {
		s.overlay(addr, rowBytes(s.words[first:]))
		return
	}
	for i := first; i < len(s.words); i += lineBytes / 4 {
		s.take(addr / lineBytes).words = int32(i)
		addr += lineBytes
	}
}

// Atomic logs one warp's atomic at cycle. a and b are the operands' rows (one or two words each); dst, if not nil, gets
// the old values when the window is committed.
func (s *View) Atomic(cycle int64, mask uint32, addr *[32]uint64, op AtomicOp, t AtomicType, a, b [2]*[32]uint32, dst,
	dstHi *[32]uint32) {
	s.log = append(s.log, record{cycle: cycle, mask: mask, bytes: uint8(t.Bytes()), atomic: true, op: op, typ: t,
		words: len(s.words), addrs: len(s.addrs), dst: dst, dstHi: dstHi})
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var va, vb uint64
		va, vb = uint64(a[0][i]), uint64(b[0][i])
		if t.Bytes() == 8 {
			va |= uint64(a[1][i]) << 32
			vb |= uint64(b[1][i]) << 32
		}
		s.words = append(s.words, uint32(va), uint32(va>>32), uint32(vb), uint32(vb>>32))
		s.addrs = append(s.addrs, addr[i])
		if s.Direct {
			continue
		}
		// Later loads of this SM in this window see the effect on what it knows of memory; Commit computes it anew.
		var buf [8]byte
		mem := buf[:t.Bytes()]
		s.Load(s.Global.Find(addr[i]), addr[i], mem)
		op.ApplyBytes(t, mem, va, vb)
		s.overlay(addr[i], mem)
	}
	if s.Direct {
		s.apply(&s.log[0])
		s.reset()
	}
}

// Commit applies the logs of all SMs to device memory in order of (cycle, SM) and empties them. Atomics compute here,
// and write the old values to the registers that wait for them.
func Commit(views []*View) {
	type head struct {
		cycle int64
		sm    int
	}
	// A heap of the SMs' next records; the array keeps it off the garbage collector for up to 64 SMs.
	var backing [64]head
	heap := backing[:0]
	less := func(a, b head) bool { return a.cycle < b.cycle || a.cycle == b.cycle && a.sm < b.sm }
	down := func(i int) {
		for {
			c := 2*i + 1
			if c >= len(heap) {
				return
			}
			if c+1 < len(heap) && less(heap[c+1], heap[c]) {
				c++
			}
			if !less(heap[c], heap[i]) {
				return
			}
			heap[i], heap[c] = heap[c], heap[i]
			i = c
		}
	}
	for i, s := range views {
		if len(s.log) > 0 {
			s.next = 0
			heap = append(heap, head{s.log[0].cycle, i})
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		down(i)
	}
	for len(heap) > 0 {
		s := views[heap[0].sm]
		s.apply(&s.log[s.next])
		if s.next++; s.next < len(s.log) {
			heap[0].cycle = s.log[s.next].cycle
		} else {
			s.reset()
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		down(0)
	}
}

// apply does what record r says to device memory.
func (s *View) apply(r *record) {
	words := s.words[r.words:]
	if r.unit {
		copy(r.span.Data[r.addr-r.span.Base:], rowBytes(words[:8*int(r.bytes)]))
		return
	}
	addrs := s.addrs[r.addrs:]
	span := s.Global.Find(addrs[0])
	k := 0
	for m := r.mask; m != 0; m &= m - 1 {
		addr := addrs[0]
		addrs = addrs[1:]
		if addr-span.Base >= span.Size {
			span = s.Global.Find(addr)
		}
		mem := span.Data[addr-span.Base:]
		if r.atomic {
			old := r.op.ApplyBytes(r.typ, mem, uint64(words[k])|uint64(words[k+1])<<32,
				uint64(words[k+2])|uint64(words[k+3])<<32)
			k += 4
			if now := uint64(binary.LittleEndian.Uint32(mem)); r.bytes == 4 && now != old || r.bytes == 8 &&
				binary.LittleEndian.Uint64(mem) != old {
				s.Changes++
			}
			if r.dst != nil {
				i := bits.TrailingZeros32(m)
				r.dst[i] = uint32(old)
				if r.dstHi != nil {
					r.dstHi[i] = uint32(old >> 32)
				}
			}
			continue
		}
		switch r.bytes {
		case 1:
			mem[0] = byte(words[k])
			k++
		case 2:
			binary.LittleEndian.PutUint16(mem, uint16(words[k]))
			k++
		default:
			for j := range int(r.bytes) / 4 {
				binary.LittleEndian.PutUint32(mem[4*j:], words[k])
				k++
			}
		}
	}
}

// reset empties the log and the overlay; their memory is kept.
func (s *View) reset() {
	s.log = s.log[:0]
	s.words = s.words[:0]
	s.addrs = s.addrs[:0]
	if len(s.lines) > 0 {
		clear(s.table)
		s.filter = [filterWords]uint64{}
		s.lines = s.lines[:0]
	}
}

// Discard forgets what has not been committed: a launch was given up.
func (s *View) Discard() { s.reset() }
