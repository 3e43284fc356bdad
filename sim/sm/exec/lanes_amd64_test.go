//go:build !purego

package exec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"warpdrop/sim/sm/internal/rowtest"
	"warpdrop/sim/sm/lower"
)

// withVectors runs f with each kind of vector code that this processor has.
func withVectors(t *testing.T, f func(t *testing.T)) {
	best := vectors
	defer func() { vectors = best }()
	for v := vectorAVX2; v <= best; v++ {
		t.Run([]string{"none", "avx2", "avx512"}[v], func(t *testing.T) {
			vectors = v
			f(t)
		})
	}
}

// TestLanes compares the vector code with its plain twin.
func TestLanes(t *testing.T) {
	withVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for n := range 3000 {
			a, b, c, old := rowtest.Random(r), rowtest.Random(r), rowtest.Random(r), rowtest.Random(r)
			mask, pred := r.Uint32(), r.Uint32()
			if n%3 == 0 {
				mask = ^uint32(0)
			}
			flip := func(x uint32) uint32 { return x & -(r.Uint32() & 1) }
			negP, negC := flip(sign32), flip(sign32)
			na, nb, nc := flip(^uint32(0)), flip(^uint32(0)), flip(^uint32(0))
			ma, mb := signMods[r.IntN(4)], signMods[r.IntN(4)]
			shift, plus, bias, limit := r.Uint32N(32), r.Uint32N(4), flip(sign32), 31|flip(^uint32(0))
			check := func(name string, vec, plain func(d *lower.Row) []uint32) {
				t.Helper()
				x, y := old, old
				rx, ry := vec(&x), plain(&y)
				if x != y || fmt.Sprint(rx) != fmt.Sprint(ry) {
					for i := range x {
						if x[i] != y[i] {
							t.Fatalf("%s: lane %d of mask %#x: %#x, plain %#x; a %#x b %#x c %#x", name, i, mask, x[i],
								y[i], a[i], b[i], c[i])
						}
					}
					t.Fatalf("%s: results %x, plain %x", name, rx, ry)
				}
			}
			both := func(name string, vec, plain func(d *lower.Row)) {
				t.Helper()
				check(name, func(d *lower.Row) []uint32 { vec(d); return nil },
					func(d *lower.Row) []uint32 { plain(d); return nil })
			}
			both("ffma", func(d *lower.Row) { laneFFMA(d, &a, &b, &c, mask, negP, negC) },
				func(d *lower.Row) { ffmaGo(d, &a, &b, &c, mask, negP, negC) })
			both("ffma.ftz", func(d *lower.Row) { laneFFMAFTZ(d, &a, &b, &c, mask, negP, negC) },
				func(d *lower.Row) { ffmaFTZGo(d, &a, &b, &c, mask, negP, negC) })
			both("fadd", func(d *lower.Row) { laneFADD(d, &a, &b, mask, ma, mb) },
				func(d *lower.Row) { faddGo(d, &a, &b, mask, ma, mb) })
			both("fadd.ftz", func(d *lower.Row) { laneFADDFTZ(d, &a, &b, mask, ma, mb) },
				func(d *lower.Row) { faddFTZGo(d, &a, &b, mask, ma, mb) })
			both("fmul", func(d *lower.Row) { laneFMUL(d, &a, &b, mask, negP) },
				func(d *lower.Row) { fmulGo(d, &a, &b, mask, negP) })
			both("fmul.ftz", func(d *lower.Row) { laneFMULFTZ(d, &a, &b, mask, negP) },
				func(d *lower.Row) { fmulFTZGo(d, &a, &b, mask, negP) })
			both("mov", func(d *lower.Row) { laneMOV(d, &a, mask) }, func(d *lower.Row) { movGo(d, &a, mask) })
			both("sel", func(d *lower.Row) { laneSEL(d, &a, &b, mask, pred) },
				func(d *lower.Row) { selGo(d, &a, &b, mask, pred) })
			both("iadd", func(d *lower.Row) { laneIADD(d, &a, &b, mask, na, nb, plus) },
				func(d *lower.Row) { iaddGo(d, &a, &b, mask, na, nb, plus) })
			both("iadd3", func(d *lower.Row) { laneIADD3(d, &a, &b, &c, mask, na, nb, nc, plus) },
				func(d *lower.Row) { iadd3Go(d, &a, &b, &c, mask, na, nb, nc, plus) })
			both("shadd", func(d *lower.Row) { laneSHADD(d, &a, &b, mask, shift, na, nb, plus) },
				func(d *lower.Row) { shaddGo(d, &a, &b, mask, shift, na, nb, plus) })
			both("shl", func(d *lower.Row) { laneSHL(d, &a, &b, mask, limit) },
				func(d *lower.Row) { shlGo(d, &a, &b, mask, limit) })
			both("shr", func(d *lower.Row) { laneSHR(d, &a, &b, mask, limit) },
				func(d *lower.Row) { shrGo(d, &a, &b, mask, limit) })
			both("sar", func(d *lower.Row) { laneSAR(d, &a, &b, mask, limit) },
				func(d *lower.Row) { sarGo(d, &a, &b, mask, limit) })
			both("imnmx", func(d *lower.Row) { laneIMNMX(d, &a, &b, mask, bias, pred) },
				func(d *lower.Row) { imnmxGo(d, &a, &b, mask, bias, pred) })
			mode := &xmadModes[n%len(xmadModes)]
			both("xmad", func(d *lower.Row) { laneXMAD(d, &a, &b, &c, mode, mask) },
				func(d *lower.Row) { xmadGo(d, &a, &b, &c, mode, mask) })
			table := &luts[n&255]
			check("lop3", func(d *lower.Row) []uint32 { return []uint32{laneLOP3(d, &a, &b, &c, table, mask)} },
				func(d *lower.Row) []uint32 { return []uint32{lop3Go(d, &a, &b, &c, table, mask)} })
			check("addc", func(d *lower.Row) []uint32 {
				c, e, f, g, h := laneADDC(d, &a, &b, mask, na, nb, pred)
				return []uint32{c, e, f, g, h}
			},
				func(d *lower.Row) []uint32 {
					c, e, f, g, h := addcGo(d, &a, &b, mask, na, nb, pred)
					return []uint32{c, e, f, g, h}
				})
			check("icmp", func(*lower.Row) []uint32 { l, e := laneICMP(&a, &b, bias); return []uint32{l, e} },
				func(*lower.Row) []uint32 { l, e := icmpGo(&a, &b, bias); return []uint32{l, e} })
			for _, ftz := range []bool{false, true} {
				check("fcmp", func(*lower.Row) []uint32 {
					l, e, u := laneFCMP(&a, &b, ma, mb, ftz)
					return []uint32{l,
						e, u}
				},
					func(*lower.Row) []uint32 { l, e, u := fcmpGo(&a, &b, ma, mb, ftz); return []uint32{l, e, u} })
			}
			// In place, as in FFMA R0, R1, R2, R0.
			x, y := c, c
			laneFFMA(&x, &a, &b, &x, mask, negP, negC)
			ffmaGo(&y, &a, &b, &y, mask, negP, negC)
			if x != y {
				t.Fatal("ffma in place differs")
			}
		}
	})
}

