package profile

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"warpdrop/sim"
)

// launch runs a kernel of testdata/faults.cubin on n x n floats with the profile on.
func launch(t *testing.T, kernel string, grid, block sim.Dim3, n int32) (*sim.Result, *sim.GPU) {
	t.Helper()
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	dev.Profile = true
	cubin, err := os.ReadFile("testdata/faults.cubin")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := dev.LoadModule(cubin)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mod.Kernel(kernel)
	if err != nil {
		t.Fatal(err)
	}
	var buffers [2]sim.Ptr
	for i := range buffers {
		if buffers[i], err = dev.Malloc(4 * 512 * 512); err != nil {
			t.Fatal(err)
		}
	}
	r, err := dev.Launch(t.Context(), k, sim.LaunchConfig{Grid: grid, Block: block}, sim.PtrArg(buffers[0]),
		sim.PtrArg(buffers[1]), sim.I32(n))
	if err != nil {
		t.Fatal(err)
	}
	return r, gpu
}

// The first advice names the fault that a kernel has, and no rule finds it in its healthy twin.
func TestAdvice(t *testing.T) {
	tile := sim.Dim3{X: 32, Y: 8}
	line := sim.Dim3{X: 256}
	for _, c := range []struct {
		rule           string
		faulty         string
		grid, block    sim.Dim3
		n              int32
		healthy        string
		healthyGrid    sim.Dim3
		healthyBlock   sim.Dim3
		healthyN       int32
		first, nowhere string // in the text of the advice
	}{
		{"bank-conflicts", "transpose_conflicts", sim.Dim3{X: 16, Y: 16}, tile, 512, "transpose_padded",
			sim.Dim3{X: 16, Y: 16}, tile, 512, "LDS", "bank"},
		{"uncoalesced", "copy_strided", sim.Dim3{X: 1024}, line, 512, "copy_coalesced", sim.Dim3{X: 1024}, line, 512,
			"32.0 sectors", "Uncoalesced"},
		{"spills", "local_array", sim.Dim3{X: 224}, line, 7, "register_array", sim.Dim3{X: 224}, line, 7, "Local memory",
			"Local memory"},
		{"tail", "register_array", sim.Dim3{X: 60}, sim.Dim3{X: 1024}, 400, "register_array", sim.Dim3{X: 56},
			sim.Dim3{X: 1024}, 400, "A tail", "A tail"},
		{"divergence", "divergent", sim.Dim3{X: 224}, line, 100, "register_array", sim.Dim3{X: 224}, line, 100, "Divergence",
			"Divergence"},
	} {
		r, g := launch(t, c.faulty, c.grid, c.block, c.n)
		p := New(r, g)
		if len(p.Advice) == 0 || p.Advice[0].Rule != c.rule || !strings.Contains(p.Advice[0].Text, c.first) {
			t.Errorf("%s: advice %+v; the first is to be %s", c.faulty, p.Advice, c.rule)
		}
		r, g = launch(t, c.healthy, c.healthyGrid, c.healthyBlock, c.healthyN)
		for _, a := range New(r, g).Advice {
			if a.Rule == c.rule || strings.Contains(a.Text, c.nowhere) {
				t.Errorf("%s: %+v, which it has not", c.healthy, a)
			}
		}
	}
}

