package microbench

import (
	"context"
	"encoding/binary"

	"warpdrop/sim"
)

// Each launches every microbenchmark kernel once with little work and calls visit with the result: launches of every
// character for tests of counters and checks.
func Each(ctx context.Context, dev *sim.Device, visit func(*sim.Result)) error {
	sms := dev.GPU.SMs
	const words = 1 << 14
	a, err := dev.Malloc(4 * words)
	if err != nil {
		return err
	}
	b, err := dev.Malloc(4 * words)
	if err != nil {
		return err
	}
	out, in, n := sim.PtrArg(a), sim.PtrArg(b), sim.I32(words/4)
	type launch struct {
		kernel      string
		grid, block int
		args        []sim.Arg
	}
	var ofSM []launch
	for _, i := range instructions {
		x, y := i.args()
		ofSM = append(ofSM, launch{"latency_" + i.name, 1, 32, []sim.Arg{out, in, x, y}},
			launch{"throughput_" + i.name, sms, 256, []sim.Arg{out, x, y, sim.I32(1)}})
	}
	for _, k := range []string{"throughput_lds", "throughput_lds64", "throughput_lds128"} {
		ofSM = append(ofSM, launch{k, sms, 256, []sim.Arg{out, sim.I32(1)}})
	}
	x, y := sim.F32(1), sim.F32(2)
	ofSM = append(ofSM, launch{"resident_20", 3 * sms, 96, []sim.Arg{out, sim.PtrArg(a + 4096), sim.PtrArg(a + 8192), in,
		sim.I32(500)}})
	ofSM = append(ofSM,
		launch{"banks", sms, 128, []sim.Arg{out, in, sim.I32(1)}},
		launch{"dual", 2 * sms, 512, []sim.Arg{out, x, y, sim.I32(1)}},
		launch{"split", 1, 32, []sim.Arg{out, in, x, y, sim.I32(5)}},
		launch{"nested", 1, 96, []sim.Arg{out, x, y, sim.I32(4), sim.I32(3)}},
		launch{"masked", 4 * sms, 64, []sim.Arg{out, in, x, y, sim.I32(2)}})
	ofMemory := []launch{
		{"stream_copy", 4 * sms, 256, []sim.Arg{out, in, n}},
		{"stream_copy4", 2 * sms, 128, []sim.Arg{out, in, sim.I32(words)}},
		{"stream_scale", sms, 1024, []sim.Arg{out, in, x, n}}, {"stream_triad", sms, 512, []sim.Arg{out, in, out, x, n}},
		{"read_strided", 2 * sms, 256, []sim.Arg{out, in, sim.I32(9), sim.I32(words - 1), sim.I32(16)}},
		{"read_random", 4 * sms, 512, []sim.Arg{out, in, sim.U32(words - 1), sim.I32(16)}},
		{"atomic_add", 2 * sms, 64, []sim.Arg{out, sim.U32(15), sim.I32(4)}},
		{"chase_shared_32", 1, 32, []sim.Arg{out, in, sim.I32(8), sim.I32(0)}},
		{"chase_shared_64", 1, 32, []sim.Arg{out, in, sim.I32(2), sim.I32(0)}},
		{"chase_shared_128", 1, 32, []sim.Arg{out, in, sim.I32(1), sim.I32(1)}},
		{"chase_shared_atomic", 1, 32, []sim.Arg{out, in, sim.I32(1), sim.I32(1)}},
		{"chase_cached", 1, 1, []sim.Arg{in, out, sim.PtrArg(a + 8), sim.I32(1)}},
		{"chase_l2", 1, 1, []sim.Arg{in, out, sim.PtrArg(a + 8), sim.I32(1)}},
		{"chase_readonly", 1, 1, []sim.Arg{in, out, sim.PtrArg(a + 8), sim.I32(1)}},
		{"transpose_unpadded", 4, 256, []sim.Arg{out, in, sim.I32(128)}},
		{"transpose_padded", 4, 256, []sim.Arg{out, in, sim.I32(128)}},
	}
	for _, part := range []struct {
		cubin    []byte
		launches []launch
	}{{smCubin, ofSM}, {memoryCubin, ofMemory}} {
		mod, err := dev.LoadModule(part.cubin)
		if err != nil {
			return err
		}
		for _, l := range part.launches {
			k, err := mod.Kernel(l.kernel)
			if err != nil {
				return err
			}
			start := make([]byte, 4*words) // bytes for masked; for the chases a chain
			for i := 0; i < len(start); i += 128 {
				binary.LittleEndian.PutUint64(start[i:], uint64(b)+uint64((i+128)%len(start)))
			}
			if err := dev.Write(b, start); err != nil {
				return err
			}
			cfg := sim.LaunchConfig{Grid: sim.Dim3{X: l.grid}, Block: sim.Dim3{X: l.block}}
			if l.block == 256 && l.grid == 4 { // the transposes
				cfg = sim.LaunchConfig{Grid: sim.Dim3{X: 4, Y: 4}, Block: sim.Dim3{X: 32, Y: 8}}
			}
			r, err := dev.Launch(ctx, k, cfg, l.args...)
			if err != nil {
				return err
			}
			visit(r)
		}
	}
	if err := dev.Free(a); err != nil {
		return err
	}
	return dev.Free(b)
}
