package exec

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/internal/rowtest"
	"warpdrop/sim/sm/lower"
)

// sandbox executes single instructions on a block of one warp with arbitrary registers.
type sandbox struct {
	x      Exec
	view   *memory.View
	buffer uint64
}

func newSandbox() (*sandbox, error) {
	global := memory.NewGlobal()
	s := &sandbox{view: memory.NewView(global)}
	s.x.Global = s.view
	s.x.SMs, s.x.Period = 1, 1
	var err error
	s.buffer, err = global.Alloc(4096)
	return s, err
}

// run executes word, then what it leads to for a few instructions, with registers from r. It reports whether the
// instruction is one that is executed.
func (s *sandbox) run(word uint64, r *rand.Rand) bool {
	const (
		nop  = 0x50b0000000070f00
		exit = 0xe30000000007000f
	)
	return s.execute(rowtest.Code(word, nop, exit), 8, r)
}

// runWide is run of a word of 128 bits.
func (s *sandbox) runWide(family *isa.Family, lo, hi uint64, r *rand.Rand) bool {
	var image []byte
	for _, w := range []uint64{lo, hi, 0x7918, 0x000fc00000000000, 0x794d, 0x000fea0003800000} { // then NOP and EXIT
		image = binary.LittleEndian.AppendUint64(image, w)
	}
	return s.execute(isa.NewCode(family, image), 0, r)
}

func (s *sandbox) execute(code *isa.Code, entry uint32, r *rand.Rand) bool {
	p, err := lower.Lower(code, entry, lower.LowerConfig{Name: "sandbox"})
	if err != nil {
		return false
	}
	var banks [18][]byte
	banks[0] = make([]byte, 0x200)
	for i := range banks[0] {
		banks[0][i] = byte(r.Uint32())
	}
	p = p.Bind(banks)
	p.SharedBytes, p.LocalBytes = 256, 64
	p.Registers = max(p.Registers, 8)
	b := &Block{}
	threads := 1 + r.IntN(32)
	b.Reset(p, threads, [3]uint32{1, 2, 3}, [3]uint32{uint32(threads), 1, 1}, [3]uint32{4, 5, 6})
	w := b.Warps[0]
	for i := range b.rows {
		b.rows[i] = rowtest.Random(r)
	}
	switch r.IntN(3) {
	case 0: // pointers to device memory in pairs
		for i := 0; i+1 < len(b.rows); i += 2 {
			for lane := range 32 {
				a := s.buffer + uint64(r.IntN(4096))&^uint64(r.IntN(2)*15)
				b.rows[i][lane], b.rows[i+1][lane] = uint32(a), uint32(a>>32)
			}
		}
	case 1: // small offsets
		for i := range b.rows {
			for lane := range 32 {
				b.rows[i][lane] = uint32(r.IntN(300)) &^ uint32(r.IntN(2)*15)
			}
		}
	}
	for i := range 7 {
		w.Preds[i] = r.Uint32()
	}
	w.CC = CC{r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32()}
	for range 16 {
		op := &p.Ops[w.PC]
		mask := w.GuardMask(op)
		s.x.Exec(w, op, mask)
		s.x.Clock++
		if op.IsMem && s.x.Fault.Reason == "" {
			if s.x.Access.Space == memory.SpaceShared && s.x.Access.Mask != 0 && s.x.Passes == 0 {
				memory.SharedCost(&s.x.Access)
			}
			memory.Commit([]*memory.View{s.view})
		}
		if s.x.Fault.Reason != "" {
			_ = s.x.Fault.String()
			s.x.Fault = ExecFault{}
			s.view.Discard()
			break
		}
		if w.Live == 0 || int(w.PC) >= len(p.Ops) {
			break
		}
	}
	return true
}

// committed reads a file of kernels.
func committed(t testing.TB, name string) *isa.Cubin {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name + ".cubin")
	if err != nil {
		t.Fatal(err)
	}
	cubin, err := isa.ReadCubin(data)
	if err != nil {
		t.Fatal(err)
	}
	return cubin
}

// TestExecRandom executes random words and single-bit mutations of the committed kernels' instructions: whatever they
// do, it is a value or a fault, and no panic.
func TestExecRandom(t *testing.T) {
	s, err := newSandbox()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(21, 22))
	n := 0
	for range 8_000 {
		if s.run(r.Uint64(), r) {
			n++
		}
	}
	for _, name := range []string{"programs", "families", "across", "packed"} {
		cubin := committed(t, name)
		for _, w := range cubin.Words {
			word := w.Lo
			if s.run(word, r) {
				n++
			}
			for range 2 {
				if s.run(word^1<<r.IntN(64), r) {
					n++
				}
			}
		}
	}
	if n < 8_000 {
		t.Errorf("only %d instructions were executed", n)
	}
}

// TestExecRandomWide is TestExecRandom of the committed kernels of 128-bit words.
func TestExecRandomWide(t *testing.T) {
	s, err := newSandbox()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(23, 24))
	n := 0
	for _, c := range []struct {
		file   string
		family *isa.Family
	}{{"families.sm_75", isa.Turing}, {"packed.sm_75", isa.Turing}, {"families.sm_80", isa.Ampere},
		{"packed.sm_80", isa.Ampere}} {
		cubin := committed(t, c.file)
		for _, w := range cubin.Words {
			if s.runWide(c.family, w.Lo, w.Hi, r) {
				n++
			}
			for range 2 {
				lo, hi := w.Lo, w.Hi
				if at := r.IntN(128); at < 64 {
					lo ^= 1 << at
				} else {
					hi ^= 1 << (at - 64)
				}
				if s.runWide(c.family, lo, hi, r) {
					n++
				}
			}
		}
	}
	if n < 8_000 {
		t.Errorf("only %d instructions were executed", n)
	}
}

func FuzzExec(f *testing.F) {
	for _, w := range []uint64{0x5c98078000870001, 0xeedc200000070002, 0xef4c000000070001, 0x5980000000270003,
		0xe24000000080000f, 0xed00000000070000, 0xefa0000014070404} {
		f.Add(w, uint64(1))
	}
	f.Fuzz(func(t *testing.T, word, seed uint64) {
		s, err := newSandbox()
		if err != nil {
			t.Fatal(err)
		}
		s.run(word, rand.New(rand.NewPCG(seed, 1)))
	})
}

// FuzzExecWide is FuzzExec of words of 128 bits, of each generation that has such.
func FuzzExecWide(f *testing.F) {
	for _, file := range []string{"families.sm_75", "families.sm_80", "packed.sm_80"} {
		cubin := committed(f, file)
		for i, w := range cubin.Words {
			if i%7 == 0 {
				f.Add(w.Lo, w.Hi, uint64(1), uint8(i))
			}
		}
	}
	families := []*isa.Family{isa.Turing, isa.Ampere, isa.GA10x}
	f.Fuzz(func(t *testing.T, lo, hi, seed uint64, family uint8) {
		s, err := newSandbox()
		if err != nil {
			t.Fatal(err)
		}
		s.runWide(families[int(family)%len(families)], lo, hi, rand.New(rand.NewPCG(seed, 1)))
	})
}
