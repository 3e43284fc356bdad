package sim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"testing"

	"warpdrop/dropout"
	"warpdrop/sim"
	"warpdrop/workloads"
	"warpdrop/workloads/microbench"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew")

const goldenFile = "testdata/golden.json"

// golden is what a run must give to the last bit, however fast the simulator becomes.
type golden struct {
	Model, Kernels string // versions that the points below belong to
	Points         []goldenPoint
}

type goldenPoint struct {
	Name     string
	Cycles   int64
	Values   string // hash of what the run computed
	Counters sim.Counters
}

// TestGolden compares cycles, counters and values with those kept. A change of the model or of the kernels moves them:
// raise sim.ModelVersion or workloads.KernelVersion and run go test ./sim -run Golden -update.
func TestGolden(t *testing.T) {
	got := golden{Model: sim.ModelVersion, Kernels: workloads.KernelVersion}
	for _, method := range []dropout.Method{dropout.Dense, dropout.Masked, dropout.RDP, dropout.TDP} {
		got.Points = append(got.Points, goldenMLP(t, method, nil, 1))
	}
	for _, policy := range []string{"gto", "lrr", "two_level"} {
		got.Points = append(got.Points, goldenMLP(t, dropout.Masked, func(g *sim.GPU) { g.SM.Policy = policy }, 1))
	}
	got.Points = append(got.Points, goldenMLP(t, dropout.Dense, func(g *sim.GPU) { g.SM.DualIssue = false }, 1))
	got.Points = append(got.Points, goldenStreams(t, nil, 1)...)
	have, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	have = append(have, '\n')
	if *update {
		if err := os.WriteFile(goldenFile, have, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var want golden
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if want.Model != got.Model || want.Kernels != got.Kernels {
		t.Fatalf("%s belongs to model %s and kernels %s; these are %s and %s: run go test ./sim -run Golden -update",
			goldenFile, want.Model, want.Kernels, got.Model, got.Kernels)
	}
	if bytes.Equal(data, have) {
		return
	}
	for i, w := range want.Points {
		if i >= len(got.Points) || got.Points[i] == w {
			continue
		}
		g := got.Points[i]
		gj, _ := json.Marshal(g)
		wj, _ := json.Marshal(w)
		t.Errorf("%s: cycles %d, want %d; values equal: %v\n got %s\nwant %s", w.Name, g.Cycles, w.Cycles,
			g.Values == w.Values, gj, wj)
	}
	t.Errorf("results differ from %s, and neither the model's nor the kernels' version has changed", goldenFile)
}

// goldenMLP is one training iteration of a small network.
func goldenMLP(t *testing.T, method dropout.Method, change func(*sim.GPU), threads int) goldenPoint {
	t.Helper()
	gpu := goldenGPU(t)
	if change != nil {
		change(gpu)
	}
	spec := workloads.MLPSpec{Layers: []int{72, 160, 96, 10}, Batch: 48, Method: method, Rates: []float64{0.5, 0.5},
		LR: 0.01, Momentum: 0.9, Seed: 7}
	if method == dropout.RDP || method == dropout.TDP {
		spec.Patterns = []dropout.Pattern{{DP: 2, Bias: 1}, {DP: 3, Bias: 2}}
	}
	r, err := workloads.SimulateMLP(context.Background(), gpu, spec, workloads.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, set := range [][][]float32{r.State.Weights, r.State.Bias, r.State.WeightsV, r.State.BiasV} {
		for _, x := range set {
			for _, v := range x {
				h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
			}
		}
	}
	return point(fmt.Sprintf("mlp %s, policy %s, dual issue %v", method, gpu.SM.Policy, gpu.SM.DualIssue), r.Cycles,
		h.Sum(nil), r.Counters)
}

func goldenGPU(t *testing.T) *sim.GPU {
	t.Helper()
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	return gpu
}

// point leaves out the simulator's own work, which may change.
func point(name string, cycles int64, sum []byte, c sim.Counters) goldenPoint {
	c.SM.WarpsScanned = 0
	return goldenPoint{name, cycles, fmt.Sprintf("%x", sum[:8]), c}
}

// goldenStreams runs memory kernels: copies, scattered reads, transposes, atomics.
func goldenStreams(t *testing.T, change func(*sim.GPU), threads int) []goldenPoint {
	t.Helper()
	gpu := goldenGPU(t)
	if change != nil {
		change(gpu)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	dev.Threads = threads
	mod, err := dev.LoadModule(microbench.MemoryCubin())
	if err != nil {
		t.Fatal(err)
	}
	const words = 1 << 16
	in, err := dev.Malloc(4 * words)
	if err != nil {
		t.Fatal(err)
	}
	out, err := dev.Malloc(4 * words)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 4*words)
	for i := range words {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(i%1021)))
	}
	var points []goldenPoint
	for _, l := range []struct {
		kernel string
		cfg    sim.LaunchConfig
		args   []sim.Arg
	}{
		{"stream_copy", sim.LaunchConfig{Grid: sim.Dim3{X: 60}, Block: sim.Dim3{X: 256}},
			[]sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.I32(words / 4)}},
		{"stream_copy4", sim.LaunchConfig{Grid: sim.Dim3{X: 40}, Block: sim.Dim3{X: 96}},
			[]sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.I32(words - 5)}},
		{"stream_triad", sim.LaunchConfig{Grid: sim.Dim3{X: 28}, Block: sim.Dim3{X: 128}},
			[]sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.PtrArg(out), sim.F32(0.5), sim.I32(words / 4)}},
		{"read_random", sim.LaunchConfig{Grid: sim.Dim3{X: 30}, Block: sim.Dim3{X: 64}},
			[]sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.U32(words - 1), sim.I32(16)}},
		{"read_strided", sim.LaunchConfig{Grid: sim.Dim3{X: 30}, Block: sim.Dim3{X: 64}},
			[]sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.I32(9), sim.I32(words - 1), sim.I32(16)}},
		{"transpose_unpadded", sim.LaunchConfig{Grid: sim.Dim3{X: 8, Y: 8}, Block: sim.Dim3{X: 32, Y: 8}},
			[]sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.I32(256)}},
		{"transpose_padded", sim.LaunchConfig{Grid: sim.Dim3{X: 8, Y: 8}, Block: sim.Dim3{X: 32, Y: 8}},
			[]sim.Arg{sim.PtrArg(out), sim.PtrArg(in), sim.I32(256)}},
		{"atomic_add", sim.LaunchConfig{Grid: sim.Dim3{X: 30}, Block: sim.Dim3{X: 64}},
			[]sim.Arg{sim.PtrArg(out), sim.U32(15), sim.I32(8)}},
	} {
		if err := dev.Write(in, data); err != nil {
			t.Fatal(err)
		}
		k, err := mod.Kernel(l.kernel)
		if err != nil {
			t.Fatal(err)
		}
		r, err := dev.Launch(context.Background(), k, l.cfg, l.args...)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4*words)
		if err := dev.Read(out, got); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(got)
		points = append(points, point(l.kernel, r.Cycles, sum[:], r.Counters))
	}
	return points
}

