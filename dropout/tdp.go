package dropout

// TDPSkewed is TDP with the tiles numbered in SkewedOrder, in which no input loses all its weights.
const TDPSkewed Method = "tdp-skewed"

var _ = register(Kind{Name: TDP, Text: "one tile in dp is kept", Look: "green dashed pyramid rising", Drops: DropsTiles,
	Keep: func(s Shape, dp, bias int) Selection {
		return Selection{Units: KeepAll(s.Units), DP: dp, Bias: bias, Tiles: true}
	}})

var _ = register(Kind{Name: TDPSkewed, Text: "one tile in dp is kept, each row of tiles turned on",
	Look: "green dotted square falling", Drops: DropsTiles,
	Keep: func(s Shape, dp, bias int) Selection {
		list := make([]int, 0, CountKept(s.TileRows*s.TileCols, dp, bias))
		list = AppendKeptTiles(list, s.TileRows, s.TileCols, dp, bias, SkewedOrder)
		return Selection{Units: KeepAll(s.Units), DP: dp, Bias: bias, Tiles: true, List: list}
	}})
