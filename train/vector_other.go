//go:build !amd64 || purego

package train

func catchUp(wc, w, v []float32, a float32, ahead int)        { catchUpGo(wc, w, v, a) }
func momentum(w, v, g []float32, a, d, lr float32, ahead int) { momentumGo(w, v, g, a, d, lr) }
func addMax(y, b []float32) float32                           { return addMaxGo(y, b) }
func expSum(y []float32, less float32) float32                { return expSumGo(y, less) }
func sigmoid(y, b []float32, by, top, less float32)           { sigmoidGo(y, b, by, top, less) }

var products = noProducts

func product(rows int, c []float32, ldc int, a []float32, rs, cs, step, count int, b []float32, k int, alpha float32,
	add bool) {
	productGo(rows, c, ldc, a, rs, cs, step, count, b, k, alpha, add)
}
func transposeTo(to, from []float32, ld, n int) { transposeGo(to, from, ld, 0, n) }
func copyRows(to, from []float32, ld, n int)    { copyRowsGo(to, from, ld, n) }
