package exec

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// TestPatternCost executes shared-memory accesses of a few shapes at many places and compares passes, conflicts and
// data with those of each access by itself.
func TestPatternCost(t *testing.T) {
	const size = 8192
	p := &lower.Program{Ops: make([]lower.Op, 4), Pool: make([]lower.Row, 4), Registers: 32, SharedBytes: size}
	blk := &Block{}
	blk.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
	w := blk.Warps[0]
	r := rand.New(rand.NewPCG(11, 12))
	for i := range blk.Shared {
		blk.Shared[i] = byte(r.Uint32())
	}
	var x Exec
	shapes := make([][32]uint32, 40)
	masks := make([]uint32, len(shapes))
	for k := range shapes {
		masks[k] = r.Uint32() | -uint32(k&1) | 1<<(k%32)
		stride, group := r.Uint32N(40), 1+r.IntN(32)
		for i := range shapes[k] {
			shapes[k][i] = stride * uint32(i/group)
			if k%3 == 0 {
				shapes[k][i] = r.Uint32N(60)
			}
		}
	}
	for n := range 20000 {
		k := r.IntN(len(shapes))
		op := lower.Op{Code: []lower.Code{lower.CodeLDS, lower.CodeSTS}[n&1], Dst: 16, A: 8, C: 20,
			Size: uint8(n / 2 % 7), IsMem: true, NoGuard: true, Imm: int64(r.IntN(3) * 16)}
		width := lower.SizeBytes[op.Size]
		base := r.Uint32N(1000) * uint32(width)
		a := memory.Access{Space: memory.SpaceShared, Kind: memory.Load, Bytes: width, Mask: masks[k]}
		if op.Code == lower.CodeSTS {
			a.Kind = memory.Store
		}
		inside := true
		for i := range 32 {
			w.row(8)[i] = base + shapes[k][i]*uint32(width)
			a.Addr[i] = uint64(w.row(8)[i]) + uint64(op.Imm)
			inside = inside && (a.Mask>>i&1 == 0 || a.Addr[i]+uint64(width) <= size)
			for c := range lower.Src(4) {
				w.row(20 + c)[i] = r.Uint32()
				w.row(16 + c)[i] = 0xdead
			}
		}
		want := append([]byte(nil), blk.Shared...)
		if op.Code == lower.CodeSTS && inside {
			for m := a.Mask; m != 0; m &= m - 1 {
				i := bits.TrailingZeros32(m)
				var buf [16]byte
				for c := range 4 {
					binary.LittleEndian.PutUint32(buf[4*c:], w.row(20 + lower.Src(c))[i])
				}
				copy(want[a.Addr[i]:], buf[:width])
			}
		}
		w.PC = int32(n % 3)
		x.Fault = ExecFault{}
		x.Exec(w, &op, a.Mask)
		if inside == (x.Fault.Reason != "") {
			t.Fatalf("%+v: fault %q", a, x.Fault.Reason)
		}
		if !inside {
			continue
		}
		if string(want) != string(blk.Shared) {
			t.Fatalf("%+v: memory differs", a)
		}
		if passes, conflicts := memory.SharedCost(&a); x.Passes != passes || x.Conflicts != conflicts {
			t.Fatalf("%+v: %d passes, %d conflicts; alone %d, %d", a, x.Passes, x.Conflicts, passes, conflicts)
		}
		if op.Code != lower.CodeLDS {
			continue
		}
		for i := range 32 {
			for c := range 4 {
				v := uint32(0xdead)
				switch {
				case a.Mask>>i&1 == 0:
				case op.Size >= lower.Size32 && 4*c < width:
					v = binary.LittleEndian.Uint32(blk.Shared[a.Addr[i]+uint64(4*c):])
				case c == 0:
					v = narrow(op.Size, blk.Shared[a.Addr[i]:])
				}
				if got := w.row(16 + lower.Src(c))[i]; got != v {
					t.Fatalf("%+v: lane %d word %d: %#x, want %#x", a, i, c, got, v)
				}
			}
		}
	}
}
