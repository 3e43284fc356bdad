package driver

import (
	"bufio"
	gocontext "context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"warpdrop/internal/atomicfile"
	"warpdrop/internal/codefile"
	"warpdrop/internal/show"
	"warpdrop/internal/table"
	"warpdrop/profile"
	"warpdrop/sim"
)

// report is what the user sees of a program's work: kernels by the time they took, at the end, and where a long launch
// stands.
type report struct {
	rows     map[rowKey]*row
	launches []Launch
	spans    []span
	dropped  int // launches and spans beyond what is kept
	copied   [3]uint64
	findings int
}

type rowKey struct {
	kernel, grid, block string
	functional          bool // launches for their values: they have no time
}

// row is the launches of a kernel with one shape.
type row struct {
	rowKey
	calls     int
	sampled   int // of them
	us        float64
	cycles    int64
	warps     int64 // warp instructions
	conflicts int64
	divergent int64
	stalls    map[string]int64
	wall      float64
	longest   *sim.Result // of the timed launches, where a page of each is asked for
}

// Launch is one launch as the JSON report writes it.
type Launch struct {
	Kernel      string  `json:"kernel"`
	Grid        string  `json:"grid"`
	Block       string  `json:"block"`
	Stream      uint64  `json:"stream"`   // 0 is the default stream
	StartUS     float64 `json:"start_us"` // modelled time since cuInit
	Functional  bool    `json:"functional,omitempty"`
	WarpInsts   int64   `json:"warp_instructions"`
	WallSeconds float64 `json:"wall_seconds"`
	*LaunchTime         // nil with Functional
}

// LaunchTime is what is known of a launch that is timed.
type LaunchTime struct {
	TimeUS    float64 `json:"time_us"` // launch overhead included
	Kernel    int64   `json:"kernel_cycles"`
	Cycles    int64   `json:"cycles_with_launch"`
	IPC       float64 `json:"ipc"`
	Conflicts int64   `json:"shared_bank_conflicts"`
	Divergent int64   `json:"divergent_branches"`
	DRAMBytes int64   `json:"dram_bytes"`
	// Sample says which blocks were timed; nil if all were.
	Sample *sim.Sample `json:"sample,omitempty"`
}

// span is something that takes time in a stream, for the trace.
type span struct {
	stream   uint64
	name     string
	from, us float64
	args     map[string]any
}

// maxRecords bounds the launches and spans that are kept one by one.
const maxRecords = 500_000

func (r *report) span(s *stream, name string, from, us float64, args map[string]any) {
	if len(r.spans) >= maxRecords {
		r.dropped++
		return
	}
	r.spans = append(r.spans, span{s.id, name, from, us, args})
}

func (r *report) copy(s *stream, w way, n uint64, from, us float64) {
	r.copied[w] += n
	r.span(s, [...]string{"copy to device", "copy to host", "copy on the device"}[w], from, us, map[string]any{"bytes": n})
}

func (r *report) launch(d *Driver, s *stream, l *launch, got *sim.Result, from float64) {
	key := rowKey{got.Kernel, got.Grid.String(), got.Block.String(), got.Functional}
	if r.rows == nil {
		r.rows = map[rowKey]*row{}
	}
	x := r.rows[key]
	if x == nil {
		x = &row{rowKey: key, stalls: map[string]int64{}}
		r.rows[key] = x
	}
	c := &got.Counters.SM
	x.calls++
	if got.Sample != nil {
		x.sampled++
	}
	x.us += got.TimeUS
	x.cycles += got.Cycles
	x.warps += c.WarpInstructions
	x.conflicts += c.SharedBankConflicts
	x.divergent += c.DivergentBranches
	x.wall += got.WallSeconds
	for reason, n := range got.Counters.WarpStalls() {
		x.stalls[reason] += n
	}
	if d.options.profiles() && !got.Functional && (x.longest == nil || got.Cycles > x.longest.Cycles) {
		x.longest = got
	}
	if d.options.JSON != "" {
		if len(r.launches) < maxRecords {
			x := Launch{Kernel: got.Kernel, Grid: key.grid, Block: key.block, Stream: s.id, StartUS: from,
				Functional: got.Functional, WarpInsts: c.WarpInstructions, WallSeconds: got.WallSeconds}
			if !got.Functional {
				x.LaunchTime = &LaunchTime{got.TimeUS, got.Cycles, got.Cycles + got.OverheadCycles, got.IPC(),
					c.SharedBankConflicts, c.DivergentBranches, got.Counters.Memory.DRAMBytes(), got.Sample}
			}
			r.launches = append(r.launches, x)
		} else {
			r.dropped++
		}
	}
	if d.options.Trace != "" && !got.Functional {
		r.span(s, got.Kernel, from, got.TimeUS, map[string]any{"grid": key.grid, "block": key.block,
			"kernel cycles": got.Cycles})
	}
}

// Looks at a launch that takes long: every so many windows, and what of a second is long.
const (
	windowsALook = 512
	longLaunch   = time.Second
)

