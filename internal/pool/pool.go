// Package pool runs the parts of short pieces of work on a fixed number of goroutines, for the simulator's windows and
// for training.
package pool

import (
	"runtime"
	"sync/atomic"
)

// Pool runs the parts of a piece of work on a fixed number of threads, of which the caller is one. It allocates nothing
// after New.
//
// Waking a thread takes as long as many a piece of work here, some 10 us. So who waits looks for a while whether it is
// time, and only then sleeps. And every thread begins with a fixed share of the parts, so that it finds in its caches
// what it had before, and only then takes from those of others.
type Pool struct {
	threads int
	work    func(worker, part int)
	parts   int
	shares  []share
	number  atomic.Int64 // of the piece of work; below 0, threads end
	pending atomic.Int64 // helpers that have not finished it
	caller  sleeper
	helpers []sleeper
	looks   int // before going to sleep
}

// looksBeforeSleep takes some 30 us. In the simulator's former pool 5,000 looks in place of 20,000 made a large product
// on two threads run at 38 in place of 43 million warp instructions a second. On a machine that does other work too, it
// is time lost.
const looksBeforeSleep = 30000

// share is the next part of a thread's share. Processors fetch cache lines in pairs: neighbours share none.
type share struct {
	next atomic.Int64
	_    [120]byte
}

// sleeper is a thread that may have gone to sleep.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
	_      [112]byte
}

// New starts a pool of this many threads, 1 or more; one has no goroutine but the caller's.
func New(threads int) *Pool { return newPool(threads, looksBeforeSleep) }

func newPool(threads, looks int) *Pool {
	p := &Pool{threads: threads, helpers: make([]sleeper, threads-1), shares: make([]share, threads), looks: looks}
	if threads > runtime.GOMAXPROCS(0) { // who waits would keep others from working
		p.looks = 0
	}
	p.caller.wake = make(chan struct{}, 1)
	for i := range p.helpers {
		p.helpers[i].wake = make(chan struct{}, 1)
		go p.help(i)
	}
	return p
}

// Threads is their number.
func (p *Pool) Threads() int { return p.threads }

// await returns when x is, or is not, this value; whoever makes it so calls rouse. That may come late and wake who
// waits for something else by then, so waking proves nothing.
func (s *sleeper) await(x *atomic.Int64, is bool, value int64, looks int) {
	for {
		for range looks + 1 {
			if (x.Load() == value) == is {
				return
			}
		}
		s.asleep.Store(true)
		if (x.Load() == value) == is && s.asleep.CompareAndSwap(true, false) {
			return
		}
		<-s.wake
	}
}

func (s *sleeper) rouse() {
	if s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

func (p *Pool) help(i int) {
	for done := int64(0); ; {
		p.helpers[i].await(&p.number, false, done, p.looks)
		if done = p.number.Load(); done < 0 {
			return
		}
		p.drain(i + 1)
		if p.pending.Add(-1) == 0 {
			p.caller.rouse()
		}
	}
}

// begin makes the helpers notice a new number.
func (p *Pool) begin(number int64) {
	p.number.Store(number)
	for i := range p.helpers {
		p.helpers[i].rouse()
	}
}

// Close ends the pool's threads.
func (p *Pool) Close() { p.begin(-1) }

func (p *Pool) drain(worker int) {
	for i := range p.threads {
		of := (worker + i) % p.threads
		end := p.parts * (of + 1) / p.threads
		for {
			part := int(p.shares[of].next.Add(1)) - 1
			if part >= end {
				break
			}
			p.work(worker, part)
		}
	}
}

// Run calls work for each part, with the number of the thread (below Threads) that scratch memory can go by, and
// returns when all are done. Parts must not depend on each other; work must not call Run.
func (p *Pool) Run(parts int, work func(worker, part int)) {
	if p.threads == 1 || parts < 2 {
		for i := range parts {
			work(0, i)
		}
		return
	}
	p.work, p.parts = work, parts
	for i := range p.shares {
		p.shares[i].next.Store(int64(parts * i / p.threads))
	}
	p.pending.Store(int64(len(p.helpers)))
	p.begin(p.number.Load() + 1)
	p.drain(0)
	p.caller.await(&p.pending, true, 0, p.looks)
}
