//go:build !((linux || darwin || freebsd) && (amd64 || arm64))

package train

import (
	"errors"

	"gonum.org/v1/gonum/blas"
)

var sharedNames []string

func openShared(...string) (blas.Float32Level3, string, error) {
	return nil, "", errors.New("shared libraries are not supported on this platform")
}
