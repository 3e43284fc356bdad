package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"

	"warpdrop/internal/pool"
	"warpdrop/sim/internal/invariant"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/exec"
	"warpdrop/sim/sm/lower"
	"warpdrop/sim/sm/timing"
)

// Device is a simulated GPU with its memory. Its methods are for one goroutine at a time; several Devices are
// independent of each other.
type Device struct {
	// GPU is the preset that the device was made with. It is a copy: the device itself has another, which nothing changes.
	GPU *GPU
	// Threads is the number of goroutines that simulate; it changes no result. 0 means GOMAXPROCS.
	Threads int
	// MaxCycles ends a launch with an error after so many cycles; 0 means no limit.
	MaxCycles int64
	// Profile, when set, counts by instruction; Result.Profile holds the counts.
	Profile bool
	// Checks of what threads do; EnableCheck sets them by name and says what each looks for. What they find is a
	// *CheckError of the launch, which has run to its end; its Result is returned too.
	Races, Benign, GlobalRaces, Uninit, Divergence, Shuffles, Constants bool
	// Unwritten reports kernels' reads of memory that was allocated while it was set and that nobody has written.
	Unwritten bool
	// Leaks lets CheckLeaks report what kernels took with malloc and did not give back.
	Leaks bool
	// Trace, when set, records launches, copies, blocks and counters over time.
	Trace *Trace
	// Hazards looks for control words that let an instruction go before its operands are there. What it
	// finds is a *HazardError of the launch, which has run to its end; its Result is returned too.
	Hazards bool
	// Stdout is where the printf of kernels goes when their launch has ended, block by block; nil is os.Stdout.
	Stdout io.Writer
	// Functional has Launch compute what memory holds and nothing else: no cycles, no times, no caches. Result says so.
	Functional bool
	// Stalled, when set, is called with a line that says so when a launch has done nothing for StallCycles that another
	// thread could see; the launch goes on. It may be waiting for itself, as where a lock is never given back.
	Stalled func(what string)
	// Observe, when set, is called at the end of each window with the cycle reached and the SMs' counters so far.
	Observe func(Progress)

	constants []exec.Range      // __constant__ variables of modules
	global    *exec.GlobalCheck // of the run under way; nil = off

	gpu      *GPU         // checked, and not changed since
	used     int64        // bytes of device memory
	mapped   map[Ptr]bool // what MapHost made
	mem      *memory.Global
	system   *memory.System
	sms      []*timing.SM
	ports    []*memory.View
	streams  []*Stream
	finished []finishedBlock // in this window
	now      int64           // core cycles since the device was made
	grids    Ptr             // memory of cooperative launches; 0 until there is one
	lines    int32           // instruction cache lines that loaded code takes
	launches int64           // made so far
	heaps    []*exec.Heap    // of device malloc, one an SM; nil until a kernel is loaded that calls it
}

// Progress is where a launch stands.
type Progress struct {
	Cycle  int64 // of this launch; 0 with Device.Functional
	Blocks int64 // finished
	Total  int64 // blocks of the grid
}

// NewDevice returns a device with the figures that g has now. They are checked here, as a preset file's are.
func NewDevice(g *GPU) (*Device, error) {
	if g == nil {
		return nil, errors.New("no GPU preset was given; LoadGPU reads one")
	}
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("preset %s: %w", g.Name, err)
	}
	frozen, shown := *g, *g
	g = &frozen
	system, err := memory.NewSystem(&g.Memory, g.SMs)
	if err != nil {
		return nil, err
	}
	d := &Device{GPU: &shown, gpu: g, mem: memory.NewGlobal(), system: system, lines: 1}
	for i := range g.SMs {
		st := memory.NewView(d.mem)
		d.ports = append(d.ports, st)
		m, err := d.newSM(i)
		if err != nil {
			return nil, err
		}
		d.sms = append(d.sms, m)
	}
	return d, nil
}

// newSM returns SM i, with nothing on it.
func (d *Device) newSM(i int) (*timing.SM, error) {
	m, err := timing.New(i, &d.gpu.SM, d.system.Port(i))
	if err != nil {
		return nil, err
	}
	m.Exec.Global = d.ports[i]
	m.Exec.SMID, m.Exec.SMs = uint32(i), uint32(d.gpu.SMs)
	m.Exec.Period = 1e3 / d.gpu.CoreMHz
	m.Exec.Output.Limit = PrintfBytes
	if d.heaps != nil {
		m.Exec.Heap = d.heaps[i]
	}
	return m, nil
}

