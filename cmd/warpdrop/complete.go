package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"warpdrop/dropout"
	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/infile"
	"warpdrop/sim"
	"warpdrop/workloads"
)

// completions are what shells offer for flags of these names, in every command that has one.
var completions = map[string]func() []string{
	"gpu":      sim.GPUs,
	"check":    sim.CheckNames,
	"compiler": func() []string { return cudac.Compilers },
	"search":   searches,
}

func searches() []string { return []string{"exact", "sgd", "balanced"} }

// methods are what --method of a command takes.
func methods(c *cobra.Command) []string {
	var list []dropout.Method
	switch c.CommandPath() {
	case "warpdrop search":
		return searches()
	case "warpdrop gemm":
		list = workloads.GEMMMethods()
	case "warpdrop gemm candidates":
		list = dropout.Methods(dropout.Dense)
	case "warpdrop iteration mlp", "warpdrop train mlp":
		list = dropout.MLP.Methods()
	case "warpdrop iteration lstm", "warpdrop train lstm":
		list = dropout.LSTM.Methods()
	}
	return dropout.Strings(list)
}

// complete adds completion to the flags of a command and of those below it. One that has its own keeps it.
func complete(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if _, own := c.GetFlagCompletionFunc(f.Name); own {
			return
		}
		names := completions[f.Name]
		if f.Name == "method" {
			names = func() []string { return methods(c) }
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		if f.Name == "gpu" { // or a preset file
			directive = cobra.ShellCompDirectiveDefault
		}
		switch {
		case names != nil:
			list := f.Value.Type() == "stringSlice" || f.Name == "check"
			c.RegisterFlagCompletionFunc(f.Name, func(_ *cobra.Command, _ []string, word string) ([]string,
				cobra.ShellCompDirective) {
				if list {
					return further(word, names()), directive
				}
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

// further offers what a list with commas can go on with.
func further(word string, names []string) (out []string) {
	head := word[:strings.LastIndex(word, ",")+1]
	for _, n := range names {
		if !slices.Contains(strings.Split(head, ","), n) {
			out = append(out, head+n)
		}
	}
	return out
}

// sourceKernel is a kernel as a source declares it, in CUDA C++ or in PTX.
var sourceKernel = regexp.MustCompile(
	`__global__\s+(?:void\s+)?(?:__launch_bounds__\s*\([^)]*\)\s*)?(?:void\s+)?([A-Za-z_]\w*)\s*\(|\.entry\s+([\w$]+)`)

// completeKernel offers the kernels of the file that the command line names. A source is not compiled for it, so what
// macros write is not offered.
func completeKernel(_ *cobra.Command, args []string, word string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	data, err := infile.Read(args[0], codefile.MaxBytes)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	offer := func(name string) {
		if strings.HasPrefix(name, word) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if cudac.IsSource(args[0]) {
		for _, m := range sourceKernel.FindAllSubmatch(data, -1) {
			offer(string(m[1]) + string(m[2]))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
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
		offer(k.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
