package timing

import (
	"fmt"
	"math/bits"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
)

// Hazards looks for control words that let an instruction go before hardware would have its operands: a stall count
// that is too short, a barrier that is not waited for. Values are computed in program order here, so that such code
// runs as if it were right; on hardware it reads what was there before. One Hazards belongs to one SM.
//
// Time is that of the stall counts alone, as the compiler counts it: what else holds a warp up is luck. A fixed-latency
// result is ready after its unit's latency, a predicate after predicate_latency; units that read their operands late
// (read) may be issued that much before. A variable-latency result is ready when an instruction has waited for its
// barrier; one without a barrier is served in order, so the next barrier of its queue stands for it too: conversions
// and the special functions are one queue. A wait for a barrier takes at least until the latency of what set it is
// over. Registers that a variable-latency instruction reads may not be written before its read barrier was waited for;
// one without a read barrier is taken to read them in time, because ptxas leaves it out where enough instructions lie
// between. A double-precision instruction is known to read late: see lateReads. A barrier takes barrier_set cycles to
// take effect.
type Hazards struct {
	Findings []Hazard // one for each pair of instructions

	cfg   *Config
	units [lower.NumUnits]UnitTiming
	seen  map[hazardKey]bool
	warps [maxSchedulers * maxWarpsPerScheduler]*warpHazards // by slot
}

// Hazard is what Hazards found, where it did so first.
type Hazard struct {
	Prog          *lower.Program
	Block         [3]uint32
	Warp          int   // number in its block
	First, Second int32 // indices into Prog.Ops
	Text          string
}

func (f *Hazard) String() string {
	return fmt.Sprintf("kernel %s, block (%d,%d,%d), warp %d: %s\n  %s\n  %s", f.Prog.Name, f.Block[0], f.Block[1],
		f.Block[2], f.Warp, f.Text,
		f.Prog.Place(f.First), f.Prog.Place(f.Second))
}

// hazardKey is a pair of instructions, of a kernel where several are looked at.
type hazardKey struct {
	kernel        string
	first, second int32
}

// NewHazards returns a check for an SM with the figures of cfg.
func NewHazards(cfg *Config) *Hazards {
	return &Hazards{cfg: cfg, units: cfg.Units.Table(), seen: map[hazardKey]bool{}}
}

// noBarrier in place of a barrier.
const noBarrier = 7

// operandState is what is known of a register or a predicate of a warp.
type operandState struct {
	ready   int64  // a fixed-latency result is there
	lanes   uint32 // threads of the last result
	writer  int32  // instruction that made it
	barrier uint8  // of a variable-latency result that nobody waited for yet
	pending bool   // there is such a result
	readers uint32 // threads of a variable-latency instruction that may still have to read it
	reader  int32
	held    uint8 // barrier that says that it has; none: it has read by cycle readBy
	readBy  int64
}

// flying is a variable-latency instruction under way.
type flying struct {
	op        int32
	done      int64 // clock at which it can be done at the earliest
	dst       lower.Span
	preds     uint8
	src       [4]lower.Span
	unit      lower.Unit
	completed bool // its barrier stands for its end, not only for having read its operands
}

// warpHazards is what is known of a warp.
type warpHazards struct {
	clock   int64 // by stall counts alone
	regs    [256]operandState
	preds   [8]operandState // the last is the condition code
	barrier [6][]flying     // in order of issue
	set     [6]int64        // clock at which each was last set
	setter  [6]int32
	loose   []flying // without a barrier
}

// Start forgets all about the slot of a warp that begins.
func (h *Hazards) Start(w *exec.Warp) {
	if h.warps[w.Slot] == nil {
		h.warps[w.Slot] = &warpHazards{}
	}
	s := h.warps[w.Slot]
	barrier := s.barrier
	for b := range barrier {
		barrier[b] = barrier[b][:0]
	}
	*s = warpHazards{clock: 1 << 20, barrier: barrier, loose: s.loose[:0]} // long after whatever was before
}

