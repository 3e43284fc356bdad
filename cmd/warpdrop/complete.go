package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"warpdrop/dropout"
	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/sim"
)

// completions are what shells offer for flags of these names, in every command that has one.
var completions = map[string]func() []string{
	"gpu":      sim.GPUs,
	"check":    sim.CheckNames,
	"compiler": func() []string { return cudac.Compilers },
	"method": func() (names []string) {
		for _, m := range dropout.Methods() {
			names = append(names, string(m))
		}
		return append([]string{"none", "dense", "masked", "dropconnect"}, names...)
	},
}

// complete adds completion to the flags of a command and of those below it. One that has its own keeps it.
func complete(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if _, own := c.GetFlagCompletionFunc(f.Name); own {
			return
		}
		names := completions[f.Name]
		if c.Name() == "search" && f.Name == "method" {
			names = func() []string { return []string{"exact", "sgd", "balanced"} }
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		if f.Name == "gpu" { // or a preset file
			directive = cobra.ShellCompDirectiveDefault
		}
		switch {
		case names != nil:
			c.RegisterFlagCompletionFunc(f.Name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return names(), directive
			})
		case f.Name == "kernel":
			c.RegisterFlagCompletionFunc(f.Name, completeKernel)
		}
	})
	for _, sub := range c.Commands() {
		complete(sub)
	}
}

// completeKernel offers the kernels of the file that the command line names. A source is not compiled for it.
func completeKernel(_ *cobra.Command, args []string, word string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) != 1 || cudac.IsSource(args[0]) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	data, err := infile.Read(args[0], codefile.MaxBytes)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	f, err := codefile.Open(args[0], data)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, err := f.Kernels()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, k := range list {
		if strings.HasPrefix(k.Name, word) && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
