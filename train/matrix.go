package train

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"warpdrop/dropout"
)

// level1 has the vector operations that gonum has vector code for.
var level1 gonum.Implementation

// matrix is a weight matrix, in x out, with SGD and momentum. An iteration works on all of it, or on the blocks of rows
// and columns that a pattern keeps: these are packed, multiplied and updated, and nothing else is touched.
//
// Lazy momentum: a weight that s updates have left out has moved by v (mu + ... + mu^s) and its velocity is mu^s v,
// since its gradients were 0. Both are made up for when it is kept again, which is the dense update exact to rounding.
// That weights of one class (see stamps) are always left out together makes the number of updates to remember small.
type matrix struct {
	*engine
	in, out int
	w, v    []float32 // v is nil without momentum
	g       []float32 // gradients: of all weights, or of the packed ones
	wc      []float32 // packed weights; DropConnect: the masked weights

	blocks  []block // of this iteration; empty = the whole matrix
	columns bool    // the blocks are columns of tiles, see columnBlocks
	compact bool    // x and y of forward hold kept rows and columns only; else all, those of dropped columns 0
	scale   float32 // factor of the products of blocks that are not compact
	masked  []float32
	kept    *tileList // nil: no lists of tiles
	list    []int     // of the kept tiles, where these are regular
	tiles   *tileWork // nil: kept tiles are blocks
	tiled   bool      // this iteration works on kept tiles by tiles

	// Lazy momentum.
	rowUnit, colUnit       int // width of the runs that patterns keep
	rowClasses, colClasses int // runs this far apart are always kept together
	stamps                 []uint32
	updates                uint32 // done so far
	decay                  *decay
	factors                [][2][]float32 // per thread: of v for w and for v, one a kept column run

	// The operation under way, and its parts for the pool.
	b            int
	x, y, dy, dx []float32
	// tiles: packed x and y or their gradients, block after block
	xc, yc                                                     []float32
	lr, mu                                                     float32
	packFn, updateFn, updatePackedFn, settleFn, xFn, yFn, dyFn func(worker, part int)
	dxFn, gatherXFn, addXFn                                    func(worker, part int)
	now                                                        *block // columns of tiles: the one that is multiplied
}

// partRows is how many rows one part of the work covers.
const partRows = 8

func parts(n int) int { return (n + partRows - 1) / partRows }

func newMatrix(e *engine, in, out int, momentum bool) *matrix {
	m := &matrix{engine: e, in: in, out: out, w: make([]float32, in*out), g: make([]float32, in*out), scale: 1}
	if momentum {
		m.v = make([]float32, in*out)
	}
	m.packFn, m.updateFn, m.updatePackedFn, m.settleFn = m.packPart, m.updatePart, m.updatePackedPart, m.settlePart
	m.xFn, m.yFn, m.dyFn, m.dxFn, m.gatherXFn, m.addXFn = m.xPart, m.yPart, m.dyPart, m.dxPart, m.gatherXPart, m.addXPart
	return m
}

// allowPatterns prepares for patterns that keep runs of rowUnit rows and colUnit columns; runs rowClasses or colClasses
// apart are always kept together.
func (m *matrix) allowPatterns(rowUnit, colUnit, rowClasses, colClasses int, mu float32) {
	m.rowUnit, m.colUnit = rowUnit, colUnit
	m.rowClasses = min(rowClasses, (m.in+rowUnit-1)/rowUnit)
	m.colClasses = min(colClasses, (m.out+colUnit-1)/colUnit)
	m.wc = make([]float32, m.in*m.out) // not touched where products are direct
	m.blocks = make([]block, 0, 64)
	if m.v != nil {
		m.stamps = make([]uint32, m.rowClasses*m.colClasses)
		m.decay = newDecay(mu)
		m.factors = make([][2][]float32, m.Threads())
		for i := range m.factors {
			n := (m.out + colUnit - 1) / colUnit
			m.factors[i] = [2][]float32{make([]float32, n), make([]float32, n)}
		}
	}
}

