// Package atomicfile replaces files as a whole.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// Write replaces the file at path by what write writes: a reader sees the old file or the new one, however the writer
// ends, and once Write has returned nil the new one outlives a crash of the machine. A link's target is replaced, not
// the link. What is no regular file, a terminal or /dev/null, is written to and stays what it is.
func Write(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeThrough(path, write)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, pattern(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Try tells before the work whether Write could begin at path: its folder is there and can be written, and path is no
// folder. It leaves nothing behind and does not touch what is at path.
func Try(path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.Mode()&os.ModeNamedPipe != 0: // opened once only: its reader sees an end
		return nil
	case err == nil && !info.Mode().IsRegular():
		return writeThrough(path, func(io.Writer) error { return nil })
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), pattern(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// writeThrough writes to a device or a pipe; a folder is an error.
func writeThrough(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(write(f), f.Close())
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// WriteBytes replaces the file at path by data.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// pattern names the files that are written before they are renamed. They begin with a dot, so that nothing takes them
// for results.
func pattern(path string) string { return "." + filepath.Base(path) + "-*.part" }

// IsPart tells whether a file name is one that Write gives to what it has not renamed yet, and of which file.
func IsPart(name string) (of string, ok bool) {
	m := part.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1], true
}

var part = regexp.MustCompile(`^\.(.+)-[0-9]+\.part$`)

// RemoveParts removes what writers of path that were killed have left behind. No one else may be writing it.
func RemoveParts(path string) {
	dir := filepath.Dir(path)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if of, ok := IsPart(e.Name()); ok && of == filepath.Base(path) && e.Type().IsRegular() {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
