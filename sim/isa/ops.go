package isa

// Op is an instruction's mnemonic.
type Op uint8

// The mnemonics of sm_50 to sm_62.
const (
	OpNone Op = iota // not an instruction
	OpAL2P
	OpALD
	OpAST
	OpATOM
	OpATOMS
	OpB2R
	OpBAR
	OpBFE
	OpBFI
	OpBPT
	OpBRA
	OpBRK
	OpBRX
	OpCAL
	OpCCTL
	OpCCTLL
	OpCCTLT
	OpCONT
	OpCS2R
	OpCSET
	OpCSETP
	OpDADD
	OpDEPBAR
	OpDFMA
	OpDMNMX
	OpDMUL
	OpDSET
	OpDSETP
	OpEXIT
	OpF2F
	OpF2I
	OpFADD
	OpFADD32I
	OpFCHK
	OpFCMP
	OpFFMA
	OpFFMA32I
	OpFLO
	OpFMNMX
	OpFMUL
	OpFMUL32I
	OpFSET
	OpFSETP
	OpFSWZADD
	OpGETCRSPTR
	OpGETLMEMBASE
	OpHADD2
	OpHADD2_32I
	OpHFMA2
	OpHFMA2_32I
	OpHMUL2
	OpHMUL2_32I
	OpHSET2
	OpHSETP2
	OpI2F
	OpI2I
	OpIADD
	OpIADD3
	OpIADD32I
	OpICMP
	OpIDE
	OpIDP
	OpIMAD
	OpIMAD32I
	OpIMADSP
	OpIMNMX
	OpIMUL
	OpIMUL32I
	OpIPA
	OpISBERD
	OpISCADD
	OpISCADD32I
	OpISET
	OpISETP
	OpJCAL
	OpJMP
	OpJMX
	OpKIL
	OpLD
	OpLDC
	OpLDG
	OpLDL
	OpLDS
	OpLEA
	OpLEPC
	OpLONGJMP
	OpLOP
	OpLOP3
	OpLOP32I
	OpMEMBAR
	OpMOV
	OpMOV32I
	OpMUFU
	OpNOP
	OpOUT
	OpP2R
	OpPBK
	OpPCNT
	OpPEXIT
	OpPIXLD
	OpPLONGJMP
	OpPOPC
	OpPRET
	OpPRMT
	OpPSET
	OpPSETP
	OpR2B
	OpR2P
	OpRAM
	OpRED
	OpRET
	OpRRO
	OpRTT
	OpS2R
	OpSAM
	OpSEL
	OpSETCRSPTR
	OpSETLMEMBASE
	OpSHF
	OpSHFL
	OpSHL
	OpSHR
	OpSSY
	OpST
	OpSTG
	OpSTL
	OpSTP
	OpSTS
	OpSUATOM
	OpSULD
	OpSURED
	OpSUST
	OpSYNC
	OpTEX
	OpTEXS
	OpTLD
	OpTLD4
	OpTLD4S
	OpTLDS
	OpTMML
	OpTXA
	OpTXD
	OpTXQ
	OpVABSDIFF
	OpVABSDIFF4
	OpVADD
	OpVMAD
	OpVMNMX
	OpVOTE
	OpVSET
	OpVSETP
	OpVSHL
	OpVSHR
	OpXMAD
	numOps
)

// String returns the mnemonic as nvdisasm prints it.
func (o Op) String() string {
	if o >= numOps {
		return "OP?"
	}
	return opNames[o]
}

// Mod is one suffix of a mnemonic, such as FTZ in FFMA.FTZ.
type Mod uint16

