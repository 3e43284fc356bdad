package isa

import (
	"fmt"
	"math/rand/v2"
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
	check("Op", opNames[:])
	check("Mod", modNames[:])
	check("Sel", selNames[:])
	check("CCTest", append([]string{""}, ccNames[:]...))
}

// Every mnemonic has a row, and an Inst stays plain data.
func TestTable(t *testing.T) {
	has := map[Op]bool{}
	for i := range table {
		r := &table[i]
		has[r.op] = true
		if r.match&^r.mask != 0 {
			t.Errorf("%s %016x: bits outside its mask %016x", r.op, r.match, r.mask)
		}
		f := &compiled().forms[i]
		mods := 0
		for _, m := range f.mods {
			longest := 0
			for _, v := range m.values {
				longest = max(longest, len(v))
			}
			mods += longest
		}
		if mods > len(Inst{}.Mods) || len(f.operands) > len(Inst{}.Operands) {
			t.Errorf("%s %016x: %d suffixes and %d operands do not fit in an Inst", r.op, r.match, mods, len(f.operands))
		}
	}
	for o := OpNone + 1; o < numOps; o++ {
		if !has[o] {
			t.Errorf("%s has no row", o)
		}
	}
	if n := unsafe.Sizeof(Inst{}); n > 256 {
		t.Errorf("an Inst has %d bytes; ReadCubin's bound on memory assumes at most 256", n)
	}
}

func FuzzDecode(f *testing.F) {
	for i := range table {
		f.Add(table[i].match|0x70000, uint32(8), uint64(0x001f8000fc0007e0))
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

func BenchmarkDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]uint64, 4096)
	for i := range words {
		f := table[r.IntN(len(table))]
		words[i] = f.match | r.Uint64()&^f.mask
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, _ = Decode(words[i%len(words)], 8, Control{})
	}
}
