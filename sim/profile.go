package sim

import (
	"slices"

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
