package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"warpdrop/sim"
)

func newGPUsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "gpus [NAME|FILE.yaml]",
		Short: "List the GPU presets, or print one with the source of each figure",
		Example: `  warpdrop gpus
  warpdrop gpus gtx1080ti > mine.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("gpus takes at most one preset, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 1 {
				g, err := sim.LoadGPU(args[0])
				if err != nil {
					return usageError{err}
				}
				if asJSON {
					return printJSON(out, g)
				}
				text, err := sim.PresetText(args[0])
				if err != nil {
					return err
				}
				_, err = out.Write(text)
				return err
			}
			var list []*sim.GPU
			for _, n := range sim.GPUs() {
				g, err := sim.LoadGPU(n)
				if err != nil {
					return err
				}
				list = append(list, g)
			}
			if asJSON {
				return printJSON(out, list)
			}
			t := newTable(out, "name", "chip", "arch", "SMs", "MHz", "peak TFLOP/s", "preset")
			for _, g := range list {
				t.Add(g.Name, g.Chip, fmt.Sprintf("sm_%d", g.Arch), g.SMs, g.CoreMHz, fmt.Sprintf("%.2f", g.PeakGFLOPS()/1e3),
					g.Hash()[:12])
			}
			return t.Render()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: one preset, or the list")
	return c
}
