package exec

import (
	"math"
	"math/bits"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/lower"
)

// What the families of 128-bit words do otherwise than Maxwell: carries in predicates, addends of 64 bits, uniform
// registers.

// carryIn returns the lanes whose predicate k of Imm2 holds.
func (w *Warp) carryIn(op *lower.Op, k int) uint32 { return w.condition(int64(op.Imm2) >> (8 * k)) }

// condition returns the predicate that a byte names: its number, and negation in bit 4.
func (w *Warp) condition(code int64) uint32 {
	p := w.Preds[code&15]
	if code&16 != 0 {
		p = ^p
	}
	return p
}

// invert returns all ones for a source that is inverted or negated, and what a negation adds.
func invert(f, neg, not uint32) (mask, plus uint32) {
	mask, plus = inverted(f&neg != 0)
	if f&not != 0 {
		mask = ^uint32(0)
	}
	return mask, plus
}

// addWithCarries executes IADD3 with carries in or out. A sum of three carries up to two: PDst says whether it carries,
// PDst2 whether twice.
func (x *Exec) addWithCarries(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	na, pa := invert(f, lower.FlagNegA, lower.FlagNotA)
	nb, pb := invert(f, lower.FlagNegB, lower.FlagNotB)
	nc, pc := invert(f, lower.FlagNegC, lower.FlagNotC)
	first, second := w.carryIn(op, 0), w.carryIn(op, 1)
	plus := uint64(pa + pb + pc)
	var one, two uint32
	for i := range d {
		sum := uint64(a[i]^na) + uint64(b[i]^nb) + uint64(c[i]^nc) + plus + uint64(first>>i&1) + uint64(second>>i&1)
		if mask>>i&1 != 0 {
			d[i] = uint32(sum)
		}
		carries := uint32(sum >> 32)
		one |= (carries | carries>>1) & 1 << i
		two |= carries >> 1 & 1 << i
	}
	w.setPred(op.PDst, one, mask)
	w.setPred(op.PDst2, two, mask)
}

// addPairs executes UIADD3.64: addWithCarries of pairs of registers.
func (x *Exec) addPairs(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	var one, two uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var sum, carries uint64
		add := func(v, plus uint64) {
			var carry uint64
			sum, carry = bits.Add64(sum, v, plus)
			carries += carry
		}
		for k, s := range [3]lower.Src{op.A, op.B, op.C} {
			not, plus := invert(f, lower.FlagNegA<<(2*k), [3]uint32{lower.FlagNotA, lower.FlagNotB, lower.FlagNotC}[k])
			v := uint64(0)
			if s != lower.PoolZero {
				v = w.wide(s, i)
			}
			add(v^(uint64(not)<<32|uint64(not)), uint64(plus))
		}
		add(uint64(w.carryIn(op, 0)>>i&1), uint64(w.carryIn(op, 1)>>i&1))
		x.setWide(w, op, i, sum)
		setBit(&one, i, carries > 0)
		setBit(&two, i, carries > 1)
	}
	w.setPred(op.PDst, one, mask)
	w.setPred(op.PDst2, two, mask)
}

// multiplyAdd executes IMAD, of which the lower half is wanted.
func (x *Exec) multiplyAdd(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	nc, plus := inverted(op.Flags&lower.FlagNegC != 0)
	if mask == ^uint32(0) {
		for i := range d {
			d[i] = a[i]*b[i] + (c[i] ^ nc) + plus
		}
		return
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = a[i]*b[i] + (c[i] ^ nc) + plus
	}
}

// multiplyAddCarry executes IMAD.X.
func (x *Exec) multiplyAddCarry(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	nc, _ := invert(op.Flags, lower.FlagNegC, lower.FlagNotC)
	carry := w.carryIn(op, 0)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = a[i]*b[i] + (c[i] ^ nc) + carry>>i&1
	}
}

