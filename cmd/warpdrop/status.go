package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
	"warpdrop/experiments/slurm"
)

func newStatusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status DIR",
		Short: "Show how a run on a cluster goes on",
		Long: "Status shows how many points of an output folder are stored, running, waiting, failed by themselves or cut " +
			"short from outside,\n" +
			"why, with the last lines of their logs, and when the rest is thought to be done.",
		Example: "  warpdrop status out/table2-paper\n  warpdrop status out/table2-paper --json",
		Args:    exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := isFolder(args[0]); err != nil {
				return err
			}
			points, _, err := experiments.ReadManifest(args[0])
			if err != nil {
				return err
			}
			books, err := slurm.FindBooks(args[0])
			if err != nil {
				return err
			}
			known := make([]slurm.Known, len(points))
			for i, p := range points {
				known[i] = slurm.Known{Hash: p.Hash, Label: p.Label, Stored: p.Stored}
			}
			s, err := books.Status(c.Context(), known)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), s)
			}
			return printStatus(c.OutOrStdout(), s)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as one JSON object")
	return c
}

// mostEnded bounds how many points that ended are printed.
const mostEnded = 20

func printStatus(w io.Writer, s *slurm.Status) error {
	lines := []string{fmt.Sprintf("%d points: %d stored, %d running, %d waiting, %d failed, %d cut short, %d in no job",
		s.Points, s.Stored, s.Running, s.Waiting, s.Failed, s.Cut, s.Rest)}
	jobs := fmt.Sprintf("%d jobs run", s.RunningJobs)
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		jobs += fmt.Sprintf("; %d wait: %s", s.Reasons[reason], reason)
	}
	lines = append(lines, jobs)
	if s.Seconds > 0 {
		lines = append(lines, fmt.Sprintf("what is in jobs is done in about %s, %s, if as many run as now",
			s.Left().Round(time.Second), time.Now().Add(s.Left()).Format("Mon 15:04")))
	}
	if s.Cancelled {
		lines = append(lines, "cancelled by the user; warpdrop run submits the rest")
	} else if n := s.Cut + s.Rest; n > 0 {
		lines = append(lines, fmt.Sprintf("%d points are in no job: warpdrop run submits them", n))
	}
	if s.Failed > 0 {
		lines = append(lines, "failed points are not run again without --retry-failed")
	}
	for _, line := range lines {
		if err := prose(w, line); err != nil {
			return err
		}
	}
	for _, e := range s.Ended[:min(len(s.Ended), mostEnded)] {
		fmt.Fprintf(w, "\n%s: %.12s %s\n  job %s on %s, tries without getting further %d: %s\n", e.State, e.Point, e.Label,
			e.Job, e.Node, e.Tries, e.Reason)
		if len(e.Tail) > 0 {
			fmt.Fprintf(w, "  %s:\n    %s\n", e.Log, strings.Join(e.Tail, "\n    "))
		}
	}
	if n := len(s.Ended) - mostEnded; n > 0 {
		fmt.Fprintf(w, "\n… and %d more: --json has all\n", n)
	}
	return nil
}

func newCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel DIR",
		Short: "End the jobs of a run on a cluster",
		Long: "Cancel ends the jobs of an output folder. What is stored is kept, and so are the checkpoints of " +
			"trainings; warpdrop run goes on.",
		Example: "  warpdrop cancel out/table2-paper",
		Args:    exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			books, err := slurm.FindBooks(args[0])
			if err != nil {
				return err
			}
			if books == nil {
				return usagef("%s has no jobs: nothing was submitted there", args[0])
			}
			n, err := books.Cancel(c.Context())
			if err == nil {
				fmt.Fprintf(c.OutOrStdout(), "%d jobs cancelled\n", n)
			}
			return err
		},
	}
}
