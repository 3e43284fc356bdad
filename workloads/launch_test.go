package workloads

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
	"warpdrop/internal/toolchain"
	"warpdrop/sim"
)

// TestHostileArguments: what no card, machine or file can give is an error that says so.
func TestHostileArguments(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, make([]byte, 65), 0o644); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"buf:100000000000":            "out of device memory",
		"buf:9223372036854775807":     "out of device memory",
		"buf:-1":                      "not a number of bytes from 0",
		"buf:0:iota":                  "null pointer",
		"buf:64:random=x":             "seed",
		"buf:64:f32=x":                "invalid syntax",
		"f16:65520":                   "largest half",
		"i8:128":                      "out of range",
		"bool:2":                      "invalid syntax",
		"bytes:1":                     "odd length",
		"bytes:":                      "no bytes",
		"struct:i32:1":                "want struct:{",
		"struct:{i32:1,{i32:2}}":      "kind \"{i32\"",
		"struct:{struct:{i32:1}":      "braces",
		"f128:1":                      "kind \"f128\" is not one of i8",
		"buf:64:file=" + long:         "long has 65 bytes; at most 64 are read",
		"buf:64:file=" + t.TempDir():  "is not a regular file",
		"buf:64:file=" + long + ".no": "long.no",
		"i32:99999999999":             "out of range",
	} {
		if _, _, err := ParseArg(dev, arg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", arg, err, want)
		}
	}
	if _, _, err := ParseArg(dev, "buf:65:file="+long); err != nil {
		t.Error(err)
	}
}

// TestKeptCode: what was compiled is found again, for the same source and defines alone, and a damaged file is made
// anew.
func TestKeptCode(t *testing.T) {
	dir := t.TempDir()
	file, kept := filepath.Join(dir, "k.cu"), filepath.Join(dir, "kept")
	source := []byte("extern \"C\" __global__ void k(int *p) { p[threadIdx.x] = N; }\n")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		entries, _ := os.ReadDir(kept)
		return len(entries)
	}
	get := func(n string) []byte {
		t.Helper()
		code, by, err := compile(t.Context(), file, source, cudac.Options{Arch: 61, Defines: []string{"N=" + n}}, kept)
		if errors.Is(err, toolchain.ErrMissing) {
			t.Skip(err)
		}
		if err != nil || by == "" {
			t.Fatal(by, err)
		}
		return code
	}
	one := get("1")
	if again := get("1"); !bytes.Equal(one, again) || count() != 1 {
		t.Errorf("the same source again: %d bytes, before %d; %d files", len(again), len(one), count())
	}
	if two := get("2"); bytes.Equal(one, two) || count() != 2 {
		t.Errorf("with another define: the same code, or %d files", count())
	}
	entries, _ := os.ReadDir(kept)
	for _, e := range entries {
		if err := os.WriteFile(filepath.Join(kept, e.Name()), []byte("NVRTC\nno code"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if again := get("1"); !bytes.Equal(one, again) {
		t.Error("a damaged file is taken for code")
	}
}
