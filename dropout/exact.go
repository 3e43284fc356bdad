package dropout

import "math"

// searchExact finds the distribution of largest entropy over dp = 1 .. n that drops at this rate, rate <= (n-1)/n.
// By Lagrange multipliers it is P[i] ~ exp(-beta p_u,i); beta is the root of d.p_u - rate, which falls in beta.
func searchExact(rate float64, n int) (d []float64, steps int) {
	d = make([]float64, n)
	switch rate {
	case 0:
		d[0] = 1
		return d, 0
	case Rate(n):
		d[n-1] = 1
		return d, 0
	}
	// Newton's method, kept inside the bracket [low, high] that the signs seen so far leave.
	low, high := math.Inf(-1), math.Inf(1)
	beta := 0.0
	for steps = 1; ; steps++ {
		mean, variance := gibbs(d, beta)
		excess := mean - rate
		if math.Abs(excess) <= 1e-15 || steps == 200 {
			return d, steps
		}
		if excess > 0 {
			low = beta
		} else {
			high = beta
		}
		next := beta + excess/variance
		if !(next > low && next < high) {
			switch {
			case math.IsInf(high, 1):
				next = 2*math.Abs(low) + 1
			case math.IsInf(low, -1):
				next = -2*math.Abs(high) - 1
			default:
				next = low + (high-low)/2
			}
		}
		if next == beta || next == low || next == high {
			return d, steps // neighbouring numbers: beta cannot be told more finely
		}
		beta = next
	}
}

// gibbs writes the distribution P[i] ~ exp(-beta p_u,i) and returns mean and variance of p_u under it.
func gibbs(d []float64, beta float64) (mean, variance float64) {
	least := 0.0 // of beta p_u
	if beta < 0 {
		least = beta * Rate(len(d))
	}
	sum := 0.0
	for i := range d {
		u := Rate(i + 1)
		d[i] = math.Exp(least - beta*u)
		sum += d[i]
		mean += d[i] * u
	}
	mean /= sum
	for i := range d {
		d[i] /= sum
		e := Rate(i+1) - mean
		variance += d[i] * e * e
	}
	return mean, variance
}
