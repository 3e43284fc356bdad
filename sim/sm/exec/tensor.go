package exec

import (
	"math"
	"math/bits"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/lower"
)

// Products of matrices. A lane holds parts of A, B, C and D as the PTX ISA manual shows for mma.sync: lane 4g+t has,
// of each register of A, neighbours in row g from column t*(elements of a register) on; odd registers have row g+8, and
// from the third register on columns follow those of the first two. B has columns for rows. Of C and D lane 4g+t
// has columns 2t and 2t+1 of row g, then of row g+8.

// fraction is a number that tensor cores multiply: sig times 2 to the exp - fraction bits of its kind. The exponent is
// that of the number's format, also if the number is subnormal.
type fraction struct {
	sig int32
	exp int32
}

// special marks infinity and what is not a number in fraction.exp.
const special = 1 << 20

// multiplyMatrices executes HMMA, IMMA, BMMA and DMMA.
func (x *Exec) multiplyMatrices(w *Warp, op *lower.Op, mask uint32) {
	switch op.Aux & lower.MMAKind {
	case lower.MMAF64:
		x.multiplyDoubles(w, op, mask)
	case lower.MMABit:
		x.multiplyBits(w, op, mask)
	case lower.MMAInt8, lower.MMAInt4:
		x.multiplyIntegers(w, op, mask)
	default:
		x.multiplyFloats(w, op, mask)
	}
}

// mmaRows returns the number of rows of A, the depth of the sum and the registers of A and B.
func mmaRows(op *lower.Op, bitsOf int) (rows, depth, wordsA, wordsB int) {
	rows, depth = 8, int(op.Aux>>lower.MMADepth&511)
	if op.Aux&lower.MMARows16 != 0 {
		rows = 16
	}
	stored := depth
	if op.Aux&lower.MMASparse != 0 {
		stored /= 2
	}
	return rows, depth, rows * stored * bitsOf / 1024, 8 * depth * bitsOf / 1024
}

// sparsity says which columns of A are stored in a sparse product: two of four neighbours, of halves and of bytes; of
// TF32 one of two, of 4 bits two pairs of four. Four bits of a register say it for one such group: two numbers, of TF32
// 4 for the first and 14 for the second. Elements of 16 and 32 bits have 16 bits for row g and 16 for row g+8 in lane
// 4g+t, t being the selector, or, where that is not enough, in 2t and the next one. The others have all 32 bits for row
// g in lane 4g+2t, for row g+8 in the next one; where that is not enough there are two more for the columns behind.
// (PTX ISA, mma.sp; the order in which CUTLASS stores them, tools/util/host_reorder.h, reorder_meta.)
type sparsity struct {
	row      *lower.Row
	selector int
	kind     uint32
	depth    int
}

func newSparsity(w *Warp, op *lower.Op) sparsity {
	return sparsity{w.row(lower.Src(op.Imm)), int(op.Aux >> lower.MMASelect & 3), op.Aux & lower.MMAKind,
		int(op.Aux >> lower.MMADepth & 511)}
}

// column returns the column of what is stored in a row at column k.
func (s *sparsity) column(row, k int) int {
	switch s.kind {
	case lower.MMATF32:
		return 2*k + int(s.group(row, k)>>1&1)
	case lower.MMAInt4:
		return 8*(k/4) + 2*int(s.group(row, k/4)>>(k/2%2*2)&3) + k%2
	}
	return 4*(k/2) + int(s.group(row, k/2)>>(k%2*2)&3)
}

// group returns the four bits of a group of neighbours.
func (s *sparsity) group(row, group int) uint32 {
	lane, half := row%8*4, row/8
	if s.kind <= lower.MMATF32 {
		if s.depth > 16 || s.kind == lower.MMATF32 && s.depth > 8 {
			lane += 2*s.selector + group/4
		} else {
			lane += s.selector
		}
		return s.row[lane&31] >> (16*half + group%4*4) & 15
	}
	return s.row[(lane+2*s.selector+half+group/8*2)&31] >> (group % 8 * 4) & 15
}

