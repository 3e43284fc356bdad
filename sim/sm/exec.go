package sm

import (
	"fmt"
	"math"
	"math/bits"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
)

// Exec executes instructions: one an SM. Its outcome fields are valid until the next call.
type Exec struct {
	Access memory.Access // what a memory instruction (Op.IsMem) asks of memory
	Bar    BarRequest    // what a BAR instruction asks for; valid after instructions that are Op.IsCtrl
	Fault  ExecFault     // the error that the instruction met; set by Op.IsMem and Op.IsCtrl only
	Clock  int64         // cycle, set by the caller
	SMID   uint32
	SMs    uint32       // of the device
	Period float64      // of the clock, nanoseconds
	Global *memory.View // this SM's view of device memory
	Check  *Check       // nil = off

	span *memory.Span // allocation of the last global access

	passes, conflicts int // cost of the last shared-memory access where it is known, see pattern; passes 0 = it is not
	patterns          patterns
	flat              [128]uint32 // a wide store's words in order of address

	sink  [4]Row // destination of results that are not wanted
	tmp   Row
	inner Op // CodeSetCC
}

// BarRequest is one warp's arrival at a block barrier.
type BarRequest struct {
	Kind  BarKind
	ID    int
	Count int    // threads to wait for, 0 = all of the block
	Pred  uint32 // BAR.RED: predicate by lane
}

// ExecFault is an error of the executed program; Reason is empty if there is none.
type ExecFault struct {
	Reason string
	Lane   int
	Addr   uint64
	Bytes  int
	Where  string // where the address lies
}

func (f *ExecFault) String() string {
	if f.Bytes == 0 {
		return f.Reason
	}
	s := fmt.Sprintf("%s: %d bytes at %#x", f.Reason, f.Bytes, f.Addr)
	if f.Where != "" {
		s += " (" + f.Where + ")"
	}
	return s
}

// maxStack bounds the divergence stack; recursion deeper than this is a fault (hardware spills its stack to a reserved
// part of device memory, of limited size too).
const maxStack = 1024

// guardMask returns the active lanes whose guard predicate holds.
func (w *Warp) guardMask(op *Op) uint32 {
	p := w.Preds[op.Guard&7]
	if op.GuardNot {
		p = ^p
	}
	return w.Active & p
}

// dst returns the destination row.
func (x *Exec) dst(w *Warp, op *Op) *Row {
	if op.Dst == isa.RZ {
		return &x.sink[0]
	}
	return w.row(Src(op.Dst))
}

// psrc returns the lanes whose source predicate holds.
func (w *Warp) psrc(op *Op) uint32 {
	p := w.Preds[op.PSrc&7]
	if op.PNot {
		p = ^p
	}
	return p
}

// setPred writes the lanes in mask of predicate p.
func (w *Warp) setPred(p uint8, value, mask uint32) {
	if p < isa.PT {
		w.Preds[p] = w.Preds[p]&^mask | value&mask
	}
}

// setPreds combines a comparison with the source predicate as .AND/.OR/.XOR says and writes the destinations; the second
// gets the combination of the opposite.
func (w *Warp) setPreds(op *Op, cmp, mask uint32) {
	w.setPred2(op, cmp, ^cmp, mask)
}

func (w *Warp) setPred2(op *Op, cmp, opposite, mask uint32) {
	p := w.psrc(op)
	w.setPred(op.PDst, combine(op.Aux>>auxBool&3, cmp, p), mask)
	w.setPred(op.PDst2, combine(op.Aux>>auxBool&3, opposite, p), mask)
}

func combine(how, a, b uint32) uint32 {
	switch how {
	case BoolOR:
		return a | b
	case BoolXOR:
		return a ^ b
	}
	return a & b
}

