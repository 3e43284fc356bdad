package dropout

import (
	"math"
	"math/rand/v2"
)

// MaskStream writes which units (neurons, synapses or tiles) an iteration keeps.
type MaskStream func(iteration uint64, kept []bool)

// Stream is the stream of conventional masks.
func (b Bernoulli) Stream() MaskStream {
	var mask []float32
	return func(iteration uint64, kept []bool) {
		if mask == nil {
			mask = make([]float32, len(kept))
		}
		b.Fill(mask, 0, iteration, 1)
		for i, m := range mask {
			kept[i] = m != 0
		}
	}
}

// Diversity is what a stream of masks does beyond dropping each unit at the rate: the mean over iterations of every
// unit is the same for conventional dropout, RDP and TDP, the joint distribution is not.
type Diversity struct {
	Iterations int     `json:"iterations"`
	Units      int     `json:"units"`
	Distinct   int     `json:"distinct"`    // different masks seen: sub-models trained
	Kept       float64 `json:"kept"`        // mean share of units kept in an iteration
	KeptSpread float64 `json:"kept_spread"` // its standard deviation over iterations
	// root mean square of the correlation between two units; independent ones show 1/sqrt(Iterations)
	Correlation float64 `json:"correlation"`
}

// MeasureDiversity runs a stream over this many units and iterations and follows random pairs of units, which the seed
// chooses.
func MeasureDiversity(stream MaskStream, units, iterations, pairs int, seed uint64) Diversity {
	rng := rand.New(rand.NewPCG(seed, 0))
	kept := make([]bool, units)
	alone := make([]int, units)
	both := make([]int, pairs)
	first, second := make([]int, pairs), make([]int, pairs)
	for i := range pairs {
		first[i] = rng.IntN(units)
		second[i] = (first[i] + 1 + rng.IntN(units-1)) % units
	}
	seen := map[uint64]struct{}{}
	sum, sumSquares := 0.0, 0.0
	for t := range iterations {
		stream(uint64(t), kept)
		count := 0
		hash := uint64(14695981039346656037) // FNV-1a, 64 bits
		for i, k := range kept {
			bit := uint64(0)
			if k {
				alone[i]++
				count++
				bit = 1
			}
			hash = (hash ^ bit) * 1099511628211
		}
		seen[hash] = struct{}{}
		for i := range both {
			if kept[first[i]] && kept[second[i]] {
				both[i]++
			}
		}
		share := float64(count) / float64(units)
		sum += share
		sumSquares += share * share
	}
	n := float64(iterations)
	d := Diversity{Iterations: iterations, Units: units, Distinct: len(seen), Kept: sum / n}
	d.KeptSpread = math.Sqrt(max(0, sumSquares/n-d.Kept*d.Kept))
	squares, counted := 0.0, 0
	for i := range both {
		a, b := float64(alone[first[i]])/n, float64(alone[second[i]])/n
		if v := a * (1 - a) * b * (1 - b); v > 0 { // a unit that was always kept, or never, has no correlation
			c := float64(both[i])/n - a*b
			squares += c * c / v
			counted++
		}
	}
	if counted > 0 {
		d.Correlation = math.Sqrt(squares / float64(counted))
	}
	return d
}

// LostLines is the expected share of tile rows (output neurons) and of tile columns (input neurons) in which an
// iteration of a pattern of tiles keeps no tile at all, of a pattern with a dp.
func LostLines(k *Kind, d Distribution, s Shape) (rows, cols float64) {
	var kept []int
	for i, p := range d.P {
		dp := i + 1
		for bias := 1; bias <= dp && p > 0; bias++ {
			kept = k.Keep(s, dp, bias).AppendKept(kept[:0], s.TileRows*s.TileCols)
			r, c := s.lost(kept)
			rows += p / float64(dp) * r
			cols += p / float64(dp) * c
		}
	}
	return rows, cols
}

// LostLines is the same of any pattern of tiles, as the mean of so many iterations.
func (s *Stream) LostLines(iterations int) (rows, cols float64) {
	var kept []int
	for i := range iterations {
		kept = s.At(uint64(i), 0).AppendKept(kept[:0], s.shape.TileRows*s.shape.TileCols)
		r, c := s.shape.lost(kept)
		rows += r / float64(iterations)
		cols += c / float64(iterations)
	}
	return rows, cols
}

// lost is the share of tile rows, and of tile columns, that none of the kept tiles is in.
func (s Shape) lost(kept []int) (rows, cols float64) {
	r, c := make([]bool, s.TileRows), make([]bool, s.TileCols)
	for _, t := range kept {
		r[t/s.TileCols], c[t%s.TileCols] = true, true
	}
	return shareFalse(r), shareFalse(c)
}

func shareFalse(line []bool) float64 {
	n := 0
	for _, k := range line {
		if !k {
			n++
		}
	}
	return float64(n) / float64(len(line))
}

// BernoulliEntropy is the entropy in nats of one conventional mask over this many units.
func BernoulliEntropy(units int, rate float64) float64 {
	if rate == 0 {
		return 0
	}
	return float64(units) * -(rate*math.Log(rate) + (1-rate)*math.Log1p(-rate))
}
