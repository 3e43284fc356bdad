// Package driver answers the CUDA driver API over package sim: a program that calls cuLaunchKernel runs on the
// simulated GPU.
//
// The API is C's: handles, addresses of the program's own memory, error codes. Its functions come in through one door,
// Call, as words in the order of the C signature (signatures.txt); cmd/libcuda is the shared library that puts them
// there. So everything here is plain Go, and its tests are programs that call the driver as C would.
//
// Work is done when it is asked for: an asynchronous call has ended when it returns. What streams, events and copies
// would have taken is kept beside it as modelled time (timeline.go). The time that the host takes between calls is not
// simulated.
package driver

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"warpdrop/sim"
)

// Version is the CUDA version that the driver says it is: the last one that knows sm_61.
const Version = 12090

// Driver is the driver of one process, with one simulated GPU. Its methods may be called from any goroutine.
type Driver struct {
	mu       sync.Mutex
	options  Options
	started  bool
	gpu      *sim.GPU
	dev      *sim.Device
	hazards  bool // the check of that name is on, in launches that are timed
	handles  map[uint64]any
	last     uint64 // handle given
	threads  map[uint64]*thread
	strings  map[string]uintptr // C strings that clients keep
	primary  *context
	retained int // times the primary context
	pool     uint64
	allocs   map[uint64]*allocation // by device address
	leaked   []allocation           // that went with their context; with the check for leaks only
	high     uint64                 // end of the highest device address
	ids      uint64                 // of contexts, allocations, captures: never used twice
	clock    timeline
	report   report
	jit      jit
}

// profiles tells whether the longest launch of each kernel is kept, with its profile.
func (o *Options) profiles() bool { return o.HTML != "" || o.Profile != "" }

// Options are what a user sets by environment variables.
type Options struct {
	GPU       string    // preset name or file
	Threads   int       // goroutines that simulate
	MaxCycles int64     // a launch may take; 0 = any number
	Checks    []string  // names of sim.Device.EnableCheck
	Selection Selection // launches that are timed
	Quiet     bool      // no table at the end, no progress
	HTML      string    // file for the report, "" = none
	Profile   string    // file for the instructions of kernels (see profile.Output), "" = none, "-" = Err
	JSON      string    // file for the launches, "" = none
	Trace     string    // file for the trace, "" = none
	Cache     string    // folder of compiled PTX
	Log       io.Writer // each call, nil = none
	Err       io.Writer // messages

	// Symbol gives the address of an entry point for cuGetProcAddress; 0 if there is none.
	Symbol func(name string) uintptr
	// CallHost calls the program's function at fn with up to three words.
	CallHost func(fn uintptr, args ...uint64)
	// CallSize calls the program's function at fn that gives the shared memory of a block of so many threads.
	CallSize func(fn uintptr, threads uint64) uint64
}

// New returns a driver that is not initialised yet: cuInit does that.
func New(o Options) *Driver {
	if o.Err == nil {
		o.Err = os.Stderr
	}
	if o.GPU == "" {
		o.GPU = "gtx1080ti"
	}
	return &Driver{options: o, handles: map[uint64]any{}, last: handleBase, threads: map[uint64]*thread{},
		strings: map[string]uintptr{}, allocs: map[uint64]*allocation{}}
}

// thread is what the driver knows of one of the program's threads.
type thread struct {
	stack  []*context // the current one last
	stream *stream    // the per-thread default stream, nil until it is used
}

// call is one call of an entry point.
type call struct {
	*Driver
	name      string
	thread    *thread
	args      []uint64
	perThread bool // the _ptds or _ptsz symbol: stream 0 is the thread's own
}

// Call answers entry point name with these arguments, on the thread with this id. Words of pointers are addresses in
// this process; those of narrow integers hold them in their low bits.
func (d *Driver) Call(name string, threadID uint64, args ...uint64) Result {
	base, perThread := strings.CutSuffix(name, "_ptsz")
	if !perThread {
		base, perThread = strings.CutSuffix(name, "_ptds")
	}
	e := entries[base]
	if e == nil || e.run == nil {
		return NotSupported
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.threads[threadID]
	if t == nil {
		t = &thread{}
		d.threads[threadID] = t
	}
	c := &call{Driver: d, name: base, thread: t, args: args, perThread: perThread}
	r := c.check(e)
	if r == Success {
		r = e.run(c)
	}
	if d.options.Log != nil {
		fmt.Fprintf(d.options.Log, "%s %x -> %s\n", name, args, r)
	}
	return r
}

// EndThread forgets a thread that has ended.
func (d *Driver) EndThread(threadID uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.threads, threadID)
}

// check is what every call of this kind needs: a driver that is initialised, a current context, one without a fault.
func (c *call) check(e *entry) Result {
	if e.needs >= needsInit && !c.started {
		return NotInitialized
	}
	if e.needs >= needsContext {
		x := c.current()
		if x == nil {
			return InvalidContext
		}
		if x.fault != Success {
			return x.fault
		}
	}
	return Success
}

// say tells the user what a program sees as a number only.
func (d *Driver) say(format string, a ...any) {
	fmt.Fprintf(d.options.Err, "warpdrop: "+format+"\n", a...)
}

// start makes the device.
func (d *Driver) start() Result {
	if d.started {
		return Success
	}
	gpu, err := sim.LoadGPU(d.options.GPU)
	if err != nil {
		d.say("WARPDROP_GPU: %v", err)
		return NoDevice
	}
	dev, err := sim.NewDevice(gpu)
	if err != nil {
		d.say("%v", err)
		return NoDevice
	}
	dev.Threads, dev.MaxCycles = d.options.Threads, d.options.MaxCycles
	dev.Profile = d.options.profiles()
	dev.Stalled = func(what string) { d.say("%s", what) }
	for _, c := range d.options.Checks {
		if err := dev.EnableCheck(c); err != nil {
			d.say("WARPDROP_CHECK: %v", err)
			return NoDevice
		}
	}
	d.gpu, d.dev, d.hazards, d.started = gpu, dev, dev.Hazards, true
	return Success
}

// handleBase is far from any address of a program, so that a handle taken for a pointer is noticed.
const handleBase = 0x5744_0000_0000_0000

// handle keeps v under a new handle.
func (d *Driver) handle(v any) uint64 {
	d.last += 16
	d.handles[d.last] = v
	return d.last
}

// of returns what handle h stands for, if it is of type T.
func of[T any](d *Driver, h uint64) (T, bool) {
	v, ok := d.handles[h].(T)
	return v, ok
}

func (d *Driver) nextID() uint64 {
	d.ids++
	return d.ids
}
