package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"warpdrop/internal/infile"
	"warpdrop/internal/toolchain"
	"warpdrop/workloads"
)

// maxSourceBytes bounds a source file.
const maxSourceBytes = 16 << 20

// cubinOf returns the cubin in file, compiling a .ptx or .cu with the tools that scripts/toolchain.sh installs.
func cubinOf(ctx context.Context, file string) ([]byte, error) {
	ext := filepath.Ext(file)
	if ext != ".ptx" && ext != ".cu" {
		data, err := infile.Read(file, workloads.MaxCubinBytes)
		if err != nil {
			return nil, usageError{err}
		}
		return data, nil
	}
	if _, err := os.Stat(file); err != nil {
		return nil, usageError{err}
	}
	dir, err := os.MkdirTemp("", "warpdrop")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ptx := file
	if ext == ".cu" {
		ptx = filepath.Join(dir, "k.ptx")
		// The flags of scripts/kernels.sh. Headers of CUDA's names declare what CUDA C++ adds; a file that includes nothing
		// and declares nothing of it gets them as well.
		for name, text := range workloads.Headers() {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				return nil, err
			}
		}
		source, err := infile.Read(file, maxSourceBytes)
		if err != nil {
			return nil, usageError{err}
		}
		args := []string{"-x", "cuda", "--cuda-device-only", "--cuda-gpu-arch=sm_61", "-nocudainc", "-nocudalib", "-nogpulib", "-fdeclspec", "-Wno-unknown-cuda-version",
			"-Xclang", "-target-feature", "-Xclang", "+ptx63", "-I", dir, "-S", "-O3", file, "-o", ptx}
		if !bytes.Contains(source, []byte("#include")) && !bytes.Contains(source, []byte("define __global__")) && !bytes.Contains(source, []byte("__attribute__((global))")) {
			args = append([]string{"-include", filepath.Join(dir, "cuda_runtime.h")}, args...)
		}
		if err := tool(ctx, "clang-19", args...); err != nil {
			return nil, err
		}
	}
	cubin := filepath.Join(dir, "k.cubin")
	if err := tool(ctx, "ptxas", "-arch=sm_61", "-O3", ptx, "-o", cubin); err != nil {
		return nil, err
	}
	return os.ReadFile(cubin)
}

// tool runs a program of the kernel tool chain.
func tool(ctx context.Context, name string, args ...string) error {
	path, err := toolchain.Find(name)
	if err != nil {
		return usageError{err}
	}
	var stderr bytes.Buffer
	c := exec.CommandContext(ctx, path, args...)
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(stderr.String()))
	}
	return nil
}
