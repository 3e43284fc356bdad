package dropout

import (
	"math"
	"testing"
)

func TestCheck(t *testing.T) {
	offered := []Method{None, Dense, RDP}
	for _, c := range []struct {
		method Method
		rates  []float64
		want   string
	}{
		{Dense, []float64{0, 0.9}, ""},
		{None, nil, ""},
		{TDP, []float64{0.5, 0.5}, `method: "tdp" is not one of none, dense, rdp`},
		{"", nil, `method: "" is not one of none, dense, rdp`},
		{RDP, []float64{0.5}, "rates: 1 for 2 layers"},
		{RDP, []float64{0.5, 1}, "rates[1]: 1 is not in [0, 1)"},
		{Dense, []float64{-0.5, 1}, "rates[0]: -0.5 is not in [0, 1)"},
		{Dense, []float64{math.NaN(), 1}, "rates[0]: NaN is not in [0, 1)"},
	} {
		checkText(t, Check(c.method, offered, c.rates, 2), c.want)
	}
	most := []int{4, 2}
	for want, patterns := range map[string][]Pattern{
		"":                        {{DP: 4, Bias: 4}, {DP: 1, Bias: 1}},
		"patterns: 1 for 2 sites": {{DP: 4, Bias: 4}},
		"patterns[1]: dp 3, bias 1; dp must be in 1..2, bias in 1..dp": {{DP: 4, Bias: 4}, {DP: 3, Bias: 1}},
		"patterns[0]: dp 2, bias 3; dp must be in 1..4, bias in 1..dp": {{DP: 2, Bias: 3}, {DP: 1, Bias: 1}},
		"patterns[0]: dp 0, bias 0; dp must be in 1..4, bias in 1..dp": {{}, {DP: 1, Bias: 1}},
	} {
		checkText(t, CheckPatterns(RDP, patterns, most), want)
	}
	for want, rows := range map[string][]int{
		"": {0, 2, 3}, "patterns[0]: no rows, want those that are kept, at least one": {},
		"patterns[0]: rows[1]: 4 is not in 3..3, ascending":  {2, 4},
		"patterns[0]: rows[2]: 1 is not in 2..3, ascending":  {0, 1, 1},
		"patterns[0]: rows[0]: -1 is not in 0..3, ascending": {-1},
	} {
		checkText(t, CheckPatterns(RowsRandom, []Pattern{{Rows: rows}}, []int{4}), want)
	}
	two := []Distribution{Fixed(1), Fixed(2)}
	checkText(t, CheckDistributions(RDP, two, 2, 0), "")
	checkText(t, CheckDistributions(TDP, two, 2, MaxTile), "")
	checkText(t, CheckDistributions(TDP, two, 2, 0), "tile: 0 is not in 1..128")
	checkText(t, CheckDistributions(TDP, two, 1, 32), "distributions: 2 for 1 layers")
}

func checkText(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