// watch follows a launch: on a terminal a line says where a long one stands, and an interrupt (Ctrl-C) ends it. What it
// returns stops that, and if there was an interrupt returns what hands it on to the program.
func (r *report) watch(d *Driver, l *launch) (gocontext.Context, func() func()) {
	ctx, cancel := gocontext.WithCancel(gocontext.Background())
	began := time.Now()
	var (
		windows     int
		where       atomic.Pointer[sim.Progress]
		interrupts  chan os.Signal
		interrupted atomic.Bool
		shown       time.Time
		line        bool
	)
	err, isFile := d.options.Err.(*os.File)
	terminal := isFile && !d.options.Quiet && term.IsTerminal(int(err.Fd()))
	d.dev.Observe = func(p sim.Progress) {
		if windows++; windows%windowsALook != 0 {
			return
		}
		now := time.Now()
		if now.Sub(began) < longLaunch {
			return
		}
		where.Store(&p)
		if interrupts == nil {
			interrupts = make(chan os.Signal, 1)
			signal.Notify(interrupts, os.Interrupt)
			go func() {
				if _, ok := <-interrupts; ok {
					interrupted.Store(true)
					cancel()
				}
			}()
		}
		if terminal && now.Sub(shown) > longLaunch/4 {
			shown, line = now, true
			fmt.Fprintf(d.options.Err, "\rwarpdrop: %s %s x %s: %d of %d blocks, %s, %.0f s\x1b[K",
				show.Name(l.f.name), l.config.Grid, l.config.Block, p.Blocks, p.Total, d.reached(&p), now.Sub(began).Seconds())
		}
	}
	return ctx, func() func() {
		d.dev.Observe = nil
		cancel()
		if line {
			fmt.Fprint(d.options.Err, "\r\x1b[K")
		}
		if interrupts != nil {
			signal.Stop(interrupts)
			close(interrupts)
		}
		if !interrupted.Load() {
			return nil
		}
		p := where.Load()
		d.say("interrupted in kernel %s, grid %s, block %s: %s, %d of %d blocks had finished",
			show.Name(l.f.name), l.config.Grid, l.config.Block, d.reached(p), p.Blocks, p.Total)
		return interruptSelf
	}
}

// reached says how far a launch has come in time.
func (d *Driver) reached(p *sim.Progress) string {
	if d.dev.Functional {
		return "values only"
	}
	return fmt.Sprintf("%d cycles", p.Cycle)
}

