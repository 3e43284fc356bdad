//go:build !linux

package hostmem

func available() (int64, bool) { return 0, false }
