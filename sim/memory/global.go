package memory

import (
	"errors"
	"fmt"
	"slices"
	"sort"
)

// Device addresses. The low 4 GiB hold no device memory: there lie the windows through which generic addresses reach
// shared and local memory. The compiled code of a generic atomic masks a shared address with 0xffffff, which makes each
// window 16 MiB, aligned to its size; it takes any address with a nonzero upper half for global.
const (
	// generic address of byte 0 of the block's shared memory: c[0x0][0x0], upper half in c[0x0][0x100]
	SharedWindow = 0x01000000
	// generic address of byte 0 of the thread's local memory: c[0x0][0x4], upper half in c[0x0][0x104]
	LocalWindow = 0x02000000
	WindowBytes = 0x01000000

	// FirstAddress is the address of the first allocation.
	FirstAddress = 0x10_0000_0000
	LocalBase    = 1 << 44 // address from which the device lays out local memory (see LocalAddress)
	addressEnd   = 1 << 40 // allocations end below

	// Alignment of an allocation's address in bytes, as cudaMalloc's.
	Alignment = 256
	// GuardBytes is the smallest gap between two allocations.
	GuardBytes = 64 << 10

	hostPadding = 64 // bytes behind an allocation's data that vector code may read, though not use
)

// ErrOutOfMemory is returned by Alloc when the address space is used up.
var ErrOutOfMemory = errors.New("out of device memory")

// Span is one allocation of device memory: Size bytes from address Base.
type Span struct {
	Base uint64
	Size uint64
	Data []byte // Size bytes; at least hostPadding more stand behind them

	Written Written // bytes that somebody has written; nil = all, see Global.Track
}

// Global is device memory: allocations with guard gaps between them. Addresses are not used twice until all have been
// used once, so that an access to freed memory is an error too. Readers may share it; Alloc, Free, Write and Commit
// want it for themselves.
type Global struct {
	spans []*Span // by address
	next  uint64
}

// NewGlobal returns empty device memory.
func NewGlobal() *Global { return &Global{next: FirstAddress} }

// Alloc reserves n bytes, zero-filled, and returns their address. The host's pages are touched when they are used.
func (g *Global) Alloc(n int64) (uint64, error) {
	at, err := g.place(n, Alignment)
	if err != nil {
		return 0, err
	}
	s := &Span{Base: at, Size: uint64(n), Data: make([]byte, n+hostPadding)[:n]}
	hugePages(s.Data)
	g.insert(s)
	return at, nil
}

// Map reserves the address of n bytes, a multiple of align, and has host provide the memory behind it: a slice of n
// bytes that the host uses too, with hostPadding readable bytes behind it.
func (g *Global) Map(n int64, align uint64, host func(addr uint64) ([]byte, error)) (uint64, error) {
	at, err := g.place(n, align)
	if err != nil {
		return 0, err
	}
	data, err := host(at)
	if err != nil {
		return 0, err
	}
	if int64(len(data)) != n || cap(data)-len(data) < hostPadding {
		return 0, fmt.Errorf("mapping of %d bytes: the host gives %d and %d behind them, wanted are %d behind",
			n, len(data), cap(data)-len(data), hostPadding)
	}
	g.insert(&Span{Base: at, Size: uint64(n), Data: data})
	return at, nil
}

// place finds room for n bytes: behind all that was ever reserved, and where that would leave the address space, in the
// first gap between allocations that is wide enough.
func (g *Global) place(n int64, align uint64) (uint64, error) {
	if n <= 0 {
		return 0, fmt.Errorf("allocation of %d bytes: the size must be positive", n)
	}
	up := func(addr uint64) uint64 { return (addr + align - 1) &^ (align - 1) }
	full := fmt.Errorf("allocation of %d bytes: %w", n, ErrOutOfMemory)
	if n > addressEnd {
		return 0, full
	}
	fits := func(at, end uint64) bool { return at+uint64(n)+GuardBytes <= end }
	if at := up(g.next); fits(at, addressEnd) {
		g.next = (at + uint64(n) + GuardBytes + Alignment - 1) &^ (Alignment - 1)
		return at, nil
	}
	at := up(FirstAddress)
	for _, s := range g.spans {
		if fits(at, s.Base) {
			return at, nil
		}
		at = up(s.Base + s.Size + GuardBytes)
	}
	if fits(at, addressEnd) {
		return at, nil
	}
	return 0, full
}

