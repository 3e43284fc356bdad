package isa

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// field is up to two runs of bits; the second run is the more significant.
type field struct{ at, width, at2, width2 uint8 }

func (f field) get(w uint64) uint64 {
	v := w >> f.at & (1<<f.width - 1)
	if f.width2 != 0 {
		v |= (w >> f.at2 & (1<<f.width2 - 1)) << f.width
	}
	return v
}

func (f field) bits() int { return int(f.width + f.width2) }

// signed returns the field as a two's complement number.
func (f field) signed(w uint64) int64 {
	if f.width == 0 {
		return 0
	}
	shift := 64 - f.bits()
	return int64(f.get(w)<<shift) >> shift
}

// modifier is a field whose value selects suffixes.
type modifier struct {
	field  field
	values [][]Mod // by value; nil = undefined
}

// operandForm says how one operand is encoded and printed.
type operandForm struct {
	kind          Kind
	letter        byte // of the token in the table, which selects the decoding
	field         field
	scale         uint8 // shift of a memory offset
	neg, abs, not int8  // bit numbers, -1 = none
	minus         bool  // a negated immediate is printed -x, not x.NEG
	some          bool  // RZ is not an encoding
	unless        int8  // bit that makes both negations of an instruction mean .PO instead
	cc            int8
	sel           field
	sels          []Sel // by value; selBad = undefined
	optional      bool  // not printed when its value is hidden
	hidden        int
	spaced        bool // c[0x0] [0x140]
	texts         []string
	base          field // register of KindMem and indexed constants
	hasBase       bool
	prefix        string
	reuse         int8
}

const selBad Sel = 255

// form is a compiled row of the table.
type form struct {
	row       *row
	mods      []modifier
	operands  []operandForm
	noGuard   bool
	specifics int
}

var compiled = sync.OnceValue(func() *decoder {
	d := &decoder{forms: make([]form, len(table))}
	for i := range table {
		d.forms[i] = compile(&table[i])
	}
	order := make([]int, len(table))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return d.forms[order[a]].specifics > d.forms[order[b]].specifics })
	for top := range d.index {
		for _, i := range order {
			r := &table[i]
			if (uint64(top)<<indexShift^r.match)&r.mask>>indexShift == 0 {
				d.index[top] = append(d.index[top], uint16(i))
			}
		}
	}
	return d
})

// indexShift leaves the top bits that select a handful of candidate rows.
const indexShift = 52

type decoder struct {
	forms []form
	index [1 << (64 - indexShift)][]uint16
}

// Decode decodes one instruction word at byte offset pc, which only branch targets depend on.
// An encoding that NVIDIA's disassembler has no name for is an error, also if only a suffix is undefined.
func Decode(word uint64, pc uint32, control Control) (Inst, error) {
	d := compiled()
	for _, i := range d.index[word>>indexShift] {
		r := &table[i]
		if word&r.mask != r.match {
			continue
		}
		in := Inst{Word: word, PC: pc, Op: r.op, Form: i, Guard: PT, Control: control}
		if err := d.forms[i].decode(&in); err != nil {
			return Inst{}, fmt.Errorf("%#04x: %016x: %s: %w", pc, word, r.op, err)
		}
		return in, nil
	}
	return Inst{}, fmt.Errorf("%#04x: %016x is not an sm_61 instruction", pc, word)
}

func (f *form) decode(in *Inst) error {
	w := in.Word
	if !f.noGuard {
		in.Guard, in.GuardNot = uint8(w>>16&7), w>>19&1 != 0
	}
	for i := range f.mods {
		m := &f.mods[i]
		v := m.field.get(w)
		if v >= uint64(len(m.values)) || m.values[v] == nil {
			return fmt.Errorf("suffix %d: value %d in bits %d+%d is not defined", i+1, v, m.field.at, m.field.width)
		}
		for _, x := range m.values[v] {
			in.Mods[in.NumMods] = x
			in.NumMods++
		}
	}
	for i := range f.operands {
		if err := f.operands[i].decode(in, &in.Operands[i]); err != nil {
			return fmt.Errorf("operand %d: %w", i+1, err)
		}
	}
	in.NumOps = uint8(len(f.operands))
	switch in.Op { // texture instructions use the reuse flags as a phase
	case OpTEX, OpTLD, OpTLD4, OpTXD, OpTXQ, OpTMML, OpTXA, OpTLD4S, OpTEXS, OpTLDS, OpSTP:
		switch in.Control.Reuse & 3 {
		case 1:
			in.Mods[in.NumMods] = ModT
			in.NumMods++
		case 2:
			in.Mods[in.NumMods] = ModP
			in.NumMods++
		case 3:
			return errors.New("phase 3 in the reuse flags is not defined")
		}
	}
	in.finishReuse()
	return nil
}

