//go:build !((linux || darwin || freebsd) && (amd64 || arm64))

package cudac

import (
	"context"
	"errors"
	"fmt"

	"warpdrop/internal/toolchain"
)

var errHostCode = errors.New("has host code")

// nvrtc has no library here.
func nvrtc(context.Context, string, []byte, Options) ([]byte, string, error) {
	return nil, "", fmt.Errorf("libnvrtc %w", toolchain.ErrMissing)
}

func nvrtcVersion() (string, error) { return "", fmt.Errorf("libnvrtc %w", toolchain.ErrMissing) }
