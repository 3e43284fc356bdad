package sim_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

// TestStaircases: on each preset a pointer chase takes L1's latency up to L1's size, L2's up to L2's size, then DRAM's.
// The sums are those of docs/design/memory.md.
func TestStaircases(t *testing.T) {
	for _, name := range sim.GPUs() {
		t.Run(name, func(t *testing.T) {
			gpu, err := sim.LoadGPU(name)
			if err != nil {
				t.Fatal(err)
			}
			if gpu.Arch >= 70 {
				t.Skip("the microbenchmark is compiled for sm_61 only")
			}
			m := &gpu.Memory
			l2 := float64(m.L1.MissLatency + 1 + m.Crossbar.RequestLatency + m.L2.Latency + m.Crossbar.ReplyLatency + 2)
			d := &m.DRAM
			// Of the eight lines that lie together the first opens their row; a load that comes in a refresh, rfc of refi, waits
			// for half of it.
			clocks := float64(d.RP+d.RCD)/8 + float64(d.CL+d.Burst/d.DataRate) + float64(d.RFC*d.RFC)/float64(2*d.REFI)
			dram := l2 - float64(m.L2.Latency) + float64(d.ReturnLatency) + clocks*float64(d.ClockDen)/float64(d.ClockNum)
			l2Bytes := m.Slices() * m.L2.SliceBytes
			for _, c := range []struct {
				footprint int
				want      float64
				share     float64
			}{
				{8 << 10, float64(m.L1.Latency), .05},
				{m.L1.Bytes, float64(m.L1.Latency), .05},
				{m.L1.Bytes + 8<<10, l2, .05},
				{l2Bytes * 7 / 8, l2, .05},
				{l2Bytes * 5 / 4, dram, .08}, // loads and refreshes can fall into step: seven loads come in refi
			} {
				got, err := chase(gpu, c.footprint)
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(got-c.want) > c.share*c.want {
					t.Errorf("%d KiB: %.1f cycles a load, want %.1f", c.footprint>>10, got, c.want)
				}
			}
		})
	}
}

// chase returns the cycles of a load through the read-only path, each at an address that the one before gave, a line
// further. The footprint is a multiple of 8 KiB: the kernel goes once around in rounds of 64 loads before it measures.
func chase(gpu *sim.GPU, footprint int) (float64, error) {
	const line, unrolled = 128, 64
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		return 0, err
	}
	mod, err := dev.LoadModule(microbench.MemoryCubin())
	if err != nil {
		return 0, err
	}
	k, err := mod.Kernel("chase_readonly")
	if err != nil {
		return 0, err
	}
	n := footprint / line
	p, err := dev.Malloc(int64(n * line))
	if err != nil {
		return 0, err
	}
	out, err := dev.Malloc(64)
	if err != nil {
		return 0, err
	}
	chain := make([]byte, n*line)
	for i := range n {
		binary.LittleEndian.PutUint64(chain[i*line:], uint64(p)+uint64((i+1)%n*line))
	}
	if err := dev.Write(p, chain); err != nil {
		return 0, err
	}
	steps := max(1, n/unrolled)
	if _, err := dev.Launch(context.Background(), k, sim.LaunchConfig{}, sim.PtrArg(p), sim.PtrArg(out), sim.PtrArg(out+8),
		sim.I32(int32(steps))); err != nil {
		return 0, err
	}
	var cycles [4]byte
	if err := dev.Read(out, cycles[:]); err != nil {
		return 0, err
	}
	return float64(binary.LittleEndian.Uint32(cycles[:])) / float64(steps*unrolled), nil
}
