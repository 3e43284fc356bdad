package isa

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// String returns the instruction as nvdisasm prints it, without the closing semicolon. A branch target is
// an absolute byte address.
func (in *Inst) String() string {
	if in.Op == OpNone {
		return "?"
	}
	var b strings.Builder
	if in.Guard != PT || in.GuardNot {
		b.WriteByte('@')
		writePred(&b, uniformGuards[in.Op], in.Guard, in.GuardNot)
		b.WriteByte(' ')
	}
	b.WriteString(in.Op.String())
	for _, m := range in.Mods[:in.NumMods] {
		b.WriteByte('.')
		b.WriteString(m.String())
	}
	f := in.form()
	sep := " "
	if in.Has(ModQRY1) {
		sep = "" // nvdisasm leaves it out
	}
	for i := range f.operands {
		o, x := &f.operands[i], &in.Operands[i]
		if o.optional && o.silent(x) {
			continue
		}
		b.WriteString(sep)
		o.write(&b, x)
		sep = ", "
	}
	return b.String()
}

// silent reports whether an optional operand has the value that is not printed.
func (o *operandForm) silent(x *Operand) bool {
	switch x.Kind {
	case KindPred, KindUPred, KindReg, KindCC, KindUniform:
		return int(x.Reg) == o.hidden && !x.Not
	}
	return x.Value == int64(o.hidden)
}

func writePred(b *strings.Builder, uniform bool, p uint8, not bool) {
	if not {
		b.WriteByte('!')
	}
	if uniform {
		b.WriteByte('U')
	}
	if p == PT {
		b.WriteString("PT")
		return
	}
	b.WriteByte('P')
	b.WriteString(strconv.Itoa(int(p)))
}

func writeReg(b *strings.Builder, r uint8) {
	if r == RZ {
		b.WriteString("RZ")
		return
	}
	b.WriteByte('R')
	b.WriteString(strconv.Itoa(int(r)))
}

func writeUniform(b *strings.Builder, r uint8) {
	if r == URZ {
		b.WriteString("URZ")
		return
	}
	fmt.Fprintf(b, "UR%d", r)
}

// hex writes a signed number as nvdisasm does: -0x8.
func hex(v int64) string {
	if v < 0 {
		return "-0x" + strconv.FormatUint(uint64(-v), 16)
	}
	return "0x" + strconv.FormatInt(v, 16)
}

func (o *operandForm) write(b *strings.Builder, x *Operand) {
	if x.Kind == KindImm {
		o.writeImm(b, x)
		return
	}
	if x.Kind == KindPred || x.Kind == KindUPred {
		writePred(b, x.Kind == KindUPred, x.Reg, x.Not)
		return
	}
	if x.Neg {
		b.WriteByte('-')
	}
	if x.Not {
		b.WriteByte('~')
	}
	if x.Abs {
		b.WriteByte('|')
	}
	o.writeValue(b, x)
	closed := o.wide && x.Kind == KindReg // |R1|.reuse.H1_H1, but |UR1.H1_H1|
	if closed && x.Abs {
		b.WriteByte('|')
	}
	if closed && x.Reuse {
		b.WriteString(".reuse")
	}
	if x.Sel != SelNone && x.Kind != KindMem {
		b.WriteString("." + x.Sel.String())
	}
	if x.Abs && !closed {
		b.WriteByte('|')
	}
	if x.Reuse && !closed {
		b.WriteString(".reuse")
	}
}

// writeValue writes the operand without its sign, selection and flags.
func (o *operandForm) writeValue(b *strings.Builder, x *Operand) {
	switch x.Kind {
	case KindReg:
		writeReg(b, x.Reg)
	case KindSReg:
		b.WriteString(sregName(x.Reg, o.wide, o.arch))
	case KindCC:
		b.WriteString("CC")
		if t := CCTest(x.Reg); t != CCT {
			b.WriteString("." + t.String())
		}
	case KindUniform:
		writeUniform(b, x.Reg)
	case KindBindless:
		b.WriteString("cx[")
		writeUniform(b, x.Reg)
		if o.spaced {
			fmt.Fprintf(b, "] [%s]", hex(x.Value))
			break
		}
		fmt.Fprintf(b, "][%s]", hex(x.Value))
	case KindConst:
		if o.described {
			b.WriteString("cx[")
			writeUniform(b, x.Uniform)
			b.WriteByte(']')
		} else {
			fmt.Fprintf(b, "c[%#x]", x.Bank)
		}
		if o.spaced {
			b.WriteByte(' ')
		}
		o.writeAddress(b, x)
	case KindBarrier:
		fmt.Fprintf(b, "B%d", x.Reg)
	case KindMem:
		b.WriteString(o.prefix)
		if o.described {
			b.WriteString("desc[")
			writeUniform(b, x.Uniform)
			b.WriteByte(']')
		}
		o.writeAddress(b, x)
	case KindLabel:
		if o.hasBase || o.hasUniform {
			if o.hasBase {
				writeReg(b, x.Reg)
			} else {
				writeUniform(b, x.Uniform)
			}
			if x.Value != 0 || o.letter == 'e' {
				b.WriteString(" " + hex(x.Value))
			}
			break
		}
		b.WriteString(hex(x.Value))
	case KindSB:
		o.writeBarriers(b, x)
	case KindText:
		b.WriteString(o.texts[x.Value])
	}
}