// choose returns the lanes for which comparison cmp holds, given those that are less, equal and unordered.
func choose(cmp, lt, eq, un uint32) uint32 {
	var r uint32
	if cmp&CmpLT != 0 {
		r |= lt
	}
	if cmp&CmpEQ != 0 {
		r |= eq
	}
	if cmp&CmpGT != 0 {
		r |= ^(lt | eq | un)
	}
	if cmp&CmpUN != 0 {
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

// bias makes signed comparison of unsigned one.
func bias(op *Op) uint32 {
	if op.Flags&FlagSigned != 0 {
		return 0
	}
	return sign32
}

// inverted returns all ones for a negated source, and how much its negation adds beyond the complement.
func inverted(neg bool) (mask, plus uint32) {
	if neg {
		return ^uint32(0), 1
	}
	return 0, 0
}

// prefetchAhead is how many instructions ahead of an FFMA registers are fetched. Measured on a 1024^2 SGEMM with all SMs
// busy, the mean FFMA takes 10 to 17 ns with it and 36 to 80 without, depending on what else the machine does.
const prefetchAhead = 5

// Exec executes op, the instruction at w.PC, for the lanes in mask: those active whose guard holds. It moves w.PC.
func (x *Exec) Exec(w *Warp, op *Op, mask uint32) {
	if op.IsCtrl {
		x.Bar.Kind = BarNone
		x.control(w, op, mask)
		return
	}
	w.PC++
	if op.IsMem {
		x.Access.Mask = mask
		if mask != 0 {
			x.memory(w, op, mask)
			if x.Check != nil && x.Fault.Reason == "" {
				x.Check.access(x, w, op, w.PC-1, mask)
			}
		}
		return
	}
	if mask == 0 {
		return
	}
	f := op.Flags
	switch op.Code {
	case CodeNOP:
	case CodeFFMA:
		// The registers of all SMs together are larger than the caches near the core, and an SM runs only a window
		// before the next: ask for the rows of an instruction some way ahead.
		if ops := w.ops; int(w.PC)+prefetchAhead < len(ops) {
			n := &ops[w.PC+prefetchAhead]
			lanePrefetch(w.row(n.A), w.row(n.B), w.row(n.C))
		}
		laneFFMA(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), mask, (f^f>>2)&1<<31, f>>4&1<<31)
	case CodeFFMAFTZ:
		laneFFMAFTZ(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), mask, (f^f>>2)&1<<31, f>>4&1<<31)
	case CodeFADD:
		laneFADD(x.dst(w, op), w.row(op.A), w.row(op.B), mask, signMods[f&3], signMods[f>>2&3])
	case CodeFADDFTZ:
		laneFADDFTZ(x.dst(w, op), w.row(op.A), w.row(op.B), mask, signMods[f&3], signMods[f>>2&3])
	case CodeFMUL:
		laneFMUL(x.dst(w, op), w.row(op.A), w.row(op.B), mask, (f^f>>2)&1<<31)
	case CodeFMULFTZ:
		laneFMULFTZ(x.dst(w, op), w.row(op.A), w.row(op.B), mask, (f^f>>2)&1<<31)
	case CodeXMAD:
		laneXMAD(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), &xmadModes[op.Aux], mask)
	case CodeIADD:
		na, pa := inverted(f&FlagNegA != 0)
		nb, pb := inverted(f&FlagNegB != 0)
		if f&FlagPlus1 != 0 {
			pa, pb = 1, 0
		}
		laneIADD(x.dst(w, op), w.row(op.A), w.row(op.B), mask, na, nb, pa+pb)
	case CodeIADDX, CodeLEA, CodeLEAHI:
		x.addCarry(w, op, mask)
	case CodeIADD3:
		na, pa := inverted(f&FlagNegA != 0)
		nb, pb := inverted(f&FlagNegB != 0)
		nc, pc := inverted(f&FlagNegC != 0)
		laneIADD3(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), mask, na, nb, nc, pa+pb+pc)
	case CodeISCADD:
		na, pa := inverted(f&FlagNegA != 0)
		nb, pb := inverted(f&FlagNegB != 0)
		laneSHADD(x.dst(w, op), w.row(op.A), w.row(op.B), mask, uint32(op.Imm), na, nb, pa+pb)
	case CodeMOV:
		laneMOV(x.dst(w, op), w.row(op.A), mask)
	case CodeSEL:
		laneSEL(x.dst(w, op), w.row(op.A), w.row(op.B), mask, w.psrc(op))
	case CodeLOP3:
		laneLOP3(x.dst(w, op), w.row(op.A), w.row(op.B), w.row(op.C), &luts[op.Aux&255], mask)
	case CodeLOP3X:
		d := x.dst(w, op)
		nz := laneLOP3(d, w.row(op.A), w.row(op.B), w.row(op.C), &luts[op.Aux&255], mask)
		if op.UseX { // the upper half of 64 bits: they are zero if both halves are
			nz |= ^w.CC.Z
		}
		if f&FlagTest != 0 {
			p := nz
			if f&FlagZero != 0 {
				p = ^nz
			}
			w.setPred(op.PDst, p, mask)
		}
		if op.SetCC {
			for m := mask; m != 0; m &= m - 1 {
				i := bits.TrailingZeros32(m)
				w.CC.setZS(i, d[i])
				setBit(&w.CC.Z, i, nz>>i&1 == 0)
				setBit(&w.CC.C, i, false)
				setBit(&w.CC.O, i, false)
			}
		}
	case CodeSHL:
		laneSHL(x.dst(w, op), w.row(op.A), w.row(op.B), mask, shiftLimit(f))
	case CodeSHR:
		if f&FlagSigned != 0 {
			laneSAR(x.dst(w, op), w.row(op.A), w.row(op.B), mask, shiftLimit(f))
		} else {
			laneSHR(x.dst(w, op), w.row(op.A), w.row(op.B), mask, shiftLimit(f))
		}
	case CodeISETP:
		lt, eq := laneICMP(w.row(op.A), w.row(op.B), bias(op))
		w.setPreds(op, choose(op.Aux&15, lt, eq, 0), mask)
	case CodeFSETP:
		lt, eq, un := laneFCMP(w.row(op.A), w.row(op.B), signMods[f&3], signMods[f>>2&3], f&FlagFTZ != 0)
		w.setPreds(op, choose(op.Aux&15, lt, eq, un), mask)
	case CodeIMNMX:
		laneIMNMX(x.dst(w, op), w.row(op.A), w.row(op.B), mask, bias(op), w.psrc(op))
	default:
		x.rare(w, op, mask)
	}
}

