package train

import (
	"gonum.org/v1/gonum/blas"

	"warpdrop/dropout"
)

// tileBlocks appends the blocks of kept tiles of an in x out matrix in tiles of t x t, numbered row by row. Tile rows
// that are p = dp/gcd(tile columns, dp) apart keep the same tile columns, and different ones keep none in common. So
// the kept tiles are p whole products of gathered rows and columns.
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

// columnBlocks appends a block for each column of tiles of t x t of which any are kept.
func columnBlocks(dst []block, in, out, t int, kept *tileList) []block {
	at := 0
	for c := range kept.cols {
		list := kept.column(c)
		if len(list) == 0 {
			continue
		}
		b := block{rows: dropout.KeepRuns(in, t, list), cols: dropout.Kept{First: c, Step: 1, Count: 1, Width: t, N: out},
			at: at}
		at += b.rows.Size() * b.cols.Size()
		dst = append(dst, b)
	}
	return dst
}

// forwardColumns is forward with blocks that are columns of tiles: they share rows, so x is packed for one after the
// other.
func (m *matrix) forwardColumns(b int, x, y []float32) {
	m.b, m.x = b, x
	if len(m.blocks) < m.kept.cols { // some column of tiles keeps none
		clear(y[:b*m.out])
	}
	for i := range m.blocks {
		k := &m.blocks[i]
		r, c := k.rows.Size(), k.cols.Size()
		m.gatherX(k)
		m.gemm(blas.NoTrans, blas.NoTrans, b, c, r, m.scale, m.xc, r, m.wc[k.at:], c, 0, y[k.cols.Start():], m.out)
	}
}

// backwardColumns is backward of the same.
func (m *matrix) backwardColumns(b int, x, dy, dx []float32) {
	m.b, m.x, m.dx = b, x, dx
	if dx != nil {
		clear(dx[:b*m.in])
	}
	for i := range m.blocks {
		k := &m.blocks[i]
		r, c := k.rows.Size(), k.cols.Size()
		dyk := dy[k.cols.Start():]
		m.gatherX(k)
		m.gemm(blas.Trans, blas.NoTrans, r, c, b, m.scale, m.xc, r, dyk, m.out, 0, m.g[k.at:], c)
		if dx != nil { // packed x is not needed any more
			m.gemm(blas.NoTrans, blas.Trans, b, r, c, m.scale, dyk, m.out, m.wc[k.at:], c, 0, m.xc, r)
			m.Run(parts(b), m.addXFn)
		}
	}
}

func (m *matrix) gatherX(k *block) {
	m.now = k
	m.Run(parts(m.b), m.gatherXFn)
}

func (m *matrix) gatherXPart(_, part int) {
	n := m.now.rows.Size()
	for s := part * partRows; s < min((part+1)*partRows, m.b); s++ {
		m.now.rows.Gather(m.xc[s*n:(s+1)*n], m.x[s*m.in:(s+1)*m.in], 1)
	}
}

func (m *matrix) addXPart(_, part int) {
	rows := m.now.rows
	n := rows.Size()
	for s := part * partRows; s < min((part+1)*partRows, m.b); s++ {
		from, to := m.xc[s*n:(s+1)*n], m.dx[s*m.in:(s+1)*m.in]
		for run, at := 0, 0; at < n; run, at = run+1, at+rows.Width {
			k := min(rows.Width, n-at)
			level1.Saxpy(k, 1, from[at:at+k], 1, to[rows.Run(run)*rows.Width:], 1)
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
