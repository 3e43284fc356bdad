package dropout

var _ = register(Kind{Name: RDP, Text: "one row in dp is kept", Look: "blue solid box plain", Drops: DropsRows,
	Keep: func(s Shape, dp, bias int) Selection {
		return Selection{Units: KeepEvery(s.Units, 1, dp, bias), DP: dp, Bias: bias}
	}})
