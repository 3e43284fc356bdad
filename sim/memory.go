package sim

import (
	"errors"
	"fmt"
	"math"

	"warpdrop/internal/hostmem"
	"warpdrop/sim/memory"
)

// ErrOutOfMemory is in the error of an allocation or a launch that needs more than the card's memory, or than the host
// has.
var ErrOutOfMemory = memory.ErrOutOfMemory

// maxLocalBytes is the local memory that a thread may have: CUDA C++ Programming Guide, technical specifications.
const maxLocalBytes = 512 << 10

// Malloc reserves n bytes of device memory, zero-filled and aligned to 256 bytes, with guard gaps on both sides. With
// Device.Unwritten set, a kernel's read of what nobody has written since is reported, zeros or not.
func (d *Device) Malloc(n int64) (Ptr, error) {
	p, err := d.reserve(n)
	if err == nil && d.Unwritten {
		d.mem.Track(uint64(p))
	}
	return p, err
}

// reserve is Malloc of memory that holds zeros by contract, as variables do: all of it counts as written.
func (d *Device) reserve(n int64) (Ptr, error) {
	if err := d.fits(n); err != nil {
		return 0, fmt.Errorf("allocation of %d bytes: %w", n, err)
	}
	a, err := d.mem.Alloc(n)
	if err != nil {
		return 0, err
	}
	d.used += n
	return Ptr(a), nil
}

// MapHost makes n bytes of the host's memory device memory too, under the address that host is given: what the host
// writes a launch reads, and the other way round, without a copy. The slice needs 64 readable bytes behind its end (of
// its capacity). Accesses take as long as those to the card's own memory. Free ends it; the host's memory stays the
// host's.
func (d *Device) MapHost(n int64, align uint64, host func(addr Ptr) ([]byte, error)) (Ptr, error) {
	a, err := d.mem.Map(n, align, func(addr uint64) ([]byte, error) { return host(Ptr(addr)) })
	if err != nil {
		return 0, err
	}
	if d.mapped == nil {
		d.mapped = map[Ptr]bool{}
	}
	d.mapped[Ptr(a)] = true
	return Ptr(a), nil
}

// fits refuses what is larger than the rest of the card's memory or than what the host has left. The host's pages are
// taken when they are touched, so the second bound is on one piece, not on the sum.
func (d *Device) fits(n int64) error {
	if free := d.gpu.MemoryBytes() - d.used; n > free {
		return fmt.Errorf("%s has %d bytes (memory_mib: %d), of which %d are free: %w", d.gpu.Name, d.gpu.MemoryBytes(),
			d.gpu.MemoryMiB, free, ErrOutOfMemory)
	}
	if free, ok := hostmem.Available(n); ok && n > free {
		return fmt.Errorf("this machine has %d bytes of memory left to simulate it in: %w", free, ErrOutOfMemory)
	}
	return nil
}

// localFits refuses a launch whose resident threads need more local memory than there is. The hardware sets it aside
// for all threads that an SM can hold; here it is for those that this launch has on the chip at once.
func (d *Device) localFits(g *grid) error {
	blocks := min(g.total, int64(d.gpu.SMs*d.gpu.SM.Resident(g.need)))
	bytes := blocks * int64(g.need.Warps) * 32 * int64(g.prog.LocalBytes)
	if err := d.fits(bytes); err != nil {
		return fmt.Errorf("local memory, %d bytes for each thread of %d blocks: %w", g.prog.LocalBytes, blocks, err)
	}
	return nil
}

// Free gives memory back; p must come from Malloc.
func (d *Device) Free(p Ptr) error {
	n := d.mem.SizeOf(uint64(p))
	if err := d.mem.Free(uint64(p)); err != nil {
		return err
	}
	if d.mapped[p] {
		delete(d.mapped, p)
	} else {
		d.used -= n
	}
	return nil
}

// FirstAddress is the lowest address that device memory can have.
const FirstAddress = Ptr(memory.FirstAddress)

// Allocation returns the piece of memory that p lies in: its address and size in bytes; ok is false if there is none.
func (d *Device) Allocation(p Ptr) (base Ptr, size int64, ok bool) {
	s := d.mem.Find(uint64(p))
	if s == nil {
		return 0, 0, false
	}
	return Ptr(s.Base), int64(s.Size), true
}