// The suffixes, named as nvdisasm prints them.
const (
	ModNone Mod = iota // no suffix
	Mod128
	Mod1D
	Mod1D_ARRAY
	Mod1D_BUFFER
	Mod2A
	Mod2D
	Mod2D_ARRAY
	Mod32
	Mod3D
	Mod4A
	Mod64
	Mod96
	ModA
	ModACC
	ModADD
	ModALL
	ModAND
	ModANY
	ModAOFFI
	ModATTR
	ModB
	ModB1
	ModB2
	ModB3
	ModB4E
	ModBA
	ModBF
	ModBFLY
	ModBREV
	ModC
	ModCAL
	ModCAS
	ModCAST
	ModCBCC
	ModCEIL
	ModCENTROID
	ModCENTROID_OFFSET
	ModCG
	ModCHI
	ModCI
	ModCL
	ModCLO
	ModCONSTANT
	ModCOS
	ModCOVERED
	ModCOVMASK
	ModCRS
	ModCS
	ModCSFU
	ModCSM_MX
	ModCSM_TA
	ModCSM_TR
	ModCTA
	ModCUT
	ModCV
	ModD
	ModD2
	ModD4
	ModD8
	ModDC
	ModDEC
	ModDIVIDE
	ModDOWN
	ModDRAIN
	ModDRAIN_ILLEGAL
	ModE
	ModECL
	ModECR
	ModEMIT
	ModEMIT_THEN_CUT
	ModEN
	ModEQ
	ModEQU
	ModEX2
	ModEXCH
	ModF
	ModF16
	ModF16x2
	ModF32
	ModF4E
	ModF64
	ModFALLTHROUGH
	ModFCSM_MX
	ModFCSM_TA
	ModFCSM_TR
	ModFLOOR
	ModFMZ
	ModFTZ
	ModG
	ModGA
	ModGB
	ModGBA
	ModGE
	ModGEU
	ModGL
	ModGT
	ModGTU
	ModHI
	ModHS
	ModH_AND
	ModI
	ModIDX
	ModIGN
	ModIL
	ModINC
	ModINT
	ModIS
	ModISL
	ModIV
	ModIVALLD
	ModIVALLT
	ModIVALLTD
	ModIVTH
	ModKEEPREFCOUNT
	ModL
	ModLB
	ModLBA
	ModLC
	ModLE
	ModLEU
	ModLG2
	ModLL
	ModLLA
	ModLMT
	ModLO
	ModLOD
	ModLS
	ModLT
	ModLTU
	ModLU
	ModLUT
	ModLZ
	ModM2
	ModM4
	ModM8
	ModMAX
	ModMIN
	ModMRG
	ModMRG_16H
	ModMRG_16L
	ModMRG_8B0
	ModMRG_8B2
	ModMRG_H0
	ModMRG_H1
	ModMS
	ModMX
	ModMY_INDEX
	ModNAN
	ModNDV
	ModNE
	ModNEU
	ModNODEP
	ModNOINC
	ModNUM
	ModNZ
	ModO
	ModOFF
	ModOFFSET
	ModOFT
	ModOR
	ModP
	ModPASS
	ModPASS_B
	ModPATCH
	ModPAUSE
	ModPAUSE_QUIET
	ModPF1
	ModPF1_5
	ModPF2
	ModPO
	ModPOPC
	ModPREEMPTED
	ModPRIM
	ModPSL
	ModPTP
	ModQRY1
	ModR
	ModRA
	ModRB
	ModRBA
	ModRC16
	ModRC8
	ModRCP
	ModRED
	ModRESULT
	ModRG
	ModRGA
	ModRGB
	ModRM
	ModRN
	ModROUND
	ModRP
	ModRS
	ModRSLB
	ModRSQ
	ModRSQ64H
	ModRTZ
	ModRZ
	ModS16
	ModS16H0
	ModS16H1
	ModS24
	ModS32
	ModS64
	ModS8
	ModSAFEADD
	ModSAT
	ModSC
	ModSCAN
	ModSD
	ModSD32
	ModSD64
	ModSFF
	ModSFT
	ModSH
	ModSHR_15
	ModSHR_7
	ModSIN
	ModSINCOS
	ModSKEW
	ModSPIN
	ModSYS
	ModT
	ModTERMINATE
	ModTRAP
	ModTRIG
	ModTRUNC
	ModU
	ModU16
	ModU16H0
	ModU16H1
	ModU24
	ModU32
	ModU64
	ModU8
	ModUD
	ModUP
	ModVC
	ModVTG
	ModW
	ModWAIT
	ModWARP
	ModWB
	ModWT
	ModX
	ModXHI
	ModXLO
	ModXMED
	ModXOR
	ModXW
	ModXY
	ModXYW
	ModXYZ
	ModXZ
	ModXZW
	ModY
	ModYW
	ModYZ
	ModYZW
	ModZ
	ModZW
	ModRCP64H
	ModSQRT
	ModIVALL
	ModSYNC
	ModRLE
	ModRGT
	ModARV
	ModPHYS
	numMods
)

