package experiments

import (
	"context"

	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

func microbenchVersions(_ *Engines, s Spec) (map[string]string, error) {
	v, err := simVersions(s.(Microbench).GPU)
	delete(v, "search")
	return v, err
}

func runMicrobench(ctx context.Context, _ *Engines, s Spec, threads int, _ func(float64)) (Result, error) {
	gpu, err := loadGPU(s.(Microbench).GPU)
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
