package main

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"warpdrop/experiments"
)

func TestProgressLinesOffTerminals(t *testing.T) {
	point := func(hash string) experiments.Point {
		return experiments.Point{Hash: hash, Spec: experiments.Search{Rate: 0.5, Search: "sgd"}}
	}
	plan := &experiments.Plan{Points: []experiments.Planned{
		{Point: point("a"), Stored: true, Seconds: 1}, {Point: point("b"), Seconds: 10}, {Point: point("c"), Seconds: 10},
		{Point: point("d"), Seconds: 20},
	}}
	var out bytes.Buffer
	p := newProgress(&out, plan)
	p.notify(experiments.Event{Kind: experiments.Cached, Point: point("a")})
	p.notify(experiments.Event{Kind: experiments.Started, Point: point("b")})
	// b took three times the estimate: c and d, of the same kind, will take 90 s of one processor, less the half of c.
	p.notify(experiments.Event{Kind: experiments.Progress, Point: point("c"), Share: 0.5})
	p.notify(experiments.Event{Kind: experiments.Finished, Point: point("b"),
		Seconds: float64(30) / float64(runtime.GOMAXPROCS(0)), Threads: runtime.GOMAXPROCS(0)})
	if got := p.remaining(); got < 74.9 || got > 75.1 {
		t.Errorf("%v s of one processor remain, want 3 x (10/2 + 20)", got)
	}
	p.notify(experiments.Event{Kind: experiments.Failed, Point: point("c"), Err: errors.New("broken")})
	p.notify(experiments.Event{Kind: experiments.Finished, Point: point("d"), Seconds: 60})
	p.close()
	for _, want := range []string{"[1/4] stored already", "[1/4] started", "[2/4] search sgd rate=0.5: ",
		" left\n", "failed: search sgd rate=0.5: broken", "about 0s left"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("progress lacks %q:\n%s", want, &out)
		}
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("control characters off a terminal: %q", &out)
	}
}
