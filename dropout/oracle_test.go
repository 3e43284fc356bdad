package dropout

// What patterns keep, written down the plain way: the reference that the tests of this package compare with.

// KeptRows lists the rows kept of m, counted from 0, in ascending order: i with (i+1-bias) mod dp = 0.
// It is also the scatter map: entry j is the row that compact row j comes from.
func KeptRows(m, dp, bias int) []int {
	return AppendKeptRows(make([]int, 0, CountKept(m, dp, bias)), m, dp, bias)
}

// CompactMap is the inverse of a list of kept indices: entry i is the place of i among the n indices' kept ones, or -1
// where i is dropped.
func CompactMap(n int, kept []int) []int {
	m := make([]int, n)
	for i := range m {
		m[i] = -1
	}
	for j, i := range kept {
		m[i] = j
	}
	return m
}

// Mask writes scale at kept indices of dst and 0 elsewhere.
func Mask(dst []float32, kept []int, scale float32) {
	clear(dst)
	for _, i := range kept {
		dst[i] = scale
	}
}

// KeptTiles lists the tiles kept of a grid of tileRows x tileCols, each as r*tileCols + c counted from 0, row by row,
// ascending.
func KeptTiles(tileRows, tileCols, dp, bias int, order Order) []int {
	n := tileRows * tileCols
	return AppendKeptTiles(make([]int, 0, CountKept(n, dp, bias)), tileRows, tileCols, dp, bias, order)
}

// TileMask writes scale at the synapses of kept tiles of an m x n row-major weight matrix and 0 at all others. Tiles
// are x rows by y columns; those at the lower and right edge may be cut off.
func TileMask(dst []float32, m, n, x, y int, kept []int, scale float32) {
	clear(dst)
	_, tileCols := TileGrid(m, n, x, y)
	for _, t := range kept {
		r, c := t/tileCols, t%tileCols
		for i := r * x; i < min((r+1)*x, m); i++ {
			row := dst[i*n+c*y : i*n+min((c+1)*y, n)]
			for j := range row {
				row[j] = scale
			}
		}
	}
}

// RowCorrelation is the correlation between two neurons that are distance rows apart, under row patterns from d: both
// are kept where dp divides the distance. Rate 0 has none.
func RowCorrelation(d Distribution, distance int) float64 {
	keep := 1 - d.Reached()
	both := 0.0
	for i, p := range d.P {
		if dp := i + 1; distance%dp == 0 {
			both += p / float64(dp)
		}
	}
	if keep >= 1 {
		return 0
	}
	return (both - keep*keep) / (keep * (1 - keep))
}
