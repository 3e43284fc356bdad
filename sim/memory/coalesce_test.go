package memory

import (
	"math/rand/v2"
	"testing"
)

func TestCoalesceAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var c coalescer
	for n := range 20000 {
		a := Access{Kind: []AccessKind{Load, Store, Atomic}[r.IntN(3)], Bytes: []int{1, 2, 4, 8, 16}[r.IntN(5)],
			Mask: r.Uint32() | r.Uint32()}
		base, span := uint64(r.IntN(64)*a.Bytes), 1<<(3+r.IntN(9))
		for i := range a.Addr {
			a.Addr[i] = base + uint64(r.IntN(span)*a.Bytes)
		}
		if n%2 == 0 { // the fast path
			a.Mask = ^uint32(0)
			for i := range a.Addr {
				a.Addr[i] = base + uint64(i*a.Bytes)
			}
		}
		c.coalesce(&a)

		bytes := map[uint64]int{} // operations on each byte
		ops := map[uint64]int{}
		for i, at := range a.Addr {
			if a.Mask>>i&1 == 0 {
				continue
			}
			ops[at/LineBytes]++
			for k := range uint64(a.Bytes) {
				bytes[at+k]++
			}
		}
		type lineState struct {
			mask, full uint8
			same       int
		}
		want := map[uint64]lineState{}
		for b, count := range bytes {
			l := want[b/LineBytes]
			l.mask |= 1 << (b % LineBytes / SectorBytes)
			l.same = max(l.same, count)
			want[b/LineBytes] = l
		}
		for line, l := range want {
			for k := range uint64(sectorsPerLine) {
				all := true
				for b := range uint64(SectorBytes) {
					all = all && bytes[line*LineBytes+k*SectorBytes+b] > 0
				}
				if all {
					l.full |= 1 << k
				}
			}
			want[line] = l
		}
		if c.n != len(want) {
			t.Fatalf("%+v: %d lines, want %d", a, c.n, len(want))
		}
		for i := range c.n {
			w, ok := want[c.line[i]]
			switch {
			case !ok || c.mask[i] != w.mask:
				t.Fatalf("%+v: line %#x sectors %04b, want %04b", a, c.line[i], c.mask[i], w.mask)
			case a.Kind == Store && c.full[i] != w.full:
				t.Fatalf("%+v: line %#x full sectors %04b, want %04b", a, c.line[i], c.full[i], w.full)
			case a.Kind == Atomic && (int(c.ops[i]) != ops[c.line[i]] || int(c.same[i]) != w.same):
				t.Fatalf("%+v: line %#x %d operations, %d on one address; want %d, %d", a, c.line[i], c.ops[i], c.same[i],
					ops[c.line[i]], w.same)
			}
		}
	}
}

// TestMappingIsOneToOne checks that no two lines share a place in L2 and DRAM, that contiguous lines are dealt evenly,
// and that strides which are multiples of the slices spread too.
func TestMappingIsOneToOne(t *testing.T) {
	cfg := preset(t)
	for _, channels := range []int{1, 8, 11, 12} {
		cfg.DRAM.Channels = channels
		m := newMapping(cfg)
		n := cfg.Slices()
		seen := map[[2]uint64]bool{}
		count := make([]int, n)
		place := func(line uint64) (slice int, local uint64) {
			c, s, local := m.place(line)
			return c*cfg.L2.SlicesPerChannel + s, local
		}
		for line := uint64(1 << 25); line < 1<<25+uint64(n)*1024; line++ {
			s, local := place(line)
			key := [2]uint64{uint64(s), local}
			if s < 0 || s >= n || seen[key] {
				t.Fatalf("%d slices: line %d shares slice %d, line %d", n, line, s, local)
			}
			seen[key] = true
			count[s]++
		}
		for s, c := range count {
			if c < 1024-16 || c > 1024+16 {
				t.Errorf("%d slices: slice %d has %d of %d contiguous lines", n, s, c, 1024*n)
			}
		}
		clear(count)
		for i := range uint64(1000 * n) {
			s, _ := place(i * uint64(n) * 4)
			count[s]++
		}
		for s, c := range count {
			if n > 1 && (c < 800 || c > 1200) {
				t.Errorf("%d slices: slice %d has %d of %d lines at a stride of %d lines", n, s, c, 1000*n, 4*n)
			}
		}
		// A slice's lines differ in (bank, row, column); a row holds as many lines as fit.
		rows := map[[2]int64]int{}
		for local := range uint64(4096) {
			for range cfg.L2.SlicesPerChannel {
				b, row := m.dram(local)
				rows[[2]int64{int64(b), row}]++
			}
		}
		for k, c := range rows {
			if c > cfg.DRAM.RowBytes/LineBytes {
				t.Fatalf("bank %d row %d holds %d lines of %d", k[0], k[1], c, cfg.DRAM.RowBytes/LineBytes)
			}
		}
		// What is 16 KiB apart, and nothing nearer beyond 1 KiB, shares a row.
		row := func(line uint64) [3]int64 {
			c, _, local := m.place(line)
			b, r := m.dram(local)
			return [3]int64{int64(c), int64(b), r}
		}
		for i := range uint64(1000) {
			const kib = 1024 / LineBytes
			line := i * 32 * kib
			for _, d := range []uint64{1, 2, 4, 7, 8, 15, 16, 24, 32, 64} {
				if got, want := row(line+d*kib) == row(line), d == 16; got != want {
					t.Errorf("%d channels: lines %d and %d KiB further share a row: %v, want %v", channels, line, d, got, want)
				}
			}
		}
		if want := 4096 * cfg.L2.SlicesPerChannel * LineBytes / cfg.DRAM.RowBytes; len(rows) != want {
			t.Errorf("%d rows used, want %d", len(rows), want)
		}
	}
}

func TestDivisor(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := 1; n <= 512; n++ {
		d := newDivisor(n)
		for range 200 {
			x := r.Uint64() >> (10 + r.IntN(50))
			if q, rem := d.divide(x); q != x/uint64(n) || rem != x%uint64(n) {
				t.Fatalf("%d / %d = %d rest %d", x, n, q, rem)
			}
		}
	}
}
