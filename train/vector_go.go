package train

// catchUpGo brings weights and velocities up to date (see matrix): wc = w + a v, vc = d v.
func catchUpGo(wc, vc, w, v []float32, a, d float32) {
	vc, w, v = vc[:len(wc)], w[:len(wc)], v[:len(wc)]
	for j := range wc {
		x := v[j]
		wc[j] = w[j] + a*x
		vc[j] = d * x
	}
}

// momentumGo is v = mu vc - lr g, w = wc + v.
func momentumGo(w, v, wc, vc, g []float32, lr, mu float32) {
	w, v, wc, vc = w[:len(g)], v[:len(g)], wc[:len(g)], vc[:len(g)]
	for j, g := range g {
		d := mu*vc[j] - lr*g
		v[j] = d
		w[j] = wc[j] + d
	}
}
