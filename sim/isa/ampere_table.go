package isa

// ampereSuffixes gives the suffixes by value of a field; _ is none, ? undefined.
var ampereSuffixes = map[string]string{
	"exit": "_ KEEPREFCOUNT PREEMPTED ?",
}

// bindless is the bit of a constant operand whose bank a uniform register names, and of a uniform register itself.
const bindless = 1 << (91 - 64)

// noBarriers are the control bits of an instruction that sets no barrier.
const noBarriers = 63 << (110 - 64)

// ampereTable begins the family: what proves that tables, printer and tests serve it.
var ampereTable = []row{
	{AmpereMOV, Word{0x202, 0}, Word{0xfff, bindless}, "R16 R32 u72:4?15"},
	{AmpereMOV, Word{0x802, 0}, Word{0xfff, bindless}, "R16 u32:32 u72:4?15"},
	{AmpereMOV, Word{0xa02, 0}, Word{0xfff, bindless}, "R16 C u72:4?15"},
	{AmpereMOV, Word{0xa02, bindless}, Word{0xfff, bindless}, "R16 Y32 u72:4?15"},
	{AmpereMOV, Word{0xc02, bindless}, Word{0xfff, bindless}, "R16 U32 u72:4?15"},

	{AmpereIADD3, Word{0x210, 0}, Word{0xfff, bindless | ampereX}, "R16 P81?7 P84?7 R24(-72) R32(-63) R64(-75)"},
	{AmpereIADD3, Word{0x810, 0}, Word{0xfff, bindless | ampereX}, "R16 P81?7 P84?7 R24(-72) s32:32 R64(-75)"},
	{AmpereIADD3, Word{0xa10, 0}, Word{0xfff, bindless | ampereX}, "R16 P81?7 P84?7 R24(-72) C(-63) R64(-75)"},
	{AmpereIADD3, Word{0xa10, bindless}, Word{0xfff, bindless | ampereX}, "R16 P81?7 P84?7 R24(-72) Y32(-63) R64(-75)"},
	{AmpereIADD3, Word{0xc10, bindless}, Word{0xfff, bindless | ampereX}, "R16 P81?7 P84?7 R24(-72) U32(-63) R64(-75)"},

	// With the carries of lower words.
	{AmpereIADD3, Word{0x210, ampereX}, Word{0xfff, bindless | ampereX}, ".X R16 P81?7 P84?7 R24(~72) R32(~63) R64(~75) P87(!90) P77(!80)"},
	{AmpereIADD3, Word{0x810, ampereX}, Word{0xfff, bindless | ampereX}, ".X R16 P81?7 P84?7 R24(~72) s32:32 R64(~75) P87(!90) P77(!80)"},
	{AmpereIADD3, Word{0xa10, ampereX}, Word{0xfff, bindless | ampereX}, ".X R16 P81?7 P84?7 R24(~72) C(~63) R64(~75) P87(!90) P77(!80)"},
	{AmpereIADD3, Word{0xa10, bindless | ampereX}, Word{0xfff, bindless | ampereX}, ".X R16 P81?7 P84?7 R24(~72) Y32(~63) R64(~75) P87(!90) P77(!80)"},
	{AmpereIADD3, Word{0xc10, bindless | ampereX}, Word{0xfff, bindless | ampereX}, ".X R16 P81?7 P84?7 R24(~72) U32(~63) R64(~75) P87(!90) P77(!80)"},

	{AmpereEXIT, Word{0x94d, noBarriers}, Word{0xfff, bindless | noBarriers}, ".exit@84:2 .NO_ATEXIT@86 P87?7(!90)"},
}

// ampereX is the bit of IADD3.X.
const ampereX = 1 << (74 - 64)
