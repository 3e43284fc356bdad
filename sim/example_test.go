package sim_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"

	"warpdrop/sim"
)

// A cubin is loaded, launched and its counters are read, as with the CUDA driver API.
func Example() {
	gpu, err := sim.LoadGPU("gtx1080ti")
	check(err)
	dev, err := sim.NewDevice(gpu)
	check(err)
	cubin, err := os.ReadFile("testdata/checks.cubin")
	check(err)
	mod, err := dev.LoadModule(cubin)
	check(err)
	kernel, err := mod.Kernel("saxpy")
	check(err)

	const n = 1000
	x, err := dev.Malloc(4 * n)
	check(err)
	y, err := dev.Malloc(4 * n)
	check(err)
	data := make([]byte, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(i)))
	}
	check(dev.Write(x, data))

	r, err := dev.Launch(context.Background(), kernel, sim.LaunchConfig{Grid: sim.Dim3{X: 8}, Block: sim.Dim3{X: 128}},
		sim.PtrArg(y), sim.PtrArg(x), sim.F32(0.5), sim.I32(n))
	check(err)
	check(dev.Read(y, data))
	fmt.Println("y[999] =", math.Float32frombits(binary.LittleEndian.Uint32(data[4*999:])))
	fmt.Println("warp instructions:", r.Counters.SM.WarpInstructions)
	fmt.Println("sectors read and written:", r.Counters.Memory.LoadSectors, r.Counters.Memory.StoreSectors)
	fmt.Println("took cycles:", r.Cycles > 0)
	// Output:
	// y[999] = 499.5
	// warp instructions: 704
	// sectors read and written: 250 125
	// took cycles: true
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
