package dropout

// Order is the way in which the tiles of a weight matrix are numbered before one in dp of them is kept.
type Order string

const (
	// PaperOrder numbers tiles row by row. Where dp and the number of tile columns have a common divisor g, only one
	// tile column in g keeps anything: with g = dp whole columns are kept and the input neurons of all others vanish.
	PaperOrder Order = "paper"
	// SkewedOrder numbers row by row too, but starts each row of tiles further to the left so that any dp rows that
	// begin at a multiple of dp keep exactly one tile in each column. It is PaperOrder where g = 1.
	SkewedOrder Order = "skewed"
)

// TileGrid is the grid of tiles of x rows by y columns over an m x n weight matrix. Tiles at the lower and right edge
// that do not fit whole count as tiles too, so that every synapse is dropped at the same rate.
func TileGrid(m, n, x, y int) (tileRows, tileCols int) { return (m + x - 1) / x, (n + y - 1) / y }

// TileSkew is how far the numbering of tile row r is turned: the tile in column c has number
// r*tileCols + (c + TileSkew(…)) mod tileCols, counted from 0. PaperOrder turns nothing; SkewedOrder turns by one more
// column each dp/g rows, g = gcd(tileCols, dp), which is when PaperOrder begins to repeat itself.
func TileSkew(r, tileCols, dp int, order Order) int {
	if order != SkewedOrder {
		return 0
	}
	return r * gcd(tileCols, dp) / dp % tileCols
}

// AppendKeptTiles is KeptTiles into a slice of the caller's.
func AppendKeptTiles(dst []int, tileRows, tileCols, dp, bias int, order Order) []int {
	if order != SkewedOrder {
		return AppendKeptRows(dst, tileRows*tileCols, dp, bias)
	}
	next := func(from int) int { return from + ((bias-1-from)%dp+dp)%dp } // the first kept number from there on
	for r := range tileRows {
		start, end := r*tileCols, (r+1)*tileCols
		skew := TileSkew(r, tileCols, dp, order)
		// Numbers from start+skew on lie in columns 0 and up, those before in the last columns.
		for n := next(start + skew); n < end; n += dp {
			dst = append(dst, n-skew)
		}
		for n := next(start); n < start+skew; n += dp {
			dst = append(dst, n-skew+tileCols)
		}
	}
	return dst
}

// gcd is the greatest common divisor of positive a and b.
func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
