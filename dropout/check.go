package dropout

import (
	"fmt"
	"slices"
	"strings"
)

// Check refuses a method that is not among those offered, and rates that are not one in [0, 1) for each of so many layers. Without
// dropout there need be none.
func Check(method Method, offered []Method, rates []float64, layers int) error {
	if !slices.Contains(offered, method) {
		return fmt.Errorf("method: %q is not one of %s", method, strings.ReplaceAll(strings.Trim(fmt.Sprint(offered), "[]"), " ", ", "))
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

// CheckPatterns refuses patterns that are not one a site, with dp up to most[site] and a bias up to dp.
func CheckPatterns(patterns []Pattern, most []int) error {
	if len(patterns) != len(most) {
		return fmt.Errorf("patterns: %d for %d sites", len(patterns), len(most))
	}
	for i, p := range patterns {
		if p.DP < 1 || p.DP > most[i] || p.Bias < 1 || p.Bias > p.DP {
			return fmt.Errorf("patterns[%d]: dp %d, bias %d; dp must be in 1..%d, bias in 1..dp", i, p.DP, p.Bias, most[i])
		}
	}
	return nil
}

// CheckDistributions refuses distributions of a method with dp that are not one for each of so many layers, and a tile that no
// method with tiles can have.
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
