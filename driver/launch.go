package driver

import (
	"errors"

	"warpdrop/sim"
)

// launch is one launch of a kernel with its arguments.
type launch struct {
	f      *function
	config sim.LaunchConfig
	params []byte // as the parameter bank holds them
}

// newLaunch checks a launch's shape and takes its parameters: params points to a pointer a parameter, extra is the
// other way to give them, a list that names a buffer and its size.
func (c *call) newLaunch(f *function, grid, block [3]uint32, shared uint32, params, extra uint64) (*launch, Result) {
	for i := range 3 {
		if grid[i] == 0 || block[i] == 0 {
			return nil, InvalidValue
		}
	}
	l := &launch{f: f, params: make([]byte, f.info.ParamBytes), config: sim.LaunchConfig{Shared: int(shared), Pad: true,
		Grid:  sim.Dim3{X: int(grid[0]), Y: int(grid[1]), Z: int(grid[2])},
		Block: sim.Dim3{X: int(block[0]), Y: int(block[1]), Z: int(block[2])}}}
	threads := l.config.Block.Count()
	switch {
	case grid[0] > 1<<31-1 || grid[1] > 65535 || grid[2] > 65535, threads > int64(c.gpu.SM.MaxThreads) || block[2] > 64 ||
		block[0] > 1024 || block[1] > 1024:
		return nil, InvalidValue
	case int(shared)+f.info.SharedBytes > c.gpu.SM.SharedPerBlock:
		return nil, InvalidValue
	case f.info.LaunchBounds > 0 && threads > int64(f.info.LaunchBounds):
		return nil, InvalidValue
	case threads > int64(f.info.MaxThreads):
		return nil, LaunchResources
	}
	switch {
	case params != 0:
		for i, p := range f.info.Params {
			from := get64(params + uint64(8*i))
			if from == 0 {
				return nil, InvalidValue
			}
			copy(l.params[p.Offset:], hostBytes(from, uint64(p.Size)))
		}
	case extra != 0:
		const buffer, size = 1, 2 // CU_LAUNCH_PARAM_BUFFER_POINTER, _SIZE; 0 ends the list
		var from, n uint64
		for e := extra; get64(e) != 0; e += 16 {
			switch get64(e) {
			case buffer:
				from = get64(e + 8)
			case size:
				n = get64(get64(e + 8))
			default:
				return nil, InvalidValue
			}
		}
		if n < uint64(f.lastByte()) || from == 0 && n > 0 {
			return nil, InvalidValue
		}
		copy(l.params, hostBytes(from, n))
	case len(f.info.Params) > 0:
		return nil, InvalidValue
	}
	return l, Success
}

// args are the launch's parameters one by one.
func (l *launch) args() []sim.Arg {
	args := make([]sim.Arg, len(l.f.info.Params))
	for i, p := range l.f.info.Params {
		args[i] = sim.Bytes(l.params[p.Offset:][:p.Size])
	}
	return args
}

// launch runs one in stream s.
func (d *Driver) launch(s *stream, l *launch) Result {
	d.mirror(false)
	timed := d.options.Selection.next(l.f.name)
	d.dev.Functional, d.dev.Hazards = !timed, timed && d.hazards
	config := l.config
	if timed && d.options.Selection.Sampled {
		config.Waves, config.Rest = sampledWaves, true
	}
	ctx, stop := d.report.watch(d, l)
	r, err := d.dev.Launch(ctx, l.f.kernel, config, l.args()...)
	interrupted := stop()
	d.mirror(true)
	if r != nil { // also beside what a check found
		start := d.busy(s, &d.clock.compute, r.TimeUS)
		d.report.launch(d, s, l, r, start)
	}
	if err == nil {
		return Success
	}
	d.say("%v", err)
	if r != nil {
		d.report.findings++
		return Success
	}
	if errors.Is(err, sim.ErrOutOfMemory) {
		return OutOfMemory
	}
	result := faultResult(err)
	s.context.fault = result
	if interrupted != nil {
		interrupted()
	}
	return result
}

// faultResults are what the driver answers to the kinds of errors that end a kernel; to others, LaunchFailed.
var faultResults = []struct {
	kind   error
	result Result
}{
	{sim.ErrAssert, AssertFailed}, {sim.ErrBounds, IllegalAddress}, {sim.ErrMisaligned, MisalignedAddress},
	{sim.ErrStack, HardwareStack}, {sim.ErrIllegal, IllegalInstruction},
	{sim.ErrBarrier, IllegalInstruction}, {sim.ErrDeadlock, LaunchTimeout}, {sim.ErrCycleLimit, LaunchTimeout},
}

func faultResult(err error) Result {
	for _, f := range faultResults {
		if errors.Is(err, f.kind) {
			return f.result
		}
	}
	return LaunchFailed
}

// enqueue runs a launch in a stream, or puts it into the graph that the stream records.
func (c *call) enqueue(stream int, l *launch, r Result) Result {
	if r != Success {
		return r
	}
	s, r := c.stream(stream)
	if r != Success {
		return r
	}
	return c.enqueueIn(s, l)
}

func (c *call) enqueueIn(s *stream, l *launch) Result {
	if g := s.capturing(); g != nil {
		g.add(s, &node{kind: nodeKernel, launch: l})
		return Success
	}
	return c.launch(s, l)
}

// cooperate makes l a cooperative launch, if the chip holds its blocks.
func (c *call) cooperate(l *launch) Result {
	if l.config.Grid.Count() > int64(c.gpu.SMs*l.f.kernel.BlocksPerSM(int(l.config.Block.Count()), l.config.Shared)) {
		return CooperativeTooLarge
	}
	l.config.Cooperative = true
	return Success
}

func (c *call) dims(i int) (d [3]uint32) { return [3]uint32{c.u32(i), c.u32(i + 1), c.u32(i + 2)} }

func init() {
	register(needsContext, map[string]func(*call) Result{
		"cuLaunchKernel": func(c *call) Result {
			f, r := c.function(0)
			if r != Success {
				return r
			}
			l, r := c.newLaunch(f, c.dims(1), c.dims(4), c.u32(7), c.u64(9), c.u64(10))
			return c.enqueue(8, l, r)
		},
		"cuLaunchKernelEx": func(c *call) Result {
			f, r := c.function(1)
			if r != Success {
				return r
			}
			if c.u64(0) == 0 {
				return InvalidValue
			}
			// CUlaunchConfig: grid, block, shared bytes, stream, attributes, their number.
			g := structure(c.u64(0), 56)
			const cooperative = 2
			together := false
			for i := range uint64(g.u32(48)) { // CUlaunchAttribute: id, then its value 8 bytes on, 72 bytes in all
				a := g.u64(40) + 72*i
				if get32(a) == cooperative && get32(a+8) != 0 {
					together = true
				}
			}
			l, r := c.newLaunch(f, [3]uint32{g.u32(0), g.u32(4), g.u32(8)}, [3]uint32{g.u32(12), g.u32(16), g.u32(20)},
				g.u32(24), c.u64(2), c.u64(3))
			if r != Success {
				return r
			}
			if together {
				if r := c.cooperate(l); r != Success {
					return r
				}
			}
			c.args = append(c.args, g.u64(32))
			return c.enqueue(len(c.args)-1, l, r)
		},
		"cuLaunchCooperativeKernel": func(c *call) Result {
			f, r := c.function(0)
			if r != Success {
				return r
			}
			l, r := c.newLaunch(f, c.dims(1), c.dims(4), c.u32(7), c.u64(9), 0)
			if r == Success {
				r = c.cooperate(l)
			}
			return c.enqueue(8, l, r)
		},
	})
}