// multiplyAddWide executes IMAD.WIDE and IMAD.HI: the product and the addend have 64 bits.
func (x *Exec) multiplyAddWide(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	a, b := w.row(op.A), w.row(op.B)
	lo, hi := w.row(op.C), w.row(op.C+1)
	if op.C == lower.PoolZero {
		hi = lo
	}
	d := x.dst(w, op)
	upper := &x.sink[1]
	if op.Dst != isa.RZ && f&lower.FlagHigh == 0 {
		upper = w.row(op.Dst + 1)
	}
	carry := w.carryIn(op, 0)
	var out uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p := uint64(a[i]) * uint64(b[i])
		if f&lower.FlagSigned != 0 {
			p = uint64(int64(int32(a[i])) * int64(int32(b[i])))
		}
		q, negated := uint64(lo[i])|uint64(hi[i])<<32, uint64(0)
		switch {
		case f&lower.FlagNegC != 0: // a negated zero carries
			q = ^q
			negated = 1
		case f&lower.FlagNotC != 0:
			q = ^q
		}
		sum, over := bits.Add64(p, q, negated)
		sum, more := bits.Add64(sum, uint64(carry>>i&1), 0)
		setBit(&out, i, over|more != 0)
		if f&lower.FlagHigh != 0 {
			d[i] = uint32(sum >> 32)
		} else {
			d[i], upper[i] = uint32(sum), uint32(sum>>32)
		}
	}
	w.setPred(op.PDst, out, mask)
}

// absolute executes IABS.
func (x *Exec) absolute(w *Warp, op *lower.Op, mask uint32) {
	d, a := x.dst(w, op), w.row(op.A)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = a[i]
		if int32(a[i]) < 0 {
			d[i] = -a[i]
		}
	}
}

// chooseFloat executes FSEL.
func (x *Exec) chooseFloat(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d, a, b := x.dst(w, op), w.row(op.A), w.row(op.B)
	ma, mb := signMods[f&3], signMods[f>>2&3]
	first := w.psrc(op)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := modify(b[i], mb)
		if first>>i&1 != 0 {
			v = modify(a[i], ma)
		}
		if f&lower.FlagFTZ != 0 {
			v = flush32(v)
		}
		d[i] = v
	}
}

// compareExtended executes ISETP.EX: where the upper halves are equal, the comparison of the lower ones counts.
func (x *Exec) compareExtended(w *Warp, op *lower.Op, mask uint32) {
	lt, eq := laneICMP(w.row(op.A), w.row(op.B), bias(op))
	w.setPreds(op, choose(op.Aux&15, lt, eq, 0)&^eq|w.carryIn(op, 0)&eq, mask)
}

// shiftedSum executes LEA: a shifted to the left, plus b. LEA.HI takes the upper half of the shifted 64 bits.
func (x *Exec) shiftedSum(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	na, pa := invert(f, lower.FlagNegA, lower.FlagNotA)
	nb, pb := invert(f, lower.FlagNegB, lower.FlagNotB)
	carry := w.carryIn(op, 0)
	var out uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		v := uint64(a[i])
		switch {
		case f&lower.FlagHigh == 0:
		case f&lower.FlagSigned != 0:
			v = uint64(int64(int32(a[i])))
		default:
			v |= uint64(c[i]) << 32
		}
		v <<= uint(op.Imm)
		plus := uint64(pb) + uint64(carry>>i&1)
		switch {
		case na == 0:
		case pa != 0 && f&lower.FlagHigh != 0:
			v = -v
		default: // a negated zero carries: ~0 + 1
			v = ^v
			plus += uint64(pa)
		}
		if f&lower.FlagHigh != 0 {
			v >>= 32
		}
		sum := uint64(uint32(v)) + uint64(b[i]^nb) + plus
		setBit(&out, i, sum>>32 != 0)
		d[i] = uint32(sum)
	}
	w.setPred(op.PDst, out, mask)
}

// logicToPred executes LOP3 with a predicate, which is whether the result has a bit, or the source predicate holds (and
// it, with .PAND).
func (x *Exec) logicToPred(w *Warp, op *lower.Op, mask uint32) {
	nz := laneLOP3(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), &luts[op.Aux&255], mask)
	if op.Flags&lower.FlagTest != 0 {
		nz &= w.psrc(op)
	} else {
		nz |= w.psrc(op)
	}
	w.setPred(op.PDst, nz, mask)
}

// signs are the highest bits of all lanes.
func signs(a *lower.Row) (m uint32) {
	for i, v := range a {
		m |= v >> 31 << i
	}
	return m
}

