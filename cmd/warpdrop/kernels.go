package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"warpdrop/internal/codefile"
	"warpdrop/internal/cudac"
	"warpdrop/internal/table"
	"warpdrop/sim/isa/fatbin"
)

// kernelLine is one kernel for one architecture, as kernels --json prints it.
type kernelLine struct {
	Name        string `json:"name"`      // as the file has it
	Source      string `json:"source"`    // as the source has it
	Kind        string `json:"kind"`      // code or ptx
	Arch        int    `json:"arch"`      // 61 for sm_61
	Registers   int    `json:"registers"` // a thread; this and the rest of machine code for sm_50 to sm_62 only
	SharedBytes int    `json:"shared_bytes"`
	LocalBytes  int    `json:"local_bytes"`
	ParamBytes  []int  `json:"param_bytes,omitempty"` // sizes of the parameters
	Problem     string `json:"problem,omitempty"`     // why the code is not read
}

func newKernelsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "kernels FILE",
		Short: "List the kernels of a cubin, a library, a program or another file, by architecture",
		Long: `List the kernels of a file and for which architectures it holds them, as machine code or as PTX: a cubin, PTX,
CUDA C++ (compiled), a fatbin, or a program, a library, an object or an archive with fatbins in it. warpdrop sim and
warpdrop disasm take the same files and choose what fits the GPU best: machine code of the same major architecture, the
latest that is not later, else PTX.`,
		Example: "  warpdrop kernels sim/testdata/checks.cubin",
		Args:    exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, _, err := codeOf(cmd.Context(), args, codeOptions{Options: cudac.Options{Arch: 61}, unbound: true})
			if err != nil {
				return err
			}
			list, err := file.Kernels()
			if err != nil {
				return usageError{err}
			}
			lines := []kernelLine{}
			for _, k := range list {
				l := kernelLine{Name: k.Name, Source: codefile.Demangle(k.Name), Kind: "code", Arch: k.Arch, Problem: k.Problem}
				if k.Kind == fatbin.PTX {
					l.Kind = "ptx"
				}
				if i := k.Info; i != nil {
					l.Registers, l.SharedBytes, l.LocalBytes = i.Registers, i.SharedBytes, i.LocalBytes
					for _, p := range i.Params {
						l.ParamBytes = append(l.ParamBytes, p.Size)
					}
				}
				lines = append(lines, l)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), lines)
			}
			return printKernels(cmd, lines)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON array, a line for each kernel and architecture")
	return c
}

// printKernels prints one row a kernel; what it needs is that of the latest machine code that is read.
func printKernels(cmd *cobra.Command, lines []kernelLine) error {
	type row struct {
		best  kernelLine
		archs []string
	}
	rows := map[string]*row{}
	var order []string
	for _, l := range lines {
		r := rows[l.Name]
		if r == nil {
			r = &row{best: l}
			rows[l.Name] = r
			order = append(order, l.Name)
		}
		arch := fmt.Sprintf("sm_%d", l.Arch)
		if l.Kind == "ptx" {
			arch = "PTX " + arch
		}
		if !slices.Contains(r.archs, arch) {
			r.archs = append(r.archs, arch)
		}
		if l.Registers > 0 && l.Arch >= r.best.Arch {
			r.best = l
		}
	}
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "registers\tshared\tlocal\tparameters\tcode\tkernel")
	for _, name := range order {
		r := rows[name]
		total := 0
		for _, n := range r.best.ParamBytes {
			total += n
		}
		params := fmt.Sprintf("%d: %d bytes", len(r.best.ParamBytes), total)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", known(r.best, r.best.Registers), known(r.best, r.best.SharedBytes),
			known(r.best, r.best.LocalBytes), params, strings.Join(r.archs, ", "), r.best.Source)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if !fits(cmd.OutOrStdout()) {
		_, err := cmd.OutOrStdout().Write(text.Bytes())
		return err
	}
	width := table.Width(raw(cmd.OutOrStdout()))
	names := strings.Index(text.String(), "kernel") // the last column: names of C++ are long
	for line := range strings.Lines(text.String()) {
		row := []rune(strings.TrimSpace(line))
		head, indent := string(row[:names]), names
		if len(row) > width && names > width/2 {
			head, indent = strings.TrimSpace(head)+"\n    ", 4
		}
		name := table.Fold(string(row[names:]), width-indent, "  ")
		name = strings.ReplaceAll(name, "\n", "\n"+strings.Repeat(" ", indent))
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), head+name); err != nil {
			return err
		}
	}
	return nil
}

// known is n, or a dash where the code was not read.
func known(l kernelLine, n int) string {
	if l.Registers == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
