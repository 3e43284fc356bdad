package workloads

import (
	"context"
	"fmt"
	"math/rand/v2"

	"warpdrop/dropout"
	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

// Bench is a launch by which the speed of the simulator is measured.
type Bench struct {
	Name string
	Doc  string // what it makes the simulator do
	Long bool   // takes long: left out unless it is named

	prepare func(r *runner, rng *rand.Rand) func()
}

// Benches are launches of different character, and one product in three sizes.
var Benches = []Bench{
	benchGEMM("sgemm-256", 256, 256, 256),
	benchGEMM("sgemm-2048x128x2048", 2048, 128, 2048),
	benchGEMM("sgemm-4096x128x4096", 4096, 128, 4096),
	{Name: "masked",
		Doc: "product with an if-else round each sum, half of the elements dropped, 256x512x256: divergent branches",
		prepare: func(r *runner, rng *rand.Rand) func() {
			const m, n, k = 256, 512, 256
			c, a, b := RowMajor(r.malloc(m*n), n), RowMajor(r.random(rng, m*k), k), RowMajor(r.random(rng, k*n), n)
			mask := r.malloc(m * n / 4)
			keep := make([]byte, m*n)
			for i := range keep {
				keep[i] = byte(rng.IntN(2))
			}
			r.write(mask, keep)
			return func() { r.gemmMasked("masked", PartForward, c, a, b, m, n, k, 1, 0, mask) }
		}},
	{Name: "copy", Doc: "copy of 16 MiB, 16 bytes a thread: DRAM reads and writes",
		prepare: func(r *runner, rng *rand.Rand) func() {
			const n4 = 1 << 20
			from, to := r.malloc(4*n4), r.malloc(4*n4)
			return func() {
				r.launch("copy", PartCopy, "memory", "stream_copy", 0,
					sim.LaunchConfig{Grid: sim.Dim3{X: 28 * 8}, Block: sim.Dim3{X: 256}}, sim.PtrArg(to), sim.PtrArg(from),
					sim.I32(n4))
			}
		}},
	{Name: "copy-words", Doc: "copy of 16 MiB, 4 bytes a thread: a line a warp where copy has four",
		prepare: func(r *runner, rng *rand.Rand) func() {
			const n = 4 << 20
			from, to := r.malloc(n), r.malloc(n)
			return func() {
				r.launch("copy-words", PartCopy, "memory", "stream_copy4", 0,
					sim.LaunchConfig{Grid: sim.Dim3{X: 28 * 8}, Block: sim.Dim3{X: 256}}, sim.PtrArg(to), sim.PtrArg(from), sim.I32(n))
			}
		}},
	{Name: "sgd", Doc: "update of 2^21 weights with momentum: three arrays read, two written, some arithmetic",
		prepare: func(r *runner, rng *rand.Rand) func() {
			const n = 1 << 21
			w, v, g := r.random(rng, n), r.random(rng, n), r.random(rng, n)
			return func() {
				r.launch("sgd", PartUpdate, "update", "sgd", 4*n, flat(n/4, 128), sim.PtrArg(w), sim.PtrArg(v), sim.PtrArg(g),
					sim.I32(n/4), sim.F32(1e-3), sim.F32(0.9), sim.PtrArg(0), sim.PtrArg(0), sim.PtrArg(0), sim.I32(0), sim.I32(0),
					sim.I32(1))
			}
		}},
	{Name: "philox", Doc: "2^22 Bernoulli mask bytes by Philox: integer arithmetic",
		prepare: func(r *runner, rng *rand.Rand) func() {
			const n = 1 << 22
			mask := r.malloc(n / 4)
			return func() {
				r.launch("philox", PartMask, "elementwise", "bernoulli_mask", 0, flat(n/4, 128), sim.PtrArg(mask), sim.I32(n),
					sim.U32(1), sim.U32(2), sim.U32(0), sim.U32(3), sim.U32(0), sim.U32(uint32(dropout.Threshold(0.5))))
			}
		}},
	{Name: "random", Doc: "reads at scattered places of 64 MiB: a sector a thread, most of the time waiting",
		prepare: func(r *runner, rng *rand.Rand) func() {
			const words = 16 << 20
			in, out := r.malloc(words), r.malloc(64)
			return func() {
				r.launch("random", PartCopy, "memory", "read_random", 0,
					sim.LaunchConfig{Grid: sim.Dim3{X: 28}, Block: sim.Dim3{X: 256}}, sim.PtrArg(out), sim.PtrArg(in),
					sim.U32(words-1), sim.I32(64))
			}
		}},
}

func benchGEMM(name string, m, n, k int) Bench {
	doc := fmt.Sprintf("dense product, C %d x %d, depth %d: FP32 arithmetic from shared memory", m, n, k)
	return Bench{Name: name, Doc: doc, Long: m*n*k > 1<<30, prepare: func(r *runner, rng *rand.Rand) func() {
		c, a, b := RowMajor(r.malloc(m*n), n), RowMajor(r.random(rng, m*k), k), RowMajor(r.random(rng, k*n), n)
		return func() { r.gemm(name, PartForward, c, a, b, m, n, k, 1, 0) }
	}}
}

// random reserves device memory with n random numbers of mean 0 and variance 1.
func (r *runner) random(rng *rand.Rand, n int) sim.Ptr {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return r.upload(x)
}

func (r *runner) write(p sim.Ptr, b []byte) {
	if r.err == nil {
		r.err = r.dev.Write(p, b)
	}
}

// BenchRun is a Bench ready to be launched.
type BenchRun struct {
	r      *runner
	launch func()
}

// Prepare makes a device with the bench's data.
func (b *Bench) Prepare(ctx context.Context, gpu *sim.GPU, threads int) (*BenchRun, error) {
	r, err := newRunner(ctx, gpu, threads)
	if err != nil {
		return nil, err
	}
	if r.modules["memory"], err = r.dev.LoadModule(microbench.MemoryCubin()); err != nil {
		return nil, err
	}
	launch := b.prepare(r, rand.New(rand.NewPCG(1, 2)))
	if r.err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name, r.err)
	}
	return &BenchRun{r, launch}, nil
}

// Device is the device that Launch uses.
func (b *BenchRun) Device() *sim.Device { return b.r.dev }

// Launch runs the bench once and returns what its launches took together.
func (b *BenchRun) Launch() (*LaunchResult, error) {
	b.r.launches = b.r.launches[:0]
	b.launch()
	if b.r.err != nil {
		return nil, b.r.err
	}
	sum := b.r.launches[0]
	for i := range b.r.launches[1:] {
		l := &b.r.launches[1+i]
		sum.Cycles += l.Cycles
		sum.FLOP += l.FLOP
		sum.Counters.Add(&l.Counters)
	}
	return &sum, nil
}
