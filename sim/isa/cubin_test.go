package isa

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// cubinFiles lists the committed cubins of the project.
// cubinFiles lists the committed cubins of Maxwell and Pascal. Those of later GPUs have their architecture in their
// names, and no listings: nvdisasm is asked about their words in TestWideWords.
func cubinFiles(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, root := range []string{"../../workloads", "../../sim"} {
		if err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".cubin") && !strings.Contains(path, ".sm_") {
				files = append(files, path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(files) == 0 {
		t.Fatal("no cubins found")
	}
	return files
}

func readCubinFile(t testing.TB, file string) *Cubin {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadCubin(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

func kernelOf(t *testing.T, c *Cubin, name string) *Kernel {
	t.Helper()
	k := c.Kernel(name)
	if k == nil {
		t.Fatalf("no kernel %s", name)
	}
	return k
}

// The expected values are ptxas -v's report and the source, testdata/functions.cu.
func TestCubinKernels(t *testing.T) {
	c := readCubinFile(t, "testdata/functions.cubin")
	if c.Arch != 61 || len(c.Kernels) != 5 {
		t.Fatalf("sm_%d with %d kernels; want sm_61 with 5", c.Arch, len(c.Kernels))
	}
	k := kernelOf(t, c, "memories")
	if k.SharedBytes != 1024 || k.ParamBase != 0x140 || k.ParamBytes != 24 || k.Barriers != 1 || c.Recursive(k) {
		t.Errorf("memories: %+v", k)
	}
	want := []Param{{0, 0, 8}, {1, 8, 4}, {2, 16, 8}}
	if len(k.Params) != len(want) {
		t.Fatalf("memories: parameters %v, want %v", k.Params, want)
	}
	for i, p := range want {
		if k.Params[i] != p {
			t.Errorf("memories: parameter %d is %v, want %v", i, k.Params[i], p)
		}
	}
	if len(k.Const[3]) != 80 {
		t.Fatalf("memories: c[3] has %d bytes, want 80", len(k.Const[3]))
	}
	if got := binary.LittleEndian.Uint32(k.Const[3][64+8:]); got != 3 {
		t.Errorf("offsets[2] = %d, want 3", got)
	}
	if r := kernelOf(t, c, "recursion"); !c.Recursive(r) {
		t.Error("recursion: not marked as recursive")
	}
	if r := kernelOf(t, c, "calls"); c.Recursive(r) || r.LocalBytes < 8 {
		t.Errorf("calls: recursive %v, %d bytes of stack; want a bounded stack of at least 8", c.Recursive(r), r.LocalBytes)
	}
}

func TestCubinLink(t *testing.T) {
	c := readCubinFile(t, "testdata/functions.cubin")
	offset := map[string]uint64{}
	for _, g := range c.Globals {
		offset[g.Name] = uint64(g.Address)
		if int(g.Address+g.Size) > c.GlobalBytes {
			t.Errorf("%s ends at %d of %d bytes", g.Name, g.Address+g.Size, c.GlobalBytes)
		}
	}
	for _, name := range []string{"counter", "scratch", "pointer", "table"} {
		if _, ok := offset[name]; !ok {
			t.Fatalf("no variable %s in %v", name, c.Globals)
		}
	}
	if got := binary.LittleEndian.Uint32(c.GlobalInit[offset["counter"]:]); got != 7 {
		t.Errorf("counter = %d, want 7", got)
	}
	for _, base := range []uint64{0x7f0000000000, 0x200} {
		if err := c.Link(base); err != nil {
			t.Fatal(err)
		}
		if got := binary.LittleEndian.Uint64(c.GlobalInit[offset["pointer"]:]); got != base+offset["counter"] {
			t.Errorf("pointer = %#x, want %#x", got, base+offset["counter"])
		}
		found := map[uint64]bool{}
		bank := kernelOf(t, c, "memories").Const[4]
		for at := 0; at+8 <= len(bank); at += 8 {
			found[binary.LittleEndian.Uint64(bank[at:])] = true
		}
		for _, name := range []string{"counter", "scratch", "pointer", "table"} {
			if !found[base+offset[name]] {
				t.Errorf("address of %s, %#x, is not in c[4]", name, base+offset[name])
			}
		}
	}
}

// A jump table's targets must be instructions of the kernel, and its branch a BRX.
func TestCubinJumpTables(t *testing.T) {
	c := readCubinFile(t, "testdata/functions.cubin")
	for _, name := range []string{"branches", "indirect"} {
		k := kernelOf(t, c, name)
		n := 0
		for branch, targets := range c.Jumps {
			if branch < k.Entry || branch >= k.Entry+k.Size {
				continue
			}
			n++
			if in, err := c.Inst(branch); err != nil || in.Op != OpBRX && in.Op != OpRET && in.Op != OpSYNC {
				t.Errorf("%s: branch of a jump table at %#x is %v, %v", name, branch, in, err)
			}
			for _, target := range targets {
				if target < k.Entry || target >= k.Entry+k.Size {
					t.Errorf("%s: target %#x is outside the kernel", name, target)
				}
			}
		}
		if n == 0 && name == "branches" {
			t.Errorf("%s: no jump table", name)
		}
	}
}

// Every committed listing was printed by nvdisasm (scripts/listings.sh).
func TestListings(t *testing.T) {
	files := cubinFiles(t)
	for _, file := range files {
		want, err := os.ReadFile(strings.TrimSuffix(file, ".cubin") + ".sass")
		if err != nil {
			t.Errorf("%s has no listing: run scripts/listings.sh", file)
			continue
		}
		if got := listing(t, readCubinFile(t, file)); got != string(want) {
			g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for i := range min(len(g), len(w)) {
				if g[i] != w[i] {
					t.Fatalf("%s: line %d is\n%s\nnvdisasm has\n%s", file, i+1, g[i], w[i])
				}
			}
			t.Fatalf("%s: %d lines, nvdisasm has %d", file, len(g), len(w))
		}
	}
}

func listing(t *testing.T, c *Cubin) string {
	t.Helper()
	var b strings.Builder
	for i := range c.Kernels {
		k := &c.Kernels[i]
		insts, err := c.KernelInsts(k)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(k.Name + ":\n")
		for j := range insts {
			b.WriteString(pcText(insts[j].PC) + " " + insts[j].String() + " ;\n")
		}
	}
	return b.String()
}

// Files cut short, and each byte of a small one changed, are errors or load; what is allocated stays in proportion.
func TestCubinDamaged(t *testing.T) {
	data, err := os.ReadFile("testdata/functions.cubin")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(data); n += 7 {
		_, _ = ReadCubin(data[:n])
	}
	for i := range data {
		if i > 4096 && i%5 != 0 {
			continue
		}
		c := append([]byte(nil), data...)
		c[i] ^= 0xff
		checkAllocation(t, c)
		if t.Failed() {
			t.Fatalf("byte %#x changed", i)
		}
	}
}

// maxAllocation is the stated multiple of the file's size that ReadCubin may allocate, besides a constant.
const maxAllocation = 64

func checkAllocation(t *testing.T, data []byte) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = ReadCubin(data)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > maxAllocation*uint64(len(data))+1<<20 {
		t.Errorf("%d bytes allocated for a file of %d", used, len(data))
	}
}

func FuzzReadCubin(f *testing.F) {
	for _, file := range []string{"testdata/functions.cubin", "testdata/arithmetic.cubin", "../testdata/link/first.o",
		"../testdata/link/second.o"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	_, _ = Decode(0, 0, Control{}) // compile the table outside the measurement
	f.Fuzz(func(t *testing.T, data []byte) {
		checkAllocation(t, data)
		c, err := ReadCubin(data)
		if err != nil {
			return
		}
		for i := range c.Kernels {
			_, _ = c.KernelInsts(&c.Kernels[i])
		}
		_ = c.Link(1 << 40)
	})
}

// TestHeaderOfCUDA13: the number of the architecture stands one byte higher there.
func TestHeaderOfCUDA13(t *testing.T) {
	data, err := os.ReadFile("testdata/functions.cubin")
	if err != nil {
		t.Fatal(err)
	}
	want, err := ReadCubin(data)
	if err != nil {
		t.Fatal(err)
	}
	data[7], data[8], data[0x14] = 0x41, 8, 1
	copy(data[0x30:], []byte{4, byte(want.Arch), 0, 6}) // as nvcc 13.0 writes it
	got, err := ReadCubin(data)
	if err != nil {
		t.Fatal(err)
	}
	if want.Arch < 50 || got.Arch != want.Arch || !bytes.Equal(got.Image, want.Image) {
		t.Errorf("sm_%d and %d bytes of code, want sm_%d and %d", got.Arch, len(got.Image), want.Arch, len(want.Image))
	}
	if arch := ArchOf(data[:0x31]); arch != 0 {
		t.Errorf("a header that is cut short is for sm_%d, want 0", arch)
	}
}
