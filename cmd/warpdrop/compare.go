package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"warpdrop/experiments"
	"warpdrop/plots"
)

func newCompareCommand() *cobra.Command {
	var figure string
	var asJSON, all bool
	c := &cobra.Command{
		Use:     "compare DIR1 DIR2",
		Short:   "Show what changed between two output folders",
		Example: "  warpdrop compare out/before out/after\n  warpdrop compare out/before out/after --plot changes.svg",
		Args:    exactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			var both [2]*experiments.Results
			for i, dir := range args {
				if err := isFolder(dir); err != nil {
					return err
				}
				var err error
				if both[i], _, err = experiments.ReadOutput(dir); err != nil {
					return err
				}
			}
			changes := experiments.Compare(both[0], both[1])
			if figure != "" {
				p, err := experiments.DrawChanges(changes, args[0], args[1])
				if err != nil {
					return err
				}
				if err := plots.Save(p, figure); err != nil {
					return err
				}
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(changes)
			}
			changed := slices.DeleteFunc(slices.Clone(changes), func(ch experiments.Change) bool { return !ch.Changed() })
			shown := changed
			if all {
				shown = changes
			}
			if len(shown) > 0 {
				head, rows := experiments.ChangeTable(shown)
				if err := printTable(c.OutOrStdout(), head, rows); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "%d of %d rows changed\n", len(changed), len(changes))
			return nil
		},
	}
	outputVar(c.Flags(), &figure, "plot", "draw the change of cycles to this .png, .svg or .pdf file")
	c.Flags().BoolVar(&all, "all", false, "show rows that did not change too")
	c.Flags().BoolVar(&asJSON, "json", false, "print the changes as JSON")
	return c
}
