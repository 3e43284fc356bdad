package sim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"warpdrop/sim/energy"
	"warpdrop/sim/memory"
	"warpdrop/sim/sm/timing"
)

// Trace records what a device does over simulated time: launches and copies, blocks on SMs, and counters. Set
// Device.Trace before the first launch; WriteTo writes what was recorded in the Trace Event Format, which
// ui.perfetto.dev and chrome://tracing show. The zero value is ready to use.
type Trace struct {
	// Interval is the least number of cycles between two readings of the counters; 0 means 1000. It doubles whenever there
	// are MaxSamples.
	Interval int64
	// MaxBlocks and MaxSamples bound what is kept; 0 means 200,000 blocks and 5,000 samples. Blocks beyond are counted
	// only.
	MaxBlocks, MaxSamples int

	gpu      *GPU
	launches []traceSpan
	blocks   []traceBlock
	dropped  int64
	samples  []traceSample
	start    reading // at the start of the launch
	last     reading // at the last sample
}

type traceSpan struct {
	name, category string
	from, to       int64 // cycles since the device was made
	args           map[string]any
}

type traceBlock struct {
	launch   int // index of the launch under way when it finished
	index    [3]uint32
	sm       int
	from, to int64
}

// traceSample is a rate over the cycles from one sample to the next.
type traceSample struct {
	from, to int64
	warps    float64 // resident, mean
	ipc      float64
	l2, dram float64 // GB/s
	watts    float64 // 0 where the preset has no energy coefficients
	issue    float64 // shares of the schedulers' cycles, in percent
	stalls   [timing.NumReasons]float64
}

// reading is the counters at one moment.
type reading struct {
	cycle  int64
	sm     timing.Counters
	memory memory.Counters
	joules float64 // the estimate of the launch up to here
}

// launch notes a kernel or a copy.
func (t *Trace) launch(g *GPU, name, category string, from, to int64, args map[string]any) {
	t.gpu = g
	t.launches = append(t.launches, traceSpan{name, category, from, to, args})
}

// block notes a block that has finished.
func (t *Trace) block(m int, b *timing.Resident) {
	limit := t.MaxBlocks
	if limit == 0 {
		limit = 200_000
	}
	if len(t.blocks) >= limit {
		t.dropped++
		return
	}
	t.blocks = append(t.blocks, traceBlock{len(t.launches), b.Index, m, b.StartedAt(), b.FinishedAt()})
}

// begin takes the counters at the start of a launch, where those of the SMs begin anew.
func (t *Trace) begin(now int64, c memory.Counters) {
	t.last = reading{cycle: now, memory: c}
	t.start = t.last
}

// due reports whether it is time for a sample.
func (t *Trace) due(now int64) bool { return now-t.last.cycle >= t.interval() }

func (t *Trace) interval() int64 {
	if t.Interval <= 0 {
		return 1000
	}
	return t.Interval
}

// sample notes the rates since the last reading.
func (t *Trace) sample(g *GPU, now int64, s *timing.Counters, m memory.Counters) {
	cycles := now - t.last.cycle
	if cycles <= 0 {
		return
	}
	per := 1 / float64(cycles)
	part := m.Sub(&t.last.memory)
	bytes := part.Bandwidth(cycles, g.CoreMHz)
	x := traceSample{from: t.last.cycle, to: now, l2: bytes.L2, dram: bytes.DRAM,
		ipc:   float64(s.WarpInstructions-t.last.sm.WarpInstructions) * per,
		warps: float64(s.WarpCycles-t.last.sm.WarpCycles) * per}
	slots := 100 * per / float64(g.SMs*g.SM.Schedulers)
	x.issue = float64(s.IssueCycles-t.last.sm.IssueCycles) * slots
	for i := range x.stalls {
		x.stalls[i] = float64(s.SchedulerStalls[i]-t.last.sm.SchedulerStalls[i]) * slots
	}
	joules := 0.0
	if g.Energy.Calibrated() {
		since, moved := now-t.start.cycle, m.Sub(&t.start.memory)
		e := g.Energy.Of(&energy.Run{Cycles: since, Seconds: g.Seconds(since), SMs: g.SMs, SM: s, Memory: &moved})
		joules = e.Total()
		x.watts = max(joules-t.last.joules, 0) / g.Seconds(cycles)
	}
	t.samples = append(t.samples, x)
	t.last = reading{now, *s, m, joules}
	limit := t.MaxSamples
	if limit == 0 {
		limit = 5000
	}
	if len(t.samples) > limit {
		t.Interval = 2 * t.interval()
		t.samples = merge(t.samples)
	}
}

// merge makes one of each two neighbouring samples.
func merge(s []traceSample) []traceSample {
	n := 0
	for i := 0; i < len(s); i++ {
		a := s[i]
		if i+1 < len(s) && s[i+1].from == a.to {
			b := s[i+1]
			p, q := float64(a.to-a.from)/float64(b.to-a.from), float64(b.to-b.from)/float64(b.to-a.from)
			mean := func(x *float64, y float64) { *x = *x*p + y*q }
			mean(&a.warps, b.warps)
			mean(&a.ipc, b.ipc)
			mean(&a.l2, b.l2)
			mean(&a.dram, b.dram)
			mean(&a.issue, b.issue)
			mean(&a.watts, b.watts)
			for k := range a.stalls {
				mean(&a.stalls[k], b.stalls[k])
			}
			a.to = b.to
			i++
		}
		s[n] = a
		n++
	}
	return s[:n]
}

