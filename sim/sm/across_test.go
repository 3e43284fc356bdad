package sm

import (
	"math"
	"testing"
)

func TestShuffles(t *testing.T) {
	in := make([]uint32, 32)
	for i := range in {
		in[i] = uint32(100 + i)
	}
	for name, from := range map[string]func(lane int) (int, bool){
		"shfl_up":   func(i int) (int, bool) { return i - 3, i >= 3 },
		"shfl_down": func(i int) (int, bool) { return i + 5, i+5 < 32 },
		"shfl_bfly": func(i int) (int, bool) { return i ^ 9, true },
		"shfl_idx":  func(i int) (int, bool) { return i&^7 | 2, true }, // segments of eight
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, "across")
			want := make([]uint32, 64)
			for i := range in {
				j, ok := from(i)
				if !ok {
					j = i
				}
				want[i], want[32+i] = in[j], boolInt(ok)
			}
			out := m.buffer(make([]uint32, 64))
			must(t, m.run(name, [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, m.buffer(in), out))
			same(t, name, m.read(out, 64), want)
		})
	}
}

// TestVotes: votes are a warp's, barrier reductions the block's; the last warp is not full.
func TestVotes(t *testing.T) {
	const n = 80
	in := make([]uint32, n)
	for i := range in {
		in[i] = uint32(i % 9)
		if i >= 64 {
			in[i] = 7
		}
	}
	m := load(t, "across")
	votes, bars := make([]uint32, 3*n), make([]uint32, 3*n)
	count := uint32(0)
	for i := range in {
		count += boolInt(in[i] > 5)
	}
	for i := range in {
		var ballot, lanes uint32
		for j := i &^ 31; j < min(i&^31+32, n); j++ {
			ballot |= boolInt(in[j] > 5) << (j & 31)
			lanes |= 1 << (j & 31)
		}
		votes[i], votes[n+i], votes[2*n+i] = ballot, boolInt(ballot == lanes), boolInt(ballot != 0)
		bars[i], bars[n+i], bars[2*n+i] = count, 0, 1
	}
	for name, want := range map[string][]uint32{"votes": votes, "barriers": bars} {
		out := m.buffer(make([]uint32, 3*n))
		must(t, m.run(name, [3]uint32{1, 1, 1}, [3]uint32{n, 1, 1}, m.buffer(in), out))
		same(t, name, m.read(out, 3*n), want)
	}
}

func TestAtomicKernels(t *testing.T) {
	m := load(t, "across")
	const blocks, threads = 3, 96
	const n = blocks * threads
	cells, wide, sums, old := m.buffer(make([]uint32, 6)), m.buffer(make([]uint32, 4)), m.buffer(make([]uint32, 1)),
		m.buffer(make([]uint32, n))
	must(t, m.run("atomics", [3]uint32{blocks, 1, 1}, [3]uint32{threads, 1, 1}, cells, wide, sums, old))
	var xor uint32
	for i := range uint32(n) {
		xor ^= i
	}
	same(t, "cells", m.read(cells, 6), []uint32{n, ^uint32(n - 2), n - 1, n % 10, xor, ^uint32(0)})
	total := uint64(n*(n-1)/2) << 30
	same(t, "wide", m.read(wide, 4), []uint32{uint32(total), uint32(total >> 32), n - 1, 0})
	same(t, "sums", m.read(sums, 1), []uint32{math.Float32bits(n / 2)})
	seen := map[uint32]bool{}
	for _, v := range m.read(old, n) {
		if v >= n || seen[v] {
			t.Errorf("atomic add returned %d twice, or it is out of range", v)
		}
		seen[v] = true
	}
}

func TestGenericAddresses(t *testing.T) {
	m := load(t, "across")
	const n = 96
	global, want := make([]uint32, n), make([]uint32, n)
	for i := range want {
		global[i] = uint32(3000 + i)
		want[i] = []uint32{uint32(1001 + i), uint32(2001 + i*4 + i&3), uint32(3001 + i)}[i%3]
	}
	out := m.buffer(make([]uint32, n))
	must(t, m.run("generic", [3]uint32{1, 1, 1}, [3]uint32{n, 1, 1}, m.buffer(global), out))
	same(t, "out", m.read(out, n), want)
}

func TestSpecialRegisters(t *testing.T) {
	m := load(t, "across")
	grid, block := [3]uint32{2, 3, 1}, [3]uint32{5, 3, 4}
	const threads, blocks = 60, 6
	var want []uint32
	for b := range uint32(blocks) {
		for i := range uint32(threads) {
			lane := i % 32
			want = append(want, i%5|i/5%3<<8|i/15<<16, 1<<lane-1, ^uint32(1<<lane-1), lane, b%2|b/2<<16, 2|3<<16)
		}
	}
	out := m.buffer(make([]uint32, len(want)))
	must(t, m.run("specials", grid, block, out))
	same(t, "out", m.read(out, len(want)), want)
}
