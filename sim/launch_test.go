package sim_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

// bench is a device with the kernels of testdata/checks.cu.
type bench struct {
	t   *testing.T
	dev *sim.Device
	mod *sim.Module
}

// newBench returns one on the gtx1080ti preset, after each change to it.
func newBench(t *testing.T, changes ...func(*sim.GPU)) *bench {
	t.Helper()
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(gpu)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/checks.cubin")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := dev.LoadModule(data)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, dev, mod}
}

// loadKernel makes a device and loads one kernel of a file on it.
func loadKernel(t *testing.T, gpu *sim.GPU, cubin []byte, name string) (*sim.Device, *sim.Kernel) {
	t.Helper()
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := dev.LoadModule(cubin)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mod.Kernel(name)
	if err != nil {
		t.Fatal(err)
	}
	return dev, k
}

// cyclesOf returns the cycles of so many rounds of a kernel's loop in the steady state, in one block of so many warps:
// what twice as many rounds take more. The kernel's arguments are a buffer of 4096 bytes and the rounds.
func cyclesOf(t *testing.T, gpu *sim.GPU, cubin []byte, kernel string, warps int, rounds int32) float64 {
	t.Helper()
	cycles := func(n int32) int64 {
		dev, k := loadKernel(t, gpu, cubin, kernel)
		out, err := dev.Malloc(4096)
		if err != nil {
			t.Fatal(err)
		}
		r, err := dev.Launch(context.Background(), k, sim.LaunchConfig{Block: sim.Dim3{X: 32 * warps}}, sim.PtrArg(out),
			sim.I32(n))
		if err != nil {
			t.Fatal(err)
		}
		return r.Cycles
	}
	return float64(cycles(2*rounds) - cycles(rounds))
}

// buffer reserves n words.
func (b *bench) buffer(n int) sim.Ptr {
	b.t.Helper()
	p, err := b.dev.Malloc(int64(4 * n))
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) words(p sim.Ptr, n int) []uint32 {
	b.t.Helper()
	data := make([]byte, 4*n)
	if err := b.dev.Read(p, data); err != nil {
		b.t.Fatal(err)
	}
	out := make([]uint32, n)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return out
}

func (b *bench) launch(kernel string, cfg sim.LaunchConfig, args ...sim.Arg) (*sim.Result, error) {
	b.t.Helper()
	k, err := b.mod.Kernel(kernel)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.dev.Launch(context.Background(), k, cfg, args...)
}

func shape(grid, block, shared int) sim.LaunchConfig {
	return sim.LaunchConfig{Grid: sim.Dim3{X: grid}, Block: sim.Dim3{X: block}, Shared: shared}
}

// TestHeldStores: where the memory system has little room, a store is held on after its warp and its block have ended.
// It still counts before the launch ends, and it releases no barrier of the block that has the warp's place by then.
func TestHeldStores(t *testing.T) {
	for _, blocks := range []int{5, 300} {
		b := newBench(t, tightQueues)
		var err error
		if b.mod, err = b.dev.LoadModule(microbench.MemoryCubin()); err != nil {
			t.Fatal(err)
		}
		n := 2048 * blocks // two rounds: the second waits for the barrier that the store of the first holds
		in, out := b.buffer(n), b.buffer(n)
		data := make([]byte, 4*n)
		for i := range n {
			binary.LittleEndian.PutUint32(data[4*i:], uint32(i)+1)
		}
		if err := b.dev.Write(in, data); err != nil {
			t.Fatal(err)
		}
		r, err := b.launch("stream_copy4", shape(blocks, 1024, 0), sim.PtrArg(out), sim.PtrArg(in), sim.I32(int32(n)))
		if err != nil {
			t.Fatal(err)
		}
		if m, want := &r.Counters.Memory, int64(n/8); m.StoreSectors != want || m.LoadSectors != want {
			t.Errorf("%d blocks: %d sectors stored, %d loaded, want %d", blocks, m.StoreSectors, m.LoadSectors, want)
		}
		for i, v := range b.words(out, n) {
			if v != uint32(i)+1 {
				t.Fatalf("%d blocks: word %d is %d, want %d", blocks, i, v, i+1)
			}
		}
	}
}

