package isa

import (
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Source is a place in a source file, as the compiler has noted it.
type Source struct {
	File string // with its folder
	Line int    // from 1 on
}

// String names the place without the folder: "k.cu:12".
func (s Source) String() string {
	return fmt.Sprintf("%s:%d", s.File[strings.LastIndexAny(s.File, `/\`)+1:], s.Line)
}

// lineTable is the line table of a file: .debug_line, as ptxas -lineinfo and NVRTC write it. It is read when it is
// asked for.
type lineTable struct {
	once  sync.Once
	data  []byte // of the section; the addresses in it are the image's
	rows  []lineRow
	files []string
	err   error
}

// lineRow says where the instructions from pc on come from.
type lineRow struct {
	pc   uint32
	file int32 // in lineTable.files
	line int32 // 0 = not known
}

// Source returns the place in the source that the instruction at address pc was compiled from, false where the file
// does not say.
func (c *Code) Source(pc uint32) (Source, bool) {
	t := c.lines
	if t == nil {
		return Source{}, false
	}
	t.once.Do(t.read)
	i, found := slices.BinarySearchFunc(t.rows, pc, func(r lineRow, pc uint32) int { return cmp.Compare(r.pc, pc) })
	if !found {
		i--
	}
	if i < 0 || t.rows[i].line == 0 {
		return Source{}, false
	}
	return Source{t.files[t.rows[i].file], int(t.rows[i].line)}, true
}

// SourceError tells what keeps the file's line table from being read; nil where there is none.
func (c *Code) SourceError() error {
	if c.lines == nil {
		return nil
	}
	c.lines.once.Do(c.lines.read)
	return c.lines.err
}

// outside is an address that no code has: what is noted for it is forgotten.
const outside = 1 << 40

// lineSection takes the line table's section, whose addresses relocations set.
func (l *loader) lineSection(index elf.SectionIndex, s *elf.Section) error {
	b, err := s.Data()
	if err != nil {
		return fmt.Errorf("section %s: %w", s.Name, err)
	}
	l.cubin.lines = &lineTable{data: b}
	l.lines = index
	return nil
}

// relocateLine sets an address in the line table. One that cannot be set is forgotten: line tables refuse no file.
func (l *loader) relocateLine(r *relocation) {
	sym, place, err := l.resolve(l.cubin.lines.data, r, 8)
	if err != nil || r.kind != rel64 {
		return
	}
	value := sym.Value + binary.LittleEndian.Uint64(place)
	if r.addend != nil {
		value = sym.Value + uint64(*r.addend)
	}
	if base, ok := l.text[sym.Section]; ok {
		value += uint64(base)
	} else {
		value = outside
	}
	put(place, value)
}

// read makes rows of the section. What was read before something that is damaged stays.
func (t *lineTable) read() {
	t.err = t.units()
	t.data = nil
	// At one address the last row holds; one that ends a sequence gives way to one that begins another.
	slices.SortStableFunc(t.rows, func(a, b lineRow) int { return cmp.Compare(a.pc, b.pc) })
	n := 0
	for _, r := range t.rows {
		switch {
		case n > 0 && t.rows[n-1].pc == r.pc && r.line == 0:
		case n > 0 && t.rows[n-1].pc == r.pc:
			t.rows[n-1] = r
		default:
			t.rows[n] = r
			n++
		}
	}
	t.rows = slices.Clip(t.rows[:n])
}

// units reads all tables of the section, each of which one compilation has made. Package dwarf trusts the index of a
// folder and panics where it is damaged (FuzzLines): that is an error here.
func (t *lineTable) units() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged: %v", p)
		}
	}()
	info, err := t.headers()
	if err != nil {
		return err
	}
	abbrev := []byte{1, 0x11, 0, 0x10, 0x06, 0, 0, 0} // DW_TAG_compile_unit with a DW_AT_stmt_list of DW_FORM_data4
	data, err := dwarf.New(abbrev, nil, nil, info, t.data, nil, nil, nil)
	if err != nil {
		return err
	}
	names := map[string]int32{}
	for reader := data.Reader(); ; {
		unit, err := reader.Next()
		if unit == nil || err != nil {
			return err
		}
		lines, err := data.LineReader(unit)
		if err != nil {
			return err
		}
		if err := t.unit(lines, names); err != nil {
			return err
		}
	}
}

// headers returns what package dwarf wants and cubins do not have: a .debug_info with a unit for each line table.
// Tables of DWARF 5, which no compiler writes for these chips, are refused: a few bytes of them can ask for any number
// of files.
func (t *lineTable) headers() (info []byte, err error) {
	for at := 0; at < len(t.data); {
		if len(t.data)-at < 10 {
			return nil, fmt.Errorf("%d bytes at the end of the line table", len(t.data)-at)
		}
		n, version := binary.LittleEndian.Uint32(t.data[at:]), binary.LittleEndian.Uint16(t.data[at+4:])
		if version < 2 || version > 4 || n < 6 || uint64(n) > uint64(len(t.data)-at-4) {
			return nil, fmt.Errorf("line table of %d bytes and version %d at byte %d; versions 2 to 4 are read", n, version, at)
		}
		info = append(info, 12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 8, 1)
		info = binary.LittleEndian.AppendUint32(info, uint32(at))
		at += 4 + int(n)
	}
	return info, nil
}

// unit reads one table.
func (t *lineTable) unit(lines *dwarf.LineReader, names map[string]int32) error {
	var e dwarf.LineEntry
	for {
		if err := lines.Next(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if e.Address >= maxImage {
			continue
		}
		row := lineRow{pc: uint32(e.Address)}
		if !e.EndSequence && e.File != nil && e.Line > 0 && e.Line < 1<<31 {
			file, ok := names[e.File.Name]
			if !ok {
				file = int32(len(t.files))
				names[e.File.Name] = file
				t.files = append(t.files, e.File.Name)
			}
			row.file, row.line = file, int32(e.Line)
		}
		t.rows = append(t.rows, row)
	}
}
