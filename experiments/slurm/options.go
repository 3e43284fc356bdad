// Package slurm runs the points of an experiment as job arrays of a Slurm cluster. The store is on a file system that
// the nodes share, and is all that jobs have in common; Slurm is spoken to by its commands sbatch, squeue, scontrol and
// scancel.
package slurm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"warpdrop/internal/infile"
)

// Options say how jobs are asked for. They are the keys of a profile, and flags of `warpdrop run --executor slurm`.
type Options struct {
	Partition string `yaml:"partition"` // "" = Slurm's default
	Account   string `yaml:"account"`   // "" = Slurm's default
	// longest time of a job as sbatch takes it; "" = by the plan's estimates
	Time    string `yaml:"time"`
	Mem     string `yaml:"mem"`      // as sbatch takes it; "" = by the points' estimates
	CPUs    int    `yaml:"cpus"`     // processors of a job, for one point at a time; 0 = 1
	MaxJobs int    `yaml:"max-jobs"` // jobs that run at once; 0 = as many as Slurm lets
	// short points share a job until it is thought to take this long; 0 = 10
	TaskMinutes float64 `yaml:"task-minutes"`
	// how often a point that is cut short is run without getting further; 0 = 5
	Tries       int           `yaml:"tries"`
	Poll        time.Duration `yaml:"poll"`        // between two looks at queue and store; 0 = 10 s
	SbatchArgs  []string      `yaml:"sbatch-args"` // passed to sbatch after ours, so that they win
	Detach      bool          `yaml:"-"`           // submit and return
	RetryFailed bool          `yaml:"-"`           // run points again that failed by themselves
}

// UserProfile is where a user's own profile is looked for.
func UserProfile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "warpdrop", "slurm.yaml")
}

// maxProfileBytes bounds a profile.
const maxProfileBytes = 1 << 20

// ReadProfile reads the options of a YAML file; unknown keys are errors.
func ReadProfile(path string) (o Options, err error) {
	data, err := infile.Read(path, maxProfileBytes)
	if err != nil {
		return o, err
	}
	return parseProfile(path, data)
}

func parseProfile(path string, data []byte) (o Options, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&o); err != nil {
		return o, fmt.Errorf("profile %s: %w", path, err)
	}
	return o, nil
}

// Check refuses values out of range and sets what is 0 to its default.
func (o *Options) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.CPUs < 0 || o.CPUs > 1024 {
		bad("cpus is %d; allowed is 1 to 1024, or 0 for 1", o.CPUs)
	}
	if o.MaxJobs < 0 {
		bad("max-jobs is %d; allowed is 1 or more, or 0 for no bound", o.MaxJobs)
	}
	if !(o.TaskMinutes >= 0 && o.TaskMinutes <= 1e5) {
		bad("task-minutes is %g; allowed is up to 100000, or 0 for 10", o.TaskMinutes)
	}
	if o.Tries < 0 || o.Tries > 100 {
		bad("tries is %d; allowed is 1 to 100, or 0 for 5", o.Tries)
	}
	if o.Poll < 0 {
		bad("poll is %v; allowed is more than 0, such as 10s", o.Poll)
	}
	if o.Time != "" {
		if _, err := parseTime(o.Time); err != nil {
			errs = append(errs, err)
		}
	}
	if o.CPUs == 0 {
		o.CPUs = 1
	}
	if o.TaskMinutes == 0 {
		o.TaskMinutes = 10
	}
	if o.Tries == 0 {
		o.Tries = 5
	}
	if o.Poll == 0 {
		o.Poll = 10 * time.Second
	}
	return errors.Join(errs...)
}

// parseTime reads a time limit in the forms of sbatch's manual: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S.
func parseTime(text string) (time.Duration, error) {
	days, rest, dashed := strings.Cut(text, "-")
	if !dashed {
		days, rest = "0", text
	}
	parts := strings.Split(rest, ":")
	units := [][]time.Duration{{time.Minute}, {time.Minute, time.Second}, {time.Hour, time.Minute, time.Second}}
	if dashed {
		units = [][]time.Duration{{time.Hour}, {time.Hour, time.Minute}, {time.Hour, time.Minute, time.Second}}
	}
	var total time.Duration
	add := func(text string, unit time.Duration) bool {
		n, err := strconv.ParseUint(text, 10, 16)
		total += time.Duration(n) * unit
		return err == nil
	}
	ok := len(parts) <= 3 && add(days, 24*time.Hour)
	for i := 0; ok && i < len(parts); i++ {
		ok = add(parts[i], units[len(parts)-1][i])
	}
	if !ok || total <= 0 {
		return 0, fmt.Errorf("time is %q; allowed are minutes, M:S, H:M:S, D-H, D-H:M and D-H:M:S", text)
	}
	return total, nil
}

// timeText is a limit for sbatch, in whole minutes rounded up.
func timeText(d time.Duration) string { return strconv.Itoa(int((d + time.Minute - 1) / time.Minute)) }
