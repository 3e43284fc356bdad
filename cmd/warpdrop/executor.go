package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
	"warpdrop/experiments/slurm"
)

// executors are the names that --executor takes.
var executors = []string{"local", "slurm"}

// executorFlags say where points run.
type executorFlags struct {
	name    string
	profile string
	wait    bool
	flags   slurm.Options // as the command line has them
	options slurm.Options // with the profile below them
}

func (x *executorFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&x.name, "executor", "local", "where points run: local (this process) or slurm (job arrays of a cluster)")
	f.StringVar(&x.profile, "profile", "", "slurm: YAML file of these options (default: "+
		filepath.Join("warpdrop", "slurm.yaml")+" in the user's configuration folder, where it is there)")
	f.StringVar(&x.flags.Partition, "partition", "", "slurm: partition of the jobs")
	f.StringVar(&x.flags.Account, "account", "", "slurm: account of the jobs")
	f.StringVar(&x.flags.Time, "time", "",
		"slurm: longest time of a job, as sbatch takes it; longer trainings run as several jobs (default: as the plan "+
			"estimates)")
	f.IntVar(&x.flags.CPUs, "cpus", 0, "slurm: processors of a job, all for one point at a time (default 1)")
	f.StringVar(&x.flags.Mem, "mem", "", "slurm: memory of a job, as sbatch takes it (default: as the points estimate)")
	f.IntVar(&x.flags.MaxJobs, "max-jobs", 0, "slurm: jobs that run at once (default: as many as Slurm lets)")
	f.StringArrayVar(&x.flags.SbatchArgs, "sbatch-arg", nil,
		"slurm: an argument for sbatch, after ours, so that it wins; may be repeated")
	f.Float64Var(&x.flags.TaskMinutes, "task-minutes", 0,
		"slurm: short points share a job until it is thought to take this long (default 10)")
	f.IntVar(&x.flags.Tries, "tries", 0,
		"slurm: how often a point that was cut short is run without getting further (default 5)")
	f.DurationVar(&x.flags.Poll, "poll", 0, "slurm: time between two looks at queue and store (default 10s)")
	f.BoolVar(&x.wait, "wait", true,
		"slurm: wait for the jobs, submit again what is cut short, and write tables and report")
	f.BoolVar(&x.flags.Detach, "detach", false, "slurm: submit and return")
	f.BoolVar(&x.flags.RetryFailed, "retry-failed", false, "slurm: run points again that failed by themselves")
	c.MarkFlagsMutuallyExclusive("wait", "detach")
	c.RegisterFlagCompletionFunc("executor", cobra.FixedCompletions(executors, cobra.ShellCompDirectiveNoFileComp))
}

// check puts the flags over the profile.
func (x *executorFlags) check(c *cobra.Command) error {
	if !slices.Contains(executors, x.name) {
		return usagef("--executor is %q; allowed are %s", x.name, strings.Join(executors, ", "))
	}
	names := []string{"profile", "partition", "account", "time", "cpus", "mem", "max-jobs", "sbatch-arg", "task-minutes",
		"tries", "poll", "wait", "detach", "retry-failed"}
	if x.name == "local" {
		for _, name := range names {
			if c.Flags().Changed(name) {
				return usagef("--%s belongs to --executor slurm", name)
			}
		}
		return nil
	}
	path := x.profile
	if path == "" {
		path = slurm.UserProfile()
	}
	var err error
	if x.options, err = slurm.ReadProfile(path); err != nil && (x.profile != "" || !errors.Is(err, fs.ErrNotExist)) {
		return usageError{err}
	}
	o, g := &x.options, &x.flags
	for name, set := range map[string]func(){
		"partition": func() { o.Partition = g.Partition }, "account": func() { o.Account = g.Account },
		"time": func() { o.Time = g.Time }, "cpus": func() { o.CPUs = g.CPUs }, "mem": func() { o.Mem = g.Mem },
		"max-jobs":     func() { o.MaxJobs = g.MaxJobs },
		"sbatch-arg":   func() { o.SbatchArgs = slices.Concat(o.SbatchArgs, g.SbatchArgs) },
		"task-minutes": func() { o.TaskMinutes = g.TaskMinutes }, "tries": func() { o.Tries = g.Tries },
		"poll": func() { o.Poll = g.Poll },
	} {
		if c.Flags().Changed(name) {
			set()
		}
	}
	o.Detach, o.RetryFailed = g.Detach || !x.wait, g.RetryFailed
	if err := o.Check(); err != nil {
		return usageError{err}
	}
	return nil
}

// executor makes the one that was asked for.
func (x *executorFlags) executor(r *request, plan *experiments.Plan, bar *progress) (experiments.Executor, error) {
	if x.name == "local" {
		return experiments.Local{Worker: r.host, Jobs: r.jobs}, nil
	}
	books, err := slurm.OpenBooks(r.out)
	if err != nil {
		return nil, err
	}
	store, err := filepath.Abs(r.store)
	if err != nil {
		return nil, err
	}
	data := r.data
	if data != "" {
		if data, err = filepath.Abs(data); err != nil {
			return nil, err
		}
	}
	return &slurm.Executor{Options: x.options, Books: books, Plan: plan, Worker: r.host, Source: r.experiment.Source,
		Job: slurm.Job{Scale: r.scale, Data: data, BLAS: r.blas, Store: store},
		Say: func(text string) { bar.line("%s", text) }}, nil
}
