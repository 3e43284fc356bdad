package train

import (
	"fmt"
	"testing"

	"warpdrop/dropout"
)

// BenchmarkMLP reports samples/s of training iterations of 784-H-H-10, batch 128, at rate 0.7 with the default patterns.
func BenchmarkMLP(b *testing.B) {
	for _, lib := range []string{BLASOpenBLAS, BLASGonum} {
		for _, hidden := range []int{1024, 2048, 4096} {
			for _, method := range []dropout.Method{dropout.None, dropout.Dense, dropout.DropConnect, dropout.RDP, dropout.TDP} {
				b.Run(fmt.Sprintf("%s/%d/%s", lib, hidden, method), func(b *testing.B) { benchmarkMLP(b, lib, hidden, method) })
			}
		}
	}
}

func benchmarkMLP(b *testing.B, lib string, hidden int, method dropout.Method) {
	e, err := newEngine(lib, 0)
	if err != nil {
		b.Skip(err)
	}
	defer e.close()
	const rate, batch = 0.7, 128
	d, _, err := dropout.Search(rate, dropout.DefaultSearch())
	if err != nil {
		b.Fatal(err)
	}
	m, err := newMLP(e, MLPConfig{Hidden: []int{hidden, hidden}, Batch: batch, LR: 0.01, Momentum: 0.9, Method: method, Rates: []float64{rate, rate},
		Distributions: []dropout.Distribution{d, d}, Tile: 32, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	im := Images{make([]byte, batch*imagePixels), make([]byte, batch)}
	for i := range im.Pixels { // about as many zeros as in MNIST
		if i*2654435761>>8%5 == 0 {
			im.Pixels[i] = byte(i * 2654435761 >> 16)
		}
	}
	which := make([]int, batch)
	for i := range which {
		which[i] = i
		im.Labels[i] = byte(i * 7 % imageClasses)
	}
	iteration := uint64(0)
	for b.Loop() {
		m.load(im, which)
		if err := m.step(iteration); err != nil {
			b.Fatal(err)
		}
		iteration++
	}
	b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
