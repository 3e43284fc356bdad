package sim

import (
	"sync"
	"sync/atomic"
)

// pool runs indexed jobs on several goroutines. The caller takes part, so a pool of one has no others. Which goroutine
// runs which index is left to chance: jobs with different indices share nothing that they write.
type pool struct {
	start []chan struct{}
	done  sync.WaitGroup
	next  atomic.Int64
	n     int64
	job   func(i int)
}

func newPool(threads int) *pool {
	p := &pool{}
	for i := 1; i < threads; i++ {
		c := make(chan struct{})
		p.start = append(p.start, c)
		go func() {
			for range c {
				p.work()
				p.done.Done()
			}
		}()
	}
	return p
}

func (p *pool) work() {
	for {
		i := p.next.Add(1) - 1
		if i >= p.n {
			return
		}
		p.job(int(i))
	}
}

// run calls job(0) … job(n-1) and returns when all have returned. Small work is not worth waking others for: alone
// keeps it on this goroutine.
func (p *pool) run(n int, alone bool, job func(i int)) {
	if alone || len(p.start) == 0 {
		for i := range n {
			job(i)
		}
		return
	}
	p.n, p.job = int64(n), job
	p.next.Store(0)
	p.done.Add(len(p.start))
	for _, c := range p.start {
		c <- struct{}{}
	}
	p.work()
	p.done.Wait()
}

func (p *pool) close() {
	for _, c := range p.start {
		close(c)
	}
}
