package workloads

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"warpdrop/internal/infile"
	"warpdrop/sim"
)

// ArgHelp says what the text of an argument may be.
const ArgHelp = `  i8:V u8:V i16:V u16:V i32:V u32:V i64:V u64:V   a whole number
  f16:V f32:V f64:V bool:true|false               a number of floating point, a truth value
  bytes:HEX                                       these bytes
  struct:{ARG,ARG,…}                              a structure by value, its fields laid out as C++ does; structures may stand in it
  buf:BYTES[:FILL][,out=PATH]                     a device buffer, zero-filled or as FILL says; written to out= after the run; buf:0 is a null pointer
FILL is file=PATH (a raw file), random=SEED (random bytes), normal=SEED or uniform=SEED (random numbers of type float), iota (0, 1, 2 … as
32-bit numbers), or KIND=V, a number of one of the kinds above again and again.`

// spec is the text of an argument, taken apart; nothing is reserved yet.
type spec struct {
	data   []byte  // of a number or bytes
	align  int     // in a structure
	buffer *Buffer // an address
	fields []spec  // of a structure, where data and buffer are nil
}

// scalars are the kinds of numbers: their size, and how a value becomes bytes.
var scalars = map[string]struct {
	size int
	bits func(v string, size int) (uint64, error)
}{
	"i8": {1, signed}, "i16": {2, signed}, "i32": {4, signed}, "i64": {8, signed},
	"u8": {1, unsigned}, "u16": {2, unsigned}, "u32": {4, unsigned}, "u64": {8, unsigned},
	"f16": {2, half}, "f32": {4, single}, "f64": {8, double},
	"bool": {1, func(v string, _ int) (uint64, error) {
		b, err := strconv.ParseBool(v)
		if b {
			return 1, err
		}
		return 0, err
	}},
}

// kinds lists the kinds of arguments for messages.
const kinds = "i8 u8 i16 u16 i32 u32 i64 u64 f16 f32 f64 bool bytes struct buf"

func signed(v string, size int) (uint64, error) {
	n, err := strconv.ParseInt(v, 0, 8*size)
	return uint64(n), err
}

func unsigned(v string, size int) (uint64, error) { return strconv.ParseUint(v, 0, 8*size) }

func single(v string, _ int) (uint64, error) {
	x, err := strconv.ParseFloat(v, 32)
	return uint64(math.Float32bits(float32(x))), err
}

func double(v string, _ int) (uint64, error) {
	x, err := strconv.ParseFloat(v, 64)
	return math.Float64bits(x), err
}

// half rounds to half precision, to nearest even.
func half(v string, _ int) (uint64, error) {
	x, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return 0, err
	}
	sign := math.Float64bits(x) >> 63 << 15
	x = math.Abs(x)
	const inf, nan = 0x7c00, 0x7e00
	switch {
	case math.IsNaN(x):
		return nan, nil
	case math.IsInf(x, 0):
		return sign | inf, nil
	}
	_, e := math.Frexp(x) // x < 2^e
	unit := max(e-11, -24)
	n := uint64(math.RoundToEven(math.Ldexp(x, -unit))) // 11 bits, or 2^11 where it rounds up
	h := n + uint64(unit+24)<<10                        // the exponent is 0 below 2^-14, and 1 too many is in n above
	if h >= inf {
		return 0, fmt.Errorf("%s is beyond the largest half, 65504", v)
	}
	return sign | h, nil
}

func number(kind, v string) ([]byte, error) {
	k := scalars[kind]
	bits, err := k.bits(v, k.size)
	return binary.LittleEndian.AppendUint64(nil, bits)[:k.size], err
}

// parseSpec takes the text of an argument apart.
func parseSpec(s string) (spec, error) {
	bad := func(err error) (spec, error) { return spec{}, fmt.Errorf("%q: %w", s, err) }
	kind, v, ok := strings.Cut(s, ":")
	if !ok {
		return bad(errors.New("want KIND:VALUE with KIND one of " + kinds))
	}
	if k, ok := scalars[kind]; ok {
		data, err := number(kind, v)
		if err != nil {
			return bad(err)
		}
		return spec{data: data, align: k.size}, nil
	}
	switch kind {
	case "bytes":
		data, err := hex.DecodeString(v)
		if err != nil {
			return bad(err)
		}
		if len(data) == 0 {
			return bad(errors.New("no bytes"))
		}
		return spec{data: data, align: 1}, nil
	case "buf":
		b, err := parseBuffer(v)
		if err != nil {
			return bad(err)
		}
		return spec{buffer: b, align: 8}, nil
	case "struct":
		inner, ok := strings.CutPrefix(v, "{")
		if ok {
			inner, ok = strings.CutSuffix(inner, "}")
		}
		if !ok {
			return bad(errors.New("want struct:{ARG,ARG,…}"))
		}
		list, err := splitFields(inner)
		if err != nil {
			return bad(err)
		}
		out := spec{align: 1}
		for _, text := range list {
			f, err := parseSpec(text)
			if err != nil {
				return bad(err)
			}
			out.align = max(out.align, f.align)
			out.fields = append(out.fields, f)
		}
		return out, nil
	}
	return bad(fmt.Errorf("kind %q is not one of %s", kind, kinds))
}

