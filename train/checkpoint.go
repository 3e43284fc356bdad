package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"unsafe"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/infile"
)

// A checkpoint file is: magic, version, length of the header (both uint32, little-endian), the header as JSON, the
// arrays' numbers of 32 bits, little-endian, and the SHA-256 of all that.
const (
	checkpointMagic   = "WARPDROP"
	checkpointVersion = 1
)

// checkpointHeader is what a run needs to go on, beside its arrays.
type checkpointHeader struct {
	Kind     string          `json:"kind"`               // mlp or lstm
	Config   json.RawMessage `json:"config"`             // what has to be the same: see sameConfig
	Data     string          `json:"data,omitempty"`     // digest of what it trains on, where that can differ
	Diverged string          `json:"diverged,omitempty"` // where: there is nothing to go on with
	// the one under way, from 1; one more than there are where the run is done
	Epoch     int               `json:"epoch"`
	Done      int               `json:"done"` // its iterations that are done
	Iteration int               `json:"iteration"`
	Sum       float64           `json:"sum"` // of the losses of the epoch under way
	Seconds   float64           `json:"seconds"`
	Part      float64           `json:"part_seconds"` // of the epoch under way
	Epochs    []EpochMetrics    `json:"epochs"`
	Models    []string          `json:"models"`
	Updates   []uint32          `json:"updates"` // of each weight matrix
	Arrays    []checkpointArray `json:"arrays"`
}

type checkpointArray struct {
	Name string `json:"name"`
	Len  int    `json:"len"`
}

// array is one part of a model's state.
type array struct {
	name   string
	values []uint32
}

// bitsOf is the same memory as numbers without a sign.
func bitsOf(x []float32) []uint32 {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&x[0])), len(x))
}

// saveCheckpoint replaces the file as a whole: a reader sees the old one or the new one, however the writer ends.
func saveCheckpoint(path string, h *checkpointHeader, arrays []array) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("train: checkpoint: %w", err)
		}
	}()
	h.Arrays = h.Arrays[:0]
	for _, a := range arrays {
		h.Arrays = append(h.Arrays, checkpointArray{a.name, len(a.values)})
	}
	header, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(f io.Writer) error {
		sum := sha256.New()
		w := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
		w.WriteString(checkpointMagic) // a bufio.Writer keeps its first error until Flush
		binary.Write(w, binary.LittleEndian, []uint32{checkpointVersion, uint32(len(header))})
		w.Write(header)
		for _, a := range arrays {
			var b [4]byte
			for _, v := range a.values {
				binary.LittleEndian.PutUint32(b[:], v)
				w.Write(b[:])
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := f.Write(sum.Sum(nil))
		return err
	})
}

// checkpointFile reads a checkpoint: its header, then its arrays into a model's.
type checkpointFile struct {
	path string
	f    *os.File
	r    *bufio.Reader
	sum  hash.Hash
	checkpointHeader
}

// CheckpointError is a checkpoint that a run cannot go on from: it is damaged, or another run's.
type CheckpointError struct{ Path, Reason string }

func (e *CheckpointError) Error() string { return "train: checkpoint " + e.Path + ": " + e.Reason }

func (c *checkpointFile) fail(format string, args ...any) error {
	c.f.Close()
	return &CheckpointError{c.path, fmt.Sprintf(format, args...)}
}

// openCheckpoint reads and checks the header; the checksum is checked by read.
func openCheckpoint(path string) (*checkpointFile, error) {
	f, err := infile.Open(path, math.MaxInt64)
	if err != nil {
		return nil, fmt.Errorf("train: checkpoint: %w", err)
	}
	c := &checkpointFile{path: path, f: f, sum: sha256.New()}
	info, err := f.Stat()
	if err != nil {
		return nil, c.fail("%v", err)
	}
	c.r = bufio.NewReaderSize(f, 1<<20)
	in := io.TeeReader(c.r, c.sum)
	start := make([]byte, len(checkpointMagic)+8)
	if _, err := io.ReadFull(in, start); err != nil {
		return nil, c.fail("%d bytes, too few for a checkpoint", info.Size())
	}
	if string(start[:8]) != checkpointMagic {
		return nil, c.fail("is no checkpoint of warpdrop: it begins with %q", start[:8])
	}
	if v := binary.LittleEndian.Uint32(start[8:]); v != checkpointVersion {
		return nil, c.fail("version %d, this warpdrop reads version %d", v, checkpointVersion)
	}
	n := int64(binary.LittleEndian.Uint32(start[12:]))
	if n > info.Size() {
		return nil, c.fail("is cut: header of %d bytes in a file of %d", n, info.Size())
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(in, header); err != nil {
		return nil, c.fail("is cut within its header: %v", err)
	}
	if err := json.Unmarshal(header, &c.checkpointHeader); err != nil {
		return nil, c.fail("is damaged: header: %v", err)
	}
	want := int64(len(start)+len(header)) + sha256.Size
	for _, a := range c.Arrays {
		if a.Len < 0 || int64(a.Len) > info.Size() {
			return nil, c.fail("is damaged: %s with %d numbers", a.Name, a.Len)
		}
		want += 4 * int64(a.Len)
	}
	if info.Size() != want {
		return nil, c.fail("is cut: %d bytes, its header says %d", info.Size(), want)
	}
	return c, nil
}

// read fills the arrays of a model of the same configuration, checks the checksum and closes the file.
func (c *checkpointFile) read(arrays []array) error {
	if len(arrays) != len(c.Arrays) {
		return c.fail("has %d arrays, the network has %d", len(c.Arrays), len(arrays))
	}
	in := io.TeeReader(c.r, c.sum)
	b := make([]byte, 1<<16)
	for i, a := range arrays {
		if c.Arrays[i].Name != a.name || c.Arrays[i].Len != len(a.values) {
			return c.fail("has %s with %d numbers where the network has %s with %d", c.Arrays[i].Name, c.Arrays[i].Len, a.name,
				len(a.values))
		}
		for v := a.values; len(v) > 0; {
			n := min(len(v), len(b)/4)
			if _, err := io.ReadFull(in, b[:4*n]); err != nil {
				return c.fail("%v", err)
			}
			for k := range n {
				v[k] = binary.LittleEndian.Uint32(b[4*k:])
			}
			v = v[n:]
		}
	}
	var want [sha256.Size]byte
	if _, err := io.ReadFull(c.r, want[:]); err != nil {
		return c.fail("%v", err)
	}
	if got := c.sum.Sum(nil); !bytes.Equal(got, want[:]) {
		return c.fail("is damaged: its checksum is %x, its content's %x", want, got)
	}
	return c.f.Close()
}

// sameConfig compares the configurations of a checkpoint and of a run; both are flat JSON objects.
func (c *checkpointFile) sameConfig(kind string, config json.RawMessage) error {
	if c.Kind != kind {
		return c.fail("is of a run of kind %s, not %s", c.Kind, kind)
	}
	var a, b map[string]json.RawMessage
	if err := json.Unmarshal(c.Config, &a); err != nil {
		return c.fail("is damaged: configuration: %v", err)
	}
	if err := json.Unmarshal(config, &b); err != nil {
		return c.fail("%v", err)
	}
	for key, want := range b {
		if !bytes.Equal(a[key], want) {
			return c.fail("is of a run with %s %s, not %s", key, a[key], want)
		}
	}
	return nil
}
