// Package lower turns machine instructions into Ops, flat and without pointers: what to execute, on which unit, with
// which registers, and what the control word says. It knows the instruction set; it neither executes nor times.
package lower

import (
	"encoding/binary"
	"fmt"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
)

// LowerConfig is what Lower needs to know of a kernel and of the GPU beyond its code.
type LowerConfig struct {
	Name           string
	Registers      int    // a thread; 0 = as many as the code names
	End            uint32 // byte offset behind the kernel's code, in which its functions stand; 0 = end of its section
	LineBytes      int    // instruction cache line
	FirstLine      int32  // number of the code's first line, counted from the start of the device's code
	ConstLineBytes int    // constant cache line
	CacheLoads     bool   // global loads without a cache operator use L1 (isa.Kernel)
	Arch           int    // of the GPU, whose register banks count; 0 = as of the code
}

// poolRef says what a pool row holds: an immediate, or the word at a byte offset of a constant bank.
type poolRef struct {
	imm      uint32
	bank     uint8
	offset   uint16
	constant bool
}

// zeroRows is the number of zero rows at the start of the pool: RZ as the first of up to four registers.
const zeroRows = 4

// Lower turns linked code into Ops, one an instruction from the first to the last that can be reached in each section,
// for the kernel whose first instruction is at byte offset entry. An instruction that the kernel can reach and that
// cannot be executed is an error; others are not looked at.
func Lower(code *isa.Code, entry uint32, cfg LowerConfig) (*Program, error) {
	target := targets[code.Family]
	if target == nil {
		return nil, fmt.Errorf("kernel %s: code of %s is decoded but not executed", cfg.Name, code.Family.Name)
	}
	if _, ok := code.Section(entry); !ok || entry%code.Family.WordBytes != 0 {
		return nil, fmt.Errorf("kernel %s: entry %#x is not in the code", cfg.Name, entry)
	}
	l := &lowerer{cfg: cfg, code: code, target: target, refs: map[poolKey]Src{},
		p: &Program{Name: cfg.Name, Code: code, Start: entry / code.Family.GroupBytes * code.Family.GroupBytes,
			refs: make([]poolRef, zeroRows)}}
	if err := l.reach(l.index(entry)); err != nil {
		return nil, err
	}
	if cfg.Registers == 0 {
		l.p.Registers = l.registers
	} else {
		l.p.Registers = cfg.Registers
		if l.registers > cfg.Registers {
			return nil, fmt.Errorf("kernel %s: the code names R%d; the kernel has %d registers", cfg.Name,
				l.registers-1, cfg.Registers)
		}
	}
	l.p.Independent = target.independent
	l.banks()
	l.rows()
	l.runs()
	l.ahead()
	l.p.Pool = make([]Row, len(l.p.refs))
	return l.p, nil
}

// Bind returns the program of one launch: the same code, with its own constants. banks[0] holds the launch's
// dimensions and parameters. The words from which compiled code takes the generic windows are filled in.
func (p *Program) Bind(banks [18][]byte) *Program {
	q := *p
	abi := p.Code.Family.ABI
	c0 := make([]byte, max(len(banks[0]), int(abi.Params)))
	copy(c0, banks[0])
	for _, w := range []struct {
		at [2]uint32
		v  uint64
	}{{abi.SharedWindow, memory.SharedWindow}, {abi.LocalWindow, memory.LocalWindow}} {
		binary.LittleEndian.PutUint32(c0[w.at[0]:], uint32(w.v))
		binary.LittleEndian.PutUint32(c0[w.at[1]:], uint32(w.v>>32))
	}
	banks[0] = c0
	for i, b := range banks { // a last word of which the bank has a part: a parameter of one or two bytes
		if n := len(b) % 4; n != 0 {
			banks[i] = append(b[:len(b):len(b)], make([]byte, 4-n)...)
		}
	}
	q.Const = banks
	q.Pool = make([]Row, len(p.refs))
	for i, r := range p.refs {
		v := r.imm
		if r.constant {
			v = 0 // beyond the bank's contents: hardware banks are 64 KiB
			if b := banks[r.bank]; int(r.offset)+4 <= len(b) {
				v = binary.LittleEndian.Uint32(b[r.offset:])
			}
		}
		for lane := range q.Pool[i] {
			q.Pool[i][lane] = v
		}
	}
	return &q
}

