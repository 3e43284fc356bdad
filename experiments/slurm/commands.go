package slurm

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// command runs one of Slurm's commands and returns what it prints.
func command(ctx context.Context, name string, args ...string) (string, error) {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout = &out
	if err := finish(c); err != nil {
		return "", err
	}
	return out.String(), nil
}

// finish runs a command to its end; its error says what the command complained of.
func finish(c *exec.Cmd) error {
	var errs bytes.Buffer
	c.Stderr = &errs
	c.WaitDelay = 5 * time.Second
	if err := c.Run(); err != nil {
		if text := strings.TrimSpace(errs.String()); text != "" {
			return fmt.Errorf("%s: %s (%w)", filepath.Base(c.Path), text, err)
		}
		return fmt.Errorf("%s: %w; is Slurm there, and in PATH?", filepath.Base(c.Path), err)
	}
	return nil
}

// ask is what an array of jobs asks for.
type ask struct {
	time  time.Duration
	memMB int
}

// lead is how long before its limit a job is told that it comes.
func (a ask) lead() int { return int(min(2*time.Minute, a.time/4) / time.Second) }

// sbatchArgs are those of the command that submits an array of n tasks. at = 0 sets no bound on how many run at once.
func (o *Options) sbatchArgs(b *Books, a ask, n, at int, after, dir, script, order string) []string {
	array := fmt.Sprintf("--array=0-%d", n-1)
	if at > 0 {
		array += fmt.Sprintf("%%%d", at)
	}
	args := []string{"--parsable", "--job-name=" + b.JobName(), array, "--output=" + b.Dir + "/logs/%A_%a.log",
		"--open-mode=append", "--chdir=" + dir, "--requeue", fmt.Sprintf("--signal=B:USR1@%d", a.lead()), "--ntasks=1",
		fmt.Sprintf("--cpus-per-task=%d", o.CPUs), "--time=" + timeText(a.time)}
	if o.Mem != "" {
		args = append(args, "--mem="+o.Mem)
	} else {
		args = append(args, fmt.Sprintf("--mem=%dM", a.memMB))
	}
	if o.Partition != "" {
		args = append(args, "--partition="+o.Partition)
	}
	if o.Account != "" {
		args = append(args, "--account="+o.Account)
	}
	if after != "" {
		args = append(args, "--dependency=afterany:"+after)
	}
	args = append(args, o.SbatchArgs...)
	return append(args, script, order)
}

// submit runs sbatch and returns the job id.
func submit(ctx context.Context, args []string) (string, error) {
	out, err := command(ctx, "sbatch", args...)
	if err != nil {
		return "", err
	}
	id, _, _ := strings.Cut(strings.TrimSpace(out), ";") // ID or ID;CLUSTER
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return "", fmt.Errorf("sbatch: answered %q, no job id", out)
	}
	return id, nil
}

// ends asks Slurm how jobs ended, and remembers the answers. The controller knows that for some minutes (MinJobAge),
// accounting for good, where there is any.
type ends struct {
	known map[string]string
}

// mostAsked bounds the jobs that are asked for one by one.
const mostAsked = 50

// of is what Slurm says of a job that has ended: OUT_OF_MEMORY, TIMEOUT, NODE_FAIL … and "" where it no longer knows.
func (e *ends) of(ctx context.Context, job string) string {
	if how, ok := e.known[job]; ok || len(e.known) >= mostAsked {
		return how
	}
	if e.known == nil {
		e.known = map[string]string{}
	}
	text, _ := command(ctx, "scontrol", "--oneliner", "show", "job", job) // an error: it is forgotten
	how := jobState(text)
	if how == "" { // an error: there is no accounting
		text, _ = command(ctx, "sacct", "--noheader", "--parsable2", "--allocations", "--jobs="+job, "--format=State")
		how = accountedState(text)
	}
	if how == "RUNNING" || how == "PENDING" { // another job of that number, or one that was queued again since
		how = ""
	}
	e.known[job] = how
	return how
}

// jobState is a job's state in what scontrol shows of it.
func jobState(text string) (how string) {
	for word := range strings.FieldsSeq(text) {
		if state, ok := strings.CutPrefix(word, "JobState="); ok {
			how = state
		}
	}
	return how
}

// accountedState is a job's state in what sacct prints of it.
func accountedState(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	how, _, _ := strings.Cut(strings.TrimSpace(line), " ") // CANCELLED by 1000
	return how
}

// settle notes how the job of a point ended that says that it is running and whose job is gone.
func (e *ends) settle(ctx context.Context, r *Record) {
	if r.State != Running {
		return
	}
	r.State = Cut
	how := e.of(ctx, r.Job)
	if how != "" {
		r.Reason = "its job ended as " + how
	}
	if how == "OUT_OF_MEMORY" {
		r.OutOfMemory++
	}
}

// maxArray is the most tasks of an array: Slurm's MaxArraySize, or its default.
func maxArray(ctx context.Context) int {
	text, _ := command(ctx, "scontrol", "show", "config") // an error: the default
	return arraySize(text)
}

// arraySize is the most tasks of an array in Slurm's configuration as scontrol shows it.
func arraySize(text string) int {
	const slurmDefault = 1001
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == "MaxArraySize" {
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n > 0 {
				return n
			}
		}
	}
	return slurmDefault
}

// Cancel ends all jobs of the folder, and keeps a run that waits for them from submitting more.
func (b *Books) Cancel(ctx context.Context) (jobs int, err error) {
	if err := writeMark(b.cancelled()); err != nil {
		return 0, err
	}
	live, err := b.queue(ctx)
	if err != nil || len(live) == 0 {
		return 0, err
	}
	_, err = command(ctx, "scancel", "--name="+b.JobName())
	return len(live), err
}
