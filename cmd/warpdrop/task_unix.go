//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"warpdrop/experiments/slurm"
)

// onTimeLimit ends the context, with slurm.ErrTime as its cause, when Slurm says that the job's time is nearly over.
func onTimeLimit(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	go func() {
		select {
		case <-told:
			cancel(slurm.ErrTime)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(told); cancel(nil) }
}
