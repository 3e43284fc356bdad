//go:build !linux

package driver

import "errors"

const hostPage = 4096

var errTaken = errors.New("the program has memory at this address")

// Memory at an address of one's choice is asked for on Linux only, where the library is.
func mapHost(addr, n uint64) ([]byte, error) { return nil, errors.New("needs Linux") }

func unmapHost(addr, n uint64) {}
