package timing

import (
	"testing"

	"warpdrop/sim/sm/lower"
)

// TestResident compares blocks an SM with NVIDIA's CUDA occupancy calculator (spreadsheet, compute capability 6.1, 96
// KiB of shared memory an SM). The expected column was worked out by the calculator's own steps: warp limit, register
// limit with warps rounded down to multiples of four, shared-memory limit, block limit.
func TestResident(t *testing.T) {
	cfg := &Config{Schedulers: 4, WarpsPerSM: 64, ThreadsPerSM: 2048, BlocksPerSM: 32, Registers: 65536,
		RegisterUnit: 256, Shared: 98304, SharedUnit: 256}
	for _, c := range []struct{ threads, registers, shared, want int }{
		{32, 16, 0, 32},      // block slots
		{64, 16, 0, 32},      // 64 warps / 2
		{96, 16, 0, 21},      // 64 / 3
		{128, 32, 0, 16},     // 64 / 4
		{128, 40, 0, 12},     // 1280 a warp: 51 warps, 48 in fours
		{64, 33, 0, 24},      // 1056 -> 1280 a warp: 48 warps
		{256, 32, 0, 8},      // 64 / 8
		{256, 33, 0, 6},      // 48 warps
		{256, 64, 0, 4},      // 2048 a warp: 32 warps
		{256, 65, 0, 3},      // 2304 a warp: 28 warps
		{256, 128, 0, 2},     // 4096 a warp: 16 warps
		{256, 127, 0, 2},     // 4064 -> 4096
		{256, 255, 0, 1},     // 8192 a warp: 8 warps
		{512, 32, 0, 4},      //
		{512, 48, 0, 2},      // 1536 a warp: 42 -> 40 warps
		{512, 64, 0, 2},      //
		{1024, 32, 0, 2},     //
		{1024, 33, 0, 1},     // 48 warps hold one block of 32
		{1024, 64, 0, 1},     //
		{768, 40, 0, 2},      // 48 warps / 24
		{128, 16, 8192, 12},  // 96 KiB / 8 KiB
		{256, 32, 16384, 6},  // 96 / 16
		{256, 32, 49152, 2},  // 96 / 48
		{256, 32, 32768, 3},  //
		{128, 32, 6145, 15},  // 6145 -> 6400 bytes: 15.36
		{64, 24, 3072, 32},   //
		{192, 80, 12288, 4},  // 2560 a warp: 25 -> 24 warps / 6
		{320, 56, 10240, 3},  // 1792 a warp: 36 warps / 10
		{1000, 32, 1024, 2},  // 32 warps a block
		{33, 128, 0, 8},      // 16 warps / 2
		{416, 72, 24576, 2},  // 2304 a warp: 28 warps / 13
		{128, 128, 17408, 4}, // 16 warps / 4
		{64, 255, 40960, 2},  // shared: 96/40
		{32, 255, 0, 8},      //
		{256, 16, 98304 / 4, 4},
	} {
		n := NeedOf(cfg, &lower.Program{Registers: c.registers, SharedBytes: c.shared}, c.threads)
		if got := cfg.Resident(n); got != c.want {
			t.Errorf("%d threads, %d registers, %d bytes shared: %d blocks an SM, the calculator says %d", c.threads,
				c.registers, c.shared, got, c.want)
		}
	}
}