func bit(w uint64, n int8) bool { return n >= 0 && w>>uint(n)&1 != 0 }

func (o *operandForm) decode(in *Inst, x *Operand) error {
	w := in.Word
	*x = Operand{Kind: o.kind, Reg: RZ, Neg: bit(w, o.neg) && !bit(w, o.unless), Abs: bit(w, o.abs), Not: bit(w, o.not)}
	if o.sels != nil {
		v := o.sel.get(w)
		if x.Sel = o.sels[v]; x.Sel == selBad {
			return fmt.Errorf("selection %d is not defined", v)
		}
	}
	if bit(w, o.cc) {
		x.Sel = SelCC
	}
	if o.reuse >= 0 {
		x.Reuse = in.Control.Reuse>>uint(o.reuse)&1 != 0
	}
	if o.hasBase {
		x.Reg = uint8(o.base.get(w))
	}
	switch o.letter {
	case 'R', 'P', 'S':
		x.Reg = uint8(o.field.get(w))
	case 'B':
		if x.Reg = uint8(o.field.get(w)); x.Reg > 5 {
			return fmt.Errorf("barrier %d; 0 to 5 exist", x.Reg)
		}
	case 'W':
		next := o.field.get(w) + 1 + o.base.get(w)
		if next >= RZ {
			return fmt.Errorf("register %d does not exist", next)
		}
		x.Reg = uint8(next)
	case 'J', 'Z':
		x.Value = o.field.signed(w)
	case 'Q': // predicate stored inverted
		x.Reg = uint8(o.field.get(w)) ^ 7
	case 'T':
		x.Reg = uint8(o.field.get(w))
	case 'C': // word offset of 14 bits at 20, bank at 34
		x.Bank = uint8(w >> 34 & 31)
		x.Value = field{at: 20, width: 14}.signed(w) << 2
	case 'K': // byte offset of 16 bits at 20, bank at 36
		x.Bank = uint8(w >> 36 & 31)
		x.Value = field{at: 20, width: 16}.signed(w)
	case 'M', 'A':
		x.Value = o.field.signed(w) << o.scale
		if x.Reg == RZ { // an address, not an offset
			x.Value = int64(o.field.get(w) << o.scale)
		}
	case 'i', 'I', 's':
		x.Value = o.field.signed(w) << o.scale
	case 'u', 'G', 'w', 'a':
		x.Value = int64(o.field.get(w))
	case 'f': // the upper 20 bits of a float
		x.Value = int64(o.field.get(w) << 12)
	case 'F':
		x.Value = int64(o.field.get(w))
	case 'd': // the upper 20 bits of a double
		x.Value = int64(o.field.get(w) << 44)
	case 'h': // the upper 9 bits of a half below its sign
		v := o.field.get(w)
		x.Value = int64(v&0x1ff<<6 | v>>9<<15)
	case 'H':
		x.Value = int64(o.field.get(w))
	case 'L': // 24 bits relative to the next instruction
		x.Value = int64(in.PC) + WordBytes + o.field.signed(w)
	case 'X':
		if v := o.field.get(w); v >= uint64(len(o.texts)) || o.texts[v] == "" {
			return fmt.Errorf("value %d is not defined", v)
		}
		x.Value = int64(o.field.get(w))
	}
	if o.some && x.Reg == RZ {
		return errors.New("RZ is not allowed")
	}
	return nil
}

// compile turns a row into a form. A row that cannot be read is a mistake in the table, which every test finds.
func compile(r *row) form {
	f := form{row: r, noGuard: strings.HasPrefix(r.spec, "noguard")}
	for m := r.mask; m != 0; m &= m - 1 {
		f.specifics++
	}
	for _, t := range strings.Fields(strings.TrimPrefix(r.spec, "noguard")) {
		if t[0] == '.' {
			f.mods = append(f.mods, compileModifier(r, t[1:]))
		} else {
			f.operands = append(f.operands, compileOperand(r, t))
		}
	}
	f.reuseSlots()
	return f
}

// uncached are the instructions besides memory, texture and control whose operands the reuse cache does not serve.
var uncached = map[Op]bool{
	OpIMAD: true, OpIMADSP: true, OpIMUL: true, OpIMAD32I: true, OpIMUL32I: true, OpMUFU: true, OpFLO: true, OpI2I: true,
	OpPOPC: true, OpSHFL: true, OpBAR: true, OpR2B: true, OpOUT: true, OpAL2P: true, OpIPA: true, OpALD: true, OpAST: true,
	OpSETCRSPTR: true, OpSETLMEMBASE: true, OpTEX: true, OpTLD: true, OpTLD4: true, OpTXD: true, OpTXQ: true, OpTMML: true,
	OpTXA: true, OpTLD4S: true, OpTEXS: true, OpTLDS: true, OpCCTLT: true,
}

