//go:build amd64 && !purego

package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestVectorCode compares the vector code with its plain twins, bit by bit, for every length up to some vectors.
func TestVectorCode(t *testing.T) {
	if !vectors {
		t.Skip("this processor has no AVX2")
	}
	rng := rand.New(rand.NewPCG(1, 1))
	row := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	for n := range 40 {
		w, v, g := row(n), row(n), row(n)
		wc, wantWC := row(n+1), row(n)
		catchUpGo(wantWC, w, v, 1.7)
		last := wc[n]
		catchUp(wc[:n], w, v, 1.7, 0)
		if !slices.Equal(wc[:n], wantWC) || last != wc[n] {
			t.Fatalf("catchUp of %d elements differs from its plain twin", n)
		}
		gotW, gotV := append(slices.Clone(w), 5), append(slices.Clone(v), 6)
		momentumGo(w, v, g, 0.4, 0.9, 0.01)
		momentum(gotW[:n], gotV[:n], g, 0.4, 0.9, 0.01, 0)
		if !slices.Equal(gotW[:n], w) || !slices.Equal(gotV[:n], v) || gotW[n] != 5 || gotV[n] != 6 {
			t.Fatalf("momentum of %d elements differs from its plain twin", n)
		}
		y, b := row(n), row(n)
		want := slices.Clone(y)
		if got, want := addMax(y, b), addMaxGo(want, b); got != want {
			t.Fatalf("addMax of %d elements is %g, of its plain twin %g", n, got, want)
		}
		if !slices.Equal(y, want) {
			t.Fatalf("addMax of %d elements differs from its plain twin", n)
		}
		sigmoid(y, b, -2, 2, 1)
		sigmoidGo(want, b, -2, 2, 1)
		if !slices.Equal(y, want) {
			t.Fatalf("sigmoid of %d elements differs from its plain twin", n)
		}
		if got, want := expSum(y, 0.5), expSumGo(want, 0.5); got != want {
			t.Fatalf("expSum of %d elements is %g, of its plain twin %g", n, got, want)
		}
		if !slices.Equal(y, want) {
			t.Fatalf("expSum of %d elements differs from its plain twin", n)
		}
	}
}

func TestExp(t *testing.T) {
	for x := float32(-86); x < 88; x += 0.0137 {
		want := math.Exp(float64(x))
		y := []float32{x, x, x, x, x, x, x, x, x}
		expSum(y, 0)
		for _, got := range []float32{expGo(x), y[0], y[8]} {
			if math.Abs(float64(got)-want) > 2e-7*want {
				t.Fatalf("exp(%g) = %g, want %g", x, got, want)
			}
		}
	}
	nan := float32(math.NaN())
	if y := []float32{nan, nan, nan, nan, nan, nan, nan, nan, nan}; !math.IsNaN(float64(expSum(y, 0))) ||
		!math.IsNaN(float64(expGo(nan))) || !math.IsNaN(float64(y[8])) {
		t.Error("exp(NaN) is a number")
	}
}
