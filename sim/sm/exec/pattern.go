package exec

import (
	"math/bits"
	"unsafe"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// pattern is how the lanes' shared-memory addresses of one access lie to each other. Code in a loop asks for the same
// pattern over and over from other places, and neither the passes over the banks nor the way to fetch the data depend
// on the place: to shift all addresses by as many words turns the banks round, no more. So both are found once.
type pattern struct {
	rel   lower.Row // by lane: address less the anchor, which is the first active lane's address rounded down to a word
	index lower.Row // by lane: address less the lowest one; 0 in lanes that do not take part
	mask  uint32    // lanes that take part
	low   int32     // lowest address less the anchor
	span  int64     // bytes from the lowest address to the end of the highest access
	lanes lower.Row // index / 4
	size  uint8     // Op.Size
	store bool      // LDS or STS
	unit  bool      // all lanes, one behind the other
	cost  [2]int32  // passes, conflicts
}

const (
	maxPatterns  = 16
	patternHints = 512

	// sharedPadding is how many bytes behind a block's shared memory vector code may read, though not use.
	sharedPadding = 128
)

// patterns are those that an SM met lately.
type patterns struct {
	list [maxPatterns]pattern
	n    int
	next int                 // to replace
	hint [patternHints]uint8 // by the low bits of the instruction's index: which it met last
}

// matches reports whether p describes the access of the lanes in mask at base + offset.
func (p *pattern) matches(base *lower.Row, offset uint32, mask uint32, size uint8, store bool) bool {
	return p.mask == mask && p.size == size && p.store == store && laneOffsets(base, &p.rel, offset)&mask == mask
}

// find returns the pattern of a shared-memory access and the place of its lowest address, or nil for an access that has
// to be looked at lane by lane because it is out of bounds or misaligned.
func (x *Exec) find(w *Warp, op *lower.Op, mask uint32, store bool) (*pattern, int64) {
	base := w.row(op.A)
	anchor := (base[bits.TrailingZeros32(mask)&31] + uint32(op.Imm)) &^ 3
	offset := uint32(op.Imm) - anchor
	hint := &x.patterns.hint[w.PC%patternHints]
	p := &x.patterns.list[*hint%maxPatterns]
	if !p.matches(base, offset, mask, op.Size, store) {
		if p = x.search(w, op, mask, store, offset, hint); p == nil {
			return nil, 0
		}
	}
	low := int64(anchor) + int64(p.low)
	bytes := int64(lower.SizeBytes[op.Size])
	if low < 0 || low+p.span > int64(len(w.Block.Shared)) || low&(bytes-1) != 0 && bytes > 4 {
		return nil, 0
	}
	return p, low
}

// search looks for the pattern among the others, and adds it if it is new.
func (x *Exec) search(w *Warp, op *lower.Op, mask uint32, store bool, offset uint32, hint *uint8) *pattern {
	base := w.row(op.A)
	q := &x.patterns
	for i := range q.list[:q.n] {
		if q.list[i].matches(base, offset, mask, op.Size, store) {
			*hint = uint8(i)
			return &q.list[i]
		}
	}
	if !x.sharedAddress(w, op, mask) {
		x.Fault = ExecFault{} // found again by the caller
		return nil
	}
	if q.n < maxPatterns {
		q.n++
	}
	*hint = uint8(q.next)
	p := &q.list[q.next]
	q.next = (q.next + 1) % maxPatterns
	a := &x.Access
	lowest, highest := ^uint64(0), uint64(0)
	for m := mask; m != 0; m &= m - 1 {
		at := a.Addr[bits.TrailingZeros32(m)]
		lowest, highest = min(lowest, at), max(highest, at)
	}
	anchor := uint32(op.Imm) - offset
	*p = pattern{mask: mask, size: op.Size, store: store, low: int32(uint32(lowest) - anchor),
		span: int64(highest-lowest) + int64(a.Bytes)}
	p.unit = mask == ^uint32(0)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p.rel[i] = uint32(a.Addr[i]) - anchor
		p.index[i] = uint32(a.Addr[i] - lowest)
		p.lanes[i] = p.index[i] / 4
		p.unit = p.unit && p.index[i] == uint32(i*a.Bytes)
	}
	passes, conflicts := memory.SharedCost(a)
	p.cost = [2]int32{int32(passes), int32(conflicts)}
	return p
}