// allowGroups prepares for several selections an iteration (see groups.go), whose gradients of all weights are added
// up: nothing is left out of an update.
func (m *matrix) allowGroups() {
	m.rowUnit, m.colUnit, m.rowClasses, m.colClasses = 1, 1, m.in, m.out
	m.wc, m.blocks = make([]float32, m.in*m.out), make([]block, 0, 1)
}

// allowTiles prepares the buffers of products by tiles with up to b rows, and updates by lr and mu.
func (m *matrix) allowTiles(b int, lr, mu float32) {
	m.kept = newTileList((m.in+m.rowUnit-1)/m.rowUnit, (m.out+m.colUnit-1)/m.colUnit)
	if m.ownKernels && m.v != nil && m.rowUnit == tileSize {
		m.tiles = newTileWork(m, b)
		m.wc, m.g, m.lr, m.mu = nil, nil, lr, mu
		return
	}
	m.xc, m.yc = make([]float32, b*m.in), make([]float32, b*m.out)
}

// keepRows makes the iteration work on these rows and columns, in compact form.
func (m *matrix) keepRows(rows, cols dropout.Kept) {
	m.blocks, m.compact = append(m.blocks[:0], block{rows: rows, cols: cols}), true
	m.pack()
}

// keepTiles makes the iteration work on the kept tiles of t x t, whose products are multiplied by scale.
func (m *matrix) keepTiles(t int, s dropout.Selection, scale float32) {
	m.scale, m.compact, m.columns = scale, false, s.List != nil
	list := s.List
	if list == nil && m.tiles != nil {
		m.list = dropout.AppendKeptRows(m.list[:0], m.kept.rows*m.kept.cols, s.DP, s.Bias)
		list = m.list
	}
	if list != nil {
		m.kept.keep(list)
	}
	if m.tiles != nil {
		m.tiled = true
		m.enterTiles()
		return
	}
	if m.columns {
		m.blocks = columnBlocks(m.blocks[:0], m.in, m.out, t, m.kept)
	} else {
		m.blocks = tileBlocks(m.blocks[:0], m.in, m.out, t, s.DP, s.Bias)
	}
	m.pack()
}

// keepAll makes the iteration work on the whole matrix.
func (m *matrix) keepAll() { m.blocks, m.tiled = m.blocks[:0], false }

// gradients are those of the iteration, of all weights or of the packed ones.
func (m *matrix) gradients() []float32 {
	if len(m.blocks) == 0 {
		return m.g
	}
	n := 0
	for i := range m.blocks {
		n += m.blocks[i].rows.Size() * m.blocks[i].cols.Size()
	}
	return m.g[:n]
}

// direct tells whether the products work on the weights in place: kept rows with all columns, with nothing to make up
// for, are a matrix with a larger leading dimension.
func (m *matrix) direct() bool {
	return m.compact && m.v == nil && m.blocks[0].cols.Contiguous() && m.blocks[0].rows.Width == 1 &&
		m.blocks[0].rows.List == nil
}

// packed is the block's weights and their leading dimension.
func (m *matrix) packed(k *block) ([]float32, int) {
	if m.direct() {
		return m.w[k.rows.First*m.out:], k.rows.Step * m.out
	}
	return m.wc[k.at:], k.cols.Size()
}

// pack copies the kept weights, brought up to date.
func (m *matrix) pack() {
	if m.direct() {
		return
	}
	n := 0
	for i := range m.blocks {
		n += parts(m.blocks[i].rows.Count * m.blocks[i].rows.Width)
	}
	m.Run(n, m.packFn)
}

// blockOf finds the block that part belongs to, and the part's number in it.
func (m *matrix) blockOf(part int) (*block, int) {
	for i := range m.blocks {
		n := parts(m.blocks[i].rows.Count * m.blocks[i].rows.Width)
		if part < n {
			return &m.blocks[i], part
		}
		part -= n
	}
	panic("train: no such part")
}