// TestLaunchErrors: each error names the kernel, what is wrong, and where.
func TestLaunchErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(b *bench) error
		want []string
	}{
		{"too few arguments", func(b *bench) error {
			_, err := b.launch("saxpy", shape(1, 32, 0), sim.PtrArg(b.buffer(32)))
			return err
		}, []string{"kernel saxpy", "1 arguments for 4 parameters"}},
		{"wrong size", func(b *bench) error {
			_, err := b.launch("saxpy", shape(1, 32, 0), sim.PtrArg(b.buffer(32)), sim.PtrArg(b.buffer(32)), sim.F64(1),
				sim.I32(1))
			return err
		}, []string{"kernel saxpy", "parameter 2 has 4 bytes; the argument (f64) has 8"}},
		{"grid", func(b *bench) error {
			_, err := b.launch("trap", sim.LaunchConfig{Grid: sim.Dim3{X: 1, Y: 65536}, Block: sim.Dim3{X: 32}},
				sim.PtrArg(b.buffer(32)))
			return err
		}, []string{"kernel trap", "grid 1x65536x1", "2147483647x65535x65535"}},
		{"block", func(b *bench) error {
			_, err := b.launch("trap", sim.LaunchConfig{Block: sim.Dim3{X: 32, Y: 33}}, sim.PtrArg(b.buffer(32)))
			return err
		}, []string{"kernel trap", "block 32x33x1", "1056 threads", "1..1024"}},
		{"block depth", func(b *bench) error {
			_, err := b.launch("trap", sim.LaunchConfig{Block: sim.Dim3{X: 1, Z: 65}}, sim.PtrArg(b.buffer(65)))
			return err
		}, []string{"z at most 64"}},
		{"launch bounds", func(b *bench) error {
			_, err := b.launch("bounded", shape(1, 96, 0), sim.PtrArg(b.buffer(96)))
			return err
		}, []string{"kernel bounded", "96 threads", "1..64"}},
		{"shared memory", func(b *bench) error {
			_, err := b.launch("big", shape(1, 32, 41<<10), sim.PtrArg(b.buffer(32)))
			return err
		}, []string{"kernel big", "8192 bytes static + 41984 dynamic", "0..49152"}},
		{"out of bounds", func(b *bench) error {
			_, err := b.launch("read_at", shape(2, 64, 0), sim.PtrArg(b.buffer(100)), sim.PtrArg(b.buffer(64)), sim.I64(240))
			return err
		},
			[]string{"kernel read_at", "block (0,0,0), warp 1 lane 8", "/*", "LDG", "out of bounds", "4 bytes at",
				"0 bytes past the end of the allocation of 400 bytes"}},
		{"misaligned", func(b *bench) error {
			_, err := b.launch("read_at", shape(1, 32, 0), sim.PtrArg(b.buffer(100)), sim.PtrArg(b.buffer(64)), sim.I64(2))
			return err
		}, []string{"kernel read_at", "warp 0 lane 0", "misaligned access: 4 bytes at"}},
		{"freed memory", func(b *bench) error {
			p := b.buffer(100)
			if err := b.dev.Free(p); err != nil {
				return err
			}
			_, err := b.launch("read_at", shape(1, 32, 0), sim.PtrArg(p), sim.PtrArg(b.buffer(64)), sim.I64(0))
			return err
		}, []string{"kernel read_at", "out of bounds"}},
		{"dynamic shared memory", func(b *bench) error {
			_, err := b.launch("big", shape(1, 32, 64), sim.PtrArg(b.buffer(32)))
			return err
		}, []string{"kernel big", "STS", "shared-memory access out of bounds", "the block has 8256 bytes"}},
		{"deadlock", func(b *bench) error {
			_, err := b.launch("deadlock", shape(1, 128, 0), sim.PtrArg(b.buffer(128)))
			return err
		},
			[]string{"kernel deadlock: deadlock", "no warp can go on", "block (0,0,0), warp 0, at",
				"BAR.SYNC 0x1, 0x80", "64 of 128 threads", "warp 2, at", "BAR.SYNC 0x2, 0x80"}},
		{"max-cycles", func(b *bench) error {
			b.dev.MaxCycles = 5000
			_, err := b.launch("forever", shape(1, 32, 0), sim.PtrArg(b.buffer(1)))
			return err
		}, []string{"kernel forever", "still running after 5000 cycles", "max-cycles", "0 of 1 blocks"}},
		{"stack overflow", func(b *bench) error {
			_, err := b.launch("recursive", shape(1, 32, 0), sim.PtrArg(b.buffer(32)), sim.U32(100000))
			return err
		}, []string{"kernel recursive", "stack overflow", "block (0,0,0), warp 0"}},
		{"trap", func(b *bench) error {
			_, err := b.launch("trap", shape(1, 64, 0), sim.PtrArg(b.buffer(64)))
			return err
		}, []string{"kernel trap", "warp 1 lane 5", "BPT.TRAP", "trap"}},
		{"unknown kernel", func(b *bench) error {
			_, err := b.mod.Kernel("none")
			return err
		}, []string{`no kernel "none"`, "saxpy", "chain"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.dev.Threads = 2
			err := c.run(b)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
			// The device goes on as if nothing had been: the same cycles as those of a fresh one.
			b.dev.MaxCycles = 0
			again, err := b.launch("bounded", shape(3, 64, 0), sim.PtrArg(b.buffer(64)))
			if err != nil {
				t.Fatalf("the launch after it: %v", err)
			}
			fresh := newBench(t)
			want, err := fresh.launch("bounded", shape(3, 64, 0), sim.PtrArg(fresh.buffer(64)))
			if err != nil {
				t.Fatal(err)
			}
			if again.Counters.SM.WarpInstructions != want.Counters.SM.WarpInstructions {
				t.Errorf("%d warp instructions in the launch after it, %d on a fresh device", again.Counters.SM.WarpInstructions,
					want.Counters.SM.WarpInstructions)
			}
		})
	}
}

