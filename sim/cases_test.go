package sim_test

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
)

// runCase runs a kernel of testdata/cases.cubin with one thread on a buffer of 16 zero bytes, its first argument, and
// returns the buffer.
func runCase(t *testing.T, kernel string, args ...func(*sim.Device) sim.Arg) []byte {
	t.Helper()
	dev, err := sim.NewDevice(preset(t, "gtx1080ti"))
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile("testdata/cases.cubin")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := dev.LoadModule(image)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mod.Kernel(kernel)
	if err != nil {
		t.Fatalf("%s: %v", kernel, err)
	}
	y, err := dev.Malloc(16)
	if err != nil {
		t.Fatal(err)
	}
	list := []sim.Arg{sim.PtrArg(y)}
	for _, a := range args {
		list = append(list, a(dev))
	}
	if _, err := dev.Launch(context.Background(), k, shape(1, 1, 0), list...); err != nil {
		t.Fatalf("%s: %v", kernel, err)
	}
	out := make([]byte, 16)
	if err := dev.Read(y, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// raw is an argument of these bytes.
func raw(b ...byte) func(*sim.Device) sim.Arg {
	return func(*sim.Device) sim.Arg { return sim.Bytes(b) }
}

// halfRaw is a half as an argument.
func halfRaw(h uint16) func(*sim.Device) sim.Arg { return raw(byte(h), byte(h>>8)) }

// input is a buffer of these bytes.
func input(t *testing.T, b []byte) func(*sim.Device) sim.Arg {
	return func(dev *sim.Device) sim.Arg {
		p, err := dev.Malloc(int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if err := dev.Write(p, b); err != nil {
			t.Fatal(err)
		}
		return sim.PtrArg(p)
	}
}

// halfOf is x rounded to half precision, to nearest even; halfFloat is a finite half's value.
func halfOf(x float64) uint16 {
	sign := uint16(0)
	if math.Signbit(x) {
		sign, x = 0x8000, -x
	}
	_, e := math.Frexp(x)
	ulp := math.Ldexp(1, max(e-11, -24))
	n := math.RoundToEven(x/ulp) * ulp
	switch {
	case n >= 65536:
		return sign | 0x7c00
	case n < 0x1p-14:
		return sign | uint16(n*0x1p24)
	}
	f, e := math.Frexp(n)
	return sign | uint16(e+14)<<10 | uint16(f*2048)&0x3ff
}

func halfFloat(h uint16) float64 {
	e, f := int(h>>10&31), float64(h&0x3ff)
	x := math.Ldexp(1024+f, e-25)
	if e == 0 {
		x = math.Ldexp(f, -24)
	}
	if h&0x8000 != 0 {
		x = -x
	}
	return x
}

// TestPartialConstantWord: what a constant bank ends with in the middle of a word counts.
func TestPartialConstantWord(t *testing.T) {
	word := func(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
	if got := word(runCase(t, "last_parameter", raw(0xcd, 0xab))); got != 0xabcd {
		t.Errorf("a last parameter of two bytes is %#x, want 0xabcd", got)
	}
	if got := word(runCase(t, "last_byte", raw(0xef))); got != 0xef {
		t.Errorf("a last parameter of one byte is %#x, want 0xef", got)
	}
	if got := word(runCase(t, "constant_of_six_bytes")); got != 3 {
		t.Errorf("the third of three 16-bit constants is %d, want 3", got)
	}
}

// TestHalfConstants: HADD2, HMUL2, HFMA2 and HSETP2 take a word of a constant bank as FP32. The constant is ln 2, which
// ptxas has rounded to half precision.
func TestHalfConstants(t *testing.T) {
	ln2 := halfFloat(halfOf(math.Ln2))
	for _, h := range [][2]uint16{{0x3c00, 0}, {0xc000, 0x3c00}, {0x0001, 0x8001}, {0x7bff, 0x3555}, {0x398c, 0xb98c},
		{0x3800, 0x0400}} {
		a, b := halfFloat(h[0]), halfFloat(h[1])
		out := runCase(t, "half_constants", halfRaw(h[0]), halfRaw(h[1]))
		less := uint32(0)
		if a < ln2 {
			less = 1
		}
		for _, c := range []struct {
			name string
			at   int
			want float64 // exact in float64
		}{{"a * c", 0, a * ln2}, {"a + c", 2, a + ln2}, {"a * c + b", 4, a*ln2 + b}, {"a * b + c", 6, a*b + ln2},
			{"a - c", 12, a - ln2}} {
			got, want := binary.LittleEndian.Uint16(out[c.at:]), halfOf(c.want)
			if got != want && !(got<<1 == 0 && want<<1 == 0) {
				t.Errorf("a = %g, b = %g, c = ln 2: %s is %#04x, want %#04x", a, b, c.name, got, want)
			}
		}
		if got := binary.LittleEndian.Uint32(out[8:]); got != less {
			t.Errorf("%g < ln 2 is %d, want %d", a, got, less)
		}
	}
	if out := runCase(t, "half_constants", halfRaw(0x3c00), halfRaw(0)); binary.LittleEndian.Uint16(out) != 0x398c {
		t.Errorf("1 times ln 2 is %#04x, want 0x398c", binary.LittleEndian.Uint16(out))
	}
}

// TestHalfSumAsFloat: HADD2.F32 rounds to FP32 only; add.rn.f16 rounds to a half before.
func TestHalfSumAsFloat(t *testing.T) {
	for _, h := range [][2]uint16{{0x3c00, 0x0001}, {0x7bff, 0x7bff}, {0x3c01, 0x1001}, {0x8000, 0x8000},
		{0xbc00, 0x3c00}} {
		a, b := halfFloat(h[0]), halfFloat(h[1])
		out := runCase(t, "half_sum_as_float", input(t, []byte{byte(h[0]), byte(h[0] >> 8), byte(h[1]), byte(h[1] >> 8)}))
		exact := math.Float32frombits(binary.LittleEndian.Uint32(out))
		rounded := math.Float32frombits(binary.LittleEndian.Uint32(out[4:]))
		if exact != float32(a+b) {
			t.Errorf("%g + %g as FP32 is %g", a, b, exact)
		}
		if want := halfOf(a + b); want&0x7c00 != 0x7c00 && rounded != float32(halfFloat(want)) || want&0x7c00 == 0x7c00 &&
			!math.IsInf(float64(rounded), 0) {
			t.Errorf("%g + %g by way of a half is %g", a, b, rounded)
		}
	}
}

// TestScaledProducts: FMUL with a factor rounds once, so that neither an overflow nor a small number in between counts.
func TestScaledProducts(t *testing.T) {
	scales := map[string]float64{"half_product": 0.5, "quarter_product": 0.25, "eighth_product": 0.125,
		"double_product": 2, "fourfold_product": 4, "eightfold_product": 8}
	for _, x := range [][2]float32{{3, 5}, {-1.5, 0.1}, {1e20, 3e18}, {0x1p127, 3}, {0x1.000002p-100, 0x1.fffffep-40},
		{0x1p-149, 1}, {0, -1},
		{float32(math.Inf(1)), -2}} {
		var b []byte
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		for name, scale := range scales {
			got := math.Float32frombits(binary.LittleEndian.Uint32(runCase(t, name, input(t, b))))
			if want := float32(float64(x[0]) * float64(x[1]) * scale); got != want ||
				math.Signbit(float64(got)) != math.Signbit(float64(want)) {
				t.Errorf("%s of %g and %g is %g, want %g", name, x[0], x[1], got, want)
			}
		}
	}
	small := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, math.Float32bits(0x1p-126)),
		math.Float32bits(1))
	if got := binary.LittleEndian.Uint32(runCase(t, "flushed_product", input(t, small))); got != 0 {
		t.Errorf("half of the least normal number, flushed, is %#x, want 0", got)
	}
}

// TestWidenedLoad: bounds are exact, and the error of a load that hangs over a buffer's end says what it looks like.
func TestWidenedLoad(t *testing.T) {
	b := newBench(t)
	image, err := os.ReadFile("testdata/cases.cubin")
	if err != nil {
		t.Fatal(err)
	}
	if b.mod, err = b.dev.LoadModule(image); err != nil {
		t.Fatal(err)
	}
	out := b.buffer(4)
	_, err = b.launch("wide_load", shape(1, 1, 0), sim.PtrArg(out), sim.PtrArg(b.buffer(11)))
	if err == nil || !strings.Contains(err.Error(), "the access of 16 bytes begins inside and ends 4 beyond") ||
		!strings.Contains(err.Error(), "here give 48") {
		t.Errorf("16 bytes at 32 of 44: %v", err)
	}
	if _, err := b.launch("wide_load", shape(1, 1, 0), sim.PtrArg(out), sim.PtrArg(b.buffer(12))); err != nil {
		t.Errorf("16 bytes at 32 of 48: %v", err)
	}
}
