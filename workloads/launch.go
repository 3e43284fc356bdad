package workloads

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/internal/sealed"
	"warpdrop/sim"
)

// LaunchSpec is one launch of a user's kernel.
type LaunchSpec struct {
	Code      string   // file: a cubin or what holds some, see codefile, or a .cu or .ptx file, which is compiled
	Compiler  string   // of a .cu file, as in cudac.Options
	Defines   []string // NAME or NAME=VALUE, of a .cu file
	Kernel    string   // needed when the file has several
	Config    sim.LaunchConfig
	Args      []string // one a parameter, in order; see ArgHelp
	Variables []string // what __device__ and __constant__ variables hold, each as SetVariable reads it
	MaxCycles int64    // a launch that takes more ends with an error; 0 = no limit
	Warm      bool     // the second of two launches is measured, as benchmarks do: code and small arrays are in the caches
	Read      ReadFile // nil: infile.Read
	Kept      string   // folder where compiled machine code is kept and found again; "" = none
}

// ReadFile reads a file of at most limit bytes that a launch names. A caller that knows what the file has to hold
// refuses another.
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
func ReadCode(ctx context.Context, file string, opt cudac.Options, read ReadFile) (f *codefile.File, by string,
	err error) {
	return readCode(ctx, file, opt, read, "")
}

// readCode is ReadCode with a folder for what is compiled, or "".
func readCode(ctx context.Context, file string, opt cudac.Options, read ReadFile, kept string) (f *codefile.File,
	by string, err error) {
	data, err := read(file, codefile.MaxBytes)
	if err == nil && cudac.IsSource(file) {
		data, by, err = compile(ctx, file, data, opt, kept)
	}
	if err != nil {
		return nil, "", err
	}
	f, err = codefile.Open(file, data)
	return f, by, err
}

// compile compiles a source, or finds what was made of it before in folder kept: a file's first line names the
// compiler. A folder that cannot be read or written costs time, nothing else.
func compile(ctx context.Context, file string, source []byte, opt cudac.Options, kept string) (code []byte, by string,
	err error) {
	opt.Headers = Headers()
	if kept != "" {
		which, err := cudac.Which(file, opt.Compiler)
		if err != nil {
			return nil, "", err
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%q\x00%v\x00%s", cudac.Version, which, opt.Arch, opt.Defines,
			opt.Headers, source))
		kept = filepath.Join(kept, hex.EncodeToString(sum[:]))
		if have, whole := sealed.Read(kept, codefile.MaxBytes); whole {
			if by, code, ok := bytes.Cut(have, []byte("\n")); ok && codefile.IsCubin(code) {
				return code, string(by), nil
			}
		}
	}
	code, by, err = cudac.Compile(ctx, file, opt)
	if err == nil && kept != "" && os.MkdirAll(filepath.Dir(kept), 0o777) == nil {
		_ = sealed.Write(kept, append([]byte(by+"\n"), code...))
	}
	return code, by, err
}

// SimulateLaunch runs one kernel of a file on a fresh device of preset gpu. Nothing is written to out= files.
func SimulateLaunch(ctx context.Context, gpu *sim.GPU, spec LaunchSpec, opt Options) (*LaunchRun, error) {
	read := spec.Read
	if read == nil {
		read = infile.Read
	}
	file, by, err := readCode(ctx, spec.Code, cudac.Options{Compiler: spec.Compiler, Arch: gpu.Arch,
		Defines: spec.Defines}, read, spec.Kept)
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
	r.look(opt)
	r.dev.MaxCycles = spec.MaxCycles
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
		if _, err := setVariable(r.dev, m, text, read); err != nil {
			return nil, fmt.Errorf("variables: %w", err)
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
	return &LaunchRun{IterationResult{Cycles: l.Cycles, TimeUS: gpu.Seconds(l.Cycles) * 1e6, Launches: r.launches,
		Counters: l.Counters},
		by, k.Info(), res.BlocksPerSM, res.Sample}, nil
}
