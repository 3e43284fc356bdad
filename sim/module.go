package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"warpdrop/internal/nearest"
	"warpdrop/sim/isa"
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// recursiveStack is the stack a thread gets, in bytes, where the compiler could not bound a kernel's: CUDA's own
// default for cudaLimitStackSize is 1024; ours is larger because a simulated overflow cannot be repaired by the caller.
const recursiveStack = 16 << 10

// constantBank is the bank of the __constant__ variables.
const constantBank = 3

// Module is a cubin loaded on a device.
type Module struct {
	dev   *Device
	code  *code
	cubin *isa.Cubin // code's
	first int32      // instruction cache line of its code
	// the __constant__ variables in device memory, from where each launch takes its bank; 0 = it has none
	constant Ptr
	globals  Ptr // the global variables; 0 = it has none
	unloaded bool
	kernels  map[string]*Kernel
}

// Kernel is one kernel of a module, ready to launch.
type Kernel struct {
	dev      *Device
	module   *Module
	kernel   *isa.Kernel
	program  *lower.Program
	constant Ptr
	stack    int // local memory a thread gets, bytes
}

// LoadModule reads a cubin, places its code and its global variables on the device.
func (d *Device) LoadModule(cubin []byte) (*Module, error) { return d.LoadModuleShared(cubin, nil) }

// LoadModuleShared is LoadModule for a program whose memory kernels share: the global variables of a cubin that has
// __managed__ ones lie in n bytes at the address that shared returns, as of MapHost. Unload frees them.
func (d *Device) LoadModuleShared(cubin []byte, shared func(n int64) (Ptr, error)) (*Module, error) {
	code, err := readCode(cubin)
	if err != nil {
		return nil, err
	}
	c := code.cubin
	if !lower.Runs(d.gpu.Arch, c.Family) {
		return nil, fmt.Errorf("the code is for sm_%d (%s); %s runs code of %s", c.Arch, c.Family.Name, d.gpu.Name,
			lower.Executes(d.gpu.Arch).Name)
	}
	var base Ptr
	if c.GlobalBytes > 0 {
		reserve := d.reserve
		if shared != nil && slices.ContainsFunc(c.Globals, func(s isa.Symbol) bool { return s.Managed }) {
			reserve = shared
		}
		if base, err = reserve(int64(c.GlobalBytes)); err != nil {
			return nil, err
		}
		if err := d.Write(base, c.GlobalInit); err != nil {
			return nil, err
		}
		if err := c.Link(uint64(base)); err != nil {
			return nil, err
		}
	}
	line := d.gpu.SM.ICache.LineBytes
	m := &Module{dev: d, code: code, cubin: c, first: d.lines, globals: base, kernels: map[string]*Kernel{}}
	d.lines += int32((len(c.Image) + line - 1) / line)
	if variables := c.Constant; len(variables) > 0 {
		if m.constant, err = d.reserve(int64(len(variables))); err != nil {
			return nil, err
		}
		if err := d.Write(m.constant, variables); err != nil {
			return nil, err
		}
		d.constants = append(slices.Clone(d.constants),
			exec.Range{From: uint64(m.constant), To: uint64(m.constant) + uint64(len(variables))})
	}
	return m, nil
}

// Unload gives the module's memory back. Its kernels cannot be launched any more.
func (m *Module) Unload() error {
	if m.unloaded {
		return errors.New("the module is unloaded already")
	}
	m.unloaded = true
	m.code.forget(m.first)
	m.dev.constants = slices.DeleteFunc(slices.Clone(m.dev.constants),
		func(r exec.Range) bool { return r.From == uint64(m.constant) })
	var errs []error
	for _, p := range []Ptr{m.globals, m.constant} {
		if p != 0 {
			errs = append(errs, m.dev.Free(p))
		}
	}
	return errors.Join(errs...)
}

// Global returns the address and size of a __device__ or __constant__ variable, to be read and written as any device
// memory. A launch sees the __constant__ variables as they were when it was launched.
func (m *Module) Global(name string) (Ptr, int64, error) {
	if m.unloaded {
		return 0, 0, errors.New("the module is unloaded")
	}
	for _, part := range []struct {
		base Ptr
		list []isa.Symbol
	}{{m.globals, m.cubin.Globals}, {m.constant, m.cubin.Constants}} {
		for _, s := range part.list {
			if s.Name == name {
				return part.base + Ptr(s.Address), int64(s.Size), nil
			}
		}
	}
	if len(m.GlobalNames()) == 0 {
		return 0, 0, fmt.Errorf("no variable %q; the module has none", name)
	}
	return 0, 0, fmt.Errorf("no variable %q; the module has %s", name, strings.Join(m.GlobalNames(), ", "))
}

// Managed reports whether a variable is a __managed__ one.
func (m *Module) Managed(name string) bool {
	return slices.ContainsFunc(m.cubin.Globals, func(s isa.Symbol) bool { return s.Name == name && s.Managed })
}

