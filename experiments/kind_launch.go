package experiments

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"warpdrop/sim"
	"warpdrop/workloads"
)

var _ = register(&work[Launch]{
	About:    "Simulate one launch of a kernel of your own.",
	Versions: launchVersions,
	Work:     launchWork,
	Memory:   launchMemory,
	Speed:    3e4, // warps
	Run:      runLaunch,
	Row: func(r *Row, s Launch) {
		r.Workload, r.GPU, r.Method = "launch", s.GPU, s.Kernel
		times := func(size []int) string { return strings.ReplaceAll(join(size), " ", "x") }
		r.Network = fmt.Sprintf("%s <<<%s, %s>>>", filepath.Base(s.Cubin), times(s.Grid), times(s.Block))
	},
})

// Launch is one launch of a user's kernel. Files are named from the folder that warpdrop runs in; their contents are part of
// the point's name.
type Launch struct {
	GPU    string   `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	Cubin  string   `json:"cubin" need:"true" jsonschema_description:"File of sm_50 to sm_62 machine code."`
	Kernel string   `json:"kernel" need:"true" jsonschema_description:"Kernel of the file."`
	Grid   []int    `json:"grid" need:"true" jsonschema:"minimum=1,maximum=2147483647" jsonschema_description:"Blocks: x, y and z, or fewer."`
	Block  []int    `json:"block" need:"true" jsonschema:"minimum=1,maximum=1024" jsonschema_description:"Threads of a block: x, y and z, or fewer."`
	Shared int      `json:"shared" jsonschema:"minimum=0,maximum=49152,default=0" jsonschema_description:"Bytes of dynamic shared memory a block."`
	Args   []string `json:"args" jsonschema_description:"A kernel argument each, as warpdrop sim --arg takes them: i32:5, f32:0.5, buf:4096, buf:4096:file=x.bin."`
}

func (Launch) Kind() string   { return "launch" }
func (l Launch) normal() Spec { return l }

func (l Launch) check() (out []problem) {
	out = checkGPU(l.GPU)
	if _, err := os.Stat(l.Cubin); err != nil {
		out = append(out, problem{"cubin", err.Error()})
	}
	for _, a := range l.Args {
		if strings.HasPrefix(a, "buf:") && strings.Contains(a, "out=") {
			out = append(out, problem{"args", fmt.Sprintf("args has %q; allowed here are buffers without out=, warpdrop sim writes files", a)})
		}
	}
	for _, dim := range []struct {
		key  string
		size []int
	}{{"grid", l.Grid}, {"block", l.Block}} {
		if len(dim.size) > 3 {
			out = append(out, problem{dim.key, fmt.Sprintf("%s has %d sizes; allowed are 1 to 3", dim.key, len(dim.size))})
		}
	}
	return out
}

// launchVersions adds the contents of the files that a launch reads to what its result depends on.
func launchVersions(h *Host, spec Launch) (map[string]string, error) {
	g, err := loadGPU(spec.GPU)
	if err != nil {
		return nil, err
	}
	v := map[string]string{"sim": sim.ModelVersion, "gpu": g.Hash()}
	if v[spec.Cubin], err = h.inputs.digest(spec.Cubin, workloads.MaxCubinBytes); err != nil {
		return nil, err
	}
	for _, b := range workloads.Buffers(spec.Args) {
		if b.File == "" {
			continue
		}
		if v[b.File], err = h.inputs.digest(b.File, b.Bytes); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// launchWork counts warps: how long each runs is not known beforehand.
func launchWork(l Launch) float64 {
	n := 1.0
	for _, size := range slices.Concat(l.Grid, l.Block) {
		n *= float64(size)
	}
	return n / 32
}

// launchMemory is the buffers and the simulator's own.
func launchMemory(s Launch) int64 {
	total := int64(200 << 20)
	for _, b := range workloads.Buffers(s.Args) {
		total += b.Bytes * 13 / 10
	}
	return total
}

func runLaunch(ctx context.Context, h *Host, spec Launch, threads int, _ func(float64)) (Result, error) {
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
		Read:   h.inputs.read}, workloads.Options{Threads: threads})
	if err != nil {
		return Result{}, err
	}
	r := newSimResult(gpu)
	r.Coverage = "one launch, its overhead included"
	r.simulated(got)
	r.add(gpu, got, 1)
	r.finish(gpu)
	return Result{Sim: r}, nil
}
