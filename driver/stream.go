package driver

import (
	"encoding/binary"
	"math"
)

// stream is a CUstream. Its work is done when it is enqueued; ready is the modelled time at which it has ended.
type stream struct {
	context  *context
	id       uint64
	handle   uint64
	flags    uint32
	priority int32
	blocking bool // waits for the legacy default stream, and that for it
	ready    float64
	capture  *capture
}

func (s *stream) release(*Driver) {}

// capture is a graph that a stream records into.
type capture struct {
	*graph
	id     uint64
	origin *stream
	tail   map[*stream][]*node // the last nodes of each stream that takes part
}

// capturing returns the graph that the stream records into, nil if it runs its work.
func (s *stream) capturing() *capture { return s.capture }

// add appends a node behind what the stream recorded last.
func (g *capture) add(s *stream, n *node) {
	n.after = g.tail[s]
	g.nodes = append(g.nodes, n)
	g.tail[s] = []*node{n}
}

// event is a CUevent.
type event struct {
	flags    uint32
	at       float64 // modelled time, microseconds
	recorded bool
	capture  *capture // where it was recorded into a graph
	nodes    []*node
}

func (e *event) release(*Driver) {}

// Streams with handles of their own.
const (
	legacyStream    = 1
	perThreadStream = 2
)

// stream returns the one that argument i names; below 0 stands for the default stream.
func (c *call) stream(i int) (*stream, Result) {
	h := uint64(0)
	if i >= 0 {
		h = c.u64(i)
	}
	x := c.current()
	switch {
	case h == 0 && c.perThread || h == perThreadStream:
		if x == nil {
			return nil, InvalidContext
		}
		if c.thread.stream == nil || c.thread.stream.context != x {
			c.thread.stream = &stream{context: x, blocking: true, id: c.nextID()}
		}
		return c.thread.stream, Success
	case h == 0 || h == legacyStream:
		if x == nil {
			return nil, InvalidContext
		}
		return x.legacy, Success
	}
	s, ok := of[*stream](c.Driver, h)
	if !ok {
		return nil, InvalidHandle
	}
	return s, Success
}

// allStreams lists those of the current context.
func (c *call) allStreams() []*stream {
	x := c.current()
	out := []*stream{x.legacy}
	for _, v := range x.owned {
		if s, ok := v.(*stream); ok {
			out = append(out, s)
		}
	}
	for _, t := range c.threads {
		if t.stream != nil && t.stream.context == x {
			out = append(out, t.stream)
		}
	}
	return out
}

// on does f with the stream that argument i names.
func on(i int, f func(c *call, s *stream) Result) func(*call) Result {
	return func(c *call) Result {
		s, r := c.stream(i)
		if r != Success {
			return r
		}
		return f(c, s)
	}
}

// callHost calls the program's function without the driver's lock: it may take as long as it likes.
func (d *Driver) callHost(fn uint64, args ...uint64) {
	if d.options.CallHost == nil || fn == 0 {
		return
	}
	d.mu.Unlock()
	defer d.mu.Lock()
	d.options.CallHost(uintptr(fn), args...)
}

func newStream(c *call, priority int32) Result {
	if c.u64(0) == 0 || c.u32(1)&^1 != 0 {
		return InvalidValue
	}
	s := &stream{context: c.current(), id: c.nextID(), flags: c.u32(1), priority: min(max(priority, -1), 0),
		blocking: c.u32(1)&1 == 0}
	s.handle = c.own(s)
	return c.put64(0, s.handle)
}

func record(c *call) Result {
	e, ok := of[*event](c.Driver, c.u64(0))
	if !ok {
		return InvalidHandle
	}
	s, r := c.stream(1)
	if r != Success {
		return r
	}
	if g := s.capturing(); g != nil {
		e.capture, e.nodes = g, g.tail[s]
		return Success
	}
	e.capture, e.recorded = nil, true
	e.at = max(s.ready, c.clock.host)
	for _, o := range c.joins(s) {
		e.at = max(e.at, o.ready)
	}
	return Success
}

func elapsed(c *call) Result {
	a, ok := of[*event](c.Driver, c.u64(1))
	b, ok2 := of[*event](c.Driver, c.u64(2))
	const disableTiming = 2
	switch {
	case !ok || !ok2 || !a.recorded || !b.recorded || (a.flags|b.flags)&disableTiming != 0:
		return InvalidHandle
	case c.u64(0) == 0:
		return InvalidValue
	}
	binary.LittleEndian.PutUint32(hostBytes(c.u64(0), 4), math.Float32bits(float32((b.at-a.at)/1e3)))
	return Success
}

// captureInfo says how the stream stands; the later versions name the graph and where it stands too.
func captureInfo(version int) func(*call) Result {
	return on(0, func(c *call, s *stream) Result {
		g := s.capturing()
		if g == nil {
			return c.put32(1, 0)
		}
		put64(c.u64(2), g.id)
		if version >= 2 {
			put64(c.u64(3), g.handle)
			deps, count := 4, 5
			if version == 3 {
				count = 6
			}
			put64(c.u64(deps), c.nodeList(g.tail[s]))
			put64(c.u64(count), uint64(len(g.tail[s])))
		}
		return c.put32(1, 1)
	})
}