// TestFFMARun compares the routine for several FFMAs with its plain twin, on registers that depend on each other.
func TestFFMARun(t *testing.T) {
	withVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for n := range 2000 {
			var x [16]lower.Row
			for i := range x {
				x[i] = rowtest.Random(r)
			}
			y := x
			ops := make([]lower.FMA, 1+r.IntN(12))
			for i := range ops {
				at := func() uint16 { return uint16(r.IntN(len(x))) * lower.RowBytes }
				ops[i] = lower.FMA{Dst: at(), A: at(), B: at(), C: at()}
			}
			mask := r.Uint32() | -uint32(n&1)
			laneFFMARun(unsafe.Pointer(&x[0]), ops, mask)
			ffmaRunGo(unsafe.Pointer(&y[0]), ops, mask)
			if x != y {
				t.Fatalf("%d FFMAs %v, mask %#x: %x, plain %x", len(ops), ops, mask, x, y)
			}
		}
	})
}

// TestPatterns compares the routines for shared memory with their plain twins.
func TestPatterns(t *testing.T) {
	mem := make([]uint32, 1<<10+sharedPadding/4)
	for i := range mem {
		mem[i] = uint32(i) * 2654435761
	}
	withVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 10))
		for n := range 4000 {
			words := 1 << r.IntN(3)
			near, start := n%2 == 0, 16*r.IntN(100)
			var p pattern
			p.mask = r.Uint32() | -uint32(n>>1&1) | 1
			var base lower.Row
			for i := range base {
				at := r.IntN(1<<12/(4*words)) * 4 * words
				if near {
					at = start + r.IntN(128/(4*words))*4*words
				}
				base[i] = uint32(at)
				if p.mask>>i&1 != 0 {
					p.index[i] = uint32(at)
				}
				p.lanes[i] = p.index[i] / 4
				p.span = max(p.span, int64(p.index[i])+int64(4*words))
			}
			from := unsafe.Pointer(&mem[0])
			if near {
				from = unsafe.Add(from, start)
				p.span = 128
				for i := range p.index {
					if p.mask>>i&1 != 0 {
						p.index[i] -= uint32(start)
						p.lanes[i] = p.index[i] / 4
					}
				}
			}
			var x, y [4]lower.Row
			lanePick(&x[0], from, &p, words)
			pickGo(&y[0], from, &p.index, words)
			if x != y {
				t.Fatalf("pick of %d words: %x, plain %x", words, x, y)
			}
			other := slices.Clone(mem)
			to := unsafe.Add(unsafe.Pointer(&other[0]), uintptr(from)-uintptr(unsafe.Pointer(&mem[0])))
			for k := range x {
				x[k] = rowtest.Random(r)
			}
			lanePlace(&x[0], to, &p, words)
			third := slices.Clone(mem)
			placeGo(&x[0], unsafe.Add(unsafe.Pointer(&third[0]), uintptr(from)-uintptr(unsafe.Pointer(&mem[0]))),
				&p.index, words, p.mask)
			if !slices.Equal(other, third) {
				t.Fatalf("place of %d words differs", words)
			}
			rel, offset := base, r.Uint32()
			for i := range rel {
				rel[i] += offset + r.Uint32N(8)/7
			}
			if x, y := laneOffsets(&base, &rel, offset), offsetsGo(&base, &rel, offset); x != y {
				t.Fatalf("offsets %#x, plain %#x", x, y)
			}
			limit := uint32(4<<10 - 4)
			if n%8 == 0 {
				limit = uint32(start) + 60
			}
			if n%16 == 1 {
				base[r.IntN(32)]++
			}
			d, e := x[0], x[0]
			okD, okE := laneNear(&d, &base, unsafe.Pointer(&mem[0]), 0, limit, p.mask),
				nearGo(&e, &base, unsafe.Pointer(&mem[0]), 0, limit, p.mask)
			if d != e || okD != okE {
				t.Fatalf("near: %v %x, plain %v %x", okD, d, okE, e)
			}
		}
	})
}

