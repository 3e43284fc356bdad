// Package codefile finds kernels in the files that hold them: cubins, PTX, fatbins, and the programs, libraries,
// objects and archives that compilers put fatbins into.
package codefile

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ianlancetaylor/demangle"

	"warpdrop/internal/nearest"
	"warpdrop/sim/isa"
	"warpdrop/sim/isa/fatbin"
)

// MaxBytes bounds a file; the largest libraries hold two gigabytes for all GPUs.
const MaxBytes = 2 << 30

// File is a file with code for GPUs: units, which were linked by themselves, each for one or more architectures.
type File struct {
	name  string
	units [][]fatbin.Packed
}

// cudaMachine is the ELF machine number of a cubin.
const cudaMachine = 190

// IsCubin tells whether data is a cubin, and not a host's file.
func IsCubin(data []byte) bool {
	return len(data) > 20 && bytes.HasPrefix(data, []byte(elf.ELFMAG)) && int(data[18])|int(data[19])<<8 == cudaMachine
}

// isPTX tells whether data is the text of a PTX file.
func isPTX(data []byte) bool {
	return versionLine.Match(data[:min(len(data), 64<<10)]) && targetLine.Match(data)
}

// Open looks into the contents of file name.
func Open(name string, data []byte) (*File, error) {
	f := &File{name: name}
	switch {
	case IsCubin(data):
		arch := isa.ArchOf(data)
		if arch == 0 {
			return nil, fmt.Errorf("%s: a cubin of %d bytes", name, len(data))
		}
		f.units = [][]fatbin.Packed{{{Entry: fatbin.Entry{Kind: fatbin.Cubin, Arch: arch, Data: data}}}}
	case isPTX(data):
		f.units = [][]fatbin.Packed{{{Entry: fatbin.Entry{Kind: fatbin.PTX, Arch: target(data), Data: data}}}}
	default:
		if f.units = fatbin.Find(data); len(f.units) == 0 {
			return nil, fmt.Errorf("%s holds no code for GPUs: it is neither a cubin nor PTX, and there is no fatbin in it",
				name)
		}
	}
	return f, nil
}

var versionLine = regexp.MustCompile(`(?m)^\s*\.version\s+\d`)

var targetLine = regexp.MustCompile(`(?m)^\s*\.target\s+sm_(\d+)`)

// target is the architecture of a PTX text.
func target(ptx []byte) (arch int) {
	if m := targetLine.FindSubmatch(ptx); m != nil {
		fmt.Sscan(string(m[1]), &arch)
	}
	return arch
}

// Kernel is a kernel of a file for one architecture.
type Kernel struct {
	Name    string
	Kind    fatbin.Kind
	Arch    int
	Info    *isa.Kernel // of machine code that this project reads, else nil
	Problem string      // what kept it from being read
}