// placeA returns the row and the first column of what lane has in register r of A, whose registers hold per elements;
// of B it is column and row with rows 8.
func placeA(rows, r, lane, per int) (row, k int) {
	row, k = lane>>2, lane&3*per
	if rows == 16 {
		return row + r&1*8, k + r>>1*4*per
	}
	return row, k + r*4*per
}

// sumAt returns the row and column of register j of 32-bit elements of C and D in a lane.
func sumAt(lane, j int) (row, col int) { return lane>>2 + j>>1*8, lane&3*2 + j&1 }

// multiplyIntegers executes IMMA: sums of 32 bits, which wrap around or stay at the ends.
func (x *Exec) multiplyIntegers(w *Warp, op *lower.Op, mask uint32) {
	size := 8
	if op.Aux&lower.MMAKind == lower.MMAInt4 {
		size = 4
	}
	rows, depth, wordsA, wordsB := mmaRows(op, size)
	var a [16][128]int32
	var b [8][128]int32
	sparse := op.Aux&lower.MMASparse != 0
	stored := newSparsity(w, op)
	per := 32 / size
	unpack := func(v uint32, i int, signed bool) int32 {
		v = v >> (i * size) << (32 - size)
		if signed {
			return int32(v) >> (32 - size)
		}
		return int32(v >> (32 - size))
	}
	for lane := range 32 {
		for r := range wordsA {
			row, k := placeA(rows, r, lane, per)
			for i := range per {
				to := k + i
				if sparse {
					to = stored.column(row, to)
				}
				a[row][to] = unpack(w.row(op.A + lower.Src(r))[lane], i, op.Aux&lower.MMASignedA != 0)
			}
		}
		for r := range wordsB {
			n, k := placeA(8, r, lane, per)
			for i := range per {
				b[n][k+i] = unpack(w.row(op.B + lower.Src(r))[lane], i, op.Aux&lower.MMASignedB != 0)
			}
		}
	}
	x.sums(w, op, mask, rows, func(row, col int, c uint32) uint32 {
		sum := int64(int32(c))
		for k := range depth {
			sum += int64(a[row][k]) * int64(b[col][k])
		}
		if op.Aux&lower.MMASat != 0 {
			sum = min(max(sum, math.MinInt32), math.MaxInt32)
		}
		return uint32(sum)
	})
}

// multiplyBits executes BMMA: the number of ones in what two rows of bits have in common, or do not.
func (x *Exec) multiplyBits(w *Warp, op *lower.Op, mask uint32) {
	rows, depth, wordsA, wordsB := mmaRows(op, 1)
	var a [16][8]uint32
	var b [8][8]uint32
	for lane := range 32 {
		for r := range wordsA {
			row, k := placeA(rows, r, lane, 1)
			a[row][k] = w.row(op.A + lower.Src(r))[lane]
		}
		for r := range wordsB {
			n, k := placeA(8, r, lane, 1)
			b[n][k] = w.row(op.B + lower.Src(r))[lane]
		}
	}
	x.sums(w, op, mask, rows, func(row, col int, c uint32) uint32 {
		for k := range depth / 32 {
			v := a[row][k] ^ b[col][k]
			if op.Aux&lower.MMAAnd != 0 {
				v = a[row][k] & b[col][k]
			}
			c += uint32(bits.OnesCount32(v))
		}
		return c
	})
}

// sums writes every element of D, as made from that of C.
func (x *Exec) sums(w *Warp, op *lower.Op, mask uint32, rows int, sum func(row, col int, c uint32) uint32) {
	var d [4]lower.Row // C and D may be the same registers
	n := rows / 4
	for j := range n {
		c := w.row(op.C + lower.Src(j))
		for lane := range 32 {
			row, col := sumAt(lane, j)
			d[j][lane] = sum(row, col, c[lane])
		}
	}
	x.setRows(w, op, mask, d[:n])
}

