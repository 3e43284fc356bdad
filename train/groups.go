package train

import (
	"gonum.org/v1/gonum/blas"

	"warpdrop/dropout"
)

// layerGroup is a part of the batch with a selection of its own. Its activations, of kept units only, begin where those
// of all units would.
type layerGroup struct {
	from, to   int          // samples
	rows, cols dropout.Kept // of the weights
	scale      float32      // of kept activations
}

// takeGroup makes a group the one that the parts of the work on activations are of.
func (l *layer) takeGroup(g *layerGroup) {
	l.cols, l.b = g.cols, g.to-g.from
	l.actNow, l.dactNow = l.act[g.from*l.out:], l.dact[g.from*l.out:]
	l.keepScale = g.scale
}

// packGroup packs the weights that a group keeps.
func (l *layer) packGroup(g *layerGroup) *block {
	l.keepRows(g.rows, g.cols)
	return &l.blocks[0]
}

func (l *layer) forwardGroups(x []float32) {
	for i := range l.groups {
		g := &l.groups[i]
		l.takeGroup(g)
		l.packGroup(g)
		k, n := g.rows.Size(), g.cols.Size()
		l.gemm(blas.NoTrans, blas.NoTrans, l.b, n, k, 1, x[g.from*l.in:], k, l.wc, n, 0, l.actNow, n)
		l.Run(parts(l.b), l.actFn)
	}
	l.keepAll()
}

// backwardGroups adds the gradients of the groups up. What a group's kept weights have for a gradient takes the place
// of these.
func (l *layer) backwardGroups(x, dx []float32) {
	clear(l.g)
	clear(l.biasSum)
	for i := range l.groups {
		g := &l.groups[i]
		l.takeGroup(g)
		k, n := g.rows.Size(), g.cols.Size()
		if l.compact = true; l.hidden {
			l.Run(parts(l.b), l.dactFn)
		}
		l.Run((n+biasPart-1)/biasPart, l.biasFn)
		for j, v := range l.biasG[:n] {
			l.biasSum[g.cols.At(j)] += v
		}
		if dx != nil {
			l.packGroup(g)
			l.gemm(blas.NoTrans, blas.Trans, l.b, k, n, 1, l.dactNow, n, l.wc, n, 0, dx[g.from*l.in:], k)
		}
		l.gemm(blas.Trans, blas.NoTrans, k, n, l.b, 1, x[g.from*l.in:], k, l.dactNow, n, 0, l.wc, n)
		l.adding = g
		l.Run(parts(k), l.addFn)
	}
	l.keepAll()
}

// addPart adds packed gradients to those of all weights.
func (l *layer) addPart(_, part int) {
	rows, cols := l.adding.rows, l.adding.cols
	n := cols.Size()
	for i := part * partRows; i < min((part+1)*partRows, rows.Size()); i++ {
		r := rows.At(i)
		from, to := l.wc[i*n:(i+1)*n], l.g[r*l.out:(r+1)*l.out]
		switch {
		case cols.All():
			level1.Saxpy(n, 1, from, 1, to, 1)
		case cols.List != nil:
			for j, c := range cols.List {
				to[c] += from[j]
			}
		default:
			for j, v := range from {
				to[cols.At(j)] += v
			}
		}
	}
}