// MemoryUsed is the bytes that Malloc and LoadModule have reserved and Free has not given back.
func (d *Device) MemoryUsed() int64 { return d.used }

// Write copies data to device memory at p, outside of simulated time.
func (d *Device) Write(p Ptr, data []byte) error { return d.mem.Write(uint64(p), data) }

// Read copies len(data) bytes of device memory at p into data, outside of simulated time.
func (d *Device) Read(p Ptr, data []byte) error { return d.mem.Read(uint64(p), data) }

// Memset writes n copies of value, 1, 2 or 4 bytes of it, from p on; p has to be a multiple of size. As Write it takes
// no simulated time.
func (d *Device) Memset(p Ptr, value uint32, size int, n int64) error {
	return d.Memset2D(p, 0, value, size, n, 1)
}

// Memset2D is Memset of height rows of n elements each; pitch is the bytes from one row to the next.
func (d *Device) Memset2D(p Ptr, pitch int64, value uint32, size int, n, height int64) error {
	if size != 1 && size != 2 && size != 4 {
		return fmt.Errorf("memset: elements of %d bytes; allowed are 1, 2 and 4", size)
	}
	switch {
	case uint64(p)%uint64(size) != 0 || height > 1 && pitch%int64(size) != 0:
		return fmt.Errorf("memset: address %#x and pitch %d are not multiples of the element's %d bytes",
			uint64(p), pitch, size)
	case n < 0 || height < 0 || n > math.MaxInt64/4:
		return fmt.Errorf("memset: %d elements in %d rows", n, height)
	case height > 1 && pitch < n*int64(size):
		return fmt.Errorf("memset: rows of %d bytes do not fit a pitch of %d", n*int64(size), pitch)
	}
	return d.fillRows(uint64(p), pitch, n*int64(size), height, func(row []byte, _ int64) {
		if len(row) == 0 {
			return
		}
		for i := range size {
			row[i] = byte(value >> (8 * i))
		}
		for done := size; done < len(row); done *= 2 {
			copy(row[done:], row[:done])
		}
	})
}

// rows calls f with each of height rows of width bytes, pitch bytes apart from addr on. All of them are checked first:
// either every row is handed to f or none.
func (d *Device) rows(addr uint64, pitch, width, height int64, f func(row []byte, i int64)) error {
	if width == 0 || height == 0 {
		return nil
	}
	if height > 1 && (pitch < 0 || pitch > (math.MaxInt64-width)/(height-1)) {
		return fmt.Errorf("%d rows at a pitch of %d bytes reach beyond all addresses", height, pitch)
	}
	all, err := d.mem.Bytes(addr, pitch*(height-1)+width)
	if err != nil {
		return err
	}
	for i := range height {
		f(all[i*pitch:][:width], i)
	}
	return nil
}

// fillRows is rows where f writes all of each.
func (d *Device) fillRows(addr uint64, pitch, width, height int64, f func(row []byte, i int64)) error {
	return d.rows(addr, pitch, width, height, func(row []byte, i int64) {
		f(row, i)
		d.mem.Mark(addr+uint64(i*pitch), uint64(width), true)
	})
}

// Copy copies n bytes of device memory from one place to another; the two may overlap. It takes no simulated time.
func (d *Device) Copy(to, from Ptr, n int64) error { return d.mem.Copy(uint64(to), uint64(from), n) }

