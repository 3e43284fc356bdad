// Package infile reads files that users name: regular ones only, up to a stated size, so that a device, a pipe or a
// file far too large is an error with its name and neither a hang nor the end of the host's memory.
package infile

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

// Open opens a regular file of at most limit bytes. It does not wait for the writer of a pipe.
func Open(path string, limit int64) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file: %s", path, info.Mode())
	case info.Size() > limit:
		err = fmt.Errorf("%s has %d bytes; at most %d are read", path, info.Size(), limit)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Read returns the contents of a regular file of at most limit bytes.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return All(f, path, limit)
}

// All reads r, called name in errors, to its end, which must come within limit bytes.
func All(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = tooLong(fmt.Sprintf("%s has more than %d bytes, the most that are read", name, limit))
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// tooLong is the error for what has more bytes than its limit.
type tooLong string

func (t tooLong) Error() string { return string(t) }

// Gunzip unpacks data, called name in errors, into at most limit bytes.
func Gunzip(r io.Reader, name string, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	data, err := All(z, name+", unpacked,", limit)
	var long tooLong
	switch {
	case err == nil || errors.As(err, &long):
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s is cut off: %w", name, err)
	default:
		err = fmt.Errorf("%s is damaged: %w", name, err)
	}
	return data, err
}
