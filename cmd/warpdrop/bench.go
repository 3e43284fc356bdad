package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"warpdrop/sim"
	"warpdrop/workloads"
)

// benchRow is what the simulator took for one kernel on one number of threads: medians over the repeats.
type benchRow struct {
	Kernel           string  `json:"kernel"`
	Threads          int     `json:"threads"`
	WarpInstructions int64   `json:"warp_instructions"` // a launch
	Cycles           int64   `json:"cycles_with_launch"`
	Seconds          float64 `json:"seconds"`     // wall clock
	CPUSeconds       float64 `json:"cpu_seconds"` // user time of the process; 0 where the system does not tell
	Rate             float64 `json:"warp_instructions_per_second"`
	CPURate          float64 `json:"warp_instructions_per_cpu_second"`
	CyclesPerSecond  float64 `json:"cycles_per_second"`
	Bytes            int64   `json:"bytes_per_launch"` // allocated
	Allocs           int64   `json:"allocs_per_launch"`

	runs []benchRow // the repeats
}

func newBenchCommand() *cobra.Command {
	var (
		gpuName, format string
		kernels         []string
		threads         []int
		count           int
		asJSON          bool
		functional      bool
	)
	var list strings.Builder
	var names []string
	for i := range workloads.Benches {
		b := &workloads.Benches[i]
		names = append(names, b.Name)
		fmt.Fprintf(&list, "  %-20s %s\n", b.Name, b.Doc)
	}
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast the simulator is",
		Long: `Measure how fast the simulator is: warp instructions and GPU cycles simulated a second, memory allocated a launch. Each figure
is the median of repeated launches after one that does not count.

` + list.String() + `
On a machine that does other work besides, cpu_seconds (user time) tells more than the clock on the wall does.`,
		Example: `  warpdrop bench
  warpdrop bench --kernels sgemm-4096x128x4096 --threads 1 --json
  warpdrop bench --format go --count 10 > new.txt   # for benchstat old.txt new.txt`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				format = "json"
			}
			if !slices.Contains([]string{"table", "json", "go"}, format) {
				return usagef("--format: %q is not one of table, json, go", format)
			}
			if count < 1 || count > 1000 {
				return usagef("--count: %d is not in 1..1000", count)
			}
			for _, k := range kernels {
				if !slices.Contains(names, k) {
					return usagef("--kernels: %q is not one of %s", k, strings.Join(names, ", "))
				}
			}
			for _, n := range threads {
				if n < 1 || n > 1024 {
					return usagef("--threads: %d is not in 1..1024", n)
				}
			}
			gpu, err := sim.LoadGPU(gpuName)
			if err != nil {
				return usageError{err}
			}
			var rows []benchRow
			for i := range workloads.Benches {
				b := &workloads.Benches[i]
				if len(kernels) == 0 && b.Long || len(kernels) > 0 && !slices.Contains(kernels, b.Name) {
					continue
				}
				for _, n := range threads {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s on %d threads\n", b.Name, n)
					row, err := bench(cmd.Context(), gpu, b, n, count, functional)
					if err != nil {
						return err
					}
					rows = append(rows, row)
				}
			}
			return printBench(cmd.OutOrStdout(), format, rows)
		},
	}
	c.Flags().StringVar(&gpuName, "gpu", "gtx1080ti", "GPU preset, or a .yaml file")
	c.Flags().StringSliceVar(&kernels, "kernels", nil, "kernels, separated by commas (default all that are quick)")
	c.Flags().IntSliceVar(&threads, "threads", []int{1, 2}, "numbers of goroutines that simulate, separated by commas")
	c.Flags().IntVar(&count, "count", 3, "launches whose median counts")
	c.Flags().StringVar(&format, "format", "table", "table, json or go (Go's benchmark format, for benchstat)")
	c.Flags().BoolVar(&functional, "functional", false, "compute values only: no cycles")
	c.Flags().BoolVar(&asJSON, "json", false, "the same as --format json")
	return c
}

