package exec

import (
	"testing"

	"warpdrop/sim/isa"
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
