package driver

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"warpdrop/internal/toolchain"
)

// TestProgram: what every first CUDA program does.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	c := newClient(t, func(o *Options) {
		o.JSON, o.Trace, o.HTML = filepath.Join(dir, "l.json"), filepath.Join(dir, "t.json"), filepath.Join(dir, "r.html")
		o.Profile = filepath.Join(dir, "p.csv")
	})
	const n = 1000
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	host := c.floats(x...)
	dx, dy := c.alloc(4*n), c.alloc(4*n)
	c.ok("cuMemcpyHtoD_v2", dx, host.addr(), 4*n)
	c.ok("cuMemsetD32_v2", dy, 0, n)
	f := c.function(c.module(), "saxpy")
	e0, e1 := c.get("cuEventCreate", 0), c.get("cuEventCreate", 0)
	c.ok("cuEventRecord", e0, 0)
	c.ok("cuLaunchKernel", f, 8, 1, 1, 128, 1, 1, 0, 0, c.saxpy(dy, dx, 0.5, n), 0)
	c.ok("cuEventRecord", e1, 0)
	back := c.mem(4 * n)
	c.ok("cuMemcpyDtoH_v2", back.addr(), dy, 4*n)
	for i := range x {
		if got := back.float(i); got != x[i]/2 {
			t.Fatalf("y[%d] is %g, want %g", i, got, x[i]/2)
		}
	}
	// The same once more, its parameters in one buffer.
	params := c.words(dy, dx, uint64(math.Float32bits(2))|n<<32)
	size := c.words(uint64(len(params)))
	c.ok("cuLaunchKernel", f, 8, 1, 1, 128, 1, 1, 0, 0, 0, c.words(1, params.addr(), 2, size.addr(), 0).addr())
	c.ok("cuMemcpyDtoH_v2", back.addr(), dy, 4*n)
	if got := back.float(10); got != 25 {
		t.Errorf("y[10] is %g, want 5 + 2 x 10", got)
	}
	ms := c.mem(4)
	c.ok("cuEventElapsedTime", ms.addr(), e0, e1)
	c.ok("cuMemFree_v2", dx)
	c.want(InvalidValue, "cuMemFree_v2", dx)
	if err := c.d.Close(); err != nil {
		t.Fatal(err)
	}
	var rep struct{ Launches []Launch }
	data, err := os.ReadFile(filepath.Join(dir, "l.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &rep); err != nil || len(rep.Launches) != 2 {
		t.Fatalf("%d launches, %v", len(rep.Launches), err)
	}
	// The events' time is the launch's own, in milliseconds.
	if l := rep.Launches[0]; math.Abs(float64(ms.float(0))*1e3-l.TimeUS) > 1e-3 || l.Kernel != "saxpy" ||
		l.WarpInsts != 704 {
		t.Errorf("events say %g ms, the launch %+v", ms.float(0), l)
	}
	for _, want := range []string{"NVIDIA GeForce GTX 1080 Ti", "saxpy", "8x1x1", "128x1x1", "100.0 %"} {
		if !strings.Contains(c.said.String(), want) {
			t.Errorf("the table does not hold %q:\n%s", want, c.said)
		}
	}
	for name, want := range map[string]string{"t.json": `"name":"saxpy"`, "r.html": "<td>8x1x1",
		"p.csv": ",EXIT,"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, or it does not hold %q", name, err, want)
		}
	}
	checkFrames(t, filepath.Join(dir, "r.html"), "saxpy")
	var trace any
	if data, _ := os.ReadFile(filepath.Join(dir, "t.json")); json.Unmarshal(data, &trace) != nil {
		t.Error("the trace is not JSON")
	}
}

// checkFrames has a profile page of each kernel in the report: documents of their own, with the listing.
func checkFrames(t *testing.T, file string, kernels ...string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	frames := regexp.MustCompile(`<iframe title="profile of ([^"]*)" loading="lazy" srcdoc="([^"]*)">`).
		FindAllStringSubmatch(string(data), -1)
	if len(frames) != len(kernels) {
		t.Fatalf("%d profile pages in the report, want %d", len(frames), len(kernels))
	}
	for i, name := range kernels {
		document := html.UnescapeString(frames[i][2])
		if frames[i][1] != name || !strings.HasPrefix(document, "<!doctype html>") ||
			!strings.Contains(document, "EXIT") || !strings.Contains(document, "<h1>") {
			t.Errorf("the page of %s: %.300s", name, document)
		}
	}
}

