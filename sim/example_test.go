package sim_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"strings"

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

// deviceWith returns a device of preset gtx1080ti, a kernel of testdata/checks.cubin and two buffers of n words.
func deviceWith(kernel string, n int64) (dev *sim.Device, k *sim.Kernel, x, y sim.Ptr) {
	gpu, err := sim.LoadGPU("gtx1080ti")
	check(err)
	dev, err = sim.NewDevice(gpu)
	check(err)
	cubin, err := os.ReadFile("testdata/checks.cubin")
	check(err)
	mod, err := dev.LoadModule(cubin)
	check(err)
	k, err = mod.Kernel(kernel)
	check(err)
	x, err = dev.Malloc(4 * n)
	check(err)
	y, err = dev.Malloc(4 * n)
	check(err)
	return dev, k, x, y
}

// Work of one stream runs in order, that of two shares the chip.
func ExampleStream() {
	const n = 1024
	dev, saxpy, x, y := deviceWith("saxpy", n)
	data := make([]byte, 4*n)
	cfg := sim.LaunchConfig{Grid: sim.Dim3{X: 8}, Block: sim.Dim3{X: 128}}

	a, b := dev.NewStream(), dev.NewStream()
	a.CopyIn(x, data)
	first, err := a.Launch(saxpy, cfg, sim.PtrArg(y), sim.PtrArg(x), sim.F32(2), sim.I32(n))
	check(err)
	second, err := b.Launch(saxpy, cfg, sim.PtrArg(x), sim.PtrArg(x), sim.F32(2), sim.I32(n))
	check(err)
	all, err := dev.Synchronize(context.Background())
	check(err)
	fmt.Println("warp instructions of both:", all.Counters.SM.WarpInstructions)
	fmt.Println("each took cycles:", first.Cycles > 0 && second.Cycles > 0)
	// Output:
	// warp instructions of both: 1408
	// each took cycles: true
}

// A profile counts by instruction: here, where a kernel's bank conflicts are.
func ExampleDevice_profile() {
	dev, k, x, _ := deviceWith("counts", 128)
	dev.Profile = true
	r, err := dev.Launch(context.Background(), k, sim.LaunchConfig{Block: sim.Dim3{X: 128}}, sim.PtrArg(x))
	check(err)
	for _, l := range r.Profile.Lines {
		if l.Conflicts > 0 {
			fmt.Println(l.Warps, "executions,", l.Conflicts, "conflicts:", strings.Fields(l.Text)[1])
		}
	}
	// Output:
	// 4 executions, 28 conflicts: ATOMS.ADD
}

// A check runs beside a launch and changes nothing of it; what it finds is an error of a type of its own.
func ExampleDevice_checks() {
	dev, k, x, _ := deviceWith("no_barrier", 128)
	dev.Races = true
	r, err := dev.Launch(context.Background(), k, sim.LaunchConfig{Block: sim.Dim3{X: 128}}, sim.PtrArg(x))
	var found *sim.CheckError
	fmt.Println("a race:", errors.As(err, &found))
	fmt.Println("and a result:", r.Cycles > 0)
	// Output:
	// a race: true
	// and a result: true
}

// A preset is changed by one function, which checks it as a preset file is checked.
func ExampleGPU_With() {
	gpu, err := sim.LoadGPU("gtx1080ti")
	check(err)
	small, err := gpu.With(func(g *sim.GPU) { g.Name, g.SMs = "gtx1080ti-7", 7 })
	check(err)
	fmt.Println(small.Name, small.PeakGFLOPS() == gpu.PeakGFLOPS()/4, small.Hash() != gpu.Hash())
	_, err = gpu.With(func(g *sim.GPU) { g.SM.Schedulers = 8 })
	fmt.Println(err)
	// Output:
	// gtx1080ti-7 true true
	// preset gtx1080ti, changed: sm.schedulers: 8 is not in 1..4
}

// A __constant__ variable is set before a launch, and a __device__ variable read after it.
func ExampleModule_Global() {
	gpu, err := sim.LoadGPU("gtx1080ti")
	check(err)
	dev, err := sim.NewDevice(gpu)
	check(err)
	cubin, err := os.ReadFile("testdata/globals.cubin")
	check(err)
	mod, err := dev.LoadModule(cubin)
	check(err)
	look, err := mod.Kernel("look")
	check(err)
	out, err := dev.Malloc(4 * 32)
	check(err)

	scale, _, err := mod.Global("scale")
	check(err)
	check(dev.Write(scale, binary.LittleEndian.AppendUint32(nil, math.Float32bits(3))))
	_, err = dev.Launch(context.Background(), look, sim.LaunchConfig{Grid: sim.Dim3{X: 5}, Block: sim.Dim3{X: 32}},
		sim.PtrArg(out), sim.I32(0))
	check(err)

	calls, size, err := mod.Global("calls")
	check(err)
	data := make([]byte, size)
	check(dev.Read(calls, data))
	fmt.Println("blocks:", binary.LittleEndian.Uint32(data))
	data = make([]byte, 4)
	check(dev.Read(out, data))
	fmt.Println("3 * table[0] + offsets[0] =", math.Float32frombits(binary.LittleEndian.Uint32(data)))
	// Output:
	// blocks: 5
	// 3 * table[0] + offsets[0] = 31
}
