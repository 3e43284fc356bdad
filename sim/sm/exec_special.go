package sm

import "math/bits"

// readSpecial executes S2R.
func (x *Exec) readSpecial(w *Warp, op *Op, mask uint32) {
	d := x.dst(w, op)
	x.specials(w, op.Aux)
	laneMOV(d, &x.tmp, mask)
}

// readBarrierResult executes B2R.RESULT.
func (x *Exec) readBarrierResult(w *Warp, op *Op, mask uint32) {
	d := x.dst(w, op)
	r := w.BarResult
	for m := mask; m != 0; m &= m - 1 {
		d[bits.TrailingZeros32(m)] = r
	}
	w.setPred(op.PDst, allOnes(r != 0), mask)
}

// special returns a special register as lane i of w reads it.
func (x *Exec) special(w *Warp, number uint32, i int) uint32 {
	b := w.Block
	t := uint32(w.InBlock*32 + i)
	switch number {
	case SRLaneID:
		return uint32(i)
	case SRVirtID:
		// The warp slot in bits 8-14 and the SM in bits 20-28: where ptxas takes %warpid and %smid from.
		return uint32(w.Slot)<<8 | x.SMID<<20
	case SRVirtCfg:
		return x.SMs << 20
	case SRSharedSize:
		return uint32(len(b.Shared))
	case SRStackBottom:
		return 0 // the stack takes a thread's local memory from its end down to its start
	case SRTid:
		return t%b.Dim[0] | t/b.Dim[0]%b.Dim[1]<<16 | t/(b.Dim[0]*b.Dim[1])<<26
	case SRTidX:
		return t % b.Dim[0]
	case SRTidY:
		return t / b.Dim[0] % b.Dim[1]
	case SRTidZ:
		return t / (b.Dim[0] * b.Dim[1])
	case SRCtaIDX:
		return b.Index[0]
	case SRCtaIDY:
		return b.Index[1]
	case SRCtaIDZ:
		return b.Index[2]
	case SREqMask:
		return 1 << i
	case SRLtMask:
		return 1<<i - 1
	case SRLeMask:
		return 2<<i - 1
	case SRGtMask:
		return ^uint32(2<<i - 1)
	case SRGeMask:
		return ^uint32(1<<i - 1)
	case SRClockLo:
		return uint32(x.Clock)
	case SRClockHi:
		return uint32(x.Clock >> 32)
	case SRGlobalTimerLo:
		return uint32(x.nanoseconds())
	case SRGlobalTimerHi:
		return uint32(x.nanoseconds() >> 32)
	}
	return 0
}

// specials fills tmp with a special register of all lanes.
func (x *Exec) specials(w *Warp, number uint32) {
	b := w.Block
	switch number {
	case SRTidX:
		if b.Dim[1]*b.Dim[2] == 1 {
			for i := range x.tmp {
				x.tmp[i] = uint32(w.InBlock*32 + i)
			}
			return
		}
	case SRLaneID, SRTid, SRTidY, SRTidZ, SREqMask, SRLtMask, SRLeMask, SRGtMask, SRGeMask:
	default: // the same in all
		v := x.special(w, number, 0)
		for i := range x.tmp {
			x.tmp[i] = v
		}
		return
	}
	for i := range x.tmp {
		x.tmp[i] = x.special(w, number, i)
	}
}

// nanoseconds is the time since the device was made.
func (x *Exec) nanoseconds() uint64 { return uint64(float64(x.Clock) * x.Period) }
