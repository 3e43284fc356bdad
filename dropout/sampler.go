package dropout

import "math/bits"

// Sampler draws the dp and bias of each iteration of one layer. What it draws depends on seed, layer and iteration
// only, so simulator and trainer see the same patterns, and a resumed run goes on where the first one stopped.
type Sampler struct {
	bound     []uint64 // bound[i] is the probability of dp <= i+1 as a 64-bit fraction; the largest dp needs none
	key       [2]uint32
	layer     uint32
	iteration uint64
}

// NewSampler makes the stream of one layer, 0 <= layer < 2^32. d must be a valid distribution (Check).
func NewSampler(d Distribution, seed uint64, layer int) *Sampler {
	last := len(d.P) - 1
	for last > 0 && d.P[last] == 0 {
		last--
	}
	s := &Sampler{bound: make([]uint64, last), key: philoxKey(seed), layer: uint32(layer)}
	sum := 0.0
	for i := range s.bound {
		sum += d.P[i]
		s.bound[i] = ^uint64(0)
		if x := sum * (1 << 64); x < 1<<64 {
			s.bound[i] = uint64(x)
		}
	}
	return s
}

// Next draws the pattern of the next iteration, the first call that of iteration 0.
func (s *Sampler) Next() (dp, bias int) {
	dp, bias = s.At(s.iteration)
	s.iteration++
	return dp, bias
}

// Seek makes iteration the one that Next draws.
func (s *Sampler) Seek(iteration uint64) { s.iteration = iteration }

// At draws the pattern of an iteration: dp from the first 64 random bits by inversion of the distribution, bias from
// the other 64, uniform in 1 .. dp to within dp * 2^-64.
func (s *Sampler) At(iteration uint64) (dp, bias int) {
	w := Words{key: s.key, layer: s.layer, iteration: iteration, block: patternBlock}
	return s.pattern(w.Next(), w.Next())
}

// pattern is dp and bias from 128 random bits.
func (s *Sampler) pattern(u, v uint64) (dp, bias int) {
	low, high := 0, len(s.bound)
	for low < high {
		mid := int(uint(low+high) / 2)
		if u < s.bound[mid] {
			high = mid
		} else {
			low = mid + 1
		}
	}
	dp = low + 1
	b, _ := bits.Mul64(v, uint64(dp))
	return dp, int(b) + 1
}
