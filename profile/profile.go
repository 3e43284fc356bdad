// Package profile makes pages of one launch for people: what bounds it, where its cycles went, which instructions they
// were, and what that suggests. It reads a sim.Result that was made with Device.Profile and computes nothing of its
// own.
package profile

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"warpdrop/internal/codefile"
	"warpdrop/sim"
)

// Page is all that a profile page says.
type Page struct {
	Kernel  string           `json:"kernel"` // as the file has it
	GPU     string           `json:"gpu"`
	Grid    string           `json:"grid"`
	Block   string           `json:"block"`
	Facts   []Fact           `json:"facts"`
	Light   []Share          `json:"speed_of_light"` // share of each resource's peak, the largest first
	Roof    sim.Roofline     `json:"roofline"`
	Issued  []Share          `json:"scheduler_cycles"` // issued and stalls; they add up to 1
	Waits   []Share          `json:"warp_stalls"`      // of all warp cycles without issue
	Levels  []Level          `json:"memory"`
	Lines   []Line           `json:"instructions"`           // in the order of the code; what nothing executed is left out
	Sources []SourceLine     `json:"source_lines,omitempty"` // the longest waited for first; none: the code does not say
	Advice  []Advice         `json:"advice"`
	Against []Difference     `json:"against,omitempty"` // another run of this kernel
	Numbers map[string]int64 `json:"numbers"`           // for Compare
}

// Name is the kernel's as its source has it.
func (p *Page) Name() string { return codefile.Demangle(p.Kernel) }

// Fact is one line of the head.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Share is a part of a whole.
type Share struct {
	Name   string  `json:"name"`
	Share  float64 `json:"share"` // 0 … 1
	Text   string  `json:"text,omitempty"`
	Cycles int64   `json:"cycles,omitempty"` // that it is of, where it is one of cycles
}

// Percent is the share for a style attribute and a label.
func (s Share) Percent() string { return fmt.Sprintf("%.1f", 100*s.Share) }

// Level is a part of the memory system.
type Level struct {
	Name  string  `json:"name"`
	Bytes int64   `json:"bytes"`
	GBps  float64 `json:"gb_per_s"`
	Hit   float64 `json:"hit_rate"` // -1: it has none
}

// Path is the way between the SMs and a level, or from a level to the next: what passes, beside the path with most.
type Path struct {
	From, To string
	Text     string
	Percent  int // of the bytes of the path with most
}

// Paths are those of the memory chart.
func (p *Page) Paths() (out []Path) {
	var most int64 = 1
	for _, l := range p.Levels {
		most = max(most, l.Bytes)
	}
	from := "SMs"
	for _, l := range p.Levels {
		to := l.Name
		if l.Hit >= 0 {
			to += fmt.Sprintf(", %.0f %% hits", 100*l.Hit)
		}
		out = append(out, Path{from, to, fmt.Sprintf("%.2f MB, %.0f GB/s", float64(l.Bytes)/1e6, l.GBps),
			int(100 * l.Bytes / most)})
		if l.Hit >= 0 { // what lies behind a cache
			from = l.Name
		}
	}
	return out
}

// Line is one instruction.
type Line struct {
	Address   string  `json:"address"`
	Text      string  `json:"text"`
	Source    string  `json:"source,omitempty"` // "k.cu:12"
	Warps     int64   `json:"warps"`
	Threads   int64   `json:"threads"`
	Stalls    int64   `json:"stall_cycles"` // of warps, before this instruction
	Share     float64 `json:"stall_share"`  // of all of them
	Waits     []Share `json:"waits,omitempty"`
	Conflicts int64   `json:"conflicts"`
	Sectors   int64   `json:"sectors"`           // of 32 bytes of global or local memory
	PerAccess float64 `json:"sectors_an_access"` // of a warp's access to these
	Target    string  `json:"target,omitempty"`  // address that it branches to
}

// Lanes is the mean number of threads that took part.
func (l Line) Lanes() float64 { return float64(l.Threads) / float64(max(l.Warps, 1)) }

// Heat is the share of the stall cycles as a colour's strength, 0 … 100.
func (l Line) Heat() int { return min(int(100*l.Share*4), 100) }

// Wait is the main reason.
func (l Line) Wait() string {
	if len(l.Waits) == 0 {
		return ""
	}
	return fmt.Sprintf("%s %.0f %%", l.Waits[0].Name, 100*l.Waits[0].Share)
}

// SourceLine is a line of the source: the sums of the instructions that were compiled from it.
type SourceLine struct {
	Source       string  `json:"source"`         // "k.cu:12"
	Code         string  `json:"code,omitempty"` // what stands there, where the file was at hand (see Quote)
	Instructions int     `json:"instructions"`
	Warps        int64   `json:"warps"`
	Stalls       int64   `json:"stall_cycles"`
	Share        float64 `json:"stall_share"`
	Conflicts    int64   `json:"conflicts"`
	Hottest      string  `json:"hottest"` // address of the instruction that was waited for longest
}