// LaunchConfig is the shape of a launch.
type LaunchConfig struct {
	Grid   Dim3 // blocks
	Block  Dim3 // threads
	Shared int  // bytes of dynamic shared memory a block
	// Pad lets a block reach the rest of the last unit in which the hardware deals out shared memory, as code of compilers
	// that widen loads may; without it the first byte past the end is an error.
	Pad bool
	// Cooperative has all blocks on the chip at once, so that they can wait for each other (cudaLaunchCooperativeKernel);
	// a grid that the chip does not hold is ErrTooLarge.
	Cooperative bool
	// Waves, when not 0, simulates that many waves of blocks and extends the result, where the grid has more: see Sample.
	// Memory then holds what the simulated blocks wrote; with Rest the others run for their values after them.
	Waves int
	Rest  bool
	// Within, when not 0, doubles Waves until the stated error is this share of the result, up to MaxWaves.
	Within float64
}

// Result is what a launch took.
type Result struct {
	Kernel         string
	Functional     bool // values only: of what follows there are warp instructions, blocks and WallSeconds
	Grid, Block    Dim3
	Cycles         int64   // from the first block's dispatch to the last access's end
	OverheadCycles int64   // launch overhead before it
	TimeUS         float64 // of both, microseconds at the preset's core clock
	BlocksPerSM    int     // that fit on an SM at once
	Limit          string  // what keeps more from fitting: block slots, warp slots, registers or shared memory
	Counters       Counters
	Profile        *Profile // with Device.Profile, else nil
	// which blocks were simulated; nil = all. Cycles and Counters are of the whole grid, Profile of these blocks
	Sample      *Sample
	WallSeconds float64 // of the simulator
}

// IPC is warp instructions a cycle, all SMs together.
func (r *Result) IPC() float64 {
	return float64(r.Counters.SM.WarpInstructions) / float64(max(r.Cycles, 1))
}

// AchievedOccupancy is the mean share of warp slots in use on SMs that had work.
func (r *Result) AchievedOccupancy(g *GPU) float64 {
	if r.Counters.SM.ActiveCycles == 0 {
		return 0
	}
	return float64(r.Counters.SM.WarpCycles) / float64(r.Counters.SM.ActiveCycles) / float64(g.SM.WarpsPerSM)
}

// grid is a launch under way.
type grid struct {
	prog        *lower.Program
	need        timing.Need
	dim, block  [3]uint32
	next        int64 // block to dispatch
	total       int64
	finished    int64
	cooperative bool
	start, end  int64 // cycles: on the chip; last block finished so far
	result      *Result
	stream      *Stream // nil if it was not launched in one
	sampled     *Sample // nil = all blocks are simulated
	waves       []mark  // of a sampled one
	within      float64 // error up to which that is lengthened, 0 = not at all
}

// index returns the coordinates of block i: x runs fastest.
func (g *grid) index(i int64) [3]uint32 {
	x, y := int64(g.dim[0]), int64(g.dim[1])
	return [3]uint32{uint32(i % x), uint32(i / x % y), uint32(i / (x * y))}
}

