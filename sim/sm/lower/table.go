package lower

import (
	"slices"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
)

// lowering says how an instruction is executed: its code, the unit that runs it, and the function that reads its
// operands and suffixes. Units follow the throughput table of the CUDA C programming guide for compute capability 6.1.
type lowering struct {
	code  Code
	unit  Unit
	lower func(*lowerer)
}

// maxwellRows are the lowerings of Maxwell's instructions.
func maxwellRows() map[isa.Op]lowering {
	return map[isa.Op]lowering{
		isa.OpNOP:    {CodeNOP, UnitNone, lowerNothing},
		isa.OpDEPBAR: {CodeNOP, UnitNone, lowerDEPBAR},
		isa.OpMEMBAR: {CodeFence, UnitNone, lowerMEMBAR},
		isa.OpCCTL:   {CodeNOP, UnitNone, lowerNothing}, // caches hold no values here
		isa.OpCCTLL:  {CodeNOP, UnitNone, lowerNothing},
		isa.OpCCTLT:  {CodeNOP, UnitNone, lowerNothing},
		isa.OpMOV:    {CodeMOV, UnitFP32, lowerMOV},
		isa.OpMOV32I: {CodeMOV, UnitFP32, lowerMOV},
		isa.OpSEL: {CodeSEL, UnitHalf, func(l *lowerer) {
			l.dst(1)
			l.plainCC()
			l.src(0, 1)
			l.src(1, 1)
			l.psrc()
		}},

		isa.OpFFMA:    {CodeFFMA, UnitFP32, lowerFFMA},
		isa.OpFFMA32I: {CodeFFMA, UnitFP32, lowerFFMA},
		isa.OpFADD:    {CodeFADD, UnitFP32, lowerFADD},
		isa.OpFADD32I: {CodeFADD, UnitFP32, lowerFADD},
		isa.OpFMUL:    {CodeFMUL, UnitFP32, lowerFMUL},
		isa.OpFMUL32I: {CodeFMUL, UnitFP32, lowerFMUL},
		isa.OpFMNMX:   {CodeFMNMX, UnitHalf, lowerMinMax},
		isa.OpFSETP:   {CodeFSETP, UnitHalf, lowerFSETP},
		isa.OpFSET:    {CodeFSET, UnitHalf, lowerSET},
		isa.OpFCMP:    {CodeFCMP, UnitHalf, lowerFCMP},
		isa.OpFCHK: {CodeFCHK, UnitHalf, func(l *lowerer) {
			l.ignore(isa.ModDIVIDE)
			l.pdst()
			l.src(0, 1)
			l.src(1, 1)
		}},
		isa.OpRRO: {CodeRRO, UnitHalf, func(l *lowerer) {
			l.ignore(isa.ModSINCOS, isa.ModEX2)
			l.dst(1)
			l.plainCC()
			l.src(0, 1)
		}},
		isa.OpMUFU: {CodeMUFU, UnitSFU, lowerMUFU},

		isa.OpIADD:      {CodeIADD, UnitFP32, lowerIADD},
		isa.OpIADD32I:   {CodeIADD, UnitFP32, lowerIADD},
		isa.OpIADD3:     {CodeIADD3, UnitFP32, lowerIADD3},
		isa.OpISCADD:    {CodeISCADD, UnitHalf, lowerISCADD},
		isa.OpISCADD32I: {CodeISCADD, UnitHalf, lowerISCADD},
		isa.OpLEA:       {CodeLEA, UnitHalf, lowerLEA},
		isa.OpXMAD:      {CodeXMAD, UnitFP32, lowerXMAD},
		isa.OpIMAD:      {CodeIMAD, UnitImul, lowerIMAD},
		isa.OpIMAD32I:   {CodeIMAD, UnitImul, lowerIMAD},
		isa.OpIMUL:      {CodeIMAD, UnitImul, lowerIMUL},
		isa.OpIMUL32I:   {CodeIMAD, UnitImul, lowerIMUL},
		isa.OpLOP:       {CodeLOP3, UnitFP32, lowerLOP},
		isa.OpLOP32I:    {CodeLOP3, UnitFP32, lowerLOP},
		isa.OpLOP3:      {CodeLOP3, UnitFP32, lowerLOP3},
		isa.OpSHL:       {CodeSHL, UnitHalf, lowerShift},
		isa.OpSHR:       {CodeSHR, UnitHalf, lowerShift},
		isa.OpSHF:       {CodeSHF, UnitHalf, lowerSHF},
		isa.OpBFE:       {CodeBFE, UnitHalf, lowerBFE},
		isa.OpBFI: {CodeBFI, UnitHalf, func(l *lowerer) {
			l.dst(1)
			l.plainCC()
			l.src(0, 1)
			l.src(1, 1)
			l.src(2, 1)
		}},
		isa.OpPRMT:  {CodePRMT, UnitHalf, lowerPRMT},
		isa.OpFLO:   {CodeFLO, UnitConvert, lowerFLO},
		isa.OpPOPC:  {CodePOPC, UnitConvert, lowerPOPC},
		isa.OpISETP: {CodeISETP, UnitHalf, lowerISETP},
		isa.OpISET:  {CodeISET, UnitHalf, lowerSET},
		isa.OpICMP:  {CodeICMP, UnitHalf, lowerICMP},
		isa.OpIMNMX: {CodeIMNMX, UnitHalf, lowerMinMax},

		isa.OpF2F: {CodeF2F, UnitConvert, lowerF2F},
		isa.OpF2I: {CodeF2I, UnitConvert, lowerF2I},
		isa.OpI2F: {CodeI2F, UnitConvert, lowerI2F},
		isa.OpI2I: {CodeI2I, UnitConvert, lowerI2I},

		isa.OpDADD: {CodeDADD, UnitFP64, func(l *lowerer) {
			l.round()
			l.dst(2)
			l.plainCC()
			l.src(0, 2)
			l.src(1, 2)
		}},
		isa.OpDMUL: {CodeDMUL, UnitFP64, func(l *lowerer) {
			l.round()
			l.dst(2)
			l.plainCC()
			l.src(0, 2)
			l.src(1, 2)
		}},
		isa.OpDFMA: {CodeDFMA, UnitFP64, func(l *lowerer) {
			l.round()
			l.dst(2)
			l.plainCC()
			l.src(0, 2)
			l.src(1, 2)
			l.src(2, 2)
		}},
		isa.OpDMNMX: {CodeDMNMX, UnitFP64, func(l *lowerer) {
			l.dst(2)
			l.plainCC()
			l.src(0, 2)
			l.src(1, 2)
			l.psrc()
		}},
		isa.OpDSETP: {CodeDSETP, UnitFP64, func(l *lowerer) {
			l.compare()
			l.pdst()
			l.pdst2()
			l.src(0, 2)
			l.src(1, 2)
			l.psrc()
		}},
		isa.OpDSET: {CodeDSET, UnitFP64, func(l *lowerer) {
			l.compare()
			l.flag(isa.ModBF, FlagBF)
			l.dst(1)
			l.src(0, 2)
			l.src(1, 2)
			l.psrc()
		}},

		isa.OpIDP:       {CodeIDP, UnitFP32, lowerIDP},
		isa.OpVADD:      {CodeVADD, UnitHalf, lowerVideo},
		isa.OpVABSDIFF:  {CodeVABSDIFF, UnitHalf, lowerVideo},
		isa.OpVMNMX:     {CodeVMNMX, UnitHalf, lowerVideo},
		isa.OpVSHL:      {CodeVSHL, UnitHalf, lowerVideo},
		isa.OpVSHR:      {CodeVSHR, UnitHalf, lowerVideo},
		isa.OpVSET:      {CodeVSET, UnitHalf, lowerVideo},
		isa.OpVMAD:      {CodeVMAD, UnitHalf, lowerVideo},
		isa.OpVABSDIFF4: {CodeVABSDIFF4, UnitHalf, lowerVABSDIFF4},

		// Pairs of halves.
		isa.OpHADD2:     {CodeHADD2, UnitFP16, lowerHalves(2)},
		isa.OpHADD2_32I: {CodeHADD2, UnitFP16, lowerHalves(2)},
		isa.OpHMUL2:     {CodeHMUL2, UnitFP16, lowerHalves(2)},
		isa.OpHMUL2_32I: {CodeHMUL2, UnitFP16, lowerHalves(2)},
		isa.OpHFMA2:     {CodeHFMA2, UnitFP16, lowerHalves(3)},
		isa.OpHFMA2_32I: {CodeHFMA2, UnitFP16, lowerHalves(3)},
		isa.OpHSET2:     {CodeHSET2, UnitFP16, lowerHalves(2)},
		isa.OpHSETP2:    {CodeHSETP2, UnitFP16, lowerHalves(2)},

		isa.OpPSETP: {CodePSETP, UnitHalf, lowerPSETP},
		isa.OpPSET:  {CodePSET, UnitHalf, lowerPSETP},
		isa.OpCSETP: {CodeCSETP, UnitHalf, lowerCSETP},
		isa.OpCSET:  {CodeCSET, UnitHalf, lowerCSETP},
		isa.OpP2R:   {CodeP2R, UnitHalf, lowerP2R},
		isa.OpR2P:   {CodeR2P, UnitHalf, lowerR2P},

		isa.OpVOTE: {CodeVOTE, UnitHalf, lowerVOTE},
		isa.OpSHFL: {CodeSHFL, UnitShared, lowerSHFL},
		isa.OpS2R:  {CodeS2R, UnitSReg, lowerS2R},
		isa.OpCS2R: {CodeS2R, UnitFP32, lowerS2R},
		isa.OpB2R:  {CodeB2R, UnitSReg, lowerB2R},

		isa.OpLDC:   {CodeLDC, UnitConst, lowerLDC},
		isa.OpLDS:   {CodeLDS, UnitShared, lowerLoad},
		isa.OpLDG:   {CodeLDG, UnitGlobal, lowerLoad},
		isa.OpLDL:   {CodeLDL, UnitGlobal, lowerLoad},
		isa.OpLD:    {CodeLD, UnitGlobal, lowerLoad},
		isa.OpSTS:   {CodeSTS, UnitShared, lowerStore},
		isa.OpSTG:   {CodeSTG, UnitGlobal, lowerStore},
		isa.OpSTL:   {CodeSTL, UnitGlobal, lowerStore},
		isa.OpST:    {CodeST, UnitGlobal, lowerStore},
		isa.OpATOM:  {CodeATOM, UnitGlobal, lowerAtomic},
		isa.OpRED:   {CodeATOM, UnitGlobal, lowerAtomic},
		isa.OpATOMS: {CodeATOMS, UnitShared, lowerAtomic},

		isa.OpBRA: {CodeBRA, UnitBranch, func(l *lowerer) {
			l.ignore(isa.ModU, isa.ModLMT)
			l.condition()
			l.branchTarget()
		}},
		isa.OpJMP: {CodeBRA, UnitBranch, func(l *lowerer) {
			l.ignore(isa.ModU, isa.ModLMT)
			l.condition()
			l.branchTarget()
		}},
		isa.OpBRX:      {CodeBRX, UnitBranch, lowerIndirect},
		isa.OpJMX:      {CodeBRX, UnitBranch, lowerIndirect},
		isa.OpSSY:      {CodeSSY, UnitNone, (*lowerer).branchTarget},
		isa.OpPBK:      {CodePBK, UnitNone, (*lowerer).branchTarget},
		isa.OpPCNT:     {CodePCNT, UnitNone, (*lowerer).branchTarget},
		isa.OpPRET:     {CodePRET, UnitNone, func(l *lowerer) { l.ignore(isa.ModNOINC); l.branchTarget() }},
		isa.OpPLONGJMP: {CodePLONGJMP, UnitNone, (*lowerer).branchTarget},
		isa.OpCAL:      {CodeCAL, UnitBranch, func(l *lowerer) { l.ignore(isa.ModNOINC); l.branchTarget() }},
		isa.OpJCAL:     {CodeCAL, UnitBranch, func(l *lowerer) { l.ignore(isa.ModNOINC); l.branchTarget() }},
		isa.OpSYNC:     {CodeSYNC, UnitBranch, (*lowerer).condition},
		isa.OpEXIT:     {CodeEXIT, UnitBranch, func(l *lowerer) { l.ignore(isa.ModKEEPREFCOUNT); l.condition() }},
		isa.OpBRK:      {CodeBRK, UnitBranch, (*lowerer).condition},
		isa.OpCONT:     {CodeCONT, UnitBranch, (*lowerer).condition},
		isa.OpRET:      {CodeRET, UnitBranch, (*lowerer).condition},
		isa.OpLONGJMP:  {CodeLONGJMP, UnitBranch, (*lowerer).condition},
		isa.OpBAR:      {CodeBAR, UnitNone, lowerBAR},
		isa.OpBPT: {CodeTRAP, UnitBranch, func(l *lowerer) {
			if !l.has(isa.ModTRAP) {
				l.fail("only BPT.TRAP is executed")
			}
			l.next = int(l.in.NumOps)
		}},
	}
}

