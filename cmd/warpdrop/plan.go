package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
)

func newPlanCommand() *cobra.Command {
	var f experimentFlags
	var asJSON bool
	c := &cobra.Command{
		Use:     "plan FILE",
		Short:   "Show an experiment's points, which are stored, and how long the rest will take",
		Example: "  warpdrop plan experiments/fig4.yaml --scale paper",
		Args:    exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := f.load(args[0])
			if err != nil {
				return err
			}
			store, _ := experiments.ReadStore(r.store) // not there yet: nothing is stored
			plan := experiments.NewPlan(r.todo(), r.host, store, r.neighbours()...)
			if asJSON {
				type point struct {
					Hash    string           `json:"hash"`
					Kind    string           `json:"kind"`
					Spec    experiments.Spec `json:"spec"`
					Stored  bool             `json:"stored"`
					Seconds float64          `json:"seconds"`
					Guess   bool             `json:"guess"`
				}
				out := []point{}
				for _, l := range plan.Points {
					out = append(out, point{l.Point.Hash, l.Point.Spec.Kind(), l.Point.Spec, l.Stored, l.Seconds, l.Guess})
				}
				return json.NewEncoder(c.OutOrStdout()).Encode(out)
			}
			var rows [][]string
			stored := 0
			for _, l := range plan.Points {
				state := "to run"
				if l.Stored {
					state = "stored"
					stored++
				}
				seconds := fmt.Sprintf("%.1f", l.Seconds)
				if l.Guess {
					seconds += " (guess)"
				}
				rows = append(rows, []string{l.Point.Hash[:12], experiments.Label(l.Point.Spec), state, seconds})
			}
			if err := printTable(c.OutOrStdout(), []string{"point", "what", "state", "processor seconds"}, rows); err != nil {
				return err
			}
			span := func(seconds float64) time.Duration {
				return time.Duration(seconds * float64(time.Second)).Round(time.Second)
			}
			n := runtime.GOMAXPROCS(0)
			line := fmt.Sprintf(
				"%d points, %d stored; the rest about %s of processor time, %s on the %d processors here", len(plan.Points), stored,
				span(plan.Seconds), span(plan.Seconds/float64(n)), n)
			if plan.Guessed > 0 {
				line += fmt.Sprintf(" (%d of them guessed: no point of their kind was measured here yet)", plan.Guessed)
			}
			return prose(c.OutOrStdout(), line)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the plan as JSON, for a cluster's job array")
	return c
}
