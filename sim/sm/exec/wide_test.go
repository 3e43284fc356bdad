package exec

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/lower"
)

// TestNegatedZeroCarries: the difference of a number and zero carries, as the sum with the inverted zero and 1 does;
// the upper words of 64 bits depend on it.
func TestNegatedZeroCarries(t *testing.T) {
	const control = 0x000fca << 40
	sources := func(op uint64) uint64 { return op | 7<<12 | 4<<16 | 12<<24 | 16<<32 } // R4, R12, R16
	for name, c := range map[string]struct {
		word isa.Word
		at   int // the register that is zero and negated
	}{
		"IADD3 R4, P2, R12, -R16, R24": {isa.Word{Lo: sources(0x210) | 1<<63,
			Hi: 24 | 2<<17 | 7<<20 | 7<<23 | control}, 16},
		"LEA R4, P2, -R12, R16, 0x7": {isa.Word{Lo: sources(0x211), Hi: 1<<8 | 7<<11 | 2<<17 | 7<<23 | control}, 12},
		"IMAD.WIDE.U32 R4, P2, R12, R16, -R24": {isa.Word{Lo: sources(0x225), Hi: 24 | 1<<11 | 2<<17 | 7<<23 | control},
			24},
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := single(c.word)
			if !ok {
				t.Fatal("not executed")
			}
			if in, err := isa.Ampere.Decode(c.word, 0, quiet); err != nil || in.String() != name {
				t.Fatalf("%v, %v", in, err)
			}
			b := &Block{}
			b.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
			w := b.Warps[0]
			for lane := range 32 { // zero in the even lanes, one in the odd
				b.rows[c.at][lane] = uint32(lane & 1)
			}
			var x Exec
			x.Exec(w, &p.Ops[0], ^uint32(0))
			if w.Preds[2] != 0x55555555 {
				t.Errorf("carries of %#x, want those of the zeros", w.Preds[2])
			}
		})
	}
}

// TestUniformPairs: UIADD3.64, which no compiler was found to write for these architectures, against big numbers: sums
// of three terms, negated or with carries in, and what they carry out.
func TestUniformPairs(t *testing.T) {
	const control, uniform = 0x000fca << 40, 1 << 27
	sources := func(hi uint64) isa.Word { // UR4, UP2, UP3 = UR12, number, UR24
		return isa.Word{Lo: 0x897 | 7<<12 | 4<<16 | 12<<24, Hi: 24 | 2<<17 | 3<<20 | 7<<23 | hi | uniform | control}
	}
	r := rand.New(rand.NewPCG(64, 3))
	for _, c := range []struct {
		text   string
		hi     uint64
		signs  [2]bool // of the first and the last
		carry  bool
		invert [2]bool
	}{
		{text: "UIADD3.64 UR4, UP2, UP3, UR12, %s, UR24"},
		{text: "UIADD3.64 UR4, UP2, UP3, -UR12, %s, UR24", hi: 1 << 8, signs: [2]bool{true, false}},
		{text: "UIADD3.64 UR4, UP2, UP3, UR12, %s, -UR24", hi: 1 << 11, signs: [2]bool{false, true}},
		{text: "UIADD3.64.X UR4, UP2, UP3, ~UR12, %s, UR24, UP1, UP0", carry: true, invert: [2]bool{true, false},
			hi: 1<<10 | 1<<8 | 6<<23},
	} {
		for _, number := range []int32{0x12345, -3, math.MinInt32} {
			w := sources(c.hi)
			if c.carry {
				w.Hi = w.Hi&^(7<<23) | 1<<23 // UP1, UP0
			}
			w.Lo |= uint64(uint32(number)) << 32
			in, err := isa.Ampere.Decode(w, 0, quiet)
			sign, size := "", int64(number)
			if size < 0 {
				sign, size = "-", -size
			}
			if want := fmt.Sprintf(c.text, fmt.Sprintf("%s%#x", sign, size)); err != nil || in.String() != want {
				t.Fatalf("%v, %v; want %s", in, err, want)
			}
			p, ok := single(w)
			if !ok {
				t.Fatalf("%v is not executed", in)
			}
			for range 200 {
				b := &Block{}
				b.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
				v := b.Warps[0]
				var terms [2]uint64
				for k := range terms {
					terms[k] = r.Uint64() >> (r.IntN(3) * 31)
					for lane := range 32 {
						b.rows[40+12*(k+1)][lane], b.rows[41+12*(k+1)][lane] = uint32(terms[k]), uint32(terms[k]>>32)
					}
				}
				ins := [2]bool{r.IntN(2) == 0, r.IntN(2) == 0}
				for k, in := range ins {
					v.Preds[lower.FirstUniform+k] = allOnes(in)
				}
				var x Exec
				x.Exec(v, &p.Ops[0], ^uint32(0))
				sum := new(big.Int).SetUint64(uint64(int64(number)))
				for k, u := range terms {
					one := uint64(0)
					if c.signs[k] || c.invert[k] {
						u = ^u
					}
					if c.signs[k] || c.carry && ins[k] {
						one = 1
					}
					sum.Add(sum, new(big.Int).SetUint64(u))
					sum.Add(sum, new(big.Int).SetUint64(one))
				}
				carries := new(big.Int).Rsh(sum, 64).Uint64()
				low := new(big.Int).And(sum, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
				got := uint64(b.rows[44][7]) | uint64(b.rows[45][7])<<32
				if got != low || v.Preds[lower.FirstUniform+2] != allOnes(carries > 0) ||
					v.Preds[lower.FirstUniform+3] != allOnes(carries > 1) {
					t.Fatalf("%v of %#x: %#x, carries %#x, %#x; want %#x, %d", in, terms, got,
						v.Preds[lower.FirstUniform+2], v.Preds[lower.FirstUniform+3], low, carries)
				}
			}
		}
	}
}

// TestUniformConstants: ULDC of one, two, four and eight bytes, with and without sign, at every offset that the size
// allows.
func TestUniformConstants(t *testing.T) {
	const control = 0x000fca << 40
	bank := testBanks[0]
	for size, bytes := range map[uint64]int{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 8} {
		for at := 0x160; at < 0x170; at += bytes {
			w := isa.Word{Lo: 0xab9 | 7<<12 | 4<<16 | uint64(at)<<38, Hi: size<<9 | 7<<23 | control}
			p, ok := single(w)
			if !ok {
				in, err := isa.Ampere.Decode(w, 0, quiet)
				t.Fatalf("%v, %v: not executed", in, err)
			}
			b := &Block{}
			b.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
			var x Exec
			x.Exec(b.Warps[0], &p.Ops[0], ^uint32(0))
			if x.Fault.Reason != "" {
				t.Fatal(x.Fault.String())
			}
			var v uint64
			for k := range bytes {
				v |= uint64(bank[at+k]) << (8 * k)
			}
			if shift := 64 - 8*bytes; size == 1 || size == 3 {
				v = uint64(uint32(int64(v<<shift) >> shift))
			}
			got := uint64(b.rows[44][5])
			if bytes == 8 {
				got |= uint64(b.rows[45][5]) << 32
			}
			if got != v {
				t.Errorf("%s at %#x: %#x, want %#x", p.Text(0), at, got, v)
			}
		}
	}
}
