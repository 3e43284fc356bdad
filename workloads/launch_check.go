package workloads

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/sim"
)

// errCompiles is the end of a check that would have to compile.
var errCompiles = errors.New("to be compiled")

// CheckLaunch reports what SimulateLaunch would refuse before it runs, and in which part of the launch: "code",
// "kernel", "args", "variables", "grid", "block" or "shared". Nothing is compiled or run; of what has to be compiled
// first only sizes and the forms of arguments are checked.
func CheckLaunch(ctx context.Context, gpu *sim.GPU, spec LaunchSpec) (part string, err error) {
	return checkLaunch(ctx, gpu, spec, false)
}

// CheckCompiled is CheckLaunch, and compiles what has to be.
func CheckCompiled(ctx context.Context, gpu *sim.GPU, spec LaunchSpec) (part string, err error) {
	return checkLaunch(ctx, gpu, spec, true)
}

func checkLaunch(ctx context.Context, gpu *sim.GPU, spec LaunchSpec, compiles bool) (part string, err error) {
	args, part, err := spec.checkForms(gpu)
	if err != nil || cudac.IsSource(spec.Code) && !compiles {
		return part, err
	}
	read := spec.Read
	if read == nil {
		read = infile.Read
	}
	file, _, err := readCode(ctx, spec.Code, cudac.Options{Compiler: spec.Compiler, Arch: gpu.Arch,
		Defines: spec.Defines}, read, spec.Kept)
	if err != nil {
		return "code", err
	}
	opt := codefile.Options{Arch: gpu.Arch, Kernel: spec.Kernel, Compile: cudac.AssembleText}
	if !compiles {
		opt.Compile = func(context.Context, []byte, int) ([]byte, error) { return nil, errCompiles }
	}
	code, err := file.Choose(ctx, opt)
	switch {
	case errors.Is(err, errCompiles):
		return "", nil
	case err != nil:
		return "kernel", err
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		return "code", err
	}
	m, err := dev.LoadModule(code.Image)
	if err != nil {
		return "code", fmt.Errorf("%s: %w", spec.Code, err)
	}
	k, err := m.Kernel(code.Kernels[0])
	if err != nil {
		return "kernel", fmt.Errorf("%s: %w", spec.Code, err)
	}
	for _, text := range spec.Variables {
		if err := checkVariable(m, text); err != nil {
			return "variables", err
		}
	}
	return partOf(dev.CheckLaunch(k, spec.Config, args...))
}

// checkForms checks what can be said without the code: the forms of arguments, the memory they want, and the sizes of
// the launch.
func (spec *LaunchSpec) checkForms(gpu *sim.GPU) (args []sim.Arg, part string, err error) {
	for _, text := range spec.Args {
		a, _, err := parseArg(nil, text, nil)
		if err != nil {
			return nil, "args", err
		}
		args = append(args, a)
	}
	for _, text := range spec.Variables {
		if _, _, _, err := parseVariable(text); err != nil {
			return nil, "variables", err
		}
	}
	room := gpu.MemoryBytes()
	for _, b := range Buffers(spec.Args, spec.Variables) {
		if room -= min(b.Bytes, room+1); room < 0 {
			return nil, "args", fmt.Errorf("a buffer of %d bytes, and those before it, are more than the %d bytes of %s",
				b.Bytes, gpu.MemoryBytes(), gpu.Name)
		}
	}
	part, err = partOf(spec.Config.Check(gpu))
	return args, part, err
}

// checkVariable checks that the module has the variable, and room in it.
func checkVariable(m *sim.Module, text string) error {
	name, s, b, err := parseVariable(text)
	if err != nil {
		return err
	}
	_, size, err := m.Global(name)
	if err != nil {
		return err
	}
	want := int64(0)
	if b != nil {
		want = b.Bytes
	} else if data, err := s.bytes(nil, nil); err == nil {
		want = int64(len(data))
	}
	if want > size {
		return fmt.Errorf("%q: the variable has %d bytes, and what is to be stored in it %d", text, size, want)
	}
	return nil
}

// partOf names the part of a launch that an error of its sizes or arguments is about.
func partOf(err error) (string, error) {
	if err == nil {
		return "", nil
	}
	for _, p := range []struct{ word, part string }{{"grid ", "grid"}, {"block ", "block"}, {"shared memory", "shared"},
		{"argument", "args"}, {"wave", "waves"}} {
		if strings.Contains(err.Error(), p.word) {
			return p.part, err
		}
	}
	return "kernel", err
}
