package dropout

import "math"

// RowsSlice keeps so many neighbours as the rate leaves, from a random row on; behind the last row comes the first
// (SliceOut, Notin et al., 2020, has no such wrap, which drops the rows at the ends more often than others).
const RowsSlice Method = "rows-slice"

var _ = register(Kind{Name: RowsSlice, Text: "a run of neighbouring rows is kept, from a random one on",
	Look: "yellow dashed triangle crossed", Drops: DropsRows, Support: func(o Options) (Support, error) {
		return rowsSlice(o.Rate), checkRate(o.Rate)
	}})

type rowsSlice float64

func (r rowsSlice) Reached(s Shape) float64 { return rowsRandom(r).Reached(s) }

func (r rowsSlice) Entropy(s Shape) float64 { return math.Log(float64(s.Units)) }

func (r rowsSlice) Draw(w *Words, s Shape) Selection {
	k, start := keptUnits(float64(r), s.Units), w.Below(s.Units)
	if start+k <= s.Units {
		return Selection{Units: KeepRange(s.Units, start, k)}
	}
	list := make([]int, 0, k)
	for i := range start + k - s.Units {
		list = append(list, i)
	}
	for i := start; i < s.Units; i++ {
		list = append(list, i)
	}
	return Selection{Units: KeepList(s.Units, list)}
}