// TestGoldenThreads: any number of simulating goroutines gives the same.
func TestGoldenThreads(t *testing.T) {
	one, five := goldenStreams(t, nil, 1), goldenStreams(t, nil, 5)
	for i := range one {
		if one[i] != five[i] {
			t.Errorf("%s: %+v on one thread, %+v on five", one[i].Name, one[i], five[i])
		}
	}
	if a, b := goldenMLP(t, dropout.Masked, nil, 1), goldenMLP(t, dropout.Masked, nil, 3); a != b {
		t.Errorf("%s: %+v on one thread, %+v on three", a.Name, a, b)
	}
}

// tightQueues leaves the memory system the least room it may have, and L1 a byte a cycle, so that it refuses accesses
// all the time.
func tightQueues(g *sim.GPU) {
	m := &g.Memory
	m.L1.Queue, m.L1.BytesPerClock, m.L1.MSHRs, m.L1.StoreQueue = 1, 1, 32, 32
	m.DRAM.ReadQueue, m.DRAM.WriteQueue, m.DRAM.WriteHigh, m.DRAM.WriteLow = 1, 2, 2, 1
}

// TestTightQueues: less room costs time; it changes no value and no count of what was asked for.
func TestTightQueues(t *testing.T) {
	var slower int64
	wide, tight, threads := goldenStreams(t, nil, 1), goldenStreams(t, tightQueues, 1), goldenStreams(t, tightQueues, 5)
	for i, w := range wide {
		g := tight[i]
		if g != threads[i] {
			t.Errorf("%s: %+v on one thread, %+v on five", w.Name, g, threads[i])
		}
		if g.Values != w.Values {
			t.Errorf("%s: other values with tight queues", w.Name)
		}
		slower += g.Cycles - w.Cycles
		a, b := &w.Counters.Memory, &g.Counters.Memory
		if a.LoadSectors != b.LoadSectors || a.StoreSectors != b.StoreSectors || a.AtomicSectors != b.AtomicSectors {
			t.Errorf("%s: sectors loaded, stored, atomic: %d, %d, %d; with tight queues %d, %d, %d",
				w.Name, a.LoadSectors, a.StoreSectors, a.AtomicSectors, b.LoadSectors, b.StoreSectors, b.AtomicSectors)
		}
	}
	if slower <= 0 {
		t.Errorf("all launches together take %d cycles more with tight queues: these are not tight", slower)
	}
}

// TestProfileChangesNothing: a profile makes the SMs issue one instruction at a time instead of runs of them.
func TestProfileChangesNothing(t *testing.T) {
	launch := func(profile bool) workloads.LaunchResult {
		run, err := workloads.Benches[0].Prepare(context.Background(), goldenGPU(t), 1)
		if err != nil {
			t.Fatal(err)
		}
		run.Device().Profile = profile
		r, err := run.Launch()
		if err != nil {
			t.Fatal(err)
		}
		r.Counters.SM.WarpsScanned = 0
		return *r
	}
	if with, without := launch(true), launch(false); with != without {
		t.Errorf("with a profile %+v, without %+v", with, without)
	}
}
