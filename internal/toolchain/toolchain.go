// Package toolchain finds the programs that make machine code: clang, ptxas, nvdisasm.
package toolchain

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Variable names the folder whose bin holds the tools.
const Variable = "WARPDROP_TOOLCHAIN"

// Find looks for a tool in $WARPDROP_TOOLCHAIN, in .toolchain of the current folder, and on the path.
func Find(name string) (string, error) {
	for _, dir := range []string{os.Getenv(Variable), ".toolchain"} {
		if dir == "" {
			continue
		}
		if p, err := filepath.Abs(filepath.Join(dir, "bin", name)); err == nil {
			if _, err := os.Stat(p); err == nil {
				return p, nil
			}
		}
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: run scripts/toolchain.sh (it installs clang-19, ptxas and nvdisasm into .toolchain), or set %s to the folder that holds bin/%s, or give a .cubin", name, Variable, name)
	}
	return p, nil
}