// splitFields splits at the commas between fields: not in a structure in it, and not in front of a buffer's out= and
// the like.
func splitFields(s string) (list []string, err error) {
	depth, from := 0, 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] == '{':
			depth++
		case i < len(s) && s[i] == '}':
			depth--
		case i == len(s) || s[i] == ',' && depth == 0:
			part := s[from:i]
			if key, _, ok := strings.Cut(part, "="); ok && len(list) > 0 && !strings.Contains(key, ":") {
				list[len(list)-1] += "," + part
			} else {
				list = append(list, part)
			}
			from = i + 1
		}
	}
	if depth != 0 {
		return nil, errors.New("braces do not match")
	}
	return list, nil
}

// buffers appends those that the argument asks for.
func (s *spec) buffers(list []*Buffer) []*Buffer {
	if s.buffer != nil && s.buffer.Bytes > 0 {
		list = append(list, s.buffer)
	}
	for i := range s.fields {
		list = s.fields[i].buffers(list)
	}
	return list
}

// bytes reserves the buffers, and returns the argument as the parameter bank holds it. Without a device nothing is
// reserved and addresses are null.
func (s *spec) bytes(dev *sim.Device, read ReadFile) ([]byte, error) {
	switch b := s.buffer; {
	case b != nil && (b.Bytes == 0 || dev == nil):
		return make([]byte, 8), nil
	case b != nil:
		var err error
		if b.Ptr, err = dev.Malloc(b.Bytes); err != nil {
			return nil, err
		}
		return binary.LittleEndian.AppendUint64(nil, uint64(b.Ptr)), b.fill(dev, b.Ptr, read)
	case s.fields == nil:
		return s.data, nil
	}
	var out []byte
	pad := func(align int) { out = append(out, make([]byte, (align-len(out)%align)%align)...) }
	for i := range s.fields {
		f, err := s.fields[i].bytes(dev, read)
		if err != nil {
			return nil, err
		}
		pad(s.fields[i].align)
		out = append(out, f...)
	}
	pad(s.align)
	return out, nil
}

// ParseArg reads the text of a kernel argument: see ArgHelp. Buffers are reserved on dev and filled.
func ParseArg(dev *sim.Device, text string) (sim.Arg, []*Buffer, error) {
	return parseArg(dev, text, infile.Read)
}

func parseArg(dev *sim.Device, text string, read ReadFile) (sim.Arg, []*Buffer, error) {
	s, err := parseSpec(text)
	if err != nil {
		return sim.Arg{}, nil, err
	}
	data, err := s.bytes(dev, read)
	if err != nil {
		return sim.Arg{}, nil, fmt.Errorf("%q: %w", text, err)
	}
	if s.buffer != nil {
		return sim.PtrArg(sim.Ptr(binary.LittleEndian.Uint64(data))), s.buffers(nil), nil
	}
	return sim.Bytes(data), s.buffers(nil), nil
}

// SetVariable writes what the text says into a __device__ or __constant__ variable of the module: NAME=ARG, an argument
// as ParseArg reads it, or NAME:BYTES[:FILL][,out=PATH], its contents as those of a buffer. It returns the buffers, the
// variable itself one of them where its contents are given so.
func SetVariable(dev *sim.Device, m *sim.Module, text string) ([]*Buffer, error) {
	return setVariable(dev, m, text, infile.Read)
}

func setVariable(dev *sim.Device, m *sim.Module, text string, read ReadFile) ([]*Buffer, error) {
	name, s, b, err := parseVariable(text)
	if err != nil {
		return nil, err
	}
	at, size, err := m.Global(name)
	if err != nil {
		return nil, err
	}
	if b != nil {
		if b.Bytes > size {
			return nil, fmt.Errorf("%q: the variable has %d bytes", text, size)
		}
		b.Ptr = at
		return []*Buffer{b}, b.fill(dev, at, read)
	}
	data, err := s.bytes(dev, read)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	if int64(len(data)) > size {
		return nil, fmt.Errorf("%q: the variable has %d bytes, and what is to be stored in it %d", text, size, len(data))
	}
	return s.buffers(nil), dev.Write(at, data)
}

