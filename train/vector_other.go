//go:build !amd64 || purego

package train

func catchUp(wc, vc, w, v []float32, a, d float32)       { catchUpGo(wc, vc, w, v, a, d) }
func momentum(w, v, wc, vc, g []float32, lr, mu float32) { momentumGo(w, v, wc, vc, g, lr, mu) }
func addMax(y, b []float32) float32                      { return addMaxGo(y, b) }
func expSum(y []float32, less float32) float32           { return expSumGo(y, less) }
func sigmoid(y, b []float32, by, top, less float32)      { sigmoidGo(y, b, by, top, less) }
