package sim_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"warpdrop/sim"
)

// meetBench is a bench with the kernels of testdata/meet.cu, for values only.
func meetBench(t *testing.T, threads int) *bench {
	t.Helper()
	b := newBench(t)
	b.dev.Functional, b.dev.Threads = true, threads
	data, err := os.ReadFile("testdata/meet.cubin")
	if err != nil {
		t.Fatal(err)
	}
	if b.mod, err = b.dev.LoadModule(data); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFunctional: kernels whose blocks and warps wait for each other, in each order, come to their end, whatever the
// number of threads.
func TestFunctional(t *testing.T) {
	for _, threads := range []int{1, 3} {
		const blocks = 20
		b := meetBench(t, threads)
		count, out, flags, order := b.buffer(1), b.buffer(blocks), b.buffer(blocks), b.buffer(blocks*4)
		for _, l := range []struct {
			kernel string
			args   []sim.Arg
			out    sim.Ptr
			want   func(i int) uint32
			n      int
		}{
			{"meet", []sim.Arg{sim.PtrArg(count), sim.PtrArg(out)}, out, func(i int) uint32 { return uint32(i) }, blocks},
			{"backwards", []sim.Arg{sim.PtrArg(flags), sim.PtrArg(out)}, out, func(i int) uint32 { return uint32(blocks - i) },
				blocks},
			{"relay", []sim.Arg{sim.PtrArg(order)}, order, func(i int) uint32 { return uint32(i % 4) }, 4 * blocks},
		} {
			r, err := b.launch(l.kernel, shape(blocks, 128, 0), l.args...)
			if err != nil {
				t.Fatalf("%s on %d threads: %v", l.kernel, threads, err)
			}
			if !r.Functional || r.Cycles != 0 || r.TimeUS != 0 || r.Counters.SM.WarpInstructions == 0 ||
				r.Counters.SM.Blocks != blocks {
				t.Errorf("%s: result %+v", l.kernel, r)
			}
			for i, v := range b.words(l.out, l.n) {
				if v != l.want(i) {
					t.Errorf("%s on %d threads: word %d is %d, want %d", l.kernel, threads, i, v, l.want(i))
				}
			}
		}
	}
}

// TestFunctionalThreads: the order of floating point sums does not depend on the number of threads.
func TestFunctionalThreads(t *testing.T) {
	var want []uint32
	for _, threads := range []int{1, 2, 7} {
		b := meetBench(t, threads)
		const n = 64 * 256
		in, sum := b.buffer(n), b.buffer(1)
		rng := rand.New(rand.NewPCG(1, 1))
		data := make([]byte, 0, 4*n)
		for range n {
			v := math.Float32bits(float32(rng.NormFloat64()))
			data = append(data, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
		if err := b.dev.Write(in, data); err != nil {
			t.Fatal(err)
		}
		if _, err := b.launch("sums", shape(64, 256, 0), sim.PtrArg(sum), sim.PtrArg(in)); err != nil {
			t.Fatal(err)
		}
		got := b.words(sum, 1)
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d threads: %#x, one has %#x", threads, got, want)
		}
	}
}

// TestFunctionalErrors: a launch for values ends with the same kinds of errors as one in time, and the first block's of
// several.
func TestFunctionalErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name, kernel  string
		blocks, block int
		kind          error
		want          []string
		ready         func(b *bench)
		args          func(b *bench) []sim.Arg
		ctx           context.Context
	}{
		{name: "bounds", kernel: "read_at", blocks: 9, block: 32, kind: sim.ErrBounds,
			want: []string{"kernel read_at, block (0,0,0), warp 0 lane 31", "access out of bounds"},
			args: func(b *bench) []sim.Arg {
				return []sim.Arg{sim.PtrArg(b.buffer(32)), sim.PtrArg(b.buffer(32)), sim.I64(4)}
			}},
		{name: "trap", kernel: "trap", blocks: 9, block: 64, kind: sim.ErrTrap,
			want: []string{"block (0,0,0), warp 1 lane 5"}},
		{name: "deadlock", kernel: "deadlock", blocks: 2, block: 128, kind: sim.ErrDeadlock,
			want: []string{"no warp of block 0", "waits at barrier 1, where 64 of 128 threads have arrived", "barrier 2"}},
		{name: "limit", kernel: "forever", blocks: 1, block: 32, kind: sim.ErrCycleLimit,
			want:  []string{"block 0 has executed", "more than 100000 cycles"},
			ready: func(b *bench) { b.dev.MaxCycles = 100_000 }},
		{name: "cancelled", kernel: "forever", blocks: 3, block: 32, kind: context.Canceled, ctx: cancelled},
		{name: "stack", kernel: "recursive", blocks: 1, block: 32, kind: sim.ErrStack, args: func(b *bench) []sim.Arg {
			return []sim.Arg{sim.PtrArg(b.buffer(32)), sim.U32(100_000)}
		}},
		{name: "profile", kernel: "forever", blocks: 1, block: 32, want: []string{"Device.Functional computes values only"},
			ready: func(b *bench) { b.dev.Profile = true }},
	} {
		for _, mode := range []bool{true, false} {
			if !mode && (c.name == "cancelled" || c.name == "profile") {
				continue
			}
			b := newBench(t)
			b.dev.Functional, b.dev.Threads = mode, 3
			if c.ready != nil {
				c.ready(b)
			}
			k, err := b.mod.Kernel(c.kernel)
			if err != nil {
				t.Fatal(err)
			}
			args := []sim.Arg{sim.PtrArg(b.buffer(256))}
			if c.args != nil {
				args = c.args(b)
			}
			ctx := c.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			_, err = b.dev.Launch(ctx, k, shape(c.blocks, c.block, 0), args...)
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("%s, functional %v: %v; want an error of kind %v", c.name, mode, err, c.kind)
				continue
			}
			for _, w := range c.want {
				if mode && !strings.Contains(err.Error(), w) {
					t.Errorf("%s: %q does not say %q", c.name, err, w)
				}
			}
		}
	}
}

