// Package memory is the GPU's memory system: what memory holds (device memory, shared memory) and what reaching it
// costs (shared-memory banks, coalescing, L1, crossbar, L2, DRAM).
package memory

// Space is the memory space of an access.
type Space uint8

const (
	SpaceGlobal Space = iota
	SpaceShared
	SpaceLocal
	SpaceConst
)

// AccessKind is what an access does.
type AccessKind uint8

const (
	Load         AccessKind = iota
	LoadReadOnly            // LDG.CI, texture path
	Store
	Atomic // with a result
	Reduce // atomic without a result
)

// CacheOp is the cache operator of a load or store.
type CacheOp uint8

const (
	CacheDefault CacheOp = iota // as the preset says of global loads: l1.global_loads
	CacheCA                     // cache at all levels: global loads of a kernel that asked for it
	CacheCG                     // cache at L2 only
	CacheCS                     // streaming
	CacheCV                     // volatile: do not cache
	CacheWT                     // write through
	CacheLU                     // last use
)

// Access is what one warp instruction asks of memory: the executor fills it from the real addresses, the timing model
// reads it. One is kept an SM and used again for every instruction.
type Access struct {
	Space Space
	Kind  AccessKind
	Cache CacheOp
	Bytes int    // a thread: 1, 2, 4, 8 or 16
	Mask  uint32 // threads that take part
	Unit  bool   // all threads take part, each with the element after that of the one before; false = not known
	Part  uint8  // which of the SM's L1 caches serves it; taken modulo their number
	// byte address of each; shared: offset in the block's window; local: device-wide physical address, interleaved so that
	// equal offsets of 32 threads coalesce
	Addr [32]uint64
}