// setRows writes registers of the active lanes.
func (x *Exec) setRows(w *Warp, op *lower.Op, mask uint32, d []lower.Row) {
	if op.Dst == isa.RZ {
		return
	}
	for j := range d {
		to := w.row(op.Dst + lower.Src(j))
		for m := mask; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			to[i] = d[j][i]
		}
	}
}

// multiplyDoubles executes DMMA: a chain of fused multiply-adds.
func (x *Exec) multiplyDoubles(w *Warp, op *lower.Op, mask uint32) {
	var d [4]lower.Row
	at := func(s lower.Src, lane int) float64 {
		return math.Float64frombits(uint64(w.row(s)[lane]) | uint64(w.row(s + 1)[lane])<<32)
	}
	for lane := range 32 {
		for j := range 2 {
			row, col := sumAt(lane, j)
			sum := at(op.C+lower.Src(2*j), lane)
			for k := range 4 {
				sum = math.FMA(at(op.A, 4*row+k), at(op.B, 4*col+k), sum)
			}
			v := math.Float64bits(sum)
			if sum != sum {
				v = nan64Bit
			}
			d[2*j][lane], d[2*j+1][lane] = uint32(v), uint32(v>>32)
		}
	}
	x.setRows(w, op, mask, d[:])
}

// fractionBits are the bits behind the point of a kind's significands.
var fractionBits = [...]int{lower.MMAF16: 10, lower.MMABF16: 7, lower.MMATF32: 10}

// fractionOf takes an element of a kind apart.
func fractionOf(v uint32, kind uint32) fraction {
	var exp, sig, bias, top uint32
	negative := v>>15 != 0
	switch kind {
	case lower.MMAF16:
		exp, sig, bias, top = v>>10&31, v&1023, 15, 31
	case lower.MMABF16:
		exp, sig, bias, top = v>>7&255, v&127, 127, 255
	default: // TF32: the lowest 13 bits of an FP32 number do not count
		exp, sig, bias, top = v>>23&255, v>>13&1023, 127, 255
		negative = v>>31 != 0
	}
	f := fraction{int32(sig), int32(exp) - int32(bias)}
	switch {
	case exp == top:
		f.exp = special
	case exp == 0:
		f.exp++
	default:
		f.sig |= 1 << fractionBits[kind]
	}
	if negative {
		f.sig = -f.sig
	}
	return f
}

// floatOf is the element as a number, for sums with infinities.
func floatOf(v uint32, kind uint32) float64 {
	switch kind {
	case lower.MMAF16:
		return float64(f32(halfToFloat(uint16(v))))
	case lower.MMABF16:
		return float64(math.Float32frombits(v << 16))
	}
	return float64(math.Float32frombits(v))
}

// floatMatrix is one of the factors: rows of A or columns of B.
type floatMatrix struct {
	parts   [16][32]fraction
	raw     [16][32]uint32
	special [16]bool
	sparse  bool
	kept    [16]uint32 // columns that are stored, by row, if sparse
}

// spread puts the columns of a factor that are stored to their places.
func (f *floatMatrix) spread(s *sparsity) {
	plain := *f
	f.sparse, f.kept = true, [16]uint32{}
	f.parts, f.raw = [16][32]fraction{}, [16][32]uint32{}
	for row := range f.parts {
		for k := range s.depth / 2 {
			to := s.column(row, k)
			f.parts[row][to], f.raw[row][to] = plain.parts[row][k], plain.raw[row][k]
			f.kept[row] |= 1 << to
		}
	}
}

// counts tells whether column k of a row is multiplied.
func (f *floatMatrix) counts(row, k int) bool { return !f.sparse || f.kept[row]>>k&1 != 0 }

// load takes a factor's registers apart.
func (f *floatMatrix) load(w *Warp, s lower.Src, kind uint32, rows, words int) {
	f.special, f.sparse = [16]bool{}, false
	per := 2
	if kind == lower.MMATF32 {
		per = 1
	}
	for r := range words {
		reg := w.row(s + lower.Src(r))
		for lane, v := range reg {
			row, k := placeA(rows, r, lane, per)
			for i := range per {
				e := v >> (16 * i)
				if per == 2 {
					e &= 0xffff
				}
				part := fractionOf(e, kind)
				f.parts[row][k+i], f.raw[row][k+i] = part, e
				f.special[row] = f.special[row] || part.exp == special
			}
		}
	}
}

