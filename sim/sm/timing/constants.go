package timing

import "math/bits"

// constantCache is the SM's cache of constants: a tag array and the ports that schedulers read lines through.
type constantCache struct {
	lines  lineCache
	miss   int64
	share  int // schedulers of a port; 0 = reads do not wait for each other
	port   [maxSchedulers]readPort
	latest [maxSchedulers]int32 // line that each scheduler read last, and keeps
}

// readPort books one read a cycle, for the 64 cycles from base on.
type readPort struct {
	base int64
	busy uint64
}

func newConstantCache(c *CCache, schedulers int) constantCache {
	k := constantCache{lines: newLineCache(c.Bytes, c.LineBytes, 4), miss: int64(c.Miss)}
	if c.Ports > 0 {
		k.share = (schedulers + c.Ports - 1) / c.Ports
	}
	return k
}

func (k *constantCache) reset() {
	k.lines.reset()
	k.port = [maxSchedulers]readPort{}
	k.latest = [maxSchedulers]int32{}
}

// read returns the cycle, not before ready, at which a scheduler can have a line that its next instruction needs, and
// whether the cache did not have it. It is called at cycle t.
func (k *constantCache) read(scheduler uint8, line int32, t, ready int64) (at int64, miss bool) {
	if ready == Never {
		return ready, false
	}
	r, hit := k.lines.find(line)
	if !hit {
		r = ready + k.miss
		k.lines.insert(line, r)
	}
	at = max(r, ready)
	s := scheduler & (maxSchedulers - 1)
	if k.share > 0 && k.latest[s] != line {
		k.latest[s] = line
		at = k.port[int(s)/k.share&(maxSchedulers-1)].book(t, at)
	}
	return at, !hit
}

// book takes the first free cycle from at on and returns it. What lies too far ahead of cycle t is not booked: so late
// a read competes with others that are not known yet.
func (p *readPort) book(t, at int64) int64 {
	if t > p.base {
		p.busy >>= min(uint64(t-p.base), 64)
		p.base = t
	}
	n := at - p.base
	if n < 0 || n >= 64 {
		return at
	}
	n += int64(bits.TrailingZeros64(^(p.busy >> n)))
	if n >= 64 {
		return p.base + n
	}
	p.busy |= 1 << n
	return p.base + n
}
