package train

// tileWork multiplies the kept tiles of a matrix by the package's own kernel. A column of tiles of the result is one
// product whose inner dimension runs over the kept tiles; so are gradients by inputs, with the tiles transposed.
// Gradients by weights stay in the first cache until the tile has been updated.
//
// Between iterations the weights and velocities are here, tile after tile: a tile of a matrix with long rows lies in 32
// places, which takes longer to fetch than to multiply.
type tileWork struct {
	w, v       []float32     // tile after tile, row by row, 0 beyond the matrix
	inTiles    bool          // w and v are here, not in the matrix
	rows, cols int           // tiles
	batch      int           // rounded up to 8
	x, dy      []float32     // in panels of 32 columns, 0 beyond
	scratch    []tileScratch // per thread

	// Where the next or the previous layer has tiles too, y goes to the next one's x and dx to the previous one's dy, and
	// what is to be done to a panel of them is done at once.
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
	t := &tileWork{rows: (m.in + tileSize - 1) / tileSize, cols: (m.out + tileSize - 1) / tileSize, batch: roundUp(b, 8),
		scratch: make([]tileScratch, m.Threads())}
	t.x, t.dy = make([]float32, t.rows*t.batch*tileSize), make([]float32, t.cols*t.batch*tileSize)
	t.w, t.v = make([]float32, t.rows*t.cols*tileArea), make([]float32, t.rows*t.cols*tileArea)
	for i := range t.scratch {
		t.scratch[i].packed = make([]float32, max(t.rows, t.cols)*tileArea)
	}
	t.enterFn, t.leaveFn, t.packXFn, t.packDYFn, t.forwardFn, t.backwardFn, t.updateFn = m.enterTilesPart,
		m.leaveTilesPart, m.packXTiles, m.packDYTiles, m.forwardTiles, m.backwardTiles, m.updateColumn
	return t
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
	kept := m.kept.column(c)
	packed := t.scratch[worker].packed
	for i, r := range kept {
		m.catchUpTile(packed[i*tileArea:], r, c, next(kept, i)*t.cols)
	}
	if t.next == nil {
		m.multiplyTiles(worker, m.y, m.out, c, t.x, kept)
		return
	}
	panel := t.next.x[c*t.batch*tileSize : (c+1)*t.batch*tileSize]
	m.multiplyPanel(worker, panel, t.x, kept)
	t.afterY(panel, c)
}

// multiplyRows computes 8 rows, from row i on, of a panel of a result: the kept panels of x multiplied with the packed
// tiles. Panels equally far apart are one product.
func (m *matrix) multiplyRows(worker int, to []float32, ld int, x []float32, i int, kept []int) {
	panel, packed := m.tiles.batch*tileSize, m.tiles.scratch[worker].packed
	for at := 0; at < len(kept); {
		n, step := evenly(kept[at:])
		product(8, to, ld, x[kept[at]*panel+i*tileSize:], tileSize, 1, step*panel, n, packed[at*tileArea:], tileSize,
			m.scale, at > 0)
		at += n
	}
}

// multiplyPanel computes a panel of a result.
func (m *matrix) multiplyPanel(worker int, to, x []float32, kept []int) {
	if len(kept) == 0 {
		clear(to)
		return
	}
	for i := 0; i < m.tiles.batch; i += 8 {
		m.multiplyRows(worker, to[i*tileSize:], tileSize, x, i, kept)
	}
}

// multiplyTiles is multiplyPanel for panel p of y, which has n columns.
func (m *matrix) multiplyTiles(worker int, y []float32, n, p int, x []float32, kept []int) {
	s := &m.tiles.scratch[worker]
	cols := min(tileSize, n-p*tileSize)
	for i := 0; i < m.b; i += 8 {
		rows := min(8, m.b-i)
		to := y[i*n+p*tileSize:]
		switch {
		case len(kept) == 0:
			for r := range rows {
				clear(to[r*n : r*n+cols])
			}
		case rows == 8 && cols == tileSize:
			m.multiplyRows(worker, to, n, x, i, kept)
		default:
			m.multiplyRows(worker, s.edge[:], tileSize, x, i, kept)
			for r := range rows {
				copy(to[r*n:r*n+cols], s.edge[r*tileSize:])
			}
		}
	}
}

// backwardTiles computes panel r of dx, and updates row r of tiles while it is in the caches.
func (m *matrix) backwardTiles(worker, r int) {
	t, s := m.tiles, &m.tiles.scratch[worker]
	kept := m.kept.row(r)
	for i, c := range kept {
		m.catchUpTile(s.tile[:], r, c, next(kept, i))
		for q := 0; q < tileSize; q += 8 {
			transposeTo(s.packed[i*tileArea+q:], s.tile[q*tileSize:], tileSize, tileSize)
		}
	}
	if t.previous == nil {
		m.multiplyTiles(worker, m.dx, m.in, r, t.dy, kept)
	} else {
		panel := t.previous.dy[r*t.batch*tileSize : (r+1)*t.batch*tileSize]
		m.multiplyPanel(worker, panel, t.dy, kept)
		t.afterDX(panel, r)
	}
	for i, c := range kept {
		m.updateTile(s, r, c, next(kept, i))
	}
}

// updateColumn updates column c of tiles: where there is no dx, so that it is the same thread that has it forward.
func (m *matrix) updateColumn(worker, c int) {
	t := m.tiles
	kept := m.kept.column(c)
	for i, r := range kept {
		m.updateTile(&t.scratch[worker], r, c, next(kept, i)*t.cols)
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