// What the page says adds up, against the counters.
func TestPage(t *testing.T) {
	r, g := launch(t, "transpose_conflicts", sim.Dim3{X: 16, Y: 16}, sim.Dim3{X: 32, Y: 8}, 512)
	p := New(r, g)
	sum := func(s []Share) (total float64) {
		for _, x := range s {
			total += x.Share
		}
		return total
	}
	if got := sum(p.Issued); math.Abs(got-1) > 1e-9 {
		t.Errorf("scheduler cycles add up to %g", got)
	}
	if got := sum(p.Waits); math.Abs(got-1) > 1e-9 {
		t.Errorf("waits add up to %g", got)
	}
	var warps, conflicts int64
	var sectors int64
	var share float64
	for _, l := range p.Lines {
		warps += l.Warps
		conflicts += l.Conflicts
		sectors += l.Sectors
		share += l.Share
	}
	c := &r.Counters
	if warps != c.SM.WarpInstructions || conflicts != c.SM.SharedBankConflicts ||
		sectors != c.Memory.LoadSectors+c.Memory.StoreSectors || math.Abs(share-1) > 1e-9 {
		t.Errorf("lines have %d warps, %d conflicts, %d sectors, %g of the stalls; counters %+v",
			warps, conflicts, sectors, share, c)
	}
	// 1 MiB is read and 1 MiB written; L2 moves 64 bytes a clock in each of 22 slices (preset).
	light := p.Light[slices.IndexFunc(p.Light, func(s Share) bool { return s.Name == "L2" })]
	if want := float64(2<<20) / float64(22*64*r.Cycles); math.Abs(light.Share-want) > 1e-9 {
		t.Errorf("L2 at %g of its peak, want %g", light.Share, want)
	}
	var paths []string
	for _, path := range p.Paths() {
		paths = append(paths, path.From+" > "+path.To)
	}
	const want = "SMs > shared memory; SMs > L1, 0 % hits; L1 > L2, 0 % hits; L2 > DRAM"
	if got := strings.Join(paths, "; "); got != want {
		t.Errorf("paths %s", got)
	}
	// 512 x 512 floats by tiles of 32: each of 8 loads and stores of a warp touches 4 sectors; 31 conflicts a column read.
	if want := int64(16 * 16 * 8 * 4 * 31); conflicts != want {
		t.Errorf("%d conflicts, want %d", conflicts, want)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	before := new(Page)
	if err := json.Unmarshal(data, before); err != nil {
		t.Fatal(err)
	}
	p.Compare(before)
	if len(p.Against) == 0 || p.Against[0].Name != "kernel cycles" || p.Against[0].Ratio != 1 {
		t.Errorf("against itself: %+v", p.Against)
	}
	html, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := New(r, g).HTML()
	if !bytes.Contains(html, []byte("Against the other run")) || bytes.Contains(again, []byte("Against the other run")) {
		t.Error("the comparison is on the wrong page")
	}
	for _, want := range []string{"transpose_conflicts", "LDS.U.32", "bank conflicts", "<svg", "limited by warp slots"} {
		if !bytes.Contains(html, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, outside := range []string{"http://", "https://", "src="} {
		if bytes.Contains(html, []byte(outside)) {
			t.Errorf("the page needs %s", outside)
		}
	}
}

// A page and a text show a C++ name as its source has it; JSON and CSV keep that of the file.
func TestName(t *testing.T) {
	p := New(launch(t, "register_array", sim.Dim3{X: 1}, sim.Dim3{X: 32}, 1))
	p.Kernel = "_Z11transpose32PKfPfii"
	html, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := CSV(&table, p); err != nil {
		t.Fatal(err)
	}
	const source = "transpose32(float const*, float*, int, int)"
	if !strings.Contains(string(html), "<h1>"+source+"</h1>") || !strings.HasPrefix(p.Text(80), source+" on") ||
		!strings.HasPrefix(p.Listing("", 80), source+" on") || !strings.Contains(table.String(), "\n"+p.Kernel+",") {
		t.Errorf("%.300s\n%.100s\n%.100s\n%.300s", html, p.Text(80), p.Listing("", 80), table.String())
	}
}

// Text keeps to its width, in any order; the hottest instruction is first, and no order loses a line.
func TestListing(t *testing.T) {
	for _, c := range []struct {
		kernel string
		block  sim.Dim3
		column string // that the kernel's fault makes
	}{{"transpose_conflicts", sim.Dim3{X: 32, Y: 8}, "conflicts"}, {"copy_strided", sim.Dim3{X: 256}, "sectors/access"},
		{"divergent", sim.Dim3{X: 256}, "lanes"}} {
		p := New(launch(t, c.kernel, sim.Dim3{X: 8, Y: 8}, c.block, 64))
		for _, width := range []int{40, 80, 160} {
			for line := range strings.SplitSeq(p.Text(width)+p.Listing("", width)+p.Listing("address", width), "\n") {
				if n := runewidth.StringWidth(line); n > width {
					t.Errorf("%d columns, want at most %d: %s", n, width, line)
				}
			}
		}
		if text := p.Listing("", 160); !strings.Contains(text, " "+c.column+" ") {
			t.Errorf("%s: no column %s:\n%s", c.kernel, c.column, text)
		}
		for _, order := range Orders {
			_, rows, _ := strings.Cut(p.Listing(order, 160), "\n\n")
			lines := strings.Split(strings.TrimSpace(rows), "\n")[1:]
			if len(lines) != len(p.Lines) {
				t.Fatalf("%s by %s: %d lines of %d", c.kernel, order, len(lines), len(p.Lines))
			}
			best := slices.MaxFunc(p.Lines, func(a, b Line) int {
				switch order {
				case "address":
					return strings.Compare(b.Address, a.Address)
				case "warps":
					return cmp.Compare(a.Warps, b.Warps)
				case "conflicts":
					return cmp.Compare(a.Conflicts, b.Conflicts)
				case "sectors":
					return cmp.Compare(a.PerAccess, b.PerAccess)
				}
				return cmp.Compare(a.Stalls, b.Stalls)
			})
			if !strings.Contains(lines[0], "  "+best.Address+"  "+best.Text) {
				t.Errorf("%s by %s begins with %q, not %s", c.kernel, order, lines[0], best.Address)
			}
		}
	}
}

// Nothing is lost in CSV and JSON: what they say of instructions adds up to the launch's counters.
func TestEveryCount(t *testing.T) {
	r, g := launch(t, "transpose_conflicts", sim.Dim3{X: 16, Y: 16}, sim.Dim3{X: 32, Y: 8}, 512)
	want := r.Counters.WarpStalls()
	maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
	want["warps"], want["conflicts"] = r.Counters.SM.WarpInstructions, r.Counters.SM.SharedBankConflicts
	want["sectors"] = r.Counters.Memory.LoadSectors + r.Counters.Memory.StoreSectors
	want["threads"] = r.Counters.SM.PredicatedInstructions
	p := New(r, g)
	var table, object bytes.Buffer
	if err := CSV(&table, p, p); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != 1+2*len(p.Lines) {
		t.Fatalf("%d rows of %d instructions twice (%v)", len(rows), len(p.Lines), err)
	}
	got := map[string]int64{}
	for _, row := range rows[1 : 1+len(p.Lines)] {
		for i, name := range rows[0] {
			n, err := strconv.ParseInt(row[i], 10, 64)
			if err == nil && n > 0 && name != "address" && name != "stall_cycles" {
				got[name] += n
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("CSV adds up to %v, want %v", got, want)
	}
	if err := json.NewEncoder(&object).Encode(p); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Instructions []struct {
			Warps, Threads, Conflicts, Sectors int64
			Waits                              []struct {
				Name   string
				Cycles int64
			}
		}
	}
	if err := json.Unmarshal(object.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	got = map[string]int64{}
	for _, l := range back.Instructions {
		got["warps"] += l.Warps
		got["threads"] += l.Threads
		got["conflicts"] += l.Conflicts
		got["sectors"] += l.Sectors
		for _, w := range l.Waits {
			got[w.Name] += w.Cycles
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("JSON adds up to %v, want %v", got, want)
	}
}

// The ending of the file's name says the form; what cannot be written is refused before.
func TestOutput(t *testing.T) {
	p := New(launch(t, "register_array", sim.Dim3{X: 1}, sim.Dim3{X: 32}, 1))
	for _, c := range []struct {
		out   Output
		begin string
	}{
		{Output{File: "a.html"}, "<!doctype html>"}, {Output{File: "a.json"}, "{\n"},
		{Output{File: "a.csv"}, "kernel,address"},
		{Output{File: "a.txt"}, "register_array on"}, {Output{File: "a"}, "register_array on"},
		{Output{File: "a", Whole: true}, "<!doctype html>"}, {Output{File: "a.json", Several: true}, "[\n"},
	} {
		if err := c.out.Check(); err != nil {
			t.Error(err)
		}
		name := filepath.Join(t.TempDir(), c.out.File)
		c.out.File = name
		if err := c.out.Write(nil, p); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(text, []byte(c.begin)) {
			t.Errorf("%+v: %.60q, want %q (%v)", c.out, text, c.begin, err)
		}
	}
	for want, out := range map[string]Output{
		"allowed is stalls, address, warps, conflicts, sectors": {File: "-", Order: "heat"},
		"39 columns; allowed is 40 and up":                      {File: "-", Width: 39},
		"a.html: a page has one launch":                         {File: "a.html", Several: true},
	} {
		if err := out.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", out, err, want)
		}
	}
}

// Limit names what keeps more blocks from an SM.
func TestLimit(t *testing.T) {
	for _, c := range []struct {
		kernel string
		block  sim.Dim3
		want   string
	}{{"copy_coalesced", sim.Dim3{X: 32}, "block slots"}, {"copy_coalesced", sim.Dim3{X: 256}, "warp slots"}} {
		if r, _ := launch(t, c.kernel, sim.Dim3{X: 8}, c.block, 4); r.Limit != c.want {
			t.Errorf("%s in blocks of %v: limited by %s, want %s", c.kernel, c.block, r.Limit, c.want)
		}
	}
}

// Lines of the source add up the instructions that were compiled from them, on the page and in the text.
func TestSources(t *testing.T) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	dev.Profile = true
	cubin, err := os.ReadFile("../sim/isa/testdata/lines.cubin")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := dev.LoadModule(cubin)
	if err != nil {
		t.Fatal(err)
	}
	k, err := mod.Kernel("called")
	if err != nil {
		t.Fatal(err)
	}
	buffer, err := dev.Malloc(256)
	if err != nil {
		t.Fatal(err)
	}
	r, err := dev.Launch(t.Context(), k, sim.LaunchConfig{Grid: sim.Dim3{X: 1}, Block: sim.Dim3{X: 64}},
		sim.PtrArg(buffer), sim.I32(100))
	if err != nil {
		t.Fatal(err)
	}
	p := New(r, gpu)
	var warps, stalls int64
	instructions := 0
	for _, s := range p.Sources {
		warps += s.Warps
		stalls += s.Stalls
		instructions += s.Instructions
	}
	var all int64
	for _, l := range p.Lines {
		all += l.Stalls
	}
	if warps != r.Counters.SM.WarpInstructions || instructions != len(p.Lines) || stalls != all {
		t.Errorf("%d warp instructions, %d instructions, %d stall cycles of %d, %d and %d", warps, instructions, stalls,
			r.Counters.SM.WarpInstructions, len(p.Lines), all)
	}
	// 100 rounds of the loop are most of it.
	if p.Sources[0].Source != "lines.cu:7" || p.Sources[0].Share < 0.5 {
		t.Errorf("the hottest line is %+v", p.Sources[0])
	}
	html, err := p.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{string(html), p.Text(80)} {
		if !strings.Contains(page, "Hottest lines of the source") || strings.Count(page, "lines.cu:7") < 3 {
			t.Error("the page lacks the source's lines")
		}
	}
	plain, g := launch(t, "register_array", sim.Dim3{X: 1}, sim.Dim3{X: 32}, 1)
	html, err = New(plain, g).HTML()
	if err != nil || strings.Contains(string(html), "source</button>") ||
		strings.Contains(string(html), "lines of the source") {
		t.Errorf("a page without lines speaks of them (%v)", err)
	}
}

// Lines of the source are quoted where the file is given, cut to a bearable length.
func TestQuote(t *testing.T) {
	p := &Page{Sources: []SourceLine{{Source: "k.cu:2"}, {Source: "k.cu:9"}, {Source: "other.h:1"}, {Source: "k.cu:3"}}}
	p.Quote(map[string][]byte{"k.cu": []byte("first\n\tout[i] =  in[i];\n" + strings.Repeat("x", 100) + "\n")})
	if got := p.CodeOf("k.cu:2"); got != "out[i] = in[i];" {
		t.Errorf("line 2 is %q", got)
	}
	if p.CodeOf("k.cu:9") != "" || p.CodeOf("other.h:1") != "" || p.CodeOf("none") != "" {
		t.Errorf("lines that are not there: %+v", p.Sources)
	}
	if got := p.CodeOf("k.cu:3"); len([]rune(got)) != 72 || !strings.HasSuffix(got, "…") {
		t.Errorf("a long line: %q", got)
	}
}
