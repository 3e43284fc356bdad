// Package cudac turns CUDA C++ and PTX into machine code with the compilers that are found on this machine: NVIDIA's
// own front end (libnvrtc, with CUDA's headers) where it is installed, else clang with this project's headers, and
// ptxas. None is part of warpdrop; scripts/toolchain.sh installs all of them into .toolchain/.
package cudac

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"warpdrop/internal/infile"
	"warpdrop/internal/scratch"
	"warpdrop/internal/toolchain"
)

// Compilers are the names of Options.Compiler beside "", which takes the first that is found.
var Compilers = []string{"nvrtc", "clang"}

// Version changes with every change of the flags that a source is compiled with: code that was kept of it is made anew
// then.
const Version = "2"

// Options say how a source is compiled.
type Options struct {
	Compiler string            // of CUDA C++: one of Compilers; empty: nvrtc where it is found, else clang
	Arch     int               // compute capability times ten: 61
	Defines  []string          // NAME or NAME=VALUE
	Include  []string          // folders of headers, beside the file's own
	Object   bool              // an object, to be linked with others
	Headers  map[string][]byte // for clang: cuda_runtime.h and what else programs include
}

// maxSourceBytes bounds a source file.
const maxSourceBytes = 16 << 20

// IsSource tells whether a file's name is that of a source that Compile takes.
func IsSource(file string) bool {
	switch filepath.Ext(file) {
	case ".cu", ".ptx":
		return true
	}
	return false
}

// Compile returns the cubin of a .cu or .ptx file, and which compiler made it.
func Compile(ctx context.Context, file string, opt Options) (cubin []byte, by string, err error) {
	source, err := infile.Read(file, maxSourceBytes)
	if err != nil {
		return nil, "", err
	}
	if filepath.Ext(file) == ".ptx" {
		cubin, err = assemble(ctx, file, opt)
		return cubin, "ptxas", err
	}
	var refused error
	if opt.Compiler != "clang" {
		cubin, by, err = nvrtc(ctx, file, source, opt)
		if err == nil || opt.Compiler == "nvrtc" || !errors.Is(err, toolchain.ErrMissing) && !errors.Is(err, errHostCode) {
			return cubin, by, err
		}
		refused = err // no NVRTC, or host code, which clang reads over
	}
	cubin, err = clang(ctx, file, source, opt)
	if err != nil && errors.Is(refused, errHostCode) {
		return nil, "", fmt.Errorf("%w; and clang: %w", refused, err)
	}
	if errors.Is(err, toolchain.ErrMissing) {
		return nil, "",
			fmt.Errorf("%s: no compiler for CUDA C++ was found: run scripts/toolchain.sh, which installs NVRTC and clang into "+
				".toolchain, or `pip install nvidia-cuda-nvrtc-cu12 nvidia-cuda-runtime-cu12 nvidia-cuda-cccl-cu12`, or give a "+
				".cubin (%w)", file, err)
	}
	return cubin, "clang", err
}

// Which names the compiler that Compile would take for a CUDA C++ or PTX file, with its version where it tells one; an
// error names what is missing. A file with host code goes to clang all the same.
func Which(file, compiler string) (string, error) {
	missing := func(tools ...string) error {
		for _, t := range tools {
			if _, err := toolchain.Find(t); err != nil {
				return err
			}
		}
		return nil
	}
	if filepath.Ext(file) == ".ptx" {
		return "ptxas", missing("ptxas")
	}
	if compiler != "clang" {
		by, err := nvrtcVersion()
		if err == nil || compiler == "nvrtc" {
			return by, err
		}
	}
	return "clang-19", missing("clang-19", "ptxas")
}

// clang compiles CUDA C++ to PTX, and that with ptxas. Host code is read and not compiled.
func clang(ctx context.Context, file string, source []byte, opt Options) ([]byte, error) {
	dir, err := scratch.Dir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for name, text := range opt.Headers {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return nil, err
		}
	}
	ptx := filepath.Join(dir, "k.ptx")
	// The flags of scripts/kernels.sh, and one more: clang marks every argument of a function as defined, so that a
	// variable which one lane alone has set before __shfl_sync would be undefined behaviour in CUDA's own examples.
	args := []string{"-x", "cuda", "--cuda-device-only", fmt.Sprintf("--cuda-gpu-arch=sm_%d", opt.Arch), "-nocudainc",
		"-nocudalib", "-nogpulib", "-fdeclspec", "-Wno-unknown-cuda-version", "-Xclang", "-target-feature", "-Xclang",
		ptxVersion(opt.Arch), "-Xclang", "-no-enable-noundef-analysis", "-I", dir, "-gline-directives-only", "-S",
		"-O3", file, "-o", ptx}
	for _, d := range opt.Defines {
		args = append(args, "-D"+d)
	}
	for _, dir := range opt.Include {
		args = append(args, "-I"+dir)
	}
	if opt.Object {
		args = append(args, "-fgpu-rdc")
	}
	// As nvcc does; but not where a file brings its own definitions.
	if !bytes.Contains(source, []byte("define __global__")) && !bytes.Contains(source, []byte("__attribute__((global))")) {
		args = append([]string{"-include", filepath.Join(dir, "cuda_runtime.h")}, args...)
	}
	if err := tool(ctx, "clang-19", args...); err != nil {
		if text := err.Error(); strings.Contains(text, "undeclared identifier") || strings.Contains(text, "file not found") {
			err = fmt.Errorf("%w\n%s has the most used functions of CUDA only; NVIDIA's own front end has all: run "+
				"scripts/toolchain.sh, or "+
				"`pip install nvidia-cuda-nvrtc-cu12 nvidia-cuda-runtime-cu12 nvidia-cuda-cccl-cu12`", err, "the header for clang")
		}
		return nil, err
	}
	return assemble(ctx, ptx, opt)
}

// ptxVersion is the oldest version of PTX with what the header uses that an architecture has, as clang names it.
func ptxVersion(arch int) string {
	switch {
	case arch >= 86:
		return "+ptx71"
	case arch >= 80:
		return "+ptx70"
	}
	return "+ptx63"
}

// Assemble returns the cubin that ptxas makes of a PTX file for an architecture: compute capability times ten.
func Assemble(ctx context.Context, ptx string, arch int) ([]byte, error) {
	return assemble(ctx, ptx, Options{Arch: arch})
}

// assemble makes a cubin, or an object, of a PTX file.
func assemble(ctx context.Context, ptx string, opt Options) ([]byte, error) {
	dir, err := scratch.Dir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cubin := filepath.Join(dir, "k.cubin")
	args := []string{fmt.Sprintf("-arch=sm_%d", opt.Arch), "-O3", "-lineinfo", ptx, "-o", cubin}
	if opt.Object {
		args = append(args, "-c")
	}
	if err := tool(ctx, "ptxas", args...); err != nil {
		return nil, err
	}
	return os.ReadFile(cubin)
}

// AssembleText is Assemble of PTX that stands in no file of its own.
func AssembleText(ctx context.Context, ptx []byte, arch int) ([]byte, error) {
	return assembleText(ctx, ptx, Options{Arch: arch})
}

func assembleText(ctx context.Context, ptx []byte, opt Options) ([]byte, error) {
	dir, err := scratch.Dir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "k.ptx")
	if err := os.WriteFile(file, ptx, 0o600); err != nil {
		return nil, err
	}
	return assemble(ctx, file, opt)
}

// tool runs a program of the kernel tool chain.
func tool(ctx context.Context, name string, args ...string) error {
	path, err := toolchain.Find(name)
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	c := exec.CommandContext(ctx, path, args...)
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(stderr.String()))
	}
	return nil
}
