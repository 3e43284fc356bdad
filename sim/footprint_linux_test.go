package sim_test

import (
	"bufio"
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"warpdrop/sim"
	"warpdrop/workloads/microbench"
)

// resident returns the memory that the process takes of the machine, bytes.
func resident(t *testing.T) int64 {
	t.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, found := strings.CutPrefix(s.Text(), "VmRSS:"); found {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("/proc/self/status does not say")
	return 0
}

// cpuTime is the processor time of this process, nanoseconds: it says more than a clock on a machine that does other
// work too.
func cpuTime(t *testing.T) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// TestFootprint: what a random access that goes to DRAM costs the simulator does not grow with the footprint, and the
// simulator takes at most 1.3 times the device memory that was touched and 200 MB. The preset's L2 would hold the
// smallest footprint, and then there is no DRAM to simulate; so it has 4 KiB a slice here.
func TestFootprint(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory and time of its own")
	}
	gpu, err := sim.LoadGPU("gtx1080ti")
	if err != nil {
		t.Fatal(err)
	}
	gpu.Memory.L2.SliceBytes, gpu.Memory.L2.Ways = 4<<10, 2
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		t.Fatal(err)
	}
	dev.Threads = 1
	mod, err := dev.LoadModule(microbench.MemoryCubin())
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := mod.Kernel("read_random")
	if err != nil {
		t.Fatal(err)
	}
	out, err := dev.Malloc(4096)
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int64{1 << 20, 16 << 20, 256 << 20, 1 << 30}
	best := map[int64]float64{} // nanoseconds a sector
	for _, size := range sizes {
		in, err := dev.Malloc(size)
		if err != nil {
			t.Fatal(err)
		}
		var first float64 // with the host's page faults
		for i := range 4 {
			began := cpuTime(t)
			r, err := dev.Launch(context.Background(), kernel, sim.LaunchConfig{Grid: sim.Dim3{X: 56}, Block: sim.Dim3{X: 256}},
				sim.PtrArg(out), sim.PtrArg(in), sim.U32(uint32(size/4-1)), sim.I32(6))
			if err != nil {
				t.Fatal(err)
			}
			ns := float64(cpuTime(t)-began) / float64(r.Counters.Memory.LoadSectors)
			if i == 0 {
				first, best[size] = ns, ns
			}
			best[size] = min(best[size], ns)
		}
		t.Logf("%4d MiB: %.0f ns a sector, %.0f the first time", size>>20, best[size], first)
		if err := dev.Free(in); err != nil {
			t.Fatal(err)
		}
	}
	// Work that grew with the footprint would show as up to 1024 times. Time is noisy where others use the host's caches:
	// 2.3 times was seen there, 1.0 to 1.2 elsewhere. CI bounds the host instructions of scattered reads, which are not.
	ratio := best[1<<30] / best[1<<20]
	const most = 16
	t.Logf("a sector of 1 GiB costs %.2f times one of 1 MiB", ratio)
	if ratio > most {
		t.Errorf("a sector of 1 GiB costs %.2f times one of 1 MiB, at most %d expected", ratio, most)
	}

	runtime.GC()
	debug.FreeOSMemory()
	before := resident(t)
	const touched = 256 << 20
	p, err := dev.Malloc(4 * touched) // the rest stays untouched
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 1<<20)
	for i := range chunk {
		chunk[i] = byte(i)
	}
	for at := sim.Ptr(0); at < touched; at += 1 << 20 {
		if err := dev.Write(p+at, chunk); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dev.Launch(context.Background(), kernel, sim.LaunchConfig{Grid: sim.Dim3{X: 56}, Block: sim.Dim3{X: 256}},
		sim.PtrArg(out), sim.PtrArg(p), sim.U32(touched/4-1), sim.I32(2)); err != nil {
		t.Fatal(err)
	}
	after := resident(t)
	used := after - before
	t.Logf("%d MiB of device memory touched: %d MiB taken, %d MiB in all", touched>>20, used>>20, after>>20)
	if limit := int64(touched*13/10 + 200<<20); used > limit || after-before < touched/2 {
		t.Errorf("%d MiB taken for %d MiB touched; at most %d MiB", used>>20, touched>>20, limit>>20)
	}
	if err := dev.Free(p); err != nil {
		t.Fatal(err)
	}
}
