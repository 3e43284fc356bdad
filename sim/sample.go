package sim

import (
	"fmt"
	"math"
	"reflect"

	"gonum.org/v1/gonum/stat/distuv"

	"warpdrop/sim/memory"
)

// SamplingVersion names how a launch is extended from its first waves, and its error stated; it is part of the name
// that stored results of sampled launches have.
const SamplingVersion = "2"

// MaxWaves is how far LaunchConfig.Within lengthens a sample; a range that is left then is the kernel's own.
const MaxWaves = 64

// MinWaves is the fewest waves of LaunchConfig.Waves: the first warms up, the last runs out, and the stated error rests
// on those between.
const MinWaves = 4

// Sample says which blocks of a launch were simulated and how its cycles follow from theirs. A wave is as many blocks
// as the whole chip holds at once. The first Waves waves of the grid are simulated, and behind them as many blocks as
// the grid has beyond whole waves, so that its end is simulated too. The waves left out take the mean of the later
// ones, those in which L2 is filled.
type Sample struct {
	Waves  int     `json:"waves"`
	Wave   int64   `json:"wave_blocks"`
	Blocks int64   `json:"blocks"` // simulated
	Total  int64   `json:"total_blocks"`
	Cycles int64   `json:"cycles"` // simulated
	Error  float64 `json:"error"`  // of Result.Cycles, a share: Spread and Unwritten together
	// Spread is the 95 % confidence interval (Student's t) of the mean of the waves that it is of, for all that are
	// left out. Two waves, all that a sample of four has, may be alike by chance: theirs is 12.7 standard errors wide.
	Spread float64 `json:"error_spread"`
	// Unwritten is what DRAM would take at its peak to write what these waves left in L2, for all waves that are left out:
	// a bound of what a longer run adds once L2 holds no more.
	Unwritten float64 `json:"error_unwritten"`
}

// String is the label that sampled results carry.
func (s *Sample) String() string {
	return fmt.Sprintf("sampled: %d of %d blocks (%d waves of %d), the rest extended, +-%.1f %%",
		s.Blocks, s.Total, s.Waves, s.Wave, 100*s.Error)
}

// Share is the share of the launch's blocks that were simulated: 1 of no sample.
func (s *Sample) Share() float64 {
	if s == nil {
		return 1
	}
	return float64(s.Blocks) / float64(s.Total)
}

// sample cuts the grid down to its first waves, where that leaves any blocks out; perSM is the blocks that an SM holds.
func (g *grid) sample(cfg *LaunchConfig, perSM, sms int) error {
	switch {
	case !(cfg.Within >= 0 && cfg.Within < 1) || cfg.Within > 0 && cfg.Waves == 0:
		return fmt.Errorf("%d waves, and more until the stated error is within %g; allowed is a share below 1, "+
			"of a launch with waves", cfg.Waves, cfg.Within)
	case cfg.Waves == 0:
		return nil
	case cfg.Waves < MinWaves:
		return fmt.Errorf("%d waves; a sample has at least %d, and 0 simulates all blocks", cfg.Waves, MinWaves)
	}
	g.within = cfg.Within
	g.sampled = &Sample{Wave: int64(perSM) * int64(sms), Total: g.total}
	g.lengthen(cfg.Waves)
	return nil
}

// lengthen has a sampled launch simulate so many waves, or all blocks where the grid has no more.
func (g *grid) lengthen(waves int) {
	s := g.sampled
	s.Waves, s.Blocks = waves, int64(waves)*s.Wave+s.Total%s.Wave
	g.total = s.Blocks
	if s.Blocks >= s.Total {
		g.total, g.sampled = s.Total, nil
	}
}

// mark is where the memory system stood when so many whole waves had finished.
type mark struct {
	at     int64 // cycle
	unseen int64 // sectors that were written to L2 and not yet to DRAM
}

// finish counts a block that finished at cycle t.
func (g *grid) finish(t int64, m *memory.System, gpu *GPU) {
	g.end = max(g.end, t)
	g.finished++
	s := g.sampled
	if s == nil || g.finished%s.Wave != 0 {
		return
	}
	c := m.Counters()
	g.waves = append(g.waves, mark{t, c.L2Writes - c.L2WriteBacks})
	// The last wave has begun and the chip is full: whether that many are enough shows now, before it empties.
	if len(g.waves) == s.Waves-1 && g.within > 0 && s.Waves < MaxWaves {
		if took, spread, unwritten := g.rest(gpu); spread+unwritten > g.within*(float64(t-g.start)+took) {
			g.lengthen(min(2*s.Waves, MaxWaves))
		}
	}
}

// rest returns what the blocks that are left out take, and the two parts of its error, in cycles.
func (g *grid) rest(gpu *GPU) (took, spread, unwritten float64) {
	// The chip is full from the first wave's end to that of the last but one. Of a long sample the earlier of these waves,
	// during which L2 fills, are left out.
	s := g.sampled
	first := (s.Waves - MinWaves) / 2
	from, to := g.waves[first], g.waves[s.Waves-2]
	n := float64(s.Waves - 2 - first)
	mean, squares := float64(to.at-from.at)/n, 0.0
	for i := first + 1; i <= s.Waves-2; i++ {
		one := float64(g.waves[i].at - g.waves[i-1].at)
		squares += (one - mean) * (one - mean)
	}
	left := float64(s.Total-s.Blocks) / float64(s.Wave)
	share := left / n
	bytes := share * float64(max(to.unseen-from.unseen, 0)*memory.SectorBytes)
	spread = distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * math.Sqrt(squares/(n-1)/n)
	return share * float64(to.at-from.at), left * spread,
		bytes / gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / gpu.Seconds(1)
}

// extend makes the result of the simulated blocks one of the whole grid. Counters grow as the blocks do.
func (g *grid) extend(r *Result, gpu *GPU) {
	s := g.sampled
	if s == nil {
		return
	}
	s.Cycles = r.Cycles
	took, spread, unwritten := g.rest(gpu)
	r.Cycles += int64(math.Round(took))
	r.TimeUS = gpu.Seconds(r.Cycles+r.OverheadCycles) * 1e6
	s.Spread, s.Unwritten = spread/float64(r.Cycles), unwritten/float64(r.Cycles)
	s.Error = s.Spread + s.Unwritten
	scale(reflect.ValueOf(&r.Counters).Elem(), float64(s.Total)/float64(s.Blocks))
	r.Sample = s
}

// scale multiplies all counts in v.
func scale(v reflect.Value, by float64) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			scale(v.Field(i), by)
		}
	case reflect.Array:
		for i := range v.Len() {
			scale(v.Index(i), by)
		}
	case reflect.Int64:
		v.SetInt(int64(math.Round(float64(v.Int()) * by)))
	default:
		panic("sim: a counter is " + v.Kind().String())
	}
}
