package cudac_test

import (
	"encoding/binary"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/sim"
)

// Clocks as CUDA documents them: clock64 counts an SM's cycles and %globaltimer nanoseconds; neither goes backwards,
// from one block to the next on an SM, and from one launch to the next. A loop that waits for so long ends then.
func TestTimers(t *testing.T) {
	const source = `
__device__ unsigned long long nanoseconds() {
  unsigned long long t;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t));
  return t;
}
__device__ unsigned long long cycles() {
  unsigned long long t;
  asm volatile("mov.u64 %0, %%clock64;" : "=l"(t));
  return t;
}
extern "C" __global__ void k(unsigned long long *out) {
  unsigned long long *o = out + 5 * blockIdx.x;
  unsigned sm;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(sm));
  o[0] = sm;
  o[1] = cycles();
  o[2] = nanoseconds();
  while (nanoseconds() - o[2] < 3000) {}
  o[3] = nanoseconds();
  unsigned long long from = cycles();
  while (cycles() - from < 2000) {}
  o[4] = cycles();
}`
	const blocks = 150 // of 48 KiB of shared memory: two an SM at once
	for _, compiler := range cudac.Compilers {
		t.Run(compiler, func(t *testing.T) {
			dev, k := loaded(t, compiler, source)
			p, err := dev.Malloc(5 * 8 * blocks)
			if err != nil {
				t.Fatal(err)
			}
			ended := map[uint64]uint64{} // cycle at which an SM's blocks of the launch before had ended
			lastNS := uint64(0)
			for launch := range 2 {
				cfg := sim.LaunchConfig{Grid: sim.Dim3{X: blocks}, Block: sim.Dim3{X: 32}, Shared: 48 << 10}
				if _, err := dev.Launch(t.Context(), k, cfg, sim.PtrArg(p)); err != nil {
					t.Fatal(err)
				}
				data := make([]byte, 5*8*blocks)
				if err := dev.Read(p, data); err != nil {
					t.Fatal(err)
				}
				now, latest := map[uint64]uint64{}, lastNS
				for b := range blocks {
					var o [5]uint64
					for i := range o {
						o[i] = binary.LittleEndian.Uint64(data[8*(5*b+i):])
					}
					sm, began, ns, ns2, end := o[0], o[1], o[2], o[3], o[4]
					period := 1e3 / dev.GPU.CoreMHz
					if waited := ns2 - ns; waited < 3000 || waited > 4000 {
						t.Errorf("block %d has waited %d ns for 3000", b, waited)
					}
					if took := float64(end-began) * period; end <= began || took < 3000+2000*period || took > 3000+2000*period+3000 {
						t.Errorf("block %d took %g ns by clock64 for a wait of 3000 ns and 2000 cycles", b, took)
					}
					if began <= ended[sm] || ns <= lastNS {
						t.Errorf("launch %d, block %d began in cycle %d of SM %d, at %d ns; the launch before had ended in %d, at %d",
							launch, b, began,
							sm, ns, ended[sm], lastNS)
					}
					now[sm], latest = max(now[sm], end), max(latest, ns2)
				}
				if len(now) != dev.GPU.SMs {
					t.Errorf("%d SMs had blocks, want %d", len(now), dev.GPU.SMs)
				}
				ended, lastNS = now, latest
			}
		})
	}
}
