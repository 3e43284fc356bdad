package memory

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// AtomicOp is what an atomic does with memory and its operand.
type AtomicOp uint8

const (
	AtomicAdd AtomicOp = iota
	AtomicMin
	AtomicMax
	AtomicInc // old >= b ? 0 : old+1
	AtomicDec // old == 0 || old > b ? b : old-1
	AtomicAnd
	AtomicOr
	AtomicXor
	AtomicExch
	AtomicCAS // old == a ? b : old
	AtomicArrive
)

// AtomicType is the type on which an atomic works.
type AtomicType uint8

const (
	AtomicU32 AtomicType = iota
	AtomicS32
	AtomicU64
	AtomicS64
	AtomicF32 // round to nearest, denormals flushed to zero: RED.E.ADD.F32.FTZ.RN
	AtomicF64
	AtomicF16x2 // two halves, each added by itself and rounded to the nearest; denormals are kept: atom.add.noftz.f16x2
)

// Bytes returns the size of t.
func (t AtomicType) Bytes() int {
	switch t {
	case AtomicU64, AtomicS64, AtomicF64:
		return 8
	}
	return 4
}

// Apply returns what memory holds after the operation on the old value: 32-bit types use the low halves. a is the
// operand; for AtomicCAS it is the value to compare with and b the one to store.
func (op AtomicOp) Apply(t AtomicType, old, a, b uint64) uint64 {
	switch op {
	case AtomicAdd:
		switch t {
		case AtomicF32:
			return uint64(addF32(uint32(old), uint32(a)))
		case AtomicF64:
			return math.Float64bits(math.Float64frombits(old) + math.Float64frombits(a))
		case AtomicF16x2:
			return uint64(addHalf(uint16(old), uint16(a))) | uint64(addHalf(uint16(old>>16), uint16(a>>16)))<<16
		}
		return old + a
	case AtomicMin, AtomicMax:
		var less bool
		switch t {
		case AtomicS32:
			less = int32(a) < int32(old)
		case AtomicU32:
			less = uint32(a) < uint32(old)
		case AtomicS64:
			less = int64(a) < int64(old)
		default:
			less = a < old
		}
		if less == (op == AtomicMin) {
			return a
		}
		return old
	case AtomicInc:
		if uint32(old) >= uint32(a) {
			return 0
		}
		return old + 1
	case AtomicDec:
		if uint32(old) == 0 || uint32(old) > uint32(a) {
			return a
		}
		return old - 1
	case AtomicAnd:
		return old & a
	case AtomicOr:
		return old | a
	case AtomicXor:
		return old ^ a
	case AtomicExch:
		return a
	case AtomicArrive:
		return arrived(old)
	}
	if t.Bytes() == 4 && uint32(old) == uint32(a) || old == a {
		return b
	}
	return old
}

// addF32 adds with denormal inputs and results flushed to zeros of their sign.
func addF32(x, y uint32) uint32 {
	r := flush(math.Float32bits(math.Float32frombits(flush(x)) + math.Float32frombits(flush(y))))
	if r&0x7fffffff > 0x7f800000 {
		return 0x7fffffff
	}
	return r
}

// addHalf adds halves, which are whole multiples of 2^-24, and rounds to the nearest, ties to even.
func addHalf(x, y uint16) uint16 {
	infinite := func(h uint16) bool { return h&0x7fff == 0x7c00 }
	switch {
	case x&0x7fff > 0x7c00 || y&0x7fff > 0x7c00 || infinite(x) && y == x^0x8000:
		return 0x7fff
	case infinite(x):
		return x
	case infinite(y):
		return y
	case x == 0x8000 && y == 0x8000:
		return 0x8000
	}
	whole := func(h uint16) int64 {
		v := int64(h & 0x3ff)
		if e := h >> 10 & 31; e > 0 {
			v = (v | 0x400) << (e - 1)
		}
		if h>>15 != 0 {
			v = -v
		}
		return v
	}
	sum, sign := whole(x)+whole(y), uint16(0)
	if sum < 0 {
		sum, sign = -sum, 0x8000
	}
	n := max(bits.Len64(uint64(sum))-11, 0) // bits that a half has no room for
	if n > 0 {
		sum = (sum + 1<<(n-1) - 1 + sum>>n&1) >> n
	}
	// The highest of 11 bits makes the exponent one more, a carry of the rounding another one.
	return sign | uint16(min(sum+int64(n)<<10, 0x7c00))
}

func flush(x uint32) uint32 {
	if x&0x7f800000 == 0 {
		return x & 0x80000000
	}
	return x
}

// arrived is an mbarrier (64 bits in shared memory, as ptxas 12.9 sets them up) after one more arrival. From bit 32 on
// are 31 bits that count up to 2^31, and a bit that changes when they do, which is the end of a phase. The next phase
// counts from where the lowest 30 bits say: they are 2^30 less the number of arrivals.
func arrived(old uint64) uint64 {
	if v := old + 1<<32; v>>32&(1<<31-1) != 0 {
		return v
	}
	return old&(1<<32-1) | ((old>>63^1)<<31|1<<30|old&(1<<30-1))<<32
}

// ApplyBytes applies the operation to memory b and returns the old value.
func (op AtomicOp) ApplyBytes(t AtomicType, mem []byte, a, b uint64) (old uint64) {
	if t.Bytes() == 8 {
		old = binary.LittleEndian.Uint64(mem)
		binary.LittleEndian.PutUint64(mem, op.Apply(t, old, a, b))
		return old
	}
	old = uint64(binary.LittleEndian.Uint32(mem))
	binary.LittleEndian.PutUint32(mem, uint32(op.Apply(t, old, a, b)))
	return old
}