type poolKey struct {
	lo, hi poolRef
	wide   bool
}

type lowerer struct {
	cfg       LowerConfig
	code      *isa.Code
	target    *target
	p         *Program
	parts     []*part // by address
	reuse     []uint8 // operand-reuse flags of the Ops
	refs      map[poolKey]Src
	registers int
	uniforms  int // uniform registers

	// the instruction being lowered
	in    *isa.Inst
	op    *Op
	next  int // operand
	use   *Uses
	setCC bool // by a second step, CodeSetCC
	seen  [10]bool
	err   error
}

// blankOp is an Op with what every instruction has: code, unit, guard and control word; it reads and writes nothing.
func blankOp(in *isa.Inst, how lowering) Op {
	return Op{Code: how.code, Unit: how.unit, Guard: in.Guard, GuardNot: in.GuardNot,
		NoGuard: in.Guard == isa.PT && !in.GuardNot,
		Dst:     isa.RZ, Width: 1, PDst: isa.PT, PDst2: isa.PT, PSrc: isa.PT, A: PoolZero, B: PoolZero, C: PoolZero,
		Imm2:  int32(isa.CCT),
		Stall: stallCycles(in.Control), Wait: in.Control.Wait, WrBar: in.Control.WriteBarrier,
		RdBar: in.Control.ReadBarrier, Yield: in.Control.Yield,
		Dual: in.Control.Stall == 0}
}

// control sets what words of 128 bits have otherwise than Maxwell's: no two instructions issue in one cycle, and stall
// counts are what they say. A stall of 0, which stands in front of nothing that runs, is taken for 1.
func (l *lowerer) control(op *Op, c isa.Control) {
	if l.target.independent {
		op.Dual = false
		op.Stall = max(c.Stall, 1)
	}
}

// understood reports an error of the lowering, and a suffix or an operand that it did not take.
func (l *lowerer) understood() error {
	if l.err != nil {
		return l.err
	}
	for k, m := range l.in.Mods[:l.in.NumMods] {
		if !l.seen[k] {
			return fmt.Errorf("suffix .%s is decoded but not executed", m)
		}
	}
	for l.next < int(l.in.NumOps) && l.harmless(&l.in.Operands[l.next]) {
		l.next++
	}
	if l.next < int(l.in.NumOps) {
		return fmt.Errorf("operand %d is decoded but not executed", l.next+1)
	}
	return nil
}

// stallCycles returns the cycles that a control word's stall count makes the warp wait. Counts from 12 on hold only
// with the yield flag set: without it 13 waits for 6 cycles (maxas wiki, "Control Codes"). ptxas agrees: where a result
// takes 13 cycles it writes 13 with the flag, and without it writes 13 where 6 are needed. That 12, 14 and 15 lose the
// same 7 is an assumption.
func stallCycles(c isa.Control) uint8 {
	if c.Stall >= 12 && !c.Yield {
		return c.Stall - 7
	}
	return c.Stall
}

// harmless reports whether an operand that a lowering did not take says nothing.
func (l *lowerer) harmless(o *isa.Operand) bool {
	switch o.Kind {
	case isa.KindReg:
		return o.Reg == isa.RZ
	case isa.KindPred:
		return o.Reg == isa.PT
	case isa.KindUPred:
		return o.Reg == isa.PT && !o.Not
	case isa.KindUniform:
		return o.Reg == isa.URZ
	case isa.KindCC:
		return isa.CCTest(o.Reg) == isa.CCT
	}
	return false
}

func (l *lowerer) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}

// has reports whether the instruction has suffix m, and marks it as understood.
func (l *lowerer) has(m isa.Mod) bool {
	found := false
	for k, x := range l.in.Mods[:l.in.NumMods] {
		if x == m {
			l.seen[k], found = true, true
		}
	}
	return found
}

// ignore marks suffixes as understood that change nothing here.
func (l *lowerer) ignore(mods ...isa.Mod) {
	for _, m := range mods {
		l.has(m)
	}
}

