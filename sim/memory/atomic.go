package memory

import (
	"encoding/binary"
	"math"
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
	AtomicF16x2
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

func flush(x uint32) uint32 {
	if x&0x7f800000 == 0 {
		return x & 0x80000000
	}
	return x
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
