package experiments

import (
	"context"
	"strings"
	"testing"
)

// A kernel that the project knows nothing of, in an experiment.
func TestLaunch(t *testing.T) {
	t.Chdir("..")
	e, err := Load("workloads/examples/saxpy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := e.Specs("small")[2].(Launch)
	if s.Kernel != "saxpy4" {
		t.Fatalf("third point is %+v", s)
	}
	s.Grid, s.Args = []int{4}, []string{"buf:16384", "buf:16384", "f32:0.5", "i32:1024"}
	host := NewHost("")
	got, err := host.Run(context.Background(), s, 1, func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	c := got.Sim.Counters
	if got.Sim.Cycles < 1000 || c["warp_instructions"] < 32*10 || len(got.Sim.Kernels) != 1 ||
		got.Sim.Kernels[0].Name != "saxpy4" {
		t.Errorf("result %+v", got.Sim)
	}
	v1, err := host.Versions(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Args[0] = "buf:16384:file=README.md"
	v2, err := host.Versions(s)
	if err != nil || v1["README.md"] != "" || len(v2["README.md"]) != 64 {
		t.Errorf("versions %v and, with a file, %v (%v): the file's hash belongs to them", v1, v2, err)
	}
	s.Args = s.Args[:3]
	if _, err := host.Run(context.Background(), s, 1, func(float64) {}); err == nil ||
		!strings.Contains(err.Error(), "parameter") {
		t.Errorf("three arguments for four parameters: %v", err)
	}
}
