package isa

import (
	"cmp"
	"encoding/binary"
	"flag"
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
	// two bits of sm_86 that it prints far behind the text, without a name
	oraclePM  = regexp.MustCompile(`\s*\?PM[0-3]$`)
	undefined = regexp.MustCompile(`INVALID|\?\?\?`)
)

// oracleWords is how many random words of each of the families of 128-bit words are asked about.
var oracleWords = flag.Int("oracle", 1000, "random words of each family of 128-bit words that nvdisasm is asked about")

// oracleOps narrows the question down to some operations of the families of 128-bit words, also if rough lists them.
var oracleOps = flag.String("ops", "", "ask nvdisasm about these operations of 128-bit words only, such as HMMA,LDSM")

// dialect is what the oracle needs to know of a family.
type dialect struct {
	family *Family
	nop    Word
	// pack writes the control bits of all words: no barriers, a stall of one cycle, these reuse flags. Families that have
	// them in the instruction keep those of the word.
	pack func(code []byte, reuse uint8)
	// flagged is a word with reuse flags, where it holds them.
	flagged func(w Word, reuse uint8) Word
	// opcodes says that the table does not have all that nvdisasm knows: only words with an opcode of the table are asked
	// about.
	opcodes bool
	ops     map[uint64]Op // by opcode, of families whose table is asked about alone
}

var dialects = []dialect{
	{
		family: Maxwell, nop: Word{Lo: 0x50b0000000070f00},
		pack: func(code []byte, reuse uint8) {
			flags := uint64(reuse)
			for i := 0; i < len(code); i += groupBytes {
				binary.LittleEndian.PutUint64(code[i:], 0x001f8000fc0007e0|flags<<17|flags<<38|flags<<59)
			}
		},
		flagged: func(w Word, _ uint8) Word { return w },
	},
	wide(Volta), wide(Turing), wide(Ampere), wide(GA10x),
}

// wide is the dialect of a family of 128-bit words.
func wide(f *Family) dialect {
	return dialect{
		family: f, nop: Word{0x7918, 0x000fc00000000000},
		pack: func([]byte, uint8) {},
		flagged: func(w Word, reuse uint8) Word {
			w.Hi = w.Hi&(1<<41-1) | 0x7f1<<41 | uint64(reuse)<<58
			return w
		},
		opcodes: true,
	}
}

// rough are the operations of 128-bit words that do not yet read as nvdisasm has them for every word, or are not
// refused where it refuses: what compilers write of them is right (TestWideWords), but they are not asked about at
// random.
const rough = "ATOM ATOMG ATOMS BPT BRA CCTL DEPBAR F2F F2FP F2I FRND I2F LDL MUFU RET STL ULDC"

// asked tells whether words of a row are asked about.
func (d *dialect) asked(x *row) bool {
	if !d.opcodes {
		return true
	}
	if !x.on(d.family.First) {
		return false
	}
	if *oracleOps != "" {
		return slices.Contains(strings.Split(*oracleOps, ","), x.op.String())
	}
	return !slices.Contains(strings.Fields(rough), x.op.String())
}

// anyControl are the operations whose words are asked about with random control bits; the others' have none.
var anyControl = map[Op]bool{AmpereMOV: true, AmpereIADD3: true, AmpereEXIT: true}

// disassemble returns the text of each word, "" for those that nvdisasm refuses or prints with a placeholder for a
// field value that has no name (INVALID…, ???). All words get the same reuse flags.
func (o *oracle) disassemble(t testing.TB, d *dialect, words []Word, reuse uint8) []string {
	t.Helper()
	f := d.family
	index := func(pc string) int {
		at, _ := strconv.ParseUint(pc, 16, 32)
		return f.Index(uint32(at))
	}
	refused := make([]bool, len(words))
	file := filepath.Join(o.dir, "words.bin")
	for range 20 {
		code := make([]byte, (f.PC(len(words)-1)/f.GroupBytes+1)*f.GroupBytes)
		d.pack(code, reuse)
		for i := range f.Index(uint32(len(code))) {
			w := d.nop
			if i < len(words) && !refused[i] {
				w = words[i]
			}
			place := code[f.PC(i):]
			binary.LittleEndian.PutUint64(place, w.Lo)
			if f.WordBytes > 8 {
				binary.LittleEndian.PutUint64(place[8:], w.Hi)
			}
		}
		if err := os.WriteFile(file, code, 0o600); err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd := exec.Command(o.path, "-novliw", "-b", strings.ToUpper(strings.ReplaceAll(f.Target, "_", "")), file)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err == nil {
			texts := make([]string, len(words))
			o.placeholders = 0
			for _, m := range oracleLine.FindAllSubmatch(out, -1) {
				i := index(string(m[1]))
				if i >= len(words) || refused[i] {
					continue
				}
				if undefined.Match(m[2]) {
					o.placeholders++
					continue
				}
				texts[i] = string(oraclePM.ReplaceAll(m[2], nil))
			}
			return texts
		}
		found := oracleError.FindAllStringSubmatch(stderr.String(), -1)
		if found == nil {
			t.Fatalf("nvdisasm: %v\n%s", err, stderr.String())
		}
		for _, m := range found {
			refused[index(m[1])] = true
		}
	}
	t.Fatal("nvdisasm still refuses words after 20 runs")
	return nil
}

