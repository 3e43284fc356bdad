// Package toolchain finds the programs and libraries that make machine code: NVRTC, clang, ptxas, nvdisasm.
package toolchain

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Variable names the folder whose bin holds the tools, lib the libraries and include CUDA's headers.
const Variable = "WARPDROP_TOOLCHAIN"

// ErrMissing is the error for a tool that is not installed.
var ErrMissing = errors.New("is not installed")

// Folders are the folders that scripts/toolchain.sh may have filled: $WARPDROP_TOOLCHAIN, and .toolchain of the current
// one.
func Folders() (dirs []string) {
	for _, dir := range []string{os.Getenv(Variable), ".toolchain"} {
		if abs, err := filepath.Abs(dir); dir != "" && err == nil {
			dirs = append(dirs, abs)
		}
	}
	return dirs
}

// Find looks for a program in Folders and on the path.
func Find(name string) (string, error) {
	for _, dir := range Folders() {
		if p := filepath.Join(dir, "bin", name); IsFile(p) {
			return p, nil
		}
	}
	p, err := exec.LookPath(name)
	if err != nil {
		return "",
			fmt.Errorf("%s %w: run scripts/toolchain.sh (it installs NVRTC, clang-19, ptxas and nvdisasm into .toolchain), "+
				"or set %s "+
				"to the folder that holds bin/%s, or give a .cubin", name, ErrMissing, Variable, name)
	}
	return p, nil
}

// IsFile tells whether there is a regular file at path.
func IsFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
