package exec

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// Check looks for errors that change no value here but may on hardware; one belongs to one SM. It costs time: a block's
// shared memory has a record a byte.
//
// Races are pairs of accesses to one byte of shared memory by different warps, at least one of them a plain store, that
// no barrier orders. Which accesses a barrier orders follows from vector clocks of the block's warps, so named
// barriers, bar.arrive and warps that have exited count as they should (Flanagan and Freund, "FastTrack", PLDI 2009).
// The threads of a warp run in lockstep on this hardware and need no barrier; two of them that store different values
// to one byte in one instruction are a race. Two atomics are none. Warps that store one value to one place, as many do
// to clear it, and read it only after their own store, cannot see a difference: such a race is benign, and reported on
// request.
//
// Divergence is a barrier that part of a warp's threads reach while others are elsewhere; Shuffles are reads of the
// register of a thread that takes no part.
//
// Uninitialised reads are of bytes of shared or local memory that the block or the thread has not written; those of
// device memory are GlobalCheck's.
type Check struct {
	Races, Uninit        bool
	Benign               bool // races of one value, too
	Divergence, Shuffles bool
	Global               bool      // notes accesses to global memory for a GlobalCheck
	Constants            bool      // loads beyond a constant bank's end, and stores into Variables
	Variables            []Range   // __constant__ variables in device memory
	Findings             []Finding // one for each pair of instructions

	seen   map[findingKey]bool
	events []globalEvent // for GlobalCheck.Settle
}

// Range is the addresses from From on, below To.
type Range struct{ From, To uint64 }

// Finding is what a Check found, where it did so first.
type Finding struct {
	Kind          string // "write after read" …; "" is an uninitialised read
	Prog          *lower.Program
	Block         [3]uint32
	Space         memory.Space
	Addr          uint64 // byte offset in the block's shared or the thread's local memory
	Start, Bytes  uint64 // of the second access
	Cycle         int64  // of the second access
	First, Second ThreadAccess
	Other         [3]uint32 // block of the first access, in global memory
	Where         string    // what the address is a part of, of unwritten memory
}

// ThreadAccess is one thread's execution of one instruction.
type ThreadAccess struct {
	Op      int32 // index into Prog.Ops
	Thread  [3]uint32
	InBlock int // warp number in its block
	Lane    int
}

// Kinds of findings that are no pairs of accesses.
const (
	kindDivergence = "divergence"
	kindShuffle    = "shuffle"
	kindBeyond     = "constant beyond"
	kindInto       = "constant written"
	kindUnwritten  = "unwritten"
)

// barrier checks that all threads of a warp that have not exited reach a barrier together.
func (c *Check) barrier(w *Warp, mask uint32, pc int32, cycle int64) {
	if !c.Divergence || mask == w.Live {
		return
	}
	lane := bits.TrailingZeros32(mask)
	c.found(Finding{Kind: kindDivergence, Prog: w.Block.Prog, Block: w.Block.Index, Cycle: cycle,
		Start: uint64(bits.OnesCount32(mask)),
		Bytes: uint64(bits.OnesCount32(w.Live)), First: ThreadAccess{Op: -1}, Second: w.thread(w.InBlock, lane, pc)})
}

// shuffle checks that lane, for the threads in mask, reads from one of them.
func (c *Check) shuffle(w *Warp, pc int32, lane, from int, mask uint32, cycle int64) {
	if !c.Shuffles || mask>>from&1 != 0 {
		return
	}
	c.found(Finding{Kind: kindShuffle, Prog: w.Block.Prog, Block: w.Block.Index, Cycle: cycle, Start: uint64(from),
		First: ThreadAccess{Op: -1}, Second: w.thread(w.InBlock, lane, pc)})
}

type findingKey struct {
	kind          string
	first, second int32
}

