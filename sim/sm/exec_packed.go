package sm

import (
	"math"
	"math/bits"

	"warpdrop/sim/isa"
)

// Packed and video instructions: dot products of bytes (IDP), pairs of halves (HADD2 …), scalar and byte-wise video
// (VADD, VABSDIFF4 …). Compiled code has few of them, so they run a lane at a time.

// Fields of Op.Aux of the integer ones.
const (
	packPartA   = 0 // 3 bits, as in the encoding: 0 to 3 a byte, 4 and 5 a half, 6 the whole
	packPartB   = 4
	packSignedA = 1 << 3
	packSignedB = 1 << 7
	packMerge   = 8 // 3 bits: what is done with C
	packSAT     = 1 << 11
	packSigned  = 1 << 12 // the result
	packMode    = 13      // 3 bits, by instruction
)

// Values of the packMerge field.
const (
	mergeHigh, mergeLow, mergeByte0, mergeByte2, mergeAdd, mergeMin, mergeMax, mergeNone = 0, 1, 2, 3, 4, 5, 6, 7
)

func lowerIDP(l *lowerer) {
	var signed []bool
	for k, m := range l.in.Mods[:l.in.NumMods] {
		switch m {
		case isa.ModU8, isa.ModS8, isa.ModU16, isa.ModS16:
			signed = append(signed, m == isa.ModS8 || m == isa.ModS16)
			l.seen[k] = true
		}
	}
	if len(signed) != 2 {
		l.fail("no types")
		return
	}
	if signed[0] {
		l.op.Aux |= packSignedA
	}
	if signed[1] {
		l.op.Aux |= packSignedB
	}
	l.ignore(isa.Mod4A, isa.ModLO)
	if l.has(isa.Mod2A) {
		l.op.Aux |= 1 << packMode
	}
	if l.has(isa.ModHI) {
		l.op.Aux |= 2 << packMode
	}
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

// lowerVideo takes the scalar video instructions; types and parts are read from the encoding, since they are not always printed.
func lowerVideo(l *lowerer) {
	w := l.in.Word
	bit := func(n int) uint32 { return uint32(w >> n & 1) }
	for k := range l.in.Mods[:l.in.NumMods] {
		l.seen[k] = true
	}
	aux := uint32(w>>36&7)<<packPartA | bit(48)<<3 | bit(49)<<7
	if bit(50) != 0 {
		aux |= uint32(w>>28&7) << packPartB
	} else {
		aux |= 6 << packPartB // the immediate, extended already
	}
	merge := uint32(w >> 51 & 7)
	sat := bit(55)
	var signed, mode uint32
	switch l.in.Op {
	case isa.OpVADD:
		signed, mode = bit(54), uint32(w>>56&3)
	case isa.OpVABSDIFF:
		signed = bit(54)
	case isa.OpVMNMX:
		signed, mode = bit(54), bit(56)
	case isa.OpVSHL, isa.OpVSHR:
		signed, mode = bit(54), bit(49)
		aux &^= packSignedB
	case isa.OpVSET:
		sat, mode = 0, uint32(w>>54&7)
	case isa.OpVMAD:
		merge, mode = mergeAdd, uint32(w>>53&3)
		signed = 1
		if aux&(packSignedA|packSignedB) == 0 && mode == 0 {
			signed = 0
		}
		l.op.Imm = int64([4]int{0, 7, 15, 0}[w>>51&3])
	}
	l.op.Aux = aux | merge<<packMerge | sat*packSAT | signed*packSigned | mode<<packMode
	l.dst(1)
	l.plainCC()
	for i := range 3 {
		o, s := l.source(1)
		o2 := *o
		o2.Neg = false // in mode
		l.place(i, &o2, s)
	}
	if l.in.Operands[2].Kind == isa.KindImm && l.op.Aux&packSignedB == 0 && l.in.Op != isa.OpVSHL && l.in.Op != isa.OpVSHR {
		l.op.B = l.pool(poolRef{imm: uint32(l.in.Operands[2].Value) & 0xffff}, poolRef{}, false)
	}
}

// part returns the field of x that p names, extended.
func part(x, p uint32, signed bool) int64 {
	switch {
	case p < 4 && signed:
		return int64(int8(x >> (8 * p)))
	case p < 4:
		return int64(uint8(x >> (8 * p)))
	case p < 6 && signed:
		return int64(int16(x >> (16 * (p - 4))))
	case p < 6:
		return int64(uint16(x >> (16 * (p - 4))))
	case signed:
		return int64(int32(x))
	}
	return int64(x)
}

func clampWord(v int64, signed bool) int64 {
	if signed {
		return min(max(v, math.MinInt32), math.MaxInt32)
	}
	return min(max(v, 0), math.MaxUint32)
}

// video computes one lane of a scalar video instruction, after the PTX ISA's pseudo code.
func video(op *Op, a, b, c uint32) uint32 {
	x := part(a, op.Aux>>packPartA&7, op.Aux&packSignedA != 0)
	y := part(b, op.Aux>>packPartB&7, op.Aux&packSignedB != 0)
	signed, mode := op.Aux&packSigned != 0, op.Aux>>packMode&7
	var v int64
	switch op.Code {
	case CodeVADD:
		switch mode {
		case 1:
			y = -y
		case 2:
			x = -x
		case 3:
			x++
		}
		v = x + y
	case CodeVABSDIFF:
		v = x - y
		if v < 0 {
			v = -v
		}
	case CodeVMNMX:
		v = min(x, y)
		if mode != 0 {
			v = max(x, y)
		}
	case CodeVSHL, CodeVSHR:
		n := uint64(y) & 0xffffffff
		if mode != 0 {
			n &= 31
		}
		n = min(n, 32)
		if op.Code == CodeVSHL {
			v = x << n
			if op.Aux&packSAT == 0 {
				v = int64(uint32(v))
			}
		} else {
			v = x >> n
		}
	case CodeVSET:
		cmp := CmpGT
		switch {
		case x < y:
			cmp = CmpLT
		case x == y:
			cmp = CmpEQ
		}
		if [8]uint32{0, CmpLT, CmpEQ, CmpLT | CmpEQ, CmpGT, CmpLT | CmpGT, CmpGT | CmpEQ, 7}[mode]&cmp != 0 {
			v = 1
		}
	case CodeVMAD:
		v = x * y
		z := int64(int32(c))
		if !signed {
			z = int64(c)
		}
		switch mode {
		case 1:
			z = -z
		case 2:
			v = -v
		case 3:
			z++
		}
		v = (v + z) >> op.Imm
		if op.Aux&packSAT != 0 {
			v = clampWord(v, signed)
		}
		return uint32(v)
	}
	if op.Aux&packSAT != 0 {
		v = clampWord(v, signed)
	}
	r := uint32(v)
	switch op.Aux >> packMerge & 7 {
	case mergeHigh:
		return c&0xffff | r<<16
	case mergeLow:
		return c&0xffff0000 | r&0xffff
	case mergeByte0:
		return c&0xffffff00 | r&0xff
	case mergeByte2:
		return c&0xff00ffff | r&0xff<<16
	case mergeAdd:
		return r + c
	case mergeMin:
		if signed {
			return uint32(min(int32(r), int32(c)))
		}
		return min(r, c)
	case mergeMax:
		if signed {
			return uint32(max(int32(r), int32(c)))
		}
		return max(r, c)
	}
	return r
}

// dotProduct computes one lane of IDP: four products of bytes, or two of a half and a byte, and a sum.
func dotProduct(aux, a, b, c uint32) uint32 {
	sa, sb := aux&packSignedA != 0, aux&packSignedB != 0
	if mode := aux >> packMode & 3; mode&1 != 0 {
		first := mode >> 1 * 2
		for i := range uint32(2) {
			c += uint32(part(a, 4+i, sa) * part(b, first+i, sb))
		}
		return c
	}
	for i := range uint32(4) {
		c += uint32(part(a, i, sa) * part(b, i, sb))
	}
	return c
}

// lowerVABSDIFF4 takes the byte-wise absolute difference: both sources in order, with all four bytes or a sum of them.
func lowerVABSDIFF4(l *lowerer) {
	w := l.in.Word
	for k := range l.in.Mods[:l.in.NumMods] {
		l.seen[k] = true
	}
	aux := uint32(w>>48&1)<<3 | uint32(w>>49&1)<<7 | uint32(w>>50&1)*packSAT | uint32(w>>53&3)<<packMerge | uint32(w>>38&1)*packSigned
	l.op.Aux = aux
	l.op.Imm = int64(w>>51&3 | w>>36&3<<2) // the bytes that take part
	l.dst(1)
	l.plainCC()
	for i := range 3 {
		o, s := l.source(1)
		if o.Kind == isa.KindReg && o.Sel != isa.SelNone {
			l.fail("source selection .%s is not executed", o.Sel)
		}
		o2 := *o
		o2.Sel = isa.SelNone
		l.place(i, &o2, s)
	}
}

func absDiff4(op *Op, a, b, c uint32) uint32 {
	r := c
	for i := range uint32(4) {
		if op.Imm>>i&1 == 0 {
			continue
		}
		d := part(a, i, op.Aux&packSignedA != 0) - part(b, i, op.Aux&packSignedB != 0)
		if d < 0 {
			d = -d
		}
		switch {
		case op.Aux&packSAT == 0:
		case op.Aux&packSigned != 0:
			d = min(d, math.MaxInt8)
		default:
			d = min(d, math.MaxUint8)
		}
		if op.Aux>>packMerge&3 != 0 {
			r += uint32(d)
		} else {
			r = r&^(0xff<<(8*i)) | uint32(d)&0xff<<(8*i)
		}
	}
	return r
}

// Fields of Op.Aux of pairs of halves: bits 0-3 and auxBool as of the comparisons; which halves each source gives.
const (
	halfPick  = 16 // 2 bits a source: 0 both in order, 1 the lower twice, 2 the upper twice
	halfMerge = 24 // 2 bits: 0 both, 1 the lower one only, 2 the upper one only
)

// lowerHalves takes HADD2, HMUL2, HFMA2, HSET2 and HSETP2 and their forms with immediates.
func lowerHalves(n int) func(*lowerer) {
	return func(l *lowerer) {
		switch l.op.Code {
		case CodeHSET2, CodeHSETP2:
			l.compare()
			l.flag(isa.ModBF, FlagBF)
		}
		l.flag(isa.ModFTZ, FlagFTZ)
		l.flag(isa.ModSAT, FlagSAT)
		for k, m := range []isa.Mod{isa.ModMRG_H0, isa.ModMRG_H1} {
			if l.has(m) {
				l.op.Aux |= uint32(k+1) << halfMerge
			}
		}
		if l.op.Code == CodeHSETP2 {
			l.pdst()
			l.pdst2()
		} else {
			l.dst(1)
			l.plainCC()
		}
		for i := range n {
			if l.peek(isa.KindImm) && l.in.Op != isa.OpNOP {
				// Two immediates stand for one pair, the upper half first.
				hi, lo := l.imm(), l.imm()
				v := uint32(hi)<<16 | uint32(lo)&0xffff
				l.place(i, &isa.Operand{}, l.pool(poolRef{imm: v}, poolRef{}, false))
				continue
			}
			o, s := l.source(1)
			l.place(i, o, s)
			switch o.Sel {
			case isa.SelNone:
			case isa.SelH0_H0:
				l.op.Aux |= 1 << (halfPick + 2*i)
			case isa.SelH1_H1:
				l.op.Aux |= 2 << (halfPick + 2*i)
			default:
				l.fail("source selection .%s is not executed", o.Sel)
			}
		}
		switch l.op.Code {
		case CodeHSET2, CodeHSETP2:
			l.psrc()
		}
	}
}

func flushHalf(h uint16) uint16 {
	if h&0x7c00 == 0 {
		return h & 0x8000
	}
	return h
}

// halves executes pairs of halves, each rounded once.
func (x *Exec) halves(w *Warp, op *Op, d *Row, mask uint32) {
	rows := [3]*Row{w.row(op.A), w.row(op.B), w.row(op.C)}
	f := op.Flags
	var lower, upper uint32 // comparisons
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		var r [2]uint16
		for h := range 2 {
			var v [3]float64
			for k := range v {
				which := h
				if pick := op.Aux >> (halfPick + 2*k) & 3; pick != 0 {
					which = int(pick) - 1
				}
				u := uint16(rows[k][i] >> (16 * which))
				if f>>(2*k)&FlagAbsA != 0 {
					u &^= 0x8000
				}
				if f>>(2*k)&FlagNegA != 0 {
					u ^= 0x8000
				}
				if f&FlagFTZ != 0 {
					u = flushHalf(u)
				}
				v[k] = float64(f32(halfToFloat(u)))
			}
			var y float64
			switch op.Code {
			case CodeHADD2:
				y = v[0] + v[1] // exact
			case CodeHMUL2:
				y = v[0] * v[1] // exact
			case CodeHFMA2:
				y = addOdd(v[0]*v[1], v[2])
			default:
				cmp := compare64(v[0], v[1])&op.Aux&15 != 0
				if h == 0 {
					setBit(&lower, i, cmp)
				} else {
					setBit(&upper, i, cmp)
				}
				continue
			}
			r[h] = floatToHalf(y, RoundNearest)
			if f&FlagFTZ != 0 {
				r[h] = flushHalf(r[h])
			}
			if f&FlagSAT != 0 {
				switch {
				case y != y || r[h]&0x8000 != 0:
					r[h] = 0
				case r[h] > 0x3c00:
					r[h] = 0x3c00
				}
			}
		}
		if op.Code == CodeHSET2 || op.Code == CodeHSETP2 {
			continue
		}
		switch v := uint32(r[1])<<16 | uint32(r[0]); op.Aux >> halfMerge & 3 {
		case 1:
			d[i] = d[i]&0xffff0000 | v&0xffff
		case 2:
			d[i] = d[i]&0xffff | v&0xffff0000
		default:
			d[i] = v
		}
	}
	switch op.Code {
	case CodeHSETP2:
		p := w.psrc(op)
		w.setPred(op.PDst, combine(op.Aux>>auxBool&3, lower, p), mask)
		w.setPred(op.PDst2, combine(op.Aux>>auxBool&3, upper, p), mask)
	case CodeHSET2:
		one := uint32(0xffff)
		if f&FlagBF != 0 {
			one = 0x3c00
		}
		p := w.psrc(op)
		lower, upper = combine(op.Aux>>auxBool&3, lower, p), combine(op.Aux>>auxBool&3, upper, p)
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = one&-(lower>>i&1) | (one&-(upper>>i&1))<<16
		}
	}
}
