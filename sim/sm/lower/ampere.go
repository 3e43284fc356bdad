package lower

import (
	"slices"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
)

// ampereRows are the lowerings of the families of 128-bit words, some as Maxwell has them. Units follow the throughput
// table of the CUDA C++ programming guide for compute capabilities 7.5, 8.0 and 8.6: floating-point arithmetic and
// integer products go to one pipe (UnitFP32), the rest of the integers, comparisons and selections to another
// (UnitHalf).
func ampereRows(maxwell map[isa.Op]lowering) map[isa.Op]lowering {
	rows := map[isa.Op]lowering{
		isa.AmpereNOP:       {CodeNOP, UnitNone, lowerNothing},
		isa.AmpereDEPBAR:    {CodeNOP, UnitNone, lowerDEPBAR},
		isa.AmpereMEMBAR:    {CodeFence, UnitNone, lowerFence},
		isa.AmpereERRBAR:    {CodeNOP, UnitNone, lowerNothing},
		isa.AmpereCCTL:      {CodeNOP, UnitNone, lowerNothing}, // caches hold no values here
		isa.AmpereNANOSLEEP: {CodeYIELD, UnitBranch, lowerNothing},
		isa.AmpereMOV:       {CodeMOV, UnitHalf, lowerMOV},
		isa.AmpereSEL:       {CodeSEL, UnitHalf, maxwell[isa.OpSEL].lower},

		isa.AmpereFFMA:  {CodeFFMA, UnitFP32, lowerFFMA},
		isa.AmpereFADD:  {CodeFADD, UnitFP32, lowerFADD},
		isa.AmpereFMUL:  {CodeFMUL, UnitFP32, lowerFMUL},
		isa.AmpereFMNMX: {CodeFMNMX, UnitHalf, lowerFMNMX},
		isa.AmpereFSEL:  {CodeFSEL, UnitHalf, lowerFSEL},
		isa.AmpereFSETP: {CodeFSETP, UnitHalf, lowerFSETP},
		isa.AmpereFSET:  {CodeFSET, UnitHalf, lowerSET},
		isa.AmpereFCHK:  {CodeFCHK, UnitSFU, maxwell[isa.OpFCHK].lower},
		isa.AmpereMUFU:  {CodeMUFU, UnitSFU, lowerTurns},

		isa.AmpereDADD:  {CodeDADD, UnitFP64, maxwell[isa.OpDADD].lower},
		isa.AmpereDMUL:  {CodeDMUL, UnitFP64, maxwell[isa.OpDMUL].lower},
		isa.AmpereDFMA:  {CodeDFMA, UnitFP64, maxwell[isa.OpDFMA].lower},
		isa.AmpereDSETP: {CodeDSETP, UnitFP64, lowerDSETP},

		isa.AmpereHADD2:  {CodeHADD2, UnitFP16, lowerPairs(2)},
		isa.AmpereHMUL2:  {CodeHMUL2, UnitFP16, lowerPairs(2)},
		isa.AmpereHFMA2:  {CodeHFMA2, UnitFP16, lowerPairs(3)},
		isa.AmpereHSET2:  {CodeHSET2, UnitFP16, lowerPairs(2)},
		isa.AmpereHSETP2: {CodeHSETP2, UnitFP16, lowerPairs(2)},
		isa.AmpereHMNMX2: {CodeHMNMX2, UnitFP16, lowerPairs(2)},

		isa.AmpereIADD3:     {CodeIADD3, UnitHalf, lowerSum},
		isa.AmpereIMAD:      {CodeMAD, UnitImul, lowerMAD},
		isa.AmpereIABS:      {CodeIABS, UnitHalf, lowerOne},
		isa.AmpereIMNMX:     {CodeIMNMX, UnitHalf, lowerMinMax},
		isa.AmpereISETP:     {CodeISETP, UnitHalf, lowerCompare},
		isa.AmpereLEA:       {CodeLEAP, UnitHalf, lowerShiftedSum},
		isa.AmpereLOP3:      {CodeLOP3, UnitHalf, lowerLogic},
		isa.AmperePLOP3:     {CodePLOP3, UnitHalf, lowerPLOP3},
		isa.AmpereSHF:       {CodeSHF64, UnitHalf, lowerFunnel},
		isa.AmperePRMT:      {CodePRMT, UnitHalf, lowerPRMT},
		isa.AmpereSGXT:      {CodeSGXT, UnitHalf, lowerField},
		isa.AmpereBMSK:      {CodeBMSK, UnitHalf, lowerField},
		isa.AmpereBREV:      {CodeBREV, UnitConvert, lowerOne},
		isa.AmpereFLO:       {CodeFLO, UnitConvert, lowerLeading},
		isa.AmperePOPC:      {CodePOPC, UnitConvert, lowerPOPC},
		isa.AmpereIDP:       {CodeIDP, UnitHalf, lowerIDP},
		isa.AmpereVABSDIFF:  {CodeABSDIFF, UnitHalf, lowerDifference},
		isa.AmpereVABSDIFF4: {CodeVABSDIFF4, UnitHalf, lowerDifferences},

		isa.AmpereF2F:  {CodeF2F, UnitConvert, lowerF2F},
		isa.AmpereF2I:  {CodeF2I, UnitConvert, lowerToInteger},
		isa.AmpereI2F:  {CodeI2F, UnitConvert, lowerFromInteger},
		isa.AmpereI2FP: {CodeI2F, UnitHalf, lowerFromInteger},
		isa.AmpereFRND: {CodeF2F, UnitConvert, lowerIntegral},
		isa.AmpereF2FP: {CodeF2FP, UnitHalf, lowerF2FP},
		isa.AmpereI2I:  {CodeI2I, UnitConvert, lowerI2I},

		isa.AmpereP2R:   {CodeP2R, UnitHalf, lowerP2R},
		isa.AmpereR2P:   {CodeR2P, UnitHalf, lowerR2P},
		isa.AmpereVOTE:  {CodeVOTE, UnitHalf, lowerVOTE},
		isa.AmpereMATCH: {CodeMATCH, UnitSReg, lowerMATCH},
		isa.AmpereSHFL:  {CodeSHFL, UnitShared, lowerSHFL},
		isa.AmpereS2R:   {CodeS2R, UnitSReg, lowerSpecial},
		isa.AmpereCS2R:  {CodeS2R, UnitHalf, lowerSpecial},
		isa.AmpereB2R:   {CodeB2R, UnitSReg, lowerB2R},

		isa.AmpereLDC:       {CodeLDC, UnitConst, lowerLDC},
		isa.AmpereLDS:       {CodeLDS, UnitShared, lowerRead},
		isa.AmpereLDG:       {CodeLDG, UnitGlobal, lowerRead},
		isa.AmpereLDL:       {CodeLDL, UnitGlobal, lowerRead},
		isa.AmpereLD:        {CodeLD, UnitGlobal, lowerRead},
		isa.AmpereSTS:       {CodeSTS, UnitShared, lowerWrite},
		isa.AmpereSTG:       {CodeSTG, UnitGlobal, lowerWrite},
		isa.AmpereSTL:       {CodeSTL, UnitGlobal, lowerWrite},
		isa.AmpereST:        {CodeST, UnitGlobal, lowerWrite},
		isa.AmpereATOM:      {CodeATOM, UnitGlobal, lowerExchange},
		isa.AmpereATOMG:     {CodeATOM, UnitGlobal, lowerExchange},
		isa.AmpereRED:       {CodeATOM, UnitGlobal, lowerExchange},
		isa.AmpereATOMS:     {CodeATOMS, UnitShared, lowerExchange},
		isa.AmpereARRIVES:   {CodeARRIVES, UnitShared, lowerArrives},
		isa.AmpereQSPC:      {CodeQSPC, UnitSReg, lowerQSPC},
		isa.AmpereLDGSTS:    {CodeLDGSTS, UnitGlobal, lowerCopy},
		isa.AmpereLDGDEPBAR: {CodeLDGDEPBAR, UnitNone, lowerNothing},

		isa.AmpereBRA:   {CodeBRA, UnitBranch, lowerBranch},
		isa.AmpereBRX:   {CodeBRX, UnitBranch, lowerBRX},
		isa.AmpereCALL:  {CodeCall, UnitBranch, lowerCall},
		isa.AmpereRET:   {CodeJump, UnitBranch, lowerReturn},
		isa.AmpereEXIT:  {CodeEXIT, UnitBranch, func(l *lowerer) { l.ignore(isa.ModKEEPREFCOUNT); l.guarded() }},
		isa.AmpereBSSY:  {CodeBSSY, UnitBranch, lowerConvergence},
		isa.AmpereBSYNC: {CodeBSYNC, UnitBranch, lowerConvergence},
		isa.AmpereBREAK: {CodeBREAK, UnitBranch, lowerConvergence},
		isa.AmpereBMOV:  {CodeBMOVR, UnitSReg, lowerBMOV},
		isa.AmpereWARPSYNC: {CodeWARPSYNC, UnitBranch, func(l *lowerer) {
			l.ignore(isa.ModEXCLUSIVE)
			l.guarded()
			l.src(0, 1)
		}},
		isa.AmpereYIELD: {CodeYIELD, UnitBranch, (*lowerer).guarded},
		isa.AmpereBAR:   {CodeBAR, UnitBranch, lowerBlockBarrier},
		isa.AmpereBPT:   {CodeTRAP, UnitBranch, maxwell[isa.OpBPT].lower},

		isa.AmpereHMMA: {CodeMMA, UnitTensor, lowerMMA},
		isa.AmpereIMMA: {CodeMMA, UnitTensor, lowerMMA},
		isa.AmpereBMMA: {CodeMMA, UnitTensor, lowerMMA},
		isa.AmpereDMMA: {CodeMMA, UnitTensor, lowerMMA},
		isa.AmpereMOVM: {CodeMOVM, UnitShared, lowerMOVM},
		isa.AmpereLDSM: {CodeLDSM, UnitShared, lowerLDSM},

		isa.AmpereR2UR:  {CodeR2UR, UnitHalf, lowerR2UR},
		isa.AmpereVOTEU: {CodeVOTEU, UnitHalf, lowerVOTE},
		isa.AmpereREDUX: {CodeREDUX, UnitConvert, lowerREDUX},
	}
	// The uniform datapath does the same with its own registers and predicates, once for the warp.
	for op, like := range map[isa.Op]isa.Op{
		isa.AmpereUMOV: isa.AmpereMOV, isa.AmpereUIADD3: isa.AmpereIADD3, isa.AmpereUIMAD: isa.AmpereIMAD,
		isa.AmpereUISETP: isa.AmpereISETP, isa.AmpereULEA: isa.AmpereLEA, isa.AmpereULOP3: isa.AmpereLOP3,
		isa.AmpereUPLOP3: isa.AmperePLOP3, isa.AmpereUSHF: isa.AmpereSHF, isa.AmpereUPRMT: isa.AmperePRMT,
		isa.AmpereUSEL: isa.AmpereSEL, isa.AmpereUSGXT: isa.AmpereSGXT, isa.AmpereUBREV: isa.AmpereBREV,
		isa.AmpereUFLO: isa.AmpereFLO, isa.AmpereUPOPC: isa.AmperePOPC, isa.AmpereS2UR: isa.AmpereS2R,
		isa.AmpereUP2UR: isa.AmpereP2R, isa.AmpereUR2UP: isa.AmpereR2P} {
		rows[op] = uniformly(rows[like])
	}
	rows[isa.AmpereULDC] = uniformly(lowering{CodeMOV, UnitUniform, lowerULDC})
	return rows
}

