//go:build !unix

package atomicfile

import (
	"errors"
	"io"
	"os"
)

// writePipe writes to a named pipe.
func writePipe(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
