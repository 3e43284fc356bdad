package sim_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

// TestUnwritten: kernels that read what nobody has written, and those that read what the host, a copy or they
// themselves have written; with cycles on any number of threads, and without.
func TestUnwritten(t *testing.T) {
	const n = 4 * 64 // threads of a launch, a word each
	set := func(b *bench, p sim.Ptr, from, words int) {
		b.t.Helper()
		if err := b.dev.Memset(p+sim.Ptr(4*from), 0, 4, int64(words)); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, cubin, kernel string
		ready               func(b *bench, a sim.Ptr) // what is written before
		want                string                    // "" = nothing is found
	}{
		{"nothing written", "testdata/global", "out_of_place", func(*bench, sim.Ptr) {},
			"4 bytes at %#x of device memory are read, and nobody has written byte 0 of the allocation of 4096 bytes " +
				"at %#x"},
		{"memset", "testdata/global", "out_of_place", func(b *bench, a sim.Ptr) { set(b, a, 0, n) }, ""},
		{"the last word is missing", "testdata/global", "out_of_place", func(b *bench, a sim.Ptr) { set(b, a, 0, n-1) },
			"byte 1020 of the allocation of 4096 bytes"},
		{"a byte is missing", "testdata/global", "out_of_place", func(b *bench, a sim.Ptr) {
			set(b, a, 0, 10)
			set(b, a, 11, n-11)
			if err := b.dev.Write(a+40, []byte{1, 2, 3}); err != nil {
				t.Fatal(err)
			}
		}, "byte 43 of the allocation of 4096 bytes"},
		{"written in rows", "testdata/global", "out_of_place", func(b *bench, a sim.Ptr) {
			if err := b.dev.Write2D(a, 64, make([]byte, 4*n), 64, 64, 4*n/64); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"rows with gaps", "testdata/global", "out_of_place", func(b *bench, a sim.Ptr) {
			if err := b.dev.Write2D(a, 64, make([]byte, 4*n), 64, 60, 4*n/64); err != nil {
				t.Fatal(err)
			}
		}, "byte 60 of the allocation of 4096 bytes"},
		{"copied from what is written", "testdata/global", "out_of_place", func(b *bench, a sim.Ptr) {
			from := b.buffer(n)
			set(b, from, 0, n)
			if err := b.dev.Copy(a, from, 4*n); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"copied from what is not", "testdata/global", "out_of_place", func(b *bench, a sim.Ptr) {
			set(b, a, 0, n)
			if err := b.dev.Copy2D(a+128, 4, b.buffer(n), 4, 4, 3); err != nil {
				t.Fatal(err)
			}
		}, "byte 128 of the allocation of 4096 bytes"},
		{"the kernel's own stores", "testdata/global", "block_barrier", func(*bench, sim.Ptr) {}, ""},
		{"other blocks' stores", "testdata/global", "last_with_fence",
			func(b *bench, a sim.Ptr) { set(b, a, 0, 1) }, ""},
		{"sum on nothing", "testdata/global", "atomic_sum", func(*bench, sim.Ptr) {}, "RED.E.ADD"},
		{"sum on zero", "testdata/global", "atomic_sum", func(b *bench, a sim.Ptr) { set(b, a, 0, 1) }, ""},
		{"stores of single bytes", "testdata/global", "own_bytes", func(*bench, sim.Ptr) {}, ""},
		{"malloc", "testdata/system", "takes_again 3", func(*bench, sim.Ptr) {},
			"that kernel takes_again got from malloc"},
		{"malloc, written", "testdata/system", "takes_again 0", func(*bench, sim.Ptr) {}, ""},
		{"source line", "isa/testdata/lines", "called 3", func(*bench, sim.Ptr) {}, "LDG.E R4, [R2] (lines.cu:20)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			image, err := os.ReadFile(c.cubin + ".cubin")
			if err != nil {
				t.Fatal(err)
			}
			said := map[string]bool{}
			for _, threads := range []int{1, 2, 16, 0} { // 0: values only
				b := newBench(t, func(g *sim.GPU) { g.SMs = 4 })
				if err := b.dev.EnableCheck("unwritten"); err != nil {
					t.Fatal(err)
				}
				if b.mod, err = b.dev.LoadModule(image); err != nil {
					t.Fatal(err)
				}
				b.dev.Threads, b.dev.Functional = threads, threads == 0
				a := b.buffer(1024)
				args := []sim.Arg{sim.PtrArg(a), sim.PtrArg(b.buffer(1024))}
				kernel, which, found := strings.Cut(c.kernel, " ")
				if found {
					args[1] = sim.I32(int32(which[0] - '0'))
				}
				c.ready(b, a)
				_, err := b.launch(kernel, shape(4, 64, 0), args...)
				want := strings.ReplaceAll(c.want, "%#x", fmt.Sprintf("%#x", uint64(a)))
				var e *sim.CheckError
				switch {
				case want == "" && err != nil:
					t.Errorf("%d threads: nothing is wrong, and it says: %v", threads, err)
				case want != "" && (!errors.As(err, &e) || !strings.Contains(err.Error(), want)):
					t.Errorf("%d threads: %v\ndoes not say %q", threads, err, want)
				}
				if threads > 0 && err != nil {
					said[err.Error()] = true
				}
			}
			if len(said) > 1 {
				t.Errorf("what is said depends on the number of threads: %v", said)
			}
		})
	}
}

// TestUnwrittenIsOfItsTime: memory that was there before the check was asked for counts as written.
func TestUnwrittenIsOfItsTime(t *testing.T) {
	b := newBench(t)
	a := b.buffer(1024)
	image, err := os.ReadFile("testdata/global.cubin")
	if err != nil {
		t.Fatal(err)
	}
	if b.mod, err = b.dev.LoadModule(image); err != nil {
		t.Fatal(err)
	}
	b.dev.Unwritten = true
	if _, err := b.launch("out_of_place", shape(4, 64, 0), sim.PtrArg(a), sim.PtrArg(b.buffer(1024))); err != nil {
		t.Error(err)
	}
}
