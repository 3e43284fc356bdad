package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"warpdrop/sim"
)

// Advice is something to try, with the figure that suggests it and how far that goes.
type Advice struct {
	Rule   string  `json:"rule"`
	Text   string  `json:"text"`
	Figure string  `json:"figure"` // what was measured
	Limit  string  `json:"limit"`  // where the advice does not hold
	Weight float64 `json:"weight"` // share of the launch that it is about, 0 … 1; the largest is said first
}

// rule looks for one fault.
type rule struct {
	name string
	look func(*Page, *sim.Result, *sim.GPU) (Advice, bool)
}

var rules = []rule{
	{"bank-conflicts", bankConflicts},
	{"uncoalesced", uncoalesced},
	{"spills", spills},
	{"tail", tail},
	{"divergence", divergence},
	{"bandwidth", bandwidth},
	{"latency", latency},
}

// advise asks every rule.
func advise(p *Page, r *sim.Result, g *sim.GPU) (out []Advice) {
	for _, x := range rules {
		if a, ok := x.look(p, r, g); ok {
			a.Rule = x.name
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b Advice) int { return cmp.Compare(b.Weight, a.Weight) })
	return out
}

// worst is the line with the most of something.
func worst(p *Page, of func(Line) float64) (Line, float64) {
	best, most := Line{}, 0.0
	for _, l := range p.Lines {
		if n := of(l); n > most {
			best, most = l, n
		}
	}
	return best, most
}

// bankConflicts: more than a quarter of the passes over the banks are repetitions.
func bankConflicts(p *Page, r *sim.Result, g *sim.GPU) (Advice, bool) {
	c := &r.Counters.SM
	if c.SharedPasses == 0 || 4*c.SharedBankConflicts < c.SharedPasses {
		return Advice{}, false
	}
	l, _ := worst(p, func(l Line) float64 { return float64(l.Conflicts) })
	ways := 1 + float64(l.Conflicts)/float64(max(l.Warps, 1))
	busy := float64(c.SharedBankConflicts*int64(g.SM.SharedPass)) / float64(max(r.Cycles, 1)*int64(g.SMs))
	return Advice{
		Text: fmt.Sprintf("Shared-memory bank conflicts: %s at 0x%s takes %.0f passes. Pad rows by one element "+
			"(33 columns in place of 32), or change which thread takes which element, so that 32 threads meet 32 "+
			"banks.", name(l.Text), l.Address, ways),
		Figure: fmt.Sprintf("%d of %d passes over the banks are conflicts; they keep the pipe busy for %.0f %% of the time",
			c.SharedBankConflicts, c.SharedPasses, 100*min(busy, 1)),
		Limit: "It pays as far as the shared-memory pipe is what the kernel waits for: see bank_conflict and shared in " +
			"the stalls.",
		Weight: min(busy, 1),
	}, true
}

// uncoalesced: an access touches many more sectors than its bytes need.
func uncoalesced(p *Page, r *sim.Result, g *sim.GPU) (Advice, bool) {
	global := func(l Line) bool {
		return strings.HasPrefix(name(l.Text), "LDG") || strings.HasPrefix(name(l.Text), "STG")
	}
	var wasted, all float64
	waste := func(l Line) float64 {
		if !global(l) {
			return 0
		}
		need := max(1, l.Lanes()*width(l.Text)/32)
		return max(0, l.PerAccess-need) * float64(l.Warps)
	}
	for _, l := range p.Lines {
		if global(l) {
			all += float64(l.Sectors)
			wasted += waste(l)
		}
	}
	if all == 0 || wasted < 0.4*all {
		return Advice{}, false
	}
	l, _ := worst(p, waste)
	return Advice{
		Text: fmt.Sprintf("Uncoalesced access: %s at 0x%s touches %.1f sectors of 32 bytes a warp where %.1f would do. "+
			"Let neighbouring threads take "+
			"neighbouring elements, or go through shared memory.", name(l.Text), l.Address, l.PerAccess,
			max(1, l.Lanes()*width(l.Text)/32)),
		Figure: fmt.Sprintf("%.0f %% of the sectors that loads and stores ask for hold nothing that the access uses",
			100*wasted/all),
		Limit:  "Sectors that other warps use before they leave the cache cost less than this says.",
		Weight: min(1, wasted/all) * max(share(p.Waits, "memory")+share(p.Waits, "memory_queue"), 0.3),
	}, true
}

// spills: local memory is used.
func spills(p *Page, r *sim.Result, g *sim.GPU) (Advice, bool) {
	var spilled, all int64
	var stalls float64
	for _, l := range p.Lines {
		all += l.Warps
		if n := name(l.Text); strings.HasPrefix(n, "LDL") || strings.HasPrefix(n, "STL") {
			spilled += l.Warps
			stalls += l.Share
		}
	}
	if spilled == 0 || spilled*50 < all {
		return Advice{}, false
	}
	part := float64(spilled) / float64(all)
	return Advice{
		Text: "Local memory: the compiler spills registers, or keeps an array that is indexed at run time. Give it more " +
			"registers (__launch_bounds__, " +
			"-maxrregcount), unroll so that indices are known, or use shared memory.",
		Figure: fmt.Sprintf("%d of %d warp instructions are LDL or STL (%.0f %%)", spilled, all, 100*part),
		Limit:  "More registers a thread mean fewer warps on an SM: see occupancy.",
		Weight: min(1, 3*part+stalls),
	}, true
}