// multiplyFloats executes HMMA. Products are exact; a block of them and the sum so far are added at once, each cut off
// below the last bit of a number as large as the largest of them: see blockSum.
func (x *Exec) multiplyFloats(w *Warp, op *lower.Op, mask uint32) {
	kind := op.Aux & lower.MMAKind
	size := 16
	if kind == lower.MMATF32 {
		size = 32
	}
	rows, depth, wordsA, wordsB := mmaRows(op, size)
	a, b := &x.factors[0], &x.factors[1]
	a.load(w, op.A, kind, rows, wordsA)
	b.load(w, op.B, kind, 8, wordsB)
	if op.Aux&lower.MMASparse != 0 {
		s := newSparsity(w, op)
		a.spread(&s)
	}
	sum := func(row, col int, c uint32) uint32 { return x.dot(op, a, b, row, col, depth, c) }
	if op.Aux&lower.MMASingle != 0 {
		x.sums(w, op, mask, rows, sum)
		return
	}
	var d [2]lower.Row // two columns of FP16 in a register
	for j := range rows / 8 {
		c := w.row(op.C + lower.Src(j))
		for lane := range 32 {
			row, col := sumAt(lane, 2*j)
			d[j][lane] = sum(row, col, c[lane]&0xffff) | sum(row, col+1, c[lane]>>16)<<16
		}
	}
	x.setRows(w, op, mask, d[:rows/8])
}

// dot is one element of D.
func (x *Exec) dot(op *lower.Op, a, b *floatMatrix, row, col, depth int, c uint32) uint32 {
	single := op.Aux&lower.MMASingle != 0
	kind := op.Aux & lower.MMAKind
	if !single {
		if c&0x7c00 == 0x7c00 {
			return specialHalf(op, a, b, row, col, depth, c)
		}
	} else if c&0x7f800000 == 0x7f800000 {
		return specialSum(op, a, b, row, col, depth, float64(math.Float32frombits(c)))
	}
	if (a.special[row] || b.special[col]) && anySpecial(a, b, row, col, depth) {
		if !single {
			return specialHalf(op, a, b, row, col, depth, c)
		}
		return specialSum(op, a, b, row, col, depth, float64(math.Float32frombits(c)))
	}
	block, extra := int(op.Aux>>lower.MMABlock&15), int(op.Aux>>lower.MMAExtra&3)
	negate := op.Aux&lower.MMANegateA != 0
	if a.sparse { // as many products, of twice the columns
		block *= 2
	}
	for k := 0; k < depth; k += block {
		n := min(k+block, depth)
		c = blockSum(a.parts[row][k:n], b.parts[col][k:n], c, 2*fractionBits[kind], extra, single, negate)
	}
	return c
}

// anySpecial tells whether infinity or what is not a number is multiplied.
func anySpecial(a, b *floatMatrix, row, col, depth int) bool {
	for k := range depth {
		if a.counts(row, k) && (a.parts[row][k].exp == special || b.parts[col][k].exp == special) {
			return true
		}
	}
	return false
}

// specialSum is a sum in which there is an infinity or what is not a number.
func specialSum(op *lower.Op, a, b *floatMatrix, row, col, depth int, sum float64) uint32 {
	kind := op.Aux & lower.MMAKind
	for k := range depth {
		if !a.counts(row, k) {
			continue
		}
		p := floatOf(a.raw[row][k], kind) * floatOf(b.raw[col][k], kind)
		if op.Aux&lower.MMANegateA != 0 {
			p = -p
		}
		sum += p
	}
	switch {
	case math.IsInf(sum, 1):
		return 0x7f800000
	case math.IsInf(sum, -1):
		return 0xff800000
	}
	return 0x7fffffff
}

