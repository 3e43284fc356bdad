package driver

import (
	"bytes"
	"encoding/binary"
	"unsafe"
)

// The program's own memory, by address. A program that hands over a wrong address dies of it here as it would in any
// driver.

// at turns an address into a pointer. Inlined into a copy of constant size it makes Go 1.26's compiler panic.
//
//go:noinline
func at(addr uint64) unsafe.Pointer {
	p := uintptr(addr)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p)) // as go vet cannot know: these addresses are not Go's
}

// hostBytes is n bytes of the program's memory.
func hostBytes(addr, n uint64) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(at(addr)), int(n))
}

func get32(addr uint64) uint32 { return binary.LittleEndian.Uint32(hostBytes(addr, 4)) }
func get64(addr uint64) uint64 { return binary.LittleEndian.Uint64(hostBytes(addr, 8)) }

// maxString bounds a C string; PTX is the longest that clients hand over.
const maxString = 1 << 30

// hostString reads a C string.
func hostString(addr uint64) string {
	if addr == 0 {
		return ""
	}
	n := uint64(0)
	for n < maxString && *(*byte)(at(addr + n)) != 0 {
		n++
	}
	return string(hostBytes(addr, n))
}

// Arguments of a call.

func (c *call) u64(i int) uint64 { return c.args[i] }
func (c *call) u32(i int) uint32 { return uint32(c.args[i]) }
func (c *call) int(i int) int    { return int(int32(uint32(c.args[i]))) }

// put32 writes a result where argument i points; put64 is for handles, addresses and sizes.
func (c *call) put32(i int, v uint32) Result {
	if c.args[i] == 0 {
		return InvalidValue
	}
	binary.LittleEndian.PutUint32(hostBytes(c.args[i], 4), v)
	return Success
}

func (c *call) put64(i int, v uint64) Result {
	if c.args[i] == 0 {
		return InvalidValue
	}
	put64(c.args[i], v)
	return Success
}

func put32(addr uint64, v uint32) {
	if addr != 0 {
		binary.LittleEndian.PutUint32(hostBytes(addr, 4), v)
	}
}

func put64(addr, v uint64) {
	if addr != 0 {
		binary.LittleEndian.PutUint64(hostBytes(addr, 8), v)
	}
}

// putString writes s and a zero to n bytes, cut off where it is longer.
func putString(addr, n uint64, s string) Result {
	if addr == 0 || n == 0 {
		return InvalidValue
	}
	b := hostBytes(addr, n)
	b[copy(b[:n-1], s)] = 0
	return Success
}

// cString returns the address of s as a C string that stays.
func (d *Driver) cString(s string) uint64 {
	if p, ok := d.strings[s]; ok {
		return uint64(p)
	}
	b := append([]byte(s), 0)
	pinned.keep = append(pinned.keep, b)
	p := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	d.strings[s] = p
	return uint64(p)
}

// pinned keeps what programs were given the address of; Go's collector moves no heap memory.
var pinned struct{ keep [][]byte }

// field reads the fields of a C structure, one after the other.
type field struct{ b []byte }

func structure(addr, n uint64) field { return field{bytes.Clone(hostBytes(addr, n))} }

func (f field) u32(off int) uint32 { return binary.LittleEndian.Uint32(f.b[off:]) }
func (f field) u64(off int) uint64 { return binary.LittleEndian.Uint64(f.b[off:]) }

// addressOf is where the program finds b, as long as b is kept.
func addressOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