// GlobalNames lists the module's __device__ and __constant__ variables.
func (m *Module) GlobalNames() []string {
	var names []string
	for _, s := range slices.Concat(m.cubin.Globals, m.cubin.Constants) {
		names = append(names, s.Name)
	}
	return names
}

// KernelNames lists the module's kernels in the order of the file.
func (m *Module) KernelNames() []string {
	var names []string
	for i := range m.cubin.Kernels {
		names = append(names, m.cubin.Kernels[i].Name)
	}
	return names
}

// Kernel returns a kernel by name; "" names the only one, and a C++ function's name without its mangling will do where
// no other has it. An instruction that it can reach and that Warpdrop decodes but does not execute is an error here.
func (m *Module) Kernel(name string) (*Kernel, error) {
	if name == "" {
		if len(m.cubin.Kernels) != 1 {
			return nil, fmt.Errorf("name a kernel: the module has %s", strings.Join(m.KernelNames(), ", "))
		}
		name = m.cubin.Kernels[0].Name
	}
	if k, ok := m.kernels[name]; ok {
		return k, nil
	}
	k := m.cubin.Kernel(name)
	if k == nil {
		// A C++ name as it stands in the source, if it says which.
		var meant []string
		for _, full := range m.KernelNames() {
			if strings.HasPrefix(full, fmt.Sprintf("_Z%d%s", len(name), name)) {
				meant = append(meant, full)
			}
		}
		if len(meant) == 1 {
			return m.Kernel(meant[0])
		}
		return nil, fmt.Errorf("no kernel %q%s; the module has %s", name, nearest.Hint(name, m.KernelNames()),
			strings.Join(m.KernelNames(), ", "))
	}
	if k.Flaw != nil {
		return nil, k.Flaw
	}
	if k.LocalBytes > maxLocalBytes {
		return nil, fmt.Errorf("kernel %s: %d bytes of local memory a thread; a thread has at most %d (512 KB)",
			name, k.LocalBytes, maxLocalBytes)
	}
	for _, f := range k.Externs {
		if !slices.Contains(lower.SystemCalls, f) {
			return nil,
				fmt.Errorf("kernel %s calls %s, which is not in the file; of CUDA's run-time system these are executed: %s",
					name, f, strings.Join(lower.SystemCalls, ", "))
		}
	}
	p, err := m.code.lower(k, lower.LowerConfig{Name: name, Registers: k.Registers, End: k.Entry + k.Size,
		LineBytes: m.dev.gpu.SM.ICache.LineBytes, FirstLine: m.first, ConstLineBytes: m.dev.gpu.SM.ConstCache.LineBytes,
		CacheLoads: k.CacheLoads, Arch: m.dev.gpu.Arch})
	if err != nil {
		return nil, err
	}
	if p.Calls("malloc") || p.Calls("free") {
		if err := m.dev.makeHeaps(); err != nil {
			return nil, fmt.Errorf("kernel %s: %w", name, err)
		}
	}
	stack := k.LocalBytes
	if m.code.isRecursive(k) {
		stack = max(stack, recursiveStack)
	}
	m.kernels[name] = &Kernel{m.dev, m, k, p, m.constant, stack}
	return m.kernels[name], nil
}

// Source returns the file and the line, from 1 on, that the instruction pc bytes behind the kernel's start was compiled
// from; "" and 0 where the file does not say. A file says so that was compiled with -lineinfo.
func (k *Kernel) Source(pc uint32) (file string, line int) {
	s, _ := k.module.cubin.Source(k.kernel.Entry + pc)
	return s.File, s.Line
}

// Name returns the kernel's name, "none" of a nil kernel.
func (k *Kernel) Name() string {
	if k == nil {
		return "none"
	}
	return k.kernel.Name
}

// Registers returns the 32-bit registers a thread uses.
func (k *Kernel) Registers() int { return k.kernel.Registers }

// SharedBytes returns the static shared memory of a block, bytes.
func (k *Kernel) SharedBytes() int { return k.kernel.SharedBytes }

// KernelInfo is what a kernel needs, as its file states it.
type KernelInfo struct {
	Registers     int     // 32-bit registers a thread
	SharedBytes   int     // static shared memory a block
	LocalBytes    int     // local memory a thread: its stack
	ConstantBytes int     // __constant__ variables of its module
	MaxThreads    int     // threads a block at most: __launch_bounds__, and what the registers of an SM allow
	LaunchBounds  int     // threads a block at most by __launch_bounds__; 0: none are given
	Params        []Param // in order
	ParamBytes    int     // of all parameters, gaps included
}

// Param is where a kernel parameter lies, bytes from the first one.
type Param struct{ Offset, Size int }

