package dropout

import "math/bits"

// Constants of Philox4x32 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, section
// 4.3).
const (
	philoxM0     = 0xD2511F53 // multiplier of counter word 0
	philoxM1     = 0xCD9E8D57 // multiplier of counter word 2
	philoxW0     = 0x9E3779B9 // key step: the golden ratio
	philoxW1     = 0xBB67AE85 // key step: sqrt(3) - 1
	philoxRounds = 10
)

// Philox is Philox4x32-10: four random words that depend on nothing but counter and key, so that any element of any
// mask can be drawn by itself, on the CPU or in a GPU thread, with the same result.
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	c0, c1, c2, c3 := counter[0], counter[1], counter[2], counter[3]
	k0, k1 := key[0], key[1]
	for range philoxRounds {
		hi0, lo0 := bits.Mul32(philoxM0, c0)
		hi1, lo1 := bits.Mul32(philoxM1, c2)
		c0, c1, c2, c3 = hi1^c1^k0, lo1, hi0^c3^k1, lo0
		k0 += philoxW0
		k1 += philoxW1
	}
	return [4]uint32{c0, c1, c2, c3}
}

// patternBlock is the largest counter word 0 of the words that patterns are drawn from (see Words). Masks never come
// that far: their counter word 0 is element/4.
const patternBlock = 1<<32 - 1

// philoxKey splits a seed into the key of Philox.
func philoxKey(seed uint64) [2]uint32 { return [2]uint32{uint32(seed), uint32(seed >> 32)} }

// philoxCounter is the counter of a block of four words: (block, layer, iteration low word, iteration high word).
func philoxCounter(block, layer uint32, iteration uint64) [4]uint32 {
	return [4]uint32{block, layer, uint32(iteration), uint32(iteration >> 32)}
}