// writeBarriers writes SB0, or a set: {5,3}.
func (o *operandForm) writeBarriers(b *strings.Builder, x *Operand) {
	if o.letter == 'B' {
		fmt.Fprintf(b, "SB%d", x.Reg)
		return
	}
	sep := "{"
	for i := 5; i >= 0; i-- {
		if x.Value>>i&1 != 0 {
			fmt.Fprintf(b, "%s%d", sep, i)
			sep = ","
		}
	}
	b.WriteByte('}')
}

// writeAddress writes [R1+0x8], [R1] or [0x8]; with a uniform register [R1+UR4+0x8] or [UR4+0x8].
func (o *operandForm) writeAddress(b *strings.Builder, x *Operand) {
	b.WriteByte('[')
	offset, added := x.Value, o.hasUniform && !o.described
	switch {
	case x.Reg == RZ && x.Kind == KindMem && x.Sel != Sel64 && (x.Value != 0 && !added || o.letter == 'a'):
		b.WriteString(hex(x.Value))
		offset = 0
	case x.Reg == RZ && x.Kind == KindConst && !added:
		b.WriteString(hex(x.Value))
		offset = 0
	case x.Reg == RZ && added && (x.Sel == SelNone || x.Sel == SelU32 || x.Sel == Sel64):
		writeUniform(b, x.Uniform)
		added = false
	default:
		writeReg(b, x.Reg)
		if x.Sel != SelNone && x.Kind == KindMem {
			b.WriteString("." + x.Sel.String())
		}
	}
	if added && !(o.noZero && x.Uniform == URZ) {
		b.WriteByte('+')
		writeUniform(b, x.Uniform)
	}
	if offset != 0 {
		b.WriteString("+" + hex(offset))
	}
	b.WriteByte(']')
}

func (o *operandForm) writeImm(b *strings.Builder, x *Operand) {
	if x.Neg && o.minus && x.Value != 0 {
		b.WriteByte('-')
	}
	switch o.letter {
	case 'f', 'F':
		b.WriteString(floatText(float64(math.Float32frombits(uint32(x.Value))), uint32(x.Value)>>31 != 0))
	case 'b':
		b.WriteString(floatText(float64(math.Float32frombits(uint32(x.Value)<<16)), x.Value>>15 != 0))
	case 'd', 'D':
		const quiet = 1 << 51
		if v := math.Float64frombits(uint64(x.Value)); math.IsNaN(v) && x.Value&quiet == 0 {
			b.WriteString(map[bool]string{false: "+", true: "-"}[x.Value < 0] + "SNAN ")
			break
		}
		b.WriteString(floatText(math.Float64frombits(uint64(x.Value)), x.Value < 0))
	case 'h', 'H':
		b.WriteString(halfText(uint16(x.Value)))
	case 'I':
		fmt.Fprintf(b, "%#x", x.Value&(1<<o.field.bits()-1))
	case 'w': // how FSWZADD combines each of four lanes' pairs: two bits each, the last first
		for i := 6; i >= 0; i -= 2 {
			b.WriteString([...]string{"PP", "NP", "PN", "ZP"}[x.Value>>i&3])
		}
	default:
		b.WriteString(hex(x.Value))
	}
	if x.Neg && !o.minus {
		b.WriteString(".NEG")
	}
	if x.Abs {
		b.WriteString(".ABS")
	}
	if x.Not {
		b.WriteString(".INV")
	}
	if x.Sel != SelNone {
		b.WriteString("." + x.Sel.String())
	}
}

// halfText prints a binary16.
func halfText(h uint16) string {
	sign, exp, frac := h>>15 != 0, int(h>>10&31), float64(h&1023)
	v := math.Ldexp(frac, -24)
	switch {
	case exp == 31 && frac != 0:
		v = math.NaN()
	case exp == 31:
		v = math.Inf(1)
	case exp != 0:
		v = math.Ldexp(frac+1024, exp-25)
	}
	if sign {
		v = -v
	}
	return floatText(v, sign)
}

// floatText prints a number with 20 digits, whole numbers from 1e9 on in exponential form.
func floatText(v float64, negative bool) string {
	sign := "+"
	if negative {
		sign = "-"
	}
	switch {
	case math.IsNaN(v):
		return sign + "QNAN "
	case math.IsInf(v, 0):
		return sign + "INF "
	case v == 0 && negative:
		return "-0.0 "
	case math.Abs(v) >= 1e9:
		return strconv.FormatFloat(v, 'e', 20, 64)
	}
	s := strconv.FormatFloat(v, 'e', 19, 64)
	mantissa, exp, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exp)
	if e < -4 { // C's %.20g
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		return mantissa + "e" + exp
	}
	s = strconv.FormatFloat(v, 'f', 19-e, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
