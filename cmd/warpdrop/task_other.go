//go:build !unix

package main

import "context"

// onTimeLimit does nothing: Slurm's nodes are Unix machines.
func onTimeLimit(ctx context.Context) (context.Context, func()) { return ctx, func() {} }