// TestFunctionalChecks: races and uninitialised reads are found without time too.
func TestFunctionalChecks(t *testing.T) {
	b := newBench(t)
	b.dev.Functional, b.dev.Races, b.dev.Uninit = true, true, true
	var found *sim.CheckError
	if r, err := b.launch("no_barrier", shape(1, 128, 0), sim.PtrArg(b.buffer(128))); !errors.As(err, &found) || r == nil {
		t.Errorf("no_barrier: %v, %v", r, err)
	}
	if _, err := b.launch("with_barrier", shape(1, 128, 0), sim.PtrArg(b.buffer(128))); err != nil {
		t.Errorf("with_barrier: %v", err)
	}
}

// TestCooperative: blocks of a cooperative launch meet, in time and for values only; a grid that the chip does not hold
// is refused.
func TestCooperative(t *testing.T) {
	for _, functional := range []bool{false, true} {
		b := meetBench(t, 2)
		b.dev.Functional = functional
		const blocks = 28 * 16
		count, out := b.buffer(1), b.buffer(blocks+1)
		cfg := shape(blocks, 128, 0)
		cfg.Cooperative = true
		if _, err := b.launch("meet", cfg, sim.PtrArg(count), sim.PtrArg(out)); err != nil {
			t.Fatal(err)
		}
		if got := b.words(count, 1)[0]; got != blocks {
			t.Errorf("%d blocks met, want %d", got, blocks)
		}
		cfg.Grid.X++
		if _, err := b.launch("meet", cfg, sim.PtrArg(count), sim.PtrArg(out)); !errors.Is(err, sim.ErrTooLarge) ||
			!strings.Contains(err.Error(), "449 blocks, and the chip holds 448") {
			t.Errorf("one block too many: %v", err)
		}
		k, err := b.mod.Kernel("meet")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.dev.NewStream().Launch(k, cfg, sim.PtrArg(count), sim.PtrArg(out)); err == nil ||
			!strings.Contains(err.Error(), "chip to itself") {
			t.Errorf("in a stream: %v", err)
		}
	}
}
