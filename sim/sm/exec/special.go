package exec

import (
	"math/bits"

	"warpdrop/sim/sm/lower"
)

// readSpecial executes S2R.
func (x *Exec) readSpecial(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	x.specials(w, op.Aux)
	laneMOV(d, &x.tmp, mask)
	if op.Width == 2 { // CS2R
		x.specials(w, op.Aux+1)
		laneMOV(w.row(op.Dst+1), &x.tmp, mask)
	}
}

// readBarrierResult executes B2R.RESULT.
func (x *Exec) readBarrierResult(w *Warp, op *lower.Op, mask uint32) {
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
	case lower.SRLaneID:
		return uint32(i)
	case lower.SRVirtID:
		// The warp slot in bits 8-14 and the SM in bits 20-28: where ptxas takes %warpid and %smid from.
		return uint32(w.Slot)<<8 | x.SMID<<20
	case lower.SRMultiprocessor:
		return x.SMID
	case lower.SRVirtCfg:
		return x.SMs << 20
	case lower.SRSharedSize:
		return uint32(len(b.Shared))
	case lower.SRStackBottom:
		return 0 // the stack takes a thread's local memory from its end down to its start
	case lower.SRTid:
		return t%b.Dim[0] | t/b.Dim[0]%b.Dim[1]<<16 | t/(b.Dim[0]*b.Dim[1])<<26
	case lower.SRTidX:
		return t % b.Dim[0]
	case lower.SRTidY:
		return t / b.Dim[0] % b.Dim[1]
	case lower.SRTidZ:
		return t / (b.Dim[0] * b.Dim[1])
	case lower.SRCtaIDX:
		return b.Index[0]
	case lower.SRCtaIDY:
		return b.Index[1]
	case lower.SRCtaIDZ:
		return b.Index[2]
	case lower.SREqMask:
		return 1 << i
	case lower.SRLtMask:
		return 1<<i - 1
	case lower.SRLeMask:
		return 2<<i - 1
	case lower.SRGtMask:
		return ^uint32(2<<i - 1)
	case lower.SRGeMask:
		return ^uint32(1<<i - 1)
	case lower.SRClockLo:
		return uint32(x.Clock)
	case lower.SRClockHi:
		return uint32(x.Clock >> 32)
	case lower.SRGlobalTimerLo:
		return uint32(x.nanoseconds())
	case lower.SRGlobalTimerHi:
		return uint32(x.nanoseconds() >> 32)
	}
	return 0
}

// specials fills tmp with a special register of all lanes.
func (x *Exec) specials(w *Warp, number uint32) {
	b := w.Block
	switch number {
	case lower.SRTidX:
		if b.Dim[1]*b.Dim[2] == 1 {
			for i := range x.tmp {
				x.tmp[i] = uint32(w.InBlock*32 + i)
			}
			return
		}
	case lower.SRLaneID, lower.SRTid, lower.SRTidY, lower.SRTidZ, lower.SREqMask, lower.SRLtMask, lower.SRLeMask,
		lower.SRGtMask, lower.SRGeMask:
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