// Launch runs kernel k to its end. Errors name the parameter, or the instruction, block and thread.
func (d *Device) Launch(ctx context.Context, k *Kernel, cfg LaunchConfig, args ...Arg) (*Result, error) {
	g, err := d.prepare(k, cfg, args)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Name(), err)
	}
	if d.Functional {
		return d.functional(ctx, k, cfg, g)
	}
	began := time.Now()
	r := d.newResult(k, cfg, g)
	g.result = r
	d.now += r.OverheadCycles
	q := &queue{dev: d}
	q.start(g, d.now)
	before := d.system.Counters()
	d.begin(d.now)
	if d.Profile {
		for _, m := range d.sms {
			m.Profile = timing.NewProfile(g.prog)
		}
	}
	d.fill(g, q, d.now)
	err = d.run(ctx, q, d.now)
	if err := errors.Join(err, d.print()); err != nil {
		return nil, errors.Join(err, d.findings(), d.abandon())
	}
	d.end(&r.Counters)
	if d.Profile {
		all := timing.NewProfile(g.prog)
		for _, m := range d.sms {
			all.Add(m.Profile)
			m.Profile = nil
		}
		r.Profile = newProfile(all)
	}
	after := d.system.Counters()
	r.Counters.Memory = after.Sub(&before)
	if d.Trace != nil {
		d.Trace.sample(d.gpu, d.now, &r.Counters.SM, after)
		d.Trace.launch(d.gpu, r.Kernel, "kernel", g.start, d.now,
			map[string]any{"grid": cfg.Grid.String(), "block": cfg.Block.String(), "cycles": r.Cycles,
				"warp_instructions": r.Counters.SM.WarpInstructions, "blocks_per_sm": r.BlocksPerSM})
	}
	g.extend(r, d.gpu)
	findings := d.findings()
	if s := g.sampled; s != nil && cfg.Rest {
		g.total = s.Total
		_, more, err := d.values(ctx, k, g, s.Blocks)
		if err != nil {
			return nil, errors.Join(err, findings, more)
		}
		findings = errors.Join(findings, more)
	}
	r.WallSeconds = time.Since(began).Seconds()
	return r, findings
}

// newResult returns the result of a launch that has yet to run.
func (d *Device) newResult(k *Kernel, cfg LaunchConfig, g *grid) *Result {
	return &Result{Kernel: k.Name(), Grid: cfg.Grid, Block: cfg.Block, OverheadCycles: d.overhead(),
		BlocksPerSM: d.gpu.SM.Resident(g.need), Limit: d.gpu.SM.Limit(g.need)}
}

// overhead is the cycles from a launch to its first block.
func (d *Device) overhead() int64 { return int64(math.Ceil(d.gpu.LaunchOverheadUS * d.gpu.CoreMHz)) }

// Check refuses a grid or a block that preset g allows for no kernel.
func (c LaunchConfig) Check(g *GPU) error { return c.check(g.SM.MaxThreads) }

// check refuses grids beyond CUDA's limits, and blocks of more threads than a kernel allows.
func (c LaunchConfig) check(threads int) error {
	grid, block := c.Grid.array(), c.Block.array()
	switch {
	case c.Grid.X < 0 || c.Grid.Y < 0 || c.Grid.Z < 0 || int64(grid[0]) > math.MaxInt32 || grid[1] > 65535 ||
		grid[2] > 65535:
		return fmt.Errorf("grid %s is not within 1x1x1..2147483647x65535x65535", c.Grid)
	case min(c.Block.X, c.Block.Y, c.Block.Z) < 0 || max(c.Block.X, c.Block.Y) > threads || block[2] > 64 ||
		c.Block.Count() > int64(threads):
		return fmt.Errorf("block %s has %d threads; this kernel allows 1..%d (z at most 64)",
			c.Block, c.Block.Count(), threads)
	}
	return nil
}

// CheckLaunch reports what Launch would refuse before it runs; nothing is run.
func (d *Device) CheckLaunch(k *Kernel, cfg LaunchConfig, args ...Arg) error {
	if _, err := d.prepare(k, cfg, args); err != nil {
		return fmt.Errorf("kernel %s: %w", k.Name(), err)
	}
	return nil
}

