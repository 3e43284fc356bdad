package dropout

import "math"

// Loss is that of Algorithm 1, lambda1 (d.p_u - p)^2 + (1 - lambda1) (1/N) sum P log P, with p = d.Rate.
func (d Distribution) Loss(lambda1 float64) float64 {
	e := d.Reached() - d.Rate
	return lambda1*e*e - (1-lambda1)*d.Entropy()/float64(len(d.P))
}

// searchSGD runs Algorithm 1: gradient descent on v, d = softmax(v), from v = 0 (every dp equally likely) until the
// loss stops changing. With momentum (Nesterov 1983, restarted when the loss rises, O'Donoghue and Candes 2015): the
// curvature of the loss along its two terms differs by a factor that grows as N^2, and plain descent needs that many
// steps.
func searchSGD(rate float64, opt SearchOptions) (d []float64, steps int, converged bool) {
	n := opt.Patterns
	d = make([]float64, n)
	v, look, grad := make([]float64, n), make([]float64, n), make([]float64, n)
	last, t := math.Inf(1), 1.0
	for steps = 1; steps <= opt.MaxSteps; steps++ {
		now := descend(grad, d, look, rate, opt.Lambda1)
		if math.Abs(last-now) <= opt.Threshold*math.Abs(now) {
			return d, steps, true
		}
		if now > last {
			t = 1
		}
		last = now
		next := (1 + math.Sqrt(1+4*t*t)) / 2
		momentum := (t - 1) / next
		t = next
		for i, g := range grad {
			moved := look[i] - opt.Step*g
			look[i] = moved + momentum*(moved-v[i])
			v[i] = moved
		}
	}
	return d, opt.MaxSteps, false
}

// stationary tells a minimum of the loss from a place where softmax is saturated: too long a step puts all probability
// on one dp, where the gradient by v vanishes as well. At the minimum all derivatives l_i by d_i (see descend) are
// equal. The searches that end well leave differences of at most 2 (1-lambda1)/N, at N = 2048, a factor of e^2 in the
// smallest probabilities; saturated ones hundreds.
func stationary(d []float64, rate, lambda1 float64) bool {
	slope := 2 * lambda1 * (Distribution{P: d}.Reached() - rate)
	weight := (1 - lambda1) / float64(len(d))
	low, high := math.Inf(1), math.Inf(-1)
	for i, p := range d {
		l := slope * Rate(i+1)
		if weight > 0 {
			l += weight * math.Log(p)
		}
		low, high = min(low, l), max(high, l)
	}
	const rounding = 1e-3                // where lambda1 is 1 or close to it
	return high-low <= 5*weight+rounding // false for NaN too
}

// descend writes d = softmax(v) and the gradient of the loss by v, and returns the loss. With
// l_i = 2 lambda1 (d.p_u - p) p_u,i + (1-lambda1)/N (log d_i + 1), the derivative by d_i, the chain rule through
// softmax gives d_i (l_i - sum d_j l_j); the + 1 cancels.
func descend(grad, d, v []float64, rate, lambda1 float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = max(top, x)
	}
	sum := 0.0
	for i, x := range v {
		d[i] = math.Exp(x - top)
		sum += d[i]
	}
	logSum := top + math.Log(sum)
	reached, plogp := 0.0, 0.0
	for i := range d {
		d[i] /= sum
		reached += d[i] * Rate(i+1)
		plogp += d[i] * (v[i] - logSum)
	}
	slope := 2 * lambda1 * (reached - rate)
	weight := (1 - lambda1) / float64(len(d))
	mean := slope*reached + weight*plogp
	for i, p := range d {
		grad[i] = p * (slope*Rate(i+1) + weight*(v[i]-logSum) - mean)
	}
	return lambda1*(reached-rate)*(reached-rate) + weight*plogp
}
