//go:build amd64 && !purego

package train

import (
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
		wc, vc, wantWC, wantVC := row(n+1), row(n+1), row(n), row(n)
		catchUpGo(wantWC, wantVC, w, v, 1.7, 0.3)
		last := [2]float32{wc[n], vc[n]}
		catchUp(wc[:n], vc[:n], w, v, 1.7, 0.3)
		if !slices.Equal(wc[:n], wantWC) || !slices.Equal(vc[:n], wantVC) || last != [2]float32{wc[n], vc[n]} {
			t.Fatalf("catchUp of %d elements differs from its plain twin", n)
		}
		gotW, gotV, wantW, wantV := row(n+1), row(n+1), row(n), row(n)
		momentumGo(wantW, wantV, wc, vc, g, 0.01, 0.9)
		last = [2]float32{gotW[n], gotV[n]}
		momentum(gotW[:n], gotV[:n], wc, vc, g, 0.01, 0.9)
		if !slices.Equal(gotW[:n], wantW) || !slices.Equal(gotV[:n], wantV) || last != [2]float32{gotW[n], gotV[n]} {
			t.Fatalf("momentum of %d elements differs from its plain twin", n)
		}
	}
}