// Kernels lists all kernels of all units and architectures in the order of the file.
func (f *File) Kernels() (list []Kernel, err error) {
	for _, u := range f.units {
		for i := range u {
			c, err := look(&u[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			for _, name := range c.names {
				k := Kernel{Name: name, Kind: u[i].Kind, Arch: u[i].Arch, Problem: c.problem}
				if c.cubin != nil {
					k.Info = c.cubin.Kernel(name)
				}
				list = append(list, k)
			}
		}
	}
	return list, nil
}

// contents is what an entry holds.
type contents struct {
	names   []string
	cubin   *isa.Cubin // of machine code that can be read
	problem string     // why it cannot
	object  bool       // it is an object, still to be linked
}

// look finds out what an entry holds.
func look(p *fatbin.Packed) (c contents, err error) {
	e, err := p.Unpack()
	if err != nil {
		return c, err
	}
	if e.Kind == fatbin.PTX {
		c.names = ptxKernels(e.Data)
		return c, nil
	}
	c.object = !isa.Linked(e.Data)
	if c.cubin, err = isa.ReadCubin(e.Data); err != nil {
		c.problem = err.Error()
		c.names, _ = isa.KernelNames(e.Data)
		return c, nil
	}
	for i := range c.cubin.Kernels {
		c.names = append(c.names, c.cubin.Kernels[i].Name)
	}
	return c, nil
}

var entryLine = regexp.MustCompile(`(?m)\.entry\s+([\w$%]+)`)

// ptxKernels lists the kernels of a PTX text.
func ptxKernels(ptx []byte) (names []string) {
	for _, m := range entryLine.FindAllSubmatch(ptx, -1) {
		if n := string(m[1]); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Link links the objects in files into one: all of them, or those of a file that was compiled in parts. Of each unit
// the entry is taken that fits the GPU best.
func Link(files []*File, arch int) (*File, error) {
	var objects []isa.Object
	var names []string
	for _, f := range files {
		names = append(names, f.name)
		for _, u := range f.units {
			best := fatbin.Best(u, arch)
			if len(u) == 1 && u[0].Kind == fatbin.Cubin {
				best = &u[0]
			}
			if best == nil || best.Kind != fatbin.Cubin {
				return nil, fmt.Errorf("%s: there is no object for sm_%d in it to be linked", f.name, arch)
			}
			e, err := best.Unpack()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			objects = append(objects, isa.Object{Name: f.name, Data: e.Data})
		}
	}
	data, err := isa.LinkObjects(objects...)
	if err != nil {
		return nil, err
	}
	return Open(strings.Join(names, " + "), data)
}

// InParts tells whether the file has several objects, of which nothing was linked: a library that was compiled in
// parts.
func (f *File) InParts() bool {
	for _, u := range f.units {
		for i := range u {
			e, err := u[i].Unpack()
			if err != nil || e.Kind != fatbin.Cubin || isa.Linked(e.Data) {
				return false
			}
		}
	}
	return len(f.units) > 1
}

// Options say what is wanted of a file.
type Options struct {
	Arch   int    // of the GPU
	Kernel string // "": all
	PTX    bool   // compile its PTX although there may be machine code
	// Compile makes a cubin of PTX; nil: PTX is refused.
	Compile func(ctx context.Context, ptx []byte, arch int) ([]byte, error)
}

// Code is machine code that was chosen.
type Code struct {
	Image   []byte
	From    string   // what it was taken from: "code for sm_60"
	Kernels []string // full names of those asked for
}

// Choose returns the code of one kernel, the file's only one if Options name none, that fits the GPU best: machine code
// of the same major architecture, the latest that is not later; else PTX, compiled.
func (f *File) Choose(ctx context.Context, opt Options) (*Code, error) {
	found, all, err := f.find(&opt)
	if err != nil {
		return nil, err
	}
	if opt.Kernel == "" && len(all) > 1 {
		return nil, fmt.Errorf("%s: name a kernel: it has %s", f.name, list(all))
	}
	name := found[0].names[0]
	for _, c := range found { // the same template may stand in several units
		for _, n := range c.names {
			if n != name {
				return nil, fmt.Errorf("%s: %q may be %s or %s", f.name, opt.Kernel, Demangle(name), Demangle(n))
			}
		}
	}
	return f.code(ctx, &opt, &found[0])
}

// All returns the code of all kernels that Options mean, unit by unit.
func (f *File) All(ctx context.Context, opt Options) (list []Code, err error) {
	found, _, err := f.find(&opt)
	if err != nil {
		return nil, err
	}
	for i := range found {
		c, err := f.code(ctx, &opt, &found[i])
		if err != nil {
			return nil, err
		}
		list = append(list, *c)
	}
	return list, nil
}

// choice is the entry of a unit that fits the GPU best, with the kernels of it that are meant.
type choice struct {
	entry  *fatbin.Packed
	names  []string
	object bool
}

func score(b bool) int {
	if b {
		return 1
	}
	return 0
}

// find returns the choices, at least one, and the names of all kernels among which they were found.
func (f *File) find(opt *Options) (found []choice, all []string, err error) {
	var unfit []string
	for _, u := range f.units {
		list := u
		if opt.PTX {
			list = slices.DeleteFunc(slices.Clone(u), func(p fatbin.Packed) bool { return p.Kind != fatbin.PTX })
		}
		best := fatbin.Best(list, opt.Arch)
		if len(f.units) == 1 && len(u) == 1 && u[0].Kind == fatbin.Cubin && !opt.PTX {
			best = &u[0] // a cubin by itself is taken as it is
		}
		if best == nil {
			for i := range u {
				unfit = append(unfit, u[i].String())
			}
			continue
		}
		c, err := look(best)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if c.problem != "" {
			if len(f.units) == 1 {
				return nil, nil, fmt.Errorf("%s: %s", f.name, c.problem)
			}
			unfit = append(unfit, c.problem)
			continue
		}
		all = append(all, c.names...)
		if meant := Match(c.names, opt.Kernel); len(meant) > 0 {
			found = append(found, choice{best, meant, c.object})
		}
	}
	// A program that was compiled in parts holds its objects beside what was linked of them.
	slices.SortStableFunc(found, func(a, b choice) int { return cmp.Compare(score(a.object), score(b.object)) })
	linked := map[string]bool{}
	kept := found[:0]
	for _, c := range found {
		c.names = slices.DeleteFunc(c.names, func(n string) bool { return linked[n] })
		if !c.object {
			for _, n := range c.names {
				linked[n] = true
			}
		}
		if len(c.names) > 0 {
			kept = append(kept, c)
		}
	}
	found = kept
	all = slices.Compact(slices.Sorted(slices.Values(all)))
	switch {
	case len(all) == 0:
		slices.Sort(unfit)
		what := fmt.Sprintf("kernel for sm_%d", opt.Arch)
		if opt.PTX {
			what = "PTX with kernels for sm_" + fmt.Sprint(opt.Arch)
		}
		return nil, nil, fmt.Errorf("%s has no %s; it has %s", f.name, what, list(slices.Compact(unfit)))
	case len(found) == 0:
		return nil, nil, fmt.Errorf("%s has no kernel %q%s; it has: %s", f.name, opt.Kernel,
			nearest.Hint(opt.Kernel, all), list(all))
	}
	return found, all, nil
}

// code unpacks what was chosen, and compiles it if it is PTX.
func (f *File) code(ctx context.Context, opt *Options, c *choice) (*Code, error) {
	e, err := c.entry.Unpack()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	code := &Code{Image: e.Data, From: e.String(), Kernels: c.names}
	if e.Kind == fatbin.PTX {
		if opt.Compile == nil {
			return nil, fmt.Errorf("%s has PTX only for kernel %s, which is not compiled here", f.name, c.names[0])
		}
		if code.Image, err = opt.Compile(ctx, e.Data, opt.Arch); err != nil {
			return nil, fmt.Errorf("%s: kernel %s: %w", f.name, c.names[0], err)
		}
	}
	return code, nil
}

// Match returns those of names that want may mean: itself; a C++ function by its name in the source; by its name
// without its mangling, with or without parameters and what it returns. "" means all.
func Match(names []string, want string) (meant []string) {
	if want == "" {
		return names
	}
	if slices.Contains(names, want) {
		return []string{want}
	}
	for _, n := range names {
		if strings.HasPrefix(n, fmt.Sprintf("_Z%d%s", len(want), want)) {
			meant = append(meant, n)
			continue
		}
		full := Demangle(n)
		if full == n {
			continue
		}
		short := demangle.Filter(n, demangle.NoParams)
		if full == want || short == want || shorter(short) == want {
			meant = append(meant, n)
		}
	}
	return meant
}

// shorter leaves out the type that a template's instance returns, which its mangled name has.
func shorter(name string) string { return strings.TrimPrefix(name, "void ") }

// Demangle returns a C++ name as it stands in the source.
func Demangle(name string) string { return demangle.Filter(name) }

// list names the first of many.
func list(names []string) string {
	const most = 12
	if len(names) == 0 {
		return "none"
	}
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more; warpdrop kernels lists them", strings.Join(names[:most], ", "), len(names)-most)
}
