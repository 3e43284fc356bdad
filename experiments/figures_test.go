package experiments

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"warpdrop/plots"
	"warpdrop/plots/golden"
	"warpdrop/sim/energy"
)

var (
	update  = flag.Bool("update", false, "write the golden images anew")
	fixture = flag.Bool("fixture", false,
		"write the stored points that the golden images are drawn from anew; then -update")
)

// fixtures are the experiments whose stored points the golden images are drawn from, and the figures that each shows.
// Their numbers are made up (madeUp): they show how figures look, and nothing about any GPU.
var fixtures = []struct {
	name, points string
	figures      []string
}{
	{"rates", `
  - mlp: {hidden: [2048, 2048]}
    sweep: {rates: [[0.3, 0.3], [0.5, 0.5], [0.7, 0.7]], method: [dense, rdp, tdp]}
  - train-mlp: {hidden: [2048, 2048], epochs: 8}
    sweep: {rates: [[0.3, 0.3], [0.5, 0.5], [0.7, 0.7]], method: [dense, rdp, tdp], seed: [1, 2, 3]}
`, []string{"speedup-rate", "accuracy", "parts", "distribution"}},
	{"networks", `
  - mlp: {rates: [0.7, 0.7]}
    sweep: {hidden: [[1024, 64], [1024, 1024], [2048, 2048], [4096, 4096]], method: [dense, rdp, tdp]}
`, []string{"speedup-network"}},
	{"methods", `
  - mlp: {hidden: [512, 512], rates: [0.5, 0.5]}
    sweep: {method: [dense, masked, rdp, tdp]}
  - train-mlp: {hidden: [512, 512], rates: [0.5, 0.5], epochs: 8}
    sweep: {method: [dense, rdp, tdp], seed: [1, 2]}
`, []string{"convergence", "stalls", "roofline", "timeline"}},
	{"energy", `
  - mlp: {hidden: [512, 512], rates: [0.5, 0.5]}
    sweep: {method: [dense, masked, rdp, tdp]}
`, []string{"energy", "energy-parts"}},
	{"text", `
  - lstm: {layers: 3, hidden: 1500, rates: [0.5, 0.5, 0.5]}
    sweep: {batch: [20, 25, 30, 35, 40], method: [dense, rdp]}
  - train-lstm: {layers: 3, hidden: 1500, rates: [0.5, 0.5, 0.5]}
    sweep: {batch: [20, 25, 30, 35, 40], method: [dense, rdp], seed: [1, 2]}
`, []string{"speedup-batch", "perplexity-batch", "trade-off-perplexity"}},
	{"text-rates", `
  - train-lstm: {layers: 2, hidden: 1500}
    sweep: {rates: [[0.3, 0.3], [0.5, 0.5], [0.7, 0.7]], method: [dense, rdp, tdp]}
`, []string{"perplexity-rate"}},
	{"divergent", `
  - gemm: {m: 2048, n: 128, k: 2048}
    sweep: {method: [dense, masked], rate: [0.1, 0.3, 0.5, 0.7, 0.9]}
  - gemm: {m: 2048, n: 128, k: 2048}
    sweep: {method: [rdp, tdp], dp: [1, 2, 3, 4, 5, 6, 7, 8]}
`, []string{"divergence", "cycles-dp", "correlation"}},
	{"tiles", `
  - gemm: {m: 2048, n: 128, k: 2048}
    sweep: {tile: [8, 16, 32, 64], pad: [true, false], method: [dense, tdp], dp: [2, 8]}
`, []string{"conflicts-tile", "cycles-tile"}},
	{"optimum", `
  - mlp: {hidden: [1024, 1024], rates: [0.5, 0.5], method: tdp}
    sweep: {tile: [8, 16, 32, 64], patterns: [4, 8]}
  - mlp: {hidden: [1024, 1024], rates: [0.5, 0.5], method: dense}
  - train-mlp: {hidden: [1024, 1024], rates: [0.5, 0.5], method: tdp}
    sweep: {tile: [8, 16, 32, 64], patterns: [4, 8], seed: [1, 2]}
  - train-mlp: {hidden: [1024, 1024], rates: [0.5, 0.5], method: dense}
`, []string{"trade-off", "accuracy-tile", "sub-models-tile"}},
	{"choice", `
  - train-mlp: {hidden: [512, 512], rates: [0.5, 0.5]}
    sweep: {method: [dense, rdp, tdp, rows-k, rows-random, rows-slice, tiles-random], seed: [1, 2]}
  - train-lstm: {layers: 2, hidden: 200, rates: [0.5, 0.5]}
    sweep: {method: [dense, rdp, tdp, rows-k, rows-random, rows-slice, tiles-random], seed: [1, 2]}
`, []string{"sub-models", "sub-models-perplexity", "kept-share", "kept-share-perplexity"}},
	{"presets", `
  - mlp: {hidden: [512, 512], rates: [0.5, 0.5]}
    sweep: {gpu: [gtx1080ti, gtx1080, p4, gtx980], method: [dense, rdp, tdp]}
`, []string{"gpus"}},
	{"memory", `
  - microbench: {}
`, []string{"latency"}},
}