// eachRow calls do for the rows of a part: row r of the matrix is row at of the packed block; class is that of the row.
// Rows are taken class by class, so that the factors of a class are computed once.
func (m *matrix) eachRow(worker, part int, do func(m *matrix, worker int, b *block, r, from, n int)) {
	b, part := m.blockOf(part)
	rows := b.rows
	n := b.cols.Size()
	period := max(1, min(rows.Count, m.rowClasses/rows.Step))
	if m.rowClasses%rows.Step != 0 {
		period = rows.Count
	}
	long, per := rows.Count%period, rows.Count/period // the first `long` classes have one run more
	class := -1
	for slot := part * partRows; slot < min((part+1)*partRows, rows.Count*rows.Width); slot++ {
		run, within := slot/rows.Width, slot%rows.Width
		c, i := 0, 0
		if run < long*(per+1) {
			c, i = run/(per+1), run%(per+1)
		} else {
			c, i = long+(run-long*(per+1))/per, (run-long*(per+1))%per
		}
		k := c + i*period
		r := rows.Run(k)*rows.Width + within
		if r >= m.in {
			continue
		}
		if now := rows.Run(k) % m.rowClasses; now != class && m.stamps != nil {
			class = now
			m.fillFactors(worker, class, b.cols)
		}
		do(m, worker, b, r, b.at+(k*rows.Width+within)*n, n)
	}
}

func (m *matrix) packPart(worker, part int) { m.eachRow(worker, part, packRow) }

func packRow(m *matrix, worker int, b *block, r, from, n int) {
	w, wc := m.w[r*m.out:(r+1)*m.out], m.wc[from:from+n]
	if m.stamps == nil {
		b.cols.Gather(wc, w, 1)
		return
	}
	catchUpRow(wc, w, m.v[r*m.out:(r+1)*m.out], m.factors[worker][0][:b.cols.Count], b.cols)
}

// fillFactors computes what to multiply velocities by to bring weights and velocities up to date, for each kept column
// run.
func (m *matrix) fillFactors(worker, class int, cols dropout.Kept) {
	a, d := m.factors[worker][0], m.factors[worker][1]
	stamps := m.stamps[class*m.colClasses : (class+1)*m.colClasses]
	if cols.List != nil { // all columns are classes of their own
		for k, c := range cols.List {
			a[k], d[k] = m.decay.at(m.updates - stamps[c])
		}
		return
	}
	c, step := cols.First%m.colClasses, cols.Step%m.colClasses
	for k := range cols.Count {
		a[k], d[k] = m.decay.at(m.updates - stamps[c])
		c += step
		if c >= m.colClasses {
			c -= m.colClasses
		}
	}
}

// catchUpRow packs one row, brought up to date: wc = w + a v, with a of each column run.
func catchUpRow(wc, w, v, a []float32, cols dropout.Kept) {
	if cols.List != nil {
		a, wc = a[:len(cols.List)], wc[:len(cols.List)]
		for k, c := range cols.List {
			wc[k] = w[c] + a[k]*v[c]
		}
		return
	}
	if cols.Width == 1 {
		c, step := cols.First, cols.Step
		a = a[:len(wc)]
		for k := range wc {
			wc[k] = w[c] + a[k]*v[c]
			c += step
		}
		return
	}
	at, c := 0, cols.Start()
	for k := range a {
		n := min(cols.Width, len(wc)-at)
		catchUp(wc[at:at+n], w[c:c+n], v[c:c+n], a[k], cols.N)
		at += n
		c += cols.Step * cols.Width
	}
}