// lowerNothing takes instructions that order or cache memory accesses: values are always in order here.
func lowerNothing(l *lowerer) {
	for k := range l.seen {
		l.seen[k] = true
	}
	l.next = int(l.in.NumOps)
}

// lowerMEMBAR takes MEMBAR: within a block there is nothing to order, beyond it checks want to know.
func lowerMEMBAR(l *lowerer) {
	if !l.in.Has(isa.ModGL) && !l.in.Has(isa.ModSYS) {
		l.op.Code = CodeNOP
	}
	lowerNothing(l)
}

// lowerDEPBAR takes DEPBAR.LE SBb, n and the set of further barriers that must be clear.
func lowerDEPBAR(l *lowerer) {
	l.ignore(isa.ModLE)
	if l.peek(isa.KindSB) && l.in.NumOps > 1 {
		b := l.operand(isa.KindSB).Reg
		switch n := l.imm(); {
		case b > 5:
			l.fail("SB%d is not one of SB0 to SB5", b)
		case n == 0:
			l.op.Wait |= 1 << b
		default:
			l.op.Wait |= WaitCount
			l.op.Size, l.op.Imm = b, n
			l.p.Counted = true
		}
	}
	if l.peek(isa.KindSB) {
		l.op.Wait |= uint8(l.operand(isa.KindSB).Value & 0x3f)
	}
}

