package experiments

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"warpdrop/dropout"
	"warpdrop/workloads"
)

var _ = register(&work[GEMM]{
	About:    "Simulate one matrix product.",
	Versions: gemmVersions,
	Work:     gemmWork,
	Memory:   gemmMemory,
	Speed:    3e8, // multiply-adds
	Run:      runGEMM,
	Row: func(r *Row, s GEMM) {
		r.Workload, r.GPU, r.Method, r.Tile = "gemm", s.GPU, s.Method, s.Tile
		r.Network = productText(s.M, s.N, s.K, s.TA, s.TB)
		r.Pad = strconv.FormatBool(s.Pad)
		if s.Tensor {
			r.Network += "-tensor"
		}
		if s.method().HasDP() {
			r.DP = s.DP
		} else if s.usesRate() {
			r.Rates = []float64{s.Rate}
		}
	},
})

// GEMM is one product C[m x n] = A[m x k] B[k x n].
type GEMM struct {
	GPU    string  `json:"gpu" jsonschema:"default=gtx1080ti" jsonschema_description:"GPU preset by name, or a preset file."`
	M      int     `json:"m" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Rows of C."`
	N      int     `json:"n" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Columns of C."`
	K      int     `json:"k" need:"true" jsonschema:"minimum=1,maximum=65536" jsonschema_description:"Length of the sums."`
	TA     bool    `json:"ta" jsonschema:"default=false" jsonschema_description:"A is stored transposed."`
	TB     bool    `json:"tb" jsonschema:"default=false" jsonschema_description:"B is stored transposed."`
	Method string  `json:"method" need:"true" jsonschema:"enum=dense,enum=masked,enum=@patterns" jsonschema_description:"dense; masked = skipping by if-else; or a pattern: @patterns."`
	Rate   float64 `json:"rate" jsonschema:"minimum=0,exclusiveMaximum=1,default=0" jsonschema_description:"Dropout rate of the masked method and of patterns without a dp."`
	DP     int     `json:"dp" jsonschema:"minimum=1,maximum=65536,default=1" jsonschema_description:"Patterns with a dp: one row or tile in dp is kept."`
	Bias   int     `json:"bias" jsonschema:"minimum=1,default=1" jsonschema_description:"Patterns with a dp: offset of the pattern, 1 .. dp."`
	Of     int     `json:"of,omitempty" jsonschema:"minimum=0,maximum=64" jsonschema_description:"rows-k: k of every so many rows are kept; 0 = chosen."`
	Tile   int     `json:"tile" jsonschema:"minimum=0,maximum=128,default=0" jsonschema_description:"Edge of the tile; 0 = chosen for the shape."`
	Pad    bool    `json:"pad" jsonschema:"default=true" jsonschema_description:"Pad rows of shared memory against bank conflicts."`
	Tensor bool    `json:"tensor,omitempty" jsonschema_description:"On tensor cores: A and B hold halves, sums are FP32; dense and rdp, n and k multiples of 8."`
}

func (GEMM) Kind() string { return "gemm" }

func (g GEMM) method() dropout.Method { return dropout.Method(g.Method) }

// usesRate says whether the rate means something.
func (g GEMM) usesRate() bool {
	k := g.method().Kind()
	return g.method() == dropout.Masked || k != nil && !k.HasDP()
}

func (g GEMM) normal() Spec {
	if !g.method().HasDP() {
		g.DP, g.Bias = 1, 1
	}
	if !g.usesRate() {
		g.Rate = 0
	}
	if k := g.method().Kind(); k == nil || !k.HasOf {
		g.Of = 0
	}
	return g
}

func (g GEMM) check() (out []problem) {
	out = checkGPU(g.GPU)
	if bytes := 2 * g.Tile * g.Tile * 4; bytes > maxShared {
		out = append(out,
			problem{"tile",
				fmt.Sprintf(
					"tile of %d x %d takes %d bytes of shared memory for its two operands; allowed is up to %d bytes a block", g.Tile,
					g.Tile, bytes, maxShared)})
	}
	if len(out) > 0 {
		return out
	}
	spec := g.workload()
	if err := spec.Check(); err != nil {
		key, text, _ := strings.Cut(err.Error(), ": ")
		out = append(out, problem{key, text})
	}
	return out
}

func gemmVersions(_ *Host, s GEMM) (map[string]string, error) { return simVersions(s.GPU) }

// simpleCost is how many times as long as the tuned family the simple kernels take to simulate, by their tile: small
// ones read shared memory for every few multiply-adds. Measured on 1024 x 128 x 1024.
var simpleCost = map[int]float64{8: 14, 16: 7, 32: 3, 64: 1.1}

// gemmWork is the multiply-adds that are simulated, as many of the tuned family as take as long.
func gemmWork(g GEMM) float64 {
	work := float64(g.M) * float64(g.N) * float64(g.K) / float64(max(g.DP, 1))
	if g.method().Approximate() {
		work *= 1 - g.Rate
	}
	tile := g.Tile
	if g.method() == dropout.Masked && tile == 0 {
		tile = 32
	}
	if cost, ok := simpleCost[tile]; ok {
		work *= cost
	}
	return work
}

// gemmMemory is the matrices, on the device and on the host, and the simulator's own.
func gemmMemory(g GEMM) int64 {
	return (&workloads.GEMMSpec{M: g.M, N: g.N, K: g.K}).Memory() + 200<<20
}

// workload is the product that package workloads simulates.
func (g GEMM) workload() workloads.GEMMSpec {
	return workloads.GEMMSpec{M: g.M, N: g.N, K: g.K, TA: g.TA, TB: g.TB, Method: g.method(), Rate: g.Rate, DP: g.DP,
		Bias: g.Bias, Of: g.Of, Tile: g.Tile, Pad: g.Pad, Seed: 1, Tensor: g.Tensor}
}

func runGEMM(ctx context.Context, _ *Host, spec GEMM, threads int, progress func(float64)) (Result, error) {
	gpu, err := loadGPU(spec.GPU)
	if err != nil {
		return Result{}, err
	}
	got, err := workloads.SimulateGEMM(ctx, gpu, spec.workload(),
		workloads.Options{Threads: threads, Progress: func(done, total int) { progress(float64(done) / float64(total)) }})
	if err != nil {
		return Result{}, err
	}
	r := newSimResult(gpu)
	r.Coverage = "one product, launch overhead included, with the copy of kept rows where these are not evenly spaced; " +
		"rows that a pattern drops are not written"
	r.add(gpu, &got.IterationResult, 1)
	r.FLOP = 2 * float64(spec.M) * float64(spec.N) * float64(spec.K)
	r.finish(gpu)
	return Result{Sim: r}, nil
}

// productText names a product by its sizes and by whether its operands are transposed (t) or not (n).
func productText(m, n, k int, ta, tb bool) string {
	layout := map[bool]string{false: "n", true: "t"}
	return fmt.Sprintf("%dx%dx%d-%s%s", m, n, k, layout[ta], layout[tb])
}
