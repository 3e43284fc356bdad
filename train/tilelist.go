package train

// tileList is which tiles of a grid an iteration keeps, by row and by column of tiles.
type tileList struct {
	rows, cols   int
	rowAt, colAt []int // where the tiles of a row or column begin in inRow or inCol
	inRow, inCol []int // the kept columns, row by row, and the kept rows, column by column
}

func newTileList(rows, cols int) *tileList {
	return &tileList{rows: rows, cols: cols, rowAt: make([]int, rows+1), colAt: make([]int, cols+1),
		inRow: make([]int, 0, rows*cols), inCol: make([]int, rows*cols)}
}

// keep takes the ascending numbers of the kept tiles, counted row by row.
func (l *tileList) keep(list []int) {
	l.inRow = l.inRow[:0]
	clear(l.rowAt)
	clear(l.colAt)
	for _, n := range list {
		l.inRow = append(l.inRow, n%l.cols)
		l.rowAt[n/l.cols+1]++
		l.colAt[n%l.cols+1]++
	}
	for r := range l.rows {
		l.rowAt[r+1] += l.rowAt[r]
	}
	for c := range l.cols {
		l.colAt[c+1] += l.colAt[c]
	}
	for _, n := range list { // colAt moves on to where the next column begins …
		c := n % l.cols
		l.inCol[l.colAt[c]] = n / l.cols
		l.colAt[c]++
	}
	copy(l.colAt[1:], l.colAt) // … and back
	l.colAt[0] = 0
}

// row lists the kept columns of a row of tiles.
func (l *tileList) row(r int) []int { return l.inRow[l.rowAt[r]:l.rowAt[r+1]] }

// column lists the kept rows of a column of tiles.
func (l *tileList) column(c int) []int { return l.inCol[l.colAt[c]:l.colAt[c+1]] }

// evenly is how many places at the beginning of a list are equally far from each other, and how far.
func evenly(list []int) (n, step int) {
	if len(list) < 2 {
		return len(list), 0
	}
	step = list[1] - list[0]
	for n = 2; n < len(list) && list[n]-list[n-1] == step; n++ {
	}
	return n, step
}

// next is how far the place behind the i-th of a list is.
func next(list []int, i int) int {
	if i+1 < len(list) {
		return list[i+1] - list[i]
	}
	return 0
}
