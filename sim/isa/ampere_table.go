package isa

// ampereSuffixes gives the suffixes by value of a field; _ is none, ? undefined.
var ampereSuffixes = map[string]string{
	"cctl":      "PF1 PF2 WB IV ? RS ? ? ? PML2 DML2 RML2 ? ? ? ?",
	"ldsm":      "M88 MT88 M816 M832",
	"movm":      "MT88 M832 M864 ?",
	"high":      "RCP64H RSQ64H",
	"divergent": "DIV CONV",
	"i2i":       "U8 S8 U16 S16",
	"hmma":      "1688 16816 1684 ?",
	"f16f32":    "F16 F32",
	"tensor":    "_ BF16 TF32 ?",
	"hmmasp":    "1688 16816 ? 16832",
	"step":      "STEP0 STEP1 STEP2 STEP3",
	"step2":     "STEP0 STEP1 ? ?",
	"immashape": "8816 ? 8832 ? 16816 16832 16864 ?", // bit 75, then 85 and 86
	"immasp":    "? ? 8832 8864 ? 16832 16864 168128",
	"immatype":  "U8 S8 ? ? U4 S4 ? ?", // two bits for 8 bits, then one for 4
	"imma":      "U8 S8 ? ?",
	"imma4":     "U4 S4 ? ?",
	"bmma":      "88128 168128 168256 ? ? ? ? ?",
	"xorand":    "XOR AND",
	"pop":       "? POPC",
	"i2ip":      "SAT _ SATRELU ?",
	"i2i2":      "U2 S2 U4 S4",
	"f2ip":      "_ ? ? TRUNC",
	"change":    "_ INC DEC ?",
	"r2b":       "_ ? WARP ?",
	"axis":      "X Y Z _",
	"strength":  "SC ALL _ ?",
	"ltc75":     "_ LTC64B LTC128B ?",
	"scope":     "CTA SM GPU SYS ? VC ? ?",
	"sizeU":     "U8 S8 U16 S16 _ 64 128 U.128",
	"space":     "G L S ?",
	"size32":    "? ? ? ? _ 64 128 ?",
	"copy": "_ CONSTANT.PRIVATE CONSTANT.CTA CONSTANT.CTA.PRIVATE CONSTANT MMIO.CTA GPU.PRIVATE MMIO.CTA.PRIVATE " +
		"MMIO.SM CONSTANT.SM MMIO.VC CONSTANT.SM.PRIVATE MMIO.GPU CONSTANT.VC CONSTANT.VC.PRIVATE CONSTANT.GPU",
	"exit":   "_ KEEPREFCOUNT PREEMPTED ?",
	"imad":   "MOV IADD SHL", // what finishAmpere calls some products
	"fmz":    "_ FMZ FTZ ?",  // by bit 76, then 80
	"round":  "_ RM RP RZ",
	"scale":  "? D8 D4 D2 _ M2 M4 M8",
	"fcmp":   "F LT EQ LE GT NE GE NUM NAN LTU EQU LEU GTU NEU GEU T",
	"dcmp":   "MIN LT EQ LE GT NE GE NUM NAN LTU EQU LEU GTU NEU GEU MAX",
	"icmp":   "F LT EQ LE GT NE GE T",
	"bool":   "AND OR XOR ?",
	"mufu":   "COS SIN EX2 LG2 RCP RSQ ? ? SQRT TANH ? ? ? ? ? ?",
	"mufuh":  "COS SIN EX2 LG2 RCP RSQ ? ? SQRT TANH ? ? ? ? ? ?",
	"prmt":   "_ F4E B4E RC8 ECL ECR RC16 ?",
	"shf":    "S64 U64 S32 U32",
	"lr":     "L R",
	"unsign": "U32 _",
	"int32":  "U32 S32",
	"sign8":  "U8 S8",
	"sign16": "U16 S16",
	"lohi":   "LO HI",
	"size":   "U8 S8 U16 S16 _ 64 128 ?",
	"size64": "U8 S8 U16 S16 _ 64 ? ?",
	"evict":  "EF _ EL LU EU NA ? ?",
	"ltc":    "_ LTC64B LTC128B LTC256B",
	"load": "_ CONSTANT.PRIVATE CONSTANT.CTA CONSTANT.CTA.PRIVATE CONSTANT STRONG.SM STRONG.GPU.PRIVATE STRONG.GPU " +
		"MMIO.GPU CONSTANT.SM STRONG.SYS CONSTANT.SM.PRIVATE MMIO.SYS CONSTANT.VC CONSTANT.VC.PRIVATE CONSTANT.GPU",
	"store": "_ CONSTANT.PRIVATE CONSTANT.CTA CONSTANT.CTA.PRIVATE STRONG.SM.PRIVATE STRONG.SM STRONG.GPU.PRIVATE " +
		"STRONG.GPU MMIO.GPU CONSTANT.SM STRONG.SYS CONSTANT.SM.PRIVATE MMIO.SYS CONSTANT.VC CONSTANT.VC.PRIVATE " +
		"CONSTANT.GPU",
	"atomic": "_ CONSTANT.PRIVATE CONSTANT.CTA CONSTANT.CTA.PRIVATE STRONG.SM.PRIVATE STRONG.SM STRONG.GPU.PRIVATE " +
		"STRONG.GPU MMIO.GPU CONSTANT.SM STRONG.SYS CONSTANT.SM.PRIVATE MMIO.SYS CONSTANT.VC CONSTANT.VC.PRIVATE " +
		"CONSTANT.GPU",
	"atomop":   "ADD MIN MAX INC DEC AND OR XOR EXCH SAFEADD ? ? ? ? ? ?",
	"atomsop":  "ADD MIN MAX INC DEC AND OR XOR EXCH ? ? ? ? ? ? ?",
	"redop":    "ADD MIN MAX INC DEC AND OR XOR",
	"atomt":    "_ S32 64 F32.FTZ.RN F16x2.RN S64 F64.RN ? ? ? ? ? ? ? ? ?",
	"cast":     "_ S32 64 ? ? ? ? ? ? ? ? ? ? ? ? ?",
	"atomst":   "_ S32 64 ?",
	"ldcmode":  "_ IL IS ISL",
	"i2f":      "U8 S8 U16 S16 U32 _ ? ?",
	"i2ft":     "? F16 _ ?",
	"i2fp":     "_ ? ? RZ",
	"i2f64t":   "? F16 _ F64",
	"wide":     "U64 S64",
	"f2i":      "U8 S8 U16 S16 U32 _ ? ?",
	"f2if":     "? F16 _ ?",
	"f2i64f":   "? F16 _ F64",
	"integral": "_ FLOOR CEIL TRUNC",
	"redbar":   "POPC AND OR ?",
	"shfl":     "IDX UP DOWN BFLY",
	"vote":     "ALL ANY EQ ?",
	"fence": "SC.CTA SC.SM SC.GPU SC.SYS ? SC.VC ? ? ALL.CTA ALL.SM ALL.GPU ALL.SYS ? ALL.VC ? ? CTA SM GPU SYS ? " +
		"VC ? ? MMIO.CTA MMIO.SM MMIO.GPU MMIO.SYS ? MMIO.VC ? ?",
	"redux":    "_ OR XOR SUM MIN MAX ? ?",
	"byte":     "_ B1 B2 B3",
	"half":     "_ BF16_V2",
	"halft":    "_ F32 BF16_V2 ?", // by bit 78, then 85
	"matrices": "_ 2 4 ?",
	"cctlc":    "_ U C I ? ? ? ?",
	"branch":   "_ U DIV CONV",
	"trap":     "DRAIN_ILLEGAL CAL PAUSE TRAP INT DRAIN PAUSE_QUIET ?",
}

// turingSuffixes are the lists that sm_75 has otherwise.
var turingSuffixes = map[string]string{
	"load": "CONSTANT.CTA CONSTANT.SM CONSTANT.GPU CONSTANT.SYS CTA SM GPU SYS STRONG.CTA STRONG.SM STRONG.GPU " +
		"STRONG.SYS MMIO.CTA MMIO.SM MMIO.GPU MMIO.SYS",
	"store":  "? ? ? ? CTA SM GPU SYS STRONG.CTA STRONG.SM STRONG.GPU STRONG.SYS MMIO.CTA MMIO.SM MMIO.GPU MMIO.SYS",
	"atomic": "? ? ? ? CTA SM GPU SYS STRONG.CTA STRONG.SM STRONG.GPU STRONG.SYS ? ? ? ?",
}

// ampereSelections gives the operand suffixes by value of a field.
var ampereSelections = map[string]string{
	"msb":      "SIGN",
	"swizzle":  "_ F32 H0_H0 H1_H1",
	"nswizzle": "_ F32 H0_H0 H1_H1 H0_NH1 ? ? ?",
	"width":    "U32 64",
	"pointer":  "? 64",
	"times":    "_ X4 X8 X16",
	"bytes":    "_ B1 B2 B3",
	"top":      "? ? ? 28 ? ? 24 ?", // bits 72 and 73, then whether 4 bits

	"h1":   "_ H1 ? ?",
	"line": "ROW COL",
	"row":  "ROW ?",
	"col":  "? COL",
}

