package exec

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// GlobalCheck looks at the accesses to global memory of one run of a device: the SMs note what happens (Check), and
// Settle goes through it in order of cycle and SM, so that any number of threads of the simulator finds the same.
//
// Unwritten memory is what a load or an atomic reads though nobody has written it since it was allocated, or since
// malloc handed it out.
//
// Races are accesses of two warps to one byte, at least one of them a store, that nothing orders.
// Two accesses of a block are ordered as in shared memory: by vector clocks of its warps. Beyond that an access counts
// as ordered before all that come later once a fence (__threadfence, __threadfence_system) has been executed by its
// warp, or by one that had met it at a barrier: a race is reported where no fence is, not where a fence alone is too
// little. Volatile accesses are how threads wait for each other, and atomics are ordered by the memory: a volatile
// access races with nothing, an atomic with plain stores only. Stores of the value that is there already are reported
// on request.
type GlobalCheck struct {
	Races    bool
	Benign   bool           // races of one value, too
	Memory   *memory.Global // to look for reads of what nobody has written; nil = do not
	Heaps    []*Heap        // of malloc
	Findings []Finding

	handed map[uint64]Piece // by malloc in this run, by address
	blocks []*globalBlock
	pages  map[uint64]*globalPage
	words  int // that have been touched
	full   bool
	seen   map[findingKey]bool
	events []globalEvent
}

// MaxGlobalWords bounds the words of 4 bytes that a GlobalCheck keeps in mind; it takes some 60 bytes for each.
const MaxGlobalWords = 16 << 20

const pageWords = 256

// globalPage is what is known of neighbouring words.
type globalPage [pageWords]globalWord

type globalWord struct {
	store globalAccess
	loads [2]globalAccess // since, of different warps
	value uint32          // last stored
}

// globalAccess is one warp's access to a word.
type globalAccess struct {
	block uint32 // in GlobalCheck.blocks, from 1 on; 0 = none
	op    int32
	clock uint32 // of the warp
	warp  uint8
	lane  uint8
	bytes uint8 // mask of those of the word
	how   accessHow
}

// accessHow tells what an access is beside a load or a store.
type accessHow uint8

const (
	howVolatile accessHow = 1 << iota
	howAtomic
)

// globalBlock is a block, kept while its launch runs.
type globalBlock struct {
	number uint32 // in GlobalCheck.blocks, from 1 on; 0 = not yet there
	prog   *lower.Program
	index  [3]uint32
	dim    [3]uint32
	fenced []uint32 // of each warp: what of it has been ordered by a fence
}

// globalEvent is a warp's access or fence, as an SM has noted it.
type globalEvent struct {
	cycle  int64
	block  *globalBlock
	op     int32
	warp   uint8
	bytes  uint8 // a thread
	how    accessHow
	load   bool
	mask   uint32   // 0: no access; a fence, or pieces that malloc handed out
	seen   []uint32 // how far the warp has seen each of its block, itself included
	addr   []uint64 // of the threads in mask
	pieces []Piece
	values []uint32 // of a store: words, thread by thread
}

// noteAccess keeps an access to global memory for Settle. lanes are those whose address is global.
func (c *Check) noteAccess(x *Exec, w *Warp, op *lower.Op, pc int32, lanes uint32) {
	if lanes == 0 {
		return
	}
	s := w.Block.shadow
	e := globalEvent{cycle: x.Clock, block: s.global, op: pc, warp: uint8(w.InBlock), bytes: uint8(x.Access.Bytes),
		mask: lanes, seen: s.snapshot(w.InBlock)}
	switch {
	case op.Code == lower.CodeATOM:
		e.how = howAtomic
	case op.Code == lower.CodeLDG || op.Code == lower.CodeLD || op.Code == lower.CodeLDGSTS:
		e.load = true
	}
	if op.Cache == uint8(memory.CacheCV) || op.Cache == uint8(memory.CacheWT) {
		e.how |= howVolatile
	}
	for m := lanes; m != 0; m &= m - 1 {
		lane := bits.TrailingZeros32(m)
		e.addr = append(e.addr, x.Access.Addr[lane])
		if op.Code == lower.CodeSTG || op.Code == lower.CodeST {
			for k := range lower.Src(max(x.Access.Bytes/4, 1)) {
				e.values = append(e.values, w.row(op.C + k)[lane])
			}
		}
	}
	c.events = append(c.events, e)
}

// handed notes what malloc has handed out to a warp's threads.
func (c *Check) handed(x *Exec, w *Warp, pieces []Piece) {
	c.events = append(c.events, globalEvent{cycle: x.Clock, block: w.Block.shadow.global, warp: uint8(w.InBlock),
		pieces: pieces})
}

