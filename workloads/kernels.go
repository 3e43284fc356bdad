// Package workloads holds the GPU kernels (CUDA C++ beside their cubins) and what is run with them: matrix products
// with each way to drop, and whole training iterations as lists of launches.
package workloads

import (
	"context"
	"embed"
	"encoding/binary"
	"fmt"
	"math"

	"warpdrop/dropout"
	"warpdrop/sim"
)

//go:embed kernels/*.cubin
var cubins embed.FS

// KernelVersion changes with every change of a kernel or of how one is chosen that can move a cycle count; it is part
// of the name of every stored result.
const KernelVersion = "8"

// Part says what a launch is for; breakdowns add cycles up by it.
type Part string

const (
	PartForward         Part = "gemm_forward"
	PartBackwardData    Part = "gemm_backward_data"
	PartBackwardWeights Part = "gemm_backward_weights"
	PartRecurrent       Part = "gemm_recurrent"
	PartGather          Part = "gather"
	PartMask            Part = "mask"
	PartActivation      Part = "activation"
	PartLoss            Part = "loss"
	PartUpdate          Part = "update"
	PartEmbedding       Part = "embedding"
	PartClip            Part = "clip"
	PartCopy            Part = "copy"
	PartKernel          Part = "kernel" // a user's
)

// LaunchResult is one launch, or copy, of an iteration.
type LaunchResult struct {
	Name      string // what it computes, e.g. "forward 2"
	Part      Part
	Kernel    string
	Simulated bool // false: the figures below are those of an earlier launch that it repeats, see Known

	Cycles       int64 // with launch overhead; of a copy, its time
	KernelCycles int64 // without launch overhead; 0 of a copy
	FLOP         int64 // useful floating-point operations
	Counters     sim.Counters
}

// runner runs launches one after the other on a device and keeps what they took.
type runner struct {
	ctx      context.Context
	dev      *sim.Device
	modules  map[string]*sim.Module
	launches []LaunchResult
	known    *Known // nil: every launch is simulated
	progress func(done int)
	launched func(what string, r *sim.Result) // as in Options
	// workspace of split products: see workspace
	partial, ticket   sim.Ptr
	partials, tickets int
	err               error
}

// newDevice is replaced in tests.
var newDevice = sim.NewDevice

func newRunner(ctx context.Context, gpu *sim.GPU, threads int) (*runner, error) {
	dev, err := newDevice(gpu)
	if err != nil {
		return nil, err
	}
	dev.Threads = threads
	return &runner{ctx: ctx, dev: dev, modules: map[string]*sim.Module{}}, nil
}

// look has the device record what the options ask for.
func (r *runner) look(opt Options) {
	r.dev.Trace = opt.Trace
	r.launched, r.dev.Profile = opt.Launched, opt.Launched != nil
}

// kernel returns a kernel of one of the embedded modules.
func (r *runner) kernel(module, name string) (*sim.Kernel, error) {
	m, ok := r.modules[module]
	if !ok {
		data, err := cubins.ReadFile("kernels/" + module + compiledFor(r.dev.GPU.Arch))
		if err != nil {
			return nil, fmt.Errorf("the workloads' kernels are compiled for sm_61, sm_75 and sm_80, not sm_%d: %w",
				r.dev.GPU.Arch, err)
		}
		if m, err = r.dev.LoadModule(data); err != nil {
			return nil, fmt.Errorf("%s.cubin: %w", module, err)
		}
		r.modules[module] = m
	}
	return m.Kernel(name)
}

// compiledFor is what ends the name of a module's cubin for an architecture: machine code of sm_61 runs on all of its
// family, that of sm_80 on sm_86 too.
func compiledFor(arch int) string {
	if arch < 70 {
		return ".cubin"
	}
	if arch > 80 && arch < 90 {
		arch = 80
	}
	return fmt.Sprintf(".sm_%d.cubin", arch)
}

