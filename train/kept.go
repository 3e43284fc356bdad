package train

import "warpdrop/dropout"

// kept is the regular set of indices below n that a pattern keeps: runs of width neighbours, every step-th from run first on.
// The last run may be cut off at n.
type kept struct{ first, step, count, width, n int }

// whole keeps all n.
func whole(n int) kept { return kept{0, 1, 1, n, n} }

// everyDP keeps one in dp of the runs of this width, the bias-th (from 1) first.
func everyDP(n, width, dp, bias int) kept {
	return kept{bias - 1, dp, dropout.CountKept((n+width-1)/width, dp, bias), width, n}
}

// size is the number of indices kept.
func (k kept) size() int {
	if k.count == 0 {
		return 0
	}
	return k.count*k.width - max(0, (k.first+(k.count-1)*k.step+1)*k.width-k.n)
}

// contiguous tells whether the indices kept are neighbours.
func (k kept) contiguous() bool { return k.step == 1 || k.count <= 1 }

// start is the first index kept.
func (k kept) start() int { return k.first * k.width }

// gather copies the kept elements of src, multiplied by scale, to the size() elements of dst.
func (k kept) gather(dst, src []float32, scale float32) {
	if k.width == 1 {
		c := k.first
		for i := range dst {
			dst[i] = src[c] * scale
			c += k.step
		}
		return
	}
	for i, c := 0, k.start(); i < len(dst); i, c = i+k.width, c+k.step*k.width {
		to := dst[i:min(i+k.width, len(dst))]
		from := src[c : c+len(to)]
		if scale == 1 {
			copy(to, from)
			continue
		}
		for j, x := range from {
			to[j] = x * scale
		}
	}
}

// scatter is the inverse of gather: the elements of dst that are not kept stay as they are.
func (k kept) scatter(dst, src []float32) {
	if k.width == 1 {
		c := k.first
		for _, x := range src {
			dst[c] = x
			c += k.step
		}
		return
	}
	for i, c := 0, k.start(); i < len(src); i, c = i+k.width, c+k.step*k.width {
		from := src[i:min(i+k.width, len(src))]
		copy(dst[c:c+len(from)], from)
	}
}

// tileBlocks appends the blocks of kept tiles of an in x out matrix in tiles of t x t, numbered row by row. Tile rows that
// are p = dp/gcd(tile columns, dp) apart keep the same tile columns, and different ones keep none in common. So the kept
// tiles are p whole products of gathered rows and columns.
func tileBlocks(dst []block, in, out, t, dp, bias int) []block {
	rows, cols := dropout.TileGrid(in, out, t, t)
	period := dp / gcd(cols, dp)
	at := 0
	for r := range min(period, rows) {
		first := ((bias-1-r*cols)%dp + dp) % dp
		b := block{rows: everyDP(in, t, period, r+1), cols: everyDP(out, t, dp, first+1), at: at}
		at += b.rows.size() * b.cols.size()
		dst = append(dst, b)
	}
	return dst
}

// block is a product of gathered rows and columns of a weight matrix; at is its place among the packed weights.
type block struct {
	rows, cols kept
	at         int
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
