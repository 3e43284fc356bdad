package main

import (
	_ "embed"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"warpdrop/experiments"
	"warpdrop/plots"
)

//go:embed watch.html
var watchHTML []byte

// watchPage shows in a browser how a run goes on: points, what is done of each, and the curves of trainings.
type watchPage struct {
	mu    sync.Mutex
	bar   *progress
	state watchState
	at    map[string]int // index of a point, by its hash
	serve *http.Server
}

// watchState is what the page asks for every second.
type watchState struct {
	Title  string         `json:"title"`
	Report string         `json:"report"` // where it will be
	Done   int            `json:"done"`   // points
	Share  float64        `json:"share"`  // of the run's work, 0 to 1
	Left   string         `json:"left"`   // time, for people
	Points []watchedPoint `json:"points"`
}

type watchedPoint struct {
	Label   string                   `json:"label"`
	State   string                   `json:"state"` // waiting, running, done, stored or failed
	Share   float64                  `json:"share"` // done, 0 to 1
	Seconds float64                  `json:"seconds,omitempty"`
	Error   string                   `json:"error,omitempty"`
	Trace   []experiments.TracePoint `json:"trace,omitempty"` // of a training: an epoch each
}

// newWatchPage serves the page of a run on a free port of this machine's own address, until it is closed.
func newWatchPage(title, report string, points []experiments.Point, bar *progress) (w *watchPage, url string, err error) {
	w = &watchPage{bar: bar, state: watchState{Title: title, Report: report, Points: []watchedPoint{}},
		at: map[string]int{}}
	for i, p := range points {
		w.at[p.Hash] = i
		w.state.Points = append(w.state.Points, watchedPoint{Label: experiments.Label(p.Spec), State: "waiting"})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	w.serve = &http.Server{Handler: w.handler(), ReadHeaderTimeout: 10 * time.Second}
	go w.serve.Serve(listener)
	return w, "http://" + listener.Addr().String(), nil
}

func (w *watchPage) handler() http.Handler {
	mux := http.NewServeMux()
	page := func(path, kind string, body func() []byte) {
		mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", kind)
			rw.Header().Set("Cache-Control", "no-store")
			rw.Write(body())
		})
	}
	page("/{$}", "text/html; charset=utf-8", func() []byte { return watchHTML })
	page("/echarts.js", "text/javascript; charset=utf-8", func() []byte { return []byte(plots.ChartLibrary()) })
	page("/state", "application/json", w.json)
	return mux
}

func (w *watchPage) json() []byte {
	spent, left, text := w.bar.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.Share, w.state.Left = spent/max(spent+left, 1e-9), text
	data, err := json.Marshal(w.state)
	if err != nil {
		panic(err) // numbers of trainings are finite: another is how one diverges
	}
	return data
}

// notify notes what happens to a point.
func (w *watchPage) notify(e experiments.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, ok := w.at[e.Point.Hash]
	if !ok {
		return
	}
	p := &w.state.Points[i]
	switch e.Kind {
	case experiments.Cached:
		p.State, p.Share = "stored", 1
		w.state.Done++
	case experiments.Started:
		p.State = "running"
	case experiments.Progress:
		p.Share = e.Share
	case experiments.Finished:
		p.State, p.Share, p.Seconds = "done", 1, e.Seconds
		w.state.Done++
	case experiments.Failed:
		p.State, p.Error = "failed", e.Err.Error()
	}
}

// curve notes the epochs of a training.
func (w *watchPage) curve(hash string, trace []experiments.TracePoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, ok := w.at[hash]; ok {
		w.state.Points[i].Trace = trace
	}
}

// close ends the page; who has it open is told that the run has ended.
func (w *watchPage) close() { w.serve.Close() }
