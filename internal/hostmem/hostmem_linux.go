package hostmem

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// available is the kernel's own estimate of what can be had without swapping, less where a control group allows less.
func available() (int64, bool) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	free := int64(-1)
	for line := range bytes.Lines(data) {
		if f := strings.Fields(string(line)); len(f) >= 2 && f[0] == "MemAvailable:" {
			if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				free = kib << 10
			}
		}
	}
	if left, ok := groupLeft("/sys/fs/cgroup", "/proc/self/cgroup"); ok && (free < 0 || left < free) {
		free = left
	}
	return max(free, 0), free >= 0
}

// groupLeft is what the process's control group (version 2) and those above it leave, where they set a limit. Pages of
// files count as used there though the kernel gives them up; they are added back.
func groupLeft(root, self string) (int64, bool) {
	data, err := os.ReadFile(self)
	if err != nil {
		return 0, false
	}
	path := ""
	for line := range bytes.Lines(data) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "0::"); ok {
			path = p
		}
	}
	least, found := int64(0), false
	for dir := filepath.Join(root, path); strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
		limit, ok1 := number(filepath.Join(dir, "memory.max"))
		used, ok2 := number(filepath.Join(dir, "memory.current"))
		if !ok1 || !ok2 {
			continue
		}
		left := max(limit-used, 0)
		if stat, err := os.ReadFile(filepath.Join(dir, "memory.stat")); err == nil {
			for line := range bytes.Lines(stat) {
				if f := strings.Fields(string(line)); len(f) == 2 && (f[0] == "inactive_file" || f[0] == "active_file") {
					if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
						left += n
					}
				}
			}
		}
		if !found || left < least {
			least, found = left, true
		}
	}
	return least, found
}

// number reads a file that holds one number; "max" is none.
func number(path string) (int64, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}
