package dropout

import "math"

// RowsRandom keeps exactly so many rows as the rate leaves, uniformly at random (Sarma et al., "Structured in space,
// randomized in time", NeurIPS 2021).
const RowsRandom Method = "rows-random"

var _ = register(Kind{Name: RowsRandom, Text: "a fixed number of rows is kept, any of them",
	Look: "skyblue dotted ring level", Drops: DropsRows, Support: func(o Options) (Support, error) {
		return rowsRandom(o.Rate), checkRate(o.Rate)
	}})

type rowsRandom float64

// keptUnits is how many of n units stay at a rate: at least one.
func keptUnits(rate float64, n int) int { return max(1, int(math.Round((1-rate)*float64(n)))) }

func (r rowsRandom) Reached(s Shape) float64 {
	return 1 - float64(keptUnits(float64(r), s.Units))/float64(s.Units)
}

func (r rowsRandom) Entropy(s Shape) float64 {
	return logChoose(s.Units, keptUnits(float64(r), s.Units))
}

func (r rowsRandom) Draw(w *Words, s Shape) Selection {
	k := keptUnits(float64(r), s.Units)
	return Selection{Units: KeepList(s.Units, w.Choose(make([]int, 0, k), s.Units, k))}
}
