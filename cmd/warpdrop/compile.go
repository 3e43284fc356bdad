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
	image, by, err = workloads.ReadCode(ctx, file, opt, infile.Read)
	if err != nil && (!cudac.IsSource(file) || errors.Is(err, toolchain.ErrMissing) || errors.Is(err, fs.ErrNotExist)) {
		err = usageError{err}
	}
	return image, by, err
}
