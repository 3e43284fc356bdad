package workloads

import (
	"math"
	"strings"
	"testing"
)

// FuzzMeasuredGEMMs: a table of other people's times is refused or has products that can be simulated and times above
// 0.
func FuzzMeasuredGEMMs(f *testing.F) {
	f.Add("m,n,k,transpose_a,transpose_b,time_ms\n128,64,32,N,T,0.5\n")
	f.Add("# a comment\n1,1,1,N,N,Inf\n")
	f.Add("1,1,1,N,N,1e-400\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := ReadMeasuredGEMMs(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, g := range rows {
			if min(g.M, g.N, g.K) < 1 || max(g.M, g.N, g.K) > maxSize || !(g.MS > 0) || math.IsInf(g.MS, 0) {
				t.Errorf("%+v of %q", g, text)
			}
		}
	})
}
