package driver

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"

	"warpdrop/internal/infile"
	"warpdrop/sim"
	"warpdrop/sim/isa/fatbin"
)

// module is a CUmodule, and a CUlibrary: here a library is loaded at once, so both are the same.
type module struct {
	handle    uint64
	module    *sim.Module
	functions map[string]*function
	shared    *allocation // its variables, where the program reaches them too: __managed__ ones are among them
}

func (m *module) release(d *Driver) {
	for _, f := range m.functions {
		delete(d.handles, f.handle)
	}
	if err := m.module.Unload(); err != nil {
		d.say("%v", err)
	}
	if a := m.shared; a != nil {
		delete(d.allocs, a.base)
		unmapHost(a.host, a.size)
	}
}

// fatbinWrapper is what the structure begins with that a program's registration hands over.
const fatbinWrapper = 0x466243b1

// image returns the cubin in what a program hands over by address alone: a cubin, a fatbin, a fatbin's wrapper, or PTX.
func (d *Driver) image(addr uint64) ([]byte, Result) {
	if addr == 0 {
		return nil, InvalidValue
	}
	switch get32(addr) {
	case fatbinWrapper: // magic, version, address of the fatbin
		return d.image(get64(addr + 8))
	case fatbin.Magic: // magic, version 2 bytes, header 2 bytes, size of all entries 8 bytes
		header := uint64(binary.LittleEndian.Uint16(hostBytes(addr+6, 2)))
		return d.imageOf(bytes.Clone(hostBytes(addr, header+get64(addr+8))))
	case binary.LittleEndian.Uint32([]byte(elf.ELFMAG)):
		h := hostBytes(addr, 64)
		// The tables of sections and segments stand at the end of the files that ptxas writes.
		tables := func(off, size, n int) uint64 {
			return binary.LittleEndian.Uint64(h[off:]) + uint64(binary.LittleEndian.Uint16(h[size:]))*
				uint64(binary.LittleEndian.Uint16(h[n:]))
		}
		return d.imageOf(bytes.Clone(hostBytes(addr, max(tables(40, 58, 60), tables(32, 54, 56), 64))))
	}
	return d.imageOf([]byte(hostString(addr)))
}

// imageOf is image of bytes.
func (d *Driver) imageOf(data []byte) ([]byte, Result) {
	if bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return data, Success
	}
	if len(data) >= 16 && binary.LittleEndian.Uint32(data) == fatbin.Magic {
		code, err := fatbin.Choose(data, d.gpu.Arch)
		if err != nil {
			d.say("%v", err)
			if errors.Is(err, fatbin.ErrNoCode) {
				return nil, NoBinaryForGPU
			}
			return nil, InvalidImage
		}
		if code.Kind == fatbin.PTX {
			return d.compile(code.Data)
		}
		return code.Data, Success
	}
	if !bytes.Contains(data, []byte(".version")) || !bytes.Contains(data, []byte(".target")) {
		return nil, InvalidImage
	}
	return d.compile(data)
}

// load makes a module of an image.
func (c *call) load(out int, cubin []byte, r Result) Result {
	if r != Success {
		return r
	}
	if c.u64(out) == 0 {
		return InvalidValue
	}
	x := &module{functions: map[string]*function{}}
	m, err := c.dev.LoadModuleShared(cubin, func(n int64) (sim.Ptr, error) {
		a, err := c.mapShared(uint64(n), managed)
		if err != nil {
			return 0, err
		}
		a.variables = true
		x.shared = a
		return sim.Ptr(a.base), nil
	})
	if err != nil {
		c.say("module: %v", err)
		if a := x.shared; a != nil {
			a.variables = false
			c.free(a.base)
		}
		if errors.Is(err, sim.ErrOutOfMemory) {
			return OutOfMemory
		}
		return InvalidImage
	}
	x.module = m
	x.handle = c.own(x)
	return c.put64(out, x.handle)
}

// file reads a module's file.
func (c *call) file(i int) ([]byte, Result) {
	data, r := c.readFile(hostString(c.u64(i)))
	if r != Success {
		return nil, r
	}
	return c.imageOf(data)
}

// maxFile bounds a file of machine code or PTX, and one in the cache.
const maxFile = 1 << 30

// readFile reads a file that the program names.
func (c *call) readFile(path string) ([]byte, Result) {
	data, err := infile.Read(path, maxFile)
	switch {
	case err == nil:
		return data, Success
	case errors.Is(err, fs.ErrNotExist):
		c.say("%v", err)
		return nil, FileNotFound
	}
	c.say("%v", err)
	return nil, InvalidValue
}