// reuseSlots gives each source register its slot of the operand reuse cache: by position among the sources, but in
// additions the second source has the third slot.
func (f *form) reuseSlots() {
	add := f.row.op == OpFADD || f.row.op == OpDADD || f.row.op == OpHADD2 || f.row.op == OpFSWZADD
	for i := range f.operands {
		if f.operands[i].kind == KindMem || uncached[f.row.op] {
			return
		}
	}
	for i := range f.operands {
		o := &f.operands[i]
		if o.letter != 'R' {
			continue
		}
		switch o.field.at {
		case 0:
			if i > 0 && i == len(f.operands)-1 && f.operands[0].field.at == 0 && f.operands[0].kind == KindReg {
				o.reuse = 2 // FFMA32I R0, R8, immediate, R0
			}
		case 8:
			o.reuse = 0
		case 20:
			if o.reuse = 1; add {
				o.reuse = 2
			}
		case 39:
			if o.reuse = 2; i+1 < len(f.operands) && f.operands[i+1].letter == 'C' {
				o.reuse = 1
			}
		}
	}
}

// finishReuse drops reuse flags that depend on types: conversions have them in their 64-bit forms, VMAD without 32-bit
// sources.
func (in *Inst) finishReuse() {
	cached := true
	switch in.Op {
	case OpF2F:
		cached = in.Has(ModF64)
	case OpF2I:
		cached = in.Has(ModF64) || (in.Has(ModS64) || in.Has(ModU64)) && in.Has(ModF32)
	case OpI2F:
		cached = (in.Has(ModF64) || in.Has(ModS64) || in.Has(ModU64)) && !in.Has(ModS16) && !in.Has(ModU16)
	case OpVMAD:
		cached = !in.Has(ModS32) && !in.Has(ModU32)
	}
	if !cached {
		for i := range in.Operands {
			in.Operands[i].Reuse = false
		}
	}
}

func (r *row) fail(token string) {
	panic(fmt.Sprintf("isa: table row %s %016x: cannot read %q", r.op, r.match, token))
}

// number reads a decimal number of the table.
func (r *row) number(s string) uint8 {
	n, err := strconv.ParseUint(s, 10, 6)
	if err != nil {
		r.fail(s)
	}
	return uint8(n)
}

func (r *row) decimal(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		r.fail(s)
	}
	return n
}

// bits reads 20:8 or 48:1+0:8 (low run first) or 20 (width as given).
func (r *row) bits(s string, width uint8) field {
	first, second, two := strings.Cut(s, "+")
	at, w, sized := strings.Cut(first, ":")
	f := field{at: r.number(at), width: width}
	if sized {
		f.width = r.number(w)
	}
	if two {
		at, w, _ := strings.Cut(second, ":")
		f.at2, f.width2 = r.number(at), r.number(w)
	}
	return f
}

var modByName = sync.OnceValue(func() map[string]Mod {
	m := map[string]Mod{}
	for i, n := range modNames {
		m[n] = Mod(i)
	}
	return m
})

var selByName = sync.OnceValue(func() map[string]Sel {
	m := map[string]Sel{}
	for i, n := range selNames {
		m[n] = Sel(i)
	}
	return m
})

// suffixes reads "FTZ", "CAST.SPIN", "" or "?" (undefined).
func (r *row) suffixes(s string) []Mod {
	if s == "?" {
		return nil
	}
	mods := []Mod{}
	if s == "" || s == "_" {
		return mods
	}
	for _, n := range strings.Split(s, ".") {
		m, ok := modByName()[n]
		if n == "PF1_5" {
			m, ok = ModPF1_5, true
		}
		if !ok {
			r.fail(n)
		}
		mods = append(mods, m)
	}
	return mods
}

func compileModifier(r *row, t string) modifier {
	if name, at, ok := strings.Cut(t, "@"); ok {
		if strings.ToUpper(name) == name { // .SAT@50
			return modifier{r.bits(at, 1), [][]Mod{{}, r.suffixes(name)}}
		}
		values, ok := suffixSets[name]
		if !ok {
			r.fail(t)
		}
		m := modifier{field: r.bits(at, 1)}
		for _, v := range strings.Fields(values) {
			m.values = append(m.values, r.suffixes(v))
		}
		return m
	}
	if name, at, ok := strings.Cut(t, "!"); ok { // .U!48: suffix when the bit is 0
		return modifier{r.bits(at, 1), [][]Mod{r.suffixes(name), {}}}
	}
	return modifier{field{}, [][]Mod{r.suffixes(t)}}
}

