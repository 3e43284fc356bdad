package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"warpdrop/sim/isa"
)

// words are the instruction words of 128 bits, with their control bits, in a package's code for one architecture.
type words struct {
	family *isa.Family
	code   []byte // each different word once, in the order in which they were found
	seen   map[[16]byte]bool
	total  int // words in the package
	differ int // of the different ones
}

// compareWords compares every different instruction word of a package's code for sm_75, sm_80 and sm_86 with nvdisasm,
// and prints a row of a table for each architecture. Branches are read at another place than the package has them.
func compareWords(file string) error {
	found := map[int]*words{}
	archs := []int{75, 80, 86}
	if err := eachCubin(file, func(string) bool { return true },
		func(arch int) bool { return slices.Contains(archs, arch) }, func(arch int, data []byte) {
			if found[arch] == nil {
				found[arch] = &words{family: isa.FamilyOf(arch), seen: map[[16]byte]bool{}}
			}
			found[arch].take(data)
		}); err != nil {
		return err
	}
	for _, arch := range archs {
		w := found[arch]
		if w == nil {
			continue
		}
		if err := w.compare(arch); err != nil {
			return err
		}
		fmt.Printf("| %s | sm_%d | %d | %d | %d |\n", title(file), arch, w.total, len(w.code)/16, w.differ)
	}
	return nil
}

// take adds the words of a cubin's code.
func (w *words) take(data []byte) {
	data = bytes.Clone(data) // NVIDIA writes a version of ELF of its own, where debug/elf wants 1
	data[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	binary.LittleEndian.PutUint32(data[20:], uint32(elf.EV_CURRENT))
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		log.Print(err)
		return
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_PROGBITS || s.Flags&elf.SHF_EXECINSTR == 0 {
			continue
		}
		code, err := s.Data()
		if err != nil {
			continue
		}
		for word := range slices.Chunk(code, 16) {
			if len(word) < 16 {
				break
			}
			w.total++
			if key := [16]byte(word); !w.seen[key] {
				w.seen[key] = true
				w.code = append(w.code, word...)
			}
		}
	}
}

// compare asks nvdisasm about all different words.
func (w *words) compare(arch int) error {
	const most = 1 << 20 // bytes at once
	for part := range slices.Chunk(w.code, most) {
		f, err := os.CreateTemp("", "words")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		if _, err := f.Write(part); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
		out, err := exec.Command(*nvdisasm, "-b", fmt.Sprintf("SM%d", arch), "-novliw", f.Name()).Output()
		if err != nil {
			return fmt.Errorf("nvdisasm: %w", err)
		}
		for text := range strings.Lines(string(out)) {
			m := line.FindStringSubmatch(text)
			if m == nil {
				continue
			}
			pc, err := strconv.ParseUint(m[1], 16, 32)
			if err != nil {
				return err
			}
			w.word(part[pc:pc+16], uint32(pc), m[2])
		}
	}
	return nil
}

// word compares one word with nvdisasm's text.
func (w *words) word(place []byte, pc uint32, want string) {
	got := ""
	in, err := w.family.DecodeAt(place, pc)
	if err == nil {
		got = strings.TrimSpace(in.String())
	}
	if got == want {
		return
	}
	if w.differ++; w.differ <= 10 {
		log.Printf("%016x%016x: %q (%v); nvdisasm has %q", binary.LittleEndian.Uint64(place[8:]),
			binary.LittleEndian.Uint64(place), got, err, want)
	}
}