// addCarry executes IADD, ISCADD and LEA with the condition code: 64-bit addresses are made of these.
func (x *Exec) addCarry(w *Warp, op *Op, mask uint32) {
	f := op.Flags
	a, b := w.row(op.A), w.row(op.B)
	na, pa := inverted(f&FlagNegA != 0)
	nb, pb := inverted(f&FlagNegB != 0)
	switch op.Code {
	case CodeLEA:
		n := uint32(op.Imm)
		for i, v := range a {
			x.tmp[i] = v << n
		}
		a = &x.tmp
	case CodeLEAHI:
		hi := w.row(op.C)
		for i := range a {
			v := uint64(hi[i])<<32 | uint64(a[i])
			if na != 0 {
				v = -v
			}
			x.tmp[i] = uint32(v << uint32(op.Imm) >> 32)
		}
		a, na, pa = &x.tmp, 0, 0
	}
	cin := -(pa | pb) // two negated sources are not encoded: .PO stands there
	switch {
	case op.UseX:
		cin = w.CC.C
	case f&FlagPlus1 != 0:
		cin = ^uint32(0)
	}
	d := x.dst(w, op)
	c1, c2, zero, minus, over := laneADDC(d, a, b, mask, na, nb, cin)
	if f&FlagSAT != 0 {
		for m := mask & over; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = 0x80000000 - minus>>i&1 // overflow turned the sign round
		}
	}
	if op.SetCC {
		set := func(p *uint32, v uint32) { *p = *p&^mask | v&mask }
		if op.UseX {
			zero &= w.CC.Z
		}
		set(&w.CC.Z, zero)
		set(&w.CC.S, minus)
		set(&w.CC.C, c1|c2)
		set(&w.CC.C2, 0)
		set(&w.CC.O, over)
	}
	// LEA's predicate tells addresses above the shared and local windows, which are below 4 GiB: ptxas branches on the
	// one of LEA.HI over a generic address's upper half to the code for global memory.
	w.setPred(op.PDst, ^zero, mask)
}

func shiftLimit(f uint32) uint32 {
	if f&FlagWrap != 0 {
		return 31
	}
	return ^uint32(0)
}

