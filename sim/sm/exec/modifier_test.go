package exec

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/sm/internal/rowtest"
	"warpdrop/sim/sm/lower"
)

// modifiedOps are the lowest nine bits of sm_80's operations on registers whose sources may be negated, inverted or
// taken by their absolute value.
var modifiedOps = []uint64{0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x10, 0x11, 0x13, 0x20, 0x21, 0x23, 0x24, 0x25, 0x27, 0x28,
	0x29, 0x2a, 0x2b, 0x30, 0x31, 0x32, 0x33, 0x34, 0x102, 0x104, 0x105, 0x106, 0x107, 0x108, 0x109, 0x10c}

// quiet are the control bits of an instruction that waits for nothing.
var quiet = isa.Control{Stall: 5, WriteBarrier: 7, ReadBarrier: 7}

// TestModifiersCount executes instructions of sm_80 with and without a modifier of a source: a modifier that is decoded
// and then forgotten changes no result.
func TestModifiersCount(t *testing.T) {
	const sets = 12 // of registers that an instruction is tried on
	r := rand.New(rand.NewPCG(31, 7))
	counts := map[string]int{}
	tried := map[string]int{}
	example := map[string]string{}
	for _, op := range modifiedOps {
		for range 1500 {
			// R4 = R12, R16, R24
			w := isa.Word{Lo: op | 1<<9 | 7<<12 | 4<<16 | 12<<24 | 16<<32, Hi: 24 | 0x000fca<<40}
			w.Lo |= r.Uint64() & (0xf0ff_ffe0 << 32)
			w.Hi |= r.Uint64()&(1<<27-1)&^0xff | 7<<23
			in, err := isa.Ampere.Decode(w, 0, quiet)
			if err != nil || strings.Contains(in.String(), ".reuse") {
				continue
			}
			for k := range in.Operands[:in.NumOps] {
				o := &in.Operands[k]
				if o.Kind == isa.KindPred || o.Kind == isa.KindUPred || !o.Neg && !o.Abs && !o.Not {
					continue
				}
				for bit := 60; bit < 86; bit++ {
					plain := w
					if bit < 64 {
						plain.Lo &^= 1 << bit
					} else {
						plain.Hi &^= 1 << (bit - 64)
					}
					which := without(&in, plain, k)
					if which == "" {
						continue
					}
					name, _, _ := strings.Cut(in.String(), " ")
					enough := 6
					if strings.Contains(name, "SET") { // whatever the comparison
						name, enough = in.Op.String(), 50
					}
					key := fmt.Sprintf("%s operand %d %s", name, k, which)
					if tried[key] >= enough {
						continue
					}
					n, ok := differences(w, plain, sets, r)
					if ok {
						tried[key]++
						counts[key] += n
						example[key] = in.String()
					}
				}
			}
		}
	}
	if len(tried) < 200 {
		t.Errorf("only %d modifiers were tried", len(tried))
	}
	for _, key := range slices.Sorted(maps.Keys(tried)) {
		even := strings.HasPrefix(key, "FCHK") || strings.HasPrefix(key, "MUFU.COS") // signs do not matter
		if counts[key] == 0 && !even {
			t.Errorf("%s changes nothing, as in %s", key, example[key])
		}
	}
}

// without names the modifier of operand k that the word lacks, all else being the same; empty if that is not all.
func without(in *isa.Inst, word isa.Word, k int) string {
	plain, err := isa.Ampere.Decode(word, 0, quiet)
	if err != nil || plain.Op != in.Op || word == in.Word {
		return ""
	}
	a, b := in.Operands[k], plain.Operands[k]
	which := ""
	switch {
	case a.Abs && !b.Abs:
		which, b.Abs = "||", true
	case a.Neg && !b.Neg:
		which, b.Neg = "-", true
	case a.Not && !b.Not:
		which, b.Not = "~", true
	}
	if a != b {
		return ""
	}
	plain.Operands[k] = b
	if plain.Operands != in.Operands || plain.Mods != in.Mods {
		return ""
	}
	return which
}

// differences is in how many sets of registers two instructions have different results.
func differences(v, w isa.Word, sets int, r *rand.Rand) (n int, ok bool) {
	p, ok := single(v)
	q, ok2 := single(w)
	if !ok || !ok2 {
		return 0, false
	}
	for range sets {
		s := r.Uint64()
		a, b := executed(p, s), executed(q, s)
		if !slices.Equal(a.Block.rows[:40], b.Block.rows[:40]) || a.Preds != b.Preds {
			n++
		}
	}
	return n, true
}

// testBanks are constants that instructions may read.
var testBanks = func() (banks [18][]byte) {
	r := rand.New(rand.NewPCG(5, 6))
	for b := range banks {
		for range 0x4000 / 32 {
			for _, v := range rowtest.Random(r) {
				banks[b] = binary.LittleEndian.AppendUint32(banks[b], v)
			}
		}
	}
	return banks
}()

// single is a program of an instruction of sm_80.
func single(w isa.Word) (*lower.Program, bool) {
	var image []byte
	for _, v := range []isa.Word{w, {Lo: 0x794d, Hi: 0x000fea0003800000}} {
		image = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(image, v.Lo), v.Hi)
	}
	p, err := lower.Lower(isa.NewCode(isa.Ampere, image), 0, lower.LowerConfig{Name: "single", Registers: 40})
	if err != nil {
		return nil, false
	}
	return p.Bind(testBanks), true
}

// executed is the warp that has executed a program of one instruction on registers that seed says.
func executed(p *lower.Program, seed uint64) *Warp {
	r := rand.New(rand.NewPCG(seed, 1))
	var x Exec
	x.SMs, x.Period = 1, 1
	b := &Block{}
	b.Reset(p, 32, [3]uint32{}, [3]uint32{32, 1, 1}, [3]uint32{1, 1, 1})
	w := b.Warps[0]
	for i := range 40 {
		b.rows[i] = rowtest.Random(r)
	}
	for i := range 7 {
		w.Preds[i] = r.Uint32()
	}
	x.Exec(w, &p.Ops[0], w.GuardMask(&p.Ops[0]))
	return w
}
