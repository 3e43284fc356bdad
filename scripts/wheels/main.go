// Command wheels tries the machine code for sm_50 to sm_62, or others (-arch), in Python packages that nobody here
// made: which kernels load, which of them can be launched, and whether they are disassembled as NVIDIA's nvdisasm does.
// It prints one row of a table a package, and why kernels are refused, by their file or when they are asked for.
// scripts/wheels/run.sh fetches the packages of list.txt and calls it; nothing of them enters this project.
package main

import (
	"archive/zip"
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"warpdrop/sim/isa"
	"warpdrop/sim/isa/fatbin"
	"warpdrop/sim/sm/lower"
)

var nvdisasm = flag.String("nvdisasm", "", "compare disassembly with this program's")

var wide = flag.Bool("words", false, "only compare each different word of sm_75, sm_80 and sm_86 with nvdisasm")

var arch = flag.String("arch", "50-62", "compute capabilities whose code is tried: one, or the first and the last")

// first and last are what arch says.
var first, last int

var verbose = flag.Bool("v", false, "print every refusal")

// counts are a package's figures.
type counts struct {
	archs                map[int]bool
	kernels, loads, runs int // kernels; those of files that load; those that can be launched
	reasons              map[string]int
	instructions, differ int
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	if n, err := fmt.Sscanf(*arch, "%d-%d", &first, &last); n == 1 {
		last = first
	} else if err != nil {
		log.Fatalf("-arch %q: want a compute capability times ten, or two with a hyphen between, such as 75-86", *arch)
	}
	if *wide {
		fmt.Println("| package | architecture | words | different | read differently |\n|---|---|---|---|---|")
		for _, file := range flag.Args() {
			if err := compareWords(file); err != nil {
				log.Fatalf("%s: %v", file, err)
			}
		}
		return
	}
	fmt.Println("| package | architectures | kernels | load | share | can be launched | instructions " +
		"| read differently |\n|---|---|---|---|---|---|---|---|")
	sum := counts{archs: map[int]bool{}, reasons: map[string]int{}}
	for _, file := range flag.Args() {
		c := counts{archs: map[int]bool{}, reasons: map[string]int{}}
		if err := c.wheel(file); err != nil {
			log.Fatalf("%s: %v", file, err)
		}
		c.print(title(file))
		sum.kernels, sum.loads, sum.runs = sum.kernels+c.kernels, sum.loads+c.loads, sum.runs+c.runs
		sum.instructions, sum.differ = sum.instructions+c.instructions, sum.differ+c.differ
		for r, n := range c.reasons {
			sum.reasons[r] += n
		}
		maps.Copy(sum.archs, c.archs)
	}
	sum.print("all")
	for _, r := range slices.SortedFunc(maps.Keys(sum.reasons),
		func(a, b string) int { return sum.reasons[b] - sum.reasons[a] }) {
		fmt.Printf("%6d  %s\n", sum.reasons[r], r)
	}
}

func (c *counts) print(name string) {
	archs := strings.Trim(fmt.Sprint(slices.Sorted(maps.Keys(c.archs))), "[]")
	fmt.Printf("| %s | %s | %d | %d | %.2f %% | %d | %d | %d |\n", name, archs, c.kernels, c.loads,
		100*float64(c.loads)/float64(max(c.kernels, 1)), c.runs, c.instructions, c.differ)
}

// wheel tries every file of a package.
func (c *counts) wheel(file string) error {
	return eachCubin(file, func(name string) bool {
		return !strings.Contains(name, "cublas") || strings.Contains(name, "nocublas")
	}, func(arch int) bool { return arch >= first && arch <= last }, func(_ int, data []byte) {
		if isa.Linked(data) { // an object's kernels stand linked in another unit
			c.cubin(data)
		}
	})
}

// eachCubin calls take with the cubins, of architectures that fits says true of, in those files of a package that
// wanted says true of.
func eachCubin(file string, wanted func(name string) bool, fits func(arch int) bool,
	take func(arch int, data []byte)) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, ".py") || f.UncompressedSize64 < 4096 || !wanted(f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return err
		}
		for _, u := range fatbin.Find(data) {
			for i := range u {
				if u[i].Kind != fatbin.Cubin || !fits(u[i].Arch) {
					continue
				}
				e, err := u[i].Unpack()
				if err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
				take(u[i].Arch, e.Data)
			}
		}
	}
	return nil
}

