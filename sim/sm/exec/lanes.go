package exec

import "warpdrop/sim/sm/lower"

// luts holds the logic table of LOP3 spread out, by immediate.
var luts = func() (t [256]lut) {
	for imm := range t {
		for k := range t[imm] {
			t[imm][k] = -(uint32(imm) >> k & 1)
		}
	}
	return t
}()

// xmadModes holds what each combination of XMAD's suffixes does.
var xmadModes = func() (t [lower.NumXMAD]xmadMode) {
	for i := range t {
		m := &t[i]
		bit := func(b uint32, yes, no uint32) uint32 {
			if uint32(i)&b != 0 {
				return yes
			}
			return no
		}
		m.shiftA, m.maskA = bit(lower.XMADHighA, 0, 16), bit(lower.XMADSignA, ^uint32(0), 0xffff)
		m.shiftB, m.maskB = bit(lower.XMADHighB, 0, 16), bit(lower.XMADSignB, ^uint32(0), 0xffff)
		m.shiftP = bit(lower.XMADPSL, 16, 0)
		m.shiftC, m.maskC = bit(lower.XMADCHI, 16, 0), bit(lower.XMADCLO, 0xffff, ^uint32(0))
		m.maskCBCC = bit(lower.XMADCBCC, ^uint32(0), 0)
		m.keep, m.merge = bit(lower.XMADMRG, 0xffff, ^uint32(0)), bit(lower.XMADMRG, 0xffff0000, 0)
	}
	return t
}()