// ampereTexts gives operands that only the disassembler prints.
var ampereTexts = map[string]string{
	"pr":      "PR",
	"rpc":     "Rpc.LO Rpc.HI",
	"rpcs":    "Rpc",
	"atexit":  "ATEXIT_PC",
	"barrier": "B0 B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11 B12 B13 B14 B15",
	"upr":     "UPR",
	"state": "B0 B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11 B12 B13 B14 B15 THREAD_STATE_ENUM.0 THREAD_STATE_ENUM.1 " +
		"THREAD_STATE_ENUM.2 THREAD_STATE_ENUM.3 THREAD_STATE_ENUM.4 TRAP_RETURN_PC.LO TRAP_RETURN_PC.HI " +
		"TRAP_RETURN_MASK MEXITED MKILL MACTIVE MATEXIT OPT_STACK API_CALL_DEPTH ATEXIT_PC.LO ATEXIT_PC.HI",
	"thread": "? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? THREAD_STATE_ENUM.0 THREAD_STATE_ENUM.1 THREAD_STATE_ENUM.2 " +
		"THREAD_STATE_ENUM.3 THREAD_STATE_ENUM.4 TRAP_RETURN_PC.LO TRAP_RETURN_PC.HI TRAP_RETURN_MASK MEXITED " +
		"MKILL MACTIVE MATEXIT OPT_STACK API_CALL_DEPTH ATEXIT_PC.LO ATEXIT_PC.HI",
	"mask": "? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? MEXITED MKILL MACTIVE MATEXIT ? ? ? ?",
}

// bindless is the bit of a constant operand whose bank a uniform register names, and of a uniform register itself.
const bindless = 1 << (91 - 64)