// prepare checks a launch and binds its arguments.
func (d *Device) prepare(k *Kernel, cfg LaunchConfig, args []Arg) (*grid, error) {
	if err := k.of(d); err != nil {
		return nil, err
	}
	c := &d.gpu.SM
	g := &grid{cooperative: cfg.Cooperative, dim: cfg.Grid.array(), block: cfg.Block.array(), total: cfg.Grid.Count()}
	threads := cfg.Block.Count()
	limit := c.MaxThreads
	if m := k.kernel.MaxThreads; m > 0 {
		limit = min(limit, m)
	}
	if err := cfg.check(limit); err != nil {
		return nil, err
	}
	switch {
	case cfg.Shared < 0 || k.kernel.SharedBytes+cfg.Shared > c.SharedPerBlock:
		return nil, fmt.Errorf("shared memory: %d bytes static + %d dynamic is not within 0..%d",
			k.kernel.SharedBytes, cfg.Shared, c.SharedPerBlock)
	case k.kernel.Registers > c.MaxRegisters:
		return nil, fmt.Errorf("%d registers a thread; %s has at most %d", k.kernel.Registers, d.gpu.Name, c.MaxRegisters)
	}
	params, err := k.parameters(args)
	if err != nil {
		return nil, err
	}
	var workspace Ptr
	if cfg.Cooperative {
		if workspace, err = d.cooperative(k); err != nil {
			return nil, err
		}
	}
	g.prog = k.bind(g.block, g.dim, cfg.Shared, params, workspace)
	if cfg.Pad {
		n := g.prog.SharedBytes + c.SharedUnit - 1
		g.prog.SharedBytes = min(n-n%c.SharedUnit, c.SharedPerBlock)
	}
	g.need = timing.NeedOf(c, g.prog, int(threads))
	if c.Resident(g.need) < 1 {
		return nil,
			fmt.Errorf("a block of %d threads needs %d registers and %d bytes of shared memory; an SM of %s has %d and %d",
				threads, g.need.Registers, g.need.Shared, d.gpu.Name, c.Registers, c.Shared)
	}
	if most := int64(c.Resident(g.need)) * int64(d.gpu.SMs); cfg.Cooperative && g.total > most {
		return nil, fmt.Errorf("%w: %d blocks, and the chip holds %d of them at once", ErrTooLarge, g.total, most)
	}
	if err := d.localFits(g); err != nil {
		return nil, err
	}
	if err := g.sample(&cfg, c.Resident(g.need), d.gpu.SMs); err != nil {
		return nil, err
	}
	return g, nil
}

// begin readies the idle chip for launches from cycle start on.
func (d *Device) begin(start int64) {
	if d.Trace != nil {
		d.Trace.begin(start, d.system.Counters())
	}
	d.system.BeginKernel(start)
	d.global = d.newGlobalCheck()
	for _, m := range d.sms {
		m.Begin(start)
		m.Exec.Check = d.newCheck()
		m.Hazards = nil
		if d.Hazards {
			m.Hazards = timing.NewHazards(&d.gpu.SM)
		}
	}
}

// end adds the SMs' counters since begin to c.
func (d *Device) end(c *Counters) {
	for _, m := range d.sms {
		m.End(d.now)
		c.SM.Add(&m.Counters)
	}
}

// fill dispatches the first blocks of a launch at cycle t, each to the SM with the fewest warps.
func (d *Device) fill(g *grid, q *queue, t int64) {
	for {
		best := -1
		for i, m := range d.sms {
			if (best < 0 || m.Warps() < d.sms[best].Warps()) && d.room(g, q, m) {
				best = i
			}
		}
		if best < 0 || !d.dispatch(g, q, d.sms[best], t, t) {
			return
		}
	}
}

// room reports whether a block of g fits on m.
func (d *Device) room(g *grid, q *queue, m *timing.SM) bool {
	return m.Fits(g.need) && (len(q.active) > 1 || m.Blocks() < d.gpu.SM.Resident(g.need))
}

// dispatch places the next block of g on m at cycle t if there is one and it fits; there has been room since cycle
// free.
func (d *Device) dispatch(g *grid, q *queue, m *timing.SM, free, t int64) bool {
	if g.next >= g.total || !d.room(g, q, m) {
		return false
	}
	m.Start(g.prog, g.need, g.index(g.next), g.block, g.dim, free, t)
	g.next++
	return true
}

// aloneBelow is the number of warp instructions a window below which it is simulated on one goroutine: waking others
// costs more than it saves.
const aloneBelow = 32

