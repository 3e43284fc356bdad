package lower

import "warpdrop/sim/isa"

// Packed and video instructions: dot products of bytes (IDP), pairs of halves (HADD2 …), scalar and byte-wise video
// (VADD, VABSDIFF4 …).

// Fields of Op.Aux of the integer ones.
const (
	PackPartA   = 0 // 3 bits, as in the encoding: 0 to 3 a byte, 4 and 5 a half, 6 the whole
	PackPartB   = 4
	PackSignedA = 1 << 3
	PackSignedB = 1 << 7
	PackMerge   = 8 // 3 bits: what is done with C
	PackSAT     = 1 << 11
	PackSigned  = 1 << 12 // the result
	PackMode    = 13      // 3 bits, by instruction
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
		l.op.Aux |= PackSignedA
	}
	if signed[1] {
		l.op.Aux |= PackSignedB
	}
	l.ignore(isa.Mod4A, isa.ModLO)
	if l.has(isa.Mod2A) {
		l.op.Aux |= 1 << PackMode
	}
	if l.has(isa.ModHI) {
		l.op.Aux |= 2 << PackMode
	}
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

// lowerVideo takes the scalar video instructions; types and parts are read from the encoding, since they are not always
// printed.
func lowerVideo(l *lowerer) {
	w := l.in.Word.Lo
	bit := func(n int) uint32 { return uint32(w >> n & 1) }
	for k := range l.in.Mods[:l.in.NumMods] {
		l.seen[k] = true
	}
	aux := uint32(w>>36&7)<<PackPartA | bit(48)<<3 | bit(49)<<7
	if bit(50) != 0 {
		aux |= uint32(w>>28&7) << PackPartB
	} else {
		aux |= 6 << PackPartB // the immediate, extended already
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
		aux &^= PackSignedB
	case isa.OpVSET:
		sat, mode = 0, uint32(w>>54&7)
	case isa.OpVMAD:
		merge, mode = MergeAdd, uint32(w>>53&3)
		signed = 1
		if aux&(PackSignedA|PackSignedB) == 0 && mode == 0 {
			signed = 0
		}
		l.op.Imm = int64([4]int{0, 7, 15, 0}[w>>51&3])
	}
	l.op.Aux = aux | merge<<PackMerge | sat*PackSAT | signed*PackSigned | mode<<PackMode
	l.dst(1)
	l.plainCC()
	for i := range 3 {
		o, s := l.source(1)
		o2 := *o
		o2.Neg = false // in mode
		l.place(i, &o2, s)
	}
	if l.in.Operands[2].Kind == isa.KindImm && l.op.Aux&PackSignedB == 0 && l.in.Op != isa.OpVSHL &&
		l.in.Op != isa.OpVSHR {
		l.op.B = l.pool(poolRef{imm: uint32(l.in.Operands[2].Value) & 0xffff}, poolRef{}, false)
	}
}

// lowerVABSDIFF4 takes the byte-wise absolute difference: both sources in order, with all four bytes or a sum of them.
func lowerVABSDIFF4(l *lowerer) {
	w := l.in.Word.Lo
	for k := range l.in.Mods[:l.in.NumMods] {
		l.seen[k] = true
	}
	aux := uint32(w>>48&1)<<3 | uint32(w>>49&1)<<7 | uint32(w>>50&1)*PackSAT | uint32(w>>53&3)<<PackMerge |
		uint32(w>>38&1)*PackSigned
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

// Fields of Op.Aux of pairs of halves: bits 0-3 and auxBool as of the comparisons; which halves each source gives.
const (
	HalfPick  = 16      // 2 bits a source: 0 both in order, 1 the lower twice, 2 the upper twice, 3 FP32 twice
	HalfMerge = 24      // 2 bits: 0 both, 1 the lower one, 2 the upper one, 3 the lower one as an FP32 number
	HalfBrain = 1 << 26 // halves are of bfloat16
	HalfRELU  = 1 << 27 // what is below zero becomes zero
)

// Values of these fields.
const (
	PickFloat  = 3
	MergeFloat = 3
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
		for k, m := range []isa.Mod{isa.ModMRG_H0, isa.ModMRG_H1, isa.ModF32} {
			if l.has(m) {
				l.op.Aux |= uint32(k+1) << HalfMerge
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
			switch {
			case o.Kind == isa.KindConst || o.Sel == isa.SelF32:
				// a word of a constant bank is FP32: ptxas writes half constants so
				l.op.Aux |= PickFloat << (HalfPick + 2*i)
			case o.Sel == isa.SelNone:
			case o.Sel == isa.SelH0_H0:
				l.op.Aux |= 1 << (HalfPick + 2*i)
			case o.Sel == isa.SelH1_H1:
				l.op.Aux |= 2 << (HalfPick + 2*i)
			default:
				l.fail("source selection .%s is not executed", o.Sel)
			}
		}
		switch l.op.Code {
		case CodeHSET2, CodeHSETP2, CodeHMNMX2:
			l.psrc()
		}
	}
}

// Values of the packMerge field.
const (
	MergeHigh, MergeLow, MergeByte0, MergeByte2, MergeAdd, MergeMin, MergeMax, mergeNone = 0, 1, 2, 3, 4, 5, 6, 7
)
