package dropout

import "slices"

// TilesRandom keeps exactly so many tiles as the rate leaves, with as many in each row and each column of tiles as can
// be: floor or ceiling of the mean. So, with a tile or more for each row and column, no unit loses all its weights, and
// blocks of the products have equal work.
const TilesRandom Method = "tiles-random"

var _ = register(Kind{Name: TilesRandom, Text: "a fixed number of tiles is kept, as many in each row and column",
	Look: "grey dashdot plus rising", Drops: DropsTiles, Support: func(o Options) (Support, error) {
		return tilesRandom(o.Rate), checkRate(o.Rate)
	}})

type tilesRandom float64

func (r tilesRandom) kept(s Shape) int { return keptUnits(float64(r), s.TileRows*s.TileCols) }

func (r tilesRandom) Reached(s Shape) float64 {
	return 1 - float64(r.kept(s))/float64(s.TileRows*s.TileCols)
}

// Entropy is at most that of rows of tiles, or of columns, drawn each by itself.
func (r tilesRandom) Entropy(s Shape) float64 {
	lines := func(lines, length int) (sum float64) {
		k := r.kept(s)
		more := k % lines // lines that keep one more
		return logChoose(lines, more) + float64(more)*logChoose(length, min(k/lines+1, length)) +
			float64(lines-more)*logChoose(length, k/lines)
	}
	return min(lines(s.TileRows, s.TileCols), lines(s.TileCols, s.TileRows))
}

// Draw deals columns like cards: each row of tiles, in random order, takes its share of a shuffled deck of all columns,
// and a deck that is used up is followed by another. So each column is dealt as often as any other, but for the last
// deck's. A row that two decks meet in takes no column twice. Rows are exchangeable and so are columns: every tile is
// kept with the same probability.
func (r tilesRandom) Draw(w *Words, s Shape) Selection {
	rows, cols, k := s.TileRows, s.TileCols, r.kept(s)
	list, deck := make([]int, 0, k), make([]int, 0, cols)
	taken := make([]int, cols) // the last row that took the column, from 1
	for i, row := range w.Shuffle(make([]int, rows)) {
		share := k / rows
		if i < k%rows {
			share++
		}
		for share > 0 {
			if len(deck) == 0 {
				deck = w.Shuffle(deck[:cols])
			}
			rest := deck[:0]
			for _, c := range deck {
				if share == 0 || taken[c] == i+1 {
					rest = append(rest, c)
					continue
				}
				taken[c] = i + 1
				list = append(list, row*cols+c)
				share--
			}
			deck = rest
		}
	}
	slices.Sort(list)
	return Selection{Units: KeepAll(s.Units), Tiles: true, List: list}
}