// predicateTables executes PLOP3.
func (x *Exec) predicateTables(w *Warp, op *lower.Op, mask uint32) {
	var p, q, r uint32
	if op.Flags&lower.FlagSigned != 0 {
		p, q, r = signs(w.row(op.A)), signs(w.row(op.B)), signs(w.row(op.C))
	} else {
		p, q, r = w.condition(op.Imm), w.condition(op.Imm>>8), w.condition(op.Imm>>16)
	}
	table := func(t uint32) (v uint32) {
		for k := range uint32(8) {
			if t>>k&1 == 0 {
				continue
			}
			term := ^uint32(0)
			for n, s := range [3]uint32{r, q, p} {
				if k>>n&1 == 0 {
					s = ^s
				}
				term &= s
			}
			v |= term
		}
		return v
	}
	w.setPred(op.PDst, table(op.Aux&255), mask)
	w.setPred(op.PDst2, table(op.Aux>>8&255), mask)
}

// funnel executes SHF: 64 bits, of which c are the upper, are shifted by b, and one half is taken.
func (x *Exec) funnel(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	limit := uint32(32)
	if f&lower.Flag64 != 0 {
		limit = 64
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		s := min(b[i], limit)
		if f&lower.FlagWrap != 0 {
			s = b[i] & (limit - 1)
		}
		v := uint64(c[i])<<32 | uint64(a[i])
		switch {
		case f&lower.FlagRight == 0:
			v <<= s
		case f&lower.FlagSigned != 0:
			v = uint64(int64(v) >> s)
		default:
			v >>= s
		}
		if f&lower.FlagHigh != 0 {
			v >>= 32
		}
		d[i] = uint32(v)
	}
}

// field executes SGXT, which extends the lower b bits of a, and BMSK, which has b bits set from bit a on.
func (x *Exec) field(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d, a, b := x.dst(w, op), w.row(op.A), w.row(op.B)
	limit := func(v uint32) uint32 {
		if f&lower.FlagWrap != 0 {
			return v & 31
		}
		return min(v, 32)
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		n := limit(b[i])
		switch {
		case op.Code == lower.CodeBMSK:
			d[i] = uint32(uint64(1)<<n-1) << limit(a[i])
		case f&lower.FlagSigned != 0 && n == 0:
			d[i] = 0
		case f&lower.FlagSigned != 0:
			d[i] = uint32(int32(a[i]<<(32-n)) >> (32 - n))
		default:
			d[i] = a[i] & uint32(uint64(1)<<n-1)
		}
	}
}

// reverse executes BREV.
func (x *Exec) reverse(w *Warp, op *lower.Op, mask uint32) {
	d, a := x.dst(w, op), w.row(op.A)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = bits.Reverse32(a[i])
	}
}

// movePair executes moves of two registers.
func (x *Exec) movePair(w *Warp, op *lower.Op, mask uint32) {
	if op.Dst == isa.RZ {
		return
	}
	laneMOV(w.row(op.Dst), w.row(op.A), mask)
	laneMOV(w.row(op.Dst+1), w.row(op.A+1), mask)
}

// doubleMinMax executes DSETP.MIN and .MAX: PDst says that the first source is the result, PDst2 that both are no
// numbers. That is how ptxas uses them for the minimum and maximum of doubles.
func (x *Exec) doubleMinMax(w *Warp, op *lower.Op, mask uint32) {
	var first, none uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q := w.double(op.A, op.Flags, i), w.double(op.B, op.Flags>>2, i)
		take := p < q || p == q && math.Signbit(p)
		if op.Aux&lower.CmpGT != 0 {
			take = p > q || p == q && !math.Signbit(p)
		}
		setBit(&first, i, (take || q != q) && p == p)
		setBit(&none, i, p != p && q != q)
	}
	w.setPred(op.PDst, combine(op.Aux>>lower.AuxBool&3, first, w.psrc(op)), mask)
	w.setPred(op.PDst2, combine(op.Aux>>lower.AuxBool&3, none, w.psrc(op)), mask)
}

// packFloats executes F2FP.PACK_AB: the first source becomes the upper half.
func (x *Exec) packFloats(w *Warp, op *lower.Op, mask uint32) {
	f := op.Flags
	d, a, b := x.dst(w, op), w.row(op.A), w.row(op.B)
	ma, mb := signMods[f&3], signMods[f>>2&3]
	half := func(v uint32) uint32 {
		if f&lower.FlagZero != 0 && !(f32(v) > 0) && f32(v) == f32(v) {
			v = 0
		}
		if f&lower.FlagBF != 0 {
			return bfloat(v, op.Aux&3)
		}
		return uint32(floatToHalf(float64(f32(v)), op.Aux&3))
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		d[i] = half(modify(a[i], ma))<<16 | half(modify(b[i], mb))
	}
}

