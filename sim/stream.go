package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"warpdrop/sim/sm/timing"
)

// Stream is a queue of launches and copies, as a CUDA stream is. Work of one stream runs in order; work of different
// streams shares the chip. It is put in with Launch, CopyIn and CopyOut, and done by Device.Synchronize.
//
// Blocks of the launch that started first go first; others take what room it leaves. A launch starts the launch
// overhead after the work before it in its stream has ended, so a stream takes as long as the same launches one by one.
type Stream struct {
	dev   *Device
	tasks []*task // not yet ended
	ready int64   // cycle at which the first of them may start, launch overhead not counted
}

// task is one launch or copy of a stream.
type task struct {
	kernel *Kernel
	cfg    LaunchConfig
	grid   *grid
	result *Result

	copy *CopyResult
	ptr  Ptr
	in   []byte // host to device
	out  []byte // device to host
	end  int64  // of a copy that has been given to its engine; 0 = not yet
}

// name names a copy in traces.
func (t *task) name() string {
	if t.out != nil {
		return "copy to host"
	}
	return "copy to device"
}

// SyncResult is what the work of all streams took together.
type SyncResult struct {
	Cycles      int64 // from the call to the end of the last work, launch overhead included
	TimeUS      float64
	Counters    Counters // of all launches: those that share the chip cannot be told apart
	WallSeconds float64
}

// NewStream returns an empty stream.
func (d *Device) NewStream() *Stream {
	s := &Stream{dev: d}
	d.streams = append(d.streams, s)
	return s
}

// Launch puts a launch into the stream. Its arguments are checked and bound now; the result is filled in by
// Synchronize, but for its counters, which are those of SyncResult.
func (s *Stream) Launch(k *Kernel, cfg LaunchConfig, args ...Arg) (*Result, error) {
	if cfg.Waves != 0 { // launches that share the chip have no waves of their own
		return nil, fmt.Errorf("kernel %s: %d waves; a launch in a stream is simulated as a whole", k.Name(), cfg.Waves)
	}
	if cfg.Cooperative { // two of them share the device's one workspace, and may not fit together
		return nil, fmt.Errorf("kernel %s: a cooperative launch has the chip to itself; use Device.Launch", k.Name())
	}
	g, err := s.dev.prepare(k, cfg, args)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", k.Name(), err)
	}
	t := &task{kernel: k, cfg: cfg, grid: g, result: s.dev.newResult(k, cfg, g)}
	s.tasks = append(s.tasks, t)
	return t.result, nil
}

// CopyIn puts a copy from data to device memory at p into the stream; data is read when the copy ends.
func (s *Stream) CopyIn(p Ptr, data []byte) *CopyResult {
	return s.copy(&task{ptr: p, in: data, copy: &CopyResult{Bytes: int64(len(data))}})
}

// CopyOut puts a copy from device memory at p to data into the stream; data is written when the copy ends.
func (s *Stream) CopyOut(p Ptr, data []byte) *CopyResult {
	return s.copy(&task{ptr: p, out: data, copy: &CopyResult{Bytes: int64(len(data))}})
}

func (s *Stream) copy(t *task) *CopyResult {
	seconds := s.dev.gpu.Copy.CopyTime(t.copy.Bytes)
	t.copy.Cycles, t.copy.TimeUS = int64(math.Ceil(seconds*s.dev.gpu.CoreMHz*1e6)), seconds*1e6
	s.tasks = append(s.tasks, t)
	return t.copy
}

// Synchronize does the work of all streams. After an error all that they hold is dropped.
func (d *Device) Synchronize(ctx context.Context) (*SyncResult, error) {
	if d.Profile {
		return nil, errors.New("Synchronize with Device.Profile: a profile is of one launch; use Launch")
	}
	if d.Functional {
		return nil, errors.New("Synchronize with Device.Functional: streams share time, and there is none; use Launch")
	}
	began := time.Now()
	start := d.now
	r := &SyncResult{}
	for _, s := range d.streams {
		s.ready = start
	}
	before := d.system.Counters()
	drop := func() {
		for _, s := range d.streams {
			s.tasks = nil
		}
	}
	q := &queue{dev: d, streams: d.streams}
	for {
		next, err := q.admit(d.now)
		if err != nil {
			drop()
			return nil, err
		}
		if len(q.active) == 0 {
			if next == math.MaxInt64 {
				break
			}
			d.now = max(d.now, next)
			continue
		}
		d.begin(d.now)
		for _, g := range q.active {
			d.fill(g, q, d.now)
		}
		err = d.run(ctx, q, d.now)
		if err := errors.Join(err, d.print()); err != nil {
			drop()
			return nil, errors.Join(err, d.findings(), d.abandon())
		}
		d.end(&r.Counters)
	}
	after := d.system.Counters()
	r.Counters.Memory = after.Sub(&before)
	r.Cycles = d.now - start
	r.TimeUS = d.gpu.Seconds(r.Cycles) * 1e6
	r.WallSeconds = time.Since(began).Seconds()
	return r, d.findings()
}

