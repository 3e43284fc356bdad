package memory

import "math/bits"

// divisor divides by a number fixed in advance with one multiplication, which is exact for dividends below limit, 2^64
// / n.
type divisor struct{ n, magic, limit uint64 }

func newDivisor(n int) divisor {
	if n == 1 {
		return divisor{n: 1}
	}
	return divisor{uint64(n), ^uint64(0)/uint64(n) + 1, ^uint64(0) / uint64(n)}
}

func (d *divisor) divide(x uint64) (quotient, remainder uint64) {
	if d.n == 1 {
		return x, 0
	}
	q, _ := bits.Mul64(x, d.magic)
	return q, x - q*d.n
}

// quotient is divide for any dividend, without the remainder.
func (d *divisor) quotient(x uint64) uint64 {
	if d.n == 1 || x >= d.limit {
		return x / d.n
	}
	q, _ := bits.Mul64(x, d.magic)
	return q
}

// Places of the address map that are the same on every GPU: of a GTX 1070 and a GTX 1080, Jain et al. (RTAS 2019,
// "Fractional GPUs") read that 1 KiB of addresses lies on one channel, and that bit 14 of an address chooses neither
// channel nor bank, so that a row holds what is 16 KiB apart. Matrices whose rows are 4, 8 or 16 KiB long gain from it.
const (
	chunkBits = 3 // lines that lie together, 1 KiB
	nearBits  = 4 // bits of a chunk's number below those that choose among a row's chunks
)

// mapping places lines of device memory in channels, L2 slices and DRAM.
//
// A row of DRAM holds chunks of 1 KiB that are 16 KiB apart: the bits of the address that tell these from each other
// are taken out of it. What is left numbers groups of chunks, and the groups are dealt to the n channels in rounds:
// group G is in round G/n, and goes to channel (G mod n + h(round)) mod n. Each round gives every channel exactly one
// group, so that large contiguous footprints are spread evenly also where n is not a power of two, and (channel, round,
// chunk, line) is the line's whole address. The rotation h, a multiplicative hash of the round (Knuth), keeps strides
// that are multiples of n chunks from falling on one channel; policy "modulo" leaves it out. How 11 or 12 channels are
// really hashed is not published; of 8, only by exclusive or of address bits, which the rotation stands for.
//
// A channel's slices take the lines of a chunk in turn, beginning with one that the round's hash gives. A round's rows
// are in the bank that its low bits say (the bank group in the lowest), exclusive-ored with those of the row
// (permutation-based interleaving, Zhang et al., MICRO 2000), which keeps arrays whose distance is a multiple of all
// banks' rows apart.
type mapping struct {
	channels  divisor
	rotate    bool
	lineBits  uint // of a chunk's lines
	farBits   uint // chunks of a row
	perSlice  divisor
	number    [4][1 << chunkBits]uint8 // slice of each line of a chunk, by two bits of the round's hash
	within    [1 << chunkBits]uint8    // and which of the slice's lines of the chunk it is
	bankBits  uint
	bankCount uint64
}

// chunkPlace is where a chunk lies: its channel, two bits of its round's hash, and the number that the first of its
// lines has in its slice.
type chunkPlace struct {
	chunk   uint64
	base    uint64
	channel uint32
	turn    uint32
}

func newMapping(c *Config) mapping {
	columns := uint(bits.TrailingZeros(uint(c.DRAM.RowBytes / LineBytes)))
	slices := c.L2.SlicesPerChannel
	m := mapping{
		channels:  newDivisor(c.DRAM.Channels),
		rotate:    hashes[c.L2.Hash] == hashRotate,
		lineBits:  min(chunkBits, columns),
		bankBits:  uint(bits.TrailingZeros(uint(c.DRAM.Banks))),
		bankCount: uint64(c.DRAM.Banks),
	}
	m.farBits = columns - m.lineBits
	m.perSlice = newDivisor(ceilDiv(1<<m.lineBits, slices))
	for l := range 1 << m.lineBits {
		m.within[l] = uint8(l / slices)
		for k := range m.number {
			m.number[k][l] = uint8((l%slices + l/slices + k) % slices)
		}
	}
	return m
}

// place returns the channel that a line (an address divided by LineBytes) lies on, the number of its slice there, and
// its own number within the slice.
func (m *mapping) place(line uint64) (channel, slice int, local uint64) {
	var at chunkPlace
	m.chunk(line>>(m.lineBits&31), &at)
	slice, local = m.line(line, &at)
	return int(at.channel), slice, local
}

// chunk finds where a chunk lies.
func (m *mapping) chunk(chunk uint64, at *chunkPlace) {
	far := chunk >> nearBits & (1<<(m.farBits&31) - 1)
	round, c := m.channels.divide(chunk&(1<<nearBits-1) | chunk>>((nearBits+m.farBits)&63)<<nearBits)
	var turn uint64
	if m.rotate {
		h := round * 0x9E3779B97F4A7C15 >> 32
		c += h * m.channels.n >> 32
		if c >= m.channels.n {
			c -= m.channels.n
		}
		turn = h & 3
	}
	at.chunk, at.base, at.channel, at.turn = chunk, (round<<(m.farBits&31)|far)*m.perSlice.n, uint32(c), uint32(turn)
}

// line returns the slice of a line of a chunk whose place is known, and its number within the slice.
func (m *mapping) line(line uint64, at *chunkPlace) (slice int, local uint64) {
	l := line & (1<<(m.lineBits&31) - 1) % (1 << chunkBits) // it is below that: lineBits is at most chunkBits
	return int(m.number[at.turn&3][l]), at.base + uint64(m.within[l])
}

// dram returns the bank (its group in the low bits) and row of a slice's line.
func (m *mapping) dram(local uint64) (bank uint8, row int64) {
	chunk, _ := m.perSlice.divide(local)
	round := chunk >> (m.farBits & 31)
	upper := round >> (m.bankBits & 31)
	return uint8((round ^ upper) & (m.bankCount - 1)), int64(upper)
}
