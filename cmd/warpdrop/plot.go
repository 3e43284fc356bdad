package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
	"warpdrop/plots"
)

func newPlotCommand() *cobra.Command {
	var names, formats []string
	var report bool
	c := &cobra.Command{
		Use:   "plot DIR",
		Short: "Draw the figures of an output folder again from its stored points",
		Example: "  warpdrop plot out/quickstart\n  warpdrop plot out/quickstart --figure parts --format pdf\n  warpdrop " +
			"plot out/quickstart --report",
		Args: exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			for _, n := range names {
				if !experiments.IsFigure(n) {
					return usagef("--figure is %q; allowed are %s, or a column against a key, like \"kernel_cycles against tile\"",
						n, strings.Join(experiments.FigureNames(), ", "))
				}
			}
			for _, f := range formats {
				if !slices.Contains(plots.Formats, f) {
					return usagef("--format is %q; allowed are %s", f, strings.Join(plots.Formats, ", "))
				}
			}
			if err := isFolder(args[0]); err != nil {
				return err
			}
			results, manifest, err := experiments.ReadOutput(args[0])
			if err != nil {
				return err
			}
			wanted := names
			if len(wanted) == 0 {
				wanted = results.Wanted()
			}
			dir := filepath.Join(args[0], experiments.FiguresDir)
			figures, err := results.DrawFigures(dir, wanted, formats)
			if err != nil {
				return err
			}
			for _, f := range figures {
				switch {
				case f.Missing == "":
					fmt.Fprintln(c.OutOrStdout(), filepath.Join(dir, f.Name+"."+strings.Join(formats, "|")))
				case len(names) > 0: // asked for by name
					fmt.Fprintf(c.OutOrStdout(), "%s: nothing to draw: %s\n", f.Name, f.Missing)
				}
			}
			if report {
				if err := results.WriteReport(args[0], manifest); err != nil {
					return err
				}
				fmt.Fprintln(c.OutOrStdout(), filepath.Join(args[0], experiments.ReportName))
			}
			for _, w := range results.Warnings() {
				fmt.Fprintln(c.ErrOrStderr(), w)
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&names, "figure", nil, "figures to draw (default: those of the report)")
	c.Flags().StringSliceVar(&formats, "format", []string{"png", "svg"}, "formats: png, svg, pdf")
	c.Flags().BoolVar(&report, "report", false, "write report.html anew too")
	c.RegisterFlagCompletionFunc("figure", cobra.FixedCompletions(experiments.FigureNames(),
		cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(plots.Formats, cobra.ShellCompDirectiveNoFileComp))
	return c
}