// Issue checks the instruction at pc of w, for the threads in mask, and notes what it does.
func (h *Hazards) Issue(w *exec.Warp, op *lower.Op, pc int32, mask uint32) {
	s := h.warps[w.Slot]
	u := &w.Block.Prog.Uses[pc]
	for wait := op.Wait &^ lower.WaitCount; wait != 0; wait &= wait - 1 {
		h.wait(w, uint8(bits.TrailingZeros8(wait)), 0, pc)
	}
	if op.Wait&lower.WaitCount != 0 {
		h.wait(w, op.Size, int(op.Imm), pc)
	}
	t := s.clock
	s.clock += h.stall(w, op)
	timing := h.units[op.Unit]
	reads := t + int64(timing.Read)
	if op.Code == lower.CodeDSETP || op.Code == lower.CodeDSET {
		reads += compareRead
	}
	guard := uint8(0)
	if op.Guard < isa.PT {
		guard = 1 << op.Guard
	}
	h.preads(w, u.Reads&guard, w.Active, pc, t)
	h.preads(w, u.Reads&^guard, mask, pc, t) // of threads that the guard stops nothing is read
	variable := op.WrBar < 6
	if !variable {
		switch op.Unit {
		case lower.UnitShared, lower.UnitGlobal, lower.UnitConst, lower.UnitSFU, lower.UnitConvert, lower.UnitConvert64,
			lower.UnitSReg:
			variable = true
		case lower.UnitFP64, lower.UnitFP16, lower.UnitImul: // of Volta and later as fixed as any
			variable = !w.Block.Prog.Independent
		}
	}
	if mask == 0 { // barriers are set and waited for whatever the guard
		h.fly(w, op, &lower.Uses{}, pc, t, 0, variable)
		return
	}
	for _, r := range u.Src {
		for i := range int(r.N) {
			reg := int(r.Reg) + i
			x := &s.regs[reg]
			if x.lanes&mask == 0 {
				continue
			}
			switch {
			case x.pending:
				h.found(w, x.writer, pc, fmt.Sprintf("R%d is read, %s", reg, unwaited(x.barrier)))
			case x.ready > reads:
				h.found(w, x.writer, pc,
					fmt.Sprintf("R%d is read %d cycles after it was computed, by stall counts; it takes %d",
						reg, reads-x.ready+int64(h.latency(w, x.writer)), h.latency(w, x.writer)))
			}
		}
	}
	for i := range int(u.Dst.N) {
		reg := int(u.Dst.Reg) + i
		x := &s.regs[reg]
		if x.lanes&mask != 0 || x.readers&mask != 0 {
			h.overwrite(w, x, reg, op.Unit, mask, pc, t)
		}
		h.write(x, variable, op.WrBar, t+int64(timing.Latency), mask, pc)
	}
	for m := u.Writes; m != 0; m &= m - 1 {
		p := bits.TrailingZeros8(m)
		latency := h.cfg.PredicateLatency
		if p == 7 {
			latency = timing.Latency
		}
		h.write(&s.preds[p], op.WrBar < 6, op.WrBar, t+int64(latency), mask, pc)
	}
	h.fly(w, op, u, pc, t, mask, variable)
}

// stall is the instruction's stall count. Without the yield flag 14 is taken for 9 cycles, at which libraries' code has
// no hazards; double-precision results read right after it need at least 8. Time in the simulator has 7: see
// stallCycles.
func (h *Hazards) stall(w *exec.Warp, op *lower.Op) int64 {
	if c := w.Block.Prog.Control(op); c.Stall == 14 && !c.Yield {
		return 9
	}
	return int64(op.Stall)
}

// compareRead is the cycles after its issue at which DSETP and DSET read: compiled code lets them go 4 cycles after a
// result that takes 6, never sooner, and lets DADD, DMUL and DFMA go after 6 (docs/design/sm.md).
const compareRead = 2

// queue is the unit that stands for all that are served in one order: compiled code lets one barrier stand for a
// conversion and a special function before it.
func queue(u lower.Unit) lower.Unit {
	if u == lower.UnitConvert || u == lower.UnitConvert64 {
		return lower.UnitSFU
	}
	return u
}

