package lower

// Code says what execution does for an Op. The values are dense, and their order means nothing: see Traits.
type Code uint8

const (
	CodeIllegal Code = iota // not reachable when the program was lowered: a fault if it is executed after all
	CodeNOP
	CodeFence // NOP to all but checks
	CodeMOV
	CodeSEL

	// FP32. Codes that end in FTZ flush denormals; those in X have a directed rounding mode, .SAT or .FMZ.
	CodeFFMA
	CodeFFMAFTZ
	CodeFFMAX
	CodeFADD
	CodeFADDFTZ
	CodeFADDX
	CodeFMUL
	CodeFMULFTZ
	CodeFMULX
	CodeFMNMX
	CodeFSETP
	CodeFSET
	CodeFCMP
	CodeFCHK
	CodeRRO
	CodeMUFU
	CodeMUFUH // MUFU.F16

	// Integers. Codes that end in X use the condition code or saturate.
	CodeIADD
	CodeIADDX
	CodeIADD3
	CodeIADD3X
	CodeISCADD
	CodeLEA
	CodeLEAHI
	CodeXMAD
	CodeXMADX
	CodeIMAD
	CodeLOP3
	CodeLOP3X
	CodeSHL
	CodeSHR
	CodeSHF
	CodeBFE
	CodeBFI
	CodePRMT
	CodeFLO
	CodePOPC
	CodeISETP
	CodeISETPX
	CodeISET
	CodeICMP
	CodeIMNMX
	CodeIMNMXX

	// Conversions.
	CodeF2F
	CodeF2I
	CodeI2F
	CodeI2I

	// FP64.
	CodeDADD
	CodeDMUL
	CodeDFMA
	CodeDMNMX
	CodeDSETP
	CodeDSET

	// Predicates and the condition code.
	CodePSETP
	CodePSET
	CodeCSETP
	CodeCSET
	CodeP2R
	CodeR2P

	// Packed and video instructions.
	CodeIDP
	CodeVADD
	CodeVABSDIFF
	CodeVMNMX
	CodeVSHL
	CodeVSHR
	CodeVSET
	CodeVMAD
	CodeVABSDIFF4
	CodeHADD2
	CodeHMUL2
	CodeHFMA2
	CodeHSET2
	CodeHSETP2
	CodeHMNMX2

	CodeSetCC // the instruction with the code in Op.Imm2, then the flags by its result

	// Across lanes, special registers.
	CodeVOTE
	CodeSHFL
	CodeS2R
	CodeB2R

	// Memory.
	CodeLDC
	CodeLDS
	CodeSTS
	CodeLDG
	CodeSTG
	CodeLDL
	CodeSTL
	CodeLD
	CodeST
	CodeATOM
	CodeATOMS

	// Control.
	CodeBRA
	CodeBRX
	CodeSSY
	CodeSYNC
	CodePBK
	CodeBRK
	CodePCNT
	CodeCONT
	CodePRET
	CodeCAL
	CodeRET
	CodePLONGJMP
	CodeLONGJMP
	CodeEXIT
	CodeBAR
	CodeTRAP
	CodeSystem // a function of CUDA's run-time system, and the return from it

	// What the families of 128-bit words have otherwise: carries in predicates, addends of 64 bits, uniform registers.
	CodeMOV64   // two registers
	CodeFSEL    // SEL with signs
	CodeIADD3P  // IADD3 with carries in and out
	CodeIADD364 // UIADD3.64
	CodeMAD     // IMAD, the lower half
	CodeMADX    // the same with a carry in
	CodeMADWide // IMAD.WIDE, .HI
	CodeIABS
	CodeISETPEX // the upper half of a comparison of 64 bits
	CodeLEAP    // LEA with carries in and out, LEA.HI
	CodeLOP3P   // LOP3 with a predicate
	CodePLOP3
	CodeSHF64 // SHF that needs all 64 bits
	CodeSGXT
	CodeBMSK
	CodeBREV
	CodeDMINMAX // DSETP.MIN, .MAX
	CodeF2FP
	CodeABSDIFF
	CodeMATCH
	CodeREDUX
	CodeVOTEU
	CodeR2UR
	CodeBMOVR // a convergence barrier to a register
	CodeBMOVB // and back

	// Independent thread scheduling.
	CodeBSSY
	CodeBSYNC
	CodeBREAK
	CodeWARPSYNC
	CodeYIELD
	CodeBRADIV // BRA.DIV, .CONV
	CodeJump   // CALL and RET through a register
	CodeCall   // CALL: the return address is in a register

	CodeMMA     // products of matrices: HMMA IMMA BMMA DMMA
	CodeMMAStep // HMMA.884
	CodeMOVM    // a matrix of 8 by 8 halves, transposed
	CodeLDSM    // matrices of 8 by 8 halves, from shared memory

	CodeLDGSTS    // cp.async: from global memory into shared memory
	CodeLDGDEPBAR // its barrier is held until all copies before it have arrived
	CodeARRIVES   // cp.async.mbarrier.arrive: an arrival at an mbarrier when they have
	CodeQSPC      // whether an address is in a window
	NumCodes
)

