package isa

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Every instruction comes from the line that readelf's rows say (scripts/listings.sh): that of the last row that is not
// behind it.
func TestSource(t *testing.T) {
	c := readCubinFile(t, "testdata/lines.cubin")
	if err := c.SourceError(); err != nil {
		t.Fatal(err)
	}
	rows, err := os.ReadFile("testdata/lines.lines")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		pc   uint32
		file string
		line int
	}
	want := map[string][]row{}
	for s := bufio.NewScanner(bytes.NewReader(rows)); s.Scan(); {
		var section string
		var r row
		if _, err := fmt.Sscan(s.Text(), &section, &r.pc, &r.file, &r.line); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		want[section] = append(want[section], r)
	}
	files := map[string]bool{}
	for _, s := range c.Sections {
		list := want[s.Name]
		if len(list) == 0 {
			t.Fatalf("no rows of %s", s.Name)
		}
		for i := c.Family.Index(s.Address); i < c.Family.Index(s.Address+s.Size); i++ {
			pc := c.Family.PC(i)
			var last row
			for _, r := range list {
				if r.pc <= pc-s.Address {
					last = r
				}
			}
			got, ok := c.Source(pc)
			if !ok || path.Base(got.File) != last.file || got.Line != last.line ||
				got.String() != fmt.Sprintf("%s:%d", last.file, last.line) {
				t.Errorf("%s, %#x: %v %v, want %v", s.Name, pc-s.Address, got, ok, last)
			}
			files[got.File] = true
		}
	}
	if !files["/src/sim/isa/testdata/lines.cu"] || !files["/src/workloads/kernels/cuda.h"] || len(files) != 2 {
		t.Errorf("files %v", files)
	}
	if _, ok := c.Source(uint32(len(c.Image))); ok {
		t.Error("there is a line behind the code")
	}
	if plain := readCubinFile(t, "testdata/functions.cubin"); plain.SourceError() != nil {
		t.Error(plain.SourceError())
	} else if s, ok := plain.Source(8); ok {
		t.Errorf("a file without lines has %v", s)
	}
}

// lineSection returns the bytes of a cubin's line table.
func lineSection(t testing.TB, data []byte) []byte {
	f, err := openELF(data)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Section(".debug_line").Data()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A table that is damaged refuses no file, and what it says stays within bounds.
func TestSourceDamaged(t *testing.T) {
	data, err := os.ReadFile("testdata/lines.cubin")
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(slices.Concat(data[:0x14], []byte{1, 0, 0, 0}, data[0x18:])))
	if err != nil {
		t.Fatal(err)
	}
	at := int(f.Section(".debug_line").Offset)
	for i := range lineSection(t, data) {
		broken := bytes.Clone(data)
		broken[at+i] ^= 0xff
		c, err := ReadCubin(broken)
		if err != nil {
			t.Fatalf("byte %d of the line table changed: %v", i, err)
		}
		for pc := range uint32(len(c.Image)) {
			if s, ok := c.Source(pc); ok && s.Line < 1 {
				t.Fatalf("byte %d changed: %#x is from %v", i, pc, s)
			}
		}
	}
	version := bytes.Clone(data)
	version[at+4] = 5
	c, err := ReadCubin(version)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SourceError(); err == nil || !strings.Contains(err.Error(),
		"version 5 at byte 0; versions 2 to 4 are read") {
		t.Errorf("a table of version 5: %v", err)
	}
}

// maxLineAllocation is the multiple of a line table's size that reading it may allocate, besides a constant.
const maxLineAllocation = 128

func FuzzLines(f *testing.F) {
	data, err := os.ReadFile("testdata/lines.cubin")
	if err != nil {
		f.Fatal(err)
	}
	table := lineSection(f, data)
	f.Add(table)
	f.Add(table[:len(table)-7])
	f.Add(slices.Concat(table, table))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &Code{lines: &lineTable{data: bytes.Clone(data)}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := c.SourceError()
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > maxLineAllocation*uint64(len(data))+1<<20 {
			t.Errorf("%d bytes allocated for a table of %d (%v)", used, len(data), err)
		}
		for pc := range uint32(1 << 10) {
			if s, ok := c.Source(pc); ok && s.Line < 1 {
				t.Fatalf("%#x is from %v", pc, s)
			}
		}
	})
}
