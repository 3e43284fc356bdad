package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
)

func newCorrelateCommand() *cobra.Command {
	var (
		out, store, gpu, table     string
		n, seed, waves, whole      int
		within                     float64
		clock, jobs                int
		fit, asJSON, all, launches bool
	)
	c := &cobra.Command{
		Use:   "correlate FILE.yaml",
		Short: "Compare simulated kernels with their times on a real GPU",
		Long: `Correlate simulates a sample of the configurations that a table has measured times of, and sets both beside each other: errors,
correlations, the worst configurations with what their schedulers waited for, and the configuration that the simulator would pick.

FILE.yaml names the table and says how each of its rows is compiled and launched; docs/results/correlation.md describes it, and
workloads/measured has sets of a GTX 1080 Ti. The flags below replace what it says. Rows are drawn in equal numbers from all parts of
the range of measured times. With waves, only the first waves of blocks of each launch are simulated and the rest is extended; what
comes out is labelled as sampled, with its error. With within, a launch goes on, up to 64 waves, until that error is small enough.

Points are kept in the store: what was stopped goes on where it was, and a larger sample runs only what is new. The output folder gets
correlation.csv, correlation.json and correlation.svg, which shows a configuration's name under the pointer.
Exit code: 0, 1 if a configuration failed (the others are kept), 2 if the file was refused.`,
		Example: `  warpdrop correlate workloads/measured/convolution-gtx1080ti.yaml -n 20
  warpdrop correlate workloads/measured/pnpoly-gtx1080ti.yaml --waves 4 --json
  warpdrop correlate workloads/measured/gemm-gtx1080ti.yaml --gpu my.yaml --out out/my-gemm --store out/store`,
		Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			over := experiments.CorrelationOverride{GPU: gpu, Table: table}
			for _, f := range []struct {
				name  string
				value int
				to    **int
			}{{"rows", n, &over.N}, {"seed", seed, &over.Seed}, {"waves", waves, &over.Waves}, {"whole", whole, &over.Whole},
				{"clock", clock, &over.Clock}} {
				if cmd.Flags().Changed(f.name) {
					if f.value < 0 {
						return usagef("--%s is %d; allowed is 0 or more", f.name, f.value)
					}
					*f.to = &f.value
				}
			}
			if cmd.Flags().Changed("within") {
				if !(within >= 0 && within < 1) {
					return usagef("--within is %g; allowed is a share from 0 to below 1", within)
				}
				over.Within = &within
			}
			if cmd.Flags().Changed("fit-clock") {
				over.FitClock = &fit
			}
			if jobs < 0 {
				return usagef("--jobs is %d; allowed is 1 or more, or 0 for one a processor", jobs)
			}
			set, err := experiments.LoadCorrelation(args[0], over)
			if err != nil {
				return usageError{err}
			}
			if launches {
				return printJSON(cmd.OutOrStdout(), set.Launches())
			}
			if out == "" {
				out = filepath.Join("out", set.Name)
			}
			if store == "" {
				store = filepath.Join(out, experiments.StoreDir)
			}
			host := experiments.NewHost("")
			rows := set.Sample()
			points, err := experiments.Points(set.Specs(rows), host)
			if err != nil {
				return usageError{err}
			}
			err = experiments.CheckCorrelationOutput(out)
			var kept *experiments.Store
			if err == nil {
				kept, err = experiments.OpenStoreFor(store, points)
			}
			if errors.Is(err, experiments.ErrForeign) {
				return usageError{err}
			} else if err != nil {
				return err
			}
			kept.Sweep()
			host.SetStore(kept)
			bar := newProgress(cmd.ErrOrStderr(), experiments.NewPlan(points, host, kept))
			stored, runErr := experiments.Local{Worker: host, Jobs: jobs}.Execute(cmd.Context(), points, kept, bar.notify)
			bar.close()
			got, err := set.Correlate(rows, points, stored)
			if err != nil {
				return errors.Join(runErr, err)
			}
			if err := got.Write(out); err != nil {
				return errors.Join(runErr, err)
			}
			if asJSON {
				return errors.Join(runErr, printJSON(cmd.OutOrStdout(), got))
			}
			show := got.Worst(10)
			if all {
				show = got.Rows
			} else if len(show) > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "the %d configurations with the largest errors:\n", len(show))
			}
			if len(show) > 0 {
				if err := printTable(cmd.OutOrStdout(), got.Head(), got.Cells(show)); err != nil {
					return errors.Join(runErr, err)
				}
			}
			for _, line := range got.Lines() {
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(out, experiments.CorrelationSVG))
			return runErr
		},
	}
	f := c.Flags()
	f.IntVarP(&n, "rows", "n", 0, "rows of the table that are simulated, 0 for all (default: the file's)")
	f.IntVar(&seed, "seed", 0, "that draws the rows (default: the file's)")
	f.IntVar(&waves, "waves", 0,
		"waves of blocks of each launch that are simulated, 0 for all blocks (default: the file's)")
	f.Float64Var(&within, "within", 0,
		"double a launch's waves, up to 64, until its stated error is this share (default: the file's; 0: never)")
	f.IntVar(&whole, "whole", 0,
		"configurations that are simulated whole as well, to check the sampled ones (default: the file's)")
	f.IntVar(&clock, "clock", 0, "core clock in MHz, 0 for the preset's (default: the file's)")
	f.BoolVar(&fit, "fit-clock", false, "convert cycles to times at the clock that fits best (default: the file's)")
	f.StringVar(&table, "table", "", "CSV of measured times (default: the file's)")
	f.StringVar(&gpu, "gpu", "", "GPU preset or a preset file (default: the file's)")
	f.StringVar(&out, "out", "", "output folder (default out/NAME)")
	f.StringVar(&store, "store", "", "folder of finished points, may be shared (default OUT/store)")
	f.IntVar(&jobs, "jobs", 0, "configurations at once (default: one a processor)")
	f.BoolVar(&launches, "launches", false,
		"print the launches of the sample as JSON, for scripts/measure.py, and simulate nothing")
	f.BoolVar(&all, "all", false, "print all configurations and not only the worst ten")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}
