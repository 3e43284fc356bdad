package sim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"testing"

	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

// smCubin is the kernels of the SM's microbenchmarks.
func smCubin(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("../workloads/microbench/sm.cubin")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// streamBench launches kernels of the SM's microbenchmarks on a device of four SMs.
type streamBench struct {
	t   *testing.T
	dev *sim.Device
	sm  *sim.Module
	mem *sim.Module
	out sim.Ptr
}

func newStreamBench(t *testing.T, threads int) *streamBench {
	t.Helper()
	g, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	small := *g
	small.SMs = 4
	dev, err := sim.NewDevice(&small)
	if err != nil {
		t.Fatal(err)
	}
	dev.Threads = threads
	b := &streamBench{t: t, dev: dev}
	if b.sm, err = dev.LoadModule(smCubin(t)); err != nil {
		t.Fatal(err)
	}
	if b.mem, err = dev.LoadModule(microbench.MemoryCubin()); err != nil {
		t.Fatal(err)
	}
	b.out = b.malloc(1 << 20)
	return b
}

func (b *streamBench) malloc(n int64) sim.Ptr {
	b.t.Helper()
	p, err := b.dev.Malloc(n)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// work is a launch of blocks of 128 threads, each with 256 x rounds FFMAs, in any stream or in none.
func (b *streamBench) work(s *sim.Stream, blocks, rounds int) *sim.Result {
	b.t.Helper()
	k, err := b.sm.Kernel("throughput_ffma")
	if err != nil {
		b.t.Fatal(err)
	}
	cfg := sim.LaunchConfig{Grid: sim.Dim3{X: blocks}, Block: sim.Dim3{X: 128}}
	args := []sim.Arg{sim.PtrArg(b.out), sim.F32(1), sim.F32(2), sim.I32(int32(rounds))}
	var r *sim.Result
	if s == nil {
		r, err = b.dev.Launch(context.Background(), k, cfg, args...)
	} else {
		r, err = s.Launch(k, cfg, args...)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *streamBench) sync() *sim.SyncResult {
	b.t.Helper()
	r, err := b.dev.Synchronize(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// TestStreamAlone: one stream takes exactly what the same launches take one by one.
func TestStreamAlone(t *testing.T) {
	a, b := newStreamBench(t, 1), newStreamBench(t, 1)
	var want int64
	var counters sim.Counters
	for _, n := range []int{3, 40, 1} {
		r := a.work(nil, n, 4)
		want += r.Cycles + r.OverheadCycles
		counters.Add(&r.Counters)
	}
	s := b.dev.NewStream()
	var rs []*sim.Result
	for _, n := range []int{3, 40, 1} {
		rs = append(rs, b.work(s, n, 4))
	}
	r := b.sync()
	if r.Cycles != want || r.Counters != counters {
		t.Errorf("a stream takes %d cycles, one by one the launches take %d; counters equal: %v",
			r.Cycles, want, r.Counters == counters)
	}
	var sum int64
	for _, x := range rs {
		sum += x.Cycles + x.OverheadCycles
	}
	if sum != want {
		t.Errorf("the launches of the stream add up to %d cycles, want %d", sum, want)
	}
	if again := b.sync(); again.Cycles != 0 {
		t.Errorf("an empty stream takes %d cycles", again.Cycles)
	}
}

// TestStreamsShareTheChip: two small kernels in two streams take about the time of one; in one stream, that of both. A
// kernel that fills the chip leaves no room for another.
func TestStreamsShareTheChip(t *testing.T) {
	b := newStreamBench(t, 1)
	const small = 2    // blocks: half of the SMs
	b.work(nil, 8, 16) // fills all instruction caches
	one := b.work(nil, small, 16)
	alone := one.Cycles + one.OverheadCycles
	s1, s2 := b.dev.NewStream(), b.dev.NewStream()
	b.work(s1, small, 16)
	b.work(s2, small, 16)
	if r := b.sync(); float64(r.Cycles) > 1.1*float64(alone) {
		t.Errorf("two kernels in two streams take %d cycles, one %d", r.Cycles, alone)
	}
	b.work(s1, small, 16)
	b.work(s1, small, 16)
	if r := b.sync(); r.Cycles < 2*alone*95/100 {
		t.Errorf("two kernels in one stream take %d cycles, one %d", r.Cycles, alone)
	}
	const full = 4 * 16 // blocks of 128 threads that the chip holds
	big := b.work(nil, full, 16)
	b.work(s1, full, 16)
	b.work(s2, full, 16)
	if r := b.sync(); float64(r.Cycles) < 1.8*float64(big.Cycles) {
		t.Errorf("two kernels that fill the chip take %d cycles in two streams, one %d", r.Cycles, big.Cycles)
	}
}

// TestStreamOrder: a stream's copies and launches see what the ones before left; other streams' work overlaps them.
func TestStreamOrder(t *testing.T) {
	b := newStreamBench(t, 1)
	const words = 1 << 14
	in, out := b.malloc(4*words), b.malloc(4*words)
	data := make([]byte, 4*words)
	for i := range words {
		binary.LittleEndian.PutUint32(data[4*i:], uint32(i))
	}
	k, err := b.mem.Kernel("stream_copy4")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4*words)
	s, other := b.dev.NewStream(), b.dev.NewStream()
	c := s.CopyIn(in, data)
	l, err := s.Launch(k, sim.LaunchConfig{Grid: sim.Dim3{X: 8}, Block: sim.Dim3{X: 256}}, sim.PtrArg(out), sim.PtrArg(in),
		sim.I32(words))
	if err != nil {
		t.Fatal(err)
	}
	d := s.CopyOut(out, got)
	long := b.work(other, 4, 80)
	r := b.sync()
	if !bytes.Equal(got, data) {
		t.Error("what comes back is not what the stream sent")
	}
	chain := c.Cycles + l.OverheadCycles + l.Cycles + d.Cycles
	if r.Cycles < chain || r.Cycles < long.Cycles {
		t.Errorf("%d cycles in all; the stream's own work takes %d, the other's launch %d", r.Cycles, chain, long.Cycles)
	}
	if both := chain + long.Cycles; r.Cycles > both*8/10 {
		t.Errorf("%d cycles in all: nothing overlaps; one after the other takes %d", r.Cycles, both)
	}
	// Two copies in one direction share an engine; those in two directions do not.
	s.CopyIn(in, data)
	other.CopyIn(out, data)
	if r := b.sync(); r.Cycles != 2*c.Cycles {
		t.Errorf("two copies in take %d cycles, one %d", r.Cycles, c.Cycles)
	}
	s.CopyIn(in, data)
	other.CopyOut(out, got)
	if r := b.sync(); r.Cycles != c.Cycles {
		t.Errorf("a copy in and a copy out take %d cycles, one %d", r.Cycles, c.Cycles)
	}
}

// TestStreamsOnThreads: cycles, counters and values are those of one thread, also where launches of different streams
// meet in memory.
func TestStreamsOnThreads(t *testing.T) {
	run := func(threads int) (sim.SyncResult, []int64, []byte) {
		b := newStreamBench(t, threads)
		k, err := b.mem.Kernel("atomic_add")
		if err != nil {
			t.Fatal(err)
		}
		var rs []*sim.Result
		for i := range 3 {
			s := b.dev.NewStream()
			for j := range 3 {
				if (i+j)%2 == 0 {
					rs = append(rs, b.work(s, 3+7*i, 1+j))
					continue
				}
				r, err := s.Launch(k, sim.LaunchConfig{Grid: sim.Dim3{X: 5 + i}, Block: sim.Dim3{X: 96}}, sim.PtrArg(b.out),
					sim.U32(15), sim.I32(4))
				if err != nil {
					t.Fatal(err)
				}
				rs = append(rs, r)
			}
		}
		r := *b.sync()
		r.WallSeconds = 0
		var cycles []int64
		for _, x := range rs {
			cycles = append(cycles, x.Cycles)
		}
		data := make([]byte, 4096)
		if err := b.dev.Read(b.out, data); err != nil {
			t.Fatal(err)
		}
		return r, cycles, data
	}
	want, cycles, data := run(1)
	for _, threads := range []int{2, 16} {
		got, c, d := run(threads)
		if got != want || !bytes.Equal(d, data) {
			t.Errorf("%d threads: %+v, one thread %+v; values equal: %v", threads, got, want, bytes.Equal(d, data))
		}
		for i := range c {
			if c[i] != cycles[i] {
				t.Errorf("%d threads: launch %d takes %d cycles, with one thread %d", threads, i, c[i], cycles[i])
			}
		}
	}
}

// TestStreamErrors: a kernel that fails ends Synchronize with its error; the device works on.
func TestStreamErrors(t *testing.T) {
	b := newStreamBench(t, 1)
	s, other := b.dev.NewStream(), b.dev.NewStream()
	k, err := b.sm.Kernel("masked")
	if err != nil {
		t.Fatal(err)
	}
	b.work(other, 4, 4)
	if _, err := s.Launch(k, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 32}}, sim.PtrArg(b.out),
		sim.PtrArg(8), sim.F32(1), sim.F32(1), sim.I32(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.dev.Synchronize(context.Background()); err == nil {
		t.Error("a read from address 8 is no error")
	}
	if _, err := s.Launch(k, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 2048}}); err == nil {
		t.Error("2048 threads a block are no error")
	}
	if r := b.sync(); r.Cycles != 0 {
		t.Errorf("after an error %d cycles of work are left", r.Cycles)
	}
	b.work(s, 4, 4)
	if r := b.sync(); r.Counters.SM.Blocks != 4 {
		t.Errorf("%d blocks after an error, want 4", r.Counters.SM.Blocks)
	}
}