// loadShared executes LDS and reports whether it could.
func (x *Exec) loadShared(w *Warp, op *lower.Op, mask uint32) bool {
	// Words within as many bytes as the banks are wide lie in different banks, or are the same.
	if n := len(w.Block.Shared); op.Size == lower.Size32 && n >= 4 &&
		laneNear(x.dst(w, op), w.row(op.A), unsafe.Pointer(unsafe.SliceData(w.Block.Shared)), uint32(op.Imm),
			uint32(n-4), mask) {
		x.Passes, x.Conflicts = 1, 0
		return true
	}
	p, low := x.find(w, op, mask, false)
	if p == nil {
		return false
	}
	x.Passes, x.Conflicts = int(p.cost[0]), int(p.cost[1])
	from := unsafe.Add(unsafe.Pointer(unsafe.SliceData(w.Block.Shared)), low)
	d := x.dstRows(w, op)
	if op.Size < lower.Size32 {
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = narrow(op.Size, unsafe.Slice((*byte)(unsafe.Add(from, p.index[i])), lower.SizeBytes[op.Size]))
		}
		return true
	}
	words := lower.SizeBytes[op.Size] / 4
	if mask != ^uint32(0) {
		lanePick(&x.sink[0], from, p, words)
		rows := unsafe.Slice(d, words)
		for k := range rows {
			laneMOV(&rows[k], &x.sink[k], mask)
		}
		return true
	}
	lanePick(d, from, p, words)
	return true
}

// storeShared executes STS and reports whether it could.
func (x *Exec) storeShared(w *Warp, op *lower.Op, mask uint32) bool {
	p, low := x.find(w, op, mask, true)
	if p == nil {
		return false
	}
	x.Passes, x.Conflicts = int(p.cost[0]), int(p.cost[1])
	to := unsafe.Add(unsafe.Pointer(unsafe.SliceData(w.Block.Shared)), low)
	s := w.row(op.C)
	if op.Size < lower.Size32 {
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			switch q := unsafe.Add(to, p.index[i]); op.Size {
			case lower.SizeU8, lower.SizeS8:
				*(*uint8)(q) = uint8(s[i])
			default:
				*(*uint16)(q) = uint16(s[i])
			}
		}
		return true
	}
	lanePlace(s, to, p, lower.SizeBytes[op.Size]/4)
	return true
}

func offsetsGo(base, rel *lower.Row, offset uint32) (same uint32) {
	for i := range base {
		if base[i]+offset == rel[i] {
			same |= 1 << i
		}
	}
	return same
}

func nearGo(dst, base *lower.Row, mem unsafe.Pointer, offset, limit, mask uint32) bool {
	low, high, odd := ^uint32(0), uint32(0), uint32(0)
	for m := mask; m != 0; m &= m - 1 {
		at := base[bits.TrailingZeros32(m)&31] + offset
		low, high, odd = min(low, at), max(high, at), odd|at&3
	}
	if high > limit || high-low > 124 || odd != 0 {
		return false
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m) & 31
		dst[i] = *(*uint32)(unsafe.Add(mem, base[i]+offset))
	}
	return true
}

// pickGo loads words consecutive words of each lane from the place that the pattern says; all lanes are written.
func pickGo(dst *lower.Row, from unsafe.Pointer, index *lower.Row, words int) {
	rows := unsafe.Slice(dst, words)
	for i, at := range index {
		for k, v := range unsafe.Slice((*uint32)(unsafe.Add(from, at)), words) {
			rows[k][i] = v
		}
	}
}

// placeGo is the reverse for the lanes in mask, in ascending order: the highest wins where addresses coincide.
func placeGo(src *lower.Row, to unsafe.Pointer, index *lower.Row, words int, mask uint32) {
	rows := unsafe.Slice(src, words)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m) & 31
		q := unsafe.Slice((*uint32)(unsafe.Add(to, index[i])), words)
		for k := range q {
			q[k] = rows[k][i]
		}
	}
}

// unitIndex holds the offsets of 32 elements of 4, 8 and 16 bytes one behind the other, by words of an element.
var unitIndex = func() (index [5]lower.Row) {
	for words := range index {
		for i := range index[words] {
			index[words][i] = uint32(4 * words * i)
		}
	}
	return index
}()