func lowerMOV(l *lowerer) {
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	if l.peek(isa.KindImm) && l.imm() != 0xf {
		l.fail("a byte mask other than 0xf is not executed")
	}
}

// float sets a FP32 operation's code by its suffixes: plain, .FTZ, or anything else.
func (l *lowerer) float(plain, ftz, other Code) {
	mode := l.round()
	special := mode != RoundNearest
	l.flag(isa.ModFTZ, FlagFTZ)
	if l.flag(isa.ModFMZ, FlagFMZ|FlagFTZ) || l.flag(isa.ModSAT, FlagSAT) {
		special = true
	}
	l.flag(isa.ModSAT, FlagSAT)
	switch {
	case special:
		l.op.Code = other
	case l.op.Flags&FlagFTZ != 0:
		l.op.Code = ftz
	default:
		l.op.Code = plain
	}
}

func lowerFFMA(l *lowerer) {
	l.float(CodeFFMA, CodeFFMAFTZ, CodeFFMAX)
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
	if l.op.Flags&(FlagAbsA|FlagAbsB|FlagAbsC) != 0 {
		l.op.Code = CodeFFMAX
	}
}

func lowerFADD(l *lowerer) {
	l.float(CodeFADD, CodeFADDFTZ, CodeFADDX)
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
}

