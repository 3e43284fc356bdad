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
	c := &cobra.Command{
		Use:   "point FILE POINT",
		Short: "Run one point of an experiment and store it",
		Long: "Point runs one point, named by its number (1 and up, in the order of plan) or by the start of its hash, " +
			"unless it is stored.\n" +
			"Points are independent: a cluster's job array runs each by itself on a shared --store, and run then makes the " +
			"report.",
		Example: "  warpdrop point experiments/quickstart.yaml 1\n  warpdrop point experiments/fig4.yaml --scale paper " +
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
	return c
}
