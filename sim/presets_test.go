package sim_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"warpdrop/internal/cudac"
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

// TestPublishedPeaks: what a preset's figures make of FP32, of memory and of tensor cores is what NVIDIA's data sheets
// and white papers state, TFLOP/s and GB/s, within their rounding.
func TestPublishedPeaks(t *testing.T) {
	for _, c := range []struct {
		name         string
		fp32, memory float64
		tensor       float64 // products of FP16 with sums in FP32, without sparsity
	}{
		{"rtx2070super", 9.06, 448, 36.3},
		{"titanrtx", 16.3, 672, 130.5},
		{"t4", 8.1, 320, 65},
		{"v100", 15.7, 900, 125},
		{"a100-40g", 19.5, 1555, 312},
		{"rtx3090", 35.6, 936, 71},
		{"a6000", 38.7, 768, 154.8},
	} {
		gpu, err := sim.LoadGPU(c.name)
		if err != nil {
			t.Fatal(err)
		}
		const adds = 16 * 8 * 16 // of HMMA.16816, which the interval is of
		clock := float64(gpu.SMs*gpu.SM.Schedulers) * gpu.CoreMHz * 1e6
		tensor := clock * 2 * adds / float64(gpu.SM.Units.Tensor.Interval*max(gpu.SM.TensorSingle, 1)) / 1e12
		for _, v := range []struct {
			what      string
			got, want float64
		}{
			{"FP32, TFLOP/s", gpu.PeakGFLOPS() / 1e3, c.fp32},
			{"memory, GB/s", gpu.Memory.PeakBytesPerSecond(gpu.CoreMHz) / 1e9, c.memory},
			{"tensor cores, TFLOP/s", tensor, c.tensor},
		} {
			if math.Abs(v.got-v.want) > .006*v.want {
				t.Errorf("%s: %s %.1f, published %.1f", c.name, v.what, v.got, v.want)
			}
		}
	}
}

// TestSharedMemoryRate: loads of shared memory without conflicts come near the rate that was measured or published, and
// do not exceed it: cycles between two warps' loads of 4 and of 16 bytes a thread on an SM.
func TestSharedMemoryRate(t *testing.T) {
	t.Setenv("WARPDROP_TOOLCHAIN", filepath.Dir(toolchain(t)))
	for _, c := range []struct {
		gpu          string
		narrow, wide float64
	}{{"rtx2070super", 2, 8}, {"a100-40g", 1, 4}, {"rtx3090", 2, 4}} {
		gpu, err := sim.LoadGPU(c.gpu)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []struct {
			words int
			want  float64
		}{{1, c.narrow}, {4, c.wide}} {
			cubin, err := cudac.AssembleText(t.Context(), []byte(loadLoop(gpu.Arch, w.words)), gpu.Arch)
			if err != nil {
				t.Fatal(err)
			}
			const warps, rounds = 16, 64 // of eight loads
			got := cyclesOf(t, gpu, cubin, "loads", warps, rounds) / (rounds * 8 * warps)
			if got < .99*w.want || got > 1.15*w.want {
				t.Errorf("%s, %d bytes a thread: a load every %.2f cycles, want %.0f", c.gpu, 4*w.words, got, w.want)
			}
		}
	}
}

// loadLoop is PTX of a kernel whose threads read neighbouring vectors of shared memory, eight loads a round that do
// not depend on each other.
func loadLoop(arch, words int) string {
	var s strings.Builder
	fmt.Fprintf(&s, ".version 7.8\n.target sm_%d\n.address_size 64\n.visible .entry loads("+
		".param .u64 p, .param .u32 n) .maxnreg 64 {\n.shared .align 16 .b8 m[16384];\n"+
		".reg .b64 %%rd<4>; .reg .b32 %%r<80>; .reg .pred %%p;\n"+
		"ld.param.u64 %%rd0, [p]; ld.param.u32 %%r0, [n];\nmov.u32 %%r1, %%tid.x; mov.u32 %%r2, m;\n"+
		"mad.wide.u32 %%rd0, %%r1, 4, %%rd0; and.b32 %%r3, %%r1, 31; mad.lo.u32 %%r2, %%r3, %d, %%r2;\n"+
		"mov.u32 %%r4, 0;\nloop:\n", arch, 4*words)
	for i := range 8 {
		first := 10 + 4*i
		if words == 1 {
			fmt.Fprintf(&s, "ld.volatile.shared.u32 %%r%d, [%%r2+%d];\n", first, 128*i)
		} else {
			fmt.Fprintf(&s, "ld.volatile.shared.v4.u32 {%%r%d,%%r%d,%%r%d,%%r%d}, [%%r2+%d];\n", first, first+1, first+2,
				first+3, 512*i)
		}
	}
	s.WriteString("add.u32 %r4, %r4, %r10;\n") // the others are loaded for nothing: volatile
	s.WriteString("sub.u32 %r0, %r0, 1; setp.ne.u32 %p, %r0, 0; @%p bra loop;\nst.global.u32 [%rd0], %r4;\nret;\n}\n")
	return s.String()
}
