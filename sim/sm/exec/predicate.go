package exec

import (
	"math/bits"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/lower"
)

// set executes FSET, ISET and DSET: a comparison whose result goes to a register.
func (x *Exec) set(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b := w.row(op.A), w.row(op.B)
	ma, mb := signMods[f&3], signMods[f>>2&3]
	var cmp uint32
	switch op.Code {
	case lower.CodeFSET:
		lt, eq, un := laneFCMP(a, b, ma, mb, f&lower.FlagFTZ != 0)
		cmp = choose(op.Aux&15, lt, eq, un)
	case lower.CodeISET:
		if op.UseX {
			cmp = compareX(w, op, mask)
		} else {
			lt, eq := laneICMP(a, b, bias(op))
			cmp = choose(op.Aux&15, lt, eq, 0)
		}
	default:
		cmp = compareDouble(w, op, mask)
	}
	x.truth(w, op, d, combine(op.Aux>>lower.AuxBool&3, cmp, w.psrc(op)), mask)
}

// comparePredX executes ISETP.X.
func (x *Exec) comparePredX(w *Warp, op *lower.Op, mask uint32) {
	w.setPreds(op, compareX(w, op, mask), mask)
}

// comparePredDouble executes DSETP.
func (x *Exec) comparePredDouble(w *Warp, op *lower.Op, mask uint32) {
	w.setPreds(op, compareDouble(w, op, mask), mask)
}

// predicateLogic executes PSETP and PSET. Two sources' predicates and negations stand in Imm: number, then negation in
// bit 3, a byte each.
func (x *Exec) predicateLogic(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	p := w.predOf(op.Imm)
	q := w.predOf(op.Imm >> 8)
	cmp := combine(op.Aux>>lower.AuxBool1&3, p, q)
	if op.Code == lower.CodePSET {
		x.truth(w, op, d, combine(op.Aux>>lower.AuxBool&3, cmp, w.psrc(op)), mask)
	} else {
		w.setPred2(op, cmp, ^cmp, mask)
	}
}

// thenSetCC executes the instruction with the code in Imm2, then sets the condition code by its result.
func (x *Exec) thenSetCC(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	x.inner = *op
	x.inner.Code = lower.Code(op.Imm2)
	w.PC--
	x.Exec(w, &x.inner, mask)
	var minusZero uint32
	if lower.Traits[x.inner.Code].Float {
		minusZero = sign32
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := d[i]
		if v == minusZero {
			v = 0
		}
		w.CC.setZS(i, v)
		setBit(&w.CC.C, i, false)
		setBit(&w.CC.O, i, false)
	}
}

// conditionLogic executes CSETP and CSET.
func (x *Exec) conditionLogic(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	cmp := w.CC.test(isa.CCTest(op.Imm))
	if op.Code == lower.CodeCSET {
		x.truth(w, op, d, combine(op.Aux>>lower.AuxBool&3, cmp, w.psrc(op)), mask)
	} else {
		w.setPreds(op, cmp, mask)
	}
}

// predsToRegister executes P2R and UP2UR: predicates from number Imm on.
func (x *Exec) predsToRegister(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b := w.row(op.A), w.row(op.B)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var v uint32
		if f&lower.FlagCC != 0 {
			for p, flag := range w.CC.flags() {
				v |= *flag >> i & 1 << p
			}
		} else {
			for p := range 7 {
				v |= w.Preds[int(op.Imm)+p] >> i & 1 << p
			}
		}
		v <<= 8 * op.Aux
		keep := b[i]
		if f&lower.FlagCC != 0 {
			keep |= keep >> 2 & 1 << 4
		}
		keep <<= 8 * op.Aux
		d[i] = a[i]&^keep | v&keep
	}
}

// registerToPreds executes R2P and UR2UP.
func (x *Exec) registerToPreds(w *Warp, op *lower.Op, mask uint32) {
	a, b := w.row(op.A), w.row(op.B)
	if op.Flags&lower.FlagCC != 0 {
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			set := b[i] | b[i]>>2&1<<4
			for p, flag := range w.CC.flags() {
				if set>>p&1 != 0 {
					setBit(flag, i, a[i]>>(8*op.Aux)>>p&1 != 0)
				}
			}
		}
		return
	}
	for p := range uint8(7) {
		var v, set uint32
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			setBit(&v, i, a[i]>>(8*op.Aux)>>p&1 != 0)
			setBit(&set, i, b[i]>>p&1 != 0)
		}
		w.setPred(uint8(op.Imm)+p, v, set)
	}
}

