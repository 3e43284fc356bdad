package sm

import (
	"math"
	"math/big"
	"math/rand/v2"
	"sort"
	"testing"
)

func floats(x []float32) []uint32 {
	r := make([]uint32, len(x))
	for i, v := range x {
		r[i] = math.Float32bits(v)
	}
	return r
}

func randomFloats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()*2 - 1
	}
	return x
}

func randomInts(r *rand.Rand, n, limit int) []uint32 {
	x := make([]uint32, n)
	for i := range x {
		x[i] = uint32(r.IntN(limit))
	}
	return x
}

// same compares bit for bit.
func same(t *testing.T, what string, got, want []uint32) {
	t.Helper()
	wrong := 0
	for i := range want {
		if got[i] != want[i] {
			if wrong++; wrong <= 5 {
				t.Errorf("%s[%d] = %#x (%g), want %#x (%g)", what, i, got[i], math.Float32frombits(got[i]), want[i],
					math.Float32frombits(want[i]))
			}
		}
	}
	if wrong > 5 {
		t.Errorf("%s: %d of %d wrong", what, wrong, len(want))
	}
}

func fma1(a, b, c float32) float32 {
	return reference(a, b, c, big.ToNearestEven)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// threads is a grid or block in one dimension.
func threads(x uint32) [3]uint32 { return [3]uint32{x, 1, 1} }

// program returns the machine that runs the test programs, and random numbers.
func program(t *testing.T) (*machine, *rand.Rand) {
	return load(t, "programs"), rand.New(rand.NewPCG(1, 2))
}

func TestProgramHistogram(t *testing.T) {
	m, r := program(t)
	in := randomInts(r, 3000, 1<<30)
	want := make([]uint32, 64)
	for _, v := range in {
		want[v%64]++
	}
	src, bins := m.buffer(in), m.buffer(make([]uint32, 64))
	must(t, m.run("histogram", threads(3), threads(128), src, bins, int32(len(in))))
	same(t, "bins", m.read(bins, 64), want)
}

func TestProgramScan(t *testing.T) {
	m, r := program(t)
	in := randomInts(r, 512, 1000)
	want := make([]uint32, 512)
	for i, v := range in {
		want[i] = v
		if i%256 != 0 {
			want[i] += want[i-1]
		}
	}
	src, out := m.buffer(in), m.buffer(make([]uint32, 512))
	must(t, m.run("scan", threads(2), threads(256), src, out))
	same(t, "out", m.read(out, 512), want)
}

func TestProgramTranspose(t *testing.T) {
	m, r := program(t)
	const w, h = 70, 45
	in := randomInts(r, w*h, 1<<30)
	want := make([]uint32, w*h)
	for y := range h {
		for x := range w {
			want[x*h+y] = in[y*w+x]
		}
	}
	src, out := m.buffer(in), m.buffer(make([]uint32, w*h))
	must(t, m.run("transpose", [3]uint32{3, 2, 1}, [3]uint32{32, 8, 1}, src, out, int32(w), int32(h)))
	same(t, "out", m.read(out, w*h), want)
}

func TestProgramReduce(t *testing.T) {
	m, r := program(t)
	in := randomFloats(r, 5000)
	var s [256]float32
	for i, v := range in {
		s[i%256] += v
	}
	for d := 128; d > 0; d /= 2 {
		for i := range d {
			s[i] += s[i+d]
		}
	}
	src, out := m.buffer(floats(in)), m.buffer(make([]uint32, 1))
	must(t, m.run("reduce", threads(1), threads(256), src, out, int32(len(in))))
	same(t, "sum", m.read(out, 1), floats(s[:1]))
}

func TestProgramSparseProduct(t *testing.T) {
	m, r := program(t)
	const n = 100
	rows, cols, vals, want := []uint32{0}, []uint32(nil), []float32(nil), make([]float32, n)
	x := randomFloats(r, n)
	for i := range n {
		for range r.IntN(20) {
			c, v := r.IntN(n), r.Float32()
			cols, vals = append(cols, uint32(c)), append(vals, v)
			want[i] = fma1(v, x[c], want[i])
		}
		rows = append(rows, uint32(len(cols)))
	}
	y := m.buffer(make([]uint32, n))
	must(t, m.run("spmv", threads(2), threads(64), m.buffer(rows), m.buffer(cols), m.buffer(floats(vals)),
		m.buffer(floats(x)), y, int32(n)))
	same(t, "y", m.read(y, n), floats(want))
}

func TestProgramBitonic(t *testing.T) {
	m, r := program(t)
	in := randomInts(r, 512, 1<<31-1)
	data := m.buffer(in)
	must(t, m.run("bitonic", threads(1), threads(512), data))
	sort.Slice(in, func(i, j int) bool { return int32(in[i]) < int32(in[j]) })
	same(t, "data", m.read(data, 512), in)
}

func TestProgramDGEMM(t *testing.T) {
	m, r := program(t)
	const n = 32
	words := func(x []float64) []uint32 {
		var w []uint32
		for _, v := range x {
			b := math.Float64bits(v)
			w = append(w, uint32(b), uint32(b>>32))
		}
		return w
	}
	a, b, c := make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	for i := range a {
		a[i], b[i] = r.NormFloat64(), r.NormFloat64()
	}
	for i := range n {
		for j := range n {
			for k := range n {
				c[i*n+j] = math.FMA(a[i*n+k], b[k*n+j], c[i*n+j])
			}
		}
	}
	out := m.buffer(make([]uint32, 2*n*n))
	must(t, m.run("dgemm", [3]uint32{2, 2, 1}, [3]uint32{16, 16, 1}, m.buffer(words(a)), m.buffer(words(b)), out,
		int32(n)))
	same(t, "c", m.read(out, 2*n*n), words(c))
}

func TestProgramNBody(t *testing.T) {
	m, r := program(t)
	const n = 64
	p := randomFloats(r, 4*n)
	f := m.buffer(make([]uint32, 4*n))
	must(t, m.run("nbody", threads(2), threads(32), m.buffer(floats(p)), f, int32(n)))
	got := m.read(f, 4*n)
	for i := range n {
		var want [3]float64
		for j := range n {
			var d [3]float64
			d2 := 0.01
			for k := range 3 {
				d[k] = float64(p[4*j+k]) - float64(p[4*i+k])
				d2 += d[k] * d[k]
			}
			for k := range 3 {
				want[k] += d[k] * float64(p[4*j+3]) / (d2 * math.Sqrt(d2))
			}
		}
		for k := range 3 {
			if g := float64(math.Float32frombits(got[4*i+k])); math.Abs(g-want[k]) > 1e-3*(math.Abs(want[k])+1) {
				t.Errorf("force %d.%d = %g, want %g", i, k, g, want[k])
			}
		}
	}
}

func TestProgramRecursion(t *testing.T) {
	m, _ := program(t)
	out := m.buffer(make([]uint32, 64))
	must(t, m.run("recursion", threads(1), threads(64), out))
	fib := []uint32{0, 1}
	for len(fib) < 13 {
		fib = append(fib, fib[len(fib)-1]+fib[len(fib)-2])
	}
	want := make([]uint32, 64)
	for i := range want {
		want[i] = fib[i%13]
	}
	same(t, "fib", m.read(out, 64), want)
}

func TestProgramSwitches(t *testing.T) {
	m, r := program(t)
	const n = 500
	in := randomInts(r, n, 1<<20)
	want := make([]uint32, n)
	for i, u := range in {
		v, x := int32(u), int32(0)
		switch v & 15 {
		case 0:
			x = v * 3
		case 1:
			x = v ^ 0x55
		case 2:
			x = v / 7
		case 3:
			x = v % 9
		case 4:
			x = v << 3
		case 5:
			x = v >> 2
		case 6:
			x = -v
		case 7:
			x = int32(in[v%n])
		case 8:
			x = v * v
		case 9:
			x = v + 1000
		case 10:
			for ; v > 0; v /= 3 {
				if v == 7 {
					break
				}
				if v&1 == 0 {
					x += v
				}
			}
		default:
			x = 42
		}
		want[i] = uint32(x)
	}
	out := m.buffer(make([]uint32, n))
	must(t, m.run("switches", threads(4), threads(128), m.buffer(in), out, int32(n)))
	same(t, "out", m.read(out, n), want)
}

func TestProgramSGEMM(t *testing.T) {
	m, r := program(t)
	const n = 128
	a, b, c := randomFloats(r, n*n), randomFloats(r, n*n), make([]float32, n*n)
	for k := range n {
		for i := range n {
			for j := range n {
				c[i*n+j] = fma1(a[k*n+i], b[k*n+j], c[i*n+j])
			}
		}
	}
	out := m.buffer(make([]uint32, n*n))
	must(t, m.run("sgemm", threads(1), threads(256), m.buffer(floats(a)), m.buffer(floats(b)), out, int32(n)))
	same(t, "c", m.read(out, n*n), floats(c))
}

func TestProgramSGD(t *testing.T) {
	m, r := program(t)
	const n = 777
	w, g, mask := randomFloats(r, n), randomFloats(r, n), make([]float32, n)
	want := make([]float32, n)
	for i := range mask {
		mask[i] = float32(r.IntN(3)) * 1.5
		want[i] = w[i]
		if mask[i] != 0 {
			want[i] = w[i] - (0.1*g[i])/mask[i]
		}
	}
	wb := m.buffer(floats(w))
	must(t, m.run("sgd", threads(2), threads(96), wb, m.buffer(floats(g)), m.buffer(floats(mask)), float32(0.1),
		int64(n)))
	same(t, "w", m.read(wb, n), floats(want))
}