// TestOrder: calls before cuInit and without a context are refused as the real driver refuses them.
func TestOrder(t *testing.T) {
	c := &client{t: t, d: New(Options{Err: os.Stderr}), thread: 1}
	c.want(NotInitialized, "cuDeviceGetCount", c.out().addr())
	c.want(NotInitialized, "cuMemAlloc_v2", c.out().addr(), 4)
	c.want(InvalidValue, "cuInit", 1)
	c.ok("cuInit", 0)
	c.want(InvalidContext, "cuMemAlloc_v2", c.out().addr(), 4)
	c.want(InvalidDevice, "cuDeviceGet", c.out().addr(), 1)
	c.want(NotSupported, "cuNoSuchFunction")
	a := c.get("cuCtxCreate_v2", 0, 0)
	b := c.get("cuCtxCreate_v2", 0, 0)
	if got := c.get("cuCtxGetCurrent"); got != b {
		t.Errorf("current is %#x, want the last made, %#x", got, b)
	}
	c.alloc(4)
	if got := c.get("cuCtxPopCurrent_v2"); got != b {
		t.Errorf("popped %#x, want %#x", got, b)
	}
	p := c.alloc(512)
	c.ok("cuCtxDestroy_v2", a)
	if c.d.find(p) != nil {
		t.Error("memory outlives its context")
	}
	c.want(InvalidContext, "cuMemAlloc_v2", c.out().addr(), 4)
	c.want(InvalidContext, "cuCtxSetCurrent", a)
}

// TestProcAddress: a name stands for the symbol of the CUDA version that the program was built for.
func TestProcAddress(t *testing.T) {
	c := newClient(t)
	for _, q := range []struct {
		name    string
		version uint64
		flags   uint64
		want    string
		status  uint32
	}{
		{"cuMemAlloc", 12000, 0, "cuMemAlloc_v2", procFound},
		{"cuMemAlloc", 3000, 0, "", procTooOld},
		{"cuCtxCreate", 11000, 0, "cuCtxCreate_v2", procFound},
		{"cuCtxCreate", 12000, 0, "cuCtxCreate_v3", procFound},
		{"cuGraphInstantiate", 11000, 0, "cuGraphInstantiate_v2", procFound},
		{"cuGraphInstantiate", 12000, 0, "cuGraphInstantiateWithFlags", procFound},
		{"cuStreamSynchronize", 12000, procPerThread, "cuStreamSynchronize_ptsz", procFound},
		{"cuMemcpy", 12000, procPerThread, "cuMemcpy_ptds", procFound},
		{"cuInit", 12000, procPerThread, "cuInit", procFound},
		{"cuTexObjectCreate", 12000, 0, "", procNotFound},
	} {
		p, status := c.out(), c.out()
		c.ok("cuGetProcAddress_v2", c.text(q.name), p.addr(), q.version, q.flags, status.addr())
		if want := uint64(c.d.options.Symbol(q.want)); p.u64() != want || status.u32() != q.status {
			t.Errorf("%s of %d: %d, status %d; want %d (%s), status %d", q.name, q.version, p.u64(), status.u32(), want,
				q.want, q.status)
		}
	}
	c.want(NotFound, "cuGetProcAddress_v2", c.text("cuTexObjectCreate"), c.out().addr(), 12000, 0, 0)
}

// TestAttributes: what deviceQuery prints of a GTX 1080 Ti (28 multiprocessors, 352-bit bus, 2816 KiB of L2 ...); but
// for its memory clock, attribute 36, which is that of P2, the state in which CUDA runs, and not the data sheet's 5505
// MHz.
func TestAttributes(t *testing.T) {
	c := newClient(t)
	for a, want := range map[uint64]uint32{1: 1024, 2: 1024, 4: 64, 5: math.MaxInt32, 6: 65535, 8: 49152, 9: 65536, 10: 32,
		12: 65536, 16: 28, 36: 5005000, 37: 352, 38: 2883584, 39: 2048, 40: 2, 41: 1, 75: 6, 76: 1, 81: 98304, 87: 32,
		97: 49152, 106: 32} {
		if got := uint32(c.get("cuDeviceGetAttribute", a, 0)); got != want {
			t.Errorf("attribute %d is %d, want %d", a, got, want)
		}
	}
	c.want(InvalidValue, "cuDeviceGetAttribute", c.out().addr(), 9999, 0)
	name := c.mem(64)
	c.ok("cuDeviceGetName", name.addr(), 64, 0)
	if got, _, _ := strings.Cut(string(name), "\x00"); got != "NVIDIA GeForce GTX 1080 Ti" {
		t.Errorf("name %q", got)
	}
	c.ok("cuDeviceGetName", name.addr(), 7, 0)
	if string(name[:7]) != "NVIDIA\x00" {
		t.Errorf("cut off: %q", name[:7])
	}
	if got := c.get("cuDeviceTotalMem_v2", 0); got != 11<<30 {
		t.Errorf("%d bytes of memory, want 11 GiB", got)
	}
}

