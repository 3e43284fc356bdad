package train

import (
	"gonum.org/v1/gonum/blas"

	"warpdrop/dropout"
)

// site is a place where dropout acts on the n rows of a window, and the weights behind it.
//
// Where units are dropped, the rows fall into groups of a selection each: the kept units of a group are gathered into
// rows of their own, one group behind the other, and multiplied by the weights of these units.
type site struct {
	*matrix
	method     dropout.Method // at this moment: none when nothing is dropped
	drops      dropout.Drops  // what it drops
	groups     []group
	groupBy    GroupBy
	batch      int // sequences: row t*batch+s is word t of sequence s
	tile       int
	keepScale  float32
	scaleByDP  bool
	mask       []float32 // of all elements, or of one row that all share
	shared     bool
	input      []float32 // what the weights are multiplied by
	buffer     []float32
	source     []float32
	n, width   int
	stream     *dropout.Stream
	bernoulli  dropout.Bernoulli
	iteration  uint64
	dropFn     func(worker, part int)
	undropFn   func(worker, part int)
	dsource    []float32
	dinput     []float32
	y, packedY []float32 // several groups: the product or its gradient, and with the rows of each group side by side
	now        *group    // whose part of y is moved, in moveFn
	toY        bool      // … from packedY to y
	moveFn     func(worker, part int)
	addFn      func(worker, part int)
}

// GroupBy says what falls into groups that have a pattern each.
type GroupBy string

const (
	GroupSamples GroupBy = "samples" // sequences side by side; the default
	GroupSteps   GroupBy = "steps"   // neighbouring time steps
)

// group is a part of the window's rows with a selection of its own.
type group struct {
	units dropout.Kept
	rows  []int // of the window, ascending
	scale float32
}

func newSite(e *engine, cfg *LSTMConfig, l, width int) (*site, error) {
	rows := cfg.Batch * cfg.Steps
	s := &site{matrix: newMatrix(e, cfg.Hidden, width, false), tile: cfg.Tile, keepScale: 1, width: cfg.Hidden,
		batch: cfg.Batch, groupBy: cfg.GroupBy, dinput: make([]float32, rows*cfg.Hidden)}
	s.dropFn, s.undropFn, s.moveFn, s.addFn = s.dropPart, s.undropPart, s.movePart, s.addPart
	var err error
	switch cfg.Method.Drops() {
	case dropout.DropsMask:
		rate := cfg.Rates[cfg.rateOf(l)]
		s.keepScale = float32(1 / (1 - rate))
		s.bernoulli, err = dropout.NewBernoulli(rate, cfg.Seed, l)
		s.buffer, s.shared = make([]float32, rows*cfg.Hidden), cfg.SharedMask
		if s.shared {
			rows = 1
		}
		s.mask = make([]float32, rows*cfg.Hidden)
	case dropout.DropsRows, dropout.DropsTiles:
		if s.stream, err = cfg.stream(l); err != nil {
			return nil, err
		}
		s.keepScale, s.scaleByDP = float32(1/(1-s.stream.Reached())), cfg.ScaleByDP
		s.groups = make([]group, max(cfg.Groups, 1))
		if cfg.Method.Drops() == dropout.DropsRows {
			s.allowPatterns(1, width, cfg.Hidden, 1, 0)
			s.buffer = make([]float32, rows*cfg.Hidden)
			if len(s.groups) > 1 {
				s.packedY = make([]float32, rows*width)
			}
		} else {
			tileRows, tileCols := dropout.TileGrid(cfg.Hidden, width, cfg.Tile, cfg.Tile)
			s.allowPatterns(cfg.Tile, cfg.Tile, tileRows, tileCols, 0)
			s.allowTiles(rows, 0, 0)
		}
	}
	return s, err
}

