package sim

import (
	"fmt"
	"slices"
	"strings"

	"warpdrop/sim/sm/timing"
)

// Profile is the counts of one launch by instruction, in the order of the code. Instructions that nothing executed are
// not in it.
type Profile struct {
	Lines []ProfileLine
}

// ProfileLine is one instruction.
type ProfileLine struct {
	// as disassemblers print it, behind its byte offset in the kernel's section: "/*0008*/ MOV R1, c[0x0][0x20]"
	Text      string
	Warps     int64   // executions by warps
	Threads   int64   // executions by threads whose guard holds
	Conflicts int64   // shared-memory passes beyond those that an access without bank conflicts needs
	Sectors   int64   // 32-byte sectors that global and local accesses touched
	Source    string  // the line that it was compiled from, "k.cu:12"; "" where the file does not say
	Stalls    []int64 // warp cycles without issue before it, by what the warp waited for: see StallReasons
}

// StallReasons are what a warp can wait for, in the order of ProfileLine.Stalls.
func StallReasons() []string { return slices.Clone(timing.ReasonNames[:]) }

func newProfile(f *timing.Profile) *Profile {
	p := &Profile{}
	for i, warps := range f.Warps {
		if warps != 0 {
			l := ProfileLine{Text: f.Prog.Text(int32(i)), Warps: warps, Threads: f.Threads[i], Conflicts: f.Conflicts[i],
				Sectors: f.Sectors[i], Stalls: slices.Clone(f.Stalls[i][:])}
			if s, ok := f.Prog.Source(int32(i)); ok {
				l.Source = s.String()
			}
			p.Lines = append(p.Lines, l)
		}
	}
	return p
}

// Total is the sum of all lines.
func (p *Profile) Total() ProfileLine {
	sum := ProfileLine{Text: "all", Stalls: make([]int64, len(timing.ReasonNames))}
	for _, l := range p.Lines {
		sum.Warps += l.Warps
		sum.Threads += l.Threads
		sum.Conflicts += l.Conflicts
		sum.Sectors += l.Sectors
		for i, n := range l.Stalls {
			sum.Stalls[i] += n
		}
	}
	return sum
}

// ProfileListing returns a profiled launch's instructions with their counts: executions by warps and by threads, passes
// of shared-memory bank conflicts, and the warp cycles without issue before the instruction, all and by what the warp
// waited for. A last line has the sums.
func ProfileListing(r *Result) string {
	total := r.Profile.Total()
	var reasons []int
	for i, n := range total.Stalls {
		if n > 0 {
			reasons = append(reasons, i)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%12s %14s %10s %14s", "warps", "threads", "conflicts", "stall_cycles")
	for _, i := range reasons {
		fmt.Fprintf(&b, " %*s", width(i), timing.ReasonNames[i])
	}
	b.WriteString("  instruction\n")
	for _, l := range append(slices.Clone(r.Profile.Lines), total) {
		var all int64
		for _, n := range l.Stalls {
			all += n
		}
		fmt.Fprintf(&b, "%12d %14d %10d %14d", l.Warps, l.Threads, l.Conflicts, all)
		for _, i := range reasons {
			if l.Stalls[i] == 0 {
				fmt.Fprintf(&b, " %*s", width(i), ".")
				continue
			}
			fmt.Fprintf(&b, " %*d", width(i), l.Stalls[i])
		}
		b.WriteString("  " + l.Text)
		if l.Source != "" {
			b.WriteString("  // " + l.Source)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// width of a reason's column.
func width(reason int) int { return max(len(timing.ReasonNames[reason]), 11) }