// wordSet is words that are asked about with the same reuse flags.
type wordSet struct {
	name  string
	reuse uint8
	words []Word
}

// wordSets makes random words, random words of every instruction form, single-bit mutations of every instruction of the
// committed cubins and of a word of every form, and words of every form with each reuse flag.
func (d *dialect) wordSets(t *testing.T, r *rand.Rand) []wordSet {
	f := d.family
	sets := []wordSet{{name: "random words"}, {name: "random words of each form"}, {name: "single-bit mutations"},
		{name: "reuse flag 0", reuse: 1}, {name: "reuse flag 1", reuse: 2}, {name: "reuse flag 2", reuse: 4}}
	random := func() Word {
		w := Word{Lo: r.Uint64()}
		if f.WordBytes > 8 {
			w.Hi = r.Uint64()
		}
		return w
	}
	of := func(x *row) Word {
		w := random().andNot(x.mask)
		return Word{w.Lo | x.match.Lo, w.Hi | x.match.Hi}
	}
	var rows []row
	for i := range f.table {
		if d.asked(&f.table[i]) {
			rows = append(rows, f.table[i])
		}
	}
	opcode := Word{Lo: 1<<f.opcode.width - 1<<f.opcode.at}
	n := 100_000
	if d.opcodes {
		n = *oracleWords
	}
	for range n {
		w := random()
		if d.opcodes {
			x := &rows[r.IntN(len(rows))]
			w.Lo = w.Lo&^opcode.Lo | x.match.Lo&opcode.Lo
			w = d.controlled(x, w)
		}
		sets[0].words = append(sets[0].words, w)
	}
	seeds := map[Word]bool{}
	for i := range rows {
		for range min(60, n/500) {
			sets[1].words = append(sets[1].words, d.controlled(&rows[i], of(&rows[i])))
		}
		w := of(&rows[i])
		w.Lo |= 7 << f.guard.at // PT
		if !d.opcodes || i%max(1, 20_000/n) == 0 {
			seeds[d.flagged(w, 0)] = true
		}
	}
	for _, file := range cubinFiles(t) {
		c := readCubinFile(t, file)
		for _, word := range c.Words {
			if len(seeds) < 2000 && c.Family == f { // enough; more take long
				seeds[word] = true
			}
		}
	}
	for _, w := range slices.SortedFunc(maps.Keys(seeds),
		func(a, b Word) int { return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo)) }) {
		for bit := range 8 * f.WordBytes {
			m := w
			if bit < 64 {
				m.Lo ^= 1 << bit
			} else {
				m.Hi ^= 1 << (bit - 64)
			}
			op := d.table()[w.Lo&opcode.Lo]
			if !d.opcodes || m.and(opcode) == w.and(opcode) && (bit < controlBits || anyControl[op]) {
				sets[2].words = append(sets[2].words, m)
			}
		}
	}
	for i := range rows {
		for range 4 {
			w := of(&rows[i])
			for k := 3; k < len(sets); k++ {
				sets[k].words = append(sets[k].words, d.flagged(w, sets[k].reuse))
			}
		}
	}
	return sets
}

// controlBits is where they begin in a word of 128 bits.
const controlBits = 105

// table gives the operation by opcode bits.
func (d *dialect) table() map[uint64]Op {
	if d.ops == nil {
		d.ops = map[uint64]Op{}
		for i := range d.family.table {
			d.ops[d.family.table[i].match.Lo&0xfff] = d.family.table[i].op
		}
	}
	return d.ops
}

