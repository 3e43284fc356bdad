// Package rowtest makes registers and code for tests.
package rowtest

import (
	"encoding/binary"
	"math/rand/v2"

	"warpdrop/sim/isa"
)

// Code is these instruction words, from address 8 on, in groups of three behind control words that ask for no stall.
func Code(words ...uint64) *isa.Code {
	const nop, control = 0x50b0000000070f00, 0x7e0 | 0x7e0<<21 | 0x7e0<<42
	var image []byte
	for i := 0; i < len(words) || i%3 != 0; i++ {
		if i%3 == 0 {
			image = binary.LittleEndian.AppendUint64(image, control)
		}
		word := uint64(nop)
		if i < len(words) {
			word = words[i]
		}
		image = binary.LittleEndian.AppendUint64(image, word)
	}
	return isa.NewCode(isa.Maxwell, image)
}

// Edges are operands on which arithmetic tends to go wrong: zeros, denormals, extremes, infinities, NaNs, shift
// amounts.
var Edges = []uint32{0, 1, 2, 31, 32, 33, 255, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0x80000001,
	0xffffffff, 0xfffffffe,
	0x00800000, 0x007fffff, 0x80800000, 0x807fffff, 0x3f800000, 0xbf800000, 0x3f7fffff, 0x3f800001, 0x7f7fffff,
	0xff7fffff, 0x7f800000, 0xff800000,
	0x7fc00000, 0x7f800001, 0xffc12345, 0x34000000, 0x33800000, 0x00000fff, 0x1e3ce508, 0x20000000, 0xa0000000}

// Random returns a row of numbers among which edges and near cancellation are common.
func Random(r *rand.Rand) (x [32]uint32) {
	for i := range x {
		switch r.IntN(4) {
		case 0:
			x[i] = Edges[r.IntN(len(Edges))]
		case 1: // numbers of similar size, which cancel
			x[i] = 0x3f000000 + r.Uint32N(0x01800000) | r.Uint32()&0x80000000
		case 2: // near the denormals
			x[i] = r.Uint32N(0x21000000) | r.Uint32()&0x80000000
		default:
			x[i] = r.Uint32()
		}
	}
	return x
}
