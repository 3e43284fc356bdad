package lower

import "warpdrop/sim/isa"

// What Op.Aux says of a product of matrices on the tensor cores (CodeMMA): D = A B + C, where A has 8 or 16 rows and D
// has 8 columns.
const (
	MMAKind    = 15      // MMAF16 …
	MMARows16  = 1 << 4  // 16 rows, not 8
	MMASingle  = 1 << 5  // C and D are FP32, not FP16
	MMASignedA = 1 << 6  // integers of A have a sign
	MMASignedB = 1 << 7  // and of B
	MMASat     = 1 << 8  // a sum of integers stays within 32 bits
	MMAAnd     = 1 << 9  // bits are combined by AND, not XOR
	MMADepth   = 12      // from this bit on, 9 bits: columns of A, which are the rows of B
	MMABlock   = 21      // 4 bits: products that are summed at once
	MMAExtra   = 25      // 2 bits: of a sum below those of FP32
	MMANegateA = 1 << 27 // products have the opposite sign
	MMASparse  = 1 << 28 // of A half the columns are stored; Imm is the register (Src) that says which
	MMASelect  = 29      // 2 bits: which threads have that register
)

// What Op.Aux says of a step of Volta's product (CodeMMAStep, HMMA.884): four products of 8 by 4 and 4 by 8, of each of
// which a step makes some columns of D. MMASingle is of D; MMABlock, MMAExtra and MMANegateA are as above.
const (
	MMAColumnA = 1 << 6 // threads have columns of A, not rows
	MMARowB    = 1 << 7 // and rows of B, not columns
	MMASingleC = 1 << 8 // C is FP32
	MMAStep    = 12     // 2 bits: 0 to 3, with FP16 sums 0 and 1
)

// Kinds of elements that the tensor cores multiply.
const (
	MMAF16 = iota
	MMABF16
	MMATF32
	MMAF64
	MMAInt8
	MMAInt4
	MMABit
)

// mmaBits are the bits of an element by kind.
var mmaBits = [...]int{MMAF16: 16, MMABF16: 16, MMATF32: 32, MMAF64: 64, MMAInt8: 8, MMAInt4: 4, MMABit: 1}

// MMAShares is Op.Size of HMMA.16816 with factors in FP16: how long it takes the tensor pipe, to which the preset's
// interval applies. Of the others it is their share of that time.
const MMAShares = 16

// mmaTime is how much longer a product takes by kind of the factors than one in FP16, times MMAShares: the peak rates
// in NVIDIA's white papers on Turing and A100 (FP16 1, TF32 1/2, INT8 2, INT4 4, bits 16, FP64 1/16).
var mmaTime = [...]int{MMAF16: 16, MMABF16: 16, MMATF32: 32, MMAF64: 256, MMAInt8: 8, MMAInt4: 4, MMABit: 1}

// mmaShapes are the shapes by suffix: rows of A and D, and columns of A. D has 8 columns.
var mmaShapes = []choice[[2]int]{
	{isa.Mod884, [2]int{8, 4}}, {isa.Mod1684, [2]int{16, 4}}, {isa.Mod1688, [2]int{16, 8}},
	{isa.Mod8816, [2]int{8, 16}}, {isa.Mod16816, [2]int{16, 16}}, {isa.Mod8832, [2]int{8, 32}},
	{isa.Mod16832, [2]int{16, 32}}, {isa.Mod16864, [2]int{16, 64}}, {isa.Mod88128, [2]int{8, 128}},
	{isa.Mod168128, [2]int{16, 128}}, {isa.Mod168256, [2]int{16, 256}},
}

// mmaSteps are the steps of HMMA.884.
var mmaSteps = []choice[uint32]{{isa.ModSTEP0, 0}, {isa.ModSTEP1, 1}, {isa.ModSTEP2, 2}, {isa.ModSTEP3, 3}}

// lowerMMA takes the products of matrices, HMMA, IMMA, BMMA and DMMA. How many products are summed at once, and with
// how many bits, is the family's: docs/design/tensor.md.
func lowerMMA(l *lowerer) {
	op := l.op
	if step, ok := pick(l, mmaSteps); ok {
		l.mmaStep(step)
		return
	}
	shape, ok := pick(l, mmaShapes)
	sparse := l.has(isa.ModSP)
	if !ok || sparse && shape[0] != 16 {
		l.fail("this shape is not executed")
		return
	}
	stored := shape[1]
	if sparse {
		op.Aux |= MMASparse
		stored /= 2
	}
	block, extra := 8, 1
	kind := MMAF16
	switch l.in.Op {
	case isa.AmpereHMMA:
		l.ignore(isa.ModF16)
		l.flag2(isa.ModF32, MMASingle)
		if l.has(isa.ModBF16) {
			kind = MMABF16
		} else if l.has(isa.ModTF32) {
			kind, block = MMATF32, 4
		}
	case isa.AmpereDMMA:
		kind = MMAF64
	case isa.AmpereBMMA:
		kind = MMABit
		l.ignore(isa.ModPOPC, isa.ModXOR)
		l.flag2(isa.ModAND, MMAAnd)
	case isa.AmpereIMMA:
		kind = l.mmaIntegers()
		l.flag2(isa.ModSAT, MMASat)
	}
	if l.code.Family == isa.Turing {
		block = 4
	}
	if shape[0] == 16 {
		op.Aux |= MMARows16
	}
	op.Aux |= uint32(kind | shape[1]<<MMADepth | block<<MMABlock | extra<<MMAExtra)
	op.Size = uint8(mmaTime[kind] * shape[0] * 8 * stored / (16 * 8 * 16))
	words := func(elements, bits int) int { return elements * bits / (32 * 32) }
	sum := words(shape[0]*8, 32)
	switch {
	case kind == MMAF16 && op.Aux&MMASingle == 0:
		sum /= 2
	case kind == MMAF64:
		sum *= 2
	case kind == MMABF16 && op.Aux&MMASingle == 0, kind == MMATF32 && op.Aux&MMASingle == 0:
		l.fail("sums of this kind in FP16 are not executed")
		return
	}
	l.dst(sum)
	for i, n := range [3]int{words(shape[0]*stored, mmaBits[kind]), words(8*shape[1], mmaBits[kind]), sum} {
		l.matrix(i, n)
	}
	if sparse {
		if l.peek(isa.KindUPred) && l.pred().Reg != FirstUniform+isa.PT {
			l.fail("a predicate of a product is not executed")
		}
		_, s := l.source(1)
		op.Imm = int64(s)
		op.Aux |= uint32(l.imm()) << MMASelect
	}
}

