package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"warpdrop/experiments"
)

// correlateFlags is what stands beside the set's file.
type correlateFlags struct {
	out, store, gpu, table     string
	n, seed, waves, whole      int
	within                     float64
	clock, jobs                int
	fit, asJSON, all, launches bool
}

func newCorrelateCommand() *cobra.Command {
	var o correlateFlags
	c := &cobra.Command{
		Use:   "correlate FILE.yaml",
		Short: "Compare simulated kernels with their times on a real GPU",
		Long: `Correlate simulates a sample of the configurations that a table has measured times of, and sets both beside each other: errors,
correlations, the worst configurations with what their schedulers waited for, and the configuration that the simulator would pick.

FILE.yaml names the table and says how each of its rows is compiled and launched; docs/results/correlation.md describes it, and
workloads/measured has sets of a GTX 1080 Ti, an RTX 2070 Super and an A100. The flags below replace what it says. Rows
are drawn in equal numbers from all parts of the range of measured times. With waves, only the first waves of blocks of
each launch are simulated and the rest is extended; what comes out is labelled as sampled, with its error. With within,
a launch goes on, up to 64 waves, until that error is small enough.

Points are kept in the store: what was stopped goes on where it was, and a larger sample runs only what is new. The output folder gets
correlation.csv, correlation.json and correlation.svg, which shows a configuration's name under the pointer.
Exit code: 0, 1 if a configuration failed (the others are kept), 2 if the file was refused.`,
		Example: `  warpdrop correlate workloads/measured/convolution-gtx1080ti.yaml -n 20
  warpdrop correlate workloads/measured/pnpoly-gtx1080ti.yaml --waves 4 --json
  warpdrop correlate workloads/measured/gemm-gtx1080ti.yaml --gpu my.yaml --out out/my-gemm --store out/store`,
		Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			over, err := o.override(cmd.Flags())
			if err != nil {
				return err
			}
			set, err := experiments.LoadCorrelation(args[0], over)
			if err != nil {
				return usageError{err}
			}
			if o.launches {
				return printJSON(cmd.OutOrStdout(), set.Launches())
			}
			if o.out == "" {
				o.out = filepath.Join("out", set.Name)
			}
			if o.store == "" {
				o.store = filepath.Join(o.out, experiments.StoreDir)
			}
			return o.run(cmd, set)
		},
	}
	o.register(c.Flags())
	return c
}

func (o *correlateFlags) register(f *pflag.FlagSet) {
	f.IntVarP(&o.n, "rows", "n", 0, "rows of the table that are simulated, 0 for all (default: the file's)")
	f.IntVar(&o.seed, "seed", 0, "that draws the rows (default: the file's)")
	f.IntVar(&o.waves, "waves", 0,
		"waves of blocks of each launch that are simulated, 0 for all blocks (default: the file's)")
	f.Float64Var(&o.within, "within", 0,
		"double a launch's waves, up to 64, until its stated error is this share (default: the file's; 0: never)")
	f.IntVar(&o.whole, "whole", 0,
		"configurations that are simulated whole as well, to check the sampled ones (default: the file's)")
	f.IntVar(&o.clock, "clock", 0, "core clock in MHz, 0 for the preset's (default: the file's)")
	f.BoolVar(&o.fit, "fit-clock", false, "convert cycles to times at the clock that fits best (default: the file's)")
	f.StringVar(&o.table, "table", "", "CSV of measured times (default: the file's)")
	f.StringVar(&o.gpu, "gpu", "", "GPU preset or a preset file (default: the file's)")
	f.StringVar(&o.out, "out", "", "output folder (default out/NAME)")
	f.StringVar(&o.store, "store", "", "folder of finished points, may be shared (default OUT/store)")
	f.IntVar(&o.jobs, "jobs", 0, "configurations at once (default: one a processor)")
	f.BoolVar(&o.launches, "launches", false,
		"print the launches of the sample as JSON, for scripts/measure.py, and simulate nothing")
	f.BoolVar(&o.all, "all", false, "print all configurations and not only the worst ten")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object")
}

// override has the flags that were given.
func (o *correlateFlags) override(flags *pflag.FlagSet) (over experiments.CorrelationOverride, err error) {
	over.GPU, over.Table = o.gpu, o.table
	for _, f := range []struct {
		name  string
		value *int
		to    **int
	}{
		{"rows", &o.n, &over.N}, {"seed", &o.seed, &over.Seed}, {"waves", &o.waves, &over.Waves},
		{"whole", &o.whole, &over.Whole}, {"clock", &o.clock, &over.Clock},
	} {
		if flags.Changed(f.name) {
			if *f.value < 0 {
				return over, usagef("--%s is %d; allowed is 0 or more", f.name, *f.value)
			}
			*f.to = f.value
		}
	}
	if flags.Changed("within") {
		if !(o.within >= 0 && o.within < 1) {
			return over, usagef("--within is %g; allowed is a share from 0 to below 1", o.within)
		}
		over.Within = &o.within
	}
	if flags.Changed("fit-clock") {
		over.FitClock = &o.fit
	}
	if o.jobs < 0 {
		return over, usagef("--jobs is %d; allowed is 1 or more, or 0 for one a processor", o.jobs)
	}
	return over, nil
}

// run simulates the sample, writes the output folder and prints what came out.
func (o *correlateFlags) run(cmd *cobra.Command, set *experiments.Correlation) error {
	host := experiments.NewHost("")
	rows := set.Sample()
	points, err := experiments.Points(set.Specs(rows), host)
	if err != nil {
		return usageError{err}
	}
	err = experiments.CheckCorrelationOutput(o.out)
	var kept *experiments.Store
	if err == nil {
		kept, err = experiments.OpenStoreFor(o.store, points)
	}
	if errors.Is(err, experiments.ErrForeign) {
		return usageError{err}
	} else if err != nil {
		return err
	}
	kept.Sweep()
	host.SetStore(kept)
	bar := newProgress(cmd.ErrOrStderr(), experiments.NewPlan(points, host, kept))
	stored, runErr := experiments.Local{Worker: host, Jobs: o.jobs}.Execute(cmd.Context(), points, kept, bar.notify)
	bar.close()
	got, err := set.Correlate(rows, points, stored)
	if err == nil {
		err = got.Write(o.out)
	}
	if err == nil {
		err = o.print(cmd.OutOrStdout(), got)
	}
	return errors.Join(runErr, err)
}

func (o *correlateFlags) print(w io.Writer, got *experiments.Correlated) error {
	if o.asJSON {
		return printJSON(w, got)
	}
	show := got.Worst(10)
	if o.all {
		show = got.Rows
	} else if len(show) > 0 {
		fmt.Fprintf(w, "the %d configurations with the largest errors:\n", len(show))
	}
	if len(show) > 0 {
		if err := printTable(w, got.Head(), got.Cells(show)); err != nil {
			return err
		}
	}
	for _, line := range got.Lines() {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w, filepath.Join(o.out, experiments.CorrelationSVG))
	return nil
}
