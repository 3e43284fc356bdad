//go:build unix

package atomicfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// writePipe writes to a named pipe when somebody reads it. Neither the wait for a reader nor that for a slow one keeps
// a signal from ending it.
func writePipe(path string, write func(io.Writer) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	for errors.Is(err, syscall.ENXIO) { // no reader yet
		select {
		case <-ctx.Done():
			return errors.New("stopped while nobody read this pipe")
		case <-time.After(20 * time.Millisecond):
			f, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		}
	}
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { f.SetWriteDeadline(time.Now()) })()
	if err = errors.Join(write(f), f.Close()); ctx.Err() != nil && err != nil {
		return fmt.Errorf("stopped while its reader waited: %w", err)
	}
	return err
}
