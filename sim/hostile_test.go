package sim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

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
