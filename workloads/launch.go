package workloads

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/sim"
)

// LaunchSpec is one launch of a user's kernel.
type LaunchSpec struct {
	Code      string   // file: a cubin or what holds some, see codefile, or a .cu or .ptx file, which is compiled
	Compiler  string   // of a .cu file, as in cudac.Options
	Defines   []string // NAME or NAME=VALUE, of a .cu file
	Kernel    string   // needed when the file has several
	Config    sim.LaunchConfig
	Args      []string // one a parameter, in order; see ParseArg
	Variables []string // NAME:BYTES:file=PATH and so on, as of a buffer: what __device__ and __constant__ variables hold
	Warm      bool     // the second of two launches is measured, as benchmarks do: code and small arrays are in the caches
	Read      ReadFile // nil: infile.Read
}

// ReadFile reads a file of at most limit bytes that a launch names. A caller that knows what the file has to hold refuses another.
type ReadFile func(path string, limit int64) ([]byte, error)

// LaunchRun is a launch of a user's kernel that was simulated.
type LaunchRun struct {
	IterationResult
	Compiler    string // of a source
	Kernel      sim.KernelInfo
	BlocksPerSM int
	Sample      *sim.Sample // nil: all blocks were simulated
}

// ReadCode looks for code in a file, compiling a .cu or .ptx file; by is the compiler of such a file.
func ReadCode(ctx context.Context, file string, opt cudac.Options, read ReadFile) (f *codefile.File, by string, err error) {
	data, err := read(file, codefile.MaxBytes)
	if err == nil && cudac.IsSource(file) {
		opt.Headers = Headers()
		data, by, err = cudac.Compile(ctx, file, opt)
	}
	if err != nil {
		return nil, "", err
	}
	f, err = codefile.Open(file, data)
	return f, by, err
}

// SimulateLaunch runs one kernel of a file on a fresh device of preset gpu. Nothing is written to out= files.
func SimulateLaunch(ctx context.Context, gpu *sim.GPU, spec LaunchSpec, opt Options) (*LaunchRun, error) {
	read := spec.Read
	if read == nil {
		read = infile.Read
	}
	file, by, err := ReadCode(ctx, spec.Code, cudac.Options{Compiler: spec.Compiler, Arch: gpu.Arch, Defines: spec.Defines}, read)
	if err != nil {
		return nil, err
	}
	code, err := file.Choose(ctx, codefile.Options{Arch: gpu.Arch, Kernel: spec.Kernel, Compile: cudac.AssembleText})
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, gpu, opt.Threads)
	if err != nil {
		return nil, err
	}
	if opt.Progress != nil {
		r.dev.Observe = func(p sim.Progress) { opt.Progress(int(p.Blocks), int(p.Total)) }
	}
	m, err := r.dev.LoadModule(code.Image)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Code, err)
	}
	k, err := m.Kernel(code.Kernels[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Code, err)
	}
	r.modules[spec.Code] = m
	for _, text := range spec.Variables {
		if err := setVariable(r.dev, m, text, read); err != nil {
			return nil, fmt.Errorf("variables: %q: %w", text, err)
		}
	}
	var args []sim.Arg
	for _, text := range spec.Args {
		a, _, err := parseArg(r.dev, text, read)
		if err != nil {
			return nil, fmt.Errorf("args: %w", err)
		}
		args = append(args, a)
	}
	launch := func() *sim.Result {
		return r.launch(k.Name(), PartKernel, spec.Code, k.Name(), 0, spec.Config, args...)
	}
	if spec.Warm {
		launch()
		r.launches = nil
	}
	res := launch()
	if r.err != nil {
		return nil, r.err
	}
	l := r.launches[0]
	return &LaunchRun{IterationResult{Cycles: l.Cycles, TimeUS: gpu.Seconds(l.Cycles) * 1e6, Launches: r.launches, Counters: l.Counters},
		by, k.Info(), res.BlocksPerSM, res.Sample}, nil
}

// setVariable writes what the text says into a variable of the module.
func setVariable(dev *sim.Device, m *sim.Module, text string, read ReadFile) error {
	name, v, _ := strings.Cut(text, ":")
	b, err := parseBuffer(v)
	if err != nil {
		return err
	}
	at, size, err := m.Global(name)
	if err != nil {
		return err
	}
	if b.Bytes > size {
		return fmt.Errorf("the variable has %d bytes", size)
	}
	return b.fill(dev, at, read)
}

// Buffer is a device buffer that an argument asked for.
type Buffer struct {
	Ptr    sim.Ptr
	Bytes  int64
	File   string // that it was filled from; "" = zeros, unless Random says otherwise
	Random string // distribution of the float32 numbers that it was filled with: one of the keys of distributions; "" = none
	Seed   uint64 // of these
	Out    string // that the caller is to write it to after the run; "" = none
}

// distributions are what a buffer may be filled with.
var distributions = map[string]func(*rand.Rand) float32{
	"normal":  func(r *rand.Rand) float32 { return float32(r.NormFloat64()) },
	"uniform": (*rand.Rand).Float32, // in [0, 1)
}