func init() {
	destroyStream := func(c *call) Result {
		if _, ok := disown[*stream](c, c.u64(0)); !ok {
			return InvalidHandle
		}
		return Success
	}
	destroyEvent := func(c *call) Result {
		if _, ok := disown[*event](c, c.u64(0)); !ok {
			return InvalidHandle
		}
		return Success
	}
	begin := on(0, func(c *call, s *stream) Result {
		switch {
		case s.capture != nil:
			return IllegalState
		case s == s.context.legacy:
			return CaptureUnsupported
		}
		g := c.newGraph()
		s.capture = &capture{graph: g, id: c.nextID(), origin: s, tail: map[*stream][]*node{}}
		return Success
	})
	register(needsContext, map[string]func(*call) Result{
		"cuStreamCreate":             func(c *call) Result { return newStream(c, 0) },
		"cuStreamCreateWithPriority": func(c *call) Result { return newStream(c, int32(c.u32(2))) },
		"cuStreamDestroy":            destroyStream,
		"cuStreamDestroy_v2":         destroyStream,
		"cuStreamSynchronize": on(0, func(c *call, s *stream) Result {
			if s.capture != nil {
				return CaptureUnsupported
			}
			c.clock.wait(append(c.joins(s), s)...)
			return Success
		}),
		"cuStreamQuery": on(0, func(c *call, s *stream) Result {
			if s.capture != nil {
				return CaptureUnsupported
			}
			return Success
		}),
		"cuStreamWaitEvent": on(0, func(c *call, s *stream) Result {
			e, ok := of[*event](c.Driver, c.u64(1))
			switch {
			case !ok:
				return InvalidHandle
			case e.capture != nil && (s.capture == nil || s.capture == e.capture): // the stream joins the capture
				s.capture = e.capture
				s.capture.tail[s] = append(append([]*node(nil), s.capture.tail[s]...), e.nodes...)
			case s.capture != nil:
				// An event of before the capture has passed when the graph is launched.
			case e.recorded:
				s.ready = max(s.ready, e.at)
			}
			return Success
		}),
		"cuStreamGetFlags":    on(0, func(c *call, s *stream) Result { return c.put32(1, s.flags) }),
		"cuStreamGetPriority": on(0, func(c *call, s *stream) Result { return c.put32(1, uint32(s.priority)) }),
		"cuStreamGetId":       on(0, func(c *call, s *stream) Result { return c.put64(1, s.id) }),
		"cuStreamGetCtx":      on(0, func(c *call, s *stream) Result { return c.put64(1, s.context.handle) }),
		"cuStreamGetDevice":   on(0, func(c *call, s *stream) Result { return c.put32(1, 0) }),
		"cuStreamAddCallback": on(0, func(c *call, s *stream) Result {
			if s.capture != nil {
				return CaptureUnsupported
			}
			c.callHost(c.u64(1), c.u64(0), uint64(Success), c.u64(2))
			return Success
		}),
		"cuLaunchHostFunc": on(0, func(c *call, s *stream) Result {
			if g := s.capturing(); g != nil {
				g.add(s, &node{kind: nodeHost, host: hostCall{c.u64(1), c.u64(2)}})
				return Success
			}
			c.callHost(c.u64(1), c.u64(2))
			return Success
		}),
		"cuStreamBeginCapture":    begin,
		"cuStreamBeginCapture_v2": begin,
		"cuStreamEndCapture": on(0, func(c *call, s *stream) Result {
			g := s.capture
			switch {
			case g == nil:
				return IllegalState
			case g.origin != s:
				return CaptureUnmatched
			}
			for _, o := range c.allStreams() {
				if o.capture == g {
					o.capture = nil
				}
			}
			return c.put64(1, g.handle)
		}),
		"cuStreamIsCapturing": on(0, func(c *call, s *stream) Result {
			v := uint32(0)
			if s.capture != nil {
				v = 1
			}
			return c.put32(1, v)
		}),
		"cuStreamGetCaptureInfo":    captureInfo(1),
		"cuStreamGetCaptureInfo_v2": captureInfo(2),
		"cuStreamGetCaptureInfo_v3": captureInfo(3),
		"cuEventCreate": func(c *call) Result {
			if c.u64(0) == 0 {
				return InvalidValue
			}
			return c.put64(0, c.own(&event{flags: c.u32(1)}))
		},
		"cuEventRecord":          record,
		"cuEventRecordWithFlags": record,
		"cuEventElapsedTime":     elapsed,
		"cuEventElapsedTime_v2":  elapsed,
		"cuEventQuery": func(c *call) Result {
			if _, ok := of[*event](c.Driver, c.u64(0)); !ok {
				return InvalidHandle
			}
			return Success
		},
		"cuEventSynchronize": func(c *call) Result {
			e, ok := of[*event](c.Driver, c.u64(0))
			if !ok {
				return InvalidHandle
			}
			c.clock.host = max(c.clock.host, e.at)
			return Success
		},
		"cuEventDestroy":    destroyEvent,
		"cuEventDestroy_v2": destroyEvent,
	})
	register(needsInit, map[string]func(*call) Result{"cuThreadExchangeStreamCaptureMode": succeed})
}