// flag sets flag f if the instruction has suffix m.
func (l *lowerer) flag(m isa.Mod, f uint32) bool {
	if l.has(m) {
		l.op.Flags |= f
		return true
	}
	return false
}

// pick returns the value of the first suffix in the table that the instruction has, and whether there is one.
func pick[T any](l *lowerer, table []choice[T]) (T, bool) {
	for k, x := range l.in.Mods[:l.in.NumMods] {
		if l.seen[k] {
			continue
		}
		for _, c := range table {
			if x == c.mod {
				l.seen[k] = true
				return c.value, true
			}
		}
	}
	var zero T
	return zero, false
}

type choice[T any] struct {
	mod   isa.Mod
	value T
}

var roundings = []choice[uint32]{{isa.ModRM, RoundDown}, {isa.ModRP, RoundUp}, {isa.ModRZ, RoundZero},
	{isa.ModRN, RoundNearest}}

var integralModes = []choice[uint32]{{isa.ModFLOOR, RoundDown}, {isa.ModCEIL, RoundUp}, {isa.ModTRUNC, RoundZero},
	{isa.ModROUND, RoundNearest}}

// comparisons: the ordered ones, those that hold for unordered operands too, and the constants.
var comparisons = []choice[uint32]{
	{isa.ModF, 0}, {isa.ModLT, CmpLT}, {isa.ModEQ, CmpEQ}, {isa.ModLE, CmpLT | CmpEQ}, {isa.ModGT, CmpGT},
	{isa.ModNE, CmpLT | CmpGT},
	{isa.ModGE, CmpGT | CmpEQ}, {isa.ModNUM, CmpLT | CmpEQ | CmpGT}, {isa.ModNAN, CmpUN}, {isa.ModLTU, CmpLT | CmpUN},
	{isa.ModEQU, CmpEQ | CmpUN}, {isa.ModLEU, CmpLT | CmpEQ | CmpUN}, {isa.ModGTU, CmpGT | CmpUN},
	{isa.ModNEU, CmpLT | CmpGT | CmpUN},
	{isa.ModGEU, CmpGT | CmpEQ | CmpUN}, {isa.ModT, 15}}

var booleans = []choice[uint32]{{isa.ModAND, BoolAND}, {isa.ModOR, BoolOR}, {isa.ModXOR, BoolXOR}}

var integerTypes = []choice[uint8]{{isa.ModU8, SizeU8}, {isa.ModS8, SizeS8}, {isa.ModU16, SizeU16},
	{isa.ModS16, SizeS16},
	{isa.ModU32, Size32}, {isa.ModS32, Size32 | typeSigned}, {isa.ModU64, Size64}, {isa.ModS64, Size64 | typeSigned}}

const typeSigned = 0x80

var floatTypes = []choice[uint8]{{isa.ModF16, SizeU16}, {isa.ModF32, Size32}, {isa.ModF64, Size64}}

var memorySizes = []choice[uint8]{{isa.ModU8, SizeU8}, {isa.ModS8, SizeS8}, {isa.ModU16, SizeU16},
	{isa.ModS16, SizeS16},
	{isa.Mod32, Size32}, {isa.Mod64, Size64}, {isa.Mod128, Size128}}

var cacheOps = []choice[memory.CacheOp]{{isa.ModCG, memory.CacheCG}, {isa.ModCS, memory.CacheCS},
	{isa.ModCV, memory.CacheCV}, {isa.ModWT, memory.CacheWT}, {isa.ModLU, memory.CacheLU}}

// operand returns the next operand, which must be of one of the given kinds.
func (l *lowerer) operand(kinds ...isa.Kind) *isa.Operand {
	if l.next < int(l.in.NumOps) {
		o := &l.in.Operands[l.next]
		for _, k := range kinds {
			if o.Kind == k {
				l.next++
				return o
			}
		}
	}
	l.fail("operand %d is not of a kind that %s is executed with", l.next+1, l.in.Op)
	return &isa.Operand{Reg: isa.RZ}
}