// rare executes what is not worth vector code, a lane at a time.
func (x *Exec) rare(w *Warp, op *Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	ma, mb, mc := signMods[f&3], signMods[f>>2&3], signMods[f>>4&3]
	mode := op.Aux & 3
	switch op.Code {
	case CodeFFMAX, CodeFADDX, CodeFMULX:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			p, q, r := modify(a[i], ma), modify(b[i], mb), modify(c[i], mc)
			if f&FlagFTZ != 0 {
				p, q, r = flush32(p), flush32(q), flush32(r)
			}
			var v uint32
			switch op.Code {
			case CodeFADDX:
				v = add32(p, q, mode)
			case CodeFMULX:
				v = mulScaled32(p, q, int(op.Imm), mode)
				if f&FlagFMZ != 0 && (p<<1 == 0 || q<<1 == 0) {
					v = 0
				}
			default:
				v = fma32(p, q, r, mode)
				if f&FlagFMZ != 0 && (p<<1 == 0 || q<<1 == 0) {
					v = add32(0, r, mode)
				}
			}
			if f&FlagFTZ != 0 {
				v = flush32(v)
			}
			if f&FlagSAT != 0 {
				v = saturate32(v)
			}
			d[i] = v
		}
	case CodeFMNMX:
		pred := w.psrc(op)
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			p, q := modify(a[i], ma), modify(b[i], mb)
			if f&FlagFTZ != 0 {
				p, q = flush32(p), flush32(q)
			}
			d[i] = minmax32(p, q, pred>>i&1 != 0)
		}
	case CodeFSET, CodeISET, CodeDSET:
		var cmp uint32
		switch op.Code {
		case CodeFSET:
			lt, eq, un := laneFCMP(a, b, ma, mb, f&FlagFTZ != 0)
			cmp = choose(op.Aux&15, lt, eq, un)
		case CodeISET:
			if op.UseX {
				cmp = compareX(w, op, mask)
			} else {
				lt, eq := laneICMP(a, b, bias(op))
				cmp = choose(op.Aux&15, lt, eq, 0)
			}
		default:
			cmp = compareDouble(w, op, mask)
		}
		x.truth(w, op, d, combine(op.Aux>>auxBool&3, cmp, w.psrc(op)), mask)
	case CodeFCMP:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			r := modify(c[i], mc)
			if f&FlagFTZ != 0 {
				r = flush32(r)
			}
			if compare32(f32(r), 0)&op.Aux&15 != 0 {
				d[i] = modify(a[i], ma)
			} else {
				d[i] = modify(b[i], mb)
			}
		}
	case CodeICMP:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			cmp := CmpGT
			switch {
			case c[i] == 0:
				cmp = CmpEQ
			case f&FlagSigned != 0 && int32(c[i]) < 0:
				cmp = CmpLT
			}
			if cmp&op.Aux&15 != 0 {
				d[i] = a[i]
			} else {
				d[i] = b[i]
			}
		}
	case CodeFCHK:
		var slow uint32
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			setBit(&slow, i, !safeDivision(modify(a[i], ma), modify(b[i], mb)))
		}
		w.setPred(op.PDst, slow, mask)
	case CodeRRO:
		// Range reduction: hardware hands MUFU a fixed-point argument; here MUFU takes the number itself.
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = modify(a[i], ma)
		}
	case CodeMUFU:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			v := mufu(op.Aux, modify(a[i], ma))
			if f&FlagSAT != 0 {
				v = saturate32(v)
			}
			d[i] = v
		}
	case CodeIADD3X, CodeXMADX, CodeIMAD:
		x.wideInteger(w, op, mask)
	case CodeSHF:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			s := b[i]
			switch wrap, wide := f&FlagWrap != 0, f&Flag64 != 0; {
			case wrap && wide:
				s &= 63
			case wrap:
				s &= 31
			case wide:
				s = min(s, 64)
			default:
				s = min(s, 32)
			}
			v := uint64(c[i])<<32 | uint64(a[i])
			switch {
			case f&FlagRight == 0:
				d[i] = uint32(v << s >> 32)
			case f&FlagSigned != 0:
				d[i] = uint32(int64(v) >> s)
			default:
				d[i] = uint32(v >> s)
			}
		}
	case CodeBFE:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			v, pos, n := a[i], b[i]&255, b[i]>>8&255
			if f&FlagRev != 0 {
				v = bits.Reverse32(v)
			}
			d[i] = bitField(v, pos, n, f&FlagSigned != 0)
		}
	case CodeBFI:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			pos, n := b[i]&255, b[i]>>8&255
			field := uint32(uint64(1)<<min(n, 32)-1) << pos
			d[i] = c[i]&^field | a[i]<<pos&field
		}
	case CodePRMT:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = permute(op.Aux, a[i], b[i], c[i])
		}
	case CodeFLO:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			v := a[i]
			if f&FlagNotA != 0 {
				v = ^v
			}
			if f&FlagSigned != 0 && int32(v) < 0 {
				v = ^v
			}
			r := uint32(bits.Len32(v)) - 1 // none: all ones
			if f&FlagShift != 0 && v != 0 {
				r = 31 - r
			}
			d[i] = r
		}
	case CodePOPC:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			v := a[i]
			if f&FlagNotA != 0 {
				v = ^v
			}
			d[i] = uint32(bits.OnesCount32(v))
		}
	case CodeIMNMXX:
		// The upper half (.XHI) leaves in the condition code whether the halves are equal and which was taken; the
		// lower half (.XLO) goes by that.
		pred := w.psrc(op)
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			p, q := a[i]^bias(op), b[i]^bias(op)
			takeA := (int32(p) < int32(q)) == (pred>>i&1 != 0)
			if f&FlagHigh != 0 {
				setBit(&w.CC.Z, i, p == q)
				setBit(&w.CC.C, i, takeA)
			} else if w.CC.Z>>i&1 == 0 {
				takeA = w.CC.C>>i&1 != 0
			}
			if takeA {
				d[i] = a[i]
			} else {
				d[i] = b[i]
			}
		}
	case CodeISETPX:
		w.setPreds(op, compareX(w, op, mask), mask)
	case CodeF2F, CodeF2I, CodeI2F, CodeI2I:
		x.convert(w, op, mask)
	case CodeDADD, CodeDMUL, CodeDFMA, CodeDMNMX:
		x.double(w, op, mask)
	case CodeDSETP:
		w.setPreds(op, compareDouble(w, op, mask), mask)
	case CodePSETP, CodePSET:
		// The three sources' predicates and negations stand in Imm: number, then negation in bit 3, a byte each.
		p := w.predOf(op.Imm)
		q := w.predOf(op.Imm >> 8)
		cmp := combine(op.Aux>>auxBool1&3, p, q)
		if op.Code == CodePSET {
			x.truth(w, op, d, combine(op.Aux>>auxBool&3, cmp, w.psrc(op)), mask)
		} else {
			w.setPred2(op, cmp, ^cmp, mask)
		}
	case CodeIDP:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = dotProduct(op.Aux, a[i], b[i], c[i])
		}
	case CodeVADD, CodeVABSDIFF, CodeVMNMX, CodeVSHL, CodeVSHR, CodeVSET, CodeVMAD:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = video(op, a[i], b[i], c[i])
		}
	case CodeVABSDIFF4:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			d[i] = absDiff4(op, a[i], b[i], c[i])
		}
	case CodeHADD2, CodeHMUL2, CodeHFMA2, CodeHSET2, CodeHSETP2:
		x.halves(w, op, d, mask)
	case CodeSetCC:
		x.inner = *op
		x.inner.Code = Code(op.Imm2)
		w.PC--
		x.Exec(w, &x.inner, mask)
		var minusZero uint32
		if Traits[x.inner.Code].Float {
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
	case CodeCSETP, CodeCSET:
		cmp := w.CC.test(isa.CCTest(op.Imm))
		if op.Code == CodeCSET {
			x.truth(w, op, d, combine(op.Aux>>auxBool&3, cmp, w.psrc(op)), mask)
		} else {
			w.setPreds(op, cmp, mask)
		}
	case CodeP2R:
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			var v uint32
			if f&FlagCC != 0 {
				for p, flag := range w.CC.flags() {
					v |= *flag >> i & 1 << p
				}
			} else {
				for p := range 7 {
					v |= w.Preds[p] >> i & 1 << p
				}
			}
			v <<= 8 * op.Aux
			keep := b[i]
			if f&FlagCC != 0 {
				keep |= keep >> 2 & 1 << 4
			}
			keep <<= 8 * op.Aux
			d[i] = a[i]&^keep | v&keep
		}
	case CodeR2P:
		if f&FlagCC != 0 {
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
			w.setPred(p, v, set)
		}
	case CodeVOTE:
		p := w.psrc(op) & mask
		var all uint32
		switch op.Aux {
		case VoteALL:
			all = allOnes(p == mask)
		case VoteANY:
			all = allOnes(p != 0)
		case VoteEQ:
			all = allOnes(p == mask || p == 0)
		}
		for m := mask; m != 0; m &= m - 1 {
			d[bits.TrailingZeros32(m)] = p
		}
		w.setPred(op.PDst, all, mask)
	case CodeSHFL:
		x.shuffle(w, op, d, mask)
	case CodeS2R:
		x.specials(w, op.Aux)
		laneMOV(d, &x.tmp, mask)
	case CodeB2R:
		r := w.BarResult
		for m := mask; m != 0; m &= m - 1 {
			d[bits.TrailingZeros32(m)] = r
		}
		w.setPred(op.PDst, allOnes(r != 0), mask)
	}
}

