// Package microbench measures the simulated GPU as one would measure a real one: with kernels that read the clock.
package microbench

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"strings"

	"warpdrop/sim"
)

//go:embed memory.cubin
var memoryCubin []byte

// Row is one measurement.
type Row struct {
	Group string  // what is measured
	Case  string  // under which conditions
	Value float64 // in Unit
	Unit  string
	Low   float64 // what is known of the GPU the preset describes: between Low and High; High is 0 where nothing is
	High  float64
	From  string // where that comes from
}

// Within reports whether the value lies where it is known to.
func (r *Row) Within() bool {
	return r.High == 0 || r.Value >= r.Low && r.Value <= r.High
}

// memoryBench runs the memory microbenchmarks on one device.
type memoryBench struct {
	ctx  context.Context
	dev  *sim.Device
	mod  *sim.Module
	rows []Row
}

const (
	threads = 256
	mib     = 1 << 20
)

// Memory runs the memory microbenchmarks on a device: latencies by pointer chasing, bandwidth of streams, strides and
// random reads, shared-memory bank conflicts, transposes, atomics. It takes some seconds.
func Memory(ctx context.Context, dev *sim.Device) ([]Row, error) {
	mod, err := dev.LoadModule(memoryCubin)
	if err != nil {
		return nil, err
	}
	b := &memoryBench{ctx: ctx, dev: dev, mod: mod}
	for _, f := range []func() error{b.chases, b.shared, b.streams, b.reads, b.transposes, b.atomics} {
		if err := f(); err != nil {
			return nil, err
		}
	}
	return b.rows, nil
}

func (b *memoryBench) add(group, name string, value float64, unit string, low, high float64, from string) {
	b.rows = append(b.rows, Row{group, name, value, unit, low, high, from})
}

func (b *memoryBench) launch(kernel string, grid, block sim.Dim3, args ...sim.Arg) (*sim.Result, error) {
	k, err := b.mod.Kernel(kernel)
	if err != nil {
		return nil, err
	}
	return b.dev.Launch(b.ctx, k, sim.LaunchConfig{Grid: grid, Block: block}, args...)
}

// buffer allocates bytes of device memory; the caller frees it.
func (b *memoryBench) buffer(bytes int) (sim.Ptr, error) { return b.dev.Malloc(int64(bytes)) }

// chases measures the staircase of latencies: dependent loads, a line apart, over growing footprints.
func (b *memoryBench) chases() error {
	const line, loads = 128, 64 // loads are unrolled so many times
	jia := "Jia et al., Pascal"
	l2 := b.dev.GPU.Memory.Slices() * b.dev.GPU.Memory.L2.SliceBytes
	for _, c := range []struct {
		kernel    string
		footprint int
		low, high float64
		from      string
	}{
		{"chase_cached", 4 << 10, 82 * .95, 82 * 1.05, jia},
		{"chase_cached", 24 << 10, 82 * .95, 82 * 1.05, jia},
		{"chase_readonly", 16 << 10, 82 * .95, 82 * 1.05, jia},
		{"chase_cached", 32 << 10, 216 * .95, 216 * 1.05, jia},
		{"chase_l2", 16 << 10, 216 * .95, 216 * 1.05, jia},
		{"chase_cached", 1 * mib, 216 * .95, 216 * 1.05, jia},
		{"chase_cached", l2 * 3 / 4, 216 * .95, 216 * 1.05, jia},
		{"chase_cached", l2 * 3 / 2, 400, 550, "second hand"},
		{"chase_cached", l2 * 3, 400, 550, "second hand"},
	} {
		n := c.footprint / line
		p, err := b.buffer(c.footprint)
		if err != nil {
			return err
		}
		out, err := b.buffer(64)
		if err != nil {
			return err
		}
		chain := make([]byte, c.footprint)
		for i := range n {
			binary.LittleEndian.PutUint64(chain[i*line:], uint64(p)+uint64((i+1)%n*line))
		}
		if err := b.dev.Write(p, chain); err != nil {
			return err
		}
		steps := max(1, n/loads)
		one := sim.Dim3{X: 1}
		if _, err := b.launch(c.kernel, one, one, sim.PtrArg(p), sim.PtrArg(out), sim.PtrArg(out+8),
			sim.I32(int32(steps))); err != nil {
			return err
		}
		cycles, err := b.word(out)
		if err != nil {
			return err
		}
		b.add("latency: "+c.kernel, fmt.Sprintf("%d KiB", c.footprint>>10), float64(cycles)/float64(steps*loads), "cycles",
			c.low, c.high, c.from)
		if err := b.free(p, out); err != nil {
			return err
		}
	}
	return nil
}

