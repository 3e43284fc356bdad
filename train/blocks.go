package train

import "warpdrop/dropout"

// tileBlocks appends the blocks of kept tiles of an in x out matrix in tiles of t x t, numbered row by row. Tile rows that
// are p = dp/gcd(tile columns, dp) apart keep the same tile columns, and different ones keep none in common. So the kept
// tiles are p whole products of gathered rows and columns.
func tileBlocks(dst []block, in, out, t, dp, bias int) []block {
	rows, cols := dropout.TileGrid(in, out, t, t)
	period := dp / gcd(cols, dp)
	at := 0
	for r := range min(period, rows) {
		first := ((bias-1-r*cols)%dp + dp) % dp
		b := block{rows: dropout.KeepEvery(in, t, period, r+1), cols: dropout.KeepEvery(out, t, dp, first+1), at: at}
		at += b.rows.Size() * b.cols.Size()
		dst = append(dst, b)
	}
	return dst
}

// block is a product of gathered rows and columns of a weight matrix; at is its place among the packed weights.
type block struct {
	rows, cols dropout.Kept
	at         int
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