// Close writes what was asked for; the program is about to end.
func (d *Driver) Close() error {
	for range 100 { // a thread of the program may still be in a call
		if d.mu.TryLock() {
			defer d.mu.Unlock()
			return d.write()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("a launch is still running: no report")
}

func (d *Driver) write() error {
	if !d.started {
		return nil
	}
	r := &d.report
	d.sayLeaks()
	if !d.options.Quiet && len(r.rows) > 0 {
		if err := d.table(d.options.Err); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{{d.options.JSON, d.json}, {d.options.Trace, d.trace}, {d.options.HTML, d.html}} {
		if f.path == "" {
			continue
		}
		if err := atomicfile.Through(f.path, f.write); err != nil {
			return err
		}
		if !d.options.Quiet {
			d.say("wrote %s", f.path)
		}
	}
	if d.options.Profile == "" {
		return nil
	}
	var launches []*profile.Page
	for _, x := range r.sorted() {
		if x.longest != nil {
			launches = append(launches, profile.New(x.longest, d.gpu))
		}
	}
	out := profile.Output{File: d.options.Profile, Several: true}
	return out.Write(d.options.Err, launches...)
}

// sorted is the rows, the one that took longest first.
func (r *report) sorted() []*row {
	return slices.SortedFunc(maps.Values(r.rows), func(a, b *row) int {
		switch {
		case a.us != b.us:
			if a.us > b.us {
				return -1
			}
			return 1
		}
		return strings.Compare(a.kernel+a.grid+a.block, b.kernel+b.grid+b.block)
	})
}

// tableRows bounds the table on the terminal.
const tableRows = 20

// topStall is what the warps of a row waited for most, with its share of all waiting.
func (x *row) topStall() string {
	var sum, most int64
	name := ""
	for _, reason := range slices.Sorted(maps.Keys(x.stalls)) {
		n := x.stalls[reason]
		sum += n
		if n > most {
			most, name = n, reason
		}
	}
	if most == 0 {
		return "-"
	}
	return fmt.Sprintf("%s %.0f %%", name, 100*float64(most)/float64(sum))
}

// totals sums up the rows, and counts the launches for their values.
func (r *report) totals() (t row, values int) {
	for _, x := range r.rows {
		t.calls += x.calls
		t.us += x.us
		t.cycles += x.cycles
		t.warps += x.warps
		t.conflicts += x.conflicts
		t.wall += x.wall
		t.sampled += x.sampled
		if x.functional {
			values += x.calls
		}
	}
	return t, values
}

// summary is the report's head in one line.
func (d *Driver) summary() string {
	t, values := d.report.totals()
	s := fmt.Sprintf("%s (%s, model %s): %d launches of %d kernels and shapes, %.1f us in kernels, %.1f us in copies; "+
		"%.1f s to simulate", d.gpu.Product, d.gpu.Name, sim.ModelVersion,
		t.calls, len(d.report.rows), t.us, d.clock.copies, t.wall)
	if t.sampled > 0 {
		s += fmt.Sprintf("; %d of the launches were sampled (~)", t.sampled)
	}
	if values > 0 {
		s += fmt.Sprintf("; %d of the launches ran for their values only and took no modelled time", values)
	}
	if d.jit.runs > 0 {
		s += fmt.Sprintf(", %d runs of ptxas in %.1f s", d.jit.runs, d.jit.seconds)
	}
	if d.report.findings > 0 {
		s += fmt.Sprintf("; %d launches with findings of --check", d.report.findings)
	}
	return s
}

// figures are a row's, as the table and the page show them.
type figures struct {
	Kernel, Grid, Block                                 string
	Calls                                               int
	Cycles, US, Share, IPC, Stall, Conflicts, Divergent string
	Bar                                                 int // share of the total in pixels
}

func (r *report) figures(x *row) figures {
	f := figures{Kernel: show.Name(codefile.Demangle(x.kernel)), Grid: x.grid, Block: x.block, Calls: x.calls}
	if x.functional {
		f.Cycles, f.US, f.Share, f.IPC, f.Stall, f.Conflicts, f.Divergent = "values only", "-", "-", "-", "-", "-", "-"
		return f
	}
	total, _ := r.totals()
	share := x.us / max(total.us, 1e-9)
	f.Cycles, f.US, f.Share, f.Bar = fmt.Sprint(x.cycles/int64(x.calls)), fmt.Sprintf("%.1f", x.us),
		fmt.Sprintf("%.1f %%", 100*share), int(120*share)
	if x.sampled > 0 {
		f.Cycles = "~" + f.Cycles
	}
	f.IPC, f.Stall = fmt.Sprintf("%.2f", float64(x.warps)/float64(max(x.cycles, 1))), x.topStall()
	f.Conflicts, f.Divergent = fmt.Sprint(x.conflicts), fmt.Sprint(x.divergent)
	return f
}

func (d *Driver) table(w io.Writer) error {
	fmt.Fprintf(w, "warpdrop: %s\n", d.summary())
	t := table.New(w, table.Width(w), "kernel", "grid", "block", "calls", "kernel cycles a call", "us in all", "share", "IPC",
		"waits most for", "conflicts")
	rows := d.report.sorted()
	for _, x := range rows[:min(tableRows, len(rows))] {
		f := d.report.figures(x)
		t.Add(shorten(f.Kernel, 44), f.Grid, f.Block, f.Calls, f.Cycles, f.US, f.Share, f.IPC, f.Stall, f.Conflicts)
	}
	if err := t.Render(); err != nil {
		return err
	}
	if n := len(rows) - tableRows; n > 0 {
		fmt.Fprintf(w, "warpdrop: and %d more; WARPDROP_JSON=FILE lists every launch\n", n)
	}
	return nil
}

// shorten cuts a name in the middle: both ends tell kernels apart.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n/2-1]) + "…" + string(r[len(r)-(n-n/2):])
}

// json writes every launch.
func (d *Driver) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	launches := d.report.launches
	if launches == nil {
		launches = []Launch{}
	}
	return e.Encode(map[string]any{"gpu": d.gpu.Name, "preset": d.gpu.Hash(), "model": sim.ModelVersion,
		"core_mhz": d.gpu.CoreMHz, "copies_us": d.clock.copies, "bytes_to_device": d.report.copied[toDevice],
		"bytes_to_host": d.report.copied[toHost], "not_kept": d.report.dropped, "launches": launches})
}

// trace writes the Trace Event Format: a track a stream, for ui.perfetto.dev.
func (d *Driver) trace(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")
	first := true
	event := func(v map[string]any) error {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		out.WriteByte('\n')
		_, err = out.Write(data)
		return err
	}
	names := map[uint64]bool{}
	if err := event(map[string]any{"name": "process_name", "ph": "M", "pid": 1, "tid": 0,
		"args": map[string]any{"name": d.gpu.Product}}); err != nil {
		return err
	}
	for _, s := range d.report.spans {
		if !names[s.stream] {
			names[s.stream] = true
			name := fmt.Sprintf("stream %d", s.stream)
			if s.stream == 0 {
				name = "default stream"
			}
			if err := event(map[string]any{"name": "thread_name", "ph": "M", "pid": 1, "tid": s.stream,
				"args": map[string]any{"name": name}}); err != nil {
				return err
			}
		}
		if err := event(map[string]any{"name": s.name, "ph": "X", "ts": s.from, "dur": s.us, "pid": 1, "tid": s.stream,
			"args": s.args}); err != nil {
			return err
		}
	}
	fmt.Fprint(out, "\n]}\n")
	return out.Flush()
}