func allOnes(v bool) uint32 {
	if v {
		return ^uint32(0)
	}
	return 0
}

// truth writes a comparison's result to a register: all ones for true, 1.0 for .BF.
func (x *Exec) truth(w *Warp, op *Op, d *Row, cmp, mask uint32) {
	one := ^uint32(0)
	if op.Flags&FlagBF != 0 {
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

// safeDivision reports whether a/b can go the fast way that ptxas emits after FCHK: a reciprocal, a product and
// residuals by FFMA, none of which may over- or underflow. What hardware checks exactly is not documented; a false "no" costs
// time (the slow way gives the same quotient), a false "yes" would cost correctness.
func safeDivision(a, b uint32) bool {
	ea, eb := int(a>>23&255), int(b>>23&255)
	return ea > 25 && ea < 255 && eb > 1 && eb < 252 && ea-eb > -125 && ea-eb < 126
}

// compareX compares 64-bit integers whose lower halves an earlier IADD.CC subtracted.
func compareX(w *Warp, op *Op, mask uint32) uint32 {
	a, b := w.row(op.A), w.row(op.B)
	var r uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q := int64(int32(a[i])), int64(int32(b[i]))
		if op.Flags&FlagSigned == 0 {
			p, q = int64(a[i]), int64(b[i])
		}
		borrow := int64(1 - w.CC.C>>i&1)
		cmp := CmpGT
		switch v := p - q - borrow; {
		case v < 0:
			cmp = CmpLT
		case v == 0 && w.CC.Z>>i&1 != 0:
			cmp = CmpEQ
		}
		setBit(&r, i, cmp&op.Aux&15 != 0)
	}
	return r
}

func bitField(v, pos, n uint32, signed bool) uint32 {
	if n == 0 {
		return 0
	}
	if signed {
		x := int64(int32(v)) >> min(pos, 63)
		if n < 32 {
			return uint32(x << (64 - n) >> (64 - n))
		}
		return uint32(x)
	}
	x := uint64(v) >> pos
	return uint32(x & (1<<min(n, 32) - 1))
}

// permute picks bytes of b:a, as PTX's prmt does.
func permute(mode, a, sel, b uint32) uint32 {
	v := uint64(b)<<32 | uint64(a)
	s := sel & 3
	var pick [4]uint32
	for k := range uint32(4) {
		switch mode {
		case PrmtIDX:
			pick[k] = sel >> (4 * k) & 15
		case PrmtF4E:
			pick[k] = s + k
		case PrmtB4E:
			pick[k] = (s - k) & 7
		case PrmtRC8:
			pick[k] = s
		case PrmtECL:
			pick[k] = max(s, k)
		case PrmtECR:
			pick[k] = min(s, k)
		case PrmtRC16:
			pick[k] = s&1<<1 | k&1
		}
	}
	var r uint32
	for k, p := range pick {
		x := uint32(v >> (8 * (p & 7)) & 255)
		if p&8 != 0 {
			x = 255 & -(x >> 7)
		}
		r |= x << (8 * k)
	}
	return r
}

// shuffle exchanges registers between lanes, as PTX's shfl.
func (x *Exec) shuffle(w *Warp, op *Op, d *Row, mask uint32) {
	x.tmp = *w.row(op.A)
	b, c := w.row(op.B), w.row(op.C)
	var in uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		lane, n, clamp, seg := uint32(i), b[i]&31, c[i]&31, c[i]>>8&31
		last := lane&seg | clamp&^seg
		var j uint32
		ok := false
		switch op.Aux {
		case ShflIDX:
			j = lane&seg | n&^seg
			ok = j <= last
		case ShflUP:
			j = lane - n
			ok = int32(j) >= int32(last)
		case ShflDOWN:
			j = lane + n
			ok = j <= last
		case ShflBFLY:
			j = lane ^ n
			ok = j <= last
		}
		if !ok {
			j = lane
		}
		setBit(&in, i, ok)
		d[i] = x.tmp[j&31]
	}
	w.setPred(op.PDst, in, mask)
}

