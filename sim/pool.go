package sim

import (
	"runtime"
	"sync/atomic"
)

// pool runs indexed jobs on several goroutines. The caller takes part, so a pool of one has no others. Each goroutine
// has a share of the indices, the same in every run of as many jobs, so that what a job works on stays in its
// processor's cache; who is done with its share takes from the others'. Jobs with different indices share nothing that
// they write.
type pool struct {
	workers []*worker
	job     func(i int)
	round   atomic.Uint32 // counts runs
	left    atomic.Int32  // goroutines other than the caller that are not done with this run
	closed  atomic.Bool
	spins   int
}

// worker is one goroutine of a pool; the first is the caller's. It is two cache lines, so that workers share none.
type worker struct {
	next   atomic.Int64 // first index of its share that nobody has taken
	end    int64
	asleep atomic.Bool
	wake   chan struct{}
	_      [96]byte
}

// spins is how often a goroutine looks for the end of its wait before it sleeps, some 40 µs: waking it costs several, and the parts
// of a window are seldom longer. With a quarter of it two threads run the large product at 38 in place of 43 million warp
// instructions a second. On a machine that does other work too, it is time lost.
const spins = 20000

func newPool(threads int) *pool {
	p := &pool{}
	if threads <= runtime.GOMAXPROCS(0) {
		p.spins = spins
	}
	for range threads {
		p.workers = append(p.workers, &worker{wake: make(chan struct{}, 1)})
	}
	for k := 1; k < threads; k++ {
		go p.serve(k)
	}
	return p
}

// serve takes part in each run as worker k.
func (p *pool) serve(k int) {
	for round := uint32(1); ; round++ {
		p.wait(p.workers[k], func() bool { return p.round.Load() == round })
		if p.closed.Load() {
			return
		}
		p.work(k)
		if p.left.Add(-1) == 0 {
			p.rouse(p.workers[0])
		}
	}
}

// wait returns when over does; whoever makes it true rouses w afterwards.
func (p *pool) wait(w *worker, over func() bool) {
	for range p.spins {
		if over() {
			return
		}
	}
	for {
		w.asleep.Store(true)
		if over() && w.asleep.CompareAndSwap(true, false) {
			return
		}
		<-w.wake
		if over() {
			return
		}
	}
}

// rouse wakes w if it sleeps.
func (p *pool) rouse(w *worker) {
	if w.asleep.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}

// work does the jobs of worker k's share, then what others have left of theirs.
func (p *pool) work(k int) {
	for range p.workers {
		w := p.workers[k]
		for i := w.next.Add(1) - 1; i < w.end; i = w.next.Add(1) - 1 {
			p.job(int(i))
		}
		if k++; k == len(p.workers) {
			k = 0
		}
	}
}

// run calls job(0) … job(n-1) and returns when all have returned. Small work is not worth waking others for: alone
// keeps it on this goroutine.
func (p *pool) run(n int, alone bool, job func(i int)) {
	if alone || len(p.workers) == 1 {
		for i := range n {
			job(i)
		}
		return
	}
	p.job = job
	for k, w := range p.workers {
		w.next.Store(int64(k * n / len(p.workers)))
		w.end = int64((k + 1) * n / len(p.workers))
	}
	p.left.Store(int32(len(p.workers) - 1))
	p.round.Add(1)
	for _, w := range p.workers[1:] {
		p.rouse(w)
	}
	p.work(0)
	p.wait(p.workers[0], func() bool { return p.left.Load() == 0 })
}

func (p *pool) close() {
	p.closed.Store(true)
	p.round.Add(1)
	for _, w := range p.workers[1:] {
		p.rouse(w)
	}
}
