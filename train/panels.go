package train

import (
	"fmt"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// panelBLAS is this package's own matrix product: the right operand is packed in panels of 32 columns, the left one is read
// where it lies. All else is gonum's.
type panelBLAS struct {
	gonum.Implementation
	buffers *sync.Pool
}

// Blocks of the right operand: they stay in a core's second cache while all rows of the left one pass.
const (
	panelDepth  = 256
	panelBlock  = 256 // columns: a multiple of panelWidth
	panelBuffer = panelDepth * panelBlock

	leftStride = panelDepth + 16 // of packed rows; a power of two would put all of them in the same sets of the first cache
)

// panelBuffers are the packed operands of one call.
type panelBuffers struct {
	b [panelBuffer]float32
	a [8 * leftStride]float32
	c [panelWidth * 8]float32
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
	if lda < colsA || ldb < colsB || ldc < n || len(a) < (rowsA-1)*lda+colsA || len(b) < (rowsB-1)*ldb+colsB || len(c) < (m-1)*ldc+n {
		panic(fmt.Sprintf("train: sgemm %d x %d x %d with leading dimensions %d, %d, %d and lengths %d, %d, %d", m, n, k, lda, ldb, ldc, len(a), len(b), len(c)))
	}
}

// Sgemm computes c = alpha * op(a) * op(b) + beta * c, row-major.
func (o *panelBLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
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
			for j := 0; j < width; j += panelWidth {
				to := buf.b[j*depth : (j+panelWidth)*depth]
				if tB == blas.Trans {
					packTransposed(to, b[(j0+j)*ldb+k0:], ldb, depth, min(panelWidth, width-j))
				} else {
					packPanel(to, b[k0*ldb+j0+j:], ldb, depth, min(panelWidth, width-j))
				}
			}
			for i := 0; i < m; {
				rows := 8
				if m-i <= 4 {
					rows = 4
				}
				rows = o.strip(buf, tA, rows, m-i, a, lda, i, k0, depth, width, alpha, c[i*ldc+j0:], ldc, k0 > 0 || beta != 0)
				i += rows
			}
		}
	}
	o.buffers.Put(buf)
}

// strip multiplies `rows` rows of the left operand, of `left` that there are, with the packed block.
func (o *panelBLAS) strip(buf *panelBuffers, tA blas.Transpose, rows, left int, a []float32, lda, i, k0, depth, width int, alpha float32, c []float32, ldc int, add bool) int {
	kept := min(rows, left)
	x, rs, cs := buf.a[:], leftStride, 1
	if tA == blas.Trans {
		rs, cs = 1, 8
		for k := range depth {
			row := a[(k0+k)*lda+i : (k0+k)*lda+i+kept]
			to := (*[8]float32)(buf.a[8*k:])
			if kept == 8 {
				*to = [8]float32(row)
				continue
			}
			*to = [8]float32{}
			copy(to[:], row)
		}
	} else {
		for r := range kept {
			copy(buf.a[r*leftStride:], a[(i+r)*lda+k0:(i+r)*lda+k0+depth])
		}
		for r := kept; r < rows; r++ {
			clear(buf.a[r*leftStride : r*leftStride+depth])
		}
	}
	for j := 0; j < width; j += panelWidth {
		panel := buf.b[j*depth:]
		if n := min(panelWidth, width-j); n < panelWidth || kept < rows {
			product(rows, buf.c[:], panelWidth, x, rs, cs, 0, 1, panel, depth, alpha, false)
			for r := range kept {
				from, to := buf.c[r*panelWidth:r*panelWidth+n], c[r*ldc+j:r*ldc+j+n]
				if add {
					for q, y := range from {
						to[q] += y
					}
				} else {
					copy(to, from)
				}
			}
			continue
		}
		product(rows, c[j:], ldc, x, rs, cs, 0, 1, panel, depth, alpha, add)
	}
	return kept
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
