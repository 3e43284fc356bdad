package dropout

import "fmt"

// Pattern is one draw of a method. A regular one keeps one of every DP rows or tiles, the Bias-th: counted from 1 as in
// the paper, row or tile i is kept when (i - Bias) mod DP = 0. DP = 1 keeps everything. Others list the rows they keep.
type Pattern struct {
	Method Method `json:"method"`
	DP     int    `json:"dp,omitempty"`    // 1 .. MaxDP
	Bias   int    `json:"bias,omitempty"`  // 1 .. DP
	Rows   []int  `json:"rows,omitempty"`  // ascending, from 0; instead of DP and Bias
	Tiles  []int  `json:"tiles,omitempty"` // the same of tiles, numbered row by row
}

// Selection is what the pattern keeps of the units, or of the tiles of the weights behind them.
func (p Pattern) Selection(s Shape) Selection {
	switch k := p.Method.Kind(); {
	case p.Rows != nil:
		return Selection{Units: KeepList(s.Units, p.Rows)}
	case p.Tiles != nil:
		return Selection{Units: KeepAll(s.Units), Tiles: true, List: p.Tiles}
	case k != nil && k.HasDP():
		return k.Keep(s, p.DP, p.Bias)
	}
	return Selection{Units: KeepEvery(s.Units, 1, p.DP, p.Bias), DP: p.DP, Bias: p.Bias}
}

// Pattern is the draw that the selection came from.
func (s Selection) Pattern(m Method) Pattern {
	if s.DP > 0 {
		return Pattern{Method: m, DP: s.DP, Bias: s.Bias}
	}
	if s.Tiles {
		return Pattern{Method: m, Tiles: s.List}
	}
	rows := make([]int, s.Units.Size())
	for i := range rows {
		rows[i] = s.Units.At(i)
	}
	return Pattern{Method: m, Rows: rows}
}

// Check refuses a pattern that does not exist where the largest dp is maxDP (see the function MaxDP).
func (p Pattern) Check(maxDP int) error {
	switch {
	case !p.Method.HasDP():
		return fmt.Errorf("dropout: method %q has no dp, allowed are %s", p.Method, Names(MethodsWith((*Kind).HasDP)))
	case p.DP < 1 || p.DP > maxDP:
		return fmt.Errorf("dropout: %s pattern with dp = %d, allowed are 1 to %d", p.Method, p.DP, maxDP)
	case p.Bias < 1 || p.Bias > p.DP:
		return fmt.Errorf("dropout: %s pattern with dp = %d and bias = %d, allowed are biases 1 to %d",
			p.Method, p.DP, p.Bias, p.DP)
	}
	return nil
}

// Rate is the share that a pattern with this dp drops: (dp-1)/dp, entry dp of the paper's vector p_u.
func Rate(dp int) float64 { return float64(dp-1) / float64(dp) }

// MaxDP is the largest dp of a method's patterns: a row pattern keeps one of so many units, a tile pattern one whole
// tile (tile x tile) of a matrix of rows x cols weights. A matrix without a whole tile has dp = 1 only.
func MaxDP(method Method, units, rows, cols, tile int) int {
	if method.Drops() == DropsTiles {
		return max(rows/tile*(cols/tile), 1)
	}
	return units
}

// MaxKept is what CheckPatterns bounds a method's patterns by: the largest dp or, without dp, the number of units or
// tiles.
func MaxKept(method Method, units, rows, cols, tile int) int {
	if method.Drops() == DropsTiles && !method.HasDP() {
		r, c := TileGrid(rows, cols, tile, tile)
		return r * c
	}
	return MaxDP(method, units, rows, cols, tile)
}

// SubModels is the number of different patterns with dp = 1 .. patterns: each dp has dp biases.
func SubModels(patterns int) int { return patterns * (patterns + 1) / 2 }

// CountKept is how many of n rows or tiles a pattern keeps: n/dp rounded down or up, by the bias.
func CountKept(n, dp, bias int) int {
	if bias > n {
		return 0
	}
	return (n-bias)/dp + 1
}

// AppendKeptRows is KeptRows into a slice of the caller's.
func AppendKeptRows(dst []int, m, dp, bias int) []int {
	for i := bias - 1; i < m; i += dp {
		dst = append(dst, i)
	}
	return dst
}
