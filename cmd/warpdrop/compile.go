package main

import (
	"context"
	"errors"
	"io/fs"

	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/internal/toolchain"
	"warpdrop/workloads"
)

// cubinOf returns the machine code in file for an architecture, compiling a .cu or .ptx file, and by which compiler.
func cubinOf(ctx context.Context, file string, opt cudac.Options) (image []byte, by string, err error) {
	if cudac.IsSource(file) {
		opt.Headers = workloads.Headers()
		image, by, err = cudac.Compile(ctx, file, opt)
		if errors.Is(err, toolchain.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
			err = usageError{err}
		}
		return image, by, err
	}
	if image, err = infile.Read(file, workloads.MaxCubinBytes); err != nil {
		return nil, "", usageError{err}
	}
	return image, "", nil
}
