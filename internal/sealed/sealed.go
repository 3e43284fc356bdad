// Package sealed keeps files with their checksum: what has been damaged, cut or swapped since is not there.
package sealed

import (
	"bytes"
	"crypto/sha256"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/infile"
)

// Write replaces a file as atomicfile does.
func Write(path string, data []byte) error {
	return atomicfile.WriteBytes(path, seal(data))
}

// Read returns what Write was given, of at most limit bytes, and whether the file is there and whole.
func Read(path string, limit int64) ([]byte, bool) {
	data, err := infile.Read(path, limit+sha256.Size)
	if err != nil {
		return nil, false
	}
	return open(data)
}

func seal(data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(sum[:], data...)
}

func open(file []byte) ([]byte, bool) {
	if len(file) < sha256.Size {
		return nil, false
	}
	data := file[sha256.Size:]
	sum := sha256.Sum256(data)
	return data, bytes.Equal(sum[:], file[:sha256.Size])
}