// String returns the suffix without its dot.
func (m Mod) String() string {
	if m >= numMods {
		return "MOD?"
	}
	return modNames[m]
}

// Sel says which part of an operand is meant, or for CC that the destination's flags are written: the suffix of an operand.
type Sel uint8

// The operand suffixes: halves and bytes of a register, lanes of a packed pair, byte selections of VABSDIFF4.
const (
	SelNone Sel = iota // the whole register
	Sel0000
	Sel0213
	Sel1111
	Sel1230
	Sel2222
	Sel2310
	Sel3012
	Sel3120
	Sel3201
	Sel3333
	Sel4321
	Sel4444
	Sel4567
	Sel5432
	Sel5476
	Sel5555
	Sel6543
	Sel6666
	Sel6745
	Sel7777
	SelB0
	SelB1
	SelB2
	SelB3
	SelCC
	SelF32
	SelH0
	SelH0_H0
	SelH1
	SelH1_H1
	numSels
)

// String returns the suffix without its dot.
func (s Sel) String() string {
	if s >= numSels {
		return "SEL?"
	}
	return selNames[s]
}

// CCTest is a test of the condition code flags, as in CC.LT.
type CCTest uint8

// The tests in the order of their encoding: the ordered and unordered comparisons first.
const (
	CCF CCTest = iota
	CCLT
	CCEQ
	CCLE
	CCGT
	CCNE
	CCGE
	CCNUM
	CCNAN
	CCLTU
	CCEQU
	CCLEU
	CCGTU
	CCNEU
	CCGEU
	CCT
	CCOFF
	CCLO
	CCSFF
	CCLS
	CCHI
	CCSFT
	CCHS
	CCOFT
	CCCSM_TA
	CCCSM_TR
	CCCSM_MX
	CCFCSM_TA
	CCFCSM_TR
	CCFCSM_MX
	CCRLE
	CCRGT
	numCCTests
)

// String returns the test without its dot.
func (t CCTest) String() string {
	if t >= numCCTests {
		return "CC?"
	}
	return ccNames[t]
}