// queue is the launches on the chip, and where more come from.
type queue struct {
	dev     *Device
	streams []*Stream
	active  []*grid  // in order of their start
	engines [2]int64 // first cycle at which the copy engine is free: host to device, device to host
}

// admit starts what the streams have ready at cycle t and ends copies that are due. It returns the first later cycle at
// which there is more to do that does not depend on active launches, math.MaxInt64 if there is none.
func (q *queue) admit(t int64) (next int64, err error) {
	next = math.MaxInt64
	for _, s := range q.streams {
		for len(s.tasks) > 0 {
			x := s.tasks[0]
			if g := x.grid; g != nil {
				if g.stream != nil {
					break // on the chip
				}
				if at := s.ready + q.dev.overhead(); at > t {
					next = min(next, at)
					break
				}
				g.stream, g.result = s, x.result
				q.start(g, t)
				break
			}
			if x.end == 0 {
				if s.ready > t {
					next = min(next, s.ready)
					break
				}
				e := &q.engines[0]
				if x.out != nil {
					e = &q.engines[1]
				}
				x.end = max(s.ready, *e) + x.copy.Cycles
				*e = x.end
			}
			if x.end > t {
				next = min(next, x.end)
				break
			}
			if x.out != nil {
				err = q.dev.Read(x.ptr, x.out)
			} else {
				err = q.dev.Write(x.ptr, x.in)
			}
			if err != nil {
				return next, err
			}
			if t := q.dev.Trace; t != nil {
				t.launch(q.dev.gpu, x.name(), "copy", x.end-x.copy.Cycles, x.end, map[string]any{"bytes": x.copy.Bytes})
			}
			s.ended(x.end)
		}
	}
	return next, nil
}

// ended takes the first task off the stream, which ended at cycle at.
func (s *Stream) ended(at int64) {
	s.tasks = s.tasks[1:]
	s.ready = at
}

// start puts launch g on the chip at cycle t.
func (q *queue) start(g *grid, t int64) {
	g.start, g.end = t, t
	q.active = append(q.active, g)
}

// retire takes launches off the chip whose blocks have all finished. The last one stays until memory is quiet, so that
// it ends as it would without streams.
func (q *queue) retire() {
	kept := q.active[:0]
	left := len(q.active)
	for _, g := range q.active {
		if g.finished < g.total || left == 1 {
			kept = append(kept, g)
			continue
		}
		left--
		q.done(g, g.end)
	}
	q.active = kept
}

// done ends launch g at cycle at.
func (q *queue) done(g *grid, at int64) {
	g.result.Cycles = at - g.start
	g.result.TimeUS = q.dev.gpu.Seconds(g.result.Cycles+g.result.OverheadCycles) * 1e6
	if g.stream == nil {
		return
	}
	if t := q.dev.Trace; t != nil {
		t.launch(q.dev.gpu, g.result.Kernel, "kernel", g.start, at,
			map[string]any{"grid": g.result.Grid.String(), "block": g.result.Block.String(), "cycles": g.result.Cycles})
	}
	g.stream.ended(at)
}

// of returns the launch that a block belongs to.
func (q *queue) of(b *timing.Resident) *grid {
	for _, g := range q.active {
		if g.prog == b.Prog {
			return g
		}
	}
	panic("sim: a block of no launch")
}

// progress returns blocks finished and in all of the launches on the chip.
func (q *queue) progress() (finished, total int64) {
	for _, g := range q.active {
		finished += g.finished
		total += g.total
	}
	return finished, total
}

// name names the launches on the chip.
func (q *queue) name() string {
	var names []string
	for _, g := range q.active {
		names = append(names, g.prog.Name)
	}
	return "kernel " + strings.Join(names, ", ")
}