// fence notes that a warp orders what it has done so far, and what it has met at barriers.
func (x *Exec) fence(w *Warp, _ *lower.Op, _ uint32) {
	c := x.Check
	if c == nil || !c.Global {
		return
	}
	s := w.Block.shadow
	c.events = append(c.events, globalEvent{cycle: x.Clock, block: s.global, warp: uint8(w.InBlock),
		seen: s.snapshot(w.InBlock)})
	s.clocks[w.InBlock][w.InBlock]++
	s.seen[w.InBlock] = nil
}

// snapshot returns how far a warp has seen the others, a copy that is shared until something changes.
func (s *shadow) snapshot(warp int) []uint32 {
	if s.seen[warp] == nil {
		s.seen[warp] = slices.Clone(s.clocks[warp])
	}
	return s.seen[warp]
}

// Settle goes through what the SMs have noted since the last time, in order of cycle, then SM.
func (g *GlobalCheck) Settle(checks []*Check) {
	for _, c := range checks {
		if c != nil {
			g.events = append(g.events, c.events...)
			clear(c.events)
			c.events = c.events[:0]
		}
	}
	slices.SortStableFunc(g.events, func(a, b globalEvent) int {
		switch {
		case a.cycle < b.cycle:
			return -1
		case a.cycle > b.cycle:
			return 1
		}
		return 0
	})
	for i := range g.events {
		g.event(&g.events[i])
	}
	clear(g.events)
	g.events = g.events[:0]
}

func (g *GlobalCheck) event(e *globalEvent) {
	if e.block.number == 0 {
		g.blocks = append(g.blocks, e.block)
		e.block.number = uint32(len(g.blocks))
	}
	if g.Memory != nil {
		g.unwritten(e)
	}
	if !g.Races || len(e.pieces) > 0 {
		return
	}
	if e.mask == 0 {
		if e.block.fenced == nil {
			e.block.fenced = make([]uint32, len(e.seen))
		}
		join(e.block.fenced, e.seen)
		return
	}
	each := max(int(e.bytes)/4, 1)
	i := 0
	for m := e.mask; m != 0; m &= m - 1 {
		a := globalAccess{block: e.block.number, op: e.op, clock: e.seen[e.warp], warp: e.warp,
			lane: uint8(bits.TrailingZeros32(m)), how: e.how}
		for k := range each {
			at := e.addr[i] + uint64(4*k)
			word := g.word(at / 4)
			if word == nil {
				return
			}
			shift := at % 4
			a.bytes = (1<<min(e.bytes, 4) - 1) << shift & 15
			switch {
			case e.load:
				g.load(word, e, &a, at)
			case e.how&howAtomic != 0:
				g.store(word, e, &a, at, 0)
			default:
				g.store(word, e, &a, at, e.values[i*each+k]<<(8*shift))
			}
		}
		i++
	}
}

// unwritten looks at what an access reads, and notes what it writes.
func (g *GlobalCheck) unwritten(e *globalEvent) {
	for _, p := range e.pieces {
		g.Memory.Mark(p.Addr, p.Bytes, false)
		if g.handed == nil {
			g.handed = map[uint64]Piece{}
		}
		g.handed[p.Addr] = p
	}
	atomic := e.how&howAtomic != 0
	i, n := 0, uint64(e.bytes)
	for m := e.mask; m != 0; m &= m - 1 {
		addr := e.addr[i]
		if e.load || atomic {
			f := Finding{Kind: kindUnwritten, Prog: e.block.prog, Block: e.block.index, Space: memory.SpaceGlobal,
				Cycle: e.cycle, Start: addr, Bytes: n, First: ThreadAccess{Op: -1},
				Second: threadOf(e.block.dim, int(e.warp), bits.TrailingZeros32(m), e.op)}
			if at, ok := g.Memory.Unwritten(addr, n); ok && !g.seen[f.key()] {
				f.Addr, f.Where = at, g.describe(at)
				g.report(f)
			}
		}
		if !e.load {
			g.Memory.Mark(addr, n, true)
		}
		i++
	}
}

// describe says what an address is a part of.
func (g *GlobalCheck) describe(addr uint64) string {
	for _, p := range slices.AppendSeq(Held(g.Heaps), maps.Values(g.handed)) {
		if off := addr - p.Addr; off < p.Bytes {
			return fmt.Sprintf("byte %d of the %d bytes at %#x that kernel %s got from malloc", off, p.Bytes, p.Addr,
				p.Kernel)
		}
	}
	return g.Memory.Describe(addr)
}

// word returns what is known of a word, nil where there are too many.
func (g *GlobalCheck) word(n uint64) *globalWord {
	p := g.pages[n/pageWords]
	if p == nil {
		if g.words += pageWords; g.words > MaxGlobalWords {
			g.full = true
			return nil
		}
		if g.pages == nil {
			g.pages = map[uint64]*globalPage{}
		}
		p = new(globalPage)
		g.pages[n/pageWords] = p
	}
	return &p[n%pageWords]
}

