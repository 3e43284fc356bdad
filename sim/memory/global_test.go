package memory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestGlobal(t *testing.T) {
	g := NewGlobal()
	a, err := g.Alloc(100)
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.Alloc(1)
	if err != nil {
		t.Fatal(err)
	}
	if a == 0 || a%Alignment != 0 || b%Alignment != 0 || b < a+100+GuardBytes {
		t.Errorf("addresses %#x, %#x: want multiples of %d, %d bytes apart", a, b, Alignment, GuardBytes)
	}
	if a < LocalWindow+WindowBytes || a>>32 == 0 {
		t.Errorf("address %#x is within 4 GiB, where the windows are", a)
	}
	if g.Find(a-1) != nil || g.Find(a+100) != nil || g.Find(a) == nil || g.Find(a+99) == nil || g.Find(b) == nil ||
		g.Find(0) != nil {
		t.Error("Find does not keep to the bounds")
	}
	want := []byte("0123456789")
	if err := g.Write(a+90, want); err != nil {
		t.Error(err)
	}
	got := make([]byte, 10)
	if err := g.Read(a+90, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %q, %v", got, err)
	}
	for _, err := range []error{g.Write(a+91, want), g.Read(a-1, got), g.Read(a+1<<40, got)} {
		if err == nil || !strings.Contains(err.Error(), "not in one allocation") {
			t.Errorf("access out of bounds: error %v", err)
		}
	}
	if err := g.Free(a + 1); err == nil {
		t.Error("free of an address inside an allocation is no error")
	}
	if err := g.Free(a); err != nil {
		t.Error(err)
	}
	if err := g.Read(a, got); err == nil {
		t.Error("read of freed memory is no error")
	}
	if err := g.Free(a); err == nil {
		t.Error("second free is no error")
	}
	if c, _ := g.Alloc(100); c == a {
		t.Error("an address was used twice")
	}
	for _, n := range []int64{0, -1} {
		if _, err := g.Alloc(n); err == nil {
			t.Errorf("allocation of %d bytes is no error", n)
		}
	}
	for _, n := range []int64{math.MaxInt64, 1 << 41} {
		if _, err := g.Alloc(n); !errors.Is(err, ErrOutOfMemory) {
			t.Errorf("allocation of %d bytes: %v", n, err)
		}
	}
}

// TestCommitOrder: stores land in order of (cycle, SM), and an SM sees its own at once, others' after Commit.
func TestCommitOrder(t *testing.T) {
	g := NewGlobal()
	addr, _ := g.Alloc(256)
	span := g.Find(addr)
	views := []*View{NewView(g), NewView(g), NewView(g)}
	at := func(a uint64) *[32]uint64 { return &[32]uint64{a} }
	put := func(sm int, cycle int64, v uint32) {
		views[sm].Write(cycle, 1, at(addr), 4, [][32]uint32{{v}})
	}
	see := func(v *View) uint32 {
		var b [4]byte
		v.Load(span, addr, b[:])
		return binary.LittleEndian.Uint32(b[:])
	}
	put(2, 5, 25)
	put(0, 7, 7)
	put(1, 7, 17)
	put(2, 7, 27)
	put(0, 9, 9)
	put(1, 8, 18)
	if see(views[0]) != 9 || see(views[1]) != 18 || see(views[2]) != 27 {
		t.Errorf("own stores: %d %d %d", see(views[0]), see(views[1]), see(views[2]))
	}
	Commit(views)
	for i, v := range views {
		if see(v) != 9 || v.Pending() {
			t.Errorf("SM %d sees %d after the window, want 9", i, see(v))
		}
	}
	put(0, 20, 1)
	put(1, 20, 2)
	Commit(views)
	if see(views[0]) != 2 {
		t.Errorf("in one cycle the higher SM is last: got %d", see(views[0]))
	}
}

