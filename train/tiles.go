package train

// tileWork multiplies the kept tiles of a matrix by the package's own kernel. A column of tiles of the result is one product whose
// inner dimension runs over the kept tiles; so are gradients by inputs, with the tiles transposed. Gradients by weights stay in the
// first cache until the tile has been updated.
//
// Between iterations the weights and velocities are here, tile after tile: a tile of a matrix with long rows lies in 32 places, which
// takes longer to fetch than to multiply.
type tileWork struct {
	w, v       []float32 // tile after tile, row by row, 0 beyond the matrix
	inTiles    bool      // w and v are here, not in the matrix
	rows, cols int       // tiles
	dp, bias   int
	period     int           // kept tiles of a column are this far apart
	batch      int           // rounded up to 8
	x, dy      []float32     // in panels of 32 columns, 0 beyond
	scratch    []tileScratch // per thread

	// Where the next or the previous layer has tiles too, y goes to the next one's x and dx to the previous one's dy, and what is to be
	// done to a panel of them is done at once.
	next, previous  *tileWork
	afterY, afterDX func(panel []float32, p int)

	enterFn, leaveFn, packXFn, packDYFn, forwardFn, backwardFn, updateFn func(worker, part int)
}

type tileScratch struct {
	packed []float32 // kept tiles of a column or row
	tile   [tileArea]float32
	edge   [8 * tileSize]float32
}

// tileSize is the size of tiles that the kernel takes.
const (
	tileSize = panelWidth
	tileArea = tileSize * tileSize
)

func newTileWork(m *matrix, b int) *tileWork {
	t := &tileWork{rows: (m.in + tileSize - 1) / tileSize, cols: (m.out + tileSize - 1) / tileSize, batch: roundUp(b, 8), scratch: make([]tileScratch, m.Threads())}
	t.x, t.dy = make([]float32, t.rows*t.batch*tileSize), make([]float32, t.cols*t.batch*tileSize)
	t.w, t.v = make([]float32, t.rows*t.cols*tileArea), make([]float32, t.rows*t.cols*tileArea)
	for i := range t.scratch {
		t.scratch[i].packed = make([]float32, max(t.rows, t.cols)*tileArea)
	}
	t.enterFn, t.leaveFn, t.packXFn, t.packDYFn, t.forwardFn, t.backwardFn, t.updateFn = m.enterTilesPart, m.leaveTilesPart, m.packXTiles, m.packDYTiles, m.forwardTiles, m.backwardTiles, m.updateColumn
	return t
}

func (t *tileWork) keep(dp, bias int) {
	t.dp, t.bias, t.period = dp, bias, dp/gcd(t.cols, dp)
}

// column is the first kept tile row of column c, and how many there are.
func (t *tileWork) column(c int) (first, count int) {
	for r := range min(t.period, t.rows) {
		if (r*t.cols+c+1-t.bias)%t.dp == 0 {
			return r, (t.rows - r + t.period - 1) / t.period
		}
	}
	return 0, 0
}

// row is the first kept tile column of row r, and how many there are.
func (t *tileWork) row(r int) (first, count int) {
	first = ((t.bias-1-r*t.cols)%t.dp + t.dp) % t.dp
	return first, max(0, (t.cols-first+t.dp-1)/t.dp)
}

// at is the place of tile r, c.
func (t *tileWork) at(r, c int) int { return (r*t.cols + c) * tileArea }

// enterTiles takes weights and velocities over from the matrix.
func (m *matrix) enterTiles() {
	if !m.tiles.inTiles {
		m.Run(m.tiles.rows, m.tiles.enterFn)
		m.tiles.inTiles = true
	}
}

// leaveTiles gives them back.
func (m *matrix) leaveTiles() {
	if m.tiles != nil && m.tiles.inTiles {
		m.Run(m.tiles.rows, m.tiles.leaveFn)
		m.tiles.inTiles = false
	}
}

func (m *matrix) enterTilesPart(_, r int) {
	m.moveTiles(r, func(row, tile []float32) { copy(tile, row) })
}

func (m *matrix) leaveTilesPart(_, r int) {
	m.moveTiles(r, func(row, tile []float32) { copy(row, tile) })
}

// moveTiles calls move for the rows of the tiles of row r of tiles, in the matrix and here.
func (m *matrix) moveTiles(r int, move func(row, tile []float32)) {
	t := m.tiles
	for i := range min(tileSize, m.in-r*tileSize) {
		for c := range t.cols {
			from, n := (r*tileSize+i)*m.out+c*tileSize, min(tileSize, m.out-c*tileSize)
			to := t.at(r, c) + i*tileSize
			move(m.w[from:from+n], t.w[to:to+n])
			move(m.v[from:from+n], t.v[to:to+n])
		}
	}
}

// pack copies panel p of b rows of n numbers.
func (t *tileWork) pack(to, from []float32, p, b, n int) {
	to = to[p*t.batch*tileSize:]
	packPanel(to, from[p*tileSize:], n, b, min(tileSize, n-p*tileSize))
	clear(to[b*tileSize : t.batch*tileSize])
}