// special returns a special register as lane i of w reads it.
func (x *Exec) special(w *Warp, number uint32, i int) uint32 {
	b := w.Block
	t := uint32(w.InBlock*32 + i)
	switch number {
	case SRLaneID:
		return uint32(i)
	case SRVirtID:
		// The warp slot in bits 8-14 and the SM in bits 20-28: where ptxas takes %warpid and %smid from.
		return uint32(w.Slot)<<8 | x.SMID<<20
	case SRVirtCfg:
		return x.SMs << 20
	case SRSharedSize:
		return uint32(len(b.Shared))
	case SRStackBottom:
		return 0 // the stack takes a thread's local memory from its end down to its start
	case SRTid:
		return t%b.Dim[0] | t/b.Dim[0]%b.Dim[1]<<16 | t/(b.Dim[0]*b.Dim[1])<<26
	case SRTidX:
		return t % b.Dim[0]
	case SRTidY:
		return t / b.Dim[0] % b.Dim[1]
	case SRTidZ:
		return t / (b.Dim[0] * b.Dim[1])
	case SRCtaIDX:
		return b.Index[0]
	case SRCtaIDY:
		return b.Index[1]
	case SRCtaIDZ:
		return b.Index[2]
	case SREqMask:
		return 1 << i
	case SRLtMask:
		return 1<<i - 1
	case SRLeMask:
		return 2<<i - 1
	case SRGtMask:
		return ^uint32(2<<i - 1)
	case SRGeMask:
		return ^uint32(1<<i - 1)
	case SRClockLo:
		return uint32(x.Clock)
	case SRClockHi:
		return uint32(x.Clock >> 32)
	case SRGlobalTimerLo:
		return uint32(x.nanoseconds())
	case SRGlobalTimerHi:
		return uint32(x.nanoseconds() >> 32)
	}
	return 0
}

// specials fills tmp with a special register of all lanes.
func (x *Exec) specials(w *Warp, number uint32) {
	b := w.Block
	switch number {
	case SRTidX:
		if b.Dim[1]*b.Dim[2] == 1 {
			for i := range x.tmp {
				x.tmp[i] = uint32(w.InBlock*32 + i)
			}
			return
		}
	case SRLaneID, SRTid, SRTidY, SRTidZ, SREqMask, SRLtMask, SRLeMask, SRGtMask, SRGeMask:
	default: // the same in all
		v := x.special(w, number, 0)
		for i := range x.tmp {
			x.tmp[i] = v
		}
		return
	}
	for i := range x.tmp {
		x.tmp[i] = x.special(w, number, i)
	}
}

// nanoseconds is the time since the device was made.
func (x *Exec) nanoseconds() uint64 { return uint64(float64(x.Clock) * x.Period) }

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

