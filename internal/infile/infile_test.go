package infile

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(path, 5); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
	for _, c := range []struct {
		path  string
		limit int64
		want  string
	}{
		{path, 4, "f has 5 bytes; at most 4 are read"},
		{filepath.Dir(path), 100, "is not a regular file"},
		{path + "2", 100, "f2"},
	} {
		if _, err := Read(c.path, c.limit); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.path, err, c.want)
		}
	}
}

// TestGunzip: a bomb goes no further than the limit.
func TestGunzip(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	block := make([]byte, 1<<20)
	for range 64 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err := Gunzip(bytes.NewReader(packed.Bytes()), "zeros", 64<<20); err != nil || len(data) != 64<<20 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{packed.Bytes(), "zeros, unpacked, has more than 1000000 bytes"},
		{packed.Bytes()[:100], "zeros is cut off"},
		{[]byte("no gzip file"), "zeros: gzip: invalid header"},
	} {
		if _, err := Gunzip(bytes.NewReader(c.data), "zeros", 1e6); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v does not say %q", err, c.want)
		}
	}
}

// FuzzGunzip: packed contents unpack to no more than the limit, or an error names them.
func FuzzGunzip(f *testing.F) {
	for _, text := range []string{"", "some text", strings.Repeat("the of and\n", 300)} {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write([]byte(text)); err != nil {
			f.Fatal(err)
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(packed.Bytes())
		f.Add(packed.Bytes()[:packed.Len()-5])
		f.Add(append(packed.Bytes(), packed.Bytes()...))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		const limit = 2000
		data, err := Gunzip(bytes.NewReader(packed), "p.gz", limit)
		if len(data) > limit || err != nil && !strings.Contains(err.Error(), "p.gz") {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	})
}