// run simulates windows until the launches of q are done and memory is quiet; see docs/design/architecture.md.
func (d *Device) run(ctx context.Context, q *queue, start int64) error {
	threads := d.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	all, one := pool.New(min(threads, len(d.sms))), pool.New(1)
	defer all.Close()
	w := newWindows(d, q, start)
	workers, runSM, advance := all, w.runSM, w.advance
	for {
		workers.Run(len(d.sms), runSM)
		w.replies = false
		if err := d.faults(); err != nil {
			return err
		}
		workers.Run(1+d.system.Channels(), advance)
		w.replies = true
		if d.heaps != nil {
			if err := exec.Settle(d.heaps); err != nil {
				return fmt.Errorf("%s: %w", q.name(), err)
			}
		}
		if d.Trace != nil {
			w.deliver() // what is sampled below counts them
		}
		if workers = all; w.collect() < aloneBelow {
			workers = one
		}
		w.replace()
		w.sample()
		more, err := w.admit()
		if err != nil {
			return err
		}
		next, done := w.look()
		if done {
			w.end()
			return nil
		}
		if err := w.stopped(ctx, min(next, more)); err != nil {
			return err
		}
		w.from = max(w.to, min(next, more))
		w.to = w.from + w.window
	}
}

// windows is where a run of a device's launches stands: SMs and memory have come to cycle to, beginning at from.
type windows struct {
	d                       *Device
	q                       *queue
	start, window, from, to int64
	replies                 bool // those of the last window are still to be delivered
	issued                  int64
	blocks, total           int64 // of the launches: done, and all
	stall                   stallWatch
}

func newWindows(d *Device, q *queue, start int64) *windows {
	window := d.system.Window()
	w := &windows{d: d, q: q, start: start, window: window, from: start, to: start + window,
		stall: stallWatch{next: start + StallCycles/4, since: start}}
	if d.Stalled == nil {
		w.stall.next = math.MaxInt64
	}
	return w
}

// runSM runs SM i to the end of the window.
func (w *windows) runSM(_, i int) {
	if w.replies {
		w.d.system.Port(i).Deliver(w.from)
	}
	if m := w.d.sms[i]; m.Busy() || m.Next() < w.to {
		m.Run(w.from, w.to)
	}
}

// advance runs one channel, or applies what was stored: what memory holds and how long reaching it takes touch nothing
// of each other.
func (w *windows) advance(_, i int) {
	if i == 0 {
		memory.Commit(w.d.ports)
		if g := w.d.global; g != nil {
			g.Settle(w.d.checks())
		}
	} else {
		w.d.system.Advance(i-1, w.to)
	}
}

// deliver gives the SMs the replies of this window at once.
func (w *windows) deliver() {
	for i := range w.d.sms {
		w.d.system.Port(i).Deliver(w.to)
	}
	w.replies = false
}

// collect lists the blocks that are finished, and returns how many warp instructions the window had.
func (w *windows) collect() (issued int64) {
	d := w.d
	d.finished = d.finished[:0]
	var n int64
	for i, m := range d.sms {
		n += m.Counters.WarpInstructions
		for _, b := range m.Finished {
			d.finished = append(d.finished, finishedBlock{b, i})
		}
		m.Finished = m.Finished[:0]
	}
	issued, w.issued = n-w.issued, n
	return issued
}

// replace gives the places of finished blocks to others, in the order in which they became free.
func (w *windows) replace() {
	d, q := w.d, w.q
	if len(d.finished) == 0 {
		return
	}
	slices.SortStableFunc(d.finished, func(a, b finishedBlock) int {
		return cmp.Compare(a.block.FinishedAt(), b.block.FinishedAt())
	})
	for _, f := range d.finished { // all of them first: a sampled launch that is lengthened leaves no place empty
		q.of(f.block).finish(f.block.FinishedAt(), d.system, d.gpu)
	}
	for _, f := range d.finished {
		if d.Trace != nil {
			d.Trace.block(f.sm, f.block)
		}
		d.sms[f.sm].Recycle(f.block)
		for _, g := range q.active {
			for d.dispatch(g, q, d.sms[f.sm], f.block.FinishedAt(), w.to) {
			}
		}
	}
	q.retire()
}

// sample records counters where the trace wants them.
func (w *windows) sample() {
	d := w.d
	if d.Trace == nil || !d.Trace.due(w.to) {
		return
	}
	var sum timing.Counters
	for _, m := range d.sms {
		m.End(w.to)
		sum.Add(&m.Counters)
	}
	d.Trace.sample(d.gpu, w.to, &sum, d.system.Counters())
}

