package driver

import (
	"errors"
	"fmt"

	"warpdrop/sim"
)

// padding is the unit of an allocation's size: compilers load past the end of an array where the real driver's
// allocations are that large anyway.
const padding = 512

// kind is where memory lies, for the answers of cuPointerGetAttribute.
type kind int

const (
	onDevice   kind = iota
	managed         // both sides, cuMemAllocManaged
	pinnedHost      // the host's, allocated by the driver
	registered      // the host's own, made known by cuMemHostRegister
)

// allocation is a piece of memory that the driver gave out or registered.
type allocation struct {
	base  uint64 // device address
	size  uint64 // as asked for
	host  uint64 // host address, 0 = none
	kind  kind
	id    uint64
	flags uint32
	by    string // entry point that made it
	// variables are a module's: they go with it, and are not the program's to free.
	variables bool
	// mirrored memory is the program's own: launches work on a copy of it.
	mirrored bool
}

func resultOf(err error) Result {
	switch {
	case err == nil:
		return Success
	case errors.Is(err, sim.ErrOutOfMemory):
		return OutOfMemory
	}
	return InvalidValue
}

// allocate reserves n bytes on the device.
func (c *call) allocate(n uint64) (*allocation, Result) {
	if n == 0 || n > 1<<62 {
		return nil, InvalidValue
	}
	padded := (n + padding - 1) / padding * padding
	p, err := c.dev.Malloc(int64(padded))
	if err != nil {
		c.say("%v", err)
		return nil, resultOf(err)
	}
	if c.dev.Unwritten && padded > n { // what a widened load reads past the end is nobody's to write
		if err := c.dev.Memset(p+sim.Ptr(n), 0, 1, int64(padded-n)); err != nil {
			c.say("%v", err)
			return nil, InvalidValue
		}
	}
	return c.keep(&allocation{base: uint64(p), size: n}), Success
}

// keep notes an allocation of the current context.
func (c *call) keep(a *allocation) *allocation {
	c.current().memory[a.base] = true
	return c.note(a)
}

// note notes an allocation.
func (c *call) note(a *allocation) *allocation {
	a.id, a.by = c.nextID(), c.name
	c.allocs[a.base] = a
	c.high = max(c.high, a.base+a.size)
	return a
}

// free gives memory back.
func (d *Driver) free(base uint64) Result {
	a := d.allocs[base]
	if a == nil || a.variables {
		return InvalidValue
	}
	if err := d.dev.Free(sim.Ptr(base)); err != nil {
		d.say("%v", err)
		return InvalidValue
	}
	if a.kind == managed || a.kind == pinnedHost {
		unmapHost(a.host, a.size)
	}
	delete(d.allocs, base)
	for _, x := range d.contexts() {
		delete(x.memory, base)
	}
	return Success
}

// hostVisible reserves memory that the program and kernels see under one address.
func (c *call) hostVisible(n uint64, k kind) (*allocation, Result) {
	if n == 0 || n > 1<<62 {
		return nil, InvalidValue
	}
	a, err := c.mapShared(n, k)
	if err != nil {
		c.say("%v", err)
		return nil, OutOfMemory
	}
	c.current().memory[a.base] = true
	return a, Success
}

// mapShared makes memory that the program and kernels see under one address; it belongs to no context yet.
func (c *call) mapShared(n uint64, k kind) (*allocation, error) {
	var err error
	for range 64 { // a page that the program has in use already is passed over; addresses are tried upwards
		var p sim.Ptr
		p, err = c.dev.MapHost(int64(n), hostPage,
			func(addr sim.Ptr) ([]byte, error) { return mapHost(uint64(addr), n) })
		if err == nil {
			return c.note(&allocation{base: uint64(p), size: n, host: uint64(p), kind: k}), nil
		}
		if !errors.Is(err, errTaken) {
			break
		}
	}
	return nil, fmt.Errorf("host memory of %d bytes: %w (%w)", n, sim.ErrOutOfMemory, err)
}

