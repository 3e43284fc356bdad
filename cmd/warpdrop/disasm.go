package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"warpdrop/internal/cudac"
	"warpdrop/sim/isa"
)

// disasmLine is one instruction of disasm --json. PC counts from the start of the kernel's code.
type disasmLine struct {
	Kernel  string       `json:"kernel"`
	PC      uint32       `json:"pc"`
	Word    string       `json:"word"`
	Text    string       `json:"text"`
	Control *isa.Control `json:"control,omitempty"`
}

func newDisasmCommand() *cobra.Command {
	var kernel string
	var control, asJSON bool
	cmd := &cobra.Command{
		Use:   "disasm FILE",
		Short: "Print the machine code of a cubin as nvdisasm -b SM61 does",
		Long: `Print the machine code of a cubin, one line an instruction, as nvdisasm -b SM61 prints the bytes of its text section:
branch targets are byte offsets from the start of the kernel's code. A .ptx or .cu file is compiled first.

--control puts the control word's fields before each instruction, as maxas writes them: wait mask (hexadecimal, -- none) :
read barrier (1 to 6, - none) : write barrier : yield (Y) : stall count (0 to f). Stall count 0 pairs the instruction
with the next one.`,
		Example: "  warpdrop disasm kernel.cubin --kernel saxpy --control",
		Args:    exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, _, err := cubinOf(cmd.Context(), args[0], cudac.Options{Arch: 61})
			if err != nil {
				return err
			}
			c, err := isa.ReadCubin(data)
			if err != nil {
				return usagef("%s: %w", args[0], err)
			}
			if kernel != "" && c.Kernel(kernel) == nil {
				var names []string
				for _, k := range c.Kernels {
					names = append(names, k.Name)
				}
				return usagef("%s has no kernel %q; it has: %s", args[0], kernel, strings.Join(names, ", "))
			}
			lines := []disasmLine{}
			for _, k := range c.Kernels {
				if kernel != "" && k.Name != kernel {
					continue
				}
				insts, err := c.KernelInsts(&k)
				if err != nil {
					return err
				}
				for i := range insts {
					in := &insts[i]
					lines = append(lines, disasmLine{k.Name, in.PC, fmt.Sprintf("0x%016x", in.Word), in.String(), &in.Control})
				}
			}
			out := cmd.OutOrStdout()
			if asJSON {
				if !control {
					for i := range lines {
						lines[i].Control = nil
					}
				}
				return printJSON(out, lines)
			}
			last := ""
			for _, l := range lines {
				if l.Kernel != last {
					if last != "" {
						fmt.Fprintln(out)
					}
					fmt.Fprintf(out, "%s:\n", l.Kernel)
					last = l.Kernel
				}
				prefix := ""
				if control {
					prefix = l.Control.String() + "  "
				}
				if _, err := fmt.Fprintf(out, "%s/*%04x*/ %s ;\n", prefix, l.PC, l.Text); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&kernel, "kernel", "", "print this kernel only")
	cmd.Flags().BoolVar(&control, "control", false, "print stall counts, barriers and yield")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array of instructions")
	return cmd
}
