package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
)

func newValidateCommand() *cobra.Command {
	var schema bool
	c := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check experiment files, or print their JSON Schema",
		Long: "Check experiment files as run does before any work: keys, values, sizes, and of launches the " +
			"kernel, its arguments and\nvariables. .cu and .ptx files are compiled for that, once: their " +
			"machine code is kept in the user's cache folder. All\nscales are checked. Exit code: 0, or 2 " +
			"with the places of what is wrong.",
		Example: "  warpdrop validate experiments/quickstart.yaml\n  warpdrop validate --schema > schema.json",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !schema {
				return usagef("validate takes one or more files, or --schema")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if schema {
				_, err := c.OutOrStdout().Write(experiments.Schema())
				return err
			}
			for _, file := range args {
				e, err := experiments.Load(file)
				if err != nil {
					return usageError{err}
				}
				host := experiments.NewHost("")
				if dir, err := os.UserCacheDir(); err == nil {
					host.KeepCode(filepath.Join(dir, "warpdrop", "code"))
				}
				for _, scale := range experiments.ScaleNames {
					note, err := validateScale(c.Context(), e, scale, host)
					if err != nil {
						return err
					}
					fmt.Fprintf(c.OutOrStdout(), "%s: scale %s: %d points%s\n", file, scale, len(e.Specs(scale)), note)
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of experiment files")
	return c
}

// validateScale checks what only the points of a scale tell, and the sources that they launch.
func validateScale(ctx context.Context, e *experiments.Experiment, scale string, host *experiments.Host) (note string,
	err error) {
	for i := range e.Specs(scale) {
		if _, err := e.Point(scale, i, host); errors.Is(err, experiments.ErrCannotRun) {
			note = " (some of a kind that this version cannot run yet)"
		} else if err != nil {
			return "", usageError{err}
		}
	}
	sources := e.Sources(scale)
	if err := checkSources(ctx, e, scale, sources, host); err != nil {
		return "", err
	}
	if n := len(sources); n > 0 {
		note += fmt.Sprintf(" (%d launches of sources: compiled and checked)", n)
	}
	return note, nil
}

// checkSources refuses launches of sources that cannot run.
func checkSources(ctx context.Context, e *experiments.Experiment, scale string, points []int,
	host *experiments.Host) error {
	err := e.CheckSources(ctx, scale, points, host)
	if err != nil && ctx.Err() == nil {
		err = usageError{err}
	}
	return err
}