var opNames = [numOps]string{
	OpAL2P:        "AL2P",
	OpALD:         "ALD",
	OpAST:         "AST",
	OpATOM:        "ATOM",
	OpATOMS:       "ATOMS",
	OpB2R:         "B2R",
	OpBAR:         "BAR",
	OpBFE:         "BFE",
	OpBFI:         "BFI",
	OpBPT:         "BPT",
	OpBRA:         "BRA",
	OpBRK:         "BRK",
	OpBRX:         "BRX",
	OpCAL:         "CAL",
	OpCCTL:        "CCTL",
	OpCCTLL:       "CCTLL",
	OpCCTLT:       "CCTLT",
	OpCONT:        "CONT",
	OpCS2R:        "CS2R",
	OpCSET:        "CSET",
	OpCSETP:       "CSETP",
	OpDADD:        "DADD",
	OpDEPBAR:      "DEPBAR",
	OpDFMA:        "DFMA",
	OpDMNMX:       "DMNMX",
	OpDMUL:        "DMUL",
	OpDSET:        "DSET",
	OpDSETP:       "DSETP",
	OpEXIT:        "EXIT",
	OpF2F:         "F2F",
	OpF2I:         "F2I",
	OpFADD:        "FADD",
	OpFADD32I:     "FADD32I",
	OpFCHK:        "FCHK",
	OpFCMP:        "FCMP",
	OpFFMA:        "FFMA",
	OpFFMA32I:     "FFMA32I",
	OpFLO:         "FLO",
	OpFMNMX:       "FMNMX",
	OpFMUL:        "FMUL",
	OpFMUL32I:     "FMUL32I",
	OpFSET:        "FSET",
	OpFSETP:       "FSETP",
	OpFSWZADD:     "FSWZADD",
	OpGETCRSPTR:   "GETCRSPTR",
	OpGETLMEMBASE: "GETLMEMBASE",
	OpHADD2:       "HADD2",
	OpHADD2_32I:   "HADD2_32I",
	OpHFMA2:       "HFMA2",
	OpHFMA2_32I:   "HFMA2_32I",
	OpHMUL2:       "HMUL2",
	OpHMUL2_32I:   "HMUL2_32I",
	OpHSET2:       "HSET2",
	OpHSETP2:      "HSETP2",
	OpI2F:         "I2F",
	OpI2I:         "I2I",
	OpIADD:        "IADD",
	OpIADD3:       "IADD3",
	OpIADD32I:     "IADD32I",
	OpICMP:        "ICMP",
	OpIDE:         "IDE",
	OpIDP:         "IDP",
	OpIMAD:        "IMAD",
	OpIMAD32I:     "IMAD32I",
	OpIMADSP:      "IMADSP",
	OpIMNMX:       "IMNMX",
	OpIMUL:        "IMUL",
	OpIMUL32I:     "IMUL32I",
	OpIPA:         "IPA",
	OpISBERD:      "ISBERD",
	OpISCADD:      "ISCADD",
	OpISCADD32I:   "ISCADD32I",
	OpISET:        "ISET",
	OpISETP:       "ISETP",
	OpJCAL:        "JCAL",
	OpJMP:         "JMP",
	OpJMX:         "JMX",
	OpKIL:         "KIL",
	OpLD:          "LD",
	OpLDC:         "LDC",
	OpLDG:         "LDG",
	OpLDL:         "LDL",
	OpLDS:         "LDS",
	OpLEA:         "LEA",
	OpLEPC:        "LEPC",
	OpLONGJMP:     "LONGJMP",
	OpLOP:         "LOP",
	OpLOP3:        "LOP3",
	OpLOP32I:      "LOP32I",
	OpMEMBAR:      "MEMBAR",
	OpMOV:         "MOV",
	OpMOV32I:      "MOV32I",
	OpMUFU:        "MUFU",
	OpNOP:         "NOP",
	OpOUT:         "OUT",
	OpP2R:         "P2R",
	OpPBK:         "PBK",
	OpPCNT:        "PCNT",
	OpPEXIT:       "PEXIT",
	OpPIXLD:       "PIXLD",
	OpPLONGJMP:    "PLONGJMP",
	OpPOPC:        "POPC",
	OpPRET:        "PRET",
	OpPRMT:        "PRMT",
	OpPSET:        "PSET",
	OpPSETP:       "PSETP",
	OpR2B:         "R2B",
	OpR2P:         "R2P",
	OpRAM:         "RAM",
	OpRED:         "RED",
	OpRET:         "RET",
	OpRRO:         "RRO",
	OpRTT:         "RTT",
	OpS2R:         "S2R",
	OpSAM:         "SAM",
	OpSEL:         "SEL",
	OpSETCRSPTR:   "SETCRSPTR",
	OpSETLMEMBASE: "SETLMEMBASE",
	OpSHF:         "SHF",
	OpSHFL:        "SHFL",
	OpSHL:         "SHL",
	OpSHR:         "SHR",
	OpSSY:         "SSY",
	OpST:          "ST",
	OpSTG:         "STG",
	OpSTL:         "STL",
	OpSTP:         "STP",
	OpSTS:         "STS",
	OpSUATOM:      "SUATOM",
	OpSULD:        "SULD",
	OpSURED:       "SURED",
	OpSUST:        "SUST",
	OpSYNC:        "SYNC",
	OpTEX:         "TEX",
	OpTEXS:        "TEXS",
	OpTLD:         "TLD",
	OpTLD4:        "TLD4",
	OpTLD4S:       "TLD4S",
	OpTLDS:        "TLDS",
	OpTMML:        "TMML",
	OpTXA:         "TXA",
	OpTXD:         "TXD",
	OpTXQ:         "TXQ",
	OpVABSDIFF:    "VABSDIFF",
	OpVABSDIFF4:   "VABSDIFF4",
	OpVADD:        "VADD",
	OpVMAD:        "VMAD",
	OpVMNMX:       "VMNMX",
	OpVOTE:        "VOTE",
	OpVSET:        "VSET",
	OpVSETP:       "VSETP",
	OpVSHL:        "VSHL",
	OpVSHR:        "VSHR",
	OpXMAD:        "XMAD",
}