// tail: the last wave of blocks leaves most SMs empty.
func tail(p *Page, r *sim.Result, g *sim.GPU) (Advice, bool) {
	idle := share(p.Issued, "no_warp")
	blocks, room := r.Grid.Count(), int64(max(r.BlocksPerSM*g.SMs, 1))
	if idle < 0.2 || blocks > 8*room {
		return Advice{}, false
	}
	text := fmt.Sprintf("A short grid: %d blocks on %d SMs. Smaller blocks or less work a block would fill the chip "+
		"evenly.", blocks, g.SMs)
	if blocks > room {
		text = fmt.Sprintf("A tail: %d blocks are %.2f waves of %d; while the last ones run, SMs stand idle. Blocks of "+
			"another size, or as many blocks as a "+
			"multiple of %d, avoid it.", blocks, float64(blocks)/float64(room), room, room)
	}
	return Advice{Text: text, Figure: fmt.Sprintf("schedulers had no warp for %.0f %% of the time", 100*idle),
		Limit: "Kernels of a few microseconds always show the chip filling and emptying.", Weight: idle}, true
}

// divergence: lanes are off.
func divergence(p *Page, r *sim.Result, g *sim.GPU) (Advice, bool) {
	c := &r.Counters
	lost := 1 - c.SIMTEfficiency()
	if c.SM.DivergentBranches == 0 || lost < 0.2 {
		return Advice{}, false
	}
	l, _ := worst(p, func(l Line) float64 { return (32 - l.Lanes()) * float64(l.Warps) })
	return Advice{
		Text: fmt.Sprintf("Divergence: threads of a warp take different ways, which run after one another; %s at 0x%s "+
			"runs with %.1f of 32 lanes. Sort the work so "+
			"that a warp decides alike, or skip whole rows or tiles instead of elements.", name(l.Text), l.Address, l.Lanes()),
		Figure: fmt.Sprintf("%d of %d branches diverged; %.0f %% of the lanes were off",
			c.SM.DivergentBranches, c.SM.Branches, 100*lost),
		Limit:  "Blocks whose size is no multiple of 32 and edges of a matrix have lanes off too.",
		Weight: lost,
	}, true
}

// bandwidth: DRAM is near its peak.
func bandwidth(p *Page, r *sim.Result, g *sim.GPU) (Advice, bool) {
	use := p.Roof.GBps / p.Roof.PeakGBps
	if use < 0.6 {
		return Advice{}, false
	}
	return Advice{
		Text: "Bound by DRAM: fewer bytes are the only way. Fuse kernels that read the same data, keep what is used " +
			"again in shared memory, use narrower types.",
		Figure: fmt.Sprintf("%.0f of %.0f GB/s (%.0f %%)", p.Roof.GBps, p.Roof.PeakGBps, 100*use),
		Limit:  "Copies do not reach the peak: about 85 % of it is the most.",
		Weight: use * 0.9,
	}, true
}

// latency: warps wait for memory, and neither arithmetic nor DRAM is near a bound.
func latency(p *Page, r *sim.Result, g *sim.GPU) (Advice, bool) {
	waits := share(p.Issued, "memory") + share(p.Issued, "shared") + share(p.Issued, "stall_count") +
		share(p.Issued, "variable_latency")
	if waits < 0.4 || p.Roof.GBps > 0.6*p.Roof.PeakGBps || share(p.Issued, "issued") > 0.5 {
		return Advice{}, false
	}
	l := p.Hottest(1)
	at := ""
	if len(l) > 0 {
		at = fmt.Sprintf(" Most of the waiting is before %s at 0x%s (%s).", name(l[0].Text), l[0].Address, l[0].Wait())
	}
	return Advice{
		Text: "Bound by latency: too few warps have something to issue. More independent work a thread (unrolling, " +
			"several accumulators), earlier loads, or more " +
			"warps an SM." + at,
		Figure: fmt.Sprintf("%.2f eligible warps a scheduler; occupancy %.0f %%, limited by %s",
			r.EligibleWarps(g), 100*r.AchievedOccupancy(g), r.Limit),
		Limit:  "Occupancy is no aim of its own: products run best with few warps and many registers.",
		Weight: waits * 0.5,
	}, true
}

// share is the part of that name.
func share(of []Share, name string) float64 {
	for _, s := range of {
		if s.Name == name {
			return s.Share
		}
	}
	return 0
}

// name is an instruction's name: the first word behind its guard.
func name(text string) string {
	words := strings.Fields(text)
	if len(words) > 1 && strings.HasPrefix(words[0], "@") {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// width is the bytes that a thread moves, as the instruction's name says.
func width(text string) float64 {
	for _, part := range strings.Split(name(text), ".") {
		switch part {
		case "U8", "S8":
			return 1
		case "U16", "S16":
			return 2
		case "64":
			return 8
		case "128":
			return 16
		}
	}
	return 4
}
