package memory

import "testing"

// BenchmarkCopy is the cost of a 128-byte line through the whole memory system, half of the lines read and half
// written, over growing footprints. A run of the driver is included.
func BenchmarkCopy(b *testing.B) {
	for _, f := range []struct {
		name  string
		bytes uint64
	}{{"1MB", 1 << 20}, {"16MB", 16 << 20}, {"256MB", 256 << 20}, {"1GB", 1 << 30}} {
		b.Run(f.name, func(b *testing.B) {
			const sms, warps, lines = 28, 64, 1 << 18
			base := 0
			n := int(f.bytes / 256)
			p := func(sm, warp, k int, a *Access) bool {
				i := k/2*sms*warps + sm*warps + warp
				if i >= lines/2 {
					return false
				}
				at := uint64((base+i)%n) * 128
				if k%2 == 0 {
					element(a, Load, 1<<32+at, 4)
				} else {
					element(a, Store, 1<<33+at, 4)
				}
				return true
			}
			d := newDriver(b, preset(b), sms, warps, p)
			for range 4 {
				d.run() // grow the pools
				base += lines / 2
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				d.run()
				base += lines / 2
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(4*lines), "ns/sector")
		})
	}
}

// BenchmarkChase is the cost of a window in which next to nothing happens: one thread of 28 SMs waits for L2.
func BenchmarkChase(b *testing.B) {
	inner := chase(1<<20, 128, 1<<30, CacheCG)
	n := 0
	d := newDriver(b, preset(b), 28, 1, func(sm, warp, k int, a *Access) bool {
		return sm == 0 && k < n && inner(sm, warp, k, a)
	})
	n = b.N
	b.ReportAllocs()
	b.ResetTimer()
	d.run()
}
