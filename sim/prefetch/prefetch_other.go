//go:build !amd64 || purego

// Package prefetch asks the processor to bring memory into its cache before it is used.
package prefetch

import "unsafe"

// Lines does nothing here.
func Lines(p unsafe.Pointer, n int) {}

// Three does nothing here.
func Three(a, b, c unsafe.Pointer) {}

// Rows does nothing here.
func Rows(base unsafe.Pointer, rows *uint8, n int) {}