func (c *call) module(i int) (*module, Result) {
	m, ok := of[*module](c.Driver, c.u64(i))
	if !ok {
		return nil, InvalidHandle
	}
	return m, Success
}

// function returns a kernel of the module.
func (c *call) lookUpFunction(m *module, name string) (*function, Result) {
	if f := m.functions[name]; f != nil {
		return f, Success
	}
	if !slices.Contains(m.module.KernelNames(), name) {
		return nil, NotFound
	}
	k, err := m.module.Kernel(name)
	if err != nil {
		c.say("%v", err)
		return nil, InvalidImage
	}
	f := &function{kernel: k, info: k.Info(), module: m, name: name, shared: c.gpu.SM.SharedPerBlock - k.SharedBytes()}
	f.handle = c.handle(f)
	m.functions[name] = f
	return f, Success
}

// global is cuModuleGetGlobal: address and size, each where the caller wants it.
func (c *call) global(m *module, name string) Result {
	p, n, err := m.module.Global(name)
	if err != nil {
		return NotFound
	}
	c.high = max(c.high, uint64(p)+uint64(n))
	put64(c.u64(0), uint64(p))
	put64(c.u64(1), uint64(n))
	return Success
}

func init() {
	getFunction := func(c *call) Result {
		m, r := c.module(1)
		if r != Success {
			return r
		}
		if c.u64(0) == 0 || c.u64(2) == 0 {
			return InvalidValue
		}
		f, r := c.lookUpFunction(m, hostString(c.u64(2)))
		if r != Success {
			return r
		}
		return c.put64(0, f.handle)
	}
	count := func(c *call) Result {
		m, r := c.module(1)
		if r != Success {
			return r
		}
		return c.put32(0, uint32(len(m.module.KernelNames())))
	}
	enumerate := func(c *call) Result {
		m, r := c.module(2)
		if r != Success {
			return r
		}
		for i, name := range m.module.KernelNames() {
			if i >= c.int(1) {
				break
			}
			f, r := c.lookUpFunction(m, name)
			if r != Success {
				return r
			}
			put64(c.u64(0)+uint64(8*i), f.handle)
		}
		return Success
	}
	global := func(c *call) Result {
		m, r := c.module(2)
		if r != Success {
			return r
		}
		return c.global(m, hostString(c.u64(3)))
	}
	data := func(c *call) Result {
		cubin, r := c.image(c.u64(1))
		return c.load(0, cubin, r)
	}
	file := func(c *call) Result {
		cubin, r := c.file(1)
		return c.load(0, cubin, r)
	}
	unload := func(c *call) Result {
		m, ok := disown[*module](c, c.u64(0))
		if !ok {
			return InvalidHandle
		}
		m.release(c.Driver)
		return Success
	}
	register(needsContext, map[string]func(*call) Result{
		"cuModuleLoad":          file,
		"cuModuleLoadData":      data,
		"cuModuleLoadFatBinary": data,
		"cuModuleLoadDataEx": func(c *call) Result {
			cubin, r := c.image(c.u64(1))
			c.jitLogs(2, 3, 4, r)
			return c.load(0, cubin, r)
		},
		"cuModuleUnload":             unload,
		"cuModuleGetFunction":        getFunction,
		"cuModuleGetFunctionCount":   count,
		"cuModuleEnumerateFunctions": enumerate,
		"cuModuleGetGlobal_v2":       global,
	})
	register(needsInit, map[string]func(*call) Result{
		"cuLibraryLoadData": func(c *call) Result {
			cubin, r := c.image(c.u64(1))
			c.jitLogs(4, 2, 3, r)
			return c.load(0, cubin, r)
		},
		"cuLibraryLoadFromFile":     file,
		"cuLibraryUnload":           unload,
		"cuLibraryGetKernel":        getFunction,
		"cuLibraryGetKernelCount":   count,
		"cuLibraryEnumerateKernels": enumerate,
		"cuLibraryGetGlobal":        global,
		"cuLibraryGetManaged": func(c *call) Result {
			m, r := c.module(2)
			if r != Success {
				return r
			}
			if name := hostString(c.u64(3)); m.module.Managed(name) {
				return c.global(m, name)
			}
			return NotFound
		},
		"cuLibraryGetUnifiedFunction": func(*call) Result { return NotFound },
		"cuLibraryGetModule": func(c *call) Result {
			m, r := c.module(1)
			if r != Success {
				return r
			}
			return c.put64(0, m.handle)
		},
	})
}
