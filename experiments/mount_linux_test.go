package experiments

import (
	"syscall"
	"time"
)

// mountSmall mounts a file system of a size such as "32k"; remount changes its size, or makes it read-only.
func mountSmall(dir, size string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
}

func remount(dir, size string, readOnly bool) error {
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, "size="+size)
}

func unmount(dir string) { syscall.Unmount(dir, 0) }

// processorTime is what this process has used: unlike the clock it does not count what other processes take.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