// TestFault: after an access out of bounds every call of the context answers its error, until the context is reset.
func TestFault(t *testing.T) {
	c := newClient(t)
	p, q := c.alloc(128), c.alloc(128)
	f := c.function(c.module(), "read_at")
	launch := func(offset int64) Result {
		return c.call("cuLaunchKernel", f, 1, 1, 1, 32, 1, 1, 0, 0, c.pointers(p, q, uint64(offset)), 0)
	}
	if r := launch(512 - 128); r != Success { // within what the allocation is padded to
		t.Fatalf("a read of the padding: %s\n%s", r, c.said)
	}
	if r := launch(1 << 20); r != IllegalAddress {
		t.Fatalf("a read out of bounds: %s, want %s\n%s", r, IllegalAddress, c.said)
	}
	for _, want := range []string{"kernel read_at", "block (0,0,0)"} {
		if !strings.Contains(c.said.String(), want) {
			t.Errorf("the message does not say %q: %s", want, c.said)
		}
	}
	c.want(IllegalAddress, "cuCtxSynchronize")
	c.want(IllegalAddress, "cuMemAlloc_v2", c.out().addr(), 4)
	c.want(IllegalAddress, "cuStreamSynchronize", 0)
	c.ok("cuDevicePrimaryCtxReset_v2", 0)
	ctx := c.get("cuDevicePrimaryCtxRetain", 0)
	c.ok("cuCtxSetCurrent", ctx)
	p, q = c.alloc(128), c.alloc(128)
	f = c.function(c.module(), "read_at")
	if r := launch(0); r != Success {
		t.Errorf("after the reset: %s\n%s", r, c.said)
	}
	if r := launch(2); r != MisalignedAddress {
		t.Errorf("a misaligned read: %s, want %s\n%s", r, MisalignedAddress, c.said)
	}
}

// withRegisters returns checks.cubin with kernels whose threads have so many registers.
func withRegisters(t *testing.T, n byte) []byte {
	t.Helper()
	cubin, err := os.ReadFile("../sim/testdata/checks.cubin")
	if err != nil {
		t.Fatal(err)
	}
	// The attribute's form, number and bytes; the kernel's symbol and the count, a word each.
	count := []byte{4, 0x2f, 8, 0}
	found := 0
	for at := 0; at+12 <= len(cubin); at += 4 {
		if bytes.Equal(cubin[at:at+4], count) {
			cubin[at+8] = n
			found++
		}
	}
	if found == 0 {
		t.Fatal("no count of registers in checks.cubin")
	}
	return cubin
}

// TestLaunchRefusals: shapes that no chip takes are refused and leave the context as it is.
func TestLaunchRefusals(t *testing.T) {
	c := newClient(t)
	m := c.module()
	f, bounded := c.function(m, "saxpy"), c.function(m, "bounded")
	large := c.function(c.load(withRegisters(t, 96)), "saxpy")
	p := c.alloc(4096)
	params := c.saxpy(p, p, 1, 1)
	for _, q := range []struct {
		f, gx, gy, bx, bz, shared uint64
		want                      Result
	}{
		{f, 0, 1, 32, 1, 0, InvalidValue},
		{f, 1, 65536, 32, 1, 0, InvalidValue},
		{f, 1, 1, 1025, 1, 0, InvalidValue},
		{f, 1, 1, 1, 65, 0, InvalidValue},
		{f, 1, 1, 32, 1, 49153, InvalidValue},
		{bounded, 1, 1, 65, 1, 0, InvalidValue},
		{large, 1, 1, 1024, 1, 0, LaunchResources},
		{f + 1, 1, 1, 32, 1, 0, InvalidHandle},
		{f, 1, 1, 32, 1, 49152, Success},
	} {
		c.want(q.want, "cuLaunchKernel", q.f, q.gx, q.gy, 1, q.bx, 1, q.bz, q.shared, 0, params, 0)
	}
	c.want(InvalidValue, "cuLaunchKernel", f, 1, 1, 1, 32, 1, 1, 0, 0, 0, 0)
	c.want(NotFound, "cuModuleGetFunction", c.out().addr(), m, c.text("saxp"))
	c.want(InvalidImage, "cuModuleLoadData", c.out().addr(), c.text("not an image"))
	c.ok("cuCtxSynchronize")
}

