package workloads

import (
	"context"
	"reflect"
	"testing"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// TestFunctionalValues: a training iteration for its values alone gives the bits of one in time, by each method.
func TestFunctionalValues(t *testing.T) {
	defer func() { newDevice = sim.NewDevice }()
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []dropout.Method{dropout.Dense, dropout.Masked, dropout.RDP, dropout.TDP, dropout.RowsRandom} {
		s := MLPSpec{Layers: []int{68, 160, 72, 10}, Batch: 12, Method: method, Rates: []float64{0.5, 0.5}, LR: 0.1,
			Momentum: 0.9, Seed: 3}
		if method.HasDP() {
			s.Patterns = []dropout.Pattern{{DP: 2, Bias: 1}, {DP: 3, Bias: 2}}
		}
		if method == dropout.RowsRandom {
			s.Patterns = []dropout.Pattern{{Rows: randomRows(1, 160, 64)}, {Rows: randomRows(2, 72, 50)}}
		}
		var mlp, lstm [2]*IterationResult
		for i := range 2 {
			newDevice = func(g *sim.GPU) (*sim.Device, error) {
				d, err := sim.NewDevice(g)
				if err == nil {
					d.Functional = i == 1
				}
				return d, err
			}
			if mlp[i], err = SimulateMLP(context.Background(), gpu, s, Options{}); err != nil {
				t.Fatalf("MLP, %s: %v", method, err)
			}
			if method == dropout.Masked {
				continue // an LSTM has none
			}
			if lstm[i], err = SimulateLSTM(context.Background(), gpu, smallLSTM(method), Options{}); err != nil {
				t.Fatalf("LSTM, %s: %v", method, err)
			}
		}
		if !reflect.DeepEqual(mlp[0].State, mlp[1].State) {
			t.Errorf("MLP, %s: other values than in time", method)
		}
		if lstm[0] != nil && !reflect.DeepEqual(lstm[0].LSTM, lstm[1].LSTM) {
			t.Errorf("LSTM, %s: other values than in time", method)
		}
		if a, b := mlp[0].Counters.SM.WarpInstructions, mlp[1].Counters.SM.WarpInstructions; a != b {
			t.Errorf("MLP, %s: %d warp instructions, %d in time", method, b, a)
		}
	}
}
