package memory

// cacheLine is the state of a line of L1 or L2. Masks have a bit for each sector.
type cacheLine struct {
	ready  int64 // cycle from which all valid sectors are there
	valid  uint8 // sectors whose data are here, or will be at cycle ready
	dirty  uint8 // sectors that DRAM does not have yet (L2); may lack valid where only some bytes were written
	queued uint8 // sectors asked for, with no time known yet
}

// tagArray finds lines in a set-associative cache. A free line has tag noTag.
type tagArray struct {
	tags  []uint64
	used  []uint32 // when each line was used (LRU) or filled (FIFO), in accesses of the cache
	lines []cacheLine
	ways  int
	fifo  bool
	clock uint32
}

const noTag = ^uint64(0)

func newTagArray(bytes, ways int, policy replacement) tagArray {
	n := bytes / LineBytes
	t := tagArray{tags: make([]uint64, n), used: make([]uint32, n), lines: make([]cacheLine, n), ways: ways, fifo: policy == replaceFIFO}
	t.clear()
	return t
}

// clear empties the cache; dirty data are lost.
func (t *tagArray) clear() {
	for i := range t.tags {
		t.tags[i] = noTag
	}
	clear(t.lines)
	clear(t.used)
	t.clock = 0
}

// find returns the line with this tag in a set, or -1.
func (t *tagArray) find(set int, tag uint64) int {
	base := set * t.ways
	for i, x := range t.tags[base : base+t.ways] {
		if x == tag {
			return base + i
		}
	}
	return -1
}

// touch marks a line as used.
func (t *tagArray) touch(i int) {
	if !t.fifo {
		t.stamp(i)
	}
}

func (t *tagArray) stamp(i int) {
	t.clock++
	if t.clock == 0 {
		// Once in 2^32 accesses the order is forgotten.
		clear(t.used)
		t.clock = 1
	}
	t.used[i] = t.clock
}

// victim returns the line of a set to replace, or -1 if all wait for data.
func (t *tagArray) victim(set int) int {
	base := set * t.ways
	best, oldest := -1, ^uint32(0)
	for i, u := range t.used[base : base+t.ways] {
		if u < oldest && t.lines[base+i].queued == 0 {
			best, oldest = base+i, u
		}
	}
	return best
}

// place gives a line to a new tag.
func (t *tagArray) place(i int, tag uint64) *cacheLine {
	t.tags[i] = tag
	t.stamp(i)
	t.lines[i] = cacheLine{}
	return &t.lines[i]
}
