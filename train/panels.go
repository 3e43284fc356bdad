package train

import (
	"fmt"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// panelBLAS is this package's own matrix product: the right operand is packed in panels of 32 columns, the left one is
// read where it lies. All else is gonum's.
type panelBLAS struct {
	gonum.Implementation
	buffers *sync.Pool
}

// Blocks of the right operand: they stay in a core's second cache while all rows of the left one pass.
const (
	panelDepth = 256
	panelBlock = 512 // columns: a multiple of panelWidth
)

// panelBuffers are the packed operands of one call.
type panelBuffers struct {
	b [panelDepth * panelBlock]float32
	a [leftStride * panelWidth]float32
	c [8 * panelWidth]float32
}

func newPanelBLAS() *panelBLAS {
	return &panelBLAS{buffers: &sync.Pool{New: func() any { return new(panelBuffers) }}}
}

// checkGemm panics unless the operands of a product lie within their slices.
func checkGemm(tA, tB blas.Transpose, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	rowsA, colsA, rowsB, colsB := m, k, k, n
	if tA == blas.Trans {
		rowsA, colsA = k, m
	}
	if tB == blas.Trans {
		rowsB, colsB = n, k
	}
	if lda < colsA || ldb < colsB || ldc < n || len(a) < (rowsA-1)*lda+colsA || len(b) < (rowsB-1)*ldb+colsB ||
		len(c) < (m-1)*ldc+n {
		panic(fmt.Sprintf("train: sgemm %d x %d x %d with leading dimensions %d, %d, %d and lengths %d, %d, %d",
			m, n, k, lda, ldb, ldc, len(a), len(b), len(c)))
	}
}

// Sgemm computes c = alpha * op(a) * op(b) + beta * c, row-major.
func (o *panelBLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int,
	beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		o.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	checkGemm(tA, tB, m, n, k, a, lda, b, ldb, c, ldc)
	if beta != 0 && beta != 1 {
		for i := range m {
			for j := range c[i*ldc : i*ldc+n] {
				c[i*ldc+j] *= beta
			}
		}
	}
	buf := o.buffers.Get().(*panelBuffers)
	for j0 := 0; j0 < n; j0 += panelBlock {
		width := min(panelBlock, n-j0)
		for k0 := 0; k0 < k; k0 += panelDepth {
			depth := min(panelDepth, k-k0)
			packPanels(buf.b[:], tB, b, ldb, j0, width, k0, depth)
			buf.multiply(tA, m, depth, width, alpha, a, lda, k0, buf.b[:], c[j0:], ldc, k0 > 0 || beta != 0)
		}
	}
	o.buffers.Put(buf)
}

// packPanels packs the columns from j0 on and the rows from k0 on of a right operand, panel after panel.
func packPanels(to []float32, tB blas.Transpose, b []float32, ldb, j0, width, k0, depth int) {
	for j := 0; j < width; j += panelWidth {
		panel := to[j*depth : (j+panelWidth)*depth]
		if tB == blas.Trans {
			packTransposed(panel, b[(j0+j)*ldb+k0:], ldb, depth, min(panelWidth, width-j))
		} else {
			packPanel(panel, b[k0*ldb+j0+j:], ldb, depth, min(panelWidth, width-j))
		}
	}
}

// multiply computes c = alpha a b, or adds it to c, for a packed right operand of so many columns and its rows of a or
// a'.
func (buf *panelBuffers) multiply(tA blas.Transpose, m, depth, width int, alpha float32, a []float32, lda, k0 int, b,
	c []float32, ldc int, add bool) {
	for i0 := 0; i0 < m; i0 += panelWidth {
		left := min(panelWidth, m-i0)
		x, rs, cs := buf.a[:], 1, panelWidth
		switch {
		case tA == blas.Trans:
			packPanel(x, a[k0*lda+i0:], lda, depth, left)
		case left%4 != 0 || collide(lda):
			rs, cs = leftStride, 1
			for r := range roundUp(left, 4) {
				row := x[r*leftStride : r*leftStride+depth]
				if r < left {
					copy(row, a[(i0+r)*lda+k0:])
				} else {
					clear(row)
				}
			}
		default:
			x, rs, cs = a[i0*lda+k0:], lda, 1
		}
		for i := 0; i < left; i += 8 {
			rows := 8
			if left-i <= 4 {
				rows = 4
			}
			for j := 0; j < width; j += panelWidth {
				buf.block(rows, min(rows, left-i), min(panelWidth, width-j), x[i*rs:], rs, cs, depth, alpha, b[j*depth:],
					c[(i0+i)*ldc+j:], ldc, add)
			}
		}
	}
}

// leftStride is that of packed rows: see collide.
const leftStride = panelDepth + 64

// collide tells whether rows that are ld apart take each other's place in a first cache of 4 KiB a way.
func collide(ld int) bool {
	at := ld % 1024
	return at < 64 || at > 1024-64
}

// block multiplies 8 or 4 rows of the left operand with a panel; m rows and n columns of the result are wanted.
func (buf *panelBuffers) block(rows, m, n int, x []float32, rs, cs, depth int, alpha float32, panel, c []float32,
	ldc int, add bool) {
	if n == panelWidth && m == rows {
		product(rows, c, ldc, x, rs, cs, 0, 1, panel, depth, alpha, add)
		return
	}
	product(rows, buf.c[:], panelWidth, x, rs, cs, 0, 1, panel, depth, alpha, false)
	for r := range m {
		from, to := buf.c[r*panelWidth:r*panelWidth+n], c[r*ldc:r*ldc+n]
		if !add {
			copy(to, from)
			continue
		}
		for q, y := range from {
			to[q] += y
		}
	}
}

// packPanel is to[32 k + j] = b[k ldb + j], 0 from column n on.
func packPanel(to, b []float32, ldb, depth, n int) {
	if n == panelWidth {
		copyRows(to, b, ldb, depth)
		return
	}
	for k := range depth {
		row := to[k*panelWidth : (k+1)*panelWidth]
		clear(row[copy(row, b[k*ldb:k*ldb+n]):])
	}
}

// packTransposed is to[32 k + j] = b[j ldb + k], 0 from column n on.
func packTransposed(to, b []float32, ldb, depth, n int) {
	j := 0
	for ; j+8 <= n; j += 8 {
		transposeTo(to[j:], b[j*ldb:], ldb, depth)
	}
	for ; j < panelWidth; j++ {
		for k := range depth {
			to[k*panelWidth+j] = 0
			if j < n {
				to[k*panelWidth+j] = b[j*ldb+k]
			}
		}
	}
}
