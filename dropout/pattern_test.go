package dropout

import (
	"slices"
	"strings"
	"testing"
)

// keptByDefinition is the paper's rule in the paper's counting: keep i in 1 .. n where (i - bias) mod dp = 0.
func keptByDefinition(n, dp, bias int) []int {
	kept := []int{}
	for i := 1; i <= n; i++ {
		if ((i-bias)%dp+dp)%dp == 0 {
			kept = append(kept, i-1)
		}
	}
	return kept
}

func TestKeptRows(t *testing.T) {
	for n := 0; n <= 20; n++ {
		for dp := 1; dp <= 25; dp++ {
			for bias := 1; bias <= dp; bias++ {
				got, want := KeptRows(n, dp, bias), keptByDefinition(n, dp, bias)
				if !slices.Equal(got, want) {
					t.Fatalf("n %d dp %d bias %d: kept %v, want %v", n, dp, bias, got, want)
				}
				if CountKept(n, dp, bias) != len(want) {
					t.Fatalf("n %d dp %d bias %d: count %d, want %d", n, dp, bias, CountKept(n, dp, bias), len(want))
				}
			}
		}
	}
}

// Every row belongs to exactly one bias of each dp, which is all that equations (2) and (3) need.
func TestBiasesPartitionRowsAndTiles(t *testing.T) {
	for dp := 1; dp <= 12; dp++ {
		for _, order := range []Order{PaperOrder, SkewedOrder} {
			for rows := 1; rows <= 7; rows++ {
				for cols := 1; cols <= 13; cols++ {
					seen := make([]int, rows*cols)
					for bias := 1; bias <= dp; bias++ {
						kept := KeptTiles(rows, cols, dp, bias, order)
						if len(kept) != CountKept(rows*cols, dp, bias) || !slices.IsSorted(kept) {
							t.Fatalf("%s %dx%d dp %d bias %d: kept %v", order, rows, cols, dp, bias, kept)
						}
						for _, i := range kept {
							seen[i]++
						}
					}
					for i, n := range seen {
						if n != 1 {
							t.Fatalf("%s %dx%d dp %d: tile %d kept by %d biases", order, rows, cols, dp, i, n)
						}
					}
				}
			}
		}
	}
}

