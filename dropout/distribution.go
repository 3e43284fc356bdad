package dropout

import (
	"fmt"
	"math"
)

// Distribution says how often each dp is drawn.
type Distribution struct {
	Rate float64   `json:"rate"` // the dropout rate asked for
	P    []float64 `json:"p"`    // P[i] is the probability of dp = i+1; they add up to 1
}

// Reached is the dropout rate that the distribution has: sum of P[i] * i/(i+1), the d.p_u of Algorithm 1. By equations
// (2) and (3) of the paper it is the rate at which each single neuron or synapse is dropped.
func (d Distribution) Reached() float64 {
	sum := 0.0
	for i, p := range d.P {
		sum += p * Rate(i+1)
	}
	return sum
}

// Entropy is -sum P log P in nats.
func (d Distribution) Entropy() float64 {
	sum := 0.0
	for _, p := range d.P {
		if p > 0 {
			sum -= p * math.Log(p)
		}
	}
	return sum
}

// SubModelEntropy is the entropy in nats of the pair (dp, bias), the sub-model that one iteration trains in one layer.
func (d Distribution) SubModelEntropy() float64 {
	sum := d.Entropy()
	for i, p := range d.P {
		sum += p * math.Log(float64(i+1))
	}
	return sum
}

// Check refuses what is no distribution.
func (d Distribution) Check() error {
	sum := 0.0
	for i, p := range d.P {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("dropout: distribution with probability %g of dp = %d, allowed is 0 to 1", p, i+1)
		}
		sum += p
	}
	if math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("dropout: distribution over dp = 1 to %d adds up to %g, not 1", len(d.P), sum)
	}
	return nil
}

// Fixed is the distribution that always draws this dp.
func Fixed(dp int) Distribution {
	p := make([]float64, dp)
	p[dp-1] = 1
	return Distribution{Rate: Rate(dp), P: p}
}
