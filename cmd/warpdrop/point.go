package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
)

func newPointCommand() *cobra.Command {
	var f experimentFlags
	var report, against string
	c := &cobra.Command{
		Use:   "point FILE POINT",
		Short: "Run one point of an experiment and store it",
		Long: "Point runs one point, named by its number (1 and up, in the order of plan) or by the start of its hash, " +
			"unless it is stored.\n" +
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
			if report != "" {
				return r.profile(c.Context(), chosen[0], report, against)
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
	outputVar(c.Flags(), &report, "report",
		"of a launch: run it for its profile, store nothing, and write a page to this file: .html, or .json and .txt with "+
			"the same")
	c.Flags().StringVar(&against, "against", "", "a .json report of another run, which --report sets beside this one")
	return c
}

// profile runs a launch and writes its page.
func (r *request) profile(ctx context.Context, p experiments.Point, file, against string) error {
	spec, ok := p.Spec.(experiments.Launch)
	if !ok {
		return usagef("--report is for points of kind launch; this one is %s", p.Spec.Kind())
	}
	before, err := readReport(against)
	if err != nil {
		return err
	}
	got, gpu, err := experiments.ProfileLaunch(ctx, r.host, spec)
	if err != nil {
		return err
	}
	return writeReport(file, before, got, gpu)
}
