package workloads

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/sim"
)

// TestArgs: the bytes of each kind of argument. Structures are laid out as the C++ ABI of x86-64 and of CUDA has it.
func TestArgs(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"i8:-1": "ff", "u8:255": "ff", "i16:-2": "feff", "u16:0xabcd": "cdab", "i32:-3": "fdffffff", "u32:7": "07000000",
		"i64:-4": "fcffffffffffffff", "u64:1": "0100000000000000", "f32:0.5": "0000003f", "f64:-2": "00000000000000c0",
		"bool:true": "01", "bool:0": "00", "bytes:0102ff": "0102ff",
		"f16:1": "003c", "f16:-2": "00c0", "f16:65504": "ff7b", "f16:65519": "ff7b", "f16:6.103515625e-05": "0004",
		"f16:6.097555160522461e-05": "ff03", "f16:5.960464477539063e-08": "0100", "f16:2.98e-08": "0000",
		"f16:2.99e-08": "0100", "f16:0.1": "662e", "f16:2049": "0068", "f16:2051": "0268", "f16:inf": "007c",
		"f16:-inf": "00fc", "f16:nan": "007e", "buf:0": "0000000000000000",
		"struct:{u8:1,f64:1,i16:2}":              "01" + "00000000000000" + "000000000000f03f" + "0200" + "000000000000",
		"struct:{u8:1,struct:{u8:2,i32:3},u8:4}": "01000000" + "0200000003000000" + "04000000",
		"struct:{f32:1,f32:2,f32:3}":             "0000803f0000004000004040",
		"struct:{bytes:aabbcc,u16:1}":            "aabbcc00" + "0100",
		"struct:{struct:{struct:{u8:9}}}":        "09",
	} {
		a, b, err := ParseArg(dev, arg)
		if got := hex.EncodeToString(a.Data()); err != nil || got != want || len(b) != 0 {
			t.Errorf("%s: %s, %v; want %s", arg, got, err, want)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	a, b, err := ParseArg(dev, "struct:{u8:1,buf:8:iota,out="+out+",buf:4:u16=7,u8:2}")
	if err != nil || len(b) != 2 || len(a.Data()) != 32 || b[0].Out != out {
		t.Fatalf("%x, %d buffers, %v", a.Data(), len(b), err)
	}
	for i, want := range []string{"0000000001000000", "07000700"} {
		if p := sim.Ptr(binary.LittleEndian.Uint64(a.Data()[8+8*i:])); p != b[i].Ptr {
			t.Errorf("buffer %d is at %#x; the structure has %#x", i, b[i].Ptr, p)
		}
		data := make([]byte, b[i].Bytes)
		if err := dev.Read(b[i].Ptr, data); err != nil || hex.EncodeToString(data) != want {
			t.Errorf("buffer %d: %x, %v; want %s", i, data, err, want)
		}
	}
	read := func(arg string) []byte {
		_, b, err := ParseArg(dev, arg)
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, b[0].Bytes)
		if err := dev.Read(b[0].Ptr, data); err != nil {
			t.Fatal(err)
		}
		return data
	}
	one := read("buf:4096:random=1")
	if bytes.Equal(one, read("buf:4096:random=2")) || !bytes.Equal(one, read("buf:4096:random=1")) ||
		bytes.Count(one, []byte{0}) > 64 {
		t.Error("random bytes do not depend on the seed alone")
	}
}

// TestVariables: variables hold what the texts say; what is too large or not there is an error that says so.
func TestVariables(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile("../sim/testdata/globals.cubin")
	if err != nil {
		t.Fatal(err)
	}
	m, err := dev.LoadModule(image)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range m.GlobalNames() {
		p, n, err := m.Global(name)
		if err != nil || n < 4 {
			continue
		}
		if _, err := SetVariable(dev, m, name+"=u32:0x01020304"); err != nil {
			t.Error(err)
		}
		data := make([]byte, n)
		if err := dev.Read(p, data); err != nil || !bytes.HasPrefix(data, []byte{4, 3, 2, 1}) {
			t.Errorf("%s: %x, %v", name, data, err)
		}
		if b, err := SetVariable(dev, m, name+":4:iota,out=x"); err != nil || len(b) != 1 || b[0].Ptr != p {
			t.Errorf("%s: %v, %v", name, b, err)
		}
		if _, err := SetVariable(dev, m, name+":1000000"); err == nil || !strings.Contains(err.Error(), "the variable has") {
			t.Errorf("%s: too much: %v", name, err)
		}
	}
	for text, want := range map[string]string{"none=i32:1": "no variable", "x": "want NAME=ARG", "=i32:1": "want NAME=ARG",
		"a:0": "no bytes", "a=q:1": "kind"} {
		if _, err := SetVariable(dev, m, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", text, err, want)
		}
	}
	list := Buffers([]string{"i32:1", "struct:{buf:8:file=a,buf:16}"}, []string{"v:4:file=b", "w=buf:32", "bad"})
	if len(list) != 4 || list[0].File != "a" || list[1].Bytes != 16 || list[2].File != "b" || list[3].Bytes != 32 {
		t.Errorf("%d buffers", len(list))
	}
}