// forward computes y = x w of b rows. Compact: x is b x kept rows, y is b x kept columns.
func (m *matrix) forward(b int, x, y []float32) {
	switch {
	case m.tiled:
		m.b, m.x, m.y = b, x, y
		if m.tiles.previous == nil {
			m.Run(m.tiles.rows, m.tiles.packXFn)
		}
		m.Run(m.tiles.cols, m.tiles.forwardFn)
	case len(m.blocks) == 0:
		m.gemm(blas.NoTrans, blas.NoTrans, b, m.out, m.in, 1, x, m.in, m.effective(), m.out, 0, y, m.out)
	case m.compact:
		k, n := m.blocks[0].rows.Size(), m.blocks[0].cols.Size()
		w, ld := m.packed(&m.blocks[0])
		m.gemm(blas.NoTrans, blas.NoTrans, b, n, k, 1, x, k, w, ld, 0, y, n)
	case m.columns:
		m.forwardColumns(b, x, y)
	default:
		m.b, m.x, m.y = b, x, y
		m.Run(parts(b), m.xFn)
		yAt, xAt := 0, 0
		for _, k := range m.blocks {
			r, c := k.rows.Size(), k.cols.Size()
			xk, ld := m.packedX(&k, xAt)
			m.gemm(blas.NoTrans, blas.NoTrans, b, c, r, m.scale, xk, ld, m.wc[k.at:], c, 0, m.yc[yAt:], c)
			xAt += b * r
			yAt += b * c
		}
		m.Run(parts(b), m.yFn)
	}
}

// multiply computes y = x w of b rows with all weights, nothing dropped; they have to be up to date (settle).
func (m *matrix) multiply(b int, x, y []float32) {
	m.gemm(blas.NoTrans, blas.NoTrans, b, m.out, m.in, 1, x, m.in, m.w, m.out, 0, y, m.out)
}

// effective is the whole matrix as the products use it.
func (m *matrix) effective() []float32 {
	if m.masked != nil {
		return m.wc
	}
	return m.w
}

// packedX is a tile block's part of x and its leading dimension: x itself where its rows are neighbours.
func (m *matrix) packedX(k *block, at int) ([]float32, int) {
	if k.rows.Contiguous() {
		return m.x[k.rows.Start():], m.in
	}
	return m.xc[at:], k.rows.Size()
}

func (m *matrix) xPart(_, part int) {
	at := 0
	for i := range m.blocks {
		k := &m.blocks[i]
		n := k.rows.Size()
		if !k.rows.Contiguous() {
			for s := part * partRows; s < min((part+1)*partRows, m.b); s++ {
				k.rows.Gather(m.xc[at+s*n:at+(s+1)*n], m.x[s*m.in:(s+1)*m.in], 1)
			}
		}
		at += m.b * n
	}
}

func (m *matrix) yPart(_, part int) {
	from, to := part*partRows, min((part+1)*partRows, m.b)
	clear(m.y[from*m.out : to*m.out])
	at := 0
	for i := range m.blocks {
		cols := m.blocks[i].cols
		n := cols.Size()
		for s := from; s < to; s++ {
			cols.Scatter(m.y[s*m.out:(s+1)*m.out], m.yc[at+s*n:at+(s+1)*n], 1)
		}
		at += m.b * n
	}
}

