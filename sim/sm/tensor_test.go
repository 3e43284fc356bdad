package sm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/internal/toolchain"
	"warpdrop/sim/isa"
)

// product is a form of PTX's mma.sync: D = A B + C with 8 columns.
type product struct {
	since       int    // compute capability
	form        string // what follows mma.sync.aligned
	rows, depth int
	element     string // of A and B: f16 bf16 tf32 f64 s8 u8 s4 u4 b1
	sum         string // of C and D: f32 f16 f64 s32
	and         bool
	sparse      bool // of A half the columns are stored; depth is that of all
	selector    int  // the threads that say which
}

var products = []product{
	{since: 75, form: "m16n8k8.row.col.f32.f16.f16.f32", rows: 16, depth: 8, element: "f16", sum: "f32"},
	{since: 75, form: "m16n8k8.row.col.f16.f16.f16.f16", rows: 16, depth: 8, element: "f16", sum: "f16"},
	{since: 75, form: "m8n8k16.row.col.s32.s8.s8.s32", rows: 8, depth: 16, element: "s8", sum: "s32"},
	{since: 75, form: "m8n8k16.row.col.s32.u8.u8.s32", rows: 8, depth: 16, element: "u8", sum: "s32"},
	{since: 75, form: "m8n8k32.row.col.s32.s4.s4.s32", rows: 8, depth: 32, element: "s4", sum: "s32"},
	{since: 75, form: "m8n8k32.row.col.s32.u4.u4.s32", rows: 8, depth: 32, element: "u4", sum: "s32"},
	{since: 75, form: "m8n8k128.row.col.s32.b1.b1.s32.xor.popc", rows: 8, depth: 128, element: "b1", sum: "s32"},
	{since: 80, form: "m16n8k16.row.col.f32.f16.f16.f32", rows: 16, depth: 16, element: "f16", sum: "f32"},
	{since: 80, form: "m16n8k16.row.col.f16.f16.f16.f16", rows: 16, depth: 16, element: "f16", sum: "f16"},
	{since: 80, form: "m16n8k8.row.col.f32.bf16.bf16.f32", rows: 16, depth: 8, element: "bf16", sum: "f32"},
	{since: 80, form: "m16n8k16.row.col.f32.bf16.bf16.f32", rows: 16, depth: 16, element: "bf16", sum: "f32"},
	{since: 80, form: "m16n8k4.row.col.f32.tf32.tf32.f32", rows: 16, depth: 4, element: "tf32", sum: "f32"},
	{since: 80, form: "m16n8k8.row.col.f32.tf32.tf32.f32", rows: 16, depth: 8, element: "tf32", sum: "f32"},
	{since: 80, form: "m8n8k4.row.col.f64.f64.f64.f64", rows: 8, depth: 4, element: "f64", sum: "f64"},
	{since: 80, form: "m16n8k16.row.col.s32.s8.s8.s32", rows: 16, depth: 16, element: "s8", sum: "s32"},
	{since: 80, form: "m16n8k32.row.col.s32.u8.u8.s32", rows: 16, depth: 32, element: "u8", sum: "s32"},
	{since: 80, form: "m16n8k32.row.col.s32.s4.s4.s32", rows: 16, depth: 32, element: "s4", sum: "s32"},
	{since: 80, form: "m16n8k64.row.col.s32.s4.s4.s32", rows: 16, depth: 64, element: "s4", sum: "s32"},
	{since: 80, form: "m8n8k128.row.col.s32.b1.b1.s32.and.popc", rows: 8, depth: 128, element: "b1", sum: "s32",
		and: true},
	{since: 80, form: "m16n8k128.row.col.s32.b1.b1.s32.xor.popc", rows: 16, depth: 128, element: "b1", sum: "s32"},
	{since: 80, form: "m16n8k256.row.col.s32.b1.b1.s32.and.popc", rows: 16, depth: 256, element: "b1",
		sum: "s32", and: true},
	{since: 80, form: "m16n8k16.row.col.f32.f16.f16.f32", rows: 16, depth: 16, element: "f16", sum: "f32",
		sparse: true, selector: 0},
	{since: 80, form: "m16n8k16.row.col.f32.f16.f16.f32", rows: 16, depth: 16, element: "f16", sum: "f32",
		sparse: true, selector: 3},
	{since: 80, form: "m16n8k16.row.col.f16.f16.f16.f16", rows: 16, depth: 16, element: "f16", sum: "f16",
		sparse: true, selector: 2},
	{since: 80, form: "m16n8k32.row.col.f32.f16.f16.f32", rows: 16, depth: 32, element: "f16", sum: "f32",
		sparse: true, selector: 0},
	{since: 80, form: "m16n8k32.row.col.f32.f16.f16.f32", rows: 16, depth: 32, element: "f16", sum: "f32",
		sparse: true, selector: 1},
	{since: 80, form: "m16n8k16.row.col.f32.bf16.bf16.f32", rows: 16, depth: 16, element: "bf16", sum: "f32",
		sparse: true, selector: 1},
	{since: 80, form: "m16n8k32.row.col.f32.bf16.bf16.f32", rows: 16, depth: 32, element: "bf16", sum: "f32",
		sparse: true, selector: 1},
	{since: 80, form: "m16n8k8.row.col.f32.tf32.tf32.f32", rows: 16, depth: 8, element: "tf32", sum: "f32",
		sparse: true, selector: 2},
	{since: 80, form: "m16n8k16.row.col.f32.tf32.tf32.f32", rows: 16, depth: 16, element: "tf32", sum: "f32",
		sparse: true, selector: 0},
	{since: 80, form: "m16n8k16.row.col.f32.tf32.tf32.f32", rows: 16, depth: 16, element: "tf32", sum: "f32",
		sparse: true, selector: 1},
	{since: 80, form: "m16n8k32.row.col.s32.s8.s8.s32", rows: 16, depth: 32, element: "s8", sum: "s32",
		sparse: true, selector: 0},
	{since: 80, form: "m16n8k32.row.col.s32.s8.s8.s32", rows: 16, depth: 32, element: "s8", sum: "s32",
		sparse: true, selector: 1},
	{since: 80, form: "m16n8k64.row.col.s32.u8.u8.s32", rows: 16, depth: 64, element: "u8", sum: "s32",
		sparse: true, selector: 0},
	{since: 80, form: "m16n8k64.row.col.s32.s4.s4.s32", rows: 16, depth: 64, element: "s4", sum: "s32",
		sparse: true, selector: 0},
	{since: 80, form: "m16n8k64.row.col.s32.s4.s4.s32", rows: 16, depth: 64, element: "s4", sum: "s32",
		sparse: true, selector: 1},
	{since: 80, form: "m16n8k128.row.col.s32.u4.u4.s32", rows: 16, depth: 128, element: "u4", sum: "s32",
		sparse: true, selector: 0},
}