// TestStreams: launches of different streams take turns on the chip, copies overlap with them, and a stream that waits
// for an event starts behind it.
func TestStreams(t *testing.T) {
	c := newClient(t)
	f := c.function(c.module(), "saxpy")
	const n = 1 << 20
	p, q := c.alloc(4*n), c.alloc(4*n)
	host := c.mem(4 * n)
	a, b := c.get("cuStreamCreate", 1), c.get("cuStreamCreate", 1)
	start, afterA, afterB, copied := c.get("cuEventCreate", 0), c.get("cuEventCreate", 0), c.get("cuEventCreate", 0),
		c.get("cuEventCreate", 0)
	c.ok("cuEventRecord", start, a)
	launch := func(s uint64) {
		c.ok("cuLaunchKernel", f, 64, 1, 1, 128, 1, 1, 0, s, c.saxpy(p, q, 1, n), 0)
	}
	launch(a)
	c.ok("cuEventRecord", afterA, a)
	launch(b)
	c.ok("cuEventRecord", afterB, b)
	copier := c.get("cuStreamCreate", 1)
	c.ok("cuMemcpyHtoDAsync_v2", q, host.addr(), 4*n, copier)
	c.ok("cuEventRecord", copied, copier)
	ms := func(from, to uint64) float64 {
		m := c.mem(4)
		c.ok("cuEventElapsedTime", m.addr(), from, to)
		return float64(m.float(0))
	}
	one, both, copying := ms(start, afterA), ms(start, afterB), ms(start, copied)
	if both < 1.5*one || both > 2.5*one {
		t.Errorf("a launch takes %g ms, two in two streams %g", one, both)
	}
	if want := c.d.gpu.Copy.CopyTime(4*n) * 1e3; math.Abs(copying-want) > .01*want {
		t.Errorf("a copy beside launches takes %g ms, want %g", copying, want)
	}
	c.ok("cuStreamWaitEvent", copier, afterB, 0)
	c.ok("cuMemcpyHtoDAsync_v2", q, host.addr(), 4, copier)
	c.ok("cuEventRecord", copied, copier)
	if got := ms(afterB, copied); got < c.d.gpu.Copy.CopyTime(4)*1e3*.99 {
		t.Errorf("a copy behind an event ends %g ms after it", got)
	}
	c.ok("cuStreamDestroy_v2", a)
	c.want(InvalidHandle, "cuStreamSynchronize", a)
	// Threads with a default stream of their own.
	c.ok("cuMemcpyHtoDAsync_v2_ptsz", q, host.addr(), 4, 0)
	first := c.d.threads[1].stream
	c.thread = 2
	c.ok("cuCtxSetCurrent", c.d.primary.handle)
	c.ok("cuMemcpyHtoDAsync_v2_ptsz", q, host.addr(), 4, 0)
	if second := c.d.threads[2].stream; first == nil || second == nil || first == second {
		t.Error("two threads share a default stream of their own")
	}
}

// TestCopies: rows, planes and memory of every kind, beside what slices hold.
func TestCopies(t *testing.T) {
	c := newClient(t)
	src := c.mem(600)
	for i := range src {
		src[i] = byte(i * 7)
	}
	p := c.alloc(600)
	c.ok("cuMemcpyHtoD_v2", p, src.addr(), 600)
	// Rows 1 and 2 from column 3, five bytes each, of a host picture 20 bytes wide, to the device at pitch 32.
	two := c.words(3, 1, memoryHost, src.addr(), 0, 0, 20, 0, 0, memoryDevice, 0, p, 0, 32, 5, 2)
	c.ok("cuMemcpy2D_v2", two.addr())
	back := c.mem(600)
	c.ok("cuMemcpyDtoH_v2", back.addr(), p, 600)
	for i := range 5 {
		if back[i] != src[23+i] || back[32+i] != src[43+i] || back[5+i] != src[5+i] {
			t.Fatalf("rows came as %x", back[:40])
		}
	}
	// Two planes of two rows, device to host.
	three := c.words(1, 0, 0, 0, memoryDevice, 0, p, 0, 0, 32, 4, 0, 0, 0, 0, memoryHost, back.addr(), 0, 0, 0, 10,
		2, 6, 2, 2)
	want := append([]byte(nil), back...)
	c.ok("cuMemcpyDtoH_v2", back.addr(), p, 600)
	copy(want, back)
	dev := append([]byte(nil), back...)
	for z := range 2 {
		for y := range 2 {
			copy(want[z*20+y*10:][:6], dev[z*128+y*32+1:][:6])
		}
	}
	c.ok("cuMemcpy3D_v2", three.addr())
	if string(back) != string(want) {
		t.Errorf("planes came as %x, want %x", back[:40], want[:40])
	}
	c.ok("cuMemcpyDtoD_v2", p+300, p, 100)
	c.ok("cuMemcpyDtoD_v2", p+10, p, 100) // overlapping, as memmove
	c.ok("cuMemsetD2D16_v2", p, 64, 0xabcd, 3, 2)
	c.ok("cuMemcpy", back.addr(), p, 600)
	if binary.LittleEndian.Uint16(back[64+4:]) != 0xabcd || binary.LittleEndian.Uint16(back[4:]) != 0xabcd ||
		back[6] == 0xcd && back[7] == 0xab {
		t.Errorf("memset came as %x", back[:80])
	}
	c.want(InvalidValue, "cuMemcpyHtoD_v2", p+500, src.addr(), 600)
	c.want(InvalidValue, "cuMemcpyHtoD_v2", p-8, src.addr(), 8)
	c.want(InvalidValue, "cuMemsetD32_v2", p+2, 0, 1)
	c.want(InvalidValue, "cuMemsetD8_v2", p+1024, 0, 1)
	c.ok("cuMemcpyHtoD_v2", p, src.addr(), 0)
	c.want(OutOfMemory, "cuMemAlloc_v2", c.out().addr(), 100_000_000_000)
	c.want(InvalidValue, "cuMemAlloc_v2", c.out().addr(), 0)
}

