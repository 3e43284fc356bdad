package workloads

import (
	"context"
	"fmt"
	"testing"

	"warpdrop/sim"
)

// BenchmarkSimulate measures the simulator: go test ./workloads -run '^$' -bench Simulate. The same launches are behind
// warpdrop bench.
func BenchmarkSimulate(b *testing.B) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		b.Fatal(err)
	}
	for i := range Benches {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", Benches[i].Name, threads), func(b *testing.B) {
				run, err := Benches[i].Prepare(context.Background(), gpu, threads)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := run.Launch(); err != nil { // fills caches and grows queues
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.ResetTimer()
				var instructions, cycles int64
				for range b.N {
					r, err := run.Launch()
					if err != nil {
						b.Fatal(err)
					}
					instructions += r.Counters.SM.WarpInstructions
					cycles += r.Cycles
				}
				s := b.Elapsed().Seconds()
				b.ReportMetric(float64(instructions)/s/1e6, "Mwarpinst/s")
				b.ReportMetric(float64(cycles)/s, "cycles/s")
			})
		}
	}
}
