package dropout

import (
	"fmt"
	"math"
)

// MaxMask is the largest number of elements one Bernoulli mask may have: beyond it a mask would run into the counters
// that patterns are drawn from.
const MaxMask = 4 * (patternBlock - MaxGroups*groupBlocks)

// Threshold is floor(rate * 2^32): an element is kept when its random word is at least that. The share dropped is thus
// rate to within 2^-32. rate must be in [0, 1).
func Threshold(rate float64) uint32 { return uint32(math.Floor(rate * (1 << 32))) }

// Bernoulli draws conventional dropout masks, of neurons or (DropConnect) of synapses. Element i of layer l in
// iteration t is word i%4 of Philox with counter (i/4, l, t low, t high) and key (seed low, seed high), so a GPU kernel
// that counts the same way draws the same mask.
type Bernoulli struct {
	threshold uint32
	layer     uint32
	key       [2]uint32
}

// NewBernoulli makes the mask stream of one layer. rate is the share dropped, in [0, 1).
func NewBernoulli(rate float64, seed uint64, layer int) (Bernoulli, error) {
	if err := checkRate(rate); err != nil {
		return Bernoulli{}, err
	}
	if layer < 0 || layer > math.MaxUint32 {
		return Bernoulli{}, fmt.Errorf("dropout: layer %d, allowed are 0 to 2^32-1", layer)
	}
	return Bernoulli{Threshold(rate), uint32(layer), philoxKey(seed)}, nil
}

// Kept says whether the mask of this iteration keeps element i, 0 <= i < MaxMask.
func (b Bernoulli) Kept(iteration uint64, i int) bool {
	return Philox(philoxCounter(uint32(i/4), b.layer, iteration), b.key)[i%4] >= b.threshold
}

// Fill writes elements first, first+1, … of this iteration's mask: scale for a kept one, 0 for a dropped one. first is
// a multiple of 4, so that several threads can fill parts of one mask. It allocates nothing.
func (b Bernoulli) Fill(dst []float32, first int, iteration uint64, scale float32) {
	block := uint32(first / 4)
	bits := math.Float32bits(scale)
	for ; len(dst) >= 4; dst = dst[4:] {
		w := Philox(philoxCounter(block, b.layer, iteration), b.key)
		dst[0] = math.Float32frombits(bits & b.keep(w[0]))
		dst[1] = math.Float32frombits(bits & b.keep(w[1]))
		dst[2] = math.Float32frombits(bits & b.keep(w[2]))
		dst[3] = math.Float32frombits(bits & b.keep(w[3]))
		block++
	}
	w := Philox(philoxCounter(block, b.layer, iteration), b.key)
	for i := range dst {
		dst[i] = math.Float32frombits(bits & b.keep(w[i]))
	}
}

// keep is all ones where word >= threshold and 0 elsewhere, without a branch that would be mispredicted every other
// time.
func (b Bernoulli) keep(word uint32) uint32 {
	return ^uint32((int64(word) - int64(b.threshold)) >> 63)
}

// checkRate refuses what is no dropout rate.
func checkRate(rate float64) error {
	if !(rate >= 0 && rate < 1) { // also NaN
		return fmt.Errorf("dropout: rate %g, allowed is 0 <= rate < 1", rate)
	}
	return nil
}