var ampereTable = expandForms([]row128{
	{AmpereMOV, "1456", 0x02, "R16 $u u72:4?15"},
	{AmpereSEL, "1456", 0x07, "R16 R24 $u P87(!90)"},

	// Floating point, 32 bits.
	{AmpereFFMA, "1234567", 0x23, ".fmz@76:1+80:1 .round@78:2 .SAT@77 R16 R24(-72,|73) $f(-,|) $3(-,|)"},
	{AmpereFADD, "1237", 0x21, ".FTZ@80 .round@78:2 .SAT@77 R16 R24(-72,|73) $f(-,|)"},
	{AmpereFMUL, "1456", 0x20, ".fmz@76:1+80:1 .scale@84:3 .round@78:2 .SAT@77 R16 R24(-72,|73) $f(-,|)"},
	{AmpereFMNMX, "1456", 0x09, ".FTZ@80 80+.NAN@81 86+.XORSIGN@82 R16 R24(-72,|73) $f(-,|) P87(!90)"},
	{AmpereFSEL, "1456", 0x08, ".FTZ@80 R16 R24(-72,|73) $f(-,|) P87(!90)"},
	{AmpereFSET, "1456", 0x0a, ".BF .fcmp@76:4 .FTZ@80 .bool@74:2 R16 R24(-72,|73) $f(-,|) P87(!90)"},
	{AmpereFSETP, "1456", 0x0b, ".fcmp@76:4 .FTZ@80 .bool@74:2 P81 P84 R24(-72,|73) $f(-,|) P87(!90)"},
	{AmpereFCHK, "1456", 0x102, "P81 R24(-72,|73) $f(-,|)"},
	{AmpereMUFU, "1456", 0x108, "=73:1:0 =75:3:3 .high@74:1 R16 $d(-,|)"}, // the upper half of a double
	{AmpereMUFU, "1456", 0x108, "=73:1:0 .mufu@74:4 R16 $f(-,|)"},
	{AmpereMUFU, "1456", 0x108, "=73:1:1 .mufuh@74:4 .F16 R16 $f(-,|,part)"},

	// Floating point, 64 bits.
	{AmpereDFMA, "1234567", 0x2b, ".round@78:2 R16 R24(-72,|73) $d(-,|) $3(-,|)"},
	{AmpereDADD, "1", 0x29, ".round@78:2 R16 R24(-72,|73) R64(-75,|74)"},
	{AmpereDADD, "237", 0x29, ".round@78:2 R16 R24(-72,|73) $d(-,|)"},
	{AmpereDMUL, "1456", 0x28, ".round@78:2 R16 R24(-72,|73) $d(-,|)"},
	{AmpereDSETP, "1237", 0x2a, ".dcmp@76:4 .bool@74:2 P81 P84 R24(-72,|73) $d(-,|) P87(!90)"},

	// Halves.
	{AmpereHADD2, "1", 0x30, "<86 .F32@78 .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) R32(-63,|62,swizzle@60:2)"},
	{AmpereHADD2, "1", 0x30, "86+ =78:1:0  .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) R32(-63,|62,swizzle@60:2)"},
	{AmpereHADD2, "1", 0x30, "86+ =78:1:1 .F32 .FTZ@80 .SAT@77 R16 R24(-72,swizzle@74:2) R32(-63,|62,swizzle@60:2)"},
	{AmpereHADD2, "2", 0x30, "<86 .F32@78 .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h"},
	{AmpereHADD2, "2", 0x30, "86+ =78:1:0  .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h"},
	{AmpereHADD2, "2", 0x30, "86+ =78:1:1 .F32 .FTZ@80 .SAT@77 R16 R24(-72,swizzle@74:2) H32:16"},
	{AmpereHADD2, "3", 0x30, "<86 .F32@78 .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half,spaced)"},
	{AmpereHADD2, "3", 0x30, "86+ =78:1:0  .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half,spaced)"},
	{AmpereHADD2, "3", 0x30, "86+ =78:1:1 .F32 .FTZ@80 .SAT@77 R16 R24(-72,swizzle@74:2) $h(half,spaced)"},
	{AmpereHADD2, "7", 0x30, "<86 .F32@78 .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half)"},
	{AmpereHADD2, "7", 0x30, "86+ =78:1:0  .FTZ@80 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half)"},
	{AmpereHADD2, "7", 0x30, "86+ =78:1:1 .F32 .FTZ@80 .SAT@77 R16 R24(-72,swizzle@74:2) $h(half)"},
	{AmpereHMUL2, "146", 0x32, ".F32@78 .fmz@76:1+80:1 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half)"},
	{AmpereHMUL2, "5", 0x32, ".F32@78 .fmz@76:1+80:1 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half,spaced)"},
	{AmpereHFMA2, "12467", 0x31, "<80 .F32@78 .fmz@76:1+80:1 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half) $3(half)"},
	{AmpereHFMA2, "35", 0x31, "<80 .F32@78 .fmz@76:1+80:1 .SAT@77 R16 R24(-72,|73,swizzle@74:2) $h(half,spaced) " +
		"$3(half,spaced)"},
	{AmpereHFMA2, "12467", 0x31, "80+ <86 =79:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .SAT@77 R16 " +
		"R24(-72,|73,swizzle@74:2) $h(half) $3(half)"},
	{AmpereHFMA2, "12467", 0x31, "86+ =79:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .SAT@77 R16 R24(-72,|73,swizzle@74:2) " +
		"$h(nhalf) $3(half)"},
	{AmpereHFMA2, "12467", 0x31, "80+ <86 =79:1:1 =77:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $h(half) $3(half) P87?7(!90)"},
	{AmpereHFMA2, "12467", 0x31, "86+ =79:1:1 =77:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $h(nhalf) $3(half) P87?7(!90)"},
	{AmpereHFMA2, "35", 0x31, "80+ <86 =79:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .SAT@77 R16 " +
		"R24(-72,|73,swizzle@74:2) $h(half,spaced) $3(half,spaced)"},
	{AmpereHFMA2, "35", 0x31, "86+ =79:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .SAT@77 R16 R24(-72,|73,swizzle@74:2) " +
		"$h(nhalf,spaced) $3(half,spaced)"},
	{AmpereHFMA2, "35", 0x31, "80+ <86 =79:1:1 =77:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $h(half,spaced) $3(half,spaced) P87?7(!90)"},
	{AmpereHFMA2, "35", 0x31, "86+ =79:1:1 =77:1:0 =85:1:0 .F32@78 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $h(nhalf,spaced) $3(half,spaced) P87?7(!90)"},
	{AmpereHFMA2, "12467", 0x31, "80+ <86 =79:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .SAT@77 R16 " +
		"R24(-72,|73,swizzle@74:2) $b(half) $3(half)"},
	{AmpereHFMA2, "12467", 0x31, "86+ =79:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .SAT@77 R16 " +
		"R24(-72,|73,swizzle@74:2) $b(nhalf) $3(half)"},
	{AmpereHFMA2, "12467", 0x31, "80+ <86 =79:1:1 =77:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $b(half) $3(half) P87?7(!90)"},
	{AmpereHFMA2, "12467", 0x31, "86+ =79:1:1 =77:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $b(nhalf) $3(half) P87?7(!90)"},
	{AmpereHFMA2, "35", 0x31, "80+ <86 =79:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .SAT@77 R16 " +
		"R24(-72,|73,swizzle@74:2) $b(half,spaced) $3(half,spaced)"},
	{AmpereHFMA2, "35", 0x31, "86+ =79:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .SAT@77 R16 " +
		"R24(-72,|73,swizzle@74:2) $b(nhalf,spaced) $3(half,spaced)"},
	{AmpereHFMA2, "35", 0x31, "80+ <86 =79:1:1 =77:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $b(half,spaced) $3(half,spaced) P87?7(!90)"},
	{AmpereHFMA2, "35", 0x31, "86+ =79:1:1 =77:1:0 =85:1:1 =78:1:0 .BF16_V2 .fmz@76:1+80:1 .RELU R16 " +
		"R24(-72,|73,swizzle@74:2) $b(nhalf,spaced) $3(half,spaced) P87?7(!90)"},
	{AmpereHFMA2, "1234567", 0x35, "80+ =79:1:0 .MMA .fmz@76:1+80:1 .SAT@77 R16 R24(-72,|73) $h(sign) $3(sign)"},
	{AmpereHFMA2, "1234567", 0x35, "80+ =79:1:1 =77:1:0 .MMA .fmz@76:1+80:1 .RELU R16 R24(-72,|73) $h(sign) " +
		"$3(sign) P87?7(!90)"},
	{AmpereHSETP2, "17", 0x34, ".fcmp@76:4 .H_AND@71 .FTZ@80 .bool@69:2 P81 P84 R24(-72,|73,swizzle@74:2) $h(half) " +
		"P87(!90)"},
	{AmpereHSETP2, "2", 0x34, ".fcmp@76:4 .H_AND@71 .FTZ@80 .bool@69:2 P81 P84 R24(-72,|73,swizzle@74:2) $h P87(!90)"},
	{AmpereHSETP2, "3", 0x34, ".fcmp@76:4 .H_AND@71 .FTZ@80 .bool@69:2 P81 P84 R24(-72,|73,swizzle@74:2) " +
		"$h(half,spaced) P87(!90)"},
	{AmpereHSET2, "17", 0x33, ".BF@71 .fcmp@76:4 .FTZ@80 .bool@69:2 R16 R24(-72,|73,swizzle@74:2) $h(half) P87(!90)"},
	{AmpereHSET2, "2", 0x33, ".BF@71 .fcmp@76:4 .FTZ@80 .bool@69:2 R16 R24(-72,|73,swizzle@74:2) $h P87(!90)"},
	{AmpereHSET2, "3", 0x33, ".BF@71 .fcmp@76:4 .FTZ@80 .bool@69:2 R16 R24(-72,|73,swizzle@74:2) $h(half,spaced) " +
		"P87(!90)"},
	{AmpereHMNMX2, "146", 0x40, "80+ =85:1:0 .F32@78 .FTZ@80 .NAN@81 86+.XORSIGN@82 R16 R24(-72,|73,swizzle@74:2) " +
		"$h(half) P87(!90)"},
	{AmpereHMNMX2, "5", 0x40, "80+ =85:1:0 .F32@78 .FTZ@80 .NAN@81 86+.XORSIGN@82 R16 R24(-72,|73,swizzle@74:2) " +
		"$h(half,spaced) P87(!90)"},
	{AmpereHMNMX2, "146", 0x40, "80+ =85:1:1 =78:1:0 .BF16_V2 .FTZ@80 .NAN@81 86+.XORSIGN@82 R16 " +
		"R24(-72,|73,swizzle@74:2) $b(half) P87(!90)"},
	{AmpereHMNMX2, "5", 0x40, "80+ =85:1:1 =78:1:0 .BF16_V2 .FTZ@80 .NAN@81 86+.XORSIGN@82 R16 " +
		"R24(-72,|73,swizzle@74:2) $b(half,spaced) P87(!90)"},

	// Integers.
	{AmpereIADD3, "1456", 0x10, "=74:1:0 R16 P81?7 P84?7 R24(-72) $i(-) R64(-75)"},
	// with the carries of lower words
	{AmpereIADD3, "1456", 0x10, "=74:1:1 .X R16 P81?7 P84?7 R24(~72) $i(~) R64(~75) P87(!90) P77(!80)"},
	{AmpereIMAD, "1234567", 0x24, "=74:1:0 .unsign@73:1 R16 R24 $i $3(-)"},
	{AmpereIMAD, "1234567", 0x24, "=74:1:1 .unsign@73:1 .X R16 R24 $i $3(~) P87(!90)"},
	{AmpereIMAD, "134567", 0x25, "=74:1:0 .WIDE .unsign@73:1 R16 P81?7 R24 $i $3(-)"},
	{AmpereIMAD, "134567", 0x25, "=74:1:1 .WIDE .unsign@73:1 .X R16 P81?7 R24 $i $3(~) P87(!90)"},
	{AmpereIMAD, "134567", 0x27, "75+ =74:1:0 .HI .unsign@73:1 R16 P81?7 R24 $i $3(-)"},
	{AmpereIMAD, "134567", 0x27, "75+ =74:1:1 .HI .unsign@73:1 .X R16 P81?7 R24 $i $3(~) P87(!90)"},
	{AmpereIDP, "156", 0x26, "=76:1:0 =77:1:0 .4A .sign8@73:1 .sign8@74:1 R16 R24 $i <75R64 75+R64(-75)"},
	{AmpereIDP, "156", 0x26, "=76:1:1 .2A .lohi@77:1 .sign16@73:1 .sign8@74:1 R16 R24 $i <75R64 75+R64(-75)"},
	{AmpereIABS, "1456", 0x13, "R16 $i"},
	{AmpereIMNMX, "1456", 0x17, ".unsign@73:1 R16 R24 $i P87(!90)"},
	{AmpereISETP, "1456", 0x0c, "=72:1:0 .icmp@76:3 .unsign@73:1 .bool@74:2 P81 P84 R24 $i P87(!90) <80P68?7(!71)"},
	{AmpereISETP, "1456", 0x0c, "=72:1:1 .icmp@76:3 .unsign@73:1 .bool@74:2 .EX P81 P84 R24 $i P87(!90) " +
		"<80P68?7(!71) 80+P68(!71)"},
	{AmpereLEA, "1456", 0x11, "=73:1:0 =74:1:0 =80:1:0 R16 P81?7 R24(-72) $u(-) u75:5"},
	{AmpereLEA, "1456", 0x11, "=73:1:0 =74:1:1 =80:1:0 .X R16 P81?7 R24(~72) $u(~) u75:5 P87(!90)"},
	{AmpereLEA, "1456", 0x11, "=73:1:0 =74:1:0 =80:1:1 .HI R16 P81?7 R24(-72) $u(-) R64 u75:5"},
	{AmpereLEA, "1456", 0x11, "=73:1:0 =74:1:1 =80:1:1 .HI .X R16 P81?7 R24(~72) $u(~) R64 u75:5 P87(!90)"},
	{AmpereLEA, "2", 0x11, "<75 =73:1:0 =74:1:0 =80:1:1 .HI R16 P81?7 R24(-72) $u $3 u75:5"},
	{AmpereLEA, "2", 0x11, "<75 =73:1:0 =74:1:1 =80:1:1 .HI .X R16 P81?7 R24(~72) $u $3 u75:5 P87(!90)"},
	{AmpereLEA, "1456", 0x11, "=73:1:1 =74:1:0 =80:1:1 .HI .SX32 R16 P81?7 R24(-72) $u(-) u75:5"},
	{AmpereLEA, "1456", 0x11, "=73:1:1 =74:1:1 =80:1:1 .HI .X .SX32 R16 P81?7 R24(~72) $u(~) u75:5 P87(!90)"},
	{AmpereLOP3, "1456", 0x12, ".LUT .PAND@80 P81?7 R16 R24 $u R64 u72:8 P87(!90)"},
	{AmpereSHF, "1234567", 0x19, ".lr@76:1 .W@75 .shf@73:2 .HI@80 R16 R24 $u $3"},
	{AmperePRMT, "1234567", 0x16, ".prmt@72:3 R16 R24 $u $3"},
	{AmpereSGXT, "1456", 0x1a, ".W@75 .unsign@73:1 R16 R24 $u"},
	{AmpereBMSK, "1456", 0x1b, ".W@75 R16 R24 $u"},
	{AmpereBREV, "1456", 0x101, "R16 $u"},
	{AmpereFLO, "1456", 0x100, ".unsign@73:1 .SH@74 R16 P81?7 $u(~)"},
	{AmperePOPC, "1456", 0x109, "R16 $u(~)"},
	{AmpereVABSDIFF, "1234567", 0x14, ".unsign@73:1 R16 P81?7 R24 $u $3"},
	{AmpereVABSDIFF4, "1234567", 0x15, ".U8!73 .ACC@75 R16 P81?7 R24 $u $3"},

	// Conversions.
	{AmpereF2F, "1456", 0x104, "=84:2:2 =75:2:1 .FTZ@80 .F16 .F32 .round@78:2 R16 $f(-,|)"},
	{AmpereF2F, "1456", 0x104, "=84:2:1 =75:2:2 .FTZ@80 .F32 .F16 .round@78:2 R16 $f(-,|,part)"},
	{AmpereF2F, "1456", 0x110, "=84:2:2 =75:2:3 .FTZ@80 .F64 .F32 .round@78:2 R16 $f(-,|)"},
	{AmpereF2F, "1456", 0x110, "=84:2:1 =75:2:3 .FTZ@80 .F64 .F16 .round@78:2 R16 $f(-,|,part)"},
	{AmpereF2F, "1456", 0x110, "=84:2:3 =75:2:2 .FTZ@80 .F32 .F64 .round@78:2 R16 $d(-,|)"},
	{AmpereF2F, "1456", 0x110, "=84:2:3 =75:2:1 .FTZ@80 .F16 .F64 .round@78:2 R16 $d(-,|)"},
	{AmpereF2I, "1456", 0x105, ".FTZ@80 .f2i@72:1+75:2 .f2if@84:2 .integral@78:2 .NTZ@77 R16 $f(-,|)"},
	{AmpereF2I, "1456", 0x111, "=75:2:2 =84:2:3 .FTZ@80 .unsign@72:1 .F64 .integral@78:2 .NTZ@77 R16 $d(-,|)"},
	{AmpereF2I, "1456", 0x111, "=75:2:3 .FTZ@80 .wide@72:1 .f2i64f@84:2 .integral@78:2 .NTZ@77 R16 $f(-,|)"},
	{AmpereI2F, "1456", 0x106, "=85:1:0 =84:1:0 .i2ft@75:2 .sign8@74:1 .round@78:2 R16 $u(bytes@60:2,spaced)"},
	{AmpereI2F, "1456", 0x106, "=85:1:0 =84:1:1 .i2ft@75:2 .sign16@74:1 .round@78:2 R16 $u(h1@60:2,spaced)"},
	{AmpereI2F, "1456", 0x106, "=85:1:1 =84:1:0 .i2ft@75:2 .unsign@74:1 .round@78:2 R16 $u"},
	{AmpereI2F, "1456", 0x112, "=84:2:3 .i2f64t@75:2 .wide@74:1 .round@78:2 R16 $u"},
	{AmpereI2F, "1456", 0x112, "=84:2:2 =75:2:3 .F64 .unsign@74:1 .round@78:2 R16 $u"},
	{AmpereI2F, "1456", 0x112, "=84:2:1 =75:2:3 .F64 .sign16@74:1 .round@78:2 R16 $u(h1@60:2,spaced)"},
	{AmpereI2F, "1456", 0x112, "=84:2:0 =75:2:3 .F64 .sign8@74:1 .round@78:2 R16 $u(bytes@60:2,spaced)"},
	{AmpereFRND, "1456", 0x107, "=84:2:2 =75:2:2 .FTZ@80 .integral@78:2 R16 $f(-,|)"},
	{AmpereFRND, "1456", 0x107, "=84:2:1 =75:2:1 .FTZ@80 .F16 .integral@78:2 R16 $f(-,|,part)"},
	{AmpereFRND, "1456", 0x113, "=84:2:3 =75:2:3 .FTZ@80 .F64 .integral@78:2 R16 $d(-,|)"},
	{AmpereF2FP, "145", 0x3e, "=78:2:0 =81:1:0 .SATFINITE@77 .RELU@75 .BF16@76 .PACK_AB .RZ@80 R16 R24 $f"},
	{AmpereF2FP, "145", 0x3e, "=78:2:1 =81:1:0 .SATFINITE@77 .RELU@75 .BF16@76 .MERGE_C .RZ@80 R16 $f R64"},

	// Predicates, special registers, lanes.
	{AmperePLOP3, "4", 0x1c, "<75 .LUT P81 P84 P87(!90) P77(!80) P68(!71) u64:3+72:5 u16:8"},
	{AmperePLOP3, "4", 0x1c, "75+ =67:1:0 .LUT P81 P84 P87(!90) P77(!80) P68(!71) u64:3+72:5 u16:8"},
	{AmperePLOP3, "4", 0x1c, "75+ =67:1:1 .LUT P81 P84 P87(!90) P77(!80) p68(!71) u64:3+72:5 u16:8"},
	{AmpereI2I, "1456", 0x38, ".i2i@76:2 .S32 .SAT R16 $i"},
	{AmpereI2IP, "1456", 0x39, "=78:1:0 .i2i@76:2 .S32 <86.SAT 86+.i2ip@74:2 R16 R24 $i R64(h1@72:2)"},
	{AmpereI2IP, "1456", 0x39, "=78:1:1 .i2i2@76:2 .S32 <86.SAT 86+.i2ip@74:2 R16 R24 $i R64(top@72:2+77:1)"},
	{AmpereF2IP, "1234567", 0x43, "86+ =77:1:0 .sign8@76:1 .F32 .f2ip@78:2 .NTZ@74 .RELU@75 R16 R24 $f " +
		"$3(keeph1@72:1,spaced)"},
	{AmpereI2FP, "1456", 0x45, "86+ =85:1:1 =84:1:0 =75:3:2 .F32 .int32@74:1 .i2fp@78:2 R16 $u"},
	{AmperePLOP3, "15", 0x1d, "<75 .LUT P81 P84 P87(!90) $u(spaced,msb@0:0) P68(!71) u72:8 u16:8"},
	{AmperePLOP3, "15", 0x1d, "75+ <80 =67:1:0 .LUT P81 P84 P87(!90) $u(spaced,msb@0:0) P68(!71) u72:8 u16:8"},
	{AmperePLOP3, "6", 0x1d, "75+ <80 =67:1:0 .LUT P81 P84 P87(!90) $u(msb@0:0) P68(!71) u72:8 u16:8"},
	{AmperePLOP3, "15", 0x1d, "80+ .LUT P81 P84 P87(!90) $u(spaced,msb@0:0) P68(!71) u72:8 u16:8"},
	{AmperePLOP3, "6", 0x1d, "80+ .LUT P81 P84 P87(!90) $u(msb@0:0) P68(!71) u72:8 u16:8"},
	{AmperePLOP3, "15", 0x1e, ".LUT P81 P84 P87(!90) $u(spaced,msb@0:0) R64(msb@0:0) u72:8 u16:8"},
	{AmperePLOP3, "6", 0x1e, ".LUT P81 P84 P87(!90) $u(msb@0:0) R64(msb@0:0) u72:8 u16:8"},
	{AmperePLOP3, "6", 0x1f, ".LUT P81 P84 R24(msb@0:0) $u(msb@0:0) R64(msb@0:0) u72:8 u16:8"},
	{AmperePLOP3, "1", 0x1f, ".LUT P81 P84 R24(msb@0:0) R32(msb@0:0) R64(msb@0:0) u72:8 u16:8"},
	{AmperePLOP3, "5", 0x1f, ".LUT P81 P84 R24(msb@0:0) $u(spaced,msb@0:0) R64(msb@0:0) u72:8 u16:8"},
	{AmpereP2R, "1456", 0x03, ".byte@76:2 R16 Xpr R24 $i"},
	{AmpereR2P, "1456", 0x04, "Xpr R24(bytes@76:2) $u"},
	{AmpereS2R, "4", 0x119, "R16 S72"},
	{AmpereCS2R, "4", 0x05, ".32!80 R16 S72"},
	{AmpereB2R, "1", 0x11c, "=78:2:0 R16 u54:4"},
	{AmpereB2R, "1", 0x11c, "=78:2:1 .RESULT R16 P81?7"},
	{AmpereB2R, "1", 0x11c, "=78:2:2 .WARP R16"},
	{AmpereR2B, "1", 0x11e, ".r2b@78:2 u54:4 R32"},
	{AmpereSETCTAID, "1", 0x11f, ".axis@78:2 R24"},
	{AmpereSETLMEMBASE, "1", 0x1c1, "R24"},
	{AmpereGETLMEMBASE, "1", 0x1c0, "R16"},
	{AmpereSHFL, "1", 0x189, ".shfl@58:2 P81 R16 R24 R32 R64"},
	{AmpereSHFL, "2", 0x189, ".shfl@58:2 P81 R16 R24 R32 u40:13"},
	{AmpereSHFL, "4", 0x189, ".shfl@58:2 P81 R16 R24 u53:5 R64"},
	{AmpereSHFL, "s", 0x189, ".shfl@58:2 P81 R16 R24 u53:5 u40:13"},
	{AmpereVOTE, "4", 0x06, ".vote@72:2 R16?255 P81 P87(!90)"},
	{AmpereMATCH, "1", 0x1a1, "=79:1:0 .ALL .U64@73 P81 R16 R24"},
	{AmpereMATCH, "1", 0x1a1, "=79:1:1 .ANY .U64@73 R16 R24"},

	// The uniform datapath.
	{AmpereUMOV, "4", 0x82, "U16 u32:32"},
	{AmpereUMOV, "6", 0x82, "U16 $u"},
	{AmpereULDC, "k", 0xb9, ".size64@73:3 U16 K"},
	{AmpereULDC, "u", 0xbb, ".size64@73:3 U16 K(ur24)"},
	{AmpereUIADD3, "ad", 0x90, "=74:1:0 U16 p81?7 p84?7 U24(-72) $i(-) U64(-75)"},
	{AmpereUIADD3, "ad", 0x90, "=74:1:1 .X U16 p81?7 p84?7 U24(~72) $i(~) U64(~75) p87(!90) p77(!80)"},
	{AmpereUIADD3, "d", 0x97, "=74:1:0 .64 U16 p81?7 p84?7 U24(-72) $i(-) U64(-75)"},
	{AmpereUIMAD, "abd", 0xa4, "=74:1:0 .unsign@73:1 U16 U24 $i $3(-)"},
	{AmpereUIADD3, "d", 0x97, "=74:1:1 .64 .X U16 p81?7 p84?7 U24(~72) $i(~) U64(~75) p87(!90) p77(!80)"},
	{AmpereUIMAD, "abd", 0xa4, "=74:1:1 .unsign@73:1 .X U16 U24 $i $3(~) p87(!90)"},
	{AmpereUIMAD, "ad", 0xa5, "=74:1:1 .WIDE .unsign@73:1 .X U16 p81?7 U24 $i $3(~) p87(!90)"},
	{AmpereUIMAD, "ad", 0xa5, "=74:1:0 .WIDE .unsign@73:1 U16 p81?7 U24 $i $3(-)"},
	{AmpereUISETP, "ad", 0x8c, "=72:1:0 .icmp@76:3 .unsign@73:1 .bool@74:2 p81 p84 U24 $i p87(!90)"},
	{AmpereUISETP, "ad", 0x8c, "=72:1:1 .icmp@76:3 .unsign@73:1 .bool@74:2 .EX p81 p84 U24 $i p87(!90) p68(!71)"},
	{AmpereULEA, "ad", 0x91, "=73:1:0 =74:1:0 =80:1:0 U16 p81?7 U24(-72) $u(-) u75:5"},
	{AmpereULEA, "ad", 0x91, "=73:1:0 =74:1:1 =80:1:0 .X U16 p81?7 U24(~72) $u(~) u75:5 p87(!90)"},
	{AmpereULEA, "ad", 0x91, "=73:1:0 =74:1:0 =80:1:1 .HI U16 p81?7 U24(-72) $u(-) U64 u75:5"},
	{AmpereULEA, "ad", 0x91, "=73:1:0 =74:1:1 =80:1:1 .HI .X U16 p81?7 U24(~72) $u(~) U64 u75:5 p87(!90)"},
	{AmpereULEA, "ad", 0x91, "=73:1:1 =74:1:0 =80:1:1 .HI .SX32 U16 p81?7 U24(-72) $u(-) u75:5"},
	{AmpereULEA, "ad", 0x91, "=73:1:1 =74:1:1 =80:1:1 .HI .X .SX32 U16 p81?7 U24(~72) $u(~) u75:5 p87(!90)"},
	{AmpereULOP3, "ad", 0x92, ".LUT .PAND@80 p81?7 U16 U24 $u U64 u72:8 p87(!90)"},
	{AmpereUSHF, "abd", 0x99, ".lr@76:1 .W@75 .shf@73:2 .HI@80 U16 U24 $u $3"},
	{AmpereUPRMT, "ad", 0x96, "=72:1:0 U16 U24 $u $3"},
	{AmpereUSEL, "ad", 0x87, "U16 U24 $u p87(!90)"},
	{AmpereUSGXT, "ad", 0x9a, ".W@75 .unsign@73:1 U16 U24 $u"},
	{AmpereUBREV, "a", 0xbe, "U16 U32"},
	{AmpereUFLO, "a", 0xbd, ".unsign@73:1 .SH@74 U16 p81?7 U32(~63)"},
	{AmpereUPOPC, "a", 0xbf, "U16 U32(~63)"},
	{AmpereUP2UR, "d6", 0x83, ".byte@76:2 U16 Xupr U24 $u"},
	{AmpereUR2UP, "d6", 0x84, "Xupr U24(bytes@76:2) $u"},
	{AmpereUPLOP3, "4", 0x9c, ".LUT p81 p84 p87(!90) p77(!80) p68(!71) u64:3+72:5 u16:8"},
	{AmpereR2UR, "1", 0x1c2, "=84:1:0 P81?7 U16 R24"},
	{AmpereR2UR, "1", 0x1c2, "=84:1:1 .OR P81 U16 R24"},
	{AmpereS2UR, "4", 0x1c3, "U16 S72"},
	{AmpereVOTEU, "4", 0x86, ".vote@72:2 U16?63 p81 P87(!90)"},
	{AmpereREDUX, "1", 0x1c4, "80+ .redux@78:3 .S32@73 U16 R24"},

	// Memory. Global addresses are a register pair, or an offset from a uniform register's; a descriptor in a uniform
	// register may say how they are cached.
	{AmpereLDG, "1", 0x181, "<80 =87:1:0 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76 P81?7 " +
		"R16 M24+40:24 75+Q64?7(!67)"},
	{AmpereLDG, "1", 0x181, "<80 =87:1:1 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76 .ZD P81 " +
		"R16 M24+40:24 75+Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "<80 =87:1:0 =90:1:0 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76 " +
		"P81?7 R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "<80 =87:1:1 =90:1:0 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76 " +
		".ZD P81 R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "<80 =87:1:0 =90:1:1 =72:1:1 .E .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 " +
		".PRIVATE@76 P81?7 R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "<80 =87:1:1 =90:1:1 =72:1:1 .E .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 " +
		".PRIVATE@76 .ZD P81 R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLD, "4", 0x180, "<80 =87:1:0 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76  R16 " +
		"M24+32:32 75+Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "<80 =90:1:0 =87:1:0 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76  " +
		"R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "<80 =90:1:1 =72:1:1 =87:1:0 .E .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 " +
		".PRIVATE@76  R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLDS, "4", 0x184, "<80 =87:1:0 .U@76 .size@73:3  R16 <75M24+40:24 75+M24+40:24(times@78:2)"},
	{AmpereLDS, "d", 0x184, "<80 =87:1:0 .U@76 .size@73:3  R16 M24+40:24(ur32,times@78:2)"},
	{AmpereLD, "4", 0x180, "<80 =87:1:1 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76 .ZD P81 " +
		"R16 M24+32:32 75+Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "<80 =90:1:0 =87:1:1 .E@72 .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 .PRIVATE@76 " +
		".ZD P81 R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "<80 =90:1:1 =72:1:1 =87:1:1 .E .evict@84:3 75+.ltc75@68:2 .sizeU@73:3 .load@77:4 " +
		".PRIVATE@76 .ZD P81 R16 M24+40:24(ur32,width@90:1) 75+Q64?7(!67)"},
	{AmpereLDS, "4", 0x184, "<80 =87:1:1 .U@76 .size@73:3 .ZD P81 R16 <75M24+40:24 75+M24+40:24(times@78:2)"},
	{AmpereLDS, "d", 0x184, "<80 =87:1:1 .U@76 .size@73:3 .ZD P81 R16 M24+40:24(ur32,times@78:2)"},
	{AmpereSTG, "1", 0x186, "<80 .E@72 .evict@84:3 .sizeU@73:3 .store@77:4 .PRIVATE@76 M24+40:24 R32"},
	{AmpereSTG, "d", 0x186, "<80 =90:1:0 .E@72 .evict@84:3 .sizeU@73:3 .store@77:4 .PRIVATE@76 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereSTG, "d", 0x186, "<80 =90:1:1 =72:1:1 .E .evict@84:3 .sizeU@73:3 .store@77:4 .PRIVATE@76 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereST, "1", 0x185, "<80 .E@72 .evict@84:3 .sizeU@73:3 .store@77:4 .PRIVATE@76 M24+32:32 R64"},
	{AmpereST, "d", 0x185, "<80 =90:1:0 .E@72 .evict@84:3 .sizeU@73:3 .store@77:4 .PRIVATE@76 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereST, "d", 0x185, "<80 =90:1:1 =72:1:1 .E .evict@84:3 .sizeU@73:3 .store@77:4 .PRIVATE@76 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereLDG, "1", 0x181, "80+ .E@72 .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 P81?7 R16 M24+40:24 Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:0 .E .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 " +
		"P81?7 R16 M24+40:24(pointer@90:1) Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:1 .E .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 " +
		"P81?7 R16 M24+40:24(desc32,pointer@90:1) Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "80+ =76:1:0 =90:1:0 .E@72 .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 P81?7 R16 " +
		"M24+40:24(ur32,width@90:1) Q64?7(!67)"},
	{AmpereLDG, "d", 0x181, "80+ =76:1:0 =90:1:1 =72:1:1 .E .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 P81?7 R16 " +
		"M24+40:24(ur32,width@90:1) Q64?7(!67)"},
	{AmpereLD, "4", 0x180, "80+ .E@72 .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 R16 M24+32:32 Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:0 .E .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 " +
		"R16 M24+40:24(pointer@90:1) Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:1 .E .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 " +
		"R16 M24+40:24(desc32,pointer@90:1) Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "80+ =76:1:0 =90:1:0 .E@72 .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 R16 " +
		"M24+40:24(ur32,width@90:1) Q64?7(!67)"},
	{AmpereLD, "d", 0x180, "80+ =76:1:0 =90:1:1 =72:1:1 .E .evict@84:3 .ltc@68:2 .size@73:3 .load@77:4 R16 " +
		"M24+40:24(ur32,width@90:1) Q64?7(!67)"},
	{AmpereSTG, "1", 0x186, "80+ .E@72 .evict@84:3 .size@73:3 .store@77:4 M24+40:24 R32"},
	{AmpereSTG, "d", 0x186, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:0 .E .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(pointer@90:1) R32"},
	{AmpereSTG, "d", 0x186, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:1 .E .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(desc64,pointer@90:1) R32"},
	{AmpereSTG, "d", 0x186, "80+ =76:1:0 =90:1:0 .E@72 .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereSTG, "d", 0x186, "80+ =76:1:0 =90:1:1 =72:1:1 .E .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereST, "1", 0x185, "80+ .E@72 .evict@84:3 .size@73:3 .store@77:4 M24+32:32 R64"},
	{AmpereST, "d", 0x185, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:0 .E .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(pointer@90:1) R32"},
	{AmpereST, "d", 0x185, "80+ =72:1:1 =76:1:1 =90:1:1 =101:1:1 .E .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(desc64,pointer@90:1) R32"},
	{AmpereST, "d", 0x185, "80+ =76:1:0 =90:1:0 .E@72 .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereST, "d", 0x185, "80+ =76:1:0 =90:1:1 =72:1:1 .E .evict@84:3 .size@73:3 .store@77:4 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereLDS, "4", 0x184, "80+ .size@73:3 R16 M24+40:24(times@78:2)"},
	{AmpereLDS, "d", 0x184, "80+ .size@73:3 R16 M24+40:24(ur32,times@78:2)"},
	{AmpereSTS, "1", 0x188, ".size@73:3 <75M24+40:24 75+M24+40:24(times@78:2) R32"},
	{AmpereSTS, "d", 0x188, ".size@73:3 M24+40:24(ur64,times@78:2) R32"},
	{AmpereLDL, "4", 0x183, ".evict@84:3 .size@73:3 R16 M24+40:24"},
	{AmpereLDL, "d", 0x183, "=76:1:0 .evict@84:3 .size@73:3 R16 M24+40:24(ur32)"},
	{AmpereSTL, "1", 0x187, ".evict@84:3 .size@73:3 M24+40:24 R32"},
	{AmpereSTL, "d", 0x187, "=76:1:0 .evict@84:3 .size@73:3 M24+40:24(ur64) R32"},
	{AmpereLDL, "d", 0x183, "80+ =76:1:1 =101:1:1 .evict@84:3 .size@73:3 R16 M24+40:24(desc32)"},
	{AmpereSTL, "d", 0x187, "80+ =76:1:1 =101:1:1 .evict@84:3 .size@73:3 M24+40:24(desc64) R32"},
	{AmpereLDC, "2", 0x182, "=91:1:1 .size64@73:3 80+.ldcmode@78:2 R16 K64(cx24,swapped)"},
	{AmpereLDC, "k", 0x182, ".size64@73:3 .ldcmode@78:2 R16 K24"},
	{AmpereATOMG, "1", 0x1a8, "<80 .E@72 .atomop@87:4 .evict@84:3 .atomt@73:3 .atomic@77:4 .PRIVATE@76 P81 R16 " +
		"M24+40:24 R32"},
	{AmpereATOMG, "d", 0x1a8, "<80 .E@72 .atomop@87:4 .evict@84:3 .atomt@73:3 .atomic@77:4 .PRIVATE@76 P81 R16 " +
		"M24+40:24(ur64,width@70:1) R32"},
	{AmpereATOMG, "1", 0x1a8, "80+ .E@72 .atomop@87:4 .evict@84:3 .atomt@73:4 .atomic@77:4 P81 R16 M24+40:24 R32"},
	{AmpereATOMG, "d", 0x1a8, "80+ =72:1:1 =71:1:1 =70:1:1 =101:1:0 .E .atomop@87:4 .evict@84:3 .atomt@73:4 " +
		".atomic@77:4 P81 R16 M24+40:24(pointer@70:1) R32"},
	{AmpereATOMG, "d", 0x1a8, "80+ =72:1:1 =71:1:1 =70:1:1 =101:1:1 .E .atomop@87:4 .evict@84:3 .atomt@73:4 " +
		".atomic@77:4 P81 R16 M24+40:24(desc64,pointer@70:1) R32"},
	{AmpereATOMG, "d", 0x1a8, "80+ =71:1:0 =70:1:0 .E@72 .atomop@87:4 .evict@84:3 .atomt@73:4 .atomic@77:4 P81 R16 " +
		"M24+40:24(ur64,width@70:1) R32"},
	{AmpereATOMG, "d", 0x1a8, "80+ =71:1:0 =70:1:1 =72:1:1 .E .atomop@87:4 .evict@84:3 .atomt@73:4 .atomic@77:4 " +
		"P81 R16 M24+40:24(ur64,width@70:1) R32"},
	{AmpereATOMG, "1", 0x1a9, "80+ .E@72 .CAS .evict@84:3 .cast@73:4 .atomic@77:4 P81 R16 M24+40:24 R32 R64"},
	{AmpereATOMG, "1", 0x1a9, "<80 .E@72 .CAS .evict@84:3 .cast@73:3 .atomic@77:4 .PRIVATE@76 P81 R16 M24+40:24 " +
		"R32 R64"},
	{AmpereATOM, "1", 0x18a, "<80 .E@72 .atomop@87:4 .evict@84:3 .atomt@73:3 .atomic@77:4 .PRIVATE@76 P81 R16 " +
		"M24+40:24 R32"},
	{AmpereATOM, "d", 0x18a, "<80 .E@72 .atomop@87:4 .evict@84:3 .atomt@73:3 .atomic@77:4 .PRIVATE@76 P81 R16 " +
		"M24+40:24(ur64,width@70:1) R32"},
	{AmpereATOM, "1", 0x18a, "80+ .E@72 .atomop@87:4 .evict@84:3 .atomt@73:4 .atomic@77:4 P81 R16 M24+40:24 R32"},
	{AmpereATOM, "d", 0x18a, "80+ =72:1:1 =71:1:1 =70:1:1 =101:1:0 .E .atomop@87:4 .evict@84:3 .atomt@73:4 " +
		".atomic@77:4 P81 R16 M24+40:24(pointer@70:1) R32"},
	{AmpereATOM, "d", 0x18a, "80+ =72:1:1 =71:1:1 =70:1:1 =101:1:1 .E .atomop@87:4 .evict@84:3 .atomt@73:4 " +
		".atomic@77:4 P81 R16 M24+40:24(desc64,pointer@70:1) R32"},
	{AmpereATOM, "d", 0x18a, "80+ =71:1:0 =70:1:0 .E@72 .atomop@87:4 .evict@84:3 .atomt@73:4 .atomic@77:4 P81 R16 " +
		"M24+40:24(ur64,width@70:1) R32"},
	{AmpereATOM, "d", 0x18a, "80+ =71:1:0 =70:1:1 =72:1:1 .E .atomop@87:4 .evict@84:3 .atomt@73:4 .atomic@77:4 P81 " +
		"R16 M24+40:24(ur64,width@70:1) R32"},
	{AmpereATOM, "1", 0x18b, "80+ =87:1:0 .E@72 .CAS .evict@84:3 .cast@73:4 .atomic@77:4 P81 R16 M24+40:24 R32 R64"},
	{AmpereATOM, "1", 0x18b, "<80 =87:1:0 .E@72 .CAS .evict@84:3 .cast@73:3 .atomic@77:4 .PRIVATE@76 P81 R16 " +
		"M24+40:24 R32 R64"},
	{AmpereRED, "d", 0x18e, "<80 =90:1:0 .E@72 .redop@87:3 .evict@84:3 .atomt@73:3 .atomic@77:4 .PRIVATE@76 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereRED, "d", 0x18e, "<80 =90:1:1 =72:1:1 .E .redop@87:3 .evict@84:3 .atomt@73:3 .atomic@77:4 .PRIVATE@76 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereRED, "4", 0x18e, "<80 .E@72 .redop@87:3 .evict@84:3 .atomt@73:3 .atomic@77:4 .PRIVATE@76 M24+40:24 R32"},
	{AmpereRED, "4", 0x18e, "80+ .E@72 .redop@87:3 .evict@84:3 .atomt@73:4 .atomic@77:4 M24+40:24 R32"},
	{AmpereRED, "d", 0x18e, "80+ =72:1:1 =71:1:1 =90:1:1 =101:1:0 .E .redop@87:3 .evict@84:3 .atomt@73:4 " +
		".atomic@77:4 M24+40:24(pointer@90:1) R32"},
	{AmpereRED, "d", 0x18e, "80+ =72:1:1 =71:1:1 =90:1:1 =101:1:1 .E .redop@87:3 .evict@84:3 .atomt@73:4 " +
		".atomic@77:4 M24+40:24(desc64,pointer@90:1) R32"},
	{AmpereRED, "d", 0x18e, "80+ =71:1:0 =90:1:0 .E@72 .redop@87:3 .evict@84:3 .atomt@73:4 .atomic@77:4 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereRED, "d", 0x18e, "80+ =71:1:0 =90:1:1 =72:1:1 .E .redop@87:3 .evict@84:3 .atomt@73:4 .atomic@77:4 " +
		"M24+40:24(ur64,width@90:1) R32"},
	{AmpereQSPC, "1", 0x1aa, ".E@72 .space@73:2 P81 R16 M24+40:24"},
	{AmpereQSPC, "d", 0x1aa, "=90:1:0 .E@72 .space@73:2 P81 R16 M24+40:24(ur32,width@90:1)"},
	{AmpereQSPC, "d", 0x1aa, "=90:1:1 =72:1:1 .E .space@73:2 P81 R16 M24+40:24(ur32,width@90:1)"},
	{AmpereATOMS, "1", 0x18c, ".atomsop@87:4 .atomst@73:2 R16 <75M24+40:24 75+M24+40:24(times@78:2) R32"},
	{AmpereATOMS, "d", 0x18c, ".atomsop@87:4 .atomst@73:2 R16 M24+40:24(ur64,times@78:2) R32"},
	{AmpereATOMS, "7", 0x18c, "80+ =73:2:2 =87:4:9 .ARRIVE .64 R16 M24+40:24(ur64,times@78:2)"},
	{AmpereATOMS, "7", 0x18c, "80+ =73:2:0 =87:4:10 .POPC .INC .32 R16 M24+40:24(ur64,times@78:2)"},
	{AmpereATOMS, "1", 0x18d, "=87:1:0 .CAS .atomst@73:2 R16 <75M24+40:24 75+M24+40:24(times@78:2) R32 R64"},
	{AmpereATOMS, "1", 0x18d, "=87:2:1 .CAST .atomst@73:2 R16 <75M24+40:24 75+M24+40:24(times@78:2) R32 R64"},
	{AmpereATOMS, "1", 0x18d, "=87:2:3 .CAST .SPIN .atomst@73:2 R16 <75M24+40:24 75+M24+40:24(times@78:2) R32 R64"},
	{AmpereMEMBAR, "4", 0x192, "80+ .fence@76:5"},
	{AmpereMEMBAR, "4", 0x192, "<80 .strength@79:2 .scope@76:3 .MMIO@72"},
	{AmpereERRBAR, "4", 0x1ab, ""},
	{AmpereCCTL, "4", 0x18f, ".E@72 .cctlc@78:3 .cctl@87:4 M24+32:32"},
	{AmpereCCTL, "4", 0x18f, "=24:8:255 =87:4:4 .cctlc@78:3 .IVALL"},
	// From global memory past the registers into shared memory.
	{AmpereLDGSTS, "6", 0x1ae, "80+ =70:1:1 =76:1:0 .E .BYPASS!81 .evict@84:3 .ltc@71:2 .size32@73:3 .ZFILL@82 " +
		".copy@77:4 M16+44:20(ur64) M24+32:12(pointer@70:1) P87?7(!90)"},
	{AmpereLDGSTS, "6", 0x1ae, "80+ =70:1:1 =76:1:1 =101:1:0 .E .BYPASS!81 .evict@84:3 .ltc@71:2 .size32@73:3 " +
		".ZFILL@82 .copy@77:4 M16+44:20(ur64) M24+32:12(pointer@70:1) P87?7(!90)"},
	{AmpereLDGSTS, "6", 0x1ae, "80+ =70:1:1 =76:1:1 =101:1:1 .E .BYPASS!81 .evict@84:3 .ltc@71:2 .size32@73:3 " +
		".ZFILL@82 .copy@77:4 M16+44:20(ur64) M24+32:12(nextdesc64,pointer@70:1) P87?7(!90)"},
	{AmpereLDGSTS, "7", 0x1ae, "80+ =76:1:0 .E .BYPASS!81 .evict@84:3 .ltc@71:2 .size32@73:3 .ZFILL@82 .copy@77:4 " +
		"M16+44:20 M24+32:12(ur64,width@70:1,noURZ) P87?7(!90)"},
	{AmpereLDGSTS, "7", 0x1ae, "80+ =76:1:1 =70:1:1 =101:1:0 .E .BYPASS!81 .evict@84:3 .ltc@71:2 .size32@73:3 " +
		".ZFILL@82 .copy@77:4 M16+44:20 M24+32:12(pointer@70:1) P87?7(!90)"},
	{AmpereLDGSTS, "7", 0x1ae, "80+ =76:1:1 =70:1:1 =101:1:1 .E .BYPASS!81 .evict@84:3 .ltc@71:2 .size32@73:3 " +
		".ZFILL@82 .copy@77:4 M16+44:20 M24+32:12(desc64,pointer@70:1) P87?7(!90)"},
	{AmpereLDGDEPBAR, "4", 0x1af, "80+ "},
	{AmpereARRIVES, "d", 0x1b0, "80+ =72:4:10 .LDGSTSBAR .64 M24+40:24(ur64)"},
	{AmpereDEPBAR, "4", 0x11a, "=47:1:1 .LE B44 u38:6 G32?0"},
	{AmpereDEPBAR, "4", 0x11a, "=47:1:0 G32?0"},

	// Control.
	{AmpereNOP, "4", 0x118, ""},
	{AmpereBRA, "4", 0x147, "=91:1:0 =85:2:0 .branch@32:2 P87?7(!90) L34:48*2"},
	{AmpereBRA, "d", 0x147, "=33:1:1 =85:2:0 .divergent@32:1 P87?7(!90) U24(~30) L34:48*2"},
	{AmpereBRXU, "d", 0x158, ".change@85:2 .branch@32:2 P87?7(!90) j24+34:48*2"},
	{AmpereBRX, "d", 0x149, "<80 .change@85:2 P87?7(!90) J24+34:48*2"},
	{AmpereBRX, "4", 0x149, ".change@85:2 P87?7(!90) J24+34:48*2"},
	{AmpereBRA, "2", 0x147, "80+ =91:1:1 =32:2:1 .change@85:2 .U P87?7(!90) p24(!27) L34:48*2"},
	{AmpereBSSY, "4", 0x145, "P87?7(!90) V16 L34:30*2"},
	{AmpereBSYNC, "4", 0x141, "P87?7(!90) V16"},
	{AmpereBREAK, "4", 0x142, "P87?7(!90) V16"},
	{AmpereBMOV, "1", 0x155, ".32 .CLEAR@84 R16 Xstate@24:6"},
	{AmpereBMOV, "s", 0x155, "=84:1:0 .32 V16 Xthread@24:6"},
	{AmpereBMOV, "s", 0x155, "=84:1:1 .32 .CLEAR V16 Xbarrier@24:6"},
	{AmpereBMOV, "1456", 0x156, ".32 .PQUAD@84 Xstate@24:6 $u"},
	{AmpereBMOV, "s", 0x156, ".32 .PQUAD@84 Xstate@24:6 V16"},
	{AmpereBMOV, "1", 0x157, ".64 Xatexit R32"},
	{AmpereBMOV, "4", 0x157, ".64 Xatexit N34:47*2"},
	{AmpereBMOV, "56", 0x157, ".64 Xatexit $u"},
	{AmpereCALL, "1", 0x143, ".ABS .NOINC@86 P87?7(!90) J24+34:48*2"},
	{AmpereCALL, "1", 0x144, ".REL .NOINC@86 P87?7(!90) E24+34:48*2"},
	{AmpereCALL, "k", 0x143, ".ABS .NOINC@86 P87?7(!90) <80K 80+C"},
	{AmpereCALL, "4", 0x143, "=91:1:0 .ABS .NOINC@86 P87?7(!90) N34:47*2"},
	{AmpereCALL, "d", 0x143, ".ABS .NOINC@86 P87?7(!90) j24+34:48*2"},
	{AmpereCALL, "d", 0x144, ".REL .NOINC@86 P87?7(!90) g24+34:48*2"},
	{AmpereCALL, "4", 0x144, ".REL .NOINC@86 P87?7(!90) L34:48*2"},
	{AmpereRET, "4", 0x150, "=85:1:0 .REL .NODEC@86 P87?7(!90) E24+34:48*2"},
	{AmpereRET, "4", 0x150, "=85:1:1 .ABS .NODEC@86 P87?7(!90) e24+34:48*2"},
	{AmpereJMX, "4", 0x14c, ".change@85:2 P87?7(!90) J24+34:48*2"},
	{AmpereJMXU, "d", 0x159, ".change@85:2 .branch@32:2 P87?7(!90) j24+34:48*2"},
	{AmpereJMP, "4", 0x14a, ".change@85:2 .branch@32:2 P87?7(!90) N34:47*2"},
	{AmpereJMP, "k", 0x14a, ".change@85:2 .branch@32:2 P87?7(!90) <80K 80+C"},
	{AmpereJMP, "d", 0x14a, "80+ =33:1:1 .change@85:2 .divergent@32:1 P87?7(!90) U24(~30) N34:47*2"},
	{AmpereJMP, "u", 0x14a, "80+ =33:1:1 =91:1:1 .change@85:2 .divergent@32:1 P87?7(!90) U24(~30) C"},
	{AmpereJMP, "2", 0x14a, "80+ =91:1:1 =32:2:1 .change@85:2 .U P87?7(!90) p24(!27) N34:47*2"},
	{AmpereJMP, "3", 0x14a, "80+ =91:1:1 =32:2:1 .change@85:2 .U P87?7(!90) p24(!27) C"},
	{AmpereKILL, "4", 0x15b, "P87?7(!90)"},
	{AmpereRTT, "4", 0x14f, "<80 "},
	{AmperePMTRIG, "4", 0x01, "P87?7(!90) u32:16"},
	{AmpereRPCMOV, "146", 0x152, ".32 Xrpc@31:1 $u"},
	{AmpereRPCMOV, "5", 0x152, "80+ .32 Xrpc@31:1 $u"},
	{AmpereRPCMOV, "k", 0x152, "<80 .32 Xrpc@31:1 K"},
	{AmpereRPCMOV, "u", 0x152, "<80 .32 Xrpc@31:1 Y32"},
	{AmpereRPCMOV, "6", 0x154, ".64 Xrpcs $u"},
	{AmpereRPCMOV, "5", 0x154, ".64 Xrpcs $u"},
	{AmpereRPCMOV, "1", 0x153, ".32 R16 Xrpc@31:1"},
	{AmpereRPCMOV, "4", 0x154, ".64 Xrpcs N34:47*2"},
	{AmpereLEPC, "1", 0x14e, "R16"},
	{AmpereEXIT, "4", 0x14d, "=110:6:63 .exit@84:2 .NO_ATEXIT@86 P87?7(!90)"},
	{AmpereWARPSYNC, "1", 0x148, "80+.EXCLUSIVE@86 P87?7(!90) R32"},
	{AmpereWARPSYNC, "56", 0x148, "P87?7(!90) $u"},
	{AmpereWARPSYNC, "4", 0x148, "P87?7(!90) u32:32"},
	{AmpereYIELD, "4", 0x146, "P87?7(!90)"},
	{AmpereNANOSLEEP, "156", 0x15d, ".RAND@86 .WARP@85 P87?7(!90) $u"},
	{AmpereNANOSLEEP, "4", 0x15d, "<80 .RAND@86 .WARP@85 P87?7(!90) u32:32"},
	{AmpereNANOSLEEP, "4", 0x15d, "80+ =83:1:0 .RAND@86 .WARP@85 P87?7(!90) u32:32"},
	{AmpereNANOSLEEP, "4", 0x15d, "80+ =83:1:1 .CLEAR P87?7(!90)"},
	{AmpereBPT, "4", 0x15c, ".trap@84:3 u34:3?0"},
	{AmpereBAR, "k", 0x11d, "=77:3:0 .SYNC .DEFER_BLOCKING@80 u54:4 u42:12?0"},
	{AmpereBAR, "k", 0x11d, "=77:3:1 =80:1:0 .ARV u54:4 u42:12"},
	{AmpereBAR, "k", 0x11d, "=77:3:2 .RED .redbar@74:2 .DEFER_BLOCKING@80 u54:4 u42:12?0 P87(!90)"},
	{AmpereBAR, "k", 0x11d, "=77:3:3 =80:1:0 .SCAN u54:4 u42:12 P87(!90)"},
	{AmpereBAR, "k", 0x11d, "=77:3:4 .SYNCALL .DEFER_BLOCKING@80"},
	// the number of threads in a register; then both in one
	{AmpereBAR, "4", 0x11d, "=77:3:0 .SYNC .DEFER_BLOCKING@80 u54:4 R32"},
	{AmpereBAR, "4", 0x11d, "=77:3:1 =80:1:0 .ARV u54:4 R32"},
	{AmpereBAR, "4", 0x11d, "=77:3:2 .RED .redbar@74:2 .DEFER_BLOCKING@80 u54:4 R32 P87(!90)"},
	{AmpereBAR, "4", 0x11d, "=77:3:3 =80:1:0 .SCAN u54:4 R32 P87(!90)"},
	{AmpereBAR, "1", 0x11d, "=77:3:0 .SYNC .DEFER_BLOCKING@80 R32 R32"},
	{AmpereBAR, "1", 0x11d, "=77:3:1 =80:1:0 .ARV R32 R32"},
	{AmpereBAR, "1", 0x11d, "=77:3:2 .RED .redbar@74:2 .DEFER_BLOCKING@80 R32 R32 P87(!90)"},
	{AmpereBAR, "1", 0x11d, "=77:3:3 =80:1:0 .SCAN R32 R32 P87(!90)"},
	{AmpereBAR, "2", 0x11d, "=77:3:0 .SYNC .DEFER_BLOCKING@80 R32 u42:12?0"},
	{AmpereBAR, "2", 0x11d, "=77:3:1 =80:1:0 .ARV R32 u42:12"},
	{AmpereBAR, "2", 0x11d, "=77:3:2 .RED .redbar@74:2 .DEFER_BLOCKING@80 R32 u42:12?0 P87(!90)"},
	{AmpereBAR, "2", 0x11d, "=77:3:3 =80:1:0 .SCAN R32 u42:12 P87(!90)"},

	// Tensor cores and matrices. Sparse products have the positions of the elements that are kept in a register behind
	// the sum, and which threads' that is.
	{AmpereHMMA, "1", 0x36, "<80 =75:1:0 =76:1:0 =78:1:0 .884 .F16 .F16 .step2@79:2 .SATFINITE@77 R16 " +
		"R24(-72,line@73:1) R32(-63,line@74:1) R64"},
	{AmpereHMMA, "1", 0x36, "<80 =75:1:0 =76:1:1 .884 .F32 .f16f32@78:1 .step@79:2 .SATFINITE@77 R16 " +
		"R24(-72,line@73:1) R32(-63,line@74:1) R64"},
	{AmpereHMMA, "1", 0x3c, "75+ <80 =82:2:0 .hmma@75:1+78:1 .f16f32@76:1 .SATFINITE@77 R16 R24(-72) R32(-63) R64"},
	{AmpereHMMA, "1", 0x3c, "75+ <80 =82:2:3 .hmma@75:1+78:1 .f16f32@76:1 .SATFINITE@77 R16 R24(-72) R32(-63) R64"},
	{AmpereHMMA, "1", 0x3c, "80+ =73:1:0 .hmma@75:1+78:1 .f16f32@76:1 .tensor@82:2 R16 R24(-72) R32(-63) R64 " +
		"86+q87?7(!90)"},
	{AmpereHMMA, "1", 0x3c, "80+ =73:1:1 =81:1:0 .SP .hmmasp@75:1+78:1 .f16f32@76:1 .tensor@82:2 R16 R24(-72) " +
		"R32(-63) R64 86+q87?7(!90) R40(reuse50) u48:2"},
	{AmpereIMMA, "1", 0x37, "<80 =75:1:0 =77:1:0 =83:3:0 .8816 .imma@76:2 .imma@78:2 .SAT@82 R16 R24(row@73:1) " +
		"R32(col@74:1) R64"},
	{AmpereIMMA, "1", 0x37, "<80 =75:1:0 =77:1:0 =83:3:7 .8832 .imma4@76:2 .imma4@78:2 .SAT@82 R16 R24(row@73:1) " +
		"R32(col@74:1) R64"},
	{AmpereIMMA, "1", 0x37, "80+ =72:1:0 .immashape@75:1+85:2 .immatype@76:2+83:1 .immatype@78:2+84:1 .SAT@82 R16 " +
		"R24(row@73:1) R32(col@74:1) R64 86+q87?7(!90)"},
	{AmpereIMMA, "1", 0x37, "80+ =72:1:1 =81:1:0 .SP .immasp@75:1+85:2 .immatype@76:2+83:1 .immatype@78:2+84:1 " +
		".SAT@82 R16 R24(row@73:1) R32(col@74:1) R64 86+q87?7(!90) R40(reuse50) u48:2"},
	{AmpereBMMA, "1", 0x3d, "<80 =75:3:0 .88128 .XOR .pop@80:1 R16 R24(row@73:1) R32(col@74:1) R64"},
	{AmpereBMMA, "1", 0x3d, "80+ =77:1:0 .bmma@75:2 .xorand@78:1 .pop@80:1 R16 R24(row@73:1) R32(col@74:1) R64 " +
		"86+q87?7(!90)"},
	{AmpereLDSM, "4", 0x3b, "=75:3:0 .16 .ldsm@78:2 .matrices@72:2 R16 M24+40:24(swapped)"},
	{AmpereLDSM, "d", 0x3b, "=75:3:0 .16 .ldsm@78:2 .matrices@72:2 R16 M24+40:24(ur32,swapped)"},
	{AmpereMOVM, "1", 0x3a, "=75:3:0 .16 .movm@78:2 R16 R24"},
	{AmpereDMMA, "1", 0x3f, "80+ =76:1:0 .884 .round@78:2 R16 R24(-72,|73) R32(-63,|62) R64(-75,|74) 86+q87?7(!90)"},
})
