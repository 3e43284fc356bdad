package sm

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
var xmadModes = func() (t [numXmad]xmadMode) {
	for i := range t {
		m := &t[i]
		bit := func(b uint32, yes, no uint32) uint32 {
			if uint32(i)&b != 0 {
				return yes
			}
			return no
		}
		m.shiftA, m.maskA = bit(xmadHighA, 0, 16), bit(xmadSignA, ^uint32(0), 0xffff)
		m.shiftB, m.maskB = bit(xmadHighB, 0, 16), bit(xmadSignB, ^uint32(0), 0xffff)
		m.shiftP = bit(xmadPSL, 16, 0)
		m.shiftC, m.maskC = bit(xmadCHI, 16, 0), bit(xmadCLO, 0xffff, ^uint32(0))
		m.maskCBCC = bit(xmadCBCC, ^uint32(0), 0)
		m.keep, m.merge = bit(xmadMRG, 0xffff, ^uint32(0)), bit(xmadMRG, 0xffff0000, 0)
	}
	return t
}()