func (m *matrix) packXTiles(_, p int) { m.tiles.pack(m.tiles.x, m.x, p, m.b, m.in) }

func (m *matrix) packDYTiles(_, p int) { m.tiles.pack(m.tiles.dy, m.dy, p, m.b, m.out) }

// catchUpTile copies tile r, c brought up to date; the one that is wanted next is `ahead` tiles on.
func (m *matrix) catchUpTile(to []float32, r, c, ahead int) {
	a, _ := m.decay.at(m.updates - m.stamps[r*m.colClasses+c])
	at := m.tiles.at(r, c)
	catchUp(to[:tileArea], m.tiles.w[at:], m.tiles.v[at:], a, ahead*tileArea)
}

// forwardTiles computes column c of tiles of y.
func (m *matrix) forwardTiles(worker, c int) {
	t := m.tiles
	first, count := t.column(c)
	packed := t.scratch[worker].packed
	for i := range count {
		m.catchUpTile(packed[i*tileArea:], first+i*t.period, c, t.period*t.cols)
	}
	x, step := t.x[first*t.batch*tileSize:], t.period*t.batch*tileSize
	if t.next == nil {
		m.multiplyTiles(worker, m.y, m.out, c, x, step, count)
		return
	}
	panel := t.next.x[c*t.batch*tileSize : (c+1)*t.batch*tileSize]
	m.multiplyPanel(worker, panel, x, step, count)
	t.afterY(panel, c)
}

// multiplyPanel computes a panel of a result: count panels of x, step apart, multiplied with the packed tiles.
func (m *matrix) multiplyPanel(worker int, to, x []float32, step, count int) {
	if count == 0 {
		clear(to)
		return
	}
	for i := 0; i < len(to); i += 8 * tileSize {
		product(8, to[i:], tileSize, x[i:], tileSize, 1, step, count, m.tiles.scratch[worker].packed, tileSize, m.scale, false)
	}
}

// multiplyTiles is multiplyPanel for panel p of y, which has n columns.
func (m *matrix) multiplyTiles(worker int, y []float32, n, p int, x []float32, step, count int) {
	s := &m.tiles.scratch[worker]
	cols := min(tileSize, n-p*tileSize)
	for i := 0; i < m.b; i += 8 {
		rows := min(8, m.b-i)
		to := y[i*n+p*tileSize:]
		switch {
		case count == 0:
			for r := range rows {
				clear(to[r*n : r*n+cols])
			}
		case rows == 8 && cols == tileSize:
			product(8, to, n, x[i*tileSize:], tileSize, 1, step, count, s.packed, tileSize, m.scale, false)
		default:
			product(8, s.edge[:], tileSize, x[i*tileSize:], tileSize, 1, step, count, s.packed, tileSize, m.scale, false)
			for r := range rows {
				copy(to[r*n:r*n+cols], s.edge[r*tileSize:])
			}
		}
	}
}

// backwardTiles computes panel r of dx, and updates row r of tiles while it is in the caches.
func (m *matrix) backwardTiles(worker, r int) {
	t, s := m.tiles, &m.tiles.scratch[worker]
	first, count := t.row(r)
	for i := range count {
		m.catchUpTile(s.tile[:], r, first+i*t.dp, t.dp)
		for q := 0; q < tileSize; q += 8 {
			transposeTo(s.packed[i*tileArea+q:], s.tile[q*tileSize:], tileSize, tileSize)
		}
	}
	dy, step := t.dy[min(first, t.cols-1)*t.batch*tileSize:], t.dp*t.batch*tileSize
	if t.previous == nil {
		m.multiplyTiles(worker, m.dx, m.in, r, dy, step, count)
	} else {
		panel := t.previous.dy[r*t.batch*tileSize : (r+1)*t.batch*tileSize]
		m.multiplyPanel(worker, panel, dy, step, count)
		t.afterDX(panel, r)
	}
	for i := range count {
		m.updateTile(s, r, first+i*t.dp, t.dp)
	}
}

// updateColumn updates column c of tiles: where there is no dx, so that it is the same thread that has it forward.
func (m *matrix) updateColumn(worker, c int) {
	t := m.tiles
	first, count := t.column(c)
	for i := range count {
		m.updateTile(&t.scratch[worker], first+i*t.period, c, t.period*t.cols)
	}
}

// updateTile computes the gradients of tile r, c and updates it; the one that is next is `ahead` tiles on.
func (m *matrix) updateTile(s *tileScratch, r, c, ahead int) {
	t := m.tiles
	x, dy := t.x[r*t.batch*tileSize:], t.dy[c*t.batch*tileSize:]
	for q := 0; q < tileSize; q += 8 {
		product(8, s.tile[q*tileSize:], tileSize, x[q:], 1, tileSize, 0, 1, dy, m.b, m.scale, false)
	}
	stamp := &m.stamps[r*m.colClasses+c]
	a, d := m.decay.at(m.updates - *stamp)
	*stamp = m.updates + 1
	at := t.at(r, c)
	momentum(t.w[at:at+tileArea], t.v[at:at+tileArea], s.tile[:], a, m.mu*d, m.lr, ahead*tileArea)
}
