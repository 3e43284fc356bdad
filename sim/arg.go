package sim

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Ptr is an address in device memory.
type Ptr uint64

// Dim3 is a size in blocks or threads; zero components count as one.
type Dim3 struct{ X, Y, Z int }

func (d Dim3) array() [3]uint32 {
	return [3]uint32{uint32(max(d.X, 1)), uint32(max(d.Y, 1)), uint32(max(d.Z, 1))}
}

// Count returns X*Y*Z.
func (d Dim3) Count() int64 { return int64(max(d.X, 1)) * int64(max(d.Y, 1)) * int64(max(d.Z, 1)) }

func (d Dim3) String() string { a := d.array(); return fmt.Sprintf("%dx%dx%d", a[0], a[1], a[2]) }

// Arg is one kernel argument: its bytes as the parameter bank holds them.
type Arg struct {
	bytes []byte
	kind  string
}

func word32(kind string, v uint32) Arg {
	return Arg{binary.LittleEndian.AppendUint32(nil, v), kind}
}

func word64(kind string, v uint64) Arg {
	return Arg{binary.LittleEndian.AppendUint64(nil, v), kind}
}

// PtrArg passes a device address.
func PtrArg(p Ptr) Arg { return word64("pointer", uint64(p)) }

// I32 passes a 32-bit signed integer.
func I32(v int32) Arg { return word32("i32", uint32(v)) }

// U32 passes a 32-bit unsigned integer.
func U32(v uint32) Arg { return word32("u32", v) }

// I64 passes a 64-bit signed integer.
func I64(v int64) Arg { return word64("i64", uint64(v)) }

// U64 passes a 64-bit unsigned integer.
func U64(v uint64) Arg { return word64("u64", v) }

// F32 passes a single-precision number.
func F32(v float32) Arg { return word32("f32", math.Float32bits(v)) }

// F64 passes a double-precision number.
func F64(v float64) Arg { return word64("f64", math.Float64bits(v)) }

// Pointer returns a device address, where the argument is one.
func (a Arg) Pointer() (p Ptr, ok bool) {
	if a.kind != "pointer" {
		return 0, false
	}
	return Ptr(binary.LittleEndian.Uint64(a.bytes)), true
}

// Data is the argument as the parameter bank holds it.
func (a Arg) Data() []byte { return a.bytes }

// Bytes passes a structure by value.
func Bytes(b []byte) Arg { return Arg{b, "bytes"} }
