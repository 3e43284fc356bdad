package driver

import (
	"encoding/binary"

	"warpdrop/sim"
)

// way is the direction of a copy.
type way int

const (
	toDevice way = iota
	toHost
	onCard
	onHost
)

// transfer is a copy of rows: height rows of width bytes, at these distances; depth such planes.
type transfer struct {
	to, from               uint64
	toPitch, fromPitch     uint64
	toPlane, fromPlane     uint64
	width, height, depth   uint64
	toDevice, fromDevice   bool
	toUnknown, fromUnknown bool // the memory's place is to be found from the address
}

// linear is a copy of n bytes.
func linear(to, from, n uint64) transfer {
	return transfer{to: to, from: from, width: n, height: 1, depth: 1, toUnknown: true, fromUnknown: true}
}

// resolve finds out where both ends lie.
func (d *Driver) resolve(t *transfer) Result {
	for _, end := range []struct {
		p        uint64
		unknown  bool
		onDevice *bool
	}{{t.to, t.toUnknown, &t.toDevice}, {t.from, t.fromUnknown, &t.fromDevice}} {
		device, allocated := d.onTheDevice(end.p)
		switch {
		case end.unknown && device && !allocated, !end.unknown && *end.onDevice && !allocated:
			d.say("a copy of %d bytes: no memory at device address %#x", t.width, end.p)
			return InvalidValue
		case end.unknown:
			*end.onDevice = device
		case *end.onDevice && !device:
			*end.onDevice = false // pinned or managed memory, reached directly
		}
	}
	return Success
}

// row copies n bytes.
func (d *Driver) row(t *transfer, to, from, n uint64) error {
	switch {
	case t.toDevice && t.fromDevice:
		return d.dev.Copy(sim.Ptr(to), sim.Ptr(from), int64(n))
	case t.toDevice:
		return d.dev.Write(sim.Ptr(to), hostBytes(from, n))
	case t.fromDevice:
		return d.dev.Read(sim.Ptr(from), hostBytes(to, n))
	}
	copy(hostBytes(to, n), hostBytes(from, n))
	return nil
}

// transfer does a copy in stream s.
func (d *Driver) transfer(s *stream, t transfer) Result {
	n := t.width * t.height * t.depth
	if n == 0 {
		return Success
	}
	if t.to == 0 || t.from == 0 {
		return InvalidValue
	}
	if r := d.resolve(&t); r != Success {
		return r
	}
	for z := range t.depth {
		for y := range t.height {
			if err := d.row(&t, t.to+z*t.toPlane+y*t.toPitch, t.from+z*t.fromPlane+y*t.fromPitch, t.width); err != nil {
				d.say("a copy of %d bytes: %v", n, err)
				return InvalidValue
			}
		}
	}
	w := onHost
	switch {
	case t.toDevice && t.fromDevice:
		w = onCard
	case t.toDevice:
		w = toDevice
	case t.fromDevice:
		w = toHost
	}
	d.copied(s, w, n)
	return Success
}

// copied notes the time of a copy.
func (d *Driver) copied(s *stream, w way, n uint64) {
	var us float64
	free := &d.clock.compute
	switch w {
	case onCard: // read and written once
		us = d.gpu.LaunchOverheadUS + 2*float64(n)/d.memoryRate()
	case onHost:
		return
	default:
		us = d.gpu.Copy.CopyTime(int64(n)) * 1e6
		free = &d.clock.engines[w]
	}
	start := d.busy(s, free, us)
	d.clock.copies += us
	d.report.copy(s, w, n, start, us)
}

// memoryRate is the device memory's peak, bytes a microsecond.
func (d *Driver) memoryRate() float64 { return d.gpu.Memory.PeakBytesPerSecond(d.gpu.CoreMHz) / 1e6 }

// fill is a memset of height rows of n elements.
type fill struct {
	to, pitch uint64
	value     uint32
	size      uint64 // bytes of an element
	n, height uint64
}

func (d *Driver) fill(s *stream, f fill) Result {
	if f.n == 0 || f.height == 0 {
		return Success
	}
	width := f.n * f.size
	if device, allocated := d.onTheDevice(f.to); !device || !allocated {
		if !allocated {
			d.say("a memset of %d bytes: no memory at device address %#x", width*f.height, f.to)
			return InvalidValue
		}
		for y := range f.height { // managed and pinned memory
			b := hostBytes(f.to+y*f.pitch, width)
			for i := 0; i < len(b); i += int(f.size) {
				switch f.size {
				case 1:
					b[i] = byte(f.value)
				case 2:
					binary.LittleEndian.PutUint16(b[i:], uint16(f.value))
				default:
					binary.LittleEndian.PutUint32(b[i:], f.value)
				}
			}
		}
	} else if err := d.dev.Memset2D(sim.Ptr(f.to), int64(f.pitch), f.value, int(f.size), int64(f.n),
		int64(f.height)); err != nil {
		d.say("%v", err)
		return InvalidValue
	}
	us := d.gpu.LaunchOverheadUS + float64(width*f.height)/d.memoryRate()
	start := d.busy(s, &d.clock.compute, us)
	d.report.span(s, "memset", start, us, map[string]any{"bytes": width * f.height})
	return Success
}

// Numbers of CUmemorytype.
const (
	memoryHost    = 1
	memoryDevice  = 2
	memoryArray   = 3
	memoryUnified = 4
)

// end is one side of a CUDA_MEMCPY2D or 3D.
type end struct {
	x, y, z, host, device, pitch, rows uint64
	kind                               uint32
}