// wideInteger executes additions and products that read or write the condition code, or have no vector code.
func (x *Exec) wideInteger(w *Warp, op *Op, mask uint32) {
	f := op.Flags
	d := x.dst(w, op)
	a, b, c := w.row(op.A), w.row(op.B), w.row(op.C)
	signed := f&FlagSigned != 0
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q, r := a[i], b[i], c[i]
		// The sum is p + q + r + plus; a negated source is its complement, plus one.
		var plus uint32
		carry := w.CC.C>>i&1 + w.CC.C2>>i&1
		switch op.Code {
		case CodeIADD3X:
			if op.Imm != 0 { // halves of the sources
				p, q, r = halfOf(p, op.Imm), halfOf(q, op.Imm>>2), halfOf(r, op.Imm>>4)
			}
			if f&FlagNegA != 0 {
				p = ^p
				plus++
			}
			if f&FlagNegB != 0 {
				q = ^q
				plus++
			}
			if f&FlagNegC != 0 {
				r = ^r
				plus++
			}
			if op.UseX {
				plus = carry
			}
		case CodeXMADX:
			md := &xmadModes[op.Aux]
			u := uint32(int32(p<<md.shiftA)>>16) & md.maskA
			v := uint32(int32(q<<md.shiftB)>>16) & md.maskB
			hi := q << 16
			p = u * v << md.shiftP
			r = r >> md.shiftC & md.maskC
			if f&FlagRev != 0 {
				r -= signFix(a[i], b[i], op.Aux)
			}
			q = hi & md.maskCBCC
			if op.UseX {
				plus = carry
			}
		case CodeIMAD:
			var hi, lo uint32
			if signed {
				v := int64(int32(p)) * int64(int32(q))
				hi, lo = uint32(v>>32), uint32(v)
			} else if f&FlagRev != 0 { // only b signed
				v := int64(p) * int64(int32(q))
				hi, lo = uint32(v>>32), uint32(v)
			} else if f&FlagRight != 0 { // only a signed
				v := int64(int32(p)) * int64(q)
				hi, lo = uint32(v>>32), uint32(v)
			} else {
				hi, lo = bits.Mul32(p, q)
			}
			v := uint64(hi)<<32 | uint64(lo)
			if (f&FlagNegA != 0) != (f&FlagNegB != 0) {
				v = -v
			}
			p, q = uint32(v), 0
			if f&FlagHigh != 0 {
				p = uint32(v >> 32)
			}
			if f&FlagNegC != 0 {
				r = ^r
				plus++
			}
			if op.UseX {
				plus = carry
			}
		}
		sum := uint64(p) + uint64(q) + uint64(r) + uint64(plus)
		v := uint32(sum)
		if op.Code == CodeIADD3X && f&FlagRight != 0 { // IADD3.RS, .LS: the sum of a and b is shifted by a half
			ab := uint64(p) + uint64(q) + uint64(plus)
			v = uint32(ab>>16) + r
		} else if op.Code == CodeIADD3X && f&FlagShift != 0 {
			v = (p+q+plus)<<16 + r
		}
		if op.Code == CodeXMADX {
			md := &xmadModes[op.Aux]
			v = v&md.keep | b[i]<<16&md.merge
		}
		over := int64(int32(p))+int64(int32(q))+int64(int32(r))+int64(plus) != int64(int32(v))
		if f&FlagSAT != 0 && over {
			v = 0x7fffffff
			if int64(int32(p))+int64(int32(q))+int64(int32(r))+int64(plus) < 0 {
				v = 0x80000000
			}
		}
		if op.SetCC {
			z := v == 0
			if op.UseX {
				z = z && w.CC.Z>>i&1 != 0
			}
			w.CC.setZS(i, v)
			setBit(&w.CC.Z, i, z)
			setBit(&w.CC.C, i, sum>>32 != 0)
			setBit(&w.CC.C2, i, sum>>32 > 1)
			setBit(&w.CC.O, i, over)
		}
		d[i] = v
	}
}

// halfOf returns x, or its lower or upper half, as bits 0 and 1 of which say.
func halfOf(x uint32, which int64) uint32 {
	switch which & 3 {
	case 1:
		return x & 0xffff
	case 2:
		return x >> 16
	}
	return x
}

// signFix returns what XMAD.CSFU takes from its addend. It is not documented; this follows from the code of a signed
// product's upper half, which multiplies halves as a.L*b.H and a.H*b.L + (a.L*b.L >> 16), adds the two with IADD3.RS (a 33-bit
// sum of unsigned numbers, shifted by 16) and adds a.H*b.H from XMAD.CSFU: for each of the two that is negative, the
// unsigned sum is 2^32 too large, that is 2^16 after the shift.
func signFix(a, b, mode uint32) uint32 {
	var fix uint32
	if mode&xmadSignA != 0 && int32(a) < 0 && b&0xffff != 0 {
		fix += 1 << 16
	}
	if mode&xmadSignB != 0 && int32(b) < 0 && a&0xffff != 0 {
		fix += 1 << 16
	}
	return fix
}

// compareDouble compares FP64 registers.
func compareDouble(w *Warp, op *Op, mask uint32) uint32 {
	var r uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		cmp := compare64(w.double(op.A, op.Flags, i), w.double(op.B, op.Flags>>2, i))
		setBit(&r, i, cmp&op.Aux&15 != 0)
	}
	return r
}

// double reads a register pair of lane i; the low two bits of f are its modifiers.
func (w *Warp) double(s Src, f uint32, i int) float64 {
	return math.Float64frombits(w.wide(s, i)&(^uint64(0)>>(f>>1&1)) ^ uint64(f&1)<<63)
}

// wide reads a register pair of lane i.
func (w *Warp) wide(s Src, i int) uint64 {
	return uint64(w.row(s)[i]) | uint64(w.row(s + 1)[i])<<32
}

// setWide writes a register pair of lane i.
func (x *Exec) setWide(w *Warp, op *Op, i int, v uint64) {
	if op.Dst == isa.RZ {
		return
	}
	w.row(Src(op.Dst))[i] = uint32(v)
	w.row(Src(op.Dst) + 1)[i] = uint32(v >> 32)
}

