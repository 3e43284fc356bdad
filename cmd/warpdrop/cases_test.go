package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reportedCase is a file of testdata/cases that once gave a wrong value, a hang or a refusal, with what is right. In
// args @ is the file that the first argument's buffer is read from, and written to.
type reportedCase struct {
	file, kernel string
	args         string
	in           []uint32 // words of the buffer before the run; as many are looked at behind it
	want         []uint32 // words behind it; nil = not looked at
	code         int
	says         string // in what is printed
}

func bits(f ...float64) (w []uint32) {
	for _, x := range f {
		w = append(w, math.Float32bits(float32(x)))
	}
	return w
}

var reportedCases = []reportedCase{
	{file: "u16param.ptx", args: "@ --arg u16:0xabcd", in: []uint32{0}, want: []uint32{0xabcd}},
	{file: "const6.ptx", args: "@ --arg u16:0xabcd", in: []uint32{0}, want: []uint32{3}},
	{file: "hmul_c.ptx", args: "@ --arg u16:0x3c00", in: []uint32{0}, want: []uint32{0x398c}},
	{file: "fmul_scale.cu", kernel: "half_product", args: "@ --arg buf:4:f32=3 --arg buf:4:f32=5", in: []uint32{0},
		want: bits(7.5)},
	{file: "fmul_scale.cu", kernel: "quad_product", args: "@ --arg buf:4:f32=3 --arg buf:4:f32=5", in: []uint32{0},
		want: bits(60)},
	{file: "hmul2f32.ptx", args: "@ --arg buf:4:u32=0x42003e00", in: []uint32{0}, want: bits(1.5 * 3)},
	{file: "half_f32_sm60.ptx", args: "@", in: []uint32{0x3e00, 0}, want: []uint32{0x3e00, math.Float32bits(1.5)}},
	{file: "half_f32_sm61.ptx", args: "@", in: []uint32{0x42003e00, 0},
		want: []uint32{0x42003e00, math.Float32bits(4.5)}},
	{file: "assert_one_kernel.ptx", kernel: "plain", args: "@", in: []uint32{0}, want: []uint32{1}},
	{file: "assert_one_kernel.ptx", kernel: "k", args: "@", in: []uint32{0}, code: 1, says: "assert"},
	{file: "hazard_mufu_i2f.ptx", kernel: "div", args: "@ --check hazards --block 32", in: []uint32{5, 0}},
	{file: "hazard_mufu_i2f.ptx", kernel: "adam", args: "@ --arg i32:3 --arg f32:0.9 --arg f32:0.99 --check hazards",
		in: []uint32{0, 0}},
	{file: "final_take.cu", args: "@ --arg buf:256 --block 64", in: []uint32{0}, want: []uint32{32}},
	{file: "final_exp.cu", args: "@ --arg f32:-inf", in: []uint32{1}, want: bits(0)},
	{file: "final_exp.cu", args: "@ --arg f32:-3.4e38", in: []uint32{1}, want: bits(0)},
	{file: "final_exp.cu", args: "@ --arg f32:-1e10", in: []uint32{1}, want: bits(0)},
	{file: "final_exp.cu", args: "@ --arg f32:88.5", in: []uint32{1}}, // looked at below
	{file: "final_exp.cu", args: "@ --arg f32:inf", in: []uint32{1}, want: bits(math.Inf(1))},
	{file: "final_race.cu", args: "@ --arg buf:1024 --arg i32:4 --block 64 --check races", in: make([]uint32, 64), code: 1,
		says: "race on"},
	{file: "mm.cu", kernel: "mmbad",
		args: "@ --arg buf:1024 --arg buf:1024 --arg i32:16 --grid 2,2 --block 8,8 --check races",
		in:   make([]uint32, 256), code: 1, says: "race on"},
	{file: "mm.cu", kernel: "mm",
		args: "@ --arg buf:1024 --arg buf:1024 --arg i32:16 --grid 2,2 --block 8,8 --check races",
		in:   make([]uint32, 256)},
	{file: "std.cu", args: "@ --block 3", in: []uint32{9, 9, 9}, want: []uint32{0, 1, 2}},
	{file: "f_main.cu", args: "@ --block 2", in: []uint32{0, 0}, want: []uint32{1, 1}},
	{file: "f_printf2.cu", args: "@ --block 2", in: []uint32{0, 0}, want: []uint32{1, 1}, says: "t 0\nt 1\n"},
	{file: "final_const.cu", args: "@ --global c=f32:2.5", in: []uint32{0}, want: bits(2.5)},
	{file: "gridbar.cu", args: "@ --arg buf:4096 --grid 897 --block 1 --max-cycles 100000", in: []uint32{0}, code: 1,
		says: "wait for room"},
	{file: "spin.cu", kernel: "naive", args: "@ --arg buf:4 --block 32 --max-cycles 100000", in: []uint32{0}, code: 1,
		says: "still running after"},
	{file: "sync_div.cu", kernel: "oddeven", args: "@ --block 64 --check divergence", in: make([]uint32, 64), code: 1,
		says: "barrier in divergent code"},
	{file: "sync_div.cu", kernel: "xorsum", args: "@ --block 128 --check divergence,races,uninit,global",
		in: make([]uint32, 128)},
}

// TestReportedCases runs what people have reported, with each compiler.
func TestReportedCases(t *testing.T) {
	for _, compiler := range []string{"nvrtc", "clang"} {
		for _, c := range reportedCases {
			if compiler == "clang" && filepath.Ext(c.file) == ".ptx" {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s %s %s", compiler, c.file, c.kernel, c.args), func(t *testing.T) { c.run(t, compiler) })
		}
	}
}

func (c *reportedCase) run(t *testing.T, compiler string) {
	file := filepath.Join(t.TempDir(), "buffer")
	var data []byte
	for _, w := range c.in {
		data = binary.LittleEndian.AppendUint32(data, w)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	buffer := fmt.Sprintf("buf:%d:file=%s,out=%s", len(data), file, file)
	args := append([]string{"testdata/cases/" + c.file, "--compiler", compiler, "--grid", "1", "--block", "1", "--arg"},
		strings.Fields(strings.Replace(c.args, "@", buffer, 1))...)
	if c.kernel != "" {
		args = append(args, "--kernel", c.kernel)
	}
	code, stdout, stderr := runSim(args...)
	switch {
	case code == 2 && (strings.Contains(stderr, "not installed") || strings.Contains(stderr, "no compiler")):
		t.Skip(stderr)
	case compiler == "nvrtc" && strings.Contains(stderr, "has host code"):
		t.Skip("NVRTC takes device code only")
	case code != c.code || !strings.Contains(stdout+stderr, c.says):
		t.Fatalf("exit %d, want %d and %q:\n%s%s", code, c.code, c.says, stdout, stderr)
	case code != 0:
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range c.want {
		if w := binary.LittleEndian.Uint32(got[4*i:]); w != want {
			t.Errorf("word %d is %#x, want %#x", i, w, want)
		}
	}
	if strings.HasSuffix(c.args, "f32:88.5") {
		want := math.Exp(88.5)
		if x := float64(math.Float32frombits(binary.LittleEndian.Uint32(got))); math.Abs(x-want) > 1e-6*want {
			t.Errorf("expf(88.5) is %g, want %g", x, want)
		}
	}
}