// races tells whether nothing orders access a, which came before, and that of event e.
func (g *GlobalCheck) races(a *globalAccess, e *globalEvent, now *globalAccess) bool {
	if a.block == 0 || a.bytes&now.bytes == 0 || (a.how|now.how)&howVolatile != 0 {
		return false
	}
	b := g.blocks[a.block-1]
	switch {
	case b == e.block && e.seen[a.warp] >= a.clock: // the warp itself, or one that it met at a barrier
		return false
	case b.fenced != nil && b.fenced[a.warp] >= a.clock:
		return false
	}
	return b.prog.Launch == e.block.prog.Launch
}

func (g *GlobalCheck) load(word *globalWord, e *globalEvent, now *globalAccess, at uint64) {
	if last := &word.store; last.how&howAtomic == 0 && g.races(last, e, now) {
		g.found("read after write", last, now, e, at)
	}
	// Of the two that are kept, take the place of one of the same warp, else of one that a store could not race with.
	for i := range word.loads {
		if l := &word.loads[i]; l.block == now.block && l.warp == now.warp {
			bytes := l.bytes | now.bytes
			*l = *now
			l.bytes = bytes
			return
		}
	}
	free := 1
	if word.loads[0].block == 0 || !g.races(&word.loads[0], e, now) {
		free = 0
	}
	word.loads[free] = *now
}

func (g *GlobalCheck) store(word *globalWord, e *globalEvent, now *globalAccess, at uint64, value uint32) {
	last := &word.store
	atomic := now.how&howAtomic != 0
	mask := byteMask(now.bytes)
	same := !atomic && last.block != 0 && last.how&howAtomic == 0 && last.bytes&now.bytes == now.bytes &&
		(word.value^value)&mask == 0
	report := func(kind string, first *globalAccess) {
		if !same {
			g.found(kind, first, now, e, at)
		} else if g.Benign {
			g.found(kind+" of the same value", first, now, e, at)
		}
	}
	if !(atomic && last.how&howAtomic != 0) && g.races(last, e, now) {
		report("write after write", last)
	}
	if !atomic {
		for i := range word.loads {
			if l := &word.loads[i]; g.races(l, e, now) {
				report("write after read", l)
			}
		}
	}
	if !same && !atomic && last.block == now.block && last.warp == now.warp && last.op == now.op &&
		last.clock == now.clock && last.bytes&now.bytes != 0 && last.lane < now.lane && e.holds(int(last.lane), at) {
		report("write after write", last)
	}
	word.loads = [2]globalAccess{}
	word.store, word.value = *now, word.value&^mask|value&mask
}

// byteMask spreads a mask of bytes to bits.
func byteMask(bytes uint8) (m uint32) {
	for i := range 4 {
		if bytes>>i&1 != 0 {
			m |= 0xff << (8 * i)
		}
	}
	return m
}

// holds tells whether a lane of the event has the byte at as well.
func (e *globalEvent) holds(lane int, at uint64) bool {
	if e.mask>>lane&1 == 0 {
		return false
	}
	first := e.addr[bits.OnesCount32(e.mask&(1<<lane-1))]
	return at-first < uint64(e.bytes)
}

func (g *GlobalCheck) found(kind string, first, second *globalAccess, e *globalEvent, at uint64) {
	b := g.blocks[first.block-1]
	f := Finding{Kind: kind, Prog: e.block.prog, Block: e.block.index, Space: memory.SpaceGlobal, Cycle: e.cycle,
		Addr: at, Start: at, Bytes: uint64(e.bytes), First: b.thread(first), Second: e.block.thread(second),
		Other: b.index}
	g.report(f)
}

// report keeps a finding unless the same pair of instructions has one.
func (g *GlobalCheck) report(f Finding) {
	if k := f.key(); !g.seen[k] {
		if g.seen == nil {
			g.seen = map[findingKey]bool{}
		}
		g.seen[k] = true
		g.Findings = append(g.Findings, f)
	}
}

// thread names the thread of an access.
func (b *globalBlock) thread(a *globalAccess) ThreadAccess {
	return threadOf(b.dim, int(a.warp), int(a.lane), a.op)
}

// global says what a race on global memory is.
func (f *Finding) global(where string) string {
	order := "no barrier or fence between"
	if f.First.InBlock == f.Second.InBlock && f.Other == f.Block {
		order = "in one instruction"
	}
	at, first, second := f.Other, f.First.text(f.Prog), f.Second.text(f.Prog)
	return fmt.Sprintf("%s: race on global memory at %#x (%s, %s)\n", where, f.Addr, f.Kind, order) +
		fmt.Sprintf("  block (%d,%d,%d), %s\n", at[0], at[1], at[2], first) +
		fmt.Sprintf("  block (%d,%d,%d), %s", f.Block[0], f.Block[1], f.Block[2], second)
}

// Limit says what the check has not looked at, "" where it has looked at all.
func (g *GlobalCheck) Limit() string {
	if !g.full {
		return ""
	}
	return fmt.Sprintf("the check for races on global memory looked at the first %d MiB that the launch touched only",
		MaxGlobalWords*4>>20)
}