// bench launches b count times.
func bench(ctx context.Context, gpu *sim.GPU, b *workloads.Bench, threads, count int,
	functional bool) (benchRow, error) {
	run, err := b.Prepare(ctx, gpu, threads)
	if err != nil {
		return benchRow{}, err
	}
	run.Device().Functional = functional
	if _, err := run.Launch(); err != nil {
		return benchRow{}, err
	}
	var runs []benchRow
	for range count {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		cpu, start := cpuSeconds(), time.Now()
		l, err := run.Launch()
		if err != nil {
			return benchRow{}, err
		}
		r := benchRow{Kernel: b.Name, Threads: threads, WarpInstructions: l.Counters.SM.WarpInstructions, Cycles: l.Cycles,
			Seconds: time.Since(start).Seconds(), CPUSeconds: cpuSeconds() - cpu}
		runtime.ReadMemStats(&after)
		r.Bytes, r.Allocs = int64(after.TotalAlloc-before.TotalAlloc), int64(after.Mallocs-before.Mallocs)
		if len(runs) > 0 && (r.WarpInstructions != runs[0].WarpInstructions) {
			return benchRow{}, errors.New(b.Name + ": two launches of the same differ in their instructions")
		}
		r.Rate = float64(r.WarpInstructions) / r.Seconds
		r.CyclesPerSecond = float64(r.Cycles) / r.Seconds
		if r.CPUSeconds > 0 {
			r.CPURate = float64(r.WarpInstructions) / r.CPUSeconds
		}
		runs = append(runs, r)
	}
	m := runs[0]
	m.Seconds = medianOf(runs, func(r *benchRow) float64 { return r.Seconds })
	m.CPUSeconds = medianOf(runs, func(r *benchRow) float64 { return r.CPUSeconds })
	m.Rate = medianOf(runs, func(r *benchRow) float64 { return r.Rate })
	m.CPURate = medianOf(runs, func(r *benchRow) float64 { return r.CPURate })
	m.CyclesPerSecond = medianOf(runs, func(r *benchRow) float64 { return r.CyclesPerSecond })
	m.Bytes = int64(medianOf(runs, func(r *benchRow) float64 { return float64(r.Bytes) }))
	m.Allocs = int64(medianOf(runs, func(r *benchRow) float64 { return float64(r.Allocs) }))
	m.runs = runs
	return m, nil
}

func medianOf(runs []benchRow, f func(*benchRow) float64) float64 {
	var x []float64
	for i := range runs {
		x = append(x, f(&runs[i]))
	}
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

func printBench(out io.Writer, format string, rows []benchRow) error {
	switch format {
	case "json":
		return printJSON(out, rows)
	case "go":
		fmt.Fprintf(out, "goos: %s\ngoarch: %s\npkg: warpdrop/workloads\n", runtime.GOOS, runtime.GOARCH)
		for _, row := range rows {
			for _, r := range row.runs {
				if _,
					err := fmt.Fprintf(out,
					"BenchmarkSimulate/%s/threads=%d \t1\t%.0f ns/op\t%.0f warpinst/s\t%.0f warpinst/cpu-s\t%.0f cycles/s\t%d "+
						"B/op\t%d allocs/op\n",
					r.Kernel, r.Threads, r.Seconds*1e9, r.Rate, r.CPURate, r.CyclesPerSecond, r.Bytes, r.Allocs); err != nil {
					return err
				}
			}
		}
		return nil
	}
	t := newTable(out, "kernel", "threads", "warp instructions", "with launch", "seconds", "CPU seconds", "million/s",
		"million/CPU s", "kcycles/s", "KiB", "allocations")
	for _, r := range rows {
		t.Add(r.Kernel, r.Threads, r.WarpInstructions, r.Cycles, fmt.Sprintf("%.3f", r.Seconds),
			fmt.Sprintf("%.3f", r.CPUSeconds), fmt.Sprintf("%.2f", r.Rate/1e6), fmt.Sprintf("%.2f", r.CPURate/1e6),
			fmt.Sprintf("%.1f", r.CyclesPerSecond/1e3), r.Bytes>>10, r.Allocs)
	}
	return t.Render()
}
