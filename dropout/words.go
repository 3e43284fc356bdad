package dropout

import "math/bits"

// Words are the random words of one draw: they depend on seed, layer, iteration and group only, so simulator and
// trainer draw the same, and a resumed run goes on where the first one stopped. They count down from patternBlock;
// masks count up from 0.
type Words struct {
	key       [2]uint32
	layer     uint32
	iteration uint64
	block     uint32
	pair      [2]uint64
	left      int // of pair
}

// groupBlocks is how many blocks of four words a group's draw may take, MaxGroups how many groups an iteration may
// have.
const (
	groupBlocks = 1 << 20
	MaxGroups   = 1 << 10
)

// NewWords starts the words of a draw, 0 <= layer < 2^32, 0 <= group < MaxGroups.
func NewWords(seed uint64, layer int, iteration uint64, group int) Words {
	return Words{key: philoxKey(seed), layer: uint32(layer), iteration: iteration,
		block: patternBlock - uint32(group)*groupBlocks}
}

// Next is 64 random bits.
func (w *Words) Next() uint64 {
	if w.left == 0 {
		x := Philox(philoxCounter(w.block, w.layer, w.iteration), w.key)
		w.pair = [2]uint64{uint64(x[0])<<32 | uint64(x[1]), uint64(x[2])<<32 | uint64(x[3])}
		w.left = 2
		w.block--
	}
	w.left--
	return w.pair[1-w.left]
}

// Below is uniform in 0 .. n-1, to within n * 2^-64.
func (w *Words) Below(n int) int {
	x, _ := bits.Mul64(w.Next(), uint64(n))
	return int(x)
}

// Shuffle sets x to the numbers 0 .. len(x)-1 in an order drawn uniformly from all.
func (w *Words) Shuffle(x []int) []int {
	for i := range x { // Fisher and Yates, from the inside out
		j := w.Below(i + 1)
		x[i] = x[j]
		x[j] = i
	}
	return x
}

// Choose appends k of the numbers 0 .. n-1 to dst, a uniform choice, in ascending order.
func (w *Words) Choose(dst []int, n, k int) []int {
	// Floyd's algorithm (Bentley, "Programming pearls: a sample of brilliance", CACM 30(9), 1987).
	chosen := make([]bool, n)
	for j := n - k; j < n; j++ {
		if i := w.Below(j + 1); chosen[i] {
			chosen[j] = true
		} else {
			chosen[i] = true
		}
	}
	for i, c := range chosen {
		if c {
			dst = append(dst, i)
		}
	}
	return dst
}