// bitsOf are the bits of an element.
var bitsOf = map[string]int{"f16": 16, "bf16": 16, "tf32": 32, "f32": 32, "s32": 32, "f64": 64, "s8": 8, "u8": 8,
	"s4": 4, "u4": 4, "b1": 1}

// words are the registers that a lane has of rows by columns elements.
func words(rows, columns, size int) int { return rows * columns * size / 1024 }

// laneWords is the room for a lane's registers: A from 0, B from 4, C from 8, D from 12, which columns of A are stored.
const laneWords = 18

// stored is the number of columns of A that are.
func (p *product) stored() int {
	if p.sparse {
		return p.depth / 2
	}
	return p.depth
}

// ptx is a kernel that loads A, B and C of each lane, and stores D.
func (p *product) ptx(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".visible .entry %s(.param .u64 p) {\n.reg .b64 %%rd<4>; .reg .b32 %%r<20>; .reg .f32 %%f<8>; "+
		".reg .f64 %%d<8>;\n", name)
	b.WriteString("ld.param.u64 %rd0, [p]; mov.u32 %r0, %tid.x; mul.wide.u32 %rd1, %r0, 72; " +
		"add.s64 %rd2, %rd0, %rd1; ld.global.u32 %r19, [%rd2+64];\n")
	list := func(first, n int, load bool, float string) string {
		var regs []string
		for i := 0; i < n; i++ {
			reg, typ, at := fmt.Sprintf("%%r%d", first+1+i), "u32", 4*(first+i)
			switch float {
			case "f32":
				reg, typ = fmt.Sprintf("%%f%d", i), "f32"
			case "f64":
				reg, typ, at = fmt.Sprintf("%%d%d", first/4*2+i), "f64", 4*first+8*i
			}
			if load {
				fmt.Fprintf(&b, "ld.global.%s %s, [%%rd2+%d];\n", typ, reg, at)
			}
			regs = append(regs, reg)
		}
		return "{" + strings.Join(regs, ",") + "}"
	}
	size, typ := bitsOf[p.element], ""
	if size == 64 {
		size, typ = 32, "f64" // a register is a whole element
	}
	a := list(0, words(p.rows, p.stored(), size), true, typ)
	bb := list(4, words(8, p.depth, size), true, typ)
	n, sum := words(p.rows, 8, min(bitsOf[p.sum], 32)), ""
	if p.sum == "f32" || p.sum == "f64" {
		sum = p.sum
	}
	c := list(8, n, true, sum)
	if p.sparse {
		fmt.Fprintf(&b, "mma.sp.sync.aligned.%s %s, %s, %s, %s, %%r19, %d;\n", p.form, c, a, bb, c, p.selector)
	} else {
		fmt.Fprintf(&b, "mma.sync.aligned.%s %s, %s, %s, %s;\n", p.form, c, a, bb, c)
	}
	for i, reg := range strings.Split(strings.Trim(c, "{}"), ",") {
		switch sum {
		case "f64":
			fmt.Fprintf(&b, "st.global.f64 [%%rd2+%d], %s;\n", 4*12+8*i, reg)
		case "f32":
			fmt.Fprintf(&b, "st.global.f32 [%%rd2+%d], %s;\n", 4*(12+i), reg)
		default:
			fmt.Fprintf(&b, "st.global.u32 [%%rd2+%d], %s;\n", 4*(12+i), reg)
		}
	}
	b.WriteString("ret;\n}\n")
	return b.String()
}

