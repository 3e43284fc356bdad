package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
)

func newValidateCommand() *cobra.Command {
	var schema bool
	c := &cobra.Command{
		Use:     "validate FILE...",
		Short:   "Check experiment files, or print their JSON Schema",
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
				for _, scale := range experiments.ScaleNames {
					specs := e.Specs(scale)
					note := ""
					if _, err := experiments.Points(specs, host); errors.Is(err, experiments.ErrCannotRun) {
						note = " (some of a kind that this version cannot run yet)"
					} else if err != nil {
						return usageError{fmt.Errorf("%s: scale %s: %w", file, scale, err)}
					}
					fmt.Fprintf(c.OutOrStdout(), "%s: scale %s: %d points%s\n", file, scale, len(specs), note)
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of experiment files")
	return c
}
