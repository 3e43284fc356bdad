package sm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// voltaArchitectures have HMMA.884, Volta's product in steps.
var voltaArchitectures = []int{70, 75}

// TestVoltaProducts: mma.m8n8k4 in its forms, four products of 8 by 4 and 4 by 8 side by side, against matrices whose
// elements lie in lanes as the PTX ISA manual says.
func TestVoltaProducts(t *testing.T) {
	const room = 20 // words of a lane: A, B, C, D from 0, 2, 4 and 12 on
	type form struct{ a, b, d, c string }
	var forms []form
	for _, layout := range []string{"row.col", "row.row", "col.col", "col.row"} {
		a, b, _ := strings.Cut(layout, ".")
		for _, sums := range []string{"f32.f32", "f16.f16", "f32.f16"} {
			d, c, _ := strings.Cut(sums, ".")
			forms = append(forms, form{a, b, d, c})
		}
	}
	text := func(arch int) string {
		s := fmt.Sprintf(".version 7.8\n.target sm_%d\n.address_size 64\n", arch)
		for i, f := range forms {
			list := func(kind string, first, at int, load bool) string {
				n, letter, typ := 4, "r", "u32"
				if kind == "f32" {
					n, letter, typ = 8, "f", "f32"
				}
				var regs []string
				for k := range n {
					reg := fmt.Sprintf("%%%s%d", letter, first+k)
					if load {
						s += fmt.Sprintf("ld.global.%s %s, [%%rd2+%d];\n", typ, reg, 4*(at+k))
					}
					regs = append(regs, reg)
				}
				return "{" + strings.Join(regs, ",") + "}"
			}
			s += fmt.Sprintf(`.visible .entry k%d(.param .u64 p) {
.reg .b64 %%rd<4>; .reg .b32 %%r<20>; .reg .f32 %%f<20>;
ld.param.u64 %%rd0, [p]; mov.u32 %%r0, %%tid.x; mul.wide.u32 %%rd1, %%r0, %d; add.s64 %%rd2, %%rd0, %%rd1;
ld.global.u32 %%r1, [%%rd2]; ld.global.u32 %%r2, [%%rd2+4];
ld.global.u32 %%r3, [%%rd2+8]; ld.global.u32 %%r4, [%%rd2+12];
`, i, 4*room)
			c, d := list(f.c, 5, 4, true), list(f.d, 10, 12, false)
			s += fmt.Sprintf("mma.sync.aligned.m8n8k4.%s.%s.%s.f16.f16.%s %s, {%%r1,%%r2}, {%%r3,%%r4}, %s;\n", f.a,
				f.b, f.d, f.c, d, c)
			for k, reg := range strings.Split(strings.Trim(d, "{}"), ",") {
				s += fmt.Sprintf("st.global.%s [%%rd2+%d], %s;\n", map[string]string{"f16": "u32", "f32": "f32"}[f.d],
					4*(12+k), reg)
			}
			s += "ret;\n}\n"
		}
		return s
	}
	for _, arch := range voltaArchitectures {
		m := compiled(t, text(arch), arch)
		r := rand.New(rand.NewPCG(884, uint64(arch)))
		for i, f := range forms {
			buffer, want := make([]uint32, 32*room), make([]uint32, 32*room)
			put := func(words []uint32, lane, first, k int, v int, kind string) {
				size := bitsOf[kind]
				words[lane*room+first+k*size/32] |= uint32(encode(v, kind)) << (k * size % 32)
			}
			for q := range 4 {
				var a, b, c [8][8]int
				for i := range 8 {
					for j := range 8 {
						a[i][j], b[i][j], c[i][j] = r.IntN(15)-7, r.IntN(15)-7, r.IntN(61)-30
					}
				}
				for i := range 8 {
					lane := i%4 + 4*q + i/4*16
					for k := range 4 {
						if f.a == "row" {
							put(buffer, lane, 0, k, a[i][k], "f16")
						} else {
							put(buffer, lane, 0, k, a[k+i/4*4][i%4], "f16")
						}
						if f.b == "col" {
							put(buffer, lane, 2, k, b[k][i], "f16")
						} else {
							put(buffer, lane, 2, k, b[i%4][k+i/4*4], "f16")
						}
					}
					sum := func(kind string, words []uint32, at int, value func(row, col int) int) {
						for k := range 8 {
							row, col := i, k
							if kind == "f32" {
								row, col = lane&1+k&2+i/4*4, k&4+lane&2+k&1
							}
							put(words, lane, at, k, value(row, col), kind)
						}
					}
					sum(f.c, buffer, 4, func(row, col int) int { return c[row][col] })
					sum(f.d, want, 12, func(row, col int) int {
						v := c[row][col]
						for k := range 4 {
							v += a[row][k] * b[k][col]
						}
						return v
					})
				}
			}
			at := m.buffer(buffer)
			if err := m.run(fmt.Sprintf("k%d", i), [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, at); err != nil {
				t.Fatalf("sm_%d: %+v: %v", arch, f, err)
			}
			got := m.read(at, len(buffer))
			for k := range got {
				if k%room >= 12 && got[k] != want[k] {
					t.Fatalf("sm_%d: %+v: lane %d, register %d of D: %#x, want %#x", arch, f, k/room, k%room-12, got[k],
						want[k])
				}
			}
		}
	}
}
