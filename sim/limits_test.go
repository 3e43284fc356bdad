package sim_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"warpdrop/sim"
	"warpdrop/sim/isa"
)

// Constants beyond their bank's end and stores into constants are found by their check and by nothing else; barriers
// that a block does not have end the launch, check or not.
func TestLimits(t *testing.T) {
	data, err := os.ReadFile("testdata/limits.cubin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kernel string
		arg    int32
		want   uint32 // what is stored
		check  string // what the check says; "" nothing
		fault  string // what ends the launch
	}{
		{"beyond", 3, 40, "", ""},
		{"beyond", 4, 0,
			"4 bytes at 0x10 of constant bank 3, which has 16 bytes: beyond the end\n  thread (0,0,0), warp 0 lane 0: " +
				"/*0038*/ LDC R0, c[0x3][R0]", ""},
		{"beyond", 1 << 20, 0, "of constant bank 3, which has 16 bytes: beyond the end", ""},
		{"into", 2, 2, "into a __constant__ variable\n  thread (0,0,0), warp 0 lane 0: /*0068*/ ST.E [R4], R7, P0", ""},
		{"barrier", 15, 15, "", ""},
		{"barrier", 16, 0, "", "barrier 16: a block has barriers 0 to 15"},
		{"barrier", -1, 0, "", "barrier -1: a block has barriers 0 to 15"},
	} {
		for _, on := range []bool{false, true} {
			for _, functional := range []bool{false, true} {
				b := newBench(t)
				if b.mod, err = b.dev.LoadModule(data); err != nil {
					t.Fatal(err)
				}
				b.dev.Functional = functional
				if on {
					if err := b.dev.EnableCheck("constants"); err != nil {
						t.Fatal(err)
					}
				}
				out := b.buffer(1)
				_, err := b.launch(c.kernel, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 1}}, sim.PtrArg(out),
					sim.I32(c.arg))
				var found *sim.CheckError
				switch {
				case c.fault != "":
					if !errors.Is(err, sim.ErrBarrier) || !strings.Contains(err.Error(), c.fault) {
						t.Errorf("%s of %d: %v, want %s", c.kernel, c.arg, err, c.fault)
					}
					continue
				case on && c.check != "":
					if !errors.As(err, &found) || !strings.Contains(err.Error(), c.check) {
						t.Errorf("%s of %d: %v, want %s", c.kernel, c.arg, err, c.check)
					}
				case err != nil:
					t.Errorf("%s of %d: %v", c.kernel, c.arg, err)
				}
				if got := b.words(out, 1)[0]; got != c.want {
					t.Errorf("%s of %d stored %d, want %d", c.kernel, c.arg, got, c.want)
				}
			}
		}
	}
}

// Parameters that no kernel can have refuse the kernel; a section that lies over code refuses the file.
func TestDamagedLayout(t *testing.T) {
	data, err := os.ReadFile("testdata/limits.cubin")
	if err != nil {
		t.Fatal(err)
	}
	base := []byte{4, 0x0a, 8, 0} // EIATTR_PARAM_CBANK: symbol, offset and size in c[0]
	at := bytes.Index(data, base)
	if at < 0 {
		t.Fatal("no kernel says where its parameters are")
	}
	for _, c := range []struct{ offset, size uint16 }{{0xffff, 12}, {0, 12}, {0x140, 4097}, {0x1141, 12}} {
		broken := bytes.Clone(data)
		binary.LittleEndian.PutUint16(broken[at+8:], c.offset)
		binary.LittleEndian.PutUint16(broken[at+10:], c.size)
		b := newBench(t)
		if b.mod, err = b.dev.LoadModule(broken); err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, name := range b.mod.KernelNames() {
			if _, err := b.mod.Kernel(name); err != nil && strings.Contains(err.Error(),
				"at most 4096 from 0x140 on are allowed") {
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("parameters of %d bytes at %#x: %d kernels are refused, want 1", c.size, c.offset, refused)
		}
	}
	// The headers of two sections, as ELF has them: the offset is the fourth field of eight bytes.
	heads := binary.LittleEndian.Uint64(data[0x28:])
	n := int(binary.LittleEndian.Uint16(data[0x3c:]))
	head := func(b []byte, i int) []byte { return b[heads+64*uint64(i):] }
	code, other := -1, -1
	for i := range n {
		h := head(data, i)
		switch flags, size := binary.LittleEndian.Uint64(h[8:]), binary.LittleEndian.Uint64(h[32:]); {
		case flags&4 != 0:
			code = i
		case size >= 16 && binary.LittleEndian.Uint32(h[4:]) == 1:
			other = i
		}
	}
	if code < 0 || other < 0 {
		t.Fatal("no section of code, or no other")
	}
	broken := bytes.Clone(data)
	place := binary.LittleEndian.Uint64(head(data, code)[24:])
	binary.LittleEndian.PutUint64(head(broken, other)[24:], place+8)
	binary.LittleEndian.PutUint64(head(broken, other)[32:], 16)
	if _, err := isa.ReadCubin(broken); err == nil || !strings.Contains(err.Error(), "overlap, and one of them is code") {
		t.Errorf("a section over the code: %v", err)
	}
}
