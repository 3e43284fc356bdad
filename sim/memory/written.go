package memory

// Written says which bytes of an allocation somebody has written: a bit a byte. It is kept where reads of what nobody
// wrote are looked for; nil says that all have been.
type Written []uint64

// Track begins a record of what is written of the allocation at addr, all of which counts as unwritten now.
func (g *Global) Track(addr uint64) {
	if s := g.Find(addr); s != nil {
		s.Written = make(Written, (s.Size+63)/64)
	}
}

// Mark notes that the n bytes at addr, which lie in one allocation, have been written, or are as new.
func (g *Global) Mark(addr, n uint64, written bool) {
	if s := g.Find(addr); s != nil && s.Written != nil && n > 0 {
		s.Written.mark(addr-s.Base, n, written)
	}
}

// MarkCopy notes that the n bytes at to hold now what those at from held: they are written where those are.
func (g *Global) MarkCopy(to, from, n uint64) {
	dst, src := g.Find(to), g.Find(from)
	if dst == nil || dst.Written == nil || n == 0 {
		return
	}
	if src == nil || src.Written == nil {
		g.Mark(to, n, true)
		return
	}
	was := make([]bool, n) // the two may overlap
	for i := range n {
		was[i] = src.Written.has(from - src.Base + i)
	}
	for i, b := range was {
		dst.Written.mark(to-dst.Base+uint64(i), 1, b)
	}
}

// Unwritten returns the first of the n bytes at addr that nobody has written; ok is false if there is none.
func (g *Global) Unwritten(addr, n uint64) (at uint64, ok bool) {
	s := g.Find(addr)
	if s == nil || s.Written == nil {
		return 0, false
	}
	for i := addr - s.Base; i < min(addr-s.Base+n, s.Size); i++ {
		if !s.Written.has(i) {
			return s.Base + i, true
		}
	}
	return 0, false
}

func (w Written) has(i uint64) bool { return w[i/64]>>(i%64)&1 != 0 }

// mark sets or clears bits [from, from+n).
func (w Written) mark(from, n uint64, written bool) {
	for end := from + n; from < end; {
		k := min(end-from, 64-from%64)
		m := (uint64(1)<<k - 1) << (from % 64)
		if written {
			w[from/64] |= m
		} else {
			w[from/64] &^= m
		}
		from += k
	}
}
