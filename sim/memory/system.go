package memory

import "fmt"

// System is the timing of a GPU's memory: every SM's L1, the crossbar, the L2 slices and DRAM.
//
// Time goes in windows. In each, the SMs run up to the window's end and call their Port; then Advance runs each
// channel, and each Port's Deliver takes the replies. No reply to a packet comes sooner than Window cycles after the
// access that sent it, so the SMs need not stop in between. Channels run ahead of the SMs by the time that a packet
// needs to reach them: what arrives by then has been sent.
type System struct {
	cfg      *Config
	m        mapping
	window   int64
	ahead    int64 // least cycles from an access to its packet's arrival at a slice
	ports    []*Port
	channels []*channel
	dropped  bool // Reset dropped requests that the counters have
}

// NewSystem returns the memory system of a GPU with sms SMs.
func NewSystem(cfg *Config, sms int) (*System, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if sms < 1 || sms > 256 {
		return nil, fmt.Errorf("memory: %d SMs is not in 1..256", sms)
	}
	s := &System{cfg: cfg, m: newMapping(cfg)}
	s.ahead = int64(cfg.L1.MissLatency + cfg.Crossbar.RequestLatency)
	s.window = s.ahead + int64(cfg.L2.Latency+cfg.Crossbar.ReplyLatency)
	for i := range sms {
		s.ports = append(s.ports, newPort(s, i))
	}
	for i := range cfg.DRAM.Channels {
		s.channels = append(s.channels, newChannel(cfg, &s.m, i, s.ports, s.window))
	}
	return s, nil
}

// Window is the shortest way from an SM to L2 and back in core cycles.
func (s *System) Window() int64 { return s.window }

// Port returns the port of an SM.
func (s *System) Port(sm int) *Port { return s.ports[sm] }

// Channels is the number of channels to Advance.
func (s *System) Channels() int { return len(s.channels) }

// BeginKernel empties the L1 caches, as a launch does, and sets the clock to cycle now, which is not before any cycle
// that was simulated. What L2 holds stays.
func (s *System) BeginKernel(now int64) {
	for _, p := range s.ports {
		p.begin(now)
	}
}

// Reset drops all that is under way and all that the caches hold, as after a kernel that failed. Counters stay.
func (s *System) Reset() {
	s.dropped = true
	for i, p := range s.ports {
		count := p.count
		*p = *newPort(s, i)
		p.count = count
	}
	for i, c := range s.channels {
		n := newChannel(s.cfg, &s.m, i, s.ports, s.window)
		n.count = c.count
		n.dram.refreshAt = c.dram.refreshAt
		s.channels[i] = n
	}
}

// Advance runs channel ch as far as the requests that the SMs sent before cycle end determine it. Different channels
// may be advanced on different threads, while no SM runs.
func (s *System) Advance(ch int, end int64) { s.channels[ch].advance(end + s.ahead) }

// NextEvent returns the earliest cycle, not before end, the last window's end, from which a window has to be run for
// what is under way in the memory system, or math.MaxInt64 when nothing is. The replies of the last window have been
// delivered.
func (s *System) NextEvent(end int64) int64 {
	at := int64(never)
	for _, c := range s.channels {
		if e := c.nextEvent(); e != never {
			at = min(at, e-s.ahead)
		}
	}
	for _, p := range s.ports {
		if e := p.inbox.first(p.taken); e != never {
			at = min(at, e-s.window)
		}
		at = min(at, p.soonest)
	}
	if at == never {
		return at
	}
	return max(at, end)
}

// LastDone returns the latest cycle at which an access ended so far.
func (s *System) LastDone() int64 {
	var last int64
	for _, p := range s.ports {
		last = max(last, p.last)
	}
	return last
}

// Counters returns the sums over all SMs and channels since the System was made.
func (s *System) Counters() Counters {
	var sum Counters
	for _, p := range s.ports {
		sum.Add(&p.count)
	}
	for _, c := range s.channels {
		sum.Add(&c.count)
	}
	return sum
}
