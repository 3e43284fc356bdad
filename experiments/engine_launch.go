package experiments

import (
	"context"
	"slices"

	"warpdrop/sim"
	"warpdrop/workloads"
)

// launchVersions adds the contents of the files that a launch reads to what its result depends on.
func launchVersions(e *Engines, s Spec) (map[string]string, error) {
	spec := s.(Launch)
	g, err := loadGPU(spec.GPU)
	if err != nil {
		return nil, err
	}
	v := map[string]string{"sim": sim.ModelVersion, "gpu": g.Hash()}
	if v[spec.Cubin], err = e.inputs.digest(spec.Cubin, workloads.MaxCubinBytes); err != nil {
		return nil, err
	}
	for _, b := range workloads.Buffers(spec.Args) {
		if b.File == "" {
			continue
		}
		if v[b.File], err = e.inputs.digest(b.File, b.Bytes); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// launchWork counts warps: how long each runs is not known beforehand.
func launchWork(s Spec) float64 {
	l := s.(Launch)
	n := 1.0
	for _, size := range slices.Concat(l.Grid, l.Block) {
		n *= float64(size)
	}
	return n / 32
}

// launchMemory is the buffers and the simulator's own.
func launchMemory(s Spec) int64 {
	total := int64(200 << 20)
	for _, b := range workloads.Buffers(s.(Launch).Args) {
		total += b.Bytes * 13 / 10
	}
	return total
}

func runLaunch(ctx context.Context, e *Engines, s Spec, threads int, _ func(float64)) (Result, error) {
	spec := s.(Launch)
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	dim := func(size []int) (d sim.Dim3) {
		at := [3]*int{&d.X, &d.Y, &d.Z}
		for i, n := range size {
			*at[i] = n
		}
		return d
	}
	got, err := workloads.SimulateLaunch(ctx, gpu, workloads.LaunchSpec{Cubin: spec.Cubin, Kernel: spec.Kernel, Args: spec.Args,
		Config: sim.LaunchConfig{Grid: dim(spec.Grid), Block: dim(spec.Block), Shared: spec.Shared},
		Read:   e.inputs.read}, workloads.Options{Threads: threads})
	if err != nil {
		return Result{}, err
	}
	r := newSimResult(gpu)
	r.Coverage = "one launch, its overhead included"
	r.simulated(got)
	r.add(got, 1)
	r.finish(gpu)
	return Result{Sim: r}, nil
}
