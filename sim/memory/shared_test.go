package memory

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// sharedReference counts passes with maps, straight from the definition.
func sharedReference(a *Access) (passes, conflicts int) {
	words := max(a.Bytes/4, 1)
	group := 32 / words
	if words > 1 && (agree(a, 1) || agree(a, 2)) {
		group *= 2
	}
	for first := 0; first < 32; first += group {
		banks := map[uint64]map[uint64]bool{}
		for i := first; i < first+group; i++ {
			if a.Mask>>i&1 == 0 {
				continue
			}
			for k := range uint64(words) {
				w := a.Addr[i]/4 + k
				if banks[w%32] == nil {
					banks[w%32] = map[uint64]bool{}
				}
				banks[w%32][w] = true
			}
		}
		most := 0
		for _, b := range banks {
			most = max(most, len(b))
		}
		if most > 0 {
			passes += most
			conflicts += most - 1
		}
	}
	return passes, conflicts
}

// agree reports whether active threads i and i^x have equal addresses.
func agree(a *Access, x int) bool {
	for i, at := range a.Addr {
		if a.Mask>>i&1 != 0 && a.Mask>>(i^x)&1 != 0 && at != a.Addr[i^x] {
			return false
		}
	}
	return true
}

func TestSharedCostAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		a := Access{Space: SpaceShared, Kind: Load, Bytes: []int{1, 2, 4, 8, 16}[r.IntN(5)], Mask: r.Uint32() | r.Uint32()}
		span := 1 << (3 + r.IntN(9))
		for i := range a.Addr {
			a.Addr[i] = uint64(r.IntN(span) * a.Bytes)
		}
		if x := r.IntN(4); x == 1 || x == 2 {
			for i := range a.Addr {
				a.Addr[i] = a.Addr[i&^x]
			}
		}
		if a.Mask == 0 {
			continue
		}
		p, c := SharedCost(&a)
		wp, wc := sharedReference(&a)
		if p != wp || c != wc {
			t.Fatalf("%d bytes, mask %#x, %v: %d passes, %d conflicts; the definition gives %d, %d", a.Bytes, a.Mask, a.Addr,
				p, c, wp, wc)
		}
	}
}

// TestSharedStride is the stride microbenchmark's closed form: stride s words is a gcd(s, 32)-way conflict.
func TestSharedStride(t *testing.T) {
	for s := 1; s <= 64; s++ {
		a := Access{Kind: Load, Bytes: 4, Mask: ^uint32(0)}
		for i := range a.Addr {
			a.Addr[i] = uint64(4 * s * i)
		}
		want := 1 << min(bits.TrailingZeros(uint(s)), 5)
		if p, c := SharedCost(&a); p != want || c != want-1 {
			t.Errorf("stride %d: %d passes, %d conflicts; want %d, %d", s, p, c, want, want-1)
		}
	}
}

func TestSharedCases(t *testing.T) {
	address := func(bytes int, f func(i int) int) Access {
		a := Access{Kind: Load, Bytes: bytes, Mask: ^uint32(0)}
		for i := range a.Addr {
			a.Addr[i] = uint64(f(i))
		}
		return a
	}
	kind := func(a Access, k AccessKind) Access { a.Kind = k; return a }
	mask := func(a Access, m uint32) Access { a.Mask = m; return a }
	for _, c := range []struct {
		name              string
		a                 Access
		passes, conflicts int
	}{
		{"broadcast", address(4, func(int) int { return 64 }), 1, 0},
		{"two words of one bank, shared", address(4, func(i int) int { return i % 2 * 128 }), 2, 1},
		{"row of a 32x32 tile", address(4, func(i int) int { return i * 4 }), 1, 0},
		{"column of a 32x32 tile", address(4, func(i int) int { return i * 128 }), 32, 31},
		{"column of a 32x33 tile", address(4, func(i int) int { return i * 132 }), 1, 0},
		{"64 bit in order", address(8, func(i int) int { return i * 8 }), 2, 0},
		{"128 bit in order", address(16, func(i int) int { return i * 16 }), 4, 0},
		{"128 bit, all the same", address(16, func(int) int { return 0 }), 4, 0},
		{"128 bit, the same by eights", address(16, func(i int) int { return i / 8 * 16 }), 4, 0},
		{"64 bit, all the same", address(8, func(int) int { return 0 }), 2, 0},
		{"128 bit, pairs i and i^1", address(16, func(i int) int { return i / 2 * 16 }), 2, 0},
		{"128 bit, pairs i and i^2", address(16, func(i int) int { return (i&1 | i>>1&^1) * 16 }), 2, 0},
		{"128 bit, pairs i and i^4", address(16, func(i int) int { return (i&3 | i>>1&^3) * 16 }), 4, 0},
		{"128 bit stores, pairs", kind(address(16, func(i int) int { return i / 2 * 16 }), Store), 4, 0},
		{"maxas sgemm 64, A", address(16, func(i int) int { return i >> 1 & 7 * 16 }), 2, 0},
		{"maxas sgemm 64, B", address(16, func(i int) int { return (i&0x30>>3 | i&1) * 16 }), 2, 0},
		{"128 bit, one quarter-warp", mask(address(16, func(i int) int { return i * 16 }), 0xFF), 1, 0},
		{"bytes of one word", address(1, func(i int) int { return i % 4 }), 1, 0},
		{"no thread", mask(address(4, func(int) int { return 0 }), 0), 1, 0},
		{"atomics on one word", kind(address(4, func(int) int { return 0 }), Atomic), 32, 31},
		{"atomics on 32 words", kind(address(4, func(i int) int { return 4 * i }), Reduce), 1, 0},
		{"atomics on 8 words", kind(address(4, func(i int) int { return i % 8 * 4 }), Atomic), 4, 3},
	} {
		if p, n := SharedCost(&c.a); p != c.passes || n != c.conflicts {
			t.Errorf("%s: %d passes, %d conflicts; want %d, %d", c.name, p, n, c.passes, c.conflicts)
		}
	}
}

func BenchmarkSharedCost(b *testing.B) {
	for _, c := range []struct {
		name          string
		stride, bytes int
	}{{"free", 4, 4}, {"conflict", 128, 4}, {"free128", 16, 16}, {"broadcast128", 2, 16}} {
		b.Run(c.name, func(b *testing.B) {
			a := Access{Kind: Load, Bytes: c.bytes, Mask: ^uint32(0)}
			for i := range a.Addr {
				a.Addr[i] = uint64(c.stride * i &^ (c.bytes - 1))
			}
			b.ReportAllocs()
			for range b.N {
				SharedCost(&a)
			}
		})
	}
}