var modNames = [numMods]string{
	Mod128:             "128",
	Mod1D:              "1D",
	Mod1D_ARRAY:        "1D_ARRAY",
	Mod1D_BUFFER:       "1D_BUFFER",
	Mod2A:              "2A",
	Mod2D:              "2D",
	Mod2D_ARRAY:        "2D_ARRAY",
	Mod32:              "32",
	Mod3D:              "3D",
	Mod4A:              "4A",
	Mod64:              "64",
	Mod96:              "96",
	ModA:               "A",
	ModACC:             "ACC",
	ModADD:             "ADD",
	ModALL:             "ALL",
	ModAND:             "AND",
	ModANY:             "ANY",
	ModAOFFI:           "AOFFI",
	ModATTR:            "ATTR",
	ModB:               "B",
	ModB1:              "B1",
	ModB2:              "B2",
	ModB3:              "B3",
	ModB4E:             "B4E",
	ModBA:              "BA",
	ModBF:              "BF",
	ModBFLY:            "BFLY",
	ModBREV:            "BREV",
	ModC:               "C",
	ModCAL:             "CAL",
	ModCAS:             "CAS",
	ModCAST:            "CAST",
	ModCBCC:            "CBCC",
	ModCEIL:            "CEIL",
	ModCENTROID:        "CENTROID",
	ModCENTROID_OFFSET: "CENTROID_OFFSET",
	ModCG:              "CG",
	ModCHI:             "CHI",
	ModCI:              "CI",
	ModCL:              "CL",
	ModCLO:             "CLO",
	ModCONSTANT:        "CONSTANT",
	ModCOS:             "COS",
	ModCOVERED:         "COVERED",
	ModCOVMASK:         "COVMASK",
	ModCRS:             "CRS",
	ModCS:              "CS",
	ModCSFU:            "CSFU",
	ModCSM_MX:          "CSM_MX",
	ModCSM_TA:          "CSM_TA",
	ModCSM_TR:          "CSM_TR",
	ModCTA:             "CTA",
	ModCUT:             "CUT",
	ModCV:              "CV",
	ModD:               "D",
	ModD2:              "D2",
	ModD4:              "D4",
	ModD8:              "D8",
	ModDC:              "DC",
	ModDEC:             "DEC",
	ModDIVIDE:          "DIVIDE",
	ModDOWN:            "DOWN",
	ModDRAIN:           "DRAIN",
	ModDRAIN_ILLEGAL:   "DRAIN_ILLEGAL",
	ModE:               "E",
	ModECL:             "ECL",
	ModECR:             "ECR",
	ModEMIT:            "EMIT",
	ModEMIT_THEN_CUT:   "EMIT_THEN_CUT",
	ModEN:              "EN",
	ModEQ:              "EQ",
	ModEQU:             "EQU",
	ModEX2:             "EX2",
	ModEXCH:            "EXCH",
	ModF:               "F",
	ModF16:             "F16",
	ModF16x2:           "F16x2",
	ModF32:             "F32",
	ModF4E:             "F4E",
	ModF64:             "F64",
	ModFALLTHROUGH:     "FALLTHROUGH",
	ModFCSM_MX:         "FCSM_MX",
	ModFCSM_TA:         "FCSM_TA",
	ModFCSM_TR:         "FCSM_TR",
	ModFLOOR:           "FLOOR",
	ModFMZ:             "FMZ",
	ModFTZ:             "FTZ",
	ModG:               "G",
	ModGA:              "GA",
	ModGB:              "GB",
	ModGBA:             "GBA",
	ModGE:              "GE",
	ModGEU:             "GEU",
	ModGL:              "GL",
	ModGT:              "GT",
	ModGTU:             "GTU",
	ModHI:              "HI",
	ModHS:              "HS",
	ModH_AND:           "H_AND",
	ModI:               "I",
	ModIDX:             "IDX",
	ModIGN:             "IGN",
	ModIL:              "IL",
	ModINC:             "INC",
	ModINT:             "INT",
	ModIS:              "IS",
	ModISL:             "ISL",
	ModIV:              "IV",
	ModIVALLD:          "IVALLD",
	ModIVALLT:          "IVALLT",
	ModIVALLTD:         "IVALLTD",
	ModIVTH:            "IVTH",
	ModKEEPREFCOUNT:    "KEEPREFCOUNT",
	ModL:               "L",
	ModLB:              "LB",
	ModLBA:             "LBA",
	ModLC:              "LC",
	ModLE:              "LE",
	ModLEU:             "LEU",
	ModLG2:             "LG2",
	ModLL:              "LL",
	ModLLA:             "LLA",
	ModLMT:             "LMT",
	ModLO:              "LO",
	ModLOD:             "LOD",
	ModLS:              "LS",
	ModLT:              "LT",
	ModLTU:             "LTU",
	ModLU:              "LU",
	ModLUT:             "LUT",
	ModLZ:              "LZ",
	ModM2:              "M2",
	ModM4:              "M4",
	ModM8:              "M8",
	ModMAX:             "MAX",
	ModMIN:             "MIN",
	ModMRG:             "MRG",
	ModMRG_16H:         "MRG_16H",
	ModMRG_16L:         "MRG_16L",
	ModMRG_8B0:         "MRG_8B0",
	ModMRG_8B2:         "MRG_8B2",
	ModMRG_H0:          "MRG_H0",
	ModMRG_H1:          "MRG_H1",
	ModMS:              "MS",
	ModMX:              "MX",
	ModMY_INDEX:        "MY_INDEX",
	ModNAN:             "NAN",
	ModNDV:             "NDV",
	ModNE:              "NE",
	ModNEU:             "NEU",
	ModNODEP:           "NODEP",
	ModNOINC:           "NOINC",
	ModNUM:             "NUM",
	ModNZ:              "NZ",
	ModO:               "O",
	ModOFF:             "OFF",
	ModOFFSET:          "OFFSET",
	ModOFT:             "OFT",
	ModOR:              "OR",
	ModP:               "P",
	ModPASS:            "PASS",
	ModPASS_B:          "PASS_B",
	ModPATCH:           "PATCH",
	ModPAUSE:           "PAUSE",
	ModPAUSE_QUIET:     "PAUSE_QUIET",
	ModPF1:             "PF1",
	ModPF1_5:           "PF1.5",
	ModPF2:             "PF2",
	ModPO:              "PO",
	ModPOPC:            "POPC",
	ModPREEMPTED:       "PREEMPTED",
	ModPRIM:            "PRIM",
	ModPSL:             "PSL",
	ModPTP:             "PTP",
	ModQRY1:            "QRY1",
	ModR:               "R",
	ModRA:              "RA",
	ModRB:              "RB",
	ModRBA:             "RBA",
	ModRC16:            "RC16",
	ModRC8:             "RC8",
	ModRCP:             "RCP",
	ModRED:             "RED",
	ModRESULT:          "RESULT",
	ModRG:              "RG",
	ModRGA:             "RGA",
	ModRGB:             "RGB",
	ModRM:              "RM",
	ModRN:              "RN",
	ModROUND:           "ROUND",
	ModRP:              "RP",
	ModRS:              "RS",
	ModRSLB:            "RSLB",
	ModRSQ:             "RSQ",
	ModRSQ64H:          "RSQ64H",
	ModRTZ:             "RTZ",
	ModRZ:              "RZ",
	ModS16:             "S16",
	ModS16H0:           "S16H0",
	ModS16H1:           "S16H1",
	ModS24:             "S24",
	ModS32:             "S32",
	ModS64:             "S64",
	ModS8:              "S8",
	ModSAFEADD:         "SAFEADD",
	ModSAT:             "SAT",
	ModSC:              "SC",
	ModSCAN:            "SCAN",
	ModSD:              "SD",
	ModSD32:            "SD32",
	ModSD64:            "SD64",
	ModSFF:             "SFF",
	ModSFT:             "SFT",
	ModSH:              "SH",
	ModSHR_15:          "SHR_15",
	ModSHR_7:           "SHR_7",
	ModSIN:             "SIN",
	ModSINCOS:          "SINCOS",
	ModSKEW:            "SKEW",
	ModSPIN:            "SPIN",
	ModSYS:             "SYS",
	ModT:               "T",
	ModTERMINATE:       "TERMINATE",
	ModTRAP:            "TRAP",
	ModTRIG:            "TRIG",
	ModTRUNC:           "TRUNC",
	ModU:               "U",
	ModU16:             "U16",
	ModU16H0:           "U16H0",
	ModU16H1:           "U16H1",
	ModU24:             "U24",
	ModU32:             "U32",
	ModU64:             "U64",
	ModU8:              "U8",
	ModUD:              "UD",
	ModUP:              "UP",
	ModVC:              "VC",
	ModVTG:             "VTG",
	ModW:               "W",
	ModWAIT:            "WAIT",
	ModWARP:            "WARP",
	ModWB:              "WB",
	ModWT:              "WT",
	ModX:               "X",
	ModXHI:             "XHI",
	ModXLO:             "XLO",
	ModXMED:            "XMED",
	ModXOR:             "XOR",
	ModXW:              "XW",
	ModXY:              "XY",
	ModXYW:             "XYW",
	ModXYZ:             "XYZ",
	ModXZ:              "XZ",
	ModXZW:             "XZW",
	ModY:               "Y",
	ModYW:              "YW",
	ModYZ:              "YZ",
	ModYZW:             "YZW",
	ModZ:               "Z",
	ModZW:              "ZW",
	ModRCP64H:          "RCP64H",
	ModSQRT:            "SQRT",
	ModIVALL:           "IVALL",
	ModSYNC:            "SYNC",
	ModRLE:             "RLE",
	ModRGT:             "RGT",
	ModARV:             "ARV",
	ModPHYS:            "PHYS",
}

