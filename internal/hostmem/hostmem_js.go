package hostmem

import "runtime"

// limit is what is asked of a page at most: WebAssembly has 4 GiB of addresses, and Go's collector needs room beside
// what is in use.
const limit = 2 << 30

func available() (int64, bool) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return max(limit-int64(m.HeapInuse), 0), true
}