// traceEvent is one event as the Trace Event Format writes it; times are microseconds.
type traceEvent struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	Time     float64        `json:"ts"`
	Duration *float64       `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Args     map[string]any `json:"args,omitempty"`
}

// Processes of the trace: what viewers show as groups of tracks.
const (
	traceHost = 1 + iota
	traceCounters
	traceSMs // the first of one a SM
)

// WriteTo writes the trace as one JSON object.
func (t *Trace) WriteTo(w io.Writer) (int64, error) {
	count := &countingWriter{w: w}
	if t.gpu == nil {
		t.gpu = &GPU{Name: "nothing was launched", CoreMHz: 1}
	}
	out := &traceWriter{Writer: bufio.NewWriter(count), mhz: t.gpu.CoreMHz}
	other, err := json.Marshal(map[string]any{"gpu": t.gpu.Name, "core_mhz": t.gpu.CoreMHz, "model": ModelVersion,
		"blocks_not_kept": t.dropped})
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(out, "{\"displayTimeUnit\":\"ns\",\"otherData\":%s,\"traceEvents\":[", other)
	out.label(traceHost, 0, "process_name", t.gpu.Name)
	out.label(traceHost, 1, "thread_name", "kernels")
	out.label(traceHost, 2, "thread_name", "copies")
	out.label(traceCounters, 0, "process_name", "counters")
	for _, l := range t.launches {
		thread := 1
		if l.category == "copy" {
			thread = 2
		}
		out.span(traceHost, thread, l.name, l.category, l.from, l.to, l.args)
	}
	for i := range t.samples {
		out.sample(&t.samples[i], t.gpu.Energy.Calibrated())
	}
	t.writeBlocks(out)
	out.WriteString("\n]}\n")
	if out.failed != nil {
		return count.n, out.failed
	}
	return count.n, out.Flush()
}

// writeBlocks writes the blocks: those of one SM that overlap stand in tracks of their own, as few as do.
func (t *Trace) writeBlocks(out *traceWriter) {
	blocks := slices.Clone(t.blocks)
	slices.SortStableFunc(blocks, func(a, b traceBlock) int { return int(a.from - b.from) })
	free := map[int][]int64{} // by SM: the cycle from which each track is free
	for _, b := range blocks {
		tracks := free[b.sm]
		if tracks == nil {
			out.label(traceSMs+b.sm, 0, "process_name", fmt.Sprintf("SM %d", b.sm))
		}
		i := slices.IndexFunc(tracks, func(at int64) bool { return at <= b.from })
		if i < 0 {
			i = len(tracks)
			tracks = append(tracks, 0)
			out.label(traceSMs+b.sm, i, "thread_name", fmt.Sprintf("block slot %d", i))
		}
		tracks[i] = b.to
		free[b.sm] = tracks
		kernel := ""
		if b.launch < len(t.launches) {
			kernel = t.launches[b.launch].name
		}
		name := fmt.Sprintf("block (%d,%d,%d)", b.index[0], b.index[1], b.index[2])
		out.span(traceSMs+b.sm, i, name, "block", b.from, b.to, map[string]any{"kernel": kernel})
	}
}

// traceWriter writes events.
type traceWriter struct {
	*bufio.Writer
	mhz    float64
	any    bool // was written
	failed error
}

func (w *traceWriter) us(cycle int64) float64 { return float64(cycle) / w.mhz }

func (w *traceWriter) event(e traceEvent) {
	data, err := json.Marshal(e)
	if err != nil {
		w.failed = err
		return
	}
	if w.any {
		w.WriteByte(',')
	}
	w.any = true
	w.WriteByte('\n')
	w.Write(data)
}

func (w *traceWriter) span(process, thread int, name, category string, from, to int64, args map[string]any) {
	d := w.us(to) - w.us(from)
	w.event(traceEvent{Name: name, Category: category, Phase: "X", Time: w.us(from), Duration: &d,
		Process: process, Thread: thread, Args: args})
}

func (w *traceWriter) label(process, thread int, what, name string) {
	w.event(traceEvent{Name: what, Phase: "M", Process: process, Thread: thread, Args: map[string]any{"name": name}})
}

// sample writes the counters of a stretch of time.
func (w *traceWriter) sample(s *traceSample, watts bool) {
	series := func(name string, values map[string]any) {
		w.event(traceEvent{Name: name, Phase: "C", Time: w.us(s.from), Process: traceCounters, Args: values})
	}
	stalls := map[string]any{"issue": s.issue}
	for i, v := range s.stalls {
		if timing.Reason(i) != timing.ReasonNotSelected {
			stalls[timing.ReasonNames[i]] = v
		}
	}
	series("warp instructions a cycle", map[string]any{"ipc": s.ipc})
	series("resident warps", map[string]any{"warps": s.warps})
	series("bandwidth (GB/s)", map[string]any{"l2": s.l2, "dram": s.dram})
	series("scheduler cycles (%)", stalls)
	if watts {
		series("power (W, estimate)", map[string]any{"power": s.watts})
	}
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
