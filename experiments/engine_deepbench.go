package experiments

import (
	"context"
	"fmt"

	"warpdrop/workloads"
)

// deepBenchGPU is the preset of the GPU that the table was measured on.
const deepBenchGPU = "gtx1080ti"

func deepBenchVersions(_ *Engines, s Spec) (map[string]string, error) {
	v, err := simVersions(deepBenchGPU)
	delete(v, "search")
	v["product"] = fmt.Sprint(s.(DeepBench).product())
	return v, err
}

func deepBenchWork(s Spec) float64 { return min(float64(s.(DeepBench).product().FLOP())/2, 4e9) }

func deepBenchMemory(s Spec) int64 {
	p := s.(DeepBench).product()
	m, n, k := int64(p.M), int64(p.N), int64(p.K)
	return 4*3*(m*k+k*n+m*n) + 200<<20
}

// runDeepBench simulates a product as it was timed. Its result has no counters: a large product is simulated in part.
func runDeepBench(ctx context.Context, _ *Engines, s Spec, threads int, _ func(float64)) (Result, error) {
	spec := s.(DeepBench)
	gpu, err := loadGPU(deepBenchGPU)
	if err != nil {
		return Result{}, err
	}
	got, err := workloads.SimulateMeasured(ctx, workloads.AtClock(gpu, spec.Clock), spec.product(), false, workloads.Options{Threads: threads})
	if err != nil {
		return Result{}, err
	}
	r := &SimResult{Cycles: got.Cycles, Low: got.Cycles, High: got.Cycles, TimeUS: got.Cycles / float64(spec.Clock), FLOP: float64(got.FLOP()),
		MeasuredUS: got.MS * 1e3, MeasuredFrom: "Baidu DeepBench, training results", Coverage: fmt.Sprintf("the second of two launches, launch overhead included, at a core clock of %d MHz", spec.Clock)}
	if got.Extended > 0 {
		r.Coverage += "; large products are simulated in part and extended"
	}
	return Result{Sim: r}, nil
}
