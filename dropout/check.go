package dropout

import (
	"fmt"
	"slices"
	"strings"

	"warpdrop/internal/nearest"
)

// Check refuses a method that is not among those offered, and rates that are not one in [0, 1) for each of so many
// layers. Without dropout there need be none.
func Check(method Method, offered []Method, rates []float64, layers int) error {
	if !slices.Contains(offered, method) {
		names := Strings(offered)
		hint := ""
		if method.Kind() == nil { // a method that is one is meant
			hint = nearest.Hint(string(method), names)
		}
		return fmt.Errorf("method: %q is not one of %s%s", method, strings.Join(names, ", "), hint)
	}
	if method == None {
		return nil
	}
	if len(rates) != layers {
		return fmt.Errorf("rates: %d for %d layers", len(rates), layers)
	}
	for i, r := range rates {
		if !(r >= 0 && r < 1) { // also NaN
			return fmt.Errorf("rates[%d]: %g is not in [0, 1)", i, r)
		}
	}
	return nil
}

// CheckPatterns refuses patterns of a method that are not one a site: with dp up to most[site] and a bias up to dp or,
// where the method has no dp, with a list of some of the most[site] rows or tiles (see MaxKept).
func CheckPatterns(method Method, patterns []Pattern, most []int) error {
	if len(patterns) != len(most) {
		return fmt.Errorf("patterns: %d for %d sites", len(patterns), len(most))
	}
	for i, p := range patterns {
		if !method.HasDP() {
			list, what := p.Rows, "rows"
			if method.Drops() == DropsTiles {
				list, what = p.Tiles, "tiles"
			}
			if err := checkList(list, what, most[i]); err != nil {
				return fmt.Errorf("patterns[%d]: %w", i, err)
			}
			continue
		}
		if p.DP < 1 || p.DP > most[i] || p.Bias < 1 || p.Bias > p.DP {
			return fmt.Errorf("patterns[%d]: dp %d, bias %d; dp must be in 1..%d, bias in 1..dp", i, p.DP, p.Bias, most[i])
		}
	}
	return nil
}

// checkList refuses what is no ascending list of some of n rows or tiles.
func checkList(list []int, what string, n int) error {
	if len(list) == 0 {
		return fmt.Errorf("no %s, want those that are kept, at least one", what)
	}
	last := -1
	for i, r := range list {
		if r <= last || r >= n {
			return fmt.Errorf("%s[%d]: %d is not in %d..%d, ascending", what, i, r, last+1, n-1)
		}
		last = r
	}
	return nil
}

// CheckDistributions refuses distributions of a method with dp that are not one for each of so many layers, and a tile
// that no method with tiles can have.
func CheckDistributions(method Method, ds []Distribution, layers, tile int) error {
	if len(ds) != layers && method.HasDP() {
		return fmt.Errorf("distributions: %d for %d layers", len(ds), layers)
	}
	if method.Drops() == DropsTiles && (tile < 1 || tile > MaxTile) {
		return fmt.Errorf("tile: %d is not in 1..%d", tile, MaxTile)
	}
	return nil
}

// MaxTile is the largest edge of a weight tile.
const MaxTile = 128
