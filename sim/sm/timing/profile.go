package timing

import "warpdrop/sim/sm/lower"

// Profile counts by instruction; one belongs to one SM and one Program. Its slices are indexed like Program.Ops.
type Profile struct {
	Prog      *lower.Program
	Warps     []int64             // warp instructions issued
	Threads   []int64             // the same times threads whose guard holds
	Stalls    [][NumReasons]int64 // warp cycles without issue before this instruction, by what the warp waited for
	Conflicts []int64             // shared-memory passes beyond the minimum
	Sectors   []int64             // 32-byte sectors that global and local accesses touched
}

// NewProfile returns an empty profile of p.
func NewProfile(p *lower.Program) *Profile {
	n := len(p.Ops)
	return &Profile{Prog: p, Warps: make([]int64, n), Threads: make([]int64, n), Stalls: make([][NumReasons]int64, n),
		Conflicts: make([]int64, n), Sectors: make([]int64, n)}
}

// Add adds the counts of g, a profile of the same program, to f.
func (f *Profile) Add(g *Profile) {
	for i := range f.Warps {
		f.Warps[i] += g.Warps[i]
		f.Threads[i] += g.Threads[i]
		f.Conflicts[i] += g.Conflicts[i]
		f.Sectors[i] += g.Sectors[i]
		for r, n := range g.Stalls[i] {
			f.Stalls[i][r] += n
		}
	}
}

// Total returns the stall cycles by reason, all instructions together.
func (f *Profile) Total() (total [NumReasons]int64) {
	for i := range f.Stalls {
		for r, n := range f.Stalls[i] {
			total[r] += n
		}
	}
	return total
}