// controlled is the word of a row with the control bits that it is asked about with.
func (d *dialect) controlled(x *row, w Word) Word {
	if anyControl[x.op] {
		return w
	}
	return d.flagged(w, 0)
}

// TestOracle compares the decoder of each family with NVIDIA's disassembler.
func TestOracle(t *testing.T) {
	for i := range dialects {
		d := &dialects[i]
		t.Run(d.family.Target, func(t *testing.T) {
			o := newOracle(t)
			for _, set := range d.wordSets(t, rand.New(rand.NewPCG(61, 2026))) {
				o.compare(t, d, &set)
			}
		})
	}
}

// compare asks the oracle about all words of a set.
func (o *oracle) compare(t *testing.T, d *dialect, set *wordSet) {
	f := d.family
	texts := o.disassemble(t, d, set.words, set.reuse)
	var both, different, onlyOurs, onlyTheirs int
	for i, w := range set.words {
		control := Control{Reuse: set.reuse}
		if f.lead == 0 {
			place := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, w.Lo), w.Hi)
			_, control = f.split(place, 0)
		}
		in, err := f.Decode(w, f.PC(i), control)
		got, want := "", texts[i]
		if err == nil {
			got = strings.TrimRight(in.String(), " ")
		}
		switch {
		case err == nil && want == "":
			if onlyOurs++; onlyOurs < 5 {
				t.Logf("%s: only we call it legal: %s", w, got)
			}
		case err != nil && want != "":
			if onlyTheirs++; onlyTheirs < 5 {
				t.Logf("%s: only nvdisasm calls it legal: %s (%v)", w, want, err)
			}
		case err == nil:
			if both++; got != want {
				if different++; different < 10 {
					t.Errorf("%s: %q, nvdisasm has %q", w, got, want)
				}
			}
		}
	}
	share := float64(onlyOurs+onlyTheirs) / float64(len(set.words))
	t.Logf("%s: %d words, %d legal to both, %d of these read differently; legal to one only: %d ours, %d theirs = %.4f "+
		"%%; illegal to both: %d, of which nvdisasm prints %d with a placeholder",
		set.name, len(set.words), both, different, onlyOurs, onlyTheirs, 100*share, len(set.words)-both-onlyOurs-onlyTheirs,
		o.placeholders)
	if share >= 0.001 {
		t.Errorf("%s: %.4f %% of the words are legal to one only; want < 0.1 %%", set.name, 100*share)
	}
}

// undecoded are the mnemonics of sm_75 to sm_86 of which an opcode or a form is not decoded: what only shaders have,
// textures and surfaces; forms of others that no compiled code was found with.
const undecoded = "AL2P ALD AST FSWZADD IPA ISBERD LDTRAM OUT PIXLD TEX TLD TLD4 TMML TXD TXQ SUATOM SULD SUQUERY " +
	"SURED SUST CCTL CCTLL CCTLT F2FP UBMSK UBREV UCLEA UFLO UIADD3 ULDC ULEA UPLOP3 UPOPC"

// TestOpcodes asks for what nvdisasm knows beside the operations that are decoded: a few words of every opcode and form
// that the families of 128-bit words do not have.
func TestOpcodes(t *testing.T) {
	for i := range dialects {
		d := &dialects[i]
		if !d.opcodes {
			continue
		}
		t.Run(d.family.Target, func(t *testing.T) {
			o := newOracle(t)
			var words []Word
			for op := range uint64(1 << 12) {
				if d.table()[op] != 0 {
					continue
				}
				for _, hi := range []uint64{0, bindless, 7 << 23, 7<<23 | 7<<17 | bindless, 0x0ff1e03f} {
					words = append(words, d.flagged(Word{op | 7<<12 | 4<<16 | 12<<24, hi}, 0))
				}
			}
			names := map[string]string{}
			for i, text := range o.disassemble(t, d, words, 0) {
				if text != "" {
					name, _, _ := strings.Cut(text, " ")
					name, _, _ = strings.Cut(name, ".")
					names[name] = words[i].String() + " " + text
				}
			}
			for _, name := range slices.Sorted(maps.Keys(names)) {
				if !slices.Contains(strings.Fields(undecoded), name) {
					t.Errorf("%s is not decoded: %s", name, names[name])
				}
			}
		})
	}
}
