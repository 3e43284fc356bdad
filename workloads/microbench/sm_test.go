package microbench

import (
	"context"
	"strings"
	"testing"

	"warpdrop/sim"
	"warpdrop/sim/isa"
)

// TestSM runs every microbenchmark of the SM on the GTX 1080 Ti's preset: what is known of the GPU must come out.
func TestSM(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some five seconds")
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := SM(context.Background(), dev)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2*len(instructions) + 30 + len(occupancyCases); len(rows) < want {
		t.Errorf("%d rows, want at least %d", len(rows), want)
	}
	for _, r := range rows {
		if !r.Within() {
			t.Errorf("%s, %s: %.2f %s; want %.2f to %.2f (%s)", r.Group, r.Case, r.Value, r.Unit, r.Low, r.High, r.From)
		}
	}
}

// TestSMKernels looks at the machine code: the kernels hold the instructions that they are named for, and between two
// readings of the clock nothing else but the store.
func TestSMKernels(t *testing.T) {
	c, err := isa.ReadCubin(smCubin)
	if err != nil {
		t.Fatal(err)
	}
	// what holds the names of all instructions of a step, in any order
	steps := map[string]string{"imad": "XMAD XMAD XMAD", "imnmx": "IMNMX IMNMX", "fmnmx": "FMNMX FMNMX",
		"mufu_rsq": "MUFU", "mufu_lg2": "MUFU", "f2f": "F2F", "imad_hi": "IMAD", "f2f64": "F2F"}
	for _, in := range instructions {
		names := strings.Fields(strings.ReplaceAll(in.what, ",", ""))
		if s, ok := steps[in.name]; ok {
			names = strings.Fields(s)
		}
		if len(names) != in.ops {
			t.Fatalf("%s: %d instructions a step, %v named", in.name, in.ops, names)
		}
		for prefix, want := range map[string]int{"latency_": 64, "throughput_": 256} {
			k := c.Kernel(prefix + in.name)
			if k == nil {
				t.Fatalf("no kernel %s%s", prefix, in.name)
			}
			code, err := c.KernelInsts(k)
			if err != nil {
				t.Fatal(err)
			}
			clocks, count, others := 0, map[string]int{}, []string{}
			for _, x := range code {
				op := x.Op.String()
				wanted := false
				for _, n := range names {
					wanted = wanted || n == op
				}
				switch {
				case op == "CS2R":
					clocks++
				case prefix == "latency_" && clocks != 3:
				case wanted:
					count[op]++
				case prefix == "latency_" && op != "STG" && op != "NOP":
					others = append(others, x.String())
				}
			}
			expected := map[string]int{}
			for _, n := range names {
				expected[n] += want
			}
			for n, e := range expected {
				if g := count[n]; g < e || prefix == "latency_" && g != e || g > e+e/8 {
					t.Errorf("%s%s: %d %s, want %d", prefix, in.name, g, n, e)
				}
			}
			if len(others) > 0 {
				t.Errorf("%s%s: between two readings of the clock: %v", prefix, in.name, others)
			}
		}
	}
}

// TestBankCubins: the derived kernels differ from the original in registers and reuse flags of FFMAs only.
func TestBankCubins(t *testing.T) {
	cubins, err := bankCubins()
	if err != nil {
		t.Fatal(err)
	}
	for name, cubin := range cubins {
		c, err := isa.ReadCubin(cubin)
		if err != nil {
			t.Fatal(err)
		}
		code, err := c.KernelInsts(c.Kernel("banks"))
		if err != nil {
			t.Fatal(err)
		}
		banks := map[string]int{"three banks": 3, "two banks": 2, "one bank": 1, "one bank, two reused": 1}[name]
		n := 0
		for _, in := range code {
			if in.Op != isa.OpFFMA {
				continue
			}
			n++
			used := map[uint8]bool{}
			regs := map[uint8]bool{}
			for _, o := range in.Operands[1:4] {
				used[o.Reg%4] = true
				regs[o.Reg] = true
			}
			if len(used) != banks || len(regs) != 3 {
				t.Fatalf("%s: %s has %d banks and %d registers", name, in.String(), len(used), len(regs))
			}
		}
		if n != 256 {
			t.Errorf("%s: %d FFMAs, want 256", name, n)
		}
	}
}
