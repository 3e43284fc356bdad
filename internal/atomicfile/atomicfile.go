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
// the link. What is there and no regular file is an error: a pipe under the name of a file of ours has no reader.
func Write(path string, write func(io.Writer) error) (err error) {
	if err := regular(path); err != nil {
		return fmt.Errorf("write %w", err)
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

// regular refuses what is at path, if it is no regular file.
func regular(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: it is there and is not a regular file: %s", path, info.Mode())
	}
	return nil
}

// Through is Write to a path that the user has chosen for this output: what is no regular file, a terminal, /dev/null,
// a pipe that somebody reads, is written to and stays what it is.
func Through(path string, write func(io.Writer) error) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().IsRegular() {
		return Write(path, write)
	}
	if info.Mode()&os.ModeNamedPipe != 0 {
		err = writePipe(path, write)
	} else if f, opened := os.OpenFile(path, os.O_WRONLY, 0); opened != nil {
		err = opened
	} else {
		err = errors.Join(write(f), f.Close())
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// ThroughBytes is Through of data.
func ThroughBytes(path string, data []byte) error { return Through(path, bytesTo(data)) }

// TryThrough is Try for Through.
func TryThrough(path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.Mode()&os.ModeNamedPipe != 0: // opened once only: its reader sees an end
		return nil
	case err == nil && !info.Mode().IsRegular():
		return Through(path, func(io.Writer) error { return nil })
	}
	return Try(path)
}

// Try tells before the work whether Write could begin at path: its folder is there and can be written, and path is free
// or a regular file. It leaves nothing behind and does not touch what is at path.
func Try(path string) error {
	if err := regular(path); err != nil {
		return fmt.Errorf("write %w", err)
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

// WriteBytes replaces the file at path by data.
func WriteBytes(path string, data []byte) error { return Write(path, bytesTo(data)) }

func bytesTo(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
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
