// Command warpdrop simulates a GTX 1080 Ti running real sm_61 machine code and compares ways of skipping work on it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"warpdrop/internal/nearest"
)

// version is the release; results carry it together with the model version of package sim.
const version = "0.2.0"

// commands is the table of subcommands; each stands in its own file.
var commands = []func() *cobra.Command{
	newRunCommand,
	newValidateCommand,
	newPlanCommand,
	newPointCommand,
	newStatusCommand,
	newCancelCommand,
	newTaskCommand,
	newSearchCommand,
	newPlotCommand,
	newCompareCommand,
	newTrainCommand,
	newGEMMCommand,
	newSimCommand,
	newExecCommand,
	newDisasmCommand,
	newKernelsCommand,
	newCompileCommand,
	newGPUsCommand,
	newMicrobenchCommand,
	newCorrelateCommand,
	newIterationCommand,
	newBenchCommand,
}

// usageError is an error in what the user asked for: exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exactArgs is cobra.ExactArgs with an error of the user's kind.
func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s takes %d argument(s), not %d; see %s --help", cmd.Name(), n, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// interrupted is the exit code after Ctrl-C.
const interrupted = 130

// run is the whole program as a function: the exit code is 0, 1 (a run failed), 2 (the request was refused) or 130 (it
// was stopped).
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "warpdrop",
		Short: "Does skipping this work pay off on that GPU?",
		Long: "Warpdrop runs the real machine code of an NVIDIA GTX 1080 Ti in a cycle-level simulator, no GPU " +
			"needed,\nand trains the same networks on the CPU, so that one file yields cycles, speedup, bank conflicts and " +
			"accuracy.",
		Example: "  warpdrop run experiments/quickstart.yaml",
		Version: version,
		Args: func(c *cobra.Command, args []string) error { // a first word that is no command
			if len(args) > 0 {
				var names []string
				for _, sub := range c.Commands() {
					names = append(names, sub.Name())
				}
				return usagef("unknown command %q%s; see warpdrop --help", args[0], nearest.Hint(args[0], names))
			}
			return nil
		},
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return tryOutputs(c.Flags()) },
		SilenceUsage:      true,
		SilenceErrors:     true,
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	out, errs := newPrinter("standard output", stdout), newPrinter("standard error", stderr)
	root.SetOut(out)
	root.SetErr(errs)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		var none *pflag.NotExistError
		if errors.As(err, &none) {
			var names []string
			c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
			err = fmt.Errorf("%w%s; see %s --help", err, nearest.Hint(none.GetSpecifiedName(), names), c.CommandPath())
		}
		return usageError{err}
	})
	for _, c := range commands {
		root.AddCommand(c())
	}
	complete(root)
	err := root.ExecuteContext(ctx)
	if lost := out.close(); err == nil {
		err = lost
	}
	if err == nil {
		return 0
	}
	defer errs.close()
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	fmt.Fprintln(errs, "warpdrop:", err)
	var u usageError
	if errors.As(err, &u) {
		return 2
	}
	if ctx.Err() != nil { // as shells count a program that a signal ended
		return interrupted
	}
	return 1
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