func (b *memoryBench) free(ps ...sim.Ptr) error {
	for _, p := range ps {
		if err := b.dev.Free(p); err != nil {
			return err
		}
	}
	return nil
}

func (b *memoryBench) word(p sim.Ptr) (uint32, error) {
	var w [4]byte
	err := b.dev.Read(p, w[:])
	return binary.LittleEndian.Uint32(w[:]), err
}

// shared measures dependent shared accesses of a warp: loads of 32, 64 and 128 bits and atomics at strides that make 1-
// to 32-way bank conflicts, and with threads that share a place.
func (b *memoryBench) shared() error {
	out, err := b.buffer(4096)
	if err != nil {
		return err
	}
	const jia = "24 + 2 a further pass: Jia et al."
	measure := func(kernel string, stride, together int) (float64, error) {
		if _, err := b.launch("chase_shared_"+kernel, sim.Dim3{X: 1}, sim.Dim3{X: 32}, sim.PtrArg(out), sim.PtrArg(out+256),
			sim.I32(int32(stride)), sim.I32(int32(together))); err != nil {
			return 0, err
		}
		cycles, err := b.word(out)
		return float64(cycles) / 64, err
	}
	for _, c := range []struct {
		kernel, what     string
		stride, together int
		passes           int // over the banks; 0 = not known
	}{
		{"32", "broadcast", 0, 0, 1}, {"32", "1-way", 1, 0, 1}, {"32", "2-way", 2, 0, 2}, {"32", "4-way", 4, 0, 4},
		{"32", "8-way", 8, 0, 8}, {"32", "16-way", 16, 0, 16}, {"32", "32-way", 32, 0, 32},
		{"64", "64 bits, 1-way", 1, 0, 2}, {"64", "64 bits, 2-way", 2, 0, 4}, {"64", "64 bits, 4-way", 4, 0, 8},
		{"64", "64 bits, 16-way", 16, 0, 32}, {"64", "64 bits, pairs share", 1, 1, 1},
		{"128", "128 bits, 1-way", 1, 0, 4}, {"128", "128 bits, 2-way", 2, 0, 8}, {"128", "128 bits, 8-way", 8, 0, 32},
		{"128", "128 bits, pairs share", 1, 1, 2},
		{"atomic", "atomic, 1-way", 1, 0, 0}, {"atomic", "atomic, 2-way", 2, 0, 0}, {"atomic", "atomic, 32-way", 32, 0, 0},
		{"atomic", "atomic, pairs on one word", 1, 1, 0}, {"atomic", "atomic, all on one word", 0, 0, 0},
	} {
		v, err := measure(c.kernel, c.stride, c.together)
		if err != nil {
			return err
		}
		want, from := float64(24+2*(c.passes-1)), jia
		if c.passes == 0 {
			want, from = 0, ""
		}
		b.add("latency: shared memory", c.what, v, "cycles", want*.95, want*1.05, from)
	}
	return b.free(out)
}

// gbps returns bytes in r's cycles as GB/s.
func (b *memoryBench) gbps(bytes int64, r *sim.Result) float64 {
	return float64(bytes) / b.dev.GPU.Seconds(r.Cycles) / 1e9
}

// peak is the bandwidth of the DRAM pins in GB/s.
func (b *memoryBench) peak() float64 {
	return b.dev.GPU.Memory.PeakBytesPerSecond(b.dev.GPU.CoreMHz) / 1e9
}

// streams measures copy, scale and triad of arrays that are far larger than L2.
func (b *memoryBench) streams() error {
	const bytes = 32 * mib
	var arrays [3]sim.Ptr
	for i := range arrays {
		p, err := b.buffer(bytes)
		if err != nil {
			return err
		}
		arrays[i] = p
	}
	grid, block := sim.Dim3{X: 8 * b.dev.GPU.SMs}, sim.Dim3{X: threads}
	out, in, in2 := sim.PtrArg(arrays[0]), sim.PtrArg(arrays[1]), sim.PtrArg(arrays[2])
	n4, n, a := sim.I32(bytes/16), sim.I32(bytes/4), sim.F32(1.5)
	for _, c := range []struct {
		kernel string
		moved  int64
		args   []sim.Arg
	}{
		{"stream_copy", 2 * bytes, []sim.Arg{out, in, n4}},
		{"stream_copy4", 2 * bytes, []sim.Arg{out, in, n}},
		{"stream_scale", 2 * bytes, []sim.Arg{out, in, a, n4}},
		{"stream_triad", 3 * bytes, []sim.Arg{out, in, in2, a, n4}},
	} {
		r, err := b.launch(c.kernel, grid, block, c.args...)
		if err != nil {
			return err
		}
		low, high, from := 0.0, 0.0, "" // no figure of the card is published for scale and triad
		if strings.HasPrefix(c.kernel, "stream_copy") {
			low, high, from = .79*b.peak(), .88*b.peak(), "about 360 GB/s, 387 at most (NVIDIA forum)"
		}
		b.add("bandwidth: "+c.kernel, fmt.Sprintf("%d MiB an array", bytes/mib), b.gbps(c.moved, r), "GB/s", low, high, from)
	}
	return b.free(arrays[:]...)
}

