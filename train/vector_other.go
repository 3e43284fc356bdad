//go:build !amd64 || purego

package train

func catchUp(wc, vc, w, v []float32, a, d float32)       { catchUpGo(wc, vc, w, v, a, d) }
func momentum(w, v, wc, vc, g []float32, lr, mu float32) { momentumGo(w, v, wc, vc, g, lr, mu) }