// insert puts s in its place by address.
func (g *Global) insert(s *Span) {
	i := g.index(s.Base) + 1
	g.spans = slices.Insert(g.spans, i, s)
}

// Free gives back the allocation at addr, which must be an address that Alloc returned.
func (g *Global) Free(addr uint64) error {
	i := g.index(addr)
	if i < 0 || g.spans[i].Base != addr {
		return fmt.Errorf("free of %#x: not the address of an allocation", addr)
	}
	g.spans[i].Size = 0 // whoever still holds it finds no byte in it
	g.spans = append(g.spans[:i], g.spans[i+1:]...)
	return nil
}

// SizeOf returns the bytes of the allocation at addr, which Alloc returned; 0 if there is none.
func (g *Global) SizeOf(addr uint64) int64 {
	if i := g.index(addr); i >= 0 && g.spans[i].Base == addr {
		return int64(g.spans[i].Size)
	}
	return 0
}

// index returns the index of the last span that begins at or before addr, -1 if there is none.
func (g *Global) index(addr uint64) int {
	return sort.Search(len(g.spans), func(i int) bool { return g.spans[i].Base > addr }) - 1
}

// Find returns the allocation that holds addr, nil if there is none.
func (g *Global) Find(addr uint64) *Span {
	if i := g.index(addr); i >= 0 && addr-g.spans[i].Base < g.spans[i].Size {
		return g.spans[i]
	}
	return nil
}

// Describe says where addr lies, for error messages.
func (g *Global) Describe(addr uint64) string {
	i := g.index(addr)
	if i < 0 {
		return "below all allocations"
	}
	s := g.spans[i]
	if off := addr - s.Base; off < s.Size {
		return fmt.Sprintf("byte %d of the allocation of %d bytes at %#x", off, s.Size, s.Base)
	}
	return fmt.Sprintf("%d bytes past the end of the allocation of %d bytes at %#x", addr-s.Base-s.Size, s.Size, s.Base)
}

// bytes returns the n bytes at addr, which must lie in one allocation.
func (g *Global) bytes(addr uint64, n int) ([]byte, error) { return g.Bytes(addr, int64(n)) }

// Bytes returns the n bytes at addr themselves, which must lie in one allocation.
func (g *Global) Bytes(addr uint64, n int64) ([]byte, error) {
	s := g.Find(addr)
	if s == nil || s.Size-(addr-s.Base) < uint64(n) {
		return nil, fmt.Errorf("%d bytes at %#x are not in one allocation: %s", n, addr, g.Describe(addr))
	}
	return s.Data[addr-s.Base:][:n], nil
}

// Read copies len(p) bytes at addr into p.
func (g *Global) Read(addr uint64, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	b, err := g.bytes(addr, len(p))
	copy(p, b)
	return err
}

// Write copies p to addr.
func (g *Global) Write(addr uint64, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	b, err := g.bytes(addr, len(p))
	if copy(b, p) > 0 {
		g.Mark(addr, uint64(len(p)), true)
	}
	return err
}

// Copy copies n bytes at from to addr to; the two may overlap.
func (g *Global) Copy(to, from uint64, n int64) error {
	if n == 0 {
		return nil
	}
	src, err := g.Bytes(from, n)
	if err != nil {
		return err
	}
	dst, err := g.Bytes(to, n)
	if err != nil {
		return err
	}
	copy(dst, src)
	g.MarkCopy(to, from, uint64(n))
	return nil
}

// LocalAddress returns the physical address of byte offset of the local memory of thread lane in a resident warp.
// warp numbers the warp slots of the whole device. Words of equal offset in the 32 threads of a warp lie side by side,
// so that they coalesce, as the CUDA programming guide describes local memory.
func LocalAddress(warp, lane int, perThread, offset uint64) uint64 {
	stride := (perThread + 3) / 4 * 128
	return LocalBase + uint64(warp)*stride + offset/4*128 + uint64(lane)*4 + offset%4
}

// LocalOffset returns the offset that LocalAddress laid out at addr.
func LocalOffset(addr, perThread uint64) uint64 {
	at := (addr - LocalBase) % ((perThread + 3) / 4 * 128)
	return at/128*4 + at%4
}
