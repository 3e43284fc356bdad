package isa

// row is one instruction form. A word is of this form when word&mask == match; docs/isa.md explains spec.
//
// In spec, $i, $f, $d and $h stand for an operand that is a register at bit 20, a constant or an immediate (of the
// integer, float, double or half kind): such a row stands for three. $3 is a third register operand that may
// change places with a constant: one row more.
type row struct {
	op    Op
	match uint64
	mask  uint64
	spec  string
}

// suffixSets gives the suffixes by value of a field; _ is none, ? undefined.
var suffixSets = map[string]string{
	"fmz":      "_ FTZ FMZ ?",
	"round":    "_ RM RP RZ",
	"scale":    "_ D2 D4 D8 M8 M4 M2 ?",
	"fcmp":     "F LT EQ LE GT NE GE NUM NAN LTU EQU LEU GTU NEU GEU T",
	"icmp":     "F LT EQ LE GT NE GE T",
	"bool":     "AND OR XOR ?",
	"unsign":   "U32 _",
	"us":       "U32 S32",
	"logic":    "AND OR XOR PASS_B",
	"ptest":    "_ T Z NZ",
	"max":      "_ XLO XMED XHI",
	"prmt":     "_ F4E B4E RC8 ECL ECR RC16 ? ? ? ? ? ? ? ? ?",
	"shf":      "_ ? U64 S64",
	"shfx":     "_ HI X XHI",
	"add3":     "_ RS LS ?",
	"xmad":     "_ S16.U16 U16.S16 S16.S16",
	"xmadc":    "_ CLO CHI CSFU CBCC ? ? ?",
	"xmadc2":   "_ CLO CHI CSFU",
	"float":    "? F16 F32 F64",
	"int":      "U8 U16 U32 U64 S8 S16 S32 S64",
	"int32":    "U8 U16 U32 ? S8 S16 S32 ?",
	"f2iint":   "? U16 U32 U64 ? S16 S32 S64",
	"f2iround": "_ FLOOR CEIL TRUNC",
	"f2fround": "_ ? ? PASS ROUND FLOOR CEIL TRUNC",
	"rro":      "SINCOS EX2",
	"mufu":     "COS SIN EX2 LG2 RCP RSQ RCP64H RSQ64H SQRT ? ? ? ? ? ? ?",
	"ldsize":   "U8 S8 U16 S16 _ 64 128 U.128",
	"ldsize7":  "U8 S8 U16 S16 _ 64 128 ?",
	"ldcsize":  "U8 S8 U16 S16 _ 64 ? ?",
	"ldcmode":  "_ IL IS ISL",
	"ldcache":  "_ CG CI CV",
	"stcache":  "_ CG CS WT",
	"llcache":  "_ LU CI CV",
	"atomop":   "ADD MIN MAX INC DEC AND OR XOR EXCH ? SAFEADD ? ? ? ? ?",
	"atomsop":  "ADD MIN MAX INC DEC AND OR XOR EXCH ? ? ? ? ? ? ?",
	"redop":    "ADD MIN MAX INC DEC AND OR XOR",
	"atomt":    "_ S32 U64 F32.FTZ.RN F16x2.RN S64 64 ?",
	"atomst":   "_ S32 U64 S64",
	"shfl":     "IDX UP DOWN BFLY",
	"vote":     "ALL ANY EQ ?",
	"membar":   "CTA GL SYS VC",
	"memiv":    "_ IVALLD IVALLT IVALLTD",
	"cctl":     "QRY1 PF1 PF1_5 PF2 WB IV IVALL RS ? RSLB ? ? ? ? ? ?",
	"cctlc":    "_ U C I CRS ? ? ?",
	"barred":   "POPC AND OR ?",
}

// selectionSets gives the operand suffixes by value of a field.
var selectionSets = map[string]string{
	"half":  "_ H1",
	"add3h": "_ H0 H1 ?",
	"byte":  "_ B1 B2 B3",
	"i2fb":  "_ B1 B2 B3",
}

