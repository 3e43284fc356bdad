package sim_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"warpdrop/sim"
)

// TestMemoryBound: the card's memory bounds what is reserved, also for buffers, globals and local memory.
func TestMemoryBound(t *testing.T) {
	b := newBench(t, func(g *sim.GPU) { g.MemoryMiB = 1 })
	used := b.dev.MemoryUsed()
	p, err := b.dev.Malloc(1<<20 - used)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.dev.Malloc(1)
	if !errors.Is(err, sim.ErrOutOfMemory) || !strings.Contains(err.Error(), "memory_mib: 1") {
		t.Errorf("a byte too many: %v", err)
	}
	if err := b.dev.Free(p); err != nil {
		t.Fatal(err)
	}
	if got := b.dev.MemoryUsed(); got != used {
		t.Errorf("%d bytes in use after Free, want %d", got, used)
	}
	big := newBench(t, func(g *sim.GPU) { g.MemoryMiB = 256 << 10 })
	for _, n := range []int64{0, -1, 100_000_000_000, 1 << 62} {
		if _, err := big.dev.Malloc(n); err == nil {
			t.Errorf("%d bytes are given", n)
		}
	}
}

// TestForeignKernels: a launch of no kernel or of another device's is an error, in a stream too.
func TestForeignKernels(t *testing.T) {
	a, b := newBench(t), newBench(t)
	k, err := a.mod.Kernel("trap")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		k    *sim.Kernel
		want string
	}{{nil, "no kernel"}, {k, "another device"}} {
		if _, err := b.dev.Launch(context.Background(), c.k, sim.LaunchConfig{}, sim.PtrArg(b.buffer(1))); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("launch: error %v does not say %q", err, c.want)
		}
		if _, err := b.dev.NewStream().Launch(c.k, sim.LaunchConfig{}, sim.PtrArg(b.buffer(1))); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("in a stream: error %v does not say %q", err, c.want)
		}
	}
}

// TestMemset and copies of rows, beside what slices hold.
func TestMemset(t *testing.T) {
	b := newBench(t)
	const pitch, rows, size = 40, 6, 40 * 6
	p, q := b.buffer(size/4), b.buffer(size/4)
	want := make([]byte, size)
	check := func(what string, p sim.Ptr) {
		t.Helper()
		got := make([]byte, size)
		if err := b.dev.Read(p, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x\nwant\n%x", what, got, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.dev.Memset(p, 0xa1b2c3d4, 4, size/4))
	for i := range want {
		want[i] = []byte{0xd4, 0xc3, 0xb2, 0xa1}[i%4]
	}
	check("words", p)
	must(b.dev.Memset(p+1, 0x17, 1, 5))
	copy(want[1:], bytes.Repeat([]byte{0x17}, 5))
	check("bytes", p)
	must(b.dev.Memset2D(p+8, pitch, 0xbeef, 2, 7, 3))
	for r := range 3 {
		copy(want[8+r*pitch:], bytes.Repeat([]byte{0xef, 0xbe}, 7))
	}
	check("rows", p)
	must(b.dev.Memset(p, 1, 4, 0))
	check("nothing", p)

	data := make([]byte, 5*20)
	for i := range data {
		data[i] = byte(i)
	}
	must(b.dev.Write2D(p+4, pitch, data, 20, 11, 5))
	for r := range 5 {
		copy(want[4+r*pitch:], data[20*r:][:11])
	}
	check("from the host", p)
	must(b.dev.Copy2D(q, pitch, p, pitch, pitch, rows))
	check("within the device", q)
	back := make([]byte, 5*20)
	must(b.dev.Read2D(back, 20, p+4, pitch, 11, 5))
	for r := range 5 {
		if !bytes.Equal(back[20*r:][:11], data[20*r:][:11]) || !bytes.Equal(back[20*r+11:][:9], make([]byte, 9)) {
			t.Errorf("row %d comes back as %x", r, back[20*r:][:20])
		}
	}

	for _, c := range []struct {
		what string
		err  error
	}{
		{"element size", b.dev.Memset(p, 0, 3, 1)},
		{"alignment", b.dev.Memset(p+2, 0, 4, 1)},
		{"past the end", b.dev.Memset(p, 0, 1, size+1)},
		{"negative", b.dev.Memset(p, 0, 1, -1)},
		{"short pitch", b.dev.Memset2D(p, 4, 0, 4, 2, 2)},
		{"overlap", b.dev.Copy2D(p+1, pitch, p, pitch, 11, 2)},
		{"rows past the end", b.dev.Copy2D(q, pitch, p, pitch, pitch, rows+1)},
		{"huge", b.dev.Memset2D(p, 1<<62, 0, 1, 1, 1<<40)},
		{"short slice", b.dev.Write2D(p, pitch, data[:30], 20, 11, 2)},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", c.what)
		}
	}
	check("after errors", q)
}

// TestKernelInfo: what kernels need, beside what their source says.
func TestKernelInfo(t *testing.T) {
	b := newBench(t)
	k, err := b.mod.Kernel("saxpy") // float *y, const float *x, float a, int n
	if err != nil {
		t.Fatal(err)
	}
	i := k.Info()
	if want := []sim.Param{{0, 8}, {8, 8}, {16, 4}, {20, 4}}; len(i.Params) != 4 || i.Params[0] != want[0] ||
		i.Params[1] != want[1] ||
		i.Params[2] != want[2] || i.Params[3] != want[3] || i.ParamBytes != 24 {
		t.Errorf("parameters %v of %d bytes, want %v", i.Params, i.ParamBytes, want)
	}
	if i.MaxThreads != 1024 || i.Registers != k.Registers() || i.SharedBytes != 0 || i.LocalBytes != 0 {
		t.Errorf("%+v", i)
	}
	// 64 warps and 32 blocks an SM, 96 KiB of shared memory: CUDA C Programming Guide, compute capability 6.1.
	for _, c := range []struct{ threads, shared, want int }{{32, 0, 32}, {128, 0, 16}, {1024, 0, 2}, {1025, 0, 0},
		{0, 0, 0}, {32, 48 << 10, 2}, {32, 48<<10 + 1, 0}} {
		if got := k.BlocksPerSM(c.threads, c.shared); got != c.want {
			t.Errorf("%d threads, %d bytes: %d blocks an SM, want %d", c.threads, c.shared, got, c.want)
		}
	}
}