func (f *Finding) String() string {
	where := fmt.Sprintf("kernel %s, block (%d,%d,%d)", f.Prog.Name, f.Block[0], f.Block[1], f.Block[2])
	if f.Kind == "" {
		space := "shared"
		if f.Space == memory.SpaceLocal {
			space = "local"
		}
		return fmt.Sprintf("%s: byte %#x of %s memory is read before it is written\n  %s", where, f.Addr, space,
			f.Second.text(f.Prog))
	}
	switch f.Kind {
	case kindDivergence:
		return fmt.Sprintf("%s: barrier in divergent code: %d of the warp's %d threads reach it\n  %s", where, f.Start,
			f.Bytes, f.Second.text(f.Prog))
	case kindShuffle:
		return fmt.Sprintf("%s: shuffle from lane %d, which takes no part in it\n  %s", where, f.Start,
			f.Second.text(f.Prog))
	case kindBeyond:
		return fmt.Sprintf("%s: %d bytes at %#x of constant bank %d, which has %d bytes: beyond the end\n  %s", where,
			f.Bytes, f.Start,
			f.Prog.Ops[f.Second.Op].Aux, len(f.Prog.Const[f.Prog.Ops[f.Second.Op].Aux]), f.Second.text(f.Prog))
	case kindInto:
		return fmt.Sprintf("%s: store of %d bytes at %#x, into a __constant__ variable\n  %s", where, f.Bytes, f.Start,
			f.Second.text(f.Prog))
	}
	switch {
	case f.Kind == kindUnwritten:
		return fmt.Sprintf("%s: %d bytes at %#x of device memory are read, and nobody has written %s\n  %s", where,
			f.Bytes, f.Start, f.Where, f.Second.text(f.Prog))
	case f.Space == memory.SpaceGlobal:
		return f.global(where)
	}
	order := "no barrier between"
	if f.First.InBlock == f.Second.InBlock {
		order = "in one instruction"
	}
	return fmt.Sprintf("%s: race on byte %#x of shared memory (%s, %s), in an access of %d bytes at %#x\n  %s\n  %s",
		where, f.Addr, f.Kind, order,
		f.Bytes, f.Start, f.First.text(f.Prog), f.Second.text(f.Prog))
}

func (a *ThreadAccess) text(p *lower.Program) string {
	return fmt.Sprintf("thread (%d,%d,%d), warp %d lane %d: %s", a.Thread[0], a.Thread[1], a.Thread[2], a.InBlock,
		a.Lane, p.Place(a.Op))
}

// CheckError lists what the checks of a launch found. The launch has run to its end.
type CheckError struct {
	Findings []Finding
	Limit    string // what was not looked at, "" = nothing
}

// NewCheckError returns the findings of all SMs and of global, if it is not nil, in order of time, one for each pair of
// instructions; nil if there are none.
func NewCheckError(checks []*Check, global *GlobalCheck) error {
	e := &CheckError{}
	for _, c := range checks {
		e.Findings = append(e.Findings, c.Findings...)
	}
	if global != nil {
		global.Settle(checks)
		e.Findings = append(e.Findings, global.Findings...)
		e.Limit = global.Limit()
	}
	sort.SliceStable(e.Findings, func(i, j int) bool { return e.Findings[i].Cycle < e.Findings[j].Cycle })
	seen := map[findingKey]bool{}
	n := 0
	for _, f := range e.Findings {
		if k := f.key(); !seen[k] {
			seen[k] = true
			e.Findings[n] = f
			n++
		}
	}
	if e.Findings = e.Findings[:n]; n == 0 && e.Limit == "" {
		return nil
	}
	return e
}

func (e *CheckError) Error() string {
	const most = 10
	var b strings.Builder
	for i := range e.Findings {
		if i == most {
			fmt.Fprintf(&b, "\nand %d more", len(e.Findings)-most)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Findings[i].String())
	}
	if e.Limit != "" {
		if len(e.Findings) > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Limit)
	}
	return b.String()
}

func (f *Finding) key() findingKey { return findingKey{f.Kind, f.First.Op, f.Second.Op} }

// shadow is what a Check knows of one block.
type shadow struct {
	check  *Check
	clocks [][]uint32   // of each warp: how far it has seen each of the others
	bars   [16][]uint32 // of each barrier: what those that arrived have seen
	exited []uint32     // the same of the warps that have exited
	writes []wrote      // by byte of shared memory: the last store or atomic
	reads  [][]readBy   // by byte: the loads since, one a warp
	valid  []bool       // by byte: written
	local  []bool       // the same for the local memory of all warps
	global *globalBlock // for GlobalCheck
	seen   [][]uint32   // of each warp: its clocks when it last changed them, nil = not asked for since
}

type wrote struct {
	clock   uint32 // of the warp, 0 = no access
	op      int32
	warp    uint8
	lane    uint8
	value   uint8
	atomic  bool
	writers uint32 // warps that have stored this value since another one was there
}

type readBy struct {
	clock uint32
	op    int32
	warp  uint8
	lane  uint8
}

// begin readies the shadow of a fresh block.
func (c *Check) begin(b *Block) {
	n := len(b.Warps)
	s := &shadow{check: c, exited: make([]uint32, n)}
	for i := range n {
		v := make([]uint32, n)
		v[i] = 1
		s.clocks = append(s.clocks, v)
	}
	if c.Races {
		s.writes = make([]wrote, len(b.Shared))
		s.reads = make([][]readBy, len(b.Shared))
	}
	if c.Uninit {
		s.valid = make([]bool, len(b.Shared))
		s.local = make([]bool, len(b.local))
	}
	if c.Global {
		s.global = &globalBlock{prog: b.Prog, index: b.Index, dim: b.Dim}
	}
	s.seen = make([][]uint32, n)
	b.shadow = s
}