// scales are the powers of two that a product is multiplied by before it is rounded.
var scales = []choice[int64]{{isa.ModD2, -1}, {isa.ModD4, -2}, {isa.ModD8, -3}, {isa.ModM2, 1}, {isa.ModM4, 2},
	{isa.ModM8, 3}}

func lowerFMUL(l *lowerer) {
	l.float(CodeFMUL, CodeFMULFTZ, CodeFMULX)
	scale, scaled := pick(l, scales)
	l.op.Imm = scale
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
	if l.op.Flags&(FlagAbsA|FlagAbsB) != 0 || scaled {
		l.op.Code = CodeFMULX
	}
}

func lowerMinMax(l *lowerer) {
	l.flag(isa.ModFTZ, FlagFTZ)
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	if l.flag(isa.ModXHI, FlagHigh) || l.flag(isa.ModXLO, FlagWrap) {
		l.op.Code = CodeIMNMXX
	}
	l.dst(1)
	if l.op.Flags&FlagHigh == 0 {
		l.plainCC()
	}
	l.src(0, 1)
	l.src(1, 1)
	l.psrc()
}

func lowerFSETP(l *lowerer) {
	l.compare()
	l.flag(isa.ModFTZ, FlagFTZ)
	l.pdst()
	l.pdst2()
	l.src(0, 1)
	l.src(1, 1)
	l.psrc()
}

func lowerISETP(l *lowerer) {
	l.compare()
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	if l.has(isa.ModX) {
		l.op.UseX, l.op.Code = true, CodeISETPX
	}
	l.pdst()
	l.pdst2()
	l.src(0, 1)
	l.src(1, 1)
	l.psrc()
}

// lowerSET takes FSET and ISET.
func lowerSET(l *lowerer) {
	l.compare()
	l.flag(isa.ModFTZ, FlagFTZ)
	l.flag(isa.ModBF, FlagBF)
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.op.UseX = l.has(isa.ModX)
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.psrc()
}

