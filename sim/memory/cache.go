package memory

import "math/bits"

// maxWays bounds a cache's associativity: what a set keeps of its lines is words of four bits a way.
const maxWays = 16

// cacheSet is what a look-up needs of a set: one cache line of the host. Words have a field for each way, from the
// lowest bits on: eight bits in sign, else four; masks have a bit for each sector.
type cacheSet struct {
	order  uint64    // ways from the newest to the oldest, in order of use (LRU) or filling (FIFO)
	sign   [2]uint64 // low bits of the tags: most lines that are not there are told by these
	valid  uint64    // sectors whose data are here, or will be at cycle ready
	dirty  uint64    // sectors that DRAM does not have yet (L2); may lack valid where only some bytes were written
	queued uint64    // sectors asked for, with no time known yet
	_      [2]uint64
}

// tagArray finds lines in a set-associative cache. Line i is way i mod 2^shift of set i >> shift.
type tagArray struct {
	sets  []cacheSet
	tags  []uint32 // of each line, noTag = free
	ready []int64  // cycle from which all of a line's valid sectors are there
	used  [2]uint64
	ways  int
	shift uint
	fifo  bool
}

const noTag = ^uint32(0)

func newTagArray(bytes, ways int, policy replacement) tagArray {
	sets := bytes / LineBytes / ways
	shift := uint(bits.Len(uint(ways - 1)))
	t := tagArray{sets: make([]cacheSet, sets), tags: make([]uint32, sets<<shift), ready: make([]int64, sets<<shift),
		ways: ways, shift: shift, fifo: policy == replaceFIFO}
	for w := range ways {
		t.used[w/8] |= 0x80 << (w % 8 * 8)
	}
	t.clear()
	return t
}

// clear empties the cache; dirty data are lost.
func (t *tagArray) clear() {
	for i := range t.tags {
		t.tags[i] = noTag
	}
	for i := range t.sets {
		t.sets[i] = cacheSet{order: 0xFEDCBA9876543210}
	}
	clear(t.ready)
}

// split returns the set of a line, and the place of its fields there.
func (t *tagArray) split(line int32) (*cacheSet, uint) {
	return &t.sets[line>>(t.shift&31)], uint(line) & (1<<(t.shift&31) - 1) * 4
}

// find returns the line with this tag in a set, or -1.
func (t *tagArray) find(set int, tag uint32) int32 {
	const ones = 0x0101010101010101
	s := &t.sets[set]
	sign := uint64(uint8(tag)) * ones
	x := s.sign[0] ^ sign // has a zero where the sign is this one
	for m := (x - ones) &^ x & t.used[0]; m != 0; m &= m - 1 {
		if i := set<<(t.shift&31) + bits.TrailingZeros64(m)/8; t.tags[i] == tag {
			return int32(i)
		}
	}
	if t.used[1] == 0 {
		return -1
	}
	x = s.sign[1] ^ sign
	for m := (x - ones) &^ x & t.used[1]; m != 0; m &= m - 1 {
		if i := set<<(t.shift&31) + bits.TrailingZeros64(m)/8 + 8; t.tags[i] == tag {
			return int32(i)
		}
	}
	return -1
}

// touch marks a line as used.
func (t *tagArray) touch(line int32) {
	if !t.fifo {
		s, at := t.split(line)
		s.renew(at)
	}
}

// renew makes the way whose fields stand at bit at the newest of its set.
func (s *cacheSet) renew(at uint) {
	const ones = 0x1111111111111111
	way := uint64(at / 4)
	o := s.order
	if o&15 == way {
		return
	}
	x := o ^ way*ones // has a zero where the way stands
	k := bits.TrailingZeros64((x-ones)&^x&(8*ones)) &^ 3
	below := uint64(1)<<(k&63) - 1
	s.order = o&^(below<<4|15) | o&below<<4 | way
}

// victim returns the oldest line of a set that does not wait for data, and its place in the order of use; the line is
// -1 if there is none.
func (t *tagArray) victim(set int) (line int32, age uint) {
	s := &t.sets[set]
	for age := uint(t.ways - 1); age < maxWays; age-- {
		way := s.order >> (4 * age & 63) & 15
		if s.queued>>(4*way&63)&15 == 0 {
			return int32(set<<(t.shift&31) + int(way)), age
		}
	}
	return -1, 0
}

// place gives a line of set s, which stands at age in the order of use, to a new tag.
func (t *tagArray) place(s *cacheSet, line int32, age uint, tag uint32) {
	t.tags[line] = tag
	t.ready[line] = 0
	at := uint(line) & (1<<(t.shift&31) - 1) * 4 & 63
	o := s.order
	below := uint64(1)<<(4*age&63) - 1
	s.order = o&^(below<<4|15) | o&below<<4 | uint64(at/4)
	field := uint64(15) << at
	s.valid &^= field
	s.dirty &^= field
	s.queued &^= field
	b := at * 2 & 63
	sign := &s.sign[at/32&1]
	*sign = *sign&^(0xff<<b) | uint64(uint8(tag))<<b
}
