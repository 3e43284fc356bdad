package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/internal/toolchain"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// codeOptions say which code of a file is wanted.
type codeOptions struct {
	cudac.Options
	ptx     bool // PTX, compiled, although the file may have machine code
	unbound bool // what was compiled in parts is not linked
}

// codeOf looks for code in files, compiling .cu and .ptx files; several are linked, and so is one that was compiled in
// parts. by is the compiler of the first source.
func codeOf(ctx context.Context, files []string, opt codeOptions) (f *codefile.File, by string, err error) {
	opt.Object = len(files) > 1
	var list []*codefile.File
	for _, file := range files {
		f, with, err := workloads.ReadCode(ctx, file, opt.Options, infile.Read)
		if err != nil {
			if !cudac.IsSource(file) || errors.Is(err, toolchain.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
				err = usageError{err}
			}
			return nil, by, err
		}
		if by == "" {
			by = with
		}
		list = append(list, f)
	}
	if len(list) == 1 && (opt.unbound || !list[0].InParts()) {
		return list[0], by, nil
	}
	if f, err = codefile.Link(list, opt.Arch); err != nil {
		return nil, by, usageError{err}
	}
	return f, by, nil
}

// someArgs refuses a command without files.
func someArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("%s takes a file, or several objects to be linked; see %s --help", cmd.Name(), cmd.CommandPath())
	}
	return nil
}

// choice are the options with which a kernel, "" for any, is taken out of a file.
func (opt *codeOptions) choice(kernel string) codefile.Options {
	return codefile.Options{Arch: opt.Arch, Kernel: kernel, PTX: opt.ptx, Compile: cudac.AssembleText}
}

func newCompileCommand() *cobra.Command {
	var out, gpuName, compiler string
	var defines, include []string
	c := &cobra.Command{
		Use:   "compile FILE",
		Short: "Compile a .cu or .ptx file to a cubin",
		Long: `Compile a .cu or .ptx file to machine code for a GPU, as sim and points of an experiment do, and write it as a cubin. The compiler is
NVIDIA's run-time compiler where it is found, else clang-19 and ptxas; see warpdrop sim --help.`,
		Example: "  warpdrop compile examples/transpose.cu -D PAD=1 -o transpose.cubin",
		Args:    exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			gpu, err := sim.LoadGPU(gpuName)
			if err != nil {
				return usageError{err}
			}
			if !cudac.IsSource(args[0]) {
				return usagef("%s: allowed are .cu and .ptx files", args[0])
			}
			if compiler != "" && !slices.Contains(cudac.Compilers, compiler) {
				return usagef("--compiler %q is not one of %s", compiler, strings.Join(cudac.Compilers, ", "))
			}
			if _, err := infile.Read(args[0], codefile.MaxBytes); err != nil {
				return usageError{err}
			}
			data, by, err := cudac.Compile(cmd.Context(), args[0],
				cudac.Options{Compiler: compiler, Arch: gpu.Arch, Defines: defines, Include: include,
					Headers: workloads.Headers()})
			if errors.Is(err, toolchain.ErrMissing) {
				err = usageError{err}
			}
			if err != nil {
				return err
			}
			if out == "" {
				out = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0])) + ".cubin"
			}
			if err := atomicfile.ThroughBytes(out, data); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes for sm_%d, by %s\n", out, len(data), gpu.Arch, by)
			return err
		},
	}
	f := c.Flags()
	outputVarP(f, &out, "output", "o",
		"write the cubin to this file (default: the source's name with .cubin, in this folder)")
	f.StringArrayVarP(&defines, "define", "D", nil,
		"NAME or NAME=VALUE for the compiler of a .cu file; may be given several times")
	f.StringArrayVarP(&include, "include", "I", nil, "folder of headers for a .cu file; may be given several times")
	f.StringVar(&compiler, "compiler", "", "of a .cu file: nvrtc or clang (default: nvrtc where it is found, else clang)")
	f.StringVar(&gpuName, "gpu", "gtx1080ti", "GPU preset or a preset file")
	return c
}
