package sim

import (
	"fmt"
	"math"
	"reflect"

	"warpdrop/sim/memory"
)

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
	// Spread is half of the range of the waves that the mean is of, for all that are left out.
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
func (g *grid) sample(waves, perSM, sms int) error {
	if waves == 0 {
		return nil
	}
	if waves < MinWaves {
		return fmt.Errorf("%d waves; a sample has at least %d, and 0 simulates all blocks", waves, MinWaves)
	}
	wave := int64(perSM) * int64(sms)
	blocks := int64(waves)*wave + g.total%wave
	if blocks >= g.total {
		return nil
	}
	g.sampled = &Sample{Waves: waves, Wave: wave, Blocks: blocks, Total: g.total}
	g.total = blocks
	return nil
}

// mark is where the memory system stood when so many whole waves had finished.
type mark struct {
	at     int64 // cycle
	unseen int64 // sectors that were written to L2 and not yet to DRAM
}

// finish counts a block that finished at cycle t.
func (g *grid) finish(t int64, m *memory.System) {
	g.end = max(g.end, t)
	g.finished++
	if s := g.sampled; s != nil && g.finished%s.Wave == 0 {
		c := m.Counters()
		g.waves = append(g.waves, mark{t, c.L2Writes - c.L2WriteBacks})
	}
}

// extend makes the result of the simulated blocks one of the whole grid. Counters grow as the blocks do.
func (g *grid) extend(r *Result, gpu *GPU) {
	s := g.sampled
	if s == nil {
		return
	}
	s.Cycles = r.Cycles
	// The chip is full from the first wave's end to that of the last but one. Of a long sample the earlier of these waves,
	// during which L2 fills, are left out.
	from, to := g.waves[(s.Waves-MinWaves)/2], g.waves[s.Waves-2]
	least, most := int64(math.MaxInt64), int64(0)
	for i := (s.Waves-MinWaves)/2 + 1; i <= s.Waves-2; i++ {
		took := g.waves[i].at - g.waves[i-1].at
		least, most = min(least, took), max(most, took)
	}
	left := float64(s.Total-s.Blocks) / float64(s.Wave)
	share := left / float64(s.Waves-2-(s.Waves-MinWaves)/2)
	r.Cycles += int64(math.Round(share * float64(to.at-from.at)))
	r.TimeUS = gpu.Seconds(r.Cycles+r.OverheadCycles) * 1e6
	s.Spread = left * float64(most-least) / 2 / float64(r.Cycles)
	unwritten := share * float64(max(to.unseen-from.unseen, 0)*memory.SectorBytes) /
		gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz)
	s.Unwritten = unwritten / gpu.Seconds(r.Cycles)
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
