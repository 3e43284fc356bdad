package exec

import (
	"encoding/binary"
	"math"
	"testing"
)

// TestFormat: the wanted texts are those of C's printf (glibc 2.36, gcc 12), not of this package.
func TestFormat(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		format string
		args   []any // int32, int64, float64, string
		want   string
	}{
		{"%d|%i|%5d|%-5d|%05d|%+d|% d", []any{-7, 42, 42, 42, 42, 42, 42}, "-7|42|   42|42   |00042|+42| 42"},
		{"%u|%x|%X|%#x|%#X|%o|%#o|%#x", []any{-1, 255, 255, 255, 255, 8, 8, 0}, "4294967295|ff|FF|0xff|0XFF|10|010|0"},
		{"%lld|%llu|%lx|%ld", []any{int64(-123456789012345), int64(-1), int64(0x123456789abcdef0), int64(-1)},
			"-123456789012345|18446744073709551615|123456789abcdef0|-1"},
		{"%hhd|%hd|%hhu|%hu", []any{300, 70000, 300, 70000}, "44|4464|44|4464"},
		{"%.3d|%.0d|%8.3d|%-8.3d|%08.3d|%+.2d", []any{5, 0, 5, 5, 5, 5}, "005||     005|005     |     005|+05"},
		{"%c|%3c|%-3c|%s|%5s|%-5s|%.2s|%%", []any{'a', 'b', 'c', "text", "ab", "ab", "abcdef"},
			"a|  b|c  |text|   ab|ab   |ab|%"},
		{"%*d|%-*d|%.*f|%*d", []any{6, 42, 6, 42, 2, 3.14159, -6, 42}, "    42|42    |3.14|42    "},
		{"%f|%.0f|%#.0f|%10.3f|%-10.3f|%010.3f|%+f|% f", []any{3.14159, 2.5, 2.5, 3.14159, 3.14159, -3.14159, 1.0, 1.0},
			"3.141590|2|2.|     3.142|3.142     |-00003.142|+1.000000| 1.000000"},
		{"%e|%.0e|%#.0e|%E|%15.3e|%.10e", []any{31415.9, 31415.9, 31415.9, 31415.9, -31415.9, 1e-300},
			"3.141590e+04|3e+04|3.e+04|3.141590E+04|     -3.142e+04|1.0000000000e-300"},
		{"%g|%g|%g|%g|%g|%G|%.3g|%#g|%.0g|%g", []any{0.0001, 0.00001, 123456.0, 1234567.0, 100000.0, 1e-10, 1234.5, 1.5,
			123.0, 0.0},
			"0.0001|1e-05|123456|1.23457e+06|100000|1E-10|1.23e+03|1.50000|1e+02|0"},
		{"%f|%F|%e|%G|%05f|%5f|%+f", []any{inf, -inf, inf, inf, inf, math.NaN(), inf},
			"inf|-INF|inf|INF|  inf|  nan|+inf"},
		{"%a|%A|%.2a|%a|%a", []any{1.0, 0.1, 3.14159, 0.0, 1e300},
			"0x1p+0|0X1.999999999999AP-4|0x1.92p+1|0x0p+0|0x1.7e43c8800759cp+996"},
		{"%p|%20p|%p", []any{int64(0x1234), int64(0xabcdef0123), int64(0)}, "0x1234|        0xabcdef0123|(nil)"},
		{"%f|%.20f|%g", []any{1e22, 0.1, 5e-324}, "10000000000000000000000.000000|0.10000000000000000555|4.94066e-324"},
		{"%zu|%jd|%td", []any{int64(5), int64(6), int64(7)}, "5|6|7"},
		{"%d%lf%c%s", []any{1, 0.5, 'x', "y"}, "10.500000xy"}, // gaps between arguments
		{"100 %", nil, "100 %"},
	} {
		memory := map[uint64]byte{}
		put := func(addr uint64, b ...byte) {
			for i, x := range b {
				memory[addr+uint64(i)] = x
			}
		}
		const start = 0x1000
		at, strings := uint64(start), uint64(0x100000)
		for _, a := range c.args {
			switch v := a.(type) {
			case int:
				put(at, binary.LittleEndian.AppendUint32(nil, uint32(v))...)
				at += 4
				continue
			case rune:
				put(at, binary.LittleEndian.AppendUint32(nil, uint32(v))...)
				at += 4
				continue
			}
			at = (at + 7) &^ 7
			var bits uint64
			switch v := a.(type) {
			case int64:
				bits = uint64(v)
			case float64:
				bits = math.Float64bits(v)
			case string:
				put(strings, append([]byte(v), 0)...)
				bits = strings
				strings += 256
			}
			put(at, binary.LittleEndian.AppendUint64(nil, bits)...)
			at += 8
		}
		read := func(addr uint64, p []byte) bool {
			for i := range p {
				b, ok := memory[addr+uint64(i)]
				if p[i] = b; !ok {
					return false
				}
			}
			return true
		}
		f := formatter{args: start, read: read, text: func(addr uint64) (string, bool) {
			for n := uint64(0); ; n++ {
				if memory[addr+n] == 0 {
					b := make([]byte, n)
					return string(b), read(addr, b)
				}
			}
		}}
		if !f.format(c.format) || string(f.out) != c.want || int(f.parsed) != len(c.args) {
			t.Errorf("%q: %q, %d arguments; C has %q, %d", c.format, f.out, f.parsed, c.want, len(c.args))
		}
		if len(c.args) > 0 { // one that is missing
			f := formatter{args: at, read: read, text: f.text}
			if f.format(c.format) {
				t.Errorf("%q without arguments: %q", c.format, f.out)
			}
		}
	}
}