// find returns the allocation that holds a device address.
func (d *Driver) find(p uint64) *allocation {
	if base, _, ok := d.dev.Allocation(sim.Ptr(p)); ok {
		return d.allocs[uint64(base)]
	}
	return nil
}

// findHost returns the registered memory that holds a host address.
func (d *Driver) findHost(p uint64) *allocation {
	for _, a := range d.allocs {
		if a.kind == registered && p-a.host < a.size {
			return a
		}
	}
	return nil
}

// onTheDevice reports whether p is a device address, and whether memory is there.
func (d *Driver) onTheDevice(p uint64) (device, allocated bool) {
	if a := d.find(p); a != nil {
		return a.kind == onDevice || a.kind == registered, true
	}
	if _, _, ok := d.dev.Allocation(sim.Ptr(p)); ok {
		return true, true // a module's variables
	}
	return p >= uint64(sim.FirstAddress) && p < d.high, false
}

// mirror copies registered memory that kernels use to the device, or back.
func (d *Driver) mirror(back bool) {
	for _, a := range d.allocs {
		if !a.mirrored {
			continue
		}
		if back {
			_ = d.dev.Read(sim.Ptr(a.base), hostBytes(a.host, a.size))
		} else {
			_ = d.dev.Write(sim.Ptr(a.base), hostBytes(a.host, a.size))
		}
	}
}

// Numbers of CUpointer_attribute.
const (
	pointerContext = iota + 1
	pointerMemoryType
	pointerDevice
	pointerHost
	pointerP2PTokens
	pointerSyncMemops
	pointerBufferID
	pointerIsManaged
	pointerOrdinal
	pointerIsLegacyIPC
	pointerRangeStart
	pointerRangeSize
	pointerMapped
	pointerHandleTypes
	pointerGPUDirect
	pointerAccess
	pointerMempool
)

// pointerAttribute writes attribute a of pointer p to out.
func (c *call) pointerAttribute(a int, out, p uint64) Result {
	m := c.find(p)
	offset := uint64(0)
	if m != nil {
		offset = p - m.base
	} else if m = c.findHost(p); m != nil {
		offset = p - m.host
	}
	if m == nil {
		base, n, ok := c.dev.Allocation(sim.Ptr(p))
		if !ok {
			return InvalidValue
		}
		m = &allocation{base: uint64(base), size: uint64(n)}
		offset = p - m.base
	}
	is := func(b bool) uint32 {
		if b {
			return 1
		}
		return 0
	}
	switch a {
	case pointerContext:
		for _, x := range c.contexts() {
			if x.memory[m.base] {
				put64(out, x.handle)
			}
		}
	case pointerMemoryType: // 1 host, 2 device
		put32(out, 2-is(m.kind == pinnedHost || m.kind == registered))
	case pointerDevice:
		if m.kind == registered && !m.mirrored {
			m.mirrored = true
		}
		put64(out, m.base+offset)
	case pointerHost:
		if m.host == 0 {
			return InvalidValue
		}
		put64(out, m.host+offset)
	case pointerSyncMemops, pointerIsLegacyIPC:
		put32(out, 0)
	case pointerBufferID:
		put64(out, m.id)
	case pointerIsManaged:
		put32(out, is(m.kind == managed))
	case pointerOrdinal:
		put32(out, 0)
	case pointerRangeStart:
		put64(out, m.base)
	case pointerRangeSize:
		put64(out, m.size)
	case pointerMapped:
		put32(out, 1)
	case pointerHandleTypes, pointerMempool:
		put64(out, 0)
	default:
		return InvalidValue
	}
	return Success
}

// noPointer is what cuPointerGetAttributes writes for memory that the driver does not know.
func noPointer(a int, out uint64) {
	switch a {
	case pointerOrdinal:
		put32(out, 0xfffffffe) // CU_DEVICE_INVALID
	case pointerMemoryType, pointerIsManaged, pointerSyncMemops, pointerMapped, pointerIsLegacyIPC:
		put32(out, 0)
	default:
		put64(out, 0)
	}
}