// admit starts the launches that may start, and returns when the next ones may.
func (w *windows) admit() (more int64, err error) {
	d, q := w.d, w.q
	on := len(q.active)
	if more, err = q.admit(w.to); err != nil {
		return 0, err
	}
	for _, g := range q.active[on:] {
		d.fill(g, q, w.to)
	}
	w.blocks, w.total = q.progress()
	if d.Observe != nil {
		d.Observe(Progress{Cycle: w.to - w.start, Blocks: w.blocks, Total: w.total})
	}
	return more, nil
}

// look finds the cycle of the next event, and whether all blocks are done and memory is quiet.
func (w *windows) look() (next int64, done bool) {
	d := w.d
	next = math.MaxInt64
	held := false
	for _, m := range d.sms {
		next = min(next, m.Next())
		held = held || m.Holds()
	}
	if invariant.On {
		d.consistent(w.q, false)
	}
	if next <= w.to && w.blocks != w.total {
		return next, false // the SMs go on at once; each takes its replies then
	}
	if w.replies {
		w.deliver()
	}
	event := d.system.NextEvent(w.to)
	quiet := event == math.MaxInt64 && !held
	return min(next, event), quiet && w.blocks == w.total
}

// end closes the launches that are done.
func (w *windows) end() {
	d, q := w.d, w.q
	if invariant.On {
		d.consistent(q, true)
	}
	d.now = max(w.start, d.system.LastDone())
	for _, g := range q.active {
		d.now = max(d.now, g.end)
	}
	for _, g := range q.active {
		q.done(g, d.now)
	}
	q.active = nil
}

// stopped is the error of a run that cannot or shall not go on.
func (w *windows) stopped(ctx context.Context, next int64) error {
	d, q, cycles := w.d, w.q, w.to-w.start
	if next == math.MaxInt64 {
		return d.stuck(q, ErrDeadlock, fmt.Sprintf("%s: deadlock after %d cycles: no warp can go on", q.name(), cycles))
	}
	if d.MaxCycles > 0 && cycles >= d.MaxCycles {
		return d.stuck(q, ErrCycleLimit, fmt.Sprintf(
			"%s: still running after %d cycles (the limit set by max-cycles); %d of %d blocks finished",
			q.name(), d.MaxCycles, w.blocks, w.total))
	}
	if err := ctx.Err(); err != nil {
		return d.stuck(q, err, fmt.Sprintf("%s: stopped after %d cycles (%v); %d of %d blocks finished",
			q.name(), cycles, context.Cause(ctx), w.blocks, w.total))
	}
	if w.to >= w.stall.next {
		w.stall.look(d, q, w.to, w.blocks)
	}
	return nil
}

type finishedBlock struct {
	block *timing.Resident
	sm    int
}

// faults returns the first error of any SM, in order of cycle, then SM.
func (d *Device) faults() error {
	var first *exec.Fault
	for _, m := range d.sms {
		if f := m.Fault; f != nil && (first == nil || f.Cycle < first.Cycle) {
			first = f
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// checks are those of all SMs, none if they are off.
func (d *Device) checks() (list []*exec.Check) {
	for _, m := range d.sms {
		if m.Exec.Check != nil {
			list = append(list, m.Exec.Check)
		}
	}
	return list
}

// findings returns what the checks found, nil if nothing or if they are off.
func (d *Device) findings() error {
	if err := exec.NewCheckError(d.checks(), d.global); err != nil {
		return err
	}
	var hazards []*timing.Hazards
	for _, m := range d.sms {
		if m.Hazards != nil {
			hazards = append(hazards, m.Hazards)
		}
	}
	return timing.NewHazardError(hazards)
}

// stuck says where the warps stand, for errors of a launch that does not end.
func (d *Device) stuck(q *queue, kind error, what string) error {
	e := newStuckError(kind, what)
	for _, g := range q.active {
		if n := g.total - g.next; n > 0 {
			e.rooms = append(e.rooms,
				fmt.Sprintf("\n  %d blocks of kernel %s wait for room, the first of them %v: the chip holds %d at once",
					n, g.prog.Name, g.index(g.next), int64(d.gpu.SMs*d.gpu.SM.Resident(g.need))))
		}
	}
	for _, m := range d.sms {
		m.Waiting(func(w *exec.Warp, op int32, why string) { e.add(fmt.Sprintf("SM %d, ", m.ID), w, op, why) })
	}
	return e
}
