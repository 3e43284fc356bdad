package sm

// instructionCache is the SM's L1 instruction cache and its share of the L1.5 behind it: set-associative, least
// recently used, with the lines after a missed one fetched ahead. A line is named by its number in the device's code.
type instructionCache struct {
	first, next lineCache
	miss        int64 // cycles for a line from the L1.5
	nextMiss    int64 // cycles for a line from L2
	prefetch    int32
}

// lineCache is a set-associative tag array.
type lineCache struct {
	ways  int
	sets  int32
	tag   []int32 // [set][way], most recently used first; -1 = empty
	ready []int64 // cycle at which the line is there
}

func newLineCache(bytes, line, ways int) lineCache {
	sets := max(bytes/(line*ways), 1)
	c := lineCache{ways: ways, sets: int32(sets), tag: make([]int32, sets*ways), ready: make([]int64, sets*ways)}
	c.reset()
	return c
}

func (c *lineCache) reset() {
	for i := range c.tag {
		c.tag[i] = -1
		c.ready[i] = 0
	}
}

// find moves line to the front of its set and returns the cycle from which it is there.
func (c *lineCache) find(line int32) (ready int64, hit bool) {
	set := int(line%c.sets) * c.ways
	for i := set; i < set+c.ways; i++ {
		if c.tag[i] == line {
			r := c.ready[i]
			copy(c.tag[set+1:i+1], c.tag[set:i])
			copy(c.ready[set+1:i+1], c.ready[set:i])
			c.tag[set], c.ready[set] = line, r
			return r, true
		}
	}
	return 0, false
}

// insert replaces the least recently used line of the set.
func (c *lineCache) insert(line int32, ready int64) {
	set := int(line%c.sets) * c.ways
	copy(c.tag[set+1:set+c.ways], c.tag[set:set+c.ways-1])
	copy(c.ready[set+1:set+c.ways], c.ready[set:set+c.ways-1])
	c.tag[set], c.ready[set] = line, ready
}

func newInstructionCache(c *ICache) instructionCache {
	return instructionCache{
		first: newLineCache(c.Bytes, c.LineBytes, c.Ways),
		next:  newLineCache(c.NextBytes, c.LineBytes, c.Ways),
		miss:  int64(c.Miss), nextMiss: int64(c.NextMiss), prefetch: int32(c.Prefetch),
	}
}

// fetch returns the cycle from which line can be issued when it is asked for at cycle now, and whether it missed.
func (c *instructionCache) fetch(line int32, now int64) (ready int64, miss bool) {
	ready, hit := c.first.find(line)
	if !hit {
		ready = c.load(line, now)
	}
	for l := line + 1; l <= line+c.prefetch; l++ {
		if _, ok := c.first.find(l); !ok {
			c.load(l, now)
		}
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