// uniformly has an instruction executed for the warp, under a uniform predicate.
func uniformly(how lowering) lowering {
	plain := how.lower
	how.unit = UnitUniform
	how.lower = func(l *lowerer) {
		l.op.Everyone, l.op.NoGuard = ^uint32(0), false
		l.op.Guard += FirstUniform
		plain(l)
		if l.op.Code == CodeP2R || l.op.Code == CodeR2P {
			l.op.Imm = FirstUniform
		}
	}
	return how
}

// guarded takes the condition that control instructions have beside their guard.
func (l *lowerer) guarded() {
	o := l.pred()
	if o.Reg == isa.PT && !o.Not {
		return
	}
	if !l.op.NoGuard { // both
		l.op.PSrc, l.op.PNot = o.Reg, o.Not
		l.op.Flags |= FlagTest
		return
	}
	l.op.Guard, l.op.GuardNot, l.op.NoGuard = o.Reg, o.Not, false
}

func lowerFence(l *lowerer) {
	if !slices.ContainsFunc(l.in.Mods[:l.in.NumMods],
		func(m isa.Mod) bool { return m == isa.ModGPU || m == isa.ModSYS }) {
		l.op.Code = CodeNOP
	}
	lowerNothing(l)
}

// lowerOne takes an instruction with one source.
func lowerOne(l *lowerer) {
	l.dst(1)
	l.src(0, 1)
}