// TestLaunches: what the limits allow runs, and gives the right values.
func TestLaunches(t *testing.T) {
	b := newBench(t)
	out := b.buffer(128)
	if _, err := b.launch("big", shape(1, 32, 40<<10), sim.PtrArg(out)); err != nil {
		t.Error(err)
	} else if w := b.words(out, 32); w[0] != 32 || w[31] != 1 {
		t.Errorf("48 KiB of shared memory: %d, %d; want 32, 1", w[0], w[31])
	}
	if _, err := b.launch("recursive", shape(1, 32, 0), sim.PtrArg(out), sim.U32(100)); err != nil {
		t.Error(err)
	} else if w := b.words(out, 1); w[0] != deep(100) {
		t.Errorf("recursion: %d, want %d", w[0], deep(100))
	}
	if _, err := b.launch("read_at", shape(1, 32, 0), sim.PtrArg(out), sim.PtrArg(b.buffer(32)),
		sim.I64(4*96)); err != nil {
		t.Errorf("the last 128 bytes of a buffer: %v", err)
	}
}

func deep(n uint32) uint32 {
	if n == 0 {
		return 1
	}
	return deep(n-1)*3 + n&7*deep(n/2&1)
}

// TestThreads: any number of threads gives the same values, cycles and counters, also where blocks race.
func TestThreads(t *testing.T) {
	type outcome struct {
		cycles   int64
		counters sim.Counters
		values   []uint32
	}
	run := func(threads int, t *testing.T) []outcome {
		b := newBench(t)
		b.dev.Threads = threads
		const blocks, block = 90, 96
		order, last, next, flag := b.buffer(blocks*block), b.buffer(128), b.buffer(1), b.buffer(1)
		flags, sum, out := b.buffer(blocks), b.buffer(blocks), b.buffer(blocks)
		var o []outcome
		for _, l := range []struct {
			kernel string
			args   []sim.Arg
			out    sim.Ptr
			words  int
		}{
			{"tickets", []sim.Arg{sim.PtrArg(next), sim.PtrArg(order), sim.PtrArg(last), sim.PtrArg(flag)}, order,
				blocks * block},
			{"chain", []sim.Arg{sim.PtrArg(flags), sim.PtrArg(sum), sim.PtrArg(out)}, out, blocks},
			{"loop_race", []sim.Arg{sim.PtrArg(order)}, order, 96},
		} {
			n := block
			if l.kernel == "loop_race" {
				n = 128
			}
			r, err := b.launch(l.kernel, shape(blocks, n, 0), l.args...)
			if err != nil {
				t.Fatalf("%s: %v", l.kernel, err)
			}
			o = append(o, outcome{r.Cycles, r.Counters, append(b.words(l.out, l.words), b.words(last, 128)...)})
		}
		for i, v := range b.words(out, blocks) {
			if want := uint32((i + 1) * (i + 2) / 2); v != want {
				t.Errorf("chain: block %d has %d, want %d", i, v, want)
			}
		}
		return o
	}
	want := run(1, t)
	for _, threads := range []int{1, 2, 16} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			for i, got := range run(threads, t) {
				if got.cycles != want[i].cycles || !reflect.DeepEqual(got.counters, want[i].counters) ||
					!reflect.DeepEqual(got.values, want[i].values) {
					t.Errorf("launch %d: %d cycles and other counters or values; one thread has %d", i, got.cycles, want[i].cycles)
				}
			}
		})
	}
}

