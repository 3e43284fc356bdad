package driver

import (
	"crypto/sha256"
	"math"
)

// attribute returns a CUdevice_attribute of the preset's GPU; known is false for numbers that no CUDA version 12 has.
// Numbers and meanings: CUDA driver API, CUdevice_attribute. Limits of the chip: CUDA C++ Programming Guide, technical
// specifications by compute capability. What is not in the table is 0: the GPU does not have it.
func (d *Driver) attribute(a int) (v int, known bool) {
	g, c, m := d.gpu, &d.gpu.SM, &d.gpu.Memory
	memoryKHz := g.CoreMHz * 1000 * float64(m.DRAM.ClockNum) / float64(m.DRAM.ClockDen)
	v = map[int]int{
		1: c.MaxThreads, 2: 1024, 3: 1024, 4: 64, // threads and sizes of a block
		5: math.MaxInt32, 6: 65535, 7: 65535, // of a grid
		8:  c.SharedPerBlock,
		9:  64 << 10, // constant memory
		10: 32,       // warp
		11: math.MaxInt32, 12: c.Registers,
		13: int(g.CoreMHz * 1000),
		14: 512,                // texture alignment
		15: 1,                  // a copy and a kernel may overlap
		16: g.SMs,              // multiprocessors
		19: 1,                  // maps host memory
		31: 1,                  // concurrent kernels
		33: 1,                  // PCI bus
		36: int(memoryKHz) * 2, // the data sheet's clock has two transfers
		37: m.DRAM.Channels * m.DRAM.BusBytes * 8,
		38: m.Slices() * m.L2.SliceBytes,
		39: c.ThreadsPerSM,
		40: 2, // copy engines
		41: 1, // unified addressing
		51: 32,
		75: g.Arch / 10, 76: g.Arch % 10,
		78: 1,        // stream priorities
		79: 1, 80: 1, // L1 caches globals and locals
		81: c.Shared, 82: c.Registers, // a multiprocessor
		83:  1,                // managed memory
		86:  0,                // native atomics to the host
		87:  32,               // single to double precision throughput
		89:  0,                // concurrent managed access
		90:  1,                // compute preemption
		91:  0,                // host pointers of registered memory are not device pointers
		95:  1,                // cooperative launch
		97:  c.SharedPerBlock, // with opt-in
		99:  1,                // host memory can be registered
		106: c.BlocksPerSM,
		115: 1,          // memory pools
		131: 0, 134: -1, // no NUMA node
	}[a]
	if a == 87 {
		v = max(1, c.Units.FP64.Interval/c.Units.FP32.Interval)
	}
	return v, a >= 1 && a <= 143
}

// uuid names the simulated card: the same on every machine.
func (d *Driver) uuid() []byte {
	sum := sha256.Sum256([]byte("warpdrop " + d.gpu.Name))
	return sum[:16]
}

const pciBusID = "0000:01:00.0"

// device checks a CUdevice, argument i; there is one.
func (c *call) device(i int, f func() Result) Result {
	if c.u32(i) != 0 {
		return InvalidDevice
	}
	return f()
}

func init() {
	uuid := func(c *call) Result {
		return c.device(1, func() Result {
			if c.u64(0) == 0 {
				return InvalidValue
			}
			copy(hostBytes(c.u64(0), 16), c.uuid())
			return Success
		})
	}
	register(needsInit, map[string]func(*call) Result{
		"cuDeviceGet": func(c *call) Result {
			if c.u32(1) != 0 {
				return InvalidDevice
			}
			return c.put32(0, 0)
		},
		"cuDeviceGetCount": func(c *call) Result { return c.put32(0, 1) },
		"cuDeviceGetName": func(c *call) Result {
			return c.device(2, func() Result { return putString(c.u64(0), uint64(max(c.int(1), 0)), c.gpu.Product) })
		},
		"cuDeviceGetUuid":    uuid,
		"cuDeviceGetUuid_v2": uuid,
		"cuDeviceGetLuid":    func(*call) Result { return NotSupported }, // of Windows only
		"cuDeviceTotalMem_v2": func(c *call) Result {
			return c.device(1, func() Result { return c.put64(0, uint64(c.gpu.MemoryBytes())) })
		},
		"cuDeviceGetAttribute": func(c *call) Result {
			return c.device(2, func() Result {
				v, known := c.attribute(c.int(1))
				if !known {
					return InvalidValue
				}
				return c.put32(0, uint32(v))
			})
		},
		"cuDeviceGetProperties": func(c *call) Result {
			return c.device(1, func() Result {
				// CUdevprop: threads a block, three sizes of a block, three of a grid, shared and constant memory, warp, pitch,
				// registers, clock, alignment.
				for i, a := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14} {
					v, _ := c.attribute(a)
					put32(c.u64(0)+uint64(4*i), uint32(v))
				}
				return Success
			})
		},
		"cuDeviceComputeCapability": func(c *call) Result {
			return c.device(2, func() Result {
				put32(c.u64(0), uint32(c.gpu.Arch/10))
				return c.put32(1, uint32(c.gpu.Arch%10))
			})
		},
		"cuDeviceGetPCIBusId": func(c *call) Result {
			return c.device(2, func() Result { return putString(c.u64(0), uint64(max(c.int(1), 0)), pciBusID) })
		},
		"cuDeviceGetByPCIBusId": func(c *call) Result {
			if id := hostString(c.u64(1)); id != pciBusID && id != pciBusID[5:] {
				return InvalidDevice
			}
			return c.put32(0, 0)
		},
		"cuDeviceCanAccessPeer":   func(c *call) Result { return c.put32(0, 0) },
		"cuDeviceGetP2PAttribute": func(*call) Result { return InvalidDevice }, // takes two different devices
	})
}