// draw chooses the iteration's masks or patterns of a site.
func (s *site) draw(method dropout.Method, iteration uint64, n int, id []byte) []byte {
	s.method, s.drops, s.iteration, s.n = method, method.Drops(), iteration, n
	s.keepAll()
	switch s.drops {
	case dropout.DropsMask:
		if s.shared {
			s.bernoulli.Fill(s.mask, 0, iteration, s.keepScale)
		}
	case dropout.DropsTiles:
		d := s.stream.At(iteration, 0)
		if s.scaleByDP {
			s.keepScale = float32(d.DP)
		}
		s.keepTiles(s.tile, d, s.keepScale)
		id = d.AppendID(id)
	case dropout.DropsRows:
		for i := range s.groups {
			d := s.stream.At(iteration, i)
			g := &s.groups[i]
			g.units, g.scale, g.rows = d.Units, s.keepScale, s.rowsOf(i, g.rows[:0])
			if s.scaleByDP {
				g.scale = float32(d.DP)
			}
			id = d.AppendID(id)
		}
		if len(s.groups) == 1 {
			s.keepRows(s.groups[0].units, dropout.KeepAll(s.out))
		}
	}
	return id
}

// rowsOf appends the window's rows that group i has.
func (s *site) rowsOf(i int, to []int) []int {
	steps := s.n / s.batch
	t0, t1, b0, b1 := 0, steps, 0, s.batch
	if s.groupBy == GroupSteps {
		t0, t1 = part(steps, i, len(s.groups))
	} else {
		b0, b1 = part(s.batch, i, len(s.groups))
	}
	for t := t0; t < t1; t++ {
		for b := b0; b < b1; b++ {
			to = append(to, t*s.batch+b)
		}
	}
	return to
}

// part is the i-th of so many parts of n, as even as can be.
func part(n, i, parts int) (from, to int) { return n * i / parts, n * (i + 1) / parts }

// maskOf is the mask of a row of the window.
func (s *site) maskOf(row int) []float32 {
	if s.shared {
		row = 0
	}
	return s.mask[row*s.width : (row+1)*s.width]
}

// drop applies dropout to n rows of source, and multiplies by the weights: y.
func (s *site) drop(source, y []float32) {
	s.source, s.input = source, source
	if s.drops == dropout.DropsMask || s.drops == dropout.DropsRows {
		s.Run(parts(s.n), s.dropFn)
		s.input = s.buffer
	}
	if !s.grouped() {
		s.forward(s.n, s.input, y)
		return
	}
	s.y, s.toY = y, true
	s.eachGroup(func(g *group, at int) {
		n, k := len(g.rows), g.units.Size()
		s.gemm(blas.NoTrans, blas.NoTrans, n, s.out, k, 1, s.buffer[at:], k, s.wc, s.out, 0, s.packedY, s.out)
		s.move(g)
	})
}

// grouped tells whether the window has several selections.
func (s *site) grouped() bool { return s.drops == dropout.DropsRows && len(s.groups) > 1 }

// eachGroup calls do for the groups, their weights packed; their rows begin at `at` of the buffer and of dinput.
func (s *site) eachGroup(do func(g *group, at int)) {
	for i := range s.groups {
		g := &s.groups[i]
		if len(g.rows) == 0 || g.units.Size() == 0 {
			continue
		}
		s.blocks = append(s.blocks[:0], block{rows: g.units, cols: dropout.KeepAll(s.out)})
		s.Run(parts(g.units.Count*g.units.Width), s.packFn)
		s.now = g
		do(g, s.placeOf(i)*s.width)
	}
	s.keepAll()
}

// placeOf is how many rows the groups before the i-th have.
func (s *site) placeOf(i int) (n int) {
	for _, g := range s.groups[:i] {
		n += len(g.rows)
	}
	return n
}

// move copies the rows of y of a group to or from packedY.
func (s *site) move(g *group) { s.Run(parts(len(g.rows)), s.moveFn) }

func (s *site) movePart(_, part int) {
	n := s.out
	for i := part * partRows; i < min((part+1)*partRows, len(s.now.rows)); i++ {
		packed, row := s.packedY[i*n:(i+1)*n], s.y[s.now.rows[i]*n:(s.now.rows[i]+1)*n]
		if s.toY {
			copy(row, packed)
		} else {
			copy(packed, row)
		}
	}
}

