//go:build !purego

package train

import (
	"math"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./internal/asmgen -out vector_amd64.s -stubs vector_asm_amd64.go -pkg train

// vectors tells whether this processor runs the vector code; tests set it.
var vectors = cpu.X86.HasAVX2

// The last parameter of catchUp and momentum is how many elements ahead of w and v the next row lies, which is fetched meanwhile:
// runs are too short for the processor to see what comes next.

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
