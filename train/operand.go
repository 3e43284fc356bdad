package train

import "gonum.org/v1/gonum/blas"

// operand is the right operand, k x n, of many products of few rows each: packing it every time would take as long as
// these. Without kernels of our own the BLAS does so all the same.
type operand struct {
	*engine
	trans  blas.Transpose
	k, n   int
	values []float32 // k x n, or n x k where transposed
	ld     int

	packed        []float32 // nil: the BLAS packs. Blocks of panelDepth rows, of width columns, in panels
	width, groups int       // of blocks of columns, at most panelBlock wide: a multiple of the number of threads
	packFn, runFn func(worker, part int)
}

func newOperand(e *engine, trans blas.Transpose, k, n int, values []float32, ld int) *operand {
	o := &operand{engine: e, trans: trans, k: k, n: n, values: values, ld: ld}
	if !e.ownKernels {
		return o
	}
	o.packed = make([]float32, k*roundUp(n, panelWidth))
	o.groups = roundUp((n+panelBlock-1)/panelBlock, e.Threads())
	o.width = roundUp((n+o.groups-1)/o.groups, panelWidth)
	o.groups = (n + o.width - 1) / o.width
	o.packFn, o.runFn = o.packPart, o.runPart
	return o
}

// pack is to be called when the values have changed.
func (o *operand) pack() {
	if o.packed != nil {
		o.Run(o.groups, o.packFn)
	}
}

// eachBlock calls do for the blocks of a group of columns: j0 is the first column, k0 the first row.
func (o *operand) eachBlock(group int, do func(block []float32, j0, width, k0, depth int)) {
	j0 := group * o.width
	for k0 := 0; k0 < o.k; k0 += panelDepth {
		depth := min(panelDepth, o.k-k0)
		do(o.packed[k0*roundUp(o.n, panelWidth)+j0*depth:], j0, min(o.width, o.n-j0), k0, depth)
	}
}

func (o *operand) packPart(_, group int) {
	o.eachBlock(group, func(block []float32, j0, width, k0, depth int) {
		packPanels(block, o.trans, o.values, o.ld, j0, width, k0, depth)
	})
}

// multiply computes c = a o, or adds it to c, for m rows.
func (o *operand) multiply(m int, a []float32, lda int, c []float32, ldc int, add bool) {
	beta := float32(0)
	if add {
		beta = 1
	}
	if o.packed == nil {
		o.gemm(blas.NoTrans, o.trans, m, o.n, o.k, 1, a, lda, o.values, o.ld, beta, c, ldc)
		return
	}
	checkGemm(blas.NoTrans, o.trans, m, o.n, o.k, a, lda, o.values, o.ld, c, ldc)
	e := o.engine
	e.m, e.a, e.lda, e.c, e.ldc, e.beta = m, a, lda, c, ldc, beta
	e.Run(o.groups, o.runFn)
}

func (o *operand) runPart(worker, group int) {
	e := o.engine
	o.eachBlock(group, func(block []float32, j0, width, k0, depth int) {
		e.buffers[worker].multiply(blas.NoTrans, e.m, depth, width, 1, e.a, e.lda, k0, block, e.c[j0:], e.ldc, k0 > 0 ||
			e.beta != 0)
	})
}
