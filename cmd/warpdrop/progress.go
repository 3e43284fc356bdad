package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"warpdrop/experiments"
)

// isTerminal tells whether w is a terminal that a bar can be drawn on.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress shows how a run goes on: a bar with the time left on a terminal, a line a point elsewhere.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	bar   *progressbar.ProgressBar
	start time.Time
	work  map[string]float64 // of each point that was not stored
	share map[string]float64 // of each point under way
	total float64
	done  float64
	count int
	of    int
}

// barUnits is the length of the bar in its own units.
const barUnits = 10_000

// newProgress follows the points of a plan.
func newProgress(out io.Writer, plan *experiments.Plan) *progress {
	p := &progress{out: out, start: time.Now(), work: map[string]float64{}, share: map[string]float64{}, of: len(plan.Points)}
	for _, l := range plan.Points {
		if !l.Stored {
			p.work[l.Point.Hash] = max(l.Seconds, 1e-9)
			p.total += max(l.Seconds, 1e-9)
		}
	}
	if isTerminal(out) && p.total > 0 {
		p.bar = progressbar.NewOptions(barUnits, progressbar.OptionSetWriter(out), progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(),
			progressbar.OptionSetElapsedTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("points"))
	}
	return p
}

// line prints one line, above the bar where there is one.
func (p *progress) line(format string, args ...any) {
	if p.bar != nil {
		p.bar.Clear()
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}

// left is the time that the rest will take at the pace so far.
func (p *progress) left() string {
	done := p.done
	for hash, share := range p.share {
		done += share * p.work[hash]
	}
	if done <= 0 || p.total <= 0 {
		return "time left not known yet"
	}
	left := time.Duration(float64(time.Since(p.start)) * (p.total - done) / done)
	return "about " + left.Round(time.Second).String() + " left"
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
		if p.bar == nil {
			p.line("[%d/%d] stored already: %s", p.count, p.of, label)
		}
	case experiments.Started:
		if p.bar != nil {
			p.bar.Describe(fmt.Sprintf("[%d/%d] %s", p.count, p.of, label))
		} else {
			p.line("[%d/%d] started: %s", p.count, p.of, label)
		}
	case experiments.Progress:
		p.share[hash] = e.Share
	case experiments.Finished:
		p.count++
		p.finish(hash)
		p.line("[%d/%d] %s: %.1f s, %s", p.count, p.of, label, e.Seconds, p.left())
	case experiments.Failed:
		p.finish(hash)
		p.line("failed: %s: %v", label, e.Err)
	case experiments.SetAside:
		p.line("%v; set aside as %s and run again", e.Err, e.Path)
	}
	if p.bar != nil {
		done := p.done
		for h, share := range p.share {
			done += share * p.work[h]
		}
		p.bar.Set(int(barUnits * done / p.total))
	}
}

func (p *progress) finish(hash string) {
	p.done += p.work[hash]
	delete(p.work, hash)
	delete(p.share, hash)
}

// close ends the bar.
func (p *progress) close() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
