package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// TestPanelBLAS compares products with those of gonum, of all kinds and sizes around those of blocks and vectors, with
// every kernel that this processor runs.
func TestPanelBLAS(t *testing.T) {
	best := products
	defer func() { products = best }()
	for products = noProducts; products <= best; products++ {
		testPanelBLAS(t)
	}
}

func testPanelBLAS(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	row := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	own := newPanelBLAS()
	var reference gonum.Implementation
	try := func(tA, tB blas.Transpose, m, n, k int, alpha, beta float32) {
		rowsA, lda, rowsB, ldb, ldc := m, k+rng.IntN(3), k, n+rng.IntN(3), n+rng.IntN(3)
		if tA == blas.Trans {
			rowsA, lda = k, m+rng.IntN(3)
		}
		if tB == blas.Trans {
			rowsB, ldb = n, k+rng.IntN(3)
		}
		a, b, c := row(rowsA*lda), row(rowsB*ldb), row(m*ldc)
		want := append([]float32(nil), c...)
		own.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		reference.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, want, ldc)
		for i := range c {
			if math.Abs(float64(c[i]-want[i])) > 1e-5*math.Sqrt(float64(k))*4 {
				t.Fatalf("kernel %d: %c%c %d x %d x %d, alpha %g, beta %g: element %d is %g, want %g", products, tA, tB, m, n, k,
					alpha, beta, i, c[i], want[i])
			}
		}
	}
	for _, tt := range [][2]blas.Transpose{{blas.NoTrans, blas.NoTrans}, {blas.NoTrans, blas.Trans},
		{blas.Trans, blas.NoTrans}, {blas.Trans, blas.Trans}} {
		for _, m := range []int{1, 3, 4, 5, 8, 12, 13, 30} {
			for _, n := range []int{1, 8, 15, 32, 45, 64, 300} {
				for _, k := range []int{1, 7, 8, 256, 300} {
					try(tt[0], tt[1], m, n, k, 1, 0)
					try(tt[0], tt[1], m, n, k, 0.5, 1)
				}
			}
		}
		try(tt[0], tt[1], 9, 33, 5, 2, 0.25)
	}
}
