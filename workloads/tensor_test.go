package workloads

import (
	"context"
	"strings"
	"testing"

	"warpdrop/dropout"
	"warpdrop/sim"
)

// TestTensorGEMM: products on tensor cores are those of the CPU (which SimulateGEMM compares with), also where blocks
// stand over the edges, and of kept rows; it asks for what they cannot be.
func TestTensorGEMM(t *testing.T) {
	for _, name := range []string{"a100-40g", "rtx2070super", "rtx3090"} {
		gpu, err := sim.LoadGPU(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []GEMMSpec{
			{M: 64, N: 64, K: 64, Method: dropout.Dense},
			{M: 50, N: 40, K: 72, Method: dropout.Dense, Shape: "32x32"},
			{M: 150, N: 136, K: 40, Method: dropout.Dense, Shape: "64x64"},
			{M: 150, N: 136, K: 40, Method: dropout.Dense, Shape: "128x128"},
			{M: 150, N: 72, K: 104, Method: dropout.RDP, DP: 3, Bias: 2},
		} {
			s.Tensor, s.Seed = true, 5
			r, err := SimulateGEMM(context.Background(), gpu, s, Options{})
			if err != nil {
				t.Errorf("%s, %+v: %v", name, s, err)
				continue
			}
			if r.Error.Rows != s.M || r.Error.Scale < 1 || r.Error.Max > 1e-4 {
				t.Errorf("%s, %+v: %+v", name, s, r.Error)
			}
			if !strings.HasPrefix(r.Kernel, "tensor_") || r.Kernel != "tensor_"+s.Shape && s.Shape != "" {
				t.Errorf("%s, %+v: kernel %s", name, s, r.Kernel)
			}
		}
	}
	for want, s := range map[string]GEMMSpec{
		"multiples of 8": {M: 64, N: 60, K: 64, Method: dropout.Dense},
		"evenly spaced":  {M: 64, N: 64, K: 64, Method: dropout.TDP, DP: 2, Bias: 1},
		"is not one of":  {M: 64, N: 64, K: 64, Method: dropout.Dense, Shape: "128x64"},
		"taken as they":  {M: 64, N: 64, K: 64, Method: dropout.Dense, TB: true},
		"no tensor":      {M: 64, N: 64, K: 64, Method: dropout.Dense},
	} {
		gpu, err := sim.LoadGPU("gtx1080ti")
		if err != nil {
			t.Fatal(err)
		}
		s.Tensor = true
		if _, err := SimulateGEMM(context.Background(), gpu, s, Options{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", s, err, want)
		}
	}
}
