package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"warpdrop/driver"
	"warpdrop/internal/toolchain"
	"warpdrop/sim"
)

// exitCode is how a program ended that warpdrop ran: warpdrop ends alike and says nothing.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// libraryVariable names the folder that scripts/libcuda.sh built into.
const libraryVariable = "WARPDROP_LIBCUDA"

func newExecCommand() *cobra.Command {
	var text strings.Builder
	for _, v := range driver.Variables {
		fmt.Fprintf(&text, "  %-20s %s\n", v.Name, v.Help)
	}
	values := map[string]*string{}
	var quiet bool
	c := &cobra.Command{
		Use:   "exec [flags] -- PROGRAM [ARGUMENT ...]",
		Short: "Run a program that uses CUDA on the simulated GPU",
		Long: `Run a program that uses the CUDA driver API on the simulated GPU, unmodified: it finds Warpdrop's libcuda.so.1 where it looks for
the driver. scripts/libcuda.sh builds that library (it needs gcc). At the end a table shows the kernels by the time they took.
scripts/cuda++ compiles CUDA C++ with host code for it. Programs that load NVIDIA's own runtime (PyTorch, CuPy, cuBLAS) do not run:
see docs/guide/program.md for what does.

Flags set these variables, which programs that are started in another way take too:
` + text.String(),
		Example: `  scripts/libcuda.sh
  warpdrop exec -- python train.py
  warpdrop exec --gpu gtx1080 --report kernels.html --trace streams.json -- ./saxpy
  warpdrop exec --kernels '^gemm' --skip 10 --count 5 -- python train.py   # time five launches, run the rest for their values`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("exec takes a program to run: warpdrop exec -- PROGRAM [ARGUMENT ...]")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := library()
			if err != nil {
				return usageError{err}
			}
			env := map[string]string{}
			for _, f := range execFlags {
				v := *values[f.name]
				if v == "" {
					continue
				}
				if f.file && v != "-" {
					if v, err = filepath.Abs(v); err != nil {
						return err
					}
				}
				env[f.variable] = v
			}
			if quiet {
				env["WARPDROP_QUIET"] = "1"
			}
			// What the program would refuse at its first call is refused before it starts.
			look := func(name string) (string, bool) {
				if v, ok := env[name]; ok {
					return v, true
				}
				return os.LookupEnv(name)
			}
			o, err := driver.FromEnvironment(func(name string) (string, bool) {
				if name == "WARPDROP_LOG" { // would be opened
					return "", false
				}
				return look(name)
			})
			if err != nil {
				return usageError{err}
			}
			if o.GPU != "" {
				if _, err := sim.LoadGPU(o.GPU); err != nil {
					return usageError{err}
				}
				if strings.HasSuffix(o.GPU, ".yaml") || strings.HasSuffix(o.GPU, ".yml") {
					if env["WARPDROP_GPU"], err = filepath.Abs(o.GPU); err != nil {
						return err
					}
				}
			}
			// The program may run in another folder, where .toolchain is not.
			if tool, err := toolchain.Find("ptxas"); err == nil && filepath.Base(filepath.Dir(tool)) == "bin" &&
				os.Getenv(toolchain.Variable) == "" {
				if root := filepath.Dir(filepath.Dir(tool)); filepath.Base(root) == ".toolchain" {
					env[toolchain.Variable] = root
				}
			}
			env["LD_LIBRARY_PATH"] = dir
			if old := os.Getenv("LD_LIBRARY_PATH"); old != "" {
				env["LD_LIBRARY_PATH"] += string(os.PathListSeparator) + old
			}
			return runProgram(cmd, env, args)
		},
	}
	f := c.Flags()
	for _, x := range execFlags {
		values[x.name] = f.String(x.name, "", x.help)
	}
	f.BoolVar(&quiet, "quiet", false, "no table at the end, no progress on the terminal")
	return c
}

// execFlags are the flags that set a variable.
var execFlags = []struct {
	name, variable string
	file           bool
	help           string
}{
	{"gpu", "WARPDROP_GPU", false, "GPU preset or a preset file (gtx1080ti)"},
	{"report", "WARPDROP_REPORT", true, "write kernels by time, with a profile page each, to this HTML file"},
	{"profile", "WARPDROP_PROFILE", true, "write each kernel's instructions with stall cycles to this file: text, " +
		"or .csv or .json with every count; - for standard error"},
	{"json", "WARPDROP_JSON", true, "write every launch to this JSON file"},
	{"trace", "WARPDROP_TRACE", true, "write streams and copies over time to this file, for ui.perfetto.dev"},
	{"mode", "WARPDROP_MODE", false,
		"timed, sampled (the first waves of blocks are timed) or functional (values only, no cycles)"},
	{"kernels", "WARPDROP_KERNELS", false,
		"time kernels whose names match this regular expression, run others for their values"},
	{"skip", "WARPDROP_SKIP", false,
		"run so many launches (of --kernels) for their values before the first that is timed"},
	{"count", "WARPDROP_COUNT", false, "time so many launches (of --kernels), run those after them for their values"},
	{"check", "WARPDROP_CHECK", false,
		"look for races, unwritten, leaks … (comma-separated; warpdrop sim --help lists all)"},
	{"max-cycles", "WARPDROP_MAX_CYCLES", false, "end a launch with an error after so many cycles"},
	{"threads", "WARPDROP_THREADS", false, "threads that simulate; changes no result"},
}

// library finds the folder with libcuda.so.1.
func library() (string, error) {
	dirs := []string{os.Getenv(libraryVariable), ".libcuda"}
	if exe, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Join(filepath.Dir(exe), "libcuda"))
	}
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "libcuda.so.1")); err == nil {
			return filepath.Abs(dir)
		}
	}
	return "",
		fmt.Errorf("libcuda.so.1 is not built: run scripts/libcuda.sh (it needs gcc and builds into .libcuda), or set %s "+
			"to the folder that holds it", libraryVariable)
}

// runProgram runs args with env on top of this process's environment and ends as it does. An interrupt reaches it by
// the terminal, and it is the program's to answer; a request to end is handed on.
func runProgram(cmd *cobra.Command, env map[string]string, args []string) error {
	p := exec.Command(args[0], args[1:]...)
	p.Stdin, p.Stdout, p.Stderr = cmd.InOrStdin(), raw(cmd.OutOrStdout()), raw(cmd.ErrOrStderr())
	p.Env = os.Environ()
	for k, v := range env {
		p.Env = append(p.Env, k+"="+v)
	}
	if err := p.Start(); err != nil {
		return usageError{err}
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() {
		for s := range end {
			_ = p.Process.Signal(s)
		}
	}()
	err := p.Wait()
	signal.Stop(end)
	close(end)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if code := exit.ExitCode(); code >= 0 {
			return exitCode(code)
		}
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return err
}
