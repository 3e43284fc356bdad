//go:build !purego

package train

import (
	"math"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./internal/asmgen -out vector_amd64.s -stubs vector_asm_amd64.go -pkg train

// vectors tells whether this processor runs the vector code; tests set it.
var vectors = cpu.X86.HasAVX2

// The last parameter of catchUp and momentum is how many elements ahead of w and v the next row lies, which is fetched
// meanwhile: runs are too short for the processor to see what comes next.

func catchUp(wc, w, v []float32, a float32, ahead int) {
	if !vectors || len(wc) == 0 {
		catchUpGo(wc, w, v, a)
		return
	}
	n := len(wc)
	_, _ = w[n-1], v[n-1]
	catchUpAVX2(&wc[0], &w[0], &v[0], n, a, ahead)
}

func momentum(w, v, g []float32, a, d, lr float32, ahead int) {
	if !vectors || len(g) == 0 {
		momentumGo(w, v, g, a, d, lr)
		return
	}
	n := len(g)
	_, _ = w[n-1], v[n-1]
	momentumAVX2(&w[0], &v[0], &g[0], n, a, d, lr, ahead)
}

func addMax(y, b []float32) float32 {
	if !vectors || len(y) == 0 {
		return addMaxGo(y, b)
	}
	acc := [9]float32{}
	for i := range acc {
		acc[i] = -math.MaxFloat32
	}
	_ = b[len(y)-1]
	addMaxAVX2(&y[0], &b[0], len(y), &acc)
	return largest(&acc)
}

func expSum(y []float32, less float32) float32 {
	if !vectors || len(y) == 0 {
		return expSumGo(y, less)
	}
	acc := [9]float32{}
	expSumAVX2(&y[0], len(y), less, &acc)
	return total(&acc)
}

func sigmoid(y, b []float32, by, top, less float32) {
	if !vectors || len(y) == 0 {
		sigmoidGo(y, b, by, top, less)
		return
	}
	_ = b[len(y)-1]
	sigmoidAVX2(&y[0], &b[0], len(y), by, top, less)
}

// products says which kernels of matrix products this processor runs; tests set it.
var products = func() productKernel {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasFMA && cpu.X86.HasAVX2:
		return productAVX512
	case cpu.X86.HasFMA && cpu.X86.HasAVX2:
		return productAVX2
	}
	return noProducts
}()

func product(rows int, c []float32, ldc int, a []float32, rs, cs, step, count int, b []float32, k int, alpha float32,
	add bool) {
	_, _, _ = a[(count-1)*step+(rows-1)*rs+(k-1)*cs], b[count*k*panelWidth-1], c[(rows-1)*ldc+panelWidth-1]
	one := 0
	if add {
		one = 1
	}
	switch {
	case rows == 8 && products == productAVX512:
		product8AVX512(&c[0], ldc, &a[0], rs, cs, step, count, &b[0], k, alpha, one)
	case rows == 4 && products == productAVX512:
		product4AVX512(&c[0], ldc, &a[0], rs, cs, step, count, &b[0], k, alpha, one)
	case rows == 8 && products == productAVX2:
		product8AVX2(&c[0], ldc, &a[0], rs, cs, step, count, &b[0], k, alpha, one)
	case rows == 4 && products == productAVX2:
		product4AVX2(&c[0], ldc, &a[0], rs, cs, step, count, &b[0], k, alpha, one)
	default:
		productGo(rows, c, ldc, a, rs, cs, step, count, b, k, alpha, add)
	}
}

func transposeTo(to, from []float32, ld, n int) {
	whole := 0
	if products != noProducts && n >= 8 {
		whole = n &^ 7
		_, _ = to[(whole-1)*panelWidth+7], from[7*ld+whole-1]
		transposeAVX2(&to[0], &from[0], ld, whole)
	}
	transposeGo(to, from, ld, whole, n)
}

func copyRows(to, from []float32, ld, n int) {
	if products == noProducts || n == 0 {
		copyRowsGo(to, from, ld, n)
		return
	}
	_, _ = to[n*panelWidth-1], from[(n-1)*ld+panelWidth-1]
	copyRowsAVX2(&to[0], &from[0], ld, n)
}
