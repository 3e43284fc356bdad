package driver

// timeline is the modelled time of the device in microseconds since cuInit. Launches of all streams run one after the
// other: each has the whole chip. Copies have an engine for each direction and overlap with them. The host's clock only
// moves where the host waits; what is enqueued starts at the host's clock, at the earliest.
type timeline struct {
	host    float64
	compute float64    // the chip is free from then on
	engines [2]float64 // copies to the device, to the host
	copies  float64    // moved: microseconds of all copies
}

// busy takes something of the device for so long, in stream s, as soon as it and the stream are free. It returns the
// start.
func (d *Driver) busy(s *stream, free *float64, us float64) float64 {
	start := max(d.clock.host, s.ready, *free)
	for _, o := range d.joins(s) {
		start = max(start, o.ready)
	}
	s.ready = start + us
	*free = s.ready
	return start
}

// joins lists the streams whose work comes before that of s: the legacy default stream and blocking streams wait for
// each other (CUDA C++ Programming Guide, implicit synchronization).
func (d *Driver) joins(s *stream) []*stream {
	switch {
	case !s.blocking || s.context == nil:
		return nil
	case s == s.context.legacy:
		var out []*stream
		for _, v := range s.context.owned {
			if o, ok := v.(*stream); ok && o.blocking {
				out = append(out, o)
			}
		}
		for _, t := range d.threads {
			if t.stream != nil && t.stream.context == s.context {
				out = append(out, t.stream)
			}
		}
		return out
	}
	return []*stream{s.context.legacy}
}

// wait is the host waiting for streams.
func (t *timeline) wait(streams ...*stream) {
	for _, s := range streams {
		t.host = max(t.host, s.ready)
	}
}