// title is the name and the version of a package, from its file's name.
func title(file string) string {
	name, version, _ := strings.Cut(filepath.Base(file), "-")
	version, _, _ = strings.Cut(version, "-")
	return name + " " + version
}

var numbers = regexp.MustCompile(`kernel \S+ |/\*[0-9a-f]+\*/|0x[0-9a-f]+|\b\d+\b|\bR\d+\b|\[[^\]]*\]`)

// cubin tries every kernel of a cubin.
func (c *counts) cubin(data []byte) {
	names, err := isa.KernelNames(data)
	if err != nil {
		c.reasons[err.Error()]++
		return
	}
	c.kernels += len(names)
	cubin, err := isa.ReadCubin(data)
	if err != nil {
		c.reasons[short(err)] += len(names)
		return
	}
	c.archs[cubin.Arch] = true
	if cubin.GlobalBytes > 0 {
		if err := cubin.Link(1 << 40); err != nil {
			c.reasons[err.Error()] += len(names)
			return
		}
	}
	c.loads += len(names)
kernels:
	for i := range cubin.Kernels {
		k := &cubin.Kernels[i]
		if k.Flaw != nil {
			c.reasons[short(k.Flaw)]++
			if *verbose {
				log.Print(k.Flaw)
			}
			continue
		}
		for _, f := range k.Externs {
			if !slices.Contains(lower.SystemCalls, f) {
				c.reasons["calls "+f]++
				continue kernels
			}
		}
		if _, err := lower.Lower(&cubin.Code, k.Entry,
			lower.LowerConfig{Name: k.Name, Registers: k.Registers, End: k.Entry + k.Size, LineBytes: 128,
				ConstLineBytes: 64}); err != nil {
			c.reasons[short(err)]++
			if *verbose {
				log.Print(err)
			}
			continue
		}
		c.runs++
	}
	if *nvdisasm == "" {
		return
	}
	if err := c.compare(&cubin.Code); err != nil {
		log.Printf("%s: %v", names[0], err)
		c.differ++
	}
}

var line = regexp.MustCompile(`/\*([0-9a-f]+)\*/\s+(.*?)\s*;`)

// compare disassembles all sections both ways.
func (c *counts) compare(code *isa.Code) error {
	if len(code.Sections) == 0 {
		return nil
	}
	last := code.Sections[len(code.Sections)-1]
	end := last.Address + last.Size
	f, err := os.CreateTemp("", "wheels")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(code.Image[:end]); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	var out bytes.Buffer
	cmd := exec.Command(*nvdisasm, "-b", strings.ToUpper(strings.ReplaceAll(code.Family.Target, "_", "")), "-novliw",
		f.Name())
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("nvdisasm: %w", err)
	}
	theirs := map[uint32]string{}
	for text := range strings.Lines(out.String()) {
		if m := line.FindStringSubmatch(text); m != nil {
			pc, err := strconv.ParseUint(m[1], 16, 32)
			if err != nil {
				return err
			}
			theirs[uint32(pc)] = m[2]
		}
	}
	for i := range code.Family.Index(end) {
		pc := code.Family.PC(i)
		c.instructions++
		text := ""
		if in, err := code.Family.Decode(code.Word(pc), pc, code.Control(pc)); err == nil {
			text = strings.TrimSpace(in.String()) // nvdisasm too has a space behind some, which line leaves out
		}
		if t := theirs[pc]; t != text {
			if c.differ++; c.differ <= 10 {
				log.Printf("%s, %#x: %q; nvdisasm has %q", last.Name, pc, text, t)
			}
		}
	}
	return nil
}

// short leaves out of an error what differs from kernel to kernel.
func short(err error) string {
	text := err.Error()
	if m := relocation.FindStringSubmatch(text); m != nil {
		return "relocation of type " + m[1]
	}
	return numbers.ReplaceAllString(text, "")
}

var relocation = regexp.MustCompile(`relocation of type (\d+)`)