func join(to, from []uint32) {
	for i, v := range from {
		to[i] = max(to[i], v)
	}
}

// arrive notes that a warp arrived at barrier id.
func (s *shadow) arrive(w *Warp, id int) {
	if s.bars[id] == nil {
		s.bars[id] = make([]uint32, len(s.clocks))
	}
	own := s.clocks[w.InBlock]
	join(s.bars[id], own)
	own[w.InBlock]++
	s.seen[w.InBlock] = nil
}

// complete notes that barrier id lets the waiting warps go on; whole says that it was for the whole block.
func (s *shadow) complete(id int, waiting uint64, whole bool) {
	for ; waiting != 0; waiting &= waiting - 1 {
		i := bits.TrailingZeros64(waiting)
		own := s.clocks[i]
		s.seen[i] = nil
		join(own, s.bars[id])
		if whole {
			join(own, s.exited)
		}
	}
	s.bars[id] = nil
}

// exit notes that all threads of a warp have exited.
func (s *shadow) exit(w *Warp) { join(s.exited, s.clocks[w.InBlock]) }

// thread names lane of w executing op.
func (w *Warp) thread(warp, lane int, op int32) ThreadAccess {
	return threadOf(w.Block.Dim, warp, lane, op)
}

// threadOf names a lane of a warp of a block of that shape, executing op.
func threadOf(d [3]uint32, warp, lane int, op int32) ThreadAccess {
	t := uint32(warp*32 + lane)
	return ThreadAccess{Op: op, Thread: [3]uint32{t % d[0], t / d[0] % d[1], t / (d[0] * d[1])}, InBlock: warp,
		Lane: lane}
}

func (c *Check) found(f Finding) {
	if k := f.key(); !c.seen[k] {
		if c.seen == nil {
			c.seen = map[findingKey]bool{}
		}
		c.seen[k] = true
		c.Findings = append(c.Findings, f)
	}
}

// access checks the memory instruction that has just been executed; its addresses are in x.Access.
func (c *Check) access(x *Exec, w *Warp, op *lower.Op, pc int32, mask uint32) {
	if c.Constants {
		c.constants(x, w, op, pc, mask)
	}
	switch op.Code {
	case lower.CodeLDS, lower.CodeSTS, lower.CodeATOMS:
		c.shared(x, w, op, pc, mask)
	case lower.CodeLDSM:
		c.shared(x, w, op, pc, x.Access.Mask)
	case lower.CodeLDGSTS:
		if c.Global {
			c.noteAccess(x, w, op, pc, x.Access.Mask)
		}
		load := x.Access
		x.Access = x.Copied
		c.shared(x, w, op, pc, mask)
		x.Access = load
	case lower.CodeLDL, lower.CodeSTL:
		c.local(x, w, op, pc, mask)
	case lower.CodeLD, lower.CodeST:
		var shared, local uint32
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			switch a := x.Access.Addr[i]; {
			case a < memory.WindowBytes:
				shared |= 1 << i
			case a >= memory.LocalBase:
				local |= 1 << i
			}
		}
		c.shared(x, w, op, pc, shared)
		c.local(x, w, op, pc, local)
		if c.Global {
			c.noteAccess(x, w, op, pc, mask&^shared&^local)
		}
	case lower.CodeATOM:
		if x.Access.Space == memory.SpaceShared {
			c.shared(x, w, op, pc, x.Access.Mask)
		} else if c.Global && x.Access.Mask != 0 {
			c.noteAccess(x, w, op, pc, x.Access.Mask)
		}
	case lower.CodeLDG, lower.CodeSTG:
		if c.Global {
			c.noteAccess(x, w, op, pc, mask)
		}
	}
}

// constants checks that a load of constants stays in its bank, and that nothing is stored into a __constant__ variable.
func (c *Check) constants(x *Exec, w *Warp, op *lower.Op, pc int32, mask uint32) {
	kind := ""
	outside := func(a uint64) bool { return a+uint64(x.Access.Bytes) > uint64(len(w.Block.Prog.Const[op.Aux])) }
	switch op.Code {
	case lower.CodeLDC:
		kind = kindBeyond
	case lower.CodeSTG, lower.CodeST, lower.CodeATOM:
		kind = kindInto
		outside = func(a uint64) bool {
			to := a + uint64(x.Access.Bytes)
			return slices.ContainsFunc(c.Variables, func(r Range) bool { return a < r.To && to > r.From })
		}
	default:
		return
	}
	for m := mask; m != 0; m &= m - 1 {
		lane := bits.TrailingZeros32(m)
		if a := x.Access.Addr[lane]; outside(a) {
			c.found(Finding{Kind: kind, Prog: w.Block.Prog, Block: w.Block.Index, Cycle: x.Clock, Start: a,
				Bytes: uint64(x.Access.Bytes),
				First: ThreadAccess{Op: -1}, Second: w.thread(w.InBlock, lane, pc)})
		}
	}
}

