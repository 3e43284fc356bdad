package main

import (
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"warpdrop/internal/infile"
	"warpdrop/plots"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// maxTimesBytes bounds a table of measured times.
const maxTimesBytes = 64 << 20

// deepBenchReport is the object that `warpdrop gemm deepbench --json` prints.
type deepBenchReport struct {
	GPU            string         `json:"gpu"`
	ClockMHz       int            `json:"simulated_clock_mhz"`
	FittedMHz      float64        `json:"fitted_clock_mhz"`
	Rows           []deepBenchRow `json:"rows"`
	MeanError      float64        `json:"mean_absolute_error"`        // of all rows
	MeanErrorLarge float64        `json:"mean_absolute_error_nn_n64"` // of the N,N rows of n >= 64
	LargeRows      int            `json:"nn_n64_rows"`
}

type deepBenchRow struct {
	M          int     `json:"m"`
	N          int     `json:"n"`
	K          int     `json:"k"`
	Transposes string  `json:"transposes"`
	RealUS     float64 `json:"real_us"`
	TimeUS     float64 `json:"time_us"` // simulated cycles at the fitted clock
	Error      float64 `json:"error"`
	Cycles     float64 `json:"cycles_with_launch"`
	PeakShare  float64 `json:"peak_share"`
	BoundShare float64 `json:"bound_share"`
	Kernel     string  `json:"kernel"`
	Split      int     `json:"split"`
	Extended   int     `json:"extended_from_rows,omitempty"`
}

func newDeepBenchCommand() *cobra.Command {
	var (
		file, gpuName    string
		figure           string
		nn, full, asJSON bool
		clock, threads   int
	)
	c := &cobra.Command{
		Use:   "deepbench",
		Short: "Compare products with their times on a real GTX 1080 Ti",
		Long: `deepbench simulates the products that Baidu's DeepBench has timed on a real GTX 1080 Ti (column-major m, n, k, as cuBLAS takes
them) and prints real against simulated time. One core clock for all rows converts cycles to time; it is fitted to the rows
without transposes and with n >= 64.
Products above 8 GFLOP are simulated in part and extended, unless --full; the memory's clock is the preset's at any --clock.`,
		Example: "  warpdrop gemm deepbench --nn\n  warpdrop gemm deepbench --file products.csv --json",
		Args:    exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			gpu, err := sim.LoadGPU(gpuName)
			if err != nil {
				return usageError{err}
			}
			if clock < 100 || clock > 10000 {
				return usagef("--clock %d is not in 100..10000 MHz", clock)
			}
			rows := workloads.DeepBench()
			if file != "" {
				in, err := infile.Open(file, maxTimesBytes)
				if err != nil {
					return usageError{err}
				}
				defer in.Close()
				if rows, err = workloads.ReadMeasuredGEMMs(in); err != nil {
					return usageError{fmt.Errorf("%s: %w", file, err)}
				}
			}
			var timed []workloads.TimedGEMM
			for i, g := range rows {
				if nn && !g.Large() {
					continue
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: %d x %d x %d\n", i+1, len(rows), g.M, g.N, g.K)
				t, err := workloads.SimulateMeasured(cmd.Context(), workloads.AtClock(gpu, clock), g, full,
					workloads.Options{Threads: threads})
				if err != nil {
					return err
				}
				timed = append(timed, *t)
			}
			if len(timed) == 0 {
				return usagef("no product to run: with --nn the table needs one without transposes and with n >= 64")
			}
			rep := newDeepBenchReport(gpu, clock, timed)
			if figure != "" {
				if err := rep.plot(figure); err != nil {
					return err
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), rep)
			}
			return rep.print(cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&file, "file", "",
		"CSV with the columns m,n,k,transpose_a,transpose_b,time_ms instead of the built-in part of DeepBench's list")
	f.BoolVar(&nn, "nn", false, "only products without transposes and with n >= 64")
	f.BoolVar(&full, "full", false, "simulate all blocks of large products")
	f.IntVar(&clock, "clock", 1700, "core clock of the simulation, MHz")
	f.StringVar(&gpuName, "gpu", "gtx1080ti", "GPU preset or a preset file")
	f.IntVar(&threads, "threads", 0, "goroutines that simulate (0: one a core); changes no result")
	outputVar(f, &figure, "plot", "draw simulated against real times to this .png, .svg or .pdf file")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func newDeepBenchReport(gpu *sim.GPU, clock int, timed []workloads.TimedGEMM) deepBenchReport {
	r := deepBenchReport{GPU: gpu.Name, ClockMHz: clock, FittedMHz: workloads.FitClock(timed)}
	perCycle := gpu.PeakGFLOPS() * 1e3 / gpu.CoreMHz
	transposes := map[bool]string{false: "N", true: "T"}
	for i := range timed {
		t := &timed[i]
		e := t.TimeError(r.FittedMHz)
		r.Rows = append(r.Rows, deepBenchRow{M: t.M, N: t.N, K: t.K, Transposes: transposes[t.TA] + "," + transposes[t.TB],
			RealUS: t.MS * 1e3, TimeUS: t.Cycles / r.FittedMHz, Error: e, Cycles: t.Cycles,
			PeakShare: float64(t.FLOP()) / perCycle / t.Cycles, BoundShare: float64(t.Bounds.Cycles()) / t.Cycles,
			Kernel: t.Kernel, Split: t.Split, Extended: t.Extended})
		r.MeanError += math.Abs(e) / float64(len(timed))
		if t.Large() {
			r.MeanErrorLarge += math.Abs(e)
			r.LargeRows++
		}
	}
	r.MeanErrorLarge /= float64(max(r.LargeRows, 1))
	return r
}

// plot draws simulated times, at the fitted clock, against real ones.
func (r *deepBenchReport) plot(file string) error {
	var pairs []plots.Pair
	for _, row := range r.Rows {
		pairs = append(pairs, plots.Pair{Series: row.Transposes, Simulated: row.TimeUS / 1e6, Measured: row.RealUS / 1e6})
	}
	p, err := plots.Correlation(fmt.Sprintf("DeepBench products on %s at %.0f MHz", r.GPU, r.FittedMHz), pairs)
	if err != nil {
		return err
	}
	return plots.Save(p, file)
}

func (r *deepBenchReport) print(out io.Writer) error {
	t := newTable(out, "m x n x k", "transposes", "real us", "simulated us", "error", "of peak", "of bound",
		"kernel, split")
	for _, row := range r.Rows {
		kernel := fmt.Sprintf("%s, %d", row.Kernel, row.Split)
		if row.Extended > 0 {
			kernel += fmt.Sprintf(" (extended from %d rows)", row.Extended)
		}
		t.Add(fmt.Sprintf("%dx%dx%d", row.M, row.N, row.K), row.Transposes, fmt.Sprintf("%.0f", row.RealUS),
			fmt.Sprintf("%.1f", row.TimeUS), fmt.Sprintf("%+.1f %%", 100*row.Error), fmt.Sprintf("%.1f %%", 100*row.PeakShare),
			fmt.Sprintf("%.1f %%", 100*row.BoundShare), kernel)
	}
	if err := t.Render(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out,
		"fitted clock %.0f MHz (simulated at %d); mean absolute error %.1f %% of all %d rows, %.1f %% of the %d rows N,N "+
			"with n >= 64\n",
		r.FittedMHz, r.ClockMHz, 100*r.MeanError, len(r.Rows), 100*r.MeanErrorLarge, r.LargeRows)
	return err
}
