package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"warpdrop/internal/atomicfile"
)

// outputFlag marks flags that name a file to be written.
const outputFlag = "warpdrop-output"

// stdoutFlag marks those of them that take - for standard output.
const stdoutFlag = "warpdrop-stdout"

// outputVar is StringVar for a file that the command writes at its end. Whether it can be written is tried before the
// work.
func outputVar(f *pflag.FlagSet, path *string, name, usage string) {
	outputVarP(f, path, name, "", usage)
}

// outputVarP is outputVar with a letter.
func outputVarP(f *pflag.FlagSet, path *string, name, letter, usage string) {
	f.StringVarP(path, name, letter, "", usage)
	if err := f.SetAnnotation(name, outputFlag, []string{""}); err != nil {
		panic(err) // the flag was made a line above
	}
}

// allowStdout says that - is standard output for a flag of outputVar.
func allowStdout(f *pflag.FlagSet, name string) {
	if err := f.SetAnnotation(name, stdoutFlag, []string{""}); err != nil {
		panic(err) // outputVar has made it
	}
}

// tryOutputs refuses files that could not be written after hours of work.
func tryOutputs(f *pflag.FlagSet) (err error) {
	f.Visit(func(x *pflag.Flag) {
		if _, ok := x.Annotations[outputFlag]; !ok || x.Value.String() == "" || err != nil {
			return
		}
		if _, ok := x.Annotations[stdoutFlag]; ok && x.Value.String() == "-" {
			return
		}
		if bad := atomicfile.TryThrough(x.Value.String()); bad != nil {
			err = usageError{fmt.Errorf("--%s: %w", x.Name, bad)}
		}
	})
	return err
}
