// Package scratch makes folders for the time of one call, and takes away those that killed processes left behind.
package scratch

import (
	"os"
	"path/filepath"
	"time"
)

const (
	pattern = "warpdrop-scratch-*"
	// mark is in every folder of ours: a folder of that name without it is somebody else's.
	mark = ".warpdrop-scratch"
	// old is far more than any call takes.
	old = 24 * time.Hour
)

// Dir makes a folder in the system's folder for temporary files. The caller removes it.
func Dir() (dir string, err error) {
	sweep(os.TempDir(), time.Now())
	if dir, err = os.MkdirTemp("", pattern); err != nil {
		return "", err
	}
	if err = os.WriteFile(filepath.Join(dir, mark), nil, 0o600); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

// sweep removes the old ones. What cannot be removed, another user's, stays.
func sweep(temp string, now time.Time) {
	dirs, _ := filepath.Glob(filepath.Join(temp, pattern))
	for _, dir := range dirs {
		folder, err := os.Lstat(dir)
		if err != nil || !folder.IsDir() {
			continue
		}
		marked, err := os.Lstat(filepath.Join(dir, mark))
		if err == nil && marked.Mode().IsRegular() && now.Sub(marked.ModTime()) > old && now.Sub(folder.ModTime()) > old {
			os.RemoveAll(dir)
		}
	}
}
