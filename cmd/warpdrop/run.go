package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
	"warpdrop/experiments/slurm"
	"warpdrop/train"
)

// experimentFlags are those of the commands that take an experiment file.
type experimentFlags struct {
	out, scale, store, data, blas string
	only                          []string
	jobs                          int
}

func (f *experimentFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.out, "out", "",
		"output folder (default out/NAME, or out/NAME-SCALE for another scale than the file's)")
	c.Flags().StringVar(&f.scale, "scale", "", "scale: smoke, small or paper (default: the file's)")
	c.Flags().StringVar(&f.store, "store", "",
		"folder of finished points, may be shared between experiments (default OUT/store)")
	c.Flags().StringVar(&f.data, "data", "",
		"folder of the training data: MNIST (default: from the Go module cache) or the text of train-lstm")
	c.Flags().StringVar(&f.blas, "blas", train.BLASGonum,
		"BLAS of training runs: gonum (the same bytes everywhere), or openblas or panels, several times as fast")
	c.Flags().StringSliceVar(&f.only, "only", nil,
		"kinds of work to run, such as mlp,lstm: the others are left as they are stored (default: all)")
	c.Flags().IntVar(&f.jobs, "jobs", 0, "points at once (default: one a processor)")
	c.RegisterFlagCompletionFunc("scale", cobra.FixedCompletions(experiments.ScaleNames,
		cobra.ShellCompDirectiveNoFileComp))
}

// request is an experiment file as the user asked to run it, checked as a whole.
type request struct {
	experimentFlags
	experiment *experiments.Experiment
	host       *experiments.Host
	points     []experiments.Point
}

// load checks the file, the scale, and everything that the points name.
func (f experimentFlags) load(file string) (*request, error) {
	e, err := experiments.Load(file)
	if err != nil {
		return nil, usageError{err}
	}
	if f.jobs < 0 {
		return nil, usagef("--jobs is %d; allowed is 1 or more, or 0 for one a processor", f.jobs)
	}
	if f.scale == "" {
		f.scale = e.Scale
	}
	specs := e.Specs(f.scale)
	if specs == nil {
		return nil, usagef("--scale is %q; allowed are smoke, small and paper", f.scale)
	}
	if f.out == "" {
		f.out = filepath.Join("out", e.Name)
		if f.scale != e.Scale {
			f.out += "-" + f.scale
		}
	}
	if f.store == "" {
		f.store = filepath.Join(f.out, experiments.StoreDir)
	}
	host := experiments.NewHost(f.data)
	if err := host.SetBLAS(f.blas); err != nil {
		return nil, usageError{err}
	}
	r := &request{experimentFlags: f, experiment: e, host: host}
	for _, kind := range f.only {
		if !slices.Contains(experiments.Kinds(), kind) {
			return nil, usagef("--only is %q; allowed are %s", kind, strings.Join(experiments.Kinds(), ", "))
		}
	}
	for i, s := range specs {
		p, err := e.Point(f.scale, i, r.host)
		if err != nil && r.chosen(s) {
			return nil, usageError{err}
		} else if err != nil { // not asked for: a version that cannot run it can still report the others
			p = experiments.NewPoint(s, nil)
		}
		r.points = append(r.points, p)
	}
	return r, nil
}

// chosen tells whether a spec is of a kind that is to run.
func (f experimentFlags) chosen(s experiments.Spec) bool {
	return len(f.only) == 0 || slices.Contains(f.only, s.Kind())
}

// todo are the points that are to run: all, or those of the chosen kinds; those that run as one, once.
func (r *request) todo() (points []experiments.Point) {
	seen := map[string]bool{}
	for _, p := range r.points {
		if r.chosen(p.Spec) && !seen[p.Hash] {
			seen[p.Hash] = true
			points = append(points, p)
		}
	}
	return points
}

// storeName is the store as the manifest names it: relative where it is inside the output folder.
func (r *request) storeName() string {
	if rel, err := filepath.Rel(r.out, r.store); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	if abs, err := filepath.Abs(r.store); err == nil {
		return abs
	}
	return r.store
}

// neighbours are the stores of the output folders beside this one: earlier points there tell how fast this machine is.
func (r *request) neighbours() (stores []*experiments.Store) {
	dirs, _ := filepath.Glob(filepath.Join(filepath.Dir(r.out), "*", experiments.StoreDir))
	for _, dir := range dirs {
		if filepath.Clean(dir) == filepath.Clean(r.store) {
			continue
		}
		if s, err := experiments.ReadStore(dir); err == nil {
			stores = append(stores, s)
		}
	}
	return stores
}