// parseVariable takes the text of a variable apart: either an argument or contents.
func parseVariable(text string) (name string, s *spec, b *Buffer, err error) {
	i := strings.IndexAny(text, "=:")
	if i < 1 {
		return "", nil, nil, fmt.Errorf("%q: want NAME=ARG or NAME:BYTES:FILL", text)
	}
	if name = text[:i]; text[i] == ':' {
		if b, err = parseBuffer(text[i+1:]); err == nil && b.Bytes == 0 {
			err = errors.New("no bytes")
		}
		if err != nil {
			err = fmt.Errorf("%q: %w", text, err)
		}
		return name, nil, b, err
	}
	arg, err := parseSpec(text[i+1:])
	return name, &arg, nil, err
}

// Buffers are the buffers that arguments ask for and the contents of variables, with no device memory yet. What
// SimulateLaunch would refuse is left out.
func Buffers(args, variables []string) (list []*Buffer) {
	for _, a := range args {
		if s, err := parseSpec(a); err == nil {
			list = s.buffers(list)
		}
	}
	for _, v := range variables {
		switch _, s, b, err := parseVariable(v); {
		case err != nil:
		case b != nil:
			list = append(list, b)
		default:
			list = s.buffers(list)
		}
	}
	return list
}

// Buffer is a device buffer that an argument asked for.
type Buffer struct {
	Ptr   sim.Ptr
	Bytes int64
	File  string // that it was filled from; "" = none
	Fill  string // what else it was filled with: a key of fills or a kind of number; "" = zeros
	Value string // seed, or the number
	Out   string // that the caller is to write it to after the run; "" = none
}

// fills are what a buffer may be filled with beside a file and a number.
var fills = map[string]func(data []byte, seed uint64){
	"random": func(data []byte, seed uint64) {
		var key [32]byte
		binary.LittleEndian.PutUint64(key[:], seed)
		_, _ = rand.NewChaCha8(key).Read(data)
	},
	"normal":  floats(func(r *rand.Rand) float32 { return float32(r.NormFloat64()) }),
	"uniform": floats((*rand.Rand).Float32), // in [0, 1)
	"iota": func(data []byte, _ uint64) {
		for i := 0; i+4 <= len(data); i += 4 {
			binary.LittleEndian.PutUint32(data[i:], uint32(i/4))
		}
	},
}

func floats(draw func(*rand.Rand) float32) func([]byte, uint64) {
	return func(data []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := 0; i+4 <= len(data); i += 4 {
			binary.LittleEndian.PutUint32(data[i:], math.Float32bits(draw(rng)))
		}
	}
}

// fill writes what the buffer was asked to hold to device memory at p.
func (b *Buffer) fill(dev *sim.Device, p sim.Ptr, read ReadFile) error {
	var data []byte
	switch how := fills[b.Fill]; {
	case b.File != "":
		var err error
		if data, err = read(b.File, b.Bytes); err != nil {
			return err
		}
	case b.Fill == "":
		return nil
	case how != nil:
		seed, err := strconv.ParseUint(b.Value, 10, 64)
		if err != nil {
			return err
		}
		data = make([]byte, b.Bytes)
		how(data, seed)
	default:
		one, err := number(b.Fill, b.Value)
		if err != nil {
			return err
		}
		data = slices.Repeat(one, int(b.Bytes)/len(one))
	}
	return dev.Write(p, data)
}

// parseBuffer reads BYTES[:FILL][,out=PATH]; the parts may stand in either order, behind ':' or ','.
func parseBuffer(v string) (*Buffer, error) {
	end := strings.IndexAny(v, ":,")
	size, rest := v, ""
	if end >= 0 {
		size, rest = v[:end], v[end+1:]
	}
	n, err := strconv.ParseInt(size, 0, 64)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%q is not a number of bytes from 0", size)
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
		key, value, _ := strings.Cut(part, "=")
		_, isNumber := scalars[key]
		switch {
		case n == 0:
			return nil, fmt.Errorf("%q: a buffer of no bytes is a null pointer", part)
		case key == "file" && value != "":
			b.File = value
		case key == "out" && value != "":
			b.Out = value
		case part == "iota":
			b.Fill, b.Value = key, "0"
		case key != "iota" && fills[key] != nil:
			if _, err := strconv.ParseUint(value, 10, 64); err != nil {
				return nil, fmt.Errorf("%q: the seed is not a whole number from 0", part)
			}
			b.Fill, b.Value = key, value
		case isNumber:
			if _, err := number(key, value); err != nil {
				return nil, fmt.Errorf("%q: %w", part, err)
			}
			b.Fill, b.Value = key, value
		default:
			return nil, fmt.Errorf("%q is not file=PATH, random=SEED, normal=SEED, uniform=SEED, iota, KIND=VALUE or out=PATH",
				part)
		}
	}
	return b, nil
}
