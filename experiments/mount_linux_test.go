package experiments

import "syscall"

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
