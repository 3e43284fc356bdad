package workloads

import (
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// deepBench is a part of the SGEMM times that Baidu's DeepBench publishes of a GTX 1080 Ti (training results, cuBLAS 8;
// Apache-2.0, github.com/baidu-research/DeepBench).
//
//go:embed deepbench_gtx1080ti.csv
var deepBench string

// MeasuredGEMM is a product that was timed on the real GPU: matrices are column-major, as cuBLAS takes them.
type MeasuredGEMM struct {
	M, N, K int
	TA, TB  bool
	MS      float64 // milliseconds, launch included
}

// DeepBench returns the published times that come with Warpdrop.
func DeepBench() []MeasuredGEMM {
	rows, err := ReadMeasuredGEMMs(strings.NewReader(deepBench))
	if err != nil {
		panic(err) // embedded, and tested
	}
	return rows
}

// ReadMeasuredGEMMs reads a table with the columns m, n, k, transpose_a, transpose_b (N or T), time_ms.
func ReadMeasuredGEMMs(in io.Reader) ([]MeasuredGEMM, error) {
	r := csv.NewReader(in)
	r.Comment = '#'
	r.FieldsPerRecord = 6
	lines, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	var out []MeasuredGEMM
	for i, f := range lines {
		if i == 0 && f[0] == "m" {
			continue
		}
		var g MeasuredGEMM
		for j, to := range []*int{&g.M, &g.N, &g.K} {
			v, err := strconv.Atoi(f[j])
			if err != nil || v < 1 || v > maxSize {
				return nil, fmt.Errorf("record %d: size %q is not in 1..%d", i+1, f[j], maxSize)
			}
			*to = v
		}
		for j, to := range []*bool{&g.TA, &g.TB} {
			if f[3+j] != "N" && f[3+j] != "T" {
				return nil, fmt.Errorf("record %d: transpose %q is not N or T", i+1, f[3+j])
			}
			*to = f[3+j] == "T"
		}
		if g.MS, err = strconv.ParseFloat(f[5], 64); err != nil || !(g.MS > 0 && g.MS <= math.MaxFloat64) {
			return nil, fmt.Errorf("record %d: time %q is not a number of milliseconds above 0", i+1, f[5])
		}
		out = append(out, g)
	}
	return out, nil
}

// Spec is the product as SimulateGEMM takes it: the transpose of a column-major matrix is row-major, so C^T = B^T A^T.
func (g MeasuredGEMM) Spec() GEMMSpec {
	return GEMMSpec{M: g.N, N: g.M, K: g.K, TA: g.TB, TB: g.TA, Method: dropout.Dense, DP: 1, Bias: 1, Seed: 1, Warm: true}
}

// FLOP counts 2 a multiply-add.
func (g MeasuredGEMM) FLOP() int64 { return 2 * int64(g.M) * int64(g.N) * int64(g.K) }

// TimedGEMM is the simulation of a MeasuredGEMM.
type TimedGEMM struct {
	MeasuredGEMM
	Kernel   string
	Split    int
	Cycles   float64 // with launch overhead
	Bounds   GEMMBounds
	Extended int // rows of C of the larger part that was simulated, the time being extended from it; 0 = all
}

// extendAbove is the number of operations above which SimulateMeasured does not simulate all blocks.
const extendAbove = 8e9

// SimulateMeasured simulates the product, the second of two launches as DeepBench times many. Of a large one, unless
// full is set, parts of one and of two rounds of blocks are simulated with the kernel that was chosen for the whole,
// and the time is extended by what the second round took.
func SimulateMeasured(ctx context.Context, gpu *sim.GPU, g MeasuredGEMM, full bool, opt Options) (*TimedGEMM, error) {
	spec := g.Spec()
	if full || float64(g.FLOP()) < extendAbove {
		spec.Warm = float64(g.FLOP()) < extendAbove
		r, err := SimulateGEMM(ctx, gpu, spec, opt)
		if err != nil {
			return nil, err
		}
		return &TimedGEMM{MeasuredGEMM: g, Kernel: r.Kernel, Split: r.Split, Cycles: float64(r.Cycles), Bounds: r.Bounds}, nil
	}
	// The choice depends on sizes and strides only: no device is needed for it.
	p := product{RowMajor(0, spec.N), RowMajor(0, spec.K), RowMajor(0, spec.N), spec.M, spec.N, spec.K, 1, 0}
	if spec.TA {
		p.a = RowMajor(0, spec.M).T()
	}
	if spec.TB {
		p.b = RowMajor(0, spec.K).T()
	}
	whole := choose(gpu, p, nil)
	high, wide := whole.shape.bm, whole.shape.bn
	if whole.p.m != spec.M {
		high, wide = wide, high
	}
	// One and two rounds, filled by as many columns of blocks as possible, at most as many as SMs.
	slots := gpu.SMs * whole.shape.blocksAtOnce(whole.p)
	columns := min(ceil(spec.N, wide), gpu.SMs)
	for columns > 0 && slots%(columns*whole.split) != 0 {
		columns--
	}
	stripes := slots / max(columns*whole.split, 1)
	if columns == 0 || 2*stripes*high >= spec.M {
		return SimulateMeasured(ctx, gpu, g, true, opt)
	}
	all := float64(ceil(ceil(spec.M, high)*ceil(spec.N, wide)*whole.split, gpu.SMs)) /
		float64(whole.shape.blocksAtOnce(whole.p))
	var cycles [2]float64
	t := &TimedGEMM{MeasuredGEMM: g}
	for i := range cycles {
		part := spec
		part.M, part.N = (i+1)*stripes*high, min(columns*wide, spec.N)
		t.Extended = part.M
		run, err := newGEMMRun(ctx, gpu, &part, opt.Threads)
		if err != nil {
			return nil, err
		}
		pp, _ := run.product()
		if whole.p.m != spec.M {
			pp = pp.transposed()
		}
		forced := newPlan(pp, whole.shape, whole.split)
		res, _ := run.run(&forced)
		if run.err != nil {
			return nil, run.err
		}
		if err := run.compare().check(res.Kernel); err != nil {
			return nil, err
		}
		cycles[i] = float64(res.Cycles + res.OverheadCycles)
		t.Kernel, t.Split = res.Kernel, whole.split
	}
	t.Cycles = cycles[1] + (all-2)*(cycles[1]-cycles[0])
	run := gemmRun{runner: &runner{dev: &sim.Device{GPU: gpu}}, s: &spec, kept: spec.selection()}
	t.Bounds = run.bounds()
	if t.Cycles < float64(t.Bounds.Cycles()) {
		return nil, fmt.Errorf("%dx%dx%d: %.0f cycles, extended from %d rows, are less than the bound of %d",
			g.M, g.N, g.K, t.Cycles, t.Extended, t.Bounds.Cycles())
	}
	return t, nil
}

// AtClock is the GPU with another core clock, its memory's clock unchanged.
func AtClock(gpu *sim.GPU, mhz int) *sim.GPU {
	g := *gpu
	d := &g.Memory.DRAM
	memory := gpu.CoreMHz * float64(d.ClockNum) / float64(d.ClockDen)
	g.CoreMHz, d.ClockNum, d.ClockDen = float64(mhz), int64(math.Round(memory)), int64(mhz)
	return &g
}

// Large reports whether the row is one that the clock is fitted to: no transposes, n >= 64.
func (g MeasuredGEMM) Large() bool { return !g.TA && !g.TB && g.N >= 64 }

// FitClock returns the core clock in MHz at which the simulated cycles differ least from the measured times: the sum of
// the sizes of the relative errors of the Large rows, or of all where none is, is smallest.
func FitClock(rows []TimedGEMM) float64 {
	fitted := make([]*TimedGEMM, 0, len(rows))
	for i := range rows {
		if rows[i].Large() {
			fitted = append(fitted, &rows[i])
		}
	}
	if len(fitted) == 0 {
		for i := range rows {
			fitted = append(fitted, &rows[i])
		}
	}
	cycles, us := make([]float64, len(fitted)), make([]float64, len(fitted))
	for i, r := range fitted {
		cycles[i], us[i] = r.Cycles, r.MS*1e3
	}
	return BestClock(cycles, us)
}

// BestClock returns the core clock in MHz at which so many cycles differ least from measured microseconds: the sum of
// the sizes of the relative errors is smallest.
func BestClock(cycles, us []float64) float64 {
	best, least := 0.0, math.Inf(1)
	for i := range cycles { // the sum has its least value where one error is zero
		clock := cycles[i] / us[i]
		sum := 0.0
		for j := range cycles {
			sum += math.Abs(cycles[j]/clock/us[j] - 1)
		}
		if sum < least {
			best, least = clock, sum
		}
	}
	return best
}

// TimeError is the simulated time's relative error at a core clock in MHz; negative where simulated is faster.
func (t *TimedGEMM) TimeError(mhz float64) float64 { return t.Cycles/(mhz*1e3)/t.MS - 1 }
