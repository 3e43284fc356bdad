package profile

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

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
	var sectors, share float64
	for _, l := range p.Lines {
		warps += l.Warps
		conflicts += l.Conflicts
		sectors += l.Sectors * float64(l.Warps)
		share += l.Share
	}
	c := &r.Counters
	if warps != c.SM.WarpInstructions || conflicts != c.SM.SharedBankConflicts ||
		int64(sectors+0.5) != c.Memory.LoadSectors+c.Memory.StoreSectors || math.Abs(share-1) > 1e-9 {
		t.Errorf("lines have %d warps, %d conflicts, %g sectors, %g of the stalls; counters %+v",
			warps, conflicts, sectors, share, c)
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
	for line := range strings.SplitSeq(p.Text(), "\n") {
		if !strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "  ") && utf8.RuneCountInString(line) > 120 {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
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
	for _, page := range []string{string(html), p.Text()} {
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
