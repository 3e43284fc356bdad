package workloads

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"warpdrop/internal/infile"
	"warpdrop/sim"
)

// MaxCubinBytes bounds a file of machine code; the largest of NVIDIA's own libraries hold some hundred megabytes for all GPUs.
const MaxCubinBytes = 256 << 20

// LaunchSpec is one launch of a user's kernel.
type LaunchSpec struct {
	Cubin  string // file
	Kernel string // needed when the file has several
	Config sim.LaunchConfig
	Args   []string // one a parameter, in order; see ParseArg
	Read   ReadFile // nil: infile.Read
}

// ReadFile reads a file of at most limit bytes that a launch names. A caller that knows what the file has to hold refuses another.
type ReadFile func(path string, limit int64) ([]byte, error)

// SimulateLaunch runs one kernel of a cubin file on a fresh device of preset gpu. Nothing is written to out= files.
func SimulateLaunch(ctx context.Context, gpu *sim.GPU, spec LaunchSpec, opt Options) (*IterationResult, error) {
	read := spec.Read
	if read == nil {
		read = infile.Read
	}
	image, err := read(spec.Cubin, MaxCubinBytes)
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, gpu, opt.Threads)
	if err != nil {
		return nil, err
	}
	m, err := r.dev.LoadModule(image)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Cubin, err)
	}
	k, err := m.Kernel(spec.Kernel)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Cubin, err)
	}
	r.modules[spec.Cubin] = m
	var args []sim.Arg
	for _, text := range spec.Args {
		a, _, err := parseArg(r.dev, text, read)
		if err != nil {
			return nil, fmt.Errorf("args: %w", err)
		}
		args = append(args, a)
	}
	r.launch(k.Name(), PartKernel, spec.Cubin, k.Name(), 0, spec.Config, args...)
	if r.err != nil {
		return nil, r.err
	}
	l := r.launches[0]
	return &IterationResult{Cycles: l.Cycles, TimeUS: gpu.Seconds(l.Cycles) * 1e6, Launches: r.launches, Counters: l.Counters}, nil
}

// Buffer is a device buffer that an argument asked for.
type Buffer struct {
	Ptr   sim.Ptr
	Bytes int64
	File  string // that it was filled from; "" = zeros
	Out   string // that the caller is to write it to after the run; "" = none
}

// ParseArg reads the text of a kernel argument: KIND:VALUE with KIND one of i32 u32 i64 u64 f32 f64, or
// buf:BYTES[:file=PATH][,out=PATH]. A buffer is reserved on dev and filled from its file; it is nil for a number.
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
		if b.File != "" {
			data, err := read(b.File, b.Bytes)
			if err != nil {
				return bad(err)
			}
			if err := dev.Write(b.Ptr, data); err != nil {
				return bad(err)
			}
		}
		return sim.PtrArg(b.Ptr), b, nil
	}
	return bad(fmt.Errorf("kind %q is not one of i32 u32 i64 u64 f32 f64 buf", kind))
}

// Buffers are the buffers that arguments ask for, with no device memory yet. Arguments that ParseArg would refuse are left out.
func Buffers(args []string) (out []*Buffer) {
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "buf:"); ok {
			if b, err := parseBuffer(v); err == nil {
				out = append(out, b)
			}
		}
	}
	return out
}

// parseBuffer reads BYTES[:file=PATH][,out=PATH]; the two parts may stand in either order, behind ':' or ','.
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
		default:
			return nil, fmt.Errorf("%q is not file=PATH or out=PATH", part)
		}
	}
	return b, nil
}
