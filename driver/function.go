package driver

import "warpdrop/sim"

// function is a CUfunction and a CUkernel.
type function struct {
	handle uint64
	kernel *sim.Kernel
	info   sim.KernelInfo
	module *module
	name   string
	shared int // dynamic shared memory that a launch may ask for
}

// lastByte is the size of the parameters without what stands behind them.
func (f *function) lastByte() int {
	n := 0
	for _, p := range f.info.Params {
		n = max(n, p.Offset+p.Size)
	}
	return n
}

func (c *call) function(i int) (*function, Result) {
	f, ok := of[*function](c.Driver, c.u64(i))
	if !ok {
		return nil, InvalidHandle
	}
	return f, Success
}

// with does something with the function that argument i names.
func with(i int, do func(c *call, f *function) Result) func(*call) Result {
	return func(c *call) Result {
		f, r := c.function(i)
		if r != Success {
			return r
		}
		return do(c, f)
	}
}

// attribute is a CUfunction_attribute.
func (f *function) attribute(d *Driver, a int) (v int, known bool) {
	switch a {
	case 0:
		v = f.info.MaxThreads
	case 1:
		v = f.info.SharedBytes
	case 2:
		v = f.info.ConstantBytes
	case 3:
		v = f.info.LocalBytes
	case 4:
		v = f.info.Registers
	case 5, 6: // PTX and binary version
		v = d.gpu.Arch
	case 7: // compiled with -dlcm=ca
	case 8:
		v = f.shared
	case 9: // preferred share of shared memory: the default
		v = -1
	default: // clusters and what else came with later chips
		return 0, a >= 10 && a <= 15
	}
	return v, true
}

// bestBlock is the block size at which most threads are resident, as cudaOccupancyMaxPotentialBlockSize finds it: the
// largest of those.
func (c *call) bestBlock(f *function, limit int, shared func(block int) int) (grid, block int) {
	top := f.info.MaxThreads
	if limit > 0 {
		top = min(top, limit)
	}
	most := 0
	for b := (top + 31) / 32 * 32; b >= 32; b -= 32 {
		size := min(b, top)
		if n := f.kernel.BlocksPerSM(size, shared(size)); n*size > most {
			most, block, grid = n*size, size, n*c.gpu.SMs
		}
	}
	return grid, block
}

func potential(c *call) Result {
	f, r := c.function(2)
	if r != Success {
		return r
	}
	grid, block := c.bestBlock(f, c.int(5), func(block int) int {
		if c.u64(3) == 0 || c.options.CallHost == nil {
			return int(c.u64(4))
		}
		return int(c.callForSize(c.u64(3), uint64(block)))
	})
	put32(c.u64(0), uint32(grid))
	return c.put32(1, uint32(block))
}

// callForSize asks the program's function how much shared memory a block of this size takes.
func (c *call) callForSize(fn, block uint64) uint64 {
	c.mu.Unlock()
	defer c.mu.Lock()
	if c.options.CallSize == nil {
		return 0
	}
	return c.options.CallSize(uintptr(fn), block)
}

func init() {
	blocks := func(c *call) Result {
		f, r := c.function(1)
		if r != Success {
			return r
		}
		if c.int(2) <= 0 {
			return InvalidValue
		}
		n := 0
		if c.int(2) <= f.info.MaxThreads {
			n = f.kernel.BlocksPerSM(c.int(2), int(min(c.u64(3), 1<<30)))
		}
		return c.put32(0, uint32(n))
	}
	name := with(1, func(c *call, f *function) Result { return c.put64(0, c.cString(f.name)) })
	paramInfo := with(0, func(c *call, f *function) Result {
		if c.u64(1) >= uint64(len(f.info.Params)) {
			return InvalidValue
		}
		p := f.info.Params[c.u64(1)]
		put64(c.u64(3), uint64(p.Size))
		return c.put64(2, uint64(p.Offset))
	})
	get := func(out, attribute, f int) func(*call) Result {
		return with(f, func(c *call, f *function) Result {
			v, known := f.attribute(c.Driver, c.int(attribute))
			if !known {
				return InvalidValue
			}
			return c.put32(out, uint32(v))
		})
	}
	set := func(f, attribute, value int) func(*call) Result {
		return with(f, func(c *call, f *function) Result {
			switch c.int(attribute) {
			case 8:
				if v := c.int(value); v < 0 || v+f.info.SharedBytes > c.gpu.SM.SharedPerBlock {
					return InvalidValue
				}
				f.shared = c.int(value)
			case 9:
			default:
				return InvalidValue
			}
			return Success
		})
	}
	owner := with(1, func(c *call, f *function) Result { return c.put64(0, f.module.handle) })
	hint := with(0, func(*call, *function) Result { return Success }) // hints on caches that this chip does not take
	register(needsInit, map[string]func(*call) Result{
		"cuKernelGetFunction":    with(1, func(c *call, f *function) Result { return c.put64(0, f.handle) }),
		"cuKernelGetLibrary":     owner,
		"cuKernelGetName":        name,
		"cuKernelGetAttribute":   get(0, 1, 2),
		"cuKernelSetAttribute":   set(2, 0, 1),
		"cuKernelSetCacheConfig": hint,
		"cuKernelGetParamInfo":   paramInfo,
	})
	register(needsContext, map[string]func(*call) Result{
		"cuFuncGetAttribute":       get(0, 1, 2),
		"cuFuncSetAttribute":       set(0, 1, 2),
		"cuFuncSetCacheConfig":     hint,
		"cuFuncSetSharedMemConfig": hint,
		"cuFuncGetModule":          owner,
		"cuFuncGetName":            name,
		"cuFuncGetParamInfo":       paramInfo,
		"cuFuncIsLoaded":           with(1, func(c *call, _ *function) Result { return c.put32(0, 1) }),
		"cuFuncLoad":               hint,
		// PyCUDA still calls both before cuLaunchKernel, which says it again
		"cuFuncSetBlockShape":                                  hint,
		"cuFuncSetSharedSize":                                  hint,
		"cuOccupancyMaxActiveBlocksPerMultiprocessor":          blocks,
		"cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags": blocks,
		"cuOccupancyMaxPotentialBlockSize":                     potential,
		"cuOccupancyMaxPotentialBlockSizeWithFlags":            potential,
		"cuOccupancyAvailableDynamicSMemPerBlock": with(1, func(c *call, f *function) Result {
			n, block := c.int(2), c.int(3)
			if n <= 0 || block <= 0 {
				return InvalidValue
			}
			best := 0
			for s := c.gpu.SM.SharedPerBlock - f.info.SharedBytes; s >= 0; s -= c.gpu.SM.SharedUnit {
				if f.kernel.BlocksPerSM(block, s) >= n {
					best = s
					break
				}
			}
			return c.put64(0, uint64(best))
		}),
	})
}
