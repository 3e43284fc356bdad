package timing

// instructionCache is the SM's L1 instruction cache and its share of the L1.5 behind it: set-associative, least
// recently used, with the lines after a missed one fetched ahead. A line is named by its number in the device's code.
type instructionCache struct {
	first, next lineCache
	last        int32 // line asked for last: it and those fetched with it are still the newest of their sets, -1 = none
	lastReady   int64
	steady      bool  // they are in different sets
	miss        int64 // cycles for a line from the L1.5
	nextMiss    int64 // cycles for a line from L2
	prefetch    int32
}

// lineCache is a set-associative tag array.
type lineCache struct {
	ways  int
	sets  int32
	mask  int32   // sets - 1 if that is a power of two, else 0
	tag   []int32 // [set][way], most recently used first; -1 = empty
	ready []int64 // cycle at which the line is there
}

func newLineCache(bytes, line, ways int) lineCache {
	sets := max(bytes/(line*ways), 1)
	c := lineCache{ways: ways, sets: int32(sets), mask: int32(sets-1) & -int32(1-min(sets&(sets-1), 1)),
		tag: make([]int32, sets*ways), ready: make([]int64, sets*ways)}
	c.reset()
	return c
}

func (c *lineCache) reset() {
	for i := range c.tag {
		c.tag[i] = -1
		c.ready[i] = 0
	}
}

// set returns the index of the first way of the set that line belongs to.
func (c *lineCache) set(line int32) int {
	if c.mask != 0 {
		return int(line&c.mask) * c.ways
	}
	return int(line%c.sets) * c.ways
}

// find moves line to the front of its set and returns the cycle from which it is there.
func (c *lineCache) find(line int32) (ready int64, hit bool) {
	set := c.set(line)
	if c.tag[set] == line {
		return c.ready[set], true
	}
	return c.search(set, line)
}

// search is find where the line is not at the front of its set.
func (c *lineCache) search(set int, line int32) (ready int64, hit bool) {
	tag, at := c.tag[set:set+c.ways], c.ready[set:set+c.ways]
	for i := 1; i < len(tag); i++ {
		if tag[i] == line {
			r := at[i]
			front(tag, at, i, line, r)
			return r, true
		}
	}
	return 0, false
}

// front puts a line at the front of a set's ways, those before way i one further back.
func front(tag []int32, at []int64, i int, line int32, ready int64) {
	for ; i > 0 && i < len(tag) && i < len(at); i-- {
		tag[i], at[i] = tag[i-1], at[i-1]
	}
	tag[0], at[0] = line, ready
}

// insert replaces the least recently used line of the set.
func (c *lineCache) insert(line int32, ready int64) {
	set := c.set(line)
	front(c.tag[set:set+c.ways], c.ready[set:set+c.ways], c.ways-1, line, ready)
}

func newInstructionCache(c *ICache) instructionCache {
	i := instructionCache{
		first: newLineCache(c.Bytes, c.LineBytes, c.Ways),
		next:  newLineCache(c.NextBytes, c.LineBytes, c.Ways),
		miss:  int64(c.Miss), nextMiss: int64(c.NextMiss), prefetch: int32(c.Prefetch), last: -1,
	}
	i.steady = i.first.sets > i.prefetch
	return i
}

// fetch returns the cycle from which line can be issued when it is asked for at cycle now, and whether it missed.
func (c *instructionCache) fetch(line int32, now int64) (ready int64, miss bool) {
	if line == c.last {
		return max(c.lastReady, now), false
	}
	ready, hit := c.first.find(line)
	if !hit {
		ready = c.load(line, now)
	}
	for l := line + 1; l <= line+c.prefetch; l++ {
		if _, ok := c.first.find(l); !ok {
			c.load(l, now)
		}
	}
	if c.steady {
		c.last, c.lastReady = line, ready
	}
	return max(ready, now), !hit
}

// load brings a line from the L1.5 or from L2.
func (c *instructionCache) load(line int32, now int64) int64 {
	ready := now + c.miss
	if r, hit := c.next.find(line); hit {
		ready = max(ready, r)
	} else {
		ready = now + c.nextMiss
		c.next.insert(line, ready)
	}
	c.first.insert(line, ready)
	return ready
}
