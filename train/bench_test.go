//go:build unix

package train

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"

	"gonum.org/v1/gonum/blas"

	"warpdrop/dropout"
)

// The benchmarks report samples (or words) a second of wall clock, and a second of processor time: the second figure
// says what one core does, also while others use the machine.

// processorSeconds is what this process has used so far.
func processorSeconds() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func report(b *testing.B, start, each float64, unit string) {
	total := each * float64(b.N)
	b.ReportMetric(total/b.Elapsed().Seconds(), unit+"/s")
	b.ReportMetric(total/(processorSeconds()-start), unit+"/cpu-s")
	b.ReportMetric(0, "ns/op")
}

func open(b *testing.B, lib string) *engine {
	e, err := newEngine(lib, runtime.GOMAXPROCS(0))
	if err != nil {
		b.Skip(err)
	}
	return e
}

func patterns(b *testing.B, rate float64) []dropout.Distribution {
	d, _, err := dropout.Search(rate, dropout.DefaultSearch())
	if err != nil {
		b.Fatal(err)
	}
	return []dropout.Distribution{d, d}
}

// BenchmarkSGEMM is the product of a batch of 128 with 2048 x 2048 weights: what the others are to be compared with.
func BenchmarkSGEMM(b *testing.B) {
	for _, lib := range []string{BLASOpenBLAS, BLASPanels, BLASGonum} {
		b.Run(lib, func(b *testing.B) {
			e := open(b, lib)
			defer e.Close()
			const m, n = 128, 2048
			x, w, y := make([]float32, m*n), make([]float32, n*n), make([]float32, m*n)
			for i := range w {
				w[i] = float32(i%7) - 3
			}
			for i := range x {
				x[i] = float32(i % 5)
			}
			start := processorSeconds()
			for b.Loop() {
				e.gemm(blas.NoTrans, blas.NoTrans, m, n, n, 1, x, n, w, n, 0, y, n)
			}
			report(b, start, 2*m*n*n/1e9, "GFLOP")
		})
	}
}

// BenchmarkMLP trains 784-H-H-10, batch 128, at rate 0.7 with the default patterns.
func BenchmarkMLP(b *testing.B) {
	for _, lib := range []string{BLASOpenBLAS, BLASPanels, BLASGonum} {
		for _, hidden := range []int{1024, 2048, 4096} {
			for _, method := range []dropout.Method{dropout.None, dropout.Dense, dropout.DropConnect, dropout.RDP, dropout.TDP} {
				b.Run(fmt.Sprintf("%s/%d/%s", lib, hidden, method), func(b *testing.B) { benchmarkMLP(b, lib, hidden, method) })
			}
		}
	}
}

func benchmarkMLP(b *testing.B, lib string, hidden int, method dropout.Method) {
	e := open(b, lib)
	defer e.Close()
	const rate, batch = 0.7, 128
	m, err := newMLP(e, MLPConfig{Hidden: []int{hidden, hidden}, Batch: batch, LR: 0.01, Momentum: 0.9, Method: method,
		Rates: []float64{rate, rate}, Distributions: patterns(b, rate), Tile: 32, Seed: 1})
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
	start := processorSeconds()
	for b.Loop() {
		m.load(im, which)
		if err := m.step(iteration); err != nil {
			b.Fatal(err)
		}
		iteration++
	}
	report(b, start, batch, "samples")
}

// BenchmarkLSTM trains two layers on 35 words of 20 sequences, vocabulary 10,000, at rate 0.5.
func BenchmarkLSTM(b *testing.B) {
	for _, lib := range []string{BLASOpenBLAS, BLASPanels, BLASGonum} {
		for _, hidden := range []int{200, 650} {
			for _, method := range []dropout.Method{dropout.None, dropout.Dense, dropout.RDP, dropout.TDP} {
				b.Run(fmt.Sprintf("%s/2x%d/%s", lib, hidden, method), func(b *testing.B) {
					e := open(b, lib)
					defer e.Close()
					cfg := DefaultLSTM(hidden)
					cfg.Method, cfg.Rates, cfg.Distributions = method, []float64{0.5, 0.5}, patterns(b, 0.5)
					m, err := newLSTM(e, cfg)
					if err != nil {
						b.Fatal(err)
					}
					text := make([]int32, 50000)
					for i := range text {
						text[i] = int32(i * i % 7919)
					}
					iteration := uint64(0)
					start := processorSeconds()
					for b.Loop() {
						m.load(text, int(iteration%70)*cfg.Steps, cfg.Steps)
						if err := m.step(iteration, 0.1); err != nil {
							b.Fatal(err)
						}
						iteration++
					}
					report(b, start, float64(cfg.Batch*cfg.Steps), "words")
				})
			}
		}
	}
}