var selNames = [numSels]string{
	Sel0000:  "0000",
	Sel0213:  "0213",
	Sel1111:  "1111",
	Sel1230:  "1230",
	Sel2222:  "2222",
	Sel2310:  "2310",
	Sel3012:  "3012",
	Sel3120:  "3120",
	Sel3201:  "3201",
	Sel3333:  "3333",
	Sel4321:  "4321",
	Sel4444:  "4444",
	Sel4567:  "4567",
	Sel5432:  "5432",
	Sel5476:  "5476",
	Sel5555:  "5555",
	Sel6543:  "6543",
	Sel6666:  "6666",
	Sel6745:  "6745",
	Sel7777:  "7777",
	SelB0:    "B0",
	SelB1:    "B1",
	SelB2:    "B2",
	SelB3:    "B3",
	SelCC:    "CC",
	SelF32:   "F32",
	SelH0:    "H0",
	SelH0_H0: "H0_H0",
	SelH1:    "H1",
	SelH1_H1: "H1_H1",
}

var ccNames = [numCCTests]string{
	CCF:       "F",
	CCLT:      "LT",
	CCEQ:      "EQ",
	CCLE:      "LE",
	CCGT:      "GT",
	CCNE:      "NE",
	CCGE:      "GE",
	CCNUM:     "NUM",
	CCNAN:     "NAN",
	CCLTU:     "LTU",
	CCEQU:     "EQU",
	CCLEU:     "LEU",
	CCGTU:     "GTU",
	CCNEU:     "NEU",
	CCGEU:     "GEU",
	CCT:       "T",
	CCOFF:     "OFF",
	CCLO:      "LO",
	CCSFF:     "SFF",
	CCLS:      "LS",
	CCHI:      "HI",
	CCSFT:     "SFT",
	CCHS:      "HS",
	CCOFT:     "OFT",
	CCCSM_TA:  "CSM_TA",
	CCCSM_TR:  "CSM_TR",
	CCCSM_MX:  "CSM_MX",
	CCFCSM_TA: "FCSM_TA",
	CCFCSM_TR: "FCSM_TR",
	CCFCSM_MX: "FCSM_MX",
	CCRLE:     "RLE",
	CCRGT:     "RGT",
}
