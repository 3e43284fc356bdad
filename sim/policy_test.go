package sim_test

import (
	"bytes"
	"context"
	"testing"

	"warpdrop/sim"
	"warpdrop/sim/sm/timing"
)

// TestPolicies: warp scheduling policies differ in time and in nothing else.
func TestPolicies(t *testing.T) {
	const words = 1 << 13
	cycles := map[int64]string{}
	var want []byte
	for policy := range timing.Policies {
		g, err := sim.LoadGPU("gtx1080ti")
		if err != nil {
			t.Fatal(err)
		}
		small := *g
		small.SMs, small.SM.Policy = 2, policy
		dev, err := sim.NewDevice(&small)
		if err != nil {
			t.Fatal(err)
		}
		mod, err := dev.LoadModule(smCubin(t))
		if err != nil {
			t.Fatal(err)
		}
		k, err := mod.Kernel("masked")
		if err != nil {
			t.Fatal(err)
		}
		out, err := dev.Malloc(4 * words)
		if err != nil {
			t.Fatal(err)
		}
		take, err := dev.Malloc(words)
		if err != nil {
			t.Fatal(err)
		}
		mask := make([]byte, words)
		for i := range mask {
			mask[i] = byte(i * 2654435761 >> 9 & 1 & (i >> 6)) // some warps take the branch, with some of their threads
		}
		if err := dev.Write(take, mask); err != nil {
			t.Fatal(err)
		}
		var time int64
		for range 2 {
			r, err := dev.Launch(context.Background(), k,
				sim.LaunchConfig{Grid: sim.Dim3{X: words / 256}, Block: sim.Dim3{X: 256}}, sim.PtrArg(out), sim.PtrArg(take),
				sim.F32(1.25), sim.F32(0.5), sim.I32(5))
			if err != nil {
				t.Fatal(err)
			}
			time += r.Cycles
		}
		got := make([]byte, 4*words)
		if err := dev.Read(out, got); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s computes other values", policy)
		}
		if other, ok := cycles[time]; ok {
			t.Errorf("%s and %s both take %d cycles", policy, other, time)
		}
		cycles[time] = policy
	}
}
