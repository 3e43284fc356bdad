// Reuse sets operand-reuse flags in a cubin (isa.KeepOperands), in place. scripts/kernels.sh runs it.
package main

import (
	"fmt"
	"os"

	"warpdrop/sim/isa"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reuse:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	cubin, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if cubin, _, err = isa.KeepOperands(cubin); err != nil {
		return err
	}
	return os.WriteFile(path, cubin, 0o644)
}
