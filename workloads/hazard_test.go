package workloads

import (
	"context"
	"testing"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// TestNoHazards: the control words of all kernels that training iterations use let no instruction go before its
// operands are there, and none of their blocks race or go beyond constants.
func TestNoHazards(t *testing.T) {
	newDevice = func(g *sim.GPU) (*sim.Device, error) {
		d, err := sim.NewDevice(g)
		if err == nil {
			d.Hazards, d.Races, d.GlobalRaces, d.Constants, d.Uninit, d.Unwritten = true, true, true, true, true, true
		}
		return d, err
	}
	defer func() { newDevice = sim.NewDevice }()
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []dropout.Method{dropout.Dense, dropout.Masked, dropout.RDP, dropout.TDP, dropout.RowsRandom,
		dropout.TilesRandom} {
		s := MLPSpec{Layers: []int{68, 68, 72, 10}, Batch: 12, Method: method, Rates: []float64{0.5, 0.5}, LR: 0.1,
			Momentum: 0.9, Seed: 3}
		if method.HasDP() {
			s.Patterns = []dropout.Pattern{{DP: 2, Bias: 1}, {DP: 3, Bias: 2}}
		}
		if method == dropout.RowsRandom {
			s.Patterns = []dropout.Pattern{{Rows: randomRows(1, 68, 34)}, {Rows: randomRows(2, 72, 50)}}
		}
		if method == dropout.TilesRandom {
			s.Patterns = []dropout.Pattern{{Tiles: []int{0, 2, 4, 7}}, {Tiles: []int{1, 3, 8}}}
		}
		if _, err := SimulateMLP(context.Background(), gpu, s, Options{}); err != nil {
			t.Errorf("MLP, %s: %v", method, err)
		}
		if method == dropout.Masked {
			continue // an LSTM has none
		}
		if _, err := SimulateLSTM(context.Background(), gpu, smallLSTM(method), Options{}); err != nil {
			t.Errorf("LSTM, %s: %v", method, err)
		}
	}
}