// TestViewRandom compares a view with a plain array, for stores of all widths that cross lines.
func TestViewRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	g := NewGlobal()
	const n = 4096
	addr, _ := g.Alloc(n)
	span := g.Find(addr)
	v := NewView(g)
	model := make([]byte, n)
	for step := range 3000 {
		width := 1 << r.IntN(5)
		mask := r.Uint32()
		var addrs [32]uint64
		rows := make([][32]uint32, 4)
		for i := range addrs {
			off := r.IntN(n/width) * width
			addrs[i] = addr + uint64(off)
			for k := range rows {
				rows[k][i] = r.Uint32()
			}
			if mask>>i&1 != 0 {
				var b [16]byte
				for k := range rows {
					binary.LittleEndian.PutUint32(b[4*k:], rows[k][i])
				}
				copy(model[off:off+width], b[:])
			}
		}
		v.Write(int64(step), mask, &addrs, width, rows)
		if r.IntN(3) == 0 {
			off := r.IntN(n/4-32) * 4
			n := 1 << r.IntN(3)
			off = off % 3000 / 4 * 4
			var words []uint32
			for i := range 32 {
				for k := range n {
					words = append(words, rows[k][i])
				}
			}
			v.WriteUnit(int64(step), span, addr+uint64(off), words)
			for i := range 32 {
				for k := range n {
					binary.LittleEndian.PutUint32(model[off+4*(n*i+k):], rows[k][i])
				}
			}
		}
		off := r.IntN(n - 16)
		var b [16]byte
		v.Load(span, addr+uint64(off), b[:])
		if !bytes.Equal(b[:], model[off:off+16]) {
			t.Fatalf("step %d: the view reads %x at %d, want %x", step, b, off, model[off:off+16])
		}
		if r.IntN(20) == 0 {
			Commit([]*View{v})
			got := make([]byte, n)
			if err := g.Read(addr, got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, model) {
				t.Fatalf("step %d: memory differs after Commit", step)
			}
		}
	}
}

func TestAtomics(t *testing.T) {
	neg := func(x int64) uint64 { return uint64(x) }
	f := func(x float32) uint64 { return uint64(math.Float32bits(x)) }
	for _, c := range []struct {
		op           AtomicOp
		typ          AtomicType
		old, a, b, w uint64
	}{
		{AtomicAdd, AtomicU32, 0xffffffff, 2, 0, 1},
		{AtomicAdd, AtomicU64, 0xffffffff, 2, 0, 0x100000001},
		{AtomicAdd, AtomicF32, f(1.5), f(2.25), 0, f(3.75)},
		{AtomicAdd, AtomicF32, 1, 1, 0, 0},
		{AtomicAdd, AtomicF32, 0x80000001, 0x80000001, 0, 0x80000000},
		{AtomicAdd, AtomicF32, 0x7f800000, 0xff800000, 0, 0x7fffffff},
		{AtomicAdd, AtomicF64, math.Float64bits(1e300), math.Float64bits(-1), 0, math.Float64bits(1e300)},
		{AtomicMin, AtomicS32, 1, 0xffffffff, 0, 0xffffffff},
		{AtomicMin, AtomicU32, 1, 0xffffffff, 0, 1},
		{AtomicMax, AtomicS32, 1, 0xffffffff, 0, 1},
		{AtomicMax, AtomicU32, 1, 0xffffffff, 0, 0xffffffff},
		{AtomicMax, AtomicS64, 1, neg(-5), 0, 1},
		{AtomicMin, AtomicS64, 1, neg(-5), 0, neg(-5)},
		{AtomicMax, AtomicU64, 1, neg(-5), 0, neg(-5)},
		{AtomicInc, AtomicU32, 4, 5, 0, 5},
		{AtomicInc, AtomicU32, 5, 5, 0, 0},
		{AtomicDec, AtomicU32, 0, 5, 0, 5},
		{AtomicDec, AtomicU32, 6, 5, 0, 5},
		{AtomicDec, AtomicU32, 3, 5, 0, 2},
		{AtomicAnd, AtomicU32, 12, 10, 0, 8},
		{AtomicOr, AtomicU32, 12, 10, 0, 14},
		{AtomicXor, AtomicU32, 12, 10, 0, 6},
		{AtomicExch, AtomicU64, 12, 1 << 40, 0, 1 << 40},
		{AtomicCAS, AtomicU32, 12, 12, 7, 7},
		{AtomicCAS, AtomicU32, 12, 13, 7, 12},
		{AtomicCAS, AtomicU64, 1<<40 | 1, 1, 7, 1<<40 | 1},
	} {
		mem := make([]byte, c.typ.Bytes())
		if c.typ.Bytes() == 8 {
			binary.LittleEndian.PutUint64(mem, c.old)
		} else {
			binary.LittleEndian.PutUint32(mem, uint32(c.old))
		}
		old := c.op.ApplyBytes(c.typ, mem, c.a, c.b)
		got := uint64(binary.LittleEndian.Uint32(mem))
		if len(mem) == 8 {
			got = binary.LittleEndian.Uint64(mem)
		}
		if old != c.old || got != c.w {
			t.Errorf("op %d type %d: old %#x, a %#x, b %#x gives %#x (old %#x), want %#x", c.op, c.typ, c.old, c.a, c.b,
				got, old, c.w)
		}
	}
}

