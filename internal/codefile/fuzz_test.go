package codefile

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"warpdrop/sim/isa"
	"warpdrop/sim/isa/fatbin"
)

// FuzzOpen: whatever a file holds that is given for code - a cubin, PTX, a container, a program or library with some -,
// its kernels are listed and one is chosen, or an error says why not.
func FuzzOpen(f *testing.F) {
	for _, path := range []string{"../../sim/testdata/checks.cubin", "../../sim/testdata/link/first.o",
		"../../sim/testdata/link/second.o"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(slices.Concat([]byte{1, 2, 3}, container(61, data), []byte{4})) // as a program has it
	}
	f.Add([]byte(".version 6.0\n.target sm_61\n.address_size 64\n.visible .entry k(.param .u64 p) { ret; }\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open("f", data)
		if err != nil {
			return
		}
		kernels, err := file.Kernels()
		if err != nil {
			return
		}
		name := ""
		if len(kernels) > 0 {
			name = kernels[0].Name
		}
		stop := errors.New("not compiled")
		code, err := file.Choose(context.Background(), Options{Arch: 61, Kernel: name,
			Compile: func(context.Context, []byte, int) ([]byte, error) { return nil, stop }})
		if err == nil {
			if len(code.Kernels) == 0 {
				t.Fatal("code without kernels was chosen")
			}
			if _, err := isa.ReadCubin(code.Image); err != nil {
				t.Fatalf("chosen, and not to be read: %v", err)
			}
		}
		if file.InParts() {
			_, _ = Link([]*File{file, file}, 61)
			_, _ = Link([]*File{file}, 61)
		}
	})
}

// container is a fatbin of one cubin, not packed.
func container(arch uint32, cubin []byte) []byte {
	const header, entry = 16, 64
	b := make([]byte, header+entry, header+entry+len(cubin))
	binary.LittleEndian.PutUint32(b, fatbin.Magic)
	binary.LittleEndian.PutUint16(b[6:], header)
	binary.LittleEndian.PutUint64(b[8:], uint64(entry+len(cubin)))
	binary.LittleEndian.PutUint16(b[header:], uint16(fatbin.Cubin))
	binary.LittleEndian.PutUint32(b[header+4:], entry)
	binary.LittleEndian.PutUint64(b[header+8:], uint64(len(cubin)))
	binary.LittleEndian.PutUint32(b[header+28:], arch)
	return append(b, cubin...)
}

// FuzzNames: a kernel is found by any name that a file may give it, and by what that means.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"k", "_Z1kPfi", "_Z6kernelILi4EEvPKfT_", "void f<int>(int)",
		"_ZN1aIN1bIN1cEEEE1kEv", "a<b", ""} {
		f.Add(name, "k")
	}
	f.Fuzz(func(t *testing.T, name, want string) {
		Demangle(want)
		Match([]string{name, "k"}, want)
		if !slices.Contains(Match([]string{name, "k"}, name), name) {
			t.Errorf("%q is not found by itself", name)
		}
	})
}
