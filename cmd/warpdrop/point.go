package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
)

func newPointCommand() *cobra.Command {
	var f experimentFlags
	var report reportFlags
	c := &cobra.Command{
		Use:   "point FILE POINT",
		Short: "Run one point of an experiment and store it",
		Long: "Point runs one point, named by its number (1 and up, in the order of plan) or by the start of its hash, " +
			"unless it is stored.\n" +
			"With --report or --profile a launch is run for its profile, and nothing is stored.\n" +
			"Points are independent: a cluster's job array runs each by itself on a shared --store, and run then makes the " +
			"report.",
		Example: "  warpdrop point experiments/quickstart.yaml 1\n  warpdrop point workloads/examples/saxpy.yaml 1 " +
			"--report saxpy.html\n  warpdrop point experiments/fig4.yaml --scale paper " +
			"--store shared/store $SLURM_ARRAY_TASK_ID",
		Args: exactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := f.load(args[0])
			if err != nil {
				return err
			}
			todo := r.todo()
			var chosen []experiments.Point
			if n, err := strconv.Atoi(args[1]); err == nil && n >= 1 && n <= len(todo) {
				chosen = todo[n-1 : n]
			} else {
				for _, p := range todo {
					if strings.HasPrefix(p.Hash, args[1]) {
						chosen = append(chosen, p)
					}
				}
			}
			if len(chosen) != 1 {
				return usagef("point %q fits %d points; allowed is 1 to %d, or the start of one hash (see warpdrop plan)",
					args[1], len(chosen), len(todo))
			}
			if report.wanted() {
				return r.profile(c, chosen[0], &report)
			}
			store, err := r.open(chosen)
			if err != nil {
				return err
			}
			bar := newProgress(c.ErrOrStderr(), experiments.NewPlan(chosen, r.host, store))
			stored, err := experiments.Local{Worker: r.host, Jobs: 1}.Execute(c.Context(), chosen, store, bar.notify)
			bar.close()
			if err != nil {
				return err
			}
			data, err := json.MarshalIndent(stored[chosen[0].Hash], "", " ")
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s\n", data)
			return nil
		},
	}
	f.add(c)
	report.add(c.Flags())
	return c
}

// profile runs a launch and writes its page, or its instructions.
func (r *request) profile(c *cobra.Command, p experiments.Point, report *reportFlags) error {
	spec, ok := p.Spec.(experiments.Launch)
	if !ok {
		return usagef("--report and --profile are for points of kind launch; this one is %s", p.Spec.Kind())
	}
	if err := report.check(false); err != nil {
		return err
	}
	got, gpu, err := experiments.ProfileLaunch(c.Context(), r.host, spec)
	if err != nil {
		return err
	}
	return report.write(c.OutOrStdout(), gpu, got)
}
