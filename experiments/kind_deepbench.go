package experiments

import (
	"context"
	"fmt"

	"warpdrop/workloads"
)

var _ = register(&work[DeepBench]{
	About:    "Simulate a product that was timed on a real GTX 1080 Ti.",
	Versions: deepBenchVersions,
	Work:     deepBenchWork,
	Memory:   deepBenchMemory,
	Speed:    2e8, // multiply-adds
	Run:      runDeepBench,
	Row: func(r *Row, s DeepBench) {
		p := s.product()
		r.Workload, r.Method, r.GPU = "gemm", "dense", deepBenchGPU
		r.Network = productText(p.M, p.N, p.K, p.TA, p.TB)
	},
})

// DeepBench is one product of the table of real times that comes with package workloads.
type DeepBench struct {
	Row   int `json:"row" need:"true" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"Row of the table, from 1."`
	Clock int `json:"clock" jsonschema:"minimum=100,maximum=10000,default=1700" jsonschema_description:"Core clock in MHz that the real GPU is taken to have run at; its memory's clock is the preset's."`
}

func (DeepBench) Kind() string   { return "deepbench" }
func (d DeepBench) normal() Spec { return d }

func (d DeepBench) check() []problem {
	if n := len(workloads.DeepBench()); d.Row > n {
		return []problem{{"row", fmt.Sprintf("row is %d; the table has 1 to %d", d.Row, n)}}
	}
	return nil
}

// product is the row.
func (d DeepBench) product() workloads.MeasuredGEMM { return workloads.DeepBench()[d.Row-1] }

// deepBenchGPU is the preset of the GPU that the table was measured on.
const deepBenchGPU = "gtx1080ti"

func deepBenchVersions(_ *Host, s DeepBench) (map[string]string, error) {
	v, err := simVersions(deepBenchGPU)
	delete(v, "search")
	v["product"] = fmt.Sprint(s.product())
	return v, err
}

func deepBenchWork(s DeepBench) float64 { return min(float64(s.product().FLOP())/2, 4e9) }

func deepBenchMemory(s DeepBench) int64 {
	p := s.product()
	return (&workloads.GEMMSpec{M: p.M, N: p.N, K: p.K}).Memory() + 200<<20
}

// runDeepBench simulates a product as it was timed. Its result has no counters: a large product is simulated in part.
func runDeepBench(ctx context.Context, _ *Host, spec DeepBench, threads int, _ func(float64)) (Result, error) {
	gpu, err := loadGPU(deepBenchGPU)
	if err != nil {
		return Result{}, err
	}
	got, err := workloads.SimulateMeasured(ctx, workloads.AtClock(gpu, spec.Clock), spec.product(), false,
		workloads.Options{Threads: threads})
	if err != nil {
		return Result{}, err
	}
	r := &SimResult{Cycles: got.Cycles, Low: got.Cycles, High: got.Cycles, TimeUS: got.Cycles / float64(spec.Clock),
		FLOP: float64(got.FLOP()), MeasuredUS: got.MS * 1e3, MeasuredFrom: "Baidu DeepBench, training results",
		Coverage: fmt.Sprintf("the second of two launches, launch overhead included, at a core clock of %d MHz", spec.Clock)}
	if got.Extended > 0 {
		r.Coverage += "; large products are simulated in part and extended"
	}
	return Result{Sim: r}, nil
}