// peek reports whether the next operand is of kind k.
func (l *lowerer) peek(k isa.Kind) bool {
	return l.next < int(l.in.NumOps) && l.in.Operands[l.next].Kind == k
}

// uses notes that the kernel needs n registers from r on.
func (l *lowerer) uses(r uint8, n int) {
	if r == isa.RZ {
		return
	}
	if int(r)+n > isa.RZ || n > 1 && int(r)%min(n, 4) != 0 && n != 3 {
		l.fail("R%d cannot be the first of %d registers", r, n)
	}
	l.registers = max(l.registers, int(r)+n)
	for i := range l.use.Src {
		if l.use.Src[i].N == 0 {
			l.use.Src[i] = Span{r, uint8(n)}
			return
		}
	}
	l.fail("more than %d registers are read", len(l.use.Src))
}

// firstUniform stands for UR0 among rows until it is known how many registers there are.
const firstUniform Src = 256

// uniform is the row of a uniform register, the first of words.
func (l *lowerer) uniform(o *isa.Operand, words int) Src {
	if o.Reg == isa.URZ {
		return PoolZero
	}
	if int(o.Reg)+words > isa.URZ || int(o.Reg)%words != 0 {
		l.fail("UR%d cannot be the first of %d uniform registers", o.Reg, words)
	}
	l.uniforms = max(l.uniforms, int(o.Reg)+words)
	return firstUniform + Src(o.Reg)
}

// rows gives uniform registers their rows behind the registers, none with the number of RZ.
func (l *lowerer) rows() {
	p := l.p
	p.Rows = p.Registers
	if !l.target.independent {
		return
	}
	first := Src(p.Registers)
	if p.Registers+l.uniforms+1 > isa.RZ {
		first = firstUniform
	}
	p.Rows = int(first) + l.uniforms + 1 // the last for shifted addresses
	for i := range p.Ops {
		if op := &p.Ops[i]; Traits[op.Code].Memory && op.Size2 != 0 {
			op.Imm2 = int32(p.Rows - 1)
		}
		for _, s := range []*Src{&p.Ops[i].A, &p.Ops[i].B, &p.Ops[i].C, &p.Ops[i].Dst} {
			if *s >= firstUniform && *s&PoolBit == 0 {
				*s += first - firstUniform
			}
		}
	}
}

// dst takes the destination register, the first of words.
func (l *lowerer) dst(words int) {
	o := l.operand(isa.KindReg, isa.KindUniform)
	l.op.Width = uint8(words)
	if o.Kind == isa.KindUniform {
		l.op.Dst = l.uniform(o, words)
		if l.op.Dst == PoolZero {
			l.op.Dst = isa.RZ
		}
		return
	}
	l.op.Dst = Src(o.Reg)
	before := l.use.Src
	l.uses(o.Reg, words)
	l.use.Src = before
	if o.Reg != isa.RZ {
		l.use.Dst = Span{o.Reg, uint8(words)}
	}
	switch o.Sel {
	case isa.SelNone:
	case isa.SelCC:
		l.op.SetCC = true
	default:
		l.fail("destination selection .%s is not executed", o.Sel)
	}
}

// plainCC takes the condition code as a destination of instructions whose code does not set it: its flags then say
// whether the result is zero or negative.
func (l *lowerer) plainCC() {
	if l.op.SetCC && l.op.Width > 1 {
		l.fail("%s with .CC is decoded but not executed", l.in.Op)
	}
	l.setCC = l.op.SetCC
}

func (l *lowerer) pdst() { l.op.PDst = l.pred().Reg }

func (l *lowerer) pdst2() { l.op.PDst2 = l.pred().Reg }

// pred takes a predicate, of which uniform ones have numbers of their own.
func (l *lowerer) pred() isa.Operand {
	o := *l.operand(isa.KindPred, isa.KindUPred)
	if o.Kind == isa.KindUPred {
		o.Reg += FirstUniform
	}
	return o
}

// optionalPred takes the first destination predicate if the next operand is one.
func (l *lowerer) optionalPred() {
	if l.peek(isa.KindPred) || l.peek(isa.KindUPred) {
		l.pdst()
	}
}