func compileOperand(r *row, t string) operandForm {
	o := operandForm{neg: -1, abs: -1, not: -1, unless: -1, cc: -1, reuse: -1}
	core, attrs, _ := strings.Cut(strings.TrimSuffix(t, ")"), "(")
	if c, hidden, ok := strings.Cut(core, "?"); ok {
		o.optional, o.hidden, core = true, r.decimal(hidden), c
	}
	o.letter = core[0]
	rest := core[1:]
	switch o.letter {
	case 'R':
		o.kind = KindReg
		if rest == "Z" {
			o.letter = 'z'
			break
		}
		o.field = r.bits(rest, 8)
	case 'P', 'Q':
		o.kind, o.field = KindPred, r.bits(rest, 3)
	case 'S':
		o.kind, o.field = KindSReg, r.bits(rest, 8)
	case 'T':
		o.kind, o.field = KindCC, r.bits(rest, 5)
	case 'B':
		o.kind, o.field = KindSB, r.bits(rest, 3)
	case 'W': // W20@49: the register after R20, or the one after the pair when bit 49 is set
		reg, at, _ := strings.Cut(rest, "@")
		o.kind, o.field, o.base = KindReg, r.bits(reg, 8), r.bits(at, 1)
	case 'J', 'Z': // register and offset: relative (BRX) or absolute (JMX)
		o.kind, o.field = KindLabel, field{at: 20, width: 24}
		if o.letter == 'Z' {
			o.field.width = 32
		}
		o.base, o.hasBase = r.bits(rest, 8), true
	case 'G': // a set of barriers
		o.kind, o.field = KindSB, r.bits(rest, 6)
	case 'C', 'K':
		o.kind = KindConst
		if rest != "" {
			o.base, o.hasBase = r.bits(rest, 8), true
		}
	case 'M', 'A': // M8+20:24*2: register at 8, offset of 24 bits at 20, shifted by 2
		o.kind = KindMem
		base, offset, _ := strings.Cut(rest, "+")
		if base != "" {
			o.base, o.hasBase = r.bits(base, 8), true
		}
		if offset != "" {
			place, scale, scaled := strings.Cut(offset, "*")
			o.field = r.bits(place, 0)
			if scaled {
				o.scale = r.number(scale)
			}
		}
		if o.letter == 'A' {
			o.prefix = "a"
		}
	case 'a':
		o.kind, o.field, o.prefix = KindMem, r.bits(rest, 0), "a"
	case 'i', 'I': // 20-bit signed: 19 bits at 20, sign at 56; I is printed without a sign
		o.kind, o.field = KindImm, field{20, 19, 56, 1}
		if rest != "" {
			o.field = r.bits(rest, 0)
		}
	case 's', 'u', 'w':
		o.kind, o.field = KindImm, r.bits(rest, 0)
	case 'f', 'd':
		o.kind, o.field = KindImm, field{20, 19, 56, 1}
	case 'F':
		o.kind, o.field = KindImm, field{20, 32, 0, 0}
	case 'h', 'H':
		if rest == "" {
			rest = "20:16"
		}
		o.kind, o.field = KindImm, r.bits(rest, 0)
	case 'L':
		o.kind, o.field = KindLabel, field{at: 20, width: 24}
	case 'X': // Xname@20:3
		name, at, _ := strings.Cut(rest, "@")
		words, ok := textSets[name]
		if !ok {
			r.fail(t)
		}
		o.kind = KindText
		if at != "" {
			o.field = r.bits(at, 1)
		}
		for _, w := range strings.Fields(words) {
			if w == "?" {
				w = ""
			}
			o.texts = append(o.texts, w)
		}
	default:
		r.fail(t)
	}
	if attrs == "" {
		return o
	}
	for _, a := range strings.Split(attrs, ",") {
		switch {
		case a == "spaced":
			o.spaced = true
		case a == "some":
			o.some = true
		case a == "minus":
			o.minus = true
		case a[0] == '-':
			neg, unless, both := strings.Cut(a[1:], "/")
			o.neg = int8(r.number(neg))
			if both {
				o.unless = int8(r.number(unless))
			}
		case a[0] == '|':
			o.abs = int8(r.number(a[1:]))
		case a[0] == '!' || a[0] == '~':
			o.not = int8(r.number(a[1:]))
		case strings.HasPrefix(a, "CC"):
			o.cc = int8(r.number(a[2:]))
		default:
			name, at, ok := strings.Cut(a, "@")
			values, known := selectionSets[name]
			if !ok || !known {
				r.fail(a)
			}
			o.sel = r.bits(at, 1)
			o.sels = make([]Sel, 1<<o.sel.bits())
			for i := range o.sels {
				o.sels[i] = selBad
			}
			for i, v := range strings.Fields(values) {
				if v == "_" {
					v = ""
				}
				if v != "?" {
					o.sels[i], ok = selByName()[v], true
				}
			}
		}
	}
	return o
}
