package sim_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
	"warpdrop/sim/isa"
	"warpdrop/workloads/microbench"
)

func hazardDevice(t *testing.T) *sim.Device {
	t.Helper()
	g, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	small := *g
	small.SMs = 2
	dev, err := sim.NewDevice(&small)
	if err != nil {
		t.Fatal(err)
	}
	dev.Hazards = true
	return dev
}

// TestNoHazards: code that ptxas made has none. Package sm's tests check its own kernels in the same way, package
// workloads' those of training iterations.
func TestNoHazards(t *testing.T) {
	if err := microbench.Each(context.Background(), hazardDevice(t), func(*sim.Result) {}); err != nil {
		t.Error(err)
	}
}

// TestComparisonReadsLate: DSETP may follow 4 cycles behind the instruction that computes what it compares.
func TestComparisonReadsLate(t *testing.T) {
	found := false
	cubin, err := isa.Patch(testdata(t, "testdata/cases.cubin"), "compares_double",
		func(in *isa.Inst, _ *uint64, control *uint32) {
			if in.Op == isa.OpLOP {
				found = true
				*control = *control&^15 | 4
			}
		})
	if err != nil || !found {
		t.Fatal(found, err)
	}
	dev := hazardDevice(t)
	mod, err := dev.LoadModule(cubin)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mod.Kernel("compares_double")
	if err != nil {
		t.Fatal(err)
	}
	p, err := dev.Malloc(64)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.Launch(context.Background(), k, shape(1, 32, 0), sim.PtrArg(p), sim.PtrArg(p+32)); err != nil {
		t.Error(err)
	}
}

