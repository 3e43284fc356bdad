package exec

import (
	"math/bits"

	"warpdrop/sim/sm/lower"
)

// vote executes VOTE.
func (x *Exec) vote(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	p := w.psrc(op) & mask
	var all uint32
	switch op.Aux {
	case lower.VoteALL:
		all = allOnes(p == mask)
	case lower.VoteANY:
		all = allOnes(p != 0)
	case lower.VoteEQ:
		all = allOnes(p == mask || p == 0)
	}
	for m := mask; m != 0; m &= m - 1 {
		d[bits.TrailingZeros32(m)] = p
	}
	w.setPred(op.PDst, all, mask)
}

// shuffle exchanges registers between lanes, as PTX's shfl.
func (x *Exec) shuffle(w *Warp, op *lower.Op, mask uint32) {
	d := x.dst(w, op)
	x.tmp = *w.row(op.A)
	b, c := w.row(op.B), w.row(op.C)
	var in uint32
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		lane, n, clamp, seg := uint32(i), b[i]&31, c[i]&31, c[i]>>8&31
		last := lane&seg | clamp&^seg
		var j uint32
		ok := false
		switch op.Aux {
		case lower.ShflIDX:
			j = lane&seg | n&^seg
			ok = j <= last
		case lower.ShflUP:
			j = lane - n
			ok = int32(j) >= int32(last)
		case lower.ShflDOWN:
			j = lane + n
			ok = j <= last
		case lower.ShflBFLY:
			j = lane ^ n
			ok = j <= last
		}
		if !ok {
			j = lane
		}
		setBit(&in, i, ok)
		if ok && x.Check != nil {
			x.Check.shuffle(w, w.PC-1, i, int(j&31), mask, x.Clock)
		}
		d[i] = x.tmp[j&31]
	}
	w.setPred(op.PDst, in, mask)
}
