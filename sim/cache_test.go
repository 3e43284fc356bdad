package sim_test

import (
	"bytes"
	"context"
	"os"
	"testing"

	"warpdrop/sim"
)

// TestExplicitCaching: a kernel whose attributes ask for its global loads to be cached (EIATTR_EXPLICIT_CACHING, 01 21
// 00 00, which ptxas writes for -dlcm=ca) uses L1, the same machine code without the attribute does not.
func TestExplicitCaching(t *testing.T) {
	plain, err := os.ReadFile("testdata/checks.cubin")
	if err != nil {
		t.Fatal(err)
	}
	// Another attribute without a payload, EIATTR_MAXREG_COUNT, gives its place to it: in all kernels of the file.
	asked := bytes.ReplaceAll(plain, []byte{0x03, 0x1b, 0xff, 0x00}, []byte{0x01, 0x21, 0x00, 0x00})
	if bytes.Equal(asked, plain) {
		t.Fatal("checks.cubin has no attribute to replace")
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	through := func(cubin []byte) (l1, around int64) {
		dev, k := loadKernel(t, gpu, cubin, "saxpy")
		const n = 1024
		p, err := dev.Malloc(8 * n)
		if err != nil {
			t.Fatal(err)
		}
		r, err := dev.Launch(context.Background(), k, sim.LaunchConfig{Grid: sim.Dim3{X: 8}, Block: sim.Dim3{X: 128}},
			sim.PtrArg(p), sim.PtrArg(p+4*n), sim.F32(2), sim.I32(n))
		if err != nil {
			t.Fatal(err)
		}
		return r.Counters.Memory.L1Accesses, r.Counters.Memory.L1Bypassed
	}
	const sectors = 2 * 4 * 1024 / 32
	if l1, around := through(plain); l1 != 0 || around != sectors {
		t.Errorf("without the attribute: %d sectors through L1, %d around it; want 0 and %d", l1, around, sectors)
	}
	if l1, around := through(asked); l1 != sectors || around != 0 {
		t.Errorf("with the attribute: %d sectors through L1, %d around it; want %d and 0", l1, around, sectors)
	}
}
