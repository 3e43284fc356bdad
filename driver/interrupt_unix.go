//go:build unix

package driver

import "syscall"

// interruptSelf lets the program have the interrupt that ended its launch.
func interruptSelf() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGINT) }