// TestHostMemory: pinned, managed and registered memory, which kernels and the program both reach.
func TestHostMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("maps memory at an address of its choice on Linux only")
	}
	c := newClient(t)
	f := c.function(c.module(), "saxpy")
	const n = 64
	registered := c.mem(4 * n)
	c.ok("cuMemHostRegister_v2", registered.addr(), 4*n, 2)
	c.want(HostRegistered, "cuMemHostRegister_v2", registered.addr()+8, 4, 2)
	for name, p := range map[string][2]uint64{ // device and host address
		"pinned":     {c.get("cuMemHostAlloc", 4*n, 0)},
		"managed":    {c.get("cuMemAllocManaged", 4*n, 1)},
		"registered": {c.get("cuMemHostGetDevicePointer_v2", registered.addr(), 0), registered.addr()},
	} {
		if p[1] == 0 {
			p[1] = p[0]
		}
		x := c.alloc(4 * n)
		c.ok("cuMemcpyHtoD_v2", x, c.floats(make([]float32, n)...).addr(), 4*n)
		c.ok("cuMemsetD32_v2", x, uint64(math.Float32bits(3)), n)
		hostBytes(p[1], 4*n)[4*5] = 0
		c.ok("cuLaunchKernel", f, 1, 1, 1, n, 1, 1, 0, 0, c.saxpy(p[0], x, 2, n), 0)
		if got := mem(hostBytes(p[1], 4*n)).float(5); got != 6 {
			t.Errorf("%s: the program sees %g, want 6", name, got)
		}
		kind := c.mem(8)
		c.ok("cuPointerGetAttribute", kind.addr(), pointerMemoryType, p[0])
		if want := map[string]uint32{"pinned": 1, "managed": 2, "registered": 1}[name]; kind.u32() != want {
			t.Errorf("%s: memory type %d, want %d", name, kind.u32(), want)
		}
	}
	c.ok("cuMemHostUnregister", registered.addr())
	c.want(HostNotRegistered, "cuMemHostUnregister", registered.addr())
	c.want(InvalidValue, "cuPointerGetAttribute", c.out().addr(), pointerMemoryType, registered.addr())
}

// TestGraphs: nodes of each kind run behind those that they wait for, parameters can be changed, and a captured stream
// makes the same graph.
func TestGraphs(t *testing.T) {
	c := newClient(t)
	f := c.function(c.module(), "saxpy")
	const n = 32
	x, y := c.alloc(4*n), c.alloc(4*n)
	host := c.floats(make([]float32, n)...)
	back := c.mem(4 * n)
	g := c.get("cuGraphCreate", 0)
	kernel := func(a float32) uint64 {
		return c.words(f, 1|1<<32, 1|n<<32, 1|1<<32, 0, c.saxpy(y, x, a, n), 0).addr()
	}
	// The kernel is added first but waits for the memset.
	k := c.get("cuGraphAddKernelNode", g, 0, 0, kernel(2))
	set := c.get("cuGraphAddMemsetNode", g, 0, 0, c.words(x, 0, uint64(math.Float32bits(5))|4<<32, n, 1).addr(), 0)
	c.ok("cuGraphAddDependencies", g, c.words(set).addr(), c.words(k).addr(), 1)
	out := c.words(0, 0, 0, 0, memoryDevice, 0, y, 0, 0, 4*n, 1, 0, 0, 0, 0, memoryHost, back.addr(), 0, 0, 0, 4*n,
		1, 4*n, 1, 1)
	c.get("cuGraphAddMemcpyNode", g, c.words(k).addr(), 1, out.addr(), 0)
	e := c.get("cuGraphInstantiateWithFlags", g, 0)
	c.ok("cuMemcpyHtoD_v2", y, host.addr(), 4*n)
	c.ok("cuGraphLaunch", e, 0)
	if got := back.float(7); got != 10 {
		t.Errorf("the graph gives %g, want 10", got)
	}
	c.ok("cuGraphExecKernelNodeSetParams", e, k, kernel(3))
	c.ok("cuMemcpyHtoD_v2", y, host.addr(), 4*n)
	c.ok("cuGraphLaunch", e, 0)
	if got := back.float(7); got != 15 {
		t.Errorf("changed, the graph gives %g, want 15", got)
	}
	count := c.words(0)
	c.ok("cuGraphGetNodes", g, 0, count.addr())
	if count.u64() != 3 {
		t.Errorf("%d nodes, want 3", count.u64())
	}
	// A circle is refused.
	c.ok("cuGraphAddDependencies", g, c.words(k).addr(), c.words(set).addr(), 1)
	c.want(InvalidValue, "cuGraphInstantiateWithFlags", c.out().addr(), g, 0)
	c.ok("cuGraphRemoveDependencies", g, c.words(k).addr(), c.words(set).addr(), 1)

	s := c.get("cuStreamCreate", 1)
	c.ok("cuStreamBeginCapture_v2", s, 0)
	c.ok("cuMemsetD32Async", x, uint64(math.Float32bits(1)), n, s)
	c.ok("cuLaunchKernel", f, 1, 1, 1, n, 1, 1, 0, s, c.saxpy(y, x, 4, n), 0)
	c.ok("cuMemcpyDtoHAsync_v2", back.addr(), y, 4*n, s)
	c.want(CaptureUnsupported, "cuStreamSynchronize", s)
	o := c.out()
	c.ok("cuStreamEndCapture", s, o.addr())
	if got := back.float(7); got != 15 {
		t.Errorf("a stream that is captured ran: %g", got)
	}
	e = c.get("cuGraphInstantiateWithFlags", o.u64(), 0)
	c.ok("cuMemcpyHtoD_v2", y, host.addr(), 4*n)
	c.ok("cuGraphLaunch", e, s)
	if got := back.float(7); got != 4 {
		t.Errorf("the captured graph gives %g, want 4", got)
	}
	c.ok("cuGraphExecDestroy", e)
	c.want(InvalidValue, "cuGraphLaunch", e, s)
}

