package main

import (
	"encoding/json"
	"fmt"

	"github.com/olekukonko/tablewriter"
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
		Use:   "microbench",
		Short: "Measure the simulated GPU's memory with kernels that read the clock",
		Long: `Measure the simulated GPU with the kernels that one measures a real one with: pointer chases, streams, strided and
random reads, shared-memory bank conflicts, transposes, atomics. The last columns say what is known of the GTX 1080 Ti.`,
		Example: `  warpdrop microbench
  warpdrop microbench --gpu mine.yaml --json`,
		Args: exactArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			gpu, err := sim.LoadGPU(gpuName)
			if err != nil {
				return usageError{err}
			}
			dev, err := sim.NewDevice(gpu)
			if err != nil {
				return usageError{err}
			}
			dev.Threads = threads
			rows, err := microbench.Memory(cmd.Context(), dev)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				e := json.NewEncoder(out)
				e.SetIndent("", "  ")
				return e.Encode(rows)
			}
			t := tablewriter.NewWriter(out)
			t.Header("measured", "case", "value", "unit", "known", "from")
			for _, r := range rows {
				known := ""
				if r.High > 0 {
					known = fmt.Sprintf("%.4g to %.4g", r.Low, r.High)
					if !r.Within() {
						known += " (outside)"
					}
				}
				if err := t.Append(r.Group, r.Case, fmt.Sprintf("%.1f", r.Value), r.Unit, known, r.From); err != nil {
					return err
				}
			}
			return t.Render()
		},
	}
	c.Flags().StringVar(&gpuName, "gpu", "gtx1080ti", "GPU preset, or a .yaml file")
	c.Flags().IntVar(&threads, "threads", 0, "goroutines that simulate; 0 = all processors")
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON list")
	return c
}