// TestAvailable compares the look at a scheduler's warps with its plain twin.
func TestAvailable(t *testing.T) {
	withVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		cycle := func() int64 { return []int64{math.MaxInt64, r.Int64N(20), r.Int64N(1 << 50), 30}[r.IntN(4)] }
		for range 5000 {
			var s struct {
				ready    [Slots]int64
				unit     [Slots]lower.Unit
				unitFree [16]int64
			}
			for i := range s.ready {
				s.ready[i], s.unit[i] = cycle(), lower.Unit(r.IntN(int(lower.NumUnits)))
			}
			for i := range s.unitFree {
				s.unitFree[i] = r.Int64N(25)
			}
			shared, global, at := r.Int64N(30), r.Int64N(30), r.Int64N(25)
			if r.IntN(3) == 0 {
				at = r.Int64N(1 << 50)
			}
			type result struct {
				now, then uint32
				soonest   int64
			}
			var x, y result
			x.now, x.then, x.soonest = Available(&s.ready, &s.unit, &s.unitFree, shared, global, at)
			y.now, y.then, y.soonest = availableGo(&s.ready, &s.unit, &s.unitFree, shared, global, at)
			switch { // nobody asks for the rest
			case y.now&(y.now-1) != 0:
				x.then, y.then, x.soonest, y.soonest = 0, 0, 0, 0
			case y.soonest == math.MaxInt64:
				x.then, y.then = 0, 0
			}
			if x != y {
				t.Fatalf("%+v, memory free at %d and %d, at %d: %+v, plain %+v", s, shared, global, at, x, y)
			}
		}
	})
}

