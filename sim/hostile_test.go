package sim_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"warpdrop/sim"
)

// framed returns testdata/checks.cubin with every kernel's stack frame, and what it may need at least, set to this
// size.
func framed(t *testing.T, size uint32) []byte {
	t.Helper()
	cubin, err := os.ReadFile("testdata/checks.cubin")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	// EIATTR_FRAME_SIZE, _MIN_STACK_SIZE, _MAX_STACK_SIZE: kind, size 8, symbol, value
	for _, attr := range []byte{0x11, 0x12, 0x23} {
		head := []byte{4, attr, 8, 0}
		for at := 0; ; n++ {
			i := bytes.Index(cubin[at:], head)
			if i < 0 {
				break
			}
			at += i + 12
			binary.LittleEndian.PutUint32(cubin[at-4:], size)
		}
	}
	if n == 0 {
		t.Fatal("the cubin states no frame")
	}
	return cubin
}

// TestLocalMemoryBound: a stack that no thread may have is refused with the kernel, and one that the threads of a
// launch cannot all have at once with the launch, before anything is allocated.
func TestLocalMemoryBound(t *testing.T) {
	b := newBench(t, func(g *sim.GPU) { g.MemoryMiB = 11264 })
	for _, size := range []uint32{0x7fffffff, 512<<10 + 1} {
		m, err := b.dev.LoadModule(framed(t, size))
		if err == nil {
			_, err = m.Kernel("trap")
		}
		if err == nil || !strings.Contains(err.Error(), "512 KB") {
			t.Errorf("frame of %#x bytes: error %v does not say what a thread may have", size, err)
		}
	}
	m, err := b.dev.LoadModule(framed(t, 500<<10))
	if err != nil {
		t.Fatal(err)
	}
	k, err := m.Kernel("saxpy")
	if err != nil {
		t.Fatal(err)
	}
	args := []sim.Arg{sim.PtrArg(b.buffer(64)), sim.PtrArg(b.buffer(64)), sim.F32(1), sim.I32(64)}
	_, err = b.dev.Launch(context.Background(), k, shape(1000, 1024, 0), args...) // 28 SMs x 2048 threads x 500 KB = 29 GB
	if !errors.Is(err, sim.ErrOutOfMemory) || !strings.Contains(err.Error(),
		"kernel saxpy: local memory, 512000 bytes for each thread of 56 blocks") {
		t.Errorf("a full grid: %v", err)
	}
	if _, err := b.dev.Launch(context.Background(), k, shape(1, 64, 0), args...); err != nil { // 32 MB
		t.Errorf("two warps: %v", err)
	}
}

var (
	hostile     = flag.Int("hostile", 300, "mutated cubins that TestHostileLaunches loads and runs")
	hostileSeed = flag.Uint64("hostile-seed", 24, "what TestHostileLaunches changes in them")
)

// TestHostileLaunches loads cubins with changed bytes, most of them in machine code, and launches a kernel of each: an
// error or a result, no panic, and no more than ten seconds.
func TestHostileLaunches(t *testing.T) {
	rng := rand.New(rand.NewPCG(*hostileSeed, 12))
	files := []struct{ path, gpu string }{
		{"testdata/checks.cubin", "gtx1080ti"},
		{"testdata/globals.cubin", "gtx1080ti"},
		{"../workloads/kernels/elementwise.cubin", "gtx1080ti"},
		{"sm/testdata/families.sm_75.cubin", "rtx2070super"},
		{"sm/testdata/families.sm_80.cubin", "a100-40g"},
		{"sm/testdata/packed.sm_80.cubin", "a100-40g"},
	}
	each := *hostile / len(files)
	for _, f := range files {
		path := f.path
		cubin, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		plain := bytes.Clone(cubin)
		plain[elf.EI_VERSION], plain[20] = byte(elf.EV_CURRENT), byte(elf.EV_CURRENT) // CUDA has a number of its own
		file, err := elf.NewFile(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		var code [][2]int // offset and size of sections with instructions
		for _, s := range file.Sections {
			if strings.HasPrefix(s.Name, ".text") && s.Size > 0 {
				code = append(code, [2]int{int(s.Offset), int(s.Size)})
			}
		}
		loaded, ran, ended := 0, 0, 0
		for i := range each {
			data := bytes.Clone(cubin)
			for range 1 + rng.IntN(4) {
				at := rng.IntN(len(data))
				if s := code[rng.IntN(len(code))]; rng.IntN(5) > 0 {
					at = s[0] + rng.IntN(s[1])
				}
				if rng.IntN(2) == 0 {
					data[at] ^= 1 << rng.IntN(8)
				} else {
					data[at] = byte(rng.Uint32())
				}
			}
			began := time.Now()
			l, r, err := launchHostile(t, f.gpu, data, rng)
			loaded, ran = loaded+l, ran+r
			if r == 1 && err == nil {
				ended++
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s, mutation %d: %v", path, i, took)
			}
		}
		t.Logf("%s: %d mutations, %d loaded, %d launches run, %d of them to their end", path, each, loaded, ran, ended)
	}
}

// launchHostile launches one kernel of a file, with arguments that may be addresses or anything. It counts whether the
// file was loaded and whether the kernel was run.
func launchHostile(t *testing.T, gpu string, data []byte, rng *rand.Rand) (loaded, ran int, err error) {
	g, err := sim.LoadGPU(gpu)
	if err != nil {
		t.Fatal(err)
	}
	g.SMs = 2
	dev, err := sim.NewDevice(g)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dev: dev}
	m, err := b.dev.LoadModule(data)
	if err != nil {
		return 0, 0, err
	}
	names := m.KernelNames()
	if len(names) == 0 {
		return 1, 0, nil
	}
	k, err := m.Kernel(names[rng.IntN(len(names))])
	if err != nil {
		return 1, 0, err
	}
	var args []sim.Arg
	for _, p := range k.Info().Params {
		bytes := make([]byte, p.Size)
		if p.Size == 8 && rng.IntN(4) > 0 {
			binary.LittleEndian.PutUint64(bytes, uint64(b.buffer(1024)))
		} else if p.Size > 0 {
			bytes[0] = byte(rng.Uint32())
		}
		args = append(args, sim.Bytes(bytes))
	}
	cfg := shape(1+rng.IntN(4), 32*(1+rng.IntN(2)), 0)
	if err := b.dev.CheckLaunch(k, cfg, args...); err != nil {
		return 1, 0, err
	}
	b.dev.MaxCycles = 20_000
	_, err = b.dev.Launch(context.Background(), k, cfg, args...)
	return 1, 1, err
}
