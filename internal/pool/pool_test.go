package pool

import (
	"sync/atomic"
	"testing"
)

// TestPool runs many short pieces of work, on threads that never sleep, at once sleep, or do either.
func TestPool(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 5} {
		for _, looks := range []int{0, 20, looksBeforeSleep} {
			p := newPool(threads, looks)
			var done atomic.Int64
			var busy [5]atomic.Int32
			work := func(worker, part int) {
				if busy[worker].Add(1) != 1 {
					t.Error("two threads are the same worker")
				}
				done.Add(int64(part) + 1)
				busy[worker].Add(-1)
			}
			for i := range 3000 {
				n := i % 9
				done.Store(0)
				if p.Run(n, work); done.Load() != int64(n*(n+1)/2) {
					t.Fatalf("%d threads, %d parts: Run returned before all were done, or one was done twice", threads, n)
				}
			}
			p.Close()
		}
	}
}
