package train

import "math"

// catchUpGo packs weights brought up to date (see matrix): wc = w + a v.
func catchUpGo(wc, w, v []float32, a float32) {
	w, v = w[:len(wc)], v[:len(wc)]
	for j := range wc {
		wc[j] = w[j] + a*v[j]
	}
}

// momentumGo is w = w + a v + v', v' = d v - lr g.
func momentumGo(w, v, g []float32, a, d, lr float32) {
	w, v = w[:len(g)], v[:len(g)]
	for j, g := range g {
		x := v[j]
		y := d*x - lr*g
		v[j] = y
		w[j] = w[j] + a*x + y
	}
}

// addMaxGo is y = y + b and returns the largest of y.
func addMaxGo(y, b []float32) float32 {
	acc := [9]float32{}
	for i := range acc {
		acc[i] = -math.MaxFloat32
	}
	b = b[:len(y)]
	for j, x := range y {
		x += b[j]
		y[j] = x
		if a := &acc[lane(j, len(y))]; !(*a > x) {
			*a = x
		}
	}
	return largest(&acc)
}

// expSumGo is y = exp(y - less) and returns the sum of y, added up in eight lanes.
func expSumGo(y []float32, less float32) float32 {
	acc := [9]float32{}
	for j, x := range y {
		x = expGo(x - less)
		y[j] = x
		acc[lane(j, len(y))] += x
	}
	return total(&acc)
}

// sigmoidGo is y = top / (1 + exp(by (y + b))) - less: the logistic function with by = -1, top = 1, less = 0, and the
// hyperbolic tangent with by = -2, top = 2, less = 1.
func sigmoidGo(y, b []float32, by, top, less float32) {
	b = b[:len(y)]
	for j, x := range y {
		y[j] = top/(expGo((x+b[j])*by)+1) - less
	}
}

// lane is which of the eight lanes element j of n belongs to; 8 is what follows the last whole vector.
func lane(j, n int) int {
	if j >= n&^7 {
		return 8
	}
	return j & 7
}

func largest(acc *[9]float32) float32 {
	top := acc[0]
	for _, x := range acc[1:] {
		top = max(top, x)
	}
	return top
}

func total(acc *[9]float32) float32 {
	return (acc[0] + acc[1] + (acc[2] + acc[3])) + (acc[4] + acc[5] + (acc[6] + acc[7])) + acc[8]
}

// expGo is the exponential function to about one unit in the last place, for arguments from -86.6 to 88; those beyond
// give what these give. See exp in internal/asmgen.
func expGo(x float32) float32 {
	const magic = 12582912
	if x < -86.6 {
		x = -86.6
	}
	if x > 88 {
		x = 88
	}
	t := x*float32(math.Log2E) + magic
	n := t - magic
	r := x - n*0.693359375
	r -= n * -2.12194440054690583e-4
	p := r * (1.0 / 5040)
	p = (p + 1.0/720) * r
	p = (p + 1.0/120) * r
	p = (p + 1.0/24) * r
	p = (p + 1.0/6) * r
	p = (p + 1.0/2) * r
	p = (p + 1) * r
	p++
	return math.Float32frombits(math.Float32bits(p) + math.Float32bits(t)<<23)
}

// productKernel is a kernel of matrix products.
type productKernel int

const (
	noProducts productKernel = iota
	productAVX2
	productAVX512
)

// panelWidth is how many columns the kernel of matrix products computes at a time.
const panelWidth = 32

// productGo is c[rows x 32] = alpha a b, added to c if add. Element (i, k) of part p of a, of count parts of k columns,
// is a[p*step + i*rs + k*cs]; b has count*k rows of 32. The vector code rounds a product and its sum once.
func productGo(rows int, c []float32, ldc int, a []float32, rs, cs, step, count int, b []float32, k int, alpha float32,
	add bool) {
	for i := range rows {
		var sum [panelWidth]float32
		at := 0
		for p := range count {
			for l := range k {
				x := a[p*step+i*rs+l*cs]
				for j, y := range b[at : at+panelWidth] {
					sum[j] += x * y
				}
				at += panelWidth
			}
		}
		row := c[i*ldc : i*ldc+panelWidth]
		for j, s := range sum {
			if add {
				row[j] += alpha * s
			} else {
				row[j] = alpha * s
			}
		}
	}
}

// transposeGo is to[32 k + i] = from[i ld + k] for 8 rows i and the columns k from `first` to n.
func transposeGo(to, from []float32, ld, first, n int) {
	for k := first; k < n; k++ {
		for i := range 8 {
			to[k*panelWidth+i] = from[i*ld+k]
		}
	}
}

// copyRowsGo is to[32 k + j] = from[k ld + j] for n rows k and 32 columns j.
func copyRowsGo(to, from []float32, ld, n int) {
	for k := range n {
		copy(to[k*panelWidth:(k+1)*panelWidth], from[k*ld:k*ld+panelWidth])
	}
}