// TestAtomicAcrossSMs: atomics of several SMs add up, each gets the value before its own in the order of (cycle, SM),
// and a load sees the SM's own atomic at once.
func TestAtomicAcrossSMs(t *testing.T) {
	g := NewGlobal()
	addr, _ := g.Alloc(4)
	views := []*View{NewView(g), NewView(g)}
	var addrs [32]uint64
	var one [32]uint32
	for i := range addrs {
		addrs[i], one[i] = addr, 1
	}
	operand := [2]*[32]uint32{&one, &one}
	var got [2][32]uint32
	for sm, cycle := range []int64{6, 5} {
		views[sm].Atomic(cycle, ^uint32(0), &addrs, AtomicAdd, AtomicU32, operand, operand, &got[sm], nil)
	}
	var b [4]byte
	views[0].Load(g.Find(addr), addr, b[:])
	if v := binary.LittleEndian.Uint32(b[:]); v != 32 {
		t.Errorf("SM 0 sees %d before the window ends, want its own 32", v)
	}
	Commit(views)
	for i := range got[0] {
		if got[1][i] != uint32(i) || got[0][i] != uint32(32+i) {
			t.Fatalf("lane %d got %d and %d, want %d and %d", i, got[0][i], got[1][i], 32+i, i)
		}
	}
}

func BenchmarkStoreCommit(b *testing.B) {
	g := NewGlobal()
	addr, _ := g.Alloc(1 << 20)
	span := g.Find(addr)
	views := []*View{NewView(g), NewView(g)}
	words := make([]uint32, 32)
	b.ReportAllocs()
	b.SetBytes(128)
	for i := range b.N {
		views[i&1].WriteUnit(int64(i), span, addr+uint64(i%8000)*128, words)
		if i%40 == 39 {
			Commit(views)
		}
	}
}

// TestAddressesAgain: when every address has been used once, gaps are, and nothing overlaps.
func TestAddressesAgain(t *testing.T) {
	g := NewGlobal()
	g.next = addressEnd - 3*GuardBytes // as after a terabyte of allocations
	live := map[uint64]uint64{}
	for i := range 2000 {
		n := int64(1 + i*977%100_000)
		a, err := g.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		if a%Alignment != 0 || a < FirstAddress || a+uint64(n) > addressEnd {
			t.Fatalf("allocation of %d at %#x", n, a)
		}
		for b, m := range live {
			if a < b+m+GuardBytes && b < a+uint64(n)+GuardBytes {
				t.Fatalf("%d bytes at %#x are closer than a guard to %d at %#x", n, a, m, b)
			}
		}
		live[a] = uint64(n)
		if i%3 == 2 {
			for b := range live {
				if err := g.Free(b); err != nil {
					t.Fatal(err)
				}
				delete(live, b)
				break
			}
		}
	}
	for a := range live {
		if s := g.Find(a); s == nil || s.Base != a {
			t.Fatalf("%#x is not found", a)
		}
	}
}

// TestMap: host memory under a device address.
func TestMap(t *testing.T) {
	g := NewGlobal()
	host := make([]byte, 100, 100+hostPadding)
	a, err := g.Map(100, 4096, func(addr uint64) ([]byte, error) { return host, nil })
	if err != nil || a%4096 != 0 {
		t.Fatal(a, err)
	}
	if err := g.Write(a+5, []byte{7}); err != nil || host[5] != 7 {
		t.Error(host[5], err)
	}
	if _, err := g.Map(100, 4096, func(uint64) ([]byte, error) { return make([]byte, 100), nil }); err == nil {
		t.Error("memory without room behind it is taken")
	}
}