// TestChecks: what --check races and uninit find, and what they do not.
func TestChecks(t *testing.T) {
	for _, c := range []struct {
		kernel string
		block  int
		args   []sim.Arg
		want   []string // of the error; none: there is none
	}{
		{"no_barrier", 128, nil, []string{"kernel no_barrier, block (0,0,0): race on byte",
			"of shared memory", "no barrier between", "STS", "LDS", "thread (", "warp 0"}},
		{"with_barrier", 128, nil, nil},
		{"loop_race", 128, nil, []string{"write after read", "LDS", "STS", "no barrier between"}},
		{"write_write", 128, nil, []string{"write after write", "no barrier between"}},
		{"same_value", 128, nil, nil},
		{"lanes", 32, nil, []string{"write after write", "in one instruction", "thread (0,0,0), warp 0 lane 0",
			"thread (1,0,0), warp 0 lane 1"}},
		{"bytes", 128, nil, nil},
		{"warp_tail", 128, nil, nil},
		{"named", 128, []sim.Arg{sim.I32(0)}, nil},
		{"named", 128, []sim.Arg{sim.I32(1)}, []string{"race on byte", "no barrier between"}},
		{"counts", 128, nil, nil},
		{"uninit_shared", 128, nil,
			[]string{"kernel uninit_shared, block (0,0,0): byte 0x180 of shared memory is read before it is written",
				"thread (96,0,0), warp 3 lane 0", "LDS"}},
		{"uninit_local", 32, []sim.Arg{sim.I32(12)}, []string{"of local memory is read before it is written",
			"lane 12", "LDL"}},
		{"uninit_local", 32, []sim.Arg{sim.I32(16)}, nil},
		{"recursive", 32, []sim.Arg{sim.U32(9)}, nil},
	} {
		b := newBench(t)
		b.dev.Races, b.dev.Uninit = true, true
		args := append([]sim.Arg{sim.PtrArg(b.buffer(128))}, c.args...)
		r, err := b.launch(c.kernel, shape(1, c.block, 0), args...)
		switch {
		case len(c.want) == 0 && err != nil:
			t.Errorf("%s: %v", c.kernel, err)
		case len(c.want) > 0 && err == nil:
			t.Errorf("%s: nothing found", c.kernel)
		case r == nil:
			t.Errorf("%s: no result: %v", c.kernel, err)
		}
		for _, w := range c.want {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", c.kernel, err, w)
			}
		}
		// The checks change nothing.
		plain := newBench(t)
		p, err := plain.launch(c.kernel, shape(1, c.block, 0), append([]sim.Arg{sim.PtrArg(plain.buffer(128))}, c.args...)...)
		if err != nil {
			t.Errorf("%s without checks: %v", c.kernel, err)
		} else if r != nil && (p.Cycles != r.Cycles || !reflect.DeepEqual(p.Counters, r.Counters)) {
			t.Errorf("%s: the checks change cycles or counters: %d, without %d", c.kernel, r.Cycles, p.Cycles)
		}
	}
}