// TestHeap holds Malloc and Free to a map of what is handed out: no two pieces overlap, the limit holds for both SMs
// together, and when all has come back the whole heap can be had in one piece.
func TestHeap(t *testing.T) {
	const limit = 4096
	heaps := NewHeaps([]uint64{0x10000, 0x20000}, limit)
	malloc := func(h *Heap, n uint64) uint64 {
		var at [1]uint64
		for try := 0; !h.Malloc([]uint64{n}, at[:]); try++ {
			if err := Settle(heaps); err != nil || try > 1 {
				t.Fatalf("%d bytes: %v, %d tries", n, err, try)
			}
		}
		return at[0]
	}
	type span struct{ at, n uint64 }
	var out []span
	held := uint64(0)
	state := uint64(1)
	next := func(n uint64) uint64 { state = state*6364136223846793005 + 1442695040888963407; return state >> 33 % n }
	for range 20000 {
		h := heaps[next(2)]
		if next(5) < 3 {
			n := 1 + next(300)
			at := malloc(h, n)
			if at == 0 {
				if held < limit/4 {
					t.Fatalf("%d bytes refused with %d of %d held", n, held, limit)
				}
				continue
			}
			if at%16 != 0 || at < h.Base || at+n > h.Base+limit {
				t.Fatalf("%d bytes at %#x of the heap at %#x", n, at, h.Base)
			}
			for _, o := range out {
				if at < o.at+o.n && o.at < at+n {
					t.Fatalf("%d bytes at %#x overlap %d at %#x", n, at, o.n, o.at)
				}
			}
			out = append(out, span{at, n})
			held += n
		} else if len(out) > 0 {
			i := next(uint64(len(out)))
			if err := h.Free(out[i].at); err != nil {
				t.Fatal(err)
			}
			held -= out[i].n
			out = append(out[:i], out[i+1:]...)
		}
		if err := Settle(heaps); err != nil {
			t.Fatal(err)
		}
		if held > limit {
			t.Fatalf("%d bytes held of %d", held, limit)
		}
	}
	for _, o := range out {
		if err := heaps[0].Free(o.at); err != nil {
			t.Fatal(err)
		}
	}
	if err := Settle(heaps); err != nil {
		t.Fatal(err)
	}
	at := malloc(heaps[1], limit)
	if at == 0 {
		t.Error("the whole heap is not one piece again")
	}
	if malloc(heaps[0], 1) != 0 || malloc(heaps[1], 1<<63) != 0 {
		t.Error("more than the limit")
	}
	for _, bad := range []uint64{at + 16, 0x10000, 0x99999} {
		err := heaps[1].Free(bad)
		if err == nil {
			err = Settle(heaps)
		}
		if err == nil {
			t.Errorf("free of %#x is no error", bad)
		}
		heaps[1].late = nil
	}
}
