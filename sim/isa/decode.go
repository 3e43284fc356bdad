package isa

import (
	"errors"
	"fmt"
	"math/bits"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// field is up to two runs of bits; the second run is the more significant.
type field struct{ at, width, at2, width2 uint8 }

func (f field) get(w Word) uint64 {
	v := w.bits(f.at, f.width)
	if f.width2 != 0 {
		v |= w.bits(f.at2, f.width2) << f.width
	}
	return v
}

func (f field) bits() int { return int(f.width + f.width2) }

// signed returns the field as a two's complement number.
func (f field) signed(w Word) int64 {
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
	uniform       field // uniform register that is added to an address, or that holds its descriptor
	hasUniform    bool
	described     bool
	swapped       bool // offsets behind RZ are addresses with a uniform register, and not without one
	noZero        bool // URZ is not printed behind another register
	next          bool // it is the register after the one at uniform
	prefix        string
	reuse         int8
	reused        int8 // bit of the word that says so, of operands without a slot
	arch          int  // the first compute capability of the family
	wide          bool // of words of 128 bits: some things are printed otherwise
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

// row is one instruction form. A word is of this form when its bits under mask are those of match; of several such
// forms the one with more fixed bits counts. spec says what the other bits mean, in tokens in the order in which
// nvdisasm prints them:
//
//	.FTZ@44          suffix FTZ when bit 44 is set; .UD!54 when bit 54 is clear; .LUT always
//	.round@39:2      the two bits from 39 on choose from the list round of Family.suffixes; @39:2+42:1: bit 42 is the highest
//	R0               a register, 8 bits at 0; RZ is that register always; U32 a uniform register
//	P39 Q41 p81 q87  a predicate, 3 bits; Q is stored inverted; uniform ones
//	S T0 B G W20@49  special register, condition code test, barrier, set of barriers, the register after R20 (or its pair)
//	C Y32 K          c[bank][offset] of arithmetic; with the bank in a uniform register; of loads and branches
//	M8+20:24*2       [R8 + 24 bits at 20 times 4]; A and a are addresses of attributes
//	i I s20:32 u39:5 numbers: the family's immediate, the same printed without sign, signed, unsigned
//	f F d h H w      floats of the upper 20 bits, of 32 bits; doubles; halves; FSWZADD's signs
//	L J8 Z8          branch target; register plus offset, relative and absolute
//	L34:48*2 N E24+34:48*2 j24+34:48*2 g  branch target with its place, relative and absolute; register plus offset from
//	                 the next instruction; uniform register plus offset, also from there
//	D32:32 b32:16 V16   upper half of a double; bfloat16; a convergence barrier
//	Xshape@28:3      a word of the list shape of Family.texts
//	P48?7            not printed when it is 7
//	86+P48 <80.FTZ@2 from, below a compute capability on
//	noguard          first: the form has no guard
//
// In brackets behind an operand, with commas: CC47 (bit 47 writes the condition code), -48 (negated by bit 48), -49/48
// (unless bit 48 is set too: both mean .PO), |46 (absolute value), ~40 and !42 (inverted), half@53 (a list of
// Family.selections), some (RZ is refused), spaced and minus (nvdisasm's other ways of printing), ur32 and desc32 (a
// uniform register at 32 that is added to an address, or holds its descriptor), nextdesc64 (the one after that at 64
// does), reuse50 (bit 50 is the operand's reuse flag), swapped and noURZ (ways of printing addresses),
// cx24 (the descriptor of a constant bank is in the uniform register at 24).
type row struct {
	op          Op
	match, mask Word
	spec        string
	since       int // the compute capability from which on, and below which, the form exists; 0 = any
	before      int
}

// on tells whether the form exists in code of a compute capability.
func (r *row) on(arch int) bool { return arch >= r.since && (r.before == 0 || arch < r.before) }

// decoder is a family's table, compiled.
type decoder struct {
	forms []form
	index [][]uint16 // by Family.opcode, the rows that a word may be of: those with the most fixed bits first
}

// decoder compiles the family's table when it is first needed.
func (f *Family) decoder() *decoder {
	f.once.Do(func() {
		d := &decoder{forms: make([]form, len(f.table)), index: make([][]uint16, 1<<f.opcode.bits())}
		for i := range f.table {
			d.forms[i] = f.compile(&f.table[i])
		}
		order := make([]int, len(f.table))
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(a, b int) bool { return d.forms[order[a]].specifics > d.forms[order[b]].specifics })
		for opcode := range d.index {
			for _, i := range order {
				r := &f.table[i]
				if r.on(f.First) && (uint64(opcode)^f.opcode.get(r.match))&f.opcode.get(r.mask) == 0 {
					d.index[opcode] = append(d.index[opcode], uint16(i))
				}
			}
		}
		f.compiled = d
	})
	return f.compiled
}

// Decode decodes one instruction word of the family at byte offset pc, which only branch targets depend on.
// An encoding that NVIDIA's disassembler has no name for is an error, also if only a suffix is undefined.
func (f *Family) Decode(word Word, pc uint32, control Control) (Inst, error) {
	d := f.decoder()
	for _, i := range d.index[f.opcode.get(word)] {
		r := &f.table[i]
		if word.and(r.mask) != r.match {
			continue
		}
		in := Inst{Word: word, PC: pc, Op: r.op, Form: i, Guard: PT, Control: control, family: f.number}
		if err := d.forms[i].decode(f, &in); err != nil {
			return Inst{}, fmt.Errorf("%#04x: %s: %s: %w", pc, word, r.op, err)
		}
		return in, nil
	}
	return Inst{}, fmt.Errorf("%#04x: %s is not an %s instruction", pc, word, f.Target)
}

func (f *form) decode(family *Family, in *Inst) error {
	w := in.Word
	if !f.noGuard {
		in.Guard, in.GuardNot = uint8(family.guard.get(w)), w.bit(family.guardNot)
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
		if err := f.operands[i].decode(family, in, &in.Operands[i]); err != nil {
			return fmt.Errorf("operand %d: %w", i+1, err)
		}
	}
	in.NumOps = uint8(len(f.operands))
	return family.finish(in)
}

func (o *operandForm) decode(f *Family, in *Inst, x *Operand) error {
	w := in.Word
	*x = Operand{Kind: o.kind, Reg: RZ, Uniform: URZ, Described: o.described, Neg: w.bit(o.neg) && !w.bit(o.unless),
		Abs: w.bit(o.abs), Not: w.bit(o.not)}
	if o.sels != nil {
		v := o.sel.get(w)
		if x.Sel = o.sels[v]; x.Sel == selBad {
			return fmt.Errorf("selection %d is not defined", v)
		}
	}
	if w.bit(o.cc) {
		x.Sel = SelCC
	}
	if o.reuse >= 0 {
		x.Reuse = in.Control.Reuse>>uint(o.reuse)&1 != 0
	}
	x.Reuse = x.Reuse || w.bit(o.reused)
	if o.hasBase {
		x.Reg = uint8(o.base.get(w))
	}
	if err := o.value(f, in, x); err != nil {
		return err
	}
	if o.some && x.Reg == RZ {
		return errors.New("RZ is not allowed")
	}
	return nil
}

// value decodes what the operand's letter stands for.
func (o *operandForm) value(f *Family, in *Inst, x *Operand) error {
	w := in.Word
	switch o.letter {
	case 'R', 'P', 'S', 'U', 'p', 'V':
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
	case 'N':
		x.Value = int64(o.field.get(w) << o.scale)
	case 'J', 'Z', 'e', 'j':
		x.Value = o.field.signed(w) << o.scale
	case 'Q', 'q': // predicate stored inverted
		x.Reg = uint8(o.field.get(w)) ^ 7
	case 'T':
		x.Reg = uint8(o.field.get(w))
	case 'C':
		x.Bank = uint8(f.bank.get(w))
		x.Value = f.constant.signed(w) << 2
	case 'Y':
		x.Value = int64(f.constant.get(w)) << 2
	case 'K':
		x.Bank = uint8(f.bytesBank.get(w))
		x.Value = f.bytes.signed(w)
		if x.Reg == RZ && o.swapped {
			x.Value = int64(f.bytes.get(w))
		}
	case 'M', 'A':
		x.Value = o.field.signed(w) << o.scale
		if x.Reg == RZ && o.hasUniform == o.swapped && x.Sel != Sel64 { // an address, not an offset
			x.Value = int64(o.field.get(w) << o.scale)
		}
	case 'i', 'I', 's':
		x.Value = o.field.signed(w) << o.scale
	case 'u', 'G', 'w', 'a':
		x.Value = int64(o.field.get(w))
	case 'D': // the upper half of a double
		x.Value = int64(o.field.get(w) << 32)
	case 'f': // the upper 20 bits of a float
		x.Value = int64(o.field.get(w) << 12)
	case 'F':
		x.Value = int64(o.field.get(w))
	case 'd': // the upper 20 bits of a double
		x.Value = int64(o.field.get(w) << 44)
	case 'h': // the upper 9 bits of a half below its sign
		v := o.field.get(w)
		x.Value = int64(v&0x1ff<<6 | v>>9<<15)
	case 'H', 'b':
		x.Value = int64(o.field.get(w))
	case 'L', 'E', 'g': // relative to the next instruction
		x.Value = int64(in.PC+f.WordBytes) + o.field.signed(w)<<o.scale
	case 'X':
		if v := o.field.get(w); v >= uint64(len(o.texts)) || o.texts[v] == "" {
			return fmt.Errorf("value %d is not defined", v)
		}
		x.Value = int64(o.field.get(w))
	}
	if o.hasUniform {
		x.Uniform = uint8(o.uniform.get(w))
		if o.next {
			x.Uniform = min(x.Uniform+1, URZ)
		}
	}
	return nil
}

// compile turns a row into a form. A row that cannot be read is a mistake in the table, which every test finds.
func (fam *Family) compile(r *row) form {
	f := form{row: r, noGuard: strings.HasPrefix(r.spec, "noguard")}
	f.specifics = bits.OnesCount64(r.mask.Lo) + bits.OnesCount64(r.mask.Hi)
	for _, t := range strings.Fields(strings.TrimPrefix(r.spec, "noguard")) {
		if since, rest, found := strings.Cut(t, "+"); found && len(since) == 2 && since[0] >= '0' && since[0] <= '9' {
			if t = rest; fam.First < r.decimal(since) {
				continue
			}
		} else if t[0] == '<' {
			before := r.decimal(t[1:3])
			if t = t[3:]; fam.First >= before {
				continue
			}
		}
		if t[0] == '.' {
			f.mods = append(f.mods, fam.compileModifier(r, t[1:]))
		} else {
			f.operands = append(f.operands, fam.compileOperand(r, t))
		}
	}
	for i := range f.operands {
		f.operands[i].reuse, f.operands[i].wide = fam.slot(&f, i), fam.lead == 0
		f.operands[i].arch = fam.First
	}
	return f
}

func (r *row) fail(token string) {
	panic(fmt.Sprintf("isa: table row %s %s: cannot read %q", r.op, r.match, token))
}

// number reads a decimal number of the table.
func (r *row) number(s string) uint8 {
	n, err := strconv.ParseUint(s, 10, 7)
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

// scaled reads 34:48*2: a field, and how far its value is shifted.
func (r *row) scaled(s string) (field, uint8) {
	place, scale, found := strings.Cut(s, "*")
	if !found {
		return r.bits(place, 0), 0
	}
	return r.bits(place, 0), r.number(scale)
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

func (fam *Family) compileModifier(r *row, t string) modifier {
	if name, at, ok := strings.Cut(t, "@"); ok {
		if strings.ToUpper(name) == name { // .SAT@50
			return modifier{r.bits(at, 1), [][]Mod{{}, r.suffixes(name)}}
		}
		values, ok := fam.suffixes[name]
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

func (fam *Family) compileOperand(r *row, t string) operandForm {
	o := operandForm{neg: -1, abs: -1, not: -1, unless: -1, cc: -1, reuse: -1, reused: -1}
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
	case 'J', 'Z', 'E', 'e': // register and offset: relative (BRX, RET.REL) or absolute (JMX); e is printed if it is 0
		o.kind, o.field = KindLabel, field{at: 20, width: 24}
		if o.letter == 'Z' {
			o.field.width = 32
		}
		base, place, placed := strings.Cut(rest, "+")
		o.base, o.hasBase = r.bits(base, 8), true
		if placed {
			o.field, o.scale = r.scaled(place)
		}
	case 'j', 'g': // uniform register and offset: absolute, or relative to the next instruction
		o.kind, o.hasUniform = KindLabel, true
		base, place, _ := strings.Cut(rest, "+")
		o.uniform = r.bits(base, 6)
		o.field, o.scale = r.scaled(place)
	case 'G': // a set of barriers
		o.kind, o.field = KindSB, r.bits(rest, 6)
	case 'U':
		o.kind, o.field = KindUniform, r.bits(rest, 6)
	case 'p', 'q':
		o.kind, o.field = KindUPred, r.bits(rest, 3)
	case 'V':
		o.kind, o.field = KindBarrier, r.bits(rest, 4)
	case 'Y': // Y32: cx[UR][offset], the bank's descriptor in a uniform register
		o.kind, o.base, o.hasBase = KindBindless, r.bits(rest, 6), true
	case 'C', 'K':
		o.kind = KindConst
		if rest != "" {
			o.base, o.hasBase = r.bits(rest, 8), true
		}
	case 'M', 'A':
		o.compileMemory(r, rest)
	case 'a':
		o.kind, o.field, o.prefix = KindMem, r.bits(rest, 0), "a"
	case 'i', 'I': // I is printed without a sign
		o.kind, o.field = KindImm, fam.immediate
		if rest != "" {
			o.field = r.bits(rest, 0)
		}
	case 's', 'u', 'w', 'D', 'b':
		o.kind, o.field = KindImm, r.bits(rest, 0)
	case 'f', 'd':
		o.kind, o.field = KindImm, field{20, 19, 56, 1}
	case 'F':
		o.kind, o.field = KindImm, fam.wide
	case 'h', 'H':
		if rest == "" {
			rest = "20:16"
		}
		o.kind, o.field = KindImm, r.bits(rest, 0)
	case 'L', 'N':
		o.kind, o.field = KindLabel, field{at: 20, width: 24}
		if rest != "" {
			o.field, o.scale = r.scaled(rest)
		}
	case 'X':
		fam.compileText(r, &o, t, rest)
	default:
		r.fail(t)
	}
	if attrs != "" {
		fam.attributes(r, &o, strings.Split(attrs, ","))
	}
	return o
}

// compileMemory reads M8+20:24*2: register at 8, offset of 24 bits at 20, shifted by 2.
func (o *operandForm) compileMemory(r *row, rest string) {
	o.kind = KindMem
	base, offset, _ := strings.Cut(rest, "+")
	if base != "" {
		o.base, o.hasBase = r.bits(base, 8), true
	}
	if offset != "" {
		o.field, o.scale = r.scaled(offset)
	}
	if o.letter == 'A' {
		o.prefix = "a"
	}
}

// compileText reads Xname@20:3: one of the words of a name, by a number.
func (fam *Family) compileText(r *row, o *operandForm, t, rest string) {
	name, at, _ := strings.Cut(rest, "@")
	words, ok := fam.texts[name]
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
}

// attributes reads what stands in brackets behind an operand.
func (fam *Family) attributes(r *row, o *operandForm, attrs []string) {
	for _, a := range attrs {
		switch {
		case a == "spaced":
			o.spaced = true
		case a == "some":
			o.some = true
		case a == "swapped":
			o.swapped = true
		case a == "noURZ":
			o.noZero = true
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
		case strings.HasPrefix(a, "reuse"):
			o.reused = int8(r.number(a[len("reuse"):]))
		case strings.HasPrefix(a, "ur"):
			o.hasUniform, o.uniform = true, r.bits(a[len("ur"):], 6)
		case strings.HasPrefix(a, "cx"):
			o.hasUniform, o.described, o.uniform = true, true, r.bits(a[len("cx"):], 6)
		case strings.HasPrefix(a, "desc"), strings.HasPrefix(a, "nextdesc"):
			o.hasUniform, o.described, o.next = true, true, a[0] == 'n'
			o.uniform = r.bits(strings.TrimPrefix(strings.TrimPrefix(a, "next"), "desc"), 6)
		case strings.HasPrefix(a, "CC"):
			o.cc = int8(r.number(a[2:]))
		default:
			name, at, ok := strings.Cut(a, "@")
			values, known := fam.selections[name]
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
}