// latency is the latency of the unit that runs the instruction at pc.
func (h *Hazards) latency(w *exec.Warp, pc int32) int { return h.units[w.Ops[pc].Unit].Latency }

func unwaited(b uint8) string {
	if b == noBarrier {
		return "and no barrier says when it is there"
	}
	return fmt.Sprintf("and nothing has waited for barrier SB%d", b)
}

// preads checks predicates that an instruction reads at cycle t.
func (h *Hazards) preads(w *exec.Warp, reads uint8, mask uint32, pc int32, t int64) {
	for m := reads; m != 0; m &= m - 1 {
		p := bits.TrailingZeros8(m)
		x := &h.warps[w.Slot].preds[p]
		name, takes := fmt.Sprintf("P%d", p), h.cfg.PredicateLatency
		if p == 7 {
			name, takes = "CC", h.units[lower.UnitFP32].Latency
		}
		switch {
		case x.lanes&mask == 0:
		case x.pending:
			h.found(w, x.writer, pc, fmt.Sprintf("%s is read, %s", name, unwaited(x.barrier)))
		case x.ready > t:
			h.found(w, x.writer, pc,
				fmt.Sprintf("%s is read %d cycles after it was computed, by stall counts; it takes %d", name,
					t-x.ready+int64(takes), takes))
		}
	}
}

// overwrite checks a register that is about to be written.
func (h *Hazards) overwrite(w *exec.Warp, x *operandState, reg int, unit lower.Unit, mask uint32, pc int32, t int64) {
	if x.pending && x.lanes&mask != 0 && queue(w.Ops[x.writer].Unit) != queue(unit) { // a queue works in order
		h.found(w, x.writer, pc, fmt.Sprintf("R%d is written twice, %s", reg, unwaited(x.barrier)))
	}
	switch {
	case x.readers&mask == 0 || queue(w.Ops[x.reader].Unit) == queue(unit):
	case x.held == noBarrier && t < x.readBy:
		h.found(w, x.reader, pc,
			fmt.Sprintf("R%d is overwritten %d cycles after a double-precision instruction began to read it, by stall "+
				"counts, and nothing has waited for that; it may take %d", reg, t-x.readBy+h.lateReads(),
				h.lateReads()))
	case x.held != noBarrier:
		h.found(w, x.reader, pc,
			fmt.Sprintf("R%d is overwritten while it may still be read: nothing has waited for barrier SB%d", reg,
				x.held))
	}
}

// lateReads is the cycles within which a double-precision instruction without a read barrier may still read its
// operands: as long as its unit is busy with a warp. Compiled code waits before it overwrites them, or does so 38
// cycles later (docs/design/sm.md).
func (h *Hazards) lateReads() int64 { return int64(h.units[lower.UnitFP64].Interval) }

// write notes a result.
func (h *Hazards) write(x *operandState, variable bool, barrier uint8, ready int64, mask uint32, pc int32) {
	if x.pending || x.ready > ready {
		mask |= x.lanes // threads of another path whose result is not there yet
	}
	x.lanes, x.writer, x.ready = mask, pc, ready
	x.pending, x.barrier = variable, noBarrier
	if barrier < 6 {
		x.barrier = barrier
	}
}

// fly notes the barriers that an instruction sets, and adopts earlier ones of its unit that have none.
func (h *Hazards) fly(w *exec.Warp, op *lower.Op, u *lower.Uses, pc int32, t int64, mask uint32, variable bool) {
	s := h.warps[w.Slot]
	timing := h.units[op.Unit]
	f := flying{op: pc, done: t + int64(timing.Latency), dst: u.Dst, preds: u.Writes, src: u.Src, unit: op.Unit,
		completed: true}
	if op.WrBar < 6 {
		kept := s.loose[:0]
		for _, x := range s.loose {
			if queue(x.unit) != queue(op.Unit) {
				kept = append(kept, x)
				continue
			}
			h.assign(s, &x, op.WrBar)
			s.barrier[op.WrBar] = append(s.barrier[op.WrBar], x)
		}
		s.loose = kept
		s.barrier[op.WrBar] = append(s.barrier[op.WrBar], f)
		s.set[op.WrBar], s.setter[op.WrBar] = t, pc
	} else if variable && u.Dst.N > 0 {
		s.loose = append(s.loose, f)
	}
	held := op.RdBar
	if held < 6 {
		s.barrier[held] = append(s.barrier[held], flying{op: pc, done: t + int64(timing.Read), src: u.Src,
			unit: op.Unit})
		s.set[held], s.setter[held] = t, pc
	} else if held = noBarrier; op.Unit != lower.UnitFP64 {
		return
	}
	for _, r := range u.Src {
		for i := range int(r.N) {
			x := &s.regs[int(r.Reg)+i]
			if held == noBarrier && x.readers&mask != 0 && x.held != noBarrier {
				continue // an earlier reader's barrier is still to be waited for
			}
			x.readers, x.reader, x.held, x.readBy = mask, pc, held, t+h.lateReads()
		}
	}
}

