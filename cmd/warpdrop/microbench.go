package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

func newMicrobenchCommand() *cobra.Command {
	var (
		gpuName string
		threads int
		asJSON  bool
	)
	c := &cobra.Command{
		Use:   "microbench [sm] [memory]",
		Short: "Measure the simulated GPU with kernels that read the clock",
		Long: `Measure the simulated GPU with the kernels that one measures a real one with. The last columns say what is known of the
GTX 1080 Ti.

sm: latency and throughput of each class of instruction, register banks, dual issue, divergence.
memory: pointer chases, streams, strided and random reads, shared-memory bank conflicts, transposes, atomics.`,
		Example: `  warpdrop microbench
  warpdrop microbench sm
  warpdrop microbench --gpu mine.yaml --json`,
		Args: func(_ *cobra.Command, args []string) error {
			for _, a := range args {
				if a != "sm" && a != "memory" {
					return usagef("microbench: %q is not one of sm, memory", a)
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			gpu, err := sim.LoadGPU(gpuName)
			if err != nil {
				return usageError{err}
			}
			dev, err := sim.NewDevice(gpu)
			if err != nil {
				return usageError{err}
			}
			dev.Threads = threads
			var rows []microbench.Row
			for _, p := range []struct {
				name string
				run  func(context.Context, *sim.Device) ([]microbench.Row, error)
			}{{"sm", microbench.SM}, {"memory", microbench.Memory}} {
				if len(args) > 0 && !slices.Contains(args, p.name) {
					continue
				}
				r, err := p.run(cmd.Context(), dev)
				if err != nil {
					return err
				}
				rows = append(rows, r...)
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return printJSON(out, rows)
			}
			t := newTable(out, "measured", "case", "value", "unit", "known", "from")
			for _, r := range rows {
				known := ""
				if r.High > 0 {
					known = fmt.Sprintf("%.4g to %.4g", r.Low, r.High)
					if !r.Within() {
						known += " (outside)"
					}
				}
				t.Add(r.Group, r.Case, fmt.Sprintf("%.1f", r.Value), r.Unit, known, r.From)
			}
			return t.Render()
		},
	}
	c.Flags().StringVar(&gpuName, "gpu", "gtx1080ti", "GPU preset, or a .yaml file")
	c.Flags().IntVar(&threads, "threads", 0, "goroutines that simulate; 0 = all processors")
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON list")
	return c
}
