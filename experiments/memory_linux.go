package experiments

import "golang.org/x/sys/unix"

// availableMemory is what points may take together: half of the machine's memory.
func availableMemory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 4 << 30
	}
	return int64(info.Totalram) * int64(info.Unit) / 2
}