func lowerFMNMX(l *lowerer) {
	l.flag(isa.ModNAN, FlagNaN)
	l.flag(isa.ModXORSIGN, FlagXorSign)
	lowerMinMax(l)
	l.signsOfBoth()
}

// signsOfBoth holds a minimum whose sign is made of those of its sources to what ptxas writes: absolute values.
func (l *lowerer) signsOfBoth() {
	const both = FlagAbsA | FlagAbsB
	if l.op.Flags&FlagXorSign != 0 && l.op.Flags&(both|FlagNegA|FlagNegB) != both {
		l.fail(".XORSIGN is executed with absolute values only")
	}
}

func lowerFSEL(l *lowerer) {
	l.flag(isa.ModFTZ, FlagFTZ)
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.psrc()
	if l.op.Flags == 0 {
		l.op.Code = CodeSEL
	}
}

// lowerTurns takes MUFU, whose sine and cosine are of turns.
func lowerTurns(l *lowerer) {
	if l.has(isa.ModF16) {
		lowerHalfMUFU(l)
		return
	}
	lowerMUFU(l)
	l.op.Flags |= FlagRev
	if l.in.Operands[1].Kind == isa.KindImm && (l.op.Aux == MufuRCP64H || l.op.Aux == MufuRSQ64H) {
		l.op.B, l.op.A = l.op.A, l.pool(poolRef{imm: uint32(l.in.Operands[1].Value >> 32)}, poolRef{}, false)
	}
}

// lowerHalfMUFU takes MUFU.F16: powers of two and hyperbolic tangents of the lower or the upper half of a register. The
// lower half of the destination is the result; that the upper one becomes zero is an assumption.
func lowerHalfMUFU(l *lowerer) {
	f, ok := pick(l, []choice[uint32]{{isa.ModEX2, MufuEX2}, {isa.ModTANH, MufuTANH}})
	if !ok {
		l.fail("this function of MUFU.F16 is not executed")
	}
	l.op.Code, l.op.Aux = CodeMUFUH, f
	l.dst(1)
	o, s := l.source(1)
	l.place(0, o, s)
	switch o.Sel {
	case isa.SelNone:
	case isa.SelH1:
		l.op.Flags |= FlagHigh
	default:
		l.fail("source selection .%s is not executed", o.Sel)
	}
}

