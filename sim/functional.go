package sim

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"warpdrop/sim/memory"
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/functional"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// quantum is the warp instructions that a block executes before its worker looks up: whether the launch is to end, and
// whether another block should have a turn.
const quantum = 1 << 14

// patience is the warp instructions that a block gets by itself. One that has not ended then waits for another,
// perhaps: the ones after it join it, and they take shorter turns.
const (
	patience  = 1 << 20
	shortTurn = 1 << 10
)

// functional runs a launch for its values. Blocks go on one goroutine a thread, each block to its end, in order of
// their numbers. A kernel with global atomics runs on one, so that their order does not depend on the machine; what
// other kernels compute does not depend on the number of goroutines unless their blocks race.
//
// A block that does not end waits for another, perhaps: then the ones after it join it, as many as the chip holds.
func (d *Device) functional(ctx context.Context, k *Kernel, cfg LaunchConfig, g *grid) (*Result, error) {
	if cfg.Waves != 0 {
		return nil, fmt.Errorf("kernel %s: %d waves; a launch for its values runs all blocks", k.Name(), cfg.Waves)
	}
	if d.Profile || d.Trace != nil || d.Hazards {
		return nil,
			fmt.Errorf("kernel %s: Device.Functional computes values only: it has no Profile, no Trace and no Hazards", k.Name())
	}
	began := time.Now()
	instructions, findings, err := d.values(ctx, k, g, 0)
	if err != nil {
		return nil, errors.Join(err, findings)
	}
	r := &Result{Kernel: k.Name(), Functional: true, Grid: cfg.Grid, Block: cfg.Block,
		BlocksPerSM: d.gpu.SM.Resident(g.need)}
	r.Counters.SM = timing.Counters{WarpInstructions: instructions, Blocks: g.total}
	r.WallSeconds = time.Since(began).Seconds()
	return r, findings
}

// values runs the blocks of g from number first on for their values, and returns how many warp instructions that were
// and what the checks found.
func (d *Device) values(ctx context.Context, k *Kernel, g *grid, first int64) (instructions int64, findings,
	err error) {
	threads := d.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	heap := g.prog.Calls("malloc") || g.prog.Calls("free")
	if heap || d.notesGlobal() || slices.ContainsFunc(g.prog.Ops,
		func(op lower.Op) bool { return op.Code == lower.CodeATOM }) {
		threads = 1
	}
	threads = int(min(int64(threads), g.total-first))
	f := &functionalLaunch{dev: d, grid: g, ctx: ctx, open: max(1, d.gpu.SMs*d.gpu.SM.Resident(g.need)/threads)}
	f.next.Store(first)
	f.failedAt.Store(g.total)
	if heap {
		f.heaps = d.heaps
		if err := exec.SettleAlone(f.heaps); err != nil {
			return 0, nil, fmt.Errorf("kernel %s: %w", k.Name(), err)
		}
	}
	f.global = d.newGlobalCheck()
	var group sync.WaitGroup
	runners := make([]functional.Runner, threads)
	checks := make([]*exec.Check, threads)
	f.checks = checks
	for i := range threads {
		r := &runners[i]
		x := &r.Exec
		x.Output.Limit = PrintfBytes
		if heap {
			x.Heap = d.heaps[0]
		}
		x.Global = memory.NewView(d.mem)
		x.Global.Direct = true
		x.SMs, x.Period = uint32(d.gpu.SMs), 1e3/d.gpu.CoreMHz
		checks[i] = d.newCheck()
		x.Check = checks[i]
		if i == threads-1 {
			f.work(r) // on the caller's own
		} else {
			group.Go(func() { f.work(r) })
		}
	}
	group.Wait()
	if heap {
		if err := exec.Settle(d.heaps); err != nil && f.failed == nil {
			f.failed = fmt.Errorf("kernel %s: %w", k.Name(), err)
		}
	}
	if checks[0] != nil {
		findings = exec.NewCheckError(checks, f.global)
	}
	var printed []exec.Printed
	var lost int64
	for i := range runners {
		for _, p := range runners[i].Exec.Output.Calls {
			if p.Block <= f.failedAt.Load() { // what blocks after it came to print depends on the number of threads
				printed = append(printed, p)
			}
		}
		lost += runners[i].Exec.Output.Lost
	}
	return f.instructions, findings, errors.Join(f.failed, d.printed(printed, lost))
}

