// Package fatbin reads the container in which CUDA programs carry their device code: machine code and PTX for several
// GPUs.
package fatbin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Kind is what an entry holds.
type Kind uint16

// Kinds of entries.
const (
	PTX   Kind = 1
	Cubin Kind = 2
)

// Entry is the code for one architecture.
type Entry struct {
	Kind Kind
	Arch int    // compute capability times ten: 61
	Data []byte // unpacked
}

// ErrNoCode is of a container that has nothing for a GPU.
var ErrNoCode = errors.New("no code for this GPU")

// Sizes and offsets of the header and of an entry's, little-endian, as cuobjdump -all shows them.
const (
	Magic      = 0xba55ed50
	headerSize = 16 // magic, version 2 bytes, size of the header 2 bytes, size of the entries 8 bytes
	entrySize  = 64 // the least that an entry's header has

	flagLZ4  = 0x2000
	flagZstd = 0x8000
)

// MaxBytes bounds an entry, packed and unpacked.
const MaxBytes = 256 << 20

// Packed is an entry before its contents are unpacked.
type Packed struct {
	Entry
	flags    uint64
	packed   uint32 // bytes, 0 = not packed
	unpacked uint64 // bytes
}

// Find lists the containers in the file of a program, a library, an object or an archive, or in a file that is one:
// whatever begins with the container's magic number and can be taken apart.
func Find(file []byte) (units [][]Packed) {
	var magic [4]byte
	binary.LittleEndian.PutUint32(magic[:], Magic)
	for at := 0; ; {
		i := bytes.Index(file[at:], magic[:])
		if i < 0 {
			return units
		}
		at += i
		list, err := List(file[at:])
		if err != nil || len(list) == 0 {
			at += len(magic)
			continue
		}
		units = append(units, list)
		at += int(binary.LittleEndian.Uint16(file[at+6:])) + int(binary.LittleEndian.Uint64(file[at+8:]))
	}
}

// Read lists the container's entries, unpacked. Kinds other than PTX and machine code are left out.
func Read(data []byte) ([]Entry, error) {
	list, err := List(data)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for i := range list {
		e, err := list[i].Unpack()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Choose returns the best code for a GPU of architecture arch: machine code of the same major version and not a later
// minor one, the latest of them; else PTX for the latest architecture that is not later.
func Choose(data []byte, arch int) (Entry, error) {
	list, err := List(data)
	if err != nil {
		return Entry{}, err
	}
	best := Best(list, arch)
	if best == nil {
		have := ", nothing"
		for i := range list {
			have += ", " + list[i].String()
		}
		if len(list) > 0 {
			have = have[len(", nothing"):]
		}
		return Entry{}, fmt.Errorf("%w, sm_%d: the container holds%s", ErrNoCode, arch, have[1:])
	}
	return best.Unpack()
}

// Best is what Choose chooses; nil if there is nothing.
func Best(list []Packed, arch int) (best *Packed) {
	for i := range list {
		e := &list[i]
		fits := e.Arch <= arch && (e.Kind == PTX || e.Arch/10 == arch/10)
		if fits && (best == nil || e.Kind > best.Kind || e.Kind == best.Kind && e.Arch > best.Arch) {
			best = e
		}
	}
	return best
}

// String names what the entry is.
func (e Entry) String() string {
	if e.Kind == Cubin {
		return fmt.Sprintf("code for sm_%d", e.Arch)
	}
	return fmt.Sprintf("PTX for sm_%d", e.Arch)
}

// List takes a container apart. Kinds other than PTX and machine code are left out.
func List(data []byte) ([]Packed, error) {
	if len(data) < headerSize || binary.LittleEndian.Uint32(data) != Magic {
		return nil, errors.New("fatbin: the header is cut off or not one")
	}
	header, size := uint64(binary.LittleEndian.Uint16(data[6:])), binary.LittleEndian.Uint64(data[8:])
	if header < headerSize || header > uint64(len(data)) || size > uint64(len(data))-header {
		return nil, fmt.Errorf("fatbin: header of %d and entries of %d bytes in %d", header, size, len(data))
	}
	var out []Packed
	for b, at := data[header:][:size], header; len(b) > 0; {
		if len(b) < entrySize {
			return nil, fmt.Errorf("fatbin: entry at byte %d: %d bytes are no header", at, len(b))
		}
		head, n := uint64(binary.LittleEndian.Uint32(b[4:])), binary.LittleEndian.Uint64(b[8:])
		if head < entrySize || head > uint64(len(b)) || n > uint64(len(b))-head {
			return nil, fmt.Errorf("fatbin: entry at byte %d: header of %d and contents of %d bytes in %d", at, head, n, len(b))
		}
		e := Packed{Entry: Entry{Kind: Kind(binary.LittleEndian.Uint16(b)), Arch: int(binary.LittleEndian.Uint32(b[28:])),
			Data: b[head:][:n]},
			packed: binary.LittleEndian.Uint32(b[16:]), flags: binary.LittleEndian.Uint64(b[40:]),
			unpacked: binary.LittleEndian.Uint64(b[56:])}
		if e.Kind == PTX || e.Kind == Cubin {
			out = append(out, e)
		}
		b, at = b[head+n:], at+head+n
	}
	return out, nil
}

// Unpack returns the entry with its contents as they were before they were packed.
func (r *Packed) Unpack() (Entry, error) {
	e := r.Entry
	bad := func(err error) (Entry, error) { return Entry{}, fmt.Errorf("fatbin: entry for sm_%d: %w", e.Arch, err) }
	if r.flags&(flagLZ4|flagZstd) == 0 || r.packed == 0 {
		return e, nil
	}
	if r.unpacked > MaxBytes || uint64(r.packed) > uint64(len(e.Data)) {
		return bad(fmt.Errorf("%d bytes packed of %d, %d unpacked; at most %d are read", r.packed, len(e.Data), r.unpacked,
			int64(MaxBytes)))
	}
	in := e.Data[:r.packed]
	if r.flags&flagZstd != 0 {
		z, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(max(r.unpacked, 1)), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return bad(err)
		}
		defer z.Close()
		if e.Data, err = z.DecodeAll(in, nil); err != nil {
			return bad(err)
		}
	} else {
		if r.unpacked > 255*uint64(r.packed)+64 { // LZ4 packs no better
			return bad(fmt.Errorf("%d bytes cannot unpack to %d", r.packed, r.unpacked))
		}
		e.Data = make([]byte, r.unpacked)
		n, err := lz4.UncompressBlock(in, e.Data)
		if err != nil {
			return bad(err)
		}
		e.Data = e.Data[:n]
	}
	if uint64(len(e.Data)) != r.unpacked {
		return bad(fmt.Errorf("unpacks to %d bytes, not %d", len(e.Data), r.unpacked))
	}
	return e, nil
}