// lowerDSETP takes DSETP; .MIN and .MAX stand where the constant comparisons would be.
func lowerDSETP(l *lowerer) {
	switch {
	case l.has(isa.ModMIN):
		l.op.Code, l.op.Aux = CodeDMINMAX, CmpLT
	case l.has(isa.ModMAX):
		l.op.Code, l.op.Aux = CodeDMINMAX, CmpGT
	default:
		l.compare()
	}
	how, _ := pick(l, booleans)
	l.op.Aux |= how << AuxBool
	l.pdst()
	l.pdst2()
	l.src(0, 2)
	l.src(1, 2)
	l.psrc()
}

// lowerPairs is lowerHalves, with constants that are pairs of halves like registers.
func lowerPairs(n int) func(*lowerer) {
	plain := lowerHalves(n)
	return func(l *lowerer) {
		l.ignore(isa.ModMMA)
		if l.flag(isa.ModFMZ, FlagFMZ|FlagFTZ) {
			l.fail("suffix .FMZ is decoded but not executed")
		}
		brain := l.has(isa.ModBF16_V2)
		if brain {
			l.op.Aux |= HalfBrain
		}
		if l.has(isa.ModRELU) {
			l.op.Aux |= HalfRELU
			defer l.only()
		}
		if l.op.Code == CodeHMNMX2 {
			l.flag(isa.ModNAN, FlagNaN)
			l.flag(isa.ModXORSIGN, FlagXorSign)
			if l.has(isa.ModF32) {
				l.fail("suffix .F32 is decoded but not executed")
			}
			defer l.signsOfBoth()
		}
		plain(l)
		if brain && l.op.Flags&(FlagFTZ|FlagSAT) != 0 {
			l.fail("suffixes .FTZ and .SAT of bfloat16 are decoded but not executed")
		}
		first := int(l.in.NumOps)
		for k := range l.in.Operands[:l.in.NumOps] { // sources follow destinations
			if o := &l.in.Operands[k]; k > 0 && o.Kind != isa.KindPred {
				first = min(first, k)
			}
		}
		for i, k := 0, first; i < n && k < int(l.in.NumOps); i, k = i+1, k+1 {
			if o := &l.in.Operands[k]; o.Kind == isa.KindConst && o.Sel != isa.SelF32 {
				l.op.Aux &^= 3 << (HalfPick + 2*i)
				switch o.Sel {
				case isa.SelH0_H0:
					l.op.Aux |= 1 << (HalfPick + 2*i)
				case isa.SelH1_H1:
					l.op.Aux |= 2 << (HalfPick + 2*i)
				}
			} else if o.Kind == isa.KindImm {
				k++ // two immediates
			}
		}
	}
}

// inverted takes a source of words registers that may be inverted.
func (l *lowerer) inverted(i, words int) {
	o, s := l.source(words)
	l.place(i, o, s)
	if o.Not {
		l.op.Flags |= [...]uint32{FlagNotA, FlagNotB, FlagNotC}[i]
	}
}

// carries takes the predicates that hold the carries of lower words: numbers and negations in Imm2, a byte each, as
// predOf reads them.
func (l *lowerer) carries(n int) {
	l.op.Imm2 = 0
	for i := range 2 {
		code := int32(isa.PT | 16) // !PT: none
		if i < n {
			o := l.pred()
			code = int32(o.Reg)
			if o.Not {
				code |= 16
			}
			if o.Reg&isa.PT != isa.PT {
				l.reads(o.Reg)
			}
		}
		l.op.Imm2 |= code << (8 * i)
	}
}

// reads notes that predicate p is read.
func (l *lowerer) reads(p uint8) {
	if p < isa.PT {
		l.use.Reads |= 1 << p
	}
}

// noCarries is Imm2 of an addition without carries in.
const noCarries = (isa.PT|16)<<8 | isa.PT | 16

// lowerSum takes IADD3.
func lowerSum(l *lowerer) {
	x, n := l.has(isa.ModX), 1
	if l.has(isa.Mod64) { // pairs of uniform registers; a number has its sign in front, an assumption
		n, l.op.Code = 2, CodeIADD364
	}
	l.dst(n)
	l.pdst()
	l.pdst2()
	for i := range 3 {
		l.inverted(i, n)
	}
	l.op.Imm2 = noCarries
	if x {
		l.carries(2)
	}
	if n == 1 && (x || l.op.PDst&isa.PT != isa.PT || l.op.PDst2&isa.PT != isa.PT) {
		l.op.Code = CodeIADD3P
	}
}

// lowerMAD takes IMAD. Products with 0, 1 or a power of two are what ptxas uses the multiplier for beside.
func lowerMAD(l *lowerer) {
	signed := !l.has(isa.ModU32)
	x := l.has(isa.ModX)
	wide, high := l.has(isa.ModWIDE), l.has(isa.ModHI)
	mov, add, shl := l.has(isa.ModMOV), l.has(isa.ModIADD), l.has(isa.ModSHL)
	if signed {
		l.op.Flags |= FlagSigned
	}
	n := 1
	if wide || high {
		n = 2
		l.op.Code = CodeMADWide
	}
	if high {
		l.op.Flags |= FlagHigh
	}
	if wide {
		l.dst(2)
	} else {
		l.dst(1)
	}
	if n == 2 {
		l.pdst()
	}
	l.src(0, 1)
	l.src(1, 1)
	o, s := l.source(n)
	l.place(2, o, s)
	if o.Not {
		l.op.Flags |= FlagNotC
	}
	l.op.Imm2 = noCarries
	if x {
		l.carries(1)
		if n == 1 {
			l.op.Code = CodeMADX
		}
	}
	if n == 2 || x {
		return
	}
	zero := l.op.A == PoolZero || l.op.B == PoolZero
	b := &l.in.Operands[2]
	switch {
	case (mov || zero) && l.op.Flags&FlagNegC == 0:
		l.op.Code, l.op.A, l.op.B, l.op.C = CodeMOV, l.op.C, PoolZero, PoolZero
	case add && b.Kind == isa.KindImm:
		l.op.Code, l.op.B, l.op.C = CodeIADD, l.op.C, PoolZero
		l.op.Flags = l.op.Flags & FlagNegC >> 2
	case shl && b.Kind == isa.KindImm && l.op.C == PoolZero:
		l.op.Code, l.op.Flags = CodeSHL, 0
		l.op.B = l.pool(poolRef{imm: log2(uint32(b.Value))}, poolRef{}, false)
	}
}

