package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"warpdrop/internal/infile"
)

// inputs are the files that points name, by what they held when they were first read. A point is named after that, so
// it must run from nothing else: a file that was replaced in between is an error and no result under the old one's
// name.
type inputs struct {
	mu  sync.Mutex
	sum map[string]string // path: SHA-256
}

// digest is the SHA-256 of a file when it was first read, in hexadecimal.
func (in *inputs) digest(path string, limit int64) (string, error) {
	in.mu.Lock()
	sum, ok := in.sum[path]
	in.mu.Unlock()
	if ok {
		return sum, nil
	}
	data, err := infile.Read(path, limit)
	if err != nil {
		return "", err
	}
	noted, _ := in.keep(path, data)
	return noted, nil
}

// keep notes what a file holds, unless that was noted before. It returns the noted digest, and whether data has it.
func (in *inputs) keep(path string, data []byte) (noted string, same bool) {
	hash := sha256.Sum256(data)
	sum := hex.EncodeToString(hash[:])
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.sum == nil {
		in.sum = map[string]string{}
	}
	if _, ok := in.sum[path]; !ok {
		in.sum[path] = sum
	}
	return in.sum[path], in.sum[path] == sum
}

// read reads a file for a run. It fails if the file holds something else than digest said.
func (in *inputs) read(path string, limit int64) ([]byte, error) {
	data, err := infile.Read(path, limit)
	if err != nil {
		return nil, err
	}
	if _, same := in.keep(path, data); !same {
		return nil, fmt.Errorf("%s has changed since the experiment was loaded; run the experiment again", path)
	}
	return data, nil
}
