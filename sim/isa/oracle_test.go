package isa

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// oracle is NVIDIA's disassembler, asked about raw words.
type oracle struct {
	path, dir    string
	placeholders int // words of the last disassemble that were printed with a placeholder
}

// newOracle finds nvdisasm in $WARPDROP_TOOLCHAIN, .toolchain or the path; without it, the test is skipped.
func newOracle(t testing.TB) *oracle {
	for _, dir := range []string{os.Getenv("WARPDROP_TOOLCHAIN"), "../../.toolchain"} {
		if p, err := filepath.Abs(filepath.Join(dir, "bin", "nvdisasm")); dir != "" && err == nil {
			if _, err := os.Stat(p); err == nil {
				return &oracle{path: p, dir: t.TempDir()}
			}
		}
	}
	if p, err := exec.LookPath("nvdisasm"); err == nil {
		return &oracle{path: p, dir: t.TempDir()}
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
// field value that has no name (INVALID…, ???). All words get the same reuse flags.
func (o *oracle) disassemble(t testing.TB, words []uint64, reuse uint64) []string {
	t.Helper()
	const nop = 0x50b0000000070f00
	control := uint64(0x001f8000fc0007e0) | reuse<<17 | reuse<<38 | reuse<<59
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
			o.placeholders = 0
			for _, m := range oracleLine.FindAllSubmatch(out, -1) {
				pc, _ := strconv.ParseUint(string(m[1]), 16, 32)
				i := int(pc)/GroupBytes*3 + int(pc)%GroupBytes/WordBytes - 1
				if i >= len(words) || refused[i] {
					continue
				}
				if undefined.Match(m[2]) {
					o.placeholders++
					continue
				}
				texts[i] = string(m[2])
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

// TestOracle compares the decoder with NVIDIA's disassembler on random words, on random words of every instruction
// form, and on single-bit mutations of every instruction of the committed cubins and of a word of every form.
func TestOracle(t *testing.T) {
	o := newOracle(t)
	r := rand.New(rand.NewPCG(61, 2026))
	sets := []struct {
		name  string
		reuse uint8
		words []uint64
	}{{name: "random words"}, {name: "random words of each form"}, {name: "single-bit mutations"},
		{name: "reuse flag 0", reuse: 1}, {name: "reuse flag 1", reuse: 2}, {name: "reuse flag 2", reuse: 4}}
	for range 100_000 {
		sets[0].words = append(sets[0].words, r.Uint64())
	}
	seeds := map[uint64]bool{}
	for i := range table {
		for range 60 {
			sets[1].words = append(sets[1].words, table[i].match|r.Uint64()&^table[i].mask)
		}
		seeds[table[i].match|0x70000|r.Uint64()&^table[i].mask] = true
	}
	for _, file := range cubinFiles(t) {
		c := readCubinFile(t, file)
		for _, word := range c.Words {
			if len(seeds) < 2000 { // enough; more take long
				seeds[word] = true
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(seeds)) {
		for bit := range 64 {
			sets[2].words = append(sets[2].words, w^1<<bit)
		}
	}
	for i := range table {
		for range 4 {
			w := table[i].match | r.Uint64()&^table[i].mask
			for k := 3; k < len(sets); k++ {
				sets[k].words = append(sets[k].words, w)
			}
		}
	}
	for _, set := range sets {
		texts := o.disassemble(t, set.words, uint64(set.reuse))
		var both, different, onlyOurs, onlyTheirs int
		for i, w := range set.words {
			in, err := Decode(w, wordPC(i), Control{Reuse: set.reuse})
			got, want := "", texts[i]
			if err == nil {
				got = strings.TrimRight(in.String(), " ")
			}
			switch {
			case err == nil && want == "":
				if onlyOurs++; onlyOurs < 5 {
					t.Logf("%016x: only we call it legal: %s", w, got)
				}
			case err != nil && want != "":
				if onlyTheirs++; onlyTheirs < 5 {
					t.Logf("%016x: only nvdisasm calls it legal: %s (%v)", w, want, err)
				}
			case err == nil:
				if both++; got != want {
					if different++; different < 10 {
						t.Errorf("%016x: %q, nvdisasm has %q", w, got, want)
					}
				}
			}
		}
		share := float64(onlyOurs+onlyTheirs) / float64(len(set.words))
		t.Logf("%s: %d words, %d legal to both, %d of these read differently; legal to one only: %d ours, %d theirs = %.4f %%; illegal to both: %d, of which nvdisasm prints %d with a placeholder",
			set.name, len(set.words), both, different, onlyOurs, onlyTheirs, 100*share, len(set.words)-both-onlyOurs-onlyTheirs, o.placeholders)
		if share >= 0.001 {
			t.Errorf("%s: %.4f %% of the words are legal to one only; want < 0.1 %%", set.name, 100*share)
		}
	}
}
