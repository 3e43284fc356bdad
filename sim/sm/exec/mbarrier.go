package exec

import (
	"encoding/binary"
	"math"
	"math/bits"

	"warpdrop/sim/memory"
)

// arrival is threads that arrive at an mbarrier in shared memory when copies have landed (cp.async.mbarrier.arrive):
// ARRIVES leaves it, who times the copies says when, and the next instruction that looks at shared memory from then on
// has it done.
type arrival struct {
	addr    uint64
	threads int
	key     uint32 // of the instruction
	at      int64  // cycle
}

// arriveLater executes ARRIVES for the addresses in Access: at once where nobody times copies.
func (x *Exec) arriveLater(w *Warp, mask uint32) {
	b := w.Block
	b.dueKey++
	at := int64(math.MinInt64)
	if x.TimedCopies {
		at = math.MaxInt64
	}
	for m := mask; m != 0; {
		addr := x.Access.Addr[bits.TrailingZeros32(m)]
		a := arrival{addr: addr, key: b.dueKey, at: at}
		for k := m; k != 0; k &= k - 1 {
			if i := bits.TrailingZeros32(k); x.Access.Addr[i] == addr {
				a.threads++
				m &^= 1 << i
			}
		}
		b.due = append(b.due, a)
	}
	b.landed(x.Clock)
}

// Arrival returns the key of the ARRIVES that a block's warp has executed last.
func (b *Block) Arrival() uint32 { return b.dueKey }

// Land says at which cycle the copies of an ARRIVES have landed.
func (b *Block) Land(key uint32, at int64) {
	for i := range b.due {
		if b.due[i].key == key {
			b.due[i].at = at
		}
	}
}

// settle does the arrivals up to a cycle, before an instruction looks at shared memory.
func (b *Block) settle(cycle int64) {
	if len(b.due) != 0 {
		b.landed(cycle)
	}
}

// landed is settle where arrivals are due.
func (b *Block) landed(cycle int64) {
	left := b.due[:0]
	for _, a := range b.due {
		if a.at > cycle {
			left = append(left, a)
			continue
		}
		p := b.Shared[a.addr:]
		v := binary.LittleEndian.Uint64(p)
		for range a.threads {
			v = memory.AtomicArrive.Apply(memory.AtomicU64, v, 0, 0)
		}
		binary.LittleEndian.PutUint64(p, v)
	}
	b.due = left
}
