package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"warpdrop/experiments"
)

// progress shows how a run goes on: a bar with the time left on a terminal, a line a point elsewhere.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	bar   *progressbar.ProgressBar
	work  map[string]float64 // estimated seconds of one processor, of each point that is not done
	kind  map[string]string  // of each of them
	share map[string]float64 // done of each point under way
	took  map[string]float64 // seconds of one processor that finished points took, by kind …
	guess map[string]float64 // … and what was estimated for them
	count int
	every time.Duration // of lines off a terminal, at least
	said  time.Time     // when the last of them was printed
	had   int           // points that are stored already and were not said yet
	of    int
}

// barUnits is the length of the bar in its own units.
const barUnits = 10_000

// newProgress follows the points of a plan.
func newProgress(out io.Writer, plan *experiments.Plan) *progress {
	p := &progress{out: out, work: map[string]float64{}, kind: map[string]string{}, share: map[string]float64{},
		took: map[string]float64{}, guess: map[string]float64{}, of: len(plan.Points), every: 3 * time.Second}
	for _, l := range plan.Points {
		if !l.Stored {
			p.work[l.Point.Hash] = max(l.Seconds, 1e-9)
			p.kind[l.Point.Hash] = l.Point.Spec.Kind()
		}
	}
	if isTerminal(out) && len(p.work) > 0 {
		p.bar = progressbar.NewOptions(barUnits, progressbar.OptionSetWriter(raw(out)),
			progressbar.OptionSetPredictTime(false), progressbar.OptionFullWidth(), progressbar.OptionSetElapsedTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetDescription("points"))
	}
	return p
}

// quiet tells whether a line off a terminal would come too soon after the one before; if not, it counts as printed.
func (p *progress) quiet() bool {
	if p.bar != nil {
		return false
	}
	if now := time.Now(); now.Sub(p.said) >= p.every {
		p.said = now
		return false
	}
	return true
}

// stored says how many points are stored already, once.
func (p *progress) stored() {
	if p.had > 0 && p.bar == nil {
		p.line("[%d/%d] %d stored already", p.count, p.of, p.had)
	}
	p.had = 0
}

// line prints one line, above the bar where there is one.
func (p *progress) line(format string, args ...any) {
	if p.bar != nil {
		p.bar.Clear()
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}

// remaining is the processor time that is left, from the estimates as the finished points of each kind correct them.
func (p *progress) remaining() (seconds float64) {
	for hash, work := range p.work {
		if kind := p.kind[hash]; p.guess[kind] > 0 {
			work *= p.took[kind] / p.guess[kind]
		}
		seconds += work * (1 - p.share[hash])
	}
	return seconds
}

// spent is the processor time of what is done.
func (p *progress) spent() (seconds float64) {
	for hash, share := range p.share {
		seconds += share * p.work[hash]
	}
	for _, took := range p.took {
		seconds += took
	}
	return seconds
}

// left is the time that the rest will take.
func (p *progress) left() string {
	if len(p.took) == 0 {
		return "time left not known yet"
	}
	left := time.Duration(p.remaining() / float64(runtime.GOMAXPROCS(0)) * float64(time.Second))
	return "about " + left.Round(time.Second).String() + " left"
}

// now is the processor time of what is done and of what is left, and the time left for people.
func (p *progress) now() (spent, remaining float64, left string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spent(), p.remaining(), p.left()
}

func (p *progress) notify(e experiments.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hash := e.Point.Hash
	label := experiments.Label(e.Point.Spec)
	switch e.Kind {
	case experiments.Cached:
		p.count++
		p.finish(hash)
		p.had++
	case experiments.Started:
		p.stored()
		if p.bar == nil && !p.quiet() {
			p.line("[%d/%d] started: %s", p.count, p.of, label)
		}
	case experiments.Waiting:
		p.line("waiting for another process that has it under way: %s", label)
	case experiments.Progress:
		p.share[hash] = e.Share
	case experiments.Finished:
		p.count++
		took := e.Seconds * float64(max(e.Threads, 1))
		p.took[p.kind[hash]] += took
		p.guess[p.kind[hash]] += p.work[hash]
		p.finish(hash)
		if !p.quiet() || p.count == p.of {
			p.line("[%d/%d] %s: %.1f s, %s", p.count, p.of, label, e.Seconds, p.left())
		}
	case experiments.Failed:
		p.finish(hash)
		p.line("failed: %s: %v", label, e.Err)
	case experiments.SetAside:
		p.line("%v; set aside as %s and run again", e.Err, e.Path)
	}
	if p.bar != nil {
		spent, left := p.spent(), p.remaining()
		p.bar.Describe(fmt.Sprintf("[%d/%d] %s", p.count, p.of, p.left()))
		p.bar.Set(int(barUnits * spent / max(spent+left, 1e-9)))
	}
}

func (p *progress) finish(hash string) {
	delete(p.work, hash)
	delete(p.share, hash)
}

// close ends the bar.
func (p *progress) close() {
	p.stored()
	if p.bar != nil {
		p.bar.Clear()
	}
}
