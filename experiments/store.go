package experiments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"warpdrop/internal/atomicfile"

	"github.com/gofrs/flock"
)

// Store is a folder with one file a finished point, HASH.json. Files are written whole or not at all, and carry a
// checksum. Any number of processes may use one store at once: claims/HASH is locked while a point runs.
type Store struct{ dir string }

// OpenStore makes the folder where it is missing, and refuses one that cannot be written.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, "claims"), 0o777); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	probe.Close()
	os.Remove(probe.Name())
	return &Store{dir}, nil
}

// OpenStoreFor is OpenStore for these points: where the folder cannot be written, it will do if they are all stored there.
func OpenStoreFor(dir string, points []Point) (*Store, error) {
	s, refused := OpenStore(dir)
	if refused == nil {
		return s, nil
	}
	s, err := ReadStore(dir)
	if err != nil {
		return nil, refused
	}
	missing := 0
	for _, p := range points {
		if _, err := s.Get(p.Hash); err != nil {
			missing++
		}
	}
	if missing > 0 {
		return nil, fmt.Errorf("%w; %d of %d points are not stored there yet", refused, missing, len(points))
	}
	return s, nil
}

// ReadStore is for reading only; the folder must be there.
func ReadStore(dir string) (*Store, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Store{dir}, nil
}

func (s *Store) path(hash string) string { return filepath.Join(s.dir, hash+".json") }

// CorruptError is a stored point that cannot be trusted.
type CorruptError struct {
	Path, Reason string
}

func (e *CorruptError) Error() string { return fmt.Sprintf("stored point %s: %s", e.Path, e.Reason) }

// envelope is a point's file: the point's JSON as it was summed, and its SHA-256.
type envelope struct {
	SHA256 string          `json:"sha256"`
	Point  json.RawMessage `json:"point"`
}

// Get reads a point. A missing one is fs.ErrNotExist, a damaged one a *CorruptError.
func (s *Store) Get(hash string) (*Stored, error) {
	data, err := os.ReadFile(s.path(hash))
	if err != nil {
		return nil, err
	}
	corrupt := func(format string, args ...any) (*Stored, error) {
		return nil, &CorruptError{s.path(hash), fmt.Sprintf(format, args...)}
	}
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return corrupt("%v", err)
	}
	if sum := sha256.Sum256(e.Point); hex.EncodeToString(sum[:]) != e.SHA256 {
		return corrupt("checksum is %s, the content's is %x", e.SHA256, sum)
	}
	p := new(Stored)
	if err := json.Unmarshal(e.Point, p); err != nil {
		return corrupt("%v", err)
	}
	if p.Hash != hash {
		return corrupt("holds point %s", p.Hash)
	}
	return p, nil
}

// all reads every whole point.
func (s *Store) all() (out []*Stored) {
	files, _ := filepath.Glob(filepath.Join(s.dir, "*.json"))
	for _, f := range files {
		if p, err := s.Get(strings.TrimSuffix(filepath.Base(f), ".json")); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Put writes a point: a temporary file, synced, renamed, and the folder synced.
func (s *Store) Put(p *Stored) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("store: point %s: %w", p.Hash, err)
	}
	sum := sha256.Sum256(data)
	out, err := json.Marshal(envelope{hex.EncodeToString(sum[:]), data})
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(s.path(p.Hash), append(out, '\n'))
}

// SetAside moves a corrupt point's file out of the way and returns its new path.
func (s *Store) SetAside(hash string) (string, error) {
	dir := filepath.Join(s.dir, "corrupt")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	to := filepath.Join(dir, fmt.Sprintf("%s-%d.json", hash, time.Now().UnixNano()))
	err := os.Rename(s.path(hash), to)
	if errors.Is(err, fs.ErrNotExist) { // another process was first
		return to, nil
	}
	return to, err
}

// Claim takes the right to run a point. Where another process has it, Claim waits or answers ok = false at once. The
// right ends with release, or with the process however that ends.
func (s *Store) Claim(ctx context.Context, hash string, wait bool) (release func(), ok bool, err error) {
	l := flock.New(filepath.Join(s.dir, "claims", hash))
	if wait {
		ok, err = l.TryLockContext(ctx, 100*time.Millisecond)
	} else {
		ok, err = l.TryLock()
	}
	if err != nil {
		return nil, false, fmt.Errorf("store: claim of point %s: %w", hash, err)
	}
	return func() { l.Unlock() }, ok, nil
}

// Sweep removes what writers that were killed left behind, older than an hour.
func (s *Store) Sweep() {
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.Remove(filepath.Join(s.dir, e.Name()))
		}
	}
}
