package train

import (
	"fmt"
	"os"
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"warpdrop/internal/pool"
)

// Choices of BLAS.
const (
	BLASAuto     = "auto"     // OpenBLAS where it is found, else panels where the processor can, else gonum
	BLASGonum    = "gonum"    // gonum's own, in Go with assembly for dot products and axpy
	BLASOpenBLAS = "openblas" // a shared library libopenblas
	BLASPanels   = "panels"   // this package's own, in vector code (panels.go)
)

// engine computes matrix products by a BLAS on the threads of a pool. The library itself runs on one thread; a product
// is cut into blocks of its result here, so that nothing is allocated and no thread waits busily.
type engine struct {
	*pool.Pool
	lib  blas.Float32Level3
	name string

	ownKernels bool           // kept tiles, and few rows with one operand, are multiplied by the package's own kernels
	buffers    []panelBuffers // then, per thread

	// cut is the largest block of the result and of the inner dimension; 0 is as large as the number of threads allows.
	cutM, cutN, cutK int

	// The product under way.
	tA, tB        blas.Transpose
	m, n, k       int
	alpha, beta   float32
	a, b, c       []float32
	lda, ldb, ldc int
	blockM        int
	blockN        int
	blocksN       int
	blockWork     func(worker, part int)
}

// newEngine opens a BLAS: "auto" (or empty), "gonum", "openblas" or the path of a shared library with the Fortran
// interface of BLAS. threads = 0 stands for all CPUs.
func newEngine(choice string, threads int) (*engine, error) {
	if threads < 0 {
		return nil, fmt.Errorf("train: %d threads, allowed are 1 and more, or 0 for all CPUs", threads)
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	e := &engine{}
	if choice == "" || choice == BLASAuto {
		choice = BLASGonum
		if products != noProducts {
			choice = BLASPanels
		}
		if lib, name, err := openShared(sharedNames...); err == nil {
			choice, e.lib, e.name = BLASOpenBLAS, lib, name
		}
	}
	switch {
	case e.lib != nil:
	case choice == BLASOpenBLAS:
		lib, name, err := openShared(sharedNames...)
		if err != nil {
			return nil, fmt.Errorf("train: BLAS %q: %w; install it (Debian: libopenblas0) or choose another", choice, err)
		}
		e.lib, e.name = lib, name
	case choice == BLASPanels:
		if products == noProducts {
			return nil, fmt.Errorf("train: BLAS %q needs a processor with AVX2 and FMA, and a build without the tag purego",
				choice)
		}
		e.lib, e.name = newPanelBLAS(), BLASPanels
	case choice == BLASGonum:
		// Blocks this small are computed by gonum in place; larger ones would make it start goroutines of its own. 128 rows
		// of 192 columns of the right matrix fit the second-level cache.
		e.lib, e.name = gonum.Implementation{}, BLASGonum
		e.cutM, e.cutN, e.cutK = 64, 192, 128
	default:
		if _, err := os.Stat(choice); err != nil {
			return nil, fmt.Errorf("train: BLAS %q, allowed are %q, %q, %q, %q and the path of a shared library: %w",
				choice, BLASAuto, BLASGonum, BLASOpenBLAS, BLASPanels, err)
		}
		lib, name, err := openShared(choice)
		if err != nil {
			return nil, fmt.Errorf("train: BLAS %q: %w", choice, err)
		}
		e.lib, e.name = lib, name
	}
	e.Pool = pool.New(threads)
	if products != noProducts && e.name != BLASGonum { // with gonum, results are the same on every processor
		e.ownKernels, e.buffers = true, make([]panelBuffers, threads)
	}
	e.blockWork = e.block
	return e, nil
}

// BLASName is what a choice of BLAS stands for on this machine, in words.
func BLASName(choice string) (string, error) {
	e, err := newEngine(choice, 1)
	if err != nil {
		return "", err
	}
	e.Close()
	return e.name, nil
}

// gemm computes c = alpha * op(a) * op(b) + beta * c, row-major, c m x n and the inner dimension k, as blas.Sgemm.
func (e *engine) gemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int,
	beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		for i := range m {
			for j, x := range c[i*ldc : i*ldc+n] {
				c[i*ldc+j] = beta * x
			}
		}
		return
	}
	e.tA, e.tB, e.m, e.n, e.k, e.alpha, e.beta = tA, tB, m, n, k, alpha, beta
	e.a, e.b, e.c, e.lda, e.ldb, e.ldc = a, b, c, lda, ldb, ldc
	e.blockM, e.blockN = m, n
	if e.cutM != 0 {
		e.blockM, e.blockN = e.cutM, e.cutN
	} else if m*n*k > 1<<16 { // below, waking another thread takes longer than the product
		// Multiples of 32 or 16 keep the library's kernels on full registers.
		if n >= m {
			e.blockN = roundUp((n+e.Threads()-1)/e.Threads(), 32)
		} else {
			e.blockM = roundUp((m+e.Threads()-1)/e.Threads(), 16)
		}
	}
	e.blocksN = (n + e.blockN - 1) / e.blockN
	e.Run((m+e.blockM-1)/e.blockM*e.blocksN, e.blockWork)
}

func (e *engine) block(_, i int) {
	i0, j0 := i/e.blocksN*e.blockM, i%e.blocksN*e.blockN
	m, n := min(e.blockM, e.m-i0), min(e.blockN, e.n-j0)
	cutK := e.k
	if e.cutK != 0 {
		cutK = e.cutK
	}
	beta := e.beta
	for k0 := 0; k0 < e.k; k0 += cutK {
		k := min(cutK, e.k-k0)
		aAt, bAt := i0*e.lda+k0, k0*e.ldb+j0
		if e.tA == blas.Trans {
			aAt = k0*e.lda + i0
		}
		if e.tB == blas.Trans {
			bAt = j0*e.ldb + k0
		}
		e.lib.Sgemm(e.tA, e.tB, m, n, k, e.alpha, e.a[aAt:], e.lda, e.b[bAt:], e.ldb, beta, e.c[i0*e.ldc+j0:], e.ldc)
		beta = 1
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
