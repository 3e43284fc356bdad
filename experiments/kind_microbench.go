package experiments

import (
	"context"

	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

var _ = register(&work[Microbench]{
	About:    "Measure the simulated GPU's memory with kernels that read the clock.",
	Versions: microbenchVersions,
	Work:     func(Microbench) float64 { return 1 },
	Memory:   func(Microbench) int64 { return 300 << 20 },
	Speed:    0.1,
	Run:      runMicrobench,
	Row: func(r *Row, s Microbench) {
		r.Workload, r.Network, r.GPU = "microbench", "-", s.GPU
	},
})

// Microbench measures a preset as one measures a real GPU.
type Microbench struct {
	GPU string `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
}

func (Microbench) Kind() string       { return "microbench" }
func (m Microbench) check() []problem { return checkGPU(m.GPU) }
func (m Microbench) normal() Spec     { return m }

func microbenchVersions(_ *Host, s Microbench) (map[string]string, error) {
	v, err := simVersions(s.GPU)
	delete(v, "search")
	return v, err
}

func runMicrobench(ctx context.Context, _ *Host, s Microbench, threads int, _ func(float64)) (Result, error) {
	gpu, err := loadGPU(s.GPU)
	if err != nil {
		return Result{}, err
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		return Result{}, err
	}
	dev.Threads = threads
	rows, err := microbench.Memory(ctx, dev)
	if err != nil {
		return Result{}, err
	}
	r := &MicroResult{}
	for _, row := range rows {
		r.Rows = append(r.Rows, MicroRow{row.Group, row.Case, row.Value, row.Unit, row.Low, row.High, row.From})
	}
	return Result{Micro: r}, nil
}
