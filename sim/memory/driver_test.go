package memory

import (
	"os"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"
)

// preset returns the memory section of the GTX 1080 Ti's preset.
func preset(t testing.TB) *Config {
	t.Helper()
	data, err := os.ReadFile("../gpus/gtx1080ti.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Memory Config `yaml:"memory"`
	}
	if err := yaml.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return &g.Memory
}

const presetMHz = 1582

// program fills a with warp's k-th access on SM sm and says whether there is one.
type program func(sm, warp, k int, a *Access) bool

// driver stands for the SMs: each has warps that present one access after another. A warp's next access waits until the
// data of the one before have come; each SM presents at most one a cycle, round robin.
type driver struct {
	s       *System
	sms     []driverSM
	prog    program
	now     int64
	threads int
	from    int64 // of the window
	to      int64
	phase1  func(int)
	phase2  func(int)
	load    int64 // sum of load latencies
	loads   int64
	replies int64 // accesses answered by Replies
	asked   int64 // accesses that Access said would be
}

type driverSM struct {
	ready  []int64
	k      []int
	issued []int64
	next   int
	held   bool
	a      Access
	load   int64
	loads  int64
	asked  int64
	got    int64
	left   int
}

func newDriver(t testing.TB, cfg *Config, sms, warps int, p program) *driver {
	s, err := NewSystem(cfg, sms)
	if err != nil {
		t.Fatal(err)
	}
	d := &driver{s: s, prog: p, sms: make([]driverSM, sms), threads: 1}
	d.phase1 = func(i int) { d.runSM(i, d.from, d.to) }
	d.phase2 = func(c int) { d.s.Advance(c, d.to) }
	for i := range d.sms {
		d.sms[i].ready = make([]int64, warps)
		d.sms[i].k = make([]int, warps)
		d.sms[i].issued = make([]int64, warps)
	}
	return d
}

func (d *driver) runSM(i int, from, to int64) {
	m := &d.sms[i]
	p := d.s.Port(i)
	for _, r := range p.Replies() {
		m.ready[r.Token] = r.Cycle
		m.load += r.Cycle - m.issued[r.Token]
		m.got++
	}
	for t := from; t < to; {
		first, pick := int64(never), -1
		for n := range m.ready {
			w := m.next + n
			if w >= len(m.ready) {
				w -= len(m.ready)
			}
			if m.ready[w] <= t {
				pick = w
				break
			}
			first = min(first, m.ready[w])
		}
		if pick < 0 {
			t = first
			continue
		}
		if !m.held {
			if !d.prog(i, pick, m.k[pick], &m.a) {
				m.ready[pick] = never
				m.left--
				continue
			}
			m.a.Part = uint8(pick / 2)
			m.next = pick // the held access's warp stays first
		}
		ok, retry, done, _ := p.Access(t, &m.a, uint32(pick))
		m.held = !ok
		if !ok {
			if retry <= t {
				panic("retry is not later")
			}
			t = retry
			if t >= to {
				// Present it again in the next window at that cycle.
				m.ready[pick] = retry
			}
			continue
		}
		m.k[pick]++
		m.issued[pick] = t
		m.next = pick + 1
		if m.next == len(m.ready) {
			m.next = 0
		}
		if m.a.Kind != Store && m.a.Kind != Reduce {
			m.loads++
		}
		if done >= 0 {
			m.ready[pick] = max(done, t+1)
			if m.a.Kind != Store && m.a.Kind != Reduce {
				m.load += done - t
			}
		} else {
			m.ready[pick] = never
			m.asked++
		}
		t++
	}
}

// run simulates one launch until all warps are done and memory is quiet, and returns its cycles.
func (d *driver) run() int64 {
	start := d.now
	d.s.BeginKernel(start)
	live := 0
	for i := range d.sms {
		m := &d.sms[i]
		m.left = len(m.ready)
		for w := range m.ready {
			m.ready[w], m.k[w] = start, 0
		}
	}
	w := d.s.Window()
	from := start
	for {
		to := from + w
		d.from, d.to = from, to
		d.parallel(len(d.sms), d.phase1)
		d.parallel(d.s.Channels(), d.phase2)
		for i := range d.sms {
			d.s.Port(i).Deliver(to)
		}
		next := d.s.NextEvent(to)
		live = 0
		for i := range d.sms {
			live += d.sms[i].left
			for _, r := range d.sms[i].ready {
				next = min(next, r)
			}
		}
		if next == never {
			break
		}
		from = max(to, next)
	}
	if live != 0 {
		panic("memory is quiet but warps wait")
	}
	d.now = d.s.LastDone() + w + 1
	for i := range d.sms {
		m := &d.sms[i]
		d.load, d.loads, d.asked, d.replies = d.load+m.load, d.loads+m.loads, d.asked+m.asked, d.replies+m.got
		m.load, m.loads, m.asked, m.got = 0, 0, 0, 0
	}
	return d.s.LastDone() - start
}

func (d *driver) parallel(n int, f func(int)) {
	if d.threads <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	for k := range d.threads {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := k; i < n; i += d.threads {
				f(i)
			}
		}()
	}
	wg.Wait()
}

// element sets a to the access of 32 consecutive elements of bytes each from base.
func element(a *Access, kind AccessKind, base uint64, bytes int) {
	a.Space, a.Kind, a.Mask, a.Bytes = SpaceGlobal, kind, ^uint32(0), bytes
	for i := range a.Addr {
		a.Addr[i] = base + uint64(i*bytes)
	}
}

// copyProgram copies n bytes from src to dst, 4 bytes a thread, dealt to warps in order of address as a grid-stride
// loop does.
func copyProgram(sms, warps int, n uint64) program {
	const src = 1 << 32
	dst := src + n + 1<<20
	return func(sm, warp, k int, a *Access) bool {
		at := uint64(((k/2)*sms*warps + sm*warps + warp) * 128)
		if at >= n {
			return false
		}
		if k%2 == 0 {
			element(a, Load, src+at, 4)
		} else {
			element(a, Store, dst+at, 4)
		}
		return true
	}
}

// chase is one thread's chain of dependent loads with a stride over a footprint, passes times around.
func chase(footprint, stride uint64, passes int, cache CacheOp) program {
	n := int(footprint / stride)
	return func(sm, warp, k int, a *Access) bool {
		if k >= n*passes {
			return false
		}
		a.Space, a.Kind, a.Mask, a.Bytes, a.Cache = SpaceGlobal, Load, 1, 4, cache
		a.Addr[0] = 1<<32 + uint64(k%n)*stride
		return true
	}
}

// random64 is a mixing function (SplitMix64) for test addresses.
func random64(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
