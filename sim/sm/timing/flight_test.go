package timing

import (
	"math/rand/v2"
	"testing"
)

// TestFlight compares atMost with its definition: the first cycle at which all but the last n instructions are done.
func TestFlight(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var f flight
	var all []int64
	var numbers []uint32
	now := int64(0)
	for range 5000 {
		now += int64(r.IntN(8))
		if k := r.IntN(len(all) + 1); k < len(all) && all[k] == Never {
			all[k] = now + int64(r.IntN(100))
			f.land(numbers[k], all[k])
		}
		at := now + int64(r.IntN(200))
		if r.IntN(2) == 0 {
			at = Never
		}
		all = append(all, at)
		numbers = append(numbers, f.add(at, now))
		for n := range 5 {
			want := now
			for _, at := range all[:max(len(all)-n, 0)] {
				want = max(want, at)
			}
			if got := max(f.atMost(n), now); got != want {
				t.Fatalf("at most %d of %d outstanding: from cycle %d, want %d", n, len(all), got, want)
			}
		}
	}
}
