package main

import (
	"bufio"
	"fmt"

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
	Callee  string       `json:"callee,omitempty"` // of a call by address: the function
	File    string       `json:"file,omitempty"`   // the source that it was compiled from, where the code says so
	Line    int          `json:"line,omitempty"`   // of that file
}

func newDisasmCommand() *cobra.Command {
	var kernel string
	var control, lines, asJSON bool
	opt := codeOptions{Options: cudac.Options{Arch: 61}}
	cmd := &cobra.Command{
		Use:   "disasm FILE [OBJECT…]",
		Short: "Print machine code as nvdisasm -b SM61 does",
		Long: `Print machine code, one line an instruction, as nvdisasm -b SM61 prints the bytes of a kernel's text section: branch targets are
byte offsets from the start of the kernel's code. A .ptx or .cu file is compiled first; of a program, a library, an object or a
fatbin the machine code is taken that fits --arch best. Several objects are linked. Functions that a kernel calls in other sections follow it. What is not
an instruction is printed as .dword.

--lines puts the line of the source before the instructions that were compiled from it, as nvdisasm -g does, where the file has a
line table (ptxas or nvcc -lineinfo; a .cu file is compiled with one).

--control puts the control word's fields before each instruction, as maxas writes them: wait mask (hexadecimal, -- none) :
read barrier (1 to 6, - none) : write barrier : yield (Y) : stall count (0 to f). Stall count 0 pairs the instruction
with the next one.`,
		Example: "  warpdrop disasm kernel.cubin --kernel saxpy --control",
		Args:    someArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, _, err := codeOf(cmd.Context(), args, opt)
			if err != nil {
				return err
			}
			list, err := file.All(cmd.Context(), opt.choice(kernel))
			if err != nil {
				return usageError{err}
			}
			l := listing{out: bufio.NewWriter(cmd.OutOrStdout()), control: control, sources: lines, json: asJSON,
				lines: []disasmLine{}}
			for i := range list {
				c, err := isa.ReadCubin(list[i].Image)
				if err != nil {
					return usagef("%s: %w", args[0], err)
				}
				l.functions(c, list[i].Kernels)
				if err := c.SourceError(); lines && err != nil {
					return fmt.Errorf("%s: .debug_line: %w", args[0], err)
				}
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), l.lines)
			}
			return l.out.Flush()
		},
	}
	f := cmd.Flags()
	f.StringVar(&kernel, "kernel", "", "print this kernel only")
	f.IntVar(&opt.Arch, "arch", 61, "architecture for which code is taken or compiled: 50 to 62")
	f.BoolVar(&opt.ptx, "ptx", false, "compile the file's PTX although it may have machine code")
	f.BoolVar(&control, "control", false, "print stall counts, barriers and yield")
	f.BoolVar(&lines, "lines", false, "print the lines of the source")
	f.BoolVar(&asJSON, "json", false, "print a JSON array of instructions")
	return cmd
}

// listing prints functions.
type listing struct {
	out     *bufio.Writer
	control bool
	sources bool
	json    bool
	lines   []disasmLine // for JSON
	printed int          // functions
}

// functions prints kernels, and behind them what they call in other sections, each once.
func (l *listing) functions(c *isa.Cubin, kernels []string) {
	var work []isa.Symbol
	for _, name := range kernels {
		k := c.Kernel(name)
		work = append(work, isa.Symbol{Name: name, Address: k.Entry, Size: k.Size})
	}
	known := map[uint32]bool{}
	for _, f := range work {
		known[f.Address] = true
	}
	for len(work) > 0 {
		f := work[0]
		work = work[1:]
		for _, to := range l.function(c, f) {
			if s, ok := c.Section(to); ok && !known[s.Address] {
				known[s.Address] = true
				work = append(work, s)
			}
		}
	}
}

// function prints the code of f and returns the addresses of what it calls by absolute ones.
func (l *listing) function(c *isa.Cubin, f isa.Symbol) (calls []uint32) {
	if l.printed++; l.printed > 1 && !l.json {
		fmt.Fprintln(l.out)
	}
	if !l.json {
		fmt.Fprintf(l.out, "%s:\n", f.Name)
	}
	var last isa.Source
	end := c.Family.Index(min(f.Address+f.Size, uint32(len(c.Image))))
	for i := c.Family.Index(f.Address); i < end; i++ {
		pc := c.Family.PC(i)
		word, control := c.Word(pc), c.Control(pc)
		in, err := c.Family.Decode(word, pc-f.Address, control)
		line := disasmLine{Kernel: f.Name, PC: pc - f.Address, Word: "0x" + word.String(), Control: &control}
		switch {
		case err != nil:
			line.Text = ".dword 0x" + word.String()
		default:
			line.Text = in.String()
		}
		if err == nil && in.Op == isa.OpJCAL && in.Operands[0].Kind == isa.KindImm {
			to := uint32(in.Operands[0].Value)
			calls = append(calls, to)
			if s, ok := c.Extern(to); ok {
				line.Callee = s.Name
			} else if s, ok := c.Section(to); ok {
				line.Callee = s.Name
			}
		}
		source, _ := c.Source(pc)
		if l.json {
			line.File, line.Line = source.File, source.Line
			if !l.control {
				line.Control = nil
			}
			l.lines = append(l.lines, line)
			continue
		}
		if l.sources && source != last && source.Line > 0 {
			fmt.Fprintf(l.out, "\t//## File %q, line %d\n", source.File, source.Line)
			last = source
		}
		if l.control {
			fmt.Fprintf(l.out, "%s  ", control)
		}
		fmt.Fprintf(l.out, "/*%04x*/ %s ;", line.PC, line.Text)
		if line.Callee != "" {
			fmt.Fprintf(l.out, " // %s", line.Callee)
		}
		fmt.Fprintln(l.out)
	}
	return calls
}