// Difference is a figure of this run beside that of another.
type Difference struct {
	Name   string  `json:"name"`
	Now    int64   `json:"now"`
	Before int64   `json:"before"`
	Ratio  float64 `json:"ratio"` // now / before; 0 where before is 0
}

// New makes the page of a launch on g.
func New(r *sim.Result, g *sim.GPU) *Page {
	c := &r.Counters
	seconds := g.Seconds(max(r.Cycles, 1))
	p := &Page{Kernel: r.Kernel, GPU: g.Name, Grid: r.Grid.String(), Block: r.Block.String(), Roof: r.Roofline(g)}
	p.facts(r, g)
	for name, share := range r.UnitUtilization(g) {
		if share > 0.001 {
			p.Light = append(p.Light, Share{"unit: " + name, share, "busy", 0})
		}
	}
	band := c.Memory.Bandwidth(max(r.Cycles, 1), g.CoreMHz)
	m := &g.Memory
	p.Light = append(p.Light, peak("L1", band.L1, g.SMs*m.L1.Parts*m.L1.BytesPerClock, g),
		peak("L2", band.L2, m.DRAM.Channels*m.L2.SlicesPerChannel*m.L2.BytesPerClock, g),
		Share{"DRAM", p.Roof.GBps / p.Roof.PeakGBps,
			fmt.Sprintf("%.0f of %.0f GB/s", p.Roof.GBps, p.Roof.PeakGBps), 0},
		Share{"FP arithmetic", p.Roof.GFLOPS / p.Roof.PeakGFLOPS,
			fmt.Sprintf("%.0f of %.0f GFLOP/s", p.Roof.GFLOPS, p.Roof.PeakGFLOPS), 0},
		Share{"issue slots", float64(c.SM.IssueCycles) / float64(max(r.Cycles, 1)*int64(g.SMs*g.SM.Schedulers)),
			"schedulers that issued", 0})
	largest(p.Light)
	p.Issued = append(shares(c.Stalls(), c.SM.IssueCycles), Share{"issued", 0, "work", c.SM.IssueCycles})
	total := c.SM.IssueCycles
	for _, n := range c.Stalls() {
		total += n
	}
	p.Issued[len(p.Issued)-1].Share = float64(c.SM.IssueCycles) / float64(max(total, 1))
	largest(p.Issued)
	p.Waits = shares(c.WarpStalls(), 0)
	rates := c.Memory.Rates()
	shared := 128 * c.SM.SharedPasses
	p.Levels = []Level{
		{"shared memory", shared, float64(shared) / seconds / 1e9, -1},
		{"L1", c.Memory.L1Bytes(), band.L1, rates.L1Hit},
		{"L2", c.Memory.L2Bytes(), band.L2, rates.L2Hit},
		{"DRAM", c.Memory.DRAMBytes(), band.DRAM, -1},
	}
	p.lines(r)
	p.Numbers = map[string]int64{"kernel cycles": r.Cycles, "warp instructions": c.SM.WarpInstructions,
		"bank conflicts": c.SM.SharedBankConflicts, "divergent branches": c.SM.DivergentBranches,
		"sectors read": c.Memory.LoadSectors, "sectors written": c.Memory.StoreSectors, "DRAM bytes": c.Memory.DRAMBytes()}
	p.Advice = advise(p, r, g)
	return p
}

// peak is the share of a level's peak of so many bytes a core cycle.
func peak(name string, gbps float64, bytesPerClock int, g *sim.GPU) Share {
	most := float64(bytesPerClock) * g.CoreMHz / 1e3
	return Share{name, gbps / most, fmt.Sprintf("%.0f of %.0f GB/s", gbps, most), 0}
}

// Compare sets another run of a kernel beside this one.
func (p *Page) Compare(before *Page) {
	for _, name := range []string{"kernel cycles", "warp instructions", "bank conflicts", "divergent branches",
		"sectors read", "sectors written", "DRAM bytes"} {
		d := Difference{Name: name, Now: p.Numbers[name], Before: before.Numbers[name]}
		if d.Before != 0 {
			d.Ratio = float64(d.Now) / float64(d.Before)
		}
		p.Against = append(p.Against, d)
	}
}

func (p *Page) facts(r *sim.Result, g *sim.GPU) {
	c := &r.Counters
	warps := (r.Block.Count() + 31) / 32
	waves := float64(r.Grid.Count()) / float64(max(r.BlocksPerSM*g.SMs, 1))
	add := func(name, format string, args ...any) {
		p.Facts = append(p.Facts, Fact{name, fmt.Sprintf(format, args...)})
	}
	add("kernel cycles", "%d", r.Cycles)
	add("with launch", "%d cycles, %.2f µs at %g MHz", r.Cycles+r.OverheadCycles, r.TimeUS, g.CoreMHz)
	add("warp instructions", "%d, IPC %.2f", c.SM.WarpInstructions, r.IPC())
	add("occupancy", "%.1f %% achieved, %.1f %% possible: %d blocks of %d warps an SM, limited by %s",
		100*r.AchievedOccupancy(g), 100*float64(r.BlocksPerSM)*float64(warps)/float64(g.SM.WarpsPerSM), r.BlocksPerSM,
		warps, r.Limit)
	add("waves", "%.2f: %d blocks on %d SMs", waves, r.Grid.Count(), g.SMs)
	add("SIMT efficiency", "%.1f %%; %d of %d branches diverged", 100*c.SIMTEfficiency(), c.SM.DivergentBranches,
		c.SM.Branches)
	add("shared memory", "%d accesses, %d passes, %d of them bank conflicts", c.SM.SharedAccesses, c.SM.SharedPasses,
		c.SM.SharedBankConflicts)
	if e, ok := r.Energy(g); ok {
		add("energy (estimate)", "%.4g mJ, %.0f W", 1e3*e.Total(), e.Watts())
	}
}