// reads measures useful bandwidth of strided, random and L2-resident reads.
func (b *memoryBench) reads() error {
	const elements = 16 * mib // of 4 bytes
	in, err := b.buffer(4 * elements)
	if err != nil {
		return err
	}
	out, err := b.buffer(256)
	if err != nil {
		return err
	}
	const (
		count   = 64
		flushed = 8 * mib // more than L2 holds
	)
	grid, block := sim.Dim3{X: 8 * b.dev.GPU.SMs}, sim.Dim3{X: threads}
	useful := int64(grid.X) * threads * count * 4
	flush, err := b.buffer(flushed)
	if err != nil {
		return err
	}
	for _, stride := range []int{1, 2, 4, 8, 16, 32} {
		if _, err := b.launch("stream_copy", grid, block, sim.PtrArg(flush), sim.PtrArg(flush+flushed/2),
			sim.I32(flushed/32)); err != nil {
			return err
		}
		r, err := b.launch("read_strided", grid, block, sim.PtrArg(out), sim.PtrArg(in), sim.I32(int32(stride)),
			sim.I32(elements-1), sim.I32(count))
		if err != nil {
			return err
		}
		b.add("bandwidth: strided reads, useful", fmt.Sprintf("stride %d", stride), b.gbps(useful, r), "GB/s", 0,
			b.peak()/float64(min(stride, 8)), "at most peak / sectors a warp x 4")
	}
	var r *sim.Result
	for range 2 { // the first fills L2
		r, err = b.launch("read_strided", grid, block, sim.PtrArg(out), sim.PtrArg(in), sim.I32(1), sim.I32(mib/4-1),
			sim.I32(count))
		if err != nil {
			return err
		}
	}
	b.add("bandwidth: reads", "1 MiB in L2", b.gbps(useful, r), "GB/s", 0, 0, "")
	r, err = b.launch("read_random", grid, block, sim.PtrArg(out), sim.PtrArg(in), sim.U32(elements-1), sim.I32(count))
	if err != nil {
		return err
	}
	b.add("bandwidth: random reads, useful", "64 MiB", b.gbps(useful, r), "GB/s", 0, b.peak()/8, "at most peak / 8")
	return b.free(in, out, flush)
}

// transposes measures what padding the shared tile saves.
func (b *memoryBench) transposes() error {
	const n = 1024
	in, err := b.buffer(4 * n * n)
	if err != nil {
		return err
	}
	out, err := b.buffer(4 * n * n)
	if err != nil {
		return err
	}
	for _, kernel := range []string{"transpose_unpadded", "transpose_padded"} {
		r, err := b.launch(kernel, sim.Dim3{X: n / 32, Y: n / 32}, sim.Dim3{X: 32, Y: 8}, sim.PtrArg(out), sim.PtrArg(in),
			sim.I32(n))
		if err != nil {
			return err
		}
		low, high := 0.0, .01
		if kernel == "transpose_unpadded" {
			low, high = 31, 31
		}
		b.add(kernel, fmt.Sprintf("%d x %d", n, n), b.gbps(2*4*n*n, r), "GB/s", 0, 0, "")
		b.add(kernel, "bank conflicts a column read", float64(r.Counters.SM.SharedBankConflicts)/(n*n/32), "passes", low,
			high, "32 rows in one bank, or in 32")
	}
	return b.free(in, out)
}

// atomics measures reductions on one word and on as many as there are lanes.
func (b *memoryBench) atomics() error {
	p, err := b.buffer(mib)
	if err != nil {
		return err
	}
	const count = 16
	grid := sim.Dim3{X: 2 * b.dev.GPU.SMs}
	operations := float64(grid.X * threads * count)
	for _, words := range []int{1, 32, 4096} {
		r, err := b.launch("atomic_add", grid, sim.Dim3{X: threads}, sim.PtrArg(p), sim.U32(uint32(words-1)), sim.I32(count))
		if err != nil {
			return err
		}
		b.add("atomics", fmt.Sprintf("on %d words", words), operations/float64(r.Cycles), "a cycle", 0, 0, "")
	}
	return b.free(p)
}

// MemoryCubin returns the kernels of the memory microbenchmarks.
func MemoryCubin() []byte { return memoryCubin }