// textSets gives operands that only the disassembler prints.
var textSets = map[string]string{
	"zero":   "0x0",
	"pr":     "PR CC",
	"pronly": "PR",
	"cc":     "CC",
}

const (
	mask13 = 0xfff8 << 48
	mask12 = 0xfff0 << 48
	mask9  = 0xff80 << 48
	mask8  = 0xff00 << 48
)

var table = expand([]row{
	// Floating point, 32 bits.
	{OpFFMA, 0x5980 << 48, mask9, ".fmz@53:2 .round@51:2 .SAT@50 R0(CC47) R8 $f(-48) $3(-49)"},
	{OpFADD, 0x5c58 << 48, mask13, ".FTZ@44 .round@39:2 .SAT@50 R0(CC47) R8(-48,|46) $f(-45,|49)"},
	{OpFMUL, 0x5c68 << 48, mask13, ".fmz@44:2 .scale@41:3 .round@39:2 .SAT@50 R0(CC47) R8 $f(-48)"},
	{OpFMNMX, 0x5c60 << 48, mask13, ".FTZ@44 R0(CC47) R8(-48,|46) $f(-45,|49) P39(!42)"},
	{OpFSETP, 0x5bb0 << 48, mask12, ".fcmp@48:4 .FTZ@47 .bool@45:2 P3 P0 R8(-43,|7) $f(-6,|44) P39(!42)"},
	{OpFSET, 0x5800 << 48, mask8, ".BF@52 .fcmp@48:4 .FTZ@55 .bool@45:2 R0(CC47) R8(-43,|54) $f(-53,|44) P39(!42)"},
	{OpFCMP, 0x5ba0 << 48, mask12, ".fcmp@48:4 .FTZ@47 R0 R8 $f $3"},
	{OpMUFU, 0x5080 << 48, mask13, ".mufu@20:4 .SAT@50 R0 R8(-48,|46)"},
	{OpRRO, 0x5c90 << 48, mask13, ".rro@39 R0 $f(-45,|49)"},
	{OpFFMA32I, 0x0c00 << 48, 0xfc00 << 48, ".fmz@53:2 .SAT@55 R0(CC52) R8(-56) F R0(-57)"},
	{OpFADD32I, 0x0800 << 48, 0xf800 << 48, ".FTZ@55 R0(CC52) R8(-56,|54) F(-53,|57)"},
	{OpFMUL32I, 0x1e00 << 48, 0xfe00 << 48, ".fmz@53:2 .SAT@55 R0(CC52) R8 F"},

	// Floating point, 64 bits.
	{OpDADD, 0x5c70 << 48, mask13, ".round@39:2 R0(CC47) R8(-48,|46) $d(-45,|49)"},
	{OpDMUL, 0x5c80 << 48, mask13, ".round@39:2 R0(CC47) R8 $d(-48)"},
	{OpDMNMX, 0x5c50 << 48, mask13, "R0(CC47) R8(-48,|46) $d(-45,|49) P39(!42)"},
	{OpDFMA, 0x5b70 << 48, mask12, ".round@50:2 R0(CC47) R8 $d(-48) $3(-49)"},
	{OpDSETP, 0x5b80 << 48, mask12, ".fcmp@48:4 .bool@45:2 P3 P0 R8(-43,|7) $d(-6,|44) P39(!42)"},
	{OpDSET, 0x5900 << 48, mask9, ".BF@52 .fcmp@48:4 .bool@45:2 R0(CC47) R8(-43,|54) $d(-53,|44) P39(!42)"},

	// Integer arithmetic.
	{OpIADD, 0x5c10 << 48, mask13, ".SAT@50 .X@43 R0(CC47) R8(-49) $i(-48)"},
	{OpIADD3, 0x5cc0 << 48, mask12, ".add3@37:2 .X@48 R0(CC47) R8(-51,add3h@35:2) R20(-50,add3h@33:2) R39(-49,add3h@31:2)"},
	{OpIADD3, 0x4cc0 << 48, mask12, ".X@48 R0(CC47) R8(-51) C(-50) R39(-49)"},
	{OpIADD3, 0x38c0 << 48, 0xfef0 << 48, ".X@48 R0(CC47) R8(-51) i(-50) R39(-49)"},
	{OpIADD32I, 0x1c00 << 48, 0xfe00 << 48, ".SAT@54 .X@53 R0(CC52) R8(-56) s20:32"},
	{OpISCADD, 0x5c18 << 48, mask13, "R0(CC47) R8(-49) $i(-48) u39:5"},
	{OpISCADD32I, 0x1400 << 48, 0xfc00 << 48, "R0(CC52) R8 s20:32 u53:5"},
	{OpXMAD, 0x5b00 << 48, 0xffc0 << 48, ".xmad@48:2 .PSL@36 .xmadc@50:3 .MRG@37 .X@38 R0(CC47) R8(half@53) R20(half@35) R39"},
	{OpXMAD, 0x3600 << 48, 0xfec0 << 48, ".xmad@48:2 .PSL@36 .xmadc@50:3 .MRG@37 .X@38 R0(CC47) R8(half@53) u20:16 R39"},
	{OpXMAD, 0x4e00 << 48, 0xfe00 << 48, ".xmad@48:2 .PSL@55 .xmadc2@50:2 .MRG@56 .X@54 R0(CC47) R8(half@53) C(spaced,half@52) R39"},
	{OpXMAD, 0x5100 << 48, mask8, ".xmad@48:2 .xmadc2@50:2 .X@54 R0(CC47) R8(half@53) R39(half@52) C(spaced)"},
	{OpIMAD, 0x5a00 << 48, mask9, ".us@48 .us@53 .HI@54 .SAT@50 .X@49 R0(CC47) R8 $i(-51) $3(-52)"},
	{OpIMUL, 0x5c38 << 48, mask13, ".us@40 .us@41 .HI@39 R0(CC47) R8 $i"},
	{OpIMNMX, 0x5c20 << 48, mask13, ".unsign@48 .max@43:2 R0(CC47) R8 $i P39(!42)"},
	{OpISETP, 0x5b60 << 48, mask12, ".icmp@49:3 .unsign@48 .X@43 .bool@45:2 P3 P0 R8 $i P39(!42)"},
	{OpISET, 0x5b50 << 48, mask12, ".BF@44 .icmp@49:3 .unsign@48 .X@43 .bool@45:2 R0(CC47) R8 $i P39(!42)"},
	{OpICMP, 0x5b40 << 48, mask12, ".icmp@49:3 .unsign@48 R0 R8 $i $3"},
	{OpPOPC, 0x5c08 << 48, mask13, "R0 $i(~40)"},
	{OpFLO, 0x5c30 << 48, mask13, ".unsign@48 .SH@41 R0(CC47) $i(~40)"},
	{OpLEA, 0x5bd0 << 48, mask13, ".X@46 P48?7 R0(CC47) R8(-45) R20 u39:5?0"},
	{OpLEA, 0x4bd0 << 48, mask13, ".X@46 P48?7 R0(CC47) R8(-45) C u39:5?0"},
	{OpLEA, 0x36d0 << 48, 0xfef8 << 48, ".X@46 P48?7 R0(CC47) R8(-45) i u39:5?0"},
	{OpLEA, 0x5bd8 << 48, mask13, ".HI .X@38 P48?7 R0(CC47) R8(-37) R20 R39 u28:5?0"},
	{OpLEA, 0x1800 << 48, 0xfc00 << 48, ".HI .X@57 P48?7 R0(CC47) R8(-56) C R39 u51:5?0"},

	// Bits.
	{OpLOP, 0x5c40 << 48, mask13, ".logic@41:2 .X@43 .ptest@44:2 P48?7 R0(CC47) R8(~39) $i(~40)"},
	{OpLOP3, 0x5be0 << 48, mask13, ".LUT .X@38 .ptest@36:2 P48?7 R0(CC47) R8 R20 R39 u28:8"},
	{OpLOP3, 0x0200 << 48, 0xfe00 << 48, ".LUT .X@56 R0(CC47) R8 C R39 u48:8"},
	{OpLOP3, 0x3c00 << 48, 0xfc00 << 48, ".LUT .X@57 R0(CC47) R8 i R39 u48:8"},
	{OpLOP32I, 0x0400 << 48, 0xfc00 << 48, ".logic@53:2 .X@57 R0(CC52) R8(~55) u20:32(~56)"},
	{OpSHL, 0x5c48 << 48, mask13, ".W@39 .X@43 R0(CC47) R8 $i"},
	{OpSHR, 0x5c28 << 48, mask13, ".unsign@48 .W@39 .X@44:1 .BREV@40 R0(CC47) R8 $i"},
	{OpSHF, 0x5bf8 << 48, mask13, ".L .W@50 .shf@37:2 .shfx@48:2 R0(CC47) R8 R20 R39"},
	{OpSHF, 0x36f8 << 48, 0xfef8 << 48, ".L .W@50 .shf@37:2 .shfx@48:2 R0(CC47) R8 i R39"},
	{OpSHF, 0x5cf8 << 48, mask13, ".R .W@50 .shf@37:2 .shfx@48:2 R0(CC47) R8 R20 R39"},
	{OpSHF, 0x38f8 << 48, 0xfef8 << 48, ".R .W@50 .shf@37:2 .shfx@48:2 R0(CC47) R8 i R39"},
	{OpBFE, 0x5c00 << 48, mask13, ".unsign@48 .BREV@40 R0(CC47) R8 $i"},
	{OpBFI, 0x5bf0 << 48, mask13, "R0(CC47) R8 $i $3"},
	{OpPRMT, 0x5bc0 << 48, mask12, ".prmt@48:4 R0 R8 $i $3"},

	// Moves, selects and predicates.
	{OpMOV, 0x5c98 << 48, mask13, "R0 $i u39:4?15"},
	{OpMOV32I, 0x0100 << 48, mask12, "R0 u20:32 u12:4?15"},
	{OpSEL, 0x5ca0 << 48, mask13, "R0 R8 $i P39(!42)"},
	{OpPSETP, 0x5090 << 48, mask13, ".bool@24:2 .bool@45:2 P3 P0 P12(!15) P29(!32) P39(!42)"},
	{OpPSET, 0x5088 << 48, mask13, ".BF@44 .bool@24:2 .bool@45:2 R0(CC47) P12(!15) P29(!32) P39(!42)"},
	{OpP2R, 0x5ce8 << 48, mask13, "R0 Xpr@40 R8 $i(byte@41:2)"},
	{OpR2P, 0x5cf0 << 48, mask13, "Xpr@40 R8(byte@41:2) $i"},
	{OpCSETP, 0x50a0 << 48, mask13, ".fcmp@8:4 .bool@45:2 P3 P0 Xcc P39(!42)"},
	{OpCSET, 0x5098 << 48, mask13, ".BF@44 .fcmp@8:4 .bool@45:2 R0(CC47) Xcc P39(!42)"},
	{OpS2R, 0xf0c8 << 48, mask13, "R0 S20"},
	{OpCS2R, 0x50c8 << 48, mask13, "R0 S20"},
	{OpLEPC, 0x50d0 << 48, mask13, "R0"},

	// Conversions.
	{OpF2F, 0x5ca8 << 48, mask13, ".FTZ@44 .float@8:2 .float@10:2 .round@39:2 .SAT@50 R0(CC47) $f(-45,|49,half@41)"},
	{OpF2I, 0x5cb0 << 48, mask13, ".FTZ@44 .f2iint@8:2+12:1 .float@10:2 .f2iround@39:2 R0(CC47) $f(-45,|49,half@41)"},
	{OpI2F, 0x5cb8 << 48, mask13, ".float@8:2 .int@10:2+13:1 .round@39:2 R0(CC47) $i(-45,|49,byte@41:2)"},
	{OpI2I, 0x5ce0 << 48, mask13, ".int32@8:2+12:1 .int32@10:2+13:1 .SAT@50 R0(CC47) $i(-45,|49,byte@41:2)"},

	// Memory.
	{OpLDG, 0xeed0 << 48, mask13, ".E@45 .ldcache@46:2 .ldsize@48:3 R0 M8+20:24"},
	{OpSTG, 0xeed8 << 48, mask13, ".E@45 .stcache@46:2 .ldsize7@48:3 M8+20:24 R0"},
	{OpLDG, 0xeec8 << 48, mask13, ".E@45 .ldcache@46:2 .ldsize@48:3 Q41 R0 M8+20:20"},
	{OpLD, 0x8000 << 48, 0xe000 << 48, ".E@52 .ldcache@56:2 .ldsize@53:3 R0 M8+20:32 P58"},
	{OpST, 0xa000 << 48, 0xe000 << 48, ".E@52 .stcache@56:2 .ldsize7@53:3 M8+20:32 R0 P58"},
	{OpLDL, 0xef40 << 48, mask13, ".llcache@44:2 .ldsize@48:3 R0 M8+20:24"},
	{OpSTL, 0xef50 << 48, mask13, ".stcache@44:2 .ldsize7@48:3 M8+20:24 R0"},
	{OpLDS, 0xef48 << 48, mask13, ".U@44 .ldsize@48:3 R0 M8+20:24"},
	{OpSTS, 0xef58 << 48, mask13, ".ldsize7@48:3 M8+20:24 R0"},
	{OpLDC, 0xef90 << 48, mask13, ".ldcsize@48:3 .ldcmode@44:2 R0 K8"},
	{OpATOM, 0xed00 << 48, mask8, ".E@48 .atomop@52:4 .atomt@49:3 R0 M8+28:20 R20"},
	{OpATOM, 0xeef0 << 48, 0xfffc << 48, ".E@48 .CAS .64@49 R0 M8+28:20 R20 W20@49"},
	{OpATOMS, 0xec00 << 48, mask8, ".atomsop@52:4 .atomst@28:2 R0 M8+30:22*2 R20"},
	{OpATOMS, 0xee00<<48 | 0<<28, 0xffc0<<48 | 3<<28, ".CAST .SPIN@53 .64@52 R0 M8+30:22*2 R20 W20@52"},
	{OpATOMS, 0xee40<<48 | 0<<28, 0xffe0<<48 | 3<<28, ".CAS .64@52 R0 M8+30:22*2 R20 W20@52"},
	{OpRED, 0xebf8 << 48, mask13, ".E@48 .redop@23:3 .atomt@20:3 M8+28:20 R0"},
	{OpCCTL, 0xef60 << 48, 0xffe0 << 48, ".E@52 .cctlc@4:3 .cctl@0:4 M8+22:30*2"},
	{OpMEMBAR, 0xef98 << 48, mask13, ".membar@8:2 .memiv@0:2"},

	// Between the threads of a warp or block.
	{OpSHFL, 0xef10<<48 | 0<<28, 0xfff8<<48 | 3<<28, ".shfl@30:2 P48 R0 R8 R20 R39"},
	{OpSHFL, 0xef10<<48 | 1<<28, 0xfff8<<48 | 3<<28, ".shfl@30:2 P48 R0 R8 u20:5 R39"},
	{OpSHFL, 0xef10<<48 | 2<<28, 0xfff8<<48 | 3<<28, ".shfl@30:2 P48 R0 R8 R20 u34:13"},
	{OpSHFL, 0xef10<<48 | 3<<28, 0xfff8<<48 | 3<<28, ".shfl@30:2 P48 R0 R8 u20:5 u34:13"},
	{OpVOTE, 0x50d8 << 48, mask13, ".vote@48:2 R0 P45 P39(!42)"},
	{OpBAR, 0xf0a8<<48 | 0x0<<32, 0xfff8<<48 | 0x7<<32, ".SYNC"},

	// Control flow.
	{OpEXIT, 0xe300 << 48, mask12, ".KEEPREFCOUNT@5 T0?15"},
	{OpRET, 0xe320 << 48, mask12, "T0?15"},
	{OpKIL, 0xe330 << 48, mask12, "T0?15"},
	{OpBRK, 0xe340 << 48, mask12, "T0?15"},
	{OpCONT, 0xe350 << 48, mask12, "T0?15"},
	{OpLONGJMP, 0xe310 << 48, mask12, "T0?15"},
	{OpSYNC, 0xf0f8 << 48, mask13, "T0?15"},
	{OpBRA, 0xe240<<48 | 0x00, 0xfff0<<48 | 0x20, ".U@7 .LMT@6 T0?15 L"},
	{OpBRA, 0xe240<<48 | 0x20, 0xfff0<<48 | 0x20, ".U@7 .LMT@6 T0?15 K"},
	{OpBRX, 0xe250<<48 | 0x00, 0xfff0<<48 | 0x20, ".LMT@6 T0?15 J8"},
	{OpBRX, 0xe250<<48 | 0x20, 0xfff0<<48 | 0x20, ".LMT@6 T0?15 K8"},
	{OpJMP, 0xe210<<48 | 0x00, 0xfff0<<48 | 0x20, ".U@7 .LMT@6 T0?15 u20:32"},
	{OpJMP, 0xe210<<48 | 0x20, 0xfff0<<48 | 0x20, ".U@7 .LMT@6 T0?15 K"},
	{OpJMX, 0xe200<<48 | 0x00, 0xfff0<<48 | 0x20, ".LMT@6 T0?15 Z8"},
	{OpJMX, 0xe200<<48 | 0x20, 0xfff0<<48 | 0x20, ".LMT@6 T0?15 K8"},
	{OpCAL, 0xe260<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard .NOINC!6 L"},
	{OpCAL, 0xe260<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard .NOINC!6 K"},
	{OpJCAL, 0xe220<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard .NOINC!6 u20:32"},
	{OpJCAL, 0xe220<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard .NOINC!6 K"},
	{OpPRET, 0xe270<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard .NOINC!6 L"},
	{OpPRET, 0xe270<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard .NOINC!6 K"},
	{OpPLONGJMP, 0xe280<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard L"},
	{OpPLONGJMP, 0xe280<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard K"},
	{OpSSY, 0xe290<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard L"},
	{OpSSY, 0xe290<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard K"},
	{OpPBK, 0xe2a0<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard L"},
	{OpPBK, 0xe2a0<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard K"},
	{OpPCNT, 0xe2b0<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard L"},
	{OpPCNT, 0xe2b0<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard K"},
	{OpPEXIT, 0xe230<<48 | 0x00, 0xfff0<<48 | 0x20, "noguard L"},
	{OpPEXIT, 0xe230<<48 | 0x20, 0xfff0<<48 | 0x20, "noguard K"},
	{OpNOP, 0x50b0 << 48, mask13, ".TRIG@13 T8?15 u20:16?0"},
	{OpDEPBAR, 0xf0f0<<48 | 0<<29, 0xfff8<<48 | 1<<29, "G0:6?0"},
	{OpDEPBAR, 0xf0f0<<48 | 1<<29, 0xfff8<<48 | 1<<29, ".LE B26 u20:6 G0:6?0"},
})
