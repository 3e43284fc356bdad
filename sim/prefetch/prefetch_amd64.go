//go:build !purego

// Package prefetch asks the processor to bring memory into its cache before it is used.
package prefetch

import "unsafe"

// Lines prefetches n cache lines of 64 bytes from p on. It changes nothing, wherever p points.
//
//go:noescape
func Lines(p unsafe.Pointer, n int)

// Three prefetches the cache lines of three addresses.
//
//go:noescape
func Three(a, b, c unsafe.Pointer)

// Rows prefetches n rows of 128 bytes, at least one, of the array at base; rows points to their numbers.
//
//go:noescape
func Rows(base unsafe.Pointer, rows *uint8, n int)