// encode is a small integer as an element.
func encode(v int, element string) uint64 {
	f := math.Float32bits(float32(v))
	switch element {
	case "f16":
		if v == 0 {
			return 0
		}
		return uint64(f>>16&0x8000 | (f>>23&255-112)<<10 | f>>13&1023)
	case "bf16":
		return uint64(f >> 16)
	case "tf32", "f32":
		return uint64(f)
	case "f64":
		return math.Float64bits(float64(v))
	}
	return uint64(uint32(v)) & (1<<bitsOf[element] - 1)
}

// place puts an element into a lane's registers from word first on: its number among the lane's elements is i.
func place(buffer []uint32, lane, first, i int, v uint64, size int) {
	if size == 64 {
		buffer[lane*laneWords+first+2*i] |= uint32(v)
		buffer[lane*laneWords+first+2*i+1] |= uint32(v >> 32)
		return
	}
	buffer[lane*laneWords+first+i*size/32] |= uint32(v) << (i * size % 32)
}

// TestTensorProducts: every form of mma.sync as ptxas compiles it, on random integers whose sums are exact, against
// matrices whose elements lie in lanes as the PTX ISA manual says.
func TestTensorProducts(t *testing.T) {
	for _, arch := range []int{75, 80, 86} {
		t.Run(fmt.Sprintf("sm_%d", arch), func(t *testing.T) {
			text := fmt.Sprintf(".version 7.8\n.target sm_%d\n.address_size 64\n", arch)
			for i, p := range products {
				if p.since <= arch {
					text += p.ptx(fmt.Sprintf("k%d", i))
				}
			}
			m := compiled(t, text, arch)
			for i, p := range products {
				if p.since <= arch {
					p.test(t, m, fmt.Sprintf("k%d", i))
				}
			}
		})
	}
}

// compiled is a machine with the code that ptxas makes of PTX.
func compiled(t *testing.T, ptx string, arch int) *machine {
	t.Helper()
	if os.Getenv(toolchain.Variable) == "" {
		t.Setenv(toolchain.Variable, "../../.toolchain")
	}
	if _, err := toolchain.Find("ptxas"); err != nil {
		t.Skipf("%v: nothing to test with", err)
	}
	data, err := cudac.AssembleText(t.Context(), []byte(ptx), arch)
	if err != nil {
		t.Fatal(err)
	}
	c, err := isa.ReadCubin(data)
	if err != nil {
		t.Fatal(err)
	}
	return newMachine(t, c)
}