func TestPaperOrderCountsTilesRowByRow(t *testing.T) {
	if got, want := KeptTiles(3, 5, 4, 2, PaperOrder), keptByDefinition(15, 4, 2); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

// KeptTiles of the skewed order against its definition: a tile's number and the paper's rule.
func TestSkewedOrderIsAPermutationOfEachRow(t *testing.T) {
	for cols := 1; cols <= 12; cols++ {
		for dp := 1; dp <= 14; dp++ {
			const rows = 9
			number := make([]int, rows*cols)
			for r := range rows {
				seen := make([]bool, cols)
				for c := range cols {
					place := (c + TileSkew(r, cols, dp, SkewedOrder)) % cols
					if seen[place] {
						t.Fatalf("cols %d dp %d: two tiles of row %d at place %d", cols, dp, r, place)
					}
					seen[place] = true
					number[r*cols+c] = r*cols + place
				}
			}
			for bias := 1; bias <= dp; bias++ {
				want := []int{}
				for i, n := range number {
					if ((n+1-bias)%dp+dp)%dp == 0 {
						want = append(want, i)
					}
				}
				if got := KeptTiles(rows, cols, dp, bias, SkewedOrder); !slices.Equal(got, want) {
					t.Fatalf("cols %d dp %d bias %d: kept %v, want %v", cols, dp, bias, got, want)
				}
			}
		}
	}
}

// What the skewed order is for: dp rows of tiles keep one tile of each column, while the paper's order keeps whole
// columns and loses the others where dp divides their number.
func TestSkewedOrderKeepsEveryColumn(t *testing.T) {
	for cols := 1; cols <= 24; cols++ {
		for dp := 1; dp <= 16; dp++ {
			rows := 2 * dp
			for bias := 1; bias <= dp; bias++ {
				perColumn := make([]int, cols)
				for _, i := range KeptTiles(rows, cols, dp, bias, SkewedOrder) {
					perColumn[i%cols]++
				}
				if slices.Min(perColumn) != 2 || slices.Max(perColumn) != 2 {
					t.Fatalf("cols %d dp %d bias %d: kept per column %v, want 2 in each", cols, dp, bias, perColumn)
				}
				if cols%dp == 0 {
					for _, i := range KeptTiles(rows, cols, dp, bias, PaperOrder) {
						if i%cols%dp != bias-1 {
							t.Fatalf("cols %d dp %d bias %d: the paper's order keeps tile %d", cols, dp, bias, i)
						}
					}
				}
			}
		}
	}
}

func TestMaps(t *testing.T) {
	kept := KeptRows(10, 3, 2)
	compact := CompactMap(10, kept)
	for i, j := range compact {
		if (i+1-2+3)%3 == 0 {
			if kept[j] != i {
				t.Errorf("row %d maps to %d, which is row %d", i, j, kept[j])
			}
		} else if j != -1 {
			t.Errorf("dropped row %d maps to %d", i, j)
		}
	}
	mask := []float32{9, 9, 9, 9}
	Mask(mask, []int{1, 3}, 2)
	if !slices.Equal(mask, []float32{0, 2, 0, 2}) {
		t.Errorf("mask %v", mask)
	}
}

func TestTileMask(t *testing.T) {
	// 5 x 7 weights in tiles of 2 x 3: a grid of 3 x 3 whose last row and column are cut off.
	const m, n, x, y = 5, 7, 2, 3
	rows, cols := TileGrid(m, n, x, y)
	if rows != 3 || cols != 3 {
		t.Fatalf("grid %d x %d, want 3 x 3", rows, cols)
	}
	for dp := 1; dp <= 9; dp++ {
		total := make([]float32, m*n)
		for bias := 1; bias <= dp; bias++ {
			kept := KeptTiles(rows, cols, dp, bias, PaperOrder)
			mask := make([]float32, m*n)
			TileMask(mask, m, n, x, y, kept, 1)
			for i, v := range mask {
				if inTile := slices.Contains(kept, i/n/x*cols+i%n/y); inTile != (v == 1) {
					t.Fatalf("dp %d bias %d: synapse %d is %g, kept tiles %v", dp, bias, i, v, kept)
				}
				total[i] += v
			}
		}
		for i, v := range total {
			if v != 1 {
				t.Fatalf("dp %d: synapse %d kept by %g biases", dp, i, v)
			}
		}
	}
}

func TestPatternLimits(t *testing.T) {
	if MaxDP(RDP, 2048, 784, 2048, 32) != 2048 || MaxDP(TDP, 2048, 784, 2048, 32) != 24*64 ||
		MaxDP(TDP, 16, 16, 16, 32) != 1 || SubModels(4) != 10 {
		t.Error("limits are off")
	}
	for _, c := range []struct {
		p    Pattern
		want string
	}{
		{Pattern{Method: RDP, DP: 4, Bias: 4}, ""},
		{Pattern{Method: TDP, DP: 1, Bias: 1}, ""},
		{Pattern{Method: RDP, DP: 9, Bias: 1}, "dp = 9, allowed are 1 to 8"},
		{Pattern{Method: RDP, DP: 0, Bias: 1}, "dp = 0"},
		{Pattern{Method: TDP, DP: 4, Bias: 5}, "bias = 5, allowed are biases 1 to 4"},
		{Pattern{Method: TDP, DP: 4, Bias: 0}, "bias = 0"},
		{Pattern{Method: Dense, DP: 4, Bias: 1}, `"dense" has no dp`},
	} {
		err := c.p.Check(8)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.p, err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	if s, err := ParseScale(""); s != ScaleRate || err != nil {
		t.Error(s, err)
	}
	if s, err := ParseScale("dp"); s != ScaleDP || err != nil {
		t.Error(s, err)
	}
	if _, err := ParseScale("root"); err == nil {
		t.Error("scale root accepted")
	}
}
