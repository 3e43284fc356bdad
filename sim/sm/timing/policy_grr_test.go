package timing

import "testing"

// round goes on behind the slot that issued last, wraps, and takes that slot itself when it is the only one.
func TestRound(t *testing.T) {
	for _, c := range []struct {
		current int
		set     uint32
		want    int
	}{
		{-1, 0b1100, 2},
		{0, 0b1101, 2},
		{2, 0b1101, 3},
		{3, 0b1101, 0},
		{2, 0b0100, 2},
		{15, 1<<15 | 1<<4, 4},
		{14, 1<<15 | 1<<4, 15},
	} {
		s := scheduler{current: c.current}
		if got := s.round(c.set); got != c.want {
			t.Errorf("behind slot %d of the set %b: slot %d, want %d", c.current, c.set, got, c.want)
		}
	}
}