// TestModulesComeAndGo: a thousand of them leave nothing behind.
func TestModulesComeAndGo(t *testing.T) {
	c := newClient(t)
	image, err := os.ReadFile("../sim/testdata/checks.cubin")
	if err != nil {
		t.Fatal(err)
	}
	used, handles := c.d.dev.MemoryUsed(), len(c.d.handles)
	heap := func() int64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	var before int64
	for i := range 1000 {
		if i == 10 {
			before = heap()
		}
		m := c.get("cuModuleLoadData", addressOf(image))
		c.get("cuModuleGetFunction", m, c.text("saxpy"))
		c.ok("cuModuleUnload", m)
		c.keep = c.keep[:0]
	}
	if got := c.d.dev.MemoryUsed(); got != used || len(c.d.handles) != handles {
		t.Errorf("%d bytes and %d handles in use, %d and %d before", got, len(c.d.handles), used, handles)
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("990 modules later the driver holds %d bytes more", grown)
	}
	c.want(InvalidHandle, "cuModuleUnload", 1234)
}

// TestHostThreads: 64 threads of a program at once.
func TestHostThreads(t *testing.T) {
	c := newClient(t)
	f := c.function(c.module(), "saxpy")
	var wait sync.WaitGroup
	for i := range 64 {
		wait.Go(func() {
			me := &client{t: t, d: c.d, thread: uint64(100 + i), said: c.said}
			if r := me.call("cuMemAlloc_v2", me.out().addr(), 4); r != InvalidContext {
				t.Errorf("thread %d begins with a context: %s", i, r)
				return
			}
			run := func(name string, args ...uint64) {
				if r := me.call(name, args...); r != Success {
					t.Errorf("thread %d: %s: %s", i, name, r)
				}
			}
			run("cuCtxSetCurrent", c.d.primary.handle)
			o := me.out()
			run("cuMemAlloc_v2", o.addr(), 128)
			p := o.u64()
			run("cuMemsetD32_v2", p, uint64(math.Float32bits(float32(i))), 32)
			run("cuLaunchKernel_ptsz", f, 1, 1, 1, 32, 1, 1, 0, 0, me.saxpy(p, p, 1, 32), 0)
			back := me.mem(128)
			run("cuMemcpyDtoH_v2", back.addr(), p, 128)
			if got := back.float(3); got != 2*float32(i) {
				t.Errorf("thread %d reads %g, want %d", i, got, 2*i)
			}
			c.d.EndThread(me.thread)
		})
	}
	wait.Wait()
	if len(c.d.threads) > 2 {
		t.Errorf("%d threads are remembered", len(c.d.threads))
	}
}

// TestResultsDocumented: docs/design/driver.md says when each is answered.
func TestResultsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/design/driver.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "## Errors")
	for r := range resultNames {
		if r != Success && !regexp.MustCompile(fmt.Sprintf(`(?m)^\| .*\b%d\b.* \| \S`, r)).MatchString(table) {
			t.Errorf("%d, %s: no row", r, r)
		}
	}
}

// TestModuleFiles: what is no file, or too large for one, is refused before it is read.
func TestModuleFiles(t *testing.T) {
	c := newClient(t)
	large := filepath.Join(t.TempDir(), "large")
	f, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(maxFile + 1); err != nil {
		t.Skip(err)
	}
	f.Close()
	for path, want := range map[string]Result{large: InvalidValue, os.TempDir(): InvalidValue,
		filepath.Join(t.TempDir(), "none"): FileNotFound} {
		c.want(want, "cuModuleLoad", c.out().addr(), c.text(path))
		if !strings.Contains(c.said.String(), path) {
			t.Errorf("%s: no word of it", path)
		}
	}
	c.get("cuModuleLoad", c.text("../sim/testdata/checks.cubin"))
}