// Info returns what the kernel needs.
func (k *Kernel) Info() KernelInfo {
	c := &k.dev.gpu.SM
	i := KernelInfo{Registers: k.kernel.Registers, SharedBytes: k.kernel.SharedBytes, LocalBytes: k.stack,
		ConstantBytes: len(k.kernel.Const[constantBank]), ParamBytes: k.kernel.ParamBytes, MaxThreads: c.MaxThreads,
		LaunchBounds: k.kernel.MaxThreads}
	if m := i.LaunchBounds; m > 0 {
		i.MaxThreads = min(i.MaxThreads, m)
	}
	for i.MaxThreads > 32 && k.BlocksPerSM(i.MaxThreads, 0) == 0 {
		i.MaxThreads = (i.MaxThreads - 1) / 32 * 32
	}
	i.Params = make([]Param, len(k.kernel.Params))
	for _, p := range k.kernel.Params {
		i.Params[p.Index] = Param{p.Offset, p.Size}
	}
	return i
}

// BlocksPerSM is the blocks of so many threads and bytes of dynamic shared memory that an SM holds at once; 0 if it
// cannot hold one, as the CUDA occupancy calculator counts them.
func (k *Kernel) BlocksPerSM(threads, shared int) int {
	c := &k.dev.gpu.SM
	if threads < 1 || threads > c.MaxThreads || shared < 0 || k.kernel.SharedBytes+shared > c.SharedPerBlock {
		return 0
	}
	return c.Resident(timing.NeedOf(c, &lower.Program{Registers: k.kernel.Registers, SharedBytes: k.kernel.SharedBytes +
		shared}, threads))
}

// parameters lays the arguments out as c[0] holds them from the kernel's parameter base on.
func (k *Kernel) parameters(args []Arg) ([]byte, error) {
	if len(args) != len(k.kernel.Params) {
		return nil, fmt.Errorf("%d arguments for %d parameters", len(args), len(k.kernel.Params))
	}
	out := make([]byte, k.kernel.ParamBytes)
	for _, p := range k.kernel.Params {
		a := args[p.Index]
		if len(a.bytes) != p.Size {
			return nil, fmt.Errorf("parameter %d has %d bytes; the argument (%s) has %d", p.Index, p.Size, a.kind, len(a.bytes))
		}
		copy(out[p.Offset:], a.bytes)
	}
	return out, nil
}

// bind returns the program of one launch.
func (k *Kernel) bind(block, grid [3]uint32, shared int, params []byte, workspace Ptr) *lower.Program {
	local := k.stack
	abi := k.module.cubin.Family.ABI
	c0 := make([]byte, k.kernel.ParamBase+len(params))
	for i := range uint32(3) {
		binary.LittleEndian.PutUint32(c0[abi.BlockDim+4*i:], block[i])
		binary.LittleEndian.PutUint32(c0[abi.GridDim+4*i:], grid[i])
	}
	binary.LittleEndian.PutUint32(c0[abi.Stack:], uint32(local))
	binary.LittleEndian.PutUint32(c0[abi.DynamicShared:], uint32(shared))
	binary.LittleEndian.PutUint64(c0[abi.Constants:], uint64(k.constant))
	if abi.SMs != 0 {
		binary.LittleEndian.PutUint32(c0[abi.SMs:], uint32(k.dev.gpu.SMs))
	}
	if workspace != 0 {
		binary.LittleEndian.PutUint32(c0[abi.Workspace[0]:], uint32(workspace))
		binary.LittleEndian.PutUint32(c0[abi.Workspace[1]:], uint32(workspace>>32))
	}
	copy(c0[k.kernel.ParamBase:], params)
	banks := k.kernel.Const
	banks[0] = c0
	if k.constant != 0 {
		variables := make([]byte, len(k.module.cubin.Constant))
		if err := k.dev.Read(k.constant, variables); err != nil {
			panic(err) // the module's own memory
		}
		banks[constantBank] = variables
	}
	p := k.program.Bind(banks)
	p.SharedBytes, p.LocalBytes = k.kernel.SharedBytes+shared, local
	k.dev.launches++
	p.Launch = k.dev.launches
	return p
}

// workspaceBytes is what a cooperative launch gets: its size, and the count at which its blocks meet.
const workspaceBytes = 256

// cooperative returns the memory, cleared, through which the blocks of a cooperative launch of k meet.
func (d *Device) cooperative(k *Kernel) (Ptr, error) {
	if k.module.cubin.Family.ABI.Workspace == [2]uint32{} {
		return 0, errors.New("a cooperative launch: where code for this GPU looks for its workspace is not known")
	}
	if d.grids == 0 {
		p, err := d.reserve(workspaceBytes)
		if err != nil {
			return 0, err
		}
		d.grids = p
	}
	clean := make([]byte, workspaceBytes)
	binary.LittleEndian.PutUint32(clean, workspaceBytes)
	return d.grids, d.Write(d.grids, clean)
}

// abandon makes the device usable after a launch that failed in the middle: nothing of it stays resident or under way.
func (d *Device) abandon() error {
	d.system.Reset()
	var errs []error
	for i := range d.sms {
		d.ports[i].Discard()
		m, err := d.newSM(i)
		errs = append(errs, err)
		d.sms[i] = m
	}
	return errors.Join(errs...)
}