// Trait is what the rest of the simulator has to know of a code: one row each in Traits.
type Trait struct {
	Memory  bool  // leaves an access for the memory system
	Control bool  // may move the PC other than by one, change the active threads, or make the warp wait
	Target  bool  // Op.Imm is the index of an instruction that it leads to
	Float   bool  // the result is an FP32 number: -0 counts as zero in the condition code
	FLOP    uint8 // floating-point operations a thread: 2 for a fused multiply-add, 1 for a sum or product
}

// Traits has a row for each code; one that is left out computes integers or bits and does nothing else.
var Traits = [NumCodes]Trait{
	CodeIllegal: {Control: true},

	CodeFFMA:    {Float: true, FLOP: 2},
	CodeFFMAFTZ: {Float: true, FLOP: 2},
	CodeFFMAX:   {Float: true, FLOP: 2},
	CodeFADD:    {Float: true, FLOP: 1},
	CodeFADDFTZ: {Float: true, FLOP: 1},
	CodeFADDX:   {Float: true, FLOP: 1},
	CodeFMUL:    {Float: true, FLOP: 1},
	CodeFMULFTZ: {Float: true, FLOP: 1},
	CodeFMULX:   {Float: true, FLOP: 1},
	CodeFMNMX:   {Float: true},
	CodeRRO:     {Float: true},
	CodeF2F:     {Float: true},
	CodeI2F:     {Float: true},

	CodeDADD: {FLOP: 1},
	CodeDMUL: {FLOP: 1},
	CodeDFMA: {FLOP: 2},

	CodeLDC:     {Memory: true},
	CodeLDS:     {Memory: true},
	CodeLDSM:    {Memory: true},
	CodeLDGSTS:  {Memory: true},
	CodeSTS:     {Memory: true},
	CodeLDG:     {Memory: true},
	CodeSTG:     {Memory: true},
	CodeLDL:     {Memory: true},
	CodeSTL:     {Memory: true},
	CodeLD:      {Memory: true},
	CodeST:      {Memory: true},
	CodeATOM:    {Memory: true},
	CodeATOMS:   {Memory: true},
	CodeARRIVES: {Memory: true},

	CodeBRA:      {Control: true, Target: true},
	CodeBRX:      {Control: true},
	CodeSSY:      {Control: true, Target: true},
	CodeSYNC:     {Control: true},
	CodePBK:      {Control: true, Target: true},
	CodeBRK:      {Control: true},
	CodePCNT:     {Control: true, Target: true},
	CodeCONT:     {Control: true},
	CodePRET:     {Control: true, Target: true},
	CodeCAL:      {Control: true, Target: true},
	CodeRET:      {Control: true},
	CodePLONGJMP: {Control: true, Target: true},
	CodeLONGJMP:  {Control: true},
	CodeEXIT:     {Control: true},
	CodeBAR:      {Control: true},
	CodeTRAP:     {Control: true},
	CodeSystem:   {Control: true},

	CodeBSSY:     {Control: true},
	CodeBSYNC:    {Control: true},
	CodeBREAK:    {Control: true},
	CodeWARPSYNC: {Control: true},
	CodeYIELD:    {Control: true},
	CodeBRADIV:   {Control: true, Target: true},
	CodeJump:     {Control: true},
	CodeCall:     {Control: true, Target: true},
}

