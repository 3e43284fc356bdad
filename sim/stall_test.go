package sim_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

func stallBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	image, err := os.ReadFile("testdata/stall.cubin")
	if err != nil {
		t.Fatal(err)
	}
	if b.mod, err = b.dev.LoadModule(image); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStalled: a launch that gets nowhere says so once and goes on; one that is stopped then says where its warps are.
func TestStalled(t *testing.T) {
	b := stallBench(t)
	k, err := b.mod.Kernel("lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	said := 0
	b.dev.Stalled = func(what string) {
		said++
		if !strings.Contains(what, "kernel lock: for 2") || !strings.Contains(what, "waiting for itself") {
			t.Errorf("it says %q", what)
		}
		stop()
	}
	_, err = b.dev.Launch(ctx, k, shape(1, 32, 0), sim.PtrArg(b.buffer(1)), sim.PtrArg(b.buffer(1)))
	if said != 1 || !errors.Is(err, context.Canceled) {
		t.Fatalf("said %d times, %v", said, err)
	}
	for _, want := range []string{"kernel lock: stopped after", "context canceled", "0 of 1 blocks finished",
		"SM 0, block (0,0,0), warp 0, at /*"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	b.dev.Stalled = func(string) { said++ }
	said = 0
	for kernel, want := range map[string]int{"busy": 1, "steady": 0} {
		said = 0
		if _, err := b.launch(kernel, shape(1, 32, 0), sim.PtrArg(b.buffer(1)), sim.I32(2_900_000)); err != nil ||
			said != want {
			t.Errorf("%s: said %d times, want %d; %v", kernel, said, want, err)
		}
	}
}

// TestWaitingForRoom: of a barrier among more blocks than the chip holds at once, 32 of a thread on each of 28 SMs, the
// error says so.
func TestWaitingForRoom(t *testing.T) {
	b := stallBench(t)
	b.dev.MaxCycles = 100_000
	if _, err := b.launch("grid_barrier", shape(896, 1, 0), sim.PtrArg(b.buffer(1))); err != nil {
		t.Errorf("as many blocks as fit: %v", err)
	}
	b.dev.MaxCycles = 30_000
	_, err := b.launch("grid_barrier", shape(897, 1, 0), sim.PtrArg(b.buffer(1)))
	if !errors.Is(err, sim.ErrCycleLimit) || !strings.Contains(err.Error(),
		"1 blocks of kernel grid_barrier wait for room, the first of them [896 0 0]: the chip holds 896 at once") {
		t.Errorf("one more: %v", err)
	}
}
