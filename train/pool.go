package train

import (
	"sync"
	"sync/atomic"
)

// pool runs the parts of a piece of work on a fixed number of threads. It allocates nothing after newPool.
type pool struct {
	threads int
	start   chan int
	done    sync.WaitGroup
	work    func(worker, part int)
	parts   int64
	next    atomic.Int64
}

func newPool(threads int) *pool {
	p := &pool{threads: threads, start: make(chan int, threads)}
	for range threads - 1 {
		go func() {
			for worker := range p.start {
				p.drain(worker)
				p.done.Done()
			}
		}()
	}
	return p
}

// close ends the pool's threads.
func (p *pool) close() { close(p.start) }

func (p *pool) drain(worker int) {
	for {
		i := p.next.Add(1) - 1
		if i >= p.parts {
			return
		}
		p.work(worker, int(i))
	}
}

// run calls work for each part, with the number of the thread (below p.threads) that scratch memory can go by, and returns
// when all are done. Parts must not depend on each other; work must not call run.
func (p *pool) run(parts int, work func(worker, part int)) {
	helpers := min(p.threads, parts) - 1
	if helpers < 1 {
		for i := range parts {
			work(0, i)
		}
		return
	}
	p.work, p.parts = work, int64(parts)
	p.next.Store(0)
	p.done.Add(helpers)
	for i := range helpers {
		p.start <- i + 1
	}
	p.drain(0)
	p.done.Wait()
}
