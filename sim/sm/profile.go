package sm

import "math/bits"

// Profile counts by instruction; one belongs to one SM and one Program. Its slices are indexed like Program.Ops.
type Profile struct {
	Prog      *Program
	Warps     []int64 // warp instructions issued
	Threads   []int64 // the same times threads whose guard holds
	Stalls    []int64 // warp cycles between the previous issue of the warp and this one's
	Conflicts []int64 // shared-memory passes beyond the minimum
}

// NewProfile returns an empty profile of p.
func NewProfile(p *Program) *Profile {
	n := len(p.Ops)
	return &Profile{Prog: p, Warps: make([]int64, n), Threads: make([]int64, n), Stalls: make([]int64, n), Conflicts: make([]int64, n)}
}

func (f *Profile) count(pc int32, stall int64, mask uint32) {
	f.Warps[pc]++
	f.Threads[pc] += int64(bits.OnesCount32(mask))
	f.Stalls[pc] += max(stall, 0)
}

// Add adds the counts of g, a profile of the same program, to f.
func (f *Profile) Add(g *Profile) {
	for i := range f.Warps {
		f.Warps[i] += g.Warps[i]
		f.Threads[i] += g.Threads[i]
		f.Stalls[i] += g.Stalls[i]
		f.Conflicts[i] += g.Conflicts[i]
	}
}
