//go:build !linux && !js

package hostmem

func available() (int64, bool) { return 0, false }