// madeUp computes smooth numbers, a little off by the spec's text.
type madeUp struct{ fake }

func (*madeUp) Run(_ context.Context, s Spec, _ int, _ func(float64)) (Result, error) {
	h := fnv.New32a()
	h.Write([]byte(specText(s)))
	off := float64(h.Sum32()%1000)/1000 - 0.5 // -0.5 to 0.5
	simulated := func(d Dropping, macs, batch float64) *SimResult {
		keep, conflicts := 1.0, 0.1
		for _, x := range d.Rates {
			if d.approximate() {
				keep *= math.Pow(1-0.7*x, 1/float64(len(d.Rates)))
			}
		}
		r := &SimResult{Parts: map[string]float64{}, Counters: map[string]float64{},
			Peak:     map[string]float64{"core_hz": 1.58e9, "flop_per_cycle": 7168, "dram_bytes_per_cycle": 306},
			Coverage: "made up"}
		if d.Method == "masked" {
			keep = 1.3
		}
		if d.Method == "tdp" {
			keep *= 1.1
			conflicts = 0.4
		}
		each := macs * batch / 2500 * keep
		r.Parts = map[string]float64{"gemm_forward": each, "gemm_backward_data": each * 0.9,
			"gemm_backward_weights": each * 1.2, "update": macs / 20, "activation": batch * 60, "copy": macs / 300, "loss": 9000,
			"mask": batch * 80}
		for name, cycles := range r.Parts {
			r.Cycles += cycles
			flop := 2 * macs * batch * keep
			if !strings.HasPrefix(name, "gemm") {
				flop = macs / 10
			}
			r.Kernels = append(r.Kernels, KernelResult{Name: strings.TrimPrefix(name, "gemm_") + "_64x64", Part: name,
				Launches: 1, Cycles: cycles, FLOP: flop, DRAMBytes: macs * 8})
		}
		r.Cycles *= 1 + 0.02*off
		r.Low, r.High, r.TimeUS = r.Cycles*0.98, r.Cycles*1.02, r.Cycles/1582
		if d.approximate() && len(d.Rates) > 0 {
			found, _ := findDistribution(d.Rates[0], d.Patterns, "exact", 0.9)
			r.Distribution = []SearchResult{*found, *found}
		} else {
			r.Low, r.High = r.Cycles, r.Cycles
		}
		x := r.Cycles
		r.Counters = map[string]float64{"shared_accesses": x, "shared_bank_conflicts": x * conflicts,
			"divergent_branches": 90, "warp_instructions": 9 * x, "thread_instructions": 270 * x, "issue_cycles": 40 * x,
			"stall_memory": 20 * x, "stall_shared": 7 * x, "stall_stall_count": 12 * x, "stall_no_warp": 15 * x,
			"stall_block_barrier": 6 * x, "stall_memory_queue": 3 * x, "stall_constant": 0.1 * x, "stall_branch": 2 * x * keep}
		return r
	}
	trained := func(d Dropping, best float64) *TrainResult {
		r := &TrainResult{Accuracy: best + 0.002*off, SubModels: 400 / float64(max(d.Tile, 1)), BLAS: "made up"}
		if d.Method == "tdp" {
			r.Accuracy -= 0.0001 * float64(d.Tile)
		}
		for i := 1; i <= 8; i++ {
			r.Trace = append(r.Trace, TracePoint{Iteration: 469 * i, Accuracy: r.Accuracy - 0.08*math.Exp(-float64(i)/2)})
		}
		return r
	}
	switch s := s.(type) {
	case MLP:
		r := simulated(s.Dropping, mlpSize(s.Perceptron), float64(s.Batch))
		if s.GPU != "gtx1080ti" {
			r.Cycles *= 1.4 - 0.1*off
		}
		r.Cycles *= 1 + 0.2/float64(s.Tile) + 0.004*float64(s.Patterns)
		r.Low, r.High = r.Cycles*0.98, r.Cycles*1.02
		for _, part := range slices.Sorted(maps.Keys(r.Parts)) {
			r.Timeline = append(r.Timeline, TimelineLaunch{part + " 1", part + "_64x64", part, r.Parts[part]})
		}
		r.Energy, r.EnergyParts = map[string]float64{}, map[string]float64{}
		for i, name := range energy.PartNames {
			r.Energy[name] = r.Cycles / 1e6 * 20 / float64(i+1)
			for part, cycles := range r.Parts {
				r.EnergyParts[part] += r.Energy[name] * cycles / r.Cycles
			}
		}
		return Result{Sim: r}, nil
	case LSTM:
		return Result{Sim: simulated(s.Dropping, 1500*1500*24, float64(s.Batch))}, nil
	case GEMM:
		d := Dropping{Method: s.Method, Tile: 32}
		r := simulated(d, float64(s.M)*float64(s.K)/4, float64(s.N))
		switch s.Method {
		case "rdp", "tdp":
			r.Cycles *= 1/float64(s.DP) + 0.05
		case "masked":
			r.Cycles *= 1.5 - 0.6*s.Rate*s.Rate
		}
		if s.Tile > 0 {
			r.Cycles *= 1 + 8/float64(s.Tile)
			r.Counters["shared_bank_conflicts"] = r.Counters["shared_accesses"] * 8 / float64(s.Tile)
			if !s.Pad {
				r.Counters["shared_bank_conflicts"] *= 2
			}
		}
		r.Low, r.High, r.TimeUS = r.Cycles, r.Cycles, r.Cycles/1582
		r.MeasuredUS, r.MeasuredFrom = r.TimeUS*(1+0.5*off), "nowhere"
		return Result{Sim: r}, nil
	case TrainMLP:
		return Result{Train: trained(s.Dropping, 0.985-0.01*s.Rates[0]*s.Rates[0])}, nil
	case TrainLSTM:
		r := trained(s.Dropping, 0.28)
		r.Perplexity = 80 + 30*s.Rates[0] + 0.3*float64(s.Batch) + 4*off
		if s.Method == "rdp" {
			r.Perplexity += 3
		}
		return Result{Train: r}, nil
	case Microbench:
		r := &MicroResult{}
		for _, kib := range []float64{4, 16, 24, 32, 64, 256, 1024, 2112, 4224, 8448} {
			cycles := 82.0
			if kib > 24 {
				cycles = 216
			}
			if kib > 2816 {
				cycles = 460
			}
			r.Rows = append(r.Rows, MicroRow{Group: "latency: chase_cached", Case: fmt.Sprintf("%g KiB", kib),
				Value: cycles + 4*off, Unit: "cycles", Low: cycles * 0.95, High: cycles * 1.05})
		}
		return Result{Micro: r}, nil
	}
	return Result{}, fmt.Errorf("%s has no made-up result", s.Kind())
}

