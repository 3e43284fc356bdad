package driver

import "regexp"

// Selection says which launches are timed. The others run for their values, which takes a fraction of the time.
type Selection struct {
	None    bool           // no launch is
	Kernels *regexp.Regexp // only kernels whose names match; nil = all
	Skip    int            // launches of those that are not timed yet
	Count   int            // launches of those that are; 0 = all
	Sampled bool           // of those, the first waves of blocks are timed and the result is extended

	seen int // launches of those so far
}

// sampledWaves is how many waves of blocks a sampled launch is timed for.
const sampledWaves = 6

// next reports whether the next launch, of this kernel, is timed.
func (s *Selection) next(kernel string) bool {
	if s.None || s.Kernels != nil && !s.Kernels.MatchString(kernel) {
		return false
	}
	s.seen++
	return s.seen > s.Skip && (s.Count == 0 || s.seen-s.Skip <= s.Count)
}
