package experiments

import (
	"context"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

func gemmVersions(_ *Engines, s Spec) (map[string]string, error) { return simVersions(s.(GEMM).GPU) }

// simpleCost is how many times as long as the tuned family the simple kernels take to simulate, by their tile: small ones read shared
// memory for every few multiply-adds. Measured on 1024 x 128 x 1024.
var simpleCost = map[int]float64{8: 14, 16: 7, 32: 3, 64: 1.1}

// gemmWork is the multiply-adds that are simulated, as many of the tuned family as take as long.
func gemmWork(s Spec) float64 {
	g := s.(GEMM)
	work := float64(g.M) * float64(g.N) * float64(g.K) / float64(max(g.DP, 1))
	tile := g.Tile
	if g.Method == string(dropout.Masked) && tile == 0 {
		tile = 32
	}
	if cost, ok := simpleCost[tile]; ok {
		work *= cost
	}
	return work
}

// gemmMemory is the matrices, on the device and on the host, and the simulator's own.
func gemmMemory(s Spec) int64 {
	g := s.(GEMM)
	m, n, k := int64(g.M), int64(g.N), int64(g.K)
	return 4*3*(m*k+k*n+m*n) + 200<<20
}

// workload is the product that package workloads simulates.
func (g GEMM) workload() workloads.GEMMSpec {
	return workloads.GEMMSpec{M: g.M, N: g.N, K: g.K, TA: g.TA, TB: g.TB, Method: dropout.Method(g.Method), Rate: g.Rate, DP: g.DP, Bias: g.Bias,
		Tile: g.Tile, Pad: g.Pad, Seed: 1}
}

func runGEMM(ctx context.Context, _ *Engines, s Spec, threads int, progress func(float64)) (Result, error) {
	spec := s.(GEMM)
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	got, err := workloads.SimulateGEMM(ctx, gpu, spec.workload(), workloads.Options{Threads: threads, Progress: func(done, total int) { progress(float64(done) / float64(total)) }})
	if err != nil {
		return Result{}, err
	}
	r := newSimResult(gpu)
	r.Coverage = "one product, launch overhead included; rows that a pattern drops are not written"
	r.add(&got.IterationResult, 1)
	r.FLOP = 2 * float64(spec.M) * float64(spec.N) * float64(spec.K)
	r.finish(gpu)
	return Result{Sim: r}, nil
}