// TestResults: every result has a name and a text of its own.
func TestResults(t *testing.T) {
	c := newClient(t)
	seen := map[string]bool{}
	for r, n := range resultNames {
		if seen[n[0]] || seen[n[1]] || !strings.HasPrefix(n[0], "CUDA_") || n[1] == "" {
			t.Errorf("%d: %v", r, n)
		}
		seen[n[0]], seen[n[1]] = true, true
		o := c.out()
		c.ok("cuGetErrorName", uint64(uint32(r)), o.addr())
		if got := hostString(o.u64()); got != n[0] {
			t.Errorf("%d is %q, want %q", r, got, n[0])
		}
	}
	c.want(InvalidValue, "cuGetErrorString", 12345, c.out().addr())
}

// TestOccupancy: the calculator's answers, as package sim gives them.
func TestOccupancy(t *testing.T) {
	c := newClient(t)
	f := c.function(c.module(), "saxpy")
	for block, want := range map[uint64]uint32{32: 32, 128: 16, 1024: 2} {
		if got := uint32(c.get("cuOccupancyMaxActiveBlocksPerMultiprocessor", f, block, 0)); got != want {
			t.Errorf("%d threads: %d blocks, want %d", block, got, want)
		}
	}
	grid, block := c.out(), c.out()
	c.ok("cuOccupancyMaxPotentialBlockSize", grid.addr(), block.addr(), f, 0, 0, 0)
	if grid.u32() != 56 || block.u32() != 1024 {
		t.Errorf("grid %d, block %d; want 56, 1024", grid.u32(), block.u32())
	}
	if got := uint32(c.get("cuFuncGetAttribute", 0, f)); got != 1024 {
		t.Errorf("at most %d threads", got)
	}
	off, size := c.out(), c.out()
	c.ok("cuFuncGetParamInfo", f, 3, off.addr(), size.addr())
	if off.u64() != 20 || size.u64() != 4 {
		t.Errorf("parameter 3 has %d bytes at %d, want 4 at 20", size.u64(), off.u64())
	}
}

// TestImages: a fatbin and its wrapper hold the same module as the cubin by itself, and a module's variables are found.
func TestImages(t *testing.T) {
	c := newClient(t)
	cubin, err := os.ReadFile("../sim/testdata/globals.cubin")
	if err != nil {
		t.Fatal(err)
	}
	entry := make([]byte, 64) // machine code for sm_61, not packed
	binary.LittleEndian.PutUint16(entry, 2)
	binary.LittleEndian.PutUint32(entry[4:], 64)
	binary.LittleEndian.PutUint64(entry[8:], uint64(len(cubin)))
	binary.LittleEndian.PutUint32(entry[28:], 61)
	fat := c.mem(16 + 64 + len(cubin))
	binary.LittleEndian.PutUint32(fat, 0xba55ed50)
	binary.LittleEndian.PutUint16(fat[4:], 1)
	binary.LittleEndian.PutUint16(fat[6:], 16)
	binary.LittleEndian.PutUint64(fat[8:], uint64(64+len(cubin)))
	copy(fat[16:], entry)
	copy(fat[80:], cubin)
	wrapper := c.words(fatbinWrapper|1<<32, fat.addr(), 0)
	file := filepath.Join(t.TempDir(), "m.cubin")
	if err := os.WriteFile(file, cubin, 0o644); err != nil {
		t.Fatal(err)
	}
	for what, m := range map[string]uint64{
		"fatbin":  c.get("cuModuleLoadFatBinary", fat.addr()),
		"wrapper": c.get("cuModuleLoadData", wrapper.addr()),
		"file":    c.get("cuModuleLoad", c.text(file)),
		"library": c.get("cuLibraryLoadData", fat.addr(), 0, 0, 0, 0, 0, 0),
	} {
		p, n := c.out(), c.out()
		c.ok("cuModuleGetGlobal_v2", p.addr(), n.addr(), m, c.text("scale"))
		if n.u64() != 4 {
			t.Errorf("%s: the variable has %d bytes", what, n.u64())
		}
		managed := c.words(1)
		c.ok("cuPointerGetAttribute", managed.addr(), pointerIsManaged, p.u64())
		if managed.u32() != 0 {
			t.Errorf("%s: a __constant__ variable is of managed memory", what)
		}
		c.ok("cuMemcpyHtoD_v2", p.u64(), c.floats(3).addr(), 4)
		out := c.alloc(128)
		f := c.function(m, "look")
		c.ok("cuLaunchKernel", f, 1, 1, 1, 32, 1, 1, 0, 0, c.pointers(out, 1), 0)
		back := c.mem(128)
		c.ok("cuMemcpyDtoH_v2", back.addr(), out, 128)
		if got := back.float(1); got != 3*20+2 {
			t.Errorf("%s: %g, want 62", what, got)
		}
		c.want(NotFound, "cuModuleGetGlobal_v2", p.addr(), n.addr(), m, c.text("none"))
	}
	binary.LittleEndian.PutUint32(fat[16+28:], 70)
	c.want(NoBinaryForGPU, "cuModuleLoadData", c.out().addr(), fat.addr())
	c.want(FileNotFound, "cuModuleLoad", c.out().addr(), c.text(file+"x"))
}