// mmaStep takes HMMA.884, a step of Volta's product.
func (l *lowerer) mmaStep(step uint32) {
	op := l.op
	op.Code = CodeMMAStep
	l.ignore(isa.Mod884)
	half := l.has(isa.ModF16)
	l.flag2(isa.ModF32, MMASingle)
	if !half {
		op.Aux |= MMASingleC
	}
	extra := uint32(1)
	if l.code.Family == isa.Volta {
		extra = 0
	}
	op.Aux |= step<<MMAStep | 4<<MMABlock | extra<<MMAExtra
	op.Size = MMAShares * 8 * 8 * 4 / (16 * 8 * 16) * 2 // half of four products: FP16 sums are made in two steps
	if op.Aux&MMASingle != 0 {
		op.Size /= 2
	}
	l.dst(2)
	ops := l.in.Operands[l.next:]
	if ops[0].Sel == isa.SelCOL {
		op.Aux |= MMAColumnA
	}
	if ops[1].Sel == isa.SelROW {
		op.Aux |= MMARowB
	}
	for i := range 3 {
		l.matrix(i, 2)
	}
}

// mmaFLOP is a product's floating-point operations a thread.
func mmaFLOP(op *Op) uint8 {
	rows, depth := 8, int(op.Aux>>MMADepth&511)
	if op.Aux&MMASparse != 0 {
		depth /= 2
	}
	if op.Aux&MMARows16 != 0 {
		rows = 16
	}
	if op.Aux&MMAKind > MMAF64 {
		return 0
	}
	return uint8(2 * rows * 8 * depth / 32)
}

// mmaStepFLOP is the same of HMMA.884.
func mmaStepFLOP(op *Op) uint8 {
	if op.Aux&MMASingle != 0 {
		return 2 * 4 * 8 * 8 * 4 / 4 / 32
	}
	return 2 * 4 * 8 * 8 * 4 / 2 / 32
}

// mmaIntegers takes the types of both operands, which have one size.
func (l *lowerer) mmaIntegers() int {
	kinds := []struct {
		mod    isa.Mod
		kind   int
		signed bool
	}{{isa.ModU8, MMAInt8, false}, {isa.ModS8, MMAInt8, true}, {isa.ModU4, MMAInt4, false}, {isa.ModS4, MMAInt4, true}}
	found := [2]int{-1, -1}
	n := 0
	for k, m := range l.in.Mods[:l.in.NumMods] {
		for _, c := range kinds {
			if c.mod == m && n < 2 {
				l.seen[k] = true
				found[n] = c.kind
				if c.signed {
					l.op.Aux |= MMASignedA << n
				}
				n++
			}
		}
	}
	if n < 2 || found[0] != found[1] {
		l.fail("products of integers of two sizes are not executed")
	}
	return found[0]
}

// flag2 sets a bit of Aux for a suffix.
func (l *lowerer) flag2(m isa.Mod, bit uint32) {
	if l.has(m) {
		l.op.Aux |= bit
	}
}

// matrix takes source i, the first of words registers.
func (l *lowerer) matrix(i, words int) {
	o := l.operand(isa.KindReg)
	l.uses(o.Reg, words)
	s := Src(o.Reg)
	if o.Reg == isa.RZ {
		s = PoolZero
	}
	if o.Neg && i < 2 && l.in.Op == isa.AmpereHMMA {
		l.op.Aux ^= MMANegateA
		o.Neg = false
	}
	if o.Abs || o.Neg {
		l.fail("signs of a matrix are not executed")
	}
	l.place(i, &isa.Operand{}, s)
}

// LDSMTransposed in Op.Aux: the matrices are stored by columns. The lowest bits are their number.
const LDSMTransposed = 1 << 3

// lowerLDSM takes LDSM: up to four matrices of 8 by 8 halves, of which lane 8i+j has the address of row j of matrix i.
func lowerLDSM(l *lowerer) {
	l.ignore(isa.Mod16)
	n := 1
	if l.has(isa.Mod2) {
		n = 2
	} else if l.has(isa.Mod4) {
		n = 4
	}
	l.op.Aux = uint32(n)
	if l.has(isa.ModMT88) {
		l.op.Aux |= LDSMTransposed
	} else if !l.has(isa.ModM88) {
		l.fail("this shape is not executed")
	}
	l.op.Size = Size128
	l.dst(n)
	l.place64()
}

// lowerMOVM takes MOVM.MT88: the transposition of a matrix of 8 by 8 halves, of which each lane has two in a row.
func lowerMOVM(l *lowerer) {
	l.ignore(isa.Mod16)
	if !l.has(isa.ModMT88) {
		l.fail("this shape is not executed")
	}
	l.dst(1)
	l.src(0, 1)
}
