package experiments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/infile"

	"github.com/gofrs/flock"
)

// Store is a folder with one file a finished point, HASH.json. Files are written whole or not at all, and carry a
// checksum. Any number of processes may use one store at once: claims/HASH is locked while a point runs. The folder is
// marked as a store's by a file, and nothing is removed in it but what a store makes.
type Store struct{ dir string }

// storeMark is the file that says that a folder is a store.
const storeMark = "warpdrop-store.txt"

const storeMarkText = "Finished points of warpdrop, one HASH.json each. Made and looked after by `warpdrop run`;\n" +
	"files of other names are never touched.\n"

// OpenStore makes the folder where it is missing, and refuses one that cannot be written or that holds other things.
func OpenStore(dir string) (*Store, error) {
	if err := ownFolder(dir, storeMark, storeMade); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "claims"), 0o777); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	mark := filepath.Join(dir, storeMark)
	if err := atomicfile.Try(mark); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if !exists(mark) {
		if err := atomicfile.WriteBytes(mark, []byte(storeMarkText)); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
	}
	return &Store{dir}, nil
}

var (
	pointFile = regexp.MustCompile(`^[0-9a-f]{64}\.json$`)
	probeFile = regexp.MustCompile(`^\.probe-[0-9]+$`) // of warpdrop up to 0.1, which tried with a name of its own
)

// storeMade tells whether a name in a store's folder is one that a store makes.
func storeMade(e fs.DirEntry) bool {
	switch name := e.Name(); {
	case name == "claims" || name == "corrupt" || name == checkpointsName || name == cubinsName:
		return e.IsDir()
	case !e.Type().IsRegular():
		return false
	case name == storeMark:
		return true
	default:
		return pointFile.MatchString(name) || storeLeft(e)
	}
}

// storeLeft tells whether a name is that of a file which a store's writer leaves behind when it is killed.
func storeLeft(e fs.DirEntry) bool {
	of, ok := atomicfile.IsPart(e.Name())
	return e.Type().IsRegular() && (ok && (pointFile.MatchString(of) || of == storeMark) ||
		probeFile.MatchString(e.Name()))
}

// ErrForeign is the error for a folder that holds things which warpdrop has not made.
var ErrForeign = errors.New("folder is not warpdrop's")

// ownFolder refuses a folder that is there, lacks the file mark, and holds anything that made does not know: it is
// somebody else's. One that is missing, empty, or was written before there were marks is fine.
func ownFolder(dir, mark string, made func(fs.DirEntry) bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == mark {
			return nil
		}
	}
	for _, e := range entries {
		if !made(e) {
			return fmt.Errorf("%w: %s holds %q; name a new or empty folder, or one that warpdrop made",
				ErrForeign, dir, e.Name())
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// OpenStoreFor is OpenStore for these points: where the folder cannot be written, it will do if they are all stored
// there.
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

// maxPointBytes bounds a stored point: the largest, an iteration at paper scale with all its patterns, has under a
// megabyte.
const maxPointBytes = 256 << 20

// checkpointsName is the folder in a store where trainings under way keep their state.
const checkpointsName = "checkpoints"

// Checkpoints is that folder.
func (s *Store) Checkpoints() string { return filepath.Join(s.dir, checkpointsName) }

// cubinsName is the folder in a store where machine code that was compiled for launches is kept.
const cubinsName = "cubins"

// Cubins is that folder.
func (s *Store) Cubins() string { return filepath.Join(s.dir, cubinsName) }

// Hashes are the names of the points that have a file, whole or not.
func (s *Store) Hashes() (map[string]bool, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, e := range entries {
		if pointFile.MatchString(e.Name()) {
			out[strings.TrimSuffix(e.Name(), ".json")] = true
		}
	}
	return out, nil
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
	corrupt := func(format string, args ...any) (*Stored, error) {
		return nil, &CorruptError{s.path(hash), fmt.Sprintf(format, args...)}
	}
	if info, err := os.Lstat(s.path(hash)); err == nil && !info.Mode().IsRegular() {
		return corrupt("is not a regular file: %s", info.Mode())
	}
	data, err := infile.Read(s.path(hash), maxPointBytes)
	if err != nil {
		return nil, err
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
	if p.Result == (Result{}) {
		return corrupt("holds no result")
	}
	return p, nil
}

// all reads every whole point, one after another.
func (s *Store) all() iter.Seq[*Stored] {
	return func(yield func(*Stored) bool) {
		entries, _ := os.ReadDir(s.dir)
		for _, e := range entries {
			if !pointFile.MatchString(e.Name()) {
				continue
			}
			if p, err := s.Get(strings.TrimSuffix(e.Name(), ".json")); err == nil && !yield(p) {
				return
			}
		}
	}
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
	path := filepath.Join(s.dir, "claims", hash)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, false, fmt.Errorf("store: claim %s is not a regular file: %s; remove it", path, info.Mode())
	}
	l := flock.New(path)
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

// Sweep removes what writers that were killed left behind, older than an hour: files of a store's own names, and
// nothing else.
func (s *Store) Sweep() {
	sweep(s.dir, storeLeft)
	sweep(s.Cubins(), func(e fs.DirEntry) bool {
		_, part := atomicfile.IsPart(e.Name())
		return part && e.Type().IsRegular()
	})
}

// sweep removes the entries of a folder that left knows as what killed writers leave behind, older than an hour.
func sweep(dir string, left func(fs.DirEntry) bool) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !left(e) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