// specialHalf is specialSum in FP16.
func specialHalf(op *lower.Op, a, b *floatMatrix, row, col, depth int, c uint32) uint32 {
	switch specialSum(op, a, b, row, col, depth, floatOf(c, lower.MMAF16)) {
	case 0x7f800000:
		return 0x7c00
	case 0xff800000:
		return 0xfc00
	}
	return 0x7fff
}

// blockSum adds the products of a and b to c, an FP32 number (single) or an FP16 one, as the tensor cores of Ampere do:
// every product and c are cut off, towards zero, below 2 to the e - 23 - extra, where e is the largest of their
// exponents; a product's is the sum of its factors' exponents. Then they are added exactly. The sum is cut off to FP32,
// or rounded to the nearest FP16 number. below is the number of bits behind the point of a product.
func blockSum(a, b []fraction, c uint32, below, extra int, single, negate bool) uint32 {
	const least = -132 // no exponent counts as less
	top := int32(least)
	exp, sig, point := int32(c>>23&255)-127, int64(c&(1<<23-1)), int32(23)
	negative := c>>31 != 0
	if !single {
		exp, sig, point, negative = int32(c>>10&31)-15, int64(c&1023), 10, c>>15 != 0
	}
	if exp == -127 && single || exp == -15 && !single {
		exp++
	} else {
		sig |= 1 << point
	}
	if sig != 0 {
		top = max(top, exp)
	}
	for i := range a {
		if a[i].sig != 0 && b[i].sig != 0 {
			top = max(top, a[i].exp+b[i].exp)
		}
	}
	last := top - int32(23+extra) // exponent of the last bit that counts
	sum := cutOff(sig, exp-point-last)
	if negative {
		sum = -sum
	}
	var products int64
	for i := range a {
		p := int64(a[i].sig) * int64(b[i].sig)
		if p < 0 {
			products -= cutOff(-p, a[i].exp+b[i].exp-int32(below)-last)
		} else {
			products += cutOff(p, a[i].exp+b[i].exp-int32(below)-last)
		}
	}
	if negate {
		products = -products
	}
	if sum += products; sum < 0 {
		if single {
			return 1<<31 | towardsZero(-sum, last)
		}
		return 1<<15 | nearestHalf(-sum, last)
	}
	if single {
		return towardsZero(sum, last)
	}
	return nearestHalf(sum, last)
}

// cutOff shifts v, which is not negative, left by n bits, or right.
func cutOff(v int64, n int32) int64 {
	if n < 0 {
		return v >> min(-n, 63)
	}
	return v << n
}

// towardsZero is v times 2 to the exp as an FP32 number without sign, rounded towards zero; too large is infinite.
func towardsZero(v int64, exp int32) uint32 {
	if v == 0 {
		return 0
	}
	n := int32(bits.Len64(uint64(v))) // of 24 bits the first is not stored
	if e := exp + n - 1; e < -126 {
		return uint32(cutOff(v, exp+149))
	} else if e > 127 {
		return 0x7f800000
	} else {
		return uint32(cutOff(v, 24-n))&(1<<23-1) | uint32(e+127)<<23
	}
}

// nearestHalf is v times 2 to the exp as an FP16 number without sign, rounded to the nearest, ties to even.
func nearestHalf(v int64, exp int32) uint32 {
	return uint32(floatToHalf(math.Ldexp(float64(v), int(exp)), lower.RoundNearest)) // at most 30 bits: exact
}