// functionalLaunch is a launch that runs for its values.
type functionalLaunch struct {
	dev   *Device
	grid  *grid
	ctx   context.Context
	open  int          // blocks that a worker may have under way
	heaps []*exec.Heap // of malloc, if the kernel calls it

	global *exec.GlobalCheck // nil = off; with it there is one thread
	checks []*exec.Check

	next     atomic.Int64 // block to start
	failedAt atomic.Int64 // blocks from this number on are not needed any more

	mu           sync.Mutex // of what follows
	finished     int64
	instructions int64
	failed       error // of block failedAt
}

// work runs blocks until there are no more.
func (f *functionalLaunch) work(r *functional.Runner) {
	g := f.grid
	var under []*functional.Block
	start := func() {
		if i := f.next.Add(1) - 1; i < f.failedAt.Load() {
			under = append(under, r.Start(g.prog, g.need.Threads, i, g.index(i), g.block, g.dim))
		}
	}
	for {
		if len(under) == 0 {
			if start(); len(under) == 0 {
				return
			}
		}
		kept := under[:0]
		for _, b := range under {
			if b.Number >= f.failedAt.Load() {
				continue
			}
			n := int64(quantum)
			if len(under) > 1 {
				n = shortTurn
			}
			stuck, fault := r.Run(b, n)
			if err := f.look(b, stuck, fault); err != nil {
				f.fail(b.Number, err)
			} else if b.Live() > 0 {
				kept = append(kept, b)
			}
		}
		under = kept
		for n := len(under); n > 0 && n < f.open && (g.cooperative || under[0].Instructions >= patience); n++ {
			if start(); !g.cooperative || len(under) == n {
				break
			}
		}
	}
}

// look is what follows a block's turn: it returns why the block cannot go on, nil if it can or has ended.
func (f *functionalLaunch) look(b *functional.Block, stuck bool, fault *exec.Fault) error {
	d := f.dev
	f.mu.Lock()
	defer f.mu.Unlock()
	if b.Live() == 0 {
		f.finished++
		f.instructions += b.Instructions
	}
	if d.Observe != nil {
		d.Observe(Progress{Blocks: f.finished, Total: f.grid.total})
	}
	if f.global != nil {
		f.global.Settle(f.checks)
	}
	switch {
	case fault != nil:
		return fault
	case f.heaps != nil:
		if err := exec.SettleAlone(f.heaps); err != nil {
			return fmt.Errorf("kernel %s: %w", f.grid.prog.Name, err)
		}
	}
	switch {
	case stuck:
		e := newStuckError(ErrDeadlock, fmt.Sprintf("kernel %s: deadlock: no warp of block %d can go on",
			f.grid.prog.Name, b.Number))
		b.Waiting(func(w *exec.Warp, op int32, why string) { e.add("", w, op, why) })
		return e
	case d.MaxCycles > 0 && b.Instructions/d.fastest() >= d.MaxCycles && b.Live() > 0:
		return newStuckError(ErrCycleLimit,
			fmt.Sprintf("kernel %s: block %d has executed %d warp instructions, for which an SM needs more than %d cycles "+
				"(the limit set by max-cycles); %d of %d blocks finished",
				f.grid.prog.Name, b.Number, b.Instructions, d.MaxCycles, f.finished, f.grid.total))
	}
	return f.ctx.Err()
}

// fastest is the most warp instructions that an SM issues in a cycle.
func (d *Device) fastest() int64 {
	n := int64(d.gpu.SM.Schedulers)
	if d.gpu.SM.DualIssue {
		n *= 2
	}
	return n
}

// fail ends the launch with what block number met; of several blocks the first one's counts, however many goroutines
// there are. Those before it still run to their end.
func (f *functionalLaunch) fail(number int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number < f.failedAt.Load() {
		f.failedAt.Store(number)
		f.failed = err
	}
}
