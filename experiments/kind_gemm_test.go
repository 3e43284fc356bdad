package experiments

import "testing"

// TestGEMMPoints runs each method and the simple kernels through Host.
func TestGEMMPoints(t *testing.T) {
	e := NewHost("")
	cycles := map[string]float64{}
	for name, s := range map[string]GEMM{
		"dense":  {Method: "dense"},
		"masked": {Method: "masked", Rate: 0.5},
		"rdp":    {Method: "rdp", DP: 2, Bias: 2},
		"tdp":    {Method: "tdp", DP: 2, Bias: 1},
		"plain":  {Method: "tdp", DP: 3, Bias: 2, Tile: 16},
		"pad":    {Method: "tdp", DP: 3, Bias: 2, Tile: 16, Pad: true},
	} {
		s.GPU, s.M, s.N, s.K, s.DP, s.Bias = "gtx1080ti", 128, 64, 96, max(s.DP, 1), max(s.Bias, 1)
		if got := s.check(); len(got) > 0 {
			t.Fatal(got)
		}
		r, err := e.Run(t.Context(), s, 1, func(float64) {})
		if err != nil {
			t.Fatal(name, err)
		}
		cycles[name] = r.Sim.Cycles
		if conflicts := r.Sim.Counters["shared_bank_conflicts"]; (conflicts > 0) != (name == "plain") {
			t.Errorf("%s: %g bank conflicts", name, conflicts)
		}
		if len(r.Sim.Kernels) != 1 || r.Sim.Kernels[0].FLOP <= 0 {
			t.Errorf("%s: kernels %+v", name, r.Sim.Kernels)
		}
	}
	if cycles["masked"] < cycles["dense"] {
		t.Errorf("masked takes %g cycles, dense %g", cycles["masked"], cycles["dense"])
	}
}