// TestUnit compares the routines for elements one behind the other with their plain twins.
func TestUnit(t *testing.T) {
	withVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(15, 16))
		for n := range 2000 {
			words := 1 << r.IntN(3)
			var addr [32]uint64
			for i := range addr {
				addr[i] = 0x10_0000_0040 + uint64(4*words*i)
			}
			if n%2 == 1 {
				addr[r.IntN(32)] += uint64(r.IntN(2)) << r.IntN(64)
			}
			if laneUnit(&addr, uint64(4*words)) != unitStride(&addr, uint64(4*words)) {
				t.Fatalf("unit stride %d of %#x differs", 4*words, addr)
			}
			var x, y, back [4]lower.Row
			var mem, other [128]uint32
			for i := range mem {
				mem[i] = r.Uint32()
			}
			lanePickUnit(&x[0], unsafe.Pointer(&mem[0]), words)
			pickGo(&y[0], unsafe.Pointer(&mem[0]), &unitIndex[words], words)
			if x != y {
				t.Fatalf("%d words: %x, plain %x", words, x, y)
			}
			lanePlaceUnit(&x[0], unsafe.Pointer(&other[0]), words)
			lanePickUnit(&back[0], unsafe.Pointer(&other[0]), words)
			if back != x {
				t.Fatalf("%d words: stored %x, read %x", words, x, back)
			}
		}
	})
}

// TestAddresses compares the address routines and gathers with their plain twins.
func TestAddresses(t *testing.T) {
	mem := make([]uint32, 1<<12)
	for i := range mem {
		mem[i] = uint32(i) * 2654435761
	}
	withVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for n := range 3000 {
			var lo, hi lower.Row
			mask := r.Uint32() | -uint32(n&1)
			words := 1 << r.IntN(3)
			const base = 0x10_0000_0100
			limit := uint64(4*len(mem) - 4*words)
			for i := range lo {
				a := uint64(base) + uint64(r.IntN(len(mem)/words))*4*uint64(words)
				if n%4 == 3 && r.IntN(8) == 0 {
					a = []uint64{base - 4, base + limit + 4, base + 2, 0, 1 << 63, ^uint64(0),
						base + limit + 1<<32}[r.IntN(7)]
				}
				lo[i], hi[i] = uint32(a), uint32(a>>32)
			}
			offset := uint64(0)
			if n%5 == 0 {
				offset = ^uint64(7) // -8
			}
			var x, y [32]uint64
			bx := laneAddr64(&x, &lo, &hi, offset, base, limit, uint64(4*words-1), mask)
			by := addr64Go(&y, &lo, &hi, offset, base, limit, uint64(4*words-1), mask)
			if x != y || bx != by {
				t.Fatalf("addr64: bad %#x, plain %#x; %x, plain %x", bx, by, x, y)
			}
			if bx == 0 {
				var d, e [4]lower.Row
				laneGather(&d[0], unsafe.Pointer(&mem[0]), &x, base, words, mask)
				gatherGo(&e[0], unsafe.Pointer(&mem[0]), &x, base, words, mask)
				if d != e {
					t.Fatalf("gather of %d words: %x, plain %x", words, d, e)
				}
			}
			bx = laneAddr32(&x, &lo, uint32(offset), uint32(limit)+uint32(n), uint32(4*words-1), mask)
			by = addr32Go(&y, &lo, uint32(offset), uint32(limit)+uint32(n), uint32(4*words-1), mask)
			if x != y || bx != by {
				t.Fatalf("addr32: bad %#x, plain %#x; %x, plain %x", bx, by, x, y)
			}
		}
	})
}

func BenchmarkLanes(b *testing.B) {
	var d, x, y, z lower.Row
	var addr [32]uint64
	mem := make([]uint32, 4096)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range x {
		x[i], y[i], z[i] = bits32(r.Float32()), bits32(r.Float32()), bits32(r.Float32())
		addr[i] = uint64(16 * i)
	}
	all := ^uint32(0)
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"FFMA", func() { laneFFMA(&d, &x, &y, &z, all, 0, 0) }},
		{"FADD", func() { laneFADD(&d, &x, &y, all, signMods[0], signMods[0]) }},
		{"IADD", func() { laneIADD(&d, &x, &y, all, 0, 0, 0) }},
		{"XMAD", func() { laneXMAD(&d, &x, &y, &z, &xmadModes[0], all) }},
		{"LOP3", func() { laneLOP3(&d, &x, &y, &z, &luts[0xe8], all) }},
		{"ICMP", func() { laneICMP(&x, &y, 0) }},
		{"MOV", func() { laneMOV(&d, &x, all) }},
		{"Addr32", func() { laneAddr32(&addr, &x, 0, all, 3, all) }},
		{"Gather128", func() {
			var q [4]lower.Row
			for i := range addr {
				addr[i] = uint64(16 * i)
			}
			laneGather(&q[0], unsafe.Pointer(&mem[0]), &addr, 0, 4, all)
		}},
		{"FFMAplain", func() { ffmaGo(&d, &x, &y, &z, all, 0, 0) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				c.f()
			}
		})
	}
}