// backward computes g = x' dy and, unless dx is nil, dx = dy w', for the x that forward had.
func (m *matrix) backward(b int, x, dy, dx []float32) {
	switch {
	case m.tiled:
		m.b, m.x, m.dy, m.dx = b, x, dy, dx
		if m.tiles.next == nil {
			m.Run(m.tiles.cols, m.tiles.packDYFn)
		}
		if dx == nil {
			m.Run(m.tiles.cols, m.tiles.updateFn)
		} else {
			m.Run(m.tiles.rows, m.tiles.backwardFn)
		}
	case len(m.blocks) == 0:
		if dx != nil {
			m.gemm(blas.NoTrans, blas.Trans, b, m.in, m.out, 1, dy, m.out, m.effective(), m.out, 0, dx, m.in)
		}
		m.gemm(blas.Trans, blas.NoTrans, m.in, m.out, b, 1, x, m.in, dy, m.out, 0, m.g, m.out)
	case m.compact:
		k, n := m.blocks[0].rows.Size(), m.blocks[0].cols.Size()
		if dx != nil {
			w, ld := m.packed(&m.blocks[0])
			m.gemm(blas.NoTrans, blas.Trans, b, k, n, 1, dy, n, w, ld, 0, dx, k)
		}
		m.gemm(blas.Trans, blas.NoTrans, k, n, b, 1, x, k, dy, n, 0, m.g, n)
	case m.columns:
		m.backwardColumns(b, x, dy, dx)
	default:
		m.b, m.x, m.dy, m.dx = b, x, dy, dx
		m.Run(parts(b), m.dyFn)
		yAt, xAt := 0, 0
		for _, k := range m.blocks {
			r, c := k.rows.Size(), k.cols.Size()
			dyk := m.yc[yAt:]
			xk, ld := m.packedX(&k, xAt)
			m.gemm(blas.Trans, blas.NoTrans, r, c, b, 1, xk, ld, dyk, c, 0, m.g[k.at:], c)
			if dx != nil { // packed x is not needed any more
				if k.rows.Contiguous() {
					m.gemm(blas.NoTrans, blas.Trans, b, r, c, 1, dyk, c, m.wc[k.at:], c, 0, dx[k.rows.Start():], m.in)
				} else {
					m.gemm(blas.NoTrans, blas.Trans, b, r, c, 1, dyk, c, m.wc[k.at:], c, 0, m.xc[xAt:], r)
				}
			}
			xAt += b * r
			yAt += b * c
		}
		if dx != nil {
			m.Run(parts(b), m.dxFn)
		}
	}
}

// dyPart packs gradients, already multiplied by the scale of the products.
func (m *matrix) dyPart(_, part int) {
	at := 0
	for i := range m.blocks {
		cols := m.blocks[i].cols
		n := cols.Size()
		for s := part * partRows; s < min((part+1)*partRows, m.b); s++ {
			cols.Gather(m.yc[at+s*n:at+(s+1)*n], m.dy[s*m.out:(s+1)*m.out], m.scale)
		}
		at += m.b * n
	}
}

func (m *matrix) dxPart(_, part int) {
	at := 0
	for i := range m.blocks {
		rows := m.blocks[i].rows
		n := rows.Size()
		if !rows.Contiguous() {
			for s := part * partRows; s < min((part+1)*partRows, m.b); s++ {
				rows.Scatter(m.dx[s*m.in:(s+1)*m.in], m.xc[at+s*n:at+(s+1)*n], 1)
			}
		}
		at += m.b * n
	}
}

// update is v = mu v - lr g, w = w + v, on what the iteration kept.
func (m *matrix) update(lr, mu float32) {
	m.lr, m.mu = lr, mu
	if m.tiled { // backward has done it
		m.updates++
		return
	}
	if len(m.blocks) == 0 {
		m.Run(parts(m.in), m.updateFn)
		return
	}
	n := 0
	for i := range m.blocks {
		n += parts(m.blocks[i].rows.Count * m.blocks[i].rows.Width)
	}
	m.Run(n, m.updatePackedFn)
	if m.v == nil {
		return
	}
	m.updates++
	for i := range m.blocks {
		rows, cols := m.blocks[i].rows, m.blocks[i].cols
		for r := range min(rows.Count, m.rowClasses) {
			stamps := m.stamps[rows.Run(r)%m.rowClasses*m.colClasses:]
			for c := range min(cols.Count, m.colClasses) {
				stamps[cols.Run(c)%m.colClasses] = m.updates
			}
		}
	}
}

func (m *matrix) updatePart(_, part int) {
	from, to := part*partRows*m.out, min((part+1)*partRows, m.in)*m.out
	w, g := m.w[from:to], m.g[from:to]
	lr, mu := m.lr, m.mu
	switch {
	case m.v == nil:
		level1.Saxpy(len(g), -lr, g, 1, w, 1)
	case m.masked != nil:
		v, mask := m.v[from:to], m.masked[from:to]
		w, v, mask = w[:len(g)], v[:len(g)], mask[:len(g)]
		for j, g := range g {
			d := mu*v[j] - lr*g*mask[j]
			v[j] = d
			w[j] += d
		}
	default:
		momentum(w, m.v[from:to], g, 0, mu, lr, 0)
	}
}

