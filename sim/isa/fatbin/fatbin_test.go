package fatbin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// part is an entry to be written.
type part struct {
	kind   Kind
	arch   int
	data   []byte
	pack   uint64 // 0, flagLZ4, flagZstd
	longer uint32 // than the least header
}

// container writes one.
func container(t testing.TB, parts ...part) []byte {
	t.Helper()
	var body []byte
	for _, p := range parts {
		stored, packed := p.data, uint32(0)
		switch p.pack {
		case flagLZ4:
			b := make([]byte, lz4.CompressBlockBound(len(p.data)))
			n, err := lz4.CompressBlock(p.data, b, nil)
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
			stored = b[:n]
		case flagZstd:
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			stored = w.EncodeAll(p.data, nil)
		}
		if p.pack != 0 {
			packed = uint32(len(stored))
			stored = append(bytes.Clone(stored), make([]byte, -len(stored)&7)...)
		}
		h := make([]byte, entrySize+p.longer)
		binary.LittleEndian.PutUint16(h, uint16(p.kind))
		binary.LittleEndian.PutUint32(h[4:], uint32(len(h)))
		binary.LittleEndian.PutUint64(h[8:], uint64(len(stored)))
		binary.LittleEndian.PutUint32(h[16:], packed)
		binary.LittleEndian.PutUint32(h[28:], uint32(p.arch))
		binary.LittleEndian.PutUint64(h[40:], p.pack)
		binary.LittleEndian.PutUint64(h[56:], uint64(len(p.data)))
		body = append(append(body, h...), stored...)
	}
	h := make([]byte, headerSize)
	binary.LittleEndian.PutUint32(h, Magic)
	binary.LittleEndian.PutUint16(h[4:], 1)
	binary.LittleEndian.PutUint16(h[6:], headerSize)
	binary.LittleEndian.PutUint64(h[8:], uint64(len(body)))
	return append(h, body...)
}

var text = bytes.Repeat([]byte(".version 8.0\n.target sm_50\n"), 50)

func TestRead(t *testing.T) {
	data := container(t, part{Cubin, 61, []byte("code"), 0, 0}, part{PTX, 50, text, flagLZ4, 8},
		part{Kind(0x40), 61, []byte("?"), 0, 0}, part{PTX, 60, text, flagZstd, 0})
	got, err := Read(append(data, "what follows is not read"...))
	if err != nil || len(got) != 3 {
		t.Fatal(len(got), err)
	}
	for i, want := range []Entry{{Cubin, 61, []byte("code")}, {PTX, 50, text}, {PTX, 60, text}} {
		if got[i].Kind != want.Kind || got[i].Arch != want.Arch || !bytes.Equal(got[i].Data, want.Data) {
			t.Errorf("entry %d is of kind %d for sm_%d, %d bytes", i, got[i].Kind, got[i].Arch, len(got[i].Data))
		}
	}
}

func TestChoose(t *testing.T) {
	var all []part
	for _, arch := range []int{50, 52, 60, 61, 62, 70} {
		all = append(all, part{Cubin, arch, []byte("x"), 0, 0}, part{PTX, arch, text, flagLZ4, 0})
	}
	for _, c := range []struct {
		parts []part
		arch  int
		kind  Kind
		want  int
	}{
		{all, 61, Cubin, 61}, {all, 62, Cubin, 62}, {all, 53, Cubin, 52}, {all, 75, Cubin, 70}, {all, 86, PTX, 70},
		{[]part{{Cubin, 70, nil, 0, 0}, {PTX, 52, text, 0, 0}, {PTX, 35, text, 0, 0}}, 61, PTX, 52},
		{[]part{{Cubin, 60, []byte("x"), 0, 0}, {PTX, 61, text, 0, 0}}, 61, Cubin, 60},
		{[]part{{Cubin, 70, nil, 0, 0}, {PTX, 70, text, 0, 0}}, 61, 0, 0},
		{nil, 61, 0, 0},
	} {
		got, err := Choose(container(t, c.parts...), c.arch)
		if c.want == 0 {
			if !errors.Is(err, ErrNoCode) {
				t.Errorf("sm_%d: %v, want %v", c.arch, err, ErrNoCode)
			}
			continue
		}
		if err != nil || got.Kind != c.kind || got.Arch != c.want {
			t.Errorf("sm_%d: kind %d for sm_%d, %v; want kind %d for sm_%d", c.arch, got.Kind, got.Arch, err, c.kind, c.want)
		}
	}
}

