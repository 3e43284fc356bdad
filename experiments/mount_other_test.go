//go:build !linux

package experiments

import "errors"

var errNotLinux = errors.New("not Linux")

func mountSmall(string, string) error    { return errNotLinux }
func remount(string, string, bool) error { return errNotLinux }
func unmount(string)                     {}