// fill writes what the buffer was asked to hold to device memory at p.
func (b *Buffer) fill(dev *sim.Device, p sim.Ptr, read ReadFile) error {
	var data []byte
	switch {
	case b.File != "":
		var err error
		if data, err = read(b.File, b.Bytes); err != nil {
			return err
		}
	case b.Random != "":
		rng, draw := rand.New(rand.NewPCG(b.Seed, 1)), distributions[b.Random]
		data = make([]byte, b.Bytes/4*4)
		for i := 0; i < len(data); i += 4 {
			binary.LittleEndian.PutUint32(data[i:], math.Float32bits(draw(rng)))
		}
	default:
		return nil
	}
	return dev.Write(p, data)
}

// ParseArg reads the text of a kernel argument: KIND:VALUE with KIND one of i32 u32 i64 u64 f32 f64, or
// buf:BYTES[:file=PATH|:normal=SEED|:uniform=SEED][,out=PATH]. A buffer is reserved on dev and filled from its file or with random
// float32 numbers; it is nil for a number.
func ParseArg(dev *sim.Device, s string) (sim.Arg, *Buffer, error) {
	return parseArg(dev, s, infile.Read)
}

func parseArg(dev *sim.Device, s string, read ReadFile) (sim.Arg, *Buffer, error) {
	kind, v, ok := strings.Cut(s, ":")
	bad := func(err error) (sim.Arg, *Buffer, error) {
		return sim.Arg{}, nil, fmt.Errorf("%q: %w", s, err)
	}
	if !ok {
		return bad(fmt.Errorf("want KIND:VALUE with KIND one of i32 u32 i64 u64 f32 f64 buf"))
	}
	switch kind {
	case "i32":
		n, err := strconv.ParseInt(v, 0, 32)
		if err != nil {
			return bad(err)
		}
		return sim.I32(int32(n)), nil, nil
	case "u32":
		n, err := strconv.ParseUint(v, 0, 32)
		if err != nil {
			return bad(err)
		}
		return sim.U32(uint32(n)), nil, nil
	case "i64":
		n, err := strconv.ParseInt(v, 0, 64)
		if err != nil {
			return bad(err)
		}
		return sim.I64(n), nil, nil
	case "u64":
		n, err := strconv.ParseUint(v, 0, 64)
		if err != nil {
			return bad(err)
		}
		return sim.U64(n), nil, nil
	case "f32":
		x, err := strconv.ParseFloat(v, 32)
		if err != nil {
			return bad(err)
		}
		return sim.F32(float32(x)), nil, nil
	case "f64":
		x, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return bad(err)
		}
		return sim.F64(x), nil, nil
	case "buf":
		b, err := parseBuffer(v)
		if err != nil {
			return bad(err)
		}
		if b.Ptr, err = dev.Malloc(b.Bytes); err != nil {
			return bad(err)
		}
		if err := b.fill(dev, b.Ptr, read); err != nil {
			return bad(err)
		}
		return sim.PtrArg(b.Ptr), b, nil
	}
	return bad(fmt.Errorf("kind %q is not one of i32 u32 i64 u64 f32 f64 buf", kind))
}

// Buffers are the buffers that arguments ask for and the contents of variables, with no device memory yet. What SimulateLaunch
// would refuse is left out.
func Buffers(args, variables []string) (out []*Buffer) {
	add := func(text string) {
		if b, err := parseBuffer(text); err == nil {
			out = append(out, b)
		}
	}
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "buf:"); ok {
			add(v)
		}
	}
	for _, v := range variables {
		_, text, _ := strings.Cut(v, ":")
		add(text)
	}
	return out
}

// parseBuffer reads BYTES[:file=PATH|:normal=SEED|:uniform=SEED][,out=PATH]; the parts may stand in either order, behind ':' or ','.
func parseBuffer(v string) (*Buffer, error) {
	end := strings.IndexAny(v, ":,")
	size, rest := v, ""
	if end >= 0 {
		size, rest = v[:end], v[end+1:]
	}
	n, err := strconv.ParseInt(size, 0, 64)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%q is not a number of bytes above 0", size)
	}
	b := &Buffer{Bytes: n}
	for rest != "" {
		part := rest
		if i := strings.Index(rest, ",out="); i >= 0 && !strings.HasPrefix(rest, "out=") {
			part, rest = rest[:i], rest[i+1:]
		} else if i := strings.Index(rest, ",file="); i >= 0 && !strings.HasPrefix(rest, "file=") {
			part, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		key, path, _ := strings.Cut(part, "=")
		switch {
		case key == "file" && path != "":
			b.File = path
		case key == "out" && path != "":
			b.Out = path
		case distributions[key] != nil:
			b.Random = key
			if b.Seed, err = strconv.ParseUint(path, 10, 64); err != nil {
				return nil, fmt.Errorf("%q: the seed is not a whole number from 0", part)
			}
		default:
			return nil, fmt.Errorf("%q is not file=PATH, normal=SEED, uniform=SEED or out=PATH", part)
		}
	}
	return b, nil
}