// fixtureOf reads a fixture as an output folder, or writes it with -fixture.
func fixtureOf(t *testing.T, name, points string) *Results {
	t.Helper()
	dir := filepath.Join("testdata", "figures", name)
	if *fixture {
		paper := ""
		if p := map[string]string{"rates": "fig4", "networks": "table1"}[name]; p != "" {
			paper = "\npaper: " + p
		}
		e := mustParse(t, "name: "+name+"\ntitle: Made-up numbers"+paper+"\npoints:"+points)
		bound, err := Points(e.Specs("small"), &madeUp{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		store, err := OpenStore(filepath.Join(dir, StoreDir))
		if err != nil {
			t.Fatal(err)
		}
		stored, err := execute(t.Context(), bound, &madeUp{}, store, runOptions{Put: func(p *Stored) error {
			p.Timing = Timing{}
			return store.Put(p)
		}})
		if err != nil {
			t.Fatal(err)
		}
		m := NewResults(e, "small", bound, stored).Manifest("test", StoreDir)
		m.Host, m.Written, m.Revision = "", "", ""
		if err := errors.Join(writeJSON(filepath.Join(dir, ManifestName), m),
			os.WriteFile(filepath.Join(dir, SourceName), e.Source, 0o644),
			os.RemoveAll(filepath.Join(dir, StoreDir, "claims"))); err != nil {
			t.Fatal(err)
		}
	}
	r, _, err := ReadOutput(dir)
	if err != nil {
		t.Fatalf("%v; write it with -fixture", err)
	}
	if len(r.Missing) > 0 {
		t.Fatalf("%s: %s", dir, r.missingText(3))
	}
	return r
}

// TestGoldenFigures draws every figure from stored points and compares it with its golden image.
func TestGoldenFigures(t *testing.T) {
	drawn := map[string]bool{}
	for _, f := range fixtures {
		r := fixtureOf(t, f.name, f.points)
		for _, figure := range Figures {
			if !strings.Contains(" "+strings.Join(f.figures, " ")+" ", " "+figure.Name+" ") {
				continue
			}
			drawn[figure.Name] = true
			p, err := figure.Draw(r)
			if err != nil {
				t.Errorf("%s from %s: %v", figure.Name, f.name, err)
				continue
			}
			got, err := plots.Render(p, "png")
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, got, filepath.Join("testdata", "figures", figure.Name+".png"), *update)
		}
	}
	for _, name := range FigureNames() {
		if !drawn[name] {
			t.Errorf("figure %s has no golden image; add it to a fixture", name)
		}
	}
}
