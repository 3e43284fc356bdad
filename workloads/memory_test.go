package workloads

import (
	"errors"
	"testing"

	"warpdrop/internal/hostmem"
	"warpdrop/sim"
)

// TestMemoryIsAskedForFirst: what no machine has is refused before anything is drawn or allocated.
func TestMemoryIsAskedForFirst(t *testing.T) {
	if _, ok := hostmem.Available(1 << 40); !ok {
		t.Skip("this system does not say how much memory is free")
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	gemm := GEMMSpec{M: 65536, N: 65536, K: 65536, Method: "dense"} // 80 GiB
	mlp := MLPSpec{Layers: []int{65536, 65536, 65536, 65536, 10}, Batch: 64, Method: "none"}
	lstm := LSTMSpec{Layers: 16, Hidden: 16384, Vocabulary: 1000, Batch: 4, Steps: 4, Method: "none"}
	for name, run := range map[string]func() error{
		"product": func() error { _, err := SimulateGEMM(t.Context(), gpu, gemm, Options{}); return err },
		"mlp":     func() error { _, err := SimulateMLP(t.Context(), gpu, mlp, Options{}); return err },
		"lstm":    func() error { _, err := SimulateLSTM(t.Context(), gpu, lstm, Options{}); return err },
	} {
		if free, _ := hostmem.Available(1 << 40); free > 75<<30 {
			t.Skip("this machine has that much")
		}
		if err := run(); !errors.Is(err, hostmem.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