// TestManagedVariables: the program reads and writes a __managed__ variable at the address that kernels use, until its
// module is unloaded; it cannot free it.
func TestManagedVariables(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("maps memory at an address of its choice on Linux only")
	}
	cubin, err := os.ReadFile("../sim/testdata/globals.cubin")
	if err != nil {
		t.Fatal(err)
	}
	plain := bytes.Clone(cubin)
	plain[20] = byte(elf.EV_CURRENT) // cubins have another number
	file, err := elf.NewFile(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range symbols {
		if s.Name == "table" { // as ptxas marks .attribute(.managed)
			cubin[file.SectionByType(elf.SHT_SYMTAB).Offset+uint64(24*(i+1))+5] = 4
		}
	}
	c := newClient(t, func(o *Options) { o.Checks = []string{"leaks"} })
	c.keep = append(c.keep, cubin)
	for _, load := range [][2]string{{"cuModuleLoadData", "cuModuleUnload"}, {"cuLibraryLoadData", "cuLibraryUnload"}} {
		m := c.get(load[0], addressOf(cubin), 0, 0, 0, 0, 0, 0)
		p, n := c.out(), c.out()
		c.ok("cuLibraryGetManaged", p.addr(), n.addr(), m, c.text("table"))
		c.want(NotFound, "cuLibraryGetManaged", p.addr(), n.addr(), m, c.text("calls"))
		q := c.out()
		c.ok("cuModuleGetGlobal_v2", q.addr(), n.addr(), m, c.text("table"))
		if q.u64() != p.u64() || n.u64() != 16 {
			t.Errorf("%d bytes at %#x and %#x, want 16 at one address", n.u64(), q.u64(), p.u64())
		}
		copy(hostBytes(p.u64()+4, 4), c.floats(30))
		out := c.alloc(128)
		c.ok("cuLaunchKernel", c.function(m, "look"), 1, 1, 1, 32, 1, 1, 0, 0, c.pointers(out, 1), 0)
		back := c.mem(128)
		c.ok("cuMemcpyDtoH_v2", back.addr(), out, 128)
		if got := back.float(1); got != 2*30+2 {
			t.Errorf("the kernel saw what gives %g, want 62", got)
		}
		c.ok("cuMemFree_v2", out)
		c.ok("cuPointerGetAttribute", q.addr(), pointerIsManaged, p.u64())
		if q.u32() != 1 {
			t.Error("the variable is not of managed memory")
		}
		c.ok("cuPointerGetAttribute", q.addr(), pointerRangeStart, p.u64())
		c.want(InvalidValue, "cuMemFree_v2", q.u64())
		c.ok(load[1], m)
		c.want(InvalidValue, "cuPointerGetAttribute", q.addr(), pointerIsManaged, p.u64())
	}
	c.get("cuModuleLoadData", addressOf(cubin)) // a module that stays is no leak
	if err := c.d.Close(); err != nil {
		t.Fatal(err)
	}
	if s := c.said.String(); strings.Contains(s, "leaks") {
		t.Error(s)
	}
}

// TestPTX: PTX is compiled once and kept; an error's words come back through the options.
func TestPTX(t *testing.T) {
	if _, err := toolchain.Find("ptxas"); err != nil {
		t.Skip(err)
	}
	cache := t.TempDir()
	c := newClient(t, func(o *Options) { o.Cache = cache })
	ptx := c.text(".version 6.0\n.target sm_50\n.address_size 64\n.visible .entry k(.param .u64 p) { .reg .u64 %r<2>; " +
		"ld.param.u64 %r1, [p]; st.u32 [%r1], 42; ret; }\n")
	for range 2 {
		f := c.function(c.get("cuModuleLoadData", ptx), "k")
		p := c.alloc(4)
		c.ok("cuLaunchKernel", f, 1, 1, 1, 1, 1, 1, 0, 0, c.pointers(p), 0)
		back := c.mem(4)
		c.ok("cuMemcpyDtoH_v2", back.addr(), p, 4)
		if back.u32() != 42 {
			t.Errorf("the kernel wrote %d", back.u32())
		}
	}
	if files, _ := os.ReadDir(cache); len(files) != 1 || c.d.jit.runs != 1 {
		t.Errorf("%d files kept, %d runs of ptxas; want 1 and 1", len(files), c.d.jit.runs)
	}
	log := c.mem(256)
	options, values := c.words(jitErrorLog|jitErrorLogSize<<32), c.words(log.addr(), 256)
	c.want(InvalidPTX, "cuModuleLoadDataEx", c.out().addr(),
		c.text(".version 6.0\n.target sm_50\n.address_size 64\nnonsense\n"), 2, options.addr(), values.addr())
	if !strings.Contains(string(log), "nonsense") {
		t.Errorf("the log says %q", log)
	}
}
