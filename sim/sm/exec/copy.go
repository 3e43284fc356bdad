package exec

import (
	"math/bits"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// copyGlobal executes LDGSTS: each thread copies 4, 8 or 16 bytes of global memory into shared memory. The bytes are
// there at once; programs wait for their barrier, whose time is the timing model's. Access is the load, Copied the
// store.
func (x *Exec) copyGlobal(w *Warp, op *lower.Op, mask uint32) {
	a, c := &x.Access, &x.Copied
	n := uint64(a.Bytes)
	c.Space, c.Kind, c.Bytes, c.Mask = memory.SpaceShared, memory.Store, a.Bytes, mask
	base := w.row(op.C)
	shared := w.Block.Shared
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		to := uint64(base[i] + uint32(op.Imm2))
		c.Addr[i] = to
		if to%n != 0 || to+n > uint64(len(shared)) {
			a.Addr = c.Addr
			x.checkShared(w, 1<<i)
			return
		}
	}
	a.Space, a.Kind, a.Mask = memory.SpaceGlobal, memory.Load, mask&w.psrc(op)
	lo, hi := w.row(op.A), w.row(lower.PoolZero)
	if op.Flags&lower.Flag64 != 0 {
		hi = w.row(op.A + 1)
	}
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		to := shared[c.Addr[i]:][:n]
		if a.Mask>>i&1 == 0 {
			clear(to)
			continue
		}
		addr, bytes := (uint64(hi[i])<<32|uint64(lo[i]))+uint64(op.Imm), n
		if op.Flags&lower.FlagZero != 0 {
			bytes -= addr & (n - 1)
			addr &^= n - 1
		}
		a.Addr[i] = addr
		s := x.span
		if s == nil || addr-s.Base >= s.Size {
			s = x.Global.Global.Find(addr)
			x.span = s
		}
		if addr%n != 0 || s == nil || s.Size-(addr-s.Base) < bytes {
			x.checkGlobal(1 << i)
			return
		}
		x.Global.Load(s, addr, to[:bytes])
		clear(to[bytes:])
	}
	x.Passes, x.Conflicts = memory.SharedCost(c)
}
