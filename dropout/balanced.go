package dropout

// searchBalanced finds the distribution over dp = 1 .. n of this rate, rate <= (n-1)/n, whose kept share spreads least.
// dp keeps 1/dp, and of all distributions with a mean the one on the two values next to it on either side has the least
// variance; a dp whose rate is the one asked for is drawn alone.
func searchBalanced(rate float64, n int) []float64 {
	d := make([]float64, n)
	high := MinPatterns(rate) // the first dp that drops at least the rate
	if Rate(high) == rate || high == 1 {
		d[high-1] = 1
		return d
	}
	share := (Rate(high) - rate) / (Rate(high) - Rate(high-1)) // of the smaller dp
	d[high-2], d[high-1] = share, 1-share
	return d
}