// multiplyStep executes HMMA.884, a step of Volta's product: lanes 4q to 4q+3 and 16+4q to 19+4q have factors and sums
// of their own. Where they have rows of A, lane i and 16+i have rows i and i+4, where columns, rows 0 to 3 and 4 to 7
// of column i; so with B. D and C in FP16 are rows like A's, 8 columns; of D and C in FP32 a lane has columns 0, 1, 4
// and 5 of rows 0 and 2 from its own on, or, with bit 1 of its number, 2, 3, 6 and 7 of the rows from two less on. A
// step makes two registers of them. (PTX ISA, mma.m8n8k4; the order of steps is that in which ptxas stores what they
// make.)
func (x *Exec) multiplyStep(w *Warp, op *lower.Op, mask uint32) {
	step := int(op.Aux >> lower.MMAStep & 3)
	single := op.Aux&lower.MMASingle != 0
	var d [2]lower.Row
	for q := range 4 {
		lane := func(i int) int { return i&3 | i>>2<<4 | q<<2 } // of those that work together
		half := func(s lower.Src, i, k int) uint32 {
			return w.row(s + lower.Src(k/2))[lane(i)] >> (k % 2 * 16) & 0xffff
		}
		a, b := &x.factors[0], &x.factors[1]
		a.special, b.special, a.sparse, b.sparse = [16]bool{}, [16]bool{}, false, false
		for i := range 8 {
			for k := range 4 {
				row, col := i, k
				if op.Aux&lower.MMAColumnA != 0 {
					row, col = i&4|k, i&3
				}
				a.set(row, col, half(op.A, i, k))
				row, col = i, k
				if op.Aux&lower.MMARowB != 0 {
					row, col = i&4|k, i&3
				}
				b.set(row, col, half(op.B, i, k))
			}
		}
		for i := range 8 {
			if !single {
				for n := range 4 {
					col := 4*step + n
					v := x.dot(op, a, b, i, col, 4, half(op.C, i, n))
					d[n/2][lane(i)] |= v << (n % 2 * 16)
				}
				continue
			}
			for n := range 2 {
				row, col := i&4|step&1<<1|i&1, step>>1<<2|i&2|n
				c := w.row(op.C + lower.Src(n))[lane(i)]
				if op.Aux&lower.MMASingleC == 0 { // in another lane
					c = halfToFloat(uint16(half(op.C, row, col&3)))
				}
				d[n][lane(i)] = x.dot(op, a, b, row, col, 4, c)
			}
		}
	}
	x.setRows(w, op, mask, d[:])
}

// set takes an element of FP16 apart.
func (f *floatMatrix) set(row, k int, v uint32) {
	f.parts[row][k], f.raw[row][k] = fractionOf(v, lower.MMAF16), v
	f.special[row] = f.special[row] || f.parts[row][k].exp == special
}

// loadMatrices executes LDSM. Each lane gets two neighbours of row lane/4 of each matrix, or of its columns.
func (x *Exec) loadMatrices(w *Warp, op *lower.Op) {
	a := &x.Access
	n := int(op.Aux & 7)
	lanes := uint32(1<<(8*n) - 1) // whose addresses count
	a.Space, a.Kind, a.Mask = memory.SpaceShared, memory.Load, lanes
	if !x.sharedAddress(w, op, lanes) {
		return
	}
	half := func(row, col int) uint32 {
		at := a.Addr[row] + uint64(2*col)
		return uint32(w.Block.Shared[at]) | uint32(w.Block.Shared[at+1])<<8
	}
	var d [4]lower.Row
	for i := range n {
		for lane := range 32 {
			row, col := lane>>2, lane&3*2
			if op.Aux&lower.LDSMTransposed == 0 {
				d[i][lane] = half(8*i+row, col) | half(8*i+row, col+1)<<16
			} else {
				d[i][lane] = half(8*i+col, row) | half(8*i+col+1, row)<<16
			}
		}
	}
	x.setRows(w, op, ^uint32(0), d[:n])
}

// transposeMatrix executes MOVM.MT88.
func (x *Exec) transposeMatrix(w *Warp, op *lower.Op, mask uint32) {
	a := *w.row(op.A)
	half := func(row, col int) uint32 { return a[row<<2|col>>1] >> (col & 1 * 16) & 0xffff }
	var d [1]lower.Row
	for lane := range 32 {
		row, col := lane>>2, lane&3*2
		d[0][lane] = half(col, row) | half(col+1, row)<<16
	}
	x.setRows(w, op, mask, d[:])
}