// TestDamaged: what a damaged container claims is an error and no allocation.
func TestDamaged(t *testing.T) {
	good := container(t, part{PTX, 61, text, flagLZ4, 0})
	for _, c := range []struct {
		what string
		at   int
		v    uint64
		n    int
		want string
	}{
		{"magic", 0, 1, 4, "header"},
		{"header's size", 6, 0xffff, 2, "header of"},
		{"entries' size", 8, 1 << 60, 8, "entries of"},
		{"an entry's header", 20, 1 << 30, 4, "entry at byte 16"},
		{"an entry's size", 24, 1 << 62, 8, "entry at byte 16"},
		{"packed size", 32, 1 << 30, 4, "packed"},
		{"unpacked size", 72, 1 << 40, 8, "unpacked"},
		{"unpacked size, smaller", 72, 10, 8, "sm_61"},
		{"unpacked size, larger", 72, 1 << 27, 8, "cannot unpack"},
		{"packing", 56, flagZstd, 8, "sm_61"},
	} {
		bad := bytes.Clone(good)
		for i := range c.n {
			bad[c.at+i] = byte(c.v >> (8 * i))
		}
		if _, err := Read(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.what, err, c.want)
		}
	}
}

// TestFind: containers are found wherever they lie, also after something that only looks like one.
func TestFind(t *testing.T) {
	one, two := container(t, part{Cubin, 61, []byte("code"), 0, 0}),
		container(t, part{PTX, 50, text, flagLZ4, 8}, part{Cubin, 52, []byte("more"), 0, 0})
	cut := one[:20]
	file := bytes.Join([][]byte{[]byte("\x7fELF, and so on "), one, []byte("odd"), cut, two, one}, nil)
	units := Find(file)
	var got []string
	for _, u := range units {
		for i := range u {
			e, err := u[i].Unpack()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.String())
			if want := map[int]string{61: "code", 50: string(text), 52: "more"}[e.Arch]; string(e.Data) != want {
				t.Errorf("%s: %d bytes, want %d", e, len(e.Data), len(want))
			}
		}
	}
	if want := "code for sm_61, PTX for sm_50, code for sm_52, code for sm_61"; strings.Join(got, ", ") != want ||
		len(units) != 3 {
		t.Errorf("%d containers: %v; want 3: %s", len(units), got, want)
	}
	if got := Find([]byte("nothing")); got != nil {
		t.Errorf("nothing holds %v", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(container(f, part{Cubin, 61, []byte("code"), 0, 0}, part{PTX, 50, text, flagLZ4, 8}))
	f.Add(container(f, part{PTX, 50, text, flagZstd, 0}))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Read(data)
		if err == nil {
			for _, e := range list {
				if len(e.Data) > MaxBytes {
					t.Fatal(len(e.Data))
				}
			}
		}
		_, _ = Choose(data, 61)
	})
}

// FuzzUnpack: packed contents give as many bytes as they say, or an error.
func FuzzUnpack(f *testing.F) {
	for _, flag := range []uint64{flagLZ4, flagZstd} {
		list, err := List(container(f, part{PTX, 50, text, flag, 0}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(list[0].Data[:list[0].packed], flag == flagZstd, list[0].unpacked)
	}
	f.Add([]byte{0xf0, 1}, false, uint64(1<<40))
	f.Fuzz(func(t *testing.T, packed []byte, z bool, size uint64) {
		p := Packed{Entry: Entry{Kind: PTX, Arch: 50, Data: packed}, flags: flagLZ4, packed: uint32(len(packed)),
			unpacked: size % (1 << 20)}
		if z {
			p.flags = flagZstd
		}
		if e, err := p.Unpack(); err == nil && len(packed) > 0 && uint64(len(e.Data)) != p.unpacked {
			t.Errorf("%d bytes, not %d", len(e.Data), p.unpacked)
		}
	})
}