// apply puts the end's address and distances where they belong; false for arrays.
func (e end) apply(addr, pitch, plane *uint64, onDevice, unknown *bool) bool {
	p := e.device
	switch e.kind {
	case memoryHost:
		p = e.host
	case memoryDevice:
		*onDevice = true
	case memoryUnified:
		*unknown = true
	default:
		return false
	}
	*addr, *pitch, *plane = p+e.z*e.pitch*e.rows+e.y*e.pitch+e.x, e.pitch, e.pitch*e.rows
	return true
}

func between(from, to end, width, height, depth uint64) (t transfer, r Result) {
	t = transfer{width: width, height: height, depth: depth}
	if !from.apply(&t.from, &t.fromPitch, &t.fromPlane, &t.fromDevice, &t.fromUnknown) ||
		!to.apply(&t.to, &t.toPitch, &t.toPlane, &t.toDevice, &t.toUnknown) {
		return t, NotSupported // CUDA arrays
	}
	if height > 1 && (t.fromPitch < width || t.toPitch < width) {
		return t, InvalidValue
	}
	return t, Success
}

// copy2D reads a CUDA_MEMCPY2D.
func copy2D(addr uint64) (transfer, Result) {
	if addr == 0 {
		return transfer{}, InvalidValue
	}
	f := structure(addr, 128)
	side := func(o int) end {
		return end{x: f.u64(o), y: f.u64(o + 8), kind: f.u32(o + 16), host: f.u64(o + 24), device: f.u64(o + 32),
			pitch: f.u64(o + 48)}
	}
	return between(side(0), side(56), f.u64(112), f.u64(120), 1)
}

// copy3D reads a CUDA_MEMCPY3D.
func copy3D(addr uint64) (transfer, Result) {
	if addr == 0 {
		return transfer{}, InvalidValue
	}
	f := structure(addr, 200)
	side := func(o int) end {
		return end{x: f.u64(o), y: f.u64(o + 8), z: f.u64(o + 16), kind: f.u32(o + 32), host: f.u64(o + 40),
			device: f.u64(o + 48), pitch: f.u64(o + 72), rows: f.u64(o + 80)}
	}
	return between(side(0), side(88), f.u64(176), f.u64(184), f.u64(192))
}

func init() {
	list := map[string]func(*call) Result{}
	// do gives a copy to its stream, argument i, or to stream 0 where i is below 0: then the host waits for it.
	do := func(c *call, i int, t transfer) Result {
		s, r := c.stream(i)
		if r != Success {
			return r
		}
		if g := s.capturing(); g != nil {
			g.add(s, &node{kind: nodeCopy, transfer: t})
			return Success
		}
		r = c.transfer(s, t)
		if i < 0 {
			c.clock.wait(s)
		}
		return r
	}
	// one is a linear copy whose ends are known from the function's name.
	one := func(stream int, set func(*transfer)) func(*call) Result {
		return func(c *call) Result {
			t := linear(c.u64(0), c.u64(1), c.u64(2))
			if set != nil {
				t.toUnknown, t.fromUnknown = false, false
				set(&t)
			}
			return do(c, stream, t)
		}
	}
	in := func(t *transfer) { t.toDevice = true }
	out := func(t *transfer) { t.fromDevice = true }
	within := func(t *transfer) { t.toDevice, t.fromDevice = true, true }
	list["cuMemcpy"], list["cuMemcpyAsync"] = one(-1, nil), one(3, nil)
	list["cuMemcpyHtoD_v2"], list["cuMemcpyHtoDAsync_v2"] = one(-1, in), one(3, in)
	list["cuMemcpyDtoH_v2"], list["cuMemcpyDtoHAsync_v2"] = one(-1, out), one(3, out)
	list["cuMemcpyDtoD_v2"], list["cuMemcpyDtoDAsync_v2"] = one(-1, within), one(3, within)
	list["cuMemcpyPeer"] = func(c *call) Result { return do(c, -1, linear(c.u64(0), c.u64(2), c.u64(4))) }
	list["cuMemcpyPeerAsync"] = func(c *call) Result { return do(c, 5, linear(c.u64(0), c.u64(2), c.u64(4))) }
	shaped := func(read func(uint64) (transfer, Result), stream int) func(*call) Result {
		return func(c *call) Result {
			t, r := read(c.u64(0))
			if r != Success {
				return r
			}
			return do(c, stream, t)
		}
	}
	list["cuMemcpy2D_v2"], list["cuMemcpy2DUnaligned_v2"], list["cuMemcpy2DAsync_v2"] = shaped(copy2D, -1),
		shaped(copy2D, -1), shaped(copy2D, 1)
	list["cuMemcpy3D_v2"], list["cuMemcpy3DAsync_v2"] = shaped(copy3D, -1), shaped(copy3D, 1)

	set := func(size uint64, rows, async bool) func(*call) Result {
		return func(c *call) Result {
			f := fill{to: c.u64(0), size: size, height: 1}
			i := 1
			if rows {
				f.pitch = c.u64(1)
				i = 2
			}
			f.value, f.n = c.u32(i), c.u64(i+1)
			if rows {
				f.height = c.u64(i + 2)
			}
			stream := -1
			if async {
				stream = len(c.args) - 1
			}
			s, r := c.stream(stream)
			if r != Success {
				return r
			}
			if f.to%size != 0 {
				return InvalidValue
			}
			if g := s.capturing(); g != nil {
				g.add(s, &node{kind: nodeFill, fill: f})
				return Success
			}
			return c.fill(s, f)
		}
	}
	for bits, size := range map[string]uint64{"8": 1, "16": 2, "32": 4} {
		list["cuMemsetD"+bits+"_v2"] = set(size, false, false)
		list["cuMemsetD"+bits+"Async"] = set(size, false, true)
		list["cuMemsetD2D"+bits+"_v2"] = set(size, true, false)
		list["cuMemsetD2D"+bits+"Async"] = set(size, true, true)
	}
	register(needsContext, list)
}