// Flags of an Op. Those of the sources come in pairs, so that Flags>>2i&3 indexes signMods for source i.
const (
	FlagNegA uint32 = 1 << iota
	FlagAbsA
	FlagNegB
	FlagAbsB
	FlagNegC
	FlagAbsC
	FlagNotA
	FlagNotB
	FlagFTZ
	FlagFMZ // 0 * x = 0 for every x
	FlagSAT
	FlagSigned
	FlagHigh  // upper half of a product; LEA.HI
	FlagWrap  // SHL.W, SHF.W: shift amount modulo the width
	FlagRight // SHF.R
	Flag64    // 64-bit: SHF, FP64 sources of a conversion
	FlagRev   // BFE.BREV
	FlagShift // FLO.SH
	FlagBF    // FSET.BF, ISET.BF: 1.0 for true
	FlagTest  // LOP: the destination predicate tests the result for nonzero (for zero with FlagZero)
	FlagZero
	FlagPlus1 // IADD.PO
	FlagReadOnly
	FlagNoResult // RED
	FlagCC       // P2R, R2P: the condition code's flags, not predicates
	FlagNotC
	FlagUniform // memory: B is a uniform register that is added to the address
	FlagNaN     // conversions: what is not a number becomes 0; FMNMX, HMNMX2: stays one
	FlagGeneric // ATOM: an address in the window of shared memory is there
	FlagXorSign // FMNMX, HMNMX2: the result is negative where one source is
)

// Rounding modes, as Op.Aux&3 of floating-point operations holds them.
const (
	RoundNearest uint32 = iota
	RoundDown           // .RM
	RoundUp             // .RP
	RoundZero           // .RZ
)

// Comparisons, as Op.Aux of compare operations holds them in its low four bits: one bit for less, equal, greater and
// unordered each.
const (
	CmpLT uint32 = 1 << iota
	CmpEQ
	CmpGT
	CmpUN
)

// Boolean operations that combine a comparison with the source predicate: Op.Aux bits 4-5, and 6-7 for PSETP's first.
const (
	BoolAND uint32 = iota
	BoolOR
	BoolXOR
)

const (
	AuxBool  = 4
	AuxBool1 = 6
)

// Sizes of memory accesses and of conversions' integers, as Op.Size.
const (
	SizeU8 uint8 = iota
	SizeS8
	SizeU16
	SizeS16
	Size32
	Size64
	Size128
)

// SizeBytes is the width of each size.
var SizeBytes = [...]int{SizeU8: 1, SizeS8: 1, SizeU16: 2, SizeS16: 2, Size32: 4, Size64: 8, Size128: 16}

// Functions of MUFU: Op.Aux.
const (
	MufuCOS uint32 = iota
	MufuSIN
	MufuEX2
	MufuLG2
	MufuRCP
	MufuRSQ
	MufuRCP64H
	MufuRSQ64H
	MufuSQRT
	MufuTANH
)

// Modes of SHFL: Op.Aux.
const (
	ShflIDX uint32 = iota
	ShflUP
	ShflDOWN
	ShflBFLY
)

// Modes of VOTE: Op.Aux.
const (
	VoteALL uint32 = iota
	VoteANY
	VoteEQ
)

// Modes of PRMT: Op.Aux.
const (
	PrmtIDX uint32 = iota
	PrmtF4E
	PrmtB4E
	PrmtRC8
	PrmtECL
	PrmtECR
	PrmtRC16
)

// Special registers: Op.Aux of S2R, by the encoding's number.
const (
	SRLaneID        = 0x00
	SRVirtID        = 0x03
	SRVirtCfg       = 0x02
	SRTid           = 0x20
	SRTidX          = 0x21
	SRTidY          = 0x22
	SRTidZ          = 0x23
	SRCtaIDX        = 0x25
	SRCtaIDY        = 0x26
	SRCtaIDZ        = 0x27
	SRSharedSize    = 0x32
	SRStackBottom   = 0x37
	SREqMask        = 0x38
	SRLtMask        = 0x39
	SRLeMask        = 0x3a
	SRGtMask        = 0x3b
	SRGeMask        = 0x3c
	SRClockLo       = 0x50
	SRClockHi       = 0x51
	SRGlobalTimerLo = 0x52
	SRGlobalTimerHi = 0x53
	// SR_VIRTUALSMID of 128-bit words, whose number means something else before
	SRMultiprocessor = 0x143
)

// BarKind is what a BAR instruction asks for.
type BarKind uint8

const (
	BarNone BarKind = iota
	BarSync
	BarArrive
	BarRedPopc
	BarRedAnd
	BarRedOr
)

// Bits of an index into xmadModes: Op.Aux of XMAD.
const (
	XMADHighA uint32 = 1 << iota
	XMADSignA
	XMADHighB
	XMADSignB
	XMADPSL
	XMADMRG
	XMADCLO
	XMADCHI
	XMADCBCC
	NumXMAD
)
