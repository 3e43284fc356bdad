package isa

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

func pcText(pc uint32) string { return fmt.Sprintf("/*%04x*/", pc) }

// The words are ptxas output and the texts nvdisasm's, so that the decoder is checked without either.
func TestDecode(t *testing.T) {
	for _, c := range []struct {
		word uint64
		pc   uint32
		want string
	}{
		{0x4c98078000870001, 0x08, "MOV R1, c[0x0][0x20]"},
		{0xe24000000107000f, 0x08, "BRA 0x20"},
		{0x50b0000000070f00, 0x08, "NOP"},
		{0xe30000000007000f, 0x08, "EXIT"},
		{0x5980000000070000, 0x08, "FFMA R0, R0, R0, R0"},
		{0xeed4000000071234, 0x08, "LDG R52, [R18]"},
		{0xf0a81b8000070000, 0x08, "BAR.SYNC 0x0"},
		{0x51336bb77090e676, 0x08, "@P0 XMAD.S16.S16 R118, R230.H1, R215.H1, c[0xd][-0x23dc]"},
	} {
		in, err := Decode(c.word, c.pc, Control{})
		if err != nil {
			t.Errorf("%016x: %v", c.word, err)
		} else if got := in.String(); got != c.want {
			t.Errorf("%016x: %q, want %q", c.word, got, c.want)
		}
	}
	for _, w := range []uint64{0, 0xffffffffffffffff, 0x5bc7000000070000 | 15<<48} {
		if in, err := Decode(w, 8, Control{}); err == nil {
			t.Errorf("%016x: %s, want an error", w, in.String())
		}
	}
}

// Every name is there once, so that texts and constants stand for each other.
func TestNames(t *testing.T) {
	check := func(kind string, names []string) {
		seen := map[string]bool{}
		for i, n := range names {
			if i > 0 && n == "" || seen[n] {
				t.Errorf("%s %d has no name of its own: %q", kind, i, n)
			}
			seen[n] = true
		}
	}
	for f, names := range opNames {
		check(families[f].Name+" Op", names)
	}
	check("Mod", modNames[:])
	check("Sel", selNames[:])
	check("CCTest", append([]string{""}, ccNames[:]...))
}

// Every mnemonic has a row, and an Inst stays plain data.
func TestTable(t *testing.T) {
	for k, family := range families {
		has := map[Op]bool{}
		for i := range family.table {
			r := &family.table[i]
			has[r.op] = true
			if own := r.op.Family(); own != family && (own != Ampere || family.lead != 0) {
				t.Errorf("%s stands in the table of %s", r.op, family.Name)
			}
			if r.match.andNot(r.mask) != (Word{}) {
				t.Errorf("%s %s: bits outside its mask %s", r.op, r.match, r.mask)
			}
			f := &family.decoder().forms[i]
			mods := 0
			for _, m := range f.mods {
				longest := 0
				for _, v := range m.values {
					longest = max(longest, len(v))
				}
				mods += longest
			}
			if mods > len(Inst{}.Mods) || len(f.operands) > len(Inst{}.Operands) {
				t.Errorf("%s %s: %d suffixes and %d operands do not fit in an Inst", r.op, r.match, mods, len(f.operands))
			}
		}
		for i := 1; k < len(opNames) && i < len(opNames[k]); i++ {
			if o := Op(k<<familyShift + i); !has[o] {
				t.Errorf("%s has no row", o)
			}
		}
	}
	if n := unsafe.Sizeof(Inst{}); n > 256 {
		t.Errorf("an Inst has %d bytes; ReadCubin's bound on memory assumes at most 256", n)
	}
}

// TestPlaces: numbers of instructions and byte offsets stand for each other, and control words are passed over.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		f    *Family
		pc   uint32
		want int
	}{{Maxwell, 0, 0}, {Maxwell, 8, 0}, {Maxwell, 24, 2}, {Maxwell, 32, 3}, {Maxwell, 40, 3}, {Maxwell, 72, 6},
		{Ampere, 0, 0}, {Ampere, 16, 1}, {Ampere, 64, 4}} {
		if got := c.f.Index(c.pc); got != c.want {
			t.Errorf("%s: byte %d is of instruction %d, want %d", c.f.Name, c.pc, got, c.want)
		}
	}
	for _, f := range families {
		for i := range 100 {
			if got := f.Index(f.PC(i)); got != i {
				t.Errorf("%s: instruction %d is at byte %d, which is of instruction %d", f.Name, i, f.PC(i), got)
			}
		}
	}
	for arch, want := range map[int]*Family{50: Maxwell, 61: Maxwell, 70: Volta, 75: Turing, 80: Ampere, 86: GA10x,
		35: nil, 90: nil} {
		if got := FamilyOf(arch); got != want {
			t.Errorf("sm_%d is of %v", arch, got)
		}
	}
}

