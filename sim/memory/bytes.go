package memory

import "unsafe"

// rowBytes returns the memory of words as bytes, in the host's order, which must be little-endian as the GPU's is
// (hostOrder panics on any other).
func rowBytes(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}

func init() {
	if rowBytes([]uint32{1})[0] != 1 {
		panic("memory: this program needs a little-endian machine")
	}
}