func (x *Exec) double(w *Warp, op *Op, mask uint32) {
	f := op.Flags
	mode := op.Aux & 3
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		p, q := w.double(op.A, f, i), w.double(op.B, f>>2, i)
		var v float64
		switch op.Code {
		case CodeDADD:
			v = add64(p, q, mode)
		case CodeDMUL:
			v = mul64(p, q, mode)
		case CodeDFMA:
			v = fma64(p, q, w.double(op.C, f>>4, i), mode)
		case CodeDMNMX:
			less := w.psrc(op)>>i&1 != 0
			switch {
			case p != p && q != q:
				v = math.Float64frombits(nan64Bit)
			case p != p:
				v = q
			case q != q:
				v = p
			case less:
				v = math.Min(p, q)
			default:
				v = math.Max(p, q)
			}
		}
		x.setWide(w, op, i, math.Float64bits(v))
	}
}

// convert executes F2F, F2I, I2F and I2I. Size is the destination's width, Size2 the source's; Imm selects the byte
// from which a narrow source is taken.
func (x *Exec) convert(w *Warp, op *Op, mask uint32) {
	f := op.Flags
	mode := op.Aux & 3
	d := x.dst(w, op)
	a := w.row(op.A)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		switch op.Code {
		case CodeF2F, CodeF2I:
			var v float64
			switch op.Size2 {
			case Size64:
				v = w.double(op.A, f, i)
			case SizeU16:
				v = float64(f32(modify(halfToFloat(uint16(a[i]>>(8*uint32(op.Imm)))), signMods[f&3])))
			default:
				u := modify(a[i], signMods[f&3])
				if f&FlagFTZ != 0 {
					u = flush32(u)
				}
				v = float64(f32(u))
			}
			if op.Code == CodeF2I {
				n := uint(sizeBytes[op.Size] * 8)
				r := toInteger(v, n, f&FlagSigned != 0, mode, op.Size == Size64 || op.Size2 == Size64)
				if op.Size == Size64 {
					x.setWide(w, op, i, r)
				} else {
					d[i] = uint32(r)
				}
				continue
			}
			if f&FlagShift != 0 { // to an integral value
				v = integral(v, mode)
			}
			switch op.Size {
			case Size64:
				if v != v {
					v = math.Float64frombits(nan64Bit)
				}
				x.setWide(w, op, i, math.Float64bits(v))
			case SizeU16:
				d[i] = uint32(floatToHalf(v, mode))
			default:
				r := round32(v, mode)
				if f&FlagFTZ != 0 {
					r = flush32(r)
				}
				if f&FlagSAT != 0 {
					r = saturate32(r)
				}
				d[i] = r
			}
		default:
			v := x.integer(w, op, a, i)
			signed := op.Size2&1 != 0 && op.Size2 < Size32 || op.Size2 >= Size32 && f&FlagSigned != 0
			if op.Code == CodeI2F {
				switch op.Size {
				case Size64:
					x.setWide(w, op, i, math.Float64bits(fromInteger64(uint64(v), signed, mode)))
				case SizeU16:
					d[i] = uint32(floatToHalf(fromInteger64(uint64(v), signed, mode), mode))
				default:
					d[i] = fromInteger32(uint64(v), signed, mode)
				}
				continue
			}
			if f&FlagSAT != 0 {
				v = saturateInteger(v, op.Size, f&FlagRev != 0)
			}
			switch op.Size {
			case SizeU8:
				v = int64(uint8(v))
			case SizeS8:
				v = int64(int8(v))
			case SizeU16:
				v = int64(uint16(v))
			case SizeS16:
				v = int64(int16(v))
			}
			d[i] = uint32(v)
			if op.SetCC {
				w.CC.setZS(i, d[i])
				setBit(&w.CC.C, i, false)
				setBit(&w.CC.O, i, false)
			}
		}
	}
}

// integer reads a conversion's integer source.
func (x *Exec) integer(w *Warp, op *Op, a *Row, i int) int64 {
	var v int64
	u := a[i] >> (8 * uint32(op.Imm))
	switch op.Size2 {
	case SizeU8:
		v = int64(uint8(u))
	case SizeS8:
		v = int64(int8(u))
	case SizeU16:
		v = int64(uint16(u))
	case SizeS16:
		v = int64(int16(u))
	case Size64:
		v = int64(w.wide(op.A, i))
	default:
		v = int64(u)
		if op.Flags&FlagSigned != 0 {
			v = int64(int32(u))
		}
	}
	if op.Flags&FlagAbsA != 0 && v < 0 {
		v = -v
	}
	if op.Flags&FlagNegA != 0 {
		v = -v
	}
	return v
}

// saturateInteger clamps v to the range of an integer; signed32 says whether one of 32 bits is signed.
func saturateInteger(v int64, size uint8, signed32 bool) int64 {
	switch size {
	case SizeU8:
		return min(max(v, 0), math.MaxUint8)
	case SizeS8:
		return min(max(v, math.MinInt8), math.MaxInt8)
	case SizeU16:
		return min(max(v, 0), math.MaxUint16)
	case SizeS16:
		return min(max(v, math.MinInt16), math.MaxInt16)
	}
	if signed32 {
		return min(max(v, math.MinInt32), math.MaxInt32)
	}
	return min(max(v, 0), math.MaxUint32)
}