// TestAmpere: words with their control bits inside, as ptxas of CUDA 12.9 writes them and nvdisasm of 12.8 prints them.
func TestAmpere(t *testing.T) {
	for _, c := range []struct {
		hi, lo  uint64
		want    string
		control string
	}{
		{0x000fe200078e00ff, 0x00000a00ff017624, "IMAD.MOV.U32 R1, RZ, RZ, c[0x0][0x28]", "--:-:-:-:1"},
		{0x000fe20000000000, 0x00000000000001ff, "", ""}, // no opcode
		{0x000fc40000000f00, 0x00000a0000017a02, "MOV R1, c[0x0][0x28]", "--:-:-:Y:2"},
		{0x000fe20007ffe0ff, 0xfffffff801017810, "IADD3 R1, R1, -0x8, RZ", "--:-:-:-:1"},
		{0x004fca00007fe4ff, 0x0000000703057210, "IADD3.X R5, R3, R7, RZ, P0, !PT", "04:-:-:Y:5"},
		{0x000fe20003800000, 0x000000000000094d, "@P0 EXIT", "--:-:-:-:1"},
		{0x001fea0003800000, 0x000000000000794d, "EXIT", "01:-:-:-:5"},
	} {
		word, control := Ampere.split(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, c.lo), c.hi), 0)
		in, err := Ampere.Decode(word, 0, control)
		got := ""
		if err == nil {
			got = in.String()
		}
		if got != c.want || err == nil && in.Control.String() != c.control {
			t.Errorf("%s: %q with %s (%v), want %q with %s", word, got, in.Control, err, c.want, c.control)
		}
	}
}

// TestWideWords: words of the project's own kernels compiled for sm_75, sm_80 and sm_86, one of each kind, read as
// nvdisasm of 12.8 prints them. testdata/words.txt has an architecture, a word with its control bits and a text a line.
func TestWideWords(t *testing.T) {
	text, err := os.ReadFile("testdata/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		arch, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		word, want, _ := strings.Cut(rest, " ")
		if len(word) != 32 {
			t.Fatalf("%q: a word has 32 digits", line)
		}
		number, _ := strconv.Atoi(arch)
		family := FamilyOf(number)
		hi, err := strconv.ParseUint(word[:16], 16, 64)
		lo, err2 := strconv.ParseUint(word[16:], 16, 64)
		if family == nil || err != nil || err2 != nil {
			t.Fatalf("%q: %v, %v", line, err, err2)
		}
		w, control := family.split(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, lo), hi), 0)
		in, err := family.Decode(w, 0, control)
		if got := strings.TrimRight(in.String(), " "); err != nil || got != want {
			t.Errorf("sm_%s %s: %q (%v), nvdisasm has %q", arch, word, got, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for i := range Maxwell.table {
		f.Add(Maxwell.table[i].match.Lo|0x70000, uint32(8), uint64(0x001f8000fc0007e0))
	}
	f.Fuzz(func(t *testing.T, word uint64, pc uint32, control uint64) {
		in, err := Decode(word, pc, DecodeControl(control, int(pc%3)))
		if err != nil {
			return
		}
		if in.String() == "" {
			t.Errorf("%016x has no text", word)
		}
	})
}

// FuzzDecodeWide: a word of 128 bits, of each generation that has such, is refused or has a text.
func FuzzDecodeWide(f *testing.F) {
	for i := range Ampere.table {
		r := &Ampere.table[i]
		f.Add(r.match.Lo|0x7000, r.match.Hi|0xfea00<<44, uint32(16))
	}
	f.Fuzz(func(t *testing.T, lo, hi uint64, pc uint32) {
		for _, family := range []*Family{Turing, Ampere, GA10x} {
			place := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, lo), hi)
			in, err := family.DecodeAt(place, pc)
			if err == nil && in.String() == "" {
				t.Errorf("%s %016x_%016x has no text", family.Name, hi, lo)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]uint64, 4096)
	for i := range words {
		f := &Maxwell.table[r.IntN(len(Maxwell.table))]
		words[i] = f.match.Lo | r.Uint64()&^f.mask.Lo
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, _ = Decode(words[i%len(words)], 8, Control{})
	}
}