func lowerFCMP(l *lowerer) {
	if cmp, ok := pick(l, comparisons); ok {
		l.op.Aux = cmp
	} else {
		l.op.Aux = CmpGT // the one comparison without a name
	}
	l.flag(isa.ModFTZ, FlagFTZ)
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

func lowerICMP(l *lowerer) {
	l.compare()
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

func lowerMUFU(l *lowerer) {
	f, ok := pick(l, []choice[uint32]{{isa.ModCOS, MufuCOS}, {isa.ModSIN, MufuSIN}, {isa.ModEX2, MufuEX2},
		{isa.ModLG2, MufuLG2}, {isa.ModRCP, MufuRCP}, {isa.ModRSQ, MufuRSQ}, {isa.ModRCP64H, MufuRCP64H},
		{isa.ModRSQ64H, MufuRSQ64H}, {isa.ModSQRT, MufuSQRT}, {isa.ModTANH, MufuTANH}})
	if !ok {
		l.fail("this function of MUFU is not executed")
	}
	l.op.Aux = f
	l.flag(isa.ModSAT, FlagSAT)
	l.dst(1)
	l.src(0, 1)
}

// carry sets what integer additions have in common, and the general code if the vector code will not do.
func (l *lowerer) carry(general Code) {
	l.op.UseX = l.has(isa.ModX)
	if l.op.UseX || l.op.SetCC || l.op.Flags&FlagSAT != 0 {
		l.op.Code = general
	}
}

func lowerIADD(l *lowerer) {
	l.flag(isa.ModSAT, FlagSAT)
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	if l.flag(isa.ModPO, FlagPlus1) {
		l.op.Flags &^= FlagNegA | FlagNegB
	}
	l.carry(CodeIADDX)
}

func lowerIADD3(l *lowerer) {
	l.dst(1)
	halves := false
	for i := range 3 {
		o, s := l.source(1)
		l.place(i, o, s)
		switch o.Sel {
		case isa.SelNone:
		case isa.SelH0:
			l.op.Imm |= 1 << (2 * i)
		case isa.SelH1:
			l.op.Imm |= 2 << (2 * i)
		default:
			l.fail("source selection .%s is not executed", o.Sel)
		}
		halves = halves || o.Sel != isa.SelNone
	}
	l.carry(CodeIADD3X)
	if halves {
		l.op.Code = CodeIADD3X
	}
	if l.flag(isa.ModRS, FlagRight) || l.flag(isa.ModLS, FlagShift) {
		l.op.Code = CodeIADD3X
	}
}

func lowerISCADD(l *lowerer) {
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.op.Imm = l.imm() & 31
	l.carry(CodeLEA)
}

func lowerLEA(l *lowerer) {
	l.optionalPred()
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	if l.has(isa.ModHI) {
		l.src(2, 1)
		l.op.Code = CodeLEAHI
	}
	if l.peek(isa.KindImm) {
		l.op.Imm = l.imm() & 31
	}
	l.op.UseX = l.has(isa.ModX)
	if l.op.Code == CodeLEA && !l.op.UseX && !l.op.SetCC && l.op.PDst == isa.PT {
		l.op.Code = CodeISCADD
	}
}

func lowerXMAD(l *lowerer) {
	l.dst(1)
	var mode uint32
	for i, bit := range []uint32{XMADHighA, XMADHighB} {
		o, s := l.source(1)
		l.place(i, o, s)
		switch o.Sel {
		case isa.SelNone, isa.SelH0:
		case isa.SelH1:
			mode |= bit
		default:
			l.fail("source selection .%s is not executed", o.Sel)
		}
	}
	l.src(2, 1)
	// Signedness is printed once for both, or one for each.
	var signs []bool
	for k, m := range l.in.Mods[:l.in.NumMods] {
		if m == isa.ModS16 || m == isa.ModU16 {
			signs = append(signs, m == isa.ModS16)
			l.seen[k] = true
		}
	}
	if len(signs) > 0 && signs[0] {
		mode |= XMADSignA
	}
	if len(signs) > 0 && signs[len(signs)-1] {
		mode |= XMADSignB
	}
	for _, c := range []choice[uint32]{{isa.ModPSL, XMADPSL}, {isa.ModMRG, XMADMRG}, {isa.ModCLO, XMADCLO},
		{isa.ModCHI, XMADCHI}, {isa.ModCBCC, XMADCBCC}} {
		if l.has(c.mod) {
			mode |= c.value
		}
	}
	l.op.Aux = mode
	l.carry(CodeXMADX)
	if l.flag(isa.ModCSFU, FlagRev) {
		if mode&(XMADHighA|XMADHighB) != XMADHighA|XMADHighB {
			l.fail("XMAD.CSFU of other than the upper halves is not executed")
		}
		l.op.Code = CodeXMADX
	}
}

// product sets signedness and the half of IMAD and IMUL.
func (l *lowerer) product() {
	var signs []bool
	for k, m := range l.in.Mods[:l.in.NumMods] {
		if m == isa.ModS32 || m == isa.ModU32 {
			signs = append(signs, m == isa.ModS32)
			l.seen[k] = true
		}
	}
	a, b := true, true
	if len(signs) > 0 {
		a, b = signs[0], signs[len(signs)-1]
	}
	switch {
	case a && b:
		l.op.Flags |= FlagSigned
	case b:
		l.op.Flags |= FlagRev
	case a:
		l.op.Flags |= FlagRight
	}
	l.flag(isa.ModHI, FlagHigh)
	l.flag(isa.ModSAT, FlagSAT)
}

func lowerIMAD(l *lowerer) {
	l.product()
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
	l.op.UseX = l.has(isa.ModX)
}

func lowerIMUL(l *lowerer) {
	l.product()
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
}

// Logic tables of the sources by themselves: LOP3's immediate is the operation on these.
const (
	lutA = 0xf0
	lutB = 0xcc
)

func lowerLOP(l *lowerer) {
	how, ok := pick(l, []choice[int]{{isa.ModAND, 0}, {isa.ModOR, 1}, {isa.ModXOR, 2}, {isa.ModPASS_B, 3}})
	if !ok {
		l.fail("this operation of LOP is not executed")
	}
	l.logicTest()
	l.dst(1)
	table := [2]uint32{lutA, lutB}
	for i := range table {
		o, s := l.source(1)
		l.place(i, o, s)
		if o.Not {
			table[i] ^= 0xff
		}
	}
	l.op.Aux = [4]uint32{table[0] & table[1], table[0] | table[1], table[0] ^ table[1], table[1]}[how]
	l.logicCode()
}

func lowerLOP3(l *lowerer) {
	l.ignore(isa.ModLUT)
	l.logicTest()
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
	l.op.Aux = uint32(l.imm()) & 0xff
	l.logicCode()
}

// logicTest takes what LOP and LOP3 say of a destination predicate.
func (l *lowerer) logicTest() {
	if l.flag(isa.ModNZ, FlagTest) || l.flag(isa.ModZ, FlagTest|FlagZero) {
		l.op.Code = CodeLOP3X
	}
	for _, m := range []isa.Mod{isa.ModT, isa.ModF} {
		if l.has(m) && l.peek(isa.KindPred) && l.in.Operands[l.next].Reg != isa.PT {
			l.fail("a constant predicate of a logic operation is not executed")
		}
	}
	l.optionalPred()
}

func (l *lowerer) logicCode() {
	l.op.UseX = l.has(isa.ModX)
	if l.op.SetCC || l.op.UseX {
		l.op.Code = CodeLOP3X
	}
}

func lowerShift(l *lowerer) {
	l.flag(isa.ModW, FlagWrap)
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.ignore(isa.ModS32)
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
}

func lowerSHF(l *lowerer) {
	l.ignore(isa.ModL)
	l.flag(isa.ModR, FlagRight)
	l.flag(isa.ModW, FlagWrap)
	l.flag(isa.ModU64, Flag64)
	l.flag(isa.ModS64, Flag64|FlagSigned)
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

func lowerBFE(l *lowerer) {
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.ignore(isa.ModS32)
	l.flag(isa.ModBREV, FlagRev)
	l.dst(1)
	l.plainCC()
	l.src(0, 1)
	l.src(1, 1)
}

func lowerPRMT(l *lowerer) {
	l.op.Aux, _ = pick(l, []choice[uint32]{{isa.ModIDX, PrmtIDX}, {isa.ModF4E, PrmtF4E}, {isa.ModB4E, PrmtB4E},
		{isa.ModRC8, PrmtRC8},
		{isa.ModECL, PrmtECL}, {isa.ModECR, PrmtECR}, {isa.ModRC16, PrmtRC16}})
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

// complemented takes source A, which may be complemented.
func (l *lowerer) complemented() {
	o, s := l.source(1)
	l.op.A = s
	if o.Not {
		l.op.Flags |= FlagNotA
	}
}

func lowerFLO(l *lowerer) {
	if !l.has(isa.ModU32) {
		l.op.Flags |= FlagSigned
	}
	l.ignore(isa.ModS32)
	l.flag(isa.ModSH, FlagShift)
	l.dst(1)
	l.plainCC()
	l.complemented()
}

func lowerPOPC(l *lowerer) {
	l.dst(1)
	l.complemented()
}

// words is the number of registers of a size.
func words(size uint8) int { return max(SizeBytes[size]/4, 1) }

func lowerF2F(l *lowerer) {
	to, ok := pick(l, floatTypes)
	from, ok2 := pick(l, floatTypes)
	if !ok || !ok2 {
		l.fail("no types")
	}
	l.op.Size, l.op.Size2 = to, from
	if mode, ok := pick(l, integralModes); ok {
		l.op.Aux = mode
		l.op.Flags |= FlagShift
	} else if l.round(); to == from && l.op.Aux != RoundNearest {
		l.fail("a rounding mode without a change of type is not executed")
	}
	l.flag(isa.ModFTZ, FlagFTZ)
	l.flag(isa.ModSAT, FlagSAT)
	l.dst(words(to))
	l.plainCC()
	l.converted(words(from))
}

// converted takes a conversion's source, which may be a half or a byte of a register.
func (l *lowerer) converted(n int) {
	o, s := l.source(n)
	l.place(0, o, s)
	switch o.Sel {
	case isa.SelNone, isa.SelH0:
	case isa.SelB1:
		l.op.Imm = 1
	case isa.SelB2, isa.SelH1:
		l.op.Imm = 2
	case isa.SelB3:
		l.op.Imm = 3
	default:
		l.fail("source selection .%s is not executed", o.Sel)
	}
}

func lowerF2I(l *lowerer) {
	to, ok := pick(l, integerTypes)
	from, ok2 := pick(l, floatTypes)
	if !ok || !ok2 {
		l.fail("no types")
	}
	if to&typeSigned != 0 || to == SizeS8 || to == SizeS16 {
		l.op.Flags |= FlagSigned
	}
	l.op.Size, l.op.Size2 = to&^typeSigned, from
	l.op.Aux, _ = pick(l, integralModes)
	l.flag(isa.ModFTZ, FlagFTZ)
	l.dst(words(l.op.Size))
	l.plainCC()
	l.converted(words(from))
}

func lowerI2F(l *lowerer) {
	to, ok := pick(l, floatTypes)
	from, ok2 := pick(l, integerTypes)
	if !ok || !ok2 {
		l.fail("no types")
	}
	if from&typeSigned != 0 {
		l.op.Flags |= FlagSigned
	}
	l.op.Size, l.op.Size2 = to, from&^typeSigned
	l.round()
	l.dst(words(to))
	l.plainCC()
	l.converted(words(l.op.Size2))
}

func lowerI2I(l *lowerer) {
	to, ok := pick(l, integerTypes)
	from, ok2 := pick(l, integerTypes)
	if !ok || !ok2 || to&^typeSigned > Size32 || from&^typeSigned > Size32 {
		l.fail("these types are not executed")
	}
	if from&typeSigned != 0 {
		l.op.Flags |= FlagSigned
	}
	if to&typeSigned != 0 {
		l.op.Flags |= FlagRev
	}
	l.op.Size, l.op.Size2 = to&^typeSigned, from&^typeSigned
	l.flag(isa.ModSAT, FlagSAT)
	l.dst(1)
	l.converted(1)
}

func lowerPSETP(l *lowerer) {
	first, _ := pick(l, booleans)
	second, _ := pick(l, booleans)
	l.op.Aux = first<<AuxBool1 | second<<AuxBool
	if l.op.Code == CodePSET {
		l.flag(isa.ModBF, FlagBF)
		l.dst(1)
	} else {
		l.pdst()
		l.pdst2()
	}
	for i := range 2 {
		o := l.operand(isa.KindPred)
		v := int64(o.Reg)
		if o.Not {
			v |= 8
		}
		l.op.Imm |= v << (8 * i)
	}
	l.psrc()
}

func lowerCSETP(l *lowerer) {
	test := isa.CCT
	for k, m := range l.in.Mods[:l.in.NumMods] {
		for t := isa.CCF; t <= isa.CCOFT; t++ {
			if !l.seen[k] && m.String() == t.String() {
				test, l.seen[k] = t, true
			}
		}
	}
	how, _ := pick(l, booleans)
	l.op.Aux = how << AuxBool
	l.flag(isa.ModBF, FlagBF)
	if l.op.Code == CodeCSET {
		l.dst(1)
	} else {
		l.pdst()
		l.pdst2()
	}
	if l.peek(isa.KindText) {
		l.next++ // CC, the only choice
	}
	if l.peek(isa.KindCC) {
		if t := isa.CCTest(l.operand(isa.KindCC).Reg); t != isa.CCT {
			test = t
		}
	}
	if test > isa.CCOFT {
		l.fail("this test of the condition code is not executed")
	}
	l.op.Imm = int64(test)
	l.psrc()
}

// byteOf takes the byte selection of P2R and R2P.
func (l *lowerer) byteOf(o *isa.Operand) {
	switch o.Sel {
	case isa.SelNone:
	case isa.SelB1:
		l.op.Aux = 1
	case isa.SelB2:
		l.op.Aux = 2
	case isa.SelB3:
		l.op.Aux = 3
	default:
		l.fail("source selection .%s is not executed", o.Sel)
	}
}

// predicates takes the operand that says whether predicates or the condition code are meant.
func (l *lowerer) predicates() {
	o := l.operand(isa.KindText, isa.KindPred, isa.KindCC)
	if o.Kind == isa.KindCC || o.Kind == isa.KindText && o.Value != 0 {
		l.op.Flags |= FlagCC
	}
}

func lowerP2R(l *lowerer) {
	for n, m := range map[uint32]isa.Mod{1: isa.ModB1, 2: isa.ModB2, 3: isa.ModB3} {
		if l.has(m) {
			l.op.Aux = n
		}
	}
	l.dst(1)
	l.predicates()
	o, s := l.source(1)
	l.place(0, o, s)
	l.byteOf(o)
	l.src(1, 1)
}

func lowerR2P(l *lowerer) {
	l.predicates()
	o, s := l.source(1)
	l.place(0, o, s)
	l.byteOf(o)
	l.src(1, 1)
}

func lowerVOTE(l *lowerer) {
	how, ok := pick(l, []choice[uint32]{{isa.ModALL, VoteALL}, {isa.ModANY, VoteANY}, {isa.ModEQ, VoteEQ}})
	if !ok {
		l.fail("this mode of VOTE is not executed")
	}
	l.op.Aux = how
	l.dst(1)
	l.pdst()
	l.psrc()
}

func lowerSHFL(l *lowerer) {
	how, ok := pick(l, []choice[uint32]{{isa.ModIDX, ShflIDX}, {isa.ModUP, ShflUP}, {isa.ModDOWN, ShflDOWN},
		{isa.ModBFLY, ShflBFLY}})
	if !ok {
		l.fail("this mode of SHFL is not executed")
	}
	l.op.Aux = how
	l.pdst()
	l.dst(1)
	l.src(0, 1)
	l.src(1, 1)
	l.src(2, 1)
}

// specials are the special registers that are executed.
var specials = map[uint8]bool{SRLaneID: true, SRVirtID: true, SRTid: true, SRTidX: true, SRTidY: true, SRTidZ: true,
	SRCtaIDX: true, SRCtaIDY: true,
	SRCtaIDZ: true, SREqMask: true, SRLtMask: true, SRLeMask: true, SRGtMask: true, SRGeMask: true, SRClockLo: true,
	SRClockHi:       true,
	SRGlobalTimerLo: true, SRGlobalTimerHi: true, SRVirtCfg: true, SRSharedSize: true, SRStackBottom: true}

func lowerS2R(l *lowerer) {
	l.dst(1)
	o := l.operand(isa.KindSReg)
	if !specials[o.Reg] {
		l.fail("special register %#x is decoded but not executed", o.Reg)
	}
	l.op.Aux = uint32(o.Reg)
}

func lowerB2R(l *lowerer) {
	if !l.has(isa.ModRESULT) {
		l.fail("only B2R.RESULT is executed")
	}
	l.dst(1)
	l.optionalPred()
}

func (l *lowerer) width() {
	l.op.Size = Size32
	if s, ok := pick(l, memorySizes); ok {
		l.op.Size = s
	}
}

func lowerLDC(l *lowerer) {
	l.width()
	l.dst(words(l.op.Size))
	o := l.operand(isa.KindConst)
	l.uses(o.Reg, 1)
	if o.Reg != isa.RZ {
		l.op.A = Src(o.Reg)
	}
	l.constant(o)
}

// constant takes the bank and the offset of a constant that is loaded.
func (l *lowerer) constant(o *isa.Operand) {
	l.op.Imm = o.Value
	l.op.Aux = uint32(o.Bank)
	if int(o.Bank) >= isa.ConstBanks {
		l.fail("c[%#x] is out of range", o.Bank)
	}
}

// address takes the memory operand: its base in A, 64-bit with Flag64, its offset in Imm.
func (l *lowerer) address() {
	wide := l.has(isa.ModE)
	o := l.operand(isa.KindMem)
	n := 1
	if wide {
		n = 2
		l.op.Flags |= Flag64
	}
	l.uses(o.Reg, n)
	if o.Reg != isa.RZ {
		l.op.A = Src(o.Reg)
	}
	l.op.Imm = o.Value
}

func (l *lowerer) caching() {
	c, _ := pick(l, cacheOps)
	l.op.Cache = uint8(c)
	l.flag(isa.ModCI, FlagReadOnly)
	l.ignore(isa.ModU) // a hint on 128-bit loads
}

func lowerLoad(l *lowerer) {
	l.width()
	l.caching()
	if l.cfg.CacheLoads && memory.CacheOp(l.op.Cache) == memory.CacheDefault {
		l.op.Cache = uint8(memory.CacheCA)
	}
	l.dst(words(l.op.Size))
	l.address()
	if l.peek(isa.KindPred) {
		l.next++ // LD: a hint that the address is global
	}
}

func lowerStore(l *lowerer) {
	l.width()
	l.caching()
	l.address()
	l.data(words(l.op.Size))
	if l.peek(isa.KindPred) {
		l.next++
	}
}

// data takes the registers that a store or an atomic sends.
func (l *lowerer) data(n int) {
	o := l.operand(isa.KindReg)
	l.uses(o.Reg, n)
	if o.Reg != isa.RZ {
		l.op.C = Src(o.Reg)
	}
	l.op.Width = uint8(n)
}

var atomicOps = []choice[memory.AtomicOp]{{isa.ModADD, memory.AtomicAdd}, {isa.ModMIN, memory.AtomicMin},
	{isa.ModMAX, memory.AtomicMax},
	{isa.ModINC, memory.AtomicInc}, {isa.ModDEC, memory.AtomicDec}, {isa.ModAND, memory.AtomicAnd},
	{isa.ModOR, memory.AtomicOr},
	{isa.ModXOR, memory.AtomicXor}, {isa.ModEXCH, memory.AtomicExch}, {isa.ModCAS, memory.AtomicCAS}}

var atomicTypes = []choice[memory.AtomicType]{{isa.ModU32, memory.AtomicU32}, {isa.ModS32, memory.AtomicS32},
	{isa.ModU64, memory.AtomicU64},
	{isa.Mod64, memory.AtomicU64}, {isa.ModS64, memory.AtomicS64}, {isa.ModF32, memory.AtomicF32},
	{isa.ModF64, memory.AtomicF64}, {isa.ModF16x2, memory.AtomicF16x2}}

// addedAtoms are the types whose values atomics add and exchange only.
var addedAtoms = []memory.AtomicType{memory.AtomicF32, memory.AtomicF64, memory.AtomicF16x2}

func lowerAtomic(l *lowerer) {
	how, ok := pick(l, atomicOps)
	typ, _ := pick(l, atomicTypes)
	l.ignore(isa.ModFTZ, isa.ModRN) // the only form of F32 and F64 addition there is
	if !ok || slices.Contains(addedAtoms, typ) && how != memory.AtomicAdd && how != memory.AtomicExch {
		l.fail("this operation is not executed")
	}
	l.op.Aux = uint32(how) | uint32(typ)<<8
	n := typ.Bytes() / 4
	l.op.Size = Size32
	if n == 2 {
		l.op.Size = Size64
	}
	if l.in.Op == isa.OpRED {
		l.op.Flags |= FlagNoResult
	} else {
		l.dst(n)
	}
	l.address()
	if how == memory.AtomicCAS {
		n *= 2
	}
	l.data(n)
	if how == memory.AtomicCAS && l.op.C != PoolZero {
		l.op.B = l.op.C + Src(n/2)
	}
	for l.peek(isa.KindReg) {
		l.next++ // CAS: the value to store stands behind the one to compare with
	}
	if how == memory.AtomicCAS && l.err == nil && l.op.C == PoolZero && l.in.Operands[l.next-1].Reg != isa.RZ {
		l.fail("RZ as the value to compare with is not executed")
	}
}

// lowerIndirect takes BRX and JMX: the target is a register plus an offset, for BRX relative to the next instruction.
func lowerIndirect(l *lowerer) {
	l.ignore(isa.ModLMT)
	if l.condition(); l.op.Imm2 != int32(isa.CCT) {
		l.fail("an indirect branch with a condition code test is not executed")
	}
	o := l.operand(isa.KindReg, isa.KindMem, isa.KindLabel)
	l.uses(o.Reg, 1)
	if o.Reg != isa.RZ {
		l.op.A = Src(o.Reg)
	}
	l.op.Imm = o.Value
	if l.peek(isa.KindImm) {
		l.op.Imm += l.imm()
	}
	if l.in.Op == isa.OpBRX {
		l.op.Imm += int64(l.in.PC + l.code.Family.WordBytes)
	}
}

func lowerBAR(l *lowerer) {
	kind := BarNone
	switch {
	case l.mod("SYNC"):
		kind = BarSync
	case l.mod("ARV"):
		kind = BarArrive
	case l.mod("RED"):
		kind = BarRedPopc
		switch {
		case l.has(isa.ModAND):
			kind = BarRedAnd
		case l.has(isa.ModOR):
			kind = BarRedOr
		case !l.has(isa.ModPOPC):
			l.fail("this reduction is not executed")
		}
	default:
		l.fail("this mode of BAR is not executed")
	}
	l.op.Aux = uint32(kind)
	l.src(0, 1)
	if l.peek(isa.KindReg) || l.peek(isa.KindImm) {
		l.src(1, 1)
	}
	if l.peek(isa.KindPred) {
		l.psrc()
	}
}

// mod is has by name.
func (l *lowerer) mod(name string) bool {
	for _, m := range l.in.Mods[:l.in.NumMods] {
		if m.String() == name {
			return l.has(m)
		}
	}
	return false
}
