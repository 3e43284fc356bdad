package timing

// flights are the instructions that hold each of a warp's barriers. Only warps of programs with a DEPBAR that waits for
// a count above zero have them.
type flights [6]flight

// reset returns f without instructions, or nil if they are not wanted.
func (f *flights) reset(wanted bool) *flights {
	switch {
	case !wanted:
		return nil
	case f == nil:
		return &flights{}
	}
	for i := range f {
		f[i].at = f[i].at[:0]
	}
	return f
}

// flight is the instructions that hold one barrier, in order of issue. DEPBAR.LE SBb, n goes on when at most n of them
// are outstanding; the compiler takes them to be served in order, so all but the last n have to be done.
type flight struct {
	at    []int64 // release of each, Never while it is not known
	first uint32  // number of at[0]
}

// add appends an instruction that is done at cycle at and returns its number; those that were done before now are
// dropped.
func (f *flight) add(at, now int64) uint32 {
	n := 0
	for n < len(f.at) && f.at[n] <= now {
		n++
	}
	if n > 0 {
		f.at = f.at[:copy(f.at, f.at[n:])]
		f.first += uint32(n)
	}
	f.at = append(f.at, at)
	return f.first + uint32(len(f.at)) - 1
}

// land sets when instruction number i is done.
func (f *flight) land(i uint32, at int64) {
	if k := i - f.first; int(k) < len(f.at) {
		f.at[k] = at
	}
}

// atMost returns the first cycle at which no more than n are outstanding.
func (f *flight) atMost(n int) int64 {
	var at int64
	for i := 0; i < len(f.at)-n; i++ {
		at = max(at, f.at[i])
	}
	return at
}