func init() {
	alloc := func(c *call) Result {
		if c.u64(0) == 0 {
			return InvalidValue
		}
		a, r := c.allocate(c.u64(1))
		if r != Success {
			return r
		}
		return c.put64(0, a.base)
	}
	free := func(c *call) Result {
		if c.u64(0) == 0 {
			return Success
		}
		return c.free(c.u64(0))
	}
	visible := func(k kind) func(*call) Result {
		return func(c *call) Result {
			if c.u64(0) == 0 {
				return InvalidValue
			}
			if c.u64(1) == 0 && k == pinnedHost {
				return c.put64(0, 0)
			}
			a, r := c.hostVisible(c.u64(1), k)
			if r != Success {
				return r
			}
			if len(c.args) > 2 {
				a.flags = c.u32(2)
			}
			return c.put64(0, a.base)
		}
	}
	register(needsContext, map[string]func(*call) Result{
		"cuMemGetInfo_v2": func(c *call) Result {
			put64(c.u64(0), uint64(c.gpu.MemoryBytes()-c.dev.MemoryUsed()))
			put64(c.u64(1), uint64(c.gpu.MemoryBytes()))
			return Success
		},
		"cuMemAlloc_v2":           alloc,
		"cuMemAllocAsync":         alloc,
		"cuMemAllocFromPoolAsync": alloc,
		"cuMemFree_v2":            free,
		"cuMemFreeHost":           free,
		"cuMemFreeAsync":          free,
		"cuMemAllocPitch_v2": func(c *call) Result {
			if c.u64(0) == 0 || c.u64(1) == 0 || c.u64(2) == 0 || c.u64(3) == 0 || c.u64(2) > 1<<31 || c.u64(3) > 1<<31 {
				return InvalidValue
			}
			pitch := (c.u64(2) + padding - 1) / padding * padding
			a, r := c.allocate(pitch * c.u64(3))
			if r != Success {
				return r
			}
			put64(c.u64(1), pitch)
			return c.put64(0, a.base)
		},
		"cuMemAllocManaged":    visible(managed),
		"cuMemHostAlloc":       visible(pinnedHost),
		"cuMemAllocHost_v2":    visible(pinnedHost),
		"cuMemHostRegister_v2": registerHost,
		"cuMemHostRegister":    registerHost,
		"cuMemHostUnregister": func(c *call) Result {
			for base, a := range c.allocs {
				if a.kind == registered && a.host == c.u64(0) {
					return c.free(base)
				}
			}
			return HostNotRegistered
		},
		"cuMemHostGetDevicePointer_v2": func(c *call) Result {
			if a := c.find(c.u64(1)); a != nil && a.host != 0 {
				return c.put64(0, c.u64(1))
			}
			if a := c.findHost(c.u64(1)); a != nil {
				a.mirrored = true
				return c.put64(0, a.base+c.u64(1)-a.host)
			}
			return InvalidValue
		},
		"cuMemHostGetFlags": func(c *call) Result {
			a := c.find(c.u64(1))
			if a == nil {
				a = c.findHost(c.u64(1))
			}
			if a == nil || a.host == 0 {
				return InvalidValue
			}
			return c.put32(0, a.flags|2) // mapped, as all is with unified addressing
		},
		"cuMemGetAddressRange_v2": func(c *call) Result {
			p := c.u64(2)
			base, n, ok := c.dev.Allocation(sim.Ptr(p))
			if !ok {
				return NotFound
			}
			if a := c.allocs[uint64(base)]; a != nil {
				n = int64(a.size)
			}
			put64(c.u64(0), uint64(base))
			put64(c.u64(1), uint64(n))
			return Success
		},
		"cuMemAdvise":            succeed, // memory of both sides has one place here
		"cuMemAdvise_v2":         succeed,
		"cuMemPrefetchAsync":     succeed,
		"cuMemPrefetchAsync_v2":  succeed,
		"cuStreamAttachMemAsync": succeed,
	})
	pool := func(c *call) Result {
		return c.device(1, func() Result {
			if c.pool == 0 {
				c.pool = c.handle(&memoryPool{})
			}
			return c.put64(0, c.pool)
		})
	}
	isPool := func(f func(c *call, p *memoryPool) Result) func(*call) Result {
		return func(c *call) Result {
			p, ok := of[*memoryPool](c.Driver, c.u64(0))
			if !ok {
				return InvalidValue
			}
			return f(c, p)
		}
	}
	register(needsInit, map[string]func(*call) Result{
		"cuPointerGetAttribute": func(c *call) Result {
			if c.u64(0) == 0 {
				return InvalidValue
			}
			r := c.pointerAttribute(c.int(1), c.u64(0), c.u64(2))
			if r != Success && c.int(1) == pointerOrdinal {
				noPointer(pointerOrdinal, c.u64(0))
			}
			return r
		},
		"cuPointerGetAttributes": func(c *call) Result {
			for i := range uint64(c.u32(0)) {
				a, out := int(get32(c.u64(1)+4*i)), get64(c.u64(2)+8*i)
				if c.pointerAttribute(a, out, c.u64(3)) != Success {
					noPointer(a, out)
				}
			}
			return Success
		},
		"cuPointerSetAttribute":     succeed,
		"cuDeviceGetDefaultMemPool": pool,
		"cuDeviceGetMemPool":        pool,
		"cuDeviceSetMemPool":        succeed,
		"cuMemPoolCreate": func(c *call) Result {
			if c.u64(0) == 0 || c.u64(1) == 0 {
				return InvalidValue
			}
			return c.put64(0, c.handle(&memoryPool{}))
		},
		"cuMemPoolDestroy": isPool(func(c *call, _ *memoryPool) Result {
			if c.u64(0) == c.pool {
				return InvalidValue
			}
			delete(c.handles, c.u64(0))
			return Success
		}),
		"cuMemPoolTrimTo":    isPool(func(*call, *memoryPool) Result { return Success }),
		"cuMemPoolSetAccess": isPool(func(*call, *memoryPool) Result { return Success }),
		"cuMemPoolGetAccess": func(c *call) Result { return c.put32(0, 3) }, // read and write
		"cuMemPoolSetAttribute": isPool(func(c *call, p *memoryPool) Result {
			a := c.int(1)
			if a < 1 || a > 8 || c.u64(2) == 0 {
				return InvalidValue
			}
			if a <= 3 {
				p.attributes[a] = uint64(get32(c.u64(2)))
			} else {
				p.attributes[a] = get64(c.u64(2))
			}
			return Success
		}),
		"cuMemPoolGetAttribute": isPool(func(c *call, p *memoryPool) Result {
			a := c.int(1)
			switch {
			case a < 1 || a > 8 || c.u64(2) == 0:
				return InvalidValue
			case a <= 3:
				return c.put32(2, uint32(p.attributes[a]))
			case a == 5 || a == 7: // bytes reserved and in use: memory goes back to the card at once
				return c.put64(2, uint64(c.dev.MemoryUsed()))
			}
			return c.put64(2, p.attributes[a])
		}),
	})
}

// memoryPool is a CUmemoryPool: it holds nothing back, so it has attributes only, by CUmemPool_attribute.
type memoryPool struct{ attributes [9]uint64 }

// registerHost makes the program's own memory known. Copies from and to it need nothing; kernels reach it through a
// device address that is asked for, and then work on a copy of it.
func registerHost(c *call) Result {
	host, n := c.u64(0), c.u64(1)
	if host == 0 || n == 0 {
		return InvalidValue
	}
	for _, a := range c.allocs {
		if a.kind == registered && host < a.host+a.size && a.host < host+n {
			return HostRegistered
		}
	}
	a, r := c.allocate(n)
	if r != Success {
		return r
	}
	a.host, a.kind, a.flags = host, registered, c.u32(2)
	return Success
}