func (l *lowerer) psrc() {
	o := l.pred()
	l.op.PSrc, l.op.PNot = o.Reg, o.Not
}

// source takes the next operand as a source of words registers, and returns it with its row.
func (l *lowerer) source(words int) (*isa.Operand, Src) {
	o := l.operand(isa.KindReg, isa.KindConst, isa.KindImm, isa.KindUniform)
	switch o.Kind {
	case isa.KindUniform:
		return o, l.uniform(o, words)
	case isa.KindReg:
		l.uses(o.Reg, words)
		if o.Reg == isa.RZ {
			return o, PoolZero
		}
		return o, Src(o.Reg)
	case isa.KindConst:
		if o.Reg != isa.RZ {
			l.fail("indexed constants are executed by LDC only")
		}
		if o.Value < 0 || o.Value >= 1<<16 || int(o.Bank) >= isa.ConstBanks {
			l.fail("c[%#x][%#x] is out of range", o.Bank, o.Value)
			return o, PoolZero
		}
		if n := l.cfg.ConstLineBytes; n > 0 {
			l.op.ConstLine = 1 + int32(o.Bank)*int32(1<<16/n) + int32(o.Value)/int32(n)
		}
		lo := poolRef{constant: true, bank: o.Bank, offset: uint16(o.Value)}
		hi := lo
		hi.offset += 4
		return o, l.pool(lo, hi, words == 2)
	}
	v := uint64(o.Value)
	return o, l.pool(poolRef{imm: uint32(v)}, poolRef{imm: uint32(v >> 32)}, words == 2)
}

// pool returns the row for a constant, the first of two if it is wide.
func (l *lowerer) pool(lo, hi poolRef, wide bool) Src {
	if !wide {
		hi = poolRef{}
		if lo == hi {
			return PoolZero
		}
	}
	key := poolKey{lo, hi, wide}
	s, ok := l.refs[key]
	if !ok {
		s = PoolBit | Src(len(l.p.refs))
		l.p.refs = append(l.p.refs, lo)
		if wide {
			l.p.refs = append(l.p.refs, hi)
		}
		l.refs[key] = s
	}
	return s
}

// src takes source i (0 = A, 1 = B, 2 = C) with its negation and absolute value.
func (l *lowerer) src(i, words int) {
	o, s := l.source(words)
	l.place(i, o, s)
	if o.Sel != isa.SelNone {
		l.fail("source selection .%s is not executed", o.Sel)
	}
	if o.Not {
		l.fail("the complement of a source is not executed")
	}
}

func (l *lowerer) place(i int, o *isa.Operand, s Src) {
	switch i {
	case 0:
		l.op.A = s
	case 1:
		l.op.B = s
	default:
		l.op.C = s
	}
	if o.Neg {
		l.op.Flags |= FlagNegA << (2 * i)
	}
	if o.Abs {
		l.op.Flags |= FlagAbsA << (2 * i)
	}
}

// imm takes an immediate operand's value.
func (l *lowerer) imm() int64 { return l.operand(isa.KindImm).Value }

// round sets the rounding mode in Aux and returns it.
func (l *lowerer) round() uint32 {
	mode, _ := pick(l, roundings)
	l.op.Aux |= mode
	return mode
}

// compare sets the comparison and the boolean operation.
func (l *lowerer) compare() {
	cmp, ok := pick(l, comparisons)
	if !ok {
		l.fail("no comparison")
	}
	how, _ := pick(l, booleans)
	l.op.Aux = cmp | how<<AuxBool
}

// condition takes an optional test of the condition code.
func (l *lowerer) condition() {
	if l.peek(isa.KindCC) {
		l.op.Imm2 = int32(l.operand(isa.KindCC).Reg)
	}
}

// branchTarget takes a branch's target.
func (l *lowerer) branchTarget() {
	o := l.operand(isa.KindLabel, isa.KindImm)
	if o.Value < 0 || o.Value%int64(l.code.Family.WordBytes) != 0 || o.Value >= int64(len(l.code.Image)) {
		l.fail("target %#x is not in the code", o.Value)
		return
	}
	l.op.Imm = int64(l.index(uint32(o.Value)))
}