// TestOneQueue: conversions and special functions share a queue, and a barrier of the one covers the other.
func TestOneQueue(t *testing.T) {
	for _, kernel := range []string{"division", "logarithms"} {
		dev := hazardDevice(t)
		mod, err := dev.LoadModule(testdata(t, "testdata/cases.cubin"))
		if err != nil {
			t.Fatal(err)
		}
		k, err := mod.Kernel(kernel)
		if err != nil {
			t.Fatal(err)
		}
		p, err := dev.Malloc(1 << 12)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.Launch(context.Background(), k, shape(1, 32, 0), sim.PtrArg(p), sim.PtrArg(p+2048)); err != nil {
			t.Errorf("%s: %v", kernel, err)
		}
	}
}

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestHazards damages one control word at a time and looks at what is found.
func TestHazards(t *testing.T) {
	stall := func(n uint32) func(*uint32) { return func(c *uint32) { *c = *c&^15 | n } }
	noWait := func(c *uint32) { *c &^= 63 << 11 }
	arguments := func(d *sim.Device, kinds string) []sim.Arg {
		var args []sim.Arg
		for _, k := range kinds {
			switch k {
			case 'p':
				p, err := d.Malloc(1 << 16)
				if err != nil {
					t.Fatal(err)
				}
				args = append(args, sim.PtrArg(p))
			case 'f':
				args = append(args, sim.F32(1))
			case 'i':
				args = append(args, sim.I32(1))
			case 'n':
				args = append(args, sim.I32(1024))
			}
		}
		return args
	}
	for _, c := range []struct {
		name, kernel, args string
		cubin              []byte
		which              func(in *isa.Inst) bool // the first instruction of these is damaged
		skip               int                     // or the one after so many; -1: all
		damage             func(c *uint32)
		want               string
	}{
		{"stall count", "latency_ffma", "ppff", smCubin(t), func(in *isa.Inst) bool {
			return in.Op == isa.OpFFMA && in.Control.Stall == 6
		}, 3, stall(5),
			"is read 5 cycles after it was computed, by stall counts; it takes 6"},
		{"stall count of a predicate", "latency_isetp", "ppii", smCubin(t),
			func(in *isa.Inst) bool { return in.Op == isa.OpISETP && in.Control.Stall == 13 }, 3, stall(12),
			"P1 is read 12 cycles after it was computed, by stall counts; it takes 13"},
		{"yield flag of a long stall", "latency_isetp", "ppii", smCubin(t),
			func(in *isa.Inst) bool { return in.Op == isa.OpISETP && in.Control.Stall == 13 }, 3,
			func(c *uint32) { *c |= 1 << 4 }, "P1 is read 6 cycles after it was computed, by stall counts; it takes 13"},
		{"stall before a late read", "latency_ffma", "ppff", smCubin(t), func(in *isa.Inst) bool {
			return in.Op == isa.OpFFMA && in.Control.Stall == 2
		}, 0, stall(1),
			"is read 5 cycles after it was computed, by stall counts; it takes 6"},
		{"wait for a load", "stream_copy4", "ppn", microbench.MemoryCubin(), func(in *isa.Inst) bool {
			return in.Op == isa.OpSTG && in.Control.Wait != 0
		}, 0, noWait,
			"is read, and nothing has waited for barrier SB"},
		{"barrier of a load", "stream_copy4", "ppn", microbench.MemoryCubin(),
			func(in *isa.Inst) bool { return in.Op == isa.OpLDG }, 0, func(c *uint32) { *c |= 7 << 5 },
			"is read, and no barrier says when it is there"},
		{"wait for a read barrier", "latency_ffma", "ppff", smCubin(t), func(in *isa.Inst) bool {
			return in.Op == isa.OpFFMA && in.Control.Wait != 0
		}, 1, noWait,
			"is overwritten while it may still be read: nothing has waited for barrier SB"},
		{"wait right after a barrier was set", "latency_f2f", "ppff", smCubin(t), func(in *isa.Inst) bool {
			return in.Op == isa.OpF2F
		}, 3, stall(1),
			"is waited for 1 cycles after it was set, by stall counts; it takes 2"},
		{"read barrier of a double-precision product", "dgemm", "pppi", testdata(t, "sm/testdata/programs.cubin"),
			func(in *isa.Inst) bool { return in.Op == isa.OpDFMA }, -1,
			func(c *uint32) { *c |= 7 << 8 },
			"after a double-precision instruction began to read it, by stall counts, and nothing has waited for " +
				"that; it may take 32"},
		{"stall before a comparison of doubles", "compares_double", "pp", testdata(t, "testdata/cases.cubin"),
			func(in *isa.Inst) bool { return in.Op == isa.OpLOP }, 0, stall(3),
			"R5 is read 5 cycles after it was computed, by stall counts; it takes 6"},
		{"one load short of a count", "read_strided", "ppiin", microbench.MemoryCubin(), nil, 0, nil,
			"is read, and nothing has waited for barrier SB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			cubin, err := isa.Patch(c.cubin, c.kernel, func(in *isa.Inst, word *uint64, control *uint32) {
				if c.which == nil { // DEPBAR.LE SBb, n: one more
					if in.Op == isa.OpDEPBAR && n == 0 {
						*word += 1 << 20
						n++
					}
					return
				}
				if c.which(in) {
					if n++; c.skip < 0 || n == c.skip+1 {
						c.damage(control)
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if n <= c.skip {
				t.Fatal("no instruction to damage")
			}
			dev := hazardDevice(t)
			mod, err := dev.LoadModule(cubin)
			if err != nil {
				t.Fatal(err)
			}
			k, err := mod.Kernel(c.kernel)
			if err != nil {
				t.Fatal(err)
			}
			threads := 32
			if c.kernel == "dgemm" {
				threads = 16 // a row of its tiles
			}
			r, err := dev.Launch(context.Background(), k, shape(1, threads, 0),
				arguments(dev, c.args)...)
			var e *sim.HazardError
			if !errors.As(err, &e) || r == nil {
				t.Fatalf("error %v, result %v; want hazards and a result", err, r)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\ndoes not say %q", err, c.want)
			}
		})
	}
}
