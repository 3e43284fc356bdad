package isa

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// oracle is NVIDIA's disassembler, asked about raw words.
type oracle struct{ path, dir string }

// newOracle finds nvdisasm in $WARPDROP_TOOLCHAIN, .toolchain or the path; without it, the test is skipped.
func newOracle(t testing.TB) *oracle {
	for _, dir := range []string{os.Getenv("WARPDROP_TOOLCHAIN"), "../../.toolchain"} {
		if p, err := filepath.Abs(filepath.Join(dir, "bin", "nvdisasm")); dir != "" && err == nil {
			if _, err := os.Stat(p); err == nil {
				return &oracle{p, t.TempDir()}
			}
		}
	}
	if p, err := exec.LookPath("nvdisasm"); err == nil {
		return &oracle{p, t.TempDir()}
	}
	t.Skip("nvdisasm is not installed (scripts/toolchain.sh installs it): nothing to compare with")
	return nil
}

var (
	oracleError = regexp.MustCompile(`at address 0x([0-9a-f]+)`)
	oracleLine  = regexp.MustCompile(`/\*([0-9a-f]{4,})\*/\s+(.*?)\s*;`)
	undefined   = regexp.MustCompile(`INVALID|\?\?\?`)
)

// wordPC is the byte offset of word i in code that consists of whole groups.
func wordPC(i int) uint32 { return uint32(i/3*GroupBytes + WordBytes*(i%3+1)) }

// disassemble returns the text of each word, "" for those that nvdisasm refuses or prints with a placeholder for a
// field value that has no name (INVALID…, ???).
func (o *oracle) disassemble(t testing.TB, words []uint64) []string {
	t.Helper()
	const nop, control = 0x50b0000000070f00, 0x001f8000fc0007e0
	refused := make([]bool, len(words))
	file := filepath.Join(o.dir, "words.bin")
	for range 20 {
		code := make([]byte, (len(words)+2)/3*GroupBytes)
		for i := 0; i < len(code); i += GroupBytes {
			binary.LittleEndian.PutUint64(code[i:], control)
		}
		for i := range len(code) / GroupBytes * 3 {
			w := uint64(nop)
			if i < len(words) && !refused[i] {
				w = words[i]
			}
			binary.LittleEndian.PutUint64(code[wordPC(i):], w)
		}
		if err := os.WriteFile(file, code, 0o600); err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd := exec.Command(o.path, "-novliw", "-b", "SM61", file)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err == nil {
			texts := make([]string, len(words))
			for _, m := range oracleLine.FindAllSubmatch(out, -1) {
				pc, _ := strconv.ParseUint(string(m[1]), 16, 32)
				i := int(pc)/GroupBytes*3 + int(pc)%GroupBytes/WordBytes - 1
				if i < len(words) && !refused[i] && !undefined.Match(m[2]) {
					texts[i] = string(m[2])
				}
			}
			return texts
		}
		found := oracleError.FindAllStringSubmatch(stderr.String(), -1)
		if found == nil {
			t.Fatalf("nvdisasm: %v\n%s", err, stderr.String())
		}
		for _, m := range found {
			pc, _ := strconv.ParseUint(m[1], 16, 32)
			refused[int(pc)/GroupBytes*3+int(pc)%GroupBytes/WordBytes-1] = true
		}
	}
	t.Fatal("nvdisasm still refuses words after 20 runs")
	return nil
}
