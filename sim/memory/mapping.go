package memory

import "math/bits"

// divisor divides by a number fixed in advance with one multiplication, which is exact for dividends below limit, 2^64 / n.
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

// mapping places lines of device memory in L2 slices and DRAM.
//
// Lines are dealt to the n slices in rounds: line L is in round L/n, and goes to slice (L mod n + h(round)) mod n. Each
// round gives every slice exactly one line, so that any contiguous footprint is spread evenly also where n is not a
// power of two, and the pair (slice, round) is the line's whole address. The rotation h, a multiplicative hash of the
// round (Knuth), keeps strides that are multiples of n lines from falling on one slice; policy "modulo" leaves it out.
//
// A channel has neighbouring slices; its lines are numbered round x slices + slice, and that number's bits are, from
// the lowest: one of column, those of the bank group, the rest of the column, the rest of the bank, the row. So
// neighbouring lines of a channel alternate between bank groups, whose column commands may follow each other faster
// than within one. Bank and group are exclusive-ored with the row's low bits (permutation-based interleaving, Zhang
// et al., MICRO 2000), which keeps arrays whose distance is a multiple of all banks' rows apart.
type mapping struct {
	slices     divisor
	perChannel divisor
	rotate     bool
	colBits    uint // lines a row
	groupBits  uint
	bankBits   uint // banks in a group
}

func newMapping(c *Config) mapping {
	return mapping{
		slices:     newDivisor(c.Slices()),
		perChannel: newDivisor(c.L2.SlicesPerChannel),
		rotate:     hashes[c.L2.Hash] == hashRotate,
		colBits:    uint(bits.TrailingZeros(uint(c.DRAM.RowBytes / LineBytes))),
		groupBits:  uint(bits.TrailingZeros(uint(c.DRAM.BankGroups))),
		bankBits:   uint(bits.TrailingZeros(uint(c.DRAM.Banks / c.DRAM.BankGroups))),
	}
}

// slice returns the L2 slice that holds a line (an address divided by LineBytes), and the line's number within it.
func (m *mapping) slice(line uint64) (slice int, local uint64) {
	local, s := m.slices.divide(line)
	if m.rotate {
		h := local * 0x9E3779B97F4A7C15 >> 32
		s += h * m.slices.n >> 32
		if s >= m.slices.n {
			s -= m.slices.n
		}
	}
	return int(s), local
}

// dram returns the bank (its group in the low bits) and row of a channel's slice's line.
func (m *mapping) dram(slice int, local uint64) (bank uint8, row int64) {
	n := local*m.perChannel.n + uint64(slice)
	n >>= 1
	group := n & (1<<m.groupBits - 1)
	n >>= m.groupBits + m.colBits - 1
	b := n & (1<<m.bankBits - 1)
	n >>= m.bankBits
	b = (b<<m.groupBits | group) ^ n&(1<<(m.groupBits+m.bankBits)-1)
	return uint8(b), int64(n)
}