// bfloat rounds an FP32 number to a bfloat16: to the nearest, or towards zero.
func bfloat(v, mode uint32) uint32 {
	switch {
	case f32(v) != f32(v):
		return 0x7fff
	case mode == lower.RoundZero:
		return v >> 16
	}
	return (v + 0x7fff + v>>16&1) >> 16
}

// absoluteDifference executes VABSDIFF: |a - b| + c.
func (x *Exec) absoluteDifference(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q := int64(a[i]), int64(b[i])
		if op.Flags&lower.FlagSigned != 0 {
			p, q = int64(int32(a[i])), int64(int32(b[i]))
		}
		d[i] = uint32(max(p-q, q-p)) + c[i]
	}
}

// match executes MATCH: the active threads that have the same value; with .ALL all of them, or none.
func (x *Exec) match(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	value := func(i int) uint64 {
		if op.Flags&lower.Flag64 != 0 {
			return w.wide(op.A, i)
		}
		return uint64(w.row(op.A)[i])
	}
	var same [32]uint32
	for m := mask; m != 0; {
		i := bits.TrailingZeros32(m)
		var set uint32
		for k := m; k != 0; k &= k - 1 {
			if j := bits.TrailingZeros32(k); value(j) == value(i) {
				set |= 1 << j
			}
		}
		for k := set; k != 0; k &= k - 1 {
			same[bits.TrailingZeros32(k)] = set
		}
		m &^= set
	}
	all := allOnes(same[bits.TrailingZeros32(mask)&31] == mask)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		if op.Flags&lower.FlagTest != 0 {
			d[i] = mask & all
		} else {
			d[i] = same[i]
		}
	}
	w.setPred(op.PDst, all, mask)
}

// spread writes a value to a uniform register, whoever is active.
func (x *Exec) spread(w *Warp, op *lower.Op, v uint32) {
	d := x.dst(w, op)
	for i := range d {
		d[i] = v
	}
}

// reduce executes REDUX.
func (x *Exec) reduce(w *Warp, op *lower.Op, mask uint32) {
	a := w.row(op.A)
	v := a[bits.TrailingZeros32(mask)&31]
	for m := mask & (mask - 1); m != 0; m &= m - 1 {
		u := a[bits.TrailingZeros32(m)]
		switch op.Aux {
		case lower.ReduxAND:
			v &= u
		case lower.ReduxOR:
			v |= u
		case lower.ReduxXOR:
			v ^= u
		case lower.ReduxSUM:
			v += u
		default:
			if less := u^bias(op)^sign32 < v^bias(op)^sign32; less == (op.Aux == lower.ReduxMIN) {
				v = u
			}
		}
	}
	x.spread(w, op, v)
}

// voteUniform executes VOTEU.
func (x *Exec) voteUniform(w *Warp, op *lower.Op, mask uint32) {
	p := w.psrc(op) & mask
	x.spread(w, op, p)
	yes := p != 0
	switch op.Aux {
	case lower.VoteALL:
		yes = p == mask
	case lower.VoteEQ:
		yes = p == mask || p == 0
	}
	w.setPred(op.PDst, allOnes(yes), ^uint32(0))
}

// toUniform executes R2UR.
func (x *Exec) toUniform(w *Warp, op *lower.Op, mask uint32) {
	x.spread(w, op, w.row(op.A)[bits.TrailingZeros32(mask)&31])
}

// moveBarrier executes BMOV: a convergence barrier to a register or back.
func (x *Exec) moveBarrier(w *Warp, op *lower.Op, mask uint32) {
	b := &w.meet.mask[op.Aux&(lower.ConvergenceBarriers-1)]
	if op.Code == lower.CodeBMOVB {
		laneMOV(b, w.row(op.A), mask)
		return
	}
	laneMOV(x.dst(w, op), b, mask)
	if op.Flags&lower.FlagZero != 0 {
		laneMOV(b, w.row(lower.PoolZero), mask)
	}
}