// log2 is the place of the only bit of v.
func log2(v uint32) (n uint32) {
	for v > 1 {
		v >>= 1
		n++
	}
	return n
}

// lowerCompare takes ISETP; with .EX it is the upper half of 64 bits, and what the lower half gave is its last source.
func lowerCompare(l *lowerer) {
	l.compare()
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	extended := l.has(isa.ModEX)
	l.pdst()
	l.pdst2()
	l.src(0, 1)
	l.src(1, 1)
	l.psrc()
	if extended {
		l.op.Code = CodeISETPEX
		l.carries(1)
	}
}

// lowerShiftedSum takes LEA.
func lowerShiftedSum(l *lowerer) {
	high, x, extend := l.has(isa.ModHI), l.has(isa.ModX), l.has(isa.ModSX32)
	l.dst(1)
	l.pdst()
	l.inverted(0, 1)
	l.inverted(1, 1)
	if high {
		l.op.Flags |= FlagHigh
		if extend {
			l.op.Flags |= FlagSigned
		} else {
			l.src(2, 1)
		}
	}
	l.op.Imm = l.imm() & 31
	l.op.Imm2 = noCarries
	if x {
		l.carries(1)
	}
	if !high && !x && l.op.PDst&isa.PT == isa.PT {
		l.op.Code = CodeISCADD
	}
}

// lowerLogic takes LOP3.
func lowerLogic(l *lowerer) {
	l.ignore(isa.ModLUT)
	and := l.has(isa.ModPAND)
	l.pdst()
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
	l.op.Aux = uint32(l.imm()) & 0xff
	l.psrc()
	if and {
		l.op.Flags |= FlagTest
	}
	if l.op.PDst&isa.PT != isa.PT {
		l.op.Code = CodeLOP3P
	}
}

// lowerPLOP3 takes PLOP3: three predicates in Imm, a byte each, and a table for each destination.
func lowerPLOP3(l *lowerer) {
	l.ignore(isa.ModLUT)
	l.pdst()
	l.pdst2()
	if !l.peek(isa.KindPred) && !l.peek(isa.KindUPred) { // signs of registers
		l.op.Flags |= FlagSigned
		for i := range 3 {
			o, s := l.source(1)
			l.place(i, o, s)
		}
	}
	for i := 0; i < 3 && l.op.Flags&FlagSigned == 0; i++ {
		o := l.pred()
		code := int64(o.Reg)
		if o.Not {
			code |= 16
		}
		if o.Reg&isa.PT != isa.PT {
			l.reads(o.Reg)
		}
		l.op.Imm |= code << (8 * i)
	}
	l.op.Aux = uint32(l.imm()) & 0xff
	l.op.Aux |= uint32(l.imm()) & 0xff << 8
}

// lowerFunnel takes SHF: low word, shift, high word.
func lowerFunnel(l *lowerer) {
	right := !l.has(isa.ModL) && l.has(isa.ModR)
	l.flag(isa.ModW, FlagWrap)
	high := l.has(isa.ModHI)
	l.flag(isa.ModU64, Flag64)
	l.flag(isa.ModS64, Flag64|FlagSigned)
	l.flag(isa.ModS32, FlagSigned)
	l.ignore(isa.ModU32)
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
	if right {
		l.op.Flags |= FlagRight
	}
	if high {
		l.op.Flags |= FlagHigh
	}
	if l.op.Flags&Flag64 != 0 {
		return
	}
	switch { // shifts of one word
	case !right && !high:
		l.op.Code = CodeSHL
	case right && high:
		l.op.Code, l.op.A = CodeSHR, l.op.C
	default:
		return
	}
	l.op.C = PoolZero
}

// lowerField takes SGXT and BMSK.
func lowerField(l *lowerer) {
	l.flag(isa.ModW, FlagWrap)
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
}

func lowerLeading(l *lowerer) {
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.flag(isa.ModSH, FlagShift)
	l.dst(1)
	if l.pdst(); l.op.PDst&isa.PT != isa.PT {
		l.fail("a predicate of FLO is not executed")
	}
	l.complemented()
}

// lowerDifference takes VABSDIFF.
func lowerDifference(l *lowerer) {
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.dst(1)
	l.optionalPred()
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
	if l.op.PDst != isa.PT {
		l.fail("a predicate of VABSDIFF is not executed")
	}
}