func (m *matrix) updatePackedPart(worker, part int) { m.eachRow(worker, part, updateRow) }

func updateRow(m *matrix, worker int, b *block, r, from, n int) {
	w, g, cols := m.w[r*m.out:(r+1)*m.out], m.g[from:from+n], b.cols
	if m.v != nil {
		momentumRow(w, m.v[r*m.out:(r+1)*m.out], g, m.factors[worker][0][:cols.Count], m.factors[worker][1][:cols.Count],
			m.lr, m.mu, cols)
		return
	}
	for at, c := 0, cols.Start(); at < n; at, c = at+cols.Width, c+cols.Step*cols.Width {
		k := min(cols.Width, n-at)
		level1.Saxpy(k, -m.lr, g[at:at+k], 1, w[c:c+k], 1)
	}
}

// momentumRow brings the kept weights of a row up to date and updates them: w = w + a v + v', v' = mu d v - lr g.
func momentumRow(w, v, g, a, d []float32, lr, mu float32, cols dropout.Kept) {
	if cols.List != nil {
		a, d, g = a[:len(cols.List)], d[:len(cols.List)], g[:len(cols.List)]
		for k, c := range cols.List {
			x := v[c]
			y := mu*d[k]*x - lr*g[k]
			v[c] = y
			w[c] = w[c] + a[k]*x + y
		}
		return
	}
	if cols.Width == 1 {
		a, d = a[:len(g)], d[:len(g)]
		c, step := cols.First, cols.Step
		for k, g := range g {
			x := v[c]
			y := mu*d[k]*x - lr*g
			v[c] = y
			w[c] = w[c] + a[k]*x + y
			c += step
		}
		return
	}
	at, c := 0, cols.Start()
	for k := range a {
		n := min(cols.Width, len(g)-at)
		momentum(w[c:c+n], v[c:c+n], g[at:at+n], a[k], mu*d[k], lr, cols.N)
		at += n
		c += cols.Step * cols.Width
	}
}

// settle brings all weights and velocities up to date.
func (m *matrix) settle() {
	if m.stamps == nil {
		return
	}
	m.leaveTiles()
	m.Run(parts(m.in), m.settleFn)
	for i := range m.stamps {
		m.stamps[i] = m.updates
	}
}

func (m *matrix) settlePart(worker, part int) {
	cols := dropout.KeepEvery(m.out, m.colUnit, 1, 1)
	class := -1
	for r := part * partRows; r < min((part+1)*partRows, m.in); r++ {
		if now := r / m.rowUnit % m.rowClasses; now != class {
			class = now
			m.fillFactors(worker, class, cols)
		}
		w, v := m.w[r*m.out:(r+1)*m.out], m.v[r*m.out:(r+1)*m.out]
		for k := range cols.Count {
			a, d := m.factors[worker][0][k], m.factors[worker][1][k]
			for j := k * cols.Width; j < min((k+1)*cols.Width, m.out); j++ {
				w[j] += a * v[j]
				v[j] *= d
			}
		}
	}
}

// decay holds what s updates without a gradient do: w moves by a v, v is multiplied by d.
type decay struct {
	mu   float64
	a, d []float32
}

func newDecay(mu float32) *decay {
	t := &decay{mu: float64(mu)}
	for s := 0; s < 1<<16; s++ { // in use until mu^s is 0
		a, d := t.exact(float64(s))
		t.a, t.d = append(t.a, a), append(t.d, d)
		if d == 0 {
			break
		}
	}
	return t
}

func (t *decay) exact(s float64) (a, d float32) {
	p := math.Pow(t.mu, s)
	return float32(t.mu * (1 - p) / (1 - t.mu)), float32(p)
}

func (t *decay) at(s uint32) (a, d float32) {
	if s < uint32(len(t.a)) {
		return t.a[s], t.d[s]
	}
	if last := len(t.d) - 1; t.d[last] == 0 {
		return t.a[last], 0
	}
	return t.exact(float64(s))
}