// dropPart takes a part of the window's rows or, where units are dropped, of the groups' rows one behind the other.
func (s *site) dropPart(_, part int) {
	from, to := part*partRows, min((part+1)*partRows, s.n)
	if s.drops == dropout.DropsRows {
		s.eachRowOf(from, to, func(g *group, row int, packed []float32) {
			g.units.Gather(packed, s.source[row*s.width:(row+1)*s.width], g.scale)
		}, s.buffer)
		return
	}
	if !s.shared {
		// partRows makes the first a multiple of four
		s.bernoulli.Fill(s.mask[from*s.width:to*s.width], from*s.width, s.iteration, s.keepScale)
	}
	for r := from; r < to; r++ {
		masked(s.buffer[r*s.width:(r+1)*s.width], s.source[r*s.width:(r+1)*s.width], s.maskOf(r))
	}
}

// eachRowOf calls do for the rows from .. to of the groups one behind the other: which row of the window it is, and its
// kept units in a buffer, in which a group begins where its rows would with all units.
func (s *site) eachRowOf(from, to int, do func(g *group, row int, packed []float32), buffer []float32) {
	place := 0
	for i := range s.groups {
		g := &s.groups[i]
		k := g.units.Size()
		for j := max(from-place, 0); j < min(to-place, len(g.rows)); j++ {
			at := place*s.width + j*k
			do(g, g.rows[j], buffer[at:at+k])
		}
		place += len(g.rows)
	}
}

// masked sets out to x * mask, element by element.
func masked(out, x, mask []float32) {
	x, mask = x[:len(out)], mask[:len(out)]
	for j := range out {
		out[j] = x[j] * mask[j]
	}
}

// undrop takes the gradient by y back to that by source.
func (s *site) undrop(dy, dsource []float32) {
	s.dsource = dsource
	switch {
	case s.grouped():
		s.undropGroups(dy)
		s.Run(parts(s.n), s.undropFn)
	case s.drops == dropout.DropsMask || s.drops == dropout.DropsRows:
		s.backward(s.n, s.input, dy, s.dinput)
		s.Run(parts(s.n), s.undropFn)
	default:
		s.backward(s.n, s.input, dy, dsource)
	}
}

// undropGroups computes the gradients of weights, added up over the groups, and of the kept units. What a group's kept
// weights have for a gradient takes the place of these.
func (s *site) undropGroups(dy []float32) {
	clear(s.g)
	s.y, s.toY = dy, false
	s.eachGroup(func(g *group, at int) {
		n, k := len(g.rows), g.units.Size()
		s.move(g)
		s.gemm(blas.NoTrans, blas.Trans, n, k, s.out, 1, s.packedY, s.out, s.wc, s.out, 0, s.dinput[at:], k)
		s.gemm(blas.Trans, blas.NoTrans, k, s.out, n, 1, s.buffer[at:], k, s.packedY, s.out, 0, s.wc, s.out)
		s.Run(parts(k), s.addFn)
	})
}

// addPart adds packed gradients to those of all weights.
func (s *site) addPart(_, part int) {
	n, units := s.out, s.now.units
	for i := part * partRows; i < min((part+1)*partRows, units.Size()); i++ {
		r := units.At(i)
		level1.Saxpy(n, 1, s.wc[i*n:(i+1)*n], 1, s.g[r*n:(r+1)*n], 1)
	}
}

func (s *site) undropPart(_, part int) {
	from, to := part*partRows, min((part+1)*partRows, s.n)
	if s.drops == dropout.DropsRows {
		s.eachRowOf(from, to, func(g *group, row int, packed []float32) {
			d := s.dsource[row*s.width : (row+1)*s.width]
			clear(d)
			g.units.Scatter(d, packed, g.scale)
		}, s.dinput)
		return
	}
	for r := from; r < to; r++ {
		masked(s.dsource[r*s.width:(r+1)*s.width], s.dinput[r*s.width:(r+1)*s.width], s.maskOf(r))
	}
}
