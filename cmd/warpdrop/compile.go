package main

import (
	"context"
	"errors"
	"io/fs"

	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/internal/toolchain"
	"warpdrop/workloads"
)

// codeOptions say which code of a file is wanted.
type codeOptions struct {
	cudac.Options
	ptx bool // PTX, compiled, although the file may have machine code
}

// codeOf looks for code in a file, compiling a .cu or .ptx file; by is the compiler of such a file.
func codeOf(ctx context.Context, file string, opt codeOptions) (f *codefile.File, by string, err error) {
	f, by, err = workloads.ReadCode(ctx, file, opt.Options, infile.Read)
	if err != nil && (!cudac.IsSource(file) || errors.Is(err, toolchain.ErrMissing) || errors.Is(err, fs.ErrNotExist)) {
		err = usageError{err}
	}
	return f, by, err
}

// choice are the options with which a kernel, "" for any, is taken out of a file.
func (opt *codeOptions) choice(kernel string) codefile.Options {
	return codefile.Options{Arch: opt.Arch, Kernel: kernel, PTX: opt.ptx, Compile: cudac.AssembleText}
}