func (p *product) test(t *testing.T, m *machine, kernel string) {
	r := rand.New(rand.NewPCG(uint64(p.depth), 7))
	size := bitsOf[p.element]
	lo, hi := -7, 8
	switch p.element {
	case "u8":
		lo, hi = 0, 256
	case "s8":
		lo, hi = -128, 128
	case "u4":
		lo, hi = 0, 16
	case "s4":
		lo, hi = -8, 8
	case "b1":
		lo, hi = 0, 2
	}
	matrix := func(rows, columns, lo, hi int) [][]int {
		v := make([][]int, rows)
		for i := range v {
			v[i] = make([]int, columns)
			for j := range v[i] {
				v[i][j] = lo + r.IntN(hi-lo)
			}
		}
		return v
	}
	a, b, c := matrix(p.rows, p.depth, lo, hi), matrix(8, p.depth, lo, hi), matrix(p.rows, 8, -30, 31)
	buffer := make([]uint32, 32*laneWords)
	kept := a
	if p.sparse {
		kept = p.thin(r, a, buffer)
	}
	per := max(32/size, 1) // elements of a register
	for lane := range 32 {
		group, thread := lane/4, lane%4
		for i := range p.rows * p.stored() / 32 {
			row, column := group, thread*per+i%per+i/per*4*per
			if p.rows == 16 {
				row, column = group+i/per%2*8, thread*per+i%per+i/per/2*4*per
			}
			place(buffer, lane, 0, i, encode(kept[row][column], p.element), size)
		}
		for i := range 8 * p.depth / 32 {
			place(buffer, lane, 4, i, encode(b[group][thread*per+i%per+i/per*4*per], p.element), size)
		}
		for i := range p.rows * 8 / 32 {
			place(buffer, lane, 8, i, encode(c[group+i/2*8][thread*2+i%2], p.sum), bitsOf[p.sum])
		}
	}
	want := make([]uint32, 32*laneWords)
	for lane := range 32 {
		for i := range p.rows * 8 / 32 {
			row, column := lane/4+i/2*8, lane%4*2+i%2
			sum := c[row][column]
			for k := range p.depth {
				x, y := a[row][k], b[column][k]
				switch {
				case p.element != "b1":
					sum += x * y
				case p.and:
					sum += x & y
				default:
					sum += x ^ y
				}
			}
			place(want, lane, 12, i, encode(sum, p.sum), bitsOf[p.sum])
		}
	}
	at := m.buffer(buffer)
	if err := m.run(kernel, [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, at); err != nil {
		t.Errorf("%s: %v", p.form, err)
		return
	}
	got := m.read(at, len(buffer))
	for i := range got {
		if k := i % laneWords; k >= 12 && k < 16 && got[i] != want[i] {
			t.Errorf("%s: lane %d, register %d of D: %#x, want %#x", p.form, i/laneWords, i%laneWords-12, got[i],
				want[i])
			return
		}
	}
}

// thin leaves of each group of neighbours in a row of A half of them, by chance, and says which in the buffer's last
// word of a lane, as the PTX ISA manual shows for mma.sp; the lanes that are not to say it say something else. It
// returns what is left.
func (p *product) thin(r *rand.Rand, a [][]int, buffer []uint32) [][]int {
	for lane := range 32 {
		buffer[lane*laneWords+16] = r.Uint32()
	}
	size := bitsOf[p.element]
	group, unit := 4, 1
	switch size {
	case 32:
		group = 2
	case 4:
		group, unit = 8, 2
	}
	kept := make([][]int, len(a))
	for row := range a {
		for g := range p.depth / group {
			first, second := r.IntN(4), r.IntN(3)
			if second >= first {
				second++
			}
			first, second = min(first, second), max(first, second)
			bits := uint32(first | second<<2)
			if size == 32 {
				first, second = r.IntN(2), -1
				bits = [2]uint32{4, 14}[first]
			}
			for k := range group {
				if at := k / unit; at == first || at == second {
					kept[row] = append(kept[row], a[row][g*group+k])
				} else {
					a[row][g*group+k] = 0
				}
			}
			lane, shift := row%8*4, 0
			switch {
			case size >= 16 && p.depth/group == 4:
				lane, shift = lane+p.selector, 16*(row/8)+4*g
			case size >= 16:
				lane, shift = lane+2*p.selector+g/4, 16*(row/8)+4*(g%4)
			default:
				lane, shift = lane+2*(p.selector+g/8)+row/8, 4*(g%8)
			}
			word := &buffer[lane*laneWords+16]
			*word = *word&^(15<<shift) | bits<<shift
		}
	}
	return kept
}

// TestMatrixLoads: ldmatrix of one, two and four matrices, as they are and transposed, and movmatrix.
func TestMatrixLoads(t *testing.T) {
	for _, arch := range []int{75, 80} {
		text := fmt.Sprintf(".version 7.8\n.target sm_%d\n.address_size 64\n", arch)
		for _, n := range []int{1, 2, 4} {
			for _, trans := range []string{"", ".trans"} {
				regs := strings.Join([]string{"%r5", "%r6", "%r7", "%r8"}[:n], ",")
				text += fmt.Sprintf(`.visible .entry l%d%s(.param .u64 p) {
.reg .b64 %%rd<4>; .reg .b32 %%r<12>; .shared .align 16 .b8 s[512];
ld.param.u64 %%rd0, [p]; mov.u32 %%r0, %%tid.x; mul.wide.u32 %%rd1, %%r0, 16; add.s64 %%rd2, %%rd0, %%rd1;
mov.u32 %%r1, s; shl.b32 %%r2, %%r0, 4; add.u32 %%r3, %%r1, %%r2;
ld.global.v4.u32 {%%r5,%%r6,%%r7,%%r8}, [%%rd2]; st.shared.v4.u32 [%%r3], {%%r5,%%r6,%%r7,%%r8}; bar.sync 0;
mov.u32 %%r5, 0; mov.u32 %%r6, 0; mov.u32 %%r7, 0; mov.u32 %%r8, 0;
ldmatrix.sync.aligned.m8n8.x%d%s.shared.b16 {%s}, [%%r3];
st.global.v4.u32 [%%rd2+512], {%%r5,%%r6,%%r7,%%r8}; ret; }
`, n, strings.TrimPrefix(trans, "."), n, trans, regs)
			}
		}
		text += `.visible .entry move(.param .u64 p) {
.reg .b64 %rd<4>; .reg .b32 %r<12>;
ld.param.u64 %rd0, [p]; mov.u32 %r0, %tid.x; mul.wide.u32 %rd1, %r0, 16; add.s64 %rd2, %rd0, %rd1;
ld.global.u32 %r5, [%rd2]; movmatrix.sync.aligned.m8n8.trans.b16 %r6, %r5; st.global.u32 [%rd2+512], %r6; ret; }
`
		m := compiled(t, text, arch)
		r := rand.New(rand.NewPCG(3, 4))
		rows := make([]uint32, 256) // lane i has row i of 8 halves; the upper half is for the result
		for i := range 128 {
			rows[i] = r.Uint32()
		}
		half := func(row, column int) uint32 { return rows[row*4+column/2] >> (column % 2 * 16) & 0xffff }
		run := func(kernel string) []uint32 {
			at := m.buffer(rows)
			if err := m.run(kernel, [3]uint32{1, 1, 1}, [3]uint32{32, 1, 1}, at); err != nil {
				t.Fatalf("sm_%d, %s: %v", arch, kernel, err)
			}
			return m.read(at, 256)[128:]
		}
		for _, n := range []int{1, 2, 4} {
			plain, transposed := run(fmt.Sprintf("l%d", n)), run(fmt.Sprintf("l%dtrans", n))
			for lane := range 32 {
				for i := range n {
					row, column := lane/4, lane%4*2
					want := half(8*i+row, column) | half(8*i+row, column+1)<<16
					if got := plain[4*lane+i]; got != want {
						t.Fatalf("sm_%d, x%d: lane %d, matrix %d: %#x, want %#x", arch, n, lane, i, got, want)
					}
					want = half(8*i+column, row) | half(8*i+column+1, row)<<16
					if got := transposed[4*lane+i]; got != want {
						t.Fatalf("sm_%d, x%d.trans: lane %d, matrix %d: %#x, want %#x", arch, n, lane, i, got, want)
					}
				}
			}
		}
		moved := run("move")
		element := func(row, column int) uint32 { return rows[4*(row*4+column/2)] >> (column % 2 * 16) & 0xffff }
		for lane := range 32 {
			row, column := lane/4, lane%4*2
			if want := element(column, row) | element(column+1, row)<<16; moved[4*lane] != want {
				t.Fatalf("sm_%d, movmatrix: lane %d: %#x, want %#x", arch, lane, moved[4*lane], want)
			}
		}
	}
}
