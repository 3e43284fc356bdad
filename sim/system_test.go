package sim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

// systemBench has testdata/system.cubin on a device that prints into out.
func systemBench(t *testing.T, out *bytes.Buffer) *bench {
	t.Helper()
	b := newBench(t)
	b.dev.Stdout = out
	image, err := os.ReadFile("testdata/system.cubin")
	if err != nil {
		t.Fatal(err)
	}
	if b.mod, err = b.dev.LoadModule(image); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPrintf: what kernels print comes after the launch, block by block, a warp's threads in order; the function
// returns the number of arguments.
func TestPrintf(t *testing.T) {
	for _, threads := range []int{1, 2, -1, -2} {
		var out bytes.Buffer
		b := systemBench(t, &out)
		b.dev.Threads, b.dev.Functional = max(threads, -threads), threads < 0
		y := b.buffer(64)
		if _, err := b.launch("says", shape(60, 64, 0), sim.PtrArg(y), sim.U32(0x80000006)); err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for block := range 60 {
			for _, thread := range []int{1, 2, 31, 33, 34, 63} {
				fmt.Fprintf(&want, "block %d thread %d abc 0.50\n", block, thread)
			}
		}
		if out.String() != want.String() {
			t.Errorf("%d threads: printed\n%.400s", threads, out.String())
		}
		if got := b.words(y, 64); got[1] != 4 || got[63] != 4 || got[0] != 0 {
			t.Errorf("printf returned %d and %d, want the number of arguments, 4", got[1], got[63])
		}
		out.Reset()
		if _, err := b.launch("says_nothing", shape(1, 1, 0), sim.PtrArg(y)); err != nil {
			t.Fatal(err)
		}
		if got := b.words(y, 2); out.String() != "none\n" || got[0] != 0 || int32(got[1]) != -1 {
			t.Errorf("printed %q, returned %d without arguments and %d without a format, want 0 and -1",
				out.String(), got[0], got[1])
		}
		out.Reset()
		if _, err := b.launch("says_too_much", shape(3, 32, 0), sim.I32(300)); err != nil {
			t.Fatal(err)
		}
		lost := 3*32*300 - sim.PrintfBytes/64
		if want := fmt.Sprintf("the text of %d calls is lost", lost); !strings.Contains(out.String(), want) ||
			out.Len() > sim.PrintfBytes+200 {
			t.Errorf("%d bytes, the last %q; want %q", out.Len(), out.String()[out.Len()-100:], want)
		}
	}
}

// TestPrintfOfStreams: launches that share the chip print one after the other.
func TestPrintfOfStreams(t *testing.T) {
	var out bytes.Buffer
	b := systemBench(t, &out)
	k, err := b.mod.Kernel("says")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if _, err := b.dev.NewStream().Launch(k, shape(2, 32, 0), sim.PtrArg(b.buffer(32)), sim.U32(1<<i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.dev.Synchronize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "block 0 thread 0 abc 0.50\nblock 1 thread 0 abc 0.50\nblock 0 thread 1 abc 0.50\nblock 1 thread 1 abc " +
		"0.50\n"; out.String() != want {
		t.Errorf("printed\n%s", out.String())
	}
}

// TestAssert: an assertion ends the launch with what it says, where, and in which thread; other kernels of the file
// run.
func TestAssert(t *testing.T) {
	b := systemBench(t, nil)
	y := b.buffer(96)
	if _, err := b.launch("plain", shape(1, 32, 0), sim.PtrArg(y)); err != nil {
		t.Error(err)
	}
	if got := b.words(y, 32); got[31] != 7 {
		t.Errorf("a kernel without an assertion stored %d, want 7", got[31])
	}
	_, err := b.launch("asserts", shape(1, 96, 0), sim.PtrArg(y))
	for _, want := range []string{"kernel asserts", "block (0,0,0)",
		"system.cu:40: asserts: thread (0,0,0): assertion `y[t] == 0` failed", "and in 31 more threads"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	y = b.buffer(96)
	if _, err := b.launch("asserts", shape(1, 96, 0), sim.PtrArg(y)); err != nil {
		t.Errorf("nothing to assert: %v", err)
	}
}

// TestDeviceMalloc: threads of all SMs get memory that no other has, up to the heap's size; another launch gives it
// back.
func TestDeviceMalloc(t *testing.T) {
	const blocks, n = 90, 32 * 90
	var first []byte
	for _, threads := range []int{1, 2, -1, -2} {
		b := systemBench(t, nil)
		b.dev.Threads, b.dev.Functional = max(threads, -threads), threads < 0
		if threads == -1 {
			first = nil
		}
		y := b.buffer(4 * n)
		take := func(size uint32) (addrs map[uint64]bool) {
			t.Helper()
			if _, err := b.launch("takes", shape(blocks, 32, 0), sim.PtrArg(y), sim.U32(size)); err != nil {
				t.Fatal(err)
			}
			addrs = map[uint64]bool{}
			data := make([]byte, 16*n)
			if err := b.dev.Read(y, data); err != nil {
				t.Fatal(err)
			}
			for i := range uint64(n) {
				p, sum := binary.LittleEndian.Uint64(data[16*i:]), binary.LittleEndian.Uint64(data[16*i+8:])
				if p == 0 {
					continue
				}
				if addrs[p] || sum != 12*i {
					t.Fatalf("thread %d has %#x, already %v; it read %d, want %d", i, p, addrs[p], sum, 12*i)
				}
				addrs[p] = true
			}
			if size == 48 && first == nil {
				first = data
			} else if size == 48 && !bytes.Equal(first, data) {
				t.Error("addresses differ with the number of threads that simulate")
			}
			return addrs
		}
		give := func() {
			t.Helper()
			if _, err := b.launch("gives", shape(blocks, 32, 0), sim.PtrArg(y), sim.U32(n)); err != nil {
				t.Fatal(err)
			}
		}
		b.dev.Leaks = true
		if got := take(48); len(got) != n {
			t.Errorf("%d threads have memory, want all %d", len(got), n)
		}
		var leaks *sim.LeakError
		if err := b.dev.CheckLeaks(); !errors.As(err, &leaks) || len(leaks.Pieces) != n ||
			!strings.Contains(err.Error(), "leaks: 138240 bytes") ||
			!strings.Contains(err.Error(), "48 bytes at 0x") ||
			!strings.Contains(err.Error(), "taken by kernel takes, block (0,0,0), thread (0,0,0)") {
			t.Errorf("all is held: %v", err)
		}
		give()
		if err := b.dev.CheckLeaks(); err != nil {
			t.Errorf("all was given back: %v", err)
		}
		if got := take(32 << 10); len(got) != 256 {
			t.Errorf("%d pieces of 32 KiB of a heap of 8 MiB, want 256", len(got))
		}
		give()
		if got := take(2048); len(got) != n {
			t.Errorf("%d threads have memory after all was given back, want all %d", len(got), n)
		}
		give()
		if got := take(7 << 20); len(got) != 1 {
			t.Errorf("%d pieces of 7 MiB of a heap of 8 MiB, want 1", len(got))
		}
		if err := b.dev.Write(y, binary.LittleEndian.AppendUint64(nil, 0x1000000008)); err != nil {
			t.Fatal(err)
		}
		_, err := b.launch("gives_twice", shape(1, 1, 0), sim.PtrArg(y))
		if err == nil || !strings.Contains(err.Error(), "kernel gives_twice") ||
			!strings.Contains(err.Error(), "which malloc did not return or which is free already") {
			t.Errorf("two times free: %v", err)
		}
	}
}

// TestUnknownSystemCall: a function that is neither in the file nor executed refuses only the kernels that call it.
func TestUnknownSystemCall(t *testing.T) {
	b := newBench(t)
	image, err := os.ReadFile("testdata/system.cubin")
	if err != nil {
		t.Fatal(err)
	}
	image = bytes.ReplaceAll(image, []byte("vprintf\x00"), []byte("wprintf\x00"))
	if b.mod, err = b.dev.LoadModule(image); err != nil {
		t.Fatal(err)
	}
	if _, err := b.mod.Kernel("says"); err == nil || !strings.Contains(err.Error(), "kernel says calls wprintf") ||
		!strings.Contains(err.Error(), "vprintf") {
		t.Errorf("error %v", err)
	}
	if _, err := b.launch("plain", shape(1, 32, 0), sim.PtrArg(b.buffer(32))); err != nil {
		t.Error(err)
	}
}
