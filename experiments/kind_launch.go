package experiments

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
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
	Simulated: func(s Launch) Launch {
		s.Values = nil
		return s
	},
	Row: func(r *Row, s Launch) {
		r.Workload, r.GPU, r.Method = "launch", s.GPU, s.Kernel
		times := func(size []int) string { return strings.ReplaceAll(join(size), " ", "x") }
		r.Network = fmt.Sprintf("%s <<<%s, %s>>>", filepath.Base(s.Cubin), times(s.Grid), times(s.Block))
		r.Values, r.told = s.Values, strings.Join(s.Defines, " ")
		for _, d := range s.Defines {
			if len(s.Values) == 0 { // which tell rows apart
				r.option(d)
			}
		}
		if s.Clock > 0 {
			r.option(fmt.Sprintf("%d MHz", s.Clock))
		}
		if s.Warm {
			r.option("second launch")
		}
		if s.Waves > 0 {
			option := fmt.Sprintf("sampled: %d waves", s.Waves)
			if s.Within > 0 {
				option += fmt.Sprintf(" and more until within %g %%", 100*s.Within)
			}
			r.option(option)
		}
	},
})

// Launch is one launch of a user's kernel. Files are named from the folder that warpdrop runs in; their contents are
// part of the point's name.
type Launch struct {
	GPU    string   `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	Cubin  string   `json:"cubin" also:"file" need:"true" jsonschema_description:"File of sm_50 to sm_62 machine code (a cubin, or a program or library that holds some), or a .cu or .ptx file, which is compiled once; cubin is an older name of the key."`
	Kernel string   `json:"kernel" need:"true" jsonschema_description:"Kernel of the file."`
	Grid   []int    `json:"grid" need:"true" jsonschema:"minimum=1,maximum=2147483647" jsonschema_description:"Blocks: x, y and z, or fewer; a formula each, like ceil(n/tile)."`
	Block  []int    `json:"block" need:"true" jsonschema:"minimum=1,maximum=1024" jsonschema_description:"Threads of a block: x, y and z, or fewer; a formula each."`
	Shared int      `json:"shared" jsonschema:"minimum=0,maximum=49152,default=0" jsonschema_description:"Bytes of dynamic shared memory a block."`
	Args   []string `json:"args" jsonschema_description:"A kernel argument each, as warpdrop sim --arg takes them: i32:5, f32:0.5, buf:4096, buf:4096:file=x.bin, buf:4096:random=1, struct:{f32:1,u8:2} and so on; formulas in braces: i32:{n}."`

	Values    NamedValues `json:"values,omitempty" jsonschema_description:"Named values for formulas: a number or a formula of those before it each; swept names need not be here."`
	Compiler  string      `json:"compiler,omitempty" jsonschema:"enum=nvrtc,enum=clang" jsonschema_description:"Of a .cu file; without it nvrtc where it is found, else clang."`
	Defines   []string    `json:"defines,omitempty" jsonschema_description:"NAME or NAME=VALUE each, for the compiler of a .cu file; NAME of a value defines it so, and formulas stand in braces."`
	Variables []string    `json:"variables,omitempty" jsonschema_description:"What __constant__ and __device__ variables hold: NAME=ARG with an argument as above, or NAME:BYTES:file=x.bin, NAME:BYTES:normal=1 and so on."`
	MaxCycles int64       `json:"max_cycles,omitempty" jsonschema:"minimum=1" jsonschema_description:"A launch that takes more cycles ends with an error that says where its warps are; without it there is no limit."`
	Warm      bool        `json:"warm,omitempty" jsonschema_description:"Measure the second of two launches, as benchmarks do."`
	Waves     int         `json:"waves,omitempty" jsonschema:"minimum=4,maximum=1000000" jsonschema_description:"Simulate so many waves of blocks, a wave being as many as the GPU holds at once, and extend the result; without it all blocks are simulated."`
	Within    float64     `json:"within,omitempty" jsonschema:"minimum=0,maximum=0.99" jsonschema_description:"With waves: simulate twice as many, and again, up to 64, until the stated error is this share of the result."`
	Clock     int         `json:"clock,omitempty" jsonschema:"minimum=100,maximum=10000" jsonschema_description:"Core clock in MHz, the memory's being the preset's; without it the preset's."`
}

func (Launch) Kind() string          { return "launch" }
func (l Launch) values() NamedValues { return l.Values }
func (l Launch) normal() Spec        { return l }

func (l Launch) check() []problem {
	if out := l.checkKeys(); len(out) > 0 {
		return out
	}
	return l.checkLaunch()
}

// checkKeys is check without a look at what the launch would be refused for.
func (l Launch) checkKeys() (out []problem) {
	out = checkGPU(l.GPU)
	if _, err := os.Stat(l.Cubin); err != nil {
		out = append(out, problem{"cubin", err.Error()})
	}
	source := filepath.Ext(l.Cubin) == ".cu"
	if l.Within > 0 && l.Waves == 0 {
		out = append(out, problem{"within", fmt.Sprintf("within is %g, the error of a sample; give waves too", l.Within)})
	}
	if !source && l.Compiler != "" {
		out = append(out, problem{"compiler", "compiler is for .cu files; file is " + l.Cubin})
	}
	if !source && len(l.Defines) > 0 {
		out = append(out, problem{"defines", "defines are for .cu files; file is " + l.Cubin})
	}
	for _, a := range slices.Concat(l.Args, l.Variables) {
		if strings.Contains(a, ":") && strings.Contains(a, "out=") {
			out = append(out,
				problem{"args", fmt.Sprintf("args has %q; allowed here are buffers without out=, warpdrop sim writes files", a)})
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

// checkLaunch finds what the launch would be refused for: no such kernel, other arguments, a block that does not fit.
func (l Launch) checkLaunch() []problem {
	gpu, err := loadGPU(l.GPU)
	if err != nil {
		return []problem{{"gpu", err.Error()}}
	}
	return launchProblems(workloads.CheckLaunch(context.Background(), gpu, l.workload()))
}

// launchProblems is what a check has found, under the key that it is about.
func launchProblems(part string, err error) []problem {
	if err == nil {
		return nil
	}
	if part == "code" {
		part = "cubin"
	}
	text := err.Error()
	if !strings.HasPrefix(text, part) {
		text = part + ": " + text
	}
	return []problem{{part, text}}
}

// compiles tells whether the launch can be checked only when its file has been compiled.
func (l Launch) compiles() bool { return cudac.IsSource(l.Cubin) }

// checkCompiled is checkLaunch of what has to be compiled first.
func (l Launch) checkCompiled(ctx context.Context, h *Host) []problem {
	gpu, err := loadGPU(l.GPU)
	if err != nil {
		return []problem{{"gpu", err.Error()}}
	}
	w := l.workload()
	w.Read, w.Kept = h.inputs.read, h.cubins
	return launchProblems(workloads.CheckCompiled(ctx, gpu, w))
}

// workload is the launch that package workloads simulates.
func (l Launch) workload() workloads.LaunchSpec {
	return workloads.LaunchSpec{Code: l.Cubin, Compiler: l.Compiler, Defines: l.Defines, Kernel: l.Kernel, Args: l.Args,
		Variables: l.Variables, MaxCycles: l.MaxCycles, Warm: l.Warm,
		Config: sim.LaunchConfig{Grid: dim3(l.Grid), Block: dim3(l.Block), Shared: l.Shared, Waves: l.Waves,
			Within: l.Within}}
}

// dim3 fills up with ones.
func dim3(size []int) (d sim.Dim3) {
	at := [3]*int{&d.X, &d.Y, &d.Z}
	for i, n := range size {
		*at[i] = n
	}
	return d
}

// launchVersions adds the contents of the files that a launch reads to what its result depends on.
func launchVersions(h *Host, spec Launch) (map[string]string, error) {
	g, err := loadGPU(spec.GPU)
	if err != nil {
		return nil, err
	}
	v := map[string]string{"sim": sim.ModelVersion, "gpu": g.Hash()}
	if spec.Waves > 0 {
		v["sampling"] = sim.SamplingVersion
	}
	if v[spec.Cubin], err = h.inputs.digest(spec.Cubin, codefile.MaxBytes); err != nil {
		return nil, err
	}
	if cudac.IsSource(spec.Cubin) {
		text, err := h.inputs.read(spec.Cubin, codefile.MaxBytes)
		if err != nil {
			return nil, err
		}
		if at := ownInclude.FindString(string(text)); at != "" {
			return nil, fmt.Errorf("%s has %s: a point is named after one file; put what it needs into it", spec.Cubin, at)
		}
		if v["compiler"], err = cudac.Which(spec.Cubin, spec.Compiler); err != nil {
			return nil, err
		}
	}
	for _, b := range workloads.Buffers(spec.Args, spec.Variables) {
		if b.File == "" {
			continue
		}
		if v[b.File], err = h.inputs.digest(b.File, b.Bytes); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// ownInclude finds an included file that is no header of CUDA's.
var ownInclude = regexp.MustCompile(`#[ \t]*include[ \t]*"[^"\n]*"`)

// launchWork counts warps: how long each runs is not known beforehand.
func launchWork(l Launch) float64 {
	n := 1.0
	for _, size := range slices.Concat(l.Grid, l.Block) {
		n *= float64(size)
	}
	if l.Waves > 0 { // a guess: how many blocks a wave has is not known before the kernel is compiled
		n = min(n, float64(l.Waves)*5e4)
	}
	return n / 32
}

// launchMemory is the buffers and the simulator's own.
func launchMemory(s Launch) int64 {
	total := int64(200 << 20)
	for _, b := range workloads.Buffers(s.Args, s.Variables) {
		total += b.Bytes * 13 / 10
	}
	return total
}

func runLaunch(ctx context.Context, h *Host, spec Launch, threads int, progress func(float64)) (Result, error) {
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	if spec.Clock > 0 {
		gpu = workloads.AtClock(gpu, spec.Clock)
	}
	got, err := simulateLaunch(ctx, h, gpu, spec,
		workloads.Options{Threads: threads, Progress: func(done, total int) {
			progress(float64(done) / float64(max(total, 1)))
		}})
	if err != nil {
		return Result{}, err
	}
	return Result{Sim: launchResult(gpu, spec, got)}, nil
}

// ProfileLaunch runs a launch for its profile; nothing is stored.
func ProfileLaunch(ctx context.Context, h *Host, spec Launch) (got *sim.Result, gpu *sim.GPU, err error) {
	if gpu, err = loadGPU(spec.GPU); err != nil {
		return nil, nil, err
	}
	if spec.Clock > 0 {
		gpu = workloads.AtClock(gpu, spec.Clock)
	}
	_, err = simulateLaunch(ctx, h, gpu, spec, workloads.Options{Launched: func(_ string, r *sim.Result) { got = r }})
	return got, gpu, err
}

func simulateLaunch(ctx context.Context, h *Host, gpu *sim.GPU, spec Launch,
	opt workloads.Options) (*workloads.LaunchRun, error) {
	w := spec.workload()
	w.Read, w.Kept = h.inputs.read, h.cubins
	return workloads.SimulateLaunch(ctx, gpu, w, opt)
}

func launchResult(gpu *sim.GPU, spec Launch, got *workloads.LaunchRun) *SimResult {
	r := newSimResult(gpu)
	r.Coverage = "one launch, its overhead included"
	if spec.Warm {
		r.Coverage = "the second of two launches, its overhead included"
	}
	if s := got.Sample; s != nil {
		r.Coverage += "; " + s.String()
		r.Low, r.High = float64(got.Cycles)*(1-s.Error), float64(got.Cycles)*(1+s.Error)
	}
	r.simulated(&got.IterationResult)
	r.Instructions *= got.Sample.Share()
	r.add(gpu, &got.IterationResult, 1)
	r.finish(gpu)
	r.Launch = &LaunchInfo{Compiler: got.Compiler, Registers: got.Kernel.Registers, SharedBytes: got.Kernel.SharedBytes +
		spec.Shared, LocalBytes: got.Kernel.LocalBytes, BlocksPerSM: got.BlocksPerSM, Sample: got.Sample}
	return r
}