func newRunCommand() *cobra.Command {
	var f experimentFlags
	var x executorFlags
	var watch bool
	c := &cobra.Command{
		Use:   "run FILE",
		Short: "Run an experiment and write tables, figures and a report",
		Long: "Run runs the points of an experiment file that are not stored yet, and writes results.csv, results.json, " +
			"manifest.json,\n" +
			"figures and report.html. Stopped at any moment, it goes on from the finished points when it is run again.\n" +
			"Exit code: 0, 1 if a point failed (the others are kept), 2 if the file was refused, 130 if it was stopped.\n\n" +
			"--executor slurm runs the points as job arrays of a Slurm cluster and waits for them; the output folder must be " +
			"on a file\n" +
			"system that the nodes share. See docs/guide/cluster.md, warpdrop status and warpdrop cancel.",
		Example: "  warpdrop run experiments/quickstart.yaml\n  warpdrop run experiments/fig4.yaml --scale small --out " +
			"out/fig4\n" +
			"  warpdrop run experiments/table2.yaml --scale paper --executor slurm --partition cpu --time 4:00:00 --cpus 8 " +
			"--detach",
		Args: exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := f.load(args[0])
			if err != nil {
				return err
			}
			if err := x.check(c); err != nil {
				return err
			}
			return r.run(c.Context(), &x, watch, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f.add(c)
	x.add(c)
	c.Flags().BoolVar(&watch, "watch", false,
		"serve a page on 127.0.0.1 that shows points and curves of trainings as they grow, and print its address")
	return c
}

func (r *request) run(ctx context.Context, x *executorFlags, watch bool, stdout, stderr io.Writer) error {
	todo := r.todo()
	store, err := r.open(todo)
	if err == nil {
		err = experiments.TryOutput(r.out)
	}
	if err != nil {
		return err
	}
	store.Sweep()
	experiments.SweepOutput(r.out)
	plan := experiments.NewPlan(todo, r.host, store, r.neighbours()...)
	if err := r.checkSources(ctx, plan, stderr); err != nil {
		return err
	}
	bar := newProgress(stderr, plan)
	executor, err := x.executor(r, plan, bar)
	if err != nil {
		return err
	}
	if x.name != "local" { // jobs and `warpdrop status` find the points by the manifest
		if err := experiments.NewResults(r.experiment, r.scale, r.points, nil).WriteManifest(r.out, version,
			r.storeName()); err != nil {
			return err
		}
	}
	notify := bar.notify
	if watch {
		page, url, err := newWatchPage(r.experiment.Title, filepath.Join(r.out, experiments.ReportName), todo, bar)
		if err != nil {
			return fmt.Errorf("--watch: %w", err)
		}
		defer page.close()
		fmt.Fprintf(stderr, "watch: %s\n", url)
		r.host.SetCurves(page.curve)
		notify = func(e experiments.Event) {
			bar.notify(e)
			page.notify(e)
		}
	}
	stored, runErr := executor.Execute(ctx, todo, store, notify)
	bar.close()
	if errors.Is(runErr, slurm.ErrDetached) {
		_, err := fmt.Fprintf(stdout,
			"submitted; `warpdrop status %[1]s` shows how it goes, the same command again collects what is stored and submits\n"+
				"what was cut short, `warpdrop cancel %[1]s` ends the jobs\n", r.out)
		return err
	}
	missing := len(todo) - len(stored)
	for _, p := range r.points { // of the kinds that were not asked for
		if stored[p.Hash] == nil {
			if s, err := store.Get(p.Hash); err == nil {
				stored[p.Hash] = s
			}
		}
	}
	results := experiments.NewResults(r.experiment, r.scale, r.points, stored)
	if err := results.WriteOutput(r.out, version, r.storeName()); err != nil {
		return errors.Join(runErr, err)
	}
	head, rows := results.Summary()
	if err := printTable(stdout, head, rows); err != nil {
		return err
	}
	for _, d := range results.Diverged {
		if err := prose(stdout, "diverged: "+d); err != nil {
			return err
		}
	}
	for _, line := range results.Answer() {
		if err := prose(stdout, line); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "%s\n", filepath.Join(r.out, experiments.ReportName))
	if errors.Is(runErr, slurm.ErrLeft) {
		runErr = fmt.Errorf("%w; `warpdrop status %[2]s` shows how they do, the same command again goes on waiting, "+
			"`warpdrop cancel %[2]s` ends them", runErr, r.out)
	}
	if runErr != nil {
		return fmt.Errorf("%d of %d points are missing:\n%w", missing, len(todo), runErr)
	}
	return nil
}

// checkSources refuses launches of sources that are to run and cannot.
func (r *request) checkSources(ctx context.Context, plan *experiments.Plan, stderr io.Writer) error {
	run := map[string]bool{}
	for _, l := range plan.Points {
		run[l.Point.Hash] = !l.Stored
	}
	var points []int
	for _, i := range r.experiment.Sources(r.scale) {
		if run[r.points[i].Hash] {
			points = append(points, i)
		}
	}
	if len(points) > 1 {
		fmt.Fprintf(stderr, "compiling the sources of %d launches\n", len(points))
	}
	return checkSources(ctx, r.experiment, r.scale, points, r.host)
}

// open opens the store. Somebody else's folder is refused, as an output folder and as a store.
func (r *request) open(points []experiments.Point) (*experiments.Store, error) {
	var store *experiments.Store
	err := experiments.CheckOutput(r.out)
	if err == nil {
		store, err = experiments.OpenStoreFor(r.store, points)
	}
	if errors.Is(err, experiments.ErrForeign) {
		err = usageError{err}
	}
	if err == nil {
		r.host.SetStore(store)
	}
	return store, err
}

// printTable writes a table for people.
func printTable(w io.Writer, head []string, rows [][]string) error {
	t := newTable(w, head...)
	t.AddRows(rows)
	return t.Render()
}

// isFolder refuses what is not an output folder of run.
func isFolder(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, experiments.ManifestName)); err != nil {
		return usagef("%s is not an output folder of warpdrop run: %v", dir, err)
	}
	return nil
}
