package train

import (
	"math"
	"testing"

	"warpdrop/dropout"
)

// lossAt is the loss of m's batch with the masks and patterns of iteration 0.
func lossAt(m *mlp) float64 {
	m.draw(0)
	x := m.x
	for i, l := range m.layers {
		m.forward(l, x, i < len(m.layers)-1)
		x = l.y
	}
	m.softmax(m.layers[len(m.layers)-1])
	return m.loss
}

// TestGradient compares one step of plain SGD with central differences of the loss, for every method: a weight moves by
// minus the learning rate times the slope, also where it is dropped (by nothing).
func TestGradient(t *testing.T) {
	for _, method := range []dropout.Method{dropout.None, dropout.Dense, dropout.DropConnect, dropout.RDP, dropout.TDP} {
		e, err := newEngine(BLASGonum, 2)
		if err != nil {
			t.Fatal(err)
		}
		const lr = 0.5
		m, err := newMLP(e, MLPConfig{Hidden: []int{40, 36}, Batch: 8, LR: lr, Method: method, Rates: []float64{0.5, 0.5},
			Distributions: []dropout.Distribution{dropout.Fixed(2), dropout.Fixed(3)}, Tile: 16, Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.x {
			m.x[i] = float32(i*7919%1000) / 1000
		}
		for i := range m.labels {
			m.labels[i] = byte(i)
		}
		var before [][]float32
		for _, l := range m.layers {
			before = append(before, append([]float32(nil), l.w...))
		}
		if err := m.step(0); err != nil {
			t.Fatal(err)
		}
		moved := make([][]float32, len(m.layers))
		for i, l := range m.layers {
			moved[i] = append([]float32(nil), l.w...)
			copy(l.w, before[i])
			clear(l.b)
		}
		compared := 0
		for i, l := range m.layers {
			for k := 0; k < len(l.w); k += len(l.w)/17 + 1 {
				const h = 2e-3
				l.w[k] = before[i][k] + h
				up := lossAt(m)
				l.w[k] = before[i][k] - h
				down := lossAt(m)
				l.w[k] = before[i][k]
				// A unit that starts or stops within the step has no slope to compare with.
				if base := lossAt(m); math.Abs(up-2*base+down) > 2e-6 {
					continue
				}
				compared++
				want := (up - down) / (2 * h)
				got := float64(before[i][k]-moved[i][k]) / lr
				if math.Abs(got-want) > 2e-3+0.03*math.Abs(want) {
					t.Errorf("%s, layer %d, weight %d: gradient %g, finite differences %g", method, i+1, k, got, want)
				}
			}
		}
		if compared < 25 {
			t.Errorf("%s: only %d weights compared", method, compared)
		}
		e.close()
	}
}