// shares are the parts of counts and of what is counted beside them.
func shares(counts map[string]int64, beside int64) (out []Share) {
	total := beside
	for _, n := range counts {
		total += n
	}
	for name, n := range counts {
		if n > 0 {
			out = append(out, Share{name, float64(n) / float64(total), "", n})
		}
	}
	largest(out)
	return out
}

func largest(s []Share) {
	slices.SortFunc(s,
		func(a, b Share) int { return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Name, b.Name)) })
}

var (
	placed = regexp.MustCompile(`^/\*([0-9a-f]+)\*/ (.*)$`)
	branch = regexp.MustCompile(`^(?:@!?P\d )?(?:BRA|SSY|PBK|PCNT|CAL|JCAL)\S* .*?0x([0-9a-f]+)`)
)

func (p *Page) lines(r *sim.Result) {
	if r.Profile == nil {
		return
	}
	reasons := sim.StallReasons()
	var all int64
	for _, l := range r.Profile.Lines {
		for _, n := range l.Stalls {
			all += n
		}
	}
	for _, l := range r.Profile.Lines {
		line := Line{Text: l.Text, Source: l.Source, Warps: l.Warps, Threads: l.Threads, Conflicts: l.Conflicts,
			Sectors: l.Sectors, PerAccess: float64(l.Sectors) / float64(l.Warps)}
		if m := placed.FindStringSubmatch(l.Text); m != nil {
			line.Address, line.Text = m[1], m[2]
		}
		if m := branch.FindStringSubmatch(line.Text); m != nil {
			at, _ := strconv.ParseUint(m[1], 16, 64)
			line.Target = fmt.Sprintf("%04x", at)
		}
		waits := map[string]int64{}
		for i, n := range l.Stalls {
			waits[reasons[i]] += n
			line.Stalls += n
		}
		line.Share = float64(line.Stalls) / float64(max(all, 1))
		line.Waits = shares(waits, 0)
		p.Lines = append(p.Lines, line)
	}
	p.sources()
}

// sources adds instructions up by the line that they were compiled from.
func (p *Page) sources() {
	place, most := map[string]int{}, map[string]int64{}
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Source == "" {
			continue
		}
		k, ok := place[l.Source]
		if !ok {
			k = len(p.Sources)
			place[l.Source], most[l.Source] = k, -1
			p.Sources = append(p.Sources, SourceLine{Source: l.Source})
		}
		s := &p.Sources[k]
		s.Instructions++
		s.Warps += l.Warps
		s.Stalls += l.Stalls
		s.Share += l.Share
		s.Conflicts += l.Conflicts
		if l.Stalls > most[l.Source] {
			most[l.Source], s.Hottest = l.Stalls, l.Address
		}
	}
	slices.SortStableFunc(p.Sources, func(a, b SourceLine) int { return cmp.Compare(b.Stalls, a.Stalls) })
}

// Quote adds what stands in the lines of the source. The files are by their names without folders; others are not read:
// a line table of a stranger's file may name any.
func (p *Page) Quote(files map[string][]byte) {
	const most = 72 // letters of a line
	lines := map[string][]string{}
	for name, data := range files {
		lines[name] = strings.Split(strings.ToValidUTF8(string(data), "?"), "\n")
	}
	for i := range p.Sources {
		s := &p.Sources[i]
		at := strings.LastIndex(s.Source, ":")
		if at < 0 {
			continue
		}
		n, err := strconv.Atoi(s.Source[at+1:])
		if text := lines[s.Source[:at]]; err == nil && n >= 1 && n <= len(text) {
			s.Code = strings.Join(strings.Fields(text[n-1]), " ")
			if r := []rune(s.Code); len(r) > most {
				s.Code = string(r[:most-1]) + "…"
			}
		}
	}
}

// CodeOf is what stands in a line of the source, "" where it is not known.
func (p *Page) CodeOf(source string) string {
	for _, s := range p.Sources {
		if s.Source == source {
			return s.Code
		}
	}
	return ""
}

// HottestSources are the n lines of the source that warps waited longest before.
func (p *Page) HottestSources(n int) []SourceLine { return p.Sources[:min(n, len(p.Sources))] }

// Hottest are the n instructions that warps waited longest before.
func (p *Page) Hottest(n int) []Line { return p.sorted(Orders[0])[:min(n, len(p.Lines))] }
