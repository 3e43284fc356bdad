package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
	"warpdrop/experiments/slurm"
)

func newTaskCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "task ORDER INDEX",
		Hidden:  true,
		Short:   "Run a task of a job array: what jobs of run --executor slurm call",
		Example: "  warpdrop task out/table2/slurm/orders/000001.json $SLURM_ARRAY_TASK_ID",
		Args:    exactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := slurm.ReadOrder(args[0])
			if err != nil {
				return err
			}
			if n, err := strconv.Atoi(os.Getenv("SLURM_CPUS_PER_TASK")); err == nil && n > 0 {
				runtime.GOMAXPROCS(n)
			}
			ctx, stop := onTimeLimit(c.Context())
			defer stop()
			e, err := experiments.Load(o.Experiment)
			if err != nil {
				return err
			}
			host := experiments.NewHost(o.Data)
			if err := host.SetBLAS(o.BLAS); err != nil {
				return err
			}
			store, err := experiments.OpenStore(o.Store)
			if err != nil {
				return err
			}
			host.SetStore(store)
			points := map[string]experiments.Point{}
			for _, s := range e.Specs(o.Scale) {
				if bound, err := experiments.Points([]experiments.Spec{s}, host); err == nil { // others are refused by the run
					points[bound[0].Hash] = bound[0]
				}
			}
			books, err := slurm.FindBooks(filepath.Dir(filepath.Dir(filepath.Dir(args[0]))))
			if err != nil {
				return err
			}
			env := slurm.FromSlurm()
			env.Index = args[1]
			return slurm.Work(ctx, books, o, env, points, host, store, c.ErrOrStderr())
		},
	}
}