// assign gives a result that had no barrier one.
func (h *Hazards) assign(s *warpHazards, f *flying, b uint8) {
	for i := range int(f.dst.N) {
		if x := &s.regs[int(f.dst.Reg)+i]; x.pending && x.writer == f.op {
			x.barrier = b
		}
	}
}

// wait notes that the instruction at pc waits until at most n instructions hold barrier b.
func (h *Hazards) wait(w *exec.Warp, b uint8, n int, pc int32) {
	s := h.warps[w.Slot]
	list := s.barrier[b]
	t := s.clock
	if n == 0 && len(list) > 0 && t < s.set[b]+int64(h.cfg.BarrierSet) {
		h.found(w, s.setter[b], pc,
			fmt.Sprintf("barrier SB%d is waited for %d cycles after it was set, by stall counts; it takes %d", b,
				t-s.set[b], h.cfg.BarrierSet))
	}
	done := max(len(list)-n, 0)
	for i := range list[:done] {
		s.clock = max(s.clock, list[i].done)
	}
	t = s.clock
	for i := range list[:done] {
		f := &list[i]
		if f.completed {
			for k := range int(f.dst.N) {
				if x := &s.regs[int(f.dst.Reg)+k]; x.writer == f.op && x.barrier == b {
					x.pending, x.ready = false, t
				}
			}
			for m := f.preds; m != 0; m &= m - 1 {
				if x := &s.preds[bits.TrailingZeros8(m)]; x.writer == f.op && x.barrier == b {
					x.pending, x.ready = false, t
				}
			}
		}
		for _, r := range f.src {
			for k := range int(r.N) {
				if x := &s.regs[int(r.Reg)+k]; x.reader == f.op {
					x.readers = 0
				}
			}
		}
	}
	s.barrier[b] = list[:copy(list, list[done:])]
}

// found keeps a finding unless the same pair of instructions has one.
func (h *Hazards) found(w *exec.Warp, first, second int32, text string) {
	k := hazardKey{"", first, second}
	if h.seen[k] {
		return
	}
	h.seen[k] = true
	h.Findings = append(h.Findings, Hazard{Prog: w.Block.Prog, Block: w.Block.Index, Warp: w.InBlock, First: first,
		Second: second, Text: text})
}

// HazardError lists the hazards of a launch, which has run to its end.
type HazardError struct{ Findings []Hazard }

// NewHazardError returns the findings of all SMs, one for each pair of instructions; nil if there are none.
func NewHazardError(checks []*Hazards) error {
	e := &HazardError{}
	seen := map[hazardKey]bool{}
	for _, h := range checks {
		for _, f := range h.Findings {
			if k := (hazardKey{f.Prog.Name, f.First, f.Second}); !seen[k] {
				seen[k] = true
				e.Findings = append(e.Findings, f)
			}
		}
	}
	if len(e.Findings) == 0 {
		return nil
	}
	return e
}

func (e *HazardError) Error() string {
	const most = 10
	text := ""
	for i := range e.Findings {
		if i == most {
			return text + fmt.Sprintf("\nand %d more", len(e.Findings)-most)
		}
		if i > 0 {
			text += "\n"
		}
		text += e.Findings[i].String()
	}
	return text
}