func (c *Check) shared(x *Exec, w *Warp, op *lower.Op, pc int32, mask uint32) {
	s := w.Block.shadow
	own := s.clocks[w.InBlock]
	now := own[w.InBlock]
	load := op.Code == lower.CodeLDS || op.Code == lower.CodeLD || op.Code == lower.CodeLDSM
	atomic := op.Code == lower.CodeATOMS || op.Code == lower.CodeATOM
	for m := mask; m != 0; m &= m - 1 {
		lane := bits.TrailingZeros32(m)
		for k := range uint64(x.Access.Bytes) {
			at := x.Access.Addr[lane] + k
			report := func(kind string, first ThreadAccess) {
				c.found(Finding{Kind: kind, Prog: w.Block.Prog, Block: w.Block.Index, Space: memory.SpaceShared,
					Addr: at, Cycle: x.Clock,
					Start: x.Access.Addr[lane], Bytes: uint64(x.Access.Bytes), First: first,
					Second: w.thread(w.InBlock, lane, pc)})
			}
			race := func(kind string, first ThreadAccess, benign bool) {
				if !benign {
					report(kind, first)
				} else if c.Benign {
					report(kind+" of the same value", first)
				}
			}
			if c.Uninit {
				if (load || atomic) && !s.valid[at] {
					report("", ThreadAccess{Op: -1})
				}
				s.valid[at] = true
			}
			if !c.Races {
				continue
			}
			last := &s.writes[at]
			unordered := last.clock != 0 && int(last.warp) != w.InBlock && own[last.warp] < last.clock
			if load {
				if unordered {
					race("read after write", w.thread(int(last.warp), int(last.lane), last.op),
						last.writers>>w.InBlock&1 != 0)
				}
				s.read(at, readBy{now, pc, uint8(w.InBlock), uint8(lane)})
				continue
			}
			value := w.Block.Shared[at]
			if !atomic && op.Code != lower.CodeLDGSTS {
				value = byte(w.row(op.C + lower.Src(k/4))[lane] >> (k % 4 * 8))
			}
			same := !atomic && last.clock != 0 && last.value == value && !last.atomic
			if unordered && !(atomic && last.atomic) {
				race("write after write", w.thread(int(last.warp), int(last.lane), last.op), same)
			}
			if !same && !atomic && last.clock == now && int(last.warp) == w.InBlock && last.op == pc &&
				s.thisTime(x, at, lane, mask) {
				report("write after write", w.thread(w.InBlock, int(last.lane), pc))
			}
			for _, r := range s.reads[at] {
				if int(r.warp) != w.InBlock && own[r.warp] < r.clock {
					race("write after read", w.thread(int(r.warp), int(r.lane), r.op),
						same && last.writers>>r.warp&1 != 0)
				}
			}
			s.reads[at] = s.reads[at][:0]
			writers := uint32(1) << w.InBlock
			if same {
				writers |= last.writers
			}
			*last = wrote{now, pc, uint8(w.InBlock), uint8(lane), value, atomic, writers}
		}
	}
}

// thisTime reports whether the lane that wrote byte at last did so in this execution of the instruction and not in an
// earlier one of a loop: its address holds the byte now.
func (s *shadow) thisTime(x *Exec, at uint64, lane int, mask uint32) bool {
	last := int(s.writes[at].lane)
	return last < lane && mask>>last&1 != 0 && at-x.Access.Addr[last] < uint64(x.Access.Bytes)
}

// read notes a load, in place of an earlier one of the same warp.
func (s *shadow) read(at uint64, r readBy) {
	for i := range s.reads[at] {
		if s.reads[at][i].warp == r.warp {
			s.reads[at][i] = r
			return
		}
	}
	s.reads[at] = append(s.reads[at], r)
}

func (c *Check) local(x *Exec, w *Warp, op *lower.Op, pc int32, mask uint32) {
	if !c.Uninit {
		return
	}
	size := uint64(w.Block.Prog.LocalBytes)
	valid := w.Block.shadow.local[uint64(w.InBlock)*32*size:]
	for m := mask; m != 0; m &= m - 1 {
		lane := bits.TrailingZeros32(m)
		from := memory.LocalOffset(x.Access.Addr[lane], size)
		for k := range uint64(x.Access.Bytes) {
			v := &valid[uint64(lane)*size+from+k]
			if !*v && (op.Code == lower.CodeLDL || op.Code == lower.CodeLD) {
				c.found(Finding{Prog: w.Block.Prog, Block: w.Block.Index, Space: memory.SpaceLocal, Addr: from + k,
					Cycle: x.Clock,
					First: ThreadAccess{Op: -1}, Second: w.thread(w.InBlock, lane, pc)})
			}
			*v = true
		}
	}
}