// launch runs one kernel; after an error it does nothing, so that a list of launches needs one check at its end. It
// returns nil for a launch that is known.
func (r *runner) launch(what string, part Part, module, name string, flop int64, cfg sim.LaunchConfig,
	args ...sim.Arg) *sim.Result {
	if r.err != nil {
		return nil
	}
	k, err := r.kernel(module, name)
	if err != nil {
		r.err = err
		return nil
	}
	key := ""
	if r.known != nil {
		key = launchKey(module, name, cfg, args)
		if l := r.known.find(r.dev.GPU, key); l != nil {
			r.add(LaunchResult{Name: what, Part: part, Kernel: name, Cycles: l.Cycles, KernelCycles: l.KernelCycles, FLOP: flop,
				Counters: l.Counters})
			return nil
		}
	}
	res, err := r.dev.Launch(r.ctx, k, cfg, args...)
	if err != nil {
		r.err = fmt.Errorf("%s: %w", what, err)
		return nil
	}
	if r.launched != nil {
		r.launched(what, res)
	}
	l := LaunchResult{Name: what, Part: part, Kernel: name, Simulated: true, Cycles: res.Cycles + res.OverheadCycles,
		KernelCycles: res.Cycles, FLOP: flop, Counters: res.Counters}
	if r.known != nil {
		r.known.add(key, l)
	}
	r.add(l)
	return res
}

// add appends a launch.
func (r *runner) add(l LaunchResult) {
	r.launches = append(r.launches, l)
	if r.progress != nil {
		r.progress(len(r.launches))
	}
}

// malloc reserves room for n 32-bit words and for what rounds n up to a multiple of four.
func (r *runner) malloc(n int) sim.Ptr {
	if r.err != nil {
		return 0
	}
	p, err := r.dev.Malloc(int64(4 * ((n + 3) / 4 * 4)))
	r.err = err
	return p
}

// zeros is malloc of memory that kernels read before they have written all of it: it is cleared, outside of simulated
// time.
func (r *runner) zeros(n int) sim.Ptr {
	p := r.malloc(n)
	if r.err == nil {
		r.err = r.dev.Memset(p, 0, 4, int64((n+3)/4*4))
	}
	return p
}

// upload reserves device memory that holds x, outside of simulated time.
func (r *runner) upload(x []float32) sim.Ptr {
	p := r.malloc(len(x))
	if r.err == nil {
		r.err = r.dev.Write(p, floatBytes(x))
	}
	return p
}

// download reads n numbers.
func (r *runner) download(p sim.Ptr, n int) []float32 {
	if r.err != nil {
		return nil
	}
	b := make([]byte, 4*n)
	if r.err = r.dev.Read(p, b); r.err != nil {
		return nil
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return x
}

// copyIn copies data to the device in simulated time.
func (r *runner) copyIn(what string, p sim.Ptr, data []byte) {
	if r.err != nil {
		return
	}
	c, err := r.dev.CopyIn(p, data)
	if err != nil {
		r.err = err
		return
	}
	r.launches = append(r.launches, LaunchResult{Name: what, Part: PartCopy, Kernel: "copy host to device",
		Simulated: true, Cycles: c.Cycles})
}

// newAxes are what is kept of dimensions. Lists of indices are added to what is copied to the device.
func newAxes(kept []dropout.Kept, to *copied) []axis {
	axes := make([]axis, len(kept))
	for i, k := range kept {
		axes[i].Kept = k
		if !k.All() && k.List != nil {
			axes[i].add(to)
		}
	}
	return axes
}

// total adds the launches up.
func (r *runner) total() *IterationResult {
	t := &IterationResult{Launches: r.launches}
	for i := range t.Launches {
		t.Cycles += t.Launches[i].Cycles
		t.Counters.Add(&t.Launches[i].Counters)
	}
	return t
}

func floatBytes(x []float32) []byte {
	b := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return b
}

func intBytes(x []int32) []byte {
	b := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	}
	return b
}
