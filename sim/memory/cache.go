package memory

import "math/bits"

// cacheLine is the state of a line of L1 or L2. Masks have a bit for each sector.
type cacheLine struct {
	ready  int64 // cycle from which all valid sectors are there
	valid  uint8 // sectors whose data are here, or will be at cycle ready
	dirty  uint8 // sectors that DRAM does not have yet (L2); may lack valid where only some bytes were written
	queued uint8 // sectors asked for, with no time known yet
}

// maxWays bounds a cache's associativity: the order of a set's lines is a word of four bits each.
const maxWays = 16

// tagArray finds lines in a set-associative cache. A free line has tag noTag.
type tagArray struct {
	tags  []uint32
	order []uint64 // by set: its ways from the newest (lowest four bits) to the oldest, in order of use (LRU) or filling (FIFO)
	lines []cacheLine
	ways  int
	fifo  bool
}

const noTag = ^uint32(0)

func newTagArray(bytes, ways int, policy replacement) tagArray {
	n := bytes / LineBytes
	t := tagArray{tags: make([]uint32, n), order: make([]uint64, n/ways), lines: make([]cacheLine, n), ways: ways, fifo: policy == replaceFIFO}
	t.clear()
	return t
}

// clear empties the cache; dirty data are lost.
func (t *tagArray) clear() {
	for i := range t.tags {
		t.tags[i] = noTag
	}
	for i := range t.order {
		t.order[i] = 0xFEDCBA9876543210
	}
	clear(t.lines)
}

// find returns the line with this tag in a set, or -1.
func (t *tagArray) find(set int, tag uint32) int {
	base := set * t.ways
	for i, x := range t.tags[base : base+t.ways] {
		if x == tag {
			return base + i
		}
	}
	return -1
}

// touch marks a line of a set as used.
func (t *tagArray) touch(set, i int) {
	if !t.fifo {
		t.renew(set, i)
	}
}

// renew makes line i the newest of its set.
func (t *tagArray) renew(set, i int) {
	const ones = 0x1111111111111111
	way := uint64(i - set*t.ways)
	o := t.order[set]
	x := o ^ way*ones // has a zero where the way stands
	at := bits.TrailingZeros64((x-ones)&^x&(8*ones)) &^ 3
	below := uint64(1)<<at - 1
	t.order[set] = o&^(below<<4|15) | o&below<<4 | way
}

// victim returns the oldest line of a set that does not wait for data, or -1.
func (t *tagArray) victim(set int) int {
	for k := t.ways - 1; k >= 0; k-- {
		i := set*t.ways + int(t.order[set]>>(4*k)&15)
		if t.lines[i].queued == 0 {
			return i
		}
	}
	return -1
}

// place gives line i of a set to a new tag.
func (t *tagArray) place(set, i int, tag uint32) *cacheLine {
	t.tags[i] = tag
	t.renew(set, i)
	t.lines[i] = cacheLine{}
	return &t.lines[i]
}