// psrc returns the lanes whose source predicate holds.
func (w *Warp) psrc(op *lower.Op) uint32 {
	p := w.Preds[op.PSrc&15]
	if op.PNot {
		p = ^p
	}
	return p
}

// setPred writes the lanes in mask of predicate p.
func (w *Warp) setPred(p uint8, value, mask uint32) {
	if p &= 15; p&isa.PT != isa.PT {
		w.Preds[p] = w.Preds[p]&^mask | value&mask
	}
}

// setPreds combines a comparison with the source predicate as .AND/.OR/.XOR says and writes the destinations; the
// second gets the combination of the opposite.
func (w *Warp) setPreds(op *lower.Op, cmp, mask uint32) {
	w.setPred2(op, cmp, ^cmp, mask)
}

func (w *Warp) setPred2(op *lower.Op, cmp, opposite, mask uint32) {
	p := w.psrc(op)
	w.setPred(op.PDst, combine(op.Aux>>lower.AuxBool&3, cmp, p), mask)
	w.setPred(op.PDst2, combine(op.Aux>>lower.AuxBool&3, opposite, p), mask)
}

func combine(how, a, b uint32) uint32 {
	switch how {
	case lower.BoolOR:
		return a | b
	case lower.BoolXOR:
		return a ^ b
	}
	return a & b
}

// choose returns the lanes for which comparison cmp holds, given those that are less, equal and unordered.
func choose(cmp, lt, eq, un uint32) uint32 {
	var r uint32
	if cmp&lower.CmpLT != 0 {
		r |= lt
	}
	if cmp&lower.CmpEQ != 0 {
		r |= eq
	}
	if cmp&lower.CmpGT != 0 {
		r |= ^(lt | eq | un)
	}
	if cmp&lower.CmpUN != 0 {
		r |= un
	}
	return r
}

func setBit(m *uint32, i int, v bool) {
	*m &^= 1 << i
	if v {
		*m |= 1 << i
	}
}

// setZS sets the zero and sign flags of lane i from result r.
func (c *CC) setZS(i int, r uint32) {
	setBit(&c.Z, i, r == 0)
	setBit(&c.S, i, int32(r) < 0)
	setBit(&c.C2, i, false)
}

// flags lists the flags in the order of the bits that P2R and R2P move.
func (c *CC) flags() [5]*uint32 { return [5]*uint32{&c.Z, &c.S, &c.C, &c.O, &c.C2} }

func allOnes(v bool) uint32 {
	if v {
		return ^uint32(0)
	}
	return 0
}

// truth writes a comparison's result to a register: all ones for true, 1.0 for .BF.
func (x *Exec) truth(w *Warp, op *lower.Op, d *lower.Row, cmp, mask uint32) {
	one := ^uint32(0)
	if op.Flags&lower.FlagBF != 0 {
		one = 0x3f800000
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = one & -(cmp >> i & 1)
		if op.SetCC {
			w.CC.setZS(i, d[i])
			setBit(&w.CC.C, i, false)
			setBit(&w.CC.O, i, false)
		}
	}
}

// predOf returns the predicate that a byte of PSETP's Imm names.
func (w *Warp) predOf(code int64) uint32 {
	p := w.Preds[code&7]
	if code&8 != 0 {
		p = ^p
	}
	return p
}

// test returns the lanes for which a test of the condition code holds.
func (c *CC) test(t isa.CCTest) uint32 {
	lt := c.S ^ c.O
	switch t {
	case isa.CCF:
		return 0
	case isa.CCLT, isa.CCLTU:
		return lt
	case isa.CCEQ, isa.CCEQU:
		return c.Z
	case isa.CCLE, isa.CCLEU:
		return lt | c.Z
	case isa.CCGT, isa.CCGTU:
		return ^(lt | c.Z)
	case isa.CCNE, isa.CCNEU:
		return ^c.Z
	case isa.CCGE, isa.CCGEU:
		return ^lt
	case isa.CCOFF:
		return ^c.O
	case isa.CCLO:
		return ^c.C
	case isa.CCSFF:
		return ^c.S
	case isa.CCLS:
		return ^c.C | c.Z
	case isa.CCHI:
		return c.C &^ c.Z
	case isa.CCSFT:
		return c.S
	case isa.CCHS:
		return c.C
	case isa.CCOFT:
		return c.O
	}
	return ^uint32(0)
}
