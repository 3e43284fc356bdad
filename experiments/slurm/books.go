package slurm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"warpdrop/experiments"
	"warpdrop/internal/atomicfile"
	"warpdrop/internal/infile"
)

// Books are the folder in an output folder that holds what is known of its jobs: orders (what each job array runs),
// records of points that were begun and are not stored, logs, and the program as it was when points were submitted,
// which a later build does not change.
type Books struct {
	Dir string

	plain bool // squeue prints no JSON that can be read
}

// maxBookBytes bounds a file of the folder that is read back.
const maxBookBytes = 256 << 20

// OpenBooks makes the folder in an output folder where it is missing.
func OpenBooks(out string) (*Books, error) {
	dir, err := filepath.Abs(filepath.Join(out, experiments.JobsDir))
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"orders", "points", "logs", "bin"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			return nil, fmt.Errorf("slurm: %w", err)
		}
	}
	return &Books{Dir: dir}, nil
}

// FindBooks are those of an output folder, nil if nothing was submitted there.
func FindBooks(out string) (*Books, error) {
	dir, err := filepath.Abs(filepath.Join(out, experiments.JobsDir))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return &Books{Dir: dir}, nil
}

// JobName is what Slurm knows the folder's jobs by; no two folders have the same.
func (b *Books) JobName() string {
	sum := sha256.Sum256([]byte(b.Dir))
	return "warpdrop-" + hex.EncodeToString(sum[:6])
}

// Job is what a task of any of the folder's arrays needs to know beside its points.
type Job struct {
	Experiment string `json:"experiment"` // the copy of the file
	Scale      string `json:"scale"`
	Data       string `json:"data"`
	BLAS       string `json:"blas"`
	Store      string `json:"store"`
	Tries      int    `json:"tries"`
}

// Order is one job array.
type Order struct {
	Job
	Tasks []Task `json:"tasks"` // by index in the array

	file string // without .json
}

// Task is what one job of an array runs, one point after another.
type Task struct {
	Points  []string `json:"points"`  // hashes
	Seconds float64  `json:"seconds"` // estimate of all
}

// write writes an order under the next free number.
func (b *Books) write(o *Order) error {
	orders, err := b.numbers()
	if err != nil {
		return err
	}
	next := 1
	if len(orders) > 0 {
		next = orders[len(orders)-1] + 1
	}
	o.file = filepath.Join(b.Dir, "orders", fmt.Sprintf("%06d", next))
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(o.file+".json", data)
}

var orderFile = regexp.MustCompile(`^([0-9]{6,})\.json$`)

func (b *Books) numbers() (out []int, err error) {
	entries, err := os.ReadDir(filepath.Join(b.Dir, "orders"))
	for _, e := range entries {
		if m := orderFile.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.Atoi(m[1])
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, err
}

// ReadOrder reads an order's file.
func ReadOrder(path string) (*Order, error) {
	data, err := infile.Read(path, maxBookBytes)
	if err != nil {
		return nil, err
	}
	o := &Order{file: strings.TrimSuffix(path, ".json")}
	if err := json.Unmarshal(data, o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// orders are all arrays by their job id. One that sbatch was not asked for, or whose answer was lost, has none and is
// left out.
func (b *Books) orders() (map[string]*Order, error) {
	numbers, err := b.numbers()
	if err != nil {
		return nil, err
	}
	out := map[string]*Order{}
	for _, n := range numbers {
		file := filepath.Join(b.Dir, "orders", fmt.Sprintf("%06d", n))
		id, err := infile.Read(file+".job", 1<<10)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		o, err := ReadOrder(file + ".json")
		if err != nil {
			return nil, err
		}
		out[strings.TrimSpace(string(id))] = o
	}
	return out, nil
}

// setJob notes the job id of an order.
func (o *Order) setJob(id string) error { return atomicfile.WriteBytes(o.file+".job", []byte(id+"\n")) }

// State is where a point is that is begun and not stored.
type State string

// A point is running until its job says otherwise. A job that is killed says nothing: then the queue tells.
const (
	Running State = "running"
	Cut     State = "cut"    // stopped from outside: it is run again
	Failed  State = "failed" // by itself, or cut too often: it is not
)

// Record is what is known of a point that is begun and not stored.
type Record struct {
	Point       string  `json:"point"` // hash
	State       State   `json:"state"`
	Tries       int     `json:"tries"`                   // begun so often since it last got further
	OutOfMemory int     `json:"out_of_memory,omitempty"` // of these, so many jobs that ran out of memory
	Kept        string  `json:"kept,omitempty"`          // when its checkpoint was written, as seen when it was begun
	Share       float64 `json:"share,omitempty"`         // done
	Reason      string  `json:"reason,omitempty"`        // why it ended
	Job         string  `json:"job"`                     // ARRAY_INDEX
	Node        string  `json:"node"`
	Log         string  `json:"log,omitempty"`
	Began       string  `json:"began"` // RFC 3339
}

func (b *Books) recordFile(hash string) string { return filepath.Join(b.Dir, "points", hash+".json") }

// record reads a point's record, nil if it has none. A damaged one, as of a node that lost its power, counts as none.
func (b *Books) record(hash string) *Record {
	data, err := infile.Read(b.recordFile(hash), 1<<20)
	if err != nil {
		return nil
	}
	r := new(Record)
	if json.Unmarshal(data, r) != nil || r.Point != hash {
		return nil
	}
	return r
}

// keep writes a record.
func (b *Books) keep(r *Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(b.recordFile(r.Point), data)
}

// forget removes a point's record.
func (b *Books) forget(hash string) { os.Remove(b.recordFile(hash)) }

// cancelled is the file that says that the user wants no more jobs.
func (b *Books) cancelled() string { return filepath.Join(b.Dir, "cancelled") }

// pin copies the running program to the folder and returns the copy, and a script that runs a task with it.
func (b *Books) pin() (script string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	in, err := os.Open(self)
	if err != nil {
		return "", err
	}
	defer in.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return "", err
	}
	bin := filepath.Join(b.Dir, "bin", "warpdrop-"+hex.EncodeToString(sum.Sum(nil))[:12])
	if _, err := os.Stat(bin); err != nil {
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		// Executable before it has its name: a job never finds it half made.
		made := bin + ".new"
		if err := atomicfile.Write(made, func(w io.Writer) error { _, err := io.Copy(w, in); return err }); err != nil {
			return "", err
		}
		if err := errors.Join(os.Chmod(made, 0o755), os.Rename(made, bin)); err != nil {
			return "", err
		}
	}
	script = bin + ".sh"
	text := "#!/bin/sh\n# One task of a job array: sbatch ... THIS ORDER\nexec " + quote(bin) +
		` task "$1" "$SLURM_ARRAY_TASK_ID"` + "\n"
	return script, atomicfile.WriteBytes(script, []byte(text))
}

// quote makes one word of the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// kept is when a training's checkpoint was written, "" if it has none.
func kept(checkpoint string) string {
	info, err := os.Stat(checkpoint)
	if err != nil {
		return ""
	}
	return info.ModTime().UTC().Format(time.RFC3339Nano)
}