// TestProfile: counts by instruction add up to the counters.
func TestProfile(t *testing.T) {
	b := newBench(t)
	b.dev.Profile = true
	r, err := b.launch("counts", shape(3, 128, 0), sim.PtrArg(b.buffer(128)))
	if err != nil {
		t.Fatal(err)
	}
	var warps, conflicts int64
	for _, l := range r.Profile.Lines {
		warps += l.Warps
		conflicts += l.Conflicts
	}
	if warps != r.Counters.SM.WarpInstructions || conflicts != r.Counters.SM.SharedBankConflicts || conflicts == 0 {
		t.Errorf("the profile has %d warp instructions and %d conflicts; the counters %d and %d",
			warps, conflicts, r.Counters.SM.WarpInstructions, r.Counters.SM.SharedBankConflicts)
	}
	for _, want := range []string{"ATOMS.ADD", "/*0008*/ "} {
		has := func(l sim.ProfileLine) bool { return strings.Contains(l.Text, want) }
		if !slices.ContainsFunc(r.Profile.Lines, has) {
			t.Errorf("no instruction has %q", want)
		}
	}
}

// Messages, profile and Kernel.Source name the line that an instruction was compiled from (testdata of sim/isa).
func TestSourceLines(t *testing.T) {
	b := newBench(t)
	data, err := os.ReadFile("isa/testdata/lines.cubin")
	if err != nil {
		t.Fatal(err)
	}
	if b.mod, err = b.dev.LoadModule(data); err != nil {
		t.Fatal(err)
	}
	b.dev.Profile = true
	cfg := sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 64}}
	r, err := b.launch("called", cfg, sim.PtrArg(b.buffer(64)), sim.I32(3))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Profile.Lines {
		switch {
		case strings.Contains(l.Text, "BAR.SYNC") && l.Source != "lines.cu:21", strings.Contains(l.Text, "LDG") &&
			l.Source != "lines.cu:20",
			strings.Contains(l.Text, "FFMA") && l.Source != "lines.cu:7", l.Source == "":
			t.Errorf("%s is from %q", l.Text, l.Source)
		}
	}
	k, err := b.mod.Kernel("called")
	if err != nil {
		t.Fatal(err)
	}
	if file, line := k.Source(0x50); file != "/src/sim/isa/testdata/lines.cu" || line != 20 {
		t.Errorf("%s:%d", file, line)
	}
	if _, err := b.launch("called", cfg, sim.U64(16), sim.I32(3)); err == nil ||
		!strings.Contains(err.Error(), "/*0050*/ LDG.E R4, [R2] (lines.cu:20): ") {
		t.Error(err)
	}
	if err := b.dev.EnableCheck("uninit"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.launch("called", sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 63}},
		sim.PtrArg(b.buffer(64)), sim.I32(3)); err == nil ||
		!strings.Contains(err.Error(), "LDS.U.32 R4, [R5] (lines.cu:22)") {
		t.Error(err)
	}
}