// Copy2D copies height rows of width bytes within device memory; a pitch is the bytes from one row to the next.
// Overlapping source and destination are an error. It takes no simulated time.
func (d *Device) Copy2D(to Ptr, toPitch int64, from Ptr, fromPitch, width, height int64) error {
	if width < 0 || height < 0 || height > 1 && (toPitch < width || fromPitch < width) {
		return fmt.Errorf("copy of %d rows of %d bytes: pitches %d and %d are shorter than a row",
			height, width, toPitch, fromPitch)
	}
	if width == 0 || height == 0 {
		return nil
	}
	reach := func(p Ptr, pitch int64) (uint64, uint64) {
		return uint64(p), uint64(p) + uint64(pitch)*uint64(height-1) + uint64(width)
	}
	a, aEnd := reach(to, toPitch)
	b, bEnd := reach(from, fromPitch)
	if a < bEnd && b < aEnd && (height == 1 || toPitch == fromPitch && max(a, b)-min(a, b) < uint64(width)) {
		return fmt.Errorf("copy of %d rows of %d bytes from %#x to %#x: they overlap", height, width, b, a)
	}
	var src [][]byte
	if err := d.rows(b, fromPitch, width, height, func(row []byte, _ int64) { src = append(src, row) }); err != nil {
		return err
	}
	return d.rows(a, toPitch, width, height, func(row []byte, i int64) {
		copy(row, src[i])
		d.mem.MarkCopy(a+uint64(i*toPitch), b+uint64(i*fromPitch), uint64(width))
	})
}

// Write2D copies height rows of width bytes from data, fromPitch bytes apart, to device memory at p, pitch bytes apart.
func (d *Device) Write2D(p Ptr, pitch int64, data []byte, fromPitch, width, height int64) error {
	if err := hostRows(len(data), fromPitch, width, height, pitch); err != nil {
		return err
	}
	return d.fillRows(uint64(p), pitch, width, height, func(row []byte, i int64) { copy(row, data[i*fromPitch:]) })
}

// Read2D copies height rows of width bytes of device memory at p, pitch bytes apart, into data, toPitch bytes apart.
func (d *Device) Read2D(data []byte, toPitch int64, p Ptr, pitch, width, height int64) error {
	if err := hostRows(len(data), toPitch, width, height, pitch); err != nil {
		return err
	}
	return d.rows(uint64(p), pitch, width, height, func(row []byte, i int64) { copy(data[i*toPitch:], row) })
}

// hostRows checks the host's side of a copy of rows, and that no pitch is shorter than a row.
func hostRows(n int, pitch, width, height, other int64) error {
	switch {
	case width < 0 || height < 0 || height > 1 && (pitch < width || other < width):
		return fmt.Errorf("copy of %d rows of %d bytes: pitches %d and %d are shorter than a row",
			height, width, pitch, other)
	case width > 0 && height > 0 && (pitch > 0 && height-1 > (math.MaxInt64-width)/pitch || pitch*(height-1)+
		width > int64(n)):
		return fmt.Errorf("copy of %d rows of %d bytes, %d apart: the host's slice has %d", height, width, pitch, n)
	}
	return nil
}

// errNoKernel is of a launch without one.
var errNoKernel = errors.New("no kernel was given (nil); Module.Kernel returns one")

// of says why the kernel cannot run on d, nil if it can.
func (k *Kernel) of(d *Device) error {
	switch {
	case k == nil:
		return errNoKernel
	case k.dev != d:
		return errors.New("it belongs to another device: load its module on this one")
	case k.module.unloaded:
		return errors.New("its module has been unloaded")
	}
	return nil
}

// CopyResult is the modelled cost of a copy between host and device.
type CopyResult struct {
	Bytes  int64
	Cycles int64
	TimeUS float64
}

// CopyIn is Write in simulated time: it takes as long as the preset's host link needs.
func (d *Device) CopyIn(p Ptr, data []byte) (*CopyResult, error) {
	if err := d.Write(p, data); err != nil {
		return nil, err
	}
	return d.copied("copy to device", len(data)), nil
}

// CopyOut is Read in simulated time.
func (d *Device) CopyOut(p Ptr, data []byte) (*CopyResult, error) {
	if err := d.Read(p, data); err != nil {
		return nil, err
	}
	return d.copied("copy to host", len(data)), nil
}

// copied lets the time of a copy pass.
func (d *Device) copied(name string, n int) *CopyResult {
	seconds := d.gpu.Copy.CopyTime(int64(n))
	cycles := int64(math.Ceil(seconds * d.gpu.CoreMHz * 1e6))
	if d.Trace != nil {
		d.Trace.launch(d.gpu, name, "copy", d.now, d.now+cycles, map[string]any{"bytes": n})
	}
	d.now += cycles
	return &CopyResult{Bytes: int64(n), Cycles: cycles, TimeUS: seconds * 1e6}
}