// lowerDifferences takes VABSDIFF4, of all four bytes.
func lowerDifferences(l *lowerer) {
	if !l.has(isa.ModU8) {
		l.op.Aux |= PackSignedA | PackSignedB
	}
	if l.has(isa.ModACC) {
		l.op.Aux |= 1 << PackMerge
	}
	l.op.Imm = 0xf
	l.dst(1)
	if l.optionalPred(); l.op.PDst != isa.PT {
		l.fail("a predicate of VABSDIFF4 is not executed")
	}
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

// lowerToInteger takes F2I. What is left out of the suffixes is S32 and F32.
func lowerToInteger(l *lowerer) {
	l.flag(isa.ModFTZ, FlagFTZ)
	l.flag(isa.ModNTZ, FlagNaN)
	to, ok := pick(l, integerTypes)
	if !ok {
		to = Size32 | typeSigned
	}
	from, ok := pick(l, floatTypes)
	if !ok {
		from = Size32
	}
	if to&typeSigned != 0 || to == SizeS8 || to == SizeS16 {
		l.op.Flags |= FlagSigned
	}
	l.op.Size, l.op.Size2 = to&^typeSigned, from
	l.op.Aux, _ = pick(l, integralModes)
	l.dst(words(l.op.Size))
	l.converted(words(from))
}

// lowerFromInteger takes I2F and I2FP.
func lowerFromInteger(l *lowerer) {
	to, ok := pick(l, floatTypes)
	if !ok {
		to = Size32
	}
	from, ok := pick(l, integerTypes)
	if !ok {
		from = Size32 | typeSigned
	}
	if from&typeSigned != 0 {
		l.op.Flags |= FlagSigned
	}
	l.op.Size, l.op.Size2 = to, from&^typeSigned
	l.round()
	l.dst(words(to))
	l.converted(words(l.op.Size2))
}

// lowerIntegral takes FRND.
func lowerIntegral(l *lowerer) {
	l.flag(isa.ModFTZ, FlagFTZ)
	size, ok := pick(l, floatTypes)
	if !ok {
		size = Size32
	}
	l.op.Size, l.op.Size2 = size, size
	l.op.Aux, _ = pick(l, integralModes)
	l.op.Flags |= FlagShift
	l.dst(words(size))
	l.converted(words(size))
}

// lowerF2FP takes F2FP.PACK_AB: two floats to a pair, the first the upper one.
func lowerF2FP(l *lowerer) {
	if !l.has(isa.ModPACK_AB) {
		l.fail("only F2FP.PACK_AB is executed")
	}
	l.flag(isa.ModBF16, FlagBF)
	l.flag(isa.ModRELU, FlagZero)
	l.round()
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
}

func lowerMATCH(l *lowerer) {
	l.flag(isa.ModALL, FlagTest)
	l.ignore(isa.ModANY)
	n := 1
	if l.flag(isa.ModU64, Flag64) {
		n = 2
	}
	l.optionalPred()
	l.dst(1)
	l.src(0, n)
}

// lowerSpecial takes S2R and CS2R, which reads a pair but with .32.
func lowerSpecial(l *lowerer) {
	n := 1
	if l.in.Op == isa.AmpereCS2R && !l.has(isa.Mod32) {
		n = 2
	}
	l.dst(n)
	o := l.operand(isa.KindSReg)
	l.op.Aux = uint32(o.Reg)
	switch {
	case o.Reg == srVirtualSMID:
		l.op.Aux = SRMultiprocessor
	case o.Reg == srZero && n == 2:
		l.op.Code = CodeMOV64
	case o.Reg == srZero:
		l.op.Code = CodeMOV
	case !specials[o.Reg]:
		l.fail("special register %#x is decoded but not executed", o.Reg)
	}
}

// Special registers that Maxwell does not have: the number of the SM, and zero.
const (
	srVirtualSMID = 0x43
	srZero        = 0xff
)

// readPolicies and writePolicies give a cache operator to the orderings of accesses: what is ordered beyond the block
// is not served by L1.
var readPolicies = []choice[memory.CacheOp]{{isa.ModEF, memory.CacheCS}, {isa.ModLU, memory.CacheLU}}

// ordering takes the suffixes that order an access or say how it is cached.
func (l *lowerer) ordering() {
	l.ignore(isa.ModEL, isa.ModEU, isa.ModNA, isa.ModPRIVATE, isa.ModLTC64B, isa.ModLTC128B, isa.ModLTC256B)
	c, _ := pick(l, readPolicies)
	l.op.Cache = uint8(c)
	strong := l.has(isa.ModSTRONG) || l.has(isa.ModMMIO)
	l.flag(isa.ModCONSTANT, FlagReadOnly)
	wide := l.has(isa.ModGPU)
	wide = l.has(isa.ModSYS) || wide
	l.ignore(isa.ModCTA, isa.ModSM, isa.ModVC)
	if strong && wide {
		l.op.Cache = uint8(memory.CacheCV)
	}
}

// place64 takes the memory operand: the base in A, 64-bit with Flag64 and shifted by Size2, a uniform register in B
// with FlagUniform.
func (l *lowerer) place64() {
	wide := l.has(isa.ModE)
	o := l.operand(isa.KindMem)
	base := 1
	switch o.Sel {
	case isa.SelX4:
		l.op.Size2 = 2
	case isa.SelX8:
		l.op.Size2 = 3
	case isa.SelX16:
		l.op.Size2 = 4
	case isa.SelU32:
	default:
		if wide {
			base = 2
			l.op.Flags |= Flag64
		}
	}
	l.uses(o.Reg, base)
	if o.Reg != isa.RZ {
		l.op.A = Src(o.Reg)
	}
	l.op.Imm = o.Value
	if o.Described || o.Uniform == isa.URZ {
		return
	}
	l.op.Flags |= FlagUniform
	n := 1
	if wide {
		n = 2
		l.op.Flags |= FlagHigh
	}
	l.op.B = l.uniform(&isa.Operand{Reg: o.Uniform}, n)
}

// only takes a predicate that is PT in compiled code.
func (l *lowerer) only() {
	if l.peek(isa.KindPred) && l.pred().Reg != isa.PT {
		l.fail("a predicate of a memory access is not executed")
	}
}

func lowerRead(l *lowerer) {
	l.width()
	l.ignore(isa.ModU)
	l.ordering()
	l.only()
	l.dst(words(l.op.Size))
	l.place64()
	l.only()
}

// lowerCopy takes LDGSTS: in C and Imm2 the place in shared memory, then one in global memory as of a load. With
// .ZFILL (FlagZero) the lowest bits of the address say how many of the last bytes are zero; where its predicate does
// not hold, all are.
func lowerCopy(l *lowerer) {
	l.op.Size = Size32
	if l.has(isa.Mod64) {
		l.op.Size = Size64
	} else if l.has(isa.Mod128) {
		l.op.Size = Size128
	}
	l.flag(isa.ModZFILL, FlagZero)
	l.ordering()
	l.op.Cache = uint8(memory.CacheCA)
	if l.has(isa.ModBYPASS) {
		l.op.Cache = uint8(memory.CacheCG)
	}
	o := l.operand(isa.KindMem)
	if o.Uniform != isa.URZ {
		l.fail("a copy to a place that a uniform register is added to is not executed")
	}
	l.uses(o.Reg, 1)
	if o.Reg != isa.RZ {
		l.op.C = Src(o.Reg)
	}
	l.place64()
	l.op.Imm2 = int32(o.Value)
	if l.peek(isa.KindPred) {
		l.psrc()
	}
}

func lowerWrite(l *lowerer) {
	l.width()
	l.ordering()
	l.place64()
	l.data(words(l.op.Size))
}

// lowerExchange takes ATOM, ATOMG, ATOMS and RED. Of CAS the value to compare with is in C, the other in B.
func lowerExchange(l *lowerer) {
	one := l.has(isa.ModPOPC) // adds the number of threads that name the address
	how, ok := pick(l, atomicOps)
	switch {
	case one:
		how = memory.AtomicAdd
		l.ignore(isa.Mod32)
	case l.has(isa.ModARRIVE):
		how, ok = memory.AtomicArrive, true
	case l.has(isa.ModCAST):
		how, ok = memory.AtomicCAS, true
		l.ignore(isa.ModSPIN)
		l.op.Flags |= FlagTest
	}
	typ, _ := pick(l, atomicTypes)
	l.ordering()
	l.op.Cache = 0
	l.ignore(isa.ModFTZ, isa.ModRN)
	if !ok || slices.Contains(addedAtoms, typ) && how != memory.AtomicAdd && how != memory.AtomicExch {
		l.fail("this operation is not executed")
	}
	l.op.Aux = uint32(how) | uint32(typ)<<8
	n := typ.Bytes() / 4
	l.op.Size = Size32
	if n == 2 {
		l.op.Size = Size64
	}
	if l.in.Op == isa.AmpereATOM {
		// What is done in global memory only (sums of floats, on sm_75 of 64 bits) has a predicate: whether it was.
		l.op.Flags |= FlagGeneric
		l.optionalPred()
	}
	if l.in.Op == isa.AmpereRED {
		l.op.Flags |= FlagNoResult
	} else {
		l.only()
		l.dst(n)
	}
	l.place64()
	switch {
	case one:
		l.op.C = l.pool(poolRef{imm: 1}, poolRef{}, false)
		if l.op.Dst != isa.RZ {
			l.fail("ATOMS.POPC.INC with a result is not executed")
		}
	case how != memory.AtomicArrive:
		l.data(n)
	}
	if how == memory.AtomicCAS {
		o, s := l.source(n)
		if l.op.B != PoolZero {
			l.fail("compare and swap at a uniform register is not executed")
		}
		l.place(1, o, s)
	}
}

// lowerArrives takes ARRIVES.LDGSTSBAR.64: an arrival at an mbarrier when the copies before it are there.
func lowerArrives(l *lowerer) {
	l.ignore(isa.ModLDGSTSBAR, isa.Mod64)
	l.op.Size = Size64
	l.place64()
}

// lowerQSPC takes QSPC.S, which ptxas puts behind an atomic at a generic address; the result is taken for unused.
func lowerQSPC(l *lowerer) {
	if !l.has(isa.ModS) {
		l.fail("QSPC is executed for shared memory only")
	}
	l.pdst()
	l.dst(1)
	if l.op.Dst != isa.RZ {
		l.fail("a result of QSPC is not executed")
	}
	l.place64()
}

// lowerBranch takes BRA; of .DIV and .CONV the threads that are to be together are in A, inverted with FlagNotA.
func lowerBranch(l *lowerer) {
	l.ignore(isa.ModU)
	divergent, convergent := l.has(isa.ModDIV), l.has(isa.ModCONV)
	l.guarded()
	if divergent || convergent {
		l.op.Code = CodeBRADIV
		if convergent {
			l.op.Flags |= FlagRev
		}
		l.op.Flags |= FlagNotA // of no register: all
		if l.peek(isa.KindUniform) {
			o, s := l.source(1)
			l.op.A = s
			if !o.Not {
				l.op.Flags &^= FlagNotA
			}
		}
	}
	l.branchTarget()
}

// through takes a target in a register: A plus Imm.
func (l *lowerer) through() {
	o := l.operand(isa.KindLabel)
	l.uses(o.Reg, 1)
	if o.Reg != isa.RZ {
		l.op.A = Src(o.Reg)
	}
	l.op.Imm = o.Value
}

func lowerBRX(l *lowerer) {
	l.guarded()
	l.through()
	l.op.Imm += int64(l.in.PC + l.code.Family.WordBytes)
}

// lowerCall takes CALL. Code leaves the return address in a register itself.
func lowerCall(l *lowerer) {
	l.ignore(isa.ModABS, isa.ModREL, isa.ModNOINC)
	l.guarded()
	if l.code.Family.Call(l.in.Word) == isa.CallItself {
		l.op.Code = CodeJump
		l.through()
		return
	}
	l.branchTarget()
}

func lowerReturn(l *lowerer) {
	l.ignore(isa.ModABS, isa.ModREL, isa.ModNODEC)
	l.guarded()
	l.through()
}

// lowerConvergence takes BSSY, BSYNC and BREAK: the barrier is in Aux. Where the threads go on, BSYNC says by its own
// place.
func lowerConvergence(l *lowerer) {
	l.guarded()
	l.op.Aux = uint32(l.operand(isa.KindBarrier).Reg)
	if l.peek(isa.KindLabel) {
		l.next++
	}
}

// lowerBMOV takes BMOV from and to a convergence barrier.
func lowerBMOV(l *lowerer) {
	l.ignore(isa.Mod32)
	l.flag(isa.ModCLEAR, FlagZero)
	if l.peek(isa.KindText) {
		l.op.Code = CodeBMOVB
		l.op.Aux = uint32(l.operand(isa.KindText).Value)
		l.src(0, 1)
	} else {
		l.dst(1)
		l.op.Aux = uint32(l.operand(isa.KindText).Value)
	}
	if l.op.Aux >= ConvergenceBarriers {
		l.fail("only the convergence barriers are executed with BMOV")
	}
}

// lowerBlockBarrier takes BAR. Where barrier and number of threads are in registers, they are in one: FlagWrap.
func lowerBlockBarrier(l *lowerer) {
	l.ignore(isa.ModDEFER_BLOCKING)
	if ops := l.in.Operands[:l.in.NumOps]; len(ops) > 1 && ops[0].Kind == isa.KindReg && ops[1].Kind == isa.KindReg {
		l.op.Flags |= FlagWrap
	}
	lowerBAR(l)
}

// ConvergenceBarriers is how many a warp has.
const ConvergenceBarriers = 16

func lowerR2UR(l *lowerer) {
	if l.has(isa.ModOR) {
		l.fail("R2UR.OR is decoded but not executed")
	}
	l.only()
	l.dst(1)
	l.src(0, 1)
}

// Operations of REDUX: Op.Aux.
const (
	ReduxAND uint32 = iota
	ReduxOR
	ReduxXOR
	ReduxSUM
	ReduxMIN
	ReduxMAX
)

func lowerREDUX(l *lowerer) {
	l.op.Aux, _ = pick(l, []choice[uint32]{{isa.ModOR, ReduxOR}, {isa.ModXOR, ReduxXOR}, {isa.ModSUM, ReduxSUM},
		{isa.ModMIN, ReduxMIN}, {isa.ModMAX, ReduxMAX}})
	l.flag(isa.ModS32, FlagSigned)
	l.dst(1)
	l.src(0, 1)
}

// lowerULDC takes ULDC: a word or two of a constant bank, as the pool has them, or, in part or at an address in a
// uniform register, as LDC reads them.
func lowerULDC(l *lowerer) {
	narrow := l.in.Has(isa.ModU8) || l.in.Has(isa.ModS8) || l.in.Has(isa.ModU16) || l.in.Has(isa.ModS16)
	if o := &l.in.Operands[1]; o.Uniform != isa.URZ || narrow {
		l.op.Code = CodeLDC
		l.width()
		l.dst(words(l.op.Size))
		l.op.A = l.uniform(&isa.Operand{Reg: o.Uniform}, 1)
		l.constant(l.operand(isa.KindConst))
		return
	}
	n := 1
	if l.has(isa.Mod64) {
		n, l.op.Code = 2, CodeMOV64
	}
	l.dst(n)
	l.src(0, n)
}
